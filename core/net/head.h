/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 request (RFC 9112 sections 2 to 6, RFC 9110 for the fields): what the server needs of it,
 * read strictly, because two readers that disagree about where a body ends are a way in.
 *
 *     POST /mutate?timeout=10s HTTP/1.1\r\n
 *     Host: cocoon-webhook.cocoon.svc:443\r\n
 *     Content-Type: application/json\r\n
 *     Content-Length: 2\r\n
 *     \r\n
 *
 * Refused: bare CR or LF, folded lines, space before a colon, control bytes, a second Host, Content-Length,
 * Content-Type, Authorization or Cookie (RFC 6265 section 5.4: a client sends one), no Host in 1.1, Content-Length
 * beside Transfer-Encoding, versions other than 1.0 and 1.1.
 *
 * Bounds: HEAD_MAX bytes (a key broker's token repeats the guest's init-data; the ecosystem's broker takes as much),
 * HEAD_FIELDS_MAX fields.
 * Ownership: the spans borrow from the text.
 * Errors: ERR_FORMAT or ERR_LIMIT, and the status to answer with: 400, 411 (a body of unknown length), 417, 431, 505.
 */
#ifndef COCOON_NET_HEAD_H
#define COCOON_NET_HEAD_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define HEAD_MAX        ((size_t)128 * 1024)
#define HEAD_FIELDS_MAX 100

struct head {
	struct span method;
	struct span path;  /* begins with '/'; "*" for OPTIONS */
	struct span query; /* without the '?' */
	struct span type;  /* Content-Type */
	struct span authorization;
	struct span cookie;
	uint64_t body_len;    /* Content-Length; 0 when absent */
	bool keep_alive;      /* the peer wants to send another request */
	bool expect_continue; /* the peer waits for a 100 before it sends the body */
};

/*
 * Bytes of the head with its empty line when the text holds a whole one, else 0. `seen` is how much of the text an
 * earlier call has searched without success; leading empty lines belong to the head.
 */
size_t head_length(struct span text, size_t seen);

/* text is exactly a head, as head_length() measured it. */
int head_parse(struct span text, struct head *out, int *status, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

#endif
