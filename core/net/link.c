/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"

#include <string.h>
#include <strings.h>

/* The length of what stands before the first `stop` outside of quotes. */
static size_t until(struct span text, const char *stop)
{
	bool quoted = false;
	size_t i = 0;

	for (; i < text.len; i++) {
		char c = text.ptr[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c && strchr(stop, c))
			break;
	}
	return i < text.len ? i : text.len;
}

/* rel=next, rel="prev next": relations are compared without case */
static bool is_next(struct span parameter)
{
	size_t equals = span_find(parameter, '=');
	struct span name = span_trim(span_new(parameter.ptr, equals)), word;
	struct span value = span_trim(span_from(parameter, equals + 1));

	if (name.len != 3 || strncasecmp(name.ptr, "rel", 3) != 0)
		return false;
	if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
		value = span_new(value.ptr + 1, value.len - 2);
	while (span_next(&value, ' ', &word))
		if (word.len == 4 && !strncasecmp(word.ptr, "next", 4))
			return true;
	return false;
}

/* Takes one link off the front; false when there is none that could be read. */
static bool take_link(struct span *rest, struct span *target, bool *next)
{
	while (rest->len && strchr(", \t", rest->ptr[0]))
		*rest = span_from(*rest, 1);
	size_t close = span_find(*rest, '>');
	if (!rest->len || rest->ptr[0] != '<' || close == rest->len)
		return false;
	*target = span_new(rest->ptr + 1, close - 1);
	*rest = span_from(*rest, close + 1);
	*next = false;
	for (;;) {
		size_t len = until(*rest, ",;");
		*next = *next || is_next(span_new(rest->ptr, len));
		bool last = len == rest->len || rest->ptr[len] == ',';
		*rest = span_from(*rest, len + 1);
		if (last)
			return true;
	}
}

bool link_next(struct span field, struct span *target)
{
	struct span found;
	bool next = false;

	while (take_link(&field, &found, &next))
		if (next) {
			*target = found;
			return true;
		}
	return false;
}
