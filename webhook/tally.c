/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/tally.h"

#include <stdio.h>

static const char *const paths[REVIEW_PATHS] = { "mutate", "validate", "templates" };
static const char *const outcomes[] = { "plain", "unmatched", "injected", "complete", "refused" };

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
}
