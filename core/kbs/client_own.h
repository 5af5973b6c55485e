/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What client.c (sessions that threads share), client_shake.c (one handshake), client_ask.c (one request, tried until it
 * is answered) and client_open.c (one answer) have in common; for them alone.
 */
#ifndef COCOON_KBS_CLIENT_OWN_H
#define COCOON_KBS_CLIENT_OWN_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/pkey.h"
#include "kbs/client.h"
#include "kbs/message.h"
#include "net/http.h"

#include <pthread.h>
#include <stdatomic.h>

#define KBS_COOKIES_MAX ((size_t)4096)
#define KBS_TOKEN_MAX   ((size_t)256 * 1024)
/* struct http that rest between calls; more calls than that at once make connections of their own */
#define KBS_IDLE_MAX    16

/* What a handshake brought, in the version that was spoken. Never changes, but for refs under the client's lock. */
struct kbs_session {
	unsigned refs;
	unsigned long number; /* counts handshakes, from 1 */
	struct buf token;
	struct buf cookies;
	struct pkey *own; /* NULL when the key is the owner's */
	struct pkey *key;
	enum kbs_version version;
	int64_t made, good_until; /* by the monotonic clock of the options */
};

struct kbs_client {
	char *base; /* https://broker:8080/kbs/v0 */
	char *cert;
	char *initdata; /* NULL: none */
	enum kbs_key key;
	struct pkey *tee_key;
	struct attester *attester;
	bool older;
	const struct clock *clock;
	int deadline, pause;
	unsigned tries;
	atomic_ulong handshakes, requests, retries;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t ended; /* a handshake has */
	bool shaking;
	unsigned long outcomes; /* handshakes that have ended */
	struct err failure;     /* of the last one; ERR_OK when it went well */
	struct kbs_session *session;
	enum kbs_version version; /* that the broker spoke last */
	struct http *idle[KBS_IDLE_MAX];
	size_t idle_count;
};

/* One call of the caller: whose connection it uses, and when it must be over (by clock_real's monotonic clock). */
struct kbs_call {
	struct kbs_client *client;
	struct http *http;
	int64_t until;
};

struct kbs_ask {
	const char *method;
	const char *path; /* below the base, with its '/' */
	const char *cookies;
	const char *bearer; /* NULL: none */
	struct span body;   /* JSON; empty: none */
	bool secret;        /* the answer is wiped when it goes: at most KBS_TOKEN_MAX bytes */
};

/*
 * Asks until there is an answer that is not 5xx or 429, as often as the options allow and until the call's deadline.
 * Any other status is no failure here.
 */
int kbs_ask(const struct kbs_call *call, const struct kbs_ask *ask, struct http_response *response,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* Sleeps about that long; ERR_RETRY, with the last failure in its text, when the deadline is nearer. */
int kbs_pause(const struct kbs_call *call, int milliseconds, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* "WHAT: status 401, PolicyDeny: Access denied by policy", of whatever the answer holds. Returns -1. */
int kbs_refused(const struct http_response *response, enum err_kind kind, const char *what, struct err *err)
		__attribute__((nonnull(1, 3)));

/* Puts the cookies of Set-Cookie fields, one a line, into a list "a=1; b=2", in place of those of the same names. */
void kbs_cookies_take(struct buf *list, struct span fields) __attribute__((nonnull));

/* A whole handshake. On success *out has one reference and no number; *version is what was spoken in the end. */
int kbs_shake(const struct kbs_call *call, enum kbs_version *version, struct kbs_session **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
void kbs_session_free(struct kbs_session *session);

/* The content of an answer. ERR_AUTH, uniform, for all that depends on the key; ERR_FORMAT. */
int kbs_open(const struct kbs_session *session, struct span body, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
