/* SPDX-License-Identifier: Apache-2.0 */
#include "image/provider.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/run.h"
#include "codec/pb.h"
#include "image/provider_own.h"
#include "image/wrap.h"
#include "net/ttrpc_client.h"

/* A request: an element in base64, and what stands around it. */
#define REQUEST_MAX (2 * WRAP_ELEMENT_MAX)
/* What protobuf puts around an answer. */
#define FIELD       1

static int ask_program(const struct provider *provider, int timeout, struct span request, struct buf *answer,
		struct err *err)
{
	const struct run run = {
		.what = "the program", .argv = provider->argv, .input = request, .timeout = timeout
	};

	return run_program(&run, answer, err);
}

static int call_grpc(const struct provider *provider, int timeout, const char *path, struct span message,
		struct buf *answer, struct err *err)
{
	const struct grpc_call call = { .target = provider->grpc,
		.tls = provider->has_tls ? &provider->tls : NULL,
		.path = path,
		.message = message,
		.timeout = timeout };

	return grpc_call(&call, answer, err);
}

static int call_ttrpc(const struct provider *provider, int timeout, const char *method, struct span message,
		struct buf *answer, struct err *err)
{
	const struct ttrpc_call call = { .target = provider->ttrpc,
		.service = PROVIDER_SERVICE,
		.method = method,
		.message = message,
		.timeout = timeout };

	return ttrpc_call(&call, answer, err);
}

static int ask_service(const struct provider *provider, int timeout, bool unwrap, struct span request,
		struct buf *answer, struct span *text, struct err *err)
{
	auto_wiped_buf struct buf message = BUF_MAX(REQUEST_MAX + PB_HEAD_MAX);
	int result;

	(void)buf_room(&message, request.len + PB_HEAD_MAX);
	pb_put_bytes(&message, FIELD, request);
	if (buf_check(&message, "the request", err) < 0)
		return -1;
	if (provider->grpc)
		result = call_grpc(provider, timeout, unwrap ? PROVIDER_GRPC_UNWRAP : PROVIDER_GRPC_WRAP,
				buf_span(&message), answer, err);
	else
		result = call_ttrpc(provider, timeout, unwrap ? PROVIDER_UNWRAP : PROVIDER_WRAP,
				buf_span(&message), answer, err);
	return result < 0 ? -1 : pb_find_bytes(buf_span(answer), FIELD, text, err);
}

static int ask(const struct provider *provider, int timeout, bool unwrap, struct span request,
		struct secret *out, struct err *err)
{
	auto_wiped_buf struct buf answer = BUF_MAX(PROVIDER_ANSWER_MAX);
	struct span text = SPAN_NONE;

	if (provider_check(provider, err) < 0)
		return -1;
	(void)buf_room(&answer, PROVIDER_ANSWER_MAX);
	if (provider->program) {
		if (ask_program(provider, timeout, request, &answer, err) < 0)
			return err_wrap(err, "key provider '%s'", provider->name);
		text = buf_span(&answer);
	} else if (ask_service(provider, timeout, unwrap, request, &answer, &text, err) < 0) {
		return err_wrap(err, "key provider '%s'", provider->name);
	}
	if (provider_answer_parse(text, unwrap, out, err) < 0)
		return err_wrap(err, "key provider '%s': its answer", provider->name);
	return 0;
}

int provider_wrap(const struct provider *provider, int timeout, const char *attributes,
		const struct secret *options, struct buf *element, struct err *err)
{
	auto_wiped_buf struct buf request = BUF_MAX(REQUEST_MAX);
	auto_secret struct secret bytes = SECRET_NONE;

	if (provider_wrap_request(provider->name, attributes, options, &request, err) < 0 ||
			ask(provider, timeout, false, buf_span(&request), &bytes, err) < 0)
		return -1;
	buf_add_span(element, secret_span(&bytes));
	return buf_check(element, "the key provider's element", err);
}

int provider_unwrap(const struct provider *provider, int timeout, const char *attributes, struct span element,
		struct secret *options, struct err *err)
{
	auto_wiped_buf struct buf request = BUF_MAX(REQUEST_MAX);

	if (provider_unwrap_request(provider->name, attributes, element, &request, err) < 0)
		return -1;
	return ask(provider, timeout, true, buf_span(&request), options, err);
}
