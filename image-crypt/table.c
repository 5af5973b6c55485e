/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/table.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define GAP 3

void table_add(struct table *table, const char *cell)
{
	table->cells = xreallocarray(table->cells, table->count + 1, sizeof(*table->cells));
	table->cells[table->count++] = xstrdup(cell);
}

void table_format(const struct table *table, struct buf *out)
{
	size_t widths[TABLE_COLUMNS] = { 0 };

	assert(table->columns <= TABLE_COLUMNS);
	for (size_t i = 0; i < table->count; i++) {
		size_t len = strlen(table->cells[i]), column = i % table->columns;
		if (len > widths[column])
			widths[column] = len;
	}
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;
		buf_printf(out, "%*s%s", (int)(widths[column] + (column ? GAP : 0)), table->cells[i],
				column + 1 == table->columns ? "\n" : "");
	}
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->count = 0;
}
