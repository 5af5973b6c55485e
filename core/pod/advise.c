/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/advise.h"

#include "codec/json.h"
#include "codec/line.h"
#include "pod/secrets.h"

#include <stdio.h>
#include <string.h>

#define say(warnings, ...)                                                                            \
	do {                                                                                          \
		if (json_array_size(warnings) < ADVICE_MAX)                                           \
			json_array_append_new(warnings, json_line(ADVICE_TEXT_MAX - 1, __VA_ARGS__)); \
	} while (0)

/* Sealed texts that are no good, and plain Secrets: those are worth saying first. */
static void advise_secrets(const struct pod_view *pod, const char *path, json_t *warnings)
{
	auto_secret_findings struct secret_findings findings = { .count = 0 };

	pod_secrets_find(pod, path, NULL, 0, &findings);
	for (size_t i = 0; i < findings.count; i++)
		say(warnings, "%s: %s", findings.items[i].path, findings.items[i].text);
}

static bool has_digest(const char *image)
{
	return strstr(image, "@sha256:") || strstr(image, "@sha512:");
}

static void advise_container(const json_t *container, const char *where, json_t *warnings)
{
	const char *image = json_text_at(container, "image", NULL);
	const char *pull = json_text_at(container, "imagePullPolicy", NULL);

	if (pull && strcmp(pull, "Always") != 0)
		say(warnings,
				"%s.imagePullPolicy: %s has no effect when the guest pulls the image: use "
				"Always",
				where, pull);
	if (image && !has_digest(image))
		say(warnings,
				"%s.image: '%.80s' has no digest: the guest resolves the tag again; write "
				"name@sha256:…",
				where, image);
}

static void advise_volume(const json_t *volume, const char *where, json_t *warnings)
{
	const char *name = json_text_at(volume, "name", NULL);

	if (!name)
		name = "?";
	if (json_object_get(volume, "hostPath"))
		say(warnings,
				"%s '%s': hostPath content is the host's: unmeasured and "
				"readable by it",
				where, name);
	if (json_object_get(volume, "persistentVolumeClaim"))
		say(warnings,
				"%s '%s': the storage of a claim is outside of the guest: "
				"encrypt what is kept there",
				where, name);
}

void pod_advise(const struct pod_view *pod, const char *path, json_t *warnings)
{
	static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
	static const char *const shared[] = { "hostNetwork", "hostPID", "hostIPC" };
	const json_t *spec = json_object_get(pod->object, "spec");
	const char *dot = path[0] ? "." : "";
	char where[128];
	size_t i;
	json_t *item;

	advise_secrets(pod, path, warnings);
	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++) {
		json_array_foreach (json_object_get(spec, lists[list]), i, item) {
			snprintf(where, sizeof(where), "%s%sspec.%s[%zu]", path, dot, lists[list], i);
			advise_container(item, where, warnings);
		}
	}
	json_array_foreach (json_object_get(spec, "volumes"), i, item) {
		snprintf(where, sizeof(where), "%s%sspec.volumes[%zu]", path, dot, i);
		advise_volume(item, where, warnings);
	}
	for (size_t flag = 0; flag < sizeof(shared) / sizeof(shared[0]); flag++)
		if (json_is_true(json_object_get(spec, shared[flag])))
			say(warnings,
					"%s%sspec.%s: a guest has its own kernel: this namespace is not the "
					"host's",
					path, dot, shared[flag]);
}
