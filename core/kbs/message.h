/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the handshake Request, Challenge, Attestation, Response (kbs-protocol.md, 1.3 to 1.10), written and
 * read by both ends.
 *
 *     client  POST /auth      {"version","tee","extra-params"}                        kbs_request
 *     broker                  {"nonce","extra-params"}                                kbs_challenge
 *     client  POST /attest    {"init-data","runtime-data","tee-evidence"}             kbs_attestation
 *     broker                  {"token":"<JWT>"}
 *     broker, any failure     {"type":"…/errors/<Variant>","detail":"…"}              kbs_failure
 *
 * Versions: 0.4.0 is what is spoken. The bodies of 0.1, 0.2 and 0.3 are read and written for brokers and guests that
 * are older (enum kbs_version).
 *
 * Bounds: KBS_BODY_MAX, the server's own ceiling. Texts that are written are UTF-8.
 * Ownership: json_t are new references; structs started as …_NONE.
 * Errors: ERR_FORMAT with the member, ERR_LIMIT; ERR_DENIED for a version that is not spoken.
 */
#ifndef COCOON_KBS_MESSAGE_H
#define COCOON_KBS_MESSAGE_H

#include "base/span.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;

#define KBS_PREFIX     "/kbs/v0"
#define KBS_BODY_MAX   ((size_t)2 * 1024 * 1024)
#define KBS_NONCE_MAX  4096 /* SE's is a document */
#define KBS_ERROR_TYPE "https://github.com/confidential-containers/kbs/errors/"

enum kbs_version { KBS_0_1, KBS_0_2, KBS_0_3, KBS_0_4 };
/* "0.1.1", "0.2.0", "0.3.0", "0.4.0"; static. */
const char *kbs_version_name(enum kbs_version version) __attribute__((returns_nonnull));
/* By the first two numbers of a semantic version; ERR_FORMAT (no such version text), ERR_DENIED (not spoken). */
int kbs_version_find(struct span text, enum kbs_version *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

struct kbs_request {
	char version[32]; /* as sent */
	char tee[32];     /* as sent; tee/kind.h knows the names */
	json_t *extra;
};
#define KBS_REQUEST_NONE      \
	{                     \
		.extra = NULL \
	}
int kbs_request_parse(struct span body, struct kbs_request *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void kbs_request_clear(struct kbs_request *request) __attribute__((nonnull));
#define auto_kbs_request __attribute__((cleanup(kbs_request_clear)))
void kbs_request_format(enum kbs_version version, const char *tee, struct buf *out) __attribute__((nonnull));

struct kbs_challenge {
	char nonce[KBS_NONCE_MAX];
	enum digest_alg hash; /* sha384 unless extra-params selects another */
};
int kbs_challenge_parse(struct span body, struct kbs_challenge *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void kbs_challenge_format(const char *nonce, struct buf *out) __attribute__((nonnull));

struct kbs_attestation {
	enum kbs_version version; /* of the form */
	char *initdata;           /* TOML text; NULL when absent */
	char *nonce;              /* NULL in forms that carry none */
	json_t *pubkey;           /* typed members alone: kbs/binding.h */
	json_t *evidence;         /* primary */
	char *additional;         /* "" or the text of an object */
};
#define KBS_ATTESTATION_NONE     \
	{                        \
		.initdata = NULL \
	}
int kbs_attestation_parse(struct span body, enum kbs_version version, struct kbs_attestation *out,
		struct err *err) __attribute__((nonnull(3), warn_unused_result));
void kbs_attestation_clear(struct kbs_attestation *attestation) __attribute__((nonnull));
#define auto_kbs_attestation __attribute__((cleanup(kbs_attestation_clear)))
/* Appends the body, in the form of attestation->version. */
void kbs_attestation_format(const struct kbs_attestation *attestation, struct buf *out)
		__attribute__((nonnull));

/* The names of failures; type is KBS_ERROR_TYPE and the name. */
enum kbs_variant {
	KBS_ATTESTATION_ERROR,
	KBS_TOKEN_NOT_FOUND,
	KBS_TOKEN_VERIFIER_ERROR,
	KBS_POLICY_DENY,
	KBS_POLICY_ENGINE_ERROR,
	KBS_PLUGIN_INTERNAL_ERROR,
	KBS_JWE_ERROR,
	KBS_PLUGIN_NOT_FOUND,
	KBS_ADMIN_AUTH_ACCESS,
	KBS_ADMIN_AUTH_INITIALIZATION,
	KBS_PARSE_POLICY_ERROR,
	KBS_RVPS_ERROR,
	KBS_SERDE_ERROR,
	KBS_OTHER_ERROR, /* reading alone: a name that is none of these */
	KBS_VARIANTS
};
const char *kbs_variant_name(enum kbs_variant variant) __attribute__((returns_nonnull));

struct kbs_failure {
	enum kbs_variant variant;
	char detail[512]; /* tidied: it goes to people */
};
/* False when the body is no such object: then the status alone counts. The type may be absent (RFC 7807, 3.1). */
bool kbs_failure_parse(struct span body, struct kbs_failure *out) __attribute__((nonnull));
/* The version that a broker asks for when it refuses ours: "… Mismatch: expect =0.4.0 while …". False: it is no such
 * refusal. What it names may be none that is spoken. */
bool kbs_failure_wants(const struct kbs_failure *failure, char version[static 32]) __attribute__((nonnull));
/* The detail may hold what a request held: what is no UTF-8 or no text for people is replaced. */
void kbs_failure_format(enum kbs_variant variant, const char *detail, struct buf *out)
		__attribute__((nonnull));

/* The JWT in the answer to /attest. ERR_FORMAT. Appends. */
int kbs_response_parse(struct span body, struct buf *token, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* exp, nbf and iat (0 when absent) of a token in seconds, without looking at its signature. */
struct kbs_times {
	int64_t exp, nbf, iat;
};
int kbs_token_times(struct span token, struct kbs_times *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
