/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "kbs/offline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static struct kbs_uri uri_of(const char *text)
{
	struct kbs_uri uri;

	assert_int_equal(kbs_uri_parse(span_of(text), &uri, NULL), 0);
	return uri;
}

static void reads_back_the_set_that_it_makes(void **state)
{
	auto_offline struct offline set = OFFLINE_NONE, back = OFFLINE_NONE;
	auto_secret struct secret text = SECRET_NONE;

	(void)state;
	assert_int_equal(offline_generate(OFFLINE_KEYS_MAX, &set, NULL), 0);
	assert_int_equal(offline_format(&set, &text, NULL), 0);
	assert_int_equal(offline_parse(secret_span(&text), &back, NULL), 0);
	assert_int_equal(back.count, OFFLINE_KEYS_MAX);
	for (size_t i = 0; i < back.count; i++) {
		assert_string_equal(back.items[i].path, set.items[i].path);
		assert_int_equal(back.items[i].bytes.len, OFFLINE_KEK);
		assert_true(secret_is(&back.items[i].bytes, secret_span(&set.items[i].bytes)));
		if (i)
			assert_false(secret_is(&back.items[i].bytes, secret_span(&back.items[i - 1].bytes)));
	}
	assert_int_equal(offline_generate(OFFLINE_KEYS_MAX + 1, &set, NULL), -1);
}

static void finds_a_key_by_its_path_alone(void **state)
{
	auto_offline struct offline set = OFFLINE_NONE;

	(void)state;
	assert_int_equal(offline_parse(SPAN_LIT(" {\"default/key/key_id1\":\"aGk=\",\"a/b/\xd0\xba\":\"\"} "),
					 &set, NULL),
			0);
	struct kbs_uri uri = uri_of("kbs+x://host:1/default/key/key_id1?q");
	assert_non_null(offline_find(&set, &uri));
	assert_true(secret_is(offline_find(&set, &uri), SPAN_LIT("hi")));
	uri = uri_of("kbs:///a/b/\xd0\xba");
	assert_non_null(offline_find(&set, &uri));
	uri = uri_of("kbs:///default/key/key_id2");
	assert_null(offline_find(&set, &uri));
}

static void refuses_a_set_that_is_none(void **state)
{
	static const char *const cases[] = { "", "[]", "{\"a/b/c\":1}", "{\"a/b/c\":null}",
		"{\"a/b/c\":\"*\"}", "{\"a/b/c\":\"aGk\"}", "{\"a/b/c\":\"aGk=\\n\"}",
		"{\"a/b/c\":\"aGk=\",\"a/b/c\":\"aGk=\"}", "{\"a/b/c\":\"aGk=\",\"a/b/\\u0063\":\"aGk=\"}",
		"{\"\":\"aGk=\"}", "{\"a/../c\":\"aGk=\"}", "{\"/a/b/c\":\"aGk=\"}", "{\"a/b/c\":\"aGk=\"",
		"{\"a/b/c\\u0000d\":\"aGk=\"}", "{\"a/b/c?d\":\"aGk=\"}", "{\"a/b/c#d\":\"aGk=\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_offline struct offline set = OFFLINE_NONE;
		struct err err = ERR_NONE;
		if (offline_parse(span_of(cases[i]), &set, &err) == 0)
			fail_msg("%s was taken", cases[i]);
		/* values are secrets */
		assert_null(strstr(err.text, "aGk"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_the_set_that_it_makes),
		cmocka_unit_test(finds_a_key_by_its_path_alone),
		cmocka_unit_test(refuses_a_set_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
