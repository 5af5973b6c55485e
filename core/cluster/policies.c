/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/policies.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"

#include <string.h>

struct image_policy *policies_find(const struct policy_set *set, const char *name)
{
	for (size_t i = 0; set && i < set->count; i++) {
		if (!strcmp(set->items[i]->name, name))
			return set->items[i];
	}
	return NULL;
}

/* Most rebuilds are about something else: keys that were parsed once are not parsed again. */
static bool unchanged(const struct image_policy *before, const json_t *resource)
{
	return before && !before->broken &&
			before->generation ==
			json_integer_value(json_at(resource, "metadata", "generation", NULL)) &&
			json_equal(before->spec, json_object_get(resource, "spec"));
}

/* The form to put in force for a resource. */
static int compile(const char *name, const json_t *resource, struct image_policy *before, json_t *problems,
		struct image_policy **out, struct err *err)
{
	struct err why = ERR_NONE;

	if (unchanged(before, resource)) {
		*out = image_policy_ref(before);
		return 0;
	}
	if (image_policy_compile(resource, out, &why) == 0)
		return 0;
	json_object_set_new(problems, name, json_line(ERR_TEXT_MAX, "%s", why.text));
	if (!before || before->broken)
		return image_policy_broken(resource, why.text, out, err);
	*out = image_policy_ref(before);
	return 0;
}

static int add_all(json_t *objects, const struct policy_set *before, json_t *problems, struct policy_set *set,
		struct err *err)
{
	const char *name;
	json_t *resource;

	json_object_foreach (objects, name, resource) {
		auto_image_policy struct image_policy *policy = NULL;
		if (compile(name, resource, policies_find(before, name), problems, &policy, err) < 0 ||
				policy_set_add(set, policy, err) < 0)
			return err_wrap(err, "ImagePolicy '%s'", name);
	}
	return 0;
}

static int refuse_all(json_t *objects, json_t *problems, struct err *err)
{
	struct err why = ERR_NONE;
	const char *name;
	json_t *resource;

	(void)err_set(&why, ERR_LIMIT,
			"there are %zu ImagePolicies, more than %d: what was in force before stays so; "
			"delete some",
			json_object_size(objects), POLICY_SET_MAX);
	json_object_foreach (objects, name, resource)
		json_object_set_new(problems, name, json_string(why.text));
	return err_set(err, why.kind, "%s", why.text);
}

int policies_build(json_t *objects, const json_t *settings, const struct policy_set *before, json_t *problems,
		struct policy_set **out, struct err *err)
{
	auto_policy_set struct policy_set *set = NULL;

	json_object_clear(problems);
	if (json_object_size(objects) > POLICY_SET_MAX)
		return refuse_all(objects, problems, err);
	if (policy_set_new(settings, &set, err) < 0 || add_all(objects, before, problems, set, err) < 0)
		return -1;
	*out = take(&set);
	return 0;
}

void policies_describe(const struct policy_set *set, json_t *out)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct image_policy *policy = set->items[i];
		char hex[2 * sizeof(policy->hash) + 1];
		auto_free char *key = xasprintf("policy/%s", policy->name);
		hex_encode_raw(hex, span_new(policy->hash, sizeof(policy->hash)));
		hex[sizeof(hex) - 1] = '\0';
		json_object_set_new(out, key,
				json_sprintf("%" JSON_INTEGER_FORMAT "/%s/%s", (json_int_t)policy->generation,
						hex, policy->broken ? "broken" : ""));
	}
}
