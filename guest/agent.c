/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/agent.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/secret.h"
#include "guest/config.h"
#include "kbs/client.h"
#include "net/http.h"
#include "tee/attester.h"

#include <string.h>

#define TOKEN_MAX  ((size_t)256 * 1024)
#define USER_AGENT "cocoon-guest/" COCOON_VERSION

struct agent {
	struct agent_options options;
};

int agent_open(const struct agent_options *options, struct agent **out, struct err *err)
{
	(void)err;
	*out = xcalloc(1, sizeof(**out));
	(*out)->options = *options;
	return 0;
}

void agent_free(struct agent *agent)
{
	free(agent);
}

/* ---- evidence ------------------------------------------------------------------------------------------ */

int agent_evidence(struct agent *agent, struct span runtime_data, struct buf *out, struct err *err)
{
	auto_json json_t *evidence = NULL;

	if (attester_evidence(agent->options.attester, runtime_data, &evidence, err) < 0)
		return -1;
	auto_free char *text = json_text(evidence, true);
	buf_puts(out, text);
	return buf_check(out, "the evidence", err);
}

int agent_additional(struct agent *agent, struct span runtime_data, struct buf *out, struct err *err)
{
	auto_json json_t *evidence = NULL;

	if (attester_device_evidence(agent->options.attester, runtime_data, &evidence, err) < 0)
		return -1;
	if (!json_object_size(evidence))
		return 0;
	auto_free char *text = json_text(evidence, true);
	buf_puts(out, text);
	return buf_check(out, "the evidence of devices", err);
}

const char *agent_tee(const struct agent *agent)
{
	return tee_kind_name(attester_kind(agent->options.attester));
}

json_t *agent_additional_tees(const struct agent *agent)
{
	return attester_devices(agent->options.attester);
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

/* A text of PEM as JSON: its one escape is the newline. Never through a tree, since it is a key. */
static void put_pem(struct buf *out, struct span pem)
{
	for (size_t i = 0; i < pem.len; i++)
		if (pem.ptr[i] == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, pem.ptr[i]);
}

static int kbs_token(struct agent *agent, struct buf *out, struct err *err)
{
	auto_wiped_buf struct buf token = BUF_MAX(TOKEN_MAX);
	auto_secret struct secret key = SECRET_NONE;

	if (!agent->options.kbs)
		return err_set(err, ERR_USAGE, "kbs token config not configured in config file");
	if (kbs_client_token(agent->options.kbs, true, &token, &key, err) < 0)
		return -1;
	(void)buf_room(out, token.len + 2 * key.len + 64);
	buf_printf(out, "{\"token\":\"%s\",\"tee_keypair\":\"", buf_text(&token));
	put_pem(out, secret_span(&key));
	buf_puts(out, "\"}");
	return buf_check(out, "the token", err);
}

/* {"policy_ids":[],"verification_requests":[{"evidence":"<base64url>","tee":"sample"}]}, with empty report data */
static int format_verification(struct agent *agent, struct buf *out, struct err *err)
{
	auto_buf struct buf evidence = BUF_MAX(AGENT_ANSWER_MAX);

	if (agent_evidence(agent, SPAN_NONE, &evidence, err) < 0)
		return -1;
	buf_puts(out, "{\"policy_ids\":[],\"verification_requests\":[{\"evidence\":\"");
	b64url_encode(out, buf_span(&evidence));
	buf_printf(out, "\",\"tee\":\"%s\"}]}", agent_tee(agent));
	return buf_check(out, "the verification request", err);
}

static int service_token(struct agent *agent, struct buf *out, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const struct http_options options = { .user_agent = USER_AGENT };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_buf struct buf body = BUF_MAX(2 * AGENT_ANSWER_MAX);

	if (!agent->options.config->coco_as_url)
		return err_set(err, ERR_USAGE, "coco_as token config not configured in config file");
	if (format_verification(agent, &body, err) < 0)
		return -1;
	struct span base = span_of(agent->options.config->coco_as_url);
	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	auto_free char *url = xasprintf("%.*s/attestation", SPAN_ARG(base));
	auto_http struct http *http = http_new(&options, err);
	const struct http_request request = { .method = "POST",
		.url = url,
		.headers = headers,
		.body = buf_span(&body),
		.max_body = TOKEN_MAX,
		.total_timeout = AGENT_SERVICE_TIMEOUT };
	if (!http || http_fetch(http, &request, &response, err) < 0)
		return err_wrap(err, "the attestation service");
	if (response.status != 200)
		return err_set(err, ERR_DENIED,
				"the attestation service '%s' answered with status %d: %.200s", url,
				response.status, buf_text(&response.body));
	buf_add_span(out, buf_span(&response.body));
	return buf_check(out, "the token", err);
}

int agent_token(struct agent *agent, struct span type, struct buf *out, struct err *err)
{
	if (span_is(type, "kbs"))
		return kbs_token(agent, out, err);
	if (span_is(type, "coco_as"))
		return service_token(agent, out, err);
	return err_set(err, ERR_USAGE, "Unsupported token type '%.*s': kbs and coco_as are known",
			SPAN_ARG(span_new(type.ptr, type.len < 64 ? type.len : 64)));
}

/* ---- measurements -------------------------------------------------------------------------------------- */

int agent_measure(struct agent *agent, struct span domain, struct span operation, struct span content,
		int pcr, enum eventlog_result *result, struct err *err)
{
	return eventlog_record(agent->options.eventlog, domain, operation, content, pcr, result, err);
}

int agent_bind(struct agent *agent, struct span digest, struct err *err)
{
	static const enum digest_alg algs[] = { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };
	unsigned char bytes[DIGEST_MAX] = { 0 };
	bool bound = false;

	for (size_t i = 0; i < sizeof(algs) / sizeof(*algs); i++) {
		if (digest_size(algs[i]) != digest.len)
			continue;
		memcpy(bytes, digest.ptr, digest.len);
		return attester_check_initdata(agent->options.attester, algs[i], bytes, &bound, err);
	}
	return err_set(err, ERR_USAGE, "%zu bytes are no digest of init-data", digest.len);
}
