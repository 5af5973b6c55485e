/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secure mount (guest-apis.md, 8): a block device that only this guest can read, as LUKS2 through cryptsetup.
 *
 *     sourceType empty       formatted with a detached header in the guest's memory: a confidential emptyDir
 *     sourceType encrypted   opened with the header on the device, after it was copied to the guest's memory and judged
 *     targetType device      mount_point is a link to /dev/mapper/NAME
 *     targetType fileSystem  ext4, mounted noatime; folders that are missing are made
 *     key                    sealed.…, kbs:///…, file://…; none (empty alone): 64 random bytes that nobody keeps
 *     dataIntegrity          hmac-sha256 for every sector. The device is written once from end to end when it is
 *                            formatted: without that, programs that read what was never written fail. Callers
 *                            that wait for 50 s, as the Kata agent does, get some GiB done in that time
 *
 * Whoever owns the disk can write the header on it. One that asks for a null cipher would open with any key and show
 * what is written to it; one without integrity would undo dataIntegrity. So the header must say what luksFormat would
 * have written for these options (guest/mount_luks.h), and cryptsetup sees only the copy that was judged.
 *
 * What was begun is taken back when a later step fails: no mapping, header, link, folder or mount stays behind. After
 * success they stay: the header of an empty volume in `headers`, where it also keeps the device from being formatted
 * twice, and the mapping until somebody closes it. zfs and alibaba-cloud-oss are refused by name, and so are options
 * that nobody knows: a misspelled one would weaken the volume.
 *
 * Keys reach cryptsetup on its standard input alone, from a file in memory that is wiped. Programs are found in fixed
 * places, not by PATH.
 *
 * Bounds: MOUNT_TEXT_MAX bytes an option, MOUNT_MKFS_MAX arguments for mkfs, 1023 bytes a path and mkfsOpts, 168 the
 * device's path; a minute for each program, more where a device is written from end to end.
 * Threads: any number; two that mount the same device get in each other's way, and one of them ERR_CONFLICT.
 *
 * Errors: ERR_USAGE (options, with the names of the right ones), ERR_NOT_FOUND (no such device or program),
 * ERR_CONFLICT (the device is in use or was formatted before, the mapper's name or the mount point is taken), ERR_AUTH
 * (the header on the device is not one that we would open), ERR_DENIED (what a program said), ERR_IO, ERR_RETRY (a
 * program took too long); those of guest/hub.h for the key.
 */
#ifndef COCOON_GUEST_MOUNT_H
#define COCOON_GUEST_MOUNT_H

#include "base/span.h"

#include <jansson.h>

struct err;
struct hub;

#define MOUNT_TEXT_MAX 16384
#define MOUNT_MKFS_MAX 64

struct mount_request {
	const char *volume_type; /* "block-device" */
	const json_t *options;   /* object of texts */
	const char *mount_point;
};

/* Where things are; each NULL: as guests have it. */
struct mount_places {
	const char *headers;    /* /run/confidential-containers/cdh/luks-headers */
	const char *cryptsetup; /* /usr/sbin/cryptsetup */
	const char *mkfs;       /* /usr/sbin/mkfs.ext4 */
	const char *sysfs;      /* /sys/dev/block */
	const char *dev;        /* /dev */
	const char *mapper;     /* /dev/mapper */
};

/* places: NULL for all defaults. */
int mount_secure(struct hub *hub, const struct mount_request *request, const struct mount_places *places,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* The JSON of the tools: volume_type, options, flags, mount_point, all of which must be there. Texts are borrowed. */
int mount_request_parse(const json_t *json, struct mount_request *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
