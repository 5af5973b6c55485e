/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Absolute http and https URLs (RFC 3986), taken apart and put together.
 *
 *     https://[fd00::1]:6443/api/v1/pods?limit=500
 *     scheme  host     port  path        query
 *
 * Stricter than the RFC: scheme and host must be there, no user information (credentials do not belong in URLs), no
 * fragment, no control or non-ASCII bytes, every '%' followed by two hex digits; the host is a name of letters,
 * digits, '-', '.' and '_', an IPv4 address, or an IPv6 address in brackets.
 *
 * Bounds: URL_MAX bytes in all, 253 for the host (RFC 1035).
 * Ownership: the spans of struct url borrow from the parsed text.
 * Errors: ERR_FORMAT, ERR_LIMIT. The query is not repeated in error texts.
 */
#ifndef COCOON_NET_URL_H
#define COCOON_NET_URL_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define URL_MAX 8192

struct url {
	bool tls;  /* https */
	bool ipv6; /* host was in brackets, which are not part of it */
	struct span host;
	uint16_t port;     /* 443 or 80 when the text has none */
	struct span path;  /* with its leading '/'; empty when the text has none */
	struct span query; /* without the '?' */
};

int url_parse(struct span text, struct url *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends the URL; the port only where it is not the scheme's own. */
void url_format(const struct url *url, struct buf *out) __attribute__((nonnull));

/*
 * Appends base (any text, its trailing '/' dropped) and path with exactly one '/' between them:
 * "https://h/a/" and "/b" or "b" give "https://h/a/b". The base must not have a query.
 */
void url_join(struct buf *out, const char *base, const char *path) __attribute__((nonnull));

/* Scheme, host (in any case) and port are the same: RFC 6454's origin. */
bool url_same_origin(const struct url *a, const struct url *b) __attribute__((nonnull));

/* The host is this machine: "localhost" and names below it, 127.0.0.0/8, ::1. */
bool url_is_loopback(const struct url *url) __attribute__((nonnull));

/*
 * Appends the absolute URL that a reference means (RFC 3986 section 5.2; a Location field): an URL of its own,
 * "//host/path", "/path", "?query", or a path beside the base's last part. A fragment is dropped. The result is checked
 * as url_parse() does.
 */
int url_resolve(const struct url *base, struct span reference, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Appends text with every byte outside RFC 3986's "unreserved" percent-encoded: good for one path segment, a name
 * or a value of a query. */
void url_encode(struct buf *out, struct span text) __attribute__((nonnull));

/* Appends "?name=value", or "&name=value" when what is there has a '?' already; both encoded. */
void url_add_query(struct buf *out, const char *name, struct span value) __attribute__((nonnull));

/* Appends text with %XX resolved and, where plus says so, '+' as a space. ERR_FORMAT for a broken %, %00, NUL. */
int url_decode(struct buf *out, struct span text, bool plus, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
