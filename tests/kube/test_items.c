/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/items.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static int collect(void *ctx, struct span text, struct err *err)
{
	json_t *item = NULL;

	if (json_read(text, ITEMS_ITEM_MAX, &item, err) < 0)
		return -1;
	json_array_append_new(ctx, item);
	return 0;
}

/* Feeds the text in two pieces cut at `cut`; 0 and the items on success. */
static int split(const char *text, size_t cut, json_t *found, struct items *items, struct err *err)
{
	const struct items_handler handler = { .ctx = found, .item = collect };
	size_t len = strlen(text);

	items_init(items, &handler);
	if (items_feed(items, span_new(text, cut), err) < 0 ||
			items_feed(items, span_new(text + cut, len - cut), err) < 0)
		return -1;
	return items_done(items, err);
}

#define LIST                                                                                                \
	" {\"kind\":\"PodList\",\"note\":\"items\",\"metadata\":{\"items\":[1],\"resourceVersion\":\"12\"," \
	"\"continue\":\"c\\\"]}\",\"remainingItemCount\":7},\n\"items\" : [ "                               \
	"{\"a\":\"}]\\\"\",\"items\":[{}]} ,\n"                                                             \
	"{\"b\":[[{}],2]},{}],\"apiVersion\":\"v1\"}\n"

static void hands_over_every_item_wherever_the_stream_is_cut(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= strlen(LIST); cut++) {
		struct err err = ERR_NONE;
		auto_json json_t *found = json_array();
		auto_items struct items items;
		assert_int_equal(split(LIST, cut, found, &items, &err), 0);
		auto_free char *text = json_text(found, false);
		assert_string_equal(text, "[{\"a\":\"}]\\\"\",\"items\":[{}]},{\"b\":[[{}],2]},{}]");
		assert_int_equal(items.count, 3);
		assert_string_equal(items_resource_version(&items), "12");
		assert_string_equal(items_continue(&items), "c\"]}");
		assert_int_equal(items_remaining(&items), 7);
		assert_string_equal(json_text_at(items_envelope(&items), "apiVersion", NULL), "v1");
		assert_string_equal(json_text_at(items_envelope(&items), "kind", NULL), "PodList");
	}
}

static void refuses_a_list_cut_short_at_every_byte(void **state)
{
	size_t whole = strlen(LIST) - 1; /* without the newline */

	(void)state;
	for (size_t len = 0; len < whole; len++) {
		struct err err = ERR_NONE;
		auto_free char *text = xmemdup0(LIST, len);
		auto_json json_t *found = json_array();
		auto_items struct items items;
		assert_int_equal(split(text, len / 2, found, &items, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void delivers_what_is_no_list_whole(void **state)
{
	const char *status = "{\"kind\":\"Status\",\"code\":410,\"metadata\":{}}";
	auto_json json_t *found = json_array();
	auto_items struct items items;

	(void)state;
	assert_int_equal(split(status, 9, found, &items, NULL), 0);
	assert_int_equal(json_array_size(found), 0);
	assert_int_equal(json_integer_value(json_at(items_envelope(&items), "code", NULL)), 410);
	assert_string_equal(items_resource_version(&items), "");
	assert_int_equal(items_remaining(&items), -1);
}

static void reads_lists_without_items(void **state)
{
	static const char *const texts[] = { "{\"items\":[],\"metadata\":{}}", "{\"items\":null}",
		"{\"items\" : [ ]}", "{\"items\":{\"a\":1}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_json json_t *found = json_array();
		auto_items struct items items;
		assert_int_equal(split(texts[i], 3, found, &items, NULL), 0);
		assert_int_equal(items.count, 0);
	}
}

static void refuses_what_is_not_a_list_of_objects(void **state)
{
	static const char *const texts[] = { "{\"items\":[{},]}", "{\"items\":[,{}]}", "{\"items\":[{}{}]}",
		"{\"items\":[{},,{}]}", "{\"items\":[1]}", "{\"items\":[[]]}", "{\"items\":[\"a\"]}",
		"{\"items\":[null]}", "{\"items\":[{]}]}", "{\"items\":[{}],\"items\":[{}]}",
		"{\"it\\u0065ms\":[{}]}", "[\"items\",[{}]", "{\"items\":[{\"a\":1,\"a\":2}]}",
		"{\"items\":[{}]}}", "{\"items\":[{}]} x", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err err = ERR_NONE;
		auto_json json_t *found = json_array();
		auto_items struct items items;
		if (split(texts[i], strlen(texts[i]) / 2, found, &items, &err) == 0)
			fail_msg("accepted: %s", texts[i]);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static int feed_many(struct items *items, const char *piece, size_t times, struct err *err)
{
	for (size_t i = 0; i < times; i++)
		if (items_feed(items, span_of(piece), err) < 0)
			return -1;
	return 0;
}

static void bounds_an_item_and_the_envelope(void **state)
{
	static const struct items_handler handler = { .item = collect };
	auto_free char *piece = xmemdup0(NULL, 0);
	struct err err = ERR_NONE;
	auto_items struct items items;

	(void)state;
	piece = xrealloc(piece, 65537);
	memset(piece, 'x', 65536);
	piece[65536] = '\0';
	items_init(&items, &handler);
	assert_int_equal(items_feed(&items, SPAN_LIT("{\"items\":[{\"a\":\""), &err), 0);
	assert_int_equal(feed_many(&items, piece, ITEMS_ITEM_MAX / 65536 + 1, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	items_clear(&items);
	items_init(&items, &handler);
	assert_int_equal(items_feed(&items, SPAN_LIT("{\"metadata\":\""), &err), 0);
	assert_int_equal(feed_many(&items, piece, ITEMS_ENVELOPE_MAX / 65536 + 1, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static int refuse(void *ctx, struct span text, struct err *err)
{
	(void)ctx;
	(void)text;
	return err_set(err, ERR_DENIED, "enough");
}

static void ends_with_the_error_of_the_callback(void **state)
{
	static const struct items_handler handler = { .item = refuse };
	struct err err = ERR_NONE;
	auto_items struct items items;

	(void)state;
	items_init(&items, &handler);
	assert_int_equal(items_feed(&items, SPAN_LIT("{\"items\":[{}]}"), &err), -1);
	assert_string_equal(err.text, "enough");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_over_every_item_wherever_the_stream_is_cut),
		cmocka_unit_test(refuses_a_list_cut_short_at_every_byte),
		cmocka_unit_test(delivers_what_is_no_list_whole),
		cmocka_unit_test(reads_lists_without_items),
		cmocka_unit_test(refuses_what_is_not_a_list_of_objects),
		cmocka_unit_test(bounds_an_item_and_the_envelope),
		cmocka_unit_test(ends_with_the_error_of_the_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
