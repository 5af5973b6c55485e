/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the gate share: policies as YAML, and a registry in which an image's repository says what is known of it:
 *
 *     …plain…   one layer, not encrypted         …slow…   on its way
 *     …down…    cannot be known                  else     one layer, encrypted to kbs:///default/key/app
 *
 * Each has one digest, whatever its tag, unless the name has its own.
 */
#ifndef COCOON_TESTS_POLICY_GATE_SCENE_H
#define COCOON_TESTS_POLICY_GATE_SCENE_H

#include "policy/gate.h"
#include "tests/profile/scene.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* ---- policies ---- */

/* A list of {name, spec}; `unmatched` is Deny, Warn or Allow. */
static inline struct policy_set *set_of(const char *unmatched, const char *policies)
{
	auto_json json_t *settings = yamlf("{unmatchedImages: %s}", unmatched);
	auto_json json_t *list = yaml(policies);
	struct policy_set *set = NULL;
	struct err err = ERR_NONE;
	size_t i;
	json_t *item;

	if (policy_set_new(settings, &set, &err) < 0)
		fail_msg("%s", err.text);
	json_array_foreach (list, i, item) {
		auto_image_policy struct image_policy *policy = NULL;
		auto_json json_t *resource = json_pack("{s:s, s:s, s:{s:O}, s:O}", "apiVersion",
				"cocoon.dev/v1alpha1", "kind", IMAGEPOLICY_KIND, "metadata", "name",
				json_object_get(item, "name"), "spec", json_object_get(item, "spec"));
		if (image_policy_compile(resource, &policy, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(policy_set_add(set, policy, &err), 0);
	}
	return set;
}

/* ---- the registry ---- */

struct registry_scene {
	size_t asked;
	bool arrived; /* what was slow */
	/* of the last want */
	char name[OCI_NAME_MAX];
	unsigned looks;
	char *words; /* "namespace account secret,secret lookaside,lookaside host" */
};

static inline void registry_scene_clear(struct registry_scene *scene)
{
	free(scene->words);
}
#define auto_registry_scene __attribute__((cleanup(registry_scene_clear)))

static inline struct image_facts *facts_of(const struct oci_name *name)
{
	bool plain = strstr(name->repository, "plain") != NULL;
	const char *digest = name->digest[0] ? name->digest : plain ? DIGEST_B : DIGEST_A;
	const struct image_recipient recipient = { .scheme = "provider.attestation-agent",
		.key = "kbs:///default/key/app",
		.guests = { true, true } };
	const struct image_layer layer = {
		.digest = DIGEST_C,
		.media_type = plain ? "application/vnd.oci.image.layer.v1.tar+gzip"
				    : "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
		.size = 1000,
		.encrypted = !plain,
		.recipients = &recipient,
		.recipient_count = !plain,
	};
	const struct image_platform platform = { .digest = digest,
		.name = "linux/amd64",
		.config = DIGEST_C,
		.layers = &layer,
		.layer_count = 1 };
	const struct image_facts draft = {
		.host = name->host,
		.repository = name->repository,
		.digest = digest,
		.platforms = &platform,
		.platform_count = 1,
		.looked = IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS | IMAGE_LOOKED_SIMPLE,
		.fetched = plain ? 1000 : 2000,
	};

	return image_facts_new(&draft);
}

static inline char *joined(const char *const *texts, size_t count)
{
	struct buf all = BUF_MAX(4096);

	for (size_t i = 0; i < count; i++)
		buf_printf(&all, "%s%s", i ? "," : "", texts[i]);
	return buf_take(&all);
}

static inline enum gate_found find_in_scene(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	struct registry_scene *scene = ctx;
	auto_free char *secrets = joined(want->pull_secrets, want->pull_secret_count);
	auto_free char *lookasides = joined(want->lookasides, want->lookaside_count);

	scene->asked++;
	scene->looks = want->looks;
	oci_name_format(&want->name, scene->name);
	free(scene->words);
	scene->words = xasprintf("%s %s %s %s %s", want->namespace, want->service_account, secrets,
			lookasides, want->registry ? want->registry->host : "-");
	if (strstr(want->name.repository, "slow") && !scene->arrived)
		return GATE_PENDING;
	if (strstr(want->name.repository, "down")) {
		err_set(why, ERR_IO, "registry.example: manifest: HTTP 503");
		return GATE_FAILED;
	}
	*facts = facts_of(&want->name);
	return GATE_FOUND;
}

/* ---- asking ---- */

struct question {
	const struct policy_set *set;
	const char *template; /* its place; NULL: a pod */
	const json_t *before;
	const json_t *namespace_labels;
	const char *document;
	bool unseen;
	struct registry_scene *scene;
	bool mutate;
	json_t *patch;
};

/* `result` is initialised here, and cleared by the caller. */
static inline void ask(const struct question *question, const json_t *pod, struct gate_result *result)
{
	struct registry_scene own = { .asked = 0 };
	struct pod_view view = view_of(pod), before;
	struct gate_review review = {
		.set = question->set,
		.kind = question->template ? GATE_TEMPLATE : GATE_POD,
		.unseen = question->unseen,
		.path = question->template ? question->template : "",
		.pod = &view,
		.namespace_labels = question->namespace_labels,
		.document = span_of(question->document),
		.now = 1700000000,
		.ctx = question->scene ? question->scene : &own,
		.find = find_in_scene,
	};

	if (question->before) {
		before = view_of(question->before);
		review.before = &before;
	}
	gate_result_init(result);
	if (question->mutate)
		gate_mutate(&review, question->patch, result);
	else
		gate_judge(&review, result);
	registry_scene_clear(&own);
}

/* The message of a refusal, "" when it is allowed; the pod as YAML. */
static inline const char *verdict(const struct policy_set *set, const char *pod, struct gate_result *result)
{
	const struct question question = { .set = set };
	/* the lines borrow nothing from the pod */
	auto_json json_t *object = yaml(pod);

	ask(&question, object, result);
	assert_false(result->pending);
	assert_true(result->allowed == !result->message.len);
	return buf_text(&result->message);
}

/* The pod after gate_mutate(), which must apply, and must leave nothing to do a second time. */
static inline json_t *mutated(const struct question *question, const json_t *pod)
{
	auto_json json_t *patch = json_array();
	auto_json json_t *again = json_array();
	auto_gate_result struct gate_result result, second;
	struct question asked = *question;

	asked.mutate = true;
	asked.patch = patch;
	ask(&asked, pod, &result);
	assert_true(result.allowed);
	json_t *after = patched(pod, patch);
	assert_non_null(after);
	asked.patch = again;
	ask(&asked, after, &second);
	assert_int_equal(json_array_size(again), 0);
	return after;
}

static inline size_t lines_in(const char *text)
{
	size_t count = text[0] != '\0';

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* "policy verdict path image", a line each */
static inline char *lines_text(const struct gate_result *result)
{
	struct buf all = BUF_MAX(1 << 20);

	for (size_t i = 0; i < result->line_count; i++)
		buf_printf(&all, "%s %s %s %s\n", result->lines[i].policy,
				gate_verdict_name(result->lines[i].verdict), result->lines[i].path,
				result->lines[i].image);
	return buf_take(&all);
}

#define POD(spec) "{metadata: {name: web}, spec: {runtimeClassName: snp, " spec "}}"
#define ENCRYPTED \
	"- {name: shop, spec: {match: {images: ['registry.example/**']}, encryption: {layers: All}}}\n"
#define CONTAINER(image) "{name: c, image: '" image "'}"

#endif
