/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hmac.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LONG_KEY 131

struct vector {
	const char *name;
	size_t key_len;
	const char *key; /* NULL: key_len times the byte `fill` */
	unsigned char fill;
	const char *data;
	const char *expected;
};

typedef void (*hmac_fn)(struct span key, struct span message, unsigned char *out);

static void check(const struct vector *vector, hmac_fn hmac, size_t size)
{
	char key[LONG_KEY], hex[2 * HMAC_SHA256_SIZE + 1] = "";
	unsigned char mac[HMAC_SHA256_SIZE];

	memset(key, vector->fill, sizeof(key));
	struct span used = vector->key ? span_of(vector->key) : span_new(key, vector->key_len);
	hmac(used, span_of(vector->data), mac);
	hex_encode_raw(hex, span_new(mac, size));
	if (strcmp(hex, vector->expected) != 0)
		fail_msg("%s: %s", vector->name, hex);
}

static void gives_the_values_of_rfc_2202(void **state)
{
	static const struct vector vectors[] = {
		{ "1", 20, NULL, 0x0b, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00" },
		{ "2", 0, "Jefe", 0, "what do ya want for nothing?",
				"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ "6", 80, NULL, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
				"aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		check(&vectors[i], hmac_sha1, HMAC_SHA1_SIZE);
}

static void gives_the_values_of_rfc_4231(void **state)
{
	static const struct vector vectors[] = {
		{ "1", 20, NULL, 0x0b, "Hi There",
				"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ "2", 0, "Jefe", 0, "what do ya want for nothing?",
				"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ "6", 131, NULL, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
				"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		check(&vectors[i], hmac_sha256, HMAC_SHA256_SIZE);
}

static void takes_empty_keys_and_messages(void **state)
{
	static const struct vector one = { "sha1", 0, "", 0, "", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d" };
	static const struct vector two = { "sha256", 0, "", 0, "",
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" };

	(void)state;
	check(&one, hmac_sha1, HMAC_SHA1_SIZE);
	check(&two, hmac_sha256, HMAC_SHA256_SIZE);
}

/* Signatures of cloud services derive one key from another in the same memory. */
static void may_write_over_its_key(void **state)
{
	unsigned char apart[HMAC_SHA256_SIZE], same[HMAC_SHA256_SIZE];

	(void)state;
	hmac_sha256(SPAN_LIT("key"), SPAN_LIT("one"), same);
	hmac_sha256(span_new(same, sizeof(same)), SPAN_LIT("two"), apart);
	hmac_sha256(span_new(same, sizeof(same)), SPAN_LIT("two"), same);
	assert_memory_equal(apart, same, sizeof(same));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_values_of_rfc_2202),
		cmocka_unit_test(gives_the_values_of_rfc_4231),
		cmocka_unit_test(takes_empty_keys_and_messages),
		cmocka_unit_test(may_write_over_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
