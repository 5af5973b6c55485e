/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536

static enum err_kind kind_of(int error)
{
	return error == ENOENT || error == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
}

/* One read of what still fits and one byte more, so that "too long" is seen without reading the rest. */
static ssize_t read_some(int fd, struct buf *out)
{
	size_t left = out->max - out->len;
	char extra;
	ssize_t n;

	if (left > CHUNK)
		left = CHUNK;
	char *room = left ? buf_room(out, left) : &extra;
	do
		n = read(fd, room, left ? left : 1);
	while (n < 0 && errno == EINTR);
	if (n > 0 && left)
		buf_grew(out, (size_t)n);
	else if (n > 0)
		out->over = true;
	return n;
}

int fs_read_fd(int fd, const char *name, struct buf *out, struct err *err)
{
	size_t before = out->len;
	ssize_t n = 1;

	while (n > 0 && !out->over)
		n = read_some(fd, out);
	if (n < 0) {
		err_errno(err, ERR_IO, "reading '%s'", name);
		buf_cut(out, before);
		return -1;
	}
	if (buf_check(out, name, err) < 0) {
		buf_cut(out, before);
		return err_wrap(err, "reading");
	}
	return 0;
}

int fs_read(const char *path, struct buf *out, struct err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_errno(err, kind_of(errno), "opening '%s'", path);
	return fs_read_fd(fd, path, out, err);
}

int fs_read_stdin(struct buf *out, struct err *err)
{
	return fs_read_fd(STDIN_FILENO, "standard input", out, err);
}

int fs_write_fd(int fd, const char *name, struct span bytes, struct err *err)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_IO, "writing '%s'", name);
		bytes = span_from(bytes, (size_t)n);
	}
	return 0;
}

static int write_straight(const char *path, struct span bytes, struct err *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_errno(err, kind_of(errno), "opening '%s'", path);
	return fs_write_fd(fd, path, bytes, err);
}

/* The new file gets what the old one had: who replaces a file must not widen who may read it. */
static int keep_owner_and_mode(int fd, const char *path, const struct stat *old, struct err *err)
{
	struct stat new;

	if (fstat(fd, &new) < 0)
		return err_errno(err, ERR_IO, "replacing '%s'", path);
	if ((new.st_uid != old->st_uid || new.st_gid != old->st_gid) &&
			fchown(fd, old->st_uid, old->st_gid) < 0)
		return err_errno(err, ERR_IO, "replacing '%s': keeping its owner", path);
	if (fchmod(fd, old->st_mode & 07777) < 0)
		return err_errno(err, ERR_IO, "replacing '%s': keeping its mode", path);
	return 0;
}

static int sync_folder(const char *folder, struct err *err)
{
	auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* file systems without folders that can be synced say EINVAL */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return err_errno(err, ERR_IO, "syncing the folder '%s'", folder);
	return 0;
}

/* A folder of one's own choice for the new file would be another file system, where rename cannot reach. */
static int replace(const char *path, struct span bytes, mode_t mode, const struct stat *old, struct err *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *folder = !slash ? xstrdup(".")
			: slash == path ? xstrdup("/")
					: xmemdup0(path, (size_t)(slash - path));
	auto_free char *temp =
			xasprintf("%s/.cocoon-%016llx", folder, (unsigned long long)random_below(UINT64_MAX));
	/* written by nobody else until it is complete; 0600 where the old file's mode comes later */
	auto_fd int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, old ? 0600 : mode);

	if (fd < 0)
		return err_errno(err, kind_of(errno), "creating a file beside '%s'", path);
	int status = fs_write_fd(fd, path, bytes, err);
	if (!status && old)
		status = keep_owner_and_mode(fd, path, old, err);
	if (!status && fsync(fd) < 0)
		status = err_errno(err, ERR_IO, "syncing '%s'", path);
	if (!status && rename(temp, path) < 0)
		status = err_errno(err, ERR_IO, "replacing '%s'", path);
	if (status < 0) {
		unlink(temp);
		return -1;
	}
	return sync_folder(folder, err);
}

int fs_write_atomic(const char *path, struct span bytes, mode_t mode, struct err *err)
{
	struct stat old;

	if (stat(path, &old) == 0) {
		if (S_ISDIR(old.st_mode))
			return err_set(err, ERR_IO, "writing '%s': it is a folder", path);
		if (!S_ISREG(old.st_mode))
			return write_straight(path, bytes, err);
		auto_free char *target = realpath(path, NULL);
		if (!target)
			return err_errno(err, kind_of(errno), "resolving '%s'", path);
		return replace(target, bytes, mode, &old, err);
	}
	if (errno != ENOENT)
		return err_errno(err, kind_of(errno), "writing '%s'", path);
	if (lstat(path, &old) == 0)
		return err_set(err, ERR_NOT_FOUND, "writing '%s': the link points to nothing", path);
	return replace(path, bytes, mode, NULL, err);
}
