/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: many requests at once on one thread, each with deadlines and ceilings, bodies delivered as they
 * arrive. HTTP/1.1 over TLS ≥ 1.2, or plain to where the URL says http://; connections and the parsed CA are reused.
 *
 *     struct http *http = http_new(&options, err);
 *     http_fetch(http, &request, &response, err);              one request, waits for its end
 *
 *     struct http_call *call = http_start(http, &request, &handler, err);   handlers are called from http_turn()
 *     while (running)
 *             http_turn(http, 1000, NULL, 0, err);
 *
 * Redirects are never followed. Response header fields that are kept: see struct http_response; several challenges
 * (WWW-Authenticate) become one list. Cookies are kept for the caller, who sends them as a header field. No `Expect`
 * header is sent. Proxies: only what the options say; the environment is not read here.
 *
 * Units: milliseconds. 0 for a timeout means none.
 * Bounds: a body beyond max_body ends the call with ERR_LIMIT; header fields beyond 64 KiB likewise.
 * Ownership: requests and options are copied by the callee as needed and may go after the call (but for the body of a
 * bulk request); spans passed to a handler are borrowed for the time of the call.
 * Errors: ERR_IO (connection, DNS, cut off), ERR_AUTH (certificate not trusted), ERR_RETRY (a timeout), ERR_LIMIT,
 * ERR_FORMAT (an answer that is no HTTP), ERR_USAGE (bad URL, bad key or certificate). An HTTP status is not an error
 * here: the caller judges it.
 * With TLS, the program ignores SIGPIPE (base/signals.h), which OpenSSL may raise.
 * Threads: one thread per struct http; http_wake() alone may be called from others. From inside a handler, http_start
 * and http_cancel may be called, http_fetch and http_turn may not.
 */
#ifndef COCOON_NET_HTTP_H
#define COCOON_NET_HTTP_H

#include "base/buf.h"
#include "base/span.h"
#include "net/url.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct http;
struct http_call;

/* Whom to trust and who we are; all PEM texts, empty spans for "none". */
struct http_tls {
	struct span ca;   /* trusted roots; empty: the system's */
	bool ca_adds;     /* ca is trusted beside the system's roots (its folder), not instead of them */
	struct span cert; /* our certificate chain */
	struct span key;  /* its private key */
	const char *server_name; /* sent and checked instead of the URL's host, no_proxy too; NULL: the host */
	bool insecure;           /* no check of the peer's certificate at all */
};

/* Appends the certificates of a file, for `ca`. ERR_USAGE for an empty one: no roots would mean the system's. */
int http_ca_load(const char *path, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

struct http_options {
	struct http_tls tls;
	const char *proxy;      /* "http://host:port", "socks5://…"; NULL: none */
	const char *no_proxy;   /* comma list of hosts and CIDRs, as curl reads it; NULL: none */
	const char *user_agent; /* required */
	/* The socket to connect to, whatever host and port the URL names; the proxy is not used then. NULL: none */
	const char *unix_socket;
	/*
	 * For URLs that are other people's: no connection to an address that is this machine's or this network's own
	 * business (net/guard.h), whatever led there; but where the URL has the host `vouched` ("host" or "host:port",
	 * without a port the scheme's own; NULL: nowhere). ERR_DENIED. Names are looked at when they are resolved, for each
	 * connection. With a proxy, it resolves them: then hosts that are written as addresses, and localhost, are
	 * refused here, and all others are the proxy's to refuse.
	 */
	bool guard;
	const char *vouched;
	/* Once it is true, from any thread, turns end within HTTP_STOP_MS with ERR_RETRY. Borrowed; NULL: none */
	const atomic_bool *stop;
};
#define HTTP_STOP_MS 200

/* Initialises the libraries below; once, in main, before any thread. */
int http_global_init(struct err *err) __attribute__((warn_unused_result));

struct http *http_new(const struct http_options *options, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
/* Ends all calls without calling their handlers. Takes NULL. */
void http_free(struct http *http);
static inline void http_release(struct http **slot)
{
	http_free(*slot);
}
#define auto_http __attribute__((cleanup(http_release)))

/* Calls that start from now on use these credentials, on connections of their own; running calls go on. */
int http_set_tls(struct http *http, const struct http_tls *tls, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

struct http_request {
	const char *method; /* "GET", "PATCH", … */
	const char *url;
	const char *const *headers; /* "Name: value" texts, NULL-terminated; NULL for none */
	const char *bearer; /* sent as Authorization: Bearer …; NULL: none. Never appears in an error text */
	const char *name; /* stands in error texts for method, host and path, which may be secret; NULL: these do */
	struct span body; /* empty: none; copied unless bulk */
	bool bulk;   /* megabytes travel: buffers are larger, and the body is borrowed to the call's end */
	bool secret; /* http_fetch makes room for all of max_body at once, so that the answer can be wiped */
	size_t max_body;     /* ceiling for the response's body; required */
	int connect_timeout; /* default 10 s */
	int total_timeout;   /* whole call; 0: none, then idle_timeout is required */
	int idle_timeout; /* longest time without a byte after the head; before it, plus connect_timeout and
	                        counted from the last byte of the body that went out */
};

struct http_response {
	int status;
	int retry_after; /* seconds; 0 = absent. A date form counts as absent */
	char content_type[128];
	int64_t content_length; /* -1 = absent */
	char www_authenticate[1024];
	char location[URL_MAX];
	char etag[256];
	char range[64];
	char content_range[96];
	char docker_content_digest[160];
	char set_cookie[1024]; /* of all such fields, one a line */
	char link[1024];       /* of all such fields, one list */
	bool link_cut;         /* there was more than fits */
	struct buf body;
};

#define HTTP_RESPONSE_NONE                                            \
	{                                                             \
		.status = 0, .content_length = -1, .body = BUF_MAX(0) \
	}
void http_response_clear(struct http_response *response) __attribute__((nonnull));
#define auto_response __attribute__((cleanup(http_response_clear)))

/* The same, and overwrites the body. */
void http_response_wipe(struct http_response *response) __attribute__((nonnull));
#define auto_wiped_response __attribute__((cleanup(http_response_wipe)))

/* Performs one request and waits. response is initialised by HTTP_RESPONSE_NONE or cleared before. */
int http_fetch(struct http *http, const struct http_request *request, struct http_response *response,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * What a running call tells. head: status and header fields are known (response.body is empty). body: more bytes;
 * none is ever encoded, as a response with a Content-Encoding, which is not asked for, ends with ERR_FORMAT. Either
 * may return -1 with *err set to end the call; body may return HTTP_PAUSE: the bytes were not taken, and are handed
 * over again after http_resume(), until when the peer has to wait. done is called exactly once, last, unless the call
 * was cancelled: failure is NULL when the body ended as it should.
 */
#define HTTP_PAUSE 1
struct http_handler {
	void *ctx;
	int (*head)(void *ctx, const struct http_response *response, struct err *err);
	int (*body)(void *ctx, struct span bytes, struct err *err);
	void (*done)(void *ctx, const struct http_response *response, const struct err *failure);
};

/* Starts a call. The result is borrowed: valid until done was called or http_cancel. NULL with *err set. */
struct http_call *http_start(struct http *http, const struct http_request *request,
		const struct http_handler *handler, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* Ends a call without its done handler. */
void http_cancel(struct http *http, struct http_call *call) __attribute__((nonnull));

/* Bytes are welcome again: handed over from the next turn on. */
void http_resume(struct http *http, struct http_call *call) __attribute__((nonnull));

/* Number of running calls. */
size_t http_running(const struct http *http) __attribute__((nonnull));

struct pollfd;

/*
 * One turn of the loop: waits at most timeout ms for any call, any of the extra descriptors (poll(2) events in,
 * revents out) or http_wake(), then calls handlers. Returns 0, also when nothing happened.
 */
int http_turn(struct http *http, int timeout, struct pollfd *extra, unsigned extra_count, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Makes a waiting http_turn return at once; from any thread. */
void http_wake(struct http *http) __attribute__((nonnull));

#endif
