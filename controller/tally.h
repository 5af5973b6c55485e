/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller counts, as text for Prometheus. */
#ifndef COCOON_CONTROLLER_TALLY_H
#define COCOON_CONTROLLER_TALLY_H

#include "cluster/follow.h"
#include "controller/gates.h"
#include "controller/pods.h"
#include "kube/event.h"
#include "kube/watch.h"

struct tally_state {
	struct pods_tally pods;
	struct gates_counts gates;
	struct follow_counts follow;
	struct watch_state watch; /* of the pods */
	struct events_state events;
	bool leads;
	bool registered;
	int64_t leaf_expiry; /* seconds since 1970 */
	int64_t now;         /* monotonic */
};

void tally_format(const struct tally_state *state, struct buf *out) __attribute__((nonnull));

#endif
