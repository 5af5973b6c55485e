/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target: agent_patch(). Input: {"before": …, "patch": …}. All of a patch is applied or nothing; the patch stays as it
 * is; and no result is deeper than what a reader takes.
 */
#include "agentpolicy/settings.h"
#include "base/own.h"
#include "codec/json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *doc = NULL, *tree = NULL, *read = NULL;

	if (json_read(span_new(data, size), 1 << 20, &doc, NULL) < 0)
		return 0;
	json_t *before = json_object_get(doc, "before"), *patch = json_object_get(doc, "patch");
	if (!before || !patch)
		return 0;
	auto_json json_t *kept = json_deep_copy(patch);
	const json_t *same = tree = json_deep_copy(before);
	if (agent_patch(&tree, patch, NULL) < 0) {
		assert(tree == same && json_equal(tree, before));
		return 0;
	}
	assert(json_equal(patch, kept));
	assert(json_array_size(patch) || json_equal(tree, before));
	if (!json_is_object(tree) && !json_is_array(tree))
		return 0;
	auto_free char *text = json_text(tree, false);
	assert(json_read(span_of(text), 8 << 20, &read, NULL) == 0);
	assert(json_equal(tree, read));
	return 0;
}
