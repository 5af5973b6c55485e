/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/tally.h"

#include "base/metrics.h"
#include "cluster/images.h"

#include <stdio.h>

static void one(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
	metric_head(out, name, type, help);
	metric_count(out, name, "", value);
}

void tally_format(const struct tally_state *s, struct buf *out)
{
	static const char *const states[] = { NULL, "gated", "injected", "drifted", "unprotected" };
	char label[64];

	metric_head(out, "cocoon_controller_pods", "gauge", "Confidential pods by state.");
	for (unsigned i = POD_GATED; i <= POD_UNPROTECTED; i++) {
		snprintf(label, sizeof(label), "state=\"%s\"", states[i]);
		metric_count(out, "cocoon_controller_pods", label, s->pods.states[i]);
	}
	metric_head(out, "cocoon_controller_oldest_gate_seconds", "gauge",
			"How long the longest-gated pod has waited.");
	metric_value(out, "cocoon_controller_oldest_gate_seconds", "",
			s->pods.oldest_gate ? (double)(s->now - s->pods.oldest_gate) / 1e6 : 0.0);
	metric_head(out, "cocoon_controller_lifts_total", "counter", "Tries to complete gated pods.");
	metric_count(out, "cocoon_controller_lifts_total", "result=\"lifted\"", s->gates.lifter.lifted);
	metric_count(out, "cocoon_controller_lifts_total", "result=\"refused\"", s->gates.lifter.refused);
	metric_count(out, "cocoon_controller_lifts_total", "result=\"failed\"", s->gates.lifter.failed);
	one(out, "cocoon_controller_queue", "gauge", "Gated pods waiting for a try.",
			s->gates.lifter.waiting);
	metric_head(out, "cocoon_controller_agent_policies_total", "counter",
			"Tries to prepare agent policies of workloads.");
	metric_count(out, "cocoon_controller_agent_policies_total", "result=\"prepared\"",
			s->gates.preparer.prepared);
	metric_count(out, "cocoon_controller_agent_policies_total", "result=\"refused\"",
			s->gates.preparer.refused);
	metric_count(out, "cocoon_controller_agent_policies_total", "result=\"failed\"",
			s->gates.preparer.failed);
	one(out, "cocoon_controller_agent_policies_waiting", "gauge",
			"Agent policies that pods wait for and that are not prepared.",
			s->gates.preparer.waiting);
	images_format(&s->gates.facts, out);
	one(out, "cocoon_controller_leads", "gauge", "1 when this replica holds the Lease.", s->leads);
	one(out, "cocoon_controller_registered", "gauge",
			"1 when the webhook configurations stand, as the leader sees it.", s->registered);
	one(out, "cocoon_controller_certificate_expiry_seconds", "gauge",
			"When the webhook's certificate ends, seconds since 1970; 0: unknown here.",
			(uint64_t)s->leaf_expiry);
	one(out, "cocoon_watch_events_total", "counter", "Objects that watches brought.",
			s->follow.events + s->watch.events);
	one(out, "cocoon_watch_relists_total", "counter", "Lists begun after the first of each watch.",
			s->follow.relists + s->watch.relists);
	one(out, "cocoon_watch_errors_total", "counter",
			"Lists and watches that failed and were tried again.",
			s->follow.errors + s->watch.errors);
	one(out, "cocoon_events_sent_total", "counter", "Events written.", s->events.sent);
	one(out, "cocoon_events_dropped_total", "counter", "Events given up.", s->events.dropped);
}
