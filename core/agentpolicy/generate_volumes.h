/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the volumes of a container become mounts and storages: private to the generator (generate_own.h).
 *
 *     volumes:      [{"name": "data", "emptyDir": {}}]
 *     volumeMounts: [{"name": "data", "mountPath": "/data"}]
 *       → mount   {"destination": "/data", "source": "", "type_": "bind", "options": ["rbind", "rprivate", "rw"]}
 *         storage {"driver": "", …, "mount_point": "$(spath)/$(b64_device_id)", "fs_group": null, "shared": true}
 *
 * Source of the forms: specification of agent policies, 2.6, and Kata's runtimes, which share or copy into the guest
 * what is nothing special, under the container's id, 16 hex digits and the last name of its place in the container; of
 * the host's /proc, /sys and /dev they share nothing, so that such a mount shows the guest's own; and at /dev/shm they
 * mount the sandbox's, unless an emptyDir in memory is there.
 *
 * A place in the container has one mount: a volume's takes that of containerd or of the settings, as containerd does it.
 */
#ifndef COCOON_AGENTPOLICY_GENERATE_VOLUMES_H
#define COCOON_AGENTPOLICY_GENERATE_VOLUMES_H

#include "agentpolicy/generate_own.h"

/* One volumeMount on its way. All borrowed. */
struct placing {
	const struct part *part;
	json_t *mounts, *storages; /* what it adds to */
	const json_t *volume;      /* core/v1 Volume, canonical */
	const json_t *mount;       /* core/v1 VolumeMount, canonical */
	const char *below;         /* ".volumeMounts[0]", for part_note() */
	const char *name;          /* of the volume */
	const char *destination;
	const char *base;        /* last name of the destination, escaped for a pattern */
	const char *propagation; /* "rprivate", "rslave", "rshared" */
	bool read_only;
};

/* {"destination", "source", "type_", "options"}: a new reference; takes `options`. */
json_t *mount_new(const char *destination, const char *source, const char *type, json_t *options)
		__attribute__((nonnull, warn_unused_result));
/* In the place of the mount with the same destination, or at the end; takes `mount`. */
void mounts_put(json_t *mounts, json_t *mount) __attribute__((nonnull));
/* Last name of a path, escaped for a pattern; NULL when it has none. The caller's. */
char *mount_base(const char *destination) __attribute__((nonnull, warn_unused_result));

/* ["rbind", the propagation, "ro" or "rw"] */
json_t *placing_options(const struct placing *placing, bool read_only)
		__attribute__((nonnull, warn_unused_result));
/* A bind mount of what the runtime shares or copies into the guest. */
void placing_shared(const struct placing *placing, bool read_only) __attribute__((nonnull));

/* A text of the settings that their reader has seen to be there (settings.h). Borrowed. */
const char *setting_text(const json_t *settings, const char *member)
		__attribute__((nonnull, returns_nonnull));
/* The storage that a volume of the settings describes; its mount point ends in `name` (an escaped one), unless NULL. */
json_t *storage_new(const json_t *settings, const char *name) __attribute__((nonnull(1), warn_unused_result));

/* All volumes that the container mounts, in the order in which it names them. */
void generate_volumes(const struct part *part, json_t *mounts, json_t *storages) __attribute__((nonnull));
void generate_empty_dir(const struct placing *placing, const json_t *source) __attribute__((nonnull));

/* The pod's spec, canonical. Borrowed. */
const json_t *part_pod(const struct part *part) __attribute__((nonnull, returns_nonnull));

#endif
