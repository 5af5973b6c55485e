/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of reviews with images share: a pod, and a registry of which a test says what is known. */
#ifndef COCOON_TESTS_WEBHOOK_REVIEW_SCENE_H
#define COCOON_TESTS_WEBHOOK_REVIEW_SCENE_H

#include "base/b64.h"
#include "tests/webhook/asks.h"
#include "webhook/review.h"

#define APP    "registry.example/shop/app:1"
#define OTHER  "registry.example/shop/app:2"
#define POLICY "- {metadata: {name: shop}, spec: {encryption: {}}}"
#define TEAM                                                                                         \
	"- {metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, initData: " \
	"{kbs: {url: 'https://kbs.example:8080'}}}}"
#define POD(class, labels, image)                                            \
	"{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {" labels \
	"}}, spec: {runtimeClassName: " class ", containers: [{name: a, image: '" image "'}]}}"

/* What is known of all images. */
struct scene {
	struct catalog *catalog;
	struct policy_set *policies;
	struct image_facts *facts; /* NULL: nothing yet */
	unsigned asked;
	/* of the last review */
	struct review_result result;
	json_t *said;
};

static inline enum gate_found scene_find(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	struct scene *scene = ctx;

	(void)why;
	assert_string_equal(want->name.host, "registry.example");
	scene->asked++;
	if (!scene->facts)
		return GATE_PENDING;
	*facts = image_facts_ref(scene->facts);
	return GATE_FOUND;
}

static inline void scene_open(
		struct scene *scene, const char *settings, const char *profiles, const char *policies)
{
	*scene = (struct scene){ .catalog = catalog_of(settings, profiles),
		.policies = policies_of(NULL, policies) };
}

static inline void scene_close(struct scene *scene)
{
	if (scene->said)
		review_result_clear(&scene->result);
	catalog_unref(scene->catalog);
	policy_set_unref(scene->policies);
	image_facts_unref(scene->facts);
	json_decref(scene->said);
}

static inline void knows(struct scene *scene, bool encrypted)
{
	image_facts_unref(scene->facts);
	scene->facts = facts_of(encrypted, 0);
}

/* NULL while facts are pending. */
static inline const json_t *reviewed(struct scene *scene, const struct ask *ask)
{
	const struct review_env env = { .catalog = scene->catalog,
		.policies = scene->policies,
		.controller_user = CONTROLLER,
		.ctx = scene,
		.find = scene_find };
	auto_free char *text = review_text(ask);
	struct buf out = BUF_MAX(1 << 20);
	auto_json json_t *all = NULL;

	if (scene->said)
		review_result_clear(&scene->result);
	scene->asked = 0;
	review(&env, ask->path, span_of(text), &scene->result, &out);
	assert_int_equal(scene->result.status, 200);
	json_decref(scene->said);
	scene->said = json_object();
	if (!scene->result.pending) {
		assert_int_equal(json_read(buf_span(&out), 1 << 20, &all, NULL), 0);
		json_object_update(scene->said, json_object_get(all, "response"));
	} else {
		assert_int_equal(out.len, 0);
	}
	buf_clear(&out);
	return scene->said;
}

static inline bool admits(struct scene *scene, const struct ask *ask)
{
	return json_is_true(json_object_get(reviewed(scene, ask), "allowed"));
}

static inline const char *message(const struct scene *scene)
{
	return json_text_at(scene->said, "status", "message", NULL);
}

/* The pod after the mutation. */
static inline json_t *mutated(struct scene *scene, const json_t *pod)
{
	const char *patch =
			json_text_at(reviewed(scene, &(struct ask){ .path = REVIEW_MUTATE, .object = pod }),
					"patch", NULL);
	struct buf text = BUF_MAX(1 << 20);
	auto_json json_t *operations = NULL;

	if (!patch)
		return json_deep_copy(pod);
	assert_int_equal(b64_decode(span_of(patch), &text, NULL), 0);
	assert_int_equal(json_read(buf_span(&text), 1 << 20, &operations, NULL), 0);
	buf_clear(&text);
	json_t *after = patched(pod, operations);
	assert_non_null(after);
	return after;
}

#endif
