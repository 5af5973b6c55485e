/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ConfidentialProfile from a file, compiled as the controller and the webhook do it.
 *
 * The agent policy may come from a ConfigMap: it is looked for in the files given, which are manifests. Its namespace
 * is not looked at, the sha256 in the profile settles it.
 */
#ifndef COCOON_INITDATA_GEN_PROFILE_H
#define COCOON_INITDATA_GEN_PROFILE_H

#include "base/opt.h"
#include "profile/profile.h"

struct err;

/* The only ConfidentialProfile in the manifest at path, which must render a document. A new reference. */
int profile_load(const char *path, const struct opt_list *config_maps, struct profile **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * The only ConfidentialProfile in the manifest at path, whose agent policies are generated (agentPolicy.generated): it
 * makes documents together with them alone. A new reference.
 */
int profile_load_generating(const char *path, struct profile **out, struct err *err)
		__attribute__((nonnull, warn_unused_result));

/* The same, whatever its document comes from. `config_maps` may be NULL. */
int profile_load_any(const char *path, const struct opt_list *config_maps, struct profile **out,
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));

/* Adds all documents of a manifest to an array. */
int profile_load_documents(const char *path, json_t *all, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
