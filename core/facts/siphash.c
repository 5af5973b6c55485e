/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t turn(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void rounds(uint64_t v[4], unsigned count)
{
	while (count--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = turn(v[1], 13) ^ v[0];
		v[3] = turn(v[3], 16) ^ v[2];
		v[0] = turn(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = turn(v[1], 17) ^ v[2];
		v[3] = turn(v[3], 21) ^ v[0];
		v[2] = turn(v[2], 32);
	}
}

/* Up to eight bytes, the first is the lowest. */
static uint64_t word_of(const char *bytes, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, bytes, len);
	return le64toh(word);
}

uint64_t siphash(const uint64_t seed[2], struct span bytes)
{
	uint64_t v[4] = { seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261), seed[1] ^ UINT64_C(0x7465646279746573) };
	size_t at = 0;

	for (; bytes.len - at >= 8; at += 8) {
		uint64_t word = word_of(bytes.ptr + at, 8);
		v[3] ^= word;
		rounds(v, 2);
		v[0] ^= word;
	}
	uint64_t last = (uint64_t)bytes.len << 56 |
			(bytes.len > at ? word_of(bytes.ptr + at, bytes.len - at) : 0);
	v[3] ^= last;
	rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
