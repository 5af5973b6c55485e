/* SPDX-License-Identifier: Apache-2.0 */
/* What the threads of facts.c do: take a flight that is due, try it at its place, and see to what follows. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "facts/facts_own.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Who would have to wait for a registry longer than this is told so at once. */
#define PATIENCE ((int64_t)10 * 1000000)

/* ---- the end of a flight ---- */

/* Out of the queue by now. Tells those who wait, without the lock. Takes the reference of facts. */
static void land(struct facts *self, struct flight *flight, struct image_facts *facts, const struct err *why)
{
	struct waiter *waiter = flight->waiters, *next;

	pthread_mutex_unlock(&self->lock);
	for (; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->out && facts)
			*waiter->out = image_facts_ref(facts);
		if (waiter->err && !facts)
			*waiter->err = *why;
		waiter->done(waiter->ctx);
		free(waiter);
	}
	image_facts_unref(facts);
	pthread_mutex_lock(&self->lock);
	held_clear(&flight->held, &self->settings);
	free(flight->said);
	free(flight);
}

static void fail(struct facts *self, struct flight *flight, const struct err *why)
{
	int64_t lasts = (int64_t)why->retry_after * 1000000;
	struct key key;

	if (lasts < FACTS_FAILED)
		lasts = FACTS_FAILED;
	if (lasts > FACTS_FAILED_MAX)
		lasts = FACTS_FAILED_MAX;
	self->counts.failures++;
	key_make(self->seed, KEY_FAILURE, &flight->held.want, NULL, flight->credentials, &key);
	cache_put_failure(&self->cache, &key, why, clock_mono(self->options.clock) + lasts);
	land(self, flight, NULL, why);
}

/* "too long" or "not before": what a flight waited for in vain. */
static void say_why(struct facts *self, const struct flight *flight, int64_t now, struct err *why)
{
	char host[PLACES_HOST_MAX];

	places_host(&self->options, &flight->held.want, flight->place, host);
	int64_t held = turns_held(&self->turns, host);
	if (atomic_load(&self->ending)) {
		err_set(why, ERR_RETRY, "the program ends");
	} else if (held > now) {
		int seconds = (int)((held - now + 999999) / 1000000);
		err_set(why, ERR_RETRY, "the registry '%s' has asked for patience, for %d s more", host,
				seconds);
		why->retry_after = seconds;
	} else {
		err_set(why, ERR_RETRY,
				"the registry '%s' is asked for so many images that this one's turn did not "
				"come",
				host);
	}
}

void flight_fail_waiting(struct facts *self, bool all)
{
	int64_t now = clock_mono(self->options.clock);
	struct flight *flight;

	while ((flight = turns_expired(&self->turns, now, all))) {
		struct err why = ERR_NONE;
		say_why(self, flight, now, &why);
		fail(self, flight, &why);
	}
}

/* ---- success ---- */

static void pack_stores(const struct image_want *want, struct buf *out)
{
	for (size_t i = 0; want->looks & IMAGE_LOOKED_SIMPLE && i < want->lookaside_count; i++)
		buf_add(out, want->lookasides[i], strlen(want->lookasides[i]) + 1);
}

/* False: they are too large to be kept. */
static bool keep(struct facts *self, const struct flight *flight, struct image_facts *facts)
{
	const struct image_want *want = &flight->held.want;
	const struct entry *there = facts_lookup(self, want, facts->digest);
	auto_buf struct buf stores = BUF_MAX(SIZE_MAX / 2);
	struct key key;

	/* another tag of the same image may have brought it meanwhile */
	if (!there || there->facts->fetched < facts->fetched) {
		pack_stores(want, &stores);
		key_make(self->seed, KEY_FACTS, want, facts->digest, 0, &key);
		if (!cache_put_facts(&self->cache, &key, facts, buf_span(&stores)))
			return false;
	}
	if (!*want->name.digest) {
		key_make(self->seed, KEY_TAG, want, NULL, 0, &key);
		(void)cache_put_tag(&self->cache, &key, facts->digest, flight->started);
	}
	return true;
}

static void succeed(struct facts *self, struct flight *flight, struct image_facts *facts)
{
	struct err why = ERR_NONE;
	struct key key;

	if (!keep(self, flight, facts)) {
		err_set(&why, ERR_LIMIT, "what is known of the image takes %zu bytes, too many to be kept",
				facts->bytes);
		image_facts_unref(facts);
		fail(self, flight, &why);
		return;
	}
	key_make(self->seed, KEY_FAILURE, &flight->held.want, NULL, flight->credentials, &key);
	struct entry *failure = cache_find(&self->cache, &key);
	if (failure)
		cache_drop(&self->cache, failure);
	land(self, flight, facts, &why);
}

/* ---- failure ---- */

void flight_go(struct facts *self, struct flight *flight, size_t place, bool front)
{
	const struct image_want *want = &flight->held.want;
	int64_t now = clock_mono(self->options.clock), held;
	size_t count = places_count(&self->options, want);
	char host[PLACES_HOST_MAX];

	for (;; place++) {
		places_host(&self->options, want, place, host);
		held = turns_held(&self->turns, host);
		if (held <= now || place + 1 == count)
			break;
	}
	if (held > now + PATIENCE)
		flight->deadline = now;
	if (place != flight->place)
		flight->tries = 0;
	flight->place = place;
	flight->stranger = places_is_stranger(&self->options, want, place);
	turns_add(&self->turns, flight, host, front);
}

static bool passes(const struct err *why)
{
	return why->kind == ERR_RETRY || why->kind == ERR_IO;
}

/* After a failure at one place: another, or the same once more, or none. */
static void go_on(struct facts *self, struct flight *flight, const struct err *why)
{
	int64_t now = clock_mono(self->options.clock);
	int64_t pause = why->retry_after ? (int64_t)why->retry_after * 1000000
					 : FLIGHT_PAUSE << flight->tries;
	size_t layouts = self->options.layout_count;
	bool ending = atomic_load(&self->ending);
	/* a layout that has the image, but in no good form, is not passed over */
	bool next = flight->place + 1 < places_count(&self->options, &flight->held.want) &&
			(flight->place >= layouts || why->kind == ERR_NOT_FOUND);

	flight->tries++;
	free(flight->said);
	flight->said = xstrdup(why->text);
	/* what others looked for once may be what fails, such as another policy's signature store */
	if (held_narrow(&flight->held) && !ending) {
		flight->narrow = true;
		flight_go(self, flight, flight->place, true);
	} else if (!ending && next) {
		flight_go(self, flight, flight->place + 1, false);
	} else if (!ending && passes(why) && flight->tries < FLIGHT_TRIES && pause <= PATIENCE &&
			now + pause < flight->deadline) {
		flight->ready = now + pause;
		flight_go(self, flight, flight->place, true);
	} else {
		fail(self, flight, why);
	}
}

/* The flight's host asks for patience: those that wait there go elsewhere, or learn that it would be in vain. */
static void hold(struct facts *self, const struct flight *flight, int64_t until)
{
	struct flight *waiting = NULL, **end = &waiting, *one;

	turns_hold(flight, until);
	while ((one = turns_leave(&self->turns, flight))) {
		*end = one;
		end = &one->next;
	}
	while ((one = waiting)) {
		waiting = one->next;
		flight_go(self, one, one->place, false);
	}
}

static void settle_failure(struct facts *self, struct flight *flight, const struct err *why)
{
	int64_t now = clock_mono(self->options.clock), wait = (int64_t)why->retry_after * 1000000;

	if (why->kind == ERR_RETRY && wait) {
		self->counts.throttled++;
		hold(self, flight, now + (wait < FACTS_FAILED_MAX ? wait : FACTS_FAILED_MAX));
	}
	turns_done(&self->turns, flight);
	go_on(self, flight, why);
}

/* ---- a try ---- */

struct known {
	struct facts *facts;
	struct flight *flight;
};

/* What others have brought meanwhile; what they looked for is looked for again. */
static struct image_facts *known(void *ctx, const char *digest)
{
	const struct known *known = ctx;
	struct facts *self = known->facts;
	struct flight *flight = known->flight;
	struct image_facts *found = NULL;
	struct key key;

	pthread_mutex_lock(&self->lock);
	key_make(self->seed, KEY_FACTS, &flight->held.want, digest, 0, &key);
	const struct entry *entry = cache_find(&self->cache, &key);
	if (entry) {
		struct span stores = span_new(entry->text, entry->text_len);
		bool covers = held_covers(entry->facts->looked, stores, &flight->held.want);
		if (covers && entry->facts->fetched >= flight->started - flight->max_age)
			found = image_facts_ref(entry->facts);
		if (!flight->narrow)
			held_widen(&flight->held, entry->facts->looked, stores);
	}
	pthread_mutex_unlock(&self->lock);
	return found;
}

/* Somebody else's credentials may have brought it while this one waited. */
static struct image_facts *is_done(struct facts *self, const struct flight *flight)
{
	int64_t asked;
	const struct entry *entry = facts_lookup_name(self, &flight->held.want, flight->started, &asked);
	int64_t oldest = flight->started - flight->max_age;

	if (!entry || asked < oldest || entry->facts->fetched < oldest)
		return NULL;
	return image_facts_ref(entry->facts);
}

static void run(struct facts *self, struct flight *flight)
{
	struct known ctx = { .facts = self, .flight = flight };
	const struct places_try try = { .want = &flight->held.want,
		.place = flight->place,
		.deadline = flight->deadline,
		.stop = &self->ending,
		.spares = &self->spares,
		.known = known,
		.ctx = &ctx };
	struct image_facts *facts = is_done(self, flight);
	struct err why = ERR_NONE;

	/* nothing is kept: the tag was asked for when it was, and is no younger for it */
	if (facts) {
		turns_done(&self->turns, flight);
		land(self, flight, facts, &why);
		return;
	}
	pthread_mutex_unlock(&self->lock);
	if (self->fetch(&self->options, &try, &facts, &why) < 0)
		facts = NULL;
	pthread_mutex_lock(&self->lock);
	if (!facts) {
		settle_failure(self, flight, &why);
		return;
	}
	turns_done(&self->turns, flight);
	succeed(self, flight, facts);
}

/* ---- a thread ---- */

static void sleep_until(struct facts *self, int64_t now, int64_t wake)
{
	struct timespec until;

	if (wake == INT64_MAX) {
		pthread_cond_wait(&self->changed, &self->lock);
		return;
	}
	int64_t left = wake > now ? wake - now : 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += left / 1000000;
	until.tv_nsec += left % 1000000 * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&self->changed, &self->lock, &until);
}

void *flight_main(void *arg)
{
	struct facts *self = arg;
	int64_t wake = 0;

	pthread_mutex_lock(&self->lock);
	while (!atomic_load(&self->ending)) {
		flight_fail_waiting(self, false);
		int64_t now = clock_mono(self->options.clock);
		struct flight *flight = turns_next(&self->turns, now, &wake);
		/* one event may let several go */
		if (flight && self->turns.waiting)
			pthread_cond_signal(&self->changed);
		if (flight)
			run(self, flight);
		/* telling those who waited in vain has let the lock go */
		else if (!atomic_load(&self->ending))
			sleep_until(self, now, wake);
	}
	pthread_mutex_unlock(&self->lock);
	return NULL;
}
