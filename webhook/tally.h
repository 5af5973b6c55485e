/* SPDX-License-Identifier: Apache-2.0 */
/* What the webhook counts, and its text for Prometheus. One thread. */
#ifndef COCOON_WEBHOOK_TALLY_H
#define COCOON_WEBHOOK_TALLY_H

#include "base/metrics.h"
#include "cluster/follow.h"
#include "webhook/pending.h"
#include "webhook/verdicts.h"

struct tally {
	uint64_t outcomes[REVIEW_PATHS][OUTCOME_REFUSED + 1];
	uint64_t malformed;
	uint64_t not_ready;
	struct metric_histogram latency[REVIEW_PATHS];
};

/* What is true at the moment of asking. */
struct tally_state {
	const struct catalog *catalog; /* NULL: none yet */
	int64_t cert_not_after;        /* seconds since 1970, 0: none */
	struct follow_counts follow;
	unsigned connections;
	/* of images; NULL: none */
	const struct pending_counts *pending;
	struct verdicts *verdicts;
	struct facts_counts facts;
	uint64_t notices_dropped;
};

void tally_review(struct tally *tally, enum review_path path, const struct review_result *result,
		int64_t microseconds) __attribute__((nonnull));
void tally_format(const struct tally *tally, const struct tally_state *state, struct buf *out)
		__attribute__((nonnull));

#endif
