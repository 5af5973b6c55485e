/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "tests/agentpolicy/part_rig.h"

#define STANDARD(shm, access)                                                                            \
	"{\"destination\":\"/proc\",\"source\":\"proc\",\"type_\":\"proc\","                             \
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"                                                \
	"{\"destination\":\"/dev\",\"source\":\"tmpfs\",\"type_\":\"tmpfs\","                            \
	"\"options\":[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]},"                        \
	"{\"destination\":\"/dev/pts\",\"source\":\"devpts\",\"type_\":\"devpts\","                      \
	"\"options\":[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]}" \
	"," shm ","                                                                                      \
	"{\"destination\":\"/dev/mqueue\",\"source\":\"mqueue\",\"type_\":\"mqueue\","                   \
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"                                                \
	"{\"destination\":\"/sys\",\"source\":\"sysfs\",\"type_\":\"sysfs\","                            \
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"" access "\"]}"
#define CGROUP(access)                                                                    \
	"{\"destination\":\"/sys/fs/cgroup\",\"source\":\"cgroup\",\"type_\":\"cgroup\"," \
	"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"" access "\"]}"
#define SANDBOX_SHM                                                                                         \
	"{\"destination\":\"/dev/shm\",\"source\":\"/run/kata-containers/sandbox/shm\",\"type_\":\"bind\"," \
	"\"options\":[\"rbind\"]}"
#define BIND(destination, source, access)                                                    \
	"{\"destination\":\"" destination "\",\"source\":\"" source "\",\"type_\":\"bind\"," \
	"\"options\":[\"rbind\",\"rprivate\",\"" access "\"]}"
#define HOSTS       BIND("/etc/hosts", "$(sfprefix)hosts$", "rw")
#define TERMINATION BIND("/dev/termination-log", "$(sfprefix)termination-log$", "rw")
#define NAMES(access)                                         \
	BIND("/etc/hostname", "$(sfprefix)hostname$", access) \
	"," BIND("/etc/resolv.conf", "$(sfprefix)resolv\\\\.conf$", access)
#define TOKEN BIND("/var/run/secrets/kubernetes.io/serviceaccount", "$(sfprefix)serviceaccount$", "ro")
#define AZURE BIND("/var/run/secrets/azure/tokens", "$(sfprefix)tokens$", "ro")

static void gives_the_sandbox_its_mounts(void **state)
{
	(void)state;
	auto_part_rig struct part_rig rig;
	json_t *mounts, *storages;

	rig_open(&rig, "", "", NULL);
	generate_mounts(&rig.part, &mounts, &storages);
	rig_assert_json("sandbox", mounts,
			"[" STANDARD(SANDBOX_SHM,
					"ro") ","
					      "{\"destination\":\"/etc/"
					      "resolv.conf\",\"source\":\"$(sfprefix)resolv\\\\.conf$\","
					      "\"type_\":\"bind\",\"options\":[\"rbind\",\"ro\",\"nosuid\","
					      "\"nodev\",\"noexec\"]}]");
	rig_assert_json("sandbox", storages, "[]");
	rig_assert_note(&rig, "sandbox", "");
	json_decref(mounts);
	json_decref(storages);
}

static void gives_a_container_its_mounts(void **state)
{
	(void)state;
	static const struct {
		const char *name, *spec, *container, *wanted;
		bool privileged, read_only_root;
	} cases[] = {
		{ "plain", "{}", "{}",
				"[" STANDARD(SANDBOX_SHM, "ro") "," CGROUP(
						"ro") "," HOSTS "," TERMINATION "," NAMES("rw") "," TOKEN
												"," AZURE "]",
				false, false },
		{ "privileged", "{}", "{}",
				"[" STANDARD(SANDBOX_SHM, "rw") "," CGROUP(
						"rw") "," HOSTS "," TERMINATION "," NAMES("rw") "," TOKEN
												"," AZURE "]",
				true, false },
		{ "read-only root", "{}", "{}",
				"[" STANDARD(SANDBOX_SHM, "ro") "," CGROUP(
						"ro") "," HOSTS "," TERMINATION "," NAMES("ro") "," TOKEN
												"," AZURE "]",
				false, true },
		{ "message elsewhere", "{}", "{\"terminationMessagePath\": \"/run/my.log\"}",
				"[" STANDARD(SANDBOX_SHM, "ro") "," CGROUP("ro") "," HOSTS "," BIND(
						"/run/my.log", "$(sfprefix)my\\\\.log$",
						"rw") "," NAMES("rw") "," TOKEN "," AZURE "]",
				false, false },
		{ "without token", "{\"automountServiceAccountToken\": false}", "{}",
				"[" STANDARD(SANDBOX_SHM, "ro") "," CGROUP(
						"ro") "," HOSTS "," TERMINATION "," NAMES("rw") "," AZURE "]",
				false, false },
		{ "token of its own",
				"{\"automountServiceAccountToken\": false,"
				" \"volumes\": [{\"name\": \"token\", \"projected\": {}}]}",
				"{\"volumeMounts\": [{\"name\": \"token\","
				" \"mountPath\": \"/var/run/secrets/kubernetes.io/serviceaccount\"}]}",
				"[" STANDARD(SANDBOX_SHM, "ro") "," CGROUP(
						"ro") "," HOSTS "," TERMINATION "," NAMES("rw") "," TOKEN
												"," AZURE "]",
				false, false },
		{ "hosts of its own",
				"{\"volumes\": [{\"name\": \"hosts\", \"configMap\": {\"name\": \"h\"}}]}",
				"{\"volumeMounts\": [{\"name\": \"hosts\", \"mountPath\": \"/etc/hosts\"}]}",
				"[" STANDARD(SANDBOX_SHM, "ro") "," CGROUP("ro") "," BIND("/etc/hosts",
						"$(sfprefix)hosts$",
						"ro") "," TERMINATION "," NAMES("rw") "," TOKEN "," AZURE "]",
				false, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_part_rig struct part_rig rig;
		json_t *mounts, *storages;

		rig_open(&rig, cases[i].spec, cases[i].container, NULL);
		rig.part.privileged = cases[i].privileged;
		rig.part.read_only_root = cases[i].read_only_root;
		generate_mounts(&rig.part, &mounts, &storages);
		rig_assert_json(cases[i].name, mounts, cases[i].wanted);
		rig_assert_json(cases[i].name, storages, "[]");
		json_decref(mounts);
		json_decref(storages);
	}
}

/* The runtime gives the sandbox what the most privileged container needs. */
static void makes_the_sandbox_writable_for_one_privileged_container(void **state)
{
	(void)state;
	auto_part_rig struct part_rig rig;
	json_t *mounts, *storages;

	rig_open(&rig, "", "", NULL);
	rig.part.any_privileged = true;
	generate_mounts(&rig.part, &mounts, &storages);
	auto_json json_t *first = rig_last(mounts, 2);

	json_array_remove(first, 1);
	rig_assert_json("/sys", first,
			"[{\"destination\":\"/sys\",\"source\":\"sysfs\",\"type_\":\"sysfs\","
			"\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"rw\"]}]");
	json_decref(mounts);
	json_decref(storages);
}

/* But a container is not privileged for another's sake. */
static void keeps_other_containers_from_writing_sysfs(void **state)
{
	(void)state;
	auto_part_rig struct part_rig rig;
	json_t *mounts, *storages;

	rig_open(&rig, "{}", "{}", NULL);
	rig.part.any_privileged = true;
	generate_mounts(&rig.part, &mounts, &storages);
	rig_assert_json("mounts", mounts,
			"[" STANDARD(SANDBOX_SHM, "ro") "," CGROUP("ro") "," HOSTS "," TERMINATION "," NAMES(
					"rw") "," TOKEN "," AZURE "]");
	json_decref(mounts);
	json_decref(storages);
}

static void leaves_out_what_no_destination_of_the_settings_wants(void **state)
{
	(void)state;
	auto_part_rig struct part_rig rig;
	json_t *mounts, *storages;

	rig_open(&rig, "{}", "{}",
			"[{\"op\": \"replace\", \"path\": \"/mount_destinations\", \"value\": "
			"[\"/etc/hosts\"]}]");
	generate_mounts(&rig.part, &mounts, &storages);
	/* /dev/shm is then as containerd has it, which no runtime of Kata asks for */
	auto_json json_t *last = rig_last(mounts, 1);

	rig_assert_json("last", last, "[" HOSTS "]");
	assert_int_equal(json_array_size(mounts), 8);
	json_decref(mounts);
	json_decref(storages);
}

static void mounts_the_volumes_of_the_image(void **state)
{
	(void)state;
	static const char *const volumes[] = { "//data", "/srv/cache.d/", "/var/lib/db", "/", NULL };
	auto_part_rig struct part_rig rig;
	json_t *mounts, *storages;

	rig_open(&rig, "{\"volumes\": [{\"name\": \"db\", \"emptyDir\": {\"medium\": \"Memory\"}}]}",
			"{\"volumeMounts\": [{\"name\": \"db\", \"mountPath\": \"/var/lib/db\"}]}", NULL);
	rig.image.volumes = volumes;
	generate_mounts(&rig.part, &mounts, &storages);
	auto_json json_t *last = rig_last(mounts, 3);

	rig_assert_json("volumes", last,
			"[" BIND("/var/lib/db", "^/run/kata-containers/sandbox/ephemeral/db$", "rw") "," BIND(
					"/data", "$(sfprefix)data$", "rw") "," BIND("/srv/cache.d/",
					"$(sfprefix)cache\\\\.d$", "rw") "]");
	assert_int_equal(json_array_size(storages), 1);
	rig_assert_note(&rig, "volumes", "error " RIG_PLACE ": the image's volume '/' cannot be mounted");
	json_decref(mounts);
	json_decref(storages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_sandbox_its_mounts),
		cmocka_unit_test(gives_a_container_its_mounts),
		cmocka_unit_test(makes_the_sandbox_writable_for_one_privileged_container),
		cmocka_unit_test(keeps_other_containers_from_writing_sysfs),
		cmocka_unit_test(leaves_out_what_no_destination_of_the_settings_wants),
		cmocka_unit_test(mounts_the_volumes_of_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
