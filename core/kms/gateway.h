/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels between us and Aliyun's shared gateway (kms-providers.md, 3): the texts alone. A request is a query of
 * sorted parameters, signed with HMAC-SHA1; the answer is JSON.
 *
 *     canonical   AccessKeyId=STS.testkeyid&Action=GetSecretValue&…&VersionStage=ACSCurrent
 *     to sign     POST&%2F&AccessKeyId%3DSTS.testkeyid%26…          the canonical text, encoded once more
 *     query       the canonical text, "&Signature=" and the signature, encoded
 *
 * Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_KMS_GATEWAY_H
#define COCOON_KMS_GATEWAY_H

#include "base/span.h"
#include "crypto/secret.h"

struct buf;
struct err;
struct kms_refusal;

struct gateway_credential {
	struct secret access_key;
	struct secret secret_key;
	struct secret token;
};

void gateway_credential_clear(struct gateway_credential *credential) __attribute__((nonnull));
#define auto_gateway_credential __attribute__((cleanup(gateway_credential_clear)))

/* "AK:SK:STS" with exactly two colons; white space at the end does not count. */
int gateway_credential_parse(struct span text, struct gateway_credential *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* The instance metadata's answer: {"AccessKeyId":…,"AccessKeySecret":…,"SecurityToken":…}. */
int gateway_credential_read(struct span json, struct gateway_credential *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

struct gateway_ask {
	const struct gateway_credential *credential;
	const char *region;
	const char *name;
	const char *stage; /* these two may be "" */
	const char *version;
	const char *timestamp; /* "2026-01-01T00:00:00Z" */
	const char *nonce;
};

/* "https://kms.<region>.aliyuncs.com/?" */
void gateway_url(struct buf *out, const char *region) __attribute__((nonnull));

void gateway_canonical(struct buf *out, const struct gateway_ask *ask) __attribute__((nonnull));
void gateway_to_sign(struct buf *out, struct span canonical) __attribute__((nonnull));
/* Appends the signature in base64. */
int gateway_sign(const struct secret *secret_key, struct span to_sign, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* The member SecretData; empty is ERR_FORMAT. */
int gateway_secret_answer(struct span json, struct secret *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
