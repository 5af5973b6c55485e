/* SPDX-License-Identifier: Apache-2.0 */
/* policy-check image: would a pod with this image be admitted? */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "pod/view.h"
#include "webhook/check/judge.h"
#include "webhook/check/sources.h"
#include "webhook/check/verbs.h"

struct image {
	struct judge_options judge;
	const char *class;
	const char *namespace;
	struct opt_rest names;
};

static int judge_image_named(
		const struct image *settings, struct engine *engine, const char *name, struct err *err)
{
	auto_json json_t *pod = json_pack("{s:{s:s},s:{s:s,s:[{s:s,s:s}]}}", "metadata", "name", "image",
			"spec", "runtimeClassName", settings->class, "containers", "name", "image", "image",
			name);
	auto_json json_t *labels = source_namespace(NULL, settings->namespace);
	struct pod_view view;

	if (!pod)
		return err_set(err, ERR_USAGE, "the name of an image, or a word beside it, is no UTF-8");
	if (pod_view_read(pod, settings->namespace, &view, err) < 0)
		return -1;
	engine_judge(engine, "command line", name, &view, "", labels);
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct image *settings = given;
	auto_engine struct engine engine = { .options = NULL };

	if (engine_open(&settings->judge, NULL, &engine, err) < 0)
		return -1;
	for (size_t i = 0; i < settings->names.count; i++)
		if (judge_image_named(settings, &engine, settings->names.items[i], err) < 0)
			return -1;
	return engine_report(&engine, err);
}

static const struct opt options[] = {
	JUDGE_OPTIONS(struct image),
	OPT_TEXT(struct image, class, "runtime-class", 0, "NAME", "of the pod"),
	OPT_TEXT(struct image, namespace, "namespace", 'n', "NAME", "of the pod"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct image, names, "NAME", 1, 1000, "an image as pods name it"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "after the push", "policy-check image --policy policies.yaml registry.example/shop/app:1.2" },
	OPT_EXAMPLE_END,
};

const struct opt_verb image_verb = {
	.name = "image",
	.summary = "says whether a pod with this image would be admitted",
	.description = "Judges a pod of one container with the image, and of no labels, as 'policy-check "
		       "manifests' does.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct image),
	.defaults = &(struct image){ .class = "kata-cc", .namespace = "default" },
	.run = run,
};
