/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: plan_parse, plan_format. What parses holds each resource once, and means the same when it is written again. */
#include "base/buf.h"
#include "sealed-secrets/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_plan struct plan plan = PLAN_NONE, again = PLAN_NONE;
	auto_buf struct buf text = BUF_MAX(PLAN_MAX);

	if (plan_parse(&plan, span_new(data, size), NULL, NULL) < 0)
		return 0;
	plan_format(&plan, &text);
	if (plan_parse(&again, buf_span(&text), NULL, NULL) < 0 || again.count != plan.count)
		abort();
	for (size_t i = 0; i < plan.count; i++) {
		if (!kbs_uri_is_same(&plan.items[i].uri, &again.items[i].uri) ||
				!span_eq(buf_span(&plan.items[i].bytes), buf_span(&again.items[i].bytes)))
			abort();
		for (size_t k = 0; k < i; k++)
			if (kbs_uri_is_same(&plan.items[i].uri, &plan.items[k].uri))
				abort();
	}
	return 0;
}
