/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LUKS2 volumes by the program cryptsetup, for guest/mount.h. Each function does one step of *work and notes what is
 * to be taken back.
 *
 * What a header on a device must say, beyond what cryptsetup checks (its metadata as JSON, LUKS2 on-disk format 1.1):
 *
 *     keyslots.*      type luks2, area.encryption aes-xts-plain64 with a key of 32 or 64 bytes: a host cannot make a
 *                     volume key for a passphrase that it does not know
 *     segments        one alone, type crypt, encryption aes-xts-plain64, no flags; integrity hmac(sha256), or none,
 *                     exactly as the options ask
 *     digests         pbkdf2
 *     config          no requirements, which is what unfinished conversions of a volume leave
 */
#ifndef COCOON_GUEST_MOUNT_LUKS_H
#define COCOON_GUEST_MOUNT_LUKS_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct err;
struct mount_work;

/* The header's file, which is named after the device, made and the device formatted with it. */
int luks_format(struct mount_work *work, struct span key, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* The header's file, copied from the device and judged. */
int luks_copy_header(struct mount_work *work, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Opened with the header's file. */
int luks_open(struct mount_work *work, struct span key, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Takes back what of it is noted as ours; says in err (which holds the first cause) what could not be. */
void luks_undo(struct mount_work *work, struct err *err) __attribute__((nonnull(1)));

/* The header's file goes, the mapping stays. */
void luks_drop_header(struct mount_work *work) __attribute__((nonnull));

/* Pure: the rules above. ERR_AUTH. */
int luks_header_check(const json_t *metadata, bool integrity, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
