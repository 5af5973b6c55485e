/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/advise.h"

#include "codec/json.h"
#include "codec/line.h"

#include <stdio.h>
#include <string.h>

#define say(warnings, ...)                                                                            \
	do {                                                                                          \
		if (json_array_size(warnings) < ADVICE_MAX)                                           \
			json_array_append_new(warnings, json_line(ADVICE_TEXT_MAX - 1, __VA_ARGS__)); \
	} while (0)

/* sealed.<protected>.<payload>.<signature>, each part of the base64url alphabet and not empty */
static bool sealed_form(const char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct span rest = span_of(text), part;
	unsigned parts = 0;

	while (span_next(&rest, '.', &part)) {
		if (!part.len || (parts && strspn(part.ptr, alphabet) < part.len))
			return false;
		parts++;
	}
	return parts == 4;
}

static void advise_sealed(const char *value, const char *where, size_t index, json_t *warnings)
{
	if (!strncmp(value, "sealed.fakejwsheader.", 21))
		say(warnings,
				"%s.env[%zu]: has the old form of sealed secrets without a signature, which "
				"guests "
				"refuse: seal it anew (sealed-secrets)",
				where, index);
	else if (!strncmp(value, "sealed.", 7) && !sealed_form(value))
		say(warnings,
				"%s.env[%zu]: looks sealed but is not sealed.<header>.<payload>.<signature>: "
				"the "
				"guest passes it on as it is",
				where, index);
}

static void advise_env(const json_t *container, const char *where, json_t *warnings)
{
	const json_t *env = json_object_get(container, "env");
	const json_t *from = json_object_get(container, "envFrom");
	size_t i;
	json_t *item;

	json_array_foreach (env, i, item) {
		const char *secret = json_text_at(item, "valueFrom", "secretKeyRef", "name", NULL);
		const char *value = json_text_at(item, "value", NULL);
		if (secret)
			say(warnings,
					"%s.env[%zu]: Secret '%s' can be read by the host: seal it "
					"(sealed-secrets) or fetch it "
					"from the key broker",
					where, i, secret);
		if (value)
			advise_sealed(value, where, i, warnings);
	}
	json_array_foreach (from, i, item) {
		const char *secret = json_text_at(item, "secretRef", "name", NULL);
		if (secret)
			say(warnings, "%s.envFrom[%zu]: Secret '%s' can be read by the host: seal its values",
					where, i, secret);
	}
}

static bool has_digest(const char *image)
{
	return strstr(image, "@sha256:") || strstr(image, "@sha512:");
}

static void advise_container(const json_t *container, const char *where, json_t *warnings)
{
	const char *image = json_text_at(container, "image", NULL);
	const char *pull = json_text_at(container, "imagePullPolicy", NULL);

	advise_env(container, where, warnings);
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
	const char *secret = json_text_at(volume, "secret", "secretName", NULL);
	const json_t *sources = json_at(volume, "projected", "sources", NULL);
	size_t i;
	json_t *source;

	if (!name)
		name = "?";
	if (secret)
		say(warnings, "%s '%s': Secret '%s' can be read by the host: seal its values", where, name,
				secret);
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
	json_array_foreach (sources, i, source) {
		const char *projected = json_text_at(source, "secret", "name", NULL);
		if (projected)
			say(warnings,
					"%s '%s': projected Secret '%s' can be read by the "
					"host: seal its values",
					where, name, projected);
	}
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
