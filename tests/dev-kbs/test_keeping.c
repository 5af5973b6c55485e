/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker writes down and what it keeps; and what becomes of a request where it cannot. */
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

#define DOC        "algorithm = \"sha256\"\nversion = \"0.1.0\"\n\n[data]\n"
#define DOC_DIGEST "sha256:8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac067619290"

/* ---- what is written down ---- */

static char *audit_text(const char *path)
{
	auto_buf struct buf text = BUF_MAX(65536);

	assert_int_equal(fs_read(path, &text, NULL), 0);
	return buf_take(&text);
}

static void writes_down_every_decision_and_no_secret(void **state)
{
	struct guest guest = { .version = KBS_0_4, .initdata = DOC };

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
		"\"peer\":\"127.0.0.1:1\"", DOC_DIGEST, "\"resource\":\"resource/default/key/1\"",
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
	guest_fails_as(&stage, "PluginInternalError");
	assert_int_equal(guest_shake(&stage, &guest), 401);
	guest_fails_as(&stage, "AttestationError");
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", ""), 401);
	guest_fails_as(&stage, "TokenNotFound");
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
	guest_fails_as(&stage, "TokenNotFound");
	assert_int_equal(guest_get(&stage, &guest, true, "default/key/1", ""), 401);
	guest_fails_as(&stage, "PolicyDeny");
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
	guest_fails_as(&stage, "PolicyEngineError");
	assert_non_null(strstr(stage_body(&stage), "opa"));
	stage_ask(&stage, "POST", "/kbs/v0/attestation-policy", none,
			SPAN_LIT("{\"policy_id\":\"default_cpu\",\"policy\":\"cGFja2FnZSBwb2xpY3kK\"}"));
	guest_fails_as(&stage, "AttestationError");
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
	guest_fails_as(&stage, "PluginInternalError");
	assert_int_equal(rename(aside, space), 0);
	assert_int_equal(guest_shake(&stage, &guest), 200);
	assert_int_equal(guest_get(&stage, &guest, false, "default/key/1", "old"), 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean)
	const struct CMUnitTest tests[] = {
		TEST(writes_down_every_decision_and_no_secret),
		TEST(releases_and_changes_nothing_that_cannot_be_written_down),
		TEST(tells_clients_the_causes_only_where_that_is_asked_for),
		TEST(keeps_what_is_stored_over_a_restart),
		TEST(refuses_rego_where_there_is_no_opa),
		TEST(a_full_disk_is_a_failure_that_leaves_the_old_value),
	};

	return cmocka_run_group_tests(tests, stage_prepare, NULL);
}
