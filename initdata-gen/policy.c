/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen policy: agent policies for the pods of manifests, inside of their init-data. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata-gen/maker.h"
#include "initdata-gen/places.h"
#include "initdata-gen/report.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/budget.h"
#include "initdata/carrier.h"
#include "pod/manifest.h"
#include "profile/class.h"

#include <string.h>

enum policy_form { POLICY_MANIFEST, POLICY_REGO, POLICY_ANNOTATION, POLICY_TOML, POLICY_JSON };
static const char *const form_words[] = { "manifest", "policy", "annotation", "toml", "json", NULL };

struct policy {
	struct maker_options maker;
	struct opt_rest files;
	const char *yaml_file;
	int form;
	bool raw, base64, in_place, all;
	struct opt_list classes;
	bool containerd;
};

/* One file. All are made before the first is written, so that what fails leaves none changed. */
struct run {
	const struct policy *settings;
	struct maker *maker;
	struct class_table *table;
	const char *path;
	struct manifest manifest; /* as it was read */
	struct buf text;          /* the same, with the annotations so far */
	struct buf out;           /* what is printed in the other forms */
	json_t *reports;
	size_t made;
};

/* ---- which pods ---- */

static bool has_prefix(const struct opt_list *prefixes, const char *class)
{
	for (size_t i = 0; i < prefixes->count; i++)
		if (!strncmp(class, prefixes->items[i], strlen(prefixes->items[i])))
			return true;
	return false;
}

static bool is_meant(const struct run *run, const struct place *place)
{
	const char *class = place->pod.runtime_class;
	const struct policy *settings = run->settings;

	if (settings->classes.count)
		return class && has_prefix(&settings->classes, class);
	if (settings->all || settings->yaml_file || class_is_confidential(run->table, NULL, 0, class))
		return true;
	places_line("left alone: %s: %s%s%s", place->label,
			class ? "runtime class '" : "it names no runtime class", class ? class : "",
			class ? "' is not known to be confidential (--all takes it)" : "");
	return false;
}

/* ---- one pod ---- */

static int annotate(struct run *run, const struct place *place, const char *value, struct err *err)
{
	struct yaml_step steps[MANIFEST_STEPS_MAX + 3];
	struct buf next = BUF_MAX(TEXT_FILE_MAX);
	auto_json json_t *annotations = place->pod.annotations
			? json_copy((json_t *)(uintptr_t)place->pod.annotations)
			: json_object();

	json_object_set_new(annotations, INITDATA_ANNOTATION, json_string(value));
	if (annotations_check(annotations_size(annotations), err) < 0)
		return -1;
	memcpy(steps, place->steps, place->depth * sizeof(steps[0]));
	steps[place->depth] = (struct yaml_step)YAML_KEY("metadata");
	steps[place->depth + 1] = (struct yaml_step)YAML_KEY("annotations");
	steps[place->depth + 2] = (struct yaml_step)YAML_KEY(INITDATA_ANNOTATION);
	int status = yamledit_set(buf_span(&run->text), TEXT_FILE_MAX, place->document, steps,
			place->depth + 3, value, &next, err);
	if (status < 0) {
		buf_clear(&next);
		return -1;
	}
	buf_clear(&run->text);
	run->text = next;
	return 0;
}

static void add_report(struct run *run, const struct place *place, const struct made *made, const char *value)
{
	json_t *report = report_json(&made->parsed, NULL);

	json_object_set_new(report, "workload", json_string(place->label));
	json_object_set_new(report, "rulesSha256", json_string(made->rules_sha256));
	json_object_set(report, "images", made->images);
	json_object_set_new(report, "notes", places_notes(&made->notes));
	json_object_set_new(report, "policy", json_stringn(buf_text(&made->policy), made->policy.len));
	json_object_set_new(report, "document", json_stringn(buf_text(&made->document), made->document.len));
	json_object_set_new(report, "annotation", json_string(value));
	json_array_append_new(run->reports, report);
}

static int give(struct run *run, const struct place *place, const struct made *made, struct err *err)
{
	auto_buf struct buf value = BUF_MAX(INITDATA_IMAGE_MAX);

	if (initdata_annotation_format(buf_span(&made->document), &value, err) < 0)
		return -1;
	switch ((enum policy_form)run->settings->form) {
	case POLICY_REGO:
		buf_add_span(&run->out, buf_span(&made->policy));
		break;
	case POLICY_ANNOTATION:
		buf_printf(&run->out, "%s\n", buf_text(&value));
		break;
	case POLICY_TOML:
		if (run->made)
			return err_set(err, ERR_USAGE,
					"more than one pod: --output toml writes one document");
		buf_add_span(&run->out, buf_span(&made->document));
		break;
	case POLICY_JSON:
		add_report(run, place, made, buf_text(&value));
		break;
	case POLICY_MANIFEST:
		break;
	}
	if (run->settings->form == POLICY_MANIFEST || run->settings->yaml_file)
		return annotate(run, place, buf_text(&value), err);
	return 0;
}

static int make_place(struct run *run, const struct place *place, struct err *err)
{
	auto_made struct made made;
	auto_buf struct buf digests = BUF_MAX(1 << 16);

	made_init(&made);
	int status = maker_make(run->maker, places_workload(&run->manifest, place), &place->pod, &made, err);
	places_say(place->label, &made.notes);
	if (status < 0)
		return -1;
	if (made.merged)
		places_line("remark: %s: the entries of the init-data that it has stay, but for policy.rego",
				place->label);
	if (give(run, place, &made, err) < 0)
		return -1;
	run->made++;
	if (run->settings->form == POLICY_JSON)
		return 0;
	report_digests(&made.parsed, &digests);
	places_line("%s", place->label);
	fputs(buf_text(&digests), stderr);
	return 0;
}

/* ---- files ---- */

/* Wraps an error. */
static int fail(const struct run *run, struct err *err)
{
	return strcmp(run->path, "-") ? err_wrap(err, "'%s'", run->path) : err_wrap(err, "standard input");
}

static int open_file(struct run *run, struct err *err)
{
	if (text_load(run->path, &run->text, err) < 0)
		return -1;
	if (manifest_read(buf_span(&run->text), &run->manifest, err) < 0)
		return fail(run, err);
	maker_know(run->maker, run->manifest.documents);
	return 0;
}

static int make_file(struct run *run, struct err *err)
{
	for (size_t i = 0; i < run->manifest.count; i++) {
		const struct place *place = &run->manifest.places[i];

		if (is_meant(run, place) && make_place(run, place, err) < 0) {
			err_wrap(err, "%s", place->label);
			return fail(run, err);
		}
	}
	return 0;
}

static int write_file(const struct run *run, bool in_place, struct err *err)
{
	int form = run->settings->form;

	if (form == POLICY_JSON && json_print(json_incref(run->reports), err) < 0)
		return -1;
	if (form != POLICY_JSON && form != POLICY_MANIFEST && text_save(NULL, buf_span(&run->out), err) < 0)
		return -1;
	if (in_place)
		return run->made ? text_save(run->path, buf_span(&run->text), err) : 0;
	return form == POLICY_MANIFEST ? text_save(NULL, buf_span(&run->text), err) : 0;
}

/* Objects of all files are known before the first pod is made: the order of files does not matter. */
static int make_files(struct run *runs, size_t count, struct err *err)
{
	size_t made = 0;

	for (size_t i = 0; i < count; i++)
		if (open_file(&runs[i], err) < 0)
			return -1;
	for (size_t i = 0; i < count; i++) {
		if (make_file(&runs[i], err) < 0)
			return -1;
		made += runs[i].made;
	}
	if (made || runs->settings->yaml_file)
		return 0;
	err_set(err, ERR_NOT_FOUND, "%s no confidential pod", count == 1 ? "holds" : "the files hold");
	return count == 1 ? fail(runs, err) : -1;
}

static int write_files(const struct run *runs, size_t count, bool in_place, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (write_file(&runs[i], in_place, err) < 0)
			return in_place ? err_wrap(err, "%zu of %zu files are done", i, count) : -1;
	return 0;
}

static int check_use(struct policy *settings, struct err *err)
{
	if (settings->containerd)
		return err_set(err, ERR_USAGE,
				"--containerd-socket-path: nothing is pulled, so no containerd is asked; "
				"leave it out");
	if (settings->raw && settings->base64)
		return err_set(err, ERR_USAGE, "--raw-out and --base64-out exclude each other");
	if (settings->raw || settings->base64)
		settings->form = settings->raw ? POLICY_REGO : POLICY_ANNOTATION;
	if (settings->yaml_file && (settings->files.count || settings->in_place))
		return err_set(err, ERR_USAGE,
				"--yaml-file names the file, and changes it: leave out FILE and --in-place");
	if (settings->in_place && (!settings->files.count || settings->form != POLICY_MANIFEST))
		return err_set(err, ERR_USAGE,
				"--in-place needs the files to change, and prints nothing else");
	if (!settings->in_place && settings->files.count > 1)
		return err_set(err, ERR_USAGE, "several files need --in-place");
	return 0;
}

static void runs_clear(struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		manifest_clear(&runs[i].manifest);
		buf_clear(&runs[i].text);
		buf_clear(&runs[i].out);
		json_decref(runs[i].reports);
	}
	free(runs);
}

static int run_all(const struct policy *settings, struct maker *maker, struct class_table *table,
		struct err *err)
{
	size_t count = settings->files.count ? settings->files.count : 1;
	struct run *runs = xcalloc(count, sizeof(*runs));
	struct err why = ERR_NONE;

	for (size_t i = 0; i < count; i++)
		runs[i] = (struct run){ .settings = settings,
			.maker = maker,
			.table = table,
			.path = settings->yaml_file             ? settings->yaml_file
					: settings->files.count ? settings->files.items[i]
								: "-",
			.manifest = MANIFEST_NONE,
			.text = BUF_MAX(TEXT_FILE_MAX),
			.out = BUF_MAX(SIZE_MAX / 2),
			.reports = json_array() };
	int status = make_files(runs, count, err);
	/* what was read is good, whatever became of the rest */
	if (maker_save(maker, &why) < 0 && status == 0)
		status = err_set(err, why.kind, "%s", why.text);
	if (status == 0)
		status = write_files(runs, count, settings->in_place || settings->yaml_file, err);
	runs_clear(runs, count);
	return status;
}

static int run(void *given, struct err *err)
{
	struct policy *settings = given;
	struct class_table *table = NULL;
	struct maker *maker = NULL;
	int status = check_use(settings, err);

	if (status == 0)
		status = class_table_new(NULL, &table, err);
	if (status == 0)
		status = maker_open(&settings->maker, &maker, err);
	if (status == 0)
		status = run_all(settings, maker, table, err);
	maker_free(maker);
	class_table_free(table);
	return status;
}

static const struct opt options[] = {
	MAKER_OPTIONS(struct policy, maker),
	OPT_TEXT(struct policy, yaml_file, "yaml-file", 'y', "FILE",
			"the manifest, which gets the annotations; all of its pods are taken"),
	OPT_ENUM(struct policy, form, "output", 'o', "FORM",
			"what to write: the manifest with annotations, policy, annotation, document or a "
			"report",
			form_words),
	OPT_FLAG(struct policy, raw, "raw-out", 'r', "the same as --output policy"),
	OPT_FLAG(struct policy, base64, "base64-out", 'b', "the same as --output annotation"),
	OPT_FLAG(struct policy, in_place, "in-place", 'i', "change the files instead of printing"),
	OPT_FLAG(struct policy, all, "all", 0, "take pods of every runtime class, and of none"),
	OPT_LIST(struct policy, classes, "runtime-class-names", 0, "PREFIX",
			"take the pods of runtime classes that begin so; may be repeated"),
	OPT_FLAG(struct policy, containerd, "containerd-socket-path", 'd',
			"not needed: refused with the reason"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct policy, files, "FILE", 0, 1000,
			"manifests, YAML or JSON; standard input without any"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "what the cluster injects for a workload, and its digests for the key broker",
			"initdata-gen policy --profile profile.yaml -o toml deployment.yaml >initdata.toml" },
	{ "into a manifest, with a ConfigMap that env values come from",
			"initdata-gen policy --config-file settings.yaml --in-place deployment.yaml" },
	{ "with a command that may be executed, and logs",
			"initdata-gen policy --allow 'exec=/bin/healthcheck -q' --allow logs pod.yaml" },
	{ "offline, from what an earlier run has read",
			"initdata-gen policy --layers-cache-file-path images.lock --offline pod.yaml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb policy_verb = {
	.name = "policy",
	.summary = "makes agent policies from manifests, and puts them into init-data",
	.description = "Computes what the host may ask of the guest's agent for each pod: which containers "
		       "with which "
		       "image, command, environment, user and mounts, and nothing else. The policy becomes "
		       "the entry "
		       "policy.rego of the pod's init-data, whose digest the hardware attests; digests are "
		       "printed on "
		       "standard error.\n\n"
		       "Of images the manifest and the config are read, no layers. Options of genpolicy keep "
		       "their names "
		       "and meaning. Workloads are Pods, Deployments, StatefulSets, DaemonSets, ReplicaSets, "
		       "ReplicationControllers, Jobs and CronJobs, also in Lists; other objects pass through "
		       "as they "
		       "are.\n\n"
		       "Values of ConfigMaps are pinned; those of Secrets are not, unless they are sealed, "
		       "as a policy is "
		       "public: the host may choose them, and a warning says so.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct policy),
	.defaults = &(struct policy){ .maker = { .platform = "linux/amd64" } },
	.run = run,
};
