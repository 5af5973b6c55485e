/* SPDX-License-Identifier: Apache-2.0 */
/* A container on its way through the generator, for the tests of what hangs on its volumes and devices. */
#ifndef COCOON_TESTS_AGENTPOLICY_PART_RIG_H
#define COCOON_TESTS_AGENTPOLICY_PART_RIG_H

#include "agentpolicy/generate_own.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define RIG_MAX   ((size_t)1 << 20)
#define RIG_PLACE "spec.containers[0]"

struct part_rig {
	struct agent_options options;
	struct agent_settings settings;
	struct agent_workload workload;
	struct agent_inputs inputs;
	struct agent_image image;
	struct agent_notes notes;
	json_t *spec, *container;
	struct part part;
};

static inline json_t *rig_json(const char *text)
{
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	if (json_read(span_of(text), RIG_MAX, &tree, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return tree;
}

/* `spec` and `container` are JSON; "" for the sandbox; `patch` is of the settings, or NULL. */
static inline void rig_open(struct part_rig *rig, const char *spec, const char *container, const char *patch)
{
	struct agent_settings_source source = { .file = SPAN_NONE };
	struct span patches[1] = { span_of(patch) };
	struct err err = ERR_NONE;

	*rig = (struct part_rig){ .options = AGENT_OPTIONS_NONE, .notes = AGENT_NOTES_NONE };
	source.patches = patches;
	source.patch_count = patch ? 1 : 0;
	if (agent_settings_read(&source, &rig->options, NULL, &rig->settings, &rig->notes, &err) < 0)
		fail_msg("%s", err.text);
	rig->spec = rig_json(*spec ? spec : "{}");
	rig->container = *container ? rig_json(container) : NULL;
	rig->workload = (struct agent_workload){ .spec = rig->spec, .path = "spec" };
	rig->inputs = (struct agent_inputs){ .workload = &rig->workload,
		.options = &rig->options,
		.settings = &rig->settings,
		.images = &rig->image };
	rig->part = (struct part){ .inputs = &rig->inputs,
		.notes = &rig->notes,
		.kind = rig->container ? PART_CONTAINER : PART_SANDBOX,
		.container = rig->container,
		.image = rig->container ? &rig->image : NULL,
		.path = RIG_PLACE };
}

static inline void rig_close(struct part_rig *rig)
{
	json_decref(rig->spec);
	json_decref(rig->container);
	agent_settings_clear(&rig->settings);
	agent_notes_clear(&rig->notes);
}
#define auto_part_rig __attribute__((cleanup(rig_close)))

/* That the one note is this: "severity place: words that it has", or "" for none. */
static inline void rig_assert_note(const struct part_rig *rig, const char *name, const char *wanted)
{
	if (!*wanted && !rig->notes.count)
		return;
	if (rig->notes.count != 1 || !*wanted)
		fail_msg("%s: %zu notes, the first '%s'", name, rig->notes.count,
				rig->notes.count ? rig->notes.items[0].text : "");
	const struct agent_note *note = rig->notes.items;
	const char *severity = agent_severity_name(note->severity);
	const char *place = wanted + strlen(severity) + 1;
	size_t len = strcspn(place, ":");

	if (strncmp(wanted, severity, strlen(severity)) != 0 || strlen(note->path) != len ||
			strncmp(note->path, place, len) != 0 || !strstr(note->text, place + len + 2))
		fail_msg("%s: %s %s: %s", name, severity, note->path, note->text);
}

static inline void rig_assert_json(const char *name, const json_t *value, const char *wanted)
{
	auto_json json_t *tree = rig_json(wanted);

	if (json_equal(tree, value))
		return;
	auto_free char *text = json_text(value, false);

	fail_msg("%s: %s", name, text);
}

/* The last `count` items: a new reference. */
static inline json_t *rig_last(const json_t *array, size_t count)
{
	size_t size = json_array_size(array);
	json_t *last = json_array();

	for (size_t i = size < count ? 0 : size - count; i < size; i++)
		json_array_append(last, json_array_get(array, i));
	return last;
}

#endif
