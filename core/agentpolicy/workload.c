/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/workload.h"

#include "agentpolicy/workload_own.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

/* Part of every key: one more when the canonical form changes. */
#define FORM       "cocoon agent policy 1\n"

#define GROUPS_MAX 3

/* Where a kind has its template: by names, of which the last is not there. */
static const struct shape {
	const char *kind;
	const char *groups[GROUPS_MAX]; /* of apiVersion, "" for the core's */
	const char *steps[5];
	const char *template, *spec; /* their paths */
} shapes[] = {
	{ "Pod", { "" }, { NULL }, "", "spec" },
	{ "Deployment", { "apps", "extensions" }, { "spec", "template" }, "spec.template",
			"spec.template.spec" },
	{ "ReplicaSet", { "apps", "extensions" }, { "spec", "template" }, "spec.template",
			"spec.template.spec" },
	{ "StatefulSet", { "apps" }, { "spec", "template" }, "spec.template", "spec.template.spec" },
	{ "DaemonSet", { "apps", "extensions" }, { "spec", "template" }, "spec.template",
			"spec.template.spec" },
	{ "ReplicationController", { "" }, { "spec", "template" }, "spec.template", "spec.template.spec" },
	{ "Job", { "batch" }, { "spec", "template" }, "spec.template", "spec.template.spec" },
	{ "CronJob", { "batch" }, { "spec", "jobTemplate", "spec", "template" },
			"spec.jobTemplate.spec.template", "spec.jobTemplate.spec.template.spec" },
	{ "PodTemplate", { "" }, { "template" }, "template", "template.spec" },
};

/* Others have kinds of these names too; an object without a version, such as an item of a list, is taken at its word. */
static bool is_version(const struct shape *shape, const char *version)
{
	if (!version)
		return true;
	for (size_t i = 0; i < GROUPS_MAX && shape->groups[i]; i++) {
		size_t len = strlen(shape->groups[i]);
		if (len ? !strncmp(version, shape->groups[i], len) && version[len] == '/'
			: !strcmp(version, "v1"))
			return true;
	}
	return false;
}

static const struct shape *shape_of(const json_t *object, struct err *err)
{
	const char *kind = json_text_at(object, "kind", NULL),
		   *version = json_text_at(object, "apiVersion", NULL);

	for (size_t i = 0; kind && i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(shapes[i].kind, kind) && is_version(&shapes[i], version))
			return &shapes[i];
	err_set(err, ERR_NOT_FOUND, "%.60s%s%.60s holds no pods", version ? version : "", version ? " " : "",
			kind ? kind : "an object without a kind");
	return NULL;
}

static const json_t *template_of(const json_t *object, const struct shape *shape, struct err *err)
{
	const char *step = NULL;

	for (size_t i = 0; (step = shape->steps[i]); i++) {
		object = field_get(object, step);
		if (!json_is_object(object)) {
			err_set(err, ERR_FORMAT, "%s: '%s' is no object", shape->kind, step);
			return NULL;
		}
	}
	if (!json_is_object(json_object_get(object, "spec"))) {
		err_set(err, ERR_FORMAT, "%s: %s is no object", shape->kind, shape->spec);
		return NULL;
	}
	return object;
}

/* By name alone: what a claim gives is not seen in a guest. */
static void collect_claim_templates(const struct projection *projection, const json_t *object)
{
	const json_t *templates = projection->stateful_set
			? json_at(object, "spec", "volumeClaimTemplates", NULL)
			: NULL;

	for (size_t i = 0; i < json_array_size(templates); i++) {
		const char *name = json_text_at(json_array_get(templates, i), "metadata", "name", NULL);
		if (name)
			json_object_set_new(projection->volumes_read, name, json_object());
		else
			agent_note(projection->notes, AGENT_ERROR, "spec.volumeClaimTemplates",
					"there is one without metadata.name");
	}
}

/* The workload's namespace: its own word, else the reader's. */
static void put_namespace(const struct projection *projection, const json_t *object, json_t *tree)
{
	const char *own = json_text_at(object, "metadata", "namespace", NULL);

	if (!own || !own[0])
		own = projection->reading->namespace;
	json_object_set_new(tree, "namespace", json_string(own ? own : ""));
}

static void project(struct projection *projection, const json_t *object, const json_t *template,
		const struct shape *shape, json_t *tree)
{
	const json_t *meta = field_object(projection, template, shape->template, "metadata");
	const json_t *spec = json_object_get(template, "spec");
	auto_free char *where = field_path(shape->template, "metadata");

	projection->labels_read = field_object(projection, meta, where, "labels");
	projection->annotations_read = field_object(projection, meta, where, "annotations");
	owner_find(projection, object, tree);
	put_namespace(projection, object, tree);
	const char *class = field_text(projection, spec, shape->spec, "runtimeClassName");
	json_object_set_new(tree, "class", json_string(class ? class : ""));
	json_object_set_new(tree, "annotations", projection->annotations);
	json_object_set_new(tree, "labels", projection->labels);
	fields_check(projection, template, shape->template, fields_template);
	annotations_take(projection, where);
	collect_claim_templates(projection, object);
	json_object_set_new(tree, "spec", spec_project(projection, spec, shape->spec));
}

static void borrow(struct agent_workload *out, const struct shape *shape)
{
	out->kind = json_text_at(out->tree, "kind", NULL);
	out->name = json_text_at(out->tree, "name", NULL);
	out->namespace = json_text_at(out->tree, "namespace", NULL);
	out->sandbox = json_text_at(out->tree, "sandbox", NULL);
	out->runtime_class = json_text_at(out->tree, "class", NULL);
	out->spec = json_object_get(out->tree, "spec");
	out->path = shape->spec;
	names_collect(out);
}

int agent_workload_read(const json_t *object, const struct agent_reading *reading, struct agent_workload *out,
		struct agent_notes *notes, struct err *err)
{
	if (json_typeof(object) != JSON_OBJECT)
		return err_set(err, ERR_FORMAT, "a workload: not an object");
	const struct shape *shape = shape_of(object, err);
	if (!shape)
		return -1;
	const json_t *template = template_of(object, shape, err);
	if (!template)
		return -1;

	auto_json json_t *volumes_read = json_object();
	auto_json json_t *volumes = json_object();
	auto_json json_t *containers = json_object();
	auto_agent_notes struct agent_notes found = AGENT_NOTES_NONE;
	struct projection projection = {
		.reading = reading,
		.notes = &found,
		.labels = json_object(),
		.annotations = json_object(),
		.volumes_read = volumes_read,
		.volumes = volumes,
		.containers = containers,
	};
	auto_agent_workload struct agent_workload workload = { .tree = json_object() };
	project(&projection, object, template, shape, workload.tree);
	for (size_t i = 0; i < found.count; i++)
		agent_note(notes, found.items[i].severity, found.items[i].path, "%s", found.items[i].text);
	if (agent_notes_check(&found, err) < 0)
		return -1;
	borrow(&workload, shape);
	*out = workload;
	workload = (struct agent_workload)AGENT_WORKLOAD_NONE;
	return 0;
}

void agent_workload_clear(struct agent_workload *workload)
{
	json_decref(workload->tree);
	free(workload->images);
	free(workload->config_maps);
	free(workload->secrets);
	*workload = (struct agent_workload)AGENT_WORKLOAD_NONE;
}

void agent_key(const struct agent_workload *workload, const struct agent_options *options,
		char out[static AGENT_KEY_LEN + 1])
{
	auto_free char *tree = json_text(workload->tree, true);
	auto_free char *wanted = options->tree ? json_text(options->tree, true) : xstrdup("{}");
	auto_free char *text = xasprintf(FORM "%s\n%s", tree, wanted);
	char hex[DIGEST_HEX_MAX];

	digest_hex(DIGEST_SHA256, span_of(text), hex);
	memcpy(out, hex, AGENT_KEY_LEN + 1);
}
