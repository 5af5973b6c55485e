/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: grpc_session_feed, grpc_session_pending. The first byte says how the rest is cut. Whatever comes, the output
 * stays below what a connection holds, and the budget is whole again when the session goes. */
#include "base/buf.h"
#include "base/clock.h"
#include "net/grpc_session.h"

#include <stdlib.h>

#define BUDGET ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum grpc_status echo(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)ctx, (void)err;
	buf_add_span(answer, message);
	return GRPC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct grpc_method methods[] = { { "/a.B/C", echo }, { NULL, NULL } };
	size_t budget = BUDGET, step = size ? data[0] + 1 : 1;
	const struct grpc_service service = { methods, NULL, &clock_real, &budget };
	struct grpc_session *session = grpc_session_new(&service, NULL);
	struct span rest = span_from(span_new(data, size), 1), out = SPAN_NONE;

	while (rest.len &&
			grpc_session_feed(session, span_new(rest.ptr, rest.len < step ? rest.len : step),
					NULL) == 0) {
		rest = span_from(rest, step);
		while (grpc_session_pending(session, &out, NULL) == 0 && out.len) {
			if (out.len > 65536)
				abort();
			grpc_session_sent(session, out.len);
		}
	}
	grpc_session_free(session);
	if (budget != BUDGET)
		abort();
	return 0;
}
