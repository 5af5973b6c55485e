/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/folder.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "oci/folder_own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define LOCK_STEP_MS 20
#define JOIN_TRIES   16

static int failed(const struct folder *folder, const char *what, const char *name, struct err *err)
{
	enum err_kind kind = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
			: errno == ELOOP                         ? ERR_FORMAT
								 : ERR_IO;

	err_errno(err, kind, "%s: %s '%s'", folder->text, what, name);
	return -1;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

int folder_open(const struct oci_place *place, const struct folder_form *form, struct folder *out,
		struct err *err)
{
	auto_folder struct folder found = FOLDER_NONE;

	found.form = form;
	found.text = xstrdup(place->text);
	found.root = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (found.root < 0)
		return failed(&found, "opening the folder", place->path, err);
	*out = found;
	found = (struct folder)FOLDER_NONE;
	return 0;
}

void folder_clear(struct folder *folder)
{
	int saved = errno;

	undo_all(folder);
	errno = saved;
	free(folder->path);
	own_close(&folder->mark);
	own_close(&folder->root);
	free(folder->text);
	*folder = (struct folder)FOLDER_NONE;
}

/* The folder and those above it; *made tells whether the folder itself was not there. */
static int make_path(const char *path, const struct folder *folder, bool *made, struct err *err)
{
	auto_free char *copy = xstrdup(path);

	for (char *at = copy + 1; *copy; at++) {
		char c = *at;
		if (c && c != '/')
			continue;
		*at = '\0';
		*made = mkdir(copy, 0755) == 0;
		if (!*made && errno != EEXIST)
			return failed(folder, "making the folder", copy, err);
		*at = c;
		if (!c)
			break;
	}
	return 0;
}

static int open_mark(struct folder *folder, struct err *err)
{
	folder->mark = openat(folder->root, folder->form->mark, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (folder->mark < 0)
		return failed(folder, "opening", folder->form->mark, err);
	return 0;
}

int folder_remove(const struct folder *folder, bool (*gone)(const char *name, void *ctx), void *ctx,
		struct err *err)
{
	int fd = openat(folder->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int status = 0;

	if (!dir) {
		own_close(&fd);
		return failed(folder, "reading the folder", ".", err);
	}
	while (!status && (entry = readdir(dir)))
		if (gone(entry->d_name, ctx) && unlinkat(folder->root, entry->d_name, 0) < 0 &&
				errno != ENOENT)
			status = failed(folder, "removing", entry->d_name, err);
	closedir(dir);
	return status;
}

static bool is_temporary(const char *name)
{
	return !strncmp(name, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1);
}

/* What nobody holds any more was left by a writer that is dead. */
static bool is_stale(const char *name, void *ctx)
{
	const struct folder *folder = ctx;

	if (!is_temporary(name))
		return false;
	auto_fd int fd = openat(folder->root, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Removes nothing: says in *ctx whether there is anything that is not ours. */
static bool find_foreign(const char *name, void *ctx)
{
	bool *found = ctx;

	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !is_temporary(name))
		*found = true;
	return false;
}

/* The file appears with its content, so that nobody sees it empty. */
static int link_mark(struct folder *folder, struct err *err)
{
	auto_temp struct temp temp = TEMP_NONE;
	bool foreign = false;

	if (folder_remove(folder, find_foreign, &foreign, err) < 0)
		return -1;
	if (foreign)
		return err_set(err, ERR_USAGE,
				"%s: the folder is not empty and has no file '%s': name a new folder",
				folder->text, folder->form->mark);
	if (temp_make(folder, &temp, err) < 0 ||
			fs_write_fd(temp.fd, folder->text, span_of(folder->form->content), err) < 0)
		return -1;
	if (linkat(folder->root, temp.name, folder->root, folder->form->mark, 0) < 0)
		return failed(folder, "making", folder->form->mark, err);
	folder->made_mark = true;
	return 0;
}

static bool is_marked(const struct folder *folder)
{
	return faccessat(folder->root, folder->form->mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Somebody else may be quicker at any moment: what fails for us then did not have to be done. */
static int make_mark(struct folder *folder, struct err *err)
{
	if (is_marked(folder) || link_mark(folder, err) == 0)
		return 0;
	if (!is_marked(folder))
		return -1;
	err_clear(err);
	return 0;
}

/* Opens the folder, made where it is missing, among its writers; once more when the last of them just took it away. */
static int join_folder(const struct oci_place *place, const struct folder_form *form, struct folder *out,
		struct err *err)
{
	bool gone = true;

	for (int tries = 0; gone && tries < JOIN_TRIES; tries++) {
		auto_free char *text = xstrdup(place->text);
		struct folder named = { .text = text, .root = -1, .mark = -1 };
		bool made = false;
		folder_clear(out);
		if (make_path(place->path, &named, &made, err) < 0 ||
				folder_open(place, form, out, err) < 0 || undo_join(out, &gone, err) < 0)
			return -1;
		out->made_root = made;
	}
	if (gone)
		return err_set(err, ERR_RETRY, "%s: the folder comes and goes", place->text);
	out->path = xstrdup(place->path);
	return 0;
}

int folder_make(const struct oci_place *place, const struct folder_form *form, struct folder *out,
		struct err *err)
{
	auto_folder struct folder found = FOLDER_NONE;

	if (join_folder(place, form, &found, err) < 0)
		return -1;
	if (make_mark(&found, err) < 0 || open_mark(&found, err) < 0 || folder_lock(&found, err) < 0)
		return -1;
	int status = folder_remove(&found, is_stale, &found, err);
	folder_unlock(&found);
	if (status < 0)
		return -1;
	*out = found;
	found = (struct folder)FOLDER_NONE;
	return 0;
}

int folder_again(struct folder *folder, struct folder *out, struct err *err)
{
	auto_folder struct folder found = FOLDER_NONE;

	found.form = folder->form;
	found.text = xstrdup(folder->text);
	found.root = openat(folder->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (found.root < 0)
		return failed(folder, "opening the folder", ".", err);
	bool gone;
	if (undo_join(&found, &gone, err) < 0 || open_mark(&found, err) < 0)
		return -1;
	found.first = folder;
	*out = found;
	found = (struct folder)FOLDER_NONE;
	return 0;
}

int folder_lock(struct folder *folder, struct err *err)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };

	for (int tries = FOLDER_PATIENCE * 1000 / LOCK_STEP_MS; tries > 0; tries--) {
		if (flock(folder->mark, LOCK_EX | LOCK_NB) == 0) {
			folder->locked = true;
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(folder, "locking", folder->form->mark, err);
		nanosleep(&step, NULL);
	}
	return err_set(err, ERR_RETRY, "%s: another program has held the lock of '%s' for %d seconds",
			folder->text, folder->form->mark, FOLDER_PATIENCE);
}

void folder_unlock(struct folder *folder)
{
	flock(folder->mark, LOCK_UN);
	folder->locked = false;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

int folder_read(const struct folder *folder, const char *name, struct buf *out, struct err *err)
{
	auto_fd int fd = openat(folder->root, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return failed(folder, "opening", name, err);
	if (fs_read_fd(fd, name, out, err) < 0)
		return err_wrap(err, "%s", folder->text);
	return 0;
}

/* The folder of a digest's blob and its name there; the digest's form was checked. */
int folder_at(const struct folder *folder, const char *digest, bool make, int *at, const char **name,
		struct err *err)
{
	char alg[8];
	const char *const steps[] = { "blobs", alg };
	auto_fd int fd = openat(folder->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(alg, sizeof(alg), "%.6s", digest);
	for (int i = 0; folder->form->tree && i < 2 && fd >= 0; i++) {
		int below = openat(fd, steps[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0 && errno == ENOENT && make &&
				(mkdirat(fd, steps[i], 0755) == 0 || errno == EEXIST))
			below = openat(fd, steps[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		own_close(&fd);
		fd = below;
	}
	if (fd < 0)
		return failed(folder, "opening the folder of", digest, err);
	*at = take_fd(&fd);
	*name = digest + 7;
	return 0;
}

int folder_blob(const struct folder *folder, const char *digest, int *fd, uint64_t *size, struct err *err)
{
	auto_fd int at = -1;
	const char *name = NULL;
	struct stat what;

	if (folder_at(folder, digest, false, &at, &name, err) < 0)
		return -1;
	/* a pipe must not make us wait */
	auto_fd int file = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		return failed(folder, "opening the blob", digest, err);
	if (fstat(file, &what) < 0)
		return failed(folder, "looking at the blob", digest, err);
	if (!S_ISREG(what.st_mode))
		return err_set(err, ERR_FORMAT, "%s: the blob '%s' is no regular file", folder->text, digest);
	*size = (uint64_t)what.st_size;
	*fd = take_fd(&file);
	return 0;
}

int folder_has(const struct folder *folder, const struct oci_descriptor *blob, bool *has, struct err *err)
{
	struct err why = ERR_NONE;
	auto_fd int fd = -1;
	uint64_t size = 0;

	*has = false;
	if (folder_blob(folder, blob->digest, &fd, &size, &why) < 0) {
		/* a link or folder in its place is replaced, or fails, at the commit */
		if (why.kind == ERR_NOT_FOUND || why.kind == ERR_FORMAT)
			return 0;
		return err_set(err, why.kind, "%s", why.text);
	}
	*has = size == blob->size;
	return 0;
}

int folder_reader(const struct folder *folder, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err)
{
	auto_fd int fd = -1;
	uint64_t size = 0;

	if (folder_blob(folder, blob->digest, &fd, &size, err) < 0)
		return -1;
	if (size != blob->size)
		return err_set(err, ERR_FORMAT,
				"%s: the blob '%s' has %llu bytes, and the manifest says %llu", folder->text,
				blob->digest, (unsigned long long)size, (unsigned long long)blob->size);
	*out = region_reader(take_fd(&fd), 0, size, folder->text);
	return 0;
}

/* ---- a part of a file ---------------------------------------------------------------------------------- */

struct region {
	struct oci_reader reader;
	int fd;
	uint64_t at, left;
	char *name;
};

static int region_read(struct pull *self, void *out, size_t cap, size_t *got, struct err *err)
{
	struct region *region = (struct region *)self;
	ssize_t n = 0;

	*got = 0;
	if (cap > region->left)
		cap = (size_t)region->left;
	while (cap && (n = pread(region->fd, out, cap, (off_t)region->at)) < 0 && errno == EINTR)
		;
	if (n < 0)
		return err_errno(err, ERR_IO, "%s: reading a blob", region->name);
	if (cap && !n)
		return err_set(err, ERR_FORMAT, "%s: a blob ends %llu bytes too early", region->name,
				(unsigned long long)region->left);
	region->at += (uint64_t)n;
	region->left -= (uint64_t)n;
	*got = (size_t)n;
	return 0;
}

static void region_free(struct oci_reader *self)
{
	struct region *region = (struct region *)self;

	own_close(&region->fd);
	free(region->name);
	free(region);
}

struct oci_reader *region_reader(int fd, uint64_t offset, uint64_t size, const char *name)
{
	struct region *region = xcalloc(1, sizeof(*region));

	*region = (struct region){
		.reader = { .pull = { .read = region_read }, .free = region_free },
		.fd = fd,
		.at = offset,
		.left = size,
		.name = xstrdup(name),
	};
	posix_fadvise(fd, (off_t)offset, (off_t)size, POSIX_FADV_SEQUENTIAL);
	return &region->reader;
}
