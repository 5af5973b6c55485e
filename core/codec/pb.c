/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/pb.h"

#include "base/buf.h"
#include "base/err.h"

#define NUMBER_MAX ((UINT32_C(1) << 29) - 1)

/* At most ten bytes, of which the last holds one bit. */
static int take_varint(struct span *rest, uint64_t *out, struct err *err)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 10 && i < rest->len; i++) {
		uint8_t byte = (uint8_t)rest->ptr[i];
		if (i == 9 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		*rest = span_from(*rest, i + 1);
		*out = value;
		return 0;
	}
	return err_set(err, ERR_FORMAT,
			rest->len < 10 ? "an integer is cut off" : "an integer is longer than 64 bits");
}

static int take_bytes(struct span *rest, uint64_t len, struct span *out, struct err *err)
{
	if (len > rest->len)
		return err_set(err, ERR_FORMAT, "is cut off");
	*out = span_new(rest->ptr, (size_t)len);
	*rest = span_from(*rest, (size_t)len);
	return 0;
}

static int take_value(struct span *rest, unsigned type, struct pb_field *out, struct err *err)
{
	uint64_t len = 0;

	switch (type) {
	case PB_VARINT:
		return take_varint(rest, &out->varint, err);
	case PB_FIXED64:
		return take_bytes(rest, 8, &out->bytes, err);
	case PB_FIXED32:
		return take_bytes(rest, 4, &out->bytes, err);
	case PB_BYTES:
		if (take_varint(rest, &len, err) < 0)
			return -1;
		return take_bytes(rest, len, &out->bytes, err);
	default:
		return err_set(err, ERR_FORMAT, "has the type %u, which is none", type);
	}
}

int pb_next(struct span *rest, struct pb_field *out, struct err *err)
{
	struct pb_field field = { .varint = 0 };
	struct span left = *rest;
	uint64_t tag = 0;

	if (take_varint(&left, &tag, err) < 0)
		return err_wrap(err, "protobuf tag");
	if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return err_set(err, ERR_FORMAT, "protobuf tag: the field number is out of range");
	field.number = (uint32_t)(tag >> 3);
	field.type = (enum pb_type)(tag & 7);
	if (take_value(&left, tag & 7, &field, err) < 0)
		return err_wrap(err, "protobuf field %u", field.number);
	*rest = left;
	*out = field;
	return 0;
}

int pb_bytes(const struct pb_field *field, struct span *out, struct err *err)
{
	if (field->type != PB_BYTES)
		return err_set(err, ERR_FORMAT, "protobuf field %u: holds no bytes", field->number);
	*out = field->bytes;
	return 0;
}

int pb_text(const struct pb_field *field, struct span *out, struct err *err)
{
	struct span text = SPAN_NONE;

	if (pb_bytes(field, &text, err) < 0)
		return -1;
	if (!span_is_utf8(text))
		return err_set(err, ERR_FORMAT, "protobuf field %u: is not UTF-8", field->number);
	*out = text;
	return 0;
}

int pb_varint(const struct pb_field *field, uint64_t *out, struct err *err)
{
	if (field->type != PB_VARINT)
		return err_set(err, ERR_FORMAT, "protobuf field %u: holds no integer", field->number);
	*out = field->varint;
	return 0;
}

int pb_find_bytes(struct span message, uint32_t number, struct span *out, struct err *err)
{
	struct span found = SPAN_NONE;
	struct pb_field field = { .number = 0 };

	while (message.len) {
		if (pb_next(&message, &field, err) < 0 ||
				(field.number == number && pb_bytes(&field, &found, err) < 0))
			return -1;
	}
	*out = found;
	return 0;
}

static void put_number(struct buf *out, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		buf_putc(out, (char)(0x80 | (value & 0x7f)));
	buf_putc(out, (char)value);
}

void pb_put_varint(struct buf *out, uint32_t number, uint64_t value)
{
	put_number(out, (uint64_t)number << 3 | PB_VARINT);
	put_number(out, value);
}

void pb_put_head(struct buf *out, uint32_t number, size_t len)
{
	put_number(out, (uint64_t)number << 3 | PB_BYTES);
	put_number(out, len);
}

void pb_put_bytes(struct buf *out, uint32_t number, struct span bytes)
{
	pb_put_head(out, number, bytes.len);
	buf_add_span(out, bytes);
}
