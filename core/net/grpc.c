/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc.h"

#include "base/buf.h"

static const struct {
	const char *name;
	enum err_kind kind;
} statuses[GRPC_STATUSES] = {
	[GRPC_OK] = { "OK", ERR_OK },
	[GRPC_CANCELLED] = { "CANCELLED", ERR_RETRY },
	[GRPC_UNKNOWN] = { "UNKNOWN", ERR_DENIED },
	[GRPC_INVALID_ARGUMENT] = { "INVALID_ARGUMENT", ERR_USAGE },
	[GRPC_DEADLINE_EXCEEDED] = { "DEADLINE_EXCEEDED", ERR_RETRY },
	[GRPC_NOT_FOUND] = { "NOT_FOUND", ERR_NOT_FOUND },
	[GRPC_ALREADY_EXISTS] = { "ALREADY_EXISTS", ERR_CONFLICT },
	[GRPC_PERMISSION_DENIED] = { "PERMISSION_DENIED", ERR_DENIED },
	[GRPC_RESOURCE_EXHAUSTED] = { "RESOURCE_EXHAUSTED", ERR_LIMIT },
	[GRPC_FAILED_PRECONDITION] = { "FAILED_PRECONDITION", ERR_DENIED },
	[GRPC_ABORTED] = { "ABORTED", ERR_DENIED },
	[GRPC_OUT_OF_RANGE] = { "OUT_OF_RANGE", ERR_USAGE },
	[GRPC_UNIMPLEMENTED] = { "UNIMPLEMENTED", ERR_DENIED },
	[GRPC_INTERNAL] = { "INTERNAL", ERR_DENIED },
	[GRPC_UNAVAILABLE] = { "UNAVAILABLE", ERR_RETRY },
	[GRPC_DATA_LOSS] = { "DATA_LOSS", ERR_IO },
	[GRPC_UNAUTHENTICATED] = { "UNAUTHENTICATED", ERR_AUTH },
};

const char *grpc_status_name(enum grpc_status status)
{
	return statuses[status < GRPC_STATUSES ? status : GRPC_UNKNOWN].name;
}

enum err_kind grpc_status_kind(enum grpc_status status)
{
	return statuses[status < GRPC_STATUSES ? status : GRPC_UNKNOWN].kind;
}

enum grpc_status grpc_status_of(enum err_kind kind)
{
	switch (kind) {
	case ERR_OK:
		return GRPC_OK;
	case ERR_USAGE:
	case ERR_FORMAT:
		return GRPC_INVALID_ARGUMENT;
	case ERR_LIMIT:
		return GRPC_RESOURCE_EXHAUSTED;
	case ERR_DENIED:
		return GRPC_PERMISSION_DENIED;
	case ERR_AUTH:
		return GRPC_UNAUTHENTICATED;
	case ERR_NOT_FOUND:
		return GRPC_NOT_FOUND;
	case ERR_CONFLICT:
		return GRPC_ABORTED;
	case ERR_RETRY:
		return GRPC_UNAVAILABLE;
	case ERR_IO:
	case ERR_BUG:
		break;
	}
	return GRPC_INTERNAL;
}

void grpc_prefix_format(size_t len, unsigned char out[static GRPC_PREFIX])
{
	out[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		out[1 + i] = (unsigned char)(len >> (24 - 8 * i));
}

int grpc_prefix_parse(
		const unsigned char prefix[static GRPC_PREFIX], size_t max, size_t *len, struct err *err)
{
	size_t size = 0;

	for (unsigned i = 0; i < 4; i++)
		size = size << 8 | prefix[1 + i];
	if (prefix[0] == 1)
		return err_set(err, ERR_USAGE, "compressed messages are not supported");
	if (prefix[0])
		return err_set(err, ERR_FORMAT, "a message begins with the flag %u", prefix[0]);
	if (size > max)
		return err_set(err, ERR_LIMIT, "a message of %zu bytes; at most %zu are allowed", size, max);
	*len = size;
	return 0;
}

void grpc_text_encode(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20 || c > 0x7e || c == '%')
			buf_printf(out, "%%%02X", c);
		else
			buf_putc(out, (char)c);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void grpc_text_decode(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		int high = text.len - i > 2 && text.ptr[i] == '%' ? hex_digit(text.ptr[i + 1]) : -1;
		int low = high < 0 ? -1 : hex_digit(text.ptr[i + 2]);
		char c = text.ptr[i];
		if (low >= 0) {
			c = (char)(high << 4 | low);
			i += 2;
		}
		buf_putc(out, c);
	}
}

bool grpc_is_path(struct span path)
{
	size_t slashes = 0;

	for (size_t i = 0; i < path.len; i++) {
		if (path.ptr[i] <= 0x20 || path.ptr[i] > 0x7e)
			return false;
		slashes += path.ptr[i] == '/';
	}
	return slashes == 2 && path.ptr[0] == '/' && path.len > 3 && path.ptr[path.len - 1] != '/';
}
