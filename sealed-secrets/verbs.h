/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of sealed-secrets, one file each; main.c makes the program's table of them. */
#ifndef COCOON_SEALED_SECRETS_VERBS_H
#define COCOON_SEALED_SECRETS_VERBS_H

#include "base/opt.h"

extern const struct opt_verb seal_verb;
extern const struct opt_verb unseal_verb;
extern const struct opt_verb inspect_verb;
extern const struct opt_verb verify_verb;
extern const struct opt_verb keygen_verb;
extern const struct opt_verb lint_verb;
extern const struct opt_verb registry_auth_verb;
extern const struct opt_verb convert_verb;
extern const struct opt_verb provision_verb;

#endif
