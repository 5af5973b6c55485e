/* SPDX-License-Identifier: Apache-2.0 */
#include "image/options.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define KEY    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NONCE  "AAECAwQFBgcICQoLDA0ODw=="
#define DIGEST "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define MAC    "AMh4G68fEudMhJi2Dp8I7yYwU3/DtuE9BqTtfM8X6Z8="

/* image-encryption.md, 1.4 and 9.2, as ocicrypt writes them */
static const char private_text[] = "{\"symkey\":\"" KEY "\",\"digest\":\"" DIGEST
				   "\",\"cipheroptions\":{\"nonce\":\"" NONCE "\"}}";
static const char public_text[] =
		"{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" MAC "\",\"cipheroptions\":{}}";

static void reads_and_writes_ocicrypts_private_options_byte_for_byte(void **state)
{
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_secret struct secret text = SECRET_NONE;
	unsigned char key[LAYER_KEY];

	(void)state;
	for (unsigned char i = 0; i < LAYER_KEY; i++)
		key[i] = i;
	assert_int_equal(private_options_parse(span_of(private_text), &options, NULL), 0);
	assert_true(secret_is(&options.key, span_new(key, LAYER_KEY)));
	assert_string_equal(options.digest, DIGEST);
	assert_true(options.has_nonce);
	assert_memory_equal(options.nonce, key, LAYER_NONCE);
	assert_int_equal(private_options_format(&options, &text, NULL), 0);
	assert_int_equal(text.len, 193);
	assert_true(secret_is(&text, span_of(private_text)));
}

static void reads_and_writes_ocicrypts_public_options_byte_for_byte(void **state)
{
	auto_buf struct buf text = BUF_MAX(OPTIONS_MAX);
	struct public_options options;

	(void)state;
	assert_int_equal(public_options_parse(span_of(public_text), &options, NULL), 0);
	assert_false(options.has_nonce);
	assert_memory_equal(options.mac, "\x00\xc8\x78\x1b", 4);
	public_options_format(&options, &text);
	assert_int_equal(text.len, 109);
	assert_string_equal(buf_text(&text), public_text);
}

static void takes_what_other_writers_make_of_private_options(void **state)
{
	static const char *const cases[] = {
		/* ocicrypt-rs: another order */
		"{\"symkey\":\"" KEY "\",\"cipheroptions\":{\"nonce\":\"" NONCE "\"},\"digest\":\"" DIGEST
		"\"}",
		"{\"digest\":\"" DIGEST "\",\"more\":[{\"symkey\":1}],\"symkey\":\"" KEY
		"\",\"cipheroptions\":{\"other\":\"!\",\"nonce\":\"" NONCE "\"}}",
		" {\n\t\"symkey\" : \"" KEY "\" , \"cipheroptions\" : { \"nonce\" : \"" NONCE
		"\" } , \"digest\": \"" DIGEST "\" } \r\n",
		/* Go: line ends inside base64, arrays of numbers, escapes */
		"{\"symkey\":\"AAECAwQFBgcICQoL\\r\\nDA0ODxAREhMUFRYXGBkaGxwd\\nHh8=\",\"digest\":\"" DIGEST
		"\",\"cipheroptions\":{\"nonce\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]}}",
		"{\"symkey\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,"
		"29,"
		"30,31],\"digest\":\"" DIGEST "\",\"cipheroptions\":{\"nonce\":\"" NONCE "\"}}",
		"{\"\\u0073ymkey\":\"" KEY "\",\"digest\":\"" DIGEST
		"\",\"cipheroptions\":{\"nonce\":\"" NONCE "\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
		auto_secret struct secret text = SECRET_NONE;
		struct err err = ERR_NONE;
		if (private_options_parse(span_of(cases[i]), &options, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(private_options_format(&options, &text, NULL), 0);
		assert_true(secret_is(&text, span_of(private_text)));
	}
}

static void absent_members_are_absent_and_null_is_absent(void **state)
{
	static const char *const cases[] = {
		"{\"symkey\":\"" KEY "\"}",
		"{\"symkey\":\"" KEY "\",\"digest\":null,\"cipheroptions\":null}",
		"{\"symkey\":\"" KEY "\",\"digest\":\"\",\"cipheroptions\":{}}",
		"{\"symkey\":\"" KEY "\",\"cipheroptions\":{\"nonce\":null}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
		auto_secret struct secret text = SECRET_NONE;
		assert_int_equal(private_options_parse(span_of(cases[i]), &options, NULL), 0);
		assert_false(options.has_nonce);
		assert_string_equal(options.digest, "");
		/* every member is written, because readers in Rust want them all */
		assert_int_equal(private_options_format(&options, &text, NULL), 0);
		assert_true(secret_is(&text,
				SPAN_LIT("{\"symkey\":\"" KEY "\",\"digest\":\"\",\"cipheroptions\":{}}")));
	}
}

struct refusal {
	const char *text, *says;
	enum err_kind kind;
};

static void check_refusal(int result, const struct err *err, const struct refusal *refusal)
{
	if (result == 0)
		fail_msg("took %s", refusal->text);
	assert_int_equal(err->kind, refusal->kind);
	if (!strstr(err->text, refusal->says))
		fail_msg("'%s' lacks '%s'", err->text, refusal->says);
	/* nothing of the key */
	assert_null(strstr(err->text, "AAEC"));
}

static void refuses_broken_private_options_without_telling_them(void **state)
{
	static const struct refusal cases[] = {
		{ "", "not valid JSON", ERR_FORMAT },
		{ "null", "not a JSON object", ERR_FORMAT },
		{ "[]", "not a JSON object", ERR_FORMAT },
		{ "{}", "'symkey' is missing", ERR_FORMAT },
		{ "{\"symkey\":null}", "'symkey' is missing", ERR_FORMAT },
		{ "{\"symkey\":\"\"}", "'symkey' has 0 bytes", ERR_FORMAT },
		{ "{\"symkey\":[]}", "'symkey' has 0 bytes", ERR_FORMAT },
		{ "{\"symkey\":17}", "'symkey' must be a base64 text", ERR_FORMAT },
		{ "{\"symkey\":{\"a\":1}}", "'symkey' must be a base64 text", ERR_FORMAT },
		{ "{\"symkey\":[256]}", "no byte", ERR_FORMAT },
		{ "{\"symkey\":[-1]}", "no byte", ERR_FORMAT },
		{ "{\"symkey\":[1.0]}", "no byte", ERR_FORMAT },
		{ "{\"symkey\":[null]}", "no byte", ERR_FORMAT },
		{ "{\"symkey\":[\"AAEC\"]}", "no byte", ERR_FORMAT },
		{ "{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\"}", "'symkey' has 31 bytes",
				ERR_FORMAT },
		{ "{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\"}", "'symkey' has 33 bytes",
				ERR_FORMAT },
		{ "{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}", "'symkey' is not base64",
				ERR_FORMAT },
		{ "{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\"}", "'symkey' is not base64",
				ERR_FORMAT },
		{ "{\"symkey\":\" " KEY "\"}", "'symkey' is not base64", ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\",\"symkey\":\"" KEY "\"}", "twice", ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\",\"cipheroptions\":[]}", "'cipheroptions' must be an object",
				ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\",\"cipheroptions\":{},\"cipheroptions\":{}}", "twice", ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\",\"cipheroptions\":{\"nonce\":\"\"}}", "nonce' has 0 bytes",
				ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\",\"cipheroptions\":{\"nonce\":\"AAECAwQFBgcICQoL\"}}",
				"nonce' has 12 bytes", ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\",\"cipheroptions\":{\"nonce\":\"AAECAwQFBgcICQoLDA0ODxA=\"}}",
				"nonce' has 17 bytes", ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\",\"cipheroptions\":{\"nonce\":\"" NONCE "\",\"nonce\":null}}",
				"twice", ERR_FORMAT },
		{ "{\"symkey\":\"" KEY "\"}x", "not valid JSON", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
		struct err err = ERR_NONE;
		int result = private_options_parse(span_of(cases[i].text), &options, &err);
		check_refusal(result, &err, &cases[i]);
		assert_null(options.key.ptr);
	}
}

static void refuses_broken_public_options(void **state)
{
	static const struct refusal cases[] = {
		{ "", "not valid JSON", ERR_FORMAT },
		{ "{}", "no cipher type provided", ERR_FORMAT },
		{ "{\"cipher\":null,\"hmac\":\"" MAC "\"}", "no cipher type provided", ERR_FORMAT },
		{ "{\"cipher\":\"\",\"hmac\":\"" MAC "\"}", "unsupported cipher type", ERR_FORMAT },
		{ "{\"cipher\":\"AES_256_CTR_HMAC_SHA512\",\"hmac\":\"" MAC "\"}", "unsupported cipher type",
				ERR_FORMAT },
		{ "{\"cipher\":7,\"hmac\":\"" MAC "\"}", "unsupported cipher type", ERR_FORMAT },
		{ "{\"cipher\":\"" LAYER_CIPHER "\"}", "'hmac' is missing", ERR_FORMAT },
		{ "{\"cipher\":\"" LAYER_CIPHER "\",\"hmac\":null}", "'hmac' is missing", ERR_FORMAT },
		{ "{\"cipher\":\"" LAYER_CIPHER "\",\"hmac\":\"\"}", "'hmac' has 0 bytes", ERR_FORMAT },
		{ "{\"cipher\":\"" LAYER_CIPHER
		  "\",\"hmac\":\"AMh4G68fEudMhJi2Dp8I7yYwU3/DtuE9BqTtfM8X6Q==\"}",
				"'hmac' has 31 bytes", ERR_FORMAT },
		{ "{\"cipher\":\"" LAYER_CIPHER
		  "\",\"hmac\":\"AMh4G68fEudMhJi2Dp8I7yYwU3/DtuE9BqTtfM8X6Z8g\"}",
				"'hmac' has 33 bytes", ERR_FORMAT },
		{ "{\"cipher\":\"" LAYER_CIPHER "\",\"hmac\":\"" MAC "\",\"hmac\":\"" MAC "\"}", "twice",
				ERR_FORMAT },
		{ "{\"cipher\":\"" LAYER_CIPHER "\",\"hmac\":\"" MAC
		  "\",\"cipheroptions\":{\"nonce\":\"AA==\"}}",
				"nonce' has 1 bytes", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct public_options options;
		struct err err = ERR_NONE;
		int result = public_options_parse(span_of(cases[i].text), &options, &err);
		check_refusal(result, &err, &cases[i]);
	}
}

static void refuses_every_truncation(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(private_text) - 1; len++) {
		auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
		assert_int_equal(private_options_parse(span_new(private_text, len), &options, NULL), -1);
	}
	for (size_t len = 0; len < sizeof(public_text) - 1; len++) {
		struct public_options options;
		assert_int_equal(public_options_parse(span_new(public_text, len), &options, NULL), -1);
	}
}

static void refuses_what_is_too_large_or_too_deep(void **state)
{
	auto_buf struct buf text = BUF_MAX(2 * OPTIONS_MAX);
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	struct err err = ERR_NONE;

	(void)state;
	buf_puts(&text, private_text);
	while (text.len < OPTIONS_MAX)
		buf_putc(&text, ' ');
	assert_int_equal(private_options_parse(buf_span(&text), &options, NULL), 0);
	buf_putc(&text, ' ');
	assert_int_equal(private_options_parse(buf_span(&text), &options, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);

	buf_reset(&text);
	buf_puts(&text, "{\"a\":");
	for (int i = 0; i < 100; i++)
		buf_putc(&text, '[');
	assert_int_equal(private_options_parse(buf_span(&text), &options, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void failure_leaves_the_old_options(void **state)
{
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;

	(void)state;
	assert_int_equal(private_options_parse(span_of(private_text), &options, NULL), 0);
	assert_int_equal(private_options_parse(SPAN_LIT("{\"symkey\":1}"), &options, NULL), -1);
	assert_int_equal(options.key.len, LAYER_KEY);
	assert_string_equal(options.digest, DIGEST);
}

static void the_nonce_stands_in_either_document_and_two_are_equal(void **state)
{
	struct private_options private = { .has_nonce = true };
	struct public_options public = { .has_nonce = false };
	unsigned char nonce[LAYER_NONCE], ones[LAYER_NONCE], twos[LAYER_NONCE];
	struct err err = ERR_NONE;

	(void)state;
	memset(ones, 1, sizeof(ones));
	memset(twos, 2, sizeof(twos));
	memcpy(public.nonce, ones, sizeof(ones));
	memcpy(private.nonce, twos, sizeof(twos));
	assert_int_equal(options_nonce(&public, &private, nonce, NULL), 0);
	assert_memory_equal(nonce, twos, sizeof(twos));
	public.has_nonce = true;
	assert_int_equal(options_nonce(&public, &private, nonce, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.text, "different nonces"));
	private.has_nonce = false;
	assert_int_equal(options_nonce(&public, &private, nonce, NULL), 0);
	assert_memory_equal(nonce, ones, sizeof(ones));
	private.has_nonce = true;
	memcpy(private.nonce, ones, sizeof(ones));
	assert_int_equal(options_nonce(&public, &private, nonce, NULL), 0);
	assert_memory_equal(nonce, ones, sizeof(ones));
	public.has_nonce = private.has_nonce = false;
	assert_int_equal(options_nonce(&public, &private, nonce, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

static void a_nonce_in_the_public_options_stays_there(void **state)
{
	auto_buf struct buf text = BUF_MAX(OPTIONS_MAX);
	static const char given[] = "{\"cipher\":\"" LAYER_CIPHER "\",\"hmac\":\"" MAC
				    "\",\"cipheroptions\":{\"nonce\":\"" NONCE "\"}}";
	struct public_options options;

	(void)state;
	assert_int_equal(public_options_parse(span_of(given), &options, NULL), 0);
	assert_true(options.has_nonce);
	public_options_format(&options, &text);
	assert_string_equal(buf_text(&text), given);
}

static void a_key_of_a_wrong_length_is_not_written(void **state)
{
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_secret struct secret text = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(private_options_format(&options, &text, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(secret_alloc(&options.key, LAYER_KEY + 1, NULL), 0);
	assert_int_equal(private_options_format(&options, &text, &err), -1);
}

static const char long_digest[] = "\"" DIGEST DIGEST "\"";

static void a_strange_digest_counts_as_absent(void **state)
{
	static const char *const strange[] = { "1", "\"a\\nb\"", "\"a\\\"b\"", long_digest, "{}", "null" };

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
		char text[1024];
		snprintf(text, sizeof(text), "{\"symkey\":\"" KEY "\",\"digest\":%s}", strange[i]);
		assert_int_equal(private_options_parse(span_of(text), &options, NULL), 0);
		assert_string_equal(options.digest, "");
		assert_int_equal(options.key.len, LAYER_KEY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_ocicrypts_private_options_byte_for_byte),
		cmocka_unit_test(reads_and_writes_ocicrypts_public_options_byte_for_byte),
		cmocka_unit_test(takes_what_other_writers_make_of_private_options),
		cmocka_unit_test(absent_members_are_absent_and_null_is_absent),
		cmocka_unit_test(refuses_broken_private_options_without_telling_them),
		cmocka_unit_test(refuses_broken_public_options),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_what_is_too_large_or_too_deep),
		cmocka_unit_test(failure_leaves_the_old_options),
		cmocka_unit_test(the_nonce_stands_in_either_document_and_two_are_equal),
		cmocka_unit_test(a_nonce_in_the_public_options_stays_there),
		cmocka_unit_test(a_key_of_a_wrong_length_is_not_written),
		cmocka_unit_test(a_strange_digest_counts_as_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
