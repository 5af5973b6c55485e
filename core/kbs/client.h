/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's client of a key broker: attests (RCAR), keeps the token until it ends, fetches resources.
 *
 *     struct kbs_client *kbs = NULL;
 *     kbs_client_open(&options, &kbs, err);
 *     kbs_client_get(kbs, &uri, &resource, err);        attests first where no good token is there
 *
 * One handshake: POST /auth, evidence over nonce and a fresh TEE key, POST /attest with the session's cookie. The
 * token and its key are kept together, and are renewed KBS_TOKEN_MARGIN before they end (half-way where they are
 * shorter-lived). How long a token lives is counted from when it came, by a clock that does not jump, since the
 * guest's and the broker's need not agree. Many threads may ask: one handshake runs, the others wait for it and share
 * its outcome. A refused attestation is tried once more from its beginning: a broker that has been restarted in between
 * does not say so. Requests carry cookie and token, as the broker takes either.
 *
 * A refused resource (401) is judged by the failure's type: TokenNotFound and TokenVerifierError lead to one new
 * handshake and another try, and so does PolicyDeny where the token is older than KBS_TOKEN_FRESH, since policy or
 * reference values may have changed since the guest was judged. A PolicyDeny of a fresh token, PluginInternalError and
 * JweError are final: the broker would say the same again. 5xx, broken connections and timeouts are tried again, with
 * growing pauses, within the deadline.
 *
 * Versions: 0.4.0 first; where the broker's refusal names another version that is spoken (kbs/message.h), once more
 * with that one, when options.older allows it. 0.1 has RSA keys with RSA1_5 alone, whatever `key` says, and answers in a
 * form of its own.
 *
 * Answers are JWE to the TEE key; the header is used as it was sent.
 *
 * Units: milliseconds. Bounds: a resource has at most SECRET_MAX bytes; KBS_BODY_MAX of body.
 * Ownership: options are copied; the attester is borrowed. Threads: any number.
 * Errors: ERR_NOT_FOUND (no such resource; brokers of today cannot say so and answer ERR_DENIED), ERR_DENIED (with
 * variant and detail: "the broker's policy denies kbs:///…"), ERR_AUTH (attestation refused; certificate; JWE), ERR_RETRY
 * (the deadline is over; says what was tried last), ERR_IO, ERR_FORMAT.
 */
#ifndef COCOON_KBS_CLIENT_H
#define COCOON_KBS_CLIENT_H

#include "base/span.h"
#include "crypto/secret.h"
#include "kbs/binding.h"
#include "kbs/uri.h"

#include <stdbool.h>

struct attester;
struct buf;
struct clock;
struct err;
struct kbs_client;
struct pkey;

#define KBS_TOKEN_FRESH  (10 * CLOCK_SECOND)
#define KBS_TOKEN_MARGIN (30 * CLOCK_SECOND)

struct kbs_client_options {
	const char *url;      /* https://broker:8080; a path in it is kept, a '/' at the end is not */
	struct span cert;     /* PEM: the only roots that count for it; empty: the system's */
	enum kbs_key key;     /* of the TEE key */
	struct pkey *tee_key; /* borrowed, private; NULL: a fresh one of that kind for each handshake */
	struct attester *attester;
	struct span initdata;      /* TOML text that is sent along; empty: none */
	bool older;                /* brokers of older protocol versions, too */
	const struct clock *clock; /* for the life of tokens */
	int deadline;              /* of one call of ours; 0: 60 s */
	int pause;                 /* first pause between tries; 0: 500 ms. Doubles, with jitter, up to 8 s */
	unsigned tries;            /* of one request; 0: 5 */
};

int kbs_client_open(const struct kbs_client_options *options, struct kbs_client **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void kbs_client_free(struct kbs_client *client);
static inline void kbs_client_release(struct kbs_client **slot)
{
	kbs_client_free(*slot);
}
#define auto_kbs_client __attribute__((cleanup(kbs_client_release)))

int kbs_client_get(struct kbs_client *client, const struct kbs_uri *uri, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * Appends the token. With `key` (may be NULL) its private key in PEM: PKCS#8 for EC, PKCS#1 for RSA. fresh: a new
 * handshake whatever is kept.
 */
int kbs_client_token(struct kbs_client *client, bool fresh, struct buf *token, struct secret *key,
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));

/* Handshakes and requests so far, for metrics and tests. */
struct kbs_client_counts {
	unsigned long handshakes, requests, retries;
};
struct kbs_client_counts kbs_client_counts(struct kbs_client *client) __attribute__((nonnull));

#endif
