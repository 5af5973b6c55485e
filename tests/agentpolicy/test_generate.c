/* SPDX-License-Identifier: Apache-2.0 */
/* The data block as a whole: which containers, what options make of it, annotations, namespaces. */
#include "agentpolicy/generate_own.h"

#include "tests/agentpolicy/process_rig.h"

#define DIGEST "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
#define ONE    "\"containers\":[{\"name\":\"app\",\"image\":\"registry.example/app:1\",\"command\":[\"/app\"]}]"
#define POD(meta, spec) \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\"" meta "},\"spec\":{" spec "}}"

/* All of the way: a manifest, options and a patch of the settings, with images that say nothing. */
struct whole {
	json_t *manifest, *options_tree, *data;
	struct agent_options options;
	struct agent_settings settings;
	struct agent_workload workload;
	struct agent_notes notes;
	struct agent_image images[16];
	struct err err;
};

static int make(struct whole *w, const char *manifest, const char *options, const char *patch)
{
	struct span patches[1] = { span_of(patch) };
	struct agent_settings_source source = {
		.file = SPAN_NONE, .patches = patches, .patch_count = patch ? 1 : 0
	};

	*w = (struct whole){ .options = AGENT_OPTIONS_NONE, .notes = AGENT_NOTES_NONE, .err = ERR_NONE };
	w->manifest = rig_json(manifest);
	w->options_tree = options ? rig_json(options) : NULL;
	struct agent_reading reading = { .options = &w->options };
	struct agent_inputs inputs = { .workload = &w->workload,
		.options = &w->options,
		.settings = &w->settings,
		.images = w->images };
	if (agent_options_read(w->options_tree, &w->options, &w->err) < 0 ||
			agent_workload_read(w->manifest, &reading, &w->workload, &w->notes, &w->err) < 0 ||
			agent_settings_read(&source, &w->options, w->workload.runtime_class, &w->settings,
					&w->notes, &w->err) < 0)
		fail_msg("%s", w->err.text);
	assert_true(w->workload.image_count <= COUNT(w->images));
	for (size_t i = 0; i < w->workload.image_count; i++)
		w->images[i] = (struct agent_image){ .name = w->workload.images[i],
			.user = "",
			.cwd = "",
			.digest = DIGEST,
			.config_digest = DIGEST };
	return agent_generate(&inputs, &w->data, &w->notes, &w->err);
}

static void clear(struct whole *w)
{
	json_decref(w->manifest);
	json_decref(w->options_tree);
	json_decref(w->data);
	agent_notes_clear(&w->notes);
	agent_workload_clear(&w->workload);
	agent_settings_clear(&w->settings);
	agent_options_clear(&w->options);
}
#define auto_whole __attribute__((cleanup(clear)))

static void must_make(struct whole *w, const char *manifest, const char *options, const char *patch)
{
	if (make(w, manifest, options, patch) < 0)
		fail_msg("%s", w->err.text);
}

static json_t *container(const struct whole *w, size_t i)
{
	return json_array_get(json_object_get(w->data, "containers"), i);
}

static const json_t *linux_of(const struct whole *w, size_t i, const char *member)
{
	return json_at(container(w, i), "OCI", "Linux", member, NULL);
}

static const char *annotation(const struct whole *w, size_t i, const char *key)
{
	return json_text_at(container(w, i), "OCI", "Annotations", key, NULL);
}

static void containers_stand_in_genpolicys_order(void **state)
{
	(void)state;
	static const char manifest[] = POD("",
			"\"initContainers\":["
			"{\"name\":\"first\",\"image\":\"a\",\"command\":[\"x\"]},"
			"{\"name\":\"proxy\",\"image\":\"b\",\"command\":[\"x\"],\"restartPolicy\":"
			"\"Always\"}],"
			"\"containers\":[{\"name\":\"one\",\"image\":\"c\",\"command\":[\"x\"]},"
			"{\"name\":\"two\",\"image\":\"a\",\"command\":[\"x\"]}]");
	static const char options[] =
			"{\"injected\":[{\"name\":\"mesh\",\"image\":\"d\",\"command\":[\"x\"]}]}";
	static const char *const wanted[][2] = { { "sandbox", "" }, { "sidecar", "proxy" },
		{ "init", "first" }, { "container", "one" }, { "container", "two" }, { "injected", "mesh" } };
	auto_whole struct whole w;

	must_make(&w, manifest, options, NULL);
	assert_int_equal(json_array_size(json_object_get(w.data, "containers")), COUNT(wanted));
	for (size_t i = 0; i < COUNT(wanted); i++) {
		assert_string_equal(json_text_at(container(&w, i), "cocoon", "kind", NULL), wanted[i][0]);
		assert_string_equal(json_text_at(container(&w, i), "cocoon", "name", NULL), wanted[i][1]);
	}
}

static void every_entry_has_its_members(void **state)
{
	(void)state;
	static const char *const members[] = { "containers", "common", "sandbox", "request_defaults",
		"devices", "cluster_config", "cocoon" };
	auto_whole struct whole w;
	const char *key;
	json_t *value;
	size_t i = 0;

	must_make(&w, POD(",\"namespace\":\"shop\"", ONE), NULL, NULL);
	json_object_foreach (w.data, key, value)
		assert_string_equal(key, members[i++]);
	assert_int_equal(i, COUNT(members));
	rig_assert_json("top", json_object_get(w.data, "cocoon"),
			"{\"data\":1,\"mode\":\"strict\",\"workload\":\"Pod "
			"shop/web\",\"namespace\":\"shop\",\"exec\":[],"
			"\"any_exec\":false,\"stdin\":false,\"env_regex\":[],\"containers_max\":8}");
	rig_assert_json("sandbox", json_object_get(container(&w, 0), "cocoon"),
			"{\"kind\":\"sandbox\",\"name\":\"\",\"image\":\"\",\"digest\":\"\",\"config_"
			"digest\":\"\",\"any_env\":[],"
			"\"env_regex\":[]}");
	rig_assert_json("app", json_object_get(container(&w, 1), "cocoon"),
			"{\"kind\":\"container\",\"name\":\"app\",\"image\":\"registry.example/"
			"app:1\",\"digest\":\"\","
			"\"config_digest\":\"" DIGEST "\",\"any_env\":[],\"env_regex\":[]}");
	rig_assert_json("devices", json_object_get(w.data, "devices"),
			"{\"vfio\":{\"device_path\":\"/dev/vfio/devices/vfio\",\"nvidia\":{}}}");
}

static void options_open_what_they_name(void **state)
{
	(void)state;
	static const struct {
		const char *options, *opened[4];
	} cases[] = {
		{ "{}", { NULL } },
		{ "{\"allow\":{\"logs\":true}}", { "ReadStreamRequest" } },
		{ "{\"allow\":{\"stdin\":true}}", { "WriteStreamRequest", "CloseStdinRequest" } },
		{ "{\"allow\":{\"metrics\":true}}", { "GetMetricsRequest" } },
		{ "{\"allow\":{\"diagnostics\":true}}", { "GetDiagnosticDataRequest" } },
		{ "{\"allow\":{\"ephemeralMounts\":true}}", { "UpdateEphemeralMountsRequest" } },
		{ "{\"mode\":\"Debug\"}",
				{ "ReadStreamRequest", "WriteStreamRequest", "CloseStdinRequest" } },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_whole struct whole w;
		const char *key;
		json_t *value;
		size_t opened = 0;

		must_make(&w, POD("", ONE), cases[i].options, NULL);
		json_object_foreach (json_object_get(w.data, "request_defaults"), key, value)
			opened += json_is_true(value);
		for (size_t k = 0; k < COUNT(cases[i].opened) && cases[i].opened[k]; k++, opened--)
			assert_true(json_is_true(
					json_at(w.data, "request_defaults", cases[i].opened[k], NULL)));
		if (opened)
			fail_msg("%s opens %zu more", cases[i].options, opened);
	}
}

static void commands_and_patterns_are_handed_on(void **state)
{
	(void)state;
	auto_whole struct whole w;

	must_make(&w, POD("", ONE),
			"{\"allow\":{\"exec\":[[\"/bin/ok\",\"-q\"]],\"env\":[\"^F=(on|off)$\"]}}", NULL);
	rig_assert_json("exec", json_at(w.data, "request_defaults", "ExecProcessRequest", NULL),
			"{\"allowed_commands\":[[\"/bin/ok\",\"-q\"]],\"regex\":[]}");
	rig_assert_json("ours", json_at(w.data, "cocoon", "exec", NULL), "[[\"/bin/ok\",\"-q\"]]");
	rig_assert_json("env", json_at(w.data, "cocoon", "env_regex", NULL), "[\"^F=(on|off)$\"]");
	const json_t *all = json_at(
			w.data, "request_defaults", "CreateContainerRequest", "allow_env_regex", NULL);
	assert_string_equal(json_string_value(json_array_get(all, json_array_size(all) - 1)), "^F=(on|off)$");
	/* the settings are as they were */
	assert_int_equal(json_array_size(json_at(w.settings.request_defaults, "ExecProcessRequest",
					 "allowed_commands", NULL)),
			0);
}

static void debug_is_loud(void **state)
{
	(void)state;
	auto_whole struct whole w;

	must_make(&w, POD("", ONE), "{\"mode\":\"Debug\"}", NULL);
	assert_string_equal(json_text_at(w.data, "cocoon", "mode", NULL), "debug");
	assert_true(json_is_true(json_at(w.data, "cocoon", "any_exec", NULL)));
	assert_true(json_is_true(json_at(w.data, "cocoon", "stdin", NULL)));
	assert_int_equal(json_array_size(json_at(
					 w.data, "request_defaults", "ExecProcessRequest", "regex", NULL)),
			1);
	assert_non_null(strstr(w.notes.items[w.notes.count - 1].text, "DEBUG"));
	assert_int_equal(w.notes.items[w.notes.count - 1].severity, AGENT_WARNING);
}

static void a_privileged_container_sees_all(void **state)
{
	(void)state;
	auto_whole struct whole w;

	must_make(&w,
			POD("",
					"\"containers\":[{\"name\":\"a\",\"image\":\"a\",\"command\":[\"x\"],"
					"\"securityContext\":"
					"{\"privileged\":true,\"readOnlyRootFilesystem\":true}},{\"name\":"
					"\"b\",\"image\":\"a\",\"command\":[\"x\"]}]"),
			NULL, NULL);
	assert_int_equal(json_array_size(linux_of(&w, 1, "MaskedPaths")), 0);
	assert_int_equal(json_array_size(linux_of(&w, 1, "ReadonlyPaths")), 0);
	assert_int_equal(json_array_size(linux_of(&w, 2, "MaskedPaths")), 9);
	assert_int_equal(json_array_size(linux_of(&w, 2, "ReadonlyPaths")), 6);
	assert_int_equal(json_array_size(linux_of(&w, 0, "MaskedPaths")), 10);
	assert_true(json_is_true(json_at(container(&w, 1), "OCI", "Root", "Readonly", NULL)));
	assert_true(json_is_false(json_at(container(&w, 2), "OCI", "Root", "Readonly", NULL)));
	assert_true(json_is_true(json_at(container(&w, 0), "OCI", "Root", "Readonly", NULL)));
}

static void namespaces_follow_the_pod(void **state)
{
	(void)state;
	auto_whole struct whole w;

	must_make(&w, POD("", "\"hostNetwork\":true,\"shareProcessNamespace\":true," ONE), NULL, NULL);
	rig_assert_json("sandbox", linux_of(&w, 0, "Namespaces"),
			"[{\"Type\":\"ipc\",\"Path\":\"\"},{\"Type\":\"mount\",\"Path\":\"\"}]");
	rig_assert_json("container", linux_of(&w, 1, "Namespaces"),
			"[{\"Type\":\"ipc\",\"Path\":\"\"},{\"Type\":\"uts\",\"Path\":\"\"},{\"Type\":"
			"\"mount\",\"Path\":\"\"}]");
	assert_true(strncmp(annotation(&w, 0, "nerdctl/network-namespace"), "^/var/run/netns/cnitest-", 24) ==
			0);
	assert_null(annotation(&w, 1, "nerdctl/network-namespace"));
	assert_true(json_is_false(json_object_get(container(&w, 0), "sandbox_pidns")));
	assert_true(json_is_true(json_object_get(container(&w, 1), "sandbox_pidns")));
}

static void sysctls_of_pod_and_settings(void **state)
{
	(void)state;
	auto_whole struct whole w;

	must_make(&w,
			POD("",
					"\"securityContext\":{\"sysctls\":[{\"name\":\"net.core.somaxconn\","
					"\"value\":\"1024\"},"
					"{\"name\":\"net.ipv4.ping_group_range\",\"value\":\"0 1\"}]}," ONE),
			NULL, NULL);
	for (size_t i = 0; i < 2; i++)
		rig_assert_json("sysctls", linux_of(&w, i, "Sysctl"),
				"{\"net.core.somaxconn\":\"1024\","
				"\"net.ipv4.ip_unprivileged_port_start\":\"0\",\"net.ipv4.ping_group_range\":"
				"\"0 1\"}");
}

static void annotations_are_those_that_the_guest_gets(void **state)
{
	(void)state;
	auto_whole struct whole w;
	const char *key, *before = "";
	json_t *value;

	must_make(&w,
			POD(",\"annotations\":{\"io.katacontainers.x\":\"1\",\"example.org/a\":\"b\","
			    "\"io.katacontainers.pkg.oci.container_type\":\"pod_sandbox\","
			    "\"io.katacontainers.config.hypervisor.cc_init_data\":\"x\"}",
					ONE),
			NULL, NULL);
	assert_string_equal(annotation(&w, 1, "io.katacontainers.x"), "1");
	assert_null(annotation(&w, 1, "example.org/a"));
	assert_null(annotation(&w, 1, "io.katacontainers.config.hypervisor.cc_init_data"));
	/* the manifest does not say what the runtime says */
	assert_string_equal(annotation(&w, 1, "io.katacontainers.pkg.oci.container_type"), "pod_container");
	assert_string_equal(annotation(&w, 1, "io.kubernetes.cri.sandbox-name"), "^web$");
	assert_string_equal(annotation(&w, 1, "io.kubernetes.cri.container-name"), "app");
	assert_string_equal(annotation(&w, 1, "io.kubernetes.cri.sandbox-namespace"), "");
	assert_null(annotation(&w, 0, "io.kubernetes.cri.container-name"));
	json_object_foreach (json_object_get(json_object_get(container(&w, 1), "OCI"), "Annotations"), key,
			value) {
		assert_true(strcmp(before, key) < 0);
		before = key;
	}
}

static void annotations_that_variables_read_are_not_handed_on(void **state)
{
	(void)state;
	auto_whole struct whole w;

	must_make(&w,
			POD(",\"annotations\":{\"example.org/a\":\"b\"}",
					"\"containers\":[{\"name\":\"a\",\"image\":\"a\",\"command\":[\"x\"],"
					"\"env\":[{\"name\":\"Y\",\"valueFrom\":"
					"{\"fieldRef\":{\"fieldPath\":\"metadata.annotations['example.org/"
					"a']\"}}}]}]"),
			NULL, NULL);
	assert_null(annotation(&w, 1, "example.org/a"));
	const json_t *env = json_at(container(&w, 1), "OCI", "Process", "Env", NULL);
	assert_string_equal(json_string_value(json_array_get(env, json_array_size(env) - 1)), "Y=b");
}

static void images_have_full_names(void **state)
{
	(void)state;
	static const struct {
		const char *image, *annotation, *full, *digest;
	} cases[] = {
		{ "nginx", "nginx:latest", "docker.io/library/nginx:latest", "" },
		{ "nginx:1", "nginx:1", "docker.io/library/nginx:1", "" },
		{ "team/app", "team/app:latest", "docker.io/team/app:latest", "" },
		{ "docker.io/nginx:1", "docker.io/nginx:1", "docker.io/library/nginx:1", "" },
		{ "docker.io/team/app:1", "docker.io/team/app:1", "docker.io/team/app:1", "" },
		{ "index.docker.io/nginx:1", "index.docker.io/nginx:1", "docker.io/library/nginx:1", "" },
		{ "localhost/app", "localhost/app:latest", "localhost/app:latest", "" },
		{ "registry:5000/app", "registry:5000/app:latest", "registry:5000/app:latest", "" },
		{ "registry.example/a/b/c:x", "registry.example/a/b/c:x", "registry.example/a/b/c:x", "" },
		{ "nginx@" DIGEST, "nginx@" DIGEST, "docker.io/library/nginx@" DIGEST, DIGEST },
		{ "nginx:1@" DIGEST, "nginx:1@" DIGEST, "docker.io/library/nginx@" DIGEST, DIGEST },
		{ "registry:5000/app:1@" DIGEST, "registry:5000/app:1@" DIGEST, "registry:5000/app@" DIGEST,
				DIGEST },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *manifest =
				xasprintf(POD("",
							  "\"containers\":[{\"name\":\"a\",\"image\":\"%s\","
							  "\"command\":[\"x\"]}]"),
						cases[i].image);
		auto_whole struct whole w;

		must_make(&w, manifest, NULL, NULL);
		assert_string_equal(annotation(&w, 1, "io.kubernetes.cri.image-name"), cases[i].annotation);
		assert_string_equal(json_text_at(container(&w, 1), "cocoon", "image", NULL), cases[i].full);
		assert_string_equal(
				json_text_at(container(&w, 1), "cocoon", "digest", NULL), cases[i].digest);
	}
}

static void a_tag_is_warned_of(void **state)
{
	(void)state;
	auto_whole struct whole w;

	must_make(&w,
			POD("",
					"\"containers\":[{\"name\":\"a\",\"image\":\"a@" DIGEST
					"\",\"command\":[\"x\"]},"
					"{\"name\":\"b\",\"image\":\"b:1\",\"command\":[\"x\"]}]"),
			NULL, NULL);
	assert_int_equal(w.notes.count, 1);
	assert_int_equal(w.notes.items[0].severity, AGENT_WARNING);
	assert_string_equal(w.notes.items[0].path, "spec.containers[1].image");
	assert_non_null(strstr(w.notes.items[0].text, "pin the image by its digest, which was sha256:"));
}

/* The place of the nth error. */
static const char *error_path(const struct whole *w, size_t n)
{
	for (size_t i = 0; i < w->notes.count; i++)
		if (w->notes.items[i].severity == AGENT_ERROR && n-- == 0)
			return w->notes.items[i].path;
	return "(none)";
}

static void errors_mean_that_there_is_no_policy(void **state)
{
	(void)state;
	auto_whole struct whole w;

	assert_int_equal(make(&w,
					 POD("",
							 "\"initContainers\":[{\"name\":\"i\",\"image\":"
							 "\"a\"}],"
							 "\"containers\":[{\"name\":\"a\",\"image\":\"a\"},{"
							 "\"name\":\"b\",\"image\":\"a\",\"command\":[\"$("
							 "node-name)\"]}]"),
					 NULL, NULL),
			-1);
	assert_null(w.data);
	assert_int_equal(w.err.kind, ERR_DENIED);
	assert_int_equal(agent_notes_of(&w.notes, AGENT_ERROR), 3);
	assert_string_equal(error_path(&w, 0), "spec.initContainers[0]");
	assert_string_equal(error_path(&w, 1), "spec.containers[0]");
	assert_string_equal(error_path(&w, 2), "spec.containers[1].command[0]");
}

static void places_are_those_of_the_manifest(void **state)
{
	(void)state;
	auto_whole struct whole w;

	assert_int_equal(make(&w,
					 "{\"apiVersion\":\"apps/"
					 "v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\"},"
					 "\"spec\":"
					 "{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{"
					 "\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{"
					 "\"containers\":[{\"name\":\"a\",\"image\":\"a\"}]}}}}",
					 "{\"injected\":[{\"name\":\"m\",\"image\":\"b\"}]}", NULL),
			-1);
	assert_int_equal(agent_notes_of(&w.notes, AGENT_ERROR), 2);
	assert_string_equal(error_path(&w, 0), "spec.template.spec.containers[0]");
	assert_string_equal(error_path(&w, 1), "injected[0]");
}

static void an_image_that_is_no_utf8_is_an_error(void **state)
{
	(void)state;
	static const char *const bad[] = { "A=\xff", NULL }, *const name[] = { "\xff=1", NULL };
	struct agent_image images[] = { { .user = "", .cwd = "\xff" }, { .user = "", .cwd = "", .env = bad },
		{ .user = "", .cwd = "", .cmd = bad }, { .user = "", .cwd = "", .env = name } };

	for (size_t i = 0; i < COUNT(images); i++) {
		auto_whole struct whole w;
		json_t *data = NULL;

		must_make(&w, POD("", "\"containers\":[{\"name\":\"a\",\"image\":\"a\",\"args\":[\"x\"]}]"),
				NULL, NULL);
		struct agent_inputs inputs = { .workload = &w.workload,
			.options = &w.options,
			.settings = &w.settings,
			.images = &images[i] };
		if (i == 2)
			json_object_del(json_array_get(json_object_get(w.workload.spec, "containers"), 0),
					"args");
		assert_int_equal(agent_generate(&inputs, &data, &w.notes, &w.err), -1);
		assert_null(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_mean_that_there_is_no_policy),
		cmocka_unit_test(an_image_that_is_no_utf8_is_an_error),
		cmocka_unit_test(places_are_those_of_the_manifest),
		cmocka_unit_test(containers_stand_in_genpolicys_order),
		cmocka_unit_test(every_entry_has_its_members),
		cmocka_unit_test(options_open_what_they_name),
		cmocka_unit_test(commands_and_patterns_are_handed_on),
		cmocka_unit_test(debug_is_loud),
		cmocka_unit_test(a_privileged_container_sees_all),
		cmocka_unit_test(namespaces_follow_the_pod),
		cmocka_unit_test(sysctls_of_pod_and_settings),
		cmocka_unit_test(annotations_are_those_that_the_guest_gets),
		cmocka_unit_test(annotations_that_variables_read_are_not_handed_on),
		cmocka_unit_test(images_have_full_names),
		cmocka_unit_test(a_tag_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
