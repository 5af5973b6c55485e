/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/pb.h"
#include "crypto/secret.h"
#include "guest/hub.h"
#include "guest/mount.h"
#include "guest/serde.h"
#include "guest/services_own.h"
#include "image/packet.h"
#include "image/provider.h"

#include <string.h>

#define UNSEAL            "/api.SealedSecretService/UnsealSecret"
#define GET               "/api.GetResourceService/GetResource"
#define MOUNT             "/api.SecureMountService/SecureMount"
#define PULL              "/api.ImagePullService/PullImage"

#define MOUNT_FAILED      "[CDH] [ERROR]: Secure Mount failed"
#define MOUNT_OPTIONS_MAX 64

/* A field of bytes that are a secret; none when they are empty, as proto3 has it. */
static enum grpc_status put_secret(struct buf *answer, const struct secret *bytes)
{
	if (!bytes->len)
		return GRPC_OK;
	(void)buf_room(answer, bytes->len + PB_HEAD_MAX);
	pb_put_bytes(answer, 1, secret_span(bytes));
	return GRPC_OK;
}

/* ---- package api --------------------------------------------------------------------------------------- */

static enum grpc_status unseal(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span secret = SPAN_NONE;
	const struct service_field fields[] = { { .number = 1, .bytes = &secret } };
	enum grpc_status status = service_read(services, message, fields, 1, err);
	auto_secret struct secret plain = SECRET_NONE;
	struct err why = ERR_NONE;

	if (status != GRPC_OK)
		return status;
	if (hub_unseal(services->hub, secret, &plain, &why) < 0)
		return service_fail(
				services, "UnsealSecret", "[CDH] [ERROR]: Unseal Secret failed", &why, err);
	log_debug("done", "call", "UnsealSecret", NULL);
	return put_secret(answer, &plain);
}

static enum grpc_status get(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span uri = SPAN_NONE;
	const struct service_field fields[] = { { .number = 1, .text = &uri } };
	enum grpc_status status = service_read(services, message, fields, 1, err);
	auto_secret struct secret bytes = SECRET_NONE;
	struct err why = ERR_NONE;

	if (status != GRPC_OK)
		return status;
	if (hub_resource(services->hub, uri, &bytes, &why) < 0)
		return service_fail(services, "GetResource", "[CDH] [ERROR]: Get Resource failed", &why, err);
	log_debug("done", "call", "GetResource", NULL);
	return put_secret(answer, &bytes);
}

/* map<string,string>: a message of key 1 and value 2 for each entry */
static enum grpc_status read_options(
		const struct services *services, struct span message, json_t *options, struct err *err)
{
	struct pb_field field = { .number = 0 };
	struct err why = ERR_NONE;
	size_t count = 0;

	while (message.len) {
		struct span key = SPAN_NONE, value = SPAN_NONE;
		const struct service_field entry[] = { { .number = 1, .text = &key },
			{ .number = 2, .text = &value } };
		/* the message was read once: it is whole */
		if (pb_next(&message, &field, err) < 0)
			return GRPC_UNKNOWN;
		if (field.number != 2 || field.type != PB_BYTES)
			continue;
		enum grpc_status status = service_read(services, field.bytes, entry, 2, err);
		if (status != GRPC_OK)
			return status;
		if (++count > MOUNT_OPTIONS_MAX || memchr(key.len ? key.ptr : "", 0, key.len) ||
				memchr(value.len ? value.ptr : "", 0, value.len)) {
			(void)err_set(&why, ERR_LIMIT, "more than %d options, or a zero byte in one",
					MOUNT_OPTIONS_MAX);
			return service_fail(services, "SecureMount", MOUNT_FAILED, &why, err);
		}
		json_object_setn_new_nocheck(options, key.len ? key.ptr : "", key.len,
				json_stringn_nocheck(value.len ? value.ptr : "", value.len));
	}
	return GRPC_OK;
}

static enum grpc_status mount(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span type = SPAN_NONE, point = SPAN_NONE;
	const struct service_field fields[] = { { .number = 1, .text = &type },
		{ .number = 4, .text = &point } };
	auto_json json_t *options = json_object(), *texts = json_object();
	struct err why = ERR_NONE;

	(void)answer;
	enum grpc_status status = service_read(services, message, fields, 2, err);
	if (status == GRPC_OK)
		status = read_options(services, message, options, err);
	if (status != GRPC_OK)
		return status;
	if (memchr(type.len ? type.ptr : "", 0, type.len) ||
			memchr(point.len ? point.ptr : "", 0, point.len)) {
		(void)err_set(&why, ERR_FORMAT, "NUL in a text");
		return service_fail(services, "SecureMount", MOUNT_FAILED, &why, err);
	}
	if (!services->can_mount) {
		(void)err_set(&why, ERR_DENIED,
				"no mounts here: they need a daemon that is root and a socket that is its "
				"alone, without --user, --socket-mode 0666, or gRPC by TCP");
		return service_fail(services, "SecureMount", MOUNT_FAILED, &why, err);
	}
	json_object_set_new(texts, "type", json_stringn(type.len ? type.ptr : "", type.len));
	json_object_set_new(texts, "point", json_stringn(point.len ? point.ptr : "", point.len));
	const struct mount_request request = { .volume_type = json_text_at(texts, "type", NULL),
		.options = options,
		.mount_point = json_text_at(texts, "point", NULL) };
	if (mount_secure(services->hub, &request, NULL, &why) < 0)
		return service_fail(services, "SecureMount", MOUNT_FAILED, &why, err);
	log_info("done", "call", "SecureMount", "mount_point", request.mount_point, NULL);
	return GRPC_OK;
}

static enum grpc_status pull(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)message;
	(void)answer;
	return service_not_supported(ctx, PULL, "PullImage not implemented.", err);
}

/* ---- package keyprovider ------------------------------------------------------------------------------- */

static enum grpc_status bad_request(
		const struct services *services, struct span json, const struct err *why, struct err *err)
{
	struct err words = ERR_NONE;

	if (!services->grpc)
		return service_fail(
				services, "UnWrapKey", "[ERROR] UnwrapKey Parse request failed", why, err);
	log_warn("refused", "call", "UnWrapKey", LOG_ERR(why), NULL);
	bool is_json = serde_read_texts(json, NULL, 0, NULL, &words) == 0;
	(void)err_set(err, why->kind, "[ERROR] CDH Unwrap Key failed: %s", is_json ? why->text : words.text);
	return GRPC_INTERNAL;
}

static enum grpc_status unwrap(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span json = SPAN_NONE;
	const struct service_field fields[] = { { .number = 1, .bytes = &json } };
	enum grpc_status status = service_read(services, message, fields, 1, err);
	auto_provider_request struct provider_request request = PROVIDER_REQUEST_NONE;
	auto_wiped_buf struct buf results = BUF_MAX(PROVIDER_ANSWER_MAX);
	auto_secret struct secret options = SECRET_NONE;
	struct err why = ERR_NONE;

	if (status != GRPC_OK)
		return status;
	if (provider_request_parse(json, PACKET_PROVIDER, &request, &why) < 0 ||
			(!request.has_element &&
					err_set(&why, ERR_FORMAT,
							"Illegal UnwrapKey request: no AnnotationPacket "
							"given.")))
		return bad_request(services, json, &why, err);
	if (hub_unwrap(services->hub, secret_span(&request.element), &options, &why) < 0)
		return service_fail(services, "UnWrapKey", "[CDH] [ERROR]: Decrypt Image (UnwrapKey) failed",
				&why, err);
	provider_answer_format(secret_span(&options), true, true, &results);
	if (buf_check(&results, "the answer", &why) < 0)
		return service_fail(services, "UnWrapKey", "[CDH] [ERROR]: Decrypt Image (UnwrapKey) failed",
				&why, err);
	(void)buf_room(answer, results.len + PB_HEAD_MAX);
	pb_put_bytes(answer, 1, buf_span(&results));
	log_debug("done", "call", "UnWrapKey", NULL);
	return GRPC_OK;
}

static enum grpc_status wrap(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)message;
	(void)answer;
	return service_not_supported(ctx, PROVIDER_GRPC_WRAP, "WrapKey not implemented.", err);
}

const struct grpc_method services_hub[] = {
	{ UNSEAL, unseal },
	{ GET, get },
	{ MOUNT, mount },
	{ PULL, pull },
	{ PROVIDER_GRPC_UNWRAP, unwrap },
	{ PROVIDER_GRPC_WRAP, wrap },
	{ NULL, NULL },
};

const struct grpc_method services_keyprovider[] = {
	{ PROVIDER_GRPC_UNWRAP, unwrap },
	{ PROVIDER_GRPC_WRAP, wrap },
	{ NULL, NULL },
};
