/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/broker_own.h"
#include "e2e/kbs/evidence.h"
#include "e2e/kbs/sessions.h"
#include "e2e/kbs/signer.h"
#include "jose/jws.h"

#include <string.h>

#define SPOKEN        "0.4.0"
#define AUTH_FAILED   "Attestation error: RCAR handshake Auth failed: "
#define ATTEST_FAILED "Attestation error: RCAR handshake Attest failed"

static void set_cookie(struct errand *errand, const struct session *session)
{
	snprintf(errand->reply->set_cookie, sizeof(errand->reply->set_cookie),
			SESSION_COOKIE "=%s; Expires=%s", session->id, session->until);
}

/* ---- challenge ---------------------------------------------------------------------------------------------- */

static int take_version(struct errand *errand, const char *text, enum kbs_version *out)
{
	struct err err = ERR_NONE;

	*out = KBS_0_4;
	if (strcmp(text, SPOKEN) == 0)
		return 0;
	int found = kbs_version_find(span_of(text), out, &err);
	if (found == 0 && *out < KBS_0_4 && errand->broker->options.allow_older)
		return 0;
	auto_free char *detail = xasprintf(AUTH_FAILED "KBS Client Protocol Version Mismatch: expect =" SPOKEN
						       " while the request is %s",
			text);
	errand_fail(errand, KBS_ATTESTATION_ERROR,
			found < 0 && err.kind == ERR_FORMAT ? AUTH_FAILED "failed to parse KBS version"
							    : detail,
			&err);
	return -1;
}

void errand_auth(struct errand *errand)
{
	auto_kbs_request struct kbs_request request = KBS_REQUEST_NONE;
	struct session *session = NULL;
	struct err err = ERR_NONE;
	enum kbs_version version;
	enum tee_kind tee;

	if (kbs_request_parse(errand->request->body, &request, &err) < 0 ||
			tee_kind_find(span_of(request.tee), &tee, &err) < 0) {
		errand_fail(errand, KBS_ATTESTATION_ERROR, AUTH_FAILED "deserialize Request", &err);
		return;
	}
	if (take_version(errand, request.version, &version) < 0)
		return;
	if (sessions_begin(errand->broker->sessions, tee, version, &session, &err) < 0) {
		auto_free char *detail = xasprintf(AUTH_FAILED "%s", err.text);
		errand_fail(errand, KBS_ATTESTATION_ERROR, detail, &err);
		return;
	}
	errand->broker->counts[COUNT_CHALLENGES]++;
	set_cookie(errand, session);
	errand_succeed(errand, "application/json");
	kbs_challenge_format(session->nonce, &errand->reply->body);
}

/* ---- attestation -------------------------------------------------------------------------------------------- */

static void give_token(struct errand *errand, const struct session *session)
{
	set_cookie(errand, session);
	errand_succeed(errand, "application/json");
	/* a JWT needs no escapes */
	buf_printf(&errand->reply->body, "{\"token\":\"%s\"}", session->token);
}

static int issue(struct broker *broker, struct session *session, json_t *submods, struct err *err)
{
	auto_buf struct buf token = BUF_MAX(JWS_MAX);

	if (signer_issue(broker->signer, submods, broker_now(broker), broker->options.token_seconds, &token,
			    err) < 0 ||
			buf_check(&token, "the token", err) < 0)
		return -1;
	session->token = buf_take(&token);
	return 0;
}

static int attest(struct errand *errand, struct session *session, const struct kbs_attestation *attestation,
		char initdata[static EVIDENCE_DIGEST_MAX], struct err *err)
{
	struct broker *broker = errand->broker;
	const struct evidence_terms terms = { .appraiser = broker->appraiser,
		.tee = session->tee,
		.nonce = session->nonce,
		.brief = broker->options.brief_token };
	auto_json json_t *submods = NULL;

	if (attestation->nonce && strcmp(attestation->nonce, session->nonce) != 0)
		return err_set(err, ERR_AUTH, "the nonce is not that of the session's challenge");
	if (evidence_judge(&terms, attestation, &submods, initdata, err) < 0)
		return -1;
	errand->audit.status =
			json_text_at(json_object_iter_value(json_object_iter(submods)), "ear.status", NULL);
	int status = errand_record(errand, KBS_ATTESTATION_ERROR, ATTEST_FAILED);
	if (!status)
		status = issue(broker, session, submods, err);
	if (!status)
		log_info("attested", "peer", errand->request->peer, "tee", tee_kind_name(session->tee),
				"status", errand->audit.status, "init_data", initdata, NULL);
	errand->audit.status = NULL;
	return status;
}

void errand_attest(struct errand *errand)
{
	struct broker *broker = errand->broker;
	auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
	char initdata[EVIDENCE_DIGEST_MAX] = "";
	struct session *session = NULL;
	struct err err = ERR_NONE;

	errand->audit.event = "attestation";
	errand->audit.initdata = initdata;
	int status = sessions_find(broker->sessions, errand->request->cookie, &session, &err);
	if (!status) {
		errand->audit.session = session->id;
		errand->audit.tee = tee_kind_name(session->tee);
		status = kbs_attestation_parse(errand->request->body, session->version, &attestation, &err);
	}
	/* who is attested is told so again, whatever the evidence is */
	if (!status && !session->token)
		status = attest(errand, session, &attestation, initdata, &err);
	if (!status) {
		broker->counts[COUNT_ATTESTED]++;
		give_token(errand, session);
	} else if (!errand->failed) {
		errand_fail(errand, KBS_ATTESTATION_ERROR, ATTEST_FAILED, &err);
	}
}
