/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/yaml.h"
#include "codec/yamledit_own.h"

#include <string.h>

static const char *line_break(const struct edit *edit)
{
	size_t at = span_find(edit->text, '\n');

	return at && at < edit->text.len && edit->text.ptr[at - 1] == '\r' ? "\r\n" : "\n";
}

static void spaces(struct buf *out, size_t count)
{
	while (count--)
		buf_putc(out, ' ');
}

/* In block style quotes only where needed; in flow style always, so that JSON stays JSON. */
static void add_text(struct buf *out, const char *text, bool quoted)
{
	if (!quoted && yaml_is_plain(span_of(text)))
		buf_puts(out, text);
	else
		yaml_write_quoted(out, span_of(text));
}

/* ---- the missing part of the path, in both styles ---- */

/* "key": {"key": "value"} from step `from` on */
static void add_flow(const struct edit *edit, size_t from, const char *value, struct buf *out)
{
	for (size_t i = from; i < edit->steps; i++) {
		if (i > from)
			buf_putc(out, '{');
		add_text(out, edit->path[i].key, true);
		buf_puts(out, ": ");
	}
	add_text(out, value, true);
	for (size_t i = from + 1; i < edit->steps; i++)
		buf_putc(out, '}');
}

/* A line for each missing step, the first in `column`; neither the indentation of the first nor the last break. */
static void add_block(const struct edit *edit, const char *value, size_t column, struct buf *out)
{
	for (size_t i = edit->found; i < edit->steps; i++) {
		if (i > edit->found) {
			buf_puts(out, line_break(edit));
			spaces(out, column + (i - edit->found) * edit->deeper);
		}
		add_text(out, edit->path[i].key, false);
		buf_putc(out, ':');
	}
	buf_putc(out, ' ');
	add_text(out, value, false);
}

static bool ends_in_break(const struct edit *edit)
{
	return span_ends(edit->text, "\n");
}

/* Whole lines at `at`, the start of a line, or the end of a text without a last break. */
static void insert_lines(struct edit *edit, size_t at, size_t column, const char *value)
{
	auto_buf struct buf lines = BUF_MAX(edit->max);
	bool bare_end = at == edit->text.len && !ends_in_break(edit);

	if (bare_end)
		buf_puts(&lines, line_break(edit));
	spaces(&lines, column);
	add_block(edit, value, column, &lines);
	if (!bare_end)
		buf_puts(&lines, line_break(edit));
	edit_change(edit, at, at, buf_span(&lines));
}

static void insert_before_first(struct edit *edit, const char *value)
{
	auto_buf struct buf lines = BUF_MAX(edit->max);
	size_t at = edit->node->kids[0]->start;

	add_block(edit, value, edit->column, &lines);
	buf_puts(&lines, line_break(edit));
	spaces(&lines, edit->column);
	edit_change(edit, at, at, buf_span(&lines));
}

static void insert_in_block(struct edit *edit, const char *value)
{
	/* a break behind the last line of such a block would become part of its value */
	if (edit->node->block_tail && edit->node->end == edit->text.len && !ends_in_break(edit))
		insert_before_first(edit, value);
	else
		insert_lines(edit, edit_after(edit, edit->node), edit->column, value);
}

static void insert_in_flow(struct edit *edit, const char *value)
{
	auto_buf struct buf entry = BUF_MAX(edit->max);
	const struct node *mapping = edit->node;
	size_t at = mapping->end - 1;

	if (mapping->count) {
		const struct node *key = mapping->kids[mapping->count - 2];
		size_t line = edit_line_start(edit, key->start);
		bool own_line = edit_skip_blank(edit, line, " \t") == key->start;
		at = mapping->kids[mapping->count - 1]->end;
		buf_putc(&entry, ',');
		if (own_line) {
			buf_puts(&entry, line_break(edit));
			buf_add(&entry, edit->text.ptr + line, key->start - line);
		} else {
			buf_putc(&entry, ' ');
		}
	}
	add_flow(edit, edit->found, value, &entry);
	edit_change(edit, at, at, buf_span(&entry));
}

/* ---- in the place of a scalar ---- */

/* What a value of no bytes needs in front, when it is to get some. */
static const char *lead_in(const struct edit *edit)
{
	size_t at = edit->node->start;

	if (edit->node->end > at || !edit->parent)
		return "";
	if (edit->parent->kind == NODE_MAPPING && at == edit->parent->kids[edit->at]->end)
		return ": ";
	return at && strchr(" \t\n", edit->text.ptr[at - 1]) ? "" : " ";
}

/* The comment on the first line of a literal or folded block. */
static struct span header_comment(const struct edit *edit)
{
	struct span header = span_from(edit->text, edit->node->start);

	if (!edit->node->block_tail)
		return SPAN_NONE;
	header.len = span_find(header, '\n');
	return span_trim(span_from(header, span_find(header, '#')));
}

static void replace(struct edit *edit, struct span with)
{
	auto_buf struct buf text = BUF_MAX(edit->max);
	struct span comment = header_comment(edit);

	buf_puts(&text, lead_in(edit));
	buf_add_span(&text, with);
	if (comment.len)
		buf_putc(&text, ' ');
	buf_add_span(&text, comment);
	edit_change(edit, edit->node->start, edit_last_line_end(edit, edit->node), buf_span(&text));
}

static void replace_scalar(struct edit *edit, const char *value)
{
	auto_buf struct buf text = BUF_MAX(edit->max);
	bool was_quoted = !edit->node->plain && !edit->node->block_tail;

	add_text(&text, value, edit->in_flow || was_quoted);
	replace(edit, buf_span(&text));
}

/* ---- in the place of a null ---- */

static void replace_null_in_flow(struct edit *edit, const char *value)
{
	auto_buf struct buf text = BUF_MAX(edit->max);

	buf_putc(&text, '{');
	add_flow(edit, edit->found, value, &text);
	buf_putc(&text, '}');
	replace(edit, buf_span(&text));
}

/* "key: null # why" keeps its comment; the new lines follow. */
static void replace_null_in_block(struct edit *edit, const char *value)
{
	size_t from = edit->node->start, end = edit->node->end;

	while (end > from && from && strchr(" \t", edit->text.ptr[from - 1]))
		from--;
	if (end > from)
		edit_change(edit, from, end, SPAN_NONE);
	insert_lines(edit, edit_line_after(edit, end), edit->column + edit->deeper, value);
}

/* ---- all ---- */

static int set_missing(struct edit *edit, const char *value, struct err *err)
{
	if (edit->node->kind == NODE_MAPPING && edit->node->flow) {
		insert_in_flow(edit, value);
		return 0;
	}
	if (edit->node->kind == NODE_MAPPING) {
		insert_in_block(edit, value);
		return 0;
	}
	if (!edit->parent || edit->parent->kind != NODE_MAPPING)
		return edit_refuse(edit, ERR_FORMAT, edit->found, "what is around it is empty, not a mapping",
				err);
	if (edit->in_flow)
		replace_null_in_flow(edit, value);
	else
		replace_null_in_block(edit, value);
	return 0;
}

int edit_set(struct edit *edit, const char *value, struct err *err)
{
	if (edit->found < edit->steps)
		return set_missing(edit, value, err);
	if (edit->node->kind != NODE_SCALAR)
		return edit_refuse(edit, ERR_FORMAT, edit->found, "it is a mapping or sequence, not a text",
				err);
	/* libyaml lets it stand where no other scalar may */
	size_t line = edit_line_start(edit, edit->node->start);
	if (edit->node->block_tail && edit_skip_blank(edit, line, " \t") == edit->node->start)
		return edit_refuse(edit, ERR_FORMAT, edit->found,
				"a block text that begins on a line of its own", err);
	replace_scalar(edit, value);
	return 0;
}
