/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/facts.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "facts/facts_own.h"
#include "oci/place.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static int start_threads(struct facts *self, struct err *err)
{
	sigset_t all, old;
	int code = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (self->thread_count < self->options.threads && !code) {
		code = pthread_create(&self->threads[self->thread_count], NULL, flight_main, self);
		self->thread_count += !code;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!code)
		return 0;
	errno = code;
	return err_errno(err, ERR_IO, "starting %u threads", self->options.threads);
}

static int check_options(const struct facts_options *options, struct err *err)
{
	struct oci_place place;

	if (!options->threads || options->threads > FACTS_THREADS || !options->per_host ||
			options->max_bytes < FACTS_BYTES_MIN)
		return err_set(err, ERR_USAGE,
				"%u threads, %u for a registry, %zu bytes; 1 to %d threads, 1 at least for a "
				"registry and %zu bytes at least are possible",
				options->threads, options->per_host, options->max_bytes, FACTS_THREADS,
				FACTS_BYTES_MIN);
	if (options->offline && !options->layout_count)
		return err_set(err, ERR_USAGE, "offline, and no OCI layout to read images from: name one");
	for (size_t i = 0; i < options->layout_count; i++)
		if (oci_place_parse(options->layouts[i], &place, NULL) < 0 || place.transport != OCI_LAYOUT)
			return err_set(err, ERR_USAGE,
					"'%.200s' is no OCI layout; the form is oci:DIR or oci:DIR:IMAGE",
					options->layouts[i]);
	return 0;
}

int facts_new_with(
		const struct facts_options *options, facts_fetcher fetch, struct facts **out, struct err *err)
{
	pthread_condattr_t monotonic;

	if (check_options(options, err) < 0)
		return -1;
	struct facts *self = xcalloc(1, sizeof(*self));
	self->options = *options;
	self->fetch = fetch;
	random_bytes(self->seed, sizeof(self->seed));
	pthread_mutex_init(&self->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&self->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	spares_init(&self->spares);
	cache_init(&self->cache, options->max_bytes);
	turns_init(&self->turns, FACTS_WAITING, options->per_host,
			options->guard ? (options->threads + 1) / 2 : 0);
	if (start_threads(self, err) < 0) {
		facts_free(self);
		return -1;
	}
	*out = self;
	return 0;
}

int facts_new(const struct facts_options *options, struct facts **out, struct err *err)
{
	return facts_new_with(options, places_fetch, out, err);
}

void facts_wake(struct facts *self)
{
	pthread_mutex_lock(&self->lock);
	pthread_cond_broadcast(&self->changed);
	pthread_mutex_unlock(&self->lock);
}

void facts_free(struct facts *self)
{
	if (!self)
		return;
	pthread_mutex_lock(&self->lock);
	atomic_store(&self->ending, true);
	pthread_cond_broadcast(&self->changed);
	flight_fail_waiting(self, true);
	pthread_mutex_unlock(&self->lock);
	for (unsigned i = 0; i < self->thread_count; i++)
		pthread_join(self->threads[i], NULL);
	turns_clear(&self->turns);
	cache_clear(&self->cache);
	spares_clear(&self->spares);
	pthread_cond_destroy(&self->changed);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

/* ---- what is there ---- */

struct entry *facts_lookup(struct facts *self, const struct image_want *want, const char *digest)
{
	struct key key;

	key_make(self->seed, KEY_FACTS, want, digest, 0, &key);
	struct entry *entry = cache_find(&self->cache, &key);
	if (!entry || !held_covers(entry->facts->looked, span_new(entry->text, entry->text_len), want))
		return NULL;
	return entry;
}

struct entry *facts_lookup_name(
		struct facts *self, const struct image_want *want, int64_t now, int64_t *asked)
{
	struct key key;

	*asked = INT64_MAX;
	if (*want->name.digest)
		return facts_lookup(self, want, want->name.digest);
	key_make(self->seed, KEY_TAG, want, NULL, 0, &key);
	const struct entry *tag = cache_find(&self->cache, &key);
	if (!tag || now - tag->time > FACTS_TAG)
		return NULL;
	*asked = tag->time;
	return facts_lookup(self, want, tag->text);
}

static int64_t time_of(const struct entry *entry, int64_t asked)
{
	return entry->facts->fetched < asked ? entry->facts->fetched : asked;
}

static struct entry *lookup_failure(struct facts *self, const struct image_want *want, int64_t now)
{
	struct key key;

	key_make(self->seed, KEY_FAILURE, want, NULL, key_credentials(self->seed, want), &key);
	struct entry *entry = cache_find(&self->cache, &key);
	if (!entry || now < entry->time)
		return entry;
	cache_drop(&self->cache, entry);
	return NULL;
}

/* ---- fetches ---- */

static void shed(struct facts *self, const struct image_want *want, const char *host, int64_t now)
{
	struct err why = ERR_NONE;
	struct key key;

	err_set(&why, ERR_RETRY,
			"too many images wait to be looked at, %zu in all, for one more at '%s'; try again "
			"soon",
			self->turns.waiting, host);
	key_make(self->seed, KEY_FAILURE, want, NULL, key_credentials(self->seed, want), &key);
	cache_put_failure(&self->cache, &key, &why, now + FACTS_FAILED);
	self->counts.throttled++;
}

static struct flight *begin(struct facts *self, const struct image_want *want, const struct key *key,
		uint64_t credentials, int64_t now)
{
	char host[PLACES_HOST_MAX];

	places_host(&self->options, want, 0, host);
	if (!turns_has_room(&self->turns, host, places_is_stranger(&self->options, want, 0))) {
		shed(self, want, host, now);
		return NULL;
	}
	struct flight *flight = xcalloc(1, sizeof(*flight));
	held_init(&flight->held, want, &self->settings);
	flight->key = *key;
	flight->credentials = credentials;
	flight->max_age = INT64_MAX;
	flight->deadline = now + FACTS_FETCH_MAX;
	flight_go(self, flight, 0, false);
	pthread_cond_signal(&self->changed);
	return flight;
}

/* The flight that will bring it, a new one or one that is there; NULL: there is no room. */
static struct flight *board(struct facts *self, const struct image_want *want, int64_t max_age, int64_t now)
{
	uint64_t credentials = key_credentials(self->seed, want);
	struct key key;

	key_make(self->seed, *want->name.digest ? KEY_FACTS : KEY_TAG, want, NULL, 0, &key);
	struct flight *flight = turns_find(&self->turns, &key, credentials, want, now, max_age);
	self->counts.shared += flight != NULL;
	if (!flight)
		flight = begin(self, want, &key, credentials, now);
	if (!flight || flight->running)
		return flight;
	held_join(&flight->held, want);
	if (max_age < flight->max_age)
		flight->max_age = max_age;
	return flight;
}

/* Under the lock. Takes the waiter along when there is something to wait for; else all is there that there will be. */
static bool wait_for(struct facts *self, const struct image_want *want, int64_t max_age,
		const struct waiter *waiter)
{
	int64_t now = clock_mono(self->options.clock), asked;
	const struct entry *entry = facts_lookup_name(self, want, now, &asked);

	max_age = max_age ? max_age : FACTS_FRESH;
	if ((entry && now - time_of(entry, asked) <= max_age) || lookup_failure(self, want, now) ||
			atomic_load(&self->ending))
		return false;
	struct flight *flight = board(self, want, max_age, now);
	if (!flight)
		return false;
	struct waiter *copy = xmalloc(sizeof(*copy));
	*copy = *waiter;
	copy->next = flight->waiters;
	flight->waiters = copy;
	return true;
}

void facts_fetch(struct facts *self, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *ctx)
{
	const struct waiter waiter = { .done = done, .ctx = ctx };

	pthread_mutex_lock(&self->lock);
	bool waits = wait_for(self, want, max_age, &waiter);
	pthread_mutex_unlock(&self->lock);
	if (!waits)
		done(ctx);
}

/* ---- finding ---- */

/* Signatures may have been added, or taken away. */
static void refresh(struct facts *self, const struct image_want *want, struct entry *entry, int64_t now)
{
	if (now - entry->facts->fetched <= FACTS_FRESH || now < entry->refresh || atomic_load(&self->ending))
		return;
	entry->refresh = now + FACTS_FAILED_MAX;
	if (!lookup_failure(self, want, now))
		(void)board(self, want, FACTS_FRESH, now);
}

/* What a fetch that is under way has heard. */
static void say_so_far(struct facts *self, const struct image_want *want, int64_t now, struct err *why)
{
	uint64_t credentials = key_credentials(self->seed, want);
	struct key key;

	key_make(self->seed, *want->name.digest ? KEY_FACTS : KEY_TAG, want, NULL, 0, &key);
	const struct flight *flight = turns_find(&self->turns, &key, credentials, want, now, INT64_MAX);
	if (flight && flight->said)
		err_set(why, ERR_RETRY, "%s", flight->said);
}

static enum facts_found find(struct facts *self, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	int64_t now = clock_mono(self->options.clock), asked;
	struct entry *entry = facts_lookup_name(self, want, now, &asked);

	if (entry) {
		int64_t age = now - time_of(entry, asked);
		self->counts.hits++;
		*out = image_facts_ref(entry->facts);
		refresh(self, want, entry, now);
		return age <= (max_age ? max_age : FACTS_FRESH) ? FACTS_KNOWN : FACTS_OLD;
	}
	entry = lookup_failure(self, want, now);
	self->counts.misses += !entry;
	if (!entry) {
		say_so_far(self, want, now, why);
		return FACTS_ABSENT;
	}
	err_set(why, (enum err_kind)entry->failure, "%s", entry->text);
	if (why)
		why->retry_after = entry->retry_after;
	return FACTS_FAILURE;
}

enum facts_found facts_find(struct facts *self, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	pthread_mutex_lock(&self->lock);
	enum facts_found found = find(self, want, max_age, out, why);
	pthread_mutex_unlock(&self->lock);
	return found;
}

static void post(void *ctx)
{
	sem_post(ctx);
}

int facts_get(struct facts *self, const struct image_want *want, struct image_facts **out, struct err *err)
{
	struct image_facts *facts = NULL;
	struct err why = ERR_NONE;
	sem_t done;

	sem_init(&done, 0, 0);
	const struct waiter waiter = { .done = post, .ctx = &done, .out = &facts, .err = &why };
	pthread_mutex_lock(&self->lock);
	enum facts_found found = find(self, want, 0, &facts, &why);
	bool waits = found == FACTS_ABSENT && wait_for(self, want, 0, &waiter);
	/* for want of room */
	if (found == FACTS_ABSENT && !waits)
		(void)find(self, want, 0, &facts, &why);
	pthread_mutex_unlock(&self->lock);
	while (waits && sem_wait(&done) < 0)
		;
	sem_destroy(&done);
	*out = facts;
	if (facts)
		return 0;
	if (err)
		*err = why;
	return -1;
}

struct facts_counts facts_counts(struct facts *self)
{
	pthread_mutex_lock(&self->lock);
	struct facts_counts counts = self->counts;
	counts.evicted = self->cache.evicted;
	counts.images = self->cache.images;
	counts.bytes = cache_bytes(&self->cache);
	counts.waiting = self->turns.waiting;
	counts.running = self->turns.running;
	pthread_mutex_unlock(&self->lock);
	return counts;
}
