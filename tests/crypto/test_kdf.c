/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "crypto/kdf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* RFC 7518, appendix C: "A128GCM", "Alice", "Bob", 128 bits */
static const unsigned char z_bytes[] = { 158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38,
	156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196 };
static const char other[] = "\0\0\0\7A128GCM\0\0\0\5Alice\0\0\0\3Bob\0\0\0\200";
static const unsigned char derived[] = { 86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16,
	26 };

static void derives_the_key_of_rfc_7518_appendix_c(void **state)
{
	auto_secret struct secret z = SECRET_NONE, key = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&z, span_new(z_bytes, sizeof(z_bytes)), &err), 0);
	assert_int_equal(kdf_concat(&z, span_new(other, sizeof(other) - 1), 16, &key, &err), 0);
	assert_true(secret_is(&key, span_new(derived, sizeof(derived))));
}

/* SHA-256 gives 32 bytes a round: the first key is the beginning of the longer one, which has a second round. */
static void a_long_key_takes_a_second_round(void **state)
{
	auto_secret struct secret z = SECRET_NONE, one = SECRET_NONE, two = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&z, span_new(z_bytes, sizeof(z_bytes)), NULL), 0);
	assert_int_equal(kdf_concat(&z, SPAN_LIT("x"), 32, &one, NULL), 0);
	assert_int_equal(kdf_concat(&z, SPAN_LIT("x"), KDF_KEY_MAX, &two, NULL), 0);
	assert_memory_equal(one.ptr, two.ptr, 32);
	assert_memory_not_equal(two.ptr, two.ptr + 32, 32);
}

static void refuses_lengths_that_cannot_be(void **state)
{
	static const struct {
		size_t z, key;
	} cases[] = { { 0, 16 }, { 32, 0 }, { 32, KDF_KEY_MAX + 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_secret struct secret z = SECRET_NONE, key = SECRET_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(secret_from_span(&z, span_new(z_bytes, cases[i].z), NULL), 0);
		assert_int_equal(kdf_concat(&z, SPAN_NONE, cases[i].key, &key, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_the_key_of_rfc_7518_appendix_c),
		cmocka_unit_test(a_long_key_takes_a_second_round),
		cmocka_unit_test(refuses_lengths_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
