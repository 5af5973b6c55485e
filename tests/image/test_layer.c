/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are as they should be: every size, cut, number of threads, way of work. The twins: test_layer_refuses.c */
#include "image/layer_own.h"
#include "tests/image/layer_rig.h"

static const size_t sizes[] = { 0, 1, 15, 16, 17, 63, 64, 65, 10239, 10240, 10241, LAYER_BLOCK - 1,
	LAYER_BLOCK, LAYER_BLOCK + 1, 2 * LAYER_BLOCK - 1, 2 * LAYER_BLOCK, 2 * LAYER_BLOCK + 1,
	3 * LAYER_BLOCK, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (LAYER_DEPTH + 3) * LAYER_BLOCK + 5 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const enum layer_work works[] = { LAYER_ENCRYPT, LAYER_DECRYPT, LAYER_COPY };
#define WORKS (sizeof(works) / sizeof(works[0]))

static void run_well(struct rig *rig, const struct layer_job *job)
{
	struct layer_result result;
	struct err err = ERR_NONE;

	if (layer_run(job, &rig->source.pull, &rig->sink.stream, &result, &err) < 0)
		fail_msg("%zu bytes, %u threads: %s", rig->len, job->threads, err.text);
	rig_check(rig, job->work, &result);
}

static void every_size_on_every_number_of_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		auto_rig struct rig rig;
		rig_init(&rig, sizes[i]);
		for (size_t j = 0; j < WORKS; j++)
			for (unsigned threads = 1; threads <= 5; threads++) {
				struct layer_job job = rig_job(&rig, works[j], threads);
				rig_ends(&rig, works[j]);
				run_well(&rig, &job);
			}
	}
}

static void every_amount_held_back_comes_in_the_end(void **state)
{
	static const size_t held[] = { 1, 10240, LAYER_BLOCK, LAYER_BLOCK + 1, 1 << 20,
		LAYER_MEMORY_MAX / 4 };

	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		auto_rig struct rig rig;
		rig_init(&rig, sizes[i]);
		for (size_t j = 0; j < sizeof(held) / sizeof(held[0]); j++)
			for (unsigned threads = 1; threads <= 2; threads++) {
				struct layer_job job = rig_job(&rig, LAYER_DECRYPT, threads);
				job.hold_back = held[j];
				rig_ends(&rig, LAYER_DECRYPT);
				run_well(&rig, &job);
			}
	}
}

static void however_the_source_cuts(void **state)
{
	static const size_t pieces[] = { 1, 15, 64, 4096, 65536, 3 * LAYER_BLOCK };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		auto_rig struct rig rig;
		rig_init(&rig, pieces[i] < 64 ? LAYER_BLOCK + 77 : 10 * LAYER_BLOCK + 77);
		for (size_t j = 0; j < 2 * WORKS; j++) {
			enum layer_work work = works[j % WORKS];
			struct layer_job job = rig_job(&rig, work, 2);
			rig_ends(&rig, work);
			rig.source.piece = pieces[i];
			rig.source.at_random = j >= WORKS;
			run_well(&rig, &job);
		}
	}
}

static void agrees_with_the_vectors(void **state)
{
	static const struct {
		const char *key, *nonce, *plain, *cipher, *mac, *cipher_digest;
	} vectors[] = {
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
				"ffffffffffffffffffffffffffffffff",
				"6161616161616161616161616161616161616161616161616161616161616161616161616161"
				"6161",
				"88f8857c2dc611bb32e6701a3cee368f93f161d74b28feb1c892fb0bbc4f16e1913c17cf2bd8"
				"fe84",
				"838847ffd6b4c62da02bf1f92f0c7cf73f6d46856ecd244c0cfac648947b2182",
				"sha256:81f8e8ae739f48e781e59403e593bcfedec35594e3a70b8749daa844270db953" },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
				"000102030405060708090a0b0c0d0e0f", "", "",
				"d38b42096d80f45f826b44a9d5607de72496a415d3f4a1a8c88e3bb9da8dc1cb", NULL },
		{ "3031323334353637383930313233343536373839303132333435363738393132",
				"000102030405060708090a0b0c0d0e0f", "7468697320697320736f6d652064617461",
				"689165ecbfa0cc73f4761fbcf15913781f",
				"5aba755270e5d163f699e731347013f7ffa2bdde1c47dd99808658a4e917b8ae", NULL },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
				"000102030405060708090a0b0c0d0e0f", "74657374", "2e0b7723",
				"00c8781baf1f12e74c8498b60e9f08ef2630537fc3b6e13d06a4ed7ccf17e99f", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		auto_rig struct rig rig;
		unsigned char mac[LAYER_MAC], cipher[64];
		size_t len = strlen(vectors[i].plain) / 2;
		rig_init(&rig, len);
		assert_int_equal(hex_decode_raw(span_of(vectors[i].key), rig.key.ptr, LAYER_KEY, NULL), 0);
		assert_int_equal(hex_decode_raw(span_of(vectors[i].nonce), rig.nonce, LAYER_NONCE, NULL), 0);
		assert_int_equal(hex_decode_raw(span_of(vectors[i].plain), rig.plain, len, NULL), 0);
		assert_int_equal(hex_decode_raw(span_of(vectors[i].cipher), cipher, len, NULL), 0);
		assert_int_equal(hex_decode_raw(span_of(vectors[i].mac), mac, LAYER_MAC, NULL), 0);
		rig_reference(&rig);
		assert_memory_equal(rig.cipher, cipher, len);
		assert_memory_equal(rig.mac, mac, LAYER_MAC);
		if (vectors[i].cipher_digest)
			assert_string_equal(rig.cipher_digest, vectors[i].cipher_digest);
		for (size_t j = 0; j < WORKS; j++) {
			struct layer_job job = rig_job(&rig, works[j], 2);
			rig_ends(&rig, works[j]);
			run_well(&rig, &job);
		}
	}
}

/* The digests that are not wanted are not made, and the rest stays right. */
static void with_and_without_each_digest(void **state)
{
	auto_rig struct rig rig;

	(void)state;
	rig_init(&rig, 5 * LAYER_BLOCK + 3);
	for (unsigned i = 0; i < 4 * WORKS * 4; i++) {
		enum layer_work work = works[i / 4 % WORKS];
		struct layer_job job = rig_job(&rig, work, 1 + i / 4 / (unsigned)WORKS);
		struct layer_result result;
		job.want_digest = i & 1;
		if (i & 2)
			job.digest = NULL;
		rig_ends(&rig, work);
		assert_int_equal(layer_run(&job, &rig.source.pull, &rig.sink.stream, &result, NULL), 0);
		if (!job.want_digest) {
			assert_string_equal(result.digest, "");
			memcpy(result.digest, work == LAYER_ENCRYPT ? rig.cipher_digest : rig.plain_digest,
					136);
		}
		rig_check(&rig, work, &result);
	}
}

static void the_input_may_have_a_longer_digest(void **state)
{
	static const enum digest_alg algs[] = { DIGEST_SHA384, DIGEST_SHA512 };
	auto_rig struct rig rig;

	(void)state;
	rig_init(&rig, 5 * LAYER_BLOCK + 3);
	for (unsigned i = 0; i < 2 * WORKS * 3; i++) {
		enum layer_work work = works[i / 2 % WORKS];
		struct layer_job job = rig_job(&rig, work, 1 + i / 2 / (unsigned)WORKS);
		char hex[DIGEST_HEX_MAX];
		rig_ends(&rig, work);
		digest_hex(algs[i % 2], span_new(rig.source.bytes, rig.len), hex);
		auto_free char *digest = xasprintf("%s:%s", digest_name(algs[i % 2]), hex);
		job.digest = digest;
		run_well(&rig, &job);
	}
}

static void verifies_without_a_sink(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++)
		for (unsigned threads = 1; threads <= 3; threads++) {
			auto_rig struct rig rig;
			struct layer_result result;
			rig_init(&rig, sizes[i]);
			struct layer_job job = rig_job(&rig, LAYER_DECRYPT, threads);
			rig_ends(&rig, LAYER_DECRYPT);
			assert_int_equal(layer_run(&job, &rig.source.pull, NULL, &result, NULL), 0);
			assert_int_equal(result.size, sizes[i]);
			assert_string_equal(result.digest, rig.plain_digest);
		}
}

static void count(void *ctx, uint64_t more)
{
	*(uint64_t *)ctx += more;
}

static void progress_adds_up_to_the_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		auto_rig struct rig rig;
		uint64_t sum = 0;
		rig_init(&rig, sizes[i]);
		struct layer_job job = rig_job(&rig, LAYER_ENCRYPT, 2);
		job.progress = count;
		job.progress_ctx = &sum;
		rig_ends(&rig, LAYER_ENCRYPT);
		run_well(&rig, &job);
		assert_int_equal(sum, sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_vectors),
		cmocka_unit_test(every_size_on_every_number_of_threads),
		cmocka_unit_test(every_amount_held_back_comes_in_the_end),
		cmocka_unit_test(however_the_source_cuts),
		cmocka_unit_test(with_and_without_each_digest),
		cmocka_unit_test(the_input_may_have_a_longer_digest),
		cmocka_unit_test(verifies_without_a_sink),
		cmocka_unit_test(progress_adds_up_to_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
