/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/maker.h"

#include "agentpolicy/policy.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata-gen/imagebook.h"
#include "initdata-gen/maker_own.h"
#include "initdata-gen/text.h"
#include "initdata/carrier.h"
#include "pod/view.h"
#include "profile/prepare.h"

#include <string.h>

void made_init(struct made *made)
{
	*made = (struct made){ .policy = BUF_MAX(AGENT_POLICY_MAX), .document = BUF_MAX(INITDATA_TEXT_MAX) };
	initdata_init(&made->parsed);
}

void made_clear(struct made *made)
{
	buf_clear(&made->policy);
	buf_clear(&made->document);
	initdata_clear(&made->parsed);
	json_decref(made->images);
	agent_notes_clear(&made->notes);
}

/* ---- the maker ---- */

int maker_open(const struct maker_options *options, struct maker **out, struct err *err)
{
	struct maker *maker = xcalloc(1, sizeof(*maker));

	*maker = (struct maker){ .options = options,
		.objects = json_array(),
		.rules = BUF_MAX(AGENT_POLICY_MAX),
		.settings = BUF_MAX(AGENT_SETTINGS_MAX) };
	*out = maker;
	if (maker_read_inputs(maker, err) < 0)
		return -1;
	return imagebook_open(options, &maker->images, err);
}

void maker_free(struct maker *maker)
{
	if (!maker)
		return;
	imagebook_free(maker->images);
	agent_options_clear(&maker->wanted);
	profile_unref(maker->profile);
	json_decref(maker->objects);
	json_decref(maker->base);
	buf_clear(&maker->rules);
	buf_clear(&maker->settings);
	for (size_t i = 0; i < maker->patch_count; i++) {
		buf_clear(&maker->patches[i]);
		free(maker->patch_names[i]);
	}
	free(maker->patches);
	free(maker->patch_names);
	free(maker->spans);
	free(maker);
}

int maker_save(struct maker *maker, struct err *err)
{
	return imagebook_save(maker->images, err);
}

void maker_know(struct maker *maker, const json_t *documents)
{
	const json_t *document;
	size_t i;

	json_array_foreach (documents, i, document) {
		const char *kind = json_text_at(document, "kind", NULL);
		const json_t *items = json_object_get(document, "items");

		if (json_is_array(items))
			maker_know(maker, items);
		if (kind && (!strcmp(kind, "ConfigMap") || !strcmp(kind, "Secret")))
			json_array_append(maker->objects, (json_t *)(uintptr_t)document);
	}
}

/* ---- one workload ---- */

/* The images of a workload, in its order: the caller's array. */
static struct agent_image *lend_images(
		struct maker *maker, const struct agent_workload *workload, struct err *err)
{
	struct agent_image *out;

	if (imagebook_read(maker->images, workload->images, workload->image_count, err) < 0)
		return NULL;
	out = xcalloc(workload->image_count + 1, sizeof(*out));
	for (size_t i = 0; i < workload->image_count; i++) {
		if (maker->options->resolve_users &&
				imagebook_read_users(maker->images, workload->images[i], err) < 0) {
			free(out);
			return NULL;
		}
		imagebook_lend(maker->images, workload->images[i], &out[i]);
	}
	return out;
}

static int generate(struct maker *maker, const struct agent_workload *workload, struct made *made,
		struct err *err)
{
	auto_free struct agent_image *images = lend_images(maker, workload, err);
	if (!images)
		return -1;
	const struct preparing preparing = { .options = &maker->wanted,
		.workload = workload,
		.images = images,
		.objects = maker->objects,
		.settings = &maker->source,
		.rules = buf_span(&maker->rules) };
	made->images = prepare_images(images, workload->image_count);
	return prepare_policy(&preparing, &made->policy, &made->notes, err);
}

/* ---- the document ---- */

/* The entries that the policy is put beside: those of a document given, else those of the pod's own. */
static int base_entries(const struct maker *maker, const struct pod_view *pod, json_t **data,
		enum digest_alg *alg, bool *merged, struct err *err)
{
	const char *value = pod_annotation(pod, INITDATA_ANNOTATION);
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	auto_initdata struct initdata doc;

	*alg = maker->alg;
	if (maker->base || !value || !*value) {
		*data = maker->base ? json_copy(maker->base) : json_object();
		return 0;
	}
	initdata_init(&doc);
	if (initdata_annotation_parse(span_of(value), &text, err) < 0 ||
			initdata_parse(buf_span(&text), &doc, err) < 0) {
		err_wrap(err, "the pod's init-data, which the policy would be put into");
		return -1;
	}
	*data = json_copy(doc.data);
	*alg = doc.alg;
	*merged = true;
	return 0;
}

/* As the controller and the webhook do it: through the object that stands in the cluster between them. */
static int compose_profile(struct maker *maker, const struct agent_workload *workload, struct made *made,
		struct err *err)
{
	auto_json json_t *object = NULL;
	auto_profile struct profile *derived = NULL;

	if (prepare_object(maker->profile, workload, buf_span(&made->policy), made->images, &object, &derived,
			    err) < 0)
		return -1;
	buf_add_span(&made->document, buf_span(&derived->document));
	return 0;
}

static int compose(struct maker *maker, const struct agent_workload *workload, const struct pod_view *pod,
		struct made *made, struct err *err)
{
	auto_json json_t *data = NULL;
	enum digest_alg alg;

	if (maker->profile)
		return compose_profile(maker, workload, made, err);
	if (base_entries(maker, pod, &data, &alg, &made->merged, err) < 0)
		return -1;
	json_object_set_new(data, INITDATA_POLICY, json_stringn(buf_text(&made->policy), made->policy.len));
	return initdata_render(alg, data, &made->document, err);
}

int maker_make(struct maker *maker, const json_t *workload, const struct pod_view *pod, struct made *out,
		struct err *err)
{
	auto_agent_workload struct agent_workload read = AGENT_WORKLOAD_NONE;
	const struct agent_reading reading = { .options = &maker->wanted,
		.namespace = maker->options->namespace,
		.lenient = maker->options->lenient };

	if (agent_workload_read(workload, &reading, &read, &out->notes, err) < 0)
		return -1;
	if (!*read.namespace)
		agent_note(&out->notes, AGENT_WARNING, "metadata.namespace",
				"is not stated: the policy takes the one that the host names first, and is "
				"not what "
				"a cluster makes for these pods; write it, or say it by --namespace");
	if (generate(maker, &read, out, err) < 0 || compose(maker, &read, pod, out, err) < 0)
		return -1;
	agent_rules_hash(agent_policy_rules(buf_span(&out->policy)), out->rules_sha256);
	return initdata_parse(buf_span(&out->document), &out->parsed, err);
}
