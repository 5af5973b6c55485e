/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that misbehaves as told: it listens on a port of 127.0.0.1, and for each connection, one after the other,
 * calls a function that reads and writes bytes as the test wants them. In its own thread; plain or TLS.
 *
 *     static void cut(struct line *line, void *ctx)
 *     {
 *             line_read_head(line);
 *             line_puts(line, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
 *     }                                                          the connection closes when the function returns
 *
 *     struct peer peer = { .play = cut };
 *     peer_start(&peer);  …  peer_stop(&peer);
 *
 * To time the bytes without sleeping, function and test hand each other a semaphore.
 */
#ifndef COCOON_TESTS_FAULT_PEER_H
#define COCOON_TESTS_FAULT_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct line {
	int fd;
	SSL *ssl;
	char head[65536]; /* the last request's, as text */
};

struct peer {
	void (*play)(struct line *line, void *ctx);
	void *ctx;
	SSL_CTX *tls; /* NULL: plain; freed by peer_stop */
	int fd;
	uint16_t port;
	pthread_t thread;
	atomic_int connections; /* that got as far as play */
	atomic_bool stopping;
};

static inline ssize_t line_read(struct line *line, void *out, size_t cap)
{
	return line->ssl ? SSL_read(line->ssl, out, (int)cap) : read(line->fd, out, cap);
}

static inline void line_write(struct line *line, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = line->ssl ? SSL_write(line->ssl, at, (int)len)
				      : send(line->fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static inline void line_puts(struct line *line, const char *text)
{
	line_write(line, text, strlen(text));
}

/* Reads up to the empty line; false when the peer has gone. */
static inline int line_read_head(struct line *line)
{
	size_t len = 0;

	while (len < sizeof(line->head) - 1) {
		if (line_read(line, line->head + len, 1) != 1)
			break;
		len++;
		line->head[len] = '\0';
		if (len >= 4 && !memcmp(line->head + len - 4, "\r\n\r\n", 4))
			return 1;
	}
	return 0;
}

/* Waits until the other side has closed. */
static inline void line_drain(struct line *line)
{
	char scrap[4096];

	while (line_read(line, scrap, sizeof(scrap)) > 0)
		;
}

static inline void peer_serve(struct peer *peer, int fd)
{
	struct line *line = calloc(1, sizeof(*line));

	if (!line)
		abort();
	line->fd = fd;
	if (peer->tls) {
		line->ssl = SSL_new(peer->tls);
		SSL_set_fd(line->ssl, fd);
	}
	if (!line->ssl || SSL_accept(line->ssl) == 1) {
		atomic_fetch_add(&peer->connections, 1);
		peer->play(line, peer->ctx);
		if (line->ssl)
			SSL_shutdown(line->ssl);
	} else {
		/* closing at once could reset the connection before the alert is read */
		SSL_free(line->ssl);
		line->ssl = NULL;
		shutdown(fd, SHUT_WR);
		line_drain(line);
	}
	SSL_free(line->ssl);
	free(line);
}

static inline void *peer_main(void *arg)
{
	struct peer *peer = arg;

	while (!atomic_load(&peer->stopping)) {
		int fd = accept(peer->fd, NULL, NULL);
		if (fd < 0)
			break;
		if (!atomic_load(&peer->stopping))
			peer_serve(peer, fd);
		close(fd);
	}
	return NULL;
}

/* A listening socket of 127.0.0.1 on a port of the kernel's choice. */
static inline int peer_listen(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 16) < 0 ||
			getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		abort();
	*port = ntohs(address.sin_port);
	return fd;
}

static inline int peer_connect(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	return fd;
}

static inline void peer_start(struct peer *peer)
{
	signal(SIGPIPE, SIG_IGN);
	peer->fd = peer_listen(&peer->port);
	if (pthread_create(&peer->thread, NULL, peer_main, peer) != 0)
		abort();
}

/* After the connections in play have ended. */
static inline void peer_stop(struct peer *peer)
{
	atomic_store(&peer->stopping, true);
	shutdown(peer->fd, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->fd);
	SSL_CTX_free(peer->tls);
}

#endif
