/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "tests/agentpolicy/part_rig.h"

#define SET(path, value) "[{\"op\": \"replace\", \"path\": \"" path "\", \"value\": " value "}]"
#define TYPE(name)       SET("/cluster_config/emptydir_type", "\"" name "\"")
#define AT(path)         "{\"volumeMounts\": [{\"name\": \"v\", \"mountPath\": \"" path "\"}]}"
#define AT_READ_ONLY(path) \
	"{\"volumeMounts\": [{\"name\": \"v\", \"mountPath\": \"" path "\", \"readOnly\": true}]}"
#define VOLUME(source) "{\"volumes\": [{\"name\": \"v\", " source "}]}"
#define BIND(destination, source, propagation, access)                                       \
	"{\"destination\":\"" destination "\",\"source\":\"" source "\",\"type_\":\"bind\"," \
	"\"options\":[\"rbind\",\"" propagation "\",\"" access "\"]}"
#define SHARED(destination, base, access) \
	"[" BIND(destination, "$(sfprefix)" base "$", "rprivate", access) "]"
#define BLOCK(options_of_driver, options, group)                                                            \
	"[{\"driver\":\"\",\"driver_options\":[" options_of_driver "],\"source\":\"\",\"fstype\":\"ext4\"," \
	"\"options\":[" options "],\"mount_point\":\"$(spath)/$(b64_device_id)\",\"fs_group\":" group       \
	",\"shared\":true}]"
#define ENCRYPTED "\"encryption_key=ephemeral\",\"create_filesystem\""
#define MEMORY(name, options)                                                                              \
	"[{\"driver\":\"ephemeral\",\"driver_options\":[],\"source\":\"tmpfs\",\"fstype\":\"tmpfs\","      \
	"\"options\":[" options "],\"mount_point\":\"^/run/kata-containers/sandbox/ephemeral/" name "$\"," \
	"\"fs_group\":null,\"shared\":false}]"
#define MOUNT0       RIG_PLACE ".volumeMounts[0]: "
#define REMARK_FILES "remark " MOUNT0 "what is in the files of the volume 'v'"
#define WARN_HOST    "warning " MOUNT0 "the host reads and writes"

struct volume_case {
	const char *name, *patch, *spec, *container, *mounts, *storages, *note;
};

static void run(const struct volume_case *c)
{
	auto_part_rig struct part_rig rig;
	json_t *mounts, *storages, *plain, *none;
	size_t before;

	rig_open(&rig, "{}", "{}", c->patch);
	generate_mounts(&rig.part, &plain, &none);
	before = json_array_size(plain);
	json_decref(plain);
	json_decref(none);
	rig_close(&rig);
	rig_open(&rig, c->spec, c->container, c->patch);
	generate_mounts(&rig.part, &mounts, &storages);
	auto_json json_t *last = rig_last(mounts, json_array_size(mounts) - before);

	rig_assert_json(c->name, last, c->mounts);
	rig_assert_json(c->name, storages, c->storages);
	rig_assert_note(&rig, c->name, c->note);
	json_decref(mounts);
	json_decref(storages);
}

static void run_all(const struct volume_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run(&cases[i]);
}

static void encrypts_empty_dirs(void **state)
{
	(void)state;
	static const struct volume_case cases[] = {
		{ "encrypted", NULL, VOLUME("\"emptyDir\": {}"), AT("/data"),
				"[" BIND("/data", "", "rprivate", "rw") "]", BLOCK(ENCRYPTED, "", "null"),
				"" },
		{ "read-only", NULL, VOLUME("\"emptyDir\": {}"), AT_READ_ONLY("/data"),
				"[" BIND("/data", "", "rprivate", "ro") "]", BLOCK(ENCRYPTED, "", "null"),
				"" },
		{ "group", NULL,
				"{\"securityContext\": {\"fsGroup\": 4000},"
				" \"volumes\": [{\"name\": \"v\", \"emptyDir\": {}}]}",
				AT("/data"), "[" BIND("/data", "", "rprivate", "rw") "]",
				BLOCK(ENCRYPTED, "", "{\"group_id\":4000,\"group_change_policy\":0}"), "" },
		{ "group of root", NULL,
				"{\"securityContext\": {\"fsGroup\": 0},"
				" \"volumes\": [{\"name\": \"v\", \"emptyDir\": {}}]}",
				AT("/data"), "[" BIND("/data", "", "rprivate", "rw") "]",
				BLOCK(ENCRYPTED, "", "null"), "" },
		{ "plain", TYPE("block-plain"), VOLUME("\"emptyDir\": {}"), AT("/data"),
				"[" BIND("/data", "", "rprivate", "rw") "]",
				BLOCK("\"create_filesystem\"", "\"discard\"", "null"), "" },
	};

	run_all(cases, COUNT(cases));
}

static void keeps_empty_dirs_in_memory(void **state)
{
	(void)state;
	static const struct volume_case cases[] = {
		{ "memory", NULL, VOLUME("\"emptyDir\": {\"medium\": \"Memory\"}"), AT("/cache"),
				"[" BIND("/cache", "^/run/kata-containers/sandbox/ephemeral/v$", "rprivate",
						"rw") "]",
				MEMORY("v", ""), "" },
		{ "group", NULL,
				"{\"securityContext\": {\"fsGroup\": 4000},"
				" \"volumes\": [{\"name\": \"v\", \"emptyDir\": {\"medium\": \"Memory\"}}]}",
				AT("/cache"),
				"[" BIND("/cache", "^/run/kata-containers/sandbox/ephemeral/v$", "rprivate",
						"rw") "]",
				MEMORY("v", "\"fsgid=4000\""), "" },
		{ "also with plain", TYPE("block-plain"), VOLUME("\"emptyDir\": {\"medium\": \"Memory\"}"),
				AT_READ_ONLY("/cache"),
				"[" BIND("/cache", "^/run/kata-containers/sandbox/ephemeral/v$", "rprivate",
						"ro") "]",
				MEMORY("v", ""), "" },
		/* in the place of the sandbox's: nothing is added behind */
		{ "shared memory", NULL, VOLUME("\"emptyDir\": {\"medium\": \"Memory\"}"), AT("/dev/shm"),
				"[]", MEMORY("v", ""), "" },
		{ "disk as shared memory", NULL, VOLUME("\"emptyDir\": {}"), AT("/dev/shm"), "[]", "[]",
				"error " MOUNT0 "only an emptyDir with medium Memory" },
		{ "claim as shared memory", NULL, VOLUME("\"persistentVolumeClaim\": {\"claimName\": \"c\"}"),
				AT("/dev/shm"), "[]", "[]",
				"error " MOUNT0 "only an emptyDir with medium Memory" },
	};

	run_all(cases, COUNT(cases));
}

static void shares_empty_dirs_where_the_settings_say_so(void **state)
{
	(void)state;
	static const struct volume_case cases[] = {
		{ "shared", TYPE("shared-fs"), VOLUME("\"emptyDir\": {}"), AT("/data"),
				"[" BIND("/data", "$(sfprefix)data$", "rprivate", "rw") "," BIND("/data",
						"^$(cpath)/(watchable/)?$(sandbox-id)-[a-z0-9]{16}-data$",
						"rprivate", "rw") "]",
				"[]", "warning " MOUNT0 "with emptydir_type shared-fs the host" },
		{ "without a container's id",
				"[{\"op\": \"replace\", \"path\": \"/cluster_config/emptydir_type\","
				" \"value\": \"shared-fs\"},"
				" {\"op\": \"replace\", \"path\": \"/common/sfprefix\", \"value\": "
				"\"^/shared/\"}]",
				VOLUME("\"emptyDir\": {}"), AT("/data"), SHARED("/data", "data", "rw"), "[]",
				"warning " MOUNT0 "with emptydir_type shared-fs the host" },
	};

	run_all(cases, COUNT(cases));
}

static void gives_each_mount_of_a_disk_its_storage(void **state)
{
	(void)state;
	auto_part_rig struct part_rig rig;
	json_t *mounts, *storages;

	rig_open(&rig, VOLUME("\"emptyDir\": {}"),
			"{\"volumeMounts\": [{\"name\": \"v\", \"mountPath\": \"/a\"},"
			" {\"name\": \"v\", \"mountPath\": \"/b\", \"readOnly\": true}]}",
			NULL);
	generate_mounts(&rig.part, &mounts, &storages);
	auto_json json_t *last = rig_last(mounts, 2);

	rig_assert_json("two", last,
			"[" BIND("/a", "", "rprivate", "rw") "," BIND("/b", "", "rprivate", "ro") "]");
	assert_int_equal(json_array_size(storages), 2);
	json_decref(mounts);
	json_decref(storages);
}

static void binds_what_the_node_mounts(void **state)
{
	(void)state;
	static const struct volume_case cases[] = {
		{ "claim", NULL, VOLUME("\"persistentVolumeClaim\": {\"claimName\": \"c\"}"),
				AT("/var/lib/db"), SHARED("/var/lib/db", "db", "rw"), "[]", WARN_HOST },
		{ "claim, read-only mount", NULL, VOLUME("\"persistentVolumeClaim\": {\"claimName\": \"c\"}"),
				AT_READ_ONLY("/var/lib/db"), SHARED("/var/lib/db", "db", "ro"), "[]",
				WARN_HOST },
		{ "claim, read-only volume", NULL,
				VOLUME("\"persistentVolumeClaim\": {\"claimName\": \"c\", \"readOnly\": "
				       "true}"),
				AT("/var/lib/db"), SHARED("/var/lib/db", "db", "ro"), "[]", WARN_HOST },
		{ "template of claims", NULL, VOLUME("\"volumeClaimTemplate\": {}"), AT("/var/lib/db"),
				SHARED("/var/lib/db", "db", "rw"), "[]", WARN_HOST },
		{ "ephemeral", NULL, VOLUME("\"ephemeral\": {}"), AT("/scratch/"),
				SHARED("/scratch/", "scratch", "rw"), "[]", WARN_HOST },
		{ "csi", NULL, VOLUME("\"csi\": {\"driver\": \"d\", \"readOnly\": true}"), AT("/s.d"),
				SHARED("/s.d", "s\\\\.d", "ro"), "[]", WARN_HOST },
		{ "nfs", NULL, VOLUME("\"nfs\": {}"), AT("/share"), SHARED("/share", "share", "rw"), "[]",
				WARN_HOST },
		{ "azureFile", NULL, VOLUME("\"azureFile\": {}"), AT("/share"),
				SHARED("/share", "share", "rw"), "[]", WARN_HOST },
		{ "hostPath", NULL, VOLUME("\"hostPath\": {\"path\": \"/srv/models\"}"), AT("/models"),
				SHARED("/models", "models", "rw"), "[]", WARN_HOST },
		{ "hostPath beside /dev", NULL, VOLUME("\"hostPath\": {\"path\": \"/devices\"}"), AT("/d"),
				SHARED("/d", "d", "rw"), "[]", WARN_HOST },
	};

	run_all(cases, COUNT(cases));
}

static void binds_places_of_the_guest_as_they_are(void **state)
{
	(void)state;
	static const struct volume_case cases[] = {
		{ "device", NULL, VOLUME("\"hostPath\": {\"path\": \"/dev/ttyS0\"}"), AT("/dev/ttyS0"),
				"[" BIND("/dev/ttyS0", "/dev/ttyS0", "rprivate", "rw") "]", "[]",
				"warning " MOUNT0 "the volume 'v' is the guest's own /dev/ttyS0" },
		{ "all devices", NULL, VOLUME("\"hostPath\": {\"path\": \"/dev\"}"),
				AT_READ_ONLY("/host/dev"),
				"[" BIND("/host/dev", "/dev", "rprivate", "ro") "]", "[]",
				"warning " MOUNT0 "the guest's own /dev" },
		{ "sysfs", NULL, VOLUME("\"hostPath\": {\"path\": \"/sys/kernel\"}"), AT("/host/sys"),
				"[" BIND("/host/sys", "/sys/kernel", "rprivate", "rw") "]", "[]",
				"warning " MOUNT0 "the guest's own /sys/kernel" },
		{ "proc", NULL, VOLUME("\"hostPath\": {\"path\": \"/proc\"}"), AT("/host/proc"),
				"[" BIND("/host/proc", "/proc", "rprivate", "rw") "]", "[]",
				"warning " MOUNT0 "the guest's own /proc" },
		{ "upwards", NULL, VOLUME("\"hostPath\": {\"path\": \"/dev/../etc\"}"), AT("/e"), "[]", "[]",
				"error " MOUNT0 "must be absolute, without '..'" },
		{ "relative", NULL, VOLUME("\"hostPath\": {\"path\": \"etc\"}"), AT("/e"), "[]", "[]",
				"error " MOUNT0 "must be absolute" },
		{ "placeholder", NULL, VOLUME("\"hostPath\": {\"path\": \"/dev/$(cpath)\"}"), AT("/e"), "[]",
				"[]", "error " MOUNT0 "'$('" },
		{ "no path", NULL, VOLUME("\"hostPath\": {}"), AT("/e"), "[]", "[]",
				"error " MOUNT0 "must be absolute" },
	};

	run_all(cases, COUNT(cases));
}

static void binds_files_read_only(void **state)
{
	(void)state;
	static const char watched[] = SET("/kata_config/enable_configmap_secret_storages", "true");
	static const struct volume_case cases[] = {
		{ "configMap", NULL, VOLUME("\"configMap\": {\"name\": \"c\"}"), AT("/etc/conf"),
				SHARED("/etc/conf", "conf", "ro"), "[]", REMARK_FILES },
		{ "secret", NULL, VOLUME("\"secret\": {\"secretName\": \"s\"}"), AT_READ_ONLY("/etc/keys"),
				SHARED("/etc/keys", "keys", "ro"), "[]", REMARK_FILES },
		{ "projected", NULL, VOLUME("\"projected\": {}"), AT("/etc/all+more"),
				SHARED("/etc/all+more", "all\\\\+more", "ro"), "[]", REMARK_FILES },
		{ "downwardAPI", NULL, VOLUME("\"downwardAPI\": {}"), AT("/etc/pod"),
				SHARED("/etc/pod", "pod", "ro"), "[]", REMARK_FILES },
		{ "watched", watched, VOLUME("\"configMap\": {\"name\": \"c\"}"), AT("/etc/conf"),
				SHARED("/etc/conf", "conf", "ro"),
				"[{\"driver\":\"local\",\"driver_options\":[],\"source\":\"$(sfprefix)conf$"
				"\","
				"\"fstype\":\"bind\",\"options\":[\"rbind\",\"rprivate\",\"ro\"],"
				"\"mount_point\":\"$(sfprefix)conf$\",\"fs_group\":null,\"shared\":false}]",
				REMARK_FILES },
		{ "a part, watched", watched, VOLUME("\"configMap\": {\"name\": \"c\"}"),
				"{\"volumeMounts\": [{\"name\": \"v\", \"mountPath\": \"/etc/app.conf\","
				" \"subPath\": true}]}",
				SHARED("/etc/app.conf", "app\\\\.conf", "ro"), "[]", REMARK_FILES },
		{ "projected, watched", watched, VOLUME("\"projected\": {}"), AT("/etc/all"),
				SHARED("/etc/all", "all", "ro"), "[]", REMARK_FILES },
	};

	run_all(cases, COUNT(cases));
}

static void passes_propagation_on(void **state)
{
	(void)state;
	static const struct volume_case cases[] = {
		{ "to the container", NULL, VOLUME("\"hostPath\": {\"path\": \"/srv\"}"),
				"{\"volumeMounts\": [{\"name\": \"v\", \"mountPath\": \"/srv\","
				" \"mountPropagation\": \"HostToContainer\"}]}",
				"[" BIND("/srv", "$(sfprefix)srv$", "rslave", "rw") "]", "[]", WARN_HOST },
		{ "both ways", NULL, VOLUME("\"hostPath\": {\"path\": \"/dev/shared\"}"),
				"{\"volumeMounts\": [{\"name\": \"v\", \"mountPath\": \"/dev/shared\","
				" \"mountPropagation\": \"Bidirectional\"}]}",
				"[" BIND("/dev/shared", "/dev/shared", "rshared", "rw") "]", "[]",
				"warning " MOUNT0 "the guest's own" },
		{ "of a disk", NULL, VOLUME("\"emptyDir\": {}"),
				"{\"volumeMounts\": [{\"name\": \"v\", \"mountPath\": \"/d\","
				" \"mountPropagation\": \"Bidirectional\"}]}",
				"[" BIND("/d", "", "rshared", "rw") "]", BLOCK(ENCRYPTED, "", "null"), "" },
	};

	run_all(cases, COUNT(cases));
}

static void refuses_what_it_cannot_place(void **state)
{
	(void)state;
	static const struct volume_case cases[] = {
		{ "no such volume", NULL, "{}", AT("/data"), "[]", "[]",
				"error " MOUNT0 "the pod has no volume 'v'" },
		{ "unknown kind", NULL, VOLUME("\"iscsi\": {}"), AT("/data"), "[]", "[]",
				"error " MOUNT0 "use a persistentVolumeClaim" },
		{ "no kind", NULL, "{\"volumes\": [{\"name\": \"v\"}]}", AT("/data"), "[]", "[]",
				"error " MOUNT0 "use a persistentVolumeClaim" },
		{ "the root", NULL, VOLUME("\"emptyDir\": {}"), AT("/"), "[]", "[]",
				"error " MOUNT0 "nothing can be mounted at '/'" },
		{ "nowhere", NULL, VOLUME("\"emptyDir\": {}"), "{\"volumeMounts\": [{\"name\": \"v\"}]}",
				"[]", "[]", "error " MOUNT0 "nothing can be mounted at ''" },
		{ "nameless", NULL, VOLUME("\"emptyDir\": {}"),
				"{\"volumeMounts\": [{\"mountPath\": \"/data\"}]}", "[]", "[]",
				"error " MOUNT0 "the pod has no volume ''" },
	};

	run_all(cases, COUNT(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encrypts_empty_dirs),
		cmocka_unit_test(keeps_empty_dirs_in_memory),
		cmocka_unit_test(shares_empty_dirs_where_the_settings_say_so),
		cmocka_unit_test(gives_each_mount_of_a_disk_its_storage),
		cmocka_unit_test(binds_what_the_node_mounts),
		cmocka_unit_test(binds_places_of_the_guest_as_they_are),
		cmocka_unit_test(binds_files_read_only),
		cmocka_unit_test(passes_propagation_on),
		cmocka_unit_test(refuses_what_it_cannot_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
