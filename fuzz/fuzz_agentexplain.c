/* SPDX-License-Identifier: Apache-2.0 */
/* agent_lint, agent_explain, agent_explain_text, agent_diff: the text of a policy; it does not differ from itself. */
#include "agentpolicy/explain.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span policy = span_new(data, size);
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	auto_json json_t *explained = NULL, *differences = NULL;
	auto_buf struct buf text = BUF_MAX(SIZE_MAX / 2);
	struct err err = ERR_NONE;

	if (agent_lint(policy, &notes, &err) < 0)
		return 0;
	if (agent_explain(policy, &explained, &err) < 0)
		return 0;
	agent_explain_text(explained, &text);
	if (agent_diff(policy, policy, &differences, &err) < 0 || json_array_size(differences))
		abort();
	return 0;
}
