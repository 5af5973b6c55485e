/* SPDX-License-Identifier: Apache-2.0 */
/* Images and their lock file: private to initdata-gen/imagebook*.c. */
#ifndef COCOON_INITDATA_GEN_IMAGEBOOK_OWN_H
#define COCOON_INITDATA_GEN_IMAGEBOOK_OWN_H

#include "initdata-gen/imagebook.h"
#include "oci/authfiles.h"
#include "oci/files.h"
#include "policy/registry.h"

struct facts;

/* A list that struct agent_image points at. */
struct lent {
	struct lent *next;
	const char **list;
};

struct imagebook {
	const struct maker_options *options;
	json_t *entries; /* by the name as written: as in the lock file */
	struct facts *facts;
	struct registry_list registries;
	struct authfiles files;
	struct lent *lent;
	bool terminal;
	bool changed;
};

/* What the lock file has; one that is not there yet is empty. */
int imagebook_lock_read(struct imagebook *images, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
