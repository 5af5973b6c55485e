/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/items.h"

#include "base/err.h"
#include "codec/json.h"

#include <string.h>

/* Where the next byte is. Only the bytes of items need to be told from the rest; the loader judges all else. */
enum state {
	ENVELOPE,    /* outside the list of items */
	AFTER_KEY,   /* behind the string "items" at depth 1: a colon makes it the key */
	AFTER_COLON, /* behind "items": an array opens the list, anything else is a plain member */
	FIRST_ITEM,  /* behind '[': an item or ']' */
	NEXT_ITEM,   /* behind ',': an item */
	IN_ITEM,
	AFTER_ITEM, /* ',' or ']' */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void items_init(struct items *items, const struct items_handler *handler)
{
	*items = (struct items){ .handler = *handler,
		.envelope_text = BUF_MAX(ITEMS_ENVELOPE_MAX),
		.item = BUF_MAX(ITEMS_ITEM_MAX),
		.state = ENVELOPE };
}

void items_clear(struct items *items)
{
	buf_clear(&items->envelope_text);
	buf_clear(&items->item);
	json_decref(items->envelope);
	items->envelope = NULL;
}

static int keep_envelope(struct items *items, const char *from, const char *to, struct err *err)
{
	buf_add(&items->envelope_text, from, (size_t)(to - from));
	return buf_check(&items->envelope_text, "the answer apart from its items", err);
}

/* One byte inside a string; remembers the text of one at depth 1, where the member names are. */
static void string_byte(struct items *items, char c)
{
	if (items->escaped) {
		items->escaped = false;
	} else if (c == '\\') {
		items->escaped = true;
	} else if (c == '"') {
		items->in_string = false;
		return;
	}
	if (items->key_len < sizeof(items->key))
		items->key[items->key_len++] = c;
}

/* One byte outside strings and items. */
static void envelope_byte(struct items *items, char c)
{
	bool was_key = items->state == AFTER_KEY, was_colon = items->state == AFTER_COLON;

	if ((was_key || was_colon) && is_space(c))
		return;
	items->state = was_key && c == ':' ? AFTER_COLON : ENVELOPE;
	if (c == '"') {
		items->in_string = true;
		items->key_len = 0;
	} else if (c == '{' || c == '[') {
		items->depth++;
		if (was_colon && c == '[')
			items->state = FIRST_ITEM;
	} else if (c == '}' || c == ']') {
		items->depth--;
	}
}

static const char *feed_envelope(struct items *items, const char *at, const char *end, struct err *err)
{
	const char *from = at;

	while (at < end && items->state <= AFTER_COLON) {
		if (!items->in_string) {
			envelope_byte(items, *at++);
			continue;
		}
		string_byte(items, *at++);
		if (!items->in_string && items->depth == 1 && items->key_len == 5 &&
				!memcmp(items->key, "items", 5))
			items->state = AFTER_KEY;
	}
	return keep_envelope(items, from, at, err) < 0 ? NULL : at;
}

/* Between items: white space, commas, the end of the list. The commas are not kept, so the envelope stays JSON. */
static const char *feed_between(struct items *items, const char *at, const char *end, struct err *err)
{
	for (; at < end && is_space(*at); at++)
		;
	if (at == end)
		return at;
	if (*at == ']' && items->state != NEXT_ITEM) {
		items->state = ENVELOPE;
		items->depth--;
		return keep_envelope(items, at, at + 1, err) < 0 ? NULL : at + 1;
	}
	if (*at == ',' && items->state == AFTER_ITEM) {
		items->state = NEXT_ITEM;
		return at + 1;
	}
	if (*at != '{' || items->state == AFTER_ITEM) {
		(void)err_set(err, ERR_FORMAT, "item %zu of the list: not an object where one must be",
				items->count);
		return NULL;
	}
	items->state = IN_ITEM;
	items->depth = 0;
	buf_reset(&items->item);
	return at;
}

/* The end of the item's bytes in at … end: behind its closing bracket, or end. */
static const char *scan_item(struct items *items, const char *at, const char *end)
{
	for (; at < end; at++) {
		if (items->escaped) {
			items->escaped = false;
		} else if (items->in_string) {
			items->escaped = *at == '\\';
			items->in_string = *at != '"';
		} else if (*at == '"') {
			items->in_string = true;
		} else if (*at == '{' || *at == '[') {
			items->depth++;
		} else if ((*at == '}' || *at == ']') && --items->depth == 0) {
			return at + 1;
		}
	}
	return end;
}

static const char *feed_item(struct items *items, const char *at, const char *end, struct err *err)
{
	const char *to = scan_item(items, at, end);
	struct span text = span_new(at, (size_t)(to - at));
	bool complete = !items->depth;

	if (text.len > ITEMS_ITEM_MAX - items->item.len) {
		(void)err_set(err, ERR_LIMIT, "item %zu of the list exceeds %d bytes", items->count,
				ITEMS_ITEM_MAX);
		return NULL;
	}
	/* an item that lies whole in these bytes is not copied */
	if (!complete || items->item.len) {
		buf_add_span(&items->item, text);
		text = buf_span(&items->item);
	}
	if (!complete)
		return to;
	items->state = AFTER_ITEM;
	items->depth = 2;
	if (items->handler.item(items->handler.ctx, text, err) < 0)
		return NULL;
	items->count++;
	return to;
}

int items_feed(struct items *items, struct span bytes, struct err *err)
{
	const char *at = bytes.ptr, *end = bytes.ptr + bytes.len;

	while (bytes.len && at < end) {
		if (items->state <= AFTER_COLON)
			at = feed_envelope(items, at, end, err);
		else if (items->state == IN_ITEM)
			at = feed_item(items, at, end, err);
		else
			at = feed_between(items, at, end, err);
		if (!at)
			return -1;
	}
	return 0;
}

int items_done(struct items *items, struct err *err)
{
	if (items->state > AFTER_COLON)
		return err_set(err, ERR_FORMAT, "the list ended early, after %zu items", items->count);
	if (json_read(buf_span(&items->envelope_text), ITEMS_ENVELOPE_MAX, &items->envelope, err) < 0)
		return err_wrap(err, "the answer apart from its %zu items", items->count);
	/* a name written with escapes would have hidden the list from the splitter */
	if (json_array_size(json_at(items->envelope, "items", NULL)))
		return err_set(err, ERR_FORMAT, "the list's \"items\" are not where they must be");
	return 0;
}

const json_t *items_envelope(const struct items *items)
{
	return items->envelope;
}

static const char *metadata_text(const struct items *items, const char *key)
{
	const char *text = json_text_at(items->envelope, "metadata", key, NULL);

	return text ? text : "";
}

const char *items_resource_version(const struct items *items)
{
	return metadata_text(items, "resourceVersion");
}

const char *items_continue(const struct items *items)
{
	return metadata_text(items, "continue");
}

int64_t items_remaining(const struct items *items)
{
	const json_t *count = json_at(items->envelope, "metadata", "remainingItemCount", NULL);

	return json_is_integer(count) ? json_integer_value(count) : -1;
}
