/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels between us and the key and secret services of AWS (kms-providers.md, 4): the texts alone. Requests are
 * JSON, signed with Signature Version 4; members of a body are in alphabetical order.
 *
 *     POST\n/\n\n                                               aws_canonical()
 *     content-type:application/x-amz-json-1.1\n
 *     host:kms.us-east-1.amazonaws.com\n
 *     x-amz-date:20260101T000000Z\n
 *     x-amz-target:TrentService.Decrypt\n
 *     \ncontent-type;host;x-amz-date;x-amz-target\n<SHA-256 of the body>
 *
 * Errors: ERR_FORMAT (an answer that is no such JSON, or without what was asked for), ERR_LIMIT.
 */
#ifndef COCOON_KMS_AWS_H
#define COCOON_KMS_AWS_H

#include "base/span.h"
#include "crypto/secret.h"

#include <jansson.h>

struct buf;
struct err;
struct kms_refusal;

#define AWS_SIGNATURE_MAX 65

struct aws_ask {
	const char *service; /* "kms", "secretsmanager" */
	const char *region;
	const char *host;          /* with its port, where that is not 443 */
	const char *date;          /* "20260101T000000Z" */
	const char *target;        /* "TrentService.Decrypt" */
	const char *session_token; /* NULL: none */
	struct span body;
};

/* "https://<service>.<region>.amazonaws.com/", in China ".com.cn" */
void aws_url(struct buf *out, const char *service, const char *region) __attribute__((nonnull));

/* The names of the headers that the signature covers; static. */
const char *aws_signed_names(const struct aws_ask *ask) __attribute__((nonnull, returns_nonnull));
void aws_canonical(struct buf *out, const struct aws_ask *ask) __attribute__((nonnull));
/* "20260101/us-east-1/kms/aws4_request" */
void aws_scope(struct buf *out, const struct aws_ask *ask) __attribute__((nonnull));
/* The signature in hex of the canonical request. */
int aws_sign(const struct aws_ask *ask, const struct secret *secret_key, struct span canonical,
		char out[static AWS_SIGNATURE_MAX], struct err *err)
		__attribute__((nonnull(1, 2, 4), warn_unused_result));

/* Bodies; a context of NULL or {} and versions and stages of "" are left out. */
void aws_decrypt_body(struct buf *out, const char *key_id, struct span cipher, const json_t *context)
		__attribute__((nonnull(1, 2)));
void aws_encrypt_body(struct buf *out, const char *key_id, struct span plain) __attribute__((nonnull));
void aws_secret_body(struct buf *out, const char *name, const char *stage, const char *version)
		__attribute__((nonnull));

/* Answers. An empty plaintext, ciphertext or secret is ERR_FORMAT. */
int aws_decrypt_answer(struct span json, struct secret *plain, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int aws_encrypt_answer(struct span json, struct buf *cipher, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
/* SecretString, or else SecretBinary decoded. */
int aws_secret_answer(struct span json, struct secret *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The name of an error less what stands before '#' and from ':' on: "com.amazonaws#NotFound:http://…" → "NotFound". */
struct span aws_error_name(struct span type);

#endif
