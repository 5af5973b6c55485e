/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of initdata-gen, one file each; main.c makes the program's table of them. */
#ifndef COCOON_INITDATA_GEN_VERBS_H
#define COCOON_INITDATA_GEN_VERBS_H

#include "base/opt.h"

extern const struct opt_verb create_verb;
extern const struct opt_verb show_verb;
extern const struct opt_verb digest_verb;
extern const struct opt_verb verify_verb;
extern const struct opt_verb annotate_verb;
extern const struct opt_verb blob_verb;
extern const struct opt_verb publish_verb;
extern const struct opt_verb policy_verb;
extern const struct opt_verb policy_test_verb;
extern const struct opt_verb policy_explain_verb;
extern const struct opt_verb policy_lint_verb;
extern const struct opt_verb policy_diff_verb;
extern const struct opt_verb convert_verb;

#endif
