/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/spares.h"

#include "base/own.h"
#include "net/http.h"
#include "policy/image.h"
#include "policy/registry.h"

#include <stdio.h>
#include <string.h>

void spares_init(struct spares *spares)
{
	memset(spares, 0, sizeof(*spares));
	pthread_mutex_init(&spares->lock, NULL);
}

void spares_clear(struct spares *spares)
{
	for (size_t i = 0; i < SPARES_MAX; i++)
		http_free(spares->idle[i].http);
	pthread_mutex_destroy(&spares->lock);
}

void spare_key_make(const struct image_want *want, const char *host, bool stranger, struct spare_key *out)
{
	*out = (struct spare_key){ .stranger = stranger };
	if (want->registry)
		memcpy(out->identity, want->registry->identity, sizeof(out->identity));
	snprintf(out->host, sizeof(out->host), "%s", host);
}

static bool is_same(const struct spare_key *a, const struct spare_key *b)
{
	return !memcmp(a->identity, b->identity, sizeof(a->identity)) && a->stranger == b->stranger &&
			!strcmp(a->host, b->host);
}

/* Closing may take a while, so it is done without the lock. */
static void close_all(struct http *const *old)
{
	for (size_t i = 0; i <= SPARES_MAX; i++)
		http_free(old[i]);
}

static void drop_old(struct spares *spares, int64_t now, struct http **old)
{
	for (size_t i = 0; i < SPARES_MAX; i++)
		if (spares->idle[i].http && now - spares->idle[i].since > SPARES_IDLE)
			old[i] = take(&spares->idle[i].http);
}

struct http *spares_take(struct spares *spares, const struct spare_key *key, int64_t now)
{
	struct http *old[SPARES_MAX + 1] = { NULL }, *found = NULL;

	pthread_mutex_lock(&spares->lock);
	drop_old(spares, now, old);
	for (size_t i = 0; i < SPARES_MAX && !found; i++)
		if (spares->idle[i].http && is_same(&spares->idle[i].key, key))
			found = take(&spares->idle[i].http);
	pthread_mutex_unlock(&spares->lock);
	close_all(old);
	return found;
}

void spares_give(struct spares *spares, const struct spare_key *key, struct http *http, int64_t now)
{
	struct http *old[SPARES_MAX + 1] = { NULL };

	pthread_mutex_lock(&spares->lock);
	drop_old(spares, now, old);
	struct spare *slot = &spares->idle[0];
	for (size_t i = 1; i < SPARES_MAX && slot->http; i++)
		if (!spares->idle[i].http || spares->idle[i].since < slot->since)
			slot = &spares->idle[i];
	old[SPARES_MAX] = slot->http;
	*slot = (struct spare){ .key = *key, .http = http, .since = now };
	pthread_mutex_unlock(&spares->lock);
	close_all(old);
}
