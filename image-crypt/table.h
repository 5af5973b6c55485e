/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of texts for a terminal: columns as wide as their widest cell and right-aligned, three spaces between them,
 * as ctr prints its own.
 *
 * Bounds: TABLE_COLUMNS columns. Ownership: cells are copied.
 */
#ifndef COCOON_IMAGE_CRYPT_TABLE_H
#define COCOON_IMAGE_CRYPT_TABLE_H

#include <stddef.h>

struct buf;

#define TABLE_COLUMNS 8

struct table {
	size_t columns;
	char **cells; /* row by row */
	size_t count; /* of cells */
};

/* The next cell, from left to right and then in the next row. */
void table_add(struct table *table, const char *cell) __attribute__((nonnull));
void table_format(const struct table *table, struct buf *out) __attribute__((nonnull));
void table_clear(struct table *table) __attribute__((nonnull));
#define auto_table __attribute__((cleanup(table_clear)))

#endif
