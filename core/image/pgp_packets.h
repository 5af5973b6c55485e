/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in an OpenPGP message without any key (RFC 4880, 4 and 5): to whom it is, and how it is sealed.
 *
 *     PKESK v3 to 0x1122…, PKESK v3 to 0x3344…, SEIPD v1        tags 1, 1, 18
 *
 * Lengths of the old and the new packet form are read, partial and indeterminate ones among them. The messages
 * themselves are GnuPG's business (image/gpg.h).
 *
 * Bounds: the span, PGP_RECIPIENTS_MAX recipients. Ownership: the caller's struct; nothing is allocated.
 * Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_IMAGE_PGP_PACKETS_H
#define COCOON_IMAGE_PGP_PACKETS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define PGP_RECIPIENTS_MAX 1024

enum pgp_tag {
	PGP_KEY_OF_RECIPIENT = 1, /* PKESK */
	PGP_KEY_OF_PASSWORD = 3,  /* SKESK */
	PGP_SECRET_KEY = 5,
	PGP_SEALED_WITHOUT_MDC = 9,
	PGP_MARKER = 10,
	PGP_LITERAL = 11,
	PGP_SEALED = 18, /* SEIPD: what every reader of layers knows */
	PGP_AEAD = 20,   /* GnuPG's OCB */
};

struct pgp_packet {
	unsigned tag;
	struct span body; /* of partial lengths, the first part */
};

/* Cuts the next packet, all its parts, off *rest. */
int pgp_next(struct span *rest, struct pgp_packet *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The same, with the whole body appended to *body, which bounds it. */
int pgp_body(struct span *rest, struct buf *body, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

struct pgp_message {
	uint64_t ids[PGP_RECIPIENTS_MAX]; /* key ids; 0: not said */
	size_t count;
	size_t passwords; /* how many passwords open it, too */
	unsigned sealed;  /* tag of the packet behind the keys */
};

/* The message up to its sealed part, binary. */
int pgp_message_look(struct span message, struct pgp_message *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Do the bytes begin as secret keys do, binary or armored? */
bool pgp_is_secret_keys(struct span bytes);

#endif
