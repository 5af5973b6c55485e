/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key provider "attestation-agent" itself (image-encryption.md, 4): wraps the private options of layers into key
 * packets for guests, and unwraps them for owners who hold the keys. The messages are those of image/provider.h.
 *
 * The key-encryption key of a packet is that of keypath, else that of keyid in the set of keys, else a new one; a new
 * one must be registered in a key broker, as nobody could open the packet otherwise, and is refused without. A key from
 * a file is registered, too, where there is a broker. Key ids are always written as kbs:///….
 *
 * Errors are statuses of gRPC, with a text.
 */
#ifndef COCOON_IMAGE_CRYPT_SERVICE_H
#define COCOON_IMAGE_CRYPT_SERVICE_H

#include "base/span.h"
#include "kbs/offline.h"
#include "kbs/uri.h"
#include "net/grpc.h"

#include <stdbool.h>

struct buf;
struct err;
struct kbs_admin;

struct service {
	const struct offline *keys; /* NULL: none; without it nothing is unwrapped */
	struct kbs_admin *admin;    /* NULL: none */
	bool numbers;               /* answers bytes as arrays of numbers */
};

/* request and answer are the JSON alone. *kid, when not NULL, gets the resource that the packet is for. */
enum grpc_status service_wrap(const struct service *service, struct span request, struct buf *answer,
		struct kbs_uri *kid, struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));
enum grpc_status service_unwrap(const struct service *service, struct span request, struct buf *answer,
		struct kbs_uri *kid, struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));

#endif
