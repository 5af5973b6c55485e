/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "kms/kms_own.h"
#include "net/url.h"

#define CA_MAX          ((size_t)1024 * 1024)
#define CONNECT_TIMEOUT 10000
/* of what a service says that goes into an error text */
#define SAID_MAX        300

static int check_url(const struct kms_ask *ask, struct err *err)
{
	struct url url;

	if (url_parse(span_of(ask->url), &url, err) < 0)
		return -1;
	if (url.tls || ask->plain || url_is_loopback(&url))
		return 0;
	return err_set(err, ERR_USAGE,
			"keys do not travel over http:// to other machines; %.*s needs https://",
			SPAN_ARG(url.host));
}

/* The roots to trust: those of the request, those of the option, or both; empty for the system's. */
static int roots(const struct kms *kms, const struct kms_ask *ask, struct buf *out, struct err *err)
{
	if (kms->ca_file && (!ask->ca.len || ask->ca_adds) && http_ca_load(kms->ca_file, out, err) < 0)
		return -1;
	if (out->len && ask->ca.len)
		buf_putc(out, '\n');
	buf_add_span(out, ask->ca);
	return buf_check(out, "the CA certificates", err);
}

static int remaining(const struct kms *kms, int *out, struct err *err)
{
	int64_t left = (kms->deadline - clock_mono(kms->clock)) / 1000;

	if (left <= 0)
		return err_set(err, ERR_RETRY, "no answer within the time of the whole operation");
	*out = (int)left;
	return 0;
}

int kms_ask(struct kms *kms, const struct kms_ask *ask, struct http_response *answer, struct err *err)
{
	auto_buf struct buf ca = BUF_MAX(CA_MAX);
	struct err failure = ERR_NONE;
	int left = 0;

	if (check_url(ask, err) < 0 || roots(kms, ask, &ca, err) < 0 || remaining(kms, &left, err) < 0)
		return -1;
	struct http_options options = {
		.tls = { .ca = buf_span(&ca), .ca_adds = ask->ca_adds && !kms->ca_file },
		.user_agent = "cocoon-kms/" COCOON_VERSION,
	};
	struct http_request request = {
		.method = ask->method,
		.url = ask->url,
		.headers = ask->headers,
		.bearer = ask->bearer,
		.body = ask->body,
		.secret = true,
		.max_body = KMS_ANSWER_MAX,
		.connect_timeout = left < CONNECT_TIMEOUT ? left : CONNECT_TIMEOUT,
		.total_timeout = left,
	};
	auto_http struct http *http = http_new(&options, err);
	if (!http)
		return -1;
	if (http_fetch(http, &request, answer, &failure) == 0)
		return 0;
	kms->broken = failure.kind == ERR_IO;
	if (err)
		*err = failure;
	return -1;
}

static struct span cut(struct span said)
{
	return span_new(said.ptr, said.len < SAID_MAX ? said.len : SAID_MAX);
}

int kms_refused(const struct http_response *answer, const struct kms_refusal *why, struct err *err)
{
	int status = answer->status;
	bool later = status == 429 || status >= 500;
	struct span code = cut(why->code), message = cut(why->message), id = cut(why->request_id);

	if (status >= 300 && status < 400)
		err_set(err, ERR_DENIED, "HTTP %d: the service redirects, which is not followed", status);
	else if (!code.len && !message.len)
		err_set(err, later ? ERR_RETRY : ERR_DENIED, "HTTP %d: the answer (%s) does not say why",
				status, answer->content_type[0] ? answer->content_type : "without a type");
	else
		err_set(err, later ? ERR_RETRY : ERR_DENIED,
				"HTTP %d: %s%.*s%serror code: %.*s, message: %.*s", status,
				id.len ? "request id: " : "", SPAN_ARG(id), id.len ? ", " : "",
				SPAN_ARG(code), SPAN_ARG(message));
	if (err)
		err->retry_after = answer->retry_after;
	return -1;
}
