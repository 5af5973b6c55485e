/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of policy-check, one file each; main.c makes the program's table of them. */
#ifndef COCOON_POLICY_CHECK_VERBS_H
#define COCOON_POLICY_CHECK_VERBS_H

#include "base/opt.h"

extern const struct opt_verb manifests_verb;
extern const struct opt_verb image_verb;
extern const struct opt_verb lint_verb;
extern const struct opt_verb guest_policy_verb;

#endif
