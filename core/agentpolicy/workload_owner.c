/* SPDX-License-Identifier: Apache-2.0 */
/* Whose pod it is. What a workload's controller adds to its pods follows from that as well. */
#include "agentpolicy/workload_own.h"

#include "base/own.h"
#include "codec/json.h"

#include <string.h>

#define NAME_BYTES_MAX 253 /* of an object */
#define MINUTES        SANDBOX_MINUTES

static bool is_group(const char *version, const char *group)
{
	size_t len = strlen(group);

	return !strncmp(version, group, len) && version[len] == '/';
}

static bool is_of(const json_t *owner, const char *kind, const char *group)
{
	const char *is = json_text_at(owner, "kind", NULL);
	const char *version = json_text_at(owner, "apiVersion", NULL);

	if (!is || !version || strcmp(is, kind) != 0)
		return false;
	return group[0] ? is_group(version, group) : !strcmp(version, "v1");
}

static const json_t *controller_of(const json_t *object)
{
	const json_t *owners = json_at(object, "metadata", "ownerReferences", NULL);

	for (size_t i = 0; i < json_array_size(owners); i++) {
		const json_t *owner = json_array_get(owners, i);
		if (json_is_true(json_object_get(owner, "controller")) && json_text_at(owner, "name", NULL))
			return owner;
	}
	return NULL;
}

static bool is_digits(const char *text, size_t len)
{
	return strspn(text, "0123456789") >= len;
}

/* The length of what stands before the ending "-<digits>", or 0. */
static size_t before_minutes(const char *name)
{
	size_t len = strlen(name);

	if (len <= MINUTES + 1 || name[len - MINUTES - 1] != '-' || !is_digits(name + len - MINUTES, MINUTES))
		return 0;
	return len - MINUTES - 1;
}

/* The length of what stands before the ending "-<hash>" of a ReplicaSet's name, or 0. */
static size_t before_hash(const char *name, const json_t *labels)
{
	const char *hash = json_text_at(labels, "pod-template-hash", NULL);
	size_t len = strlen(name), hash_len = hash ? strlen(hash) : 0;

	if (!hash_len || len <= hash_len + 1 || strcmp(name + len - hash_len, hash) != 0 ||
			name[len - hash_len - 1] != '-')
		return 0;
	return len - hash_len - 1;
}

static void put(json_t *out, const char *kind, const char *name, size_t len)
{
	json_object_set_new(out, "kind", json_string(kind));
	json_object_set_new(out, "name", json_stringn(name, len));
}

static void put_job(struct projection *projection, const char *name, json_t *out)
{
	size_t stem = before_minutes(name);

	projection->of_job = true;
	put(out, stem ? "CronJob" : "Job", name, stem ? stem : strlen(name));
}

static void put_replica_set(const struct projection *projection, const char *name, json_t *out)
{
	size_t stem = before_hash(name, projection->labels_read);

	put(out, stem ? "Deployment" : "ReplicaSet", name, stem ? stem : strlen(name));
}

/* Whether the API server made the name of this generateName. */
static bool is_generated(const char *name, const char *stem)
{
	size_t len = strlen(stem);

	if (len > SANDBOX_STEM_MAX)
		len = SANDBOX_STEM_MAX;
	return !name[0] || (strlen(name) == len + SANDBOX_RANDOM && !strncmp(name, stem, len));
}

static void put_pod(struct projection *projection, const json_t *object, json_t *out)
{
	const char *name = json_text_at(object, "metadata", "name", NULL);
	const char *stem = json_text_at(object, "metadata", "generateName", NULL);

	if (!name)
		name = "";
	projection->generated = stem && stem[0] && is_generated(name, stem);
	if (projection->generated)
		name = stem;
	put(out, "Pod", name, strlen(name));
}

static void put_pods_owner(struct projection *projection, const json_t *pod, json_t *out)
{
	static const struct {
		const char *kind, *group;
	} plain[] = { { "StatefulSet", "apps" }, { "DaemonSet", "apps" }, { "ReplicationController", "" } };
	const json_t *owner = controller_of(pod);
	const char *name = json_text_at(owner, "name", NULL);

	if (is_of(owner, "ReplicaSet", "apps")) {
		put_replica_set(projection, name, out);
		return;
	}
	if (is_of(owner, "Job", "batch")) {
		put_job(projection, name, out);
		projection->indexed = field_get(projection->annotations_read, JOB_COMPLETION_INDEX) ||
				field_get(projection->labels_read, JOB_COMPLETION_INDEX);
		return;
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (is_of(owner, plain[i].kind, plain[i].group)) {
			put(out, plain[i].kind, name, strlen(name));
			return;
		}
	}
	put_pod(projection, pod, out);
}

static bool is_indexed(const json_t *job_spec)
{
	const char *mode = json_text_at(job_spec, "completionMode", NULL);

	return mode && !strcmp(mode, "Indexed");
}

static void put_template_owner(struct projection *projection, const json_t *object, json_t *out)
{
	const char *kind = json_text_at(object, "kind", NULL);
	const char *name = json_text_at(object, "metadata", "name", NULL);

	if (!name)
		name = "";
	if (!strcmp(kind, "ReplicaSet")) {
		put_replica_set(projection, name, out);
	} else if (!strcmp(kind, "Job")) {
		put_job(projection, name, out);
		projection->indexed = is_indexed(json_at(object, "spec", NULL));
	} else {
		put(out, kind, name, strlen(name));
	}
	if (!strcmp(kind, "CronJob")) {
		projection->of_job = true;
		projection->indexed = is_indexed(json_at(object, "spec", "jobTemplate", "spec", NULL));
	}
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len && len <= NAME_BYTES_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

static void check(const struct projection *projection, const char *kind, const char *name)
{
	if (!is_name(name))
		agent_note(projection->notes, AGENT_ERROR, "metadata",
				"needs a name of small letters, digits, '-' and '.': the policy names the "
				"pods by it");
	if (!strcmp(kind, "PodTemplate"))
		agent_note(projection->notes, AGENT_WARNING, "metadata",
				"a PodTemplate does not say what its pods are called: any name is allowed");
}

void owner_find(struct projection *projection, const json_t *object, json_t *out)
{
	if (!strcmp(json_text_at(object, "kind", NULL), "Pod"))
		put_pods_owner(projection, object, out);
	else
		put_template_owner(projection, object, out);
	const char *kind = json_text_at(out, "kind", NULL), *name = json_text_at(out, "name", NULL);
	check(projection, kind, name);
	if (!strcmp(kind, "StatefulSet"))
		projection->stateful_set = name;
	const struct sandbox_names names = {
		.kind = kind,
		.name = name,
		.generated = projection->generated,
		.indexed = projection->indexed,
	};
	auto_free char *pattern = sandbox_pattern(&names);
	json_object_set_new(out, "sandbox", json_string(pattern));
}
