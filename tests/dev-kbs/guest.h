/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest for tests of the broker: its key is the recorded one of P-256. guest_auth() opens a session, guest_attest()
 * meets the challenge with evidence of the sample TEE, guest_get() asks for a resource and opens the answer.
 */
#ifndef COCOON_TESTS_DEV_KBS_GUEST_H
#define COCOON_TESTS_DEV_KBS_GUEST_H

#include "base/b64.h"
#include "codec/json.h"
#include "jose/jwe.h"
#include "kbs/binding.h"
#include "kbs/message.h"
#include "tests/dev-kbs/stage.h"
#include "tests/kbs/recordings.h"

struct guest {
	enum kbs_version version;
	const char *initdata; /* NULL: none is sent */
	char cookie[96];
	char nonce[64];
	char token[6144];
};

static inline json_t *guest_key(bool private)
{
	auto_json json_t *keys = recording_load("keys.json");
	json_t *key = json_incref(json_object_get(keys, "tee_p256"));

	if (!private)
		json_object_del(key, "d");
	return key;
}

static inline int guest_auth_as(struct stage *stage, struct guest *guest, const char *tee)
{
	auto_buf struct buf body = BUF_MAX(KBS_BODY_MAX);
	static struct kbs_challenge challenge;

	kbs_request_format(guest->version, tee, &body);
	int status = stage_ask(
			stage, "POST", "/kbs/v0/auth", (struct stage_fields){ NULL, NULL }, buf_span(&body));
	if (status != 200)
		return status;
	assert_int_equal(kbs_challenge_parse(buf_span(&stage->reply.body), &challenge, NULL), 0);
	snprintf(guest->nonce, sizeof(guest->nonce), "%.63s", challenge.nonce);
	struct span pair = span_of(stage->reply.set_cookie);
	snprintf(guest->cookie, sizeof(guest->cookie), "%.*s", (int)span_find(pair, ';'), pair.ptr);
	return status;
}

static inline int guest_auth(struct stage *stage, struct guest *guest)
{
	return guest_auth_as(stage, guest, "sample");
}

/* With this evidence, which is taken over. */
static inline int guest_attest_with(struct stage *stage, struct guest *guest, json_t *key, json_t *evidence)
{
	auto_buf struct buf body = BUF_MAX(KBS_BODY_MAX), token = BUF_MAX(sizeof(guest->token));
	struct kbs_attestation attestation = { .version = guest->version,
		.initdata = guest->initdata ? xstrdup(guest->initdata) : NULL,
		.nonce = xstrdup(guest->nonce),
		.pubkey = key,
		.evidence = evidence,
		.additional = xstrdup("") };

	kbs_attestation_format(&attestation, &body);
	kbs_attestation_clear(&attestation);
	int status = stage_ask(stage, "POST", "/kbs/v0/attest", (struct stage_fields){ NULL, guest->cookie },
			buf_span(&body));
	if (status == 200) {
		assert_int_equal(kbs_response_parse(buf_span(&stage->reply.body), &token, NULL), 0);
		snprintf(guest->token, sizeof(guest->token), "%s", buf_text(&token));
	}
	return status;
}

static inline int guest_attest(struct stage *stage, struct guest *guest)
{
	json_t *key = guest_key(false);
	unsigned char digest[DIGEST_MAX];
	char text[65] = "";

	kbs_runtime_digest(DIGEST_SHA384, guest->nonce, key, guest->version < KBS_0_3 ? NULL : "", digest);
	b64_encode_raw(text, span_new(digest, 48));
	return guest_attest_with(stage, guest, key, json_pack("{s:s, s:s}", "svn", "1", "report_data", text));
}

static inline int guest_shake(struct stage *stage, struct guest *guest)
{
	int status = guest_auth(stage, guest);

	return status == 200 ? guest_attest(stage, guest) : status;
}

/* By the session, or by the token where bearer says so. The content is compared when the answer is 200. */
static inline int guest_get(struct stage *stage, const struct guest *guest, bool bearer, const char *path,
		const char *content)
{
	auto_free char *target = xasprintf("/kbs/v0/resource/%s", path);
	auto_free char *field = xasprintf("Bearer %s", guest->token);
	auto_secret struct secret plain = SECRET_NONE;
	auto_json json_t *object = guest_key(true);
	auto_jwk struct jwk key = JWK_NONE;
	const struct stage_fields fields = { bearer ? field : NULL, bearer ? NULL : guest->cookie };
	int status = stage_ask(stage, "GET", target, fields, SPAN_NONE);

	if (status != 200)
		return status;
	recorded_key(object, &key);
	assert_int_equal(jwe_open(&key, buf_span(&stage->reply.body), &plain, NULL), 0);
	assert_true(secret_is(&plain, span_of(content)));
	return status;
}

static inline int guest_put(struct stage *stage, const char *path, const char *content)
{
	auto_free char *target = xasprintf("/kbs/v0/resource/%s", path);

	return stage_ask(stage, "POST", target, (struct stage_fields){ NULL, NULL }, span_of(content));
}

/* The name of the failure that was answered: "PolicyDeny". */
static inline const char *guest_failure(const struct stage *stage, struct kbs_failure *failure)
{
	assert_true(kbs_failure_parse(buf_span(&stage->reply.body), failure));
	return kbs_variant_name(failure->variant);
}

/* The reply is this failure, in its form: 401, without a Content-Type and without a cookie. */
static inline void guest_fails_as(const struct stage *stage, const char *variant)
{
	struct kbs_failure failure;

	assert_string_equal(guest_failure(stage, &failure), variant);
	assert_int_equal(stage->reply.status, 401);
	assert_null(stage->reply.content_type);
	assert_string_equal(stage->reply.set_cookie, "");
}

#endif
