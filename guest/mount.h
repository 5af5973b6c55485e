/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secure mount (guest-apis.md, 8): a block device that only this guest can read, as LUKS2 through cryptsetup.
 *
 *     sourceType empty       formatted with a detached header in the guest's memory: a confidential emptyDir
 *     sourceType encrypted   opened with the header on the device
 *     targetType device      mount_point is a link to /dev/mapper/NAME
 *     targetType fileSystem  ext4, mounted noatime
 *     key                    sealed.…, kbs:///…, file://…; none: 64 random bytes that nobody keeps
 *
 * What was begun is taken back when a later step fails: no mapping, header or mount stays behind. zfs and
 * alibaba-cloud-oss are refused by name.
 *
 * Keys reach cryptsetup through a pipe alone. Programs are found in fixed places, not by PATH.
 *
 * Errors: ERR_USAGE (options, with the names of the right ones), ERR_CONFLICT (the device is in use or was formatted
 * before), ERR_DENIED (what a program said), ERR_IO.
 */
#ifndef COCOON_GUEST_MOUNT_H
#define COCOON_GUEST_MOUNT_H

#include "base/span.h"

#include <jansson.h>

struct err;
struct hub;

struct mount_request {
	const char *volume_type; /* "block-device" */
	const json_t *options;   /* object of texts */
	const char *mount_point;
};

struct mount_places {
	const char *headers; /* NULL: /run/confidential-containers/cdh/luks-headers */
};

int mount_secure(struct hub *hub, const struct mount_request *request, const struct mount_places *places,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* The JSON of the tools: volume_type, options, flags, mount_point. */
int mount_request_parse(const json_t *json, struct mount_request *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
