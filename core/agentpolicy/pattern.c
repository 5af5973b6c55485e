/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/pattern.h"

#include "base/alloc.h"

#include <string.h>

char *pattern_escape(const char *text)
{
	char *out = xmalloc(2 * strlen(text) + 1), *at = out;

	for (; *text; text++) {
		/* '-', '#', '&' and '~' mean something within [] alone */
		if (strchr("\\.+*?()|[]{}^$", *text))
			*at++ = '\\';
		*at++ = *text;
	}
	*at = '\0';
	return out;
}

/* What stands at `at` of a class "[…]": past its end, or at the end of the text. */
static const char *skip_class(const char *at)
{
	at++;
	if (*at == '^')
		at++;
	/* the first ] is a member */
	if (*at == ']')
		at++;
	for (int depth = 1; *at && depth; at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '[')
			depth++;
		else if (*at == ']')
			depth--;
	}
	return at;
}

/* Whether `at` begins flags such as (?i) or (?m:…), which may give ^ and $ another meaning. */
static bool sets_flags(const char *at)
{
	return at[0] == '(' && at[1] == '?' && at[2] != ':' && at[2] != 'P' && at[2] != '<';
}

bool pattern_is_anchored(const char *pattern)
{
	const char *end = NULL; /* the $ that ends it */
	int depth = 0;

	if (*pattern != '^')
		return false;
	for (const char *at = pattern + 1; *at;) {
		end = NULL;
		if (*at == '[') {
			at = skip_class(at);
			continue;
		}
		if (sets_flags(at) || (*at == '|' && !depth) || (*at == ')' && !depth))
			return false;
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '(')
			depth++;
		else if (*at == ')')
			depth--;
		else if (*at == '$' && !depth)
			end = at;
		at++;
	}
	return end && !depth;
}
