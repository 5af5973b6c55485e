/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/view.h"

#include "base/err.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

static int read_gates(const json_t *spec, const char *path, struct pod_view *view, struct err *err)
{
	json_t *gates = NULL;

	view->gate = -1;
	if (json_opt_array(spec, path, "schedulingGates", 1000, &gates, err) < 0)
		return -1;
	view->gates = json_array_size(gates);
	for (size_t i = 0; i < view->gates; i++) {
		const char *name = json_string_value(json_object_get(json_array_get(gates, i), "name"));
		if (name && !strcmp(name, POD_GATE))
			view->gate = (int)i;
	}
	return 0;
}

static int read_meta(const json_t *meta, const char *path, struct pod_view *view, struct err *err)
{
	const char *stem = "";
	json_t *labels = NULL, *annotations = NULL;

	if (json_opt_text(meta, path, "generateName", &stem, err) < 0 ||
			json_opt_text(meta, path, "name", &view->name, err) < 0 ||
			json_opt_text(meta, path, "namespace", &view->namespace, err) < 0 ||
			json_opt_text(meta, path, "uid", &view->uid, err) < 0 ||
			json_opt_object(meta, path, "labels", &labels, err) < 0 ||
			json_opt_object(meta, path, "annotations", &annotations, err) < 0)
		return -1;
	if (!view->name[0])
		view->name = stem;
	const char *key;
	json_t *value;
	json_object_foreach (annotations, key, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT, "%s.annotations: '%.120s' is not a string", path,
					key);
	}
	view->labels = labels;
	view->annotations = annotations;
	const json_t *gone = json_object_get(meta, "deletionTimestamp");
	view->deleting = gone && !json_is_null(gone);
	return 0;
}

static int read_parts(const json_t *object, const char *prefix, struct pod_view *view, struct err *err)
{
	json_t *meta = NULL, *spec = NULL;
	char meta_path[64], spec_path[64];

	snprintf(meta_path, sizeof(meta_path), "%s%smetadata", prefix, prefix[0] ? "." : "");
	snprintf(spec_path, sizeof(spec_path), "%s%sspec", prefix, prefix[0] ? "." : "");

	if (!json_is_object(object))
		return err_set(err, ERR_FORMAT, "%s is not an object", prefix[0] ? prefix : "the pod");
	view->object = object;
	if (json_opt_object(object, prefix, "metadata", &meta, err) < 0 ||
			json_opt_object(object, prefix, "spec", &spec, err) < 0)
		return -1;
	if (read_meta(meta, meta_path, view, err) < 0)
		return -1;
	if (json_opt_text(spec, spec_path, "runtimeClassName", &view->runtime_class, err) < 0 ||
			json_opt_text(spec, spec_path, "nodeName", &view->node, err) < 0)
		return -1;
	/* an empty text is how Go clients write "none" */
	if (view->runtime_class && !view->runtime_class[0])
		view->runtime_class = NULL;
	if (view->node && !view->node[0])
		view->node = NULL;
	return read_gates(spec, spec_path, view, err);
}

static struct pod_view empty_view(const char *namespace)
{
	return (struct pod_view){
		.namespace = namespace ? namespace : "",
		.name = "",
		.uid = "",
		.phase = "",
		.gate = -1,
	};
}

int pod_view_read(const json_t *pod, const char *namespace, struct pod_view *out, struct err *err)
{
	struct pod_view view = empty_view(namespace);

	if (read_parts(pod, "", &view, err) < 0)
		return -1;
	/* the request's namespace is the truth; the object may not repeat it yet */
	if (namespace && namespace[0])
		view.namespace = namespace;
	const char *phase = json_text_at(pod, "status", "phase", NULL);
	if (phase)
		view.phase = phase;
	*out = view;
	return 0;
}

int pod_view_template(const json_t *workload, const char *namespace, struct pod_view *out, const char **path,
		struct err *err)
{
	static const char *const plain[] = { "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet",
		"ReplicationController", "Job" };
	const char *kind = json_text_at(workload, "kind", NULL);
	const json_t *template = NULL;
	const char *where = "spec.template";

	if (!kind)
		return err_set(err, ERR_NOT_FOUND, "the object names no kind");
	if (!strcmp(kind, "Pod")) {
		*path = "";
		return pod_view_read(workload, namespace, out, err);
	}
	if (!strcmp(kind, "CronJob")) {
		where = "spec.jobTemplate.spec.template";
		template = json_at(workload, "spec", "jobTemplate", "spec", "template", NULL);
	} else if (!strcmp(kind, "PodTemplate")) {
		where = "template";
		template = json_at(workload, "template", NULL);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(kind, plain[i]))
			template = json_at(workload, "spec", "template", NULL);
	if (!template || json_is_null(template))
		return err_set(err, ERR_NOT_FOUND, "a %.60s holds no pod template", kind);

	struct pod_view view = empty_view(namespace);
	if (read_parts(template, where, &view, err) < 0)
		return -1;
	const char *name = json_text_at(workload, "metadata", "name", NULL);
	const char *own_namespace = json_text_at(workload, "metadata", "namespace", NULL);
	if (!view.name[0] && name)
		view.name = name;
	if (!view.namespace[0] && own_namespace)
		view.namespace = own_namespace;
	*path = where;
	*out = view;
	return 0;
}

const char *pod_annotation(const struct pod_view *pod, const char *key)
{
	return json_string_value(json_object_get(pod->annotations, key));
}

bool pod_annotation_is_protected(const char *key)
{
	struct span name = span_of(key);

	/* not only below config.: io.katacontainers.config_path names another configuration file altogether */
	return span_starts(name, "io.katacontainers.") || span_starts(name, "cocoon.dev/") ||
			span_is(name, "io.containerd.cri.runtime-handler");
}
