/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"

#include "base/err.h"

#include <endian.h>
#include <string.h>

/* What makes an alphabet differ from the other: its last two characters, and whether the text is padded. */
struct alphabet {
	const char *name;
	unsigned c62, c63;
	bool padded;
};

static const struct alphabet standard = { "base64", '+', '/', true };
static const struct alphabet url_safe = { "base64url", '-', '_', false };

/*
 * Eight characters, or eight values of six bits, are worked on at once in the eight bytes ("lanes") of a word. All
 * sums below stay within their lane: values are under 64, characters under 128, and what is taken away is there.
 */
#define LANES(byte) ((uint64_t)(byte)*UINT64_C(0x0101010101010101))
#define CHARS       8
#define BYTES       6

/* 1 in each lane that is at least k, for lanes under 128 and k of 1 … 128. */
static inline uint64_t at_least(uint64_t lanes, unsigned k)
{
	return (lanes + LANES(128 - k)) >> 7 & LANES(1);
}

static inline uint64_t equal(uint64_t lanes, unsigned k)
{
	return at_least(lanes ^ LANES(k), 1) ^ LANES(1);
}

/* Six bits → character, by adding up the steps between the alphabet's five ranges. */
static inline uint64_t to_chars(const struct alphabet *abc, uint64_t v)
{
	uint64_t c = v + LANES('A') + at_least(v, 26) * ('a' - 'Z' - 1);

	c -= at_least(v, 52) * ('z' + 1 - '0');
	c -= at_least(v, 62) * ('9' + 1 - abc->c62);
	return c + at_least(v, 63) * (abc->c63 - abc->c62 - 1);
}

/* Character → six bits; lanes that are no character of the alphabet get a bit in *bad. */
static inline uint64_t to_values(const struct alphabet *abc, uint64_t c, uint64_t *bad)
{
	uint64_t high = c & LANES(128);
	c &= LANES(127);
	uint64_t upper = at_least(c, 'A') - at_least(c, 'Z' + 1);
	uint64_t lower = at_least(c, 'a') - at_least(c, 'z' + 1);
	uint64_t digit = at_least(c, '0') - at_least(c, '9' + 1);
	uint64_t c62 = equal(c, abc->c62), c63 = equal(c, abc->c63);

	*bad |= high | ((upper | lower | digit | c62 | c63) ^ LANES(1));
	/* 'A' and 'a' are 1 in their low five bits, '0' is 0 in its low four */
	return (c & (upper | lower) * 31) - (upper | lower) + lower * 26 + (c & digit * 15) + digit * 52 +
			c62 * 62 + c63 * 63;
}

/* Six bytes → eight values, the first in the highest lane. */
static inline uint64_t split(const unsigned char *in)
{
	uint64_t high = (uint64_t)in[0] << 16 | (uint64_t)in[1] << 8 | in[2];
	uint64_t low = (uint64_t)in[3] << 16 | (uint64_t)in[4] << 8 | in[5];
	uint64_t twelves = high << 32 | low;

	twelves = (twelves & UINT64_C(0x00fff00000fff000)) << 4 | (twelves & UINT64_C(0x00000fff00000fff));
	return (twelves & UINT64_C(0x0fc00fc00fc00fc0)) << 2 | (twelves & UINT64_C(0x003f003f003f003f));
}

/* Eight values → 48 bits. */
static inline uint64_t join(uint64_t v)
{
	v = (v & UINT64_C(0x3f003f003f003f00)) >> 2 | (v & UINT64_C(0x003f003f003f003f));
	v = (v & UINT64_C(0x0fff00000fff0000)) >> 4 | (v & UINT64_C(0x00000fff00000fff));
	return v >> 32 << 24 | (v & 0xffffff);
}

static inline void encode_block(const struct alphabet *abc, char *out, const unsigned char *in)
{
	uint64_t chars = htobe64(to_chars(abc, split(in)));

	memcpy(out, &chars, CHARS);
}

/* The 48 bits of eight characters. */
static inline uint64_t decode_block(const struct alphabet *abc, const char *in, uint64_t *bad)
{
	uint64_t chars;

	memcpy(&chars, in, CHARS);
	return join(to_values(abc, be64toh(chars), bad));
}

static inline void put_bytes(unsigned char *out, uint64_t bits, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (unsigned char)(bits >> (40 - 8 * i));
}

static inline void encode(const struct alphabet *abc, char *out, struct span bytes)
{
	const unsigned char *in = (const unsigned char *)bytes.ptr;
	size_t left = bytes.len;

	for (; left >= BYTES; left -= BYTES, in += BYTES, out += CHARS)
		encode_block(abc, out, in);
	if (!left)
		return;
	unsigned char tail[BYTES] = { 0 };
	char chars[CHARS];
	size_t count = b64url_encoded_len(left);
	memcpy(tail, in, left);
	encode_block(abc, chars, tail);
	memcpy(out, chars, count);
	if (abc->padded)
		memset(out + count, '=', b64_encoded_len(left) - count);
	explicit_bzero(tail, sizeof(tail));
	explicit_bzero(chars, sizeof(chars));
}

/* The text without its padding. Where the padding stands shows the length alone, which is no secret. */
static int unpad(const struct alphabet *abc, struct span *text, struct err *err)
{
	if (!abc->padded) {
		if (text->len % 4 == 1)
			return err_set(err, ERR_FORMAT, "%s: %zu characters are no possible length",
					abc->name, text->len);
		return 0;
	}
	if (text->len % 4)
		return err_set(err, ERR_FORMAT, "%s: length %zu is not a multiple of 4 (padding missing?)",
				abc->name, text->len);
	for (int i = 0; i < 2 && text->len && text->ptr[text->len - 1] == '='; i++)
		text->len--;
	return 0;
}

static inline int decode(const struct alphabet *abc, struct span text, unsigned char *out, size_t *len,
		struct err *err)
{
	if (unpad(abc, &text, err) < 0)
		return -1;
	const char *in = text.ptr;
	size_t left = text.len, n = 0;
	uint64_t bad = 0, spare = 0;

	for (; left >= CHARS; left -= CHARS, in += CHARS, n += BYTES)
		put_bytes(out + n, decode_block(abc, in, &bad), BYTES);
	if (left) {
		/* filled up with the character for zero: what stands behind the last byte must be zero too */
		char tail[CHARS] = { 'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A' };
		size_t count = b64_decoded_max(left);
		memcpy(tail, in, left);
		uint64_t bits = decode_block(abc, tail, &bad);
		put_bytes(out + n, bits, count);
		spare = bits & (UINT64_C(0xffffffffffff) >> 8 * count);
		n += count;
		explicit_bzero(tail, sizeof(tail));
	}
	if (bad)
		return err_set(err, ERR_FORMAT, "%s: a character is not of the alphabet", abc->name);
	if (spare)
		return err_set(err, ERR_FORMAT, "%s: the last character has bits beyond the last byte",
				abc->name);
	*len = n;
	return 0;
}

static int decode_into(const struct alphabet *abc, struct span text, struct buf *out, struct err *err)
{
	size_t padding = 0;
	while (abc->padded && padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
		padding++;
	size_t len = b64_decoded_max(text.len - padding);
	if (out->over || len > out->max - out->len)
		return err_set(err, ERR_LIMIT, "%s: decoded bytes exceed %zu", abc->name, out->max);
	char *room = buf_room(out, len);
	if (decode(abc, text, (unsigned char *)room, &len, err) < 0) {
		buf_grew(out, 0);
		return -1;
	}
	buf_grew(out, len);
	return 0;
}

void b64_encode_raw(char *out, struct span bytes)
{
	encode(&standard, out, bytes);
}

void b64url_encode_raw(char *out, struct span bytes)
{
	encode(&url_safe, out, bytes);
}

int b64_decode_raw(struct span text, void *out, size_t *len, struct err *err)
{
	return decode(&standard, text, out, len, err);
}

int b64url_decode_raw(struct span text, void *out, size_t *len, struct err *err)
{
	return decode(&url_safe, text, out, len, err);
}

void b64_encode(struct buf *out, struct span bytes)
{
	size_t len = b64_encoded_len(bytes.len);
	char *room = buf_room(out, len);

	if (!room)
		return;
	b64_encode_raw(room, bytes);
	buf_grew(out, len);
}

void b64url_encode(struct buf *out, struct span bytes)
{
	size_t len = b64url_encoded_len(bytes.len);
	char *room = buf_room(out, len);

	if (!room)
		return;
	b64url_encode_raw(room, bytes);
	buf_grew(out, len);
}

int b64_decode(struct span text, struct buf *out, struct err *err)
{
	return decode_into(&standard, text, out, err);
}

int b64url_decode(struct span text, struct buf *out, struct err *err)
{
	return decode_into(&url_safe, text, out, err);
}
