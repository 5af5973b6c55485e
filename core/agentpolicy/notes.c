/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/notes.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SHOWN 300

const char *agent_severity_name(enum agent_severity severity)
{
	static const char *const names[] = {
		[AGENT_REMARK] = "remark",
		[AGENT_WARNING] = "warning",
		[AGENT_ERROR] = "error",
	};

	return names[severity];
}

void agent_notes_clear(struct agent_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		free(notes->items[i].path);
		free(notes->items[i].text);
	}
	free(notes->items);
	*notes = (struct agent_notes)AGENT_NOTES_NONE;
}

/* A copy of at most max bytes that is whole characters and fit to be shown. */
static char *shown(const char *text, size_t max)
{
	size_t len = strnlen(text, max), whole = 0;

	if (text[len]) {
		for (size_t step = 1; step && whole < len; whole += step)
			step = span_utf8_step(span_new(text + whole, len - whole));
		len = whole < len ? whole : len;
	}
	char *copy = xmemdup0(text, len);
	span_tidy(copy, len);
	return copy;
}

static void append(
		struct agent_notes *notes, enum agent_severity severity, const char *path, const char *text)
{
	/* doubled at each power of two, as there is no room for a capacity */
	if (!(notes->count & (notes->count - 1)))
		notes->items = xreallocarray(
				notes->items, notes->count ? 2 * notes->count : 1, sizeof(*notes->items));
	notes->items[notes->count++] = (struct agent_note){
		.severity = severity,
		.path = shown(path, PATH_SHOWN),
		.text = shown(text, AGENT_NOTE_TEXT_MAX - 1),
	};
}

void agent_note(struct agent_notes *notes, enum agent_severity severity, const char *path, const char *fmt,
		...)
{
	char text[AGENT_NOTE_TEXT_MAX];
	va_list ap;

	if (notes->cut) {
		struct agent_note *last = &notes->items[notes->count - 1];
		if (last->severity < severity)
			last->severity = severity;
		return;
	}
	if (notes->count == AGENT_NOTES_MAX - 1) {
		append(notes, severity, "", "there is more, which is not listed");
		notes->cut = true;
		return;
	}
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	append(notes, severity, path, len < 0 ? "" : text);
}

size_t agent_notes_of(const struct agent_notes *notes, enum agent_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < notes->count; i++)
		count += notes->items[i].severity == severity;
	return count;
}

int agent_notes_check(const struct agent_notes *notes, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(2 * (size_t)ERR_TEXT_MAX);

	if (!agent_notes_of(notes, AGENT_ERROR))
		return 0;
	for (size_t i = 0; i < notes->count && !text.over; i++) {
		const struct agent_note *note = &notes->items[i];
		if (note->severity == AGENT_ERROR)
			buf_printf(&text, "%s%s%s%s", text.len ? "; " : "", note->path,
					note->path[0] ? ": " : "", note->text);
	}
	return err_set(err, ERR_DENIED, "%s", buf_text(&text));
}
