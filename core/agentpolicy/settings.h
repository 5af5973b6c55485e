/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a node's Kata and containerd start containers: the fixed part of every request. The tree has the shape of
 * genpolicy-settings.json (Kata 4.1, specification of agent policies, 2.10), so that whoever has such a file, or
 * drop-ins for it, goes on using them; ours is built in (core/agentpolicy/settings.json).
 *
 *     built in ──patch of the runtime──▶ ──file, or folder with genpolicy-settings.json and genpolicy-settings.d──▶
 *              ──options' settingsPatch──▶ checked
 *
 * A runtime's patch changes what is built in, never a file, which is for the node that it was written for. Without the
 * option, the RuntimeClass's name says which: kata-remote* is remote, kata-qemu-coco-dev* coco-dev, all others qemu. A
 * name of Kata's whose guests are not confidential is noted: they are started in another way.
 *
 * Members that this room reads are checked for their types here, once; unknown ones are kept, and noted when they look
 * like a misspelt one (base/closest.h). What Kata fills in where its file is silent stands there as well (empty lists,
 * false), so that readers need no defaults.
 *
 * Ownership: the struct owns its tree. Bounds: AGENT_SETTINGS_MAX bytes a text, 64 drop-ins, 1000 operations.
 * Errors: ERR_FORMAT naming the member; ERR_USAGE for an operation that does not apply, with its number.
 */
#ifndef COCOON_AGENTPOLICY_SETTINGS_H
#define COCOON_AGENTPOLICY_SETTINGS_H

#include "agentpolicy/options.h"
#include "base/span.h"

struct agent_notes;

#define AGENT_SETTINGS_MAX ((size_t)1 << 20)

struct agent_settings {
	json_t *tree;
	/* borrowed from it */
	const json_t *pause, *other; /* pause_container, other_container */
	const json_t *volumes, *common, *sandbox, *request_defaults, *devices, *cluster;
	const char *oci_version;
	const char *emptydir_type; /* "block-encrypted" | "block-plain" | "shared-fs" */
	bool guest_pull;
};

/* One text as genpolicy's; `patches` are drop-ins in order, each an RFC 6902 array. All may be empty: ours. */
struct agent_settings_source {
	struct span file;
	const struct span *patches;
	const char *const *names; /* of the patches, for errors; NULL: they have none */
	size_t patch_count;
};

int agent_settings_read(const struct agent_settings_source *source, const struct agent_options *options,
		const char *runtime_class, struct agent_settings *out, struct agent_notes *notes,
		struct err *err) __attribute__((nonnull(1, 2, 4, 5), warn_unused_result));
void agent_settings_clear(struct agent_settings *settings) __attribute__((nonnull));
#define auto_agent_settings __attribute__((cleanup(agent_settings_clear)))
#define AGENT_SETTINGS_NONE  \
	{                    \
		.tree = NULL \
	}

/* Applies an RFC 6902 array (add, remove, replace, move, copy, test) to *tree, all of it or nothing. */
int agent_patch(json_t **tree, const json_t *patch, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
