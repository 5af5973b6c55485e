/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook's second thread: follows the cluster, reads the serving certificate from its Secret, and keeps this
 * replica's Lease, in which it acknowledges what it serves:
 *
 *     {"metadata": {"name": "cocoon-webhook-<pod>", "labels": {"cocoon.dev/component": "webhook"},
 *                   "annotations": {"cocoon.dev/leaf": "<sha256>", "cocoon.dev/catalog": "<sha256>",
 *                                   "cocoon.dev/image-verdicts": "{…}"}},
 *      "spec": {"holderIdentity": "<pod>", "leaseDurationSeconds": 30, "renewTime": "…"}}
 *
 * The controller changes certificates by these acknowledgements, reports a replica whose catalog differs, and sums the
 * verdicts on images (webhook/verdicts.h). Events about images are written here.
 */
#ifndef COCOON_WEBHOOK_FOLLOWER_H
#define COCOON_WEBHOOK_FOLLOWER_H

struct err;
struct follower;
struct handoff;
struct server;
struct settings;

/* Connects and starts the thread. The others are borrowed until follower_stop. */
int follower_start(const struct settings *settings, struct handoff *handoff, struct server *server,
		struct follower **out, struct err *err) __attribute__((nonnull, warn_unused_result));

/* Gives the Lease back and ends the thread. Takes NULL. */
void follower_stop(struct follower *follower);

/* Something in the handoff changed that the Lease should say. From any thread. */
void follower_wake(struct follower *follower) __attribute__((nonnull));

#endif
