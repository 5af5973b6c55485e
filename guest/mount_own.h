/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of guest/mount.h share: the options in the form in which they are obeyed, and the steps.
 *
 *     options → volume → device found → key → header made or judged → mapping opened → file system, mount or link
 */
#ifndef COCOON_GUEST_MOUNT_OWN_H
#define COCOON_GUEST_MOUNT_OWN_H

#include "guest/mount.h"

#include <stdbool.h>

#define MOUNT_NAME_MAX   128 /* of a mapping: what device mapper takes, with its NUL */
#define MOUNT_PATH_MAX   1024
#define MOUNT_MKFS_BYTES 1024
#define MOUNT_DEVICE_MAX 169 /* with its NUL: a header's file is named after it, in 224 characters and some */

enum mount_key { MOUNT_KEY_RANDOM, MOUNT_KEY_SEALED, MOUNT_KEY_BROKER, MOUNT_KEY_FILE };

struct mount_volume {
	const char *device_id;   /* NULL: by path; borrowed from the options, as all texts here */
	const char *device_path; /* NULL: by id */
	const char *key;
	enum mount_key key_kind;
	bool encrypted;  /* else empty */
	bool filesystem; /* else the device */
	bool integrity;
	char mapper[MOUNT_NAME_MAX];
	char mkfs_text[MOUNT_MKFS_BYTES];
	const char *mkfs[MOUNT_MKFS_MAX];
	size_t mkfs_count;
};

/* What stands on the way to the mounted volume, for the way back. */
struct mount_work {
	const struct mount_places *places; /* complete */
	const struct mount_volume *volume;
	const char *point;
	char device[MOUNT_DEVICE_MAX];
	char header[MOUNT_PATH_MAX];
	char mapping[MOUNT_PATH_MAX]; /* the device that it appears as */
	uint64_t size;                /* of the device */
	size_t made_from;             /* folders of `point` from this length on are ours; 0: none */
	bool header_ours, mapping_ours;
};

/* ERR_USAGE. */
int mount_volume_parse(const json_t *options, struct mount_volume *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The device's real path and size in *work. */
int mount_device_find(struct mount_work *work, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/*
 * Makes of the mapping what the target asks for. On failure nothing of it stays but folders, which
 * mount_target_undo() takes back.
 */
int mount_target_make(struct mount_work *work, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
void mount_target_undo(struct mount_work *work) __attribute__((nonnull));

#endif
