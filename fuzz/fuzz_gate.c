/* SPDX-License-Identifier: Apache-2.0 */
/* Target: gate_judge, gate_mutate. A pod that is allowed had each of its images judged; a mutation applies, is complete,
 * and its annotation is accepted; an update that changes nothing is passed over. */
#include "fuzz/gate_scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char refused[] = "metadata.annotations[" GATE_ANNOTATION;
	static struct policy_set *set;
	auto_json json_t *pod = NULL;
	auto_gate_result struct gate_result result;
	struct pod_view view, written;
	struct gate_review review = { .path = "", .pod = &view, .find = gate_scene_find };

	set = set ? set : gate_policies();
	review.set = set;
	gate_result_init(&result);
	if (json_read(span_new(data, size), 1 << 20, &pod, NULL) < 0 ||
			pod_view_read(pod, "shop", &view, NULL) < 0)
		return 0;
	gate_ask(&review, &result);
	if (result.allowed && !result.skipped)
		gate_each_image(&view, "", gate_has_line, &result);
	auto_json json_t *after = gate_write(&review, &written);
	assert(after);
	gate_ask(&review, &result);
	assert(strncmp(buf_text(&result.message), refused, strlen(refused)) != 0);
	review.before = &written;
	gate_ask(&review, &result);
	assert(result.allowed && result.skipped);
	review.before = NULL;
	review.kind = GATE_TEMPLATE;
	review.path = "spec.template";
	gate_ask(&review, &result);
	return 0;
}
