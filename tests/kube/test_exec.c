/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec.h"
#include "tests/kube/rig.h"

#include <sys/stat.h>

#define V1 "client.authentication.k8s.io/v1"
#define CRED(status)                                                                                         \
	"{\\\"apiVersion\\\":\\\"" V1 "\\\",\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":{" status "}" \
	"}"
#define SAY(status) "printf '%s' \"" CRED(status) "\"\n"

static const char *const environment[] = { "PATH=relative:/usr/bin:/bin", "KEPT=yes", "OVER=old", NULL };

/* Runs a script in a folder of its own with more fields of the "exec" object. */
static int run(const char *script, const char *fields, const json_t *cluster, int timeout,
		struct exec_credential *out, struct err *err)
{
	auto_folder char *dir = folder_new();
	auto_free char *text = xasprintf("#!/bin/sh\n%s", script);
	auto_free char *spec_text = xasprintf("{\"apiVersion\":\"" V1
					      "\",\"command\":\"./p\",\"interactiveMode\":\"IfAvailable\"%s}",
			fields);
	auto_json json_t *spec = json_loads(spec_text, 0, NULL);
	struct exec_call call = {
		.spec = spec, .dir = dir, .cluster = cluster, .environment = environment, .timeout = timeout
	};

	assert_non_null(spec);
	file_put(dir, "p", text, 0700);
	return exec_run(&call, out, err);
}

static void reads_token_certificate_and_expiry(void **state)
{
	struct exec_credential out = EXEC_CREDENTIAL_NONE;

	(void)state;
	assert_int_equal(run(SAY("\\\"token\\\":\\\"t\\\",\\\"clientCertificateData\\\":\\\"C\\\","
				 "\\\"clientKeyData\\\":\\\"K\\\","
				 "\\\"expirationTimestamp\\\":\\\"2026-01-02T03:04:05Z\\\""),
					 "", NULL, 0, &out, NULL),
			0);
	assert_true(secret_is(&out.token, SPAN_LIT("t")));
	assert_true(secret_is(&out.key, SPAN_LIT("K")));
	assert_string_equal(out.cert, "C");
	assert_true(out.expiry == FAKE_WALL);
	exec_credential_clear(&out);
}

static void hands_over_arguments_environment_and_cluster(void **state)
{
	const char *script = "test \"$1\" = 'a b' && test \"$2\" = '$HOME;x' && test $# = 2 || exit 3\n"
			     "test \"$KEPT $OVER $NEW\" = 'yes new n' || exit 4\n"
			     "case \"$KUBERNETES_EXEC_INFO\" in "
			     "*'\"interactive\":false,\"cluster\":{\"server\":\"s\"}'*) ;;\n"
			     "*) exit 5 ;; esac\nread line && exit 6\n" SAY("\\\"token\\\":\\\"t\\\"");
	auto_json json_t *cluster = json_pack("{s:s}", "server", "s");
	struct exec_credential out = EXEC_CREDENTIAL_NONE;
	struct err err = ERR_NONE;

	(void)state;
	if (run(script,
			    ",\"args\":[\"a b\",\"$HOME;x\"],\"provideClusterInfo\":true,"
			    "\"env\":[{\"name\":\"OVER\",\"value\":\"new\"},{\"name\":\"NEW\",\"value\":"
			    "\"n\"}]",
			    cluster, 0, &out, &err) < 0)
		fail_msg("%s", err.text);
	exec_credential_clear(&out);
}

static void takes_tokens_of_more_than_4_KiB(void **state)
{
	const char *script = "t=$(head -c 20000 /dev/zero | tr '\\0' x)\n" SAY("\\\"token\\\":\\\"$t\\\"");
	struct exec_credential out = EXEC_CREDENTIAL_NONE;

	(void)state;
	assert_int_equal(run(script, "", NULL, 0, &out, NULL), 0);
	assert_int_equal(out.token.len, 20000);
	exec_credential_clear(&out);
}

static void tells_why_a_plugin_failed(void **state)
{
	static const struct {
		const char *script;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "exit 7\n", ERR_AUTH, "exit code 7" },
		{ "kill -9 $$\n", ERR_AUTH, "signal 9" },
		{ "true\n", ERR_FORMAT, "empty" },
		{ "echo '{}'\n", ERR_FORMAT, "kind" },
		{ "echo 'secret-token'\n", ERR_FORMAT, "not valid JSON" },
		{ "echo "
		  "'{\"apiVersion\":\"client.authentication.k8s.io/"
		  "v1beta1\",\"kind\":\"ExecCredential\",\"status\":{}}'\n",
				ERR_FORMAT, "apiVersion" },
		{ SAY(""), ERR_FORMAT, "neither" },
		{ SAY("\\\"clientKeyData\\\":\\\"K\\\""), ERR_FORMAT, "come together" },
		{ SAY("\\\"token\\\":\\\"t\\\",\\\"expirationTimestamp\\\":\\\"soon\\\""), ERR_FORMAT,
				"expirationTimestamp" },
		{ "head -c 1100000 /dev/zero\n", ERR_LIMIT, "more than 1048576 bytes" },
		{ "exec sleep 600\n", ERR_AUTH, "within 1000 ms" },
		{ "sleep 600 & wait\n", ERR_AUTH, "within 1000 ms" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exec_credential out = EXEC_CREDENTIAL_NONE;
		struct err err = ERR_NONE;
		if (run(cases[i].script, "", NULL, 1, &out, &err) == 0)
			fail_msg("accepted %s", cases[i].script);
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].words) ||
				strstr(err.text, "secret"))
			fail_msg("%s: %s %s", cases[i].script, err_kind_name(err.kind), err.text);
		assert_null(out.token.ptr);
	}
}

static void finds_bare_names_in_PATH_alone(void **state)
{
	auto_folder char *dir = folder_new();
	auto_json json_t *spec = json_pack("{s:s,s:s,s:s,s:s}", "apiVersion", V1, "interactiveMode", "Never",
			"command", "p", "installHint", "get it there");
	auto_free char *path = xasprintf("PATH=%s", dir);
	const char *const with[] = { path, NULL }, *const without[] = { "PATH=.:", NULL };
	struct exec_call call = { .spec = spec, .dir = dir, .environment = without };
	struct exec_credential out = EXEC_CREDENTIAL_NONE;
	struct err err = ERR_NONE;

	(void)state;
	file_put(dir, "p", "#!/bin/sh\n" SAY("\\\"token\\\":\\\"t\\\""), 0700);
	assert_int_equal(exec_run(&call, &out, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "get it there"));
	call.environment = with;
	assert_int_equal(exec_run(&call, &out, NULL), 0);
	exec_credential_clear(&out);
	auto_free char *program = xasprintf("%s/p", dir);
	json_object_set_new(spec, "command", json_string(program));
	call.environment = NULL;
	assert_int_equal(exec_run(&call, &out, NULL), 0);
	exec_credential_clear(&out);
	assert_int_equal(chmod(program, 0600), 0);
	assert_int_equal(exec_run(&call, &out, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void refuses_bad_exec_objects(void **state)
{
	static const char *const specs[] = { "{}", "{\"apiVersion\":\"" V1 "\",\"command\":\"a\"}",
		"{\"apiVersion\":\"" V1 "alpha1\",\"command\":\"a\",\"interactiveMode\":\"Never\"}",
		"{\"apiVersion\":\"" V1 "\",\"command\":\"\",\"interactiveMode\":\"Never\"}",
		"{\"apiVersion\":\"" V1 "\",\"command\":\"a\",\"interactiveMode\":\"Sometimes\"}",
		"{\"apiVersion\":\"" V1 "\",\"command\":\"a\",\"interactiveMode\":\"Never\",\"args\":\"x\"}",
		"{\"apiVersion\":\"" V1 "\",\"command\":\"a\",\"interactiveMode\":\"Never\",\"env\":[{"
		"\"name\":\"A=\",\"value\":\"\"}]}",
		"{\"apiVersion\":\"" V1
		"\",\"command\":\"a\",\"interactiveMode\":\"Never\",\"env\":[{\"name\":\"A\"}]}" };
	auto_json json_t *beta = json_pack("{s:s,s:s}", "apiVersion", V1 "beta1", "command", "a");

	(void)state;
	assert_int_equal(exec_check(beta, NULL), 0);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		auto_json json_t *spec = json_loads(specs[i], 0, NULL);
		struct err err = ERR_NONE;
		assert_int_equal(exec_check(spec, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void refuses_a_plugin_that_needs_a_terminal(void **state)
{
	auto_json json_t *spec = json_pack(
			"{s:s,s:s,s:s}", "apiVersion", V1, "command", "a", "interactiveMode", "Always");
	struct exec_call call = { .spec = spec, .dir = "/" };
	struct exec_credential out = EXEC_CREDENTIAL_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(exec_run(&call, &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_token_certificate_and_expiry),
		cmocka_unit_test(hands_over_arguments_environment_and_cluster),
		cmocka_unit_test(takes_tokens_of_more_than_4_KiB),
		cmocka_unit_test(tells_why_a_plugin_failed),
		cmocka_unit_test(finds_bare_names_in_PATH_alone),
		cmocka_unit_test(refuses_bad_exec_objects),
		cmocka_unit_test(refuses_a_plugin_that_needs_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
