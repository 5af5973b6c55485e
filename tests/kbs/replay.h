/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A broker's place for tests: a server on a port of 127.0.0.1 that hands each request to a function of the test, which
 * says what the answer is and how much of it is sent. Many connections at once, requests one after the other, so that
 * the function needs no lock. Plain or TLS.
 *
 *     struct replay replay = { .answer = answer, .ctx = &test };
 *     replay_start(&replay);  …  replay_stop(&replay);
 */
#ifndef COCOON_TESTS_KBS_REPLAY_H
#define COCOON_TESTS_KBS_REPLAY_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/own.h"
#include "tests/fault/peer.h"

#include <netinet/tcp.h>
#include <strings.h>

#define REPLAY_LINES_MAX 256
#define REPLAY_BODY_MAX  ((size_t)4 * 1024 * 1024)

struct asked {
	char method[16];
	char target[2048];
	const char *head;
	const char *body; /* as text */
};

enum sent {
	SENT_WHOLE,
	SENT_NOTHING, /* and the connection closes */
	SENT_HALF,    /* of the body, and the connection closes */
	SENT_NEVER,   /* and the connection stays */
};

struct said {
	int status;
	const char *type; /* NULL: none, as errors of the real service have none */
	char fields[512]; /* further header lines, each with its end */
	struct buf body;
	enum sent sent;
};

struct replay {
	void (*answer)(void *ctx, const struct asked *asked, struct said *said);
	void *ctx;
	SSL_CTX *tls; /* NULL: plain; freed by replay_stop */
	int fd;
	uint16_t port;
	pthread_t thread;
	pthread_mutex_t lock;      /* of the lines */
	pthread_mutex_t answering; /* held while the function answers */
	pthread_t lines[REPLAY_LINES_MAX];
	int fds[REPLAY_LINES_MAX];
	size_t count;
};

/* The value of a field of the request, in out; "" when there is none. */
static inline const char *asked_field(const struct asked *asked, const char *name, char *out, size_t cap)
{
	auto_free char *begin = xasprintf("\n%s: ", name);
	const char *at = strcasestr(asked->head, begin);

	out[0] = '\0';
	if (at)
		snprintf(out, cap, "%.*s", (int)strcspn(at + strlen(begin), "\r"), at + strlen(begin));
	return out;
}

static inline bool replay_read(struct line *line, struct buf *body, struct asked *asked)
{
	char length[32];

	if (!line_read_head(line) || sscanf(line->head, "%15s %2047s", asked->method, asked->target) != 2)
		return false;
	asked->head = line->head;
	long left = strtol(asked_field(asked, "Content-Length", length, sizeof(length)), NULL, 10);
	buf_reset(body);
	while (left > 0) {
		char scrap[4096];
		ssize_t n = line_read(line, scrap, left < (long)sizeof(scrap) ? (size_t)left : sizeof(scrap));
		if (n <= 0)
			return false;
		buf_add(body, scrap, (size_t)n);
		left -= n;
	}
	asked->body = buf_text(body);
	return true;
}

/* False: the connection is over. */
static inline bool replay_write(struct line *line, const struct said *said)
{
	auto_free char *head = xasprintf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s%s%s%s\r\n", said->status,
			said->body.len, said->type ? "Content-Type: " : "", said->type ? said->type : "",
			said->type ? "\r\n" : "", said->fields);

	if (said->sent == SENT_NOTHING)
		return false;
	if (said->sent == SENT_NEVER) {
		line_drain(line);
		return false;
	}
	line_puts(line, head);
	line_write(line, buf_text(&said->body),
			said->sent == SENT_HALF ? said->body.len / 2 : said->body.len);
	return said->sent == SENT_WHOLE;
}

static inline void replay_talk(struct replay *replay, struct line *line)
{
	auto_buf struct buf body = BUF_MAX(REPLAY_BODY_MAX);
	struct asked asked;
	bool more = true;

	while (more && replay_read(line, &body, &asked)) {
		struct said said = {
			.status = 200, .type = "application/json", .body = BUF_MAX(REPLAY_BODY_MAX)
		};
		pthread_mutex_lock(&replay->answering);
		replay->answer(replay->ctx, &asked, &said);
		pthread_mutex_unlock(&replay->answering);
		more = replay_write(line, &said);
		buf_clear(&said.body);
	}
}

struct replay_line {
	struct replay *replay;
	struct line line;
};

static inline void *replay_line_main(void *arg)
{
	struct replay_line *self = arg;
	struct line *line = &self->line;

	if (self->replay->tls) {
		line->ssl = SSL_new(self->replay->tls);
		SSL_set_fd(line->ssl, line->fd);
	}
	if (!line->ssl || SSL_accept(line->ssl) == 1) {
		replay_talk(self->replay, line);
		if (line->ssl)
			SSL_shutdown(line->ssl);
	}
	SSL_free(line->ssl);
	/* closed in replay_stop(), so that no number is used twice */
	shutdown(line->fd, SHUT_RDWR);
	free(self);
	return NULL;
}

static inline void *replay_main(void *arg)
{
	struct replay *replay = arg;

	for (;;) {
		int fd = accept(replay->fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		struct replay_line *line = calloc(1, sizeof(*line));
		pthread_mutex_lock(&replay->lock);
		if (!line || replay->count == REPLAY_LINES_MAX)
			abort();
		line->replay = replay;
		line->line.fd = replay->fds[replay->count] = fd;
		if (pthread_create(&replay->lines[replay->count++], NULL, replay_line_main, line) != 0)
			abort();
		pthread_mutex_unlock(&replay->lock);
	}
}

static inline void replay_start(struct replay *replay)
{
	signal(SIGPIPE, SIG_IGN);
	replay->fd = peer_listen(&replay->port);
	if (listen(replay->fd, 128) < 0)
		abort();
	pthread_mutex_init(&replay->lock, NULL);
	pthread_mutex_init(&replay->answering, NULL);
	if (pthread_create(&replay->thread, NULL, replay_main, replay) != 0)
		abort();
}

static inline void replay_stop(struct replay *replay)
{
	shutdown(replay->fd, SHUT_RDWR);
	pthread_join(replay->thread, NULL);
	for (size_t i = 0; i < replay->count; i++)
		shutdown(replay->fds[i], SHUT_RDWR);
	for (size_t i = 0; i < replay->count; i++) {
		pthread_join(replay->lines[i], NULL);
		close(replay->fds[i]);
	}
	close(replay->fd);
	pthread_mutex_destroy(&replay->lock);
	pthread_mutex_destroy(&replay->answering);
	SSL_CTX_free(replay->tls);
}

#endif
