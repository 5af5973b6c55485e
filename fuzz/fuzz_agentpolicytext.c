/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: agent_policy_split(), agent_policy_format(). Input: a policy, or the data of one (JSON). What is written
 * splits into what it was written of, and is written once more to the byte.
 */
#include "agentpolicy/policy.h"
#include "codec/json.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(AGENT_POLICY_MAX), again = BUF_MAX(AGENT_POLICY_MAX);
	auto_json json_t *tree = NULL, *read = NULL;
	struct span rules = SPAN_NONE, found;
	char before[65], after[65];

	if (agent_policy_split(span_new(data, size), &rules, &tree, NULL) < 0 &&
			json_read(span_new(data, size), AGENT_POLICY_MAX, &tree, NULL) < 0)
		return 0;
	if (agent_policy_format(rules, tree, &text, NULL) < 0) {
		assert(!text.len);
		return 0;
	}
	assert(agent_policy_split(buf_span(&text), &found, &read, NULL) == 0);
	assert(json_equal(tree, read));
	assert(agent_policy_format(found, read, &again, NULL) == 0);
	assert(span_eq(buf_span(&text), buf_span(&again)));
	agent_rules_hash(rules.len ? rules : agent_rules(), before);
	agent_rules_hash(found, after);
	assert((rules.len && !span_ends(rules, "\n")) || !strcmp(before, after));
	return 0;
}
