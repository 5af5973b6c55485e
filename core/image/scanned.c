/* SPDX-License-Identifier: Apache-2.0 */
#include "image/scanned.h"

#include "base/b64.h"
#include "base/err.h"

/* [0,255,…], as writers in Rust may make it */
static int bytes_of_array(struct scan array, const char *name, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	struct scan item;
	size_t len = 0;
	uint64_t byte;

	/* an item takes two characters at least, with its comma */
	if (secret_alloc(&room, array.text.len / 2 + 1, err) < 0)
		return -1;
	while (scan_item(&array, &item)) {
		if (!scan_number(&item, 255, &byte))
			return err_set(err, ERR_FORMAT, "'%s' holds something that is no byte", name);
		room.ptr[len++] = (unsigned char)byte;
	}
	return secret_from_span(out, span_new(room.ptr, len), err);
}

/* Base64, in which CR and LF may stand. */
static int bytes_of_text(const struct scan *string, const char *name, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE, plain = SECRET_NONE;
	size_t len = 0, plain_len = 0;

	if (secret_alloc(&room, string->text.len, err) < 0)
		return -1;
	size_t given = scan_text(string, (char *)room.ptr);
	for (size_t i = 0; i < given; i++)
		if (room.ptr[i] != '\r' && room.ptr[i] != '\n')
			room.ptr[len++] = room.ptr[i];
	if (secret_alloc(&plain, b64_decoded_max(len), err) < 0)
		return -1;
	if (b64_decode_raw(span_new(room.ptr, len), plain.ptr, &plain_len, NULL) < 0)
		return err_set(err, ERR_FORMAT, "'%s' is not base64", name);
	return secret_from_span(out, span_new(plain.ptr, plain_len), err);
}

int scanned_bytes(const struct scan *value, const char *name, struct secret *out, struct err *err)
{
	if (value->kind == SCAN_ARRAY)
		return bytes_of_array(*value, name, out, err);
	if (value->kind == SCAN_STRING)
		return bytes_of_text(value, name, out, err);
	return err_set(err, ERR_FORMAT, "'%s' must be a base64 text", name);
}
