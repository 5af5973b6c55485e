/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to one registry: the answer to its challenges (oci/challenge.h) with the login that is kept for it.
 *
 *     401, Bearer  →  GET realm?service=…&scope=…   with Basic credentials if there are any
 *                     {"token":"…","expires_in":300}            → Authorization: Bearer …, for requests of that scope
 *                     an identity token is traded by POST instead (grant_type=refresh_token)
 *     401, Basic   →  Authorization: Basic …, for all requests
 *
 * Nothing is sent, and no login looked for, before the registry asks. Tokens are kept per scope until shortly before
 * they expire (RFC: distribution "token authentication"; 60 s when it does not say).
 *
 * A scope is "repository:NAME:pull", "repository:NAME:pull,push", or two of them with a space between.
 * Bounds: AUTH_TOKENS scopes, an answer of 64 KiB. The realm must be https where the registry is.
 * Errors: ERR_AUTH (refused, or nothing to answer with), ERR_FORMAT, ERR_LIMIT, ERR_IO, ERR_RETRY; no secret in them.
 */
#ifndef COCOON_OCI_AUTH_H
#define COCOON_OCI_AUTH_H

#include "base/span.h"
#include "oci/dockerconfig.h"
#include "oci/retry.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct http;
struct oci_access;
struct oci_place;

#define AUTH_TOKENS    4
#define AUTH_SCOPE_MAX 640

struct auth_token {
	char scope[AUTH_SCOPE_MAX];
	struct secret field; /* "Authorization: Bearer …" */
	int64_t expiry;      /* monotonic clock, microseconds */
};

struct auth {
	const struct oci_access *access; /* borrowed */
	const struct oci_place *place;   /* borrowed */
	const struct retry_sleep *sleep; /* borrowed */
	int64_t deadline;                /* of the request that asks, as ask.deadline */
	unsigned answers;                /* so many challenges were answered */
	bool searched;                   /* login is what there is */
	struct oci_login login;
	struct secret basic; /* "Authorization: Basic …", once the registry asked for it */
	struct auth_token tokens[AUTH_TOKENS];
};

void auth_init(struct auth *auth, const struct oci_access *access, const struct oci_place *place,
		const struct retry_sleep *sleep) __attribute__((nonnull));
void auth_clear(struct auth *auth) __attribute__((nonnull));

/* The header field to send with a request of that scope; NULL: none yet. Borrowed until the next call. */
const char *auth_field(const struct auth *auth, const char *scope) __attribute__((nonnull));

/*
 * Answers a 401: afterwards auth_field() has something new. `second` says that what it had was just refused: then
 * Basic credentials are wrong, and a token is asked for with the scope that the registry names itself.
 */
int auth_answer(struct auth *auth, struct http *http, const char *challenge, const char *scope, bool second,
		bool registry_tls, struct err *err) __attribute__((nonnull(1, 2, 3, 4), warn_unused_result));

/* Does a text that came from the registry repeat one of our secrets? Then it is not for people. */
bool auth_is_echoed(const struct auth *auth, const char *text) __attribute__((nonnull));

#endif
