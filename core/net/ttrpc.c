/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc.h"

#include "base/buf.h"
#include "base/err.h"
#include "codec/pb.h"

static uint32_t get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_u32(unsigned char *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (24 - 8 * i));
}

void ttrpc_head_parse(const unsigned char bytes[static TTRPC_HEAD], struct ttrpc_head *out)
{
	out->len = get_u32(bytes);
	out->stream = get_u32(bytes + 4);
	out->type = bytes[8];
	out->flags = bytes[9];
}

void ttrpc_head_format(const struct ttrpc_head *head, unsigned char out[static TTRPC_HEAD])
{
	put_u32(out, head->len);
	put_u32(out + 4, head->stream);
	out[8] = head->type;
	out[9] = head->flags;
}

/* ---- envelopes: a field that is empty or zero is not written, as proto3 has it ---- */

static void put_bytes(struct buf *out, uint32_t number, struct span bytes)
{
	if (bytes.len)
		pb_put_bytes(out, number, bytes);
}

static int request_field(const struct pb_field *field, struct ttrpc_request *out, struct err *err)
{
	uint64_t number = 0;

	switch (field->number) {
	case 1:
		return pb_text(field, &out->service, err);
	case 2:
		return pb_text(field, &out->method, err);
	case 3:
		return pb_bytes(field, &out->payload, err);
	case 4:
		if (pb_varint(field, &number, err) < 0)
			return -1;
		out->timeout_nano = (int64_t)number;
		return 0;
	default:
		return 0;
	}
}

int ttrpc_request_parse(struct span data, struct ttrpc_request *out, struct err *err)
{
	struct ttrpc_request request = { .timeout_nano = 0 };
	struct pb_field field;

	if (data.len > TTRPC_DATA_MAX)
		return err_set(err, ERR_LIMIT, "a request of %zu bytes; at most %zu are allowed", data.len,
				TTRPC_DATA_MAX);
	while (data.len)
		if (pb_next(&data, &field, err) < 0 || request_field(&field, &request, err) < 0)
			return err_wrap(err, "ttrpc request");
	*out = request;
	return 0;
}

void ttrpc_request_format(const struct ttrpc_request *request, struct buf *out)
{
	put_bytes(out, 1, request->service);
	put_bytes(out, 2, request->method);
	put_bytes(out, 3, request->payload);
	if (request->timeout_nano)
		pb_put_varint(out, 4, (uint64_t)request->timeout_nano);
}

static int status_parse(struct span data, struct ttrpc_response *out, struct err *err)
{
	struct pb_field field;
	uint64_t code = 0;

	while (data.len) {
		if (pb_next(&data, &field, err) < 0)
			return -1;
		if (field.number == 1) {
			if (pb_varint(&field, &code, err) < 0)
				return -1;
			out->code = (int32_t)(uint32_t)code;
		}
		if (field.number == 2 && pb_text(&field, &out->message, err) < 0)
			return -1;
	}
	return 0;
}

int ttrpc_response_parse(struct span data, struct ttrpc_response *out, struct err *err)
{
	struct ttrpc_response response = { .code = 0 };
	struct pb_field field;
	struct span status;

	if (data.len > TTRPC_DATA_MAX)
		return err_set(err, ERR_LIMIT, "a response of %zu bytes; at most %zu are allowed", data.len,
				TTRPC_DATA_MAX);
	while (data.len) {
		int result = pb_next(&data, &field, err);
		if (!result && field.number == 1)
			result = pb_bytes(&field, &status, err) < 0 ? -1
								    : status_parse(status, &response, err);
		if (!result && field.number == 2)
			result = pb_bytes(&field, &response.payload, err);
		if (result < 0)
			return err_wrap(err, "ttrpc response");
	}
	*out = response;
	return 0;
}

/* How many bytes a number takes as a varint. */
static size_t varint_len(uint64_t value)
{
	size_t len = 1;

	while (value >>= 7)
		len++;
	return len;
}

void ttrpc_response_format(const struct ttrpc_response *response, struct buf *out)
{
	/* an enum is written with its sign */
	uint64_t code = (uint64_t)(int64_t)response->code;
	size_t len = 0;

	if (code)
		len += 1 + varint_len(code);
	if (response->message.len)
		len += 1 + varint_len(response->message.len) + response->message.len;
	/* the status is always there, as the ecosystem's server has it */
	pb_put_head(out, 1, len);
	if (code)
		pb_put_varint(out, 1, code);
	put_bytes(out, 2, response->message);
	put_bytes(out, 2, response->payload);
}
