/* SPDX-License-Identifier: Apache-2.0 */
/* guest evidence, token, tee, measure: what the attestation agent does, asked for from the shell. */
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/pb.h"
#include "guest/client.h"
#include "guest/verbs.h"
#include "tee/eventlog.h"

#include <stdio.h>

#define SERVICE     "/attestation_agent.AttestationAgentService/"
#define MESSAGE_MAX ((size_t)256 * 1024)

struct agent_settings {
	struct client_options client;
	const char *first, *second, *third;
	int64_t index;
	bool devices;
	bool base64;
};

static int evidence(void *given, struct err *err)
{
	const struct agent_settings *settings = given;
	auto_buf struct buf data = BUF_MAX(MESSAGE_MAX), message = BUF_MAX(MESSAGE_MAX + PB_HEAD_MAX);

	if (!settings->base64)
		buf_add_span(&data, span_of(settings->first));
	else if (b64_decode(span_of(settings->first), &data, err) < 0)
		return err_wrap(err, "the report data");
	pb_put_bytes(&message, 1, buf_span(&data));
	if (buf_check(&data, "the report data", err) < 0 || buf_check(&message, "the request", err) < 0)
		return -1;
	return client_print(&settings->client, CLIENT_AGENT,
			settings->devices ? SERVICE "GetAdditionalEvidence" : SERVICE "GetEvidence",
			buf_span(&message), err);
}

static int token(void *given, struct err *err)
{
	const struct agent_settings *settings = given;
	auto_buf struct buf message = BUF_MAX(MESSAGE_MAX);

	pb_put_bytes(&message, 1, span_of(settings->first));
	if (buf_check(&message, "the request", err) < 0)
		return -1;
	return client_print(&settings->client, CLIENT_AGENT, SERVICE "GetToken", buf_span(&message), err);
}

/* One name a line: that of the environment, then those of devices. */
static int tee(void *given, struct err *err)
{
	static const char *const methods[] = { SERVICE "GetTeeType", SERVICE "GetAdditionalTees" };
	const struct agent_settings *settings = given;

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		auto_buf struct buf answer = BUF_MAX(MESSAGE_MAX);
		if (client_call(&settings->client, CLIENT_AGENT, methods[i], SPAN_NONE, &answer, err) < 0)
			return -1;
		struct span rest = buf_span(&answer), name = SPAN_NONE;
		struct pb_field field = { .number = 0 };
		while (rest.len) {
			if (pb_next(&rest, &field, err) < 0 || pb_text(&field, &name, err) < 0)
				return err_wrap(err, "the daemon's answer");
			printf("%.*s\n", SPAN_ARG(name));
		}
	}
	return 0;
}

static int print_result(struct span answer, struct err *err)
{
	static const char *const words[] = { "OK", "NOT_SUPPORTED", "NOT_ENABLED" };
	struct pb_field field = { .number = 0 };
	uint64_t result = 0;

	while (answer.len)
		if (pb_next(&answer, &field, err) < 0 ||
				(field.number == 1 && pb_varint(&field, &result, err) < 0))
			return err_wrap(err, "the daemon's answer");
	if (result >= sizeof(words) / sizeof(*words))
		return err_set(err, ERR_FORMAT, "the daemon's answer: a result that is none");
	puts(words[result]);
	return result == EVENTLOG_OK ? 0 : 1;
}

static int measure(void *given, struct err *err)
{
	const struct agent_settings *settings = given;
	auto_buf struct buf message = BUF_MAX(MESSAGE_MAX), answer = BUF_MAX(MESSAGE_MAX);

	pb_put_bytes(&message, 1, span_of(settings->first));
	pb_put_bytes(&message, 2, span_of(settings->second));
	pb_put_bytes(&message, 3, span_of(settings->third));
	if (settings->index >= 0)
		pb_put_varint(&message, 4, (uint64_t)settings->index);
	if (buf_check(&message, "the request", err) < 0 ||
			client_call(&settings->client, CLIENT_AGENT, SERVICE "ExtendRuntimeMeasurement",
					buf_span(&message), &answer, err) < 0)
		return -1;
	return print_result(buf_span(&answer), err);
}

/* ---- tables -------------------------------------------------------------------------------------------- */

static const struct opt evidence_options[] = {
	CLIENT_SOCKET_OPTIONS(struct agent_settings),
	CLIENT_OUTPUT_OPTION(struct agent_settings),
	OPT_FLAG(struct agent_settings, devices, "devices", 0, "evidence of additional devices"),
	OPT_FLAG(struct agent_settings, base64, "base64", 0, "DATA is base64 of the report data"),
	OPT_END,
};

static const struct opt token_options[] = {
	CLIENT_SOCKET_OPTIONS(struct agent_settings),
	CLIENT_OUTPUT_OPTION(struct agent_settings),
	OPT_END,
};

static const struct opt tee_options[] = {
	CLIENT_SOCKET_OPTIONS(struct agent_settings),
	OPT_END,
};

static const struct opt measure_options[] = {
	CLIENT_SOCKET_OPTIONS(struct agent_settings),
	OPT_INT(struct agent_settings, index, "register", 0, "INDEX", 0, 23,
			"the PCR; the configured one without this option"),
	OPT_END,
};

static const struct opt_arg evidence_args[] = {
	OPT_ONE(struct agent_settings, first, "DATA", "the report data, such as a nonce"),
	OPT_ARG_END,
};

static const struct opt_arg token_args[] = {
	OPT_ONE(struct agent_settings, first, "TYPE",
			"kbs: of the key broker; coco_as: of the attestation service"),
	OPT_ARG_END,
};

static const struct opt_arg measure_args[] = {
	OPT_ONE(struct agent_settings, first, "DOMAIN",
			"whose event it is: github.com/confidential-containers"),
	OPT_ONE(struct agent_settings, second, "OPERATION", "what happened: PullImage"),
	OPT_ONE(struct agent_settings, third, "CONTENT", "to what; one line"),
	OPT_ARG_END,
};

static const struct agent_settings defaults = { .client = { .timeout = CLIENT_TIMEOUT, .output = CLIENT_RAW },
	.index = -1 };

const struct opt_verb evidence_verb = {
	.name = "evidence",
	.summary = "prints evidence of this machine for report data",
	.description = "Evidence is JSON, and printed as it is unless --output says otherwise.",
	.options = evidence_options,
	.args = evidence_args,
	.size = sizeof(struct agent_settings),
	.defaults = &defaults,
	.run = evidence,
};

const struct opt_verb token_verb = {
	.name = "token",
	.summary = "attests and prints the token",
	.description = "A token of the key broker comes with the private key that it is bound to: "
		       "{\"token\":…,\"tee_keypair\":…}. Each call attests anew.",
	.options = token_options,
	.args = token_args,
	.size = sizeof(struct agent_settings),
	.defaults = &defaults,
	.run = token,
};

const struct opt_verb tee_verb = {
	.name = "tee",
	.summary = "prints what kind of environment this is",
	.description = "One name a line: that of the environment first, then those of additional devices.",
	.options = tee_options,
	.size = sizeof(struct agent_settings),
	.defaults = &defaults,
	.run = tee,
};

const struct opt_verb measure_verb = {
	.name = "measure",
	.summary = "extends the runtime measurement by an event",
	.description = "Prints OK; NOT_SUPPORTED where the platform has no register, and NOT_ENABLED where "
		       "the event log "
		       "is switched off, with exit code 1.",
	.options = measure_options,
	.args = measure_args,
	.size = sizeof(struct agent_settings),
	.defaults = &defaults,
	.run = measure,
};
