/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions that the agent's engine searches with, which are not anchored by themselves: plain text becomes
 * one that matches it alone.
 *
 *     "web.1"  →  "web\\.1"
 */
#ifndef COCOON_AGENTPOLICY_PATTERN_H
#define COCOON_AGENTPOLICY_PATTERN_H

#include <stdbool.h>

/* Without anchors: the caller puts them. The caller's. */
char *pattern_escape(const char *text) __attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Whether it matches whole texts alone: begins with ^, ends with $, and has no alternative outside of parentheses. */
bool pattern_is_anchored(const char *pattern) __attribute__((nonnull));

#endif
