/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: admission_parse, admission_format. An answer reads back with the request's uid and within the bounds. */
#include "base/buf.h"
#include "codec/json.h"
#include "kube/admission.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_admission struct admission_request request = ADMISSION_REQUEST_NONE;
	auto_buf struct buf out = BUF_MAX(64 << 20);
	auto_json json_t *review = NULL;
	size_t total = 0, i = 0;
	json_t *warning = NULL;

	bool good = admission_parse(span_new(data, size), &request, NULL) == 0;
	assert(!good || request.uid);
	if (!request.uid)
		return 0;
	struct admission_response response = { .allowed = good && request.dry_run,
		.message = good ? request.user : "bad",
		.patch = json_object_get(request.object, "patch"),
		.warnings = good ? request.groups : NULL,
		.annotations = request.old_object };
	assert(admission_format(request.uid, &response, &out, NULL) == 0);
	assert(json_read(buf_span(&out), 64 << 20, &review, NULL) == 0);
	assert(!strcmp(json_text_at(review, "response", "uid", NULL), request.uid));
	json_array_foreach (json_at(review, "response", "warnings", NULL), i, warning) {
		assert(json_string_length(warning) <= ADMISSION_WARNING_MAX);
		total += json_string_length(warning);
	}
	assert(total <= ADMISSION_WARNINGS_MAX);
	return 0;
}
