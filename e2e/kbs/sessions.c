/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/sessions.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS     4096
#define NONCE_BYTES 32
#define ID_BYTES    16

struct entry {
	struct session session; /* first, so that one is the other */
	int64_t ends;           /* mono */
	struct entry *next_begun, *next_same;
};

/* All live equally long, so that the order in which they began is that in which they end. */
struct sessions {
	const struct clock *clock;
	void (*random)(void *out, size_t len);
	int64_t lifetime;
	size_t max, count;
	struct entry *oldest, *newest;
	struct entry *buckets[BUCKETS];
};

struct sessions *sessions_new(
		const struct clock *clock, void (*random)(void *out, size_t len), int lifetime, size_t max)
{
	struct sessions *sessions = xcalloc(1, sizeof(*sessions));

	sessions->clock = clock;
	sessions->random = random;
	sessions->lifetime = lifetime * CLOCK_SECOND;
	sessions->max = max;
	return sessions;
}

/* Ids are random bytes in hex. */
static struct entry **bucket(struct sessions *sessions, struct span id)
{
	size_t hash = 0;

	for (size_t i = 0; i < id.len && i < SESSION_ID_MAX; i++)
		hash = hash * 31 + (unsigned char)id.ptr[i];
	return &sessions->buckets[hash % BUCKETS];
}

static void forget_oldest(struct sessions *sessions)
{
	struct entry *entry = sessions->oldest;
	struct entry **link = bucket(sessions, span_of(entry->session.id));

	while (*link != entry)
		link = &(*link)->next_same;
	*link = entry->next_same;
	sessions->oldest = entry->next_begun;
	if (!sessions->oldest)
		sessions->newest = NULL;
	sessions->count--;
	/* who has id or token is the guest */
	if (entry->session.token)
		explicit_bzero(entry->session.token, strlen(entry->session.token));
	free(entry->session.token);
	explicit_bzero(entry, sizeof(*entry));
	free(entry);
}

static void forget_ended(struct sessions *sessions)
{
	int64_t now = clock_mono(sessions->clock);

	while (sessions->oldest && sessions->oldest->ends <= now)
		forget_oldest(sessions);
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	while (sessions->oldest)
		forget_oldest(sessions);
	free(sessions);
}

static void make_up(const struct sessions *sessions, struct session *session, time_t until)
{
	unsigned char nonce[NONCE_BYTES], id[ID_BYTES];
	struct tm parts;

	sessions->random(nonce, sizeof(nonce));
	sessions->random(id, sizeof(id));
	/* version and variant of RFC 9562 */
	id[6] = (unsigned char)((id[6] & 0x0F) | 0x40);
	id[8] = (unsigned char)((id[8] & 0x3F) | 0x80);
	hex_encode_raw(session->id, span_new(id, sizeof(id)));
	b64_encode_raw(session->nonce, span_new(nonce, sizeof(nonce)));
	if (!gmtime_r(&until, &parts) ||
			!strftime(session->until, sizeof(session->until), "%a, %d %b %Y %H:%M:%S GMT",
					&parts))
		session->until[0] = '\0';
}

int sessions_begin(struct sessions *sessions, enum tee_kind tee, enum kbs_version version,
		struct session **out, struct err *err)
{
	forget_ended(sessions);
	if (sessions->count >= sessions->max)
		return err_set(err, ERR_LIMIT, "%zu sessions are open, which is as many as there may be",
				sessions->count);
	struct entry *entry = xcalloc(1, sizeof(*entry));
	make_up(sessions, &entry->session,
			(time_t)((clock_wall(sessions->clock) + sessions->lifetime) / CLOCK_SECOND));
	entry->session.tee = tee;
	entry->session.version = version;
	entry->ends = clock_mono(sessions->clock) + sessions->lifetime;

	struct entry **head = bucket(sessions, span_of(entry->session.id));
	entry->next_same = *head;
	*head = entry;
	if (sessions->newest)
		sessions->newest->next_begun = entry;
	else
		sessions->oldest = entry;
	sessions->newest = entry;
	sessions->count++;
	*out = &entry->session;
	return 0;
}

/* The value of our cookie in a Cookie field (RFC 6265, 4.2.1). */
static bool find_cookie(struct span field, struct span *value)
{
	struct span pair;

	while (span_next(&field, ';', &pair)) {
		pair = span_trim(pair);
		if (!span_starts(pair, SESSION_COOKIE "="))
			continue;
		*value = span_from(pair, sizeof(SESSION_COOKIE));
		return true;
	}
	return false;
}

int sessions_find(struct sessions *sessions, struct span cookie, struct session **out, struct err *err)
{
	struct span id = SPAN_NONE;

	forget_ended(sessions);
	if (!find_cookie(cookie, &id))
		return err_set(err, ERR_NOT_FOUND, "cookie not found");
	for (struct entry *entry = *bucket(sessions, id); entry; entry = entry->next_same) {
		if (!span_is(id, entry->session.id))
			continue;
		*out = &entry->session;
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "session not found: it has ended, or the broker was started anew");
}

size_t sessions_count(struct sessions *sessions)
{
	forget_ended(sessions);
	return sessions->count;
}
