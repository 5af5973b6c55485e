/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/advise.h"

#include "codec/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 250

static void say(json_t *warnings, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(json_t *warnings, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	if (json_array_size(warnings) >= ADVICE_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_t *line = json_string(text);
	/* a name cut inside a character is not worth a broken answer */
	if (line)
		json_array_append_new(warnings, line);
}

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
		if (value && !strncmp(value, "sealed.", 7) && !sealed_form(value))
			say(warnings,
					"%s.env[%zu]: looks sealed but is not "
					"sealed.<header>.<payload>.<signature>: the guest "
					"passes it on as it is",
					where, i);
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

static void advise_volume(const json_t *volume, size_t index, json_t *warnings)
{
	const char *name = json_text_at(volume, "name", NULL);
	const char *secret = json_text_at(volume, "secret", "secretName", NULL);
	const json_t *sources = json_at(volume, "projected", "sources", NULL);
	size_t i;
	json_t *source;

	if (!name)
		name = "?";
	if (secret)
		say(warnings, "spec.volumes[%zu] '%s': Secret '%s' can be read by the host: seal its values",
				index, name, secret);
	if (json_object_get(volume, "hostPath"))
		say(warnings,
				"spec.volumes[%zu] '%s': hostPath content is the host's: unmeasured and "
				"readable by it",
				index, name);
	if (json_object_get(volume, "persistentVolumeClaim"))
		say(warnings,
				"spec.volumes[%zu] '%s': the storage of a claim is outside of the guest: "
				"encrypt what is kept there",
				index, name);
	json_array_foreach (sources, i, source) {
		const char *projected = json_text_at(source, "secret", "name", NULL);
		if (projected)
			say(warnings,
					"spec.volumes[%zu] '%s': projected Secret '%s' can be read by the "
					"host: seal its values",
					index, name, projected);
	}
}

void pod_advise(const struct pod_view *pod, json_t *warnings)
{
	static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
	static const char *const shared[] = { "hostNetwork", "hostPID", "hostIPC" };
	const json_t *spec = json_object_get(pod->object, "spec");
	char where[64];
	size_t i;
	json_t *item;

	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++) {
		json_array_foreach (json_object_get(spec, lists[list]), i, item) {
			snprintf(where, sizeof(where), "spec.%s[%zu]", lists[list], i);
			advise_container(item, where, warnings);
		}
	}
	json_array_foreach (json_object_get(spec, "volumes"), i, item)
		advise_volume(item, i, warnings);
	for (size_t flag = 0; flag < sizeof(shared) / sizeof(shared[0]); flag++)
		if (json_is_true(json_object_get(spec, shared[flag])))
			say(warnings, "spec.%s: a guest has its own kernel: this namespace is not the host's",
					shared[flag]);
}
