/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen annotate: puts a document into manifests, as text, so that comments and order stay. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata-gen/profile.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/budget.h"
#include "initdata/carrier.h"
#include "initdata/document.h"
#include "initdata/kparams.h"
#include "pod/manifest.h"
#include "profile/class.h"

#include <assert.h>
#include <string.h>

struct annotate {
	struct opt_rest files;
	const char *document;
	const char *profile;
	struct opt_list config_maps;
	const char *kernel_params;
	const char *runtime_handler;
	bool in_place;
	bool all;
	bool force;
};

/* What every pod gets. */
struct plan {
	const struct annotate *settings;
	struct class_table *classes;
	struct buf document;
	struct buf value;
	json_t *kernel_params; /* array, or NULL */
	const json_t *others;  /* further annotations, or NULL */
	const char *handler;   /* NULL: none; "auto": the RuntimeClass's name */
	struct profile *profile;
};

static void plan_clear(struct plan *plan)
{
	class_table_free(plan->classes);
	buf_clear(&plan->document);
	buf_clear(&plan->value);
	json_decref(plan->kernel_params);
	profile_unref(plan->profile);
}

/* ---- the plan ---- */

static int plan_params(struct plan *plan, const char *text, struct err *err)
{
	auto_kparams struct kparams list = KPARAMS_NONE;

	if (!text)
		return 0;
	if (kparams_parse(span_of(text), &list, err) < 0)
		return err_wrap(err, "--kernel-params");
	plan->kernel_params = json_array();
	for (size_t i = 0; i < list.count; i++) {
		const struct kparam *item = &list.items[i];
		/* the value, when there is one, stands behind the key and its '=' */
		size_t len = item->key.len + item->has_value + item->value.len;

		json_array_append_new(plan->kernel_params, json_stringn(item->key.ptr, len));
	}
	return 0;
}

static int plan_profile(struct plan *plan, struct err *err)
{
	const struct annotate *settings = plan->settings;

	if (settings->kernel_params || settings->runtime_handler)
		return err_set(err, ERR_USAGE,
				"--profile settles kernel parameters and handler: leave out the options for "
				"them");
	if (profile_load(settings->profile, &settings->config_maps, &plan->profile, err) < 0)
		return -1;
	buf_add_span(&plan->document, buf_span(&plan->profile->document));
	if (plan->profile->kernel_params)
		plan->kernel_params = json_deep_copy(plan->profile->kernel_params);
	plan->others = plan->profile->annotations;
	plan->handler = plan->profile->sets_handler ? "auto" : NULL;
	return 0;
}

static int plan_make(struct plan *plan, struct err *err)
{
	const struct annotate *settings = plan->settings;
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (!settings->document == !settings->profile)
		return err_set(err, ERR_USAGE, "say what to put in: either --document or --profile");
	if (class_table_new(NULL, &plan->classes, err) < 0)
		return -1;
	if (settings->profile) {
		if (plan_profile(plan, err) < 0)
			return -1;
	} else {
		plan->handler = settings->runtime_handler;
		if (source_load_one(settings->document, SOURCE_AUTO, &plan->document, err) < 0 ||
				plan_params(plan, settings->kernel_params, err) < 0)
			return -1;
	}
	if (initdata_parse(buf_span(&plan->document), &doc, err) < 0)
		return -1;
	return initdata_annotation_format(buf_span(&plan->document), &plan->value, err);
}

/* ---- one pod ---- */

/* A text that is being edited, and the annotations that the pod at hand has by now. */
struct edit {
	struct buf text;
	json_t *annotations;
	size_t changes;
};

static int set(struct edit *edit, const struct place *place, const char *key, const char *value,
		struct err *err)
{
	auto_buf struct buf next = BUF_MAX(TEXT_FILE_MAX);
	struct yaml_step steps[MANIFEST_STEPS_MAX + 3];
	const char *old = json_string_value(json_object_get(edit->annotations, key));
	struct buf swap;

	if (old && strcmp(old, value) == 0)
		return 0;
	memcpy(steps, place->steps, place->depth * sizeof(steps[0]));
	steps[place->depth] = (struct yaml_step)YAML_KEY("metadata");
	steps[place->depth + 1] = (struct yaml_step)YAML_KEY("annotations");
	steps[place->depth + 2] = (struct yaml_step)YAML_KEY(key);
	if (yamledit_set(buf_span(&edit->text), TEXT_FILE_MAX, place->document, steps, place->depth + 3,
			    value, &next, err) < 0)
		return -1;
	json_object_set_new(edit->annotations, key, json_string(value));
	edit->changes++;
	swap = edit->text;
	edit->text = next;
	next = swap;
	return 0;
}

/* Whether the runtime class takes the annotation; what is not known to be refused is let through with --force. */
static int check_class(const struct plan *plan, const struct class_caps *caps, const char *class,
		const char *key, struct err *err)
{
	if (!caps || plan->settings->force)
		return 0;
	if (!strcmp(key, KERNEL_PARAMS_ANNOTATION) && !caps->forwards_kernel_params)
		return err_set(err, ERR_DENIED,
				"runtime class '%s' never forwards kernel parameters to the guest: move them "
				"into init-data "
				"(initdata-gen convert), or --force",
				class);
	if (class_takes(caps, key))
		return 0;
	return err_set(err, ERR_DENIED,
			"runtime class '%s' does not accept '%s' as Kata ships it: the pod would %s; --force "
			"if your "
			"installation enables it",
			class, key, caps->otherwise == CLASS_FAILS ? "fail to start" : "run without it");
}

static int set_document(
		struct edit *edit, const struct plan *plan, const struct place *place, struct err *err)
{
	const char *old = pod_annotation(&place->pod, INITDATA_ANNOTATION);
	auto_buf struct buf document = BUF_MAX(INITDATA_TEXT_MAX);

	if (old && *old && !plan->settings->force) {
		if (initdata_annotation_parse(span_of(old), &document, err) < 0)
			return err_wrap(err,
					"the pod has init-data that cannot be read (--force replaces it)");
		if (span_eq(buf_span(&document), buf_span(&plan->document)))
			return 0; /* the same document, perhaps packed by another tool */
		return err_set(err, ERR_CONFLICT,
				"the pod has other init-data already: compare with 'initdata-gen verify', or "
				"--force");
	}
	return set(edit, place, INITDATA_ANNOTATION, buf_text(&plan->value), err);
}

static int set_params(struct edit *edit, const struct plan *plan, const struct place *place,
		const struct class_caps *caps, struct err *err)
{
	const char *old = pod_annotation(&place->pod, KERNEL_PARAMS_ANNOTATION);
	auto_buf struct buf text = BUF_MAX(KPARAMS_TEXT_MAX);
	auto_json json_t *any = json_pack("[s]", "*");

	if (!plan->kernel_params)
		return 0;
	if (check_class(plan, caps, place->pod.runtime_class, KERNEL_PARAMS_ANNOTATION, err) < 0)
		return -1;
	if (kparams_combine(plan->kernel_params, span_of(old), any, &text, err) < 0)
		return err_wrap(err, KERNEL_PARAMS_ANNOTATION);
	return set(edit, place, KERNEL_PARAMS_ANNOTATION, buf_text(&text), err);
}

static int set_others(struct edit *edit, const struct plan *plan, const struct place *place,
		const struct class_caps *caps, struct err *err)
{
	json_t *others = (json_t *)(uintptr_t)plan->others, *value;
	const char *key;

	json_object_foreach (others, key, value) {
		const char *old = pod_annotation(&place->pod, key);

		if (check_class(plan, caps, place->pod.runtime_class, key, err) < 0)
			return -1;
		if (old && strcmp(old, json_string_value(value)) != 0 && !plan->settings->force)
			return err_set(err, ERR_CONFLICT,
					"the pod has '%s' with another value: --force replaces it", key);
		if (set(edit, place, key, json_string_value(value), err) < 0)
			return -1;
	}
	return 0;
}

static int set_handler(struct edit *edit, const struct plan *plan, const struct place *place, struct err *err)
{
	const char *handler = plan->handler;

	if (handler && !strcmp(handler, "auto"))
		handler = place->pod.runtime_class;
	return handler ? set(edit, place, RUNTIME_HANDLER_ANNOTATION, handler, err) : 0;
}

static int check_budget(const struct edit *edit, const struct place *place, struct err *err)
{
	size_t size = annotations_size(edit->annotations);

	if (annotations_check(size, err) < 0)
		return -1;
	if (size > ANNOTATIONS_MAX / 2)
		fprintf(stderr,
				"warning: %s: annotations of %zu bytes: 'kubectl apply' keeps a second copy "
				"of the object in "
				"one more, so use --server-side\n",
				place->label, size);
	return 0;
}

/* Whether a pod is meant at all. */
static bool is_meant(const struct plan *plan, const struct place *place, const struct class_caps **caps)
{
	const char *class = place->pod.runtime_class;

	assert(plan->classes);
	*caps = class ? class_find(plan->classes, class) : NULL;
	if (*caps && !(*caps)->confidential)
		*caps = NULL;
	if (*caps || plan->settings->all)
		return true;
	fprintf(stderr, "left alone: %s: %s%s%s\n", place->label,
			class ? "runtime class '" : "it names no runtime class", class ? class : "",
			class ? "' is not known to be confidential (--all takes it)" : "");
	return false;
}

static int annotate_place(struct edit *edit, const struct plan *plan, const struct place *place,
		const struct class_caps *caps, struct err *err)
{
	json_decref(edit->annotations);
	edit->annotations = place->pod.annotations ? json_deep_copy(place->pod.annotations) : json_object();
	if (check_class(plan, caps, place->pod.runtime_class, INITDATA_ANNOTATION, err) < 0 ||
			set_document(edit, plan, place, err) < 0 ||
			set_params(edit, plan, place, caps, err) < 0 ||
			set_others(edit, plan, place, caps, err) < 0 ||
			set_handler(edit, plan, place, err) < 0)
		return -1;
	return check_budget(edit, place, err);
}

/* ---- files ---- */

static int annotate_text(struct edit *edit, const struct plan *plan, struct err *err)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE;
	size_t meant = 0;

	if (manifest_read(buf_span(&edit->text), &manifest, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.count; i++) {
		const struct class_caps *caps;

		if (!is_meant(plan, &manifest.places[i], &caps))
			continue;
		meant++;
		if (annotate_place(edit, plan, &manifest.places[i], caps, err) < 0)
			return err_wrap(err, "%s", manifest.places[i].label);
	}
	if (!meant)
		return err_set(err, ERR_NOT_FOUND, "holds no confidential pod");
	return 0;
}

static void edit_clear(struct edit *edit)
{
	buf_clear(&edit->text);
	json_decref(edit->annotations);
}

static int annotate_file(const char *path, const struct plan *plan, struct err *err)
{
	__attribute__((cleanup(edit_clear))) struct edit edit = { .text = BUF_MAX(TEXT_FILE_MAX) };

	if (text_load(path, &edit.text, err) < 0)
		return -1;
	if (annotate_text(&edit, plan, err) < 0)
		return strcmp(path, "-") ? err_wrap(err, "'%s'", path) : err_wrap(err, "standard input");
	if (!plan->settings->in_place)
		return text_save(NULL, buf_span(&edit.text), err);
	return edit.changes ? text_save(path, buf_span(&edit.text), err) : 0;
}

static int run(void *given, struct err *err)
{
	const struct annotate *settings = given;
	__attribute__((cleanup(plan_clear))) struct plan plan = { .settings = settings,
		.document = BUF_MAX(INITDATA_TEXT_MAX),
		.value = BUF_MAX(ANNOTATIONS_MAX) };

	if (settings->in_place && !settings->files.count)
		return err_set(err, ERR_USAGE, "--in-place needs the files to change");
	if (!settings->in_place && settings->files.count > 1)
		return err_set(err, ERR_USAGE, "several files need --in-place");
	if (plan_make(&plan, err) < 0)
		return -1;
	if (!settings->files.count)
		return annotate_file("-", &plan, err);
	for (size_t i = 0; i < settings->files.count; i++)
		if (annotate_file(settings->files.items[i], &plan, err) < 0)
			return -1;
	return 0;
}

static const struct opt options[] = {
	OPT_TEXT(struct annotate, document, "document", 'd', "FILE", "the document to put in"),
	OPT_TEXT(struct annotate, profile, "profile", 0, "FILE",
			"put in what this ConfidentialProfile says: document, kernel parameters, "
			"annotations"),
	OPT_LIST(struct annotate, config_maps, "config-map", 0, "FILE",
			"manifest with the ConfigMap that the profile names; may be repeated"),
	OPT_TEXT(struct annotate, kernel_params, "kernel-params", 0, "WORDS",
			"kernel parameters to add before those the pod has"),
	OPT_TEXT(struct annotate, runtime_handler, "runtime-handler", 0, "NAME",
			"the handler annotation for guest pull; 'auto' takes the RuntimeClass's name"),
	OPT_FLAG(struct annotate, in_place, "in-place", 'i', "change the files instead of printing"),
	OPT_FLAG(struct annotate, all, "all", 0, "take pods of every runtime class, and of none"),
	OPT_FLAG(struct annotate, force, "force", 0,
			"replace other init-data; put in annotations that the class is not known to accept"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct annotate, files, "FILE", 0, 1000,
			"manifests, YAML or JSON; standard input without any"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "into a chart's output",
			"helm template app | initdata-gen annotate -d initdata.toml | kubectl apply "
			"--server-side -f -" },
	{ "into files under version control",
			"initdata-gen annotate -d initdata.toml --in-place deploy/*.yaml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb annotate_verb = {
	.name = "annotate",
	.summary = "puts a document into the pods of manifests",
	.description = "Takes Pods and the templates of Deployments, StatefulSets, DaemonSets, ReplicaSets, "
		       "ReplicationControllers, Jobs and CronJobs, also in Lists and in files of several "
		       "documents, and "
		       "sets the annotation on the pod, never on the workload. All other bytes of the file "
		       "stay.\n\n"
		       "Pods of runtime classes that are not confidential are left alone. A pod that carries "
		       "another "
		       "document is an error. Nothing is written when any pod of a file is refused.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct annotate),
	.run = run,
};
