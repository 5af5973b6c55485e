/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/stance.h"

#include <string.h>

const char *stance_name(enum stance stance)
{
	return stance == STANCE_ALWAYS ? "always" : stance == STANCE_WHEN ? "when" : "never";
}

static struct span skip_space(struct span text)
{
	size_t at = 0;

	while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	return span_from(text, at);
}

/* The text behind a word at the beginning of the line, in *rest. */
static bool takes_word(struct span line, const char *word, struct span *rest)
{
	size_t len = strlen(word);

	if (!span_starts(line, word))
		return false;
	*rest = span_from(line, len);
	return !rest->len || strchr(" \t:={[(.", rest->ptr[0]);
}

static bool is_true(struct span value)
{
	struct span rest;

	value = skip_space(value);
	if (span_starts(value, ":="))
		value = skip_space(span_from(value, 2));
	else if (span_starts(value, "="))
		value = skip_space(span_from(value, 1));
	if (!takes_word(value, "true", &rest))
		return false;
	rest = skip_space(rest);
	return !rest.len || rest.ptr[0] == '#';
}

enum stance stance_of(struct span rules, const char *rule)
{
	enum stance stance = STANCE_ABSENT;
	struct span rest = rules, line, value;

	while (span_next(&rest, '\n', &line)) {
		line = span_trim(line);
		bool is_default = takes_word(line, "default", &value);
		struct span head = is_default ? skip_space(value) : line;

		if (!takes_word(head, rule, &value))
			continue;
		if (is_true(value))
			return STANCE_ALWAYS;
		if (!is_default)
			stance = STANCE_WHEN;
		else if (stance == STANCE_ABSENT)
			stance = STANCE_NEVER;
	}
	return stance;
}
