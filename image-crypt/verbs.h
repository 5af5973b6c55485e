/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of image-crypt, one file each; main.c makes the program's table of them. */
#ifndef COCOON_IMAGE_CRYPT_VERBS_H
#define COCOON_IMAGE_CRYPT_VERBS_H

#include "base/opt.h"

extern const struct opt_verb encrypt_verb;
extern const struct opt_verb decrypt_verb;
extern const struct opt_verb inspect_verb;
extern const struct opt_verb rewrap_verb;
extern const struct opt_verb verify_verb;
extern const struct opt_verb keygen_verb;
extern const struct opt_verb keygen_export_verb;
extern const struct opt_verb keyprovider_serve_verb;
extern const struct opt_verb keyprovider_run_verb;
extern const struct opt_verb containerd_config_verb;

#endif
