/* SPDX-License-Identifier: Apache-2.0 */
/* Target: review (pod_view_read, pod_view_template, decide_*, gate_*). Answers are reviews that echo the uid; a mutation applies
 * and is complete; and what it completes of a pod that brought nothing of its own is allowed. */
#include "fuzz/review_scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct catalog *catalog;
	auto_json json_t *all = NULL;

	if (!catalog)
		catalog = review_catalog();
	for (unsigned path = 0; path < REVIEW_PATHS; path++) {
		auto_json json_t *said = review_said(catalog, (enum review_path)path, span_new(data, size));
		if (!said)
			return 0;
		assert(path == REVIEW_MUTATE || !json_object_get(said, "patch"));
	}
	assert(json_read(span_new(data, size), ADMISSION_MAX, &all, NULL) == 0);
	json_t *request = json_object_get(all, "request");
	json_t *pod = json_object_get(request, "object");
	auto_json json_t *first = review_again(catalog, REVIEW_MUTATE, all);
	auto_json json_t *patch = review_patch(first);
	if (!patch)
		return 0;
	bool own = review_brings_own(pod);
	auto_json json_t *after = patched(pod, patch);
	assert(after);
	json_object_set(request, "object", after);
	auto_json json_t *second = review_again(catalog, REVIEW_MUTATE, all);
	assert(json_is_true(json_object_get(second, "allowed")) && !json_object_get(second, "patch"));
	auto_json json_t *verdict = review_again(catalog, REVIEW_VALIDATE, all);
	assert(own || json_is_true(json_object_get(verdict, "allowed")));
	return 0;
}
