/* SPDX-License-Identifier: Apache-2.0 */
/* The reader. The writer is in yaml_write.c, the meaning of plain scalars in yaml_plain.c. */
#include "codec/yaml.h"

#include "base/err.h"
#include "codec/json.h"
#include "codec/yaml_plain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* how much of a scalar a message shows */
#define SHOWN 40

struct reader {
	yaml_parser_t parser;
	struct span text;
	json_t *anchors; /* of this document: name → finished node */
	size_t nodes;
	size_t alias_bytes;
	size_t depth;
	struct err *err;
};

static void event_clear(yaml_event_t *event)
{
	yaml_event_delete(event);
	event->type = YAML_NO_EVENT;
}
#define auto_event __attribute__((cleanup(event_clear)))

/* ---- errors ---- */

__attribute__((format(printf, 4, 5))) static int fail_at(
		struct reader *r, enum err_kind kind, const yaml_mark_t *mark, const char *fmt, ...)
{
	va_list ap;
	char text[512];

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->err, kind, "line %zu, column %zu: %s", mark->line + 1, mark->column + 1,
			n < 0 ? "" : text);
}

/* The place of a byte, for libyaml's errors of the character level, which have no mark. */
static yaml_mark_t mark_of(struct span text, size_t offset)
{
	yaml_mark_t mark = { .index = offset };

	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.ptr[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

static int fail_libyaml(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "libyaml gave no reason";

	if (p->error == YAML_READER_ERROR) {
		yaml_mark_t mark = mark_of(r->text, p->problem_offset);
		return fail_at(r, ERR_FORMAT, &mark, "%s", problem);
	}
	if (p->error == YAML_MEMORY_ERROR)
		return err_set(r->err, ERR_LIMIT, "out of memory in libyaml");
	return fail_at(r, ERR_FORMAT, &p->problem_mark, "%s%s%s%s", problem, p->context ? " (" : "",
			p->context ? p->context : "", p->context ? ")" : "");
}

static int next_event(struct reader *r, yaml_event_t *event)
{
	if (!yaml_parser_parse(&r->parser, event))
		return fail_libyaml(r);
	return 0;
}

static int count_nodes(struct reader *r, size_t more, const yaml_mark_t *mark)
{
	r->nodes += more;
	if (r->nodes > YAML_NODES_MAX)
		return fail_at(r, ERR_LIMIT, mark, "more than %d nodes", YAML_NODES_MAX);
	return 0;
}

/* ---- scalars ---- */

static bool is_tag(const yaml_char_t *tag, const char *want)
{
	return !tag || strcmp((const char *)tag, want) == 0;
}

static int fail_tag(struct reader *r, const yaml_char_t *tag, const yaml_mark_t *mark)
{
	return fail_at(r, ERR_FORMAT, mark,
			"the tag '%.60s' is not known here; write the value without a tag",
			(const char *)tag);
}

static int fail_plain(struct reader *r, const char *what, struct span text, const yaml_mark_t *mark)
{
	return fail_at(r, ERR_FORMAT, mark, "%s: '%.*s'; put it in quotes if it is meant as text", what,
			text.len > SHOWN ? SHOWN : (int)text.len, text.ptr);
}

static int read_real(struct reader *r, struct span text, const yaml_mark_t *mark, json_t **out)
{
	double value = strtod(text.ptr, NULL);

	if (!isfinite(value))
		return fail_plain(r, "a number beyond what JSON readers hold", text, mark);
	*out = json_real(value);
	return 0;
}

static int read_plain(struct reader *r, struct span text, const yaml_mark_t *mark, json_t **out)
{
	int64_t number = 0;

	switch (yaml_plain_type(text)) {
	case YAML_NULL:
		*out = json_null();
		return 0;
	case YAML_TRUE:
		*out = json_true();
		return 0;
	case YAML_FALSE:
		*out = json_false();
		return 0;
	case YAML_INT:
		if (!yaml_plain_int(text, &number))
			return fail_plain(r, "an integer beyond 64 bits", text, mark);
		*out = json_integer(number);
		return 0;
	case YAML_REAL:
		return read_real(r, text, mark, out);
	case YAML_DISPUTED:
		return fail_plain(r, "kubectl and YAML 1.2 read this differently", text, mark);
	case YAML_NOT_JSON:
		return fail_plain(r, "a number that JSON does not have", text, mark);
	case YAML_TEXT:
		break;
	}
	*out = json_stringn(text.ptr, text.len);
	return 0;
}

static struct span scalar_text(const yaml_event_t *event)
{
	return span_new(event->data.scalar.value, event->data.scalar.length);
}

static bool is_plain_style(const yaml_event_t *event)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag;
}

static int check_scalar(struct reader *r, const yaml_event_t *event)
{
	struct span text = scalar_text(event);

	if (!is_tag(event->data.scalar.tag, YAML_STR_TAG))
		return fail_tag(r, event->data.scalar.tag, &event->start_mark);
	if (text.len && memchr(text.ptr, 0, text.len))
		return fail_at(r, ERR_FORMAT, &event->start_mark, "a string with U+0000");
	return 0;
}

static int read_scalar(struct reader *r, const yaml_event_t *event, json_t **out)
{
	struct span text = scalar_text(event);

	if (check_scalar(r, event) < 0)
		return -1;
	if (is_plain_style(event))
		return read_plain(r, text, &event->start_mark, out);
	*out = json_stringn(text.ptr, text.len);
	return 0;
}

/* ---- aliases ---- */

struct measure {
	size_t nodes;
	size_t bytes;
	size_t height;
};

/* The size of a finished tree. NOLINTNEXTLINE(misc-no-recursion): YAML_DEPTH_MAX, kept while it was read */
static void measure(const json_t *tree, size_t level, struct measure *sum)
{
	const char *key = NULL;
	json_t *child = NULL;
	size_t i = 0;

	sum->nodes++;
	if (level > sum->height)
		sum->height = level;
	sum->bytes += json_string_length(tree);
	json_array_foreach (tree, i, child)
		measure(child, level + 1, sum);
	json_object_foreach ((json_t *)(uintptr_t)tree, key, child) {
		sum->bytes += strlen(key);
		measure(child, level + 1, sum);
	}
}

static int read_alias(struct reader *r, const yaml_event_t *event, json_t **out)
{
	const char *name = (const char *)event->data.alias.anchor;
	const json_t *target = json_object_get(r->anchors, name);
	struct measure sum = { .nodes = 0 };

	if (!target)
		return fail_at(r, ERR_FORMAT, &event->start_mark,
				"the alias '%.60s' has no finished anchor before it", name);
	measure(target, 0, &sum);
	if (count_nodes(r, sum.nodes, &event->start_mark) < 0)
		return -1;
	r->alias_bytes += sum.bytes;
	if (r->alias_bytes > YAML_ALIAS_MAX)
		return fail_at(r, ERR_LIMIT, &event->start_mark, "aliases repeat more than %d bytes",
				YAML_ALIAS_MAX);
	if (r->depth + sum.height > YAML_DEPTH_MAX)
		return fail_at(r, ERR_LIMIT, &event->start_mark, "with the alias, more than %d levels deep",
				YAML_DEPTH_MAX);
	*out = json_deep_copy(target);
	return 0;
}

/* ---- collections ---- */

/* NOLINTBEGIN(misc-no-recursion): YAML_DEPTH_MAX, which read_collection checks */

static int read_node(struct reader *r, yaml_event_t *event, json_t **out);

static int read_next_node(struct reader *r, json_t **out)
{
	auto_event yaml_event_t event = { .type = YAML_NO_EVENT };

	return next_event(r, &event) < 0 ? -1 : read_node(r, &event, out);
}

static int read_sequence(struct reader *r, json_t **out)
{
	auto_json json_t *array = json_array();

	for (;;) {
		auto_event yaml_event_t event = { .type = YAML_NO_EVENT };
		json_t *item = NULL;

		if (next_event(r, &event) < 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (read_node(r, &event, &item) < 0)
			return -1;
		json_array_append_new(array, item);
	}
	*out = array;
	array = NULL;
	return 0;
}

/* A mapping as it grows; merged holds the keys that came from a merge and may still be overridden. */
struct mapping {
	json_t *object;
	json_t *merged;
	bool has_merge;
};

static void mapping_clear(struct mapping *m)
{
	json_decref(m->object);
	json_decref(m->merged);
}

static int merge_one(struct reader *r, struct mapping *m, json_t *from, const yaml_mark_t *mark)
{
	const char *key = NULL;
	json_t *value = NULL;

	if (!json_is_object(from))
		return fail_at(r, ERR_FORMAT, mark, "a merge key takes a mapping or a sequence of mappings");
	json_object_foreach (from, key, value) {
		if (json_object_get(m->merged, key))
			continue;
		if (json_object_get(m->object, key))
			return fail_at(r, ERR_FORMAT, mark,
					"the merge key also brings '%.60s', which stands above it, and "
					"readers differ on who "
					"wins; put the merge key first",
					key);
		json_object_set(m->object, key, value);
		json_object_set_new(m->merged, key, json_true());
	}
	return 0;
}

static int read_merge(struct reader *r, struct mapping *m, const yaml_mark_t *mark)
{
	auto_json json_t *from = NULL;
	json_t *item = NULL;
	size_t i = 0;

	if (m->has_merge)
		return fail_at(r, ERR_FORMAT, mark, "a second merge key in one mapping; give one a sequence");
	m->has_merge = true;
	if (read_next_node(r, &from) < 0)
		return -1;
	if (!json_is_array(from))
		return merge_one(r, m, from, mark);
	/* the first of the sequence wins */
	json_array_foreach (from, i, item)
		if (merge_one(r, m, item, mark) < 0)
			return -1;
	return 0;
}

static int check_key(struct reader *r, const yaml_event_t *event)
{
	if (event->type != YAML_SCALAR_EVENT)
		return fail_at(r, ERR_FORMAT, &event->start_mark, "a key must be a string, written out");
	if (check_scalar(r, event) < 0)
		return -1;
	if (is_plain_style(event) && yaml_plain_type(scalar_text(event)) != YAML_TEXT)
		return fail_plain(r, "a key must be a string", scalar_text(event), &event->start_mark);
	return 0;
}

static int read_member(struct reader *r, struct mapping *m, const yaml_event_t *event)
{
	if (check_key(r, event) < 0 || count_nodes(r, 1, &event->start_mark) < 0)
		return -1;
	const char *key = (const char *)event->data.scalar.value;
	if (is_plain_style(event) && strcmp(key, "<<") == 0)
		return read_merge(r, m, &event->start_mark);
	if (json_object_get(m->object, key) && json_object_del(m->merged, key) < 0)
		return fail_at(r, ERR_FORMAT, &event->start_mark, "the key '%.60s' is there already", key);
	json_t *value = NULL;
	if (read_next_node(r, &value) < 0)
		return -1;
	json_object_set_new(m->object, key, value);
	return 0;
}

static int read_mapping(struct reader *r, json_t **out)
{
	__attribute__((cleanup(mapping_clear))) struct mapping m = { json_object(), json_object(), false };

	for (;;) {
		auto_event yaml_event_t event = { .type = YAML_NO_EVENT };

		if (next_event(r, &event) < 0)
			return -1;
		if (event.type == YAML_MAPPING_END_EVENT)
			break;
		if (read_member(r, &m, &event) < 0)
			return -1;
	}
	*out = m.object;
	m.object = NULL;
	return 0;
}

static int read_collection(struct reader *r, const yaml_event_t *event, json_t **out)
{
	bool map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;

	if (!is_tag(tag, map ? YAML_MAP_TAG : YAML_SEQ_TAG))
		return fail_tag(r, tag, &event->start_mark);
	if (++r->depth > YAML_DEPTH_MAX)
		return fail_at(r, ERR_LIMIT, &event->start_mark, "more than %d levels deep", YAML_DEPTH_MAX);
	int status = map ? read_mapping(r, out) : read_sequence(r, out);
	r->depth--;
	return status;
}

static const char *anchor_of(const yaml_event_t *event)
{
	const yaml_char_t *anchor = event->type == YAML_SCALAR_EVENT ? event->data.scalar.anchor
			: event->type == YAML_MAPPING_START_EVENT    ? event->data.mapping_start.anchor
								     : event->data.sequence_start.anchor;

	return (const char *)anchor;
}

static int read_node(struct reader *r, yaml_event_t *event, json_t **out)
{
	json_t *node = NULL;

	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(r, event, out);
	if (count_nodes(r, 1, &event->start_mark) < 0)
		return -1;
	int status = event->type == YAML_SCALAR_EVENT ? read_scalar(r, event, &node)
						      : read_collection(r, event, &node);
	if (status < 0)
		return -1;
	if (!node)
		return fail_at(r, ERR_FORMAT, &event->start_mark, "a string that is not UTF-8");
	const char *anchor = anchor_of(event);
	if (anchor)
		json_object_set(r->anchors, anchor, node);
	*out = node;
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- the stream ---- */

static int read_document(struct reader *r, json_t *documents)
{
	auto_event yaml_event_t end = { .type = YAML_NO_EVENT };
	json_t *root = NULL;

	json_object_clear(r->anchors);
	if (read_next_node(r, &root) < 0)
		return -1;
	json_array_append_new(documents, root);
	return next_event(r, &end);
}

static int read_stream(struct reader *r, json_t *documents)
{
	for (;;) {
		auto_event yaml_event_t event = { .type = YAML_NO_EVENT };

		if (next_event(r, &event) < 0)
			return -1;
		if (event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (event.type == YAML_DOCUMENT_START_EVENT && read_document(r, documents) < 0)
			return -1;
	}
}

static int check_text(struct span text, size_t max, struct err *err)
{
	struct span rest = text, line;
	size_t tags = 0;

	if (text.len > max)
		return err_set(err, ERR_LIMIT, "%zu bytes of YAML; at most %zu are allowed", text.len, max);
	if (!span_is_utf8(text))
		return err_set(err, ERR_FORMAT, "the YAML text is not UTF-8");
	while (span_next(&rest, '\n', &line))
		if (span_starts(line, "%TAG") && ++tags > YAML_TAGS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d lines with %%TAG", YAML_TAGS_MAX);
	return 0;
}

int yaml_read_all(struct span text, size_t max, json_t **array_out, struct err *err)
{
	if (check_text(text, max, err) < 0)
		return -1;
	if (span_starts(text, "\xef\xbb\xbf"))
		text = span_from(text, 3);
	struct reader r = { .text = text, .err = err };
	if (!yaml_parser_initialize(&r.parser))
		return err_set(err, ERR_LIMIT, "out of memory in libyaml");
	/* told the encoding, libyaml does not guess at UTF-16 */
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
	auto_json json_t *documents = json_array();
	r.anchors = json_object();
	int status = read_stream(&r, documents);
	json_decref(r.anchors);
	yaml_parser_delete(&r.parser);
	if (status < 0)
		return -1;
	*array_out = json_incref(documents);
	return 0;
}

int yaml_read_one(struct span text, size_t max, json_t **out, struct err *err)
{
	auto_json json_t *documents = NULL;

	if (yaml_read_all(text, max, &documents, err) < 0)
		return -1;
	size_t count = json_array_size(documents);
	if (count != 1)
		return err_set(err, ERR_FORMAT, "%zu documents in the YAML text; it must be one", count);
	*out = json_incref(json_array_get(documents, 0));
	return 0;
}
