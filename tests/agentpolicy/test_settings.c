/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/embedded.h"
#include "agentpolicy/notes.h"
#include "agentpolicy/settings.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What genpolicy 4.1.0 copies from its settings into a policy, with its default image of the sandbox. */
#define BLOCKS "tests/agentpolicy/genpolicy/settings-blocks.json"

/* One reading: what went in, and what came out. */
struct reading {
	struct agent_settings_source source;
	struct agent_options options;
	struct agent_settings settings;
	struct agent_notes notes;
	struct err err;
};

#define READING                                                                             \
	{                                                                                   \
		.source = { .file = { NULL, 0 } }, .options = AGENT_OPTIONS_NONE,           \
		.settings = AGENT_SETTINGS_NONE, .notes = AGENT_NOTES_NONE, .err = ERR_NONE \
	}

static void reading_clear(struct reading *reading)
{
	agent_settings_clear(&reading->settings);
	agent_notes_clear(&reading->notes);
}
#define auto_reading __attribute__((cleanup(reading_clear)))

static int settings_read(struct reading *reading, const char *class)
{
	return agent_settings_read(&reading->source, &reading->options, class, &reading->settings,
			&reading->notes, &reading->err);
}

static void must_read(struct reading *reading, const char *class)
{
	if (settings_read(reading, class) < 0)
		fail_msg("%s", reading->err.text);
}

/* The text built in, as a tree. */
static json_t *built_in(void)
{
	json_t *tree = NULL;

	assert_int_equal(json_read(span_of(agent_settings_text), AGENT_SETTINGS_MAX, &tree, NULL), 0);
	return tree;
}

static void reads_what_is_built_in(void **state)
{
	(void)state;
	auto_reading struct reading reading = READING;

	must_read(&reading, NULL);
	assert_int_equal(reading.notes.count, 0);
	assert_string_equal(reading.settings.oci_version, "1.1.0");
	assert_string_equal(reading.settings.emptydir_type, "block-encrypted");
	assert_true(reading.settings.guest_pull);
	assert_string_equal(json_text_at(reading.settings.pause, "Root", "Path", NULL), "$(root_path)");
	assert_string_equal(json_text_at(reading.settings.other, "Root", "Path", NULL), "$(root_path)");
	assert_string_equal(
			json_text_at(reading.settings.devices, "vfio", "nvidia", "gpu_gk_device_type", NULL),
			"vfio-pci-gk");
	assert_int_equal(json_object_size(reading.settings.volumes), 6);
}

static void is_complete_without_filling_in(void **state)
{
	(void)state;
	auto_reading struct reading reading = READING;
	auto_json json_t *tree = built_in();

	must_read(&reading, NULL);
	assert_true(json_equal(tree, reading.settings.tree));
}

static void has_the_values_of_genpolicy(void **state)
{
	(void)state;
	auto_reading struct reading reading = READING;
	auto_json json_t *blocks = NULL;
	struct err err = ERR_NONE;

	if (json_read_file(BLOCKS, 1 << 20, &blocks, &err) < 0)
		fail_msg("%s", err.text);
	must_read(&reading, NULL);
	assert_true(json_equal(reading.settings.common, json_object_get(blocks, "common")));
	assert_true(json_equal(reading.settings.sandbox, json_object_get(blocks, "sandbox")));
	assert_true(json_equal(reading.settings.cluster, json_object_get(blocks, "cluster_config")));
	assert_true(json_equal(
			reading.settings.request_defaults, json_object_get(blocks, "request_defaults")));
	assert_string_equal(json_text_at(reading.settings.devices, "vfio", "device_path", NULL),
			json_text_at(blocks, "devices", "vfio", "device_path", NULL));
}

static void a_runtime_class_says_which_runtime(void **state)
{
	static const struct {
		const char *class, *emptydir;
		int severity; /* of the only note; -1: none */
	} cases[] = {
		{ NULL, "block-encrypted", -1 },
		{ "", "block-encrypted", -1 },
		{ "kata-qemu-snp", "block-encrypted", -1 },
		{ "kata-qemu-tdx-runtime-rs", "block-encrypted", -1 },
		{ "kata-qemu-nvidia-gpu-snp", "block-encrypted", -1 },
		{ "kata-qemu-coco-dev", "block-encrypted", -1 },
		{ "kata-qemu-coco-dev-runtime-rs", "block-encrypted", -1 },
		{ "kata-clh-snp", "block-encrypted", -1 },
		{ "kata-remote", "shared-fs", -1 },
		{ "kata-qemu", "block-encrypted", AGENT_WARNING },
		{ "kata-clh", "block-encrypted", AGENT_WARNING },
		{ "kata-qemu-nvidia-gpu", "block-encrypted", AGENT_WARNING },
		{ "kata-dragonball", "block-encrypted", AGENT_WARNING },
		{ "secret-machines", "block-encrypted", AGENT_REMARK },
		{ "my-kata-remote", "block-encrypted", AGENT_REMARK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_reading struct reading reading = READING;

		must_read(&reading, cases[i].class);
		assert_string_equal(reading.settings.emptydir_type, cases[i].emptydir);
		assert_int_equal(reading.notes.count, cases[i].severity >= 0);
		if (reading.notes.count)
			assert_int_equal(reading.notes.items[0].severity, cases[i].severity);
	}
}

static void the_option_wins_over_the_class(void **state)
{
	(void)state;
	static const struct {
		enum agent_runtime runtime;
		const char *class, *emptydir;
	} cases[] = {
		{ AGENT_RUNTIME_REMOTE, "kata-qemu-snp", "shared-fs" },
		{ AGENT_RUNTIME_REMOTE, "own", "shared-fs" },
		{ AGENT_RUNTIME_QEMU, "kata-remote", "block-encrypted" },
		{ AGENT_RUNTIME_COCO_DEV, "kata-remote", "block-encrypted" },
		{ AGENT_RUNTIME_QEMU, "kata-qemu", "block-encrypted" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_reading struct reading reading = READING;

		reading.options.runtime = cases[i].runtime;
		must_read(&reading, cases[i].class);
		assert_string_equal(reading.settings.emptydir_type, cases[i].emptydir);
		assert_int_equal(reading.notes.count, 0);
	}
}

static void a_file_replaces_what_is_built_in(void **state)
{
	(void)state;
	auto_reading struct reading reading = READING;
	auto_json json_t *tree = built_in();

	json_object_set_new(json_object_get(tree, "kata_config"), "oci_version", json_string("1.3.0"));
	json_object_set_new(tree, "of_their_own", json_true());
	auto_free char *text = json_text(tree, false);
	reading.source.file = span_of(text);
	must_read(&reading, "kata-remote");
	assert_string_equal(reading.settings.oci_version, "1.3.0");
	assert_string_equal(reading.settings.emptydir_type, "block-encrypted");
	assert_true(json_is_true(json_object_get(reading.settings.tree, "of_their_own")));
	assert_int_equal(reading.notes.count, 0);
}

static void drop_ins_apply_in_order_and_the_option_last(void **state)
{
	(void)state;
	auto_reading struct reading reading = READING;
	const struct span patches[] = {
		SPAN_LIT("[{\"op\": \"replace\", \"path\": \"/kata_config/oci_version\", \"value\": "
			 "\"1.2.0\"},"
			 " {\"op\": \"replace\", \"path\": \"/cluster_config/guest_pull\", \"value\": "
			 "false}]"),
		SPAN_LIT("[{\"op\": \"test\", \"path\": \"/kata_config/oci_version\", \"value\": \"1.2.0\"},"
			 " {\"op\": \"replace\", \"path\": \"/kata_config/oci_version\", \"value\": "
			 "\"1.2.1\"}]"),
	};

	reading.source.patches = patches;
	reading.source.patch_count = 2;
	reading.options.settings_patch =
			"[{\"op\": \"test\", \"path\": \"/kata_config/oci_version\", \"value\": \"1.2.1\"},"
			" {\"op\": \"replace\", \"path\": \"/kata_config/oci_version\", \"value\": "
			"\"1.3.0\"}]";
	must_read(&reading, NULL);
	assert_string_equal(reading.settings.oci_version, "1.3.0");
	assert_false(reading.settings.guest_pull);
}

/* The paths that the drop-ins of Kata 4.1 replace, all of them there. */
static void takes_the_places_of_katas_drop_ins(void **state)
{
	static const char patch[] =
			"[{\"op\":\"replace\",\"path\":\"/cluster_config/guest_pull\",\"value\":false},"
			"{\"op\":\"replace\",\"path\":\"/cluster_config/"
			"emptydir_type\",\"value\":\"shared-fs\"},"
			"{\"op\":\"replace\",\"path\":\"/cluster_config/"
			"pause_container_image\",\"value\":\"pause:1\"},"
			"{\"op\":\"replace\",\"path\":\"/common/root_path\",\"value\":\"/r/$(bundle-id)\"},"
			"{\"op\":\"replace\",\"path\":\"/kata_config/"
			"enable_configmap_secret_storages\",\"value\":true},"
			"{\"op\":\"replace\",\"path\":\"/request_defaults/"
			"UpdateEphemeralMountsRequest\",\"value\":true},"
			"{\"op\":\"replace\",\"path\":\"/sandbox/"
			"storages\",\"value\":[{\"driver\":\"virtio-fs\","
			"\"driver_options\":[],\"fs_group\":null,\"fstype\":\"virtiofs\",\"mount_point\":\"/"
			"r/\","
			"\"options\":[],\"source\":\"kataShared\"}]},"
			"{\"op\":\"replace\",\"path\":\"/volumes/configMap/"
			"driver\",\"value\":\"watchable-bind\"},"
			"{\"op\":\"replace\",\"path\":\"/volumes/configMap/"
			"mount_point\",\"value\":\"^$(cpath)/w/\"},"
			"{\"op\":\"add\",\"path\":\"/request_defaults/ExecProcessRequest/allowed_commands/"
			"-\","
			"\"value\":[\"ls\",\"-l\"]}]";

	(void)state;
	auto_reading struct reading reading = READING;
	const struct span patches[] = { SPAN_LIT(patch) };
	reading.source.patches = patches;
	reading.source.patch_count = 1;
	must_read(&reading, NULL);
	assert_int_equal(reading.notes.count, 0);
	assert_string_equal(reading.settings.emptydir_type, "shared-fs");
	/* a storage is completed */
	const json_t *storage = json_array_get(json_object_get(reading.settings.sandbox, "storages"), 0);
	assert_true(json_is_false(json_object_get(storage, "shared")));
	assert_int_equal(json_object_size(storage), 8);
}

/* A patch of what is built in, and what becomes of it. */
struct change {
	const char *patch;
	enum err_kind kind;
	const char *says; /* in the error, or in the only note; NULL: no note */
};

static void judge(const struct change *change)
{
	auto_reading struct reading reading = READING;

	reading.options.settings_patch = change->patch;
	int status = settings_read(&reading, NULL);
	if (reading.err.kind != change->kind)
		fail_msg("%s: %s (%s)", change->patch, err_kind_name(reading.err.kind), reading.err.text);
	assert_int_equal(status, change->kind == ERR_OK ? 0 : -1);
	if (status < 0) {
		assert_null(reading.settings.tree);
		if (!strstr(reading.err.text, change->says))
			fail_msg("%s: '%s'", change->patch, reading.err.text);
		return;
	}
	assert_int_equal(reading.notes.count, change->says ? 1 : 0);
	if (change->says && !strstr(reading.notes.items[0].text, change->says))
		fail_msg("%s: '%s'", change->patch, reading.notes.items[0].text);
}

#define PUT(path, value) "[{\"op\":\"add\",\"path\":\"" path "\",\"value\":" value "}]"
#define DROP(path)       "[{\"op\":\"remove\",\"path\":\"" path "\"}]"

static void refuses_a_missing_or_misshapen_member_by_its_name(void **state)
{
	static const struct change cases[] = {
		{ DROP("/pause_container"), ERR_FORMAT, "pause_container: missing" },
		{ DROP("/devices"), ERR_FORMAT, "devices: missing" },
		{ DROP("/common/svc_name_downward_env"), ERR_FORMAT,
				"common.svc_name_downward_env: missing" },
		{ DROP("/volumes/emptyDir_plain/fstype"), ERR_FORMAT,
				"volumes.emptyDir_plain.fstype: missing" },
		{ DROP("/cluster_config/guest_pull"), ERR_FORMAT, "cluster_config.guest_pull: missing" },
		{ PUT("/kata_config", "[]"), ERR_FORMAT, "kata_config: must be an object" },
		{ PUT("/kata_config/oci_version", "1.1"), ERR_FORMAT, "kata_config.oci_version" },
		{ PUT("/kata_config/oci_version", "null"), ERR_FORMAT, "kata_config.oci_version: missing" },
		{ PUT("/cluster_config/guest_pull", "\"yes\""), ERR_FORMAT, "cluster_config.guest_pull" },
		{ PUT("/cluster_config/emptydir_type", "\"block\""), ERR_FORMAT,
				"cluster_config.emptydir_type" },
		{ PUT("/common/default_caps", "\"CAP_CHOWN\""), ERR_FORMAT, "common.default_caps" },
		{ PUT("/common/default_caps/0", "7"), ERR_FORMAT, "common.default_caps" },
		{ PUT("/pause_container/Mounts", "{}"), ERR_FORMAT, "pause_container.Mounts" },
		{ PUT("/pause_container/Mounts/0", "7"), ERR_FORMAT, "pause_container.Mounts[0]" },
		{ DROP("/pause_container/Mounts/1/options"), ERR_FORMAT,
				"pause_container.Mounts[1].options" },
		{ PUT("/other_container/Annotations/a", "7"), ERR_FORMAT, "other_container.Annotations" },
		{ PUT("/other_container/Linux/Sysctl", "[]"), ERR_FORMAT, "other_container.Linux.Sysctl" },
		{ PUT("/pause_container/Process/User/UID", "-1"), ERR_LIMIT,
				"pause_container.Process.User.UID" },
		{ PUT("/pause_container/Process/User/AdditionalGids", "[-1]"), ERR_FORMAT, "AdditionalGids" },
		{ PUT("/sandbox/storages/0/fs_group", "7"), ERR_FORMAT, "sandbox.storages[0].fs_group" },
		{ PUT("/sandbox/storages/0/shared", "7"), ERR_FORMAT, "sandbox.storages[0].shared" },
		{ PUT("/request_defaults/ReadStreamRequest", "1"), ERR_FORMAT, "ReadStreamRequest" },
		{ PUT("/request_defaults/ExecProcessRequest/allowed_commands", "[\"ls\"]"), ERR_FORMAT,
				"allowed_commands[0]: must be a list of words" },
		{ PUT("/request_defaults/ExecProcessRequest/allowed_commands", "[[]]"), ERR_FORMAT,
				"allowed_commands[0]" },
		{ PUT("/request_defaults/ExecProcessRequest/allowed_commands", "[[\"ls\",1]]"), ERR_FORMAT,
				"allowed_commands[0][1]: must be a text" },
		{ PUT("/request_defaults/ExecProcessRequest/commands", "[\"ls\"]"), ERR_FORMAT,
				"write allowed_commands" },
		{ PUT("/request_defaults/AddARPNeighborsRequest/allowed_states", "[\"2\"]"), ERR_FORMAT,
				"allowed_states" },
		{ PUT("", "[]"), ERR_FORMAT, "the settings: must be an object" },
		{ PUT("", "7"), ERR_FORMAT, "the settings: must be an object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		judge(&cases[i]);
}

static void takes_what_is_optional_or_unknown(void **state)
{
	static const struct change cases[] = {
		{ "[]", ERR_OK, NULL },
		{ DROP("/pause_container/Process"), ERR_OK, NULL },
		{ DROP("/pause_container/Mounts"), ERR_OK, NULL },
		{ DROP("/other_container/Linux"), ERR_OK, NULL },
		{ DROP("/other_container/Annotations"), ERR_OK, NULL },
		{ DROP("/request_defaults/GetDiagnosticDataRequest"), ERR_OK, NULL },
		{ DROP("/volumes/emptyDir_encrypted/driver_options"), ERR_OK, NULL },
		{ DROP("/cluster_config/cgroup_mount_extras_allowed"), ERR_OK, NULL },
		{ PUT("/sandbox/storages/0/fs_group", "{\"group_id\":1}"), ERR_OK, NULL },
		{ PUT("/request_defaults/ExecProcessRequest/commands", "[]"), ERR_OK, NULL },
		{ PUT("/common/image_layer_verification", "\"none\""), ERR_OK, NULL },
		{ PUT("/fragments", "[]"), ERR_OK, NULL },
		{ PUT("/pause_container/Root/ReadOnly", "true"), ERR_OK, NULL },
		{ "[{\"op\":\"move\",\"from\":\"/pause_container/Root/Readonly\",\"path\":\"/pause_container/"
		  "Root/ReadOnly\"}]",
				ERR_OK, "did you mean 'Readonly'?" },
		{ "[{\"op\":\"move\",\"from\":\"/request_defaults/ReadStreamRequest\","
		  "\"path\":\"/request_defaults/ReadStreamsRequest\"}]",
				ERR_OK, "did you mean 'ReadStreamRequest'?" },
		{ "[{\"op\":\"move\",\"from\":\"/pause_container/Mounts/0/source\",\"path\":\"/"
		  "pause_container/Mounts/0/sourec\"}]",
				ERR_OK, "did you mean 'source'?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		judge(&cases[i]);
}

static void a_note_says_where(void **state)
{
	(void)state;
	auto_reading struct reading reading = READING;

	reading.options.settings_patch =
			"[{\"op\":\"move\",\"from\":\"/pause_container/Mounts/1/source\",\"path\":\"/x\"}]";
	assert_int_equal(settings_read(&reading, NULL), -1);
	assert_int_equal(reading.err.kind, ERR_USAGE);
	reading.options.settings_patch = "[{\"op\":\"move\",\"from\":\"/pause_container/Mounts/0/"
					 "source\",\"path\":\"/pause_container/Mounts/0/surce\"}]";
	must_read(&reading, NULL);
	assert_int_equal(reading.notes.items[0].severity, AGENT_WARNING);
	assert_string_equal(reading.notes.items[0].path, "pause_container.Mounts[0].surce");
}

static void fills_in_what_is_silent(void **state)
{
	(void)state;
	auto_reading struct reading reading = READING;

	reading.options.settings_patch =
			"[{\"op\":\"remove\",\"path\":\"/pause_container/Mounts\"},"
			"{\"op\":\"remove\",\"path\":\"/pause_container/Annotations\"},"
			"{\"op\":\"remove\",\"path\":\"/volumes/emptyDir/shared\"},"
			"{\"op\":\"remove\",\"path\":\"/volumes/emptyDir/driver_options\"},"
			"{\"op\":\"remove\",\"path\":\"/sandbox/storages/0/fs_group\"},"
			"{\"op\":\"remove\",\"path\":\"/request_defaults/CloseStdinRequest\"}]";
	must_read(&reading, NULL);
	const json_t *empty = json_object_get(reading.settings.volumes, "emptyDir");
	const json_t *storage = json_array_get(json_object_get(reading.settings.sandbox, "storages"), 0);
	assert_true(json_is_array(json_object_get(reading.settings.pause, "Mounts")));
	assert_true(json_is_object(json_object_get(reading.settings.pause, "Annotations")));
	assert_true(json_is_false(json_object_get(empty, "shared")));
	assert_true(json_is_array(json_object_get(empty, "driver_options")));
	assert_true(json_is_null(json_object_get(storage, "fs_group")));
	assert_true(json_is_false(json_object_get(reading.settings.request_defaults, "CloseStdinRequest")));
}

static void refuses_texts_that_are_none(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ "x", ERR_FORMAT },
		{ "{", ERR_FORMAT },
		{ "{}", ERR_FORMAT },
		{ "[]", ERR_FORMAT },
		{ "{\"a\":1,\"a\":2}", ERR_FORMAT },
		{ "null", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_reading struct reading file = READING, dropped = READING, option = READING;
		const struct span patches[] = { SPAN_LIT("[]"), span_of(cases[i].text) };

		file.source.file = span_of(cases[i].text);
		assert_int_equal(settings_read(&file, NULL), -1);
		assert_int_equal(file.err.kind, cases[i].kind);
		if (!strcmp(cases[i].text, "[]"))
			continue;
		dropped.source.patches = patches;
		dropped.source.patch_count = 2;
		assert_int_equal(settings_read(&dropped, NULL), -1);
		assert_int_equal(dropped.err.kind, cases[i].kind);
		assert_non_null(strstr(dropped.err.text, "drop-in 2"));
		option.options.settings_patch = cases[i].text;
		assert_int_equal(settings_read(&option, NULL), -1);
		assert_non_null(strstr(option.err.text, "settingsPatch"));
	}
}

static void refuses_a_file_cut_short(void **state)
{
	(void)state;
	size_t length = strlen(agent_settings_text);

	/* up to the brace that closes it; behind it stands the end of the line */
	for (size_t cut = 1; cut < length - 1; cut += 13) {
		auto_reading struct reading reading = READING;
		auto_free char *text = strndup(agent_settings_text, cut);

		reading.source.file = span_of(text);
		assert_int_equal(settings_read(&reading, NULL), -1);
		assert_int_equal(reading.err.kind, ERR_FORMAT);
	}
}

static void refuses_too_much(void **state)
{
	(void)state;
	auto_reading struct reading large = READING, many = READING;
	auto_free char *text = malloc(AGENT_SETTINGS_MAX + 2);
	struct span patches[65];

	assert_non_null(text);
	memset(text, ' ', AGENT_SETTINGS_MAX + 1);
	large.source.file = span_new(text, AGENT_SETTINGS_MAX + 1);
	assert_int_equal(settings_read(&large, NULL), -1);
	assert_int_equal(large.err.kind, ERR_LIMIT);

	for (size_t i = 0; i < 65; i++)
		patches[i] = SPAN_LIT("[]");
	many.source.patches = patches;
	many.source.patch_count = 64;
	must_read(&many, NULL);
	agent_settings_clear(&many.settings);
	many.source.patch_count = 65;
	assert_int_equal(settings_read(&many, NULL), -1);
	assert_int_equal(many.err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_texts_that_are_none),
		cmocka_unit_test(refuses_a_file_cut_short),
		cmocka_unit_test(refuses_too_much),
		cmocka_unit_test(refuses_a_missing_or_misshapen_member_by_its_name),
		cmocka_unit_test(reads_what_is_built_in),
		cmocka_unit_test(is_complete_without_filling_in),
		cmocka_unit_test(has_the_values_of_genpolicy),
		cmocka_unit_test(a_runtime_class_says_which_runtime),
		cmocka_unit_test(the_option_wins_over_the_class),
		cmocka_unit_test(a_file_replaces_what_is_built_in),
		cmocka_unit_test(drop_ins_apply_in_order_and_the_option_last),
		cmocka_unit_test(takes_the_places_of_katas_drop_ins),
		cmocka_unit_test(takes_what_is_optional_or_unknown),
		cmocka_unit_test(a_note_says_where),
		cmocka_unit_test(fills_in_what_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
