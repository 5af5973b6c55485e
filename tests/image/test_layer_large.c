/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer of more than 2^32 bytes, which are zeros so that nobody need store them: 4 GiB and one. What must come out
 * was computed by openssl(1) enc, dgst -mac HMAC and sha256sum(1). Under a sanitizer, whose every byte takes ten times
 * as long, the size is 32 MiB and one: what 32 bits cannot hold is then looked at by the plain build alone.
 */
#include "base/err.h"
#include "base/hex.h"
#include "image/layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define SIZE          ((uint64_t)33554433)
#define PLAIN_DIGEST  "sha256:bdf7fbb54387c24608fd757a1b31c32cabcd7b6bee8ff3345c897139fffc072a"
#define CIPHER_DIGEST "sha256:ff9e17a6219c3db328361cde08e4e667c70b1ff833bdd9691046b20c0a35ac70"
#define MAC           "199ae599e77b9a9925ebf5fea566d85294cb969ec875bb7656a2f72653ffe16f"
#else
#define SIZE          ((uint64_t)4294967297)
#define PLAIN_DIGEST  "sha256:fbb82f7b353676bb562eb82157fcf0ea42c36492ca13ee56dbf82c08b6802c5c"
#define CIPHER_DIGEST "sha256:633de73ab8c23f7ec8557b245e64329803ecc0c6147fef02a6d92247dc765cc3"
#define MAC           "6142fe1f6b7b5bf649337830cbb6a75363a2ec26fa7a2f9ff2977c3aac00173c"
#endif

struct zeros {
	struct pull pull;
	uint64_t left;
};

static int read_zeros(struct pull *self, void *out, size_t cap, size_t *got, struct err *err)
{
	struct zeros *zeros = (struct zeros *)self;

	(void)err;
	*got = zeros->left < cap ? (size_t)zeros->left : cap;
	memset(out, 0, *got);
	zeros->left -= *got;
	return 0;
}

struct counter {
	struct stream stream;
	uint64_t size;
};

static int count(struct stream *self, struct span bytes, struct err *err)
{
	(void)err;
	((struct counter *)self)->size += bytes.len;
	return 0;
}

static void more_than_32_bits_of_bytes(void **state)
{
	struct zeros zeros = { .pull = { .read = read_zeros }, .left = SIZE };
	struct counter counter = { .stream = { .feed = count } };
	auto_secret struct secret key = SECRET_NONE;
	unsigned char nonce[LAYER_NONCE], mac[LAYER_MAC];
	struct layer_result result;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(secret_alloc(&key, LAYER_KEY, NULL), 0);
	for (unsigned char i = 0; i < LAYER_KEY; i++)
		key.ptr[i] = i;
	memcpy(nonce, key.ptr, sizeof(nonce));
	const struct layer_job job = { .work = LAYER_ENCRYPT,
		.key = &key,
		.nonce = nonce,
		.digest = PLAIN_DIGEST,
		.want_digest = true,
		.hold_back = 10240,
		.threads = 2 };
	if (layer_run(&job, &zeros.pull, &counter.stream, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(hex_decode_raw(span_of(MAC), mac, sizeof(mac), NULL), 0);
	assert_true(result.size == SIZE && counter.size == SIZE);
	assert_string_equal(result.digest, CIPHER_DIGEST);
	assert_memory_equal(result.mac, mac, sizeof(mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_32_bits_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
