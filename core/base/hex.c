/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

#include "base/err.h"

/* All ones when a < b, else zero, for values far below 2^31. */
static inline int below(int a, int b)
{
	return (a - b) >> 31;
}

static inline char to_char(int v)
{
	return (char)('0' + v + (below(9, v) & ('a' - '9' - 1)));
}

/* Four bits, or -1. */
static inline int to_bits(unsigned char byte)
{
	int c = byte;
	int digit = ~below(c, '0') & ~below('9', c);
	int letter = ~below(c, 'a') & ~below('f', c);

	return -1 + (digit & (c - '0' + 1)) + (letter & (c - 'a' + 10 + 1));
}

void hex_encode_raw(char *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];
		out[2 * i] = to_char(byte >> 4);
		out[2 * i + 1] = to_char(byte & 15);
	}
}

void hex_encode(struct buf *out, struct span bytes)
{
	char *room = buf_room(out, 2 * bytes.len);

	if (!room)
		return;
	hex_encode_raw(room, bytes);
	buf_grew(out, 2 * bytes.len);
}

int hex_decode_raw(struct span text, void *out, size_t len, struct err *err)
{
	unsigned char *bytes = out;
	int bad = 0; /* negative as soon as one character was foreign */

	if (text.len % 2 || text.len / 2 != len)
		return err_set(err, ERR_FORMAT, "hex: %zu characters where %zu are needed", text.len,
				2 * len);
	for (size_t i = 0; i < len; i++) {
		int high = to_bits((unsigned char)text.ptr[2 * i]);
		int low = to_bits((unsigned char)text.ptr[2 * i + 1]);
		bad |= high | low;
		bytes[i] = (unsigned char)((unsigned)high << 4 | (unsigned)low);
	}
	if (bad < 0)
		return err_set(err, ERR_FORMAT, "hex: a character is not one of 0-9 a-f");
	return 0;
}

int hex_decode(struct span text, struct buf *out, struct err *err)
{
	size_t len = text.len / 2;

	if (text.len % 2)
		return err_set(err, ERR_FORMAT, "hex: odd number of characters (%zu)", text.len);
	if (out->over || len > out->max - out->len)
		return err_set(err, ERR_LIMIT, "hex: decoded bytes exceed %zu", out->max);
	char *room = buf_room(out, len);
	int status = hex_decode_raw(text, room, len, err);
	buf_grew(out, status < 0 ? 0 : len);
	return status;
}
