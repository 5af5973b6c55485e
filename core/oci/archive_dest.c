/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci-archive: an OCI layout in a tar file, written. Sizes are known beforehand, so every blob takes its part of one
 * file (head, bytes, padding) when it begins, and several writers fill theirs at once. What a writer gave up, and what
 * two wrote alike, is closed up at the commit; then index.json follows, and the file gets its name.
 *
 * The file beside the target, TARGET.cocoon-partial, is locked while it is written; one that a killed run left is
 * taken over. An archive holds one image: an older one is replaced, with its mode.
 *
 * Threads: joined dests share the struct archive_file, of which they change `end` and `parts`, atomically.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "oci/refs.h"
#include "oci/spool.h"
#include "oci/tar.h"
#include "oci/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PARTIAL   ".cocoon-partial"
#define MARK_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define MOVE_SIZE (1024 * 1024)

/* A complete blob. */
struct part {
	struct part *next;
	uint64_t offset, size; /* of the head; of the bytes */
	char digest[OCI_DIGEST_MAX];
};

struct archive_file {
	int fd;
	char *text, *target, *partial;
	_Atomic uint64_t end;
	struct part *_Atomic parts;
};

struct archive_dest {
	struct oci_dest dest;
	struct archive_file *file;
	bool first; /* owns the file */
	char *tag;
	/* what the tag will name */
	char type[256];
	char digest[OCI_DIGEST_MAX];
	uint64_t size;
};

static int write_at(
		const struct archive_file *file, const void *bytes, size_t len, uint64_t at, struct err *err)
{
	return spool_write_at(file->fd, file->text, span_new(bytes, len), at, err);
}

/* "blobs/sha256/HEX" of a digest. */
static void name_blob(const char *digest, char out[static TAR_NAME_MAX])
{
	snprintf(out, TAR_NAME_MAX, "blobs/%.6s/%s", digest, digest + 7);
}

/* ---- a blob's writer ----------------------------------------------------------------------------------- */

struct part_writer {
	struct oci_writer writer;
	struct archive_file *file;
	uint64_t offset; /* of the head */
	struct spool spool;
};

static int part_feed(struct stream *self, struct span bytes, struct err *err)
{
	return spool_feed(&((struct part_writer *)self)->spool, bytes, err);
}

static int part_done(struct stream *self, struct err *err)
{
	(void)self;
	(void)err;
	return 0;
}

static int part_commit(struct oci_writer *self, const char *digest, struct err *err)
{
	struct part_writer *part = (struct part_writer *)self;
	unsigned char head[TAR_HEAD];
	char name[TAR_NAME_MAX];

	if (spool_check(&part->spool, digest, err) < 0)
		return -1;
	name_blob(digest, name);
	tar_head(name, part->spool.size, head);
	if (write_at(part->file, head, sizeof(head), part->offset, err) < 0)
		return -1;
	struct part *made = xcalloc(1, sizeof(*made));
	made->offset = part->offset;
	made->size = part->spool.size;
	snprintf(made->digest, sizeof(made->digest), "%s", digest);
	made->next = atomic_load(&part->file->parts);
	while (!atomic_compare_exchange_weak(&part->file->parts, &made->next, made))
		;
	return 0;
}

static void part_free(struct oci_writer *self)
{
	free(self);
}

static int archive_writer(struct oci_dest *self, uint64_t size, struct oci_writer **out, struct err *err)
{
	struct archive_file *file = ((struct archive_dest *)self)->file;
	uint64_t offset = atomic_fetch_add(&file->end, TAR_HEAD + tar_padded(size));
	struct spool spool;

	if (spool_init(&spool, file->fd, offset + TAR_HEAD, size, file->text, err) < 0)
		return -1;
	struct part_writer *part = xcalloc(1, sizeof(*part));
	part->writer.stream.feed = part_feed;
	part->writer.stream.done = part_done;
	part->writer.commit = part_commit;
	part->writer.free = part_free;
	part->file = file;
	part->offset = offset;
	part->spool = spool;
	*out = &part->writer;
	return 0;
}

static int archive_has(struct oci_dest *self, const struct oci_descriptor *blob, bool *has, struct err *err)
{
	const struct part *part = atomic_load(&((struct archive_dest *)self)->file->parts);

	(void)err;
	while (part && (part->size != blob->size || strcmp(part->digest, blob->digest) != 0))
		part = part->next;
	*has = part;
	return 0;
}

static int archive_put(struct oci_dest *self, struct span bytes, const char *media_type, bool root,
		char *digest, struct err *err)
{
	struct archive_dest *dest = (struct archive_dest *)self;
	auto_oci_writer struct oci_writer *writer = NULL;

	oci_digest_of(bytes, digest);
	if (archive_writer(self, bytes.len, &writer, err) < 0 ||
			stream_feed(&writer->stream, bytes, err) < 0 ||
			writer->commit(writer, digest, err) < 0)
		return -1;
	if (!root)
		return 0;
	snprintf(dest->type, sizeof(dest->type), "%s", media_type);
	snprintf(dest->digest, sizeof(dest->digest), "%s", digest);
	dest->size = bytes.len;
	return 0;
}

/* ---- the commit ---------------------------------------------------------------------------------------- */

static int write_padding(const struct archive_file *file, uint64_t size, uint64_t end, struct err *err)
{
	static const char zeros[TAR_BLOCK];

	return write_at(file, zeros, (size_t)(tar_padded(size) - size), end, err);
}

/* Towards the front, so that what is overwritten was read before. */
static int move_down(
		const struct archive_file *file, uint64_t from, uint64_t to, uint64_t len, struct err *err)
{
	auto_free char *bytes = xmalloc(MOVE_SIZE);

	while (len) {
		ssize_t n = pread(file->fd, bytes, len < MOVE_SIZE ? (size_t)len : MOVE_SIZE, (off_t)from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_IO, "%s: reading '%s'", file->text, file->partial);
		if (!n)
			return err_set(err, ERR_IO, "%s: '%s' was cut by somebody else", file->text,
					file->partial);
		if (write_at(file, bytes, (size_t)n, to, err) < 0)
			return -1;
		from += (uint64_t)n;
		to += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int move_part(const struct archive_file *file, const struct part *part, uint64_t to, struct err *err)
{
	uint64_t len = TAR_HEAD + part->size;

	if (move_down(file, part->offset, to, len, err) < 0)
		return -1;
	return write_padding(file, part->size, to + len, err);
}

static int by_offset(const void *a, const void *b)
{
	uint64_t x = (*(const struct part *const *)a)->offset, y = (*(const struct part *const *)b)->offset;

	return x < y ? -1 : x > y;
}

static bool is_repeated(struct part *const *parts, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(parts[k]->digest, parts[i]->digest))
			return true;
	return false;
}

/* Closes the gaps; *end is where the last part ends then. */
static int close_up(const struct archive_file *file, uint64_t *end, struct err *err)
{
	struct part *part = atomic_load(&file->parts);
	auto_free struct part **parts = NULL;
	size_t count = 0;

	for (; part; part = part->next) {
		parts = xreallocarray(parts, count + 1, sizeof(struct part *));
		parts[count++] = part;
	}
	if (count)
		qsort(parts, count, sizeof(struct part *), by_offset);
	*end = 0;
	for (size_t i = 0; i < count; i++) {
		if (is_repeated(parts, i))
			continue;
		if (parts[i]->offset != *end && move_part(file, parts[i], *end, err) < 0)
			return -1;
		*end += TAR_HEAD + tar_padded(parts[i]->size);
	}
	return 0;
}

/* One more file at *end, all of it. */
static int append(const struct archive_file *file, const char *name, struct span bytes, uint64_t *end,
		struct err *err)
{
	unsigned char head[TAR_HEAD];

	tar_head(name, bytes.len, head);
	if (write_at(file, head, sizeof(head), *end, err) < 0 ||
			write_at(file, bytes.ptr, bytes.len, *end + TAR_HEAD, err) < 0 ||
			write_padding(file, bytes.len, *end + TAR_HEAD + bytes.len, err) < 0)
		return -1;
	*end += TAR_HEAD + tar_padded(bytes.len);
	return 0;
}

static int finish(const struct archive_dest *dest, struct err *err)
{
	static const char zeros[TAR_END];
	const struct archive_file *file = dest->file;
	auto_buf struct buf index = BUF_MAX(OCI_MANIFEST_MAX);
	uint64_t end = 0;

	if (refs_put(SPAN_NONE, dest->tag, dest->type, dest->digest, dest->size, &index, err) < 0)
		return err_wrap(err, "%s", file->text);
	if (close_up(file, &end, err) < 0 || append(file, "oci-layout", SPAN_LIT(MARK_TEXT), &end, err) < 0 ||
			append(file, "index.json", buf_span(&index), &end, err) < 0 ||
			write_at(file, zeros, sizeof(zeros), end, err) < 0)
		return -1;
	if (ftruncate(file->fd, (off_t)(end + sizeof(zeros))) < 0 || fsync(file->fd) < 0)
		return err_errno(err, ERR_IO, "%s: writing out '%s'", file->text, file->partial);
	return 0;
}

/* Who replaces a file must not widen who may read it. */
static int take_name(struct archive_file *file, struct err *err)
{
	struct stat old;

	if (stat(file->target, &old) == 0 && fchmod(file->fd, old.st_mode & 0777) < 0)
		return err_errno(err, ERR_IO, "%s: keeping the mode", file->text);
	if (rename(file->partial, file->target) < 0)
		return err_errno(err, ERR_IO, "%s: naming '%s'", file->text, file->target);
	free(take(&file->partial));
	const char *slash = strrchr(file->target, '/');
	auto_free char *folder =
			slash ? xmemdup0(file->target, (size_t)(slash - file->target) + 1) : xstrdup(".");
	auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* file systems without folders that can be synced say EINVAL */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return err_errno(err, ERR_IO, "%s: syncing the folder", file->text);
	return 0;
}

static int archive_commit(struct oci_dest *self, struct err *err)
{
	struct archive_dest *dest = (struct archive_dest *)self;

	if (!*dest->digest || !dest->file->partial)
		return err_set(err, ERR_BUG, "%s: committed without an image, or twice", dest->file->text);
	return finish(dest, err) < 0 ? -1 : take_name(dest->file, err);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void file_free(struct archive_file *file)
{
	struct part *part = atomic_load(&file->parts);

	while (part) {
		struct part *next = part->next;
		free(part);
		part = next;
	}
	if (file->partial && file->fd >= 0)
		unlink(file->partial);
	own_close(&file->fd);
	free(file->text);
	free(file->target);
	free(file->partial);
	free(file);
}

static void archive_dest_free(struct oci_dest *self)
{
	struct archive_dest *dest = (struct archive_dest *)self;

	if (dest->first)
		file_free(dest->file);
	free(dest->tag);
	free(dest);
}

static struct archive_dest *archive_dest_new(struct archive_file *file, const char *tag);

static int archive_join(struct oci_dest *first, struct oci_dest **out, struct err *err)
{
	const struct archive_dest *dest = (const struct archive_dest *)first;

	(void)err;
	*out = &archive_dest_new(dest->file, dest->tag)->dest;
	return 0;
}

static struct archive_dest *archive_dest_new(struct archive_file *file, const char *tag)
{
	static const struct oci_dest_ops ops = {
		.join = archive_join,
		.has = archive_has,
		.blob = archive_writer,
		.manifest = archive_put,
		.commit = archive_commit,
		.free = archive_dest_free,
	};
	struct archive_dest *dest = xcalloc(1, sizeof(*dest));

	dest->dest.ops = &ops;
	dest->file = file;
	dest->tag = xstrdup(tag);
	return dest;
}

/* Ours alone: locked, and still what the name means once it is. In a folder that all may write to, somebody else could
 * have put the file there, and would read or change what we write. */
static int claim(int fd, const char *partial, struct err *err)
{
	struct stat held, named;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_RETRY, "another program is writing '%s'", partial);
	if (fstat(fd, &held) < 0 || lstat(partial, &named) < 0 || held.st_ino != named.st_ino ||
			held.st_dev != named.st_dev)
		return err_set(err, ERR_RETRY, "another program has just written '%s'", partial);
	if (!S_ISREG(held.st_mode) || held.st_nlink != 1 || held.st_uid != geteuid())
		return err_set(err, ERR_DENIED, "'%s' is somebody else's; remove it", partial);
	if (ftruncate(fd, 0) < 0)
		return err_errno(err, ERR_IO, "emptying '%s'", partial);
	return 0;
}

static int open_partial(struct archive_file *file, const char *path, struct err *err)
{
	struct stat old;

	/* a link to a file stays, and the file is replaced */
	char *real = realpath(path, NULL);
	file->target = real ? real : xstrdup(path);
	if (stat(file->target, &old) == 0 && !S_ISREG(old.st_mode))
		return err_set(err, ERR_USAGE, "is there and no file%s",
				S_ISDIR(old.st_mode) ? ": a folder is named by oci:" : "");
	auto_free char *partial = xasprintf("%s" PARTIAL, file->target);
	auto_fd int fd = open(partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, ERR_IO, "making '%s'", partial);
	if (claim(fd, partial, err) < 0)
		return -1;
	file->partial = take(&partial);
	file->fd = take_fd(&fd);
	return 0;
}

int oci_archive_dest(const struct oci_place *place, struct oci_dest **out, struct err *err)
{
	struct archive_file *file = xcalloc(1, sizeof(*file));

	file->fd = -1;
	file->text = xstrdup(place->text);
	if (open_partial(file, place->path, err) < 0) {
		file_free(file);
		return err_wrap(err, "%s", place->text);
	}
	struct archive_dest *dest = archive_dest_new(file, place->tag);
	dest->first = true;
	*out = &dest->dest;
	return 0;
}
