/* SPDX-License-Identifier: Apache-2.0 */
/* Where the values of variables come from: fields of the pod, ConfigMaps, Secrets. */
#include "agentpolicy/generate_own.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/own.h"
#include "codec/json.h"
#include "sealed/token.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX ((size_t)1 << 20) /* the API server's own bound */

struct field {
	const char *path, *value;
};

/* A placeholder of the rules, behind its '$'. */
static const struct field fields[] = {
	{ "metadata.name", TEXT_MARK "(sandbox-name)" },
	{ "metadata.uid", TEXT_MARK "(pod-uid)" },
	{ "spec.nodeName", TEXT_MARK "(node-name)" },
	{ "status.hostIP", TEXT_MARK "(host-ip)" },
	{ "status.hostIPs", TEXT_MARK "(host-ips)" },
	{ "status.podIP", TEXT_MARK "(pod-ip)" },
	{ "status.podIPs", TEXT_MARK "(pod-ips)" },
};

/* Labels and annotations that controllers write into pods: what they look like. */
static const struct field written[] = {
	{ "apps.kubernetes.io/pod-index", "[0-9]+" },
	{ "batch.kubernetes.io/job-completion-index", "[0-9]+" },
	{ "pod-template-hash", "[bcdfghjklmnpqrstvwxz2456789]{1,10}" },
};

static json_t *plain_text(const struct part *part, const char *below, const char *text)
{
	return text_is_plain(part, below, text) ? json_string(text) : NULL;
}

/* The part of "metadata.labels['NAME']" between the quotes as a text of its own, or NULL. */
static char *subscript(const char *path, const char *prefix)
{
	size_t len = strlen(path), skip = strlen(prefix);

	if (strncmp(path, prefix, skip) != 0 || len < skip + 4 || strncmp(path + skip, "['", 2) != 0 ||
			strcmp(path + len - 2, "']") != 0)
		return NULL;
	return xmemdup0(path + skip + 2, len - skip - 4);
}

static json_t *labelled(const struct part *part, const char *below, const char *of, const char *name)
{
	const char *value = json_text_at(part->inputs->workload->tree, of, name, NULL);

	if (value)
		return plain_text(part, below, value);
	if (strcmp(name, "statefulset.kubernetes.io/pod-name") == 0)
		return json_string(TEXT_MARK "(sandbox-name)");
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		if (strcmp(name, written[i].path) == 0)
			return json_pack("[s]", written[i].value);
	part_note(part, AGENT_WARNING, below,
			"the manifest does not say what '%.100s' of the pod's %s is: the host may "
			"choose it",
			name, of);
	return json_null();
}

static json_t *field_value(const struct part *part, const char *below, const char *path)
{
	const struct agent_workload *workload = part->inputs->workload;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(path, fields[i].path) == 0)
			return json_string(fields[i].value);
	if (strcmp(path, "metadata.namespace") == 0)
		return *workload->namespace ? plain_text(part, below, workload->namespace)
					    : json_string(TEXT_MARK "(sandbox-namespace)");
	if (strcmp(path, "spec.serviceAccountName") == 0) {
		const char *account = json_text_at(workload->spec, "serviceAccountName", NULL);

		return plain_text(part, below, account ? account : "default");
	}
	auto_free char *label = subscript(path, "metadata.labels");
	if (label)
		return labelled(part, below, "labels", label);
	auto_free char *annotation = subscript(path, "metadata.annotations");
	if (annotation)
		return labelled(part, below, "annotations", annotation);
	part_note(part, AGENT_ERROR, below, "nothing is known of the field '%.100s'", path);
	return NULL;
}

/* ---- ConfigMaps and Secrets ---- */

struct source {
	const struct part *part;
	const char *below;
	const char *kind, *name;
	bool optional, secret;
	const json_t *object; /* NULL: it was not given */
};

static bool is_in_namespace(const struct part *part, const json_t *object)
{
	const char *own = part->inputs->workload->namespace;
	const char *its = json_text_at(object, "metadata", "namespace", NULL);

	return !its || !*its || !*own || strcmp(its, own) == 0;
}

/* The last one wins, as it does when a file is applied. */
static void find_object(struct source *source)
{
	size_t i;
	const json_t *object;

	json_array_foreach (source->part->inputs->objects, i, object) {
		const char *kind = json_text_at(object, "kind", NULL);
		const char *name = json_text_at(object, "metadata", "name", NULL);

		if (kind && name && strcmp(kind, source->kind) == 0 && strcmp(name, source->name) == 0 &&
				is_in_namespace(source->part, object))
			source->object = object;
	}
}

static struct source source_open(const struct part *part, const char *below, const json_t *ref, bool secret)
{
	const char *name = json_text_at(ref, "name", NULL);
	struct source source = { .part = part,
		.below = below,
		.kind = secret ? "Secret" : "ConfigMap",
		.name = name ? name : "",
		.secret = secret,
		.optional = json_is_true(json_object_get(ref, "optional")) };

	find_object(&source);
	return source;
}

/* A member of a Secret's data, decoded; NULL when it is no text. */
static json_t *decode(const char *text)
{
	auto_wiped_buf struct buf bytes = BUF_MAX(VALUE_MAX);

	if (!buf_room(&bytes, b64_decoded_max(strlen(text)) + 1) ||
			b64_decode(span_of(text), &bytes, NULL) < 0 || memchr(buf_text(&bytes), 0, bytes.len))
		return NULL;
	return json_stringn(buf_text(&bytes), bytes.len);
}

/* The text of a key: a new reference, NULL when there is none; *broken when it is no text. */
static json_t *source_text(const struct source *source, const char *key, bool *broken)
{
	const char *plain = source->secret ? json_text_at(source->object, "stringData", key, NULL) : NULL;
	const char *value = json_text_at(source->object, "data", key, NULL);

	*broken = false;
	if (plain)
		return json_string(plain);
	if (!value)
		return NULL;
	json_t *text = source->secret ? decode(value) : json_string(value);
	*broken = !text;
	return text;
}

/* What of a Secret's value a policy may hold: all of it where that was asked for, else sealed ones, which are public. */
static json_t *secret_value(const struct source *source, const char *key, json_t *text)
{
	if (source->part->inputs->options->inline_secrets)
		return text;
	if (text && sealed_is(span_of(json_string_value(text))))
		return text;
	json_decref(text);
	part_note(source->part, AGENT_WARNING, source->below,
			"the value comes from the Secret '%.100s' (%.100s): the host may choose it; a sealed "
			"secret cannot be "
			"exchanged",
			source->name, key);
	return json_null();
}

/* As value_from(), for one key of a source that may not have it. */
static json_t *source_value(const struct source *source, const char *key)
{
	bool broken = false;
	json_t *text = source_text(source, key, &broken);
	bool must_be_known =
			!source->secret || source->object || source->part->inputs->options->inline_secrets;

	if (broken && source->part->inputs->options->inline_secrets) {
		part_note(source->part, AGENT_ERROR, source->below,
				"'%.100s' of the Secret '%.100s' is no text", key, source->name);
		return NULL;
	}
	if (text && !text_is_plain(source->part, source->below, json_string_value(text))) {
		json_decref(text);
		return NULL;
	}
	if (text || broken)
		return source->secret ? secret_value(source, key, text) : text;
	if (source->optional) {
		part_note(source->part, AGENT_WARNING, source->below,
				"the optional %s '%.100s' has no '%.100s': the host may choose the value, or "
				"leave it out",
				source->kind, source->name, key);
		return json_null();
	}
	if (!must_be_known)
		return secret_value(source, key, NULL);
	part_note(source->part, AGENT_ERROR, source->below, "%s the %s '%.100s'%s%.100s%s",
			source->object ? "in" : "nobody gave", source->kind, source->name,
			source->object ? " there is no '" : ": it is needed for its '", key,
			source->object ? "'" : "', or mark it optional");
	return NULL;
}

json_t *value_from(const struct part *part, const char *below, const json_t *from)
{
	const json_t *map = json_object_get(from, "configMapKeyRef");
	const json_t *ref = map ? map : json_object_get(from, "secretKeyRef");
	const char *path = json_text_at(from, "fieldRef", "fieldPath", NULL);

	if (path)
		return field_value(part, below, path);
	if (json_object_get(from, "resourceFieldRef"))
		return json_string(TEXT_MARK "(resource-field)");
	const char *key = json_text_at(ref, "key", NULL);
	if (!ref || !key) {
		part_note(part, AGENT_ERROR, below, "nothing is known of such a source");
		return NULL;
	}
	struct source source = source_open(part, below, ref, !map);
	return source_value(&source, key);
}

/* ---- envFrom ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keys that every kubelet makes a variable of: older ones pass others over, newer ones do not. */
static bool is_variable(const char *name)
{
	static const char rest[] = "-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *name && !strchr("0123456789", *name) && strcmp(name, ".") != 0 &&
			strncmp(name, "..", 2) != 0 && name[strspn(name, rest)] == '\0';
}

static void put_key(const struct source *source, const char *prefix, const char *key, json_t *vars)
{
	auto_free char *name = xasprintf("%s%s", prefix, key);

	if (!is_variable(name)) {
		part_note(source->part, AGENT_ERROR, source->below,
				"the %s '%.100s' makes a variable '%.100s', which some kubelets pass over "
				"and others do not: give it "
				"another name",
				source->kind, source->name, name);
		return;
	}
	json_t *value = source_value(source, key);
	if (value)
		json_object_set_new(vars, name, value);
}

static size_t add_keys(json_t *object, const char **keys)
{
	size_t count = 0;
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value)
		keys[count++] = key;
	return count;
}

void values_from(const struct part *part, const char *below, const json_t *from, json_t *vars)
{
	const json_t *map = json_object_get(from, "configMapRef");
	struct source source = source_open(part, below, map ? map : json_object_get(from, "secretRef"), !map);
	const char *prefix = json_text_at(from, "prefix", NULL);
	json_t *data = json_object_get(source.object, "data");
	json_t *plain = source.secret ? json_object_get(source.object, "stringData") : NULL;

	if (!source.object) {
		part_note(part, source.optional ? AGENT_WARNING : AGENT_ERROR, below,
				source.optional ? "nobody gave the optional %s '%.100s': once it is there, "
						  "pods are refused"
						: "nobody gave the %s '%.100s', whose names become variables",
				source.kind, source.name);
		return;
	}
	size_t most = json_object_size(data) + json_object_size(plain);
	if (most > ENV_VARS_MAX) {
		part_note(part, AGENT_ERROR, below, "the %s '%.100s' has more than %d values", source.kind,
				source.name, ENV_VARS_MAX);
		return;
	}
	auto_free const char **keys = xcalloc(most + 1, sizeof(*keys));
	size_t count = add_keys(data, keys);
	count += add_keys(plain, keys + count);
	qsort(keys, count, sizeof(*keys), by_name);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(keys[i], keys[i - 1]) != 0)
			put_key(&source, prefix ? prefix : "", keys[i], vars);
}
