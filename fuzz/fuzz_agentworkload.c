/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: agent_workload_read, agent_key, sandbox_pattern. Who is lenient reads more and nothing else; the pod of a template
 * has the template's key; no pattern is loose. */
#include "agentpolicy/pattern.h"
#include "codec/yaml.h"
#include "tests/agentpolicy/again.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const json_t *object)
{
	auto_agent_workload struct agent_workload strict = AGENT_WORKLOAD_NONE, lenient = AGENT_WORKLOAD_NONE;
	auto_agent_workload struct agent_workload again = AGENT_WORKLOAD_NONE;
	bool ok = again_read(object, false, &strict), more = again_read(object, true, &lenient);

	if (ok && (!more || !json_equal(strict.tree, lenient.tree)))
		abort();
	if (!more)
		return;
	auto_json json_t *pod = again_pod(&lenient);
	if (!pattern_is_anchored(lenient.sandbox) || (pod && !again_read(pod, false, &again)) ||
			(pod && !json_equal(again.tree, lenient.tree)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *documents = NULL;

	if (yaml_read_all(span_new(data, size), 1 << 16, &documents, NULL) < 0)
		return 0;
	for (size_t i = 0; i < json_array_size(documents); i++)
		look(json_array_get(documents, i));
	return 0;
}
