/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/tally.h"

#include "base/own.h"
#include "cluster/images.h"

#include <stdio.h>

static const char *const paths[REVIEW_PATHS] = { "mutate", "validate", "templates" };
static const char *const outcomes[] = { "plain", "unmatched", "injected", "complete", "waiting", "refused" };

void tally_review(struct tally *tally, enum review_path path, const struct review_result *result,
		int64_t microseconds)
{
	if (result->status != 200)
		tally->malformed++;
	else if (!result->dry_run)
		tally->outcomes[path][result->outcome]++;
	metric_observe(&tally->latency[path], microseconds);
}

static void format_state(const struct tally_state *state, struct buf *out)
{
	size_t broken = 0, profiles = state->catalog ? catalog_profile_count(state->catalog) : 0;

	for (size_t i = 0; i < profiles; i++)
		broken += catalog_profile(state->catalog, i)->broken != NULL;
	metric_head(out, "cocoon_profiles", "gauge", "ConfidentialProfiles in force.");
	metric_count(out, "cocoon_profiles", "state=\"good\"", profiles - broken);
	metric_count(out, "cocoon_profiles", "state=\"broken\"", broken);
	metric_head(out, "cocoon_webhook_certificate_expiry_seconds", "gauge",
			"When the serving certificate ends, seconds since 1970.");
	metric_count(out, "cocoon_webhook_certificate_expiry_seconds", "", (uint64_t)state->cert_not_after);
	metric_head(out, "cocoon_webhook_connections", "gauge", "Open connections.");
	metric_count(out, "cocoon_webhook_connections", "", state->connections);
	metric_head(out, "cocoon_watch_events_total", "counter", "Objects that watches brought.");
	metric_count(out, "cocoon_watch_events_total", "", state->follow.events);
	metric_head(out, "cocoon_watch_errors_total", "counter",
			"Lists and watches that failed and were tried again.");
	metric_count(out, "cocoon_watch_errors_total", "", state->follow.errors);
}

static void format_verdicts(struct verdicts *verdicts, struct buf *out)
{
	auto_free struct verdict_row *rows = NULL;
	size_t count = verdicts_copy(verdicts, &rows);
	char labels[320];

	metric_head(out, "cocoon_webhook_images_total", "counter",
			"Images judged, by policy and verdict, without dry runs and templates.");
	for (size_t i = 0; i < count; i++) {
		for (unsigned k = 0; k < VERDICT_KINDS; k++) {
			snprintf(labels, sizeof(labels), "policy=\"%s\",verdict=\"%s\"", rows[i].policy,
					gate_verdict_name((enum gate_verdict)k));
			metric_count(out, "cocoon_webhook_images_total", labels, rows[i].counts[k]);
		}
	}
}

static void format_pending(const struct pending_counts *counts, struct buf *out)
{
	char labels[64];

	metric_head(out, "cocoon_webhook_deferred", "gauge", "Reviews that wait for facts about images.");
	metric_count(out, "cocoon_webhook_deferred", "", counts->waiting);
	metric_head(out, "cocoon_webhook_deferred_total", "counter",
			"Reviews that waited; of them those judged at their deadline; and those that did not "
			"wait, as too many did.");
	metric_count(out, "cocoon_webhook_deferred_total", "what=\"all\"", counts->deferred);
	metric_count(out, "cocoon_webhook_deferred_total", "what=\"late\"", counts->late);
	metric_count(out, "cocoon_webhook_deferred_total", "what=\"crowded\"", counts->crowded);
	metric_head(out, "cocoon_webhook_deferred_seconds", "histogram",
			"Time of reviews that waited: for facts, and their judgement behind that.");
	metric_histogram(out, "cocoon_webhook_deferred_seconds", "phase=\"facts\"", &counts->facts);
	metric_histogram(out, "cocoon_webhook_deferred_seconds", "phase=\"judging\"", &counts->judging);
	metric_head(out, "cocoon_facts_failures_total", "counter",
			"Reviews' look-ups of images that found a failure, by its kind.");
	for (unsigned k = ERR_OK + 1; k <= ERR_BUG; k++) {
		snprintf(labels, sizeof(labels), "kind=\"%s\"", err_kind_name((enum err_kind)k));
		metric_count(out, "cocoon_facts_failures_total", labels, counts->failures[k]);
	}
}

static void format_images(const struct tally_state *state, struct buf *out)
{
	if (state->verdicts)
		format_verdicts(state->verdicts, out);
	if (state->pending)
		format_pending(state->pending, out);
	images_format(&state->facts, out);
	metric_head(out, "cocoon_webhook_notices_dropped_total", "counter",
			"Events about images that were not even tried, as too many waited.");
	metric_count(out, "cocoon_webhook_notices_dropped_total", "", state->notices_dropped);
}

void tally_format(const struct tally *tally, const struct tally_state *state, struct buf *out)
{
	char labels[64];

	metric_head(out, "cocoon_webhook_reviews_total", "counter",
			"Admission reviews answered, without dry runs.");
	for (unsigned p = 0; p < REVIEW_PATHS; p++) {
		for (unsigned o = 0; o <= OUTCOME_REFUSED; o++) {
			snprintf(labels, sizeof(labels), "path=\"%s\",outcome=\"%s\"", paths[p], outcomes[o]);
			metric_count(out, "cocoon_webhook_reviews_total", labels, tally->outcomes[p][o]);
		}
	}
	metric_head(out, "cocoon_webhook_malformed_total", "counter", "Requests that were no review.");
	metric_count(out, "cocoon_webhook_malformed_total", "", tally->malformed);
	metric_head(out, "cocoon_webhook_not_ready_total", "counter",
			"Reviews that came before there was a catalog.");
	metric_count(out, "cocoon_webhook_not_ready_total", "", tally->not_ready);
	metric_head(out, "cocoon_webhook_review_seconds", "histogram", "Time to answer a review.");
	for (unsigned p = 0; p < REVIEW_PATHS; p++) {
		snprintf(labels, sizeof(labels), "path=\"%s\"", paths[p]);
		metric_histogram(out, "cocoon_webhook_review_seconds", labels, &tally->latency[p]);
	}
	format_state(state, out);
	format_images(state, out);
}
