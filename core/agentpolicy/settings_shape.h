/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape that settings have, as tables, and a walk along them: private to this room. The walk checks types, fills in
 * what newer releases of Kata write and older ones leave out, and notes what looks misspelt.
 */
#ifndef COCOON_AGENTPOLICY_SETTINGS_SHAPE_H
#define COCOON_AGENTPOLICY_SETTINGS_SHAPE_H

#include "agentpolicy/notes.h"

#include <jansson.h>

struct err;

/* Adds what is missing and may be. */
int settings_shape(json_t *tree, struct agent_notes *notes, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
