/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/request.h"

#include "agentpolicy/request_tables.h"
#include "base/buf.h"
#include "base/closest.h"
#include "base/err.h"
#include "codec/json.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* a message has fewer fields */
#define FIELDS_MAX 24
/* a longer place is cut, in texts for people alone */
#define PLACE_MAX  256

/* Where a value stands: a chain on the stack, written out only where somebody is to read it. */
struct place {
	const struct place *up;
	const char *name; /* NULL: an item of a list */
	size_t index;
};

/* What a fill goes by. */
struct filling {
	struct agent_notes *notes;
	struct err *err;
};

static void place_write(const struct place *place, struct buf *out)
{
	if (place->up)
		place_write(place->up, out);
	if (place->name)
		buf_printf(out, "%s%s", place->up ? "." : "", place->name);
	else
		buf_printf(out, "[%zu]", place->index);
}

static int wrong(const struct filling *filling, const struct place *place, const char *must)
{
	auto_buf struct buf text = BUF_MAX(PLACE_MAX);

	place_write(place, &text);
	return err_set(filling->err, ERR_FORMAT, "%s: must be %s", buf_text(&text), must);
}

/* ---- single values ------------------------------------------------------------------------------------- */

static const char *const file_types[] = { "Unknown", "Regular", "Directory", "Symlink" };

static const char *file_type_of(json_int_t mode)
{
	switch ((mode_t)mode & S_IFMT) {
	case S_IFREG:
		return "Regular";
	case S_IFDIR:
		return "Directory";
	case S_IFLNK:
		return "Symlink";
	default:
		return "Unknown";
	}
}

static bool is_file_type(const char *text)
{
	for (size_t i = 0; text && i < sizeof(file_types) / sizeof(file_types[0]); i++)
		if (!strcmp(text, file_types[i]))
			return true;
	return false;
}

static bool within(const json_t *value, json_int_t min, json_int_t max)
{
	return json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max;
}

static bool all(const json_t *value, bool (*right)(const json_t *item))
{
	/* jansson's loops take no const */
	json_t *all_of = (json_t *)(uintptr_t)value, *item;
	const char *key;
	size_t i;

	json_array_foreach (all_of, i, item)
		if (!right(item))
			return false;
	json_object_foreach (all_of, key, item)
		if (!right(item))
			return false;
	return true;
}

static bool is_byte(const json_t *item)
{
	return within(item, 0, UINT8_MAX);
}

static bool is_text(const json_t *item)
{
	return json_is_string(item);
}

/* NULL when the value is right, else what it must be. */
static const char *complaint(enum field_type type, const json_t *value)
{
	switch (type) {
	case FIELD_TEXT:
		return json_is_string(value) ? NULL : "a text";
	case FIELD_BOOL:
		return json_is_boolean(value) ? NULL : "true or false";
	case FIELD_INT32:
		return within(value, INT32_MIN, INT32_MAX) ? NULL : "a number of 32 bits";
	case FIELD_INT64:
		return json_is_integer(value) ? NULL : "a whole number";
	case FIELD_UINT32:
		return within(value, 0, UINT32_MAX) ? NULL : "a number from 0 to 4294967295";
	case FIELD_UINT64:
		return within(value, 0, INT64_MAX) ? NULL : "a whole number, 0 or more";
	case FIELD_BYTES:
		return json_is_array(value) && all(value, is_byte) ? NULL : "a list of numbers from 0 to 255";
	case FIELD_MAP:
		return json_is_object(value) && all(value, is_text) ? NULL
								    : "an object whose members are texts";
	case FIELD_FILE_TYPE:
		return is_file_type(json_string_value(value))
				? NULL
				: "\"Unknown\", \"Regular\", \"Directory\" or \"Symlink\"";
	case FIELD_MESSAGE:
		break;
	}
	return "an object";
}

/* What a field holds that is not there. */
static json_t *absent(const struct field *field, const json_t *message)
{
	if (field->count == FIELD_MANY)
		return json_array();
	if (field->count == FIELD_MAYBE)
		return json_null();
	switch (field->type) {
	case FIELD_TEXT:
		return json_string("");
	case FIELD_BOOL:
		return json_false();
	case FIELD_BYTES:
		return json_array();
	case FIELD_FILE_TYPE:
		return json_string(file_type_of(json_integer_value(json_object_get(message, "file_mode"))));
	case FIELD_MAP:
	case FIELD_MESSAGE:
		return json_object();
	case FIELD_INT32:
	case FIELD_INT64:
	case FIELD_UINT32:
	case FIELD_UINT64:
		break;
	}
	return json_integer(0);
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static int fill_message(const struct filling *filling, const struct field *fields, const json_t *value,
		const struct place *place, json_t **out);

static int fill_one(const struct filling *filling, const struct field *field, const json_t *value,
		const struct place *place, json_t **out)
{
	if (field->type == FIELD_MESSAGE)
		return fill_message(filling, field->message, value, place, out);
	const char *must = complaint(field->type, value);
	if (must)
		return wrong(filling, place, must);
	*out = json_copy((json_t *)(uintptr_t)value);
	return 0;
}

static int fill_many(const struct filling *filling, const struct field *field, const json_t *value,
		const struct place *place, json_t **out)
{
	auto_json json_t *list = json_array();

	if (!json_is_array(value))
		return wrong(filling, place, "a list");
	for (size_t i = 0; i < json_array_size(value); i++) {
		struct place at = { .up = place, .name = NULL, .index = i };
		json_t *item = NULL;
		if (fill_one(filling, field, json_array_get(value, i), &at, &item) < 0)
			return -1;
		(void)json_array_append_new(list, item);
	}
	*out = json_incref(list);
	return 0;
}

/* What the message says for a field, also under the name that it has in the protocol. */
static const json_t *given(const struct field *field, const json_t *message)
{
	const json_t *value = json_object_get(message, field->name);

	if (!value && !strcmp(field->name, "type_"))
		value = json_object_get(message, "type");
	return value;
}

static int fill_field(const struct filling *filling, const struct field *field, const json_t *message,
		const struct place *place, json_t **out)
{
	struct place at = { .up = place, .name = field->name, .index = 0 };
	const json_t *value = given(field, message);

	if (!value || (json_is_null(value) && field->count == FIELD_MAYBE)) {
		*out = absent(field, message);
		return 0;
	}
	if (field->count == FIELD_MANY)
		return fill_many(filling, field, value, &at, out);
	return fill_one(filling, field, value, &at, out);
}

/* Members that the message does not have: the agent never sees them. */
static void note_unknown(const struct filling *filling, const struct field *fields, const json_t *message,
		const struct place *place)
{
	const char *missing[FIELDS_MAX + 1] = { NULL }, *key;
	size_t count = 0;
	json_t *value;

	for (const struct field *field = fields; field->name && count < FIELDS_MAX; field++)
		if (!given(field, message))
			missing[count++] = field->name;
	json_object_foreach ((json_t *)(uintptr_t)message, key, value) {
		const struct field *field = fields;
		while (field->name && strcmp(field->name, key) != 0 &&
				(strcmp(field->name, "type_") != 0 || strcmp(key, "type") != 0))
			field++;
		if (field->name)
			continue;
		auto_buf struct buf text = BUF_MAX(PLACE_MAX);
		const char *meant = closest_word(key, missing);
		struct place at = { .up = place, .name = key, .index = 0 };
		place_write(&at, &text);
		agent_note(filling->notes, meant ? AGENT_WARNING : AGENT_REMARK, buf_text(&text),
				"the message has no such member: it was left out%s%s%s",
				meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
	}
}

static int fill_message(const struct filling *filling, const struct field *fields, const json_t *value,
		const struct place *place, json_t **out)
{
	auto_json json_t *message = json_object();

	if (!json_is_object(value))
		return wrong(filling, place, "an object");
	note_unknown(filling, fields, value, place);
	for (; fields->name; fields++) {
		json_t *member = NULL;
		if (fill_field(filling, fields, value, place, &member) < 0)
			return -1;
		(void)json_object_set_new(message, fields->name, member);
	}
	*out = json_incref(message);
	return 0;
}

/* ---- kinds --------------------------------------------------------------------------------------------- */

const char *const *agent_request_kinds(void)
{
	return request_names;
}

int agent_request_fill(const char *kind, const json_t *request, json_t **out, struct agent_notes *notes,
		struct err *err)
{
	const struct filling filling = { .notes = notes, .err = err };
	struct place root = { .up = NULL, .name = kind, .index = 0 };

	for (size_t i = 0; i < REQUEST_KINDS; i++)
		if (!strcmp(request_kinds[i].name, kind))
			return fill_message(&filling, request_kinds[i].fields, request, &root, out);
	const char *meant = closest_word(kind, agent_request_kinds());
	return err_set(err, ERR_NOT_FOUND, "the agent has no request '%s'%s%s%s", kind,
			meant ? ": did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}
