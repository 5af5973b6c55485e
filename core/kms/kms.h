/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key management services as sealed secrets and key packets name them (kms-providers.md): a table of providers over
 * one HTTP helper.
 *
 *     provider   client_type      decrypt  encrypt  get_secret
 *     aliyun     client_key       yes      yes      yes         dedicated instance: protobuf, RSA signature, private CA
 *     aliyun     sts_token        –        –        yes         shared gateway: HMAC-SHA1 query signature
 *     aliyun     ecs_ram_role     –        –        yes         as above, credential from the instance metadata
 *     aws                         yes      yes      yes         Signature Version 4
 *     ehsm                        yes      yes      –           HMAC-SHA-256 over the sorted members
 *
 * Credentials are files in a folder per provider; identifiers from a sealed secret that become parts of file names are
 * letters, digits, '.', '_', '-' alone. They are read anew for each operation. Redirects are not followed. 10 s to
 * connect, 30 s in all, one retry (a new request, with nonces and times of its own) when the connection broke.
 *
 * Where requests go, the clock, nonces and roots can be set, so that protocol doubles can stand in for the services.
 *
 * Ownership: heap object of the caller, one thread. Secrets in wiped memory; no secret is logged or in an error.
 * Errors: ERR_USAGE (unknown provider: "Unsupported provider: …"; settings or annotations), ERR_NOT_FOUND (credential
 * file), ERR_FORMAT (credential file, answer), ERR_AUTH (password of a credential), ERR_DENIED (the service's own
 * refusal, with its status, code and request id; ERR_RETRY for a status of 429 or from 500 on), those of net/http.h.
 */
#ifndef COCOON_KMS_KMS_H
#define COCOON_KMS_KMS_H

#include "base/span.h"
#include "crypto/secret.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct clock;
struct err;
struct kms;

struct kms_options {
	const char *folder;     /* of the provider's credentials; NULL: where guests keep them */
	const char *guest_root; /* token_path must lie below it; NULL: /run/confidential-containers/cdh/kbs */
	const struct clock *clock;             /* required */
	void (*random)(void *out, size_t len); /* of nonces; NULL: base/random.h */
	/* for doubles; NULL: the service's own host, the instance metadata's address, the system's roots. http:// is
	 * taken for loopback alone, but for the metadata. client_key always trusts its own CA file, and no other */
	const char *endpoint;
	const char *metadata;
	const char *ca_file;
};

/* Where guests keep the credentials of a provider: "/run/confidential-containers/cdh/kbs/kms-credential/aliyun"; NULL
 * for one that is not known. Static. */
const char *kms_folder(const char *provider) __attribute__((nonnull));

/* provider without regard to case; settings is the object provider_settings. */
int kms_open(const char *provider, const json_t *settings, const struct kms_options *options,
		struct kms **out, struct err *err) __attribute__((nonnull(1, 3, 4), warn_unused_result));
void kms_free(struct kms *kms);
static inline void kms_release(struct kms **slot)
{
	kms_free(*slot);
}
#define auto_kms __attribute__((cleanup(kms_release)))

int kms_decrypt(struct kms *kms, const char *key_id, struct span cipher, const json_t *annotations,
		struct secret *plain, struct err *err) __attribute__((nonnull(1, 2, 5), warn_unused_result));

/* Appends the wrapped key; *annotations is a new object for the sealed secret. */
int kms_encrypt(struct kms *kms, const char *key_id, const struct secret *plain, struct buf *cipher,
		json_t **annotations, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4, 5), warn_unused_result));

int kms_get_secret(struct kms *kms, const char *name, const json_t *annotations, struct secret *out,
		struct err *err) __attribute__((nonnull(1, 2, 4), warn_unused_result));

/* What a sealing owner writes as provider_settings: the settings that the provider reads, sorted. New reference. */
int kms_settings(const struct kms *kms, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
