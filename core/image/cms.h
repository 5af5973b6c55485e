/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS EnvelopedData (RFC 5652, 6; PKCS#7, RFC 2315, 10): a content under a key of its own, and that key once for every
 * recipient. Only the form; what is enciphered stays so (image/wrap_pkcs7.c).
 *
 *     SEQUENCE { OID envelopedData, [0] { SEQUENCE {
 *         INTEGER 0,
 *         SET { SEQUENCE { INTEGER 0, { issuer, serial }, { OID rsaEncryption }, OCTET STRING key }, … },
 *         SEQUENCE { OID data, { OID aes128-GCM, parameters }, [0] content } } } }
 *
 * Written as ocicrypt writes it (image-encryption.md, 3.2): no NULL behind rsaEncryption, the content as A0 L 04 L, and
 * the parameters of GCM as the bytes 10 13 30 11 84 0c <nonce> 02 01 10, which are no DER but what its readers know.
 *
 * Read: that, and what other tools make: BER with indefinite lengths and segments, the content as 80 L, NULL or nothing
 * behind rsaEncryption, RSAES-OAEP, GCM parameters in the form of RFC 5084, AES and triple DES in CBC mode,
 * recipients named by subject key identifier. Recipients of other kinds (key agreement, passwords) are counted alone.
 *
 * Bounds: CMS_RECIPIENTS_MAX recipients; the content SECRET_MAX bytes. Ownership: the caller's struct; spans of what
 * was parsed borrow from its bytes. Errors: ERR_FORMAT, ERR_LIMIT; ERR_USAGE for a message or cipher that is known
 * and not read (AuthEnvelopedData, SignedData, DES, RC2).
 */
#ifndef COCOON_IMAGE_CMS_H
#define COCOON_IMAGE_CMS_H

#include "base/buf.h"
#include "base/span.h"
#include "crypto/secret.h"

#include <stddef.h>

struct err;

#define CMS_RECIPIENTS_MAX 1024

enum cms_transport { CMS_RSA_PKCS1, CMS_RSA_OAEP_SHA1, CMS_RSA_OAEP_SHA256, CMS_TRANSPORT_OTHER };
enum cms_cipher { CMS_AES_GCM, CMS_AES_CBC, CMS_TRIPLE_DES_CBC };

struct cms_recipient {
	struct span issuer; /* the whole Name; empty where key_id stands instead */
	struct span serial; /* the body of an INTEGER */
	struct span key_id;
	enum cms_transport transport;
	struct span key; /* enciphered */
};

struct cms {
	struct cms_recipient *recipients;
	size_t count;
	size_t others; /* recipients of other kinds */
	enum cms_cipher cipher;
	size_t key_len;    /* 16, 24, 32 */
	struct span nonce; /* or initial vector */
	struct buf content;
};

#define CMS_NONE                                                                                  \
	{                                                                                         \
		.recipients = NULL, .count = 0, .others = 0, .cipher = CMS_AES_GCM, .key_len = 0, \
		.nonce = { NULL, 0 }, .content = BUF_MAX(SECRET_MAX)                              \
	}

void cms_clear(struct cms *cms) __attribute__((nonnull));
#define auto_cms __attribute__((cleanup(cms_clear)))

/* On failure the struct is empty. */
int cms_parse(struct span bytes, struct cms *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends a copy, whose spans stay the caller's. */
void cms_add(struct cms *cms, const struct cms_recipient *recipient) __attribute__((nonnull));

/* Appends the message; its cipher is CMS_AES_GCM with a key of 16 bytes and a nonce of 12, its recipients are named by
 * issuer and serial and have CMS_RSA_PKCS1. */
void cms_format(const struct cms *cms, struct buf *out) __attribute__((nonnull));

#endif
