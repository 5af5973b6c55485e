/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/registry_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

#define IDLE_TIMEOUT 60000
#define TURN         1000
#define SAY_MAX      240 /* bytes of a registry's own words */

void ask_clear(struct registry *registry, struct ask *ask)
{
	if (ask->call)
		http_cancel(registry->http, ask->call);
	ask->call = NULL;
	buf_clear(&ask->url);
	http_response_clear(&ask->answer);
}

static bool is_good(const struct ask *ask)
{
	int status = ask->answer.status;

	return (status >= 200 && status < 300) || (ask->also && status == ask->also);
}

/* From here on the sink's owner sees to what happens, failures too. */
static bool is_flowing(const struct ask *ask)
{
	return ask->sink && ask->headed && is_good(ask);
}

/* ---- one attempt ---- */

static int on_head(void *ctx, const struct http_response *response, struct err *err)
{
	struct ask *ask = ctx;
	struct buf body = ask->answer.body;

	(void)err;
	ask->answer = *response;
	ask->answer.body = body;
	ask->headed = true;
	return 0;
}

static int on_body(void *ctx, struct span bytes, struct err *err)
{
	struct ask *ask = ctx;
	struct buf *body = &ask->answer.body;

	if (is_flowing(ask))
		return ask->sink(ask->ctx, bytes, err);
	if (is_good(ask)) {
		buf_add_span(body, bytes);
		return buf_check(body, "the answer", err);
	}
	if (bytes.len > body->max - body->len) {
		ask->cut = true;
		return err_set(err, ERR_LIMIT, "an error's answer exceeds %zu bytes", REGISTRY_ERROR_MAX);
	}
	buf_add_span(body, bytes);
	return 0;
}

static void on_done(void *ctx, const struct http_response *response, const struct err *failure)
{
	struct ask *ask = ctx;

	(void)response;
	ask->call = NULL;
	ask->done = true;
	/* the status and the beginning of an endless error are all we want of it */
	if (failure && !ask->cut)
		ask->failure = *failure;
}

/* What stands in errors of the transport: a redirect's path may be a secret of its own. */
static char *name_of(const struct ask *ask, const struct url *url)
{
	if (!ask->foreign)
		return NULL;
	return xasprintf("%s at the other host '%.*s', where the registry sent us", ask->method,
			SPAN_ARG(url->host));
}

static int begin(struct registry *registry, struct ask *ask, struct err *err)
{
	const char *headers[REGISTRY_FIELDS + 2], *scope = ask->scope ? ask->scope : registry->scope;
	struct url url, origin;
	size_t count = 0;
	int left;

	if (url_parse(buf_span(&ask->url), &url, err) < 0 ||
			url_parse(span_of(registry->origin), &origin, err) < 0)
		return -1;
	ask->foreign = !url_same_origin(&url, &origin);
	if (retry_left(ask->deadline, 0, &left, err) < 0)
		return -1;
	for (size_t i = 0; i < REGISTRY_FIELDS && ask->fields[i]; i++)
		headers[count++] = ask->fields[i];
	const char *field = ask->foreign ? NULL : auth_field(&registry->auth, scope);
	if (field)
		headers[count++] = field;
	headers[count] = NULL;
	ask->answers = registry->auth.answers;
	http_response_clear(&ask->answer);
	/* the larger one of the two that may come */
	ask->answer.body.max = ask->max > REGISTRY_ERROR_MAX ? ask->max : REGISTRY_ERROR_MAX;
	ask->headed = ask->done = ask->cut = false;
	ask->failure = (struct err)ERR_NONE;
	auto_free char *name = name_of(ask, &url);
	struct http_request request = { .method = ask->method,
		.url = buf_text(&ask->url),
		.headers = headers,
		.name = name,
		.body = ask->body,
		.bulk = ask->body.len || ask->sink,
		.max_body = SIZE_MAX,
		.total_timeout = left,
		.idle_timeout = IDLE_TIMEOUT };
	struct http_handler handler = { .ctx = ask, .head = on_head, .body = on_body, .done = on_done };
	ask->call = http_start(registry->http, &request, &handler, err);
	return ask->call ? 0 : -1;
}

/* ---- what follows from an answer ---- */

/* A registry's own words: {"errors":[{"code":"DENIED","message":"…"}]} (distribution-spec, "Error Codes"). */
static void words_of(const struct registry *registry, const struct ask *ask, char *out, size_t cap)
{
	struct span body = buf_span(&ask->answer.body);
	auto_json json_t *answer = NULL;

	out[0] = '\0';
	if (json_read(body, REGISTRY_ERROR_MAX, &answer, NULL) < 0)
		return;
	const json_t *first = json_array_get(json_at(answer, "errors", NULL), 0);
	const char *code = first ? json_text_at(first, "code", NULL) : NULL;
	const char *message = first ? json_text_at(first, "message", NULL) : NULL;
	if ((code && auth_is_echoed(&registry->auth, code)) ||
			(message && auth_is_echoed(&registry->auth, message)))
		return;
	if (code)
		snprintf(out, cap, ": %.40s%s%.160s", code, message ? ": " : "", message ? message : "");
}

static enum err_kind kind_of(int status)
{
	if (status == 401)
		return ERR_AUTH;
	if (status == 404)
		return ERR_NOT_FOUND;
	if (retry_status(status))
		return ERR_RETRY;
	return status >= 400 && status < 500 ? ERR_DENIED : ERR_IO;
}

int ask_refused(const struct registry *registry, const struct ask *ask, struct err *err)
{
	char words[SAY_MAX];

	words_of(registry, ask, words, sizeof(words));
	err_set(err, kind_of(ask->answer.status), "HTTP %d%s", ask->answer.status, words);
	if (err)
		err->retry_after = ask->answer.retry_after;
	return -1;
}

int ask_location(const struct registry *registry, const struct ask *ask, struct buf *out, struct err *err)
{
	struct url base, target;

	buf_reset(out);
	if (!ask->answer.location[0])
		return err_set(err, ERR_FORMAT, "HTTP %d without a Location that could be followed",
				ask->answer.status);
	if (url_parse(buf_span(&ask->url), &base, err) < 0 ||
			url_resolve(&base, span_of(ask->answer.location), out, err) < 0 ||
			url_parse(buf_span(out), &target, err) < 0)
		return err_wrap(err, "the Location that the registry names");
	if (registry->tls && !target.tls)
		return err_set(err, ERR_DENIED,
				"it leads from https to http at '%.*s', which is not followed",
				SPAN_ARG(target.host));
	return 0;
}

static int redirect(struct registry *registry, struct ask *ask, struct err *err)
{
	bool reading = !strcmp(ask->method, "GET") || !strcmp(ask->method, "HEAD");
	auto_buf struct buf next = BUF_MAX(URL_MAX);

	/* the other three would turn a write into a GET */
	if (!reading && ask->answer.status != 307 && ask->answer.status != 308)
		return ask_refused(registry, ask, err);
	if (++ask->redirects > REGISTRY_REDIRECTS)
		return err_set(err, ERR_LIMIT, "it sent us on more than %d times", REGISTRY_REDIRECTS);
	if (ask_location(registry, ask, &next, err) < 0)
		return -1;
	buf_reset(&ask->url);
	buf_add_span(&ask->url, buf_span(&next));
	return 0;
}

static bool is_redirect(int status)
{
	return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

static int again_after_failure(struct ask *ask, struct err *err)
{
	bool passing = ask->failure.kind == ERR_IO || ask->failure.kind == ERR_RETRY;

	if (passing && ask->patience == ASK_PATIENT &&
			retry_again(&ask->retry, ask->failure.text, 0, err) == 0)
		return 0;
	if (err)
		*err = ask->failure;
	return -1;
}

static int again_after_status(struct registry *registry, struct ask *ask, struct err *err)
{
	char cause[SAY_MAX + 32];
	char words[SAY_MAX];
	int status = ask->answer.status;
	const char *scope = ask->scope ? ask->scope : registry->scope;

	registry->auth.deadline = ask->deadline;
	/* another request's 401 has been answered meanwhile */
	if (status == 401 && !ask->foreign && ask->answers != registry->auth.answers)
		return 0;
	if (status == 401 && !ask->foreign && ask->auths < 2)
		return auth_answer(&registry->auth, registry->http, ask->answer.www_authenticate, scope,
				ask->auths++ > 0, registry->tls, err);
	if (is_redirect(status))
		return redirect(registry, ask, err);
	/* 429 is said before anything was done */
	bool waits = ask->patience == ASK_PATIENT || (ask->patience == ASK_ONCE && status == 429);
	if (!waits || !retry_status(status))
		return ask_refused(registry, ask, err);
	words_of(registry, ask, words, sizeof(words));
	snprintf(cause, sizeof(cause), "HTTP %d%s", status, words);
	return retry_again(&ask->retry, cause,
			retry_after_status(&registry->sleep, status, ask->answer.retry_after), err);
}

/* ---- all of it ---- */

/* Loopback is spoken to in https where it answers so, else in plain http: who asks for neither gets what is there. */
static int find_scheme(struct registry *registry, int64_t deadline, struct err *err)
{
	int left;

	if (retry_left(deadline, IDLE_TIMEOUT, &left, err) < 0)
		return -1;
	auto_free char *url = xasprintf("%s/v2/", registry->origin);
	struct http_request request = {
		.method = "GET", .url = url, .max_body = REGISTRY_ERROR_MAX, .total_timeout = left
	};
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err failure = ERR_NONE;

	registry->known = true;
	if (http_fetch(registry->http, &request, &response, &failure) == 0)
		return 0;
	if (failure.kind != ERR_IO) {
		if (err)
			*err = failure;
		return -1;
	}
	snprintf(registry->origin, sizeof(registry->origin), "http://%s", registry->place.host);
	registry->tls = false;
	return 0;
}

int ask_begin(struct registry *registry, struct ask *ask, struct err *err)
{
	static const char secure[] = "https://";

	if (!ask->deadline)
		ask->deadline = registry_deadline(registry);
	ask->retry = (struct retry){ .sleep = &registry->sleep, .until = ask->deadline };
	if (!registry->known) {
		if (find_scheme(registry, ask->deadline, err) < 0)
			return err_wrap(err, "%s", ask->what);
		if (!registry->tls && span_starts(buf_span(&ask->url), secure)) {
			auto_free char *rest = xstrdup(buf_text(&ask->url) + strlen(secure));
			buf_reset(&ask->url);
			buf_printf(&ask->url, "http://%s", rest);
		}
	}
	if (buf_check(&ask->url, "the request's address", err) < 0 || begin(registry, ask, err) < 0)
		return err_wrap(err, "%s", ask->what);
	return 0;
}

int ask_finish(struct registry *registry, struct ask *ask, struct err *err)
{
	for (;;) {
		while (!ask->done && !is_flowing(ask))
			if (http_turn(registry->http, TURN, NULL, 0, err) < 0)
				return err_wrap(err, "%s", ask->what);
		bool failed = ask->failure.kind != ERR_OK;
		if (is_flowing(ask) || (!failed && is_good(ask)))
			return 0;
		if ((failed ? again_after_failure(ask, err) : again_after_status(registry, ask, err)) < 0 ||
				begin(registry, ask, err) < 0)
			return err_wrap(err, "%s", ask->what);
	}
}

int ask_run(struct registry *registry, struct ask *ask, struct err *err)
{
	return ask_begin(registry, ask, err) < 0 ? -1 : ask_finish(registry, ask, err);
}
