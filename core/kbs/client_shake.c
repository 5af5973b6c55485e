/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"
#include "codec/json.h"
#include "kbs/client_own.h"
#include "tee/attester.h"

#include <stdlib.h>

#define RSA_BITS 2048

/* One handshake on its way. */
struct shake {
	const struct kbs_call *call;
	enum kbs_version version;
	char wanted[32]; /* the version that the broker asked for instead; "" */
	bool refused;    /* by /attest */
	struct kbs_challenge challenge;
	struct kbs_attestation attestation;
	struct kbs_session *session;
};

void kbs_session_free(struct kbs_session *session)
{
	if (!session)
		return;
	buf_wipe(&session->token);
	buf_wipe(&session->cookies);
	pkey_free(session->own);
	free(session);
}

static void shake_free(struct shake *shake)
{
	kbs_session_free(shake->session);
	kbs_attestation_clear(&shake->attestation);
	free(shake);
}

static void shake_release(struct shake **slot)
{
	shake_free(*slot);
}

static int make_key(const struct kbs_client *client, struct kbs_session *session, struct err *err)
{
	static const enum pkey_kind kinds[] = {
		[KBS_KEY_P256] = PKEY_P256, [KBS_KEY_P521] = PKEY_P521, [KBS_KEY_RSA] = PKEY_RSA
	};
	/* version 0.1 knows no other */
	enum pkey_kind kind = session->version == KBS_0_1 ? PKEY_RSA : kinds[client->key];

	session->key = client->tee_key;
	if (session->key && session->version == KBS_0_1 && pkey_kind(session->key) != PKEY_RSA)
		return err_set(err, ERR_USAGE,
				"the key broker speaks version 0.1 of the protocol, which needs an RSA key");
	if (session->key)
		return 0;
	if (pkey_generate(kind, RSA_BITS, &session->own, err) < 0)
		return err_wrap(err, "the TEE key");
	session->key = session->own;
	return 0;
}

static int shake_new(
		const struct kbs_call *call, enum kbs_version version, struct shake **out, struct err *err)
{
	struct shake *shake = xcalloc(1, sizeof(*shake));

	shake->call = call;
	shake->version = version;
	shake->session = xcalloc(1, sizeof(*shake->session));
	shake->session->refs = 1;
	shake->session->version = version;
	buf_init(&shake->session->token, KBS_TOKEN_MAX);
	buf_init(&shake->session->cookies, KBS_COOKIES_MAX);
	*out = shake;
	return make_key(call->client, shake->session, err);
}

/* ---- request and challenge ----------------------------------------------------------------------------- */

static int judge_auth(struct shake *shake, const struct http_response *response, struct err *err)
{
	struct kbs_failure failure;

	if (response->status == 200)
		return 0;
	if (kbs_failure_parse(buf_span(&response->body), &failure) &&
			kbs_failure_wants(&failure, shake->wanted))
		return err_set(err, ERR_DENIED,
				"the key broker speaks version %s of the protocol, and version %s was "
				"offered",
				shake->wanted, kbs_version_name(shake->version));
	return kbs_refused(response, response->status == 401 ? ERR_AUTH : ERR_DENIED,
			"the key broker refused the handshake", err);
}

static int get_challenge(struct shake *shake, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_buf struct buf body = BUF_MAX(KBS_BODY_MAX);

	kbs_request_format(
			shake->version, tee_kind_name(attester_kind(shake->call->client->attester)), &body);
	const struct kbs_ask ask = {
		.method = "POST", .path = "/auth", .cookies = "", .body = buf_span(&body)
	};
	if (kbs_ask(shake->call, &ask, &response, err) < 0 || judge_auth(shake, &response, err) < 0)
		return -1;
	kbs_cookies_take(&shake->session->cookies, span_of(response.set_cookie));
	if (kbs_challenge_parse(buf_span(&response.body), &shake->challenge, err) < 0)
		return err_wrap(err, "the key broker's challenge");
	return 0;
}

/* ---- evidence ------------------------------------------------------------------------------------------ */

/* The evidence of devices is hashed into the primary one; the versions before 0.3 know none. */
static int gather_additional(struct shake *shake, struct err *err)
{
	auto_json json_t *devices = NULL;
	unsigned char digest[DIGEST_MAX];
	struct kbs_attestation *to = &shake->attestation;
	enum digest_alg hash = shake->challenge.hash;

	to->additional = xstrdup("");
	if (shake->version < KBS_0_3)
		return 0;
	kbs_runtime_digest(hash, shake->challenge.nonce, to->pubkey, NULL, digest);
	if (attester_device_evidence(shake->call->client->attester, span_new(digest, digest_size(hash)),
			    &devices, err) < 0)
		return err_wrap(err, "evidence of devices");
	if (!json_object_size(devices))
		return 0;
	free(to->additional);
	/* sorted, as the ecosystem writes it */
	to->additional = json_text(devices, true);
	return 0;
}

static int gather(struct shake *shake, struct err *err)
{
	const struct kbs_client *client = shake->call->client;
	struct kbs_attestation *to = &shake->attestation;
	enum digest_alg hash = shake->challenge.hash;
	unsigned char digest[DIGEST_MAX];

	to->version = shake->version;
	to->nonce = xstrdup(shake->challenge.nonce);
	if (client->initdata)
		to->initdata = xstrdup(client->initdata);
	if (kbs_tee_pubkey(shake->session->key, &to->pubkey, err) < 0)
		return -1;
	if (shake->version == KBS_0_1)
		json_object_set_new(to->pubkey, "alg", json_string("RSA1_5"));
	if (gather_additional(shake, err) < 0)
		return -1;
	kbs_runtime_digest(hash, to->nonce, to->pubkey, shake->version < KBS_0_3 ? NULL : to->additional,
			digest);
	if (attester_evidence(client->attester, span_new(digest, digest_size(hash)), &to->evidence, err) < 0)
		return err_wrap(err, "evidence for the key broker");
	return 0;
}

/* ---- attestation and token ----------------------------------------------------------------------------- */

static int judge_attest(struct shake *shake, const struct http_response *response, struct err *err)
{
	if (response->status == 200)
		return 0;
	if (response->status == 413)
		return err_set(err, ERR_LIMIT,
				"the key broker takes no attestation of this size: status 413; are init-data "
				"and "
				"event log too large?");
	shake->refused = response->status == 401;
	return kbs_refused(response, shake->refused ? ERR_AUTH : ERR_DENIED,
			"the key broker refused the attestation", err);
}

/* How long a token is kept: what the broker gave it, from now on. */
static int64_t life_of(const struct kbs_times *times, const struct clock *clock)
{
	int64_t begin = times->iat ? times->iat : clock_wall(clock) / CLOCK_SECOND;
	int64_t life = times->exp > begin ? times->exp - begin : 0;
	int64_t margin = KBS_TOKEN_MARGIN / CLOCK_SECOND;

	if (!times->exp || life > INT32_MAX)
		life = INT32_MAX;
	return (life > 2 * margin ? life - margin : life / 2) * CLOCK_SECOND;
}

static int take_token(struct shake *shake, const struct http_response *response, struct err *err)
{
	const struct clock *clock = shake->call->client->clock;
	struct kbs_session *session = shake->session;
	struct kbs_times times = { .exp = 0 };

	kbs_cookies_take(&session->cookies, span_of(response->set_cookie));
	if (kbs_response_parse(buf_span(&response->body), &session->token, err) < 0 ||
			kbs_token_times(buf_span(&session->token), &times, err) < 0)
		return err_wrap(err, "the key broker's answer to the attestation");
	session->made = clock_mono(clock);
	session->good_until = session->made + life_of(&times, clock);
	return 0;
}

static int attest(struct shake *shake, struct err *err)
{
	auto_wiped_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_buf struct buf body = BUF_MAX(KBS_BODY_MAX);

	kbs_attestation_format(&shake->attestation, &body);
	if (buf_check(&body, "the attestation", err) < 0)
		return -1;
	const struct kbs_ask ask = { .method = "POST",
		.path = "/attest",
		.cookies = buf_text(&shake->session->cookies),
		.body = buf_span(&body),
		.secret = true };
	if (kbs_ask(shake->call, &ask, &response, err) < 0 || judge_attest(shake, &response, err) < 0)
		return -1;
	return take_token(shake, &response, err);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

enum outcome { SHAKEN, AGAIN_OTHER_VERSION, AGAIN, OVER };

static enum outcome shake_once(const struct kbs_call *call, enum kbs_version *version,
		struct kbs_session **out, struct err *err)
{
	__attribute__((cleanup(shake_release))) struct shake *shake = NULL;

	atomic_fetch_add(&call->client->handshakes, 1);
	if (shake_new(call, *version, &shake, err) < 0)
		return OVER;
	if (get_challenge(shake, err) < 0) {
		enum kbs_version wanted = *version;
		if (!call->client->older || !shake->wanted[0] ||
				kbs_version_find(span_of(shake->wanted), &wanted, NULL) < 0 ||
				wanted == *version)
			return OVER;
		*version = wanted;
		return AGAIN_OTHER_VERSION;
	}
	if (gather(shake, err) < 0)
		return err->kind == ERR_RETRY ? AGAIN : OVER;
	if (attest(shake, err) < 0)
		return shake->refused ? AGAIN : OVER;
	*out = take(&shake->session);
	return SHAKEN;
}

int kbs_shake(const struct kbs_call *call, enum kbs_version *version, struct kbs_session **out,
		struct err *err)
{
	struct err own = ERR_NONE, *why = err ? err : &own;
	bool switched = false, repeated = false;

	for (;;) {
		enum outcome outcome = shake_once(call, version, out, why);
		if (outcome == SHAKEN)
			return 0;
		bool again = (outcome == AGAIN && !repeated) || (outcome == AGAIN_OTHER_VERSION && !switched);
		if (!again)
			return -1;
		switched = switched || outcome == AGAIN_OTHER_VERSION;
		repeated = repeated || outcome == AGAIN;
		if (outcome == AGAIN && kbs_pause(call, call->client->pause, NULL) < 0)
			return -1;
	}
}
