/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kube/rig.h"

#include <fcntl.h>
#include <sys/stat.h>

static int load(const char *dir, const char *names, const char *context, struct kube_config **out,
		struct err *err)
{
	auto_buf struct buf paths = BUF_MAX(8192);
	struct span rest = span_of(names), name;
	static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };

	while (span_next(&rest, ':', &name))
		buf_printf(&paths, "%s%s/%.*s", paths.len ? ":" : "", dir, SPAN_ARG(name));
	struct kube_source source = {
		.files = buf_text(&paths), .context = context, .environment = environment
	};
	return kube_config_load(&source, &clock_real, out, err);
}

#define CLUSTER(name, fields) "clusters:\n- name: " name "\n  cluster: {" fields "}\n"
#define USER(name, fields)    "users:\n- name: " name "\n  user: {" fields "}\n"
#define CONTEXT(name, fields) "contexts:\n- name: " name "\n  context: {" fields "}\n"
#define BASE                                        \
	CLUSTER("c", "server: 'https://one:6443/'") \
	CONTEXT("x", "cluster: c, user: u")         \
	"current-context: "                         \
	"x\n"

static void merges_files_first_definition_wins(void **state)
{
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	struct kube_access access;

	(void)state;
	file_put(dir, "a", CLUSTER("c", "server: 'https://one:6443/'") "current-context: ''\n", 0600);
	file_put(dir, "b",
			CLUSTER("c", "server: 'https://two', tls-server-name: other") "current-context: "
										      "x\n" USER("u",
												      "token:"
												      " firs"
												      "t"),
			0600);
	file_put(dir, "d",
			"current-context: z\n" CONTEXT("x", "cluster: c, user: u, namespace: shop")
					USER("u", "token: second"),
			0600);
	assert_int_equal(load(dir, "a:missing:b:d", NULL, &config, NULL), 0);
	assert_string_equal(kube_config_server(config), "https://one:6443");
	assert_string_equal(kube_config_namespace(config), "shop");
	assert_string_equal(kube_config_context(config), "x");
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "first");
	/* whole definitions win: the second file's server name is not taken over */
	assert_null(access.tls.server_name);
}

static void reads_all_fields_with_paths_relative_to_the_file(void **state)
{
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	struct kube_access access;

	(void)state;
	file_put(dir, "ca", "CA\n", 0600);
	file_put(dir, "crt", "CERT\n", 0600);
	file_put(dir, "tok", " from-file\n", 0600);
	file_put(dir, "a",
			"current-context: x\n" CONTEXT("x", "cluster: c, user: u") CLUSTER("c",
					"server: 'https://h/k8s', certificate-authority: ca, "
					"tls-server-name: sn, "
					"proxy-url: 'http://p:3128'") USER("u",
					"tokenFile: tok, token: inline, client-certificate: crt, client-key: "
					"ignored, "
					"client-key-data: S0VZ, as: bob, as-uid: '7', as-groups: [g1, g2], "
					"as-user-extra: {Scopes/x: [s1]}"),
			0600);
	assert_int_equal(load(dir, "a", NULL, &config, NULL), 0);
	assert_string_equal(kube_config_server(config), "https://h/k8s");
	assert_string_equal(kube_config_proxy(config), "http://p:3128");
	assert_string_equal(kube_config_namespace(config), "default");
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "from-file");
	assert_true(span_is(access.tls.ca, "CA\n"));
	assert_true(span_is(access.tls.cert, "CERT\n"));
	assert_true(span_is(access.tls.key, "KEY"));
	assert_string_equal(access.tls.server_name, "sn");
	static const char *const headers[] = { "Impersonate-User: bob", "Impersonate-Uid: 7",
		"Impersonate-Group: g1", "Impersonate-Group: g2", "Impersonate-Extra-scopes%2Fx: s1" };
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(access.headers[i], headers[i]);
	assert_null(access.headers[5]);
}

static void takes_data_before_files_and_a_context_by_name(void **state)
{
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	struct kube_access access;

	(void)state;
	file_put(dir, "a",
			"contexts:\n- name: x\n  context: {cluster: none}\n- name: z\n  context: {cluster: "
			"c}\n"
			"current-context: x\n" CLUSTER("c",
					"server: 'http://h:8080', certificate-authority: none, "
					"certificate-authority-data: Q0E="),
			0600);
	assert_int_equal(load(dir, "a", "z", &config, NULL), 0);
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_true(span_is(access.tls.ca, "CA"));
	assert_null(access.bearer);
	assert_null(access.headers);
}

static void refuses_bad_kubeconfigs_with_a_reason(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "", ERR_NOT_FOUND, "no current-context" },
		{ "- a\n", ERR_FORMAT, "no map" },
		{ "a: b\n---\nc: d\n", ERR_FORMAT, "2 documents" },
		{ "current-context: x\n", ERR_NOT_FOUND, "no context named 'x'" },
		{ "current-context: x\n" CONTEXT("x", "cluster: c"), ERR_NOT_FOUND, "no cluster named 'c'" },
		{ BASE, ERR_NOT_FOUND, "no user named 'u'" },
		{ BASE USER("u", "username: a, password: b"), ERR_FORMAT, "username" },
		{ BASE USER("u", "auth-provider: {name: gcp}"), ERR_FORMAT, "auth-provider" },
		{ BASE USER("u", "client-certificate-data: Q0E="), ERR_FORMAT, "come together" },
		{ BASE USER("u", "client-key-data: 'Q0'"), ERR_FORMAT, "client-key-data" },
		{ BASE USER("u", "tokenFile: none"), ERR_NOT_FOUND, "token" },
		{ BASE USER("u", "as-groups: [a]"), ERR_FORMAT, "need \"as\"" },
		{ BASE USER("u", "as: \"a\\nb\""), ERR_FORMAT, "control character" },
		{ BASE USER("u", "token: 5"), ERR_FORMAT, "token" },
		{ BASE USER("u", "exec: {command: x}"), ERR_FORMAT, "apiVersion" },
		{ BASE "users:\n- {name: u, user: {}}\n- {name: u, user: {}}\n", ERR_FORMAT, "twice" },
		{ "current-context: x\n" CONTEXT("x", "cluster: c") CLUSTER("c", "server: 'ftp://h'"),
				ERR_FORMAT, "server" },
		{ "current-context: x\n" CONTEXT("x", "cluster: c") CLUSTER("c", "a: b"), ERR_FORMAT,
				"server" },
		{ "current-context: x\n" CONTEXT("x", "cluster: c, namespace: A_B")
						CLUSTER("c", "server: 'https://h'"),
				ERR_FORMAT, "namespace" },
		{ "current-context: x\n" CONTEXT("x", "cluster: c") CLUSTER("c",
				  "server: 'https://h', insecure-skip-tls-verify: true, "
				  "certificate-authority-data: Q0E="),
				ERR_FORMAT, "exclude each other" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_folder char *dir = folder_new();
		auto_kube_config struct kube_config *config = NULL;
		struct err err = ERR_NONE;
		file_put(dir, "a", cases[i].text, 0600);
		if (load(dir, "a", NULL, &config, &err) == 0)
			fail_msg("accepted %s", cases[i].text);
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].words))
			fail_msg("%s: %s %s", cases[i].text, err_kind_name(err.kind), err.text);
	}
}

static void needs_one_file_at_least(void **state)
{
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(load(dir, "a:b", NULL, &config, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void reads_the_files_of_a_pod_and_sees_them_change(void **state)
{
	int64_t now = CLOCK_SECOND;
	struct clock clock = { .wall = fake_wall, .mono = fake_mono, .ctx = &now };
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	struct kube_access access;

	(void)state;
	file_put(dir, "token", "one\n", 0600);
	file_put(dir, "ca.crt", "CA1", 0600);
	file_put(dir, "namespace", "cocoon-system", 0600);
	assert_int_equal(kube_config_in_cluster(dir, "fd00::1", "443", &clock, &config, NULL), 0);
	assert_string_equal(kube_config_server(config), "https://[fd00::1]:443");
	assert_string_equal(kube_config_namespace(config), "cocoon-system");
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	unsigned long version = access.tls_version;
	file_put(dir, "token", "two", 0600);
	file_put(dir, "ca.crt", "CA2", 0600);
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "two");
	assert_true(span_is(access.tls.ca, "CA2"));
	assert_int_equal(access.tls_version, version + 1);
	/* a file that is away for a moment does no harm, even when a minute has passed */
	auto_free char *path = xasprintf("%s/token", dir);
	assert_int_equal(unlink(path), 0);
	now += 61 * CLOCK_SECOND;
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "two");
	file_put(dir, "token", "three", 0600);
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "three");
	assert_int_equal(access.tls_version, version + 1);
}

static void reads_a_file_again_after_a_minute_whatever_its_time_says(void **state)
{
	int64_t now = CLOCK_SECOND;
	struct clock clock = { .wall = fake_wall, .mono = fake_mono, .ctx = &now };
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	struct kube_access access;
	struct stat st;

	(void)state;
	file_put(dir, "token", "one", 0600);
	file_put(dir, "ca.crt", "CA", 0600);
	file_put(dir, "namespace", "x", 0600);
	assert_int_equal(kube_config_in_cluster(dir, "10.0.0.1", "443", &clock, &config, NULL), 0);
	auto_free char *path = xasprintf("%s/token", dir);
	assert_int_equal(stat(path, &st), 0);
	auto_file FILE *file = fopen(path, "w");
	fputs("two", file);
	fflush(file);
	struct timespec times[2] = { st.st_atim, st.st_mtim };
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "one");
	now += 60 * CLOCK_SECOND;
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "two");
}

static void refuses_an_incomplete_service_account(void **state)
{
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(kube_config_in_cluster(dir, "h", "443", &clock_real, &config, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	file_put(dir, "namespace", "a b", 0600);
	assert_int_equal(kube_config_in_cluster(dir, "h", "443", &clock_real, &config, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	file_put(dir, "namespace", "a", 0600);
	file_put(dir, "token", " \n", 0600);
	assert_int_equal(kube_config_in_cluster(dir, "h", "443", &clock_real, &config, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(kube_config_in_cluster(dir, "a b", "443", &clock_real, &config, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

#define PLUGIN(body)                                                  \
	"#!/bin/sh\necho run >>\"${0%/*}/runs\"\ncat "                \
	"<<END\n{\"apiVersion\":\"client.authentication.k8s.io/v1\"," \
	"\"kind\":\"ExecCredential\",\"status\":{" body "}}\nEND\n"

static size_t runs(const char *dir)
{
	auto_free char *path = xasprintf("%s/runs", dir);
	auto_buf struct buf text = BUF_MAX(4096);

	assert_int_equal(fs_read(path, &text, NULL), 0);
	return text.len / strlen("run\n");
}

static void keeps_what_a_plugin_said_until_it_expires_or_is_refused(void **state)
{
	int64_t now = CLOCK_SECOND;
	struct clock clock = { .wall = fake_wall, .mono = fake_mono, .ctx = &now };
	auto_folder char *dir = folder_new();
	auto_kube_config struct kube_config *config = NULL;
	auto_free char *path = xasprintf("%s/a", dir);
	struct kube_source source = { .files = path };
	struct kube_access access;

	(void)state;
	/* ten minutes after the clock's beginning */
	file_put(dir, "plugin", PLUGIN("\"token\":\"t\",\"expirationTimestamp\":\"2026-01-02T03:14:05Z\""),
			0700);
	file_put(dir, "a",
			BASE USER("u",
					"exec: {apiVersion: client.authentication.k8s.io/v1, command: "
					"./plugin, interactiveMode: Never}"),
			0600);
	assert_int_equal(kube_config_load(&source, &clock, &config, NULL), 0);
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_string_equal(access.bearer, "t");
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_int_equal(runs(dir), 1);
	assert_int_equal(kube_config_access(config, true, &access, NULL), 0);
	assert_int_equal(runs(dir), 2);
	now += 589 * CLOCK_SECOND;
	assert_int_equal(kube_config_access(config, false, &access, NULL), 0);
	assert_int_equal(runs(dir), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_files_first_definition_wins),
		cmocka_unit_test(reads_all_fields_with_paths_relative_to_the_file),
		cmocka_unit_test(takes_data_before_files_and_a_context_by_name),
		cmocka_unit_test(refuses_bad_kubeconfigs_with_a_reason),
		cmocka_unit_test(needs_one_file_at_least),
		cmocka_unit_test(reads_the_files_of_a_pod_and_sees_them_change),
		cmocka_unit_test(reads_a_file_again_after_a_minute_whatever_its_time_says),
		cmocka_unit_test(refuses_an_incomplete_service_account),
		cmocka_unit_test(keeps_what_a_plugin_said_until_it_expires_or_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
