/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: what kind of place each is. What lies in it is no policy's to see. */
#include "agentpolicy/workload_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define TOKEN_VOLUME "kube-api-access-"
#define TOKEN_PATH   "var/run/secrets/kubernetes.io/serviceaccount" /* below the root */

bool volume_is_token(const json_t *volume)
{
	const char *name = json_text_at(volume, "name", NULL);

	return name && !strncmp(name, TOKEN_VOLUME, strlen(TOKEN_VOLUME)) &&
			json_at(volume, "projected", NULL);
}

bool mount_is_token(const struct projection *projection, const json_t *mount)
{
	const char *name = json_text_at(mount, "name", NULL), *at = json_text_at(mount, "mountPath", NULL);

	return name && at && !strcmp(at + (at[0] == '/'), TOKEN_PATH) &&
			volume_is_token(json_at(projection->volumes_read, name, "volume", NULL));
}

/* A claim template wins over a volume of its name: that is its controller's rule. */
static bool is_of_template(const json_t *entry)
{
	return entry && !json_object_get(entry, "volume");
}

void volumes_collect(const struct projection *projection, const json_t *list, const char *path, json_t *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *volume = json_array_get(list, i);
		auto_free char *where = xasprintf("%s[%zu]", path, i);
		const char *name = field_needed(projection, volume, where, "name");
		if (!name || is_of_template(json_object_get(out, name)))
			continue;
		if (json_object_get(out, name))
			agent_note(projection->notes, AGENT_ERROR, where, "there are two volumes '%.80s'",
					name);
		json_object_set_new(out, name, json_pack("{s:s, s:O}", "path", where, "volume", volume));
	}
}

static json_t *project_empty(const struct projection *projection, const json_t *source, const char *path)
{
	json_t *out = json_object();
	const char *medium = field_text(projection, source, path, "medium");

	if (medium && strcmp(medium, "Memory") != 0)
		agent_note(projection->notes, AGENT_ERROR, path,
				"medium '%.40s' cannot be expressed: use Memory, or none", medium);
	else if (medium)
		json_object_set_new(out, "medium", json_string(medium));
	return out;
}

/* A StatefulSet's template VOLUME becomes the claim VOLUME-POD in each of its pods. */
static bool is_claim_template(const struct projection *projection, const char *name, const char *claim)
{
	size_t len;

	if (!projection->stateful_set || !claim)
		return false;
	auto_free char *stem = xasprintf("%s-%s-", name, projection->stateful_set);
	len = strlen(stem);
	return !strncmp(claim, stem, len) && claim[len] && !claim[len + strspn(claim + len, "0123456789")];
}

static json_t *project_needed(const struct projection *projection, const json_t *source, const char *path,
		const char *member)
{
	json_t *out = json_object();

	if (field_needed(projection, source, path, member))
		take_text(projection, source, path, member, out);
	return out;
}

static json_t *project_source(
		const struct projection *projection, const char *kind, const json_t *source, const char *path)
{
	/* what of a source matters, beside readOnly */
	static const struct {
		const char *kind, *member;
		bool read_only;
	} sources[] = {
		{ "hostPath", "path", false },
		{ "configMap", "name", false },
		{ "secret", "secretName", false },
		{ "projected", NULL, false },
		{ "downwardAPI", NULL, false },
		{ "persistentVolumeClaim", "claimName", true },
		{ "ephemeral", NULL, false },
		{ "csi", "driver", true },
		{ "nfs", NULL, true },
		{ "azureFile", NULL, true },
	};
	size_t i = 0;

	if (!strcmp(kind, "emptyDir"))
		return project_empty(projection, source, path);
	while (i < sizeof(sources) / sizeof(sources[0]) && strcmp(kind, sources[i].kind) != 0)
		i++;
	if (i == sizeof(sources) / sizeof(sources[0]))
		return json_object();
	json_t *out = sources[i].member ? project_needed(projection, source, path, sources[i].member)
					: json_object();
	if (sources[i].read_only)
		take_flag(projection, source, path, "readOnly", true, out);
	return out;
}

static json_t *project_volume(
		const struct projection *projection, const json_t *volume, const char *name, const char *path)
{
	json_t *out = json_pack("{s:s}", "name", name);
	const char *kind;
	json_t *source;
	size_t kinds = 0;

	json_object_foreach ((json_t *)(uintptr_t)volume, kind, source) {
		auto_free char *where = xasprintf("%s.%s", path, kind);
		if (!strcmp(kind, "name") || json_is_null(source))
			continue;
		if (kinds++)
			agent_note(projection->notes, AGENT_ERROR, path, "is of more than one kind");
		const char *claim = strcmp(kind, "persistentVolumeClaim") != 0
				? NULL
				: json_text_at(source, "claimName", NULL);
		if (!json_is_object(source))
			agent_note(projection->notes, AGENT_ERROR, where, "is not an object");
		else if (is_claim_template(projection, name, claim))
			json_object_set_new(out, "volumeClaimTemplate", json_object());
		else
			json_object_set_new(out, kind, project_source(projection, kind, source, where));
	}
	/* the API server takes one that says nothing for this */
	if (!kinds)
		json_object_set_new(out, "emptyDir", json_object());
	return out;
}

json_t *volume_project(const struct projection *projection, const char *name)
{
	const json_t *entry = json_object_get(projection->volumes_read, name);
	const json_t *volume = json_object_get(entry, "volume");
	const char *path = json_text_at(entry, "path", NULL);

	/* of spec.volumeClaimTemplates */
	if (!volume)
		return json_pack("{s:s, s:{}}", "name", name, "volumeClaimTemplate");
	/* of a kind that nobody knows nothing can be said, however lenient */
	const struct agent_reading strict = { .options = projection->reading->options };
	struct projection checking = *projection;
	checking.reading = &strict;
	fields_check(&checking, volume, path, fields_volume);
	return project_volume(projection, volume, name, path);
}
