/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two policies: two trees walked together, containers paired by name, lists whose order says
 * nothing compared as sets. Walks are as deep as the data, which the reader has bounded.
 */
#include "agentpolicy/explain.h"
#include "agentpolicy/explain_own.h"
#include "agentpolicy/policy.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

/* What a member more, or a boolean that became true, does. */
enum effect { EFFECT_OTHER, EFFECT_WIDER, EFFECT_NARROWER };
static const char *const effect_names[] = { "other", "wider", "narrower" };

static enum effect opposite(enum effect effect)
{
	return effect == EFFECT_WIDER               ? EFFECT_NARROWER
			: effect == EFFECT_NARROWER ? EFFECT_WIDER
						    : EFFECT_OTHER;
}

/* Members by name, wherever they stand; the effect is that of having more, or true. */
static const struct {
	const char *name;
	bool set;
	enum effect more;
} members[] = {
	{ "Env", true, EFFECT_WIDER },
	{ "any_env", true, EFFECT_WIDER },
	{ "env_regex", true, EFFECT_WIDER },
	{ "allow_env_regex", true, EFFECT_WIDER },
	{ "AdditionalGids", true, EFFECT_OTHER },
	{ "Bounding", true, EFFECT_WIDER },
	{ "Effective", true, EFFECT_WIDER },
	{ "Permitted", true, EFFECT_WIDER },
	{ "Inheritable", true, EFFECT_WIDER },
	{ "Ambient", true, EFFECT_WIDER },
	{ "Mounts", true, EFFECT_WIDER },
	{ "storages", true, EFFECT_WIDER },
	{ "devices", true, EFFECT_WIDER },
	{ "Devices", true, EFFECT_WIDER },
	{ "MaskedPaths", true, EFFECT_NARROWER },
	{ "ReadonlyPaths", true, EFFECT_NARROWER },
	{ "exec_commands", true, EFFECT_WIDER },
	{ "allowed_commands", true, EFFECT_WIDER },
	{ "exec", true, EFFECT_WIDER },
	{ "regex", true, EFFECT_WIDER },
	{ "CopyFileRequest", true, EFFECT_WIDER },
	{ "forbidden_device_names", true, EFFECT_NARROWER },
	{ "forbidden_source_regex", true, EFFECT_NARROWER },
	{ "forbidden_names", true, EFFECT_NARROWER },
	{ "forbidden_hw_addrs", true, EFFECT_NARROWER },
	{ "forbidden_cidrs_regex", true, EFFECT_NARROWER },
	{ "allowed_states", true, EFFECT_WIDER },
	{ "any_exec", false, EFFECT_WIDER },
	{ "stdin", false, EFFECT_WIDER },
	{ "Readonly", false, EFFECT_NARROWER },
	{ "NoNewPrivileges", false, EFFECT_NARROWER },
	{ "ReadStreamRequest", false, EFFECT_WIDER },
	{ "WriteStreamRequest", false, EFFECT_WIDER },
	{ "CloseStdinRequest", false, EFFECT_WIDER },
	{ "UpdateEphemeralMountsRequest", false, EFFECT_WIDER },
	{ "GetDiagnosticDataRequest", false, EFFECT_WIDER },
	{ "GetMetricsRequest", false, EFFECT_WIDER },
};

static enum effect effect_of(const char *name, bool *set)
{
	*set = false;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (strcmp(name, members[i].name) != 0)
			continue;
		*set = members[i].set;
		return members[i].more;
	}
	return EFFECT_OTHER;
}

/* NULL: absent. */
static void add(json_t *out, const char *path, const json_t *before, const json_t *after, enum effect effect)
{
	json_t *one = json_pack("{s:s,s:s}", "path", path, "effect", effect_names[effect]);

	if (before)
		json_object_set(one, "before", (json_t *)(uintptr_t)before);
	if (after)
		json_object_set(one, "after", (json_t *)(uintptr_t)after);
	json_array_append_new(out, one);
}

/* ---- sets ---- */

/* Items by their texts: text → how often. */
static json_t *count_items(const json_t *list)
{
	json_t *out = json_object();
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		auto_free char *text = json_text(item, true);
		json_int_t count = json_integer_value(json_object_get(out, text));
		json_object_set_new(out, text, json_integer(count + 1));
	}
	return out;
}

/* Items of `list` that `other` has less often. */
static void add_missing(json_t *out, const char *path, const json_t *list, const json_t *other, bool is_after,
		enum effect effect)
{
	auto_json json_t *counts = count_items(other);
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		auto_free char *text = json_text(item, true);
		json_int_t count = json_integer_value(json_object_get(counts, text));
		if (count) {
			json_object_set_new(counts, text, json_integer(count - 1));
			continue;
		}
		add(out, path, is_after ? NULL : item, is_after ? item : NULL,
				is_after ? effect : opposite(effect));
	}
}

/* ---- trees ---- */

static void compare(
		json_t *out, const char *path, const char *name, const json_t *before, const json_t *after);

static void compare_objects(json_t *out, const char *path, const json_t *before, const json_t *after)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)before, key, value) {
		auto_free char *below = xasprintf("%s%s%s", path, *path ? "." : "", key);
		compare(out, below, key, value, json_object_get(after, key));
	}
	json_object_foreach ((json_t *)(uintptr_t)after, key, value) {
		auto_free char *below = xasprintf("%s%s%s", path, *path ? "." : "", key);
		if (!json_object_get(before, key))
			compare(out, below, key, NULL, value);
	}
}

static void compare_lists(json_t *out, const char *path, const json_t *before, const json_t *after)
{
	size_t count = json_array_size(before), other = json_array_size(after);

	for (size_t i = 0; i < count || i < other; i++) {
		auto_free char *below = xasprintf("%s[%zu]", path, i);
		compare(out, below, "", json_array_get(before, i), json_array_get(after, i));
	}
}

static const json_t *find_container(const json_t *containers, const char *name)
{
	const json_t *container;
	size_t i;

	json_array_foreach (containers, i, container)
		if (!strcmp(explain_container_name(container), name))
			return container;
	return NULL;
}

static void compare_containers(json_t *out, const json_t *before, const json_t *after)
{
	const json_t *container;
	size_t i;

	json_array_foreach (before, i, container) {
		const char *name = explain_container_name(container);
		auto_free char *path = xasprintf("containers[%s]", name);
		const json_t *other = find_container(after, name);

		if (other)
			compare(out, path, "", container, other);
		else
			add(out, path, container, NULL, EFFECT_NARROWER);
	}
	json_array_foreach (after, i, container) {
		const char *name = explain_container_name(container);
		auto_free char *path = xasprintf("containers[%s]", name);

		if (!find_container(before, name))
			add(out, path, NULL, container, EFFECT_WIDER);
	}
}

static void compare(
		json_t *out, const char *path, const char *name, const json_t *before, const json_t *after)
{
	bool set;
	enum effect effect = effect_of(name, &set);

	if (before && after && json_equal(before, after))
		return;
	if (!strcmp(path, "containers") && json_is_array(before) && json_is_array(after)) {
		compare_containers(out, before, after);
	} else if (set && (!before || json_is_array(before)) && (!after || json_is_array(after))) {
		add_missing(out, path, before, after, false, effect);
		add_missing(out, path, after, before, true, effect);
	} else if (json_is_object(before) && json_is_object(after)) {
		compare_objects(out, path, before, after);
	} else if (json_is_array(before) && json_is_array(after)) {
		compare_lists(out, path, before, after);
	} else if (!set && effect != EFFECT_OTHER) {
		add(out, path, before, after, json_is_true(after) ? effect : opposite(effect));
	} else {
		add(out, path, before, after, EFFECT_OTHER);
	}
}

int agent_diff(struct span before, struct span after, json_t **out, struct err *err)
{
	auto_json json_t *old = NULL, *new = NULL, *differences = json_array();
	struct span old_rules, new_rules;
	char old_hash[65], new_hash[65];

	if (explain_open(before, &old_rules, &old, err) < 0)
		return err_wrap(err, "the first policy");
	if (explain_open(after, &new_rules, &new, err) < 0)
		return err_wrap(err, "the second policy");
	agent_rules_hash(old_rules, old_hash);
	agent_rules_hash(new_rules, new_hash);
	auto_json json_t *old_text = json_string(old_hash), *new_text = json_string(new_hash);
	if (strcmp(old_hash, new_hash) != 0)
		add(differences, "rules", old_text, new_text, EFFECT_OTHER);
	compare_objects(differences, "", old, new);
	*out = take(&differences);
	return 0;
}

/* ---- for people ---- */

#define SHOWN_MAX 200

static void add_value(struct buf *out, const char *sign, const json_t *value)
{
	if (!value)
		return;
	/* as JSON: control characters are escaped in it */
	auto_free char *text = json_text(value, false);
	buf_printf(out, "  %s %.*s%s\n", sign, SHOWN_MAX, text, strlen(text) > SHOWN_MAX ? "…" : "");
}

void agent_diff_text(const json_t *differences, struct buf *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach (differences, i, one) {
		const char *effect = json_text_at(one, "effect", NULL);

		buf_printf(out, "%s%s%s%s\n", json_text_at(one, "path", NULL),
				strcmp(effect, "other") ? " (" : "",
				!strcmp(effect, "wider")                      ? "allows more"
						: !strcmp(effect, "narrower") ? "allows less"
									      : "",
				strcmp(effect, "other") ? ")" : "");
		add_value(out, "-", json_object_get(one, "before"));
		add_value(out, "+", json_object_get(one, "after"));
	}
}
