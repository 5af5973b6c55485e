/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/secrets.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"
#include "sealed/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 100 /* bytes of a name */

struct search {
	const char *path; /* of a template */
	const char *dot;
	const struct sealed_key *keys;
	size_t key_count;
	size_t *sealed; /* texts that were looked at */
	struct secret_findings *out;
};

void secret_findings_clear(struct secret_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].path);
		free(findings->items[i].text);
	}
	findings->count = 0;
}

/* Of each kind one is kept in any case: a policy may deny the one and let the other pass. */
static bool is_full(const struct search *search, enum secret_kind kind)
{
	if (search->out->count < SECRETS_FINDINGS_MAX)
		return false;
	for (size_t i = 0; i < search->out->count; i++)
		if (search->out->items[i].kind == kind)
			return true;
	return false;
}

/* The last gives way to the first of another kind. */
static struct secret_finding *make_room(struct secret_findings *out)
{
	if (out->count < SECRETS_FINDINGS_MAX)
		return &out->items[out->count++];
	free(out->items[out->count - 1].path);
	free(out->items[out->count - 1].text);
	return &out->items[out->count - 1];
}

/* Takes the text. */
static void add(const struct search *search, enum secret_kind kind, bool error, const char *where, char *text)
{
	if (is_full(search, kind)) {
		free(text);
		return;
	}
	char *path = xasprintf("%s%s%s", search->path, search->dot, where);
	span_tidy(path, strlen(path));
	span_tidy(text, strlen(text));
	*make_room(search->out) =
			(struct secret_finding){ .kind = kind, .error = error, .path = path, .text = text };
}

/* ---- sealed texts ------------------------------------------------------------------------------------------- */

static void find_sealed(const struct search *search, const char *text, const char *where)
{
	auto_json json_t *findings = NULL;
	size_t i;
	json_t *item;

	if (!text || !sealed_is(span_of(text)) || is_full(search, SECRET_SEALED) ||
			*search->sealed > SECRETS_SEALED_MAX)
		return;
	if (++*search->sealed > SECRETS_SEALED_MAX) {
		add(search, SECRET_SEALED, true, where,
				xasprintf("more than %d sealed secrets: this one and those behind it are not "
					  "looked at; split the pod",
						SECRETS_SEALED_MAX));
		return;
	}
	findings = json_array();
	sealed_lint(span_of(text), search->keys, search->key_count, findings);
	json_array_foreach (findings, i, item) {
		const char *level = json_text_at(item, "level", NULL);
		bool error = level && !strcmp(level, "error");
		add(search, SECRET_SEALED, error, where,
				xasprintf("the sealed secret is no good: %.400s%s",
						json_text_at(item, "message", NULL),
						error ? "; the guest passes the text on as it is" : ""));
	}
}

/* The members of an object of texts. */
static void find_sealed_in(const struct search *search, const json_t *object, const char *where)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		const char *text = json_string_value(value);
		if (!text || !sealed_is(span_of(text)))
			continue;
		auto_free char *place = xasprintf("%s[%.*s]", where, SHOWN, key);
		find_sealed(search, text, place);
	}
}

/* ---- plain ones --------------------------------------------------------------------------------------------- */

static void find_plain(const struct search *search, const char *name, const char *where, const char *remedy)
{
	if (name && name[0])
		add(search, SECRET_PLAIN, false, where,
				xasprintf("Secret '%.*s' can be read by the host: %s", SHOWN, name, remedy));
}

static void of_container(const struct search *search, const json_t *container, const char *list, size_t index)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(container, "env"), i, item) {
		const char *value = json_text_at(item, "value", NULL);
		const char *name = json_text_at(item, "valueFrom", "secretKeyRef", "name", NULL);
		auto_free char *where = value || name ? xasprintf("spec.%s[%zu].env[%zu].%s", list, index, i,
									name ? "valueFrom" : "value")
						      : NULL;
		find_sealed(search, value, where);
		find_plain(search, name, where, "seal it (sealed-secrets) or fetch it from the key broker");
	}
	json_array_foreach (json_object_get(container, "envFrom"), i, item) {
		auto_free char *where = xasprintf("spec.%s[%zu].envFrom[%zu]", list, index, i);
		find_plain(search, json_text_at(item, "secretRef", "name", NULL), where, "seal its values");
	}
}

/* What the host itself needs to reach storage. */
static void of_storage(const struct search *search, const json_t *volume, size_t index)
{
	static const char remedy[] = "it is the host that connects; encrypt what is kept there";
	const char *kind;
	json_t *source;

	json_object_foreach ((json_t *)(uintptr_t)volume, kind, source) {
		auto_free char *where = xasprintf("spec.volumes[%zu].%.*s", index, SHOWN, kind);
		find_plain(search, json_text_at(source, "secretRef", "name", NULL), where, remedy);
		find_plain(search, json_text_at(source, "nodePublishSecretRef", "name", NULL), where, remedy);
		if (!strcmp(kind, "azureFile"))
			find_plain(search, json_text_at(source, "secretName", NULL), where, remedy);
	}
}

static void of_volume(const struct search *search, const json_t *volume, size_t index)
{
	const json_t *source;
	size_t i;

	auto_free char *secret = xasprintf("spec.volumes[%zu].secret", index);
	auto_free char *csi = xasprintf("spec.volumes[%zu].csi.volumeAttributes", index);
	auto_free char *flex = xasprintf("spec.volumes[%zu].flexVolume.options", index);
	find_plain(search, json_text_at(volume, "secret", "secretName", NULL), secret, "seal its values");
	json_array_foreach (json_at(volume, "projected", "sources", NULL), i, source) {
		auto_free char *where = xasprintf("spec.volumes[%zu].projected.sources[%zu]", index, i);
		find_plain(search, json_text_at(source, "secret", "name", NULL), where, "seal its values");
	}
	of_storage(search, volume, index);
	find_sealed_in(search, json_at(volume, "csi", "volumeAttributes", NULL), csi);
	find_sealed_in(search, json_at(volume, "flexVolume", "options", NULL), flex);
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

void pod_secrets_find(const struct pod_view *pod, const char *path, const struct sealed_key *keys,
		size_t key_count, struct secret_findings *out)
{
	static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
	const json_t *spec = json_object_get(pod->object, "spec"), *item;
	size_t sealed = 0, i;
	const struct search search = { path, path[0] ? "." : "", keys, key_count, &sealed, out };

	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++)
		json_array_foreach (json_object_get(spec, lists[list]), i, item)
			of_container(&search, item, lists[list], i);
	json_array_foreach (json_object_get(spec, "volumes"), i, item)
		of_volume(&search, item, i);
	json_array_foreach (json_object_get(spec, "imagePullSecrets"), i, item) {
		auto_free char *where = xasprintf("spec.imagePullSecrets[%zu]", i);
		find_plain(&search, json_text_at(item, "name", NULL), where,
				"a guest that pulls the image needs the credentials from its key broker "
				"(sealed-secrets registry-auth)");
	}
	find_sealed_in(&search, pod->annotations, "metadata.annotations");
}
