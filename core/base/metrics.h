/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as Prometheus reads them (text exposition format 0.0.4): a writer, and a histogram to keep.
 *
 *     metric_head(out, "cocoon_reviews_total", "counter", "Admission reviews answered.");
 *     metric_count(out, "cocoon_reviews_total", "path=\"/mutate\"", n);
 *
 * Label texts are the caller's own words, already in the form name="value"; nothing from outside goes in.
 * Units: seconds in histograms, as Prometheus wants base units.
 */
#ifndef COCOON_BASE_METRICS_H
#define COCOON_BASE_METRICS_H

#include "base/buf.h"

#include <stdint.h>

#define METRICS_TYPE "text/plain; version=0.0.4"

void metric_head(struct buf *out, const char *name, const char *type, const char *help)
		__attribute__((nonnull));
/* labels: "" for none */
void metric_count(struct buf *out, const char *name, const char *labels, uint64_t value)
		__attribute__((nonnull));
void metric_value(struct buf *out, const char *name, const char *labels, double value)
		__attribute__((nonnull));

/* Latencies from 50 µs to 5 s. */
#define METRIC_BUCKETS 14
struct metric_histogram {
	uint64_t buckets[METRIC_BUCKETS + 1];
	uint64_t count;
	int64_t sum; /* microseconds */
};

void metric_observe(struct metric_histogram *histogram, int64_t microseconds) __attribute__((nonnull));
void metric_histogram(struct buf *out, const char *name, const char *labels,
		const struct metric_histogram *histogram) __attribute__((nonnull));

#endif
