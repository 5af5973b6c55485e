/* SPDX-License-Identifier: Apache-2.0 */
/* The expected digests are the examples of FIPS 180-2 (appendices B to D) and sha256sum(1) of nothing. */
#include "base/err.h"
#include "crypto/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TWO_BLOCKS "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"

static const struct {
	enum digest_alg alg;
	const char *name;
	const char *text;
	const char *hex;
} vectors[] = {
	{ DIGEST_SHA256, "sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ DIGEST_SHA256, "sha256", "abc",
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ DIGEST_SHA256, "sha256", TWO_BLOCKS,
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ DIGEST_SHA384, "sha384", "abc",
			"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
			"8086072ba1e7cc2358baeca134c825a7" },
	{ DIGEST_SHA512, "sha512", "abc",
			"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

#define COUNT (sizeof(vectors) / sizeof(vectors[0]))

static void agrees_with_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		char hex[DIGEST_HEX_MAX];
		digest_hex(vectors[i].alg, span_of(vectors[i].text), hex);
		assert_string_equal(hex, vectors[i].hex);
		assert_int_equal(strlen(hex), 2 * digest_size(vectors[i].alg));
	}
}

static void a_stream_gives_the_same_and_starts_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct span text = span_of(vectors[i].text);
		unsigned char want[DIGEST_MAX], got[DIGEST_MAX];
		auto_digest struct digest digest = DIGEST_NONE;
		digest_bytes(vectors[i].alg, text, want);
		digest_init(&digest, vectors[i].alg);
		for (int round = 0; round < 3; round++) {
			digest_feed(&digest, span_new(text.ptr, text.len / 2));
			digest_feed(&digest, SPAN_NONE);
			digest_feed(&digest, span_from(text, text.len / 2));
			digest_done(&digest, got);
			assert_memory_equal(got, want, digest_size(vectors[i].alg));
		}
	}
}

static void names_are_exact(void **state)
{
	static const char *const wrong[] = { "", "SHA256", "sha-256", "sha25", "sha2566", "sha1", "md5" };
	enum digest_alg alg = DIGEST_SHA256;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(digest_alg_parse(span_of(vectors[i].name), &alg, &err), 0);
		assert_int_equal(alg, vectors[i].alg);
		assert_string_equal(digest_name(alg), vectors[i].name);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(digest_alg_parse(span_of(wrong[i]), &alg, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_standard),
		cmocka_unit_test(a_stream_gives_the_same_and_starts_anew),
		cmocka_unit_test(names_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
