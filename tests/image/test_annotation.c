/* SPDX-License-Identifier: Apache-2.0 */
#include "image/annotation.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "image/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define KEYS ANNOTATION_KEYS
#define PUBLIC                                                                                               \
	"eyJjaXBoZXIiOiJBRVNfMjU2X0NUUl9ITUFDX1NIQTI1NiIsImhtYWMiOiJnNGhILzlhMHhpMmdLL0g1THd4ODl6OXRSb1Z1el" \
	"NS"                                                                                                 \
	"TURQckdTSlI3SVlJPSIsImNpcGhlcm9wdGlvbnMiOnt9fQ=="
/* ---- the walk -------------------------------------------------------------------------------------------- */

/* One line for each element: "scheme 0 bytes" */
static int note(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	(void)err;
	buf_printf(ctx, "%s %zu %.*s\n", scheme, index, SPAN_ARG(element));
	return 0;
}

static int stop_at_second(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	(void)scheme, (void)index, (void)element;
	return ++*(int *)ctx == 2 ? err_set(err, ERR_DENIED, "enough") : 0;
}

static void walks_all_elements_in_the_order_of_the_annotations(void **state)
{
	auto_buf struct buf seen = BUF_MAX(4096);
	auto_json json_t *given = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "before", "x", KEYS "provider.b",
			"YQ==,Yg==", ANNOTATION_PUBLIC, "!", KEYS "jwe", "Yw==", KEYS "empty", "", "after",
			"y");

	(void)state;
	assert_int_equal(annotation_walk(given, note, &seen, NULL), 0);
	assert_string_equal(buf_text(&seen), "provider.b 0 a\nprovider.b 1 b\njwe 0 c\n");
	buf_reset(&seen);
	assert_int_equal(annotation_walk(NULL, note, &seen, NULL), 0);
	assert_int_equal(seen.len, 0);
}

static void one_bad_element_is_its_own_failure(void **state)
{
	auto_buf struct buf seen = BUF_MAX(4096);
	auto_json json_t *given = json_pack(
			"{s:s}", KEYS "jwe", "YQ==,,Y,Yh==,Y g==,Yg\r\n==\n,Yw,Y-==,\xc3\xa4,ZA==,");

	(void)state;
	assert_int_equal(annotation_walk(given, note, &seen, NULL), 0);
	assert_string_equal(buf_text(&seen),
			"jwe 0 a\njwe 1 \njwe 2 \njwe 3 \njwe 4 \njwe 5 b\njwe 6 \njwe 7 \njwe 8 "
			"\njwe 9 d\njwe 10 \n");
}

static void the_callback_ends_the_walk(void **state)
{
	auto_json json_t *given = json_pack("{s:s,s:s}", KEYS "a", "YQ==,YQ==,YQ==", KEYS "b", "YQ==");
	struct err err = ERR_NONE;
	int count = 0;

	(void)state;
	assert_int_equal(annotation_walk(given, stop_at_second, &count, &err), -1);
	assert_int_equal(count, 2);
	assert_string_equal(err.text, "enough");
}

static void refuses_annotations_that_cannot_be(void **state)
{
	char scheme[sizeof(KEYS) + WRAP_SCHEME_MAX];
	auto_buf struct buf seen = BUF_MAX(4096);

	(void)state;
	memset(scheme, 'x', sizeof(scheme));
	memcpy(scheme, KEYS, sizeof(KEYS) - 1);
	scheme[sizeof(scheme) - 1] = '\0';
	auto_json json_t *cases = json_pack("[{s:n},{s:i},{s:[s]},{s:{}},{s:s},{s:s}]", KEYS "jwe",
			KEYS "jwe", 1, KEYS "jwe", "YQ==", KEYS "jwe", KEYS "", "YQ==", scheme, "YQ==");
	json_t *item;
	size_t i;
	json_array_foreach (cases, i, item) {
		struct err err = ERR_NONE;
		assert_int_equal(annotation_walk(item, note, &seen, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	/* one less is a scheme */
	scheme[sizeof(scheme) - 2] = '\0';
	auto_json json_t *longest = json_pack("{s:s}", scheme, "YQ==");
	assert_int_equal(annotation_walk(longest, note, &seen, NULL), 0);
}

static json_t *many(size_t count, const char *element)
{
	auto_buf struct buf value = BUF_MAX(1 << 20);

	for (size_t i = 0; i < count; i++)
		buf_printf(&value, "%s%s", i ? "," : "", element);
	return json_pack("{s:s#}", KEYS "jwe", buf_text(&value), (int)value.len);
}

static int count_one(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	(void)scheme, (void)index, (void)element, (void)err;
	++*(size_t *)ctx;
	return 0;
}

static void takes_a_thousand_recipients_and_not_any_number(void **state)
{
	auto_json json_t *thousand = many(1000, "YQ=="), *most = many(ANNOTATION_ELEMENTS_MAX, "YQ=="),
			 *more = many(ANNOTATION_ELEMENTS_MAX + 1, "YQ==");
	struct err err = ERR_NONE;
	size_t count = 0;

	(void)state;
	assert_int_equal(annotation_walk(thousand, count_one, &count, NULL), 0);
	assert_int_equal(count, 1000);
	assert_int_equal(annotation_walk(most, count_one, &count, NULL), 0);
	assert_int_equal(annotation_walk(more, count_one, &count, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(annotation_add(thousand, "jwe", SPAN_LIT("b"), NULL), 0);
	assert_int_equal(annotation_add(most, "other", SPAN_LIT("b"), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* ---- changes --------------------------------------------------------------------------------------------- */

static void adds_at_the_end_and_keeps_what_is_foreign(void **state)
{
	auto_json json_t *given = json_pack("{s:s,s:s}", KEYS "provider.x", "b r\r\nk", "mine", "stays");

	(void)state;
	assert_int_equal(annotation_add(given, "jwe", SPAN_LIT("a"), NULL), 0);
	assert_int_equal(annotation_add(given, "jwe", SPAN_LIT("bc"), NULL), 0);
	assert_int_equal(annotation_add(given, "provider.x", SPAN_LIT("d"), NULL), 0);
	assert_string_equal(json_text_at(given, KEYS "jwe", NULL), "YQ==,YmM=");
	/* other elements keep their bytes, even broken ones */
	assert_string_equal(json_text_at(given, KEYS "provider.x", NULL), "b r\r\nk,ZA==");
	assert_string_equal(json_text_at(given, "mine", NULL), "stays");
	assert_int_equal(json_object_size(given), 3);
}

static void refuses_to_add_what_nobody_could_read(void **state)
{
	auto_json json_t *given = json_pack("{s:i}", KEYS "number", 1);
	auto_free char *large = xcalloc(1, WRAP_ELEMENT_MAX + 1);
	char scheme[WRAP_SCHEME_MAX + 1] = "";
	struct err err = ERR_NONE;

	(void)state;
	memset(scheme, 'x', WRAP_SCHEME_MAX);
	assert_int_equal(annotation_add(given, scheme, SPAN_LIT("a"), &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(annotation_add(given, "", SPAN_LIT("a"), &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(annotation_add(given, "a,b", SPAN_LIT("a"), &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(annotation_add(given, "jwe", SPAN_NONE, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(annotation_add(given, "jwe", span_new(large, WRAP_ELEMENT_MAX + 1), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(annotation_add(given, "jwe", span_new(large, WRAP_ELEMENT_MAX), &err), 0);
	assert_int_equal(annotation_add(given, "number", SPAN_LIT("a"), &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

static void removes_one_element_and_with_the_last_the_annotation(void **state)
{
	auto_json json_t *given = json_pack("{s:s,s:s}", KEYS "jwe", "YQ==,b\nroken,Yw==", "mine", "stays");
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(annotation_remove(given, "jwe", 3, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(annotation_remove(given, "pgp", 0, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(annotation_remove(given, "jwe", 2, NULL), 0);
	assert_string_equal(json_text_at(given, KEYS "jwe", NULL), "YQ==,b\nroken");
	assert_int_equal(annotation_remove(given, "jwe", 0, NULL), 0);
	assert_string_equal(json_text_at(given, KEYS "jwe", NULL), "b\nroken");
	assert_int_equal(annotation_remove(given, "jwe", 0, NULL), 0);
	assert_null(json_object_get(given, KEYS "jwe"));
	assert_int_equal(json_object_size(given), 1);
	/* empty elements are elements */
	json_object_set_new(given, KEYS "jwe", json_string(",!,,YQ==,"));
	assert_int_equal(annotation_remove(given, "jwe", 3, NULL), 0);
	assert_string_equal(json_text_at(given, KEYS "jwe", NULL), ",!,,");
	assert_int_equal(annotation_remove(given, "jwe", 1, NULL), 0);
	assert_string_equal(json_text_at(given, KEYS "jwe", NULL), ",,");
}

static void strips_what_encryption_wrote_and_nothing_else(void **state)
{
	auto_json json_t *given = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", KEYS "jwe", "a", "mine", "b",
			ANNOTATION_PUBLIC, "c", "org.opencontainers.image.encoding", "d",
			ANNOTATION_PREFIX "future", "e", "org.opencontainers.image.enc", "f");

	(void)state;
	annotation_strip(given);
	assert_int_equal(json_object_size(given), 3);
	assert_string_equal(json_text_at(given, "mine", NULL), "b");
	assert_string_equal(json_text_at(given, "org.opencontainers.image.encoding", NULL), "d");
	assert_string_equal(json_text_at(given, "org.opencontainers.image.enc", NULL), "f");
}

static void sets_and_gets_the_public_options_as_ocicrypt_writes_them(void **state)
{
	auto_json json_t *given = json_object();
	struct public_options options, again;

	(void)state;
	json_object_set_new(given, ANNOTATION_PUBLIC, json_string(PUBLIC));
	assert_int_equal(annotation_get_public(given, &options, NULL), 0);
	assert_memory_equal(options.mac, "\x83\x88\x47\xff\xd6\xb4", 6);
	json_object_clear(given);
	assert_int_equal(annotation_set_public(given, &options, NULL), 0);
	assert_string_equal(json_text_at(given, ANNOTATION_PUBLIC, NULL), PUBLIC);
	assert_int_equal(annotation_get_public(given, &again, NULL), 0);
	assert_memory_equal(&options, &again, sizeof(options));
}

static void refuses_public_options_that_are_missing_or_broken(void **state)
{
	auto_buf struct buf large = BUF_MAX(1 << 20);
	(void)state;
	while (large.len <= 2 * OPTIONS_MAX)
		buf_puts(&large, "AAAA");
	auto_json json_t *cases = json_pack("[{},{s:n},{s:i},{s:s},{s:s},{s:s},{s:s}]", ANNOTATION_PUBLIC,
			ANNOTATION_PUBLIC, 1, ANNOTATION_PUBLIC, "", ANNOTATION_PUBLIC, "!!!!",
			ANNOTATION_PUBLIC, "e30=", ANNOTATION_PUBLIC, buf_text(&large));
	json_t *item;
	size_t i;

	json_array_foreach (cases, i, item) {
		struct public_options options;
		struct err err = ERR_NONE;
		assert_int_equal(annotation_get_public(item, &options, &err), -1);
		assert_int_equal(err.kind, i == 6 ? ERR_LIMIT : ERR_FORMAT);
		assert_non_null(strstr(err.text, ANNOTATION_PUBLIC));
	}
	assert_int_equal(annotation_get_public(NULL, &(struct public_options){ .has_nonce = false }, NULL),
			-1);
}

/* ---- opening --------------------------------------------------------------------------------------------- */

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_all_elements_in_the_order_of_the_annotations),
		cmocka_unit_test(one_bad_element_is_its_own_failure),
		cmocka_unit_test(the_callback_ends_the_walk),
		cmocka_unit_test(refuses_annotations_that_cannot_be),
		cmocka_unit_test(takes_a_thousand_recipients_and_not_any_number),
		cmocka_unit_test(adds_at_the_end_and_keeps_what_is_foreign),
		cmocka_unit_test(refuses_to_add_what_nobody_could_read),
		cmocka_unit_test(removes_one_element_and_with_the_last_the_annotation),
		cmocka_unit_test(strips_what_encryption_wrote_and_nothing_else),
		cmocka_unit_test(sets_and_gets_the_public_options_as_ocicrypt_writes_them),
		cmocka_unit_test(refuses_public_options_that_are_missing_or_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
