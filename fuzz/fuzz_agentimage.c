/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: the users, variables and arguments of agent_generate(). Input: a manifest and its ConfigMaps (YAML); behind a
 * NUL, if there is one, /etc/passwd and /etc/group of its images. Two runs are equal, an error is one that was noted, and
 * nothing is left of what stands for placeholders on the way.
 */
#include "agentpolicy/generate.h"
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_finished(const json_t *data, const char *member)
{
	size_t i, k;
	const json_t *container, *text;

	json_array_foreach (json_object_get(data, "containers"), i, container)
		json_array_foreach (json_at(container, "OCI", "Process", member, NULL), k, text)
			assert(!strchr(json_string_value(text), 1));
}

static char *generate(const json_t *documents, const struct agent_settings *settings, const char *files)
{
	const char *const user[] = { "", "web", "7:7" }, *const texts[] = { "PATH=/bin", "A=$(B)", NULL };
	auto_agent_options struct agent_options options = { .inline_secrets =
									    json_array_size(documents) > 2 };
	auto_agent_workload struct agent_workload workload = AGENT_WORKLOAD_NONE;
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	struct agent_reading reading = { .options = &options };
	auto_json json_t *block = NULL;

	if (agent_workload_read(json_array_get(documents, 0), &reading, &workload, &notes, NULL) < 0)
		return NULL;
	auto_free struct agent_image *images = xcalloc(workload.image_count + 1, sizeof(*images));
	for (size_t i = 0; i < workload.image_count; i++)
		images[i] = (struct agent_image){ workload.images[i], "", "", user[i % 3], "/srv", texts,
			texts, texts, NULL, files, files };
	struct agent_inputs inputs = { &workload, &options, settings, images, documents };
	if (agent_generate(&inputs, &block, &notes, NULL) < 0) {
		assert(!block && agent_notes_of(&notes, AGENT_ERROR));
		return NULL;
	}
	must_be_finished(block, "Env");
	must_be_finished(block, "Args");
	return json_text(block, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct agent_options none = AGENT_OPTIONS_NONE;
	const struct agent_settings_source ours = { .file = SPAN_NONE };
	struct span yaml = span_new(data, span_find(span_new(data, size), '\0'));
	auto_free char *files = yaml.len < size ? xmemdup0(data + yaml.len + 1, size - yaml.len - 1) : NULL;
	auto_agent_settings struct agent_settings settings = AGENT_SETTINGS_NONE;
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	auto_json json_t *documents = NULL;

	if (yaml_read_all(yaml, (size_t)1 << 20, &documents, NULL) < 0 || json_array_size(documents) == 0)
		return 0;
	int read = agent_settings_read(&ours, &none, NULL, &settings, &notes, NULL);
	assert(read == 0);
	auto_free char *one = generate(documents, &settings, files),
		       *two = generate(documents, &settings, files);
	assert(!one == !two && (!one || strcmp(one, two) == 0));
	return 0;
}
