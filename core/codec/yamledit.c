/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the place, has the change made (yamledit_set.c, yamledit_remove.c), and checks it before it goes out. */
#include "codec/yamledit.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "codec/yamledit_own.h"

#include <stdlib.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"

/* ---- the path ---- */

static bool is_merge(const struct node *key)
{
	return key->kind == NODE_SCALAR && key->plain && !key->tagged && span_is(node_text(key), "<<");
}

static bool has_merge(const struct node *mapping)
{
	for (size_t i = 0; i < mapping->count; i += 2)
		if (is_merge(mapping->kids[i]))
			return true;
	return false;
}

/* "spec.items[2].name" up to and with step `upto` */
static const char *path_text(const struct edit *edit, size_t upto, char *out, size_t cap)
{
	struct buf text = BUF_MAX(cap - 1);

	for (size_t i = 0; i <= upto && i < edit->steps; i++) {
		if (edit->path[i].key)
			buf_printf(&text, "%s%.100s", i ? "." : "", edit->path[i].key);
		else
			buf_printf(&text, "[%zu]", edit->path[i].index);
	}
	memcpy(out, buf_text(&text), text.len + 1);
	buf_clear(&text);
	return out;
}

int edit_refuse(const struct edit *edit, enum err_kind kind, size_t step, const char *why, struct err *err)
{
	char path[200];

	return err_set(err, kind, "'%s' in document %zu: %s", path_text(edit, step, path, sizeof(path)),
			edit->document + 1, why);
}

/* The start of the comment that a line may end in, else the line's end. */
static size_t comment_start(const struct edit *edit, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (edit->text.ptr[i] == '#' && (i == from || strchr(" \t", edit->text.ptr[i - 1])))
			return i;
	return to;
}

bool edit_is_explicit(const struct edit *edit, const struct node *key)
{
	size_t at = key->start;

	while (at && strchr(" \t\r\n", edit->text.ptr[at - 1])) {
		at--;
		if (edit->text.ptr[at] == '\n')
			at = comment_start(edit, edit_line_start(edit, at), at);
	}
	return at && edit->text.ptr[at - 1] == '?';
}

/* Notes the indentation of a mapping on the way, and how much further in it is than the one around it. */
static int enter_mapping(struct edit *edit, size_t step, struct err *err)
{
	const struct node *mapping = edit->node;

	if (mapping->flow) {
		edit->in_flow = true;
		if (edit->text.ptr[mapping->end - 1] != '}')
			return edit_refuse(edit, ERR_FORMAT, step, "a pair without braces cannot be edited",
					err);
		return 0;
	}
	if (!mapping->count || edit_is_explicit(edit, mapping->kids[0]))
		return edit_refuse(edit, ERR_FORMAT, step, "a key written as '? key' cannot be edited", err);
	size_t column = mapping->kids[0]->start - edit_line_start(edit, mapping->kids[0]->start);
	bool below_key = step && edit->path[step - 1].key;
	if (below_key && column > edit->column)
		edit->deeper = column - edit->column;
	edit->column = column;
	return 0;
}

/* 1 when the member is there, 0 when it is missing, -1 */
static int find_member(struct edit *edit, size_t step, struct err *err)
{
	const struct node *mapping = edit->node;
	struct span want = span_of(edit->path[step].key);

	if (enter_mapping(edit, step, err) < 0)
		return -1;
	if (has_merge(mapping))
		return edit_refuse(edit, ERR_FORMAT, step,
				"the mapping around it has a merge key; edit it by hand", err);
	for (size_t i = 0; i < mapping->count; i += 2) {
		if (!span_eq(node_text(mapping->kids[i]), want))
			continue;
		if (edit_is_explicit(edit, mapping->kids[i]))
			return edit_refuse(edit, ERR_FORMAT, step,
					"a key written as '? key' cannot be edited", err);
		edit->parent = mapping;
		edit->at = i;
		edit->node = mapping->kids[i + 1];
		return 1;
	}
	return 0;
}

static int find_item(struct edit *edit, size_t step, struct err *err)
{
	const struct node *sequence = edit->node;

	if (sequence->kind != NODE_SEQUENCE)
		return edit_refuse(edit, ERR_FORMAT, step, "there is no sequence", err);
	if (edit->path[step].index >= sequence->count)
		return edit_refuse(edit, ERR_NOT_FOUND, step, "the sequence is shorter", err);
	edit->in_flow = edit->in_flow || sequence->flow;
	edit->parent = sequence;
	edit->at = edit->path[step].index;
	edit->node = sequence->kids[edit->at];
	return 1;
}

static int find_step(struct edit *edit, size_t step, struct err *err)
{
	if (edit->node->anchored || edit->node->kind == NODE_ALIAS)
		return edit_refuse(edit, ERR_FORMAT, step,
				"an anchor or alias is on the way to it; edit it by hand", err);
	if (!edit->path[step].key)
		return find_item(edit, step, err);
	if (edit->node->kind == NODE_MAPPING)
		return find_member(edit, step, err);
	if (node_is_null(edit->node))
		return 0;
	return edit_refuse(edit, ERR_FORMAT, step, "what is around it is no mapping", err);
}

/* As far as the path exists: edit->found steps, the last of which is edit->node. */
static int find(struct edit *edit, struct err *err)
{
	int status = 1;

	for (edit->found = 0; edit->found < edit->steps; edit->found++) {
		status = find_step(edit, edit->found, err);
		if (status <= 0)
			break;
	}
	if (status < 0)
		return -1;
	for (size_t i = edit->found; i < edit->steps; i++)
		if (!edit->path[i].key)
			return edit_refuse(edit, ERR_NOT_FOUND, i, "there is no sequence", err);
	if (edit->node->anchored || edit->node->kind == NODE_ALIAS)
		return edit_refuse(edit, ERR_FORMAT, edit->found, "it is an anchor or alias; edit it by hand",
				err);
	return 0;
}

/* ---- places in the text ---- */

size_t edit_line_start(const struct edit *edit, size_t at)
{
	while (at && edit->text.ptr[at - 1] != '\n')
		at--;
	return at;
}

size_t edit_line_after(const struct edit *edit, size_t at)
{
	while (at < edit->text.len && edit->text.ptr[at] != '\n')
		at++;
	return at < edit->text.len ? at + 1 : at;
}

size_t edit_skip_blank(const struct edit *edit, size_t at, const char *set)
{
	while (at < edit->text.len && edit->text.ptr[at] && strchr(set, edit->text.ptr[at]))
		at++;
	return at;
}

size_t edit_after(const struct edit *edit, const struct node *node)
{
	return node->block_tail ? node->end : edit_line_after(edit, node->end);
}

size_t edit_last_line_end(const struct edit *edit, const struct node *node)
{
	size_t end = node->end;

	if (!node->block_tail)
		return end;
	if (end > node->start && edit->text.ptr[end - 1] == '\n')
		end--;
	if (end > node->start && edit->text.ptr[end - 1] == '\r')
		end--;
	return end;
}

void edit_change(struct edit *edit, size_t from, size_t to, struct span text)
{
	struct change *change = &edit->changes[edit->count++];

	change->from = from;
	change->to = to;
	buf_init(&change->text, edit->max);
	buf_add_span(&change->text, text);
}

/* ---- the tree that is meant ---- */

static json_t *child_of(json_t *at, const struct yaml_step *step)
{
	if (step->key)
		return json_object_get(at, step->key);
	return json_array_get(at, step->index);
}

static void put_child(json_t *at, const struct yaml_step *step, json_t *value)
{
	if (step->key)
		json_object_set_new(at, step->key, value);
	else
		json_array_set_new(at, step->index, value);
}

static void mean_set(json_t *at, const struct edit *edit, const char *value)
{
	for (size_t i = 0; i + 1 < edit->steps; i++) {
		json_t *child = child_of(at, &edit->path[i]);
		if (!child || json_is_null(child)) {
			child = json_object();
			put_child(at, &edit->path[i], child);
		}
		at = child;
	}
	put_child(at, &edit->path[edit->steps - 1], json_string(value));
}

static void mean_remove(json_t *at, const struct edit *edit)
{
	for (size_t i = 0; i + 1 < edit->steps; i++)
		at = child_of(at, &edit->path[i]);
	json_object_del(at, edit->path[edit->steps - 1].key);
}

/* ---- the whole ---- */

/* Where libyaml and we could disagree on what a line is, or its column: its breaks are more than LF and CRLF. */
static int check_lines(struct span text, struct err *err)
{
	static const char *const odd[] = { "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", BOM };

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\r' && (i + 1 == text.len || text.ptr[i + 1] != '\n'))
			return err_set(err, ERR_FORMAT,
					"a CR without LF at byte %zu; only LF and CRLF end lines", i);
	for (size_t i = 0; text.len && i < sizeof(odd) / sizeof(odd[0]); i++)
		if (memmem(text.ptr, text.len, odd[i], strlen(odd[i])))
			return err_set(err, ERR_FORMAT,
					"an uncommon line end (NEL, LS, PS) or a BOM inside the text; remove "
					"it");
	return 0;
}

static int check_steps(const struct edit *edit, const char *value, struct err *err)
{
	if (!edit->steps)
		return err_set(err, ERR_USAGE, "an edit needs a path");
	for (size_t i = 0; i < edit->steps; i++) {
		struct span key = span_of(edit->path[i].key);
		if (!span_is_utf8(key) || key.len > EDIT_KEY_MAX)
			return err_set(err, ERR_USAGE,
					"a key of the path is not UTF-8 or longer than %d bytes",
					EDIT_KEY_MAX);
	}
	if (value && !span_is_utf8(span_of(value)))
		return err_set(err, ERR_USAGE, "the value is not UTF-8");
	return 0;
}

/* ---- all changes of a text ---- */

/* Edits of one text. Their changes are gathered, brought into order and made at once. */
struct batch {
	struct span text; /* without BOM */
	size_t max;
	bool must_exist; /* nothing is created */
	json_t *documents;
	struct change *changes;
	size_t count;
};

static int by_place(const void *a, const void *b)
{
	const struct change *one = a, *other = b;

	return (one->from > other->from) - (one->from < other->from);
}

/* The changes of one edit are in order, and none has an empty place in common with another edit's. */
static int sort(struct batch *batch, struct err *err)
{
	if (batch->must_exist)
		qsort(batch->changes, batch->count, sizeof(*batch->changes), by_place);
	for (size_t i = 1; i < batch->count; i++)
		if (batch->changes[i].from < batch->changes[i - 1].to)
			return err_set(err, ERR_USAGE, "two edits of one place");
	return 0;
}

static void apply(const struct batch *batch, struct buf *text)
{
	size_t done = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct change *change = &batch->changes[i];
		buf_add(text, batch->text.ptr + done, change->from - done);
		buf_add_span(text, buf_span(&change->text));
		done = change->to;
	}
	buf_add_span(text, span_from(batch->text, done));
}

static int check_result(const struct buf *text, size_t max, const json_t *meant, struct err *err)
{
	auto_json json_t *got = NULL;
	struct err why = ERR_NONE;

	if (buf_check(text, "the edited YAML", err) < 0)
		return -1;
	if (yaml_read_all(buf_span(text), max, &got, &why) < 0)
		return err_set(err, why.kind == ERR_LIMIT ? ERR_LIMIT : ERR_BUG,
				"the edited text does not read: %s", why.text);
	if (!json_equal(got, meant))
		return err_set(err, ERR_BUG,
				"the edit would have changed something else; edit the file by hand");
	return 0;
}

static int change(struct edit *edit, const char *value, bool must_exist, struct err *err)
{
	if (find(edit, err) < 0)
		return -1;
	if (must_exist && edit->found < edit->steps)
		return edit_refuse(edit, ERR_NOT_FOUND, edit->found, "is not there", err);
	return value ? edit_set(edit, value, err) : edit_remove(edit, err);
}

static int add_edit(
		struct batch *batch, const struct node *stream, const struct yaml_set *set, struct err *err)
{
	struct edit e = { .text = batch->text,
		.max = batch->max,
		.document = set->document,
		.path = set->path,
		.steps = set->steps,
		.deeper = 2 };

	if (check_steps(&e, set->value, err) < 0)
		return -1;
	if (set->document >= stream->count)
		return err_set(err, ERR_NOT_FOUND, "no document number %zu; the text has %zu",
				set->document + 1, stream->count);
	e.node = stream->kids[set->document];
	int status = change(&e, set->value, batch->must_exist, err);
	/* the batch has room for these, and lets go of them */
	for (size_t i = 0; i < e.count; i++)
		batch->changes[batch->count++] = e.changes[i];
	if (status < 0)
		return -1;
	json_t *document = json_array_get(batch->documents, set->document);
	if (set->value)
		mean_set(document, &e, set->value);
	else
		mean_remove(document, &e);
	return 0;
}

static int run(struct batch *batch, const struct yaml_set *sets, size_t count, struct buf *out,
		struct err *err)
{
	auto_node struct node *stream = NULL;
	auto_buf struct buf text = BUF_MAX(batch->max);

	if (yaml_read_all(batch->text, batch->max, &batch->documents, err) < 0)
		return -1;
	if (span_starts(batch->text, BOM)) {
		buf_puts(&text, BOM);
		batch->text = span_from(batch->text, strlen(BOM));
	}
	if (check_lines(batch->text, err) < 0 || node_stream(batch->text, &stream, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (add_edit(batch, stream, &sets[i], err) < 0)
			return -1;
	if (sort(batch, err) < 0)
		return -1;
	apply(batch, &text);
	if (check_result(&text, batch->max, batch->documents, err) < 0)
		return -1;
	buf_add_span(out, buf_span(&text));
	return buf_check(out, "the edited YAML", err);
}

static int edit(struct batch *batch, const struct yaml_set *sets, size_t count, struct buf *out,
		struct err *err)
{
	batch->changes = xcalloc(count * EDIT_CHANGES + 1, sizeof(*batch->changes));
	int status = run(batch, sets, count, out, err);

	for (size_t i = 0; i < batch->count; i++)
		buf_clear(&batch->changes[i].text);
	free(batch->changes);
	json_decref(batch->documents);
	return status;
}

int yamledit_set(struct span text, size_t max, size_t document, const struct yaml_step *path, size_t steps,
		const char *value, struct buf *out, struct err *err)
{
	const struct yaml_set set = { document, path, steps, value };
	struct batch batch = { .text = text, .max = max };

	return edit(&batch, &set, 1, out, err);
}

int yamledit_set_all(struct span text, size_t max, const struct yaml_set *sets, size_t count, struct buf *out,
		struct err *err)
{
	struct batch batch = { .text = text, .max = max, .must_exist = true };

	return edit(&batch, sets, count, out, err);
}

int yamledit_remove(struct span text, size_t max, size_t document, const struct yaml_step *path, size_t steps,
		struct buf *out, struct err *err)
{
	const struct yaml_set set = { document, path, steps, NULL };
	struct batch batch = { .text = text, .max = max };

	return edit(&batch, &set, 1, out, err);
}
