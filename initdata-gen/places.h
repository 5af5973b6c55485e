/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads at the places of a manifest, and notes about them. */
#ifndef COCOON_INITDATA_GEN_PLACES_H
#define COCOON_INITDATA_GEN_PLACES_H

#include "agentpolicy/notes.h"
#include "pod/manifest.h"

/* The object that holds the pod or template of a place: its document, or an item of a List. Borrowed. */
const json_t *places_workload(const struct manifest *manifest, const struct place *place)
		__attribute__((nonnull, returns_nonnull));

/* A line on standard error, fit to be shown: what is formatted into it may come from a manifest. */
void places_line(const char *fmt, ...) __attribute__((format(printf, 1, 2), nonnull(1)));

/* One for each note: "warning: LABEL: PATH: TEXT". Errors are left to whoever fails by them. */
void places_say(const char *label, const struct agent_notes *notes) __attribute__((nonnull));

/* [{"severity", "path", "text"}]: a new reference. */
json_t *places_notes(const struct agent_notes *notes)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

#endif
