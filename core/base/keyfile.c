/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keyfile.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int fill(int fd, const char *path, struct span bytes, mode_t mode, struct err *err)
{
	if (fchmod(fd, mode) < 0)
		return err_errno(err, ERR_IO, "preparing '%s'", path);
	if (fs_write_fd(fd, path, bytes, err) < 0)
		return -1;
	return fsync(fd) < 0 ? err_errno(err, ERR_IO, "writing '%s'", path) : 0;
}

static int create(const char *path, struct span bytes, mode_t mode, struct err *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, KEYFILE_PRIVATE);

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_CONFLICT, "'%s' is there already; --force overwrites it", path);
	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "creating '%s'", path);
	if (fill(fd, path, bytes, mode, err) == 0)
		return 0;
	(void)unlink(path);
	return -1;
}

/* A new file in the place of the old one, whose mode does not matter then. */
static int replace(const char *path, struct span bytes, mode_t mode, struct err *err)
{
	auto_free char *fresh = xasprintf("%s.XXXXXX", path);
	auto_fd int fd = mkostemp(fresh, O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "creating a file beside '%s'",
				path);
	int result = fill(fd, fresh, bytes, mode, err);
	if (!result && rename(fresh, path) < 0)
		result = err_errno(err, ERR_IO, "replacing '%s'", path);
	if (result < 0)
		(void)unlink(fresh);
	return result;
}

int keyfile_write(const char *path, struct span bytes, mode_t mode, bool force, struct err *err)
{
	return (force ? replace : create)(path, bytes, mode, err);
}
