/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "tests/agentpolicy/part_rig.h"

#define TERMINATION                                                                    \
	"\"^io\\\\.kubernetes\\\\.container\\\\.terminationMessagePath$\": \"^/.*$\"," \
	"\"^io\\\\.kubernetes\\\\.container\\\\.terminationMessagePolicy$\": "         \
	"\"^(File|FallbackToLogsOnError)$\""
#define CDI "\"^cdi\\\\.k8s\\\\.io/vfio[0-9]+$\": \"^nvidia\\\\.com/gpu=[0-9]+$\","
#define DEVICE(type, path)                                                                                   \
	"{\"id\":\"\",\"type_\":\"" type "\",\"vm_path\":\"\",\"container_path\":\"" path "\",\"options\":[" \
	"]}"
#define GPU             DEVICE("vfio-pci-gk", "/dev/vfio/devices/vfio")
#define LIMIT(text)     "{\"resources\": {\"limits\": {" text "}}}"
#define DEVICE_AT(path) "{\"volumeDevices\": [{\"name\": \"raw\", \"devicePath\": \"" path "\"}]}"

struct device_case {
	const char *name, *patch, *container, *devices, *oci_devices, *patterns, *note;
};

static void run(const struct device_case *c)
{
	auto_part_rig struct part_rig rig;
	json_t *devices, *oci_devices, *patterns;

	rig_open(&rig, "{}", c->container, c->patch);
	generate_devices(&rig.part, &devices, &oci_devices, &patterns);
	rig_assert_json(c->name, devices, c->devices);
	rig_assert_json(c->name, oci_devices, c->oci_devices);
	rig_assert_json(c->name, patterns, c->patterns);
	rig_assert_note(&rig, c->name, c->note);
	json_decref(devices);
	json_decref(oci_devices);
	json_decref(patterns);
}

static void passes_devices(void **state)
{
	(void)state;
	static const struct device_case cases[] = {
		{ "none", NULL, "{}", "[]", "[]", "{" TERMINATION "}", "" },
		{ "the sandbox", NULL, "", "[]", "[]", "{}", "" },
		{ "a block volume", NULL, DEVICE_AT("/dev/xvda"), "[" DEVICE("", "/dev/xvda") "]",
				"[{\"Type\": \"b\", \"Path\": \"/dev/xvda\"}]", "{" TERMINATION "}", "" },
		{ "a GPU", NULL, LIMIT("\"nvidia.com/pgpu\": \"1\""), "[" GPU "]", "[]",
				"{" CDI TERMINATION "}", "" },
		{ "two GPUs and a volume", NULL,
				"{\"resources\": {\"limits\": {\"nvidia.com/pgpu\": \"2\"}},"
				" \"volumeDevices\": [{\"name\": \"raw\", \"devicePath\": \"/dev/raw1\"}]}",
				"[" DEVICE("", "/dev/raw1") "," GPU "," GPU "]",
				"[{\"Type\": \"b\", \"Path\": \"/dev/raw1\"}]", "{" CDI TERMINATION "}", "" },
		{ "GPUs of two names",
				"[{\"op\": \"add\", \"path\": \"/devices/vfio/nvidia/pgpu_resource_keys/-\","
				" \"value\": \"nvidia.com/GH100\"}]",
				LIMIT("\"nvidia.com/pgpu\": \"1\", \"nvidia.com/GH100\": \"2\""),
				"[" GPU "," GPU "," GPU "]", "[]", "{" CDI TERMINATION "}", "" },
		{ "devices of the settings",
				"[{\"op\": \"add\", \"path\": \"/other_container/Linux/Devices\","
				" \"value\": [{\"Type\": \"c\", \"Path\": \"/dev/fuse\"}]}]",
				DEVICE_AT("/dev/xvda"), "[" DEVICE("", "/dev/xvda") "]",
				"[{\"Type\": \"b\", \"Path\": \"/dev/xvda\"},{\"Type\": \"c\", \"Path\": "
				"\"/dev/fuse\"}]",
				"{" TERMINATION "}", "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void refuses_devices(void **state)
{
	(void)state;
	static const struct device_case cases[] = {
		{ "unknown", NULL, LIMIT("\"example.org/fpga\": \"1\""), "[]", "[]", "{" TERMINATION "}",
				"error " RIG_PLACE
				".resources.limits['example.org/fpga']: the settings do not" },
		{ "no number", NULL, LIMIT("\"nvidia.com/pgpu\": \"1k\""), "[]", "[]", "{" TERMINATION "}",
				"error " RIG_PLACE
				".resources.limits['nvidia.com/pgpu']: must be a whole number" },
		{ "no text", NULL, LIMIT("\"nvidia.com/pgpu\": 1"), "[]", "[]", "{" TERMINATION "}",
				"error " RIG_PLACE
				".resources.limits['nvidia.com/pgpu']: must be a whole number" },
		{ "too many", NULL, LIMIT("\"nvidia.com/pgpu\": \"257\""), "[]", "[]", "{" TERMINATION "}",
				"error " RIG_PLACE
				".resources.limits['nvidia.com/pgpu']: must be a whole number" },
		{ "too many in all",
				"[{\"op\": \"add\", \"path\": \"/devices/vfio/nvidia/pgpu_resource_keys\","
				" \"value\": [\"a/b\", \"a/c\"]}, {\"op\": \"replace\","
				" \"path\": \"/devices/vfio/nvidia/gpu_gk_device_type\", \"value\": \"x\"}]",
				LIMIT("\"a/b\": \"0\", \"a/c\": \"99999999999999999999\""), "[]", "[]",
				"{" TERMINATION "}",
				"error " RIG_PLACE ".resources.limits['a/c']: must be a whole" },
		{ "a place of passed-through devices", NULL, DEVICE_AT("/dev/vfio/devices/vfio0"), "[]", "[]",
				"{" TERMINATION "}", "error " RIG_PLACE ".volumeDevices[0]: a device must" },
		{ "relative", NULL, DEVICE_AT("dev/xvda"), "[]", "[]", "{" TERMINATION "}",
				"error " RIG_PLACE ".volumeDevices[0]: a device must have an absolute path" },
		{ "nowhere", NULL, "{\"volumeDevices\": [{\"name\": \"raw\"}]}", "[]", "[]",
				"{" TERMINATION "}", "error " RIG_PLACE ".volumeDevices[0]: a device must" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_devices),
		cmocka_unit_test(refuses_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
