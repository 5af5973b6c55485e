/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/places.h"

#include "codec/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

const json_t *places_workload(const struct manifest *manifest, const struct place *place)
{
	const json_t *document = json_array_get(manifest->documents, place->document);

	if (place->depth >= 2 && place->steps[0].key && !strcmp(place->steps[0].key, "items"))
		return json_array_get(json_object_get(document, "items"), place->steps[1].index);
	return document;
}

void places_line(const char *fmt, ...)
{
	char text[LINE_MAX_BYTES + 1];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	json_t *line = json_line(LINE_MAX_BYTES, "%s", text);
	fprintf(stderr, "%s\n", json_string_value(line));
	json_decref(line);
}

void places_say(const char *label, const struct agent_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct agent_note *note = &notes->items[i];

		if (note->severity != AGENT_ERROR)
			places_line("%s: %s: %s%s%s", agent_severity_name(note->severity), label, note->path,
					*note->path ? ": " : "", note->text);
	}
}

json_t *places_notes(const struct agent_notes *notes)
{
	json_t *out = json_array();

	for (size_t i = 0; i < notes->count; i++)
		json_array_append_new(out,
				json_pack("{s:s,s:o,s:o}", "severity",
						agent_severity_name(notes->items[i].severity), "path",
						json_line(LINE_MAX_BYTES, "%s", notes->items[i].path), "text",
						json_line(LINE_MAX_BYTES, "%s", notes->items[i].text)));
	return out;
}
