/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/yamledit_tree.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/yaml_plain.h"

#include <stdlib.h>
#include <yaml.h>

struct source {
	yaml_parser_t parser;
	struct span text;
	size_t *bytes; /* offset of each character, and of the end */
	struct err *err;
};

/* NOLINTBEGIN(misc-no-recursion): YAML_DEPTH_MAX; codec/yaml has read the text before */

void node_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->count; i++)
		node_free(node->kids[i]);
	free(node->kids);
	free(node->text);
	free(node);
}

bool node_is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && node->plain && !node->tagged &&
			yaml_plain_type(node_text(node)) == YAML_NULL;
}

bool node_has_anchor(const struct node *node)
{
	if (node->anchored)
		return true;
	for (size_t i = 0; i < node->count; i++)
		if (node_has_anchor(node->kids[i]))
			return true;
	return false;
}

/* ---- building ---- */

static int next_event(struct source *s, yaml_event_t *event)
{
	if (!yaml_parser_parse(&s->parser, event))
		return err_set(s->err, ERR_BUG, "a YAML text was read once and not again: %s",
				s->parser.problem ? s->parser.problem : "no reason given");
	return 0;
}

static size_t *map_characters(struct span text)
{
	size_t *bytes = xreallocarray(NULL, text.len + 1, sizeof(*bytes));
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
			bytes[count++] = i;
	bytes[count] = text.len;
	return bytes;
}

static void add_kid(struct node *node, struct node *kid)
{
	if (node->count == node->cap) {
		node->cap = node->cap ? 2 * node->cap : 8;
		node->kids = xreallocarray(node->kids, node->cap, sizeof(struct node *));
	}
	node->kids[node->count++] = kid;
}

/* Lines without any byte that follow a block are kept out of it, unless it says that they count ("|+"). */
static size_t block_end(struct span text, size_t start, size_t end)
{
	size_t head = start + span_find(span_new(text.ptr + start, end - start), '\n');
	struct span header = span_new(text.ptr + start, head - start);

	if (span_find(span_new(header.ptr, span_find(header, '#')), '+') < span_find(header, '#'))
		return end;
	while (end > head + 1 && text.ptr[end - 1] == '\n') {
		size_t before = end - 1;
		if (before > head + 1 && text.ptr[before - 1] == '\r')
			before--;
		if (text.ptr[before - 1] != '\n')
			break;
		end = before;
	}
	return end;
}

static void fill_scalar(struct source *s, struct node *node, const yaml_event_t *event)
{
	yaml_scalar_style_t style = event->data.scalar.style;

	node->text = xmemdup0(event->data.scalar.value, event->data.scalar.length);
	node->text_len = event->data.scalar.length;
	node->anchored = event->data.scalar.anchor;
	node->tagged = event->data.scalar.tag;
	node->plain = style == YAML_PLAIN_SCALAR_STYLE;
	node->block_tail = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
	if (node->block_tail)
		node->end = block_end(s->text, node->start, node->end);
}

static int read_node(struct source *s, const yaml_event_t *event, struct node *node);

/* A block has no last byte of its own: it ends where its last node does. */
static void end_collection(struct source *s, struct node *node, const yaml_event_t *event)
{
	const struct node *last = node->count ? node->kids[node->count - 1] : NULL;

	if (node->flow || !last) {
		node->end = s->bytes[event->end_mark.index];
		return;
	}
	node->end = last->end;
	node->block_tail = last->block_tail;
}

/* Is there a ':' in text that may have comments? */
static bool has_colon(struct span text)
{
	struct span line;

	while (span_next(&text, '\n', &line)) {
		line.len = span_find(line, '#');
		if (span_find(line, ':') < line.len)
			return true;
	}
	return false;
}

/* A value that is left out together with its ':' is marked by libyaml at whatever follows; here, at its key's end. */
static void place_value(struct source *s, struct node *mapping)
{
	const struct node *key = mapping->kids[mapping->count - 2];
	struct node *value = mapping->kids[mapping->count - 1];

	if (value->end > value->start || value->start < key->end)
		return;
	if (!has_colon(span_new(s->text.ptr + key->end, value->start - key->end)))
		value->start = value->end = key->end;
}

static int read_kids(struct source *s, struct node *node)
{
	yaml_event_t event;

	for (;;) {
		if (next_event(s, &event) < 0)
			return -1;
		if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT)
			break;
		struct node *kid = xcalloc(1, sizeof(*kid));
		add_kid(node, kid);
		int status = read_node(s, &event, kid);
		yaml_event_delete(&event);
		if (status < 0)
			return -1;
		if (node->kind == NODE_MAPPING && node->count % 2 == 0)
			place_value(s, node);
	}
	end_collection(s, node, &event);
	yaml_event_delete(&event);
	return 0;
}

static int read_node(struct source *s, const yaml_event_t *event, struct node *node)
{
	node->start = s->bytes[event->start_mark.index];
	node->end = s->bytes[event->end_mark.index];
	if (event->type == YAML_SCALAR_EVENT) {
		fill_scalar(s, node, event);
		return 0;
	}
	if (event->type == YAML_MAPPING_START_EVENT) {
		node->kind = NODE_MAPPING;
		node->flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		node->anchored = event->data.mapping_start.anchor;
		node->tagged = event->data.mapping_start.tag;
		return read_kids(s, node);
	}
	if (event->type == YAML_SEQUENCE_START_EVENT) {
		node->kind = NODE_SEQUENCE;
		node->flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
		node->anchored = event->data.sequence_start.anchor;
		node->tagged = event->data.sequence_start.tag;
		return read_kids(s, node);
	}
	node->kind = NODE_ALIAS;
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- the documents ---- */

static int read_root(struct source *s, struct node *stream)
{
	yaml_event_t event;

	if (next_event(s, &event) < 0)
		return -1;
	struct node *root = xcalloc(1, sizeof(*root));
	add_kid(stream, root);
	int status = read_node(s, &event, root);
	yaml_event_delete(&event);
	return status;
}

static int read_roots(struct source *s, struct node *stream)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_event_t event;

	while (type != YAML_STREAM_END_EVENT) {
		if (next_event(s, &event) < 0)
			return -1;
		type = event.type;
		yaml_event_delete(&event);
		if (type == YAML_DOCUMENT_START_EVENT && read_root(s, stream) < 0)
			return -1;
	}
	return 0;
}

int node_stream(struct span text, struct node **out, struct err *err)
{
	struct source s = { .text = text, .err = err };

	if (!yaml_parser_initialize(&s.parser))
		return err_set(err, ERR_LIMIT, "out of memory in libyaml");
	yaml_parser_set_encoding(&s.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&s.parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
	s.bytes = map_characters(text);
	auto_node struct node *stream = xcalloc(1, sizeof(*stream));
	stream->kind = NODE_SEQUENCE;
	int status = read_roots(&s, stream);
	free(s.bytes);
	yaml_parser_delete(&s.parser);
	if (status < 0)
		return -1;
	*out = take(&stream);
	return 0;
}
