/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"

#include "base/err.h"

/* What makes an alphabet differ from the other: its last two characters, and whether the text is padded. */
struct alphabet {
	const char *name;
	int c62, c63;
	bool padded;
};

static const struct alphabet standard = { "base64", '+', '/', true };
static const struct alphabet url_safe = { "base64url", '-', '_', false };

/* All ones when a < b, else zero, for values far below 2^31. */
static inline int below(int a, int b)
{
	return (a - b) >> 31;
}

static inline int within(int c, int first, int last)
{
	return ~below(c, first) & ~below(last, c);
}

/* Six bits → character, by adding up the steps between the alphabet's five ranges. */
static inline char to_char(const struct alphabet *abc, int v)
{
	int c = 'A' + v;

	c += below(25, v) & ('a' - 'Z' - 1);
	c += below(51, v) & ('0' - 'z' - 1);
	c += below(61, v) & (abc->c62 - '9' - 1);
	c += below(62, v) & (abc->c63 - abc->c62 - 1);
	return (char)c;
}

/* Character → six bits, or -1: of the five masks at most one is set. */
static inline int to_bits(const struct alphabet *abc, unsigned char byte)
{
	int c = byte;
	int v = -1;

	v += within(c, 'A', 'Z') & (c - 'A' + 1);
	v += within(c, 'a', 'z') & (c - 'a' + 26 + 1);
	v += within(c, '0', '9') & (c - '0' + 52 + 1);
	v += within(c, abc->c62, abc->c62) & (62 + 1);
	v += within(c, abc->c63, abc->c63) & (63 + 1);
	return v;
}

static inline void encode(const struct alphabet *abc, char *out, struct span bytes)
{
	const unsigned char *in = (const unsigned char *)bytes.ptr;
	size_t left = bytes.len;

	for (; left >= 3; left -= 3, in += 3, out += 4) {
		int bits = in[0] << 16 | in[1] << 8 | in[2];
		out[0] = to_char(abc, bits >> 18);
		out[1] = to_char(abc, bits >> 12 & 63);
		out[2] = to_char(abc, bits >> 6 & 63);
		out[3] = to_char(abc, bits & 63);
	}
	if (!left)
		return;
	int bits = in[0] << 16 | (left == 2 ? in[1] << 8 : 0);
	*out++ = to_char(abc, bits >> 18);
	*out++ = to_char(abc, bits >> 12 & 63);
	if (left == 2)
		*out++ = to_char(abc, bits >> 6 & 63);
	if (abc->padded)
		for (; left < 3; left++)
			*out++ = '=';
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
	const unsigned char *in = (const unsigned char *)text.ptr;
	size_t left = text.len, n = 0;
	int bad = 0; /* negative as soon as one character was foreign */

	for (; left >= 4; left -= 4, in += 4) {
		int a = to_bits(abc, in[0]), b = to_bits(abc, in[1]);
		int c = to_bits(abc, in[2]), d = to_bits(abc, in[3]);
		bad |= a | b | c | d;
		unsigned bits = (unsigned)a << 18 | (unsigned)b << 12 | (unsigned)c << 6 | (unsigned)d;
		out[n++] = (unsigned char)(bits >> 16);
		out[n++] = (unsigned char)(bits >> 8);
		out[n++] = (unsigned char)bits;
	}
	unsigned spare = 0; /* the last character's bits that belong to no byte */
	if (left) {
		int a = to_bits(abc, in[0]), b = to_bits(abc, in[1]);
		int c = left == 3 ? to_bits(abc, in[2]) : 0;
		bad |= a | b | c;
		unsigned bits = (unsigned)a << 18 | (unsigned)b << 12 | (unsigned)c << 6;
		out[n++] = (unsigned char)(bits >> 16);
		if (left == 3)
			out[n++] = (unsigned char)(bits >> 8);
		spare = left == 3 ? bits & 0xc0 : bits & 0xf000;
	}
	if (bad < 0)
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
