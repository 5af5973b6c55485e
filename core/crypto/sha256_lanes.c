/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sha256_lanes.h"

#include <assert.h>

const struct sha256_lane sha256_lane_start = { { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
		0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))
#define INLINE   static inline __attribute__((always_inline, target("sha,sse4.1")))

static const uint32_t round_constants[64] __attribute__((aligned(16))) = { 0x428a2f98, 0x71374491, 0xb5c0fbcf,
	0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
	0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6,
	0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
	0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70,
	0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
	0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814,
	0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2 };

bool sha256_lanes_usable(void)
{
	unsigned int a = 0, b = 0, c = 0, d = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* A chaining value as the instructions want it: A, B, E, F in one register, C, D, G, H in the other. */
struct pair {
	__m128i abef, cdgh;
};

/* The sixteen words of the schedule that are alive, four by four. */
struct schedule {
	__m128i w[4];
};

INLINE struct pair pair_load(const struct sha256_lane *lane)
{
	__m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)&lane->h[0]);
	__m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)&lane->h[4]);
	__m128i badc = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);

	return (struct pair){ _mm_alignr_epi8(badc, efgh, 8), _mm_blend_epi16(efgh, badc, 0xf0) };
}

INLINE void pair_store(struct pair pair, struct sha256_lane *lane)
{
	__m128i feba = _mm_shuffle_epi32(pair.abef, 0x1b), dchg = _mm_shuffle_epi32(pair.cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)(void *)&lane->h[0], _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)&lane->h[4], _mm_alignr_epi8(dchg, feba, 8));
}

INLINE __m128i four_words(const unsigned char *bytes)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)bytes), big_endian);
}

INLINE void schedule_load(struct schedule *schedule, const unsigned char *block)
{
	schedule->w[0] = four_words(block);
	schedule->w[1] = four_words(block + 16);
	schedule->w[2] = four_words(block + 32);
	schedule->w[3] = four_words(block + 48);
}

/* The words of rounds 4 × group … 4 × group + 3 with their constants. */
INLINE __m128i schedule_next(struct schedule *schedule, int group)
{
	__m128i *w = &schedule->w[group & 3];

	if (group >= 4) {
		__m128i before = schedule->w[(group + 3) & 3];
		__m128i seven = _mm_alignr_epi8(before, schedule->w[(group + 2) & 3], 4);
		*w = _mm_add_epi32(_mm_sha256msg1_epu32(*w, schedule->w[(group + 1) & 3]), seven);
		*w = _mm_sha256msg2_epu32(*w, before);
	}
	return _mm_add_epi32(*w, _mm_load_si128((const __m128i *)(const void *)&round_constants[4 * group]));
}

/* A running hash inside the loop. Named one by one there: compilers keep the registers of an array in memory. */
struct lane {
	struct pair now, before;
	struct schedule schedule;
	__m128i words;
};

INLINE void lane_begin(struct lane *lane, const unsigned char *block)
{
	lane->before = lane->now;
	if (block)
		schedule_load(&lane->schedule, block);
}

INLINE void two_rounds(struct lane *lane, __m128i words)
{
	lane->words = words;
	lane->now.cdgh = _mm_sha256rnds2_epu32(lane->now.cdgh, lane->now.abef, words);
}

INLINE void two_more(struct lane *lane)
{
	lane->now.abef = _mm_sha256rnds2_epu32(
			lane->now.abef, lane->now.cdgh, _mm_shuffle_epi32(lane->words, 0x0e));
}

INLINE void lane_end(struct lane *lane)
{
	lane->now.abef = _mm_add_epi32(lane->now.abef, lane->before.abef);
	lane->now.cdgh = _mm_add_epi32(lane->now.cdgh, lane->before.cdgh);
}

INLINE void one_block(struct lane *a, struct lane *b, struct lane *c, const bool shared)
{
#pragma GCC unroll 16
	for (int group = 0; group < 16; group++) {
		two_rounds(a, schedule_next(&a->schedule, group));
		if (b)
			two_rounds(b, shared ? a->words : schedule_next(&b->schedule, group));
		if (c)
			two_rounds(c, schedule_next(&c->schedule, group));
		two_more(a);
		if (b)
			two_more(b);
		if (c)
			two_more(c);
	}
}

/* count and shared (lane 1 reads what lane 0 reads) are constants where this is called: no branch on them is left. */
INLINE void run(struct sha256_lane *const lanes[], const unsigned char *const data[], const size_t count,
		const bool shared, size_t blocks)
{
	struct lane a = { .now = pair_load(lanes[0]) };
	struct lane b = { .now = pair_load(lanes[count > 1 ? 1 : 0]) };
	struct lane c = { .now = pair_load(lanes[count > 2 ? 2 : 0]) };

	for (size_t at = 0; blocks; blocks--, at += SHA256_LANES_BLOCK) {
		lane_begin(&a, data[0] + at);
		if (count > 1)
			lane_begin(&b, shared ? NULL : data[1] + at);
		if (count > 2)
			lane_begin(&c, data[2] + at);
		one_block(&a, count > 1 ? &b : NULL, count > 2 ? &c : NULL, shared);
		lane_end(&a);
		if (count > 1)
			lane_end(&b);
		if (count > 2)
			lane_end(&c);
	}
	pair_store(a.now, lanes[0]);
	if (count > 1)
		pair_store(b.now, lanes[1]);
	if (count > 2)
		pair_store(c.now, lanes[2]);
}

WITH_SHA static void run_one(
		struct sha256_lane *const lanes[], const unsigned char *const data[], size_t blocks)
{
	run(lanes, data, 1, false, blocks);
}

WITH_SHA static void run_two(
		struct sha256_lane *const lanes[], const unsigned char *const data[], size_t blocks)
{
	run(lanes, data, 2, false, blocks);
}

WITH_SHA static void run_two_shared(
		struct sha256_lane *const lanes[], const unsigned char *const data[], size_t blocks)
{
	run(lanes, data, 2, true, blocks);
}

WITH_SHA static void run_three_shared(
		struct sha256_lane *const lanes[], const unsigned char *const data[], size_t blocks)
{
	run(lanes, data, 3, true, blocks);
}

void sha256_lanes_run(struct sha256_lane *const lanes[], const unsigned char *const data[], size_t count,
		size_t blocks)
{
	assert(count >= 1 && count <= SHA256_LANES_MAX);
	bool shared = count > 1 && data[0] == data[1];

	if (count == 1) {
		run_one(lanes, data, blocks);
	} else if (count == 2 || !shared) {
		(shared ? run_two_shared : run_two)(lanes, data, blocks);
		if (count == 3)
			run_one(lanes + 2, data + 2, blocks);
	} else {
		run_three_shared(lanes, data, blocks);
	}
}

#else /* no SHA extensions that this file knows */

bool sha256_lanes_usable(void)
{
	return false;
}

void sha256_lanes_run(struct sha256_lane *const lanes[], const unsigned char *const data[], size_t count,
		size_t blocks)
{
	(void)lanes;
	(void)data;
	(void)count;
	(void)blocks;
	assert(!"sha256_lanes_usable() said no");
}

#endif
