/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes API as JSON over HTTPS: one object for requests that wait and for those that run in a loop, on one
 * connection pool, with credentials that renew themselves.
 *
 *     auto_buf struct buf path = BUF_MAX(KUBE_PATH_MAX);
 *     kube_path(&path, &(struct kube_ref){ "v1", "shop", "pods", "web-0", NULL }, err)
 *     kube_call(kube, &(struct kube_request){ .method = "GET", .path = buf_text(&path) }, &pod, err)
 *
 *     kube_start(kube, &request, &handler, err);      the handler runs in a later kube_turn()
 *     while (running)
 *             kube_turn(kube, 1000, NULL, 0, err);    also runs timers (kube_timers)
 *
 * A status below 400 is success. Else the error says "GET /api/v1/…: HTTP 409 Conflict: " and the Status' message:
 *     404                        ERR_NOT_FOUND
 *     409 (AlreadyExists too)    ERR_CONFLICT
 *     410                        ERR_CONFLICT: what was being read has moved on, read again from the start
 *     401                        ERR_AUTH; first the credentials are renewed and the request is sent once more
 *     other 4xx                  ERR_DENIED: the same request will not do better
 *     408, 429, 5xx              ERR_RETRY, with retry_after
 *     others below 200           ERR_FORMAT
 * Trouble below HTTP has the kinds of net/http.h.
 *
 * Retries: kube_start sends once unless `tries` says otherwise; kube_call tries up to KUBE_TRIES_MAX times. Only 429
 * and 503 are sent again, which a server answers before it did anything, so POST is safe as well; after Retry-After
 * seconds, or 1; all waits of one call together last at most KUBE_WAIT_MAX.
 *
 * Bounds: an answer's body 8 MiB unless max_body says otherwise; path and query as KUBE_PATH_MAX.
 * Ownership: requests are copied; config is borrowed for the life of the struct. Watches, leases and recorders of
 * Events that run on it are freed before it, and never from their own handlers. A body passed to a handler is
 * borrowed for the call; a handler that keeps it takes a reference.
 * Threads: one thread per struct kube; kube_wake() alone may be called from others. Handlers may start and cancel
 * calls; kube_call and kube_turn are not for handlers. kube_call turns the loop while it waits, so handlers of
 * other calls and timers run.
 */
#ifndef COCOON_KUBE_CLIENT_H
#define COCOON_KUBE_CLIENT_H

#include "base/span.h"
#include "kube/timer.h"

#include <jansson.h>

struct buf;
struct clock;
struct err;
struct kube;
struct kube_config;
struct kube_exchange;
struct pollfd;

#define KUBE_BODY_MAX         (8 * 1024 * 1024)
#define KUBE_PATH_MAX         8000 /* with its server, an URL of net/url.h */
#define KUBE_TRIES_MAX        10
#define KUBE_WAIT_MAX         60 /* seconds */

#define KUBE_JSON             "application/json"
#define KUBE_JSON_PATCH       "application/json-patch+json"
#define KUBE_MERGE_PATCH      "application/merge-patch+json"
/* server-side apply; JSON is YAML. Needs fieldManager=… in the query, force=true to take fields from others */
#define KUBE_APPLY_PATCH      "application/apply-patch+yaml"
#define KUBE_ACCEPT_META      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
#define KUBE_ACCEPT_META_LIST "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

struct kube_options {
	struct kube_config *config;
	const struct clock *clock; /* what timers and waits go by */
	const char *user_agent;    /* "cocoon-controller/0.1.0" */
};

struct kube *kube_new(const struct kube_options *options, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
/* Ends all calls without their handlers. Takes NULL. */
void kube_free(struct kube *kube);
static inline void kube_release(struct kube **slot)
{
	kube_free(*slot);
}
#define auto_kube __attribute__((cleanup(kube_release)))

struct kube_request {
	const char *method;       /* "GET", "PATCH", … */
	const char *path;         /* from kube_path() */
	const char *query;        /* from kube_query(), without '?'; NULL: none */
	const char *content_type; /* of the body; NULL: KUBE_JSON */
	const json_t *json;       /* the body as a value; NULL: `body` */
	struct span body;         /* the body as bytes; empty: none */
	const char *accept;       /* NULL: KUBE_JSON */
	size_t max_body;          /* 0: KUBE_BODY_MAX */
	int timeout;              /* ms for one try; 0: 30 s */
	int tries;                /* 0: kube_start 1, kube_call KUBE_TRIES_MAX */
};

/* Performs the request and waits. *out (may be NULL) gets the answer, a new reference; NULL for an empty body. */
int kube_call(struct kube *kube, const struct kube_request *request, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

struct kube_handler {
	void *ctx;
	/* Exactly once unless cancelled. status: 0 when no answer came. body: the answer (a Status when it failed and
	 * the server sent one) or NULL. failure: NULL on success. */
	void (*done)(void *ctx, int status, json_t *body, const struct err *failure);
};

/* Borrowed result: valid until done was called or kube_cancel. NULL with *err set, and no handler will run. */
struct kube_exchange *kube_start(struct kube *kube, const struct kube_request *request,
		const struct kube_handler *handler, struct err *err) __attribute__((nonnull(1, 2, 3)));

/* For answers too large for one tree, and for those that do not end: bytes as they come. */
struct kube_stream {
	void *ctx;
	/* Of an answer below 400 alone. -1 with *err ends the exchange; done then gets that error. */
	int (*body)(void *ctx, struct span bytes, struct err *err);
	void (*done)(void *ctx, int status, const struct err *failure);
};

/* As kube_start; request.timeout 0 means none here, idle (ms, 0: none) is the longest time without a byte. */
struct kube_exchange *kube_start_stream(struct kube *kube, const struct kube_request *request, int idle,
		const struct kube_stream *stream, struct err *err) __attribute__((nonnull(1, 2, 4)));

/* Ends an exchange without its done handler. */
void kube_cancel(struct kube *kube, struct kube_exchange *exchange) __attribute__((nonnull));

/* Number of exchanges that run or wait for their next try. */
size_t kube_running(const struct kube *kube) __attribute__((nonnull));

/* One turn: waits at most timeout ms (-1: without end) for traffic, a timer, the extra descriptors (poll(2) events
 * in, revents out) or kube_wake(); then runs handlers and timers. */
int kube_turn(struct kube *kube, int timeout, struct pollfd *extra, unsigned extra_count, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
void kube_wake(struct kube *kube) __attribute__((nonnull));

/* Timers that kube_turn() runs, on the clock of the options. */
struct timers *kube_timers(struct kube *kube) __attribute__((nonnull, returns_nonnull));
const struct clock *kube_clock(const struct kube *kube) __attribute__((nonnull, returns_nonnull));
/* Monotonic now, microseconds. */
int64_t kube_now(const struct kube *kube) __attribute__((nonnull));

/* Which object or collection. */
struct kube_ref {
	const char *api;         /* "v1", "apps/v1" */
	const char *namespace;   /* NULL: cluster-scoped, or all namespaces */
	const char *plural;      /* "pods" */
	const char *name;        /* NULL: the collection */
	const char *subresource; /* "status"; NULL: none */
};

/*
 * Appends "/apis/apps/v1/namespaces/x/deployments/y". Each part is checked: the namespace is a DNS label, plural and
 * subresource are lower-case words, a name has no '/' or '%' and is not "." or ".." (the API's own rule for names);
 * other bytes are percent-encoded. ERR_USAGE says which part is wrong.
 */
int kube_path(struct buf *out, const struct kube_ref *ref, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Appends "key=value", percent-encoded, after a '&' when out is not empty. */
void kube_query(struct buf *out, const char *key, const char *value) __attribute__((nonnull));

/* Sets *err for a HTTP status with a Status object (or NULL), as the table above says. Returns -1. */
int kube_status_error(int status, const json_t *body, struct err *err);

#endif
