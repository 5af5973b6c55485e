/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "oci/descriptor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define GOOD "\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\",\"size\":1"

static json_t *must_read(const char *text)
{
	struct err err = ERR_NONE;
	json_t *json = NULL;

	if (json_read(span_of(text), 1 << 20, &json, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return json;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static void reads_a_descriptor(void **state)
{
	(void)state;
	auto_json json_t *json =
			must_read("{\"size\":9007199254740991,\"urls\":[1],\"annotations\":{\"k\":\"v\"},"
				  "\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"},"
				  "\"digest\":\"sha512:" HEX HEX "\",\"mediaType\":\"a.b-c/d+e\"}");
	struct oci_descriptor found;
	struct err err = ERR_NONE;

	if (oci_descriptor_read(json, "x", &found, &err) < 0)
		fail_msg("%s", err.text);
	assert_ptr_equal(found.json, json);
	assert_string_equal(found.media_type, "a.b-c/d+e");
	assert_string_equal(found.digest, "sha512:" HEX HEX);
	assert_true(found.size == OCI_SIZE_MAX);
	assert_string_equal(oci_descriptor_annotation(&found, "k"), "v");
	assert_null(oci_descriptor_annotation(&found, "other"));
	assert_true(oci_platform_fits(found.platform, "linux/arm64"));
}

static void takes_null_for_absent(void **state)
{
	(void)state;
	auto_json json_t *json = must_read("{" GOOD ",\"annotations\":null,\"platform\":null}");
	struct oci_descriptor found;

	assert_int_equal(oci_descriptor_read(json, "x", &found, NULL), 0);
	assert_null(found.annotations);
	assert_null(found.platform);
	assert_null(oci_descriptor_annotation(&found, "k"));
}

static const struct {
	const char *text, *words;
	enum err_kind kind;
} bads[] = {
	{ "[]", "must be an object", ERR_FORMAT },
	{ "{}", "x.mediaType: is missing", ERR_FORMAT },
	{ "{\"mediaType\":\"a/b\",\"size\":1}", "x.digest: is missing", ERR_FORMAT },
	{ "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\"}", "x.size: is missing", ERR_FORMAT },
	{ "{\"mediaType\":1,\"digest\":\"sha256:" HEX "\",\"size\":1}", "must be text", ERR_FORMAT },
	{ "{\"mediaType\":\"\",\"digest\":\"sha256:" HEX "\",\"size\":1}", "no media type", ERR_FORMAT },
	{ "{\"mediaType\":\"ab\",\"digest\":\"sha256:" HEX "\",\"size\":1}", "no media type", ERR_FORMAT },
	{ "{\"mediaType\":\"/b\",\"digest\":\"sha256:" HEX "\",\"size\":1}", "no media type", ERR_FORMAT },
	{ "{\"mediaType\":\"a/\",\"digest\":\"sha256:" HEX "\",\"size\":1}", "no media type", ERR_FORMAT },
	{ "{\"mediaType\":\"a/b/c\",\"digest\":\"sha256:" HEX "\",\"size\":1}", "no media type", ERR_FORMAT },
	{ "{\"mediaType\":\"a/b\\nX: y\",\"digest\":\"sha256:" HEX "\",\"size\":1}", "no media type",
			ERR_FORMAT },
	{ "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\",\"size\":-1}", "x.size", ERR_LIMIT },
	{ "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\",\"size\":9007199254740992}", "x.size",
			ERR_LIMIT },
	{ "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\",\"size\":\"1\"}", "whole number",
			ERR_FORMAT },
	{ "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\",\"size\":1.5}", "whole number", ERR_FORMAT },
	{ "{" GOOD ",\"annotations\":[]}", "x.annotations: must be an object", ERR_FORMAT },
	{ "{" GOOD ",\"annotations\":{\"k\":1}}", "x.annotations: the value of 'k'", ERR_FORMAT },
	{ "{" GOOD ",\"platform\":\"linux\"}", "x.platform: must be an object", ERR_FORMAT },
	{ "{" GOOD ",\"platform\":{\"os\":1}}", "must be text", ERR_FORMAT },
	{ "{" GOOD ",\"platform\":{\"os\":\"linux\",\"OS\":\"windows\"}}", "in its case alone", ERR_FORMAT },
	{ "{" GOOD ",\"Digest\":\"sha256:" HEX "\"}", "'Digest' differs from 'digest'", ERR_FORMAT },
	{ "{" GOOD ",\"\\u017fize\":2}", "differs from 'size'", ERR_FORMAT },
	{ "{" GOOD ",\"ANNOTATIONS\":{}}", "in its case alone", ERR_FORMAT },
};

static void refuses_what_is_no_descriptor(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		auto_json json_t *json = must_read(bads[i].text);
		struct oci_descriptor found = { .size = 77 };
		struct err err = ERR_NONE;
		if (oci_descriptor_read(json, "x", &found, &err) == 0)
			fail_msg("%s was taken", bads[i].text);
		if (err.kind != bads[i].kind || !strstr(err.text, bads[i].words))
			fail_msg("%s: %s", bads[i].text, err.text);
		assert_int_equal(found.size, 77);
	}
}

static void refuses_a_media_type_of_256_bytes(void **state)
{
	(void)state;
	char type[257];

	memset(type, 'a', sizeof(type));
	type[1] = '/';
	for (size_t len = 255; len <= 256; len++) {
		type[len] = '\0';
		auto_free char *text = xasprintf(
				"{\"mediaType\":\"%s\",\"digest\":\"sha256:" HEX "\",\"size\":1}", type);
		auto_json json_t *json = must_read(text);
		struct oci_descriptor found;
		assert_int_equal(oci_descriptor_read(json, "x", &found, NULL), len == 255 ? 0 : -1);
		type[len] = 'a';
	}
}

/* ---- digests ------------------------------------------------------------------------------------------- */

static void knows_digests_by_their_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{ "sha256:" HEX, true },
		{ "sha512:" HEX HEX, true },
		{ "", false },
		{ "sha256", false },
		{ "sha256:", false },
		{ HEX, false },
		{ "sha256:" HEX "0", false },
		{ "sha256:" HEX HEX, false },
		{ "sha512:" HEX, false },
		{ "sha384:" HEX, false },
		{ "SHA256:" HEX, false },
		{ "sha256-" HEX, false },
		{ "sha256:" HEX "\n", false },
		{ "sha256:E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false },
		{ "sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false },
		{ "sha256:../../../../etc/passwd/fc1c149afbf4c8996fb92427ae41e4649b934ca49", false },
		{ "sha256/../../etc/passwd", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (oci_digest_is(rows[i].text) != rows[i].is)
			fail_msg("%s", rows[i].text);
}

static void makes_and_compares_digests(void **state)
{
	(void)state;
	char digest[OCI_DIGEST_MAX];

	oci_digest_of(SPAN_NONE, digest);
	assert_string_equal(digest, "sha256:" HEX);
	assert_true(oci_digest_fits(digest, SPAN_NONE));
	assert_false(oci_digest_fits(digest, SPAN_LIT("x")));
	assert_false(oci_digest_fits("sha256:", SPAN_NONE));
	assert_true(oci_digest_fits(
			"sha512:"
			"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0"
			"ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
			SPAN_NONE));
}

/* ---- changing ------------------------------------------------------------------------------------------ */

static void changes_the_tree_and_the_struct_alike(void **state)
{
	(void)state;
	auto_json json_t *json = must_read("{\"x-first\":1," GOOD ",\"x-last\":[2]}");
	struct oci_descriptor found;

	assert_int_equal(oci_descriptor_read(json, "x", &found, NULL), 0);
	oci_descriptor_set(&found, "c/d", found.digest, 5);
	assert_string_equal(found.media_type, "c/d");
	assert_string_equal(found.digest, "sha256:" HEX);
	assert_int_equal(found.size, 5);
	oci_descriptor_annotate(&found, "gone", NULL);
	oci_descriptor_annotate(&found, "a", "1");
	oci_descriptor_annotate(&found, "b", "2");
	oci_descriptor_annotate(&found, "a", "3");
	auto_free char *text = json_text(json, false);
	assert_string_equal(text,
			"{\"x-first\":1,\"mediaType\":\"c/d\",\"digest\":\"sha256:" HEX
			"\",\"size\":5,\"x-last\":[2],\"annotations\":{\"a\":\"3\",\"b\":\"2\"}}");
	oci_descriptor_annotate(&found, "a", NULL);
	oci_descriptor_annotate(&found, "a", NULL);
	assert_non_null(found.annotations);
	oci_descriptor_annotate(&found, "b", NULL);
	assert_null(found.annotations);
	assert_null(json_object_get(json, "annotations"));
}

/* ---- platforms ----------------------------------------------------------------------------------------- */

static void compares_platforms(void **state)
{
	(void)state;
	static const struct {
		const char *platform, *wanted, *format;
		bool fits;
	} rows[] = {
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "linux/amd64", "linux/amd64", true },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "linux/amd64/v2", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "linux/arm64", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "windows/amd64", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "linux", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "amd64", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "linux/amd64/", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"amd64\"}", "linux/amd6", "linux/amd64", false },
		{ "{\"os\":\"linux\",\"architecture\":\"arm64\"}", "linux/arm64/v8", "linux/arm64", true },
		{ "{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"}", "linux/arm64",
				"linux/arm64/v8", true },
		{ "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v6\"}", "linux/arm/v7",
				"linux/arm/v6", false },
		{ "{\"os\":\"linux\",\"architecture\":\"arm\"}", "linux/arm/v7", "linux/arm", true },
		{ "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\"}", "linux/arm/v7/x",
				"linux/arm/v7", false },
		{ "{}", "linux/amd64", "/", false },
		{ "{}", "/", "/", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_json json_t *platform = must_read(rows[i].platform);
		auto_buf struct buf text = BUF_MAX(100);
		oci_platform_format(platform, &text);
		assert_string_equal(buf_text(&text), rows[i].format);
		if (oci_platform_fits(platform, rows[i].wanted) != rows[i].fits)
			fail_msg("%s, %s", rows[i].platform, rows[i].wanted);
	}
}

static void an_absent_platform_is_no_text_and_fits_nothing(void **state)
{
	(void)state;
	auto_buf struct buf text = BUF_MAX(100);

	oci_platform_format(NULL, &text);
	assert_string_equal(buf_text(&text), "");
	assert_false(oci_platform_fits(NULL, "linux/amd64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_descriptor),
		cmocka_unit_test(takes_null_for_absent),
		cmocka_unit_test(refuses_what_is_no_descriptor),
		cmocka_unit_test(refuses_a_media_type_of_256_bytes),
		cmocka_unit_test(knows_digests_by_their_form),
		cmocka_unit_test(makes_and_compares_digests),
		cmocka_unit_test(changes_the_tree_and_the_struct_alike),
		cmocka_unit_test(compares_platforms),
		cmocka_unit_test(an_absent_platform_is_no_text_and_fits_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
