/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "kbs/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static void reads_the_forms_that_guests_read(void **state)
{
	static const struct {
		const char *text, *plugin, *address, *path, *query;
	} cases[] = {
		{ "kbs:///a/b/c", "resource", "", "a/b/c", "" },
		{ "KBS:///a/b/c", "resource", "", "a/b/c", "" },
		{ "kbs+resource:///a/b/c", "resource", "", "a/b/c", "" },
		{ "kbs+pkcs11:///b/c/d", "pkcs11", "", "b/c/d", "" },
		{ "kbs+my.Plug-1://h/b", "my.plug-1", "h", "b", "" },
		{ "kbs://h:8080/a/b/c?x=1#f", "resource", "h:8080", "a/b/c", "x=1" },
		{ "kbs://[::1]:8080/a/b/c", "resource", "[::1]:8080", "a/b/c", "" },
		{ "kbs:///a b/c/d", "resource", "", "a%20b/c/d", "" },
		{ "kbs:///a/b/c%2fd", "resource", "", "a/b/c%2fd", "" },
		{ "kbs:///a/b/c=d", "resource", "", "a/b/c=d", "" },
		{ "kbs:///a/b/\xd0\xba", "resource", "", "a/b/%D0%BA", "" },
		{ "kbs:///a", "resource", "", "a", "" },
		{ "kbs:///a/b/...", "resource", "", "a/b/...", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		struct kbs_uri uri;
		if (kbs_uri_parse(span_of(cases[i].text), &uri, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(uri.plugin, cases[i].plugin);
		assert_string_equal(uri.address, cases[i].address);
		assert_string_equal(uri.path, cases[i].path);
		assert_string_equal(uri.query, cases[i].query);
	}
}

static void refuses_what_guests_refuse_or_read_as_something_else(void **state)
{
	static const char *const cases[] = { "", "kbs", "kbs:", "kbs:/a/b/c", "kbs:a/b/c", "kbs://",
		"kbs://h", "kbs://h?x", "kbs:///", "kbs://h/", "kbs:///a/../b", "kbs:///a/./b",
		"kbs:///a/%2e%2E/c", "kbs:///a/.%2e", "kbs:///a//b", "kbs:///a/b/", "kbs+:///a/b",
		"kbs+My_Plug:///a", "kbsx:///a", "/a/b/c", "a/b/c", "http://h/a/b/c", " kbs:///a/b/c",
		"kbs:///a/b/c\n", "kbs:///a\\b", "kbs://u@h/a", "kbs://ho st/a", "kbs:///a\tb",
		"kbs:///\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kbs_uri uri;
		if (kbs_uri_parse(span_of(cases[i]), &uri, NULL) == 0)
			fail_msg("'%s' was taken", cases[i]);
	}
}

static void refuses_a_nul_anywhere(void **state)
{
	static const char good[] = "kbs+pl.ug://h:1/a/b/c?x";

	(void)state;
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		char text[sizeof(good)];
		struct kbs_uri uri;
		memcpy(text, good, sizeof(good));
		text[i] = '\0';
		assert_int_equal(kbs_uri_parse(span_new(text, sizeof(good) - 1), &uri, NULL), -1);
	}
}

static void reads_key_ids_in_their_four_forms(void **state)
{
	static const struct {
		const char *text, *address, *path; /* NULL: refused */
	} cases[] = {
		{ "kbs://a/b/c/d", "a", "b/c/d" },
		{ "kbs:///b/c/d", "", "b/c/d" },
		{ "kbs+pkcs11://a/b/c/d", "a", "b/c/d" },
		{ "kbs+myplugin:///repo/type/tag", "", "repo/type/tag" },
		{ "a/b/c/d", "a", "b/c/d" },
		{ "/b/c/d", "", "b/c/d" },
		{ "plain", NULL, NULL },
		{ "default/key/kek1", NULL, NULL },
		{ "/a/b/c/d", NULL, NULL },
		{ "a/b/c/d/", NULL, NULL },
		{ "", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kbs_uri uri;
		assert_int_equal(kbs_uri_parse_key_id(span_of(cases[i].text), &uri, NULL),
				cases[i].path ? 0 : -1);
		if (!cases[i].path)
			continue;
		assert_string_equal(uri.address, cases[i].address);
		assert_string_equal(uri.path, cases[i].path);
	}
}

static void writes_ids_without_the_address(void **state)
{
	static const char *const cases[][2] = {
		{ "host:1/a/b/c", "kbs:///a/b/c" },
		{ "kbs+pkcs11://h/a/b/c", "kbs+pkcs11:///a/b/c" },
		{ "kbs+resource:///a/b/c", "kbs:///a/b/c" },
		{ "kbs:///a/b/c?x=1", "kbs:///a/b/c?x=1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(256);
		struct kbs_uri uri;
		assert_int_equal(kbs_uri_parse_key_id(span_of(cases[i][0]), &uri, NULL), 0);
		kbs_uri_format(&uri, &out);
		assert_string_equal(buf_text(&out), cases[i][1]);
	}
}

static void says_what_a_broker_cannot_serve(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "kbs:///a/b/c", true },
		{ "kbs:///a_1/b-2/c.3", true },
		{ "kbs+pkcs11:///a/b", true },
		{ "kbs:///a/b", false },
		{ "kbs:///a/b/c/d", false },
		{ "kbs:///a/b/.c", false },
		{ "kbs:///a/b/c=d", false },
		{ "kbs:///a/b/c?x", false },
		{ "kbs:///a/b/%D0", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kbs_uri uri;
		assert_int_equal(kbs_uri_parse(span_of(cases[i].text), &uri, NULL), 0);
		assert_int_equal(kbs_uri_check(&uri, NULL), cases[i].good ? 0 : -1);
	}
}

static void refuses_uris_that_are_too_long(void **state)
{
	char text[KBS_URI_MAX + 1];
	struct err err = ERR_NONE;
	struct kbs_uri uri;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "kbs:///", 7);
	assert_int_equal(kbs_uri_parse(span_new(text, KBS_URI_MAX - 1), &uri, NULL), 0);
	assert_int_equal(kbs_uri_parse(span_new(text, KBS_URI_MAX), &uri, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	/* three times as long when it is encoded */
	memset(text + 7, ' ', 600);
	assert_int_equal(kbs_uri_parse(span_new(text, 700), &uri, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(kbs_uri_parse_key_id(span_new(text + 7, KBS_URI_MAX - 7), &uri, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_forms_that_guests_read),
		cmocka_unit_test(refuses_what_guests_refuse_or_read_as_something_else),
		cmocka_unit_test(refuses_a_nul_anywhere),
		cmocka_unit_test(reads_key_ids_in_their_four_forms),
		cmocka_unit_test(writes_ids_without_the_address),
		cmocka_unit_test(says_what_a_broker_cannot_serve),
		cmocka_unit_test(refuses_uris_that_are_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
