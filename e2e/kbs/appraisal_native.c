/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/appraisal_native.h"

#include "codec/json.h"

#include <stdbool.h>
#include <string.h>

#define RULES                                   \
	"package policy\n"                      \
	"\n"                                    \
	"import rego.v1\n"                      \
	"\n"                                    \
	"# what nothing below speaks for\n"     \
	"default executables := 33\n"           \
	"\n"                                    \
	"default hardware := 97\n"              \
	"\n"                                    \
	"default configuration := 36\n"         \
	"\n"                                    \
	"trust_claims := {\n"                   \
	"\t\"executables\": executables,\n"     \
	"\t\"hardware\": hardware,\n"           \
	"\t\"configuration\": configuration,\n" \
	"\t\"file-system\": 0,\n"               \
	"\t\"instance-identity\": 0,\n"         \
	"\t\"runtime-opaque\": 0,\n"            \
	"\t\"storage-opaque\": 0,\n"            \
	"\t\"sourced-data\": 0,\n"              \
	"}\n"

#define CPU_RULES                                                                                           \
	"\n"                                                                                                \
	"# the sample TEE, which proves nothing\n"                                                          \
	"executables := 3 if input.sample.launch_digest in query_reference_value(\"launch_digest\")\n"      \
	"\n"                                                                                                \
	"hardware := 2 if {\n"                                                                              \
	"\tinput.sample.svn in query_reference_value(\"svn\")\n"                                            \
	"\tinput.sample.platform_version.major == query_reference_value(\"major_version\")\n"               \
	"\tinput.sample.platform_version.minor >= query_reference_value(\"minimum_minor_version\")\n"       \
	"}\n"                                                                                               \
	"\n"                                                                                                \
	"configuration := 2 if input.sample.debug == false\n"                                               \
	"\n"                                                                                                \
	"# a TPM, whose key says of itself that it is one: without a known key the token stays below "      \
	"affirming\n"                                                                                       \
	"hardware := 2 if input.tpm\n"                                                                      \
	"\n"                                                                                                \
	"configuration := 0 if input.tpm\n"                                                                 \
	"\n"                                                                                                \
	"executables := 3 if {\n"                                                                           \
	"\tinput.tpm.pcr11 in query_reference_value(\"tpm_pcr11\")\n"                                       \
	"\tinput.tpm.ak_public in query_reference_value(\"trusted_aks\")\n"                                 \
	"}\n"                                                                                               \
	"\n"                                                                                                \
	"# the workload, by the agent policy of the init-data\n"                                            \
	"containers := object.get(input, [\"init_data_claims\", \"agent_policy_claims\", \"containers\"], " \
	"[])\n"                                                                                             \
	"\n"                                                                                                \
	"images := [image |\n"                                                                              \
	"\tsome container in containers\n"                                                                  \
	"\timage := container.OCI.Annotations[\"io.kubernetes.cri.image-name\"]\n"                          \
	"]\n"                                                                                               \
	"\n"                                                                                                \
	"users := [user |\n"                                                                                \
	"\tsome container in containers\n"                                                                  \
	"\tuser := container.OCI.Process.User.UID\n"                                                        \
	"]\n"                                                                                               \
	"\n"                                                                                                \
	"validated[\"container_images\"] := images if count(images) > 0\n"                                  \
	"\n"                                                                                                \
	"validated[\"container_uids\"] := users if count(users) > 0\n"                                      \
	"\n"                                                                                                \
	"extensions := [{\n"                                                                                \
	"\t\"name\": \"ear.trustee.identifiers\",\n"                                                        \
	"\t\"key\": -18,\n"                                                                                 \
	"\t\"value\": {\"validated\": validated},\n"                                                        \
	"}]\n"

const char *appraisal_text(const char *class)
{
	return strcmp(class, "cpu") == 0 ? RULES CPU_RULES : RULES;
}

/* `in` of Rego: of an array its items, of an object its values; nothing is in anything else. */
static bool is_in(const json_t *value, const json_t *collection)
{
	const json_t *item;
	const char *key;
	size_t i;

	json_array_foreach (collection, i, item)
		if (value && json_equal(value, item))
			return true;
	json_object_foreach ((json_t *)(uintptr_t)collection, key, item)
		if (value && json_equal(value, item))
			return true;
	return false;
}

/* `>=` of Rego for a number: null, which an unknown reference value is, and booleans come before all numbers. */
static bool is_at_least(const json_t *value, const json_t *least)
{
	if (!json_is_number(value))
		return false;
	if (!least || json_is_null(least) || json_is_boolean(least))
		return true;
	return json_is_number(least) && json_number_value(value) >= json_number_value(least);
}

struct trust {
	int executables, hardware, configuration;
};

static void judge_sample(const json_t *sample, const json_t *references, struct trust *trust)
{
	const json_t *version = json_object_get(sample, "platform_version");
	const json_t *major = json_object_get(version, "major");
	const json_t *wanted = json_object_get(references, "major_version");

	if (is_in(json_object_get(sample, "launch_digest"), json_object_get(references, "launch_digest")))
		trust->executables = 3;
	if (is_in(json_object_get(sample, "svn"), json_object_get(references, "svn")) && major && wanted &&
			json_equal(major, wanted) &&
			is_at_least(json_object_get(version, "minor"),
					json_object_get(references, "minimum_minor_version")))
		trust->hardware = 2;
	if (json_is_false(json_object_get(sample, "debug")))
		trust->configuration = 2;
}

static void judge_tpm(const json_t *tpm, const json_t *references, struct trust *trust)
{
	trust->hardware = 2;
	trust->configuration = 0;
	if (is_in(json_object_get(tpm, "pcr11"), json_object_get(references, "tpm_pcr11")) &&
			is_in(json_object_get(tpm, "ak_public"), json_object_get(references, "trusted_aks")))
		trust->executables = 3;
}

/* What each container has at a path, where it has it; NULL where none has. */
static json_t *gather(const json_t *evidence, const char *const path[])
{
	const json_t *containers =
			json_at(evidence, "init_data_claims", "agent_policy_claims", "containers", NULL);
	json_t *found = json_array();
	json_t *container;
	size_t i;

	json_array_foreach (containers, i, container) {
		json_t *at = container;
		for (size_t step = 0; at && path[step]; step++)
			at = json_object_get(at, path[step]);
		if (at)
			json_array_append(found, at);
	}
	if (json_array_size(found))
		return found;
	json_decref(found);
	return NULL;
}

static json_t *extensions(const json_t *evidence)
{
	static const char *const image[] = { "OCI", "Annotations", "io.kubernetes.cri.image-name", NULL };
	static const char *const user[] = { "OCI", "Process", "User", "UID", NULL };
	json_t *validated = json_object();
	json_t *images = gather(evidence, image), *users = gather(evidence, user);

	if (images)
		json_object_set_new(validated, "container_images", images);
	if (users)
		json_object_set_new(validated, "container_uids", users);
	return json_pack("[{s:s, s:i, s:{s:o}}]", "name", "ear.trustee.identifiers", "key", -18, "value",
			"validated", validated);
}

json_t *appraisal_native(const char *class, const json_t *evidence, const json_t *references)
{
	struct trust trust = { .executables = 33, .hardware = 97, .configuration = 36 };
	bool cpu = strcmp(class, "cpu") == 0;
	const json_t *sample = json_object_get(evidence, "sample"), *tpm = json_object_get(evidence, "tpm");

	if (cpu && sample)
		judge_sample(sample, references, &trust);
	if (cpu && tpm)
		judge_tpm(tpm, references, &trust);
	json_t *answers = json_pack("{s:{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}}", "trust_claims",
			"executables", trust.executables, "hardware", trust.hardware, "configuration",
			trust.configuration, "file-system", 0, "instance-identity", 0, "runtime-opaque", 0,
			"storage-opaque", 0, "sourced-data", 0);
	if (cpu)
		json_object_set_new(answers, "extensions", extensions(evidence));
	return answers;
}
