/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/report.h"

#include "base/log.h"
#include "crypto/init.h"
#include "tests/webhook/asks.h"
#include "webhook/handoff.h"

/* A result as review() leaves it: a pod and lines "policy verdict". */
struct made {
	struct review_result result;
	json_t *pod;
	struct gate_line lines[4];
};

static void make(struct made *made, const char *pod, const struct gate_line *lines, size_t count)
{
	*made = (struct made){ .pod = yaml(pod) };
	made->result = (struct review_result){ .status = 200, .pod = view_of(made->pod) };
	made->result.request.user = "jane";
	memcpy(made->lines, lines, count * sizeof(*lines));
	made->result.gate.lines = made->lines;
	made->result.gate.line_count = count;
}

static char path[] = "spec.containers[0].image", image[] = "registry.example/shop/app:1",
	    reason[] = "encryption";

static struct gate_line line(const char *policy, enum gate_verdict verdict)
{
	return (struct gate_line){
		.policy = policy, .verdict = verdict, .path = path, .image = image, .reason = reason
	};
}

#define OWNED                                                                                              \
	"{metadata: {name: web-1, ownerReferences: [{apiVersion: v1, kind: Node, name: node-1, uid: u0}, " \
	"{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u1, controller: true}]}, spec: {}}"
#define OWNERLESS \
	"{metadata: {name: web-1, ownerReferences: [{apiVersion: v1, kind: Node, name: node-1}]}, spec: {}}"

static void refusals_are_told_to_the_controlling_owner_else_to_the_policy(void **state)
{
	static const struct {
		const char *pod;
		enum gate_verdict first, second;
		bool told, unknown;
		const char *kind, *name, *namespace, *uid;
	} cases[] = {
		{ OWNED, GATE_ADMITTED, GATE_REFUSED, true, false, "ReplicaSet", "web", "shop", "u1" },
		{ OWNED, GATE_UNKNOWN, GATE_REFUSED, true, false, "ReplicaSet", "web", "shop", "u1" },
		{ OWNED, GATE_WARNED, GATE_UNKNOWN, true, true, "ReplicaSet", "web", "shop", "u1" },
		{ OWNERLESS, GATE_REFUSED, GATE_ADMITTED, true, false, "ImagePolicy", "one", NULL, NULL },
		{ OWNED, GATE_ADMITTED, GATE_WARNED, false, false, NULL, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct handoff handoff;
		struct made made;
		handoff_init(&handoff);
		make(&made, cases[i].pod,
				(struct gate_line[]){
						line("one", cases[i].first), line("two", cases[i].second) },
				2);
		assert_int_equal(report_review(&handoff, REVIEW_VALIDATE, &made.result), cases[i].told);
		struct notice *notice = handoff_take_notice(&handoff);
		assert_int_equal(notice != NULL, cases[i].told);
		if (notice) {
			assert_int_equal(notice->unknown, cases[i].unknown);
			assert_string_equal(notice->kind, cases[i].kind);
			assert_string_equal(notice->name, cases[i].name);
			assert_int_equal(notice->namespace != NULL, cases[i].namespace != NULL);
			assert_int_equal(notice->uid != NULL, cases[i].uid != NULL);
			assert_holds(notice->note,
					"pod shop/web-1: spec.containers[0].image: "
					"registry.example/shop/app:1: "
					"ImagePolicy ");
			assert_string_equal(notice->api, notice->uid ? "apps/v1" : "cocoon.dev/v1alpha1");
		}
		notice_free(notice);
		auto_free char *counts = verdicts_text(&handoff.verdicts);
		if (i == 0)
			assert_string_equal(counts, "{\"one\":[1,0,0,0],\"two\":[0,0,1,0]}");
		handoff_clear(&handoff);
		json_decref(made.pod);
	}
}

static void dry_runs_mutations_and_templates_are_not_counted(void **state)
{
	struct handoff handoff;
	struct made made;

	(void)state;
	handoff_init(&handoff);
	make(&made, OWNED, (struct gate_line[]){ line("one", GATE_REFUSED) }, 1);
	assert_false(report_review(&handoff, REVIEW_MUTATE, &made.result));
	assert_false(report_review(&handoff, REVIEW_TEMPLATES, &made.result));
	made.result.dry_run = true;
	assert_false(report_review(&handoff, REVIEW_VALIDATE, &made.result));
	auto_free char *counts = verdicts_text(&handoff.verdicts);
	assert_string_equal(counts, "{}");
	assert_null(handoff_take_notice(&handoff));
	handoff_clear(&handoff);
	json_decref(made.pod);
}

static void an_image_without_policy_and_owner_is_told_to_nobody(void **state)
{
	struct handoff handoff;
	struct made made;

	(void)state;
	handoff_init(&handoff);
	make(&made, OWNERLESS, (struct gate_line[]){ line("", GATE_REFUSED) }, 1);
	assert_false(report_review(&handoff, REVIEW_VALIDATE, &made.result));
	auto_free char *counts = verdicts_text(&handoff.verdicts);
	assert_string_equal(counts, "{\"\":[0,0,1,0]}");
	json_decref(made.pod);
	make(&made, OWNED, (struct gate_line[]){ line("", GATE_REFUSED) }, 1);
	assert_true(report_review(&handoff, REVIEW_VALIDATE, &made.result));
	handoff_clear(&handoff);
	json_decref(made.pod);
}

static void notices_wait_in_order_and_are_bounded(void **state)
{
	struct handoff handoff;
	struct made made;
	char name[16];

	(void)state;
	handoff_init(&handoff);
	for (int i = 0; i < HANDOFF_NOTICES + 5; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		make(&made, OWNERLESS, (struct gate_line[]){ line(name, GATE_REFUSED) }, 1);
		assert_true(report_review(&handoff, REVIEW_VALIDATE, &made.result));
		json_decref(made.pod);
	}
	assert_int_equal(handoff_notices_dropped(&handoff), 5);
	for (int i = 0; i < 3; i++) {
		struct notice *notice = handoff_take_notice(&handoff);
		snprintf(name, sizeof(name), "p%d", i);
		assert_string_equal(notice->name, name);
		notice_free(notice);
	}
	/* the rest goes with the handoff */
	handoff_clear(&handoff);
}

static void policies_beyond_the_bound_count_together(void **state)
{
	struct verdicts verdicts;
	auto_free struct verdict_row *rows = NULL;
	auto_json json_t *all = NULL;
	char name[32];

	(void)state;
	verdicts_init(&verdicts);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < VERDICTS_POLICIES + 3; i++) {
			snprintf(name, sizeof(name), "policy-%d", i);
			verdicts_add(&verdicts, name, GATE_UNKNOWN);
		}
	}
	assert_int_equal(verdicts_copy(&verdicts, &rows), VERDICTS_POLICIES + 1);
	assert_string_equal(rows[VERDICTS_POLICIES].policy, VERDICTS_OTHER);
	assert_int_equal(rows[VERDICTS_POLICIES].counts[GATE_UNKNOWN], 6);
	assert_int_equal(rows[7].counts[GATE_UNKNOWN], 2);
	auto_free char *text = verdicts_text(&verdicts);
	assert_int_equal(json_read(span_of(text), 1 << 20, &all, NULL), 0);
	assert_int_equal(json_object_size(all), VERDICTS_POLICIES);
	verdicts_clear(&verdicts);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	return crypto_init(false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_are_told_to_the_controlling_owner_else_to_the_policy),
		cmocka_unit_test(dry_runs_mutations_and_templates_are_not_counted),
		cmocka_unit_test(an_image_without_policy_and_owner_is_told_to_nobody),
		cmocka_unit_test(notices_wait_in_order_and_are_bounded),
		cmocka_unit_test(policies_beyond_the_bound_count_together),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
