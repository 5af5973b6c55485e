/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL is the reference: every length around the block borders, every alignment, random splits, one to three lanes
 * over the same and over different bytes. On a machine without the instructions the hashes are OpenSSL's own and the
 * comparison holds as well; the compression function itself is then not called.
 */
#include "base/hex.h"
#include "base/random.h"
#include "crypto/layercipher.h"
#include "crypto/sha256_lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/hmac.h>

#define MOST   ((size_t)8192)
#define SPLITS 400

static unsigned char bytes[3][MOST + 64];
static unsigned char key[LAYER_CTR_KEY];

static int fill_with_noise(void **state)
{
	(void)state;
	random_bytes(bytes, sizeof(bytes));
	random_bytes(key, sizeof(key));
	return 0;
}

static void reference(bool keyed, const unsigned char *data, size_t len, unsigned char out[static DIGEST_MAX])
{
	unsigned int size = 0;

	if (keyed)
		assert_non_null(HMAC(EVP_sha256(), key, sizeof(key), data, len, out, &size));
	else
		digest_bytes(DIGEST_SHA256, span_new(data, len), out);
}

/* What lanes 0 … count-1 read: the first two share their bytes where `shared`. */
struct setting {
	const char *name;
	size_t count;
	bool shared;
};

static const struct setting settings[] = {
	{ "one", 1, false },
	{ "two over the same", 2, true },
	{ "two over different", 2, false },
	{ "three, two over the same", 3, true },
	{ "three over different", 3, false },
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* Feeds len bytes from `from` on in pieces of at most `most` at random; lane 0 is an HMAC. */
static void compare(const struct setting *setting, size_t from, size_t len, size_t most)
{
	struct layer_hash hashes[3] = { LAYER_HASH_NONE, LAYER_HASH_NONE, LAYER_HASH_NONE };
	struct layer_hash *lanes[3] = { &hashes[0], &hashes[1], &hashes[2] };
	const unsigned char *data[3] = { bytes[0] + from, bytes[setting->shared ? 0 : 1] + from,
		bytes[2] + from };
	unsigned char want[DIGEST_MAX], got[LAYER_HASH_SIZE];

	for (size_t i = 0; i < setting->count; i++)
		layer_hash_init(&hashes[i], i == 0 ? key : NULL, true);
	for (size_t done = 0; done < len;) {
		size_t piece = most >= len ? len : random_below(most + 1);
		if (piece > len - done)
			piece = len - done;
		const unsigned char *at[3] = { data[0] + done, data[1] + done, data[2] + done };
		layer_hash_feed(lanes, at, setting->count, piece);
		done += piece;
	}
	for (size_t i = 0; i < setting->count; i++) {
		reference(i == 0, data[i], len, want);
		layer_hash_done(&hashes[i], got);
		assert_memory_equal(got, want, sizeof(got));
		layer_hash_clear(&hashes[i]);
	}
}

static void every_length_gives_what_openssl_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < SETTINGS; i++)
		for (size_t len = 0; len <= 520; len++)
			compare(&settings[i], 0, len, MOST);
}

static void every_alignment_gives_what_openssl_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < SETTINGS; i++)
		for (size_t from = 0; from < 64; from++)
			compare(&settings[i], from, 640 + from, MOST);
}

static void however_the_bytes_are_cut(void **state)
{
	static const size_t most[] = { 1, 63, 64, 65, 200, 1000 };

	(void)state;
	for (size_t i = 0; i < SETTINGS; i++)
		for (int round = 0; round < SPLITS; round++)
			compare(&settings[i], random_below(64), random_below(MOST),
					most[(size_t)round % (sizeof(most) / sizeof(most[0]))]);
}

/* Hashes that stand at different places in a block are fed in one call all the same. */
static void lanes_out_of_step_agree_too(void **state)
{
	unsigned char want[DIGEST_MAX], got[LAYER_HASH_SIZE];

	(void)state;
	for (size_t ahead = 0; ahead < 130; ahead++) {
		struct layer_hash hashes[2] = { LAYER_HASH_NONE, LAYER_HASH_NONE };
		struct layer_hash *lanes[2] = { &hashes[0], &hashes[1] };
		layer_hash_init(&hashes[0], NULL, true);
		layer_hash_init(&hashes[1], NULL, false);
		layer_hash_feed(lanes, (const unsigned char *[]){ bytes[0] }, 1, ahead);
		layer_hash_feed(lanes, (const unsigned char *[]){ bytes[0] + ahead, bytes[1] }, 2, 1000);
		layer_hash_done(&hashes[0], got);
		digest_bytes(DIGEST_SHA256, span_new(bytes[0], ahead + 1000), want);
		assert_memory_equal(got, want, sizeof(got));
		layer_hash_done(&hashes[1], got);
		digest_bytes(DIGEST_SHA256, span_new(bytes[1], 1000), want);
		assert_memory_equal(got, want, sizeof(got));
		layer_hash_clear(&hashes[0]);
		layer_hash_clear(&hashes[1]);
	}
}

/* FIPS 180-2, B.1, by hand: so that not only one of our functions judges the other. */
static void the_compression_alone_agrees_with_the_standard(void **state)
{
	unsigned char block[3][SHA256_LANES_BLOCK] = { "abc\x80", "abc\x80", "abc\x80" };
	static const struct sha256_lane want = { { 0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3,
			0x96177a9c, 0xb410ff61, 0xf20015ad } };

	(void)state;
	for (size_t i = 0; i < SETTINGS && sha256_lanes_usable(); i++) {
		struct sha256_lane lane[3] = { sha256_lane_start, sha256_lane_start, sha256_lane_start };
		for (size_t j = 0; j < 3; j++)
			block[j][SHA256_LANES_BLOCK - 1] = 24;
		sha256_lanes_run((struct sha256_lane *[]){ &lane[0], &lane[1], &lane[2] },
				(const unsigned char *[]){
						block[0], block[settings[i].shared ? 0 : 1], block[2] },
				settings[i].count, 1);
		for (size_t j = 0; j < 3; j++)
			assert_memory_equal(&lane[j], j < settings[i].count ? &want : &sha256_lane_start,
					sizeof(want));
	}
}

/* A flipped bit anywhere in three blocks changes every hash over them. */
static void every_bit_counts(void **state)
{
	unsigned char before[2][LAYER_HASH_SIZE], after[LAYER_HASH_SIZE];

	(void)state;
	for (size_t bit = 0; bit <= 192 * 8; bit++) {
		struct layer_hash hashes[2] = { LAYER_HASH_NONE, LAYER_HASH_NONE };
		struct layer_hash *lanes[2] = { &hashes[0], &hashes[1] };
		unsigned char data[192];
		memcpy(data, bytes[0], sizeof(data));
		if (bit)
			data[(bit - 1) / 8] ^= (unsigned char)(1 << ((bit - 1) % 8));
		layer_hash_init(&hashes[0], key, true);
		layer_hash_init(&hashes[1], NULL, true);
		layer_hash_feed(lanes, (const unsigned char *[]){ data, data }, 2, sizeof(data));
		for (int i = 0; i < 2; i++) {
			layer_hash_done(&hashes[i], bit ? after : before[i]);
			if (bit)
				assert_memory_not_equal(after, before[i], sizeof(after));
			layer_hash_clear(&hashes[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_gives_what_openssl_gives),
		cmocka_unit_test(every_alignment_gives_what_openssl_gives),
		cmocka_unit_test(however_the_bytes_are_cut),
		cmocka_unit_test(lanes_out_of_step_agree_too),
		cmocka_unit_test(the_compression_alone_agrees_with_the_standard),
		cmocka_unit_test(every_bit_counts),
	};

	return cmocka_run_group_tests(tests, fill_with_noise, NULL);
}
