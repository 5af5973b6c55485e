/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes and metrics of the controller, on a thread of their own: they answer also while the loop is busy. The loop
 * hands over what they say.
 *
 *     GET /healthz  200 while the loop has turned within HEALTH_STALE seconds
 *     GET /readyz   200 once everything was listed
 *     GET /metrics  Prometheus text, as last handed over
 */
#ifndef COCOON_CONTROLLER_HEALTH_H
#define COCOON_CONTROLLER_HEALTH_H

#include "base/span.h"

#include <stdbool.h>

struct err;
struct health;

#define HEALTH_STALE 60

int health_start(const char *listen, struct health **out, struct err *err)
		__attribute__((nonnull, warn_unused_result));
/* Takes NULL. */
void health_stop(struct health *health);

/* The loop lives; whether it is ready; and what it counts. */
void health_tell(struct health *health, bool ready, struct span metrics) __attribute__((nonnull));

#endif
