/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/maker.h"

#include "agentpolicy/generate.h"
#include "agentpolicy/policy.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata-gen/images.h"
#include "initdata-gen/maker_own.h"
#include "initdata-gen/text.h"
#include "initdata/carrier.h"
#include "pod/view.h"
#include "profile/prepared.h"

#include <assert.h>
#include <string.h>

const char *const maker_algorithms[] = { "sha256", "sha384", "sha512", NULL };

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
	return images_open(options, &maker->images, err);
}

void maker_free(struct maker *maker)
{
	if (!maker)
		return;
	images_free(maker->images);
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
	free(maker);
}

int maker_save(struct maker *maker, struct err *err)
{
	return images_save(maker->images, err);
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

static int read_settings(struct maker *maker, const char *class, struct agent_settings *out,
		struct agent_notes *notes, struct err *err)
{
	struct span *patches = xcalloc(maker->patch_count + 1, sizeof(*patches));
	struct agent_settings_source source = { .file = buf_span(&maker->settings),
		.patches = patches,
		.names = (const char *const *)maker->patch_names,
		.patch_count = maker->patch_count };

	for (size_t i = 0; i < maker->patch_count; i++)
		patches[i] = buf_span(&maker->patches[i]);
	int status = agent_settings_read(&source, &maker->wanted, class, out, notes, err);
	free(patches);
	if (status < 0 && maker->options->settings)
		return err_wrap(err, "--json-settings-path '%s'", maker->options->settings);
	return status;
}

/* The images of a workload, in its order: the caller's array. */
static struct agent_image *lend_images(
		struct maker *maker, const struct agent_workload *workload, struct err *err)
{
	struct agent_image *out;

	if (images_read(maker->images, workload->images, workload->image_count, err) < 0)
		return NULL;
	out = xcalloc(workload->image_count + 1, sizeof(*out));
	for (size_t i = 0; i < workload->image_count; i++) {
		if (maker->options->resolve_users &&
				images_read_users(maker->images, workload->images[i], err) < 0) {
			free(out);
			return NULL;
		}
		images_lend(maker->images, workload->images[i], &out[i]);
	}
	return out;
}

static json_t *list_images(const struct agent_image *images, size_t count)
{
	json_t *out = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(out,
				json_pack("{s:s,s:s}", "name", images[i].name, "digest", images[i].digest));
	return out;
}

static int generate(struct maker *maker, const struct agent_workload *workload, struct made *made,
		struct err *err)
{
	auto_agent_settings struct agent_settings settings = AGENT_SETTINGS_NONE;
	auto_json json_t *data = NULL;

	if (read_settings(maker, workload->runtime_class, &settings, &made->notes, err) < 0)
		return -1;
	auto_free struct agent_image *images = lend_images(maker, workload, err);
	if (!images)
		return -1;
	const struct agent_inputs inputs = { .workload = workload,
		.options = &maker->wanted,
		.settings = &settings,
		.images = images,
		.objects = maker->objects };
	if (agent_generate(&inputs, &data, &made->notes, err) < 0)
		return -1;
	made->images = list_images(images, workload->image_count);
	return agent_policy_format(buf_span(&maker->rules), data, &made->policy, err);
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
			initdata_parse(buf_span(&text), &doc, err) < 0)
		return err_wrap(err, "the pod's init-data, which the policy would be put into");
	*data = json_copy(doc.data);
	*alg = doc.alg;
	*merged = true;
	return 0;
}

static int derive(struct maker *maker, const json_t *object, struct profile **out, struct err *err)
{
	struct prepared *prepared = NULL;

	if (prepared_read(object, &prepared, err) < 0)
		return -1;
	assert(prepared);
	int status = profile_with_policy(maker->profile, prepared, out, err);
	prepared_unref(prepared);
	return status;
}

/* As the controller and the webhook do it: through the object that stands in the cluster between them. */
static int compose_profile(struct maker *maker, const struct agent_workload *workload, struct made *made,
		struct err *err)
{
	auto_json json_t *object = NULL;
	auto_profile struct profile *derived = NULL;
	char key[AGENT_KEY_LEN + 1];

	agent_key(workload, &maker->wanted, key);
	if (prepared_object(maker->profile, workload, key, buf_span(&made->policy), made->images, &object,
			    err) < 0 ||
			derive(maker, object, &derived, err) < 0)
		return -1;
	assert(derived);
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
	struct span rules;
	auto_json json_t *data = NULL;

	if (agent_workload_read(workload, &reading, &read, &out->notes, err) < 0)
		return -1;
	if (!*read.namespace)
		agent_note(&out->notes, AGENT_WARNING, "metadata.namespace",
				"is not stated: the policy takes the one that the host names first, and is "
				"not what "
				"a cluster makes for these pods; write it, or say it by --namespace");
	if (generate(maker, &read, out, err) < 0 || compose(maker, &read, pod, out, err) < 0 ||
			agent_policy_split(buf_span(&out->policy), &rules, &data, err) < 0)
		return -1;
	agent_rules_hash(rules, out->rules_sha256);
	return initdata_parse(buf_span(&out->document), &out->parsed, err);
}
