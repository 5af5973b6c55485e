/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/name.h"

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

bool name_is_label(struct span text)
{
	if (!text.len || text.len > NAME_LABEL_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_lower_alnum(text.ptr[i]) && text.ptr[i] != '-')
			return false;
	return is_lower_alnum(text.ptr[0]) && is_lower_alnum(text.ptr[text.len - 1]);
}

/* The labels of a subdomain are not bounded by 63 in Kubernetes, only the whole is. */
bool name_is_subdomain(struct span text)
{
	char before = '.';

	if (!text.len || text.len > NAME_SUBDOMAIN_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!is_lower_alnum(c) && c != '-' && c != '.')
			return false;
		if ((before == '.' && !is_lower_alnum(c)) || (before == '-' && c == '.'))
			return false;
		before = c;
	}
	return is_lower_alnum(before);
}

static bool is_name_part(struct span text)
{
	if (!text.len || text.len > NAME_LABEL_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!is_alnum(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return is_alnum(text.ptr[0]) && is_alnum(text.ptr[text.len - 1]);
}

bool name_is_label_value(struct span text)
{
	return !text.len || is_name_part(text);
}

bool name_is_label_key(struct span text)
{
	size_t slash = span_find(text, '/');

	if (slash == text.len)
		return is_name_part(text);
	return name_is_subdomain(span_new(text.ptr, slash)) && is_name_part(span_from(text, slash + 1));
}

/* The API server lowers the key's case before it applies the rule for label keys. */
bool name_is_annotation_key(struct span text)
{
	char lowered[NAME_SUBDOMAIN_MAX + 1 + NAME_LABEL_MAX];

	if (text.len > sizeof(lowered))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		lowered[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	return name_is_label_key(span_new(lowered, text.len));
}
