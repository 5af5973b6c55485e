/* SPDX-License-Identifier: Apache-2.0 */
/* What the recordings do not show: older protocols, time, init-data and TPMs, what is written down, what cannot be. */
#include "tests/dev-kbs/guest.h"

#include <sys/stat.h>

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

static void fails_as(const char *variant)
{
	struct kbs_failure failure;

	assert_string_equal(guest_failure(&stage, &failure), variant);
	assert_int_equal(stage.reply.status, 401);
	assert_null(stage.reply.content_type);
	assert_string_equal(stage.reply.set_cookie, "");
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

static void names_both_versions_to_older_and_newer_guests(void **state)
{
	static const char *const versions[] = { "0.1.1", "0.2.0", "0.3.0", "0.4.1", "0.5.0", "1.0.0" };

	(void)state;
	stage_open(&stage);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		auto_free char *body = xasprintf(
				"{\"version\":\"%s\",\"tee\":\"sample\",\"extra-params\":\"\"}", versions[i]);
		stage_ask(&stage, "POST", "/kbs/v0/auth", (struct stage_fields){ NULL, NULL }, span_of(body));
		fails_as("AttestationError");
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
	fails_as("AttestationError");
	/* the session is as it was */
	guest.version = KBS_0_4;
	assert_int_equal(guest_attest(&stage, &guest), 200);
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
	fails_as("AttestationError");
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
	fails_as("TokenNotFound");
	assert_int_equal(guest_attest(&stage, &late), 401);
	fails_as("AttestationError");
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
	fails_as("TokenVerifierError");
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
	fails_as("TokenVerifierError");
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
		TPM_DOC "\n", "algorithm = \"sha384\"\nversion = \"0.1.0\"\n\n[data]\n",
		"algorithm = \"sm3\"\nversion = \"0.1.0\"\n\n[data]\n", "algorithm = \"sha256\"\n[data]\n",
		"algorithm = \"sha256\"\nversion = \"0.1.0\"\n", "no toml", "" };

	(void)state;
	tpm_open((struct opt_list){ .count = 0 });
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct guest guest = { .version = KBS_0_4 };
		assert_int_equal(tpm_shake(&guest, others[i]), 401);
		fails_as("AttestationError");
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
	fails_as("PolicyDeny");
}

/* ---- what is written down ---- */

static char *audit_text(const char *path)
{
	auto_buf struct buf text = BUF_MAX(65536);

	assert_int_equal(fs_read(path, &text, NULL), 0);
	return buf_take(&text);
}

static void writes_down_every_decision_and_no_secret(void **state)
{
	struct guest guest = { .version = KBS_0_4, .initdata = TPM_DOC };

	(void)state;
	auto_free char *path = stage_file(&stage, "audit", NULL);
	stage.options.audit = path;
	stage_open(&stage);
	guest_put(&stage, "default/key/1", "the secret");
	guest_shake(&stage, &guest);
	guest_get(&stage, &guest, false, "default/key/1", "the secret");
	guest_get(&stage, &guest, false, "default/key/2", "");
	auto_free char *text = audit_text(path);
	static const char *const parts[] = { "\"event\":\"administration\",\"verdict\":\"allowed\"",
		"\"event\":\"attestation\",\"verdict\":\"allowed\"",
		"\"event\":\"release\",\"verdict\":\"allowed\"",
		"\"event\":\"release\",\"verdict\":\"refused\"", "\"tee\":\"sample\"",
		"\"peer\":\"127.0.0.1:1\"", "sha256:" TPM_SHA, "\"resource\":\"resource/default/key/1\"",
		"not found: default/key/2" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(text, parts[i]))
			fail_msg("no '%s' in\n%s", parts[i], text);
	assert_null(strstr(text, "the secret"));
	assert_null(strstr(text, "eyJ"));
	assert_null(strstr(text, guest.cookie + strlen("kbs-session-id=")));
}

static void releases_and_changes_nothing_that_cannot_be_written_down(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	stage.options.audit = "/dev/full";
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 401);
	fails_as("PluginInternalError");
	assert_int_equal(guest_shake(&stage, &guest), 401);
	fails_as("AttestationError");
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", ""), 401);
	fails_as("TokenNotFound");
}

static void tells_clients_the_causes_only_where_that_is_asked_for(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	stage.options.verbose_errors = true;
	stage_open(&stage);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", ""), 401);
	assert_non_null(strstr(stage_body(&stage), "not found: default/key/1"));
}

/* ---- storage and policies ---- */

static void keeps_what_is_stored_over_a_restart(void **state)
{
	static const char policy[] =
			"{\"policy\":\"cGFja2FnZSBwb2xpY3kKCmFsbG93ID0gZmFsc2UK\"}"; /* allow = false */
	const struct stage_fields none = { NULL, NULL };
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	auto_free char *folder = stage_file(&stage, "storage", NULL),
		       *key = stage_file(&stage, "key.pem", NULL);
	auto_json json_t *files = recording_load("files.json");
	free(stage_file(&stage, "key.pem", json_text_at(files, "signer.pem", NULL)));
	stage.options.storage = folder;
	stage.options.signer_key = key;
	stage.options.opa = stage_opa();
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(stage_ask(&stage, "POST", "/kbs/v0/resource-policy", none, span_of(policy)), 200);
	assert_int_equal(stage_ask(&stage, "POST", "/kbs/v0/reference-value", none,
					 SPAN_LIT("{\"type\":\"sample\",\"payload\":\"eyJzdm4iOlsiMSJdfQ=="
						  "\"}")),
			200);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	broker_free(stage.broker);
	stage_open(&stage);
	assert_int_equal(stage_ask(&stage, "GET", "/kbs/v0/reference-value/svn", none, SPAN_NONE), 200);
	assert_string_equal(stage_body(&stage), "[\"1\"]");
	/* the token outlives the session, and meets the policy that was posted */
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", ""), 401);
	fails_as("TokenNotFound");
	assert_int_equal(guest_get(&stage, &guest, true, "default/key/1", ""), 401);
	fails_as("PolicyDeny");
	/* and nobody forgets it for want of opa */
	broker_free(stage.broker);
	stage.broker = NULL;
	stage.options.opa = NULL;
	assert_int_equal(broker_open(&stage.options, &stage.broker, NULL), -1);
}

static void refuses_rego_where_there_is_no_opa(void **state)
{
	const struct stage_fields none = { NULL, NULL };
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "secret"), 200);
	assert_int_equal(stage_ask(&stage, "POST", "/kbs/v0/resource-policy", none,
					 SPAN_LIT("{\"policy\":"
						  "\"cGFja2FnZSBwb2xpY3kKCmFsbG93ID0gZmFsc2UK\"}")),
			401);
	fails_as("PolicyEngineError");
	assert_non_null(strstr(stage_body(&stage), "opa"));
	stage_ask(&stage, "POST", "/kbs/v0/attestation-policy", none,
			SPAN_LIT("{\"policy_id\":\"default_cpu\",\"policy\":\"cGFja2FnZSBwb2xpY3kK\"}"));
	fails_as("AttestationError");
	assert_non_null(strstr(stage_body(&stage), "opa"));
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", "secret"), 200);
}

static void a_full_disk_is_a_failure_that_leaves_the_old_value(void **state)
{
	struct guest guest = { .version = KBS_0_4 };

	(void)state;
	auto_free char *folder = stage_file(&stage, "storage", NULL);
	auto_free char *space = stage_file(&stage, "storage/repository", NULL);
	stage.options.storage = folder;
	stage_open(&stage);
	assert_int_equal(guest_put(&stage, "default/key/1", "old"), 200);
	auto_free char *aside = stage_file(&stage, "aside", NULL);
	/* writes fail as they do on a full disk: there is no place for a new file */
	assert_int_equal(rename(space, aside), 0);
	assert_int_equal(guest_put(&stage, "default/key/1", "new"), 401);
	fails_as("PluginInternalError");
	assert_int_equal(rename(aside, space), 0);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", "old"), 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean)
	const struct CMUnitTest tests[] = {
		TEST(gives_a_resource_by_session_and_by_token),
		TEST(serves_older_guests_where_that_is_allowed),
		TEST(names_both_versions_to_older_and_newer_guests),
		TEST(does_not_take_a_body_of_another_version_than_was_agreed),
		TEST(a_nonce_is_good_in_its_own_session_alone),
		TEST(a_session_ends_whatever_happens_in_it),
		TEST(a_token_ends_with_a_minute_of_leeway),
		TEST(an_unattested_session_leaves_the_token_its_say),
		TEST(takes_only_its_own_tokens_unless_told),
		TEST(believes_a_tpm_that_holds_the_init_data),
		TEST(refuses_init_data_that_the_tpm_does_not_hold),
		TEST(the_allow_list_takes_the_documents_digest_and_the_tpms),
		TEST(the_default_policy_gives_the_sample_tee_nothing),
		TEST(writes_down_every_decision_and_no_secret),
		TEST(releases_and_changes_nothing_that_cannot_be_written_down),
		TEST(tells_clients_the_causes_only_where_that_is_asked_for),
		TEST(keeps_what_is_stored_over_a_restart),
		TEST(refuses_rego_where_there_is_no_opa),
		TEST(a_full_disk_is_a_failure_that_leaves_the_old_value),
	};

	return cmocka_run_group_tests(tests, stage_prepare, NULL);
}
