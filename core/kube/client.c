/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/config.h"
#include "net/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT      30000 /* ms of one try */
#define TURN_MAX     60000 /* ms; a turn may end for no reason, so "without end" may too */
#define FAILURE_MAX  (1024 * 1024)
#define STREAM_GRACE 5000 /* ms that the client below waits longer than the timer here */

struct kube {
	struct kube_config *config;
	const struct clock *clock;
	struct http *http;
	struct timers timers;
	struct kube_exchange *exchanges;
	unsigned long tls_version;
};

/* A request with all of its tries. Either `call` runs or `retry` is set. */
struct kube_exchange {
	struct kube *kube;
	struct kube_exchange *next;
	char *method;
	char *url;
	const char *place; /* the path within url, for messages */
	char *accept;
	char *content_type; /* NULL: no body */
	struct buf body;
	size_t max_body;
	int timeout;
	int tries;
	bool renewed;
	int64_t waited;
	struct kube_handler handler;
	struct kube_stream stream; /* with a body function: a stream */
	struct http_call *call;
	struct timer retry;
	struct timer idle;
	int64_t idle_for; /* microseconds; 0: not watched */
	int64_t last_bytes;
	struct buf answer;
};

static int send_request(struct kube_exchange *exchange, bool refused, struct err *err);

/* ---- life ------------------------------------------------------------------------------------------------- */

struct kube *kube_new(const struct kube_options *options, struct err *err)
{
	struct kube_access access;

	if (kube_config_access(options->config, false, &access, err) < 0)
		return NULL;
	struct http_options http = { .tls = access.tls,
		.proxy = kube_config_proxy(options->config),
		.user_agent = options->user_agent };
	struct http *client = http_new(&http, err);
	if (!client) {
		(void)err_wrap(err, "connecting to '%s'", kube_config_server(options->config));
		return NULL;
	}
	struct kube *kube = xcalloc(1, sizeof(*kube));
	kube->config = options->config;
	kube->clock = options->clock;
	kube->http = client;
	kube->tls_version = access.tls_version;
	return kube;
}

static void exchange_free(struct kube_exchange *exchange)
{
	struct kube *kube = exchange->kube;
	struct kube_exchange **slot = &kube->exchanges;

	while (*slot && *slot != exchange)
		slot = &(*slot)->next;
	if (*slot)
		*slot = exchange->next;
	timer_stop(&kube->timers, &exchange->retry);
	timer_stop(&kube->timers, &exchange->idle);
	free(exchange->method);
	free(exchange->url);
	free(exchange->accept);
	free(exchange->content_type);
	buf_clear(&exchange->body);
	buf_clear(&exchange->answer);
	free(exchange);
}

void kube_cancel(struct kube *kube, struct kube_exchange *exchange)
{
	if (exchange->call)
		http_cancel(kube->http, exchange->call);
	exchange_free(exchange);
}

void kube_free(struct kube *kube)
{
	if (!kube)
		return;
	while (kube->exchanges)
		kube_cancel(kube, kube->exchanges);
	http_free(kube->http);
	timers_clear(&kube->timers);
	free(kube);
}

size_t kube_running(const struct kube *kube)
{
	size_t count = 0;

	for (const struct kube_exchange *at = kube->exchanges; at; at = at->next)
		count++;
	return count;
}

/* ---- the end of an exchange ------------------------------------------------------------------------------- */

/* Says how it ended and frees it. */
static void deliver(struct kube_exchange *exchange, int status, json_t *body, const struct err *failure)
{
	struct kube_handler handler = exchange->handler;
	struct kube_stream stream = exchange->stream;

	exchange_free(exchange);
	if (stream.body)
		stream.done(stream.ctx, status, failure);
	else
		handler.done(handler.ctx, status, body, failure);
}

/* A failure above HTTP; net/http's own texts name method and URL already. */
static void deliver_failure(struct kube_exchange *exchange, int status, json_t *body, struct err *failure)
{
	(void)err_wrap(failure, "%s %.*s", exchange->method, (int)strcspn(exchange->place, "?"),
			exchange->place);
	deliver(exchange, status, body, failure);
}

/* Sent again after a wait, when the server did nothing and there are tries and time left. */
static bool try_later(struct kube_exchange *exchange, int status, int retry_after)
{
	int64_t wait = (retry_after > 0 ? retry_after : 1) * CLOCK_SECOND;

	if ((status != 429 && status != 503) || --exchange->tries <= 0 ||
			exchange->waited + wait > KUBE_WAIT_MAX * CLOCK_SECOND)
		return false;
	exchange->waited += wait;
	timer_set(&exchange->kube->timers, &exchange->retry, kube_now(exchange->kube) + wait);
	return true;
}

static void conclude_refusal(struct kube_exchange *exchange, const struct http_response *response)
{
	struct err failure = ERR_NONE;
	auto_json json_t *body = NULL;

	if (response->status == 401 && !exchange->renewed) {
		exchange->renewed = true;
		if (send_request(exchange, true, &failure) < 0)
			deliver_failure(exchange, response->status, NULL, &failure);
		return;
	}
	if (try_later(exchange, response->status, response->retry_after))
		return;
	/* what is not JSON comes from something before the API server and adds nothing */
	if (exchange->answer.len && json_read(buf_span(&exchange->answer), FAILURE_MAX, &body, NULL) < 0)
		body = NULL;
	(void)kube_status_error(response->status, body, &failure);
	if (response->retry_after)
		failure.retry_after = response->retry_after;
	deliver_failure(exchange, response->status, body, &failure);
}

static void conclude_success(struct kube_exchange *exchange, int status)
{
	struct err failure = ERR_NONE;
	auto_json json_t *body = NULL;

	if (exchange->answer.len &&
			json_read(buf_span(&exchange->answer), exchange->max_body, &body, &failure) < 0)
		deliver_failure(exchange, status, NULL, &failure);
	else
		deliver(exchange, status, body, NULL);
}

static void on_done(void *ctx, const struct http_response *response, const struct err *failure)
{
	struct kube_exchange *exchange = ctx;
	int status = response->status;

	exchange->call = NULL;
	timer_stop(&exchange->kube->timers, &exchange->idle);
	if (failure) {
		deliver(exchange, exchange->stream.body ? status : 0, NULL, failure);
	} else if (status < 200 || status >= 300) {
		conclude_refusal(exchange, response);
	} else {
		conclude_success(exchange, status);
	}
}

/* ---- traffic ---------------------------------------------------------------------------------------------- */

static int on_head(void *ctx, const struct http_response *response, struct err *err)
{
	struct kube_exchange *exchange = ctx;

	(void)err;
	bool fine = response->status >= 200 && response->status < 300;
	exchange->last_bytes = kube_now(exchange->kube);
	buf_clear(&exchange->answer);
	buf_init(&exchange->answer, fine ? exchange->max_body : FAILURE_MAX);
	/* on_body tells by the ceiling whether a stream's bytes go to its owner */
	if (fine && exchange->stream.body)
		exchange->answer.max = 0;
	return 0;
}

static int on_body(void *ctx, struct span bytes, struct err *err)
{
	struct kube_exchange *exchange = ctx;

	exchange->last_bytes = kube_now(exchange->kube);
	if (exchange->stream.body && !exchange->answer.max)
		return exchange->stream.body(exchange->stream.ctx, bytes, err);
	buf_add_span(&exchange->answer, bytes);
	return buf_check(&exchange->answer, "the answer", err);
}

static void on_idle(void *ctx)
{
	struct kube_exchange *exchange = ctx;
	struct kube *kube = exchange->kube;
	struct err failure = ERR_NONE;

	if (exchange->last_bytes + exchange->idle_for > kube_now(kube)) {
		timer_set(&kube->timers, &exchange->idle, exchange->last_bytes + exchange->idle_for);
		return;
	}
	http_cancel(kube->http, exchange->call);
	exchange->call = NULL;
	(void)err_set(&failure, ERR_RETRY, "%s %s: nothing was heard for %lld s", exchange->method,
			exchange->place, (long long)(exchange->idle_for / CLOCK_SECOND));
	deliver(exchange, 0, NULL, &failure);
}

static void on_retry(void *ctx)
{
	struct kube_exchange *exchange = ctx;
	struct err failure = ERR_NONE;

	if (send_request(exchange, false, &failure) < 0)
		deliver_failure(exchange, 0, NULL, &failure);
}

static size_t count_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	return count;
}

static int start_call(struct kube_exchange *exchange, const struct kube_access *access, struct err *err)
{
	const struct http_handler handler = {
		.ctx = exchange, .head = on_head, .body = on_body, .done = on_done
	};
	size_t own = count_texts(access->headers);
	const char **headers = xcalloc(own + 3, sizeof(*headers));
	bool streams = exchange->stream.body != NULL;

	for (size_t i = 0; i < own; i++)
		headers[i] = access->headers[i];
	headers[own++] = exchange->accept;
	if (exchange->content_type)
		headers[own++] = exchange->content_type;
	struct http_request request = { .method = exchange->method,
		.url = exchange->url,
		.headers = headers,
		.bearer = access->bearer,
		.body = buf_span(&exchange->body),
		.max_body = streams ? SIZE_MAX : exchange->max_body,
		.total_timeout = exchange->timeout,
		.idle_timeout = streams ? (int)(exchange->idle_for / 1000) + STREAM_GRACE : 0 };
	exchange->call = http_start(exchange->kube->http, &request, &handler, err);
	free(headers);
	return exchange->call ? 0 : -1;
}

static int send_request(struct kube_exchange *exchange, bool refused, struct err *err)
{
	struct kube *kube = exchange->kube;
	struct kube_access access;

	if (kube_config_access(kube->config, refused, &access, err) < 0)
		return -1;
	if (access.tls_version != kube->tls_version) {
		if (http_set_tls(kube->http, &access.tls, err) < 0)
			return err_wrap(err, "renewed certificates");
		kube->tls_version = access.tls_version;
	}
	if (start_call(exchange, &access, err) < 0)
		return -1;
	exchange->last_bytes = kube_now(kube);
	if (exchange->idle_for)
		timer_set(&kube->timers, &exchange->idle, exchange->last_bytes + exchange->idle_for);
	return 0;
}

/* ---- starting --------------------------------------------------------------------------------------------- */

static void set_body(struct kube_exchange *exchange, const struct kube_request *request)
{
	auto_free char *text = request->json ? json_text(request->json, false) : NULL;
	struct span body = request->json ? span_of(text) : request->body;

	buf_init(&exchange->body, body.len);
	if (!body.len)
		return;
	buf_add_span(&exchange->body, body);
	exchange->content_type = xasprintf(
			"Content-Type: %s", request->content_type ? request->content_type : KUBE_JSON);
}

static struct kube_exchange *exchange_new(struct kube *kube, const struct kube_request *request)
{
	struct kube_exchange *exchange = xcalloc(1, sizeof(*exchange));
	const char *server = kube_config_server(kube->config);

	exchange->kube = kube;
	exchange->method = xstrdup(request->method);
	exchange->url = xasprintf("%s%s%s%s", server, request->path, request->query ? "?" : "",
			request->query ? request->query : "");
	exchange->place = exchange->url + strlen(server);
	exchange->accept = xasprintf("Accept: %s", request->accept ? request->accept : KUBE_JSON);
	exchange->max_body = request->max_body ? request->max_body : KUBE_BODY_MAX;
	exchange->timeout = request->timeout;
	exchange->tries = request->tries ? request->tries : 1;
	exchange->retry = (struct timer){ .fn = on_retry, .ctx = exchange };
	exchange->idle = (struct timer){ .fn = on_idle, .ctx = exchange };
	set_body(exchange, request);
	exchange->next = kube->exchanges;
	kube->exchanges = exchange;
	return exchange;
}

static struct kube_exchange *send_first(struct kube_exchange *exchange, struct err *err)
{
	if (send_request(exchange, false, err) == 0)
		return exchange;
	(void)err_wrap(err, "%s %s", exchange->method, exchange->place);
	exchange_free(exchange);
	return NULL;
}

struct kube_exchange *kube_start(struct kube *kube, const struct kube_request *request,
		const struct kube_handler *handler, struct err *err)
{
	struct kube_exchange *exchange = exchange_new(kube, request);

	exchange->handler = *handler;
	if (!exchange->timeout)
		exchange->timeout = TIMEOUT;
	return send_first(exchange, err);
}

struct kube_exchange *kube_start_stream(struct kube *kube, const struct kube_request *request, int idle,
		const struct kube_stream *stream, struct err *err)
{
	struct kube_exchange *exchange = exchange_new(kube, request);

	exchange->stream = *stream;
	exchange->idle_for = idle * INT64_C(1000);
	return send_first(exchange, err);
}

/* ---- waiting ---------------------------------------------------------------------------------------------- */

struct wait {
	bool over;
	json_t *body;
	int result;
	struct err *err;
};

static void on_waited(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct wait *wait = ctx;

	(void)status;
	wait->over = true;
	wait->body = failure ? NULL : json_incref(body);
	wait->result = failure ? -1 : 0;
	if (failure && wait->err)
		*wait->err = *failure;
}

int kube_call(struct kube *kube, const struct kube_request *request, json_t **out, struct err *err)
{
	struct wait wait = { .err = err };
	struct kube_handler handler = { .ctx = &wait, .done = on_waited };
	struct kube_request patient = *request;

	if (!patient.tries)
		patient.tries = KUBE_TRIES_MAX;
	struct kube_exchange *exchange = kube_start(kube, &patient, &handler, err);
	if (!exchange)
		return -1;
	while (!wait.over) {
		if (kube_turn(kube, -1, NULL, 0, err) < 0) {
			if (!wait.over)
				kube_cancel(kube, exchange);
			json_decref(wait.body);
			return -1;
		}
	}
	if (out && !wait.result)
		*out = wait.body;
	else
		json_decref(wait.body);
	return wait.result;
}

int kube_turn(struct kube *kube, int timeout, struct pollfd *extra, unsigned extra_count, struct err *err)
{
	int64_t next = timers_next(&kube->timers), now = kube_now(kube);
	int64_t wait = timeout < 0 || timeout > TURN_MAX ? TURN_MAX : timeout;

	if (next <= now)
		wait = 0;
	else if (next != INT64_MAX && (next - now + 999) / 1000 < wait)
		wait = (next - now + 999) / 1000;
	if (http_turn(kube->http, (int)wait, extra, extra_count, err) < 0)
		return -1;
	timers_run(&kube->timers, kube_now(kube));
	return 0;
}

void kube_wake(struct kube *kube)
{
	http_wake(kube->http);
}

struct timers *kube_timers(struct kube *kube)
{
	return &kube->timers;
}

const struct clock *kube_clock(const struct kube *kube)
{
	return kube->clock;
}

int64_t kube_now(const struct kube *kube)
{
	return clock_mono(kube->clock);
}
