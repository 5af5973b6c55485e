/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes in progress and done (kbs-protocol.md, 1.3, 1.4): a challenge, and once it was met, the token.
 *
 * A session ends SESSION_SECONDS after it began, whatever happens in between; its cookie says when. It is forgotten at
 * the first contact after that, or when others begin. Sessions live in memory: a restart ends them, and clients begin
 * anew.
 *
 * Bounds: SESSIONS_MAX at once; who comes then is told so (ERR_LIMIT). Ownership: heap object of the caller; a session
 * is borrowed until the next call. Threads: one.
 */
#ifndef COCOON_E2E_KBS_SESSIONS_H
#define COCOON_E2E_KBS_SESSIONS_H

#include "base/clock.h"
#include "base/span.h"
#include "kbs/message.h"
#include "tee/kind.h"

#include <stddef.h>

struct err;
struct sessions;

#define SESSION_SECONDS 300
#define SESSIONS_MAX    16384
#define SESSION_COOKIE  "kbs-session-id"
#define SESSION_ID_MAX  33 /* UUID v4 without dashes, with its NUL */

struct session {
	char id[SESSION_ID_MAX];
	char nonce[48]; /* 32 bytes in base64 */
	char until[32]; /* "Sun, 22 Nov 2026 03:04:34 GMT" */
	enum tee_kind tee;
	enum kbs_version version;
	char *token; /* NULL until the evidence was good */
};

/* lifetime in seconds; random makes the nonce, then the id: random_bytes() but in tests. */
struct sessions *sessions_new(const struct clock *clock, void (*random)(void *out, size_t len), int lifetime,
		size_t max) __attribute__((nonnull, returns_nonnull, warn_unused_result));
void sessions_free(struct sessions *sessions);

int sessions_begin(struct sessions *sessions, enum tee_kind tee, enum kbs_version version,
		struct session **out, struct err *err) __attribute__((nonnull(1, 4), warn_unused_result));

/* By the value of a Cookie field. ERR_NOT_FOUND with what is missing. */
int sessions_find(struct sessions *sessions, struct span cookie, struct session **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Sessions that have not ended. */
size_t sessions_count(struct sessions *sessions) __attribute__((nonnull));

#endif
