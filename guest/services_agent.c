/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/pb.h"
#include "guest/agent.h"
#include "guest/services_own.h"

#include <limits.h>

#define SERVICE   "/attestation_agent.AttestationAgentService/"
#define TOKEN_MAX ((size_t)512 * 1024)

static enum grpc_status put(struct buf *answer, const struct buf *bytes)
{
	(void)buf_room(answer, bytes->len + PB_HEAD_MAX);
	if (bytes->len)
		pb_put_bytes(answer, 1, buf_span(bytes));
	return GRPC_OK;
}

static enum grpc_status prove(void *ctx, const char *call, const char *text,
		int (*with)(struct agent *, struct span, struct buf *, struct err *), struct span message,
		struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span data = SPAN_NONE;
	const struct service_field fields[] = { { .number = 1, .bytes = &data } };
	enum grpc_status status = service_read(services, message, fields, 1, err);
	auto_buf struct buf evidence = BUF_MAX(AGENT_ANSWER_MAX);
	struct err why = ERR_NONE;

	if (status != GRPC_OK)
		return status;
	if (with(services->agent, data, &evidence, &why) < 0)
		return service_fail(services, call, text, &why, err);
	log_debug("done", "call", call, NULL);
	return put(answer, &evidence);
}

static enum grpc_status evidence(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	return prove(ctx, "GetEvidence", "[ERROR:attestation-agent] AA-KBC get evidence failed",
			agent_evidence, message, answer, err);
}

static enum grpc_status additional(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	return prove(ctx, "GetAdditionalEvidence",
			"[ERROR:attestation-agent] AA-KBC get additional evidence failed", agent_additional,
			message, answer, err);
}

static enum grpc_status token(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span type = SPAN_NONE;
	const struct service_field fields[] = { { .number = 1, .text = &type } };
	enum grpc_status status = service_read(services, message, fields, 1, err);
	auto_wiped_buf struct buf bytes = BUF_MAX(TOKEN_MAX);
	struct err why = ERR_NONE;

	if (status != GRPC_OK)
		return status;
	if (agent_token(services->agent, type, &bytes, &why) < 0)
		return service_fail(services, "GetToken", "[ERROR:attestation-agent] AA-KBC get token failed",
				&why, err);
	log_debug("done", "call", "GetToken", NULL);
	return put(answer, &bytes);
}

static enum grpc_status measure(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span domain = SPAN_NONE, operation = SPAN_NONE, content = SPAN_NONE;
	uint64_t index = 0;
	bool has_index = false;
	const struct service_field fields[] = { { .number = 1, .text = &domain },
		{ .number = 2, .text = &operation }, { .number = 3, .text = &content },
		{ .number = 4, .varint = &index, .has = &has_index } };
	enum grpc_status status = service_read(services, message, fields, 4, err);
	enum eventlog_result result = EVENTLOG_OK;
	struct err why = ERR_NONE;

	if (status != GRPC_OK)
		return status;
	int pcr = !has_index ? -1 : index > INT_MAX ? INT_MAX : (int)index;
	if (agent_measure(services->agent, domain, operation, content, pcr, &result, &why) < 0)
		return service_fail(services, "ExtendRuntimeMeasurement",
				"[ERROR:attestation-agent] AA extend runtime measurement failed", &why, err);
	log_debug("done", "call", "ExtendRuntimeMeasurement", NULL);
	if (result != EVENTLOG_OK)
		pb_put_varint(answer, 1, (uint64_t)result);
	return GRPC_OK;
}

static enum grpc_status tee(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	const struct service_field none = { .number = 0 };
	enum grpc_status status = service_read(services, message, &none, 0, err);

	if (status == GRPC_OK)
		pb_put_bytes(answer, 1, span_of(agent_tee(services->agent)));
	return status;
}

static enum grpc_status additional_tees(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	const struct service_field none = { .number = 0 };
	enum grpc_status status = service_read(services, message, &none, 0, err);
	auto_json json_t *names = agent_additional_tees(services->agent);
	const json_t *name = NULL;
	size_t i = 0;

	if (status != GRPC_OK)
		return status;
	json_array_foreach (names, i, name)
		pb_put_bytes(answer, 1, span_of(json_string_value(name)));
	return GRPC_OK;
}

/* The agent of others serves it over gRPC alone. */
static enum grpc_status bind(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	const struct services *services = ctx;
	struct span digest = SPAN_NONE;
	const struct service_field fields[] = { { .number = 1, .bytes = &digest } };
	struct err why = ERR_NONE;

	(void)answer;
	if (!services->grpc)
		return service_not_supported(services, SERVICE "BindInitData", "", err);
	enum grpc_status status = service_read(services, message, fields, 1, err);
	if (status != GRPC_OK)
		return status;
	if (agent_bind(services->agent, digest, &why) < 0)
		return service_fail(services, "BindInitData",
				"[ERROR:attestation-agent] AA binding init data failed", &why, err);
	return GRPC_OK;
}

const struct grpc_method services_agent[] = {
	{ SERVICE "GetEvidence", evidence },
	{ SERVICE "GetAdditionalEvidence", additional },
	{ SERVICE "GetToken", token },
	{ SERVICE "ExtendRuntimeMeasurement", measure },
	{ SERVICE "BindInitData", bind },
	{ SERVICE "GetTeeType", tee },
	{ SERVICE "GetAdditionalTees", additional_tees },
	{ NULL, NULL },
};
