/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <inttypes.h>

/* microseconds */
static const int64_t bounds[METRIC_BUCKETS] = { 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000,
	500000, 1000000, 2500000, 5000000 };

void metric_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void name_with(struct buf *out, const char *name, const char *labels)
{
	if (labels[0])
		buf_printf(out, "%s{%s} ", name, labels);
	else
		buf_printf(out, "%s ", name);
}

void metric_count(struct buf *out, const char *name, const char *labels, uint64_t value)
{
	name_with(out, name, labels);
	buf_printf(out, "%" PRIu64 "\n", value);
}

void metric_value(struct buf *out, const char *name, const char *labels, double value)
{
	name_with(out, name, labels);
	buf_printf(out, "%.6f\n", value);
}

void metric_observe(struct metric_histogram *h, int64_t microseconds)
{
	unsigned i = 0;

	while (i < METRIC_BUCKETS && microseconds > bounds[i])
		i++;
	h->buckets[i]++;
	h->count++;
	h->sum += microseconds;
}

void metric_histogram(struct buf *out, const char *name, const char *labels, const struct metric_histogram *h)
{
	uint64_t running = 0;
	const char *comma = labels[0] ? "," : "";

	for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
		running += h->buckets[i];
		buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
				(double)bounds[i] / 1e6, running);
	}
	buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, h->count);
	buf_printf(out, "%s_sum%s%s%s %.6f\n", name, labels[0] ? "{" : "", labels, labels[0] ? "}" : "",
			(double)h->sum / 1e6);
	buf_printf(out, "%s_count%s%s%s %" PRIu64 "\n", name, labels[0] ? "{" : "", labels,
			labels[0] ? "}" : "", h->count);
}
