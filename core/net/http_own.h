/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What http.c (handle, loop), http_call.c (one transfer), http_tls.c (credentials) and http_guard.c (addresses) share; for them alone.
 *
 * curl forbids to add or remove transfers from within its callbacks, and handlers may do either: a call that starts
 * waits as CALL_NEW for the next turn, one that ends becomes CALL_DEAD and is collected at the end of the turn.
 */
#ifndef COCOON_NET_HTTP_OWN_H
#define COCOON_NET_HTTP_OWN_H

#include "base/err.h"
#include "crypto/secret.h"
#include "net/http.h"

#include <curl/curl.h>
#include <stdint.h>

struct url;
struct http_guard;

/* Credentials, shared by the handle and the calls that began with them. */
struct http_creds {
	unsigned refs;
	char *ca;
	size_t ca_len;
	char *cert;
	size_t cert_len;
	struct secret key;
	char *server_name;
	bool ca_adds;
	bool insecure;
};

struct http_creds *http_creds_new(const struct http_tls *tls, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
struct http_creds *http_creds_ref(struct http_creds *creds) __attribute__((nonnull));
void http_creds_drop(struct http_creds *creds);
/* Hands them to a transfer, which must not outlive them. */
void http_creds_apply(const struct http_creds *creds, CURL *easy) __attribute__((nonnull));

struct http {
	CURLM *multi;
	struct http_creds *creds;
	char *proxy;
	char *no_proxy;
	char *user_agent;
	char *unix_socket;
	struct http_guard *guard; /* NULL: none */
	const atomic_bool *stop;  /* NULL: none */
	struct http_call *calls;  /* all of them, newest first */
	bool turning;             /* inside http_turn: nothing may be freed */
};

enum call_state {
	CALL_NEW,     /* not given to curl yet */
	CALL_RUNNING, /* in the multi handle */
	CALL_DEAD,    /* ended or cancelled */
};

struct http_call {
	struct http *http;
	struct http_call *next;
	enum call_state state;
	bool in_multi;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	struct http_creds *creds;
	char *name;       /* "GET https://host/path", for error texts: no query, which may hold secrets */
	char *body;       /* of the request; NULL when there is none or it is borrowed */
	struct span lent; /* what has not been sent yet of one that is */
	size_t body_len;
	int64_t body_sent;
	struct http_handler handler;
	struct http_response response;
	struct err failure; /* what a handler or a ceiling said; kind ERR_OK: nothing */
	struct err refused; /* what the guard said of an address; kind ERR_OK: nothing */
	char *host;         /* that it looks at; NULL: it does not */
	char why[CURL_ERROR_SIZE];
	size_t max_body;
	size_t body_seen;
	size_t head_seen;   /* bytes of header fields */
	bool headed;        /* the final head is complete */
	bool paused;        /* the body handler did not take the bytes */
	bool resume;        /* and now wants them */
	int64_t last_byte;  /* our monotonic clock, microseconds */
	int64_t first_wait; /* longest wait for the first byte of the head, microseconds; 0: none */
	int64_t idle_wait;  /* longest gap after the head, microseconds; 0: none */
};

/* NULL with *err set: `vouched` is no host. */
struct http_guard *http_guard_new(const struct http_options *options, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
void http_guard_free(struct http_guard *guard);
/* Has the call's connections looked at; ERR_DENIED for a host that is an address which is not to be connected to. */
int http_guard_set(struct http_call *call, const char *url, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

struct http_call *http_call_new(struct http *http, const struct http_request *request,
		const struct http_handler *handler, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
/* The call must not be in the multi handle any more. */
void http_call_free(struct http_call *call);
/* Fills *err with kind and text of the call's end; returns 0 when it ended well. */
int http_call_result(const struct http_call *call, CURLcode code, struct err *err) __attribute__((nonnull));
/* The moment at which our own clock ends the call; INT64_MAX: never. */
int64_t http_call_deadline(const struct http_call *call) __attribute__((nonnull));

#endif
