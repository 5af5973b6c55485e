/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of guest; main.c makes the program's table of them. */
#ifndef COCOON_GUEST_VERBS_H
#define COCOON_GUEST_VERBS_H

#include "base/opt.h"

extern const struct opt_verb serve_verb;
extern const struct opt_verb get_resource_verb;
extern const struct opt_verb unseal_verb;
extern const struct opt_verb unwrap_key_verb;
extern const struct opt_verb secure_mount_verb;
extern const struct opt_verb evidence_verb;
extern const struct opt_verb token_verb;
extern const struct opt_verb tee_verb;
extern const struct opt_verb measure_verb;

#endif
