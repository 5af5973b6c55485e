/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two option documents of an encrypted layer (image-encryption.md, 1.2 and 1.3), as ocicrypt writes them: compact,
 * in this order.
 *
 *     private  {"symkey":"<32 bytes>","digest":"sha256:<hex>","cipheroptions":{"nonce":"<16 bytes>"}}     193 bytes
 *     public   {"cipher":"AES_256_CTR_HMAC_SHA256","hmac":"<32 bytes>","cipheroptions":{}}                109 bytes
 *
 * Read as Go reads them where that is harmless: any order, unknown members, null for absent, arrays of numbers for
 * byte strings, CR and LF inside base64. Refused, though Go takes it: a nonce that is absent or not 16 bytes, a key
 * not of 32, an hmac not of 32. The nonce may stand in either document, or be the same in both; others let the public
 * one win, though nothing protects it.
 *
 * Bounds: OPTIONS_MAX bytes. Errors: ERR_FORMAT with the member's name and never its value.
 */
#ifndef COCOON_IMAGE_OPTIONS_H
#define COCOON_IMAGE_OPTIONS_H

#include "base/span.h"
#include "crypto/secret.h"

#include <stdbool.h>

struct buf;
struct err;

#define OPTIONS_MAX  ((size_t)16 * 1024)
#define LAYER_KEY    32
#define LAYER_NONCE  16
#define LAYER_MAC    32
#define LAYER_CIPHER "AES_256_CTR_HMAC_SHA256"

struct private_options {
	struct secret key; /* LAYER_KEY bytes */
	char digest[136]; /* of the layer before encryption, as its writer said: informative; "" when absent */
	bool has_nonce;
	unsigned char nonce[LAYER_NONCE];
};
#define PRIVATE_OPTIONS_NONE                                                         \
	{                                                                            \
		.key = SECRET_NONE, .digest = "", .has_nonce = false, .nonce = { 0 } \
	}

struct public_options {
	unsigned char mac[LAYER_MAC];
	bool has_nonce;
	unsigned char nonce[LAYER_NONCE];
};

int private_options_parse(struct span text, struct private_options *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int private_options_format(const struct private_options *options, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void private_options_clear(struct private_options *options) __attribute__((nonnull));
#define auto_private_options __attribute__((cleanup(private_options_clear)))

int public_options_parse(struct span text, struct public_options *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void public_options_format(const struct public_options *options, struct buf *out) __attribute__((nonnull));

/* The nonce of the two documents. ERR_FORMAT when neither has one, and when they differ. */
int options_nonce(const struct public_options *public, const struct private_options *private,
		unsigned char nonce[static LAYER_NONCE], struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
