/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/random.h"
#include "kbs/client_own.h"
#include "net/url.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define MILLISECOND INT64_C(1000)
/* milliseconds */
#define PAUSE_MAX   8000
#define TRY_MIN     1000
#define JITTER      20 /* percent */
/* the real service drops heads beyond 128 KiB: a longer token stays out, and the cookie speaks for it */
#define BEARER_MAX  ((size_t)64 * 1024)

/* ---- cookies ------------------------------------------------------------------------------------------- */

/* "name=value" of a field, or an empty span when it is none that could be sent back. */
static struct span cookie_of(struct span field)
{
	struct span pair = field;

	pair.len = span_find(field, ';');
	pair = span_trim(pair);
	size_t equals = span_find(pair, '=');
	if (!equals || equals == pair.len)
		return SPAN_NONE;
	for (size_t i = 0; i < pair.len; i++)
		if (pair.ptr[i] <= ' ' || pair.ptr[i] >= 0x7f || pair.ptr[i] == ',')
			return SPAN_NONE;
	return pair;
}

static struct span name_of(struct span pair)
{
	pair.len = span_find(pair, '=');
	return pair;
}

void kbs_cookies_take(struct buf *list, struct span fields)
{
	struct span field, old;

	while (span_next(&fields, '\n', &field)) {
		auto_buf struct buf kept = BUF_MAX(list->max);
		struct span pair = cookie_of(field), rest = buf_span(list);
		if (!pair.len)
			continue;
		while (span_next(&rest, ';', &old)) {
			old = span_trim(old);
			if (!span_eq(name_of(old), name_of(pair)))
				buf_printf(&kept, "%.*s; ", SPAN_ARG(old));
		}
		buf_add_span(&kept, pair);
		if (kept.over)
			continue;
		buf_reset(list);
		buf_add_span(list, buf_span(&kept));
	}
}

/* ---- answers ------------------------------------------------------------------------------------------- */

int kbs_refused(const struct http_response *response, enum err_kind kind, const char *what, struct err *err)
{
	struct kbs_failure failure;

	if (!kbs_failure_parse(buf_span(&response->body), &failure))
		return err_set(err, kind, "%s: status %d", what, response->status);
	if (failure.variant == KBS_OTHER_ERROR)
		return err_set(err, kind, "%s: status %d: %s", what, response->status, failure.detail);
	return err_set(err, kind, "%s: status %d, %s: %s", what, response->status,
			kbs_variant_name(failure.variant), failure.detail);
}

/* ---- trying -------------------------------------------------------------------------------------------- */

static int over(const struct kbs_call *call, struct err *err)
{
	int deadline = call->client->deadline;

	if (!err)
		return -1;
	if (err->kind == ERR_OK)
		return err_set(err, ERR_RETRY, "the key broker did not answer within %d ms", deadline);
	err->kind = ERR_RETRY;
	return err_wrap(err, "the key broker did not answer well within %d ms; at last", deadline);
}

int kbs_pause(const struct kbs_call *call, int milliseconds, struct err *err)
{
	int64_t pause = random_jitter(milliseconds * MILLISECOND, JITTER);
	struct timespec left = { .tv_sec = pause / CLOCK_SECOND, .tv_nsec = pause % CLOCK_SECOND * 1000 };

	if (clock_mono(&clock_real) + pause >= call->until)
		return over(call, err);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
	return 0;
}

/* Half of what is left, so that a broker that never answers does not use up the whole of it in one try. */
static int try_time(const struct kbs_call *call)
{
	int64_t left = (call->until - clock_mono(&clock_real)) / MILLISECOND;

	if (left <= TRY_MIN)
		return left > 0 ? (int)left : 0;
	return left / 2 > TRY_MIN ? (int)(left / 2) : TRY_MIN;
}

static int try_once(const struct kbs_call *call, const struct kbs_ask *ask, int timeout,
		struct http_response *response, struct err *err)
{
	auto_buf struct buf url = BUF_MAX(URL_MAX);
	auto_wiped_buf struct buf cookies = BUF_MAX(KBS_COOKIES_MAX + 16);
	const char *headers[3] = { NULL };
	size_t count = 0;
	bool has_bearer = ask->bearer && strlen(ask->bearer) <= BEARER_MAX;

	buf_printf(&url, "%s%s", call->client->base, ask->path);
	buf_printf(&cookies, "Cookie: %s", ask->cookies);
	if (buf_check(&url, "the URL of the request", err) < 0 || buf_check(&cookies, "cookies", err) < 0)
		return -1;
	if (ask->cookies[0])
		headers[count++] = buf_text(&cookies);
	if (ask->body.len)
		headers[count++] = "Content-Type: application/json";
	const struct http_request request = { .method = ask->method,
		.url = buf_text(&url),
		.headers = headers,
		.bearer = has_bearer ? ask->bearer : NULL,
		.body = ask->body,
		.secret = ask->secret,
		.max_body = ask->secret ? KBS_TOKEN_MAX : KBS_BODY_MAX,
		.total_timeout = timeout };
	atomic_fetch_add(&call->client->requests, 1);
	return http_fetch(call->http, &request, response, err);
}

/* Whether another try may end better. */
static bool may_retry(const struct http_response *response, int status, const struct err *err)
{
	if (status < 0)
		return err->kind == ERR_IO || err->kind == ERR_RETRY;
	return response->status >= 500 || response->status == 429;
}

static int next_pause(int pause)
{
	return pause > PAUSE_MAX / 2 ? PAUSE_MAX : pause * 2;
}

int kbs_ask(const struct kbs_call *call, const struct kbs_ask *ask, struct http_response *response,
		struct err *err)
{
	int pause = call->client->pause;
	struct err failure = ERR_NONE;

	for (unsigned tries = 1;; tries++, pause = next_pause(pause)) {
		int timeout = try_time(call);
		if (!timeout) {
			over(call, &failure);
			break;
		}
		http_response_clear(response);
		int status = try_once(call, ask, timeout, response, &failure);
		if (!may_retry(response, status, &failure)) {
			if (status == 0)
				return 0;
			break;
		}
		if (status == 0)
			kbs_refused(response, ERR_RETRY, "the key broker is in trouble", &failure);
		if (tries >= call->client->tries)
			break;
		int wait = status == 0 && response->retry_after > pause / 1000 ? response->retry_after * 1000
									       : pause;
		if (kbs_pause(call, wait, &failure) < 0)
			break;
		atomic_fetch_add(&call->client->retries, 1);
	}
	if (err)
		*err = failure;
	return -1;
}
