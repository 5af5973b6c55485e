/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/yamledit_own.h"

#include <string.h>

/* The comma behind a member in flow style, or `npos` = the length of the text when there is none. */
static size_t find_comma(const struct edit *edit, size_t at)
{
	for (;;) {
		at = edit_skip_blank(edit, at, " \t\r\n");
		if (at == edit->text.len || edit->text.ptr[at] != '#')
			break;
		at = edit_line_after(edit, at);
	}
	return at < edit->text.len && edit->text.ptr[at] == ',' ? at : edit->text.len;
}

static bool has_comment(const struct edit *edit, size_t from, size_t to)
{
	return span_find(span_new(edit->text.ptr + from, to - from), '#') < to - from;
}

/* ---- flow style ---- */

static void remove_last_in_flow(struct edit *edit, size_t from, size_t to)
{
	size_t comma = find_comma(edit, edit->parent->kids[edit->at - 1]->end);
	size_t trailing = find_comma(edit, to);

	if (trailing < edit->text.len)
		to = trailing + 1;
	if (!has_comment(edit, comma, from)) {
		edit_change(edit, comma, to, SPAN_NONE);
		return;
	}
	/* a comment may touch a comma, but what touches a value is part of it */
	bool touches = comma + 1 < edit->text.len && edit->text.ptr[comma + 1] == '#';
	edit_change(edit, comma, comma + 1, touches ? SPAN_LIT(" ") : SPAN_NONE);
	edit_change(edit, from, to, SPAN_NONE);
}

static void remove_in_flow(struct edit *edit)
{
	const struct node *mapping = edit->parent;
	size_t from = mapping->kids[edit->at]->start;
	size_t to = edit->node->end;
	bool first = edit->at == 0, last = edit->at + 2 == mapping->count;

	if (last && !first) {
		remove_last_in_flow(edit, from, to);
		return;
	}
	size_t comma = find_comma(edit, to);
	if (comma < edit->text.len)
		to = comma + 1;
	if (!last && !has_comment(edit, to, mapping->kids[edit->at + 2]->start))
		to = mapping->kids[edit->at + 2]->start;
	edit_change(edit, from, to, SPAN_NONE);
}

/* ---- block style ---- */

/* Blank lines below a literal block could become part of it when what stood between them goes. */
static size_t with_blank_lines(const struct edit *edit, size_t to)
{
	for (;;) {
		size_t at = edit_skip_blank(edit, to, " \t\r");
		if (at < edit->text.len && edit->text.ptr[at] != '\n')
			return to;
		if (at == edit->text.len)
			return at;
		to = at + 1;
	}
}

static void remove_in_block(struct edit *edit)
{
	const struct node *key = edit->parent->kids[edit->at];
	size_t line = edit_line_start(edit, key->start);
	size_t to = edit_after(edit, edit->node);

	if (edit_skip_blank(edit, line, " ") < key->start) {
		/* the first one behind a "- ": the next one takes its place */
		edit_change(edit, key->start, edit_skip_blank(edit, to, " \r\n"), SPAN_NONE);
		return;
	}
	if (edit->at && edit->parent->kids[edit->at - 1]->block_tail)
		to = with_blank_lines(edit, to);
	edit_change(edit, line, to, SPAN_NONE);
}

/* ---- all ---- */

static int check(const struct edit *edit, struct err *err)
{
	size_t last = edit->steps - 1;

	if (edit->found < edit->steps)
		return edit_refuse(edit, ERR_NOT_FOUND, edit->found, "it is not there", err);
	if (!edit->path[last].key)
		return edit_refuse(edit, ERR_USAGE, last, "only a member of a mapping can be removed", err);
	if (node_has_anchor(edit->parent->kids[edit->at]) || node_has_anchor(edit->node))
		return edit_refuse(edit, ERR_FORMAT, last, "it has an anchor in it; edit it by hand", err);
	for (size_t i = 0; i < edit->parent->count; i += 2)
		if (edit_is_explicit(edit, edit->parent->kids[i]))
			return edit_refuse(
					edit, ERR_FORMAT, last, "a key beside it is written as '? key'", err);
	return 0;
}

int edit_remove(struct edit *edit, struct err *err)
{
	if (check(edit, err) < 0)
		return -1;
	if (edit->parent->flow)
		remove_in_flow(edit);
	else if (edit->parent->count > 2)
		remove_in_block(edit);
	else
		edit_change(edit, edit->parent->kids[0]->start, edit_last_line_end(edit, edit->node),
				SPAN_LIT("{}"));
	return 0;
}
