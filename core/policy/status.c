/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/status.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "kube/condition.h"

#define COUNTS     4
#define COUNTS_MAX ((size_t)256 * 1024)

static const char *const count_names[COUNTS] = { "admitted", "warned", "refused", "unknown" };

/* ---- counts ------------------------------------------------------------------------------------------------- */

static json_int_t count_at(const json_t *list, size_t index)
{
	const json_t *item = json_array_get(list, index);
	json_int_t value = json_is_integer(item) ? json_integer_value(item) : 0;

	return value > 0 ? value : 0;
}

static json_int_t sum(json_int_t a, json_int_t b)
{
	json_int_t total = 0;

	return __builtin_add_overflow(a, b, &total) ? INT64_MAX : total;
}

int image_policy_count(json_t *totals, struct span text, struct err *err)
{
	auto_json json_t *said = NULL;
	const char *name;
	json_t *list;

	if (json_read(text, COUNTS_MAX, &said, err) < 0)
		return -1;
	if (!json_is_object(said))
		return err_set(err, ERR_FORMAT, "counts by policy are an object");
	json_object_foreach (said, name, list) {
		const json_t *before = json_object_get(totals, name);
		json_t *after = json_array();
		for (size_t i = 0; i < COUNTS; i++)
			json_array_append_new(
					after, json_integer(sum(count_at(before, i), count_at(list, i))));
		json_object_set_new(totals, name, after);
	}
	return 0;
}

static json_t *counts(const struct image_policy_facts *f)
{
	const char *name = json_text_at(f->resource, "metadata", "name", NULL);
	const json_t *list = name ? json_object_get(f->totals, name) : NULL;
	json_t *out = json_object();

	for (size_t i = 0; i < COUNTS; i++)
		json_object_set_new(out, count_names[i], json_integer(count_at(list, i)));
	return out;
}

/* ---- conditions --------------------------------------------------------------------------------------------- */

static void not_in_force(const struct image_policy_facts *f, json_t *list)
{
	struct buf text = BUF_MAX(CONDITION_MESSAGE_MAX);
	bool last_good = f->policy && !f->policy->broken;

	if (last_good)
		buf_printf(&text, "the last good form, of generation %lld, stays in force; ",
				(long long)f->policy->generation);
	else if (f->policy)
		buf_puts(&text, "every image that it takes violates it until it is corrected; ");
	buf_puts(&text, f->problem ? f->problem : "the policy cannot be read");
	condition_add(list, f->resource, f->before, f->now, "Ready", false,
			last_good ? "LastGood" : "Invalid", buf_text(&text));
	buf_clear(&text);
}

static void ready(const struct image_policy_facts *f, json_t *list)
{
	if (f->problem || !f->policy || f->policy->broken)
		not_in_force(f, list);
	else if (f->admission)
		condition_add(list, f->resource, f->before, f->now, "Ready", true, "InForce", "in force");
	else
		condition_add(list, f->resource, f->before, f->now, "Ready", false, "NotRegistered",
				f->admission_problem[0] ? f->admission_problem
							: "the webhook's registration is being written");
}

static void replicas_agree(const struct image_policy_facts *f, json_t *list)
{
	struct buf text = BUF_MAX(CONDITION_MESSAGE_MAX);
	size_t i;
	json_t *name;

	json_array_foreach (f->replicas_differ, i, name)
		buf_printf(&text, "%s%s", i ? ", " : "other profiles or policies in force at replica ",
				json_string_value(name));
	condition_add(list, f->resource, f->before, f->now, "ReplicasAgree", !text.len,
			text.len ? "Differ" : "Same",
			text.len ? buf_text(&text)
				 : "all webhook replicas have the same profiles and policies in force");
	buf_clear(&text);
}

static json_t *hash(const struct image_policy *policy)
{
	char hex[2 * sizeof(policy->hash)];

	if (!policy)
		return json_null();
	hex_encode_raw(hex, span_new(policy->hash, sizeof(policy->hash)));
	return json_sprintf("sha256:%.*s", (int)sizeof(hex), hex);
}

json_t *image_policy_status(const struct image_policy_facts *f)
{
	json_int_t generation = json_integer_value(json_at(f->resource, "metadata", "generation", NULL));
	json_t *conditions = json_array();

	ready(f, conditions);
	replicas_agree(f, conditions);
	return json_pack("{s:I, s:o, s:o, s:o, s:I}", "observedGeneration", generation, "conditions",
			conditions, "hash", hash(f->policy), "counts", counts(f), "replicas",
			(json_int_t)f->replicas);
}
