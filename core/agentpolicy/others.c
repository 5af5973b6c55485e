/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/others.h"

#include "agentpolicy/pattern.h"
#include "base/alloc.h"
#include "base/own.h"

#include <string.h>

static void add_once(json_t *patterns, const char *pattern)
{
	const json_t *item;
	size_t i;

	json_array_foreach (patterns, i, item)
		if (json_is_string(item) && !strcmp(json_string_value(item), pattern))
			return;
	json_array_append_new(patterns, json_string(pattern));
}

static void add_container(json_t *patterns, const json_t *own)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(own, "any_env"), i, item) {
		if (!json_is_string(item))
			continue;
		auto_free char *name = pattern_escape(json_string_value(item));
		auto_free char *pattern = xasprintf("^%s=(?s:.*)$", name);
		add_once(patterns, pattern);
	}
	json_array_foreach (json_object_get(own, "env_regex"), i, item)
		if (json_is_string(item))
			add_once(patterns, json_string_value(item));
}

json_t *data_for_others(const json_t *data)
{
	json_t *copy = json_deep_copy(data);
	json_t *patterns = json_object_get(
			json_object_get(json_object_get(copy, "request_defaults"), "CreateContainerRequest"),
			"allow_env_regex");
	const json_t *container;
	size_t i;

	if (!json_is_array(patterns))
		return copy;
	json_array_foreach (json_object_get(copy, "containers"), i, container)
		add_container(patterns, json_object_get(container, "cocoon"));
	return copy;
}
