/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the confidential data hub can do, behind all of its faces (ttrpc, gRPC, REST, command line):
 *
 *     hub_resource   kbs:///…            → bytes     from the key broker (cc_kbc) or from files (offline_fs_kbc)
 *     hub_unseal     sealed.…            → bytes     the key by its kid, the signature, then vault or envelope
 *     hub_unwrap     key packet          → options of an encrypted layer
 *     hub_credentials                                the files of [[credentials]], written at start
 *
 * Threads: any number at once. Errors keep their kinds; the faces shorten the texts for callers that must not see more
 * ("Unseal Secret failed"), and the log has them in full.
 */
#ifndef COCOON_GUEST_HUB_H
#define COCOON_GUEST_HUB_H

#include "base/span.h"
#include "crypto/secret.h"

struct buf;
struct clock;
struct config;
struct err;
struct hub;
struct kbs_client;

#define HUB_ROOT "/run/confidential-containers/cdh"

struct hub_options {
	const struct config *config;
	struct kbs_client *kbs; /* NULL with offline_fs_kbc */
	const struct clock *clock;
	const char *root; /* of credentials, in the place of HUB_ROOT in their paths; NULL: HUB_ROOT */
	const char *const *offline_files; /* NULL-terminated; NULL: the two of guests */
};

/* Options and what they point to are borrowed. */
int hub_open(const struct hub_options *options, struct hub **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void hub_free(struct hub *hub);
static inline void hub_release(struct hub **slot)
{
	hub_free(*slot);
}
#define auto_hub __attribute__((cleanup(hub_release)))

int hub_resource(struct hub *hub, struct span uri, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
int hub_unseal(struct hub *hub, struct span sealed, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
/* packet: the JSON of image/packet.h. */
int hub_unwrap(struct hub *hub, struct span packet, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
int hub_credentials(struct hub *hub, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
