/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/turns.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct host {
	struct host *next;
	char *name; /* "": files, which take any number */
	struct flight *first;
	struct flight **end; /* where the next goes: behind the last */
	size_t waiting;
	unsigned running;
	int64_t not_before;
};

void turns_init(struct turns *turns, size_t most, unsigned per_host, unsigned most_strangers)
{
	*turns = (struct turns){
		.most = most, .per_host = per_host, .most_strangers = most_strangers, .soonest = INT64_MAX
	};
}

/* ---- hosts ---- */

static struct host *host_find(const struct turns *turns, const char *name)
{
	struct host *host = turns->first;

	while (host && strcmp(host->name, name) != 0)
		host = host->next;
	return host;
}

static void host_append(struct turns *turns, struct host *host)
{
	host->next = NULL;
	*(turns->last ? &turns->last->next : &turns->first) = host;
	turns->last = host;
}

static void host_unlink(struct turns *turns, struct host *before, struct host *host)
{
	*(before ? &before->next : &turns->first) = host->next;
	if (turns->last == host)
		turns->last = before;
}

static struct host *host_take(struct turns *turns, const char *name)
{
	struct host *host = host_find(turns, name);

	if (host)
		return host;
	host = xcalloc(1, sizeof(*host));
	host->name = xstrdup(name);
	host->end = &host->first;
	host_append(turns, host);
	return host;
}

/* A host is remembered while somebody waits for it, or it asked for patience. */
static void forget_idle(struct turns *turns, int64_t now)
{
	struct host *before = NULL;

	for (struct host *host = turns->first, *next = NULL; host; host = next) {
		next = host->next;
		if (host->waiting || host->running || host->not_before > now) {
			before = host;
			continue;
		}
		host_unlink(turns, before, host);
		free(host->name);
		free(host);
	}
}

void turns_clear(struct turns *turns)
{
	forget_idle(turns, INT64_MAX);
}

/* ---- finding ---- */

static struct flight *const *bucket_of(const struct turns *turns, const struct key *key)
{
	return &turns->buckets[key->hash % TURNS_BUCKETS];
}

/* Will what a running flight brings do? */
static bool will_do(const struct flight *flight, const struct image_want *want, int64_t now, int64_t max_age)
{
	const struct image_want *runs = &flight->held.want;

	if (flight->started < now - max_age || flight->max_age > max_age || want->looks & ~runs->looks)
		return false;
	for (size_t i = 0; want->looks & IMAGE_LOOKED_SIMPLE && i < want->lookaside_count; i++)
		if (!held_has_store(runs, want->lookasides[i]))
			return false;
	return true;
}

struct flight *turns_find(const struct turns *turns, const struct key *key, uint64_t credentials,
		const struct image_want *want, int64_t now, int64_t max_age)
{
	struct flight *flight = *bucket_of(turns, key);

	while (flight &&
			(flight->credentials != credentials || !key_eq(&flight->key, key) ||
					(flight->running && !will_do(flight, want, now, max_age))))
		flight = flight->same;
	return flight;
}

static bool runs_already(const struct turns *turns, const struct key *key)
{
	const struct flight *flight = *bucket_of(turns, key);

	while (flight && (!flight->running || !key_eq(&flight->key, key)))
		flight = flight->same;
	return flight;
}

/* ---- waiting ---- */

bool turns_has_room(const struct turns *turns, const char *name, bool stranger)
{
	const struct host *host = host_find(turns, name);
	size_t half = (turns->most + 1) / 2;

	return turns->waiting < turns->most && (!host || host->waiting < half) &&
			(!stranger || turns->waiting_strangers < half);
}

void turns_add(struct turns *turns, struct flight *flight, const char *name, bool front)
{
	struct flight **bucket = &turns->buckets[flight->key.hash % TURNS_BUCKETS];
	struct host *host = host_take(turns, name);
	struct flight **at = front ? &host->first : host->end;

	if (at == host->end)
		host->end = &flight->next;
	flight->next = *at;
	*at = flight;
	flight->same = *bucket;
	*bucket = flight;
	flight->host = host;
	flight->running = false;
	host->waiting++;
	turns->waiting++;
	turns->waiting_strangers += flight->stranger;
	if (flight->deadline < turns->soonest)
		turns->soonest = flight->deadline;
}

static void leave_bucket(struct turns *turns, const struct flight *flight)
{
	struct flight **at = &turns->buckets[flight->key.hash % TURNS_BUCKETS];

	while (*at != flight)
		at = &(*at)->same;
	*at = flight->same;
}

static void leave_host(struct turns *turns, struct flight **at)
{
	struct flight *flight = *at;

	*at = flight->next;
	if (flight->host->end == &flight->next)
		flight->host->end = at;
	flight->next = NULL;
	flight->host->waiting--;
	turns->waiting--;
	turns->waiting_strangers -= flight->stranger;
}

struct flight *turns_expired(struct turns *turns, int64_t now, bool all)
{
	if (!all && now < turns->soonest)
		return NULL;
	int64_t soonest = INT64_MAX;
	for (struct host *host = turns->first; host; host = host->next)
		for (struct flight **at = &host->first; *at; at = &(*at)->next) {
			struct flight *flight = *at;
			if (all || flight->deadline <= now) {
				leave_host(turns, at);
				leave_bucket(turns, flight);
				return flight;
			}
			soonest = flight->deadline < soonest ? flight->deadline : soonest;
		}
	turns->soonest = soonest;
	return NULL;
}

/* ---- turns ---- */

static void sooner(int64_t *wake, int64_t time)
{
	if (time < *wake)
		*wake = time;
}

/* The host's first flight that may begin; NULL: none. */
static struct flight **due_at(const struct turns *turns, struct host *host, int64_t now, int64_t *wake)
{
	if (*host->name && host->running >= turns->per_host)
		return NULL;
	if (host->waiting && host->not_before > now) {
		sooner(wake, host->not_before);
		return NULL;
	}
	for (struct flight **at = &host->first; *at; at = &(*at)->next) {
		struct flight *flight = *at;
		bool crowded = flight->stranger && turns->most_strangers &&
				turns->strangers >= turns->most_strangers;
		if (flight->ready > now)
			sooner(wake, flight->ready);
		else if (!crowded && !runs_already(turns, &flight->key))
			return at;
	}
	return NULL;
}

struct flight *turns_next(struct turns *turns, int64_t now, int64_t *wake)
{
	struct host *before = NULL;

	*wake = INT64_MAX;
	forget_idle(turns, now);
	for (struct host *host = turns->first; host; before = host, host = host->next) {
		struct flight **at = due_at(turns, host, now, wake);
		if (!at)
			continue;
		struct flight *flight = *at;
		leave_host(turns, at);
		host_unlink(turns, before, host);
		host_append(turns, host);
		flight->running = true;
		flight->started = now;
		host->running++;
		turns->running++;
		turns->strangers += flight->stranger;
		return flight;
	}
	if (turns->waiting)
		sooner(wake, turns->soonest);
	return NULL;
}

void turns_done(struct turns *turns, struct flight *flight)
{
	leave_bucket(turns, flight);
	flight->running = false;
	flight->host->running--;
	turns->running--;
	turns->strangers -= flight->stranger;
}

void turns_hold(const struct flight *flight, int64_t until)
{
	if (flight->host->not_before < until)
		flight->host->not_before = until;
}

struct flight *turns_leave(struct turns *turns, const struct flight *flight)
{
	struct flight *first = flight->host->first;

	if (first) {
		leave_host(turns, &flight->host->first);
		leave_bucket(turns, first);
	}
	return first;
}

int64_t turns_held(const struct turns *turns, const char *name)
{
	const struct host *host = host_find(turns, name);

	return host ? host->not_before : 0;
}
