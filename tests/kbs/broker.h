/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A broker of a few lines and a client of it, for tests of what happens when things go wrong: broker_open(&broker,
 * &options), broker_get(&broker, …), broker_close(). It checks what it is sent as far as a broker would, and a test's
 * own function may answer in its place. That both ends mean the same as the real ones is shown by the recordings
 * (test_client_replay.c), not here.
 */
#ifndef COCOON_TESTS_KBS_BROKER_H
#define COCOON_TESTS_KBS_BROKER_H

#include "base/b64.h"
#include "base/clock.h"
#include "jose/jwe.h"
#include "kbs/client.h"
#include "kbs/message.h"
#include "tee/attester.h"
#include "tests/kbs/recordings.h"
#include "tests/kbs/replay.h"

#define BROKER_SECRET "a secret of twenty-nine bytes"
#define BROKER_NONCE  "n+/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx0="
#define BROKER_NOW    1800000000
/* what stands in a token's signature, so that it is base64url: this and the token's number */
#define BROKER_TOKENS 1000000

struct broker {
	struct replay replay;
	struct kbs_client *client;
	struct attester *attester;
	struct clock clock; /* of the client; stands still at: */
	int64_t now;
	/* what the test wants */
	bool (*instead)(struct broker *broker, const struct asked *asked, struct said *said);
	const char *host; /* NULL: 127.0.0.1 */
	const char *nonce;
	const char *jwe; /* instead of one for the key */
	int64_t life;    /* of tokens, in seconds */
	int64_t skew;    /* of the broker's clock */
	enum kbs_version version;
	bool oldest; /* that version is KBS_0_1 */
	enum digest_alg hash;
	bool devices; /* there must be evidence of them */
	const char *initdata;
	/* what was asked */
	unsigned auths, attests, gets, asked;
	char target[2048];  /* of the last one */
	unsigned forgotten; /* tokens up to this one are not known any more */
	json_t *pubkey;
};

static inline void said_failure(struct said *said, int status, enum kbs_variant variant, const char *detail)
{
	said->status = status;
	said->type = NULL;
	buf_reset(&said->body);
	kbs_failure_format(variant, detail, &said->body);
}

static inline bool asks(const struct asked *asked, const char *path)
{
	return !strcmp(asked->target, path);
}

static inline int64_t broker_time(void *ctx)
{
	return ((const struct broker *)ctx)->now;
}

/* ---- the three answers ---- */

static inline void broker_auth(struct broker *broker, const struct asked *asked, struct said *said)
{
	auto_kbs_request struct kbs_request request = KBS_REQUEST_NONE;
	enum kbs_version version = KBS_0_1;

	broker->auths++;
	if (kbs_request_parse(span_of(asked->body), &request, NULL) < 0 ||
			strcmp(request.tee, "sample") != 0 ||
			kbs_version_find(span_of(request.version), &version, NULL) < 0) {
		said_failure(said, 401, KBS_ATTESTATION_ERROR, "deserialize Request");
		return;
	}
	if (version != broker->version) {
		auto_free char *why = xasprintf("KBS Client Protocol Version Mismatch: expect =%s while the "
						"request is %s",
				kbs_version_name(broker->version), request.version);
		said_failure(said, 401, KBS_ATTESTATION_ERROR, why);
		return;
	}
	buf_printf(&said->body, "{\"nonce\":\"%s\",\"extra-params\":", broker->nonce);
	buf_printf(&said->body,
			broker->hash == DIGEST_SHA384 ? "\"\"}" : "{\"selected-hash-algorithm\":\"%s\"}}",
			digest_name(broker->hash));
	snprintf(said->fields, sizeof(said->fields),
			"Set-Cookie: kbs-session-id=s%u; Expires=Sun, 22 Nov 2026 03:04:35 GMT\r\n"
			"Set-Cookie: balance=b; Path=/\r\n",
			broker->auths);
}

/* The report data of sample evidence are the digest. */
static inline bool broker_is_bound(const struct broker *broker, const struct kbs_attestation *attestation)
{
	bool old = broker->version < KBS_0_3;
	unsigned char digest[DIGEST_MAX];
	auto_buf struct buf text = BUF_MAX(1024);
	const char *sent = json_text_at(attestation->evidence, "report_data", NULL);

	kbs_runtime_digest(broker->hash, broker->nonce, attestation->pubkey,
			old ? NULL : attestation->additional, digest);
	b64_encode(&text, span_new(digest, digest_size(broker->hash)));
	return sent && !strcmp(sent, buf_text(&text)) &&
			(attestation->additional[0] != '\0') == (broker->devices && !old);
}

static inline void broker_token(const struct broker *broker, struct buf *out)
{
	long long now = broker->now / CLOCK_SECOND + broker->skew;
	auto_free char *claims = xasprintf(
			"{\"iat\":%lld,\"exp\":%lld,\"n\":%u}", now, now + broker->life, broker->attests);

	buf_puts(out, "e30.");
	b64url_encode(out, span_of(claims));
	buf_printf(out, ".%u", BROKER_TOKENS + broker->attests);
}

static inline void broker_attest(struct broker *broker, const struct asked *asked, struct said *said)
{
	auto_kbs_attestation struct kbs_attestation attestation = KBS_ATTESTATION_NONE;
	char cookie[256], wanted[64];

	broker->attests++;
	snprintf(wanted, sizeof(wanted), "kbs-session-id=s%u; balance=b", broker->auths);
	bool good = kbs_attestation_parse(span_of(asked->body), broker->version, &attestation, NULL) == 0 &&
			!strcmp(asked_field(asked, "Cookie", cookie, sizeof(cookie)), wanted) &&
			(broker->version < KBS_0_4 || !strcmp(attestation.nonce, broker->nonce)) &&
			!broker->initdata == !attestation.initdata &&
			(!broker->initdata || !strcmp(broker->initdata, attestation.initdata)) &&
			broker_is_bound(broker, &attestation);
	if (!good) {
		said_failure(said, 401, KBS_ATTESTATION_ERROR,
				"Attestation error: RCAR handshake Attest failed");
		return;
	}
	json_decref(broker->pubkey);
	broker->pubkey = json_incref(attestation.pubkey);
	buf_puts(&said->body, "{\"token\":\"");
	broker_token(broker, &said->body);
	buf_puts(&said->body, "\"}");
	snprintf(said->fields, sizeof(said->fields), "Set-Cookie: kbs-session-id=s%u\r\n", broker->auths);
}

static inline void broker_seal(const struct broker *broker, struct buf *out)
{
	auto_free char *text = json_text(broker->pubkey, false);
	auto_jwk struct jwk key = JWK_NONE;
	auto_secret struct secret plain = SECRET_NONE;

	if (jwk_parse(span_of(text), &key, NULL) < 0 ||
			secret_from_span(&plain, SPAN_LIT(BROKER_SECRET), NULL) < 0 ||
			jwe_seal(&key, &plain, out, NULL) < 0)
		abort();
}

static inline void broker_give(struct broker *broker, const struct asked *asked, struct said *said)
{
	char bearer[1024], cookie[256];

	broker->gets++;
	asked_field(asked, "Authorization", bearer, sizeof(bearer));
	asked_field(asked, "Cookie", cookie, sizeof(cookie));
	const char *end = strrchr(bearer, '.');
	unsigned long number = end ? strtoul(end + 1, NULL, 10) : 0;
	if (!span_starts(span_of(bearer), "Bearer e30.") || number <= BROKER_TOKENS + broker->forgotten ||
			!strstr(cookie, "kbs-session-id=s"))
		said_failure(said, 401, KBS_TOKEN_NOT_FOUND, "Attestation Token not found");
	else if (strcmp(asked->target, KBS_PREFIX "/resource/default/key/one") != 0)
		said_failure(said, 401, KBS_PLUGIN_INTERNAL_ERROR, "Plugin internal error");
	else if (broker->jwe)
		buf_puts(&said->body, broker->jwe);
	else
		broker_seal(broker, &said->body);
}

static inline void broker_answer(void *ctx, const struct asked *asked, struct said *said)
{
	struct broker *broker = ctx;

	broker->asked++;
	memcpy(broker->target, asked->target, sizeof(broker->target));
	if (broker->instead && broker->instead(broker, asked, said))
		return;
	if (asks(asked, KBS_PREFIX "/auth"))
		broker_auth(broker, asked, said);
	else if (asks(asked, KBS_PREFIX "/attest"))
		broker_attest(broker, asked, said);
	else
		broker_give(broker, asked, said);
}

/* ---- life ---- */

/* What a test says about the client; broker and attester are set here. */
static inline void broker_open(struct broker *broker, struct kbs_client_options options)
{
	const struct attester_options attester = { .kind = "sample", .sample_device = broker->devices };
	struct err err = ERR_NONE;

	broker->replay.answer = broker_answer;
	broker->replay.ctx = broker;
	replay_start(&broker->replay);
	broker->clock = (struct clock){ broker_time, broker_time, broker };
	broker->now = BROKER_NOW * CLOCK_SECOND;
	broker->nonce = broker->nonce ? broker->nonce : BROKER_NONCE;
	broker->life = broker->life ? broker->life : 300;
	broker->version = broker->version || broker->oldest ? broker->version : KBS_0_4;
	if (attester_open(&attester, &broker->attester, &err) < 0)
		fail_msg("%s", err.text);
	auto_free char *url = xasprintf("%s://%s:%u/", broker->replay.tls ? "https" : "http",
			broker->host ? broker->host : "127.0.0.1", (unsigned)broker->replay.port);
	options.url = url;
	options.attester = broker->attester;
	options.clock = &broker->clock;
	options.initdata = span_of(broker->initdata);
	if (!options.pause)
		options.pause = 1;
	if (kbs_client_open(&options, &broker->client, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void broker_close(struct broker *broker)
{
	kbs_client_free(broker->client);
	attester_free(broker->attester);
	replay_stop(&broker->replay);
	json_decref(broker->pubkey);
}
#define auto_broker __attribute__((cleanup(broker_close)))

static inline int broker_get(struct broker *broker, const char *text, struct secret *out, struct err *err)
{
	struct kbs_uri uri;

	assert_int_equal(kbs_uri_parse(span_of(text), &uri, NULL), 0);
	return kbs_client_get(broker->client, &uri, out, err);
}

/* What was asked is the test's to read from now on. */
static inline void broker_settle(struct broker *broker)
{
	pthread_mutex_lock(&broker->replay.answering);
	pthread_mutex_unlock(&broker->replay.answering);
}

/* That the client gets the secret now. */
static inline void broker_gives(struct broker *broker)
{
	auto_secret struct secret out = SECRET_NONE;
	struct err err = ERR_NONE;

	if (broker_get(broker, "kbs:///default/key/one", &out, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&out, SPAN_LIT(BROKER_SECRET)));
	broker_settle(broker);
}

/* That it does not, for that reason. */
static inline void broker_refuses(struct broker *broker, enum err_kind kind, const char *says)
{
	auto_secret struct secret out = SECRET_NONE;
	struct err err = ERR_NONE;

	assert_int_equal(broker_get(broker, "kbs:///default/key/one", &out, &err), -1);
	if (err.kind != kind || !strstr(err.text, says))
		fail_msg("%s: %s", err_kind_name(err.kind), err.text);
	assert_int_equal(out.len, 0);
	broker_settle(broker);
}

#endif
