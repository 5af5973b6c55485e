/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors are those of image-encryption.md, 1.4, which ocicrypt agrees with in both directions. */
#include "base/err.h"
#include "base/hex.h"
#include "crypto/layercipher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define KEY_COUNTED "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_TEXT    "3031323334353637383930313233343536373839303132333435363738393132"
#define NONCE_ONES  "ffffffffffffffffffffffffffffffff"
#define NONCE_LAST  "fffffffffffffffffffffffffffffffe"
#define NONCE_COUNT "000102030405060708090a0b0c0d0e0f"
#define FORTY_A     "61616161616161616161616161616161616161616161616161616161616161616161616161616161"
#define HUNDRED                                                                                              \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30" \
	"3132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f6061" \
	"6263"

static const struct {
	const char *name, *key, *nonce, *plain, *cipher, *mac;
} vectors[] = {
	{ "A, the counter wraps after the first block", KEY_COUNTED, NONCE_ONES, FORTY_A,
			"88f8857c2dc611bb32e6701a3cee368f93f161d74b28feb1c892fb0bbc4f16e1913c17cf2bd8fe84",
			"838847ffd6b4c62da02bf1f92f0c7cf73f6d46856ecd244c0cfac648947b2182" },
	{ "B, empty", KEY_COUNTED, NONCE_COUNT, "", "",
			"d38b42096d80f45f826b44a9d5607de72496a415d3f4a1a8c88e3bb9da8dc1cb" },
	{ "C, 17 bytes", KEY_TEXT, NONCE_COUNT, "7468697320697320736f6d652064617461",
			"689165ecbfa0cc73f4761fbcf15913781f",
			"5aba755270e5d163f699e731347013f7ffa2bdde1c47dd99808658a4e917b8ae" },
	{ "D, 'test'", KEY_COUNTED, NONCE_COUNT, "74657374", "2e0b7723",
			"00c8781baf1f12e74c8498b60e9f08ef2630537fc3b6e13d06a4ed7ccf17e99f" },
	{ "E, the counter wraps inside", KEY_COUNTED, NONCE_LAST, HUNDRED,
			"63e4b601b11b4edaf2e4f3d595c1294bf988f60e58b266cd4b9e0b60419249f1d2b122950e6cb9f781da"
			"b041f1"
			"0359afc06c449d7e8ca9d29ecfa10a74ff08024efdf79df169c5fa40e1e37e5461dfd6821204007cd436"
			"78d8c7"
			"e9d899a203092e3e84df",
			NULL },
};

#define COUNT (sizeof(vectors) / sizeof(vectors[0]))

static size_t unhex(const char *text, unsigned char *out)
{
	size_t len = strlen(text) / 2;

	assert_int_equal(hex_decode_raw(span_of(text), out, len, NULL), 0);
	return len;
}

static void agrees_with_the_vectors(void **state)
{
	unsigned char key[32], nonce[16], plain[128], cipher[128], mac[32], got[128];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		auto_layer_ctr struct layer_ctr ctr = LAYER_CTR_NONE, back = LAYER_CTR_NONE;
		auto_layer_hash struct layer_hash hash = LAYER_HASH_NONE;
		const unsigned char *data[] = { cipher };
		unhex(vectors[i].key, key);
		unhex(vectors[i].nonce, nonce);
		size_t len = unhex(vectors[i].plain, plain);
		assert_int_equal(unhex(vectors[i].cipher, cipher), len);

		layer_ctr_init(&ctr, key, nonce);
		layer_ctr_apply(&ctr, plain, got, len);
		assert_memory_equal(got, cipher, len);
		layer_ctr_init(&back, key, nonce);
		layer_ctr_apply(&back, got, got, len);
		assert_memory_equal(got, plain, len);
		if (!vectors[i].mac)
			continue;
		unhex(vectors[i].mac, mac);
		layer_hash_init(&hash, key, true);
		layer_hash_feed((struct layer_hash *[]){ &hash }, data, 1, len);
		layer_hash_done(&hash, got);
		assert_memory_equal(got, mac, sizeof(mac));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
