/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry of fixed answers, in whatever order it is asked: each request takes the first route that begins as it does,
 * on a connection of its own, so that several may be under way. Routes that were asked are counted; what is none is 404.
 * In answers and bodies, {self} is its address.
 */
#ifndef COCOON_TESTS_OCI_ROUTES_H
#define COCOON_TESTS_OCI_ROUTES_H

#include "tests/oci/fake.h"

#include <poll.h>

struct route {
	const char *begins; /* "GET /v2/a/manifests/1 " */
	const char *answer; /* status and fields, each with its line end; NULL: "200 OK\r\n" */
	const char *body;   /* NULL: none */
	const char *has;    /* what the request must hold, else the route is none; NULL: nothing */
	bool drips;         /* the body does not end: byte for byte, until the client has enough */
};

struct routes {
	struct peer peer;
	const struct route *table;
	size_t count;
	atomic_int asked[32]; /* for each route */
	atomic_int unknown;
};

static inline void routes_answer(const struct routes *routes, struct line *line, const struct route *route)
{
	struct fake self = { .peer = { .port = routes->peer.port }, .other = &self };
	struct buf text = BUF_MAX(FAKE_MAX), body = BUF_MAX(FAKE_MAX);

	fake_text(&self, route->body ? route->body : "", &body);
	buf_puts(&text, "HTTP/1.1 ");
	fake_text(&self, route->answer ? route->answer : "200 OK\r\n", &text);
	buf_printf(&text, "Connection: close\r\nContent-Length: %zu\r\n\r\n",
			route->drips ? (size_t)1000000 : body.len);
	buf_add_span(&text, buf_span(&body));
	line_write(line, text.ptr, text.len);
	struct pollfd gone = { .fd = line->fd, .events = POLLIN | POLLRDHUP };
	while (route->drips && poll(&gone, 1, 5) == 0)
		line_puts(line, " ");
	buf_clear(&text);
	buf_clear(&body);
}

static inline void routes_play(struct line *line, void *ctx)
{
	static const struct route unknown = { .answer = "404 No\r\n" };
	struct routes *routes = ctx;

	if (!line_read_head(line))
		return;
	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->table[i];
		if (strncmp(line->head, route->begins, strlen(route->begins)) != 0 ||
				(route->has && !strstr(line->head, route->has)))
			continue;
		atomic_fetch_add(&routes->asked[i], 1);
		routes_answer(routes, line, route);
		return;
	}
	atomic_fetch_add(&routes->unknown, 1);
	routes_answer(routes, line, &unknown);
}

static inline void routes_start(struct routes *routes, const struct route *table, size_t count)
{
	*routes = (struct routes){ .table = table, .count = count };
	routes->peer.play = routes_play;
	routes->peer.ctx = routes;
	peer_start(&routes->peer);
}

static inline void routes_stop(struct routes *routes)
{
	peer_stop(&routes->peer);
}

#endif
