/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_own.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "crypto/ossl.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- connecting ---------------------------------------------------------------------------------------- */

int grpc_wire_wait(const struct grpc_wire *wire, short events, struct err *err)
{
	for (;;) {
		struct pollfd fd = { .fd = wire->fd, .events = events };
		int64_t left = wire->deadline - clock_mono(&clock_real);
		int ready = left > 0 ? poll(&fd, 1, (int)(left / 1000) + 1) : 0;
		if (ready > 0)
			return 0;
		if (!ready)
			return err_set(err, ERR_RETRY, "no answer in time");
		if (errno != EINTR)
			return err_errno(err, ERR_IO, "waiting for the peer");
	}
}

/* The kind of a connection that did not come about: what is not there yet may come. */
static enum err_kind connect_kind(int code)
{
	bool later = code == ECONNREFUSED || code == ENOENT || code == EAGAIN || code == ETIMEDOUT ||
			code == EHOSTUNREACH || code == ENETUNREACH;

	return later ? ERR_RETRY : ERR_IO;
}

static int connect_to(struct grpc_wire *wire, const struct sockaddr *address, socklen_t len, struct err *err)
{
	int on = 1, code = 0;
	socklen_t code_len = sizeof(code);

	wire->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->fd < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	(void)setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(wire->fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return err_errno(err, connect_kind(errno), "connecting");
	if (grpc_wire_wait(wire, POLLOUT, err) < 0)
		return err_wrap(err, "connecting");
	if (getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &code, &code_len) < 0)
		return err_errno(err, ERR_IO, "connecting");
	if (!code)
		return 0;
	errno = code;
	return err_errno(err, connect_kind(code), "connecting");
}

static int connect_unix(struct grpc_wire *wire, const struct grpc_target *target, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t left = wire->deadline - clock_mono(&clock_real);
	struct timeval patience = { .tv_sec = left / CLOCK_SECOND, .tv_usec = left % CLOCK_SECOND };

	if (left <= 0)
		return err_set(err, ERR_RETRY, "connecting: no answer in time");
	memcpy(address.sun_path, target->host, strlen(target->host) + 1);
	/* where many callers come at once, connect(2) waits for its turn; it would not if it must not block */
	wire->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (wire->fd < 0 || setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	while (connect(wire->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		if (errno != EINTR)
			return err_errno(err, connect_kind(errno), "connecting");
	if (fcntl(wire->fd, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	return 0;
}

/* The first of the host's addresses that answers. */
static int connect_host(struct grpc_wire *wire, const struct grpc_target *target, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list = NULL;
	int result = -1, code = getaddrinfo(target->host, target->port, &hints, &list);

	if (code)
		return err_set(err, code == EAI_AGAIN ? ERR_RETRY : ERR_IO, "looking up the host: %s",
				gai_strerror(code));
	for (const struct addrinfo *at = list; at && result < 0; at = at->ai_next) {
		own_close(&wire->fd);
		result = connect_to(wire, at->ai_addr, at->ai_addrlen, err);
	}
	freeaddrinfo(list);
	return result;
}

int grpc_wire_open(struct grpc_wire *wire, const struct grpc_call *call, struct err *err)
{
	struct grpc_target target;

	if (grpc_target_parse(call->target, &target, err) < 0)
		return -1;
	if ((target.is_unix ? connect_unix : connect_host)(wire, &target, err) < 0)
		return -1;
	return call->tls ? grpc_tls_open(wire, call->tls, target.is_unix ? "localhost" : target.host, err)
			 : 0;
}

void grpc_wire_close(struct grpc_wire *wire)
{
	if (wire->ssl)
		SSL_free(wire->ssl);
	own_close(&wire->fd);
	*wire = (struct grpc_wire)GRPC_WIRE_NONE;
}

/* ---- bytes --------------------------------------------------------------------------------------------- */

static int ssl_result(struct grpc_wire *wire, int code, short *wants, struct err *err)
{
	switch (SSL_get_error(wire->ssl, code)) {
	case SSL_ERROR_WANT_READ:
		*wants = POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		*wants = POLLOUT;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return err_set(err, ERR_IO, "the peer closed the connection");
	default:
		return ossl_fail(err, ERR_IO, "TLS");
	}
}

static int socket_result(const char *what, short direction, short *wants, struct err *err)
{
	*wants = direction;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return err_errno(err, ERR_IO, "%s", what);
}

int grpc_wire_read(
		struct grpc_wire *wire, void *out, size_t room, size_t *done, short *wants, struct err *err)
{
	*done = 0;
	if (wire->ssl) {
		int code = SSL_read_ex(wire->ssl, out, room, done);
		return code == 1 ? 0 : ssl_result(wire, code, wants, err);
	}
	ssize_t n = recv(wire->fd, out, room, 0);
	if (!n)
		return err_set(err, ERR_IO, "the peer closed the connection");
	if (n < 0)
		return socket_result("reading from the peer", POLLIN, wants, err);
	*done = (size_t)n;
	return 0;
}

int grpc_wire_write(struct grpc_wire *wire, struct span bytes, size_t *done, short *wants, struct err *err)
{
	*done = 0;
	if (!bytes.len)
		return 0;
	if (wire->ssl) {
		int code = SSL_write_ex(wire->ssl, bytes.ptr, bytes.len, done);
		return code == 1 ? 0 : ssl_result(wire, code, wants, err);
	}
	ssize_t n = send(wire->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	if (n < 0)
		return socket_result("writing to the peer", POLLOUT, wants, err);
	*done = (size_t)n;
	return 0;
}
