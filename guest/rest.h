/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint for applications in the guest, on loopback (guest-apis.md, 5), byte for byte as the ecosystem's
 * api-server-rest answers:
 *
 *     GET  /info                        {"version":…,"tee":…,"additional_tees":[…],"feature":…}
 *     GET  /aa/token?token_type=        kbs, coco_as                                             } attestation
 *     GET  /aa/evidence?runtime_data=   &encoding=base64: base64url without padding              }
 *     GET  /aa/additional-evidence      the same                                                 }
 *     POST /aa/aael                     {"domain":…,"operation":…,"content":…}                   }
 *     any  /cdh/resource/…              the bytes of kbs:///…                                    } resource
 *
 * rest_answer() waits for the key broker, the TPM and the like: rest_handle() has workers do that, so that a slow one
 * delays nobody else. What the workers do not take any more is answered with 429. What needs neither is answered at once.
 *
 * Bounds: REST_BODY_MAX. Threads: rest_answer() in any number.
 */
#ifndef COCOON_GUEST_REST_H
#define COCOON_GUEST_REST_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct agent;
struct err;
struct hub;
struct server_reply;
struct server_request;
struct workers;

#define REST_BODY_MAX ((size_t)128 * 1024)

enum rest_feature { REST_RESOURCE = 1, REST_ATTESTATION = 2, REST_ALL = 3 };

/* "resource", "attestation", "all". ERR_USAGE. */
int rest_feature_find(struct span word, enum rest_feature *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

struct rest {
	struct hub *hub;
	struct agent *agent;
	struct workers *agent_workers, *hub_workers; /* of /aa and of /cdh: neither waits for the other's */
	enum rest_feature features;
};

/* What is looked at of a request. */
struct rest_request {
	const char *method;
	struct span path;  /* as sent, without the query */
	struct span query; /* as sent, without the '?' */
	struct span body;
};

/* reply as server_reply_init() leaves it. */
void rest_answer(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
		__attribute__((nonnull));

/* The handler of the server's one route, for every path and method; ctx is a struct rest. */
void rest_handle(void *ctx, const struct server_request *request, struct server_reply *reply)
		__attribute__((nonnull));

/* ---- for tests ---- */

/*
 * The last parameter of this name in a form-encoded query, decoded as browsers and servers do it: '+' is a space, what
 * is no percent-encoding stays, what is no UTF-8 becomes U+FFFD. Appends; false when it is absent.
 */
struct buf;
bool rest_parameter(struct span query, const char *name, struct buf *out) __attribute__((nonnull));

/* Cuts a path at its nth slash, from 0: false when there are fewer. */
bool rest_split(struct span path, unsigned n, struct span *root, struct span *rest) __attribute__((nonnull));

#endif
