/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts whose fetches the test makes itself: each waits at a gate until the test lets it through, with the outcome that
 * the test has set. The clock stands until it is moved.
 */
#ifndef COCOON_TESTS_FACTS_RIG_H
#define COCOON_TESTS_FACTS_RIG_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "facts/facts_own.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((int64_t)1000000)
#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX

/* One for all tests of a program: a fetcher has no context of its own. */
static struct rig {
	struct facts_options options;
	struct facts *facts;
	struct clock clock;
	_Atomic int64_t now;
	bool gated;          /* fetches wait for `gate`, and post `arrived` before */
	sem_t arrived, gate; /* one each */
	sem_t done;          /* posted by callbacks */
	_Atomic int fetches, at_once, most_at_once;
	pthread_mutex_t lock;
	/* of the next fetches */
	struct err failure; /* ERR_OK: none */
	char digest[OCI_DIGEST_MAX];
	unsigned poison; /* what to look for fails */
	size_t payload;  /* bytes of a signature, so that facts have some weight */
	/* of the last one */
	struct image_want asked;
	char host[256];
	size_t stores;
} rig;

static inline int64_t rig_time(void *ctx)
{
	(void)ctx;
	return rig.now;
}

static inline struct image_facts *rig_make(const struct image_want *want, const char *digest, int64_t fetched)
{
	static const char bytes[65536];
	struct image_signature signature = { .layout = IMAGE_SIG_SIMPLE,
		.subject = digest,
		.place = "",
		.type = "",
		.payload = span_new(bytes, rig.payload) };
	const struct image_facts draft = { .host = want->name.host,
		.repository = want->name.repository,
		.digest = digest,
		.looked = want->looks,
		.fetched = fetched,
		.signatures = &signature,
		.signature_count = rig.payload ? 1 : 0 };

	return image_facts_new(&draft);
}

static inline int rig_fetch(const struct facts_options *options, const struct places_try *try,
		struct image_facts **out, struct err *err)
{
	int64_t began = rig.now;

	rig.fetches++;
	int at_once = ++rig.at_once;
	if (at_once > rig.most_at_once)
		rig.most_at_once = at_once;
	if (rig.gated) {
		sem_post(&rig.arrived);
		while (sem_wait(&rig.gate) < 0)
			;
	}
	pthread_mutex_lock(&rig.lock);
	const char *digest = *try->want->name.digest ? try->want->name.digest : rig.digest;
	struct err failure = rig.failure;
	*out = failure.kind == ERR_OK ? try->known(try->ctx, digest) : NULL;
	if (!*out && try->want->looks & rig.poison)
		err_set(&failure, ERR_DENIED, "this is not for you");
	if (failure.kind == ERR_OK && !*out)
		*out = rig_make(try->want, digest, began);
	rig.asked.looks = try->want->looks;
	rig.stores = try->want->lookaside_count;
	places_host(options, try->want, try->place, rig.host);
	pthread_mutex_unlock(&rig.lock);
	rig.at_once--;
	if (failure.kind == ERR_OK)
		return 0;
	*err = failure;
	return -1;
}

static inline int rig_start(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.clock = (struct clock){ .wall = rig_time, .mono = rig_time };
	rig.now = 1000 * SECOND;
	snprintf(rig.digest, sizeof(rig.digest), DIGEST);
	sem_init(&rig.arrived, 0, 0);
	sem_init(&rig.gate, 0, 0);
	sem_init(&rig.done, 0, 0);
	pthread_mutex_init(&rig.lock, NULL);
	rig.options = (struct facts_options){ .clock = &rig.clock,
		.user_agent = "test/1",
		.max_bytes = FACTS_BYTES_MIN,
		.threads = 8,
		.per_host = 4 };
	return 0;
}

static inline void rig_open(void)
{
	struct err err = ERR_NONE;

	if (facts_new_with(&rig.options, rig_fetch, &rig.facts, &err) < 0)
		fail_msg("%s", err.text);
}

static inline int rig_end(void **state)
{
	(void)state;
	facts_free(rig.facts);
	sem_destroy(&rig.arrived);
	sem_destroy(&rig.gate);
	sem_destroy(&rig.done);
	pthread_mutex_destroy(&rig.lock);
	return 0;
}

static inline void rig_wait(sem_t *what, int times)
{
	while (times--)
		while (sem_wait(what) < 0)
			;
}

static inline void rig_pass(int times)
{
	while (times--)
		sem_post(&rig.gate);
}

static inline void rig_done(void *ctx)
{
	(void)ctx;
	sem_post(&rig.done);
}

static inline void rig_later(int64_t microseconds)
{
	rig.now += microseconds;
	facts_wake(rig.facts);
}

/* "host/repository:tag" or "…@digest" with everything looked for but lookaside stores. */
static inline struct image_want rig_want(const char *text)
{
	struct image_want want = { .looks = IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS,
		.namespace = "team-a",
		.service_account = "default" };

	assert_int_equal(oci_name_parse(text, &want.name, NULL), 0);
	return want;
}

static inline void rig_fails(enum err_kind kind, int retry_after)
{
	pthread_mutex_lock(&rig.lock);
	err_clear(&rig.failure);
	if (kind != ERR_OK)
		err_set(&rig.failure, kind, "the registry says no");
	rig.failure.retry_after = retry_after;
	pthread_mutex_unlock(&rig.lock);
}

/* Asks, and waits for the answer. */
static inline void rig_ask(const struct image_want *want, int64_t max_age)
{
	facts_fetch(rig.facts, want, max_age, rig_done, NULL);
	rig_wait(&rig.done, 1);
}

static inline enum facts_found rig_find(const struct image_want *want, int64_t max_age)
{
	auto_image_facts struct image_facts *facts = NULL;

	enum facts_found found = facts_find(rig.facts, want, max_age, &facts, NULL);
	assert_int_equal(facts != NULL, found == FACTS_KNOWN || found == FACTS_OLD);
	return found;
}

#endif
