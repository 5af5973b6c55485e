/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The halves of the generator: private to this room. generate.c makes one entry of policy_data.containers for each
 * container, and asks generate_mounts.c and generate_devices.c for what hangs on volumes and devices.
 */
#ifndef COCOON_AGENTPOLICY_GENERATE_OWN_H
#define COCOON_AGENTPOLICY_GENERATE_OWN_H

#include "agentpolicy/generate.h"

enum part_kind { PART_SANDBOX, PART_INIT, PART_SIDECAR, PART_CONTAINER, PART_INJECTED };

/* One container on its way. */
struct part {
	const struct agent_inputs *inputs;
	struct agent_notes *notes;
	enum part_kind kind;
	const json_t *container;         /* core/v1 Container, canonical; NULL for the sandbox */
	const struct agent_image *image; /* NULL for the sandbox */
	const char *path;                /* "spec.containers[0]", for notes */
	bool privileged;                 /* this one */
	bool any_privileged;             /* one of the pod: counts for the sandbox */
	bool read_only_root;
};

/* OCI.Mounts and storages: new references, in genpolicy's order (specification 2.6, Mounts). */
void generate_mounts(const struct part *part, json_t **mounts, json_t **storages) __attribute__((nonnull));

/* devices[], OCI.Linux.Devices, runtime_anno_patterns: new references. */
void generate_devices(const struct part *part, json_t **devices, json_t **oci_devices, json_t **patterns)
		__attribute__((nonnull));

/* The settings' container of the part: pause_container or other_container. Borrowed. */
const json_t *part_settings(const struct part *part) __attribute__((nonnull, returns_nonnull));

#endif
