/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: agent_workload_read(), agent_generate(). Input: a manifest, the workload first. What is made is made again
 * the same, and its text is read back as it was.
 */
#include "agentpolicy/generate.h"
#include "agentpolicy/policy.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void generate(const struct agent_inputs *inputs, struct agent_notes *notes)
{
	auto_json json_t *made = NULL, *again = NULL, *read = NULL;
	auto_buf struct buf text = BUF_MAX(AGENT_POLICY_MAX);
	struct span rules;

	if (agent_generate(inputs, &made, notes, NULL) < 0)
		return;
	assert(agent_generate(inputs, &again, notes, NULL) == 0 && json_equal(made, again));
	if (agent_policy_format(SPAN_NONE, made, &text, NULL) == 0)
		assert(agent_policy_split(buf_span(&text), &rules, &read, NULL) == 0 &&
				json_equal(made, read));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const volumes[] = { "/data", "//srv//x.y/", NULL },
				 *const env[] = { "A=$(B)", NULL };
	static struct agent_settings settings;
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	auto_agent_workload struct agent_workload workload = AGENT_WORKLOAD_NONE;
	const struct agent_options options = AGENT_OPTIONS_NONE;
	const struct agent_settings_source source = { .file = SPAN_NONE };
	const struct agent_reading reading = { .options = &options, .lenient = true };
	struct agent_image images[AGENT_CONTAINERS_MAX];
	auto_json json_t *all = NULL;

	if (!settings.tree)
		assert(agent_settings_read(&source, &options, NULL, &settings, &notes, NULL) == 0);
	if (yaml_read_all(span_new(data, size), (size_t)1 << 20, &all, NULL) < 0 || !json_array_size(all) ||
			agent_workload_read(json_array_get(all, 0), &reading, &workload, &notes, NULL) < 0)
		return 0;
	for (size_t i = 0; i < workload.image_count; i++)
		images[i] = (struct agent_image){ workload.images[i], "", "", "", "/", env, NULL, NULL,
			volumes, "", "" };
	generate(&(struct agent_inputs){ &workload, &options, &settings, images, all }, &notes);
	return 0;
}
