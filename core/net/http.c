/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"
#include "net/http_own.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* Descriptors that a program waits for beside its calls: signals, a timer, a wake-up. */
#define EXTRA_MAX 16

int http_global_init(struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_IO, "libcurl could not be initialised");
	return 0;
}

struct http *http_new(const struct http_options *options, struct err *err)
{
	if (!options->user_agent) {
		err_set(err, ERR_USAGE, "an HTTP client needs a user agent");
		return NULL;
	}
	if (options->unix_socket &&
			strlen(options->unix_socket) >= sizeof((struct sockaddr_un){ 0 }.sun_path)) {
		err_set(err, ERR_USAGE, "'%s' is too long for a socket", options->unix_socket);
		return NULL;
	}
	struct http_creds *creds = http_creds_new(&options->tls, err);
	if (!creds)
		return NULL;
	struct http *http = xcalloc(1, sizeof(*http));
	http->creds = creds;
	/* an empty text is no proxy; NULL would make curl read the environment */
	http->proxy = xstrdup(options->proxy ? options->proxy : "");
	http->no_proxy = xstrdup(options->no_proxy ? options->no_proxy : "");
	http->user_agent = xstrdup(options->user_agent);
	http->unix_socket = options->unix_socket ? xstrdup(options->unix_socket) : NULL;
	http->stop = options->stop;
	http->guard = options->guard ? http_guard_new(options, err) : NULL;
	if (options->guard && !http->guard) {
		http_free(http);
		return NULL;
	}
	http->multi = curl_multi_init();
	if (http->multi)
		return http;
	err_set(err, ERR_IO, "libcurl could not make a handle: descriptors or memory ran out");
	http_free(http);
	return NULL;
}

static void detach(struct http_call *call)
{
	if (call->in_multi)
		curl_multi_remove_handle(call->http->multi, call->easy);
	call->in_multi = false;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	while (http->calls) {
		struct http_call *call = http->calls;
		http->calls = call->next;
		detach(call);
		http_call_free(call);
	}
	curl_multi_cleanup(http->multi);
	http_creds_drop(http->creds);
	free(http->proxy);
	free(http->no_proxy);
	free(http->user_agent);
	free(http->unix_socket);
	http_guard_free(http->guard);
	free(http);
}

int http_set_tls(struct http *http, const struct http_tls *tls, struct err *err)
{
	struct http_creds *creds = http_creds_new(tls, err);

	if (!creds)
		return -1;
	http_creds_drop(http->creds);
	http->creds = creds;
	return 0;
}

struct http_call *http_start(struct http *http, const struct http_request *request,
		const struct http_handler *handler, struct err *err)
{
	struct http_call *call = http_call_new(http, request, handler, err);

	if (!call)
		return NULL;
	call->next = http->calls;
	http->calls = call;
	return call;
}

/* Frees dead calls; never while handlers or curl may still look at them. */
static void collect(struct http *http)
{
	struct http_call **slot = &http->calls;

	while (*slot) {
		struct http_call *call = *slot;
		if (call->state != CALL_DEAD) {
			slot = &call->next;
			continue;
		}
		*slot = call->next;
		detach(call);
		http_call_free(call);
	}
}

void http_cancel(struct http *http, struct http_call *call)
{
	call->state = CALL_DEAD;
	if (!http->turning)
		collect(http);
}

size_t http_running(const struct http *http)
{
	size_t count = 0;

	for (const struct http_call *call = http->calls; call; call = call->next)
		count += call->state != CALL_DEAD;
	return count;
}

/* The call is over: says so, unless it was cancelled. */
static void finish(struct http_call *call, const struct err *failure)
{
	if (call->state == CALL_DEAD)
		return;
	call->state = CALL_DEAD;
	if (call->handler.done)
		call->handler.done(call->handler.ctx, &call->response, failure);
}

static void admit(struct http *http)
{
	for (struct http_call *call = http->calls; call; call = call->next) {
		if (call->state != CALL_NEW)
			continue;
		call->state = CALL_RUNNING;
		call->last_byte = clock_mono(&clock_real);
		if (curl_multi_add_handle(http->multi, call->easy) == CURLM_OK) {
			call->in_multi = true;
			continue;
		}
		struct err failure = ERR_NONE;
		err_set(&failure, ERR_BUG, "%s: libcurl did not take the request", call->name);
		finish(call, &failure);
	}
}

/* Here and not in http_resume(), as curl hands out what it holds at once: handlers run in turns alone. */
static void resume(struct http *http)
{
	for (struct http_call *call = http->calls; call; call = call->next) {
		struct err failure = ERR_NONE;
		if (!call->resume || call->state != CALL_RUNNING)
			continue;
		call->resume = call->paused = false;
		call->last_byte = clock_mono(&clock_real);
		/* curl tells a handler's refusal here alone */
		if (http_call_result(call, curl_easy_pause(call->easy, CURLPAUSE_CONT), &failure) < 0)
			finish(call, &failure);
	}
}

void http_resume(struct http *http, struct http_call *call)
{
	(void)http;
	call->resume = call->paused;
}

static void reap_finished(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct http_call *call = NULL;
		struct err failure = ERR_NONE;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		if (http_call_result(call, code, &failure) < 0)
			finish(call, &failure);
		else
			finish(call, NULL);
	}
}

static void reap_overdue(struct http *http)
{
	int64_t now = clock_mono(&clock_real);

	for (struct http_call *call = http->calls; call; call = call->next) {
		struct err failure = ERR_NONE;
		if (call->state != CALL_RUNNING || http_call_deadline(call) > now)
			continue;
		err_set(&failure, ERR_RETRY, "%s: no byte arrived for %lld ms", call->name,
				(long long)((now - call->last_byte) / 1000));
		finish(call, &failure);
	}
}

/* The wait, shortened to our own next deadline. */
static int wait_time(const struct http *http, int timeout)
{
	int64_t now = clock_mono(&clock_real);
	int64_t wait = (int64_t)timeout * 1000;

	for (const struct http_call *call = http->calls; call; call = call->next) {
		int64_t left = call->state == CALL_RUNNING ? http_call_deadline(call) : INT64_MAX;
		if (left != INT64_MAX && left - now < wait)
			wait = left > now ? left - now : 0;
	}
	/* rounded up: waking a fraction too early would spin */
	return (int)((wait + 999) / 1000);
}

static int wait_for_events(
		struct http *http, int timeout, struct pollfd *extra, unsigned count, struct err *err)
{
	struct curl_waitfd fds[EXTRA_MAX];

	for (unsigned i = 0; i < count; i++) {
		fds[i] = (struct curl_waitfd){ .fd = extra[i].fd };
		/* curl's flags have the values of poll(2)'s for these three */
		fds[i].events = (short)(extra[i].events &
				(CURL_WAIT_POLLIN | CURL_WAIT_POLLPRI | CURL_WAIT_POLLOUT));
		extra[i].revents = 0;
	}
	CURLMcode code = curl_multi_poll(http->multi, fds, count, wait_time(http, timeout), NULL);
	if (code != CURLM_OK)
		return err_set(err, ERR_IO, "waiting for the network: %s", curl_multi_strerror(code));
	for (unsigned i = 0; i < count; i++)
		extra[i].revents = fds[i].revents;
	return 0;
}

int http_turn(struct http *http, int timeout, struct pollfd *extra, unsigned extra_count, struct err *err)
{
	int running;

	if (http->turning)
		return err_set(err, ERR_BUG, "http_turn was called from one of its own handlers");
	if (extra_count > EXTRA_MAX || timeout < 0)
		return err_set(err, ERR_BUG, "http_turn takes a timeout from 0 and at most %d descriptors",
				EXTRA_MAX);
	if (http->stop && atomic_load(http->stop))
		return err_set(err, ERR_RETRY, "nobody waits for the answer any more");
	if (http->stop && timeout > HTTP_STOP_MS)
		timeout = HTTP_STOP_MS;
	http->turning = true;
	admit(http);
	resume(http);
	int result = wait_for_events(http, timeout, extra, extra_count, err);
	CURLMcode code = curl_multi_perform(http->multi, &running);
	reap_finished(http);
	reap_overdue(http);
	http->turning = false;
	collect(http);
	if (code != CURLM_OK)
		return err_set(err, ERR_IO, "the HTTP client: %s", curl_multi_strerror(code));
	return result;
}

void http_wake(struct http *http)
{
	curl_multi_wakeup(http->multi);
}

/* What http_fetch collects. */
struct fetch {
	struct http_response *response;
	struct err failure;
	bool done;
};

static int fetch_body(void *ctx, struct span bytes, struct err *err)
{
	struct fetch *fetch = ctx;

	buf_add_span(&fetch->response->body, bytes);
	return buf_check(&fetch->response->body, "the response", err);
}

static void fetch_done(void *ctx, const struct http_response *response, const struct err *failure)
{
	struct fetch *fetch = ctx;
	struct buf body = fetch->response->body;

	*fetch->response = *response;
	fetch->response->body = body;
	if (failure)
		fetch->failure = *failure;
	fetch->done = true;
}

int http_fetch(struct http *http, const struct http_request *request, struct http_response *response,
		struct err *err)
{
	struct fetch fetch = { .response = response, .failure = ERR_NONE };
	struct http_handler handler = { .ctx = &fetch, .body = fetch_body, .done = fetch_done };
	struct http_call *call = http_start(http, request, &handler, err);

	if (!call)
		return -1;
	buf_clear(&response->body);
	response->body.max = request->max_body;
	if (request->secret && !buf_room(&response->body, request->max_body))
		abort();
	while (!fetch.done)
		if (http_turn(http, 60 * 1000, NULL, 0, err) < 0) {
			if (!fetch.done)
				http_cancel(http, call);
			return -1;
		}
	if (fetch.failure.kind == ERR_OK)
		return 0;
	buf_wipe(&response->body);
	if (err)
		*err = fetch.failure;
	return -1;
}

void http_response_wipe(struct http_response *response)
{
	buf_wipe(&response->body);
	http_response_clear(response);
}

void http_response_clear(struct http_response *response)
{
	buf_clear(&response->body);
	*response = (struct http_response)HTTP_RESPONSE_NONE;
}
