/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/bearer.h"
#include "e2e/kbs/broker_own.h"
#include "e2e/kbs/seal.h"
#include "e2e/kbs/sessions.h"
#include "e2e/kbs/store.h"
#include "e2e/kbs/trust.h"
#include "net/url.h"

#include <string.h>

#define EVIDENCE "ear.veraison.annotated-evidence"

#define INTERNAL "Plugin internal error"

/* ---- names -------------------------------------------------------------------------------------------------- */

static bool is_segment(struct span segment)
{
	if (!segment.len || segment.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < segment.len; i++) {
		char c = segment.ptr[i];
		bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
		if (!letter && c != '_' && c != '-' && c != '.')
			return false;
	}
	return true;
}

int resource_check(struct span path, struct err *err)
{
	struct span segment;
	int count = 0;

	while (span_next(&path, '/', &segment)) {
		count++;
		if (!is_segment(segment))
			count = 4;
	}
	if (count != 3)
		return err_set(err, ERR_FORMAT,
				"a resource is named REPOSITORY/TYPE/TAG, of letters, digits, '_', '-' and "
				"'.', which "
				"does not come first");
	return 0;
}

/* ---- what the policy is asked ------------------------------------------------------------------------------- */

static json_t *text_of(struct span text)
{
	json_t *string = json_stringn(
			span_is_utf8(text) && text.len ? text.ptr : "", span_is_utf8(text) ? text.len : 0);

	return string ? string : json_string("");
}

static json_t *segments(struct span path)
{
	json_t *array = json_array();
	struct span segment;

	while (span_next(&path, '/', &segment))
		json_array_append_new(array, text_of(segment));
	return array;
}

/* Of a name that comes twice, the last counts; a bad escape stays as it is. */
static json_t *query_pairs(struct span query)
{
	json_t *pairs = json_object();
	struct span pair;

	while (span_next(&query, '&', &pair)) {
		auto_buf struct buf name = BUF_MAX(URL_MAX), value = BUF_MAX(URL_MAX);
		size_t equals = span_find(pair, '=');
		struct span key = span_new(pair.ptr, equals), rest = span_from(pair, equals + 1);
		if (url_decode(&name, key, true, NULL) < 0 || !span_is_utf8(buf_span(&name))) {
			buf_reset(&name);
			buf_add_span(&name, key);
		}
		if (url_decode(&value, rest, true, NULL) < 0) {
			buf_reset(&value);
			buf_add_span(&value, rest);
		}
		json_object_set_new(pairs, buf_text(&name), text_of(buf_span(&value)));
	}
	return pairs;
}

/* ---- who asks ----------------------------------------------------------------------------------------------- */

/* The token of the session, else that of the request. */
static int find_token(struct errand *errand, struct span *token, struct err *err)
{
	struct session *session = NULL;

	if (sessions_find(errand->broker->sessions, errand->request->cookie, &session, err) == 0 &&
			session->token) {
		errand->audit.session = session->id;
		errand->version = session->version;
		*token = span_of(session->token);
		return 0;
	}
	if (bearer_token(errand->request->authorization, token))
		return 0;
	return err_set(err, ERR_NOT_FOUND, "neither an attested session nor a bearer token");
}

/* The TEE's key in the claims: the first place that has one. */
static json_t *find_key(const json_t *claims)
{
	static const char *const places[][6] = {
		{ "tdx", "attester_runtime_data", "tee-pubkey", NULL },
		{ "tdx", "attester_user_data", "tee-pubkey", NULL },
		{ "customized_claims", "runtime_data", "tee-pubkey", NULL },
		{ "submods", "cpu0", EVIDENCE, "runtime_data_claims", "tee-pubkey", NULL },
		{ "tee-pubkey", NULL },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const json_t *at = claims;
		for (size_t step = 0; at && places[i][step]; step++)
			at = json_object_get(at, places[i][step]);
		if (at)
			return (json_t *)(uintptr_t)at;
	}
	return NULL;
}

static const char *tee_of(const json_t *claims)
{
	const json_t *evidence = json_at(claims, "submods", "cpu0", EVIDENCE, NULL);

	for (enum tee_kind kind = 0; kind < TEE_KINDS; kind++)
		if (json_object_get(evidence, tee_kind_name(kind)))
			return tee_kind_name(kind);
	return NULL;
}

/* ---- giving it out ------------------------------------------------------------------------------------------ */

/* May these claims have it? Otherwise the reply says no. */
static bool is_allowed(struct errand *errand, json_t *claims, struct release_verdict *verdict)
{
	auto_free char *plugin = xmemdup0(errand->plugin.ptr, errand->plugin.len);
	auto_json json_t *path = segments(errand->rest), *query = query_pairs(errand->request->query);
	const struct release_question question = { .claims = claims,
		.plugin = plugin,
		.path = path,
		.query = query,
		.name = errand->rest.ptr ? errand->rest.ptr : "" };
	struct err err = ERR_NONE;

	errand->audit.rule = verdict->rule;
	if (release_judge(errand->broker->release, &question, verdict, &err) < 0) {
		auto_free char *detail = xasprintf("Policy engine error: %s", err.text);
		errand_fail(errand, KBS_POLICY_ENGINE_ERROR, detail, &err);
		return false;
	}
	if (!verdict->allowed) {
		err_set(&err, ERR_DENIED, "refused by %s", verdict->rule);
		errand_fail(errand, KBS_POLICY_DENY, "Access denied by policy", &err);
	}
	return verdict->allowed;
}

static int read_resource(struct errand *errand, struct buf *content, struct err *err)
{
	if (strcmp(errand->request->method, "GET") != 0)
		return err_set(err, ERR_DENIED, "resources know GET, POST and DELETE");
	if (resource_check(errand->rest, err) < 0)
		return -1;
	return store_get(errand->broker->store, STORE_RESOURCES, errand->rest.ptr, content, err);
}

static void hand_out(struct errand *errand, json_t *claims)
{
	auto_wiped_buf struct buf content = BUF_MAX(STORE_VALUE_MAX);
	auto_buf struct buf jwe = BUF_MAX(2 * STORE_VALUE_MAX);
	struct release_verdict verdict = { .allowed = false };
	struct err err = ERR_NONE;
	const json_t *key = find_key(claims);

	errand->audit.tee = tee_of(claims);
	errand->audit.initdata = json_text_at(claims, "submods", "cpu0", EVIDENCE, "init_data", NULL);
	errand->audit.status = json_text_at(claims, "submods", "cpu0", "ear.status", NULL);
	if (!is_allowed(errand, claims, &verdict))
		return;
	if (read_resource(errand, &content, &err) < 0)
		errand_fail(errand, KBS_PLUGIN_INTERNAL_ERROR, INTERNAL, &err);
	else if (seal_resource(key, errand->version, buf_span(&content), &jwe, &err) < 0)
		errand_fail(errand, KBS_JWE_ERROR, "JWE failed", &err);
	else if (errand_record(errand, KBS_PLUGIN_INTERNAL_ERROR, INTERNAL) == 0) {
		errand->broker->counts[COUNT_RELEASED]++;
		errand_succeed(errand, "application/json");
		buf_add_span(&errand->reply->body, buf_span(&jwe));
	}
}

void errand_fetch(struct errand *errand)
{
	auto_json json_t *claims = NULL;
	struct span token = SPAN_NONE;
	struct err err = ERR_NONE;

	errand->audit.event = "release";
	errand->audit.resource = errand->path;
	if (find_token(errand, &token, &err) < 0) {
		errand_fail(errand, KBS_TOKEN_NOT_FOUND, "Attestation Token not found", &err);
		return;
	}
	int status = trust_check(errand->broker->trust, token, broker_now(errand->broker), &claims, &err);
	if (!status && !find_key(claims))
		status = err_set(&err, ERR_FORMAT, "the token's claims have no key of the TEE");
	if (status < 0)
		errand_fail(errand, KBS_TOKEN_VERIFIER_ERROR, "Token Verifier error", &err);
	else
		hand_out(errand, claims);
}
