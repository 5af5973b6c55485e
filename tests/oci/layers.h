/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers made for a test: a list of entries in their order, packed by libarchive.
 *
 *     static const struct item items[] = { { 'd', "etc", NULL }, { 'f', "etc/passwd", "root:x:0:0::/root:/bin/sh\n" } };
 */
#ifndef COCOON_TESTS_OCI_LAYERS_H
#define COCOON_TESTS_OCI_LAYERS_H

#include "base/buf.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct item {
	char kind; /* f file, d folder, h hard link, s symbolic link, p pipe; 0: the list's end */
	const char *path;
	const char *more; /* text, or where it leads to */
};

static inline unsigned layers_mode(char kind)
{
	switch (kind) {
	case 'd':
		return AE_IFDIR | 0755;
	case 's':
		return AE_IFLNK | 0777;
	case 'p':
		return AE_IFIFO | 0644;
	default:
		return AE_IFREG | 0644;
	}
}

static inline void layers_add(struct archive *tar, const struct item *item)
{
	struct archive_entry *entry = archive_entry_new();
	size_t len = item->kind == 'f' && item->more ? strlen(item->more) : 0;

	archive_entry_set_pathname(entry, item->path);
	archive_entry_set_mode(entry, layers_mode(item->kind));
	archive_entry_set_size(entry, (int64_t)len);
	if (item->kind == 'h')
		archive_entry_set_hardlink(entry, item->more);
	if (item->kind == 's')
		archive_entry_set_symlink(entry, item->more);
	assert_true(archive_write_header(tar, entry) >= ARCHIVE_WARN);
	if (len)
		assert_int_equal(archive_write_data(tar, item->more, len), len);
	archive_entry_free(entry);
}

static inline la_ssize_t layers_write(struct archive *tar, void *ctx, const void *bytes, size_t len)
{
	(void)tar;
	buf_add(ctx, bytes, len);
	return (la_ssize_t)len;
}

/* `filter` is ARCHIVE_FILTER_GZIP, _ZSTD or _NONE; appends. */
static inline void layers_pack(const struct item *items, int filter, struct buf *out)
{
	struct archive *tar = archive_write_new();

	archive_write_set_format_pax_restricted(tar);
	archive_write_set_bytes_in_last_block(tar, 1);
	if (filter != ARCHIVE_FILTER_NONE)
		assert_int_equal(archive_write_add_filter(tar, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_open(tar, out, NULL, layers_write, NULL), ARCHIVE_OK);
	for (; items->kind; items++)
		layers_add(tar, items);
	assert_int_equal(archive_write_close(tar), ARCHIVE_OK);
	archive_write_free(tar);
	assert_false(out->over);
}

#endif
