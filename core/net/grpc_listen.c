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

#define BACKLOG 64

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
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

/* ---- both ---------------------------------------------------------------------------------------------- */

int grpc_listen(struct grpc_listener *out, const char *text, bool allow_remote, struct err *err)
{
	const char *path = local_path(text);

	if (!path)
		return listen_tcp(out, text, allow_remote, err);
	if (local_listen(&out->local, path, 0600, BACKLOG, err) < 0)
		return -1;
	out->fd = out->local.fd;
	out->address = xasprintf("unix:%s%s", path[0] == '/' ? "//" : "", path);
	return 0;
}

void grpc_listener_clear(struct grpc_listener *listener)
{
	if (listener->fd != listener->local.fd)
		own_close(&listener->fd);
	local_clear(&listener->local);
	free(listener->address);
	*listener = (struct grpc_listener)GRPC_LISTENER_NONE;
}
