/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target: agent_settings_read(). Input: a patch (an array) of the settings built in, or a file of settings. What is
 * read is complete: written and read once more it is the same, with nothing new to be said.
 */
#include "agentpolicy/notes.h"
#include "agentpolicy/settings.h"
#include "base/own.h"
#include "codec/json.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_agent_settings struct agent_settings settings = AGENT_SETTINGS_NONE, again = AGENT_SETTINGS_NONE;
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE, none = AGENT_NOTES_NONE;
	const struct agent_options options = AGENT_OPTIONS_NONE;
	struct span text = span_new(data, size);
	struct agent_settings_source source = { .file = text };

	if (span_starts(span_trim(text), "["))
		source = (struct agent_settings_source){ .patches = &text, .patch_count = 1 };
	if (agent_settings_read(&source, &options, "kata-remote", &settings, &notes, NULL) < 0) {
		assert(!settings.tree);
		return 0;
	}
	assert(settings.pause && settings.other && settings.devices && settings.oci_version);
	auto_free char *written = json_text(settings.tree, false);
	source = (struct agent_settings_source){ .file = span_of(written) };
	if (source.file.len > AGENT_SETTINGS_MAX)
		return 0;
	assert(agent_settings_read(&source, &options, "kata-remote", &again, &none, NULL) == 0);
	assert(json_equal(settings.tree, again.tree));
	assert(none.count <= notes.count);
	return 0;
}
