/* SPDX-License-Identifier: Apache-2.0 */
/* The members of an object: what is known of them, and those that are taken. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "base/closest.h"
#include "base/own.h"

#include <string.h>

#define FIELDS_MAX 96
#define SHOWN      80

char *field_path(const char *path, const char *name)
{
	return xasprintf("%s%s%s", path, path[0] ? "." : "", name);
}

json_t *field_get(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

/* Says nothing: what it stands for is not asked for. */
static bool is_empty(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return !json_object_size(value);
	case JSON_ARRAY:
		return !json_array_size(value);
	case JSON_STRING:
		return !json_string_length(value);
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_TRUE:
		return false;
	case JSON_FALSE:
	case JSON_NULL:
		return true;
	}
	return false;
}

/* A volume is of its kind even where it says nothing further. */
static bool is_said(const json_t *value, const struct field *table)
{
	return table == fields_volume ? !json_is_null(value) : !is_empty(value);
}

static void note_unknown(const struct projection *projection, const char *name, const char *path,
		const struct field *table)
{
	const char *known[FIELDS_MAX + 1];
	size_t count = 0;

	for (; table[count].name && count < FIELDS_MAX; count++)
		known[count] = table[count].name;
	known[count] = NULL;
	const char *meant = closest_word(name, known);
	agent_note(projection->notes, projection->reading->lenient ? AGENT_WARNING : AGENT_ERROR, path,
			"there is no field '%.*s'%s%s%s", SHOWN, name, meant ? "; did you mean '" : "",
			meant ? meant : "", meant ? "'?" : "");
}

void fields_check(const struct projection *projection, const json_t *object, const char *path,
		const struct field *table)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		const struct field *field = table;
		while (field->name && strcmp(field->name, name) != 0)
			field++;
		if (!field->name) {
			note_unknown(projection, name, path, table);
		} else if (field->how == FIELD_REFUSED && is_said(value, table)) {
			auto_free char *where = field_path(path, name);
			agent_note(projection->notes, AGENT_ERROR, where, "%s", field->instead);
		}
	}
}

static void wrong_type(
		const struct projection *projection, const char *path, const char *name, const char *wanted)
{
	auto_free char *where = field_path(path, name);

	agent_note(projection->notes, AGENT_ERROR, where, "is not %s", wanted);
}

const json_t *field_object(
		const struct projection *projection, const json_t *object, const char *path, const char *name)
{
	const json_t *value = field_get(object, name);

	if (!value || json_is_object(value))
		return value;
	wrong_type(projection, path, name, "an object");
	return NULL;
}

const json_t *field_list(
		const struct projection *projection, const json_t *object, const char *path, const char *name)
{
	const json_t *value = field_get(object, name);

	if (!value || json_is_array(value))
		return value;
	wrong_type(projection, path, name, "a list");
	return NULL;
}

const char *field_text(
		const struct projection *projection, const json_t *object, const char *path, const char *name)
{
	const json_t *value = field_get(object, name);

	if (value && !json_is_string(value)) {
		wrong_type(projection, path, name, "a text: write it in quotes");
		return NULL;
	}
	return value && json_string_length(value) ? json_string_value(value) : NULL;
}

const char *field_needed(
		const struct projection *projection, const json_t *object, const char *path, const char *name)
{
	const char *text = field_text(projection, object, path, name);

	if (!text && (!field_get(object, name) || json_is_string(field_get(object, name))))
		agent_note(projection->notes, AGENT_ERROR, path, "has no %s", name);
	return text;
}

bool field_flag(const struct projection *projection, const json_t *object, const char *path, const char *name,
		bool preset)
{
	const json_t *value = field_get(object, name);

	if (value && !json_is_boolean(value))
		wrong_type(projection, path, name, "true or false");
	return json_is_boolean(value) ? json_is_true(value) : preset;
}

void take_text(const struct projection *projection, const json_t *object, const char *path, const char *name,
		json_t *out)
{
	if (field_text(projection, object, path, name))
		json_object_set(out, name, field_get(object, name));
}

void take_texts(const struct projection *projection, const json_t *object, const char *path, const char *name,
		json_t *out)
{
	const json_t *list = field_list(projection, object, path, name);

	if (!json_array_size(list))
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!json_is_string(json_array_get(list, i))) {
			wrong_type(projection, path, name, "a list of texts: write its items in quotes");
			return;
		}
	}
	json_object_set_new(out, name, json_copy((json_t *)(uintptr_t)list));
}

static bool is_number(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
			json_integer_value(value) <= INT32_MAX;
}

#define WHOLE_NUMBER "a whole number from 0 to 2147483647"

void take_number(const struct projection *projection, const json_t *object, const char *path,
		const char *name, json_t *out)
{
	json_t *value = field_get(object, name);

	if (is_number(value))
		json_object_set(out, name, value);
	else if (value)
		wrong_type(projection, path, name, WHOLE_NUMBER);
}

void take_numbers(const struct projection *projection, const json_t *object, const char *path,
		const char *name, json_t *out)
{
	const json_t *list = field_list(projection, object, path, name);

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!is_number(json_array_get(list, i))) {
			wrong_type(projection, path, name, "a list of whole numbers from 0 to 2147483647");
			return;
		}
	}
	if (json_array_size(list))
		json_object_set_new(out, name, json_copy((json_t *)(uintptr_t)list));
}

void take_flag(const struct projection *projection, const json_t *object, const char *path, const char *name,
		bool worth, json_t *out)
{
	if (field_flag(projection, object, path, name, !worth) == worth)
		json_object_set_new(out, name, json_boolean(worth));
}

void put_unless_empty(json_t *out, const char *name, json_t *value)
{
	if (value && !is_empty(value))
		json_object_set(out, name, value);
	json_decref(value);
}
