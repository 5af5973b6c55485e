/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/lines.h"

#include "base/own.h"
#include "net/http.h"
#include "policy/image.h"
#include "policy/registry.h"

#include <stdio.h>
#include <string.h>

void wires_init(struct wires *lines)
{
	memset(lines, 0, sizeof(*lines));
	pthread_mutex_init(&lines->lock, NULL);
}

void wires_clear(struct wires *lines)
{
	for (size_t i = 0; i < LINES_MAX; i++)
		http_free(lines->idle[i].http);
	pthread_mutex_destroy(&lines->lock);
}

void line_key_make(const struct image_want *want, const char *host, bool stranger, struct line_key *out)
{
	*out = (struct line_key){ .stranger = stranger };
	if (want->registry)
		memcpy(out->identity, want->registry->identity, sizeof(out->identity));
	snprintf(out->host, sizeof(out->host), "%s", host);
}

static bool is_same(const struct line_key *a, const struct line_key *b)
{
	return !memcmp(a->identity, b->identity, sizeof(a->identity)) && a->stranger == b->stranger &&
			!strcmp(a->host, b->host);
}

/* Closing may take a while, so it is done without the lock. */
static void close_all(struct http *const *old)
{
	for (size_t i = 0; i <= LINES_MAX; i++)
		http_free(old[i]);
}

static void drop_old(struct wires *lines, int64_t now, struct http **old)
{
	for (size_t i = 0; i < LINES_MAX; i++)
		if (lines->idle[i].http && now - lines->idle[i].since > LINES_IDLE)
			old[i] = take(&lines->idle[i].http);
}

struct http *wires_take(struct wires *lines, const struct line_key *key, int64_t now)
{
	struct http *old[LINES_MAX + 1] = { NULL }, *found = NULL;

	pthread_mutex_lock(&lines->lock);
	drop_old(lines, now, old);
	for (size_t i = 0; i < LINES_MAX && !found; i++)
		if (lines->idle[i].http && is_same(&lines->idle[i].key, key))
			found = take(&lines->idle[i].http);
	pthread_mutex_unlock(&lines->lock);
	close_all(old);
	return found;
}

void wires_give(struct wires *lines, const struct line_key *key, struct http *http, int64_t now)
{
	struct http *old[LINES_MAX + 1] = { NULL };

	pthread_mutex_lock(&lines->lock);
	drop_old(lines, now, old);
	struct idle_line *slot = &lines->idle[0];
	for (size_t i = 1; i < LINES_MAX && slot->http; i++)
		if (!lines->idle[i].http || lines->idle[i].since < slot->since)
			slot = &lines->idle[i];
	old[LINES_MAX] = slot->http;
	*slot = (struct idle_line){ .key = *key, .http = http, .since = now };
	pthread_mutex_unlock(&lines->lock);
	close_all(old);
}
