/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels between us and a dedicated instance of Aliyun's KMS (kms-providers.md, 2.4 to 2.6): the texts alone,
 * without any input or output. The messages are protocol buffers of the package dkms_api.
 *
 *     POST                                    to_sign: the request as the signature covers it
 *     0413D45C…                               SHA-256 of the body in upper-case hex
 *     application/x-protobuf
 *     Thu, 01 Jan 2026 00:00:00 GMT
 *     x-kms-acccesskeyid:KAAP.…               three c's, as the service reads it
 *     x-kms-apiname:Decrypt
 *     x-kms-apiversion:dkms-gcs-0.2
 *     x-kms-signaturemethod:RSA_PKCS1_SHA_256
 *     /
 *
 * Ownership: appends to the caller's buffers. Errors: ERR_FORMAT (an answer that is no such message, or without what
 * was asked for), ERR_LIMIT.
 */
#ifndef COCOON_KMS_ALIYUN_H
#define COCOON_KMS_ALIYUN_H

#include "base/span.h"
#include "crypto/secret.h"

struct buf;
struct err;
struct kms_refusal;

#define ALIYUN_DIGEST_MAX 65

/* Bodies of Encrypt, Decrypt and GetSecretValue. */
void aliyun_encrypt_body(struct buf *out, const char *key_id, struct span plain) __attribute__((nonnull));
void aliyun_decrypt_body(struct buf *out, const char *key_id, struct span cipher, struct span iv)
		__attribute__((nonnull));
void aliyun_secret_body(struct buf *out, const char *name, const char *stage, const char *version)
		__attribute__((nonnull));

/* "https://<instance>.cryptoservice.kms.aliyuncs.com/" */
void aliyun_url(struct buf *out, const char *instance) __attribute__((nonnull));

void aliyun_digest(struct span body, char out[static ALIYUN_DIGEST_MAX]) __attribute__((nonnull));
void aliyun_to_sign(struct buf *out, const char *api, const char *access_key, const char *date,
		const char *digest) __attribute__((nonnull));

/* Answers to them. An empty plaintext, ciphertext or secret is ERR_FORMAT. */
int aliyun_encrypt_answer(struct span message, struct buf *cipher, struct span *iv, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));
int aliyun_decrypt_answer(struct span message, struct secret *plain, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int aliyun_secret_answer(struct span message, struct secret *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The message Error; false when the bytes are none. Spans into it. */
bool aliyun_refusal(struct span message, struct kms_refusal *out) __attribute__((nonnull));

#endif
