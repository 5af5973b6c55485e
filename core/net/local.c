/* SPDX-License-Identifier: Apache-2.0 */
#include "net/local.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

union address {
	struct sockaddr any;
	struct sockaddr_un local;
};

const char *local_path(const char *address)
{
	if (address[0] == '/')
		return address;
	if (!strncmp(address, "unix:///", 8))
		return address + 7;
	return !strncmp(address, "unix:", 5) && address[5] && address[5] != '/' ? address + 5 : NULL;
}

/* Makes way for a new socket, if what is there is one that nobody listens on. */
static int make_way(const union address *address, struct err *err)
{
	const char *path = address->local.sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(err, ERR_IO, "looking at '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFLICT, "'%s' is there and is no socket", path);
	auto_fd int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	if (connect(probe, &address->any, sizeof(address->local)) == 0 || errno != ECONNREFUSED)
		return err_set(err, ERR_CONFLICT, "another server listens on '%s'", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, ERR_IO, "removing the socket '%s' of a server that is gone", path);
	return 0;
}

/* Binds a socket that nobody else may connect to, widens it to the mode, and lets callers come only then. */
static int bind_and_listen(int fd, const union address *address, mode_t mode, int queue, struct stat *st,
		struct err *err)
{
	const char *path = address->local.sun_path;

	/* the mode of the socket is that of its file, less the process's mask */
	if (fchmod(fd, mode & 0600) < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	if (bind(fd, &address->any, sizeof(address->local)) < 0)
		return err_errno(err, errno == EADDRINUSE ? ERR_CONFLICT : ERR_IO, "creating '%s'", path);
	if (chmod(path, mode) < 0 || lstat(path, st) < 0 || (st->st_mode & 07777) != mode ||
			listen(fd, queue) < 0) {
		(void)unlink(path);
		return err_errno(err, ERR_IO, "listening on '%s'", path);
	}
	return 0;
}

int local_listen(struct local *out, const char *path, mode_t mode, int queue, struct err *err)
{
	union address address = { .local = { .sun_family = AF_UNIX } };
	struct stat st;

	_Static_assert(LOCAL_PATH_MAX + 1 == sizeof(address.local.sun_path), "the kernel's");
	if (strlen(path) > LOCAL_PATH_MAX)
		return err_set(err, ERR_USAGE, "'%s' is too long for a socket; at most %d bytes", path,
				LOCAL_PATH_MAX);
	memcpy(address.local.sun_path, path, strlen(path) + 1);
	if (make_way(&address, err) < 0)
		return -1;
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	if (bind_and_listen(fd, &address, mode, queue, &st, err) < 0)
		return -1;
	*out = (struct local){
		.fd = take_fd(&fd), .path = xstrdup(path), .device = st.st_dev, .inode = st.st_ino
	};
	return 0;
}

void local_clear(struct local *local)
{
	struct stat st;

	own_close(&local->fd);
	if (local->path && !lstat(local->path, &st) && st.st_dev == local->device &&
			st.st_ino == local->inode)
		(void)unlink(local->path);
	free(local->path);
	*local = (struct local)LOCAL_NONE;
}
