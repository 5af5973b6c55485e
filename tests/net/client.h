/* SPDX-License-Identifier: Apache-2.0 */
/* Our HTTP client against a fault peer, for tests: client_new(), and the URL of a path at the peer. */
#ifndef COCOON_TESTS_NET_CLIENT_H
#define COCOON_TESTS_NET_CLIENT_H

#include "base/err.h"
#include "net/http.h"
#include "tests/fault/peer.h"

static inline struct http *client_new(void)
{
	struct err err = ERR_NONE;
	struct http_options options = { .user_agent = "test/1" };
	struct http *http = http_new(&options, &err);

	if (!http)
		abort();
	return http;
}

static inline char *url_at(const struct peer *peer, const char *path)
{
	char *url = NULL;

	if (asprintf(&url, "http://127.0.0.1:%u%s", (unsigned)peer->port, path) < 0)
		abort();
	return url;
}

#endif
