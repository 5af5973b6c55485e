/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_server_own.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
	struct sockaddr_un local;
};

/* ---- TCP ----------------------------------------------------------------------------------------------- */

static bool is_loopback(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->ip4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&address->ip6.sin6_addr);
}

static int read_address(
		const char *text, bool allow_remote, union address *out, socklen_t *len, struct err *err)
{
	char numbers[LISTEN_ADDRESS_MAX];
	uint16_t port = 0;

	memset(out, 0, sizeof(*out));
	if (listen_parse(text, numbers, &port, err) < 0)
		return -1;
	if (inet_pton(AF_INET, numbers, &out->ip4.sin_addr) == 1) {
		out->ip4.sin_family = AF_INET;
		out->ip4.sin_port = htons(port);
		*len = sizeof(out->ip4);
	} else {
		if (inet_pton(AF_INET6, numbers, &out->ip6.sin6_addr) != 1)
			return err_set(err, ERR_USAGE, "'%s' is no address in numbers", numbers);
		out->ip6.sin6_family = AF_INET6;
		out->ip6.sin6_port = htons(port);
		*len = sizeof(out->ip6);
	}
	if (!allow_remote && !is_loopback(out))
		return err_set(err, ERR_USAGE,
				"'%s' can be reached from other machines, and there is no TLS; listen on "
				"127.0.0.1 or a unix socket, or say that remote callers are wanted",
				text);
	return 0;
}

static char *address_text(const union address *address)
{
	char numbers[INET6_ADDRSTRLEN] = "";
	bool ip6 = address->any.sa_family == AF_INET6;

	inet_ntop(address->any.sa_family,
			ip6 ? (const void *)&address->ip6.sin6_addr : (const void *)&address->ip4.sin_addr,
			numbers, sizeof(numbers));
	return xasprintf("%s%s%s:%u", ip6 ? "[" : "", numbers, ip6 ? "]" : "",
			(unsigned)ntohs(ip6 ? address->ip6.sin6_port : address->ip4.sin_port));
}

static int listen_tcp(struct grpc_listener *out, const char *text, bool allow_remote, struct err *err)
{
	union address address;
	socklen_t len = 0;
	int on = 1;

	if (read_address(text, allow_remote, &address, &len, err) < 0)
		return -1;
	auto_fd int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	if (bind(fd, &address.any, len) < 0 || listen(fd, BACKLOG) < 0 ||
			getsockname(fd, &address.any, &len) < 0)
		return err_errno(err, errno == EADDRINUSE ? ERR_CONFLICT : ERR_IO, "listening on %s", text);
	out->address = address_text(&address);
	out->fd = take_fd(&fd);
	return 0;
}

/* ---- unix sockets -------------------------------------------------------------------------------------- */

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

static int listen_unix(struct grpc_listener *out, const char *path, struct err *err)
{
	union address address = { .local = { .sun_family = AF_UNIX } };
	struct stat st;

	if (strlen(path) >= sizeof(address.local.sun_path))
		return err_set(err, ERR_USAGE, "'%s' is too long for a socket; at most %zu bytes", path,
				sizeof(address.local.sun_path) - 1);
	memcpy(address.local.sun_path, path, strlen(path) + 1);
	if (make_way(&address, err) < 0)
		return -1;
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* the mode of the socket is that of its file: there is no moment in which others could connect */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	if (bind(fd, &address.any, sizeof(address.local)) < 0)
		return err_errno(err, errno == EADDRINUSE ? ERR_CONFLICT : ERR_IO, "creating '%s'", path);
	if (lstat(path, &st) < 0 || (st.st_mode & 077) || listen(fd, BACKLOG) < 0) {
		(void)unlink(path);
		return err_errno(err, ERR_IO, "listening on '%s'", path);
	}
	out->path = xstrdup(path);
	out->device = st.st_dev;
	out->inode = st.st_ino;
	out->address = xasprintf("unix:%s%s", path[0] == '/' ? "//" : "", path);
	out->fd = take_fd(&fd);
	return 0;
}

int grpc_listen(struct grpc_listener *out, const char *text, bool allow_remote, struct err *err)
{
	if (text[0] == '/')
		return listen_unix(out, text, err);
	if (!strncmp(text, "unix:///", 8))
		return listen_unix(out, text + 7, err);
	if (!strncmp(text, "unix:", 5) && text[5] && text[5] != '/')
		return listen_unix(out, text + 5, err);
	return listen_tcp(out, text, allow_remote, err);
}

void grpc_listener_clear(struct grpc_listener *listener)
{
	struct stat st;

	own_close(&listener->fd);
	/* not one that another server has put in its place */
	if (listener->path && !lstat(listener->path, &st) && st.st_dev == listener->device &&
			st.st_ino == listener->inode)
		(void)unlink(listener->path);
	free(listener->path);
	free(listener->address);
	*listener = (struct grpc_listener){ .fd = -1 };
}
