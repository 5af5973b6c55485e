/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/services_own.h"

#include "base/err.h"
#include "base/log.h"
#include "codec/pb.h"

/* The words of the library that the others' servers read messages with. */
static enum grpc_status malformed(const struct services *services, const char *why, struct err *err)
{
	(void)err_set(err, ERR_FORMAT, "%s%s",
			services->grpc ? "failed to decode Protobuf message: " : "ttrpc err: ", why);
	return services->grpc ? GRPC_INTERNAL : GRPC_UNKNOWN;
}

static const struct service_field *find(
		const struct pb_field *field, const struct service_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum pb_type wanted = fields[i].varint ? PB_VARINT : PB_BYTES;
		if (fields[i].number == field->number && field->type == wanted)
			return &fields[i];
	}
	return NULL;
}

enum grpc_status service_read(const struct services *services, struct span message,
		const struct service_field *fields, size_t count, struct err *err)
{
	struct pb_field field = { .number = 0 };

	while (message.len) {
		if (pb_next(&message, &field, NULL) < 0)
			return malformed(services, "Unexpected EOF", err);
		const struct service_field *wanted = find(&field, fields, count);
		if (!wanted)
			continue;
		if (wanted->text && !span_is_utf8(field.bytes))
			return malformed(services, "Invalid UTF-8 sequence", err);
		if (wanted->varint)
			*wanted->varint = field.varint;
		else
			*(wanted->text ? wanted->text : wanted->bytes) = field.bytes;
		if (wanted->has)
			*wanted->has = true;
	}
	return GRPC_OK;
}

enum grpc_status service_fail(const struct services *services, const char *call, const char *text,
		const struct err *why, struct err *err)
{
	if (services->frank) {
		(void)err_set(err, why->kind, "%s", why->text);
		return GRPC_INTERNAL;
	}
	log_warn("refused", "call", call, LOG_ERR(why), NULL);
	(void)err_set(err, why->kind, "%s", text);
	return GRPC_INTERNAL;
}

enum grpc_status service_not_supported(
		const struct services *services, const char *path, const char *grpc_text, struct err *err)
{
	if (services->grpc) {
		(void)err_set(err, ERR_USAGE, "%s", grpc_text);
		return GRPC_UNIMPLEMENTED;
	}
	(void)err_set(err, ERR_NOT_FOUND, "%s is not supported", path);
	return GRPC_NOT_FOUND;
}
