/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/intern.h"

#include "tests/profile/scene.h"

#define MANY 5000

static void keeps_equal_bytes_once(void **state)
{
	struct intern_table table;

	(void)state;
	intern_init(&table);
	struct interned *a = intern_get(&table, span_of("shop"));
	struct interned *b = intern_get(&table, span_of("shop"));
	struct interned *c = intern_get(&table, span_of("shoq"));
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_int_equal(table.count, 2);
	assert_string_equal(a->text, "shop");
	intern_drop(&table, a);
	assert_int_equal(table.count, 2);
	intern_drop(&table, b);
	assert_int_equal(table.count, 1);
	intern_drop(&table, c);
	intern_drop(&table, NULL);
	assert_int_equal(table.count, 0);
	intern_clear(&table);
}

static void takes_any_bytes(void **state)
{
	struct intern_table table;

	(void)state;
	intern_init(&table);
	struct interned *empty = intern_get(&table, SPAN_NONE);
	struct interned *nul = intern_get(&table, span_new("\0", 1));
	struct interned *nuls = intern_get(&table, span_new("\0\0", 2));
	assert_int_equal(empty->len, 0);
	assert_string_equal(empty->text, "");
	assert_int_equal(table.count, 3);
	assert_ptr_equal(intern_get(&table, span_new("\0", 1)), nul);
	intern_drop(&table, nul);
	intern_drop(&table, nul);
	intern_drop(&table, nuls);
	intern_drop(&table, empty);
	intern_clear(&table);
}

static void grows_and_finds_all_again(void **state)
{
	static struct interned *items[MANY];
	struct intern_table table;
	char text[32];

	(void)state;
	intern_init(&table);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "name-%d", i);
		items[i] = intern_get(&table, span_of(text));
	}
	assert_int_equal(table.count, MANY);
	assert_true(table.bucket_count >= MANY);
	for (int i = MANY - 1; i >= 0; i--) {
		snprintf(text, sizeof(text), "name-%d", i);
		assert_ptr_equal(intern_get(&table, span_of(text)), items[i]);
		intern_drop(&table, items[i]);
		intern_drop(&table, items[i]);
	}
	assert_int_equal(table.count, 0);
	intern_clear(&table);
}

static void gives_back_json(void **state)
{
	struct intern_table table;

	(void)state;
	intern_init(&table);
	struct interned *item = intern_get(&table, span_of("{\"a\":\"b\"}"));
	auto_json json_t *value = intern_json(item);
	assert_string_equal(json_text_at(value, "a", NULL), "b");
	assert_null(intern_json(NULL));
	intern_drop(&table, item);
	intern_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_equal_bytes_once),
		cmocka_unit_test(takes_any_bytes),
		cmocka_unit_test(grows_and_finds_all_again),
		cmocka_unit_test(gives_back_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
