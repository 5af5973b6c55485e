/* SPDX-License-Identifier: Apache-2.0 */
/* policy-check manifests: would these pods be admitted? */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "pod/manifest.h"
#include "profile/class.h"
#include "webhook/check/judge.h"
#include "webhook/check/sources.h"
#include "webhook/check/verbs.h"

#include <string.h>

struct manifests {
	struct judge_options judge;
	struct opt_list classes;
	const char *namespace;
	struct opt_rest files;
};

/* All files are read before any is judged: a namespace may stand in another one than its pods. */
struct round {
	const struct manifests *settings;
	struct class_table *table;
	struct engine *engine;
	struct manifest *manifests; /* one a file */
	size_t count;
	json_t *documents; /* of all of them */
	size_t judged;
};

static bool is_confidential(const struct round *round, const char *class)
{
	return class_is_confidential(
			round->table, round->settings->classes.items, round->settings->classes.count, class);
}

/* "spec.template" of the steps to a template; "" of a pod, also of one in a List. */
static void path_of(const struct place *place, struct buf *out)
{
	for (size_t i = 0; i < place->depth; i++) {
		const char *key = place->steps[i].key;
		if (!key || !strcmp(key, "items"))
			continue;
		buf_printf(out, "%s%s", out->len ? "." : "", key);
	}
}

static void judge_place(struct round *round, const char *file, const struct place *place)
{
	auto_buf struct buf path = BUF_MAX(1024);
	struct pod_view pod = place->pod;

	if (!is_confidential(round, pod.runtime_class))
		return;
	if (!*pod.namespace)
		pod.namespace = round->settings->namespace;
	path_of(place, &path);
	auto_json json_t *labels = source_namespace(round->documents, pod.namespace);
	round->judged++;
	engine_judge(round->engine, file, place->label, &pod, buf_text(&path), labels);
}

static int read_file(struct round *round, const char *file, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(SOURCE_MAX);
	struct manifest *manifest = &round->manifests[round->count];

	if (source_text(file, &text, err) < 0)
		return -1;
	if (manifest_read(buf_span(&text), manifest, err) < 0)
		return err_wrap(err, "'%s'", file);
	round->count++;
	json_array_extend(round->documents, manifest->documents);
	return 0;
}

static int judge_all(struct round *round, struct err *err)
{
	const struct opt_rest *files = &round->settings->files;

	round->manifests = xcalloc(files->count, sizeof(*round->manifests));
	for (size_t i = 0; i < files->count; i++)
		if (read_file(round, files->items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < files->count; i++)
		for (size_t place = 0; place < round->manifests[i].count; place++)
			judge_place(round, files->items[i], &round->manifests[i].places[place]);
	/* a check that looked at nothing must not look like one that found nothing */
	if (!round->judged)
		return err_set(err, ERR_USAGE,
				"no file holds a pod of a confidential RuntimeClass: name yours by "
				"--runtime-class");
	return 0;
}

static void round_clear(struct round *round)
{
	for (size_t i = 0; i < round->count; i++)
		manifest_clear(&round->manifests[i]);
	free(round->manifests);
	json_decref(round->documents);
	class_table_free(round->table);
}

static int run(void *given, struct err *err)
{
	const struct manifests *settings = given;
	auto_engine struct engine engine = { .options = NULL };
	struct round round = { .settings = settings, .engine = &engine, .documents = json_array() };
	int result = -1;

	if (engine_open(&settings->judge, &settings->files, &engine, err) == 0 &&
			class_table_new(NULL, &round.table, err) == 0 && judge_all(&round, err) == 0)
		result = engine_report(&engine, err);
	round_clear(&round);
	return result;
}

static const struct opt options[] = {
	JUDGE_OPTIONS(struct manifests),
	OPT_LIST(struct manifests, classes, "runtime-class", 0, "GLOB",
			"a RuntimeClass that is confidential, beside those of Kata; may be repeated"),
	OPT_TEXT(struct manifests, namespace, "namespace", 'n', "NAME", "of objects that do not say theirs"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct manifests, files, "FILE", 1, 1000, "manifests, YAML or JSON; - is standard input"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "in CI, before anything is applied",
			"policy-check manifests --policy policies.yaml deploy/*.yaml" },
	{ "what Helm would apply, without a registry",
			"helm template web ./chart |\n"
			"    policy-check manifests -p policies.yaml --layout oci:./images -" },
	OPT_EXAMPLE_END,
};

const struct opt_verb manifests_verb = {
	.name = "manifests",
	.summary = "says whether the pods of manifests would be admitted",
	.description = "Pods and pod templates of confidential RuntimeClasses are judged as the webhook "
		       "would judge the pods, with all reasons. Namespaces among all files give the labels "
		       "that "
		       "policies select by.\n\n"
		       "Images are looked up in the layouts named, then in their registries, with the "
		       "credentials of docker and podman. A verdict that cannot be reached counts as the "
		       "policy's "
		       "onUnknown says.\n\n"
		       "Exits with 0 when every pod would be admitted, with 1 when one would not, or when "
		       "something failed.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct manifests),
	.defaults = &(struct manifests){ .namespace = "default" },
	.run = run,
};
