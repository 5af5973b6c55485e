/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/condition.h"

#include "codec/json.h"
#include "codec/line.h"

#include <string.h>

static const json_t *find(const json_t *status, const char *type)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_object_get(status, "conditions"), i, condition) {
		const char *name = json_text_at(condition, "type", NULL);
		if (name && !strcmp(name, type))
			return condition;
	}
	return NULL;
}

void condition_add(json_t *list, const json_t *resource, const json_t *before, const char *now,
		const char *type, bool holds, const char *reason, const char *message)
{
	const json_t *last = find(before, type);
	const char *status = holds ? "True" : "False";
	const char *was = json_text_at(last, "status", NULL);
	const char *since = json_text_at(last, "lastTransitionTime", NULL);
	json_int_t generation = json_integer_value(json_at(resource, "metadata", "generation", NULL));

	if (!was || !since || strcmp(was, status) != 0)
		since = now;
	json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:o, s:s, s:I}", "type", type, "status", status, "reason",
					reason, "message", json_line(CONDITION_MESSAGE_MAX, "%s", message),
					"lastTransitionTime", since, "observedGeneration", generation));
}
