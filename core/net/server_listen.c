/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server_own.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "crypto/cert.h"
#include "crypto/ossl.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG        1024
/* Accepted in one go, before connections that are there get their turn. */
#define ACCEPT_BURST   64
/* Before the next try when descriptors or memory ran out. */
#define ACCEPT_REST_US 100000

/* ---- TLS ---- */

static int pair_use(SSL_CTX *tls, const struct cert_pair *pair, struct err *err)
{
	const struct cert_list *list = cert_pair_chain(pair);
	STACK_OF(X509) *issuers = sk_X509_new_null();
	bool good = issuers != NULL;

	for (size_t i = 1; good && i < cert_list_count(list); i++)
		good = sk_X509_push(issuers, cert_list_x509(list, i)) > 0;
	/* all three at once: a handshake sees the old pair or the new one, never a mixture */
	good = good &&
			SSL_CTX_use_cert_and_key(
					tls, cert_list_x509(list, 0), cert_pair_pkey(pair), issuers, 1) == 1;
	sk_X509_free(issuers);
	return good ? 0 : ossl_fail(err, ERR_USAGE, "the server's certificate cannot be used");
}

static int pair_load(SSL_CTX *tls, struct span cert, struct span key, struct err *err)
{
	auto_cert_pair struct cert_pair *pair = NULL;

	if (cert_pair_parse(cert, key, &pair, err) == 0)
		return pair_use(tls, pair, err);
	if (err)
		err->kind = ERR_USAGE;
	return err_wrap(err, "the server's certificate");
}

int listener_tls_init(struct listener *listener, SSL_CTX *tls)
{
	listener->tls = tls;
	/* one certificate for all names; the library would choose among listeners by name */
	SSL_CTX_set_tlsext_servername_callback(tls, NULL);
	SSL_CTX_set_options(tls,
			SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF |
					SSL_OP_CLEANSE_PLAINTEXT);
	/* nobody resumes: the API server keeps no sessions, and each would cost memory here */
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 || SSL_CTX_set_num_tickets(tls, 0) != 1)
		return -1;
	return 0;
}

int server_set_tls(struct server *server, size_t listener, struct span cert, struct span key, struct err *err)
{
	if (listener >= server->options.listener_count || !server->listeners[listener].tls)
		return err_set(err, ERR_USAGE, "listener %zu does not speak TLS", listener);
	return pair_load(server->listeners[listener].tls, cert, key, err);
}

/* ---- sockets ---- */

union any_address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

static int address_read(
		const struct server_listener *spec, union any_address *out, socklen_t *len, struct err *err)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, spec->address, &out->ip4.sin_addr) == 1) {
		out->ip4.sin_family = AF_INET;
		out->ip4.sin_port = htons(spec->port);
		*len = sizeof(out->ip4);
		return 0;
	}
	if (inet_pton(AF_INET6, spec->address, &out->ip6.sin6_addr) == 1) {
		out->ip6.sin6_family = AF_INET6;
		out->ip6.sin6_port = htons(spec->port);
		*len = sizeof(out->ip6);
		return 0;
	}
	return err_set(err, ERR_USAGE, "'%s' is no IPv4 or IPv6 address in numbers", spec->address);
}

static int socket_open(const struct server_listener *spec, uint16_t *port, struct err *err)
{
	union any_address address;
	socklen_t len = 0;
	int on = 1, off = 0;

	if (address_read(spec, &address, &len, err) < 0)
		return -1;
	auto_fd int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, ERR_IO, "opening a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_errno(err, ERR_IO, "preparing a socket");
	if (address.any.sa_family == AF_INET6 && !strcmp(spec->address, "::") &&
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return err_errno(err, ERR_IO, "preparing a socket");
	if (bind(fd, &address.any, len) < 0 || listen(fd, BACKLOG) < 0 ||
			getsockname(fd, &address.any, &len) < 0)
		return err_errno(err, ERR_IO, "listening on %s port %u", spec->address, (unsigned)spec->port);
	*port = ntohs(address.any.sa_family == AF_INET ? address.ip4.sin_port : address.ip6.sin6_port);
	return take_fd(&fd);
}

/* ---- descriptors in the loop ---- */

/* Takes descriptor `own`, which the loop closes. */
static struct watch *watch_new(struct listener *listener, int own, struct err *err)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));
	lws_adopt_desc_t desc = {
		.vh = listener->vhost,
		.type = LWS_ADOPT_RAW_FILE_DESC,
		.fd.filefd = own,
		.vh_prot_name = "watch",
		.opaque = watch,
	};

	watch->server = listener->server;
	watch->wsi = lws_adopt_descriptor_vhost_via_info(&desc);
	if (!watch->wsi) {
		close(own);
		free(watch);
		err_set(err, ERR_IO, "the server's loop is full");
		return NULL;
	}
	watch->next = listener->server->watches;
	listener->server->watches = watch;
	return watch;
}

int server_watch(struct server *server, int fd, void (*ready)(void *ctx, int fd), void *ctx, struct err *err)
{
	/* the loop closes what it watches, and the caller's stays the caller's */
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return err_errno(err, ERR_IO, "duplicating a descriptor");
	struct watch *watch = watch_new(&server->listeners[0], own, err);
	if (!watch)
		return -1;
	watch->ready = ready;
	watch->ctx = ctx;
	watch->fd = fd;
	return 0;
}

static void listener_accept(struct listener *listener);

int watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct watch *watch = lws_get_opaque_user_data(wsi);

	(void)user;
	(void)in;
	(void)len;
	switch ((int)reason) {
	case LWS_CALLBACK_RAW_RX_FILE:
		if (watch->listener)
			listener_accept(watch->listener);
		else
			watch->ready(watch->ctx, watch->fd);
		return 0;
	case LWS_CALLBACK_TIMER:
		if (watch->listener)
			listeners_resume(watch->server);
		return 0;
	case LWS_CALLBACK_RAW_CLOSE_FILE:
		watch->wsi = NULL;
		return 0;
	default:
		return 0;
	}
}

/* ---- listeners ---- */

static void pause_accepting(struct listener *listener)
{
	listener->paused = true;
	lws_rx_flow_control(listener->watch->wsi, 0);
}

void listeners_resume(struct server *server)
{
	for (size_t i = 0; i < server->options.listener_count; i++) {
		struct listener *listener = &server->listeners[i];
		if (!listener->paused || server->stopping || !listener->watch->wsi)
			continue;
		listener->paused = false;
		lws_rx_flow_control(listener->watch->wsi, 1);
	}
}

static void connection_take(struct listener *listener, int fd)
{
	int on = 1;
	lws_adopt_desc_t desc = {
		.vh = listener->vhost,
		.type = LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL,
		.fd.sockfd = fd,
		.opaque = listener,
	};

	/* small replies must not wait for the peer's acknowledgement of the one before; failure costs time only */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* on failure the library has closed the socket */
	lws_adopt_descriptor_vhost_via_info(&desc);
}

static void listener_accept(struct listener *listener)
{
	struct server *server = listener->server;

	for (int i = 0; i < ACCEPT_BURST; i++) {
		if (server->connections >= server->options.max_connections) {
			pause_accepting(listener);
			return;
		}
		int fd = accept4(listener->watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			connection_take(listener, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* would be readable at once again: rest, in case no connection of ours ends */
			pause_accepting(listener);
			lws_set_timer_usecs(listener->watch->wsi, ACCEPT_REST_US);
		}
		return;
	}
}

static int vhost_make(struct listener *listener, struct err *err)
{
	/* tx_packet_size: a reply of this size goes out in one piece, without a copy of its rest */
	static const struct lws_protocols protocols[] = {
		{ .name = "conn",
				.callback = conn_callback,
				.per_session_data_size = sizeof(struct conn),
				.tx_packet_size = 64 * 1024 },
		{ .name = "watch", .callback = watch_callback },
		{ .name = NULL },
	};
	bool tls = listener->spec->tls;
	struct lws_context_creation_info info = {
		/* sockets are made here and adopted, so that the address, the queue and the pauses are ours */
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.vhost_name = listener->name,
		.protocols = protocols,
		.user = listener,
		.alpn = "http/1.1",
		.options = tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX
			       : 0,
	};

	snprintf(listener->name, sizeof(listener->name), "listener-%zu",
			(size_t)(listener - listener->server->listeners));
	listener->vhost = lws_create_vhost(listener->server->lws, &info);
	if (!listener->vhost || (tls && !listener->tls))
		return err_set(err, ERR_IO, "the server's loop could not be set up");
	return 0;
}

int listener_start(struct listener *listener, struct err *err)
{
	const struct server_listener *spec = listener->spec;

	if (vhost_make(listener, err) < 0)
		return -1;
	if (spec->tls && spec->cert.len && pair_load(listener->tls, spec->cert, spec->key, err) < 0)
		return -1;
	int fd = socket_open(spec, &listener->port, err);
	if (fd < 0)
		return -1;
	listener->watch = watch_new(listener, fd, err);
	if (!listener->watch)
		return -1;
	listener->watch->fd = fd;
	listener->watch->listener = listener;
	return 0;
}

void listener_stop(struct listener *listener)
{
	if (listener->watch->wsi)
		lws_set_timeout(listener->watch->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* ---- peers ---- */

void peer_format(int fd, char out[static PEER_MAX])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(address);
	char text[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (getpeername(fd, &address.any, &len) < 0)
		return;
	if (address.any.sa_family == AF_INET && inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof(text)))
		snprintf(out, PEER_MAX, "%s:%u", text, ntohs(address.v4.sin_port));
	if (address.any.sa_family == AF_INET6 &&
			inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof(text)))
		snprintf(out, PEER_MAX, "[%s]:%u", text, ntohs(address.v6.sin6_port));
}
