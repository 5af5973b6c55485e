/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void refuses_what_is_no_url_of_ours(void **state)
{
	static const char *const cases[] = { "", "h", "http", "http:", "http:/", "http://", "https:///x",
		"ftp://h/", "HTTP://h/", "//h/", "/path", "http://h:0/", "http://h:65536/", "http://h:/",
		"http://h:x/", "http://h:080/", "http://h:1:2/", "http://u@h/", "http://u:p@h/",
		"http://h/#f", "http://h/?a#f", "http://h#", "http://h /", "http://h/a b", "http://h/?a b",
		"http://h/%", "http://h/%4", "http://h/%zz", "http://h/?%4", "http://h\n/",
		"http://h/\r\nX: y", "http://h/\x80", "http://h\xc3\xa4/", "http://h%41/", "http://[::1/",
		"http://::1/", "http://[]/", "http://[1.2.3.4]/", "http://[::1]x/",
		"http://[fe80::1%25eth0]/", "http://h\\x/", "http://h/\"", "http://h/<>", "http://h?a=[" };
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		struct url url;
		if (url_parse(span_of(cases[i]), &url, &err) == 0 || err.kind != ERR_FORMAT)
			fail_msg("'%s': %s", cases[i], err.text);
	}
}

static void refuses_nul_bytes_and_what_is_too_long(void **state)
{
	static char text[URL_MAX + 1] = "http://h/";
	struct err err = ERR_NONE;
	struct url url;
	(void)state;

	assert_int_equal(url_parse(SPAN_LIT("http://h\0/"), &url, &err), -1);
	assert_int_equal(url_parse(SPAN_LIT("http://h/\0"), &url, &err), -1);
	assert_int_equal(url_parse(SPAN_LIT("http://[::1\0]/"), &url, &err), -1);
	memset(text + 9, 'a', sizeof(text) - 9);
	assert_int_equal(url_parse(span_new(text, URL_MAX), &url, &err), 0);
	assert_int_equal(url_parse(span_new(text, URL_MAX + 1), &url, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(url_parse(span_new("http://", 7), &url, &err), -1);
	memcpy(text, "http://a", 8);
	memset(text + 8, 'a', 300);
	assert_int_equal(url_parse(span_new(text, 7 + 253), &url, &err), 0);
	assert_int_equal(url_parse(span_new(text, 7 + 254), &url, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void takes_a_url_apart_and_puts_it_together(void **state)
{
	static const struct {
		const char *text;
		bool tls;
		const char *host;
		unsigned port;
		const char *path;
		const char *query;
		const char *again; /* NULL: as text */
	} cases[] = {
		{ "http://h", false, "h", 80, "", "", NULL },
		{ "https://h", true, "h", 443, "", "", NULL },
		{ "https://h:443/", true, "h", 443, "/", "", "https://h/" },
		{ "http://h:443/", false, "h", 443, "/", "", NULL },
		{ "https://kubernetes.default.svc:6443/api/v1/pods?limit=500&continue=a%3D", true,
				"kubernetes.default.svc", 6443, "/api/v1/pods", "limit=500&continue=a%3D",
				NULL },
		{ "https://[fd00::1]:6443/x", true, "fd00::1", 6443, "/x", "", NULL },
		{ "http://[::1]", false, "::1", 80, "", "", NULL },
		{ "http://10.0.0.1:8080?a=/?b", false, "10.0.0.1", 8080, "", "a=/?b", NULL },
		{ "http://a_b-c.d/%7e;x=(1),*!$&'+:@", false, "a_b-c.d", 80, "/%7e;x=(1),*!$&'+:@", "",
				NULL },
		{ "http://h/?", false, "h", 80, "/", "", "http://h/" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(URL_MAX);
		struct err err = ERR_NONE;
		struct url url;
		if (url_parse(span_of(cases[i].text), &url, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_int_equal(url.tls, cases[i].tls);
		assert_true(span_is(url.host, cases[i].host));
		assert_int_equal(url.port, cases[i].port);
		assert_true(span_is(url.path, cases[i].path));
		assert_true(span_is(url.query, cases[i].query));
		url_format(&url, &out);
		assert_string_equal(buf_text(&out), cases[i].again ? cases[i].again : cases[i].text);
	}
}

static void joins_with_one_slash(void **state)
{
	static const char *const cases[][3] = {
		{ "https://h", "a", "https://h/a" },
		{ "https://h/", "/a", "https://h/a" },
		{ "https://h//", "a/b", "https://h/a/b" },
		{ "https://h/p", "/a", "https://h/p/a" },
		{ "https://h", "", "https://h/" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(URL_MAX);
		url_join(&out, cases[i][0], cases[i][1]);
		assert_string_equal(buf_text(&out), cases[i][2]);
	}
}

static void encodes_and_decodes(void **state)
{
	auto_buf struct buf out = BUF_MAX(1000), back = BUF_MAX(1000);
	struct err err = ERR_NONE;
	(void)state;

	buf_puts(&out, "http://h/");
	url_add_query(&out, "labelSelector", SPAN_LIT("a in (b,c),d=\xc3\xa4"));
	url_add_query(&out, "x y", SPAN_LIT("~-._+"));
	assert_string_equal(buf_text(&out),
			"http://h/?labelSelector=a%20in%20%28b%2Cc%29%2Cd%3D%C3%A4&x%20y=~-._%2B");
	assert_int_equal(url_decode(&back, SPAN_LIT("a%20in+%28"), true, &err), 0);
	assert_string_equal(buf_text(&back), "a in (");
	buf_reset(&back);
	assert_int_equal(url_decode(&back, SPAN_LIT("a+b%2b"), false, &err), 0);
	assert_string_equal(buf_text(&back), "a+b+");
}

static void refuses_broken_escapes(void **state)
{
	static const char *const cases[] = { "%", "%4", "a%", "a%g0", "%0g", "%00", "a%00b", "%%41" };
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(100);
		struct err err = ERR_NONE;
		if (url_decode(&out, span_of(cases[i]), true, &err) == 0 || err.kind != ERR_FORMAT)
			fail_msg("%s", cases[i]);
	}
	auto_buf struct buf small = BUF_MAX(2);
	struct err err = ERR_NONE;
	assert_int_equal(url_decode(&small, SPAN_LIT("abc"), true, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void resolves_references(void **state)
{
	static const struct {
		const char *reference;
		const char *expected; /* NULL: refused */
	} cases[] = {
		{ "https://other/x?y", "https://other/x?y" },
		{ "//other:5000/x", "https://other:5000/x" },
		{ "/x/y?z=1", "https://h:8443/x/y?z=1" },
		{ "?z=1", "https://h:8443/a/b?z=1" },
		{ "c/d:e", "https://h:8443/a/c/d:e" },
		{ "c?u=http://x/", "https://h:8443/a/c?u=http://x/" },
		{ "/x#part", "https://h:8443/x" },
		{ "", "https://h:8443/a/" },
		{ "ftp://h/", NULL },
		{ "c:d", NULL },
		{ "https://u@h/", NULL },
		{ "https://", NULL },
		{ "/a b", NULL },
		{ "/%zz", NULL },
	};
	struct url base;
	(void)state;

	assert_int_equal(url_parse(SPAN_LIT("https://h:8443/a/b?q"), &base, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(URL_MAX);
		struct err err = ERR_NONE;
		if ((url_resolve(&base, span_of(cases[i].reference), &out, &err) < 0) != !cases[i].expected)
			fail_msg("'%s': %s", cases[i].reference, err.text);
		if (cases[i].expected)
			assert_string_equal(buf_text(&out), cases[i].expected);
	}
}

static void compares_origins(void **state)
{
	static const struct {
		const char *url;
		bool same;
	} cases[] = {
		{ "https://h.example/x", true },
		{ "https://H.Example:443/y?z", true },
		{ "http://h.example/x", false },
		{ "http://h.example:443/x", false },
		{ "https://h.example:444/x", false },
		{ "https://h.example.org/x", false },
		{ "https://xh.example/x", false },
	};
	struct url base, url;
	(void)state;

	assert_int_equal(url_parse(SPAN_LIT("https://h.example/"), &base, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(url_parse(span_of(cases[i].url), &url, NULL), 0);
		if (url_same_origin(&base, &url) != cases[i].same)
			fail_msg("%s", cases[i].url);
	}
}

static void knows_this_machine(void **state)
{
	static const char *const here[] = { "http://localhost/", "https://LOCALHOST:5000",
		"http://x.localhost/", "http://127.0.0.1/", "http://127.255.3.4/", "http://[::1]:5000/" };
	static const char *const elsewhere[] = { "http://localhost.example/", "http://xlocalhost/",
		"http://128.0.0.1/", "http://127.0.0.1.example/", "http://[::2]/", "http://10.0.0.1/",
		"http://127.1.example/" };
	struct url url;
	(void)state;

	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		assert_int_equal(url_parse(span_of(here[i]), &url, NULL), 0);
		if (!url_is_loopback(&url))
			fail_msg("%s", here[i]);
	}
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		assert_int_equal(url_parse(span_of(elsewhere[i]), &url, NULL), 0);
		if (url_is_loopback(&url))
			fail_msg("%s", elsewhere[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_url_of_ours),
		cmocka_unit_test(refuses_nul_bytes_and_what_is_too_long),
		cmocka_unit_test(refuses_broken_escapes),
		cmocka_unit_test(takes_a_url_apart_and_puts_it_together),
		cmocka_unit_test(joins_with_one_slash),
		cmocka_unit_test(encodes_and_decodes),
		cmocka_unit_test(resolves_references),
		cmocka_unit_test(compares_origins),
		cmocka_unit_test(knows_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
