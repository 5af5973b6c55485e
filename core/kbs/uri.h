/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URIs of resources in a key broker (kbs-protocol.md, 7):
 *
 *     kbs:///default/key/1                          plugin "resource", path "default/key/1"
 *     kbs+pkcs11://broker.example:8080/a/b/c?x=1    plugin "pkcs11", path "a/b/c", query "x=1"
 *
 * The address is what guests ignore: they ask the broker that they are configured for. The path is held as guests
 * normalise it, with bytes beyond ASCII and those that a URL may not hold percent-encoded, so that two texts which mean
 * the same resource have the same path. Refused although guests take it: empty segments, segments of dots, white space
 * at the ends, backslashes, user names.
 *
 * Readable is more than what a broker serves: kbs_uri_check() says whether it can hold such a resource.
 *
 * Bounds: KBS_URI_MAX bytes of text, of path and of query. Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_KBS_URI_H
#define COCOON_KBS_URI_H

#include "base/span.h"

#include <stdbool.h>

struct buf;
struct err;

#define KBS_URI_MAX        768
#define KBS_URI_PLUGIN_MAX 64

struct kbs_uri {
	char plugin[KBS_URI_PLUGIN_MAX];
	char address[KBS_URI_MAX]; /* "" when absent */
	char path[KBS_URI_MAX];    /* without a leading '/' */
	char query[KBS_URI_MAX];   /* without the '?'; "" when absent */
};

int kbs_uri_parse(struct span text, struct kbs_uri *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/*
 * The forms in which key ids are written beside URIs: "/default/key/1" and "broker.example/default/key/1", with exactly
 * three segments behind the address.
 */
int kbs_uri_parse_key_id(struct span text, struct kbs_uri *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Exactly three segments of letters, digits, '_', '-' and '.', as brokers store them. Other plugins: anything. */
int kbs_uri_check(const struct kbs_uri *uri, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* Appends the URI without its address: "kbs:///default/key/1", "kbs+pkcs11:///a/b/c?x=1". */
void kbs_uri_format(const struct kbs_uri *uri, struct buf *out) __attribute__((nonnull));

/* The same plugin, path and query. */
bool kbs_uri_is_same(const struct kbs_uri *a, const struct kbs_uri *b) __attribute__((nonnull));

#endif
