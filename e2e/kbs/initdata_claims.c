/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/initdata_claims.h"

#include "base/err.h"
#include "codec/json.h"
#include "codec/toml.h"

#include <string.h>

#define POLICY_DATA "policy_data"

int initdata_accept(struct span toml, struct initdata *out, struct err *err)
{
	auto_json json_t *warnings = json_array(), *tree = NULL;
	const char *key;
	json_t *value;

	if (initdata_inspect(toml, out, warnings, err) < 0)
		return -1;
	if (!out->version || !out->algorithm || !out->hashed)
		return err_set(err, ERR_FORMAT, "init-data: version or algorithm: %s",
				json_array_size(warnings) ? json_string_value(json_array_get(warnings, 0))
							  : "");
	/* inspecting leaves an empty table where there is none */
	if (toml_parse(toml, INITDATA_TEXT_MAX, &tree, err) < 0)
		return -1;
	if (!json_is_object(json_object_get(tree, "data")))
		return err_set(err, ERR_FORMAT, "init-data: there is no data table");
	json_object_foreach (out->data, key, value)
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT, "init-data: the entry '%.80s' is no text", key);
	return 0;
}

static void put_toml(json_t *claims, const char *key, json_t *text)
{
	json_t *tree = NULL;

	if (toml_parse(span_new(json_string_value(text), json_string_length(text)), INITDATA_TEXT_MAX, &tree,
			    NULL) == 0)
		json_object_set_new(claims, key, tree);
	else
		json_object_set(claims, key, text);
}

/* The object behind the last "policy_data :=" that begins a line. */
static json_t *policy_data(const json_t *text)
{
	const char *policy = json_string_value(text), *found = NULL;
	json_t *object = NULL;

	for (const char *at = policy; (at = strstr(at, POLICY_DATA)); at += strlen(POLICY_DATA))
		if (at == policy || at[-1] == '\n')
			found = at;
	if (!found)
		return NULL;
	struct span rest = span_trim(span_of(found + strlen(POLICY_DATA)));
	if (!span_starts(rest, ":="))
		return NULL;
	rest = span_trim(span_from(rest, 2));
	if (json_read(rest, INITDATA_TEXT_MAX, &object, NULL) < 0)
		return NULL;
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

json_t *initdata_claims(const struct initdata *doc)
{
	json_t *claims = json_object(), *value, *object;
	const char *key;

	json_object_foreach (doc->data, key, value) {
		if (strcmp(key, INITDATA_AA) == 0 || strcmp(key, INITDATA_CDH) == 0)
			put_toml(claims, key, value);
		else if (strcmp(key, INITDATA_POLICY) == 0 && (object = policy_data(value)))
			json_object_set_new(claims, "agent_policy_claims", object);
		else
			json_object_set(claims, key, value);
	}
	return claims;
}
