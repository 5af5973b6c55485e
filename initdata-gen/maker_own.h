/* SPDX-License-Identifier: Apache-2.0 */
/* The maker and what it is opened with: private to initdata-gen/maker*.c. */
#ifndef COCOON_INITDATA_GEN_MAKER_OWN_H
#define COCOON_INITDATA_GEN_MAKER_OWN_H

#include "agentpolicy/options.h"
#include "agentpolicy/settings.h"
#include "initdata-gen/maker.h"
#include "profile/profile.h"

struct imagebook;

struct maker {
	const struct maker_options *options;
	struct agent_options wanted;
	struct profile *profile; /* NULL: none */
	json_t *base;            /* entries of --initdata-path, or NULL */
	enum digest_alg alg;
	json_t *objects; /* ConfigMaps and Secrets */
	struct buf rules, settings;
	struct buf *patches;
	char **patch_names; /* their files */
	size_t patch_count;
	struct agent_settings_source source; /* of the three, once they are read */
	struct span *spans;                  /* that its patches are in */
	struct imagebook *images;
};

/* Everything that the options name, but images. */
int maker_read_inputs(struct maker *maker, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
