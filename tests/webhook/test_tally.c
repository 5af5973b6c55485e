/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/tally.h"

#include "tests/profile/scene.h"

static void counts_answers_by_path_and_outcome_but_no_dry_runs(void **state)
{
	struct tally tally = { 0 };
	struct tally_state now = {
		.cert_not_after = 1767323045, .follow = { .events = 5, .errors = 2 }, .connections = 3
	};
	auto_buf struct buf out = BUF_MAX(1 << 20);
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			"- {metadata: {name: a}, spec: {runtimeClasses: [x]}}\n"
			"- {metadata: {name: b}, spec: {runtimeClasses: [x], mode: z}}");
	const struct review_result injected_one = { .status = 200, .outcome = OUTCOME_INJECTED };
	const struct review_result dry = { .status = 200, .outcome = OUTCOME_INJECTED, .dry_run = true };
	const struct review_result refused = { .status = 200, .outcome = OUTCOME_REFUSED };
	const struct review_result bad = { .status = 400, .outcome = OUTCOME_REFUSED };

	(void)state;
	tally_review(&tally, REVIEW_MUTATE, &injected_one, 100);
	tally_review(&tally, REVIEW_MUTATE, &injected_one, 100);
	tally_review(&tally, REVIEW_MUTATE, &dry, 100);
	tally_review(&tally, REVIEW_VALIDATE, &refused, 3000000);
	tally_review(&tally, REVIEW_TEMPLATES, &bad, 10);
	tally.not_ready = 4;
	now.catalog = catalog;
	tally_format(&tally, &now, &out);
	static const char *const lines[] = {
		"\ncocoon_webhook_reviews_total{path=\"mutate\",outcome=\"injected\"} 2\n",
		"\ncocoon_webhook_reviews_total{path=\"validate\",outcome=\"refused\"} 1\n",
		"\ncocoon_webhook_reviews_total{path=\"templates\",outcome=\"refused\"} 0\n",
		"\ncocoon_webhook_malformed_total 1\n",
		"\ncocoon_webhook_not_ready_total 4\n",
		"\ncocoon_webhook_review_seconds_count{path=\"mutate\"} 3\n",
		"\ncocoon_webhook_review_seconds_sum{path=\"validate\"} 3.000000\n",
		"\ncocoon_profiles{state=\"good\"} 1\n",
		"\ncocoon_profiles{state=\"broken\"} 1\n",
		"\ncocoon_webhook_certificate_expiry_seconds 1767323045\n",
		"\ncocoon_webhook_connections 3\n",
		"\ncocoon_watch_events_total 5\n",
		"\ncocoon_watch_errors_total 2\n",
	};
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_holds(buf_text(&out), lines[i]);
}

static void counts_images_and_those_who_wait_for_them(void **state)
{
	struct tally tally = { 0 };
	struct verdicts verdicts;
	const struct pending_counts pending = {
		.waiting = 2, .deferred = 9, .late = 3, .crowded = 1, .failures = { [ERR_RETRY] = 5 }
	};
	struct tally_state now = { .pending = &pending,
		.verdicts = &verdicts,
		.facts = { .hits = 10, .misses = 4, .shared = 2, .throttled = 1, .images = 3, .bytes = 6000 },
		.notices_dropped = 8 };
	auto_buf struct buf out = BUF_MAX(1 << 20);

	(void)state;
	verdicts_init(&verdicts);
	verdicts_add(&verdicts, "shop", GATE_REFUSED);
	verdicts_add(&verdicts, "", GATE_UNKNOWN);
	tally_format(&tally, &now, &out);
	static const char *const lines[] = {
		"\ncocoon_webhook_images_total{policy=\"shop\",verdict=\"refused\"} 1\n",
		"\ncocoon_webhook_images_total{policy=\"shop\",verdict=\"admitted\"} 0\n",
		"\ncocoon_webhook_images_total{policy=\"\",verdict=\"unknown\"} 1\n",
		"\ncocoon_webhook_deferred 2\n",
		"\ncocoon_webhook_deferred_total{what=\"all\"} 9\n",
		"\ncocoon_webhook_deferred_total{what=\"late\"} 3\n",
		"\ncocoon_webhook_deferred_total{what=\"crowded\"} 1\n",
		"\ncocoon_webhook_deferred_seconds_count{phase=\"facts\"} 0\n",
		"\ncocoon_facts_failures_total{kind=\"retry\"} 5\n",
		"\ncocoon_facts_total{event=\"hit\"} 10\n",
		"\ncocoon_facts_total{event=\"throttled\"} 1\n",
		"\ncocoon_facts_images 3\n",
		"\ncocoon_facts_bytes 6000\n",
		"\ncocoon_facts_fetches{state=\"running\"} 0\n",
		"\ncocoon_webhook_notices_dropped_total 8\n",
	};
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_holds(buf_text(&out), lines[i]);
	verdicts_clear(&verdicts);
}

/* Every sample belongs to the family whose HELP and TYPE stand above it, and no family comes twice. */
static void is_well_formed_without_a_catalog(void **state)
{
	struct tally tally = { 0 };
	struct verdicts verdicts;
	const struct pending_counts pending = { .waiting = 0 };
	const struct tally_state now = { .pending = &pending, .verdicts = &verdicts };
	auto_buf struct buf out = BUF_MAX(1 << 20);
	auto_json json_t *families = json_object();
	struct span rest, line;
	char family[128] = "";

	(void)state;
	verdicts_init(&verdicts);
	verdicts_add(&verdicts, "shop", GATE_ADMITTED);
	tally_format(&tally, &now, &out);
	verdicts_clear(&verdicts);
	rest = buf_span(&out);
	while (span_next(&rest, '\n', &line)) {
		if (span_starts(line, "# HELP ")) {
			struct span name = span_from(line, 7);
			name.len = span_find(name, ' ');
			snprintf(family, sizeof(family), "%.*s", SPAN_ARG(name));
			assert_null(json_object_get(families, family));
			json_object_set_new(families, family, json_true());
		} else if (line.len) {
			assert_true(family[0]);
			assert_true(span_starts(
					span_starts(line, "# TYPE ") ? span_from(line, 7) : line, family));
		}
	}
	assert_true(json_object_size(families) >= 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_answers_by_path_and_outcome_but_no_dry_runs),
		cmocka_unit_test(counts_images_and_those_who_wait_for_them),
		cmocka_unit_test(is_well_formed_without_a_catalog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
