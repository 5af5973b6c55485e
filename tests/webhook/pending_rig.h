/* SPDX-License-Identifier: Apache-2.0 */
/* A registry of which the tests say when it answers, and reviews of pods whose images are there. */
#ifndef COCOON_TESTS_WEBHOOK_PENDING_RIG_H
#define COCOON_TESTS_WEBHOOK_PENDING_RIG_H

#include "base/clock.h"
#include "tests/webhook/asks.h"
#include "webhook/pending.h"

#define SECOND CLOCK_SECOND
#define POD                                                                                             \
	"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {runtimeClassName: snp, containers: " \
	"[{name: "                                                                                      \
	"a, "                                                                                           \
	"image: '%s'}%s]}}"
#define APP             "registry.example/shop/app:1"
#define POLICY          "- {metadata: {name: shop}, spec: {encryption: {}}}"
#define PINNED          "- {metadata: {name: shop}, spec: {digest: {pin: KeepTag}}}"
#define LENIENT         "- {metadata: {name: shop}, spec: {onUnknown: Warn, encryption: {}}}"
#define ALLOWED_ALL     "unmatched: Allow"
#define FETCHES_MAX     64
#define TIME_OF_ARRIVAL (100 * SECOND)

/* A registry of which the tests say when it answers. */
struct rig {
	struct pending *pending;
	int64_t now;
	struct catalog *catalog;
	struct policy_set *policies;
	/* what is known of the only image; NULL: nothing */
	struct image_facts *facts;
	bool old, at_once, fails, tries;
	struct {
		void (*done)(void *ctx);
		void *ctx;
		int64_t max_age;
	} fetches[FETCHES_MAX];
	size_t fetch_count;
	unsigned wakes, answers;
	json_t *answer; /* the last */
	void *later;
};

static inline int64_t rig_time(void *ctx)
{
	return ((struct rig *)ctx)->now;
}

static inline enum facts_found rig_find(void *ctx, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	struct rig *rig = ctx;

	assert_true(span_ends(span_of(want->name.host), ".example"));
	if (rig->fails) {
		err_set(why, ERR_DENIED, "registry.example: HTTP 403");
		return FACTS_FAILURE;
	}
	if (!rig->facts && rig->tries)
		err_set(why, ERR_RETRY, "registry.example: HTTP 429");
	if (!rig->facts)
		return FACTS_ABSENT;
	*out = image_facts_ref(rig->facts);
	return rig->old || (max_age && rig->facts->fetched < rig->now - max_age) ? FACTS_OLD : FACTS_KNOWN;
}

static inline void rig_fetch(void *ctx, const struct image_want *want, int64_t max_age,
		void (*done)(void *ctx), void *done_ctx)
{
	struct rig *rig = ctx;

	(void)want;
	assert_true(rig->fetch_count < FETCHES_MAX);
	rig->fetches[rig->fetch_count].done = done;
	rig->fetches[rig->fetch_count].ctx = done_ctx;
	rig->fetches[rig->fetch_count++].max_age = max_age;
	if (rig->at_once) {
		rig->fetch_count--;
		rig->facts = facts_of(true, rig->now);
		done(done_ctx);
	}
}

static inline void rig_wake(void *ctx)
{
	((struct rig *)ctx)->wakes++;
}

static inline json_t *said(struct buf *out)
{
	auto_json json_t *all = NULL;

	assert_int_equal(json_read(buf_span(out), 1 << 20, &all, NULL), 0);
	return json_incref(json_object_get(all, "response"));
}

static inline void rig_answer(void *ctx, void *later, const struct pending_review *review,
		struct review_result *result, struct buf *body)
{
	struct rig *rig = ctx;

	assert_in_range(review->began, TIME_OF_ARRIVAL, rig->now);
	assert_int_equal(result->status, 200);
	json_decref(rig->answer);
	rig->answer = said(body);
	rig->later = later;
	rig->answers++;
}

static inline void rig_open(struct rig *rig, const char *policies, size_t max)
{
	static struct clock clock;

	*rig = (struct rig){ .now = TIME_OF_ARRIVAL,
		.catalog = catalog_of(ALLOWED_ALL, NULL),
		.policies = policies_of(NULL, policies) };
	clock = (struct clock){ .wall = rig_time, .mono = rig_time, .ctx = rig };
	rig->pending = pending_new(&(struct pending_options){ .clock = &clock,
			.max = max,
			.max_bytes = 1 << 20,
			.images = rig,
			.find = rig_find,
			.fetch = rig_fetch,
			.ctx = rig,
			.wake = rig_wake,
			.answer = rig_answer });
}

static inline void rig_close(struct rig *rig)
{
	pending_end(rig->pending);
	assert_int_equal(pending_counts(rig->pending)->waiting, 0);
	for (size_t i = 0; i < rig->fetch_count; i++)
		rig->fetches[i].done(rig->fetches[i].ctx);
	pending_free(rig->pending);
	catalog_unref(rig->catalog);
	policy_set_unref(rig->policies);
	image_facts_unref(rig->facts);
	json_decref(rig->answer);
}

/* Asks about a pod; true: rig->answer is there. */
static inline bool ask(struct rig *rig, enum review_path path, const char *image, const char *more)
{
	auto_json json_t *pod = yamlf(POD, image, more);
	auto_free char *text = review_text(&(struct ask){ .path = path, .object = pod });
	const struct pending_review review = { .path = path,
		.body = span_of(text),
		.catalog = rig->catalog,
		.policies = rig->policies,
		.controller_user = CONTROLLER,
		.began = rig->now,
		.deadline = rig->now + 9 * SECOND };
	struct buf out = BUF_MAX(1 << 20);
	struct review_result result;

	struct pending_job *job = pending_ask(rig->pending, &review, &result, &out);
	if (job) {
		assert_int_equal(out.len, 0);
		pending_keep(rig->pending, job, rig);
	} else {
		json_decref(rig->answer);
		rig->answer = said(&out);
	}
	review_result_clear(&result);
	buf_clear(&out);
	return !job;
}

/* All that was asked for comes. */
static inline void comes(struct rig *rig, struct image_facts *facts)
{
	size_t count = rig->fetch_count;

	image_facts_unref(rig->facts);
	rig->facts = facts;
	rig->fetch_count = 0;
	for (size_t i = 0; i < count; i++)
		rig->fetches[i].done(rig->fetches[i].ctx);
	pending_turn(rig->pending);
}

static inline bool admitted(const struct rig *rig)
{
	return json_is_true(json_object_get(rig->answer, "allowed"));
}

static inline const char *message(const struct rig *rig)
{
	return json_text_at(rig->answer, "status", "message", NULL);
}

#endif
