/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a text of rules says of a request at first sight, without an engine: lines are looked at, not evaluated.
 *
 *     default GetMetricsRequest := false                nothing else of that name      never
 *     default GetOOMEventRequest := true                                               always
 *     default ExecProcessRequest := false   ExecProcessRequest if { …                  when
 *
 * Good enough to explain rules that are known, and to find in others what gives everything away; a text that hides what
 * it does is rules that nobody knows, which is what lint says of it.
 */
#ifndef COCOON_AGENTPOLICY_STANCE_H
#define COCOON_AGENTPOLICY_STANCE_H

#include "base/span.h"

enum stance { STANCE_ABSENT, STANCE_NEVER, STANCE_WHEN, STANCE_ALWAYS };
/* "never" also for a rule that is absent, "when", "always". Static. */
const char *stance_name(enum stance stance);

enum stance stance_of(struct span rules, const char *rule) __attribute__((nonnull));

#endif
