/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: selector_parse, selector_matches. Input: {"selector": …, "labels": …}. */
#include "codec/json.h"
#include "kube/selector.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *doc = NULL;
	auto_selector struct selector selector = SELECTOR_NONE;

	if (json_read(span_new(data, size), 1 << 20, &doc, NULL) < 0)
		return 0;
	json_t *object = json_object_get(doc, "selector"), *labels = json_object_get(doc, "labels");
	if (selector_parse(object, "selector", &selector, NULL) < 0) {
		assert(!selector_matches(&selector, labels));
		return 0;
	}
	bool matched = selector_matches(&selector, labels);
	size_t rules = json_object_size(json_object_get(object, "matchLabels")) +
			json_array_size(json_object_get(object, "matchExpressions"));
	assert(rules || matched);
	/* its own labels satisfy the first half */
	if (!json_array_size(json_object_get(object, "matchExpressions")))
		assert(selector_matches(&selector, json_object_get(object, "matchLabels")));
	return 0;
}
