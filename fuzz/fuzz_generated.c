/* SPDX-License-Identifier: Apache-2.0 */
/* Target: decide_* for a profile that generates (agent_workload_read, catalog_prepared, profile_with_policy). A pod has one
 * key, before and behind the gate and when it is completed; who is completed is what is wanted, as is who was never gated. */
#include "fuzz/generated_scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *pod = NULL;
	struct pod_view view;

	if (json_read(span_new(data, size), 1 << 18, &pod, NULL) < 0 ||
			pod_view_read(pod, "shop", &view, NULL) < 0)
		return 0;
	auto_catalog struct catalog *bare = generated_catalog(NULL);
	auto_decision struct decision first = generated_said(decide_mutate, bare, pod);
	assert(first.unprepared == (first.key[0] != '\0') && (first.unprepared || !first.patch));
	if (!first.patch)
		return 0;
	auto_json json_t *waits = patched(pod, first.patch);
	assert(waits);
	auto_decision struct decision second = generated_said(decide_create, bare, waits);
	assert(!strcmp(first.key, second.key) && second.unprepared);
	auto_catalog struct catalog *full = generated_catalog(first.key);
	generated_complete(full, waits, first.key, decide_lift);
	generated_complete(full, pod, first.key, decide_mutate);
	return 0;
}
