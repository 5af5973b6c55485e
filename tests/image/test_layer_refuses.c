/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are not as they should be, and ends that fail: what is refused, and what was let out before. */
#include "image/layer_own.h"
#include "tests/image/layer_rig.h"

#define DIGEST_WRONG "the blob's digest is wrong"
#define MAC_WRONG    "the layer's HMAC is wrong"

/* Runs to a failure of that kind and text; at most all but `hold_back` bytes came out, and they are the right ones. */
static void run_badly(struct rig *rig, const struct layer_job *job, enum err_kind kind, const char *text)
{
	struct layer_result result = { .digest = "" };
	struct err err = ERR_NONE;
	const unsigned char *want = job->work == LAYER_ENCRYPT ? rig->cipher : rig->plain;

	assert_int_equal(layer_run(job, &rig->source.pull, &rig->sink.stream, &result, &err), -1);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, text);
	assert_int_equal(rig->sink.done, 0);
	assert_string_equal(result.digest, "");
	if (job->hold_back)
		assert_true(rig->sink.got.len + job->hold_back <= rig->source.at || rig->sink.got.len == 0);
	if (rig->sink.got.len && want)
		assert_memory_equal(rig->sink.got.ptr, want, rig->sink.got.len);
}

/* The same refusal whether the digest is known or not, on every number of threads, held back or not. */
static void refused_every_way(struct rig *rig, struct rig_source source)
{
	for (unsigned i = 0; i < 3 * 3 * 2; i++) {
		struct layer_job job = rig_job(rig, LAYER_DECRYPT, 1 + i % 3);
		job.hold_back = (const size_t[]){ 0, 10240, 3 * LAYER_BLOCK }[i / 3 % 3];
		if (i >= 9)
			job.digest = NULL;
		rig_ends(rig, LAYER_DECRYPT);
		rig->source = source;
		run_badly(rig, &job, ERR_AUTH, job.digest ? DIGEST_WRONG : MAC_WRONG);
	}
}

static const size_t sizes[] = { 1, 64, 10240, LAYER_BLOCK, (LAYER_DEPTH + 2) * LAYER_BLOCK + 9 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void a_flipped_bit_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		auto_rig struct rig rig;
		rig_init(&rig, sizes[i]);
		const size_t places[] = { 0, sizes[i] / 2, sizes[i] - 1 };
		for (size_t j = 0; j < 3; j++) {
			rig.cipher[places[j]] ^= 0x10;
			rig.plain[places[j]] ^= 0x10; /* so comes out what was not held back */
			rig_ends(&rig, LAYER_DECRYPT);
			refused_every_way(&rig, rig.source);
			rig.cipher[places[j]] ^= 0x10;
			rig.plain[places[j]] ^= 0x10;
		}
	}
}

static void a_layer_that_was_cut_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		auto_rig struct rig rig;
		rig_init(&rig, sizes[i]);
		const size_t lengths[] = { 0, sizes[i] / 2, sizes[i] - 1 };
		for (size_t j = 0; j < 3; j++) {
			rig_ends(&rig, LAYER_DECRYPT);
			rig.source.len = lengths[j];
			refused_every_way(&rig, rig.source);
		}
	}
}

static void a_layer_that_grew_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		auto_rig struct rig rig;
		rig_init(&rig, sizes[i]);
		struct layer_job job = rig_job(&rig, LAYER_ENCRYPT, 1);
		struct layer_result shorter;
		/* the HMAC and the digest of all but the last byte */
		rig_ends(&rig, LAYER_ENCRYPT);
		rig.source.len--;
		job.digest = NULL;
		assert_int_equal(layer_run(&job, &rig.source.pull, &rig.sink.stream, &shorter, NULL), 0);
		memcpy(rig.mac, shorter.mac, LAYER_MAC);
		memcpy(rig.cipher_digest, shorter.digest, sizeof(shorter.digest));
		rig_ends(&rig, LAYER_DECRYPT);
		refused_every_way(&rig, rig.source);
	}
}

/* Every bit of the HMAC counts, also where the digest is right. */
static void a_wrong_hmac_is_refused(void **state)
{
	auto_rig struct rig rig;

	(void)state;
	rig_init(&rig, 10000);
	for (size_t bit = 0; bit < 8 * LAYER_MAC; bit++) {
		struct layer_job job = rig_job(&rig, LAYER_DECRYPT, 1 + (unsigned)bit % 2);
		rig.mac[bit / 8] ^= (unsigned char)(1 << (bit % 8));
		rig_ends(&rig, LAYER_DECRYPT);
		run_badly(&rig, &job, ERR_AUTH, MAC_WRONG);
		rig.mac[bit / 8] ^= (unsigned char)(1 << (bit % 8));
	}
}

static void a_wrong_key_is_refused(void **state)
{
	auto_rig struct rig rig;

	(void)state;
	rig_init(&rig, 10000);
	struct layer_job job = rig_job(&rig, LAYER_DECRYPT, 2);
	job.hold_back = 10240;
	rig.key.ptr[31] ^= 1;
	rig_ends(&rig, LAYER_DECRYPT);
	run_badly(&rig, &job, ERR_AUTH, MAC_WRONG);
	assert_int_equal(rig.sink.got.len, 0);
}

static void a_digest_must_be_that_of_the_input(void **state)
{
	auto_rig struct rig rig;
	char upper[136];

	(void)state;
	rig_init(&rig, 2 * LAYER_BLOCK + 1);
	memcpy(upper, rig.plain_digest, sizeof(upper));
	for (char *c = upper + strlen("sha256:"); *c; c++)
		*c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
	const struct {
		const char *digest;
		enum err_kind kind;
		const char *text;
	} wrong[] = {
		{ rig.cipher_digest, ERR_AUTH, DIGEST_WRONG },
		{ upper, ERR_AUTH, DIGEST_WRONG },
		{ "sha256:", ERR_AUTH, DIGEST_WRONG },
		{ "sha512:00", ERR_AUTH, DIGEST_WRONG },
		{ "", ERR_FORMAT, "'' is no digest algorithm here; use sha256, sha384 or sha512" },
		{ "md5:00", ERR_FORMAT, "'md5' is no digest algorithm here; use sha256, sha384 or sha512" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (int copy = 0; copy < 2; copy++) {
			struct layer_job job = rig_job(&rig, copy ? LAYER_COPY : LAYER_ENCRYPT, 2);
			job.digest = wrong[i].digest;
			rig_ends(&rig, job.work);
			run_badly(&rig, &job, wrong[i].kind, wrong[i].text);
		}
}

static void a_source_that_breaks_ends_it(void **state)
{
	auto_rig struct rig rig;
	size_t blocks = LAYER_DEPTH + 4;

	(void)state;
	rig_init(&rig, blocks * LAYER_BLOCK);
	for (size_t block = 0; block <= blocks; block++)
		for (unsigned i = 0; i < 3 * 3; i++) {
			struct layer_job job =
					rig_job(&rig, i / 3 ? LAYER_DECRYPT : LAYER_ENCRYPT, 1 + i % 3);
			job.hold_back = i / 3 == 2 ? LAYER_BLOCK : 0;
			rig_ends(&rig, job.work);
			rig.source.fails_at = block * LAYER_BLOCK;
			run_badly(&rig, &job, ERR_IO, "the source broke");
		}
}

static void a_sink_that_fails_ends_it(void **state)
{
	auto_rig struct rig rig;
	size_t blocks = LAYER_DEPTH + 4;

	(void)state;
	rig_init(&rig, blocks * LAYER_BLOCK);
	for (size_t block = 0; block < blocks; block++)
		for (unsigned i = 0; i < 3 * 3; i++) {
			struct layer_job job =
					rig_job(&rig, i / 3 ? LAYER_DECRYPT : LAYER_ENCRYPT, 1 + i % 3);
			job.hold_back = i / 3 == 2 ? LAYER_BLOCK : 0;
			rig_ends(&rig, job.work);
			rig.sink.fails_at = block * LAYER_BLOCK + 1;
			run_badly(&rig, &job, ERR_DENIED, "the sink is full");
		}
}

/* Either may come first; the other is not waited for in vain. */
static void both_ends_may_fail_at_once(void **state)
{
	auto_rig struct rig rig;

	(void)state;
	rig_init(&rig, 12 * LAYER_BLOCK);
	for (unsigned i = 0; i < 300; i++) {
		struct layer_job job = rig_job(&rig, LAYER_ENCRYPT, 1 + i % 4);
		struct layer_result result;
		struct err err = ERR_NONE;
		rig_ends(&rig, LAYER_ENCRYPT);
		rig.source.fails_at = random_below(rig.len);
		rig.sink.fails_at = random_below(rig.len);
		assert_int_equal(layer_run(&job, &rig.source.pull, &rig.sink.stream, &result, &err), -1);
		assert_true(err.kind == ERR_IO || err.kind == ERR_DENIED);
	}
}

struct stopper {
	atomic_bool stop;
	uint64_t taken, after;
};

static void stop_after(void *ctx, uint64_t more)
{
	struct stopper *stopper = ctx;

	stopper->taken += more;
	if (stopper->taken >= stopper->after)
		stopper->stop = true;
}

static void stops_when_told(void **state)
{
	auto_rig struct rig rig;

	(void)state;
	rig_init(&rig, 12 * LAYER_BLOCK);
	for (size_t block = 0; block < 12; block++)
		for (unsigned threads = 1; threads <= 3; threads++) {
			struct stopper stopper = { .stop = block == 0, .after = block * LAYER_BLOCK };
			struct layer_job job = rig_job(&rig, LAYER_ENCRYPT, threads);
			job.progress = stop_after;
			job.progress_ctx = &stopper;
			job.stop = &stopper.stop;
			rig_ends(&rig, LAYER_ENCRYPT);
			run_badly(&rig, &job, ERR_RETRY, "stopped");
			assert_int_equal(rig.source.at, block * LAYER_BLOCK);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_bit_is_refused),
		cmocka_unit_test(a_layer_that_was_cut_is_refused),
		cmocka_unit_test(a_layer_that_grew_is_refused),
		cmocka_unit_test(a_wrong_hmac_is_refused),
		cmocka_unit_test(a_wrong_key_is_refused),
		cmocka_unit_test(a_digest_must_be_that_of_the_input),
		cmocka_unit_test(a_source_that_breaks_ends_it),
		cmocka_unit_test(a_sink_that_fails_ends_it),
		cmocka_unit_test(both_ends_may_fail_at_once),
		cmocka_unit_test(stops_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
