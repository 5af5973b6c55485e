/* SPDX-License-Identifier: Apache-2.0 */
/* What the recordings do not show of handshakes: older protocols, time, init-data and TPMs. */
#include "crypto/aead.h"
#include "tests/dev-kbs/guest.h"

static struct stage stage;

static int prepare(void **state)
{
	(void)state;
	stage_init(&stage);
	stage.options.insecure_admin = true;
	stage.options.policy = RELEASE_ALLOW_ALL;
	return 0;
}

static int clean(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

/* ---- handshakes ---- */

static void gives_a_resource_by_session_and_by_token(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", "secret"), 200);
	assert_int_equal(guest_get(&stage, &guest, true, "default/key/1", "secret"), 200);
}

static void serves_older_guests_where_that_is_allowed(void **state)
{
	static const enum kbs_version older[] = { KBS_0_1, KBS_0_2, KBS_0_3 };

	(void)state;
	stage.options.allow_older = true;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	for (size_t i = 0; i < 3; i++) {
		struct guest guest = { .version = older[i] };
		assert_int_equal(guest_shake(&stage, &guest), 200);
		assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", "secret"), 200);
	}
}

/* Its answer is no JWE: nothing but the ciphertext is authenticated, and the tag is at its end. */
static void gives_the_oldest_guests_what_they_read(void **state)
{
	struct guest guest = { .version = KBS_0_1 };
	auto_json json_t *keys = recording_load("keys.json"), *answer = NULL;
	json_t *object = json_object_get(keys, "tee_rsa");
	auto_buf struct buf wrapped = BUF_MAX(1024), iv = BUF_MAX(64), cipher = BUF_MAX(1024);
	auto_secret struct secret cek = SECRET_NONE, plain = SECRET_NONE;
	auto_jwk struct jwk key = JWK_NONE;
	unsigned char digest[DIGEST_MAX];
	char text[65] = "";

	(void)state;
	stage.options.allow_older = true;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(guest_auth(&stage, &guest), 200);
	json_t *public = json_pack("{s:s, s:s, s:O, s:O}", "kty", "RSA", "alg", "RSA1_5", "n",
			json_object_get(object, "n"), "e", json_object_get(object, "e"));
	kbs_runtime_digest(DIGEST_SHA384, guest.nonce, public, NULL, digest);
	b64_encode_raw(text, span_new(digest, 48));
	assert_int_equal(guest_attest_with(&stage, &guest, public,
					 json_pack("{s:s, s:s}", "svn", "1", "report_data", text)),
			200);
	assert_int_equal(stage_ask(&stage, "GET", "/kbs/v0/resource/default/key/1",
					 (struct stage_fields){ NULL, guest.cookie }, SPAN_NONE),
			200);
	assert_int_equal(json_read(buf_span(&stage.reply.body), 65536, &answer, NULL), 0);
	assert_string_equal(
			json_text_at(answer, "protected", NULL), "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}");
	assert_string_equal(json_text_at(answer, "tag", NULL), "");
	assert_int_equal(b64url_decode(span_of(json_text_at(answer, "encrypted_key", NULL)), &wrapped, NULL),
			0);
	assert_int_equal(b64url_decode(span_of(json_text_at(answer, "iv", NULL)), &iv, NULL), 0);
	assert_int_equal(b64url_decode(span_of(json_text_at(answer, "ciphertext", NULL)), &cipher, NULL), 0);
	recorded_key(object, &key);
	assert_int_equal(pkey_pkcs1_decrypt(key.key, buf_span(&wrapped), 32, &cek, NULL), 0);
	assert_int_equal(gcm_open(&cek, buf_span(&iv), SPAN_NONE, buf_span(&cipher), SPAN_NONE, &plain, NULL),
			0);
	assert_true(secret_is(&plain, SPAN_LIT("secret")));
}

static void keeps_but_does_not_give_what_is_too_large_to_seal(void **state)
{
	struct guest guest = { .version = KBS_0_4 };
	auto_free char *large = xmalloc(SECRET_MAX + 2);

	(void)state;
	memset(large, 'x', SECRET_MAX + 1);
	large[SECRET_MAX + 1] = '\0';
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", large), 200);
	assert_int_equal(guest_put(&stage, "default/key/2", large + 1), 200);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/2", large + 1), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", ""), 401);
	guest_fails_as(&stage, "JweError");
}

static void names_both_versions_to_older_and_newer_guests(void **state)
{
	static const char *const versions[] = { "0.1.1", "0.2.0", "0.3.0", "0.4.1", "0.5.0", "1.0.0" };

	(void)state;
	stage_open(&stage);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		auto_free char *body = xasprintf(
				"{\"version\":\"%s\",\"tee\":\"sample\",\"extra-params\":\"\"}", versions[i]);
		stage_ask(&stage, "POST", "/kbs/v0/auth", (struct stage_fields){ NULL, NULL }, span_of(body));
		guest_fails_as(&stage, "AttestationError");
		assert_non_null(strstr(stage_body(&stage), "=0.4.0"));
		assert_non_null(strstr(stage_body(&stage), versions[i]));
	}
}

static void does_not_take_a_body_of_another_version_than_was_agreed(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	stage.options.allow_older = true;
	stage_open(&stage);
	assert_int_equal(guest_auth(&stage, &guest), 200);
	guest.version = KBS_0_3;
	assert_int_equal(guest_attest(&stage, &guest), 401);
	guest_fails_as(&stage, "AttestationError");
	/* the session is as it was */
	guest.version = KBS_0_4;
	assert_int_equal(guest_attest(&stage, &guest), 200);
}

/* Also where the evidence is bound to the nonce that it should be bound to. */
static void what_is_said_of_the_nonce_counts_too(void **state)
{
	struct guest guest = { .version = KBS_0_4 }, liar = { .version = KBS_0_4 };
	unsigned char digest[DIGEST_MAX];
	char text[65] = "";

	(void)state;
	stage_open(&stage);
	assert_int_equal(guest_auth(&stage, &guest), 200);
	for (int i = 0; i < 2; i++) {
		json_t *key = guest_key(false);
		kbs_runtime_digest(DIGEST_SHA384, guest.nonce, key, "", digest);
		b64_encode_raw(text, span_new(digest, 48));
		liar = guest;
		liar.nonce[0] = (char)(i ? liar.nonce[0] : liar.nonce[0] ^ 1);
		assert_int_equal(guest_attest_with(&stage, &liar, key,
						 json_pack("{s:s, s:s}", "svn", "1", "report_data", text)),
				i ? 200 : 401);
	}
}

static void a_nonce_is_good_in_its_own_session_alone(void **state)
{
	struct guest one = { .version = KBS_0_4 }, two = { .version = KBS_0_4 };

	(void)state;
	stage_open(&stage);
	assert_int_equal(guest_auth(&stage, &one), 200);
	assert_int_equal(guest_auth(&stage, &two), 200);
	snprintf(two.nonce, sizeof(two.nonce), "%s", one.nonce);
	assert_int_equal(guest_attest(&stage, &two), 401);
	guest_fails_as(&stage, "AttestationError");
	assert_int_equal(guest_attest(&stage, &one), 200);
}

static void a_session_ends_whatever_happens_in_it(void **state)
{
	struct guest early = { .version = KBS_0_4 }, late = { .version = KBS_0_4 };

	(void)state;
	stage.options.token_seconds = 3600;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(guest_shake(&stage, &early), 200);
	assert_int_equal(guest_auth(&stage, &late), 200);
	stage.now += 299;
	assert_int_equal(guest_get(&stage, &early, false, "default/key/1", "secret"), 200);
	stage.now += 1;
	assert_int_equal(guest_get(&stage, &early, false, "default/key/1", ""), 401);
	guest_fails_as(&stage, "TokenNotFound");
	assert_int_equal(guest_attest(&stage, &late), 401);
	guest_fails_as(&stage, "AttestationError");
	/* the token lives on by itself */
	assert_int_equal(guest_get(&stage, &early, true, "default/key/1", "secret"), 200);
}

static void a_token_ends_with_a_minute_of_leeway(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	stage.now += 300 + 59;
	assert_int_equal(guest_get(&stage, &guest, true, "default/key/1", "secret"), 200);
	stage.now += 2;
	assert_int_equal(guest_get(&stage, &guest, true, "default/key/1", ""), 401);
	guest_fails_as(&stage, "TokenVerifierError");
}

static void an_unattested_session_leaves_the_token_its_say(void **state)
{
	struct guest guest = { .version = KBS_0_4 }, other = { .version = KBS_0_4 };

	(void)state;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_auth(&stage, &other), 200);
	auto_free char *field = xasprintf("Bearer %s", guest.token);
	assert_int_equal(stage_ask(&stage, "GET", "/kbs/v0/resource/default/key/1",
					 (struct stage_fields){ field, other.cookie }, SPAN_NONE),
			200);
}

static void takes_only_its_own_tokens_unless_told(void **state)
{
	struct guest guest = { .version = KBS_0_4 };
	struct stage other;

	(void)state;
	stage_init(&other);
	stage_open(&other);
	assert_int_equal(guest_shake(&other, &guest), 200);
	stage_close(&other);
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(guest_get(&stage, &guest, true, "default/key/1", ""), 401);
	guest_fails_as(&stage, "TokenVerifierError");
}

/* ---- TPMs and init-data: the vector of evidence.md, 7.1 ---- */

#define TPM_NONCE "ERERERERERERERERERERERERERERERERERERERERERE="
#define TPM_DOC   "algorithm = \"sha256\"\nversion = \"0.1.0\"\n\n[data]\n"
#define TPM_SHA   "8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac067619290"
#define TPM_PCR8  "37d7456df43f441ba82ad495d9ec19790eca31daea26b4fc2bc158565d9bbf99"

static void give_ones(void *out, size_t len)
{
	memset(out, 0x11, len);
}

static json_t *tpm_vector(const char *part)
{
	json_t *doc = NULL;
	struct err err = ERR_NONE;

	if (json_read_file("tests/vectors/kbs/tpm.json", RECORDING_MAX, &doc, &err) < 0)
		fail_msg("%s", err.text);
	json_t *found = json_incref(json_object_get(doc, part));
	json_decref(doc);
	assert_non_null(found);
	return found;
}

static int tpm_shake(struct guest *guest, const char *initdata)
{
	int status = guest_auth_as(&stage, guest, "tpm");

	assert_string_equal(guest->nonce, TPM_NONCE);
	guest->initdata = initdata;
	return status == 200
			? guest_attest_with(&stage, guest, tpm_vector("tee-pubkey"), tpm_vector("evidence"))
			: status;
}

static void tpm_open(struct opt_list allow)
{
	stage.options.random = give_ones;
	stage.options.policy = RELEASE_DEFAULT;
	stage.options.allow_initdata = allow;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
}

static const char *tpm_get(const struct guest *guest)
{
	static struct kbs_failure failure;
	int status = stage_ask(&stage, "GET", "/kbs/v0/resource/default/key/1",
			(struct stage_fields){ NULL, guest->cookie }, SPAN_NONE);

	return status == 200 ? "" : guest_failure(&stage, &failure);
}

static void believes_a_tpm_that_holds_the_init_data(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	tpm_open((struct opt_list){ .count = 0 });
	assert_int_equal(tpm_shake(&guest, TPM_DOC), 200);
	assert_string_equal(tpm_get(&guest), "");
}

static void refuses_init_data_that_the_tpm_does_not_hold(void **state)
{
	static const char *const others[] = { "algorithm = \"sha256\"\nversion = \"0.1.1\"\n\n[data]\n",
		(TPM_DOC "\n"), "algorithm = \"sha384\"\nversion = \"0.1.0\"\n\n[data]\n",
		"algorithm = \"sm3\"\nversion = \"0.1.0\"\n\n[data]\n", "algorithm = \"sha256\"\n[data]\n",
		"algorithm = \"sha256\"\nversion = \"0.1.0\"\n", "no toml", "" };

	(void)state;
	tpm_open((struct opt_list){ .count = 0 });
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct guest guest = { .version = KBS_0_4 };
		assert_int_equal(tpm_shake(&guest, others[i]), 401);
		guest_fails_as(&stage, "AttestationError");
		assert_string_equal(tpm_get(&guest), "TokenNotFound");
	}
}

static void the_allow_list_takes_the_documents_digest_and_the_tpms(void **state)
{
	static const struct {
		const char *entry, *failure;
	} table[] = {
		{ TPM_SHA, "" },
		{ TPM_PCR8, "" },
		{ TPM_SHA "=default/key/*", "" },
		{ TPM_SHA "=default/other/*", "PolicyDeny" },
		{ "0" TPM_SHA, NULL },
		{ "8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac067619291", "PolicyDeny" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct guest guest = { .version = KBS_0_4 };
		const struct opt_list allow = { .items = { table[i].entry }, .count = 1 };
		if (!table[i].failure) {
			stage.options.allow_initdata = allow;
			assert_int_equal(broker_open(&stage.options, &stage.broker, NULL), -1);
			continue;
		}
		tpm_open(allow);
		assert_int_equal(tpm_shake(&guest, TPM_DOC), 200);
		assert_string_equal(tpm_get(&guest), table[i].failure);
		broker_free(stage.broker);
		stage.broker = NULL;
	}
}

static void the_default_policy_gives_the_sample_tee_nothing(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	stage.options.policy = RELEASE_DEFAULT;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", ""), 401);
	guest_fails_as(&stage, "PolicyDeny");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean)
	const struct CMUnitTest tests[] = {
		TEST(gives_a_resource_by_session_and_by_token),
		TEST(serves_older_guests_where_that_is_allowed),
		TEST(gives_the_oldest_guests_what_they_read),
		TEST(keeps_but_does_not_give_what_is_too_large_to_seal),
		TEST(names_both_versions_to_older_and_newer_guests),
		TEST(does_not_take_a_body_of_another_version_than_was_agreed),
		TEST(what_is_said_of_the_nonce_counts_too),
		TEST(a_nonce_is_good_in_its_own_session_alone),
		TEST(a_session_ends_whatever_happens_in_it),
		TEST(a_token_ends_with_a_minute_of_leeway),
		TEST(an_unattested_session_leaves_the_token_its_say),
		TEST(takes_only_its_own_tokens_unless_told),
		TEST(believes_a_tpm_that_holds_the_init_data),
		TEST(refuses_init_data_that_the_tpm_does_not_hold),
		TEST(the_allow_list_takes_the_documents_digest_and_the_tpms),
		TEST(the_default_policy_gives_the_sample_tee_nothing),
	};

	return cmocka_run_group_tests(tests, stage_prepare, NULL);
}
