/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog that fuzz_review asks, and the asking. */
#ifndef COCOON_FUZZ_REVIEW_SCENE_H
#define COCOON_FUZZ_REVIEW_SCENE_H

#include "base/b64.h"
#include "base/err.h"
#include "codec/yaml.h"
#include "initdata/budget.h"
#include "kube/admission.h"
#include "tests/profile/patched.h"
#include "webhook/review.h"

static inline json_t *review_yaml(const char *text)
{
	json_t *value = NULL;

	if (yaml_read_one(span_of(text), 65536, &value, NULL) < 0)
		abort();
	return value;
}

/* Class "snp" has a profile in Enforce, "warn" one in Warn, "author" one whose pods bring their own; "other" has none. */
static inline struct catalog *review_catalog(void)
{
	static const char *const profiles[] = {
		"{metadata: {name: team}, spec: {runtimeClasses: [snp], namespaceSelector: {}, kernelParams: "
		"[a=1],"
		" allowedKernelParams: [b], annotations: {io.katacontainers.config.hypervisor.default_vcpus: "
		"'2'},"
		" initData: {logLevel: info}}}",
		"{metadata: {name: soft}, spec: {runtimeClasses: [warn], namespaceSelector: {}, mode: Warn, "
		"onConflict:"
		" Keep, initData: {logLevel: info}}}",
		"{metadata: {name: own}, spec: {runtimeClasses: [author], namespaceSelector: {}, mode: "
		"Audit, initData:"
		" {source: Author}}}",
	};
	static const char *const classes[] = { "snp", "warn", "author", "other" };
	const struct profile_env env = { 0 };
	struct catalog *catalog = NULL;

	if (catalog_new(NULL, &catalog, NULL) < 0)
		abort();
	for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		auto_json json_t *class = json_pack(
				"{s:{s:s}, s:s}", "metadata", "name", classes[i], "handler", "kata-qemu-snp");
		catalog_add_class(catalog, class);
	}
	for (unsigned i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		auto_json json_t *resource = review_yaml(profiles[i]);
		auto_profile struct profile *profile = NULL;
		if (profile_compile(resource, &env, &profile, NULL) < 0 || profile->broken ||
				catalog_add_profile(catalog, profile, NULL) < 0)
			abort();
	}
	return catalog;
}

/* One that judges every image and refuses none, whatever is found. */
static inline struct policy_set *review_policies(void)
{
	auto_json json_t *resource =
			review_yaml("{metadata: {name: all}, spec: {mode: Warn, onUnknown: Warn, templates: "
				    "Enforce, digest: {pin: KeepTag}, encryption: {}}}");
	auto_image_policy struct image_policy *policy = NULL;
	struct policy_set *set = NULL;

	if (policy_set_new(NULL, &set, NULL) < 0 || image_policy_compile(resource, &policy, NULL) < 0 ||
			policy_set_add(set, policy, NULL) < 0)
		abort();
	return set;
}

/* A registry that has one plain image under every name, but at its own host. */
static inline enum gate_found review_find(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	const struct image_platform platform = { .digest = "", .name = "linux/amd64", .config = "" };
	const struct image_facts draft = { .host = want->name.host,
		.repository = want->name.repository,
		.digest = want->name.digest[0]
				? want->name.digest
				: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.platforms = &platform,
		.platform_count = 1 };

	(void)ctx;
	if (!strcmp(want->name.host, "docker.io")) {
		err_set(why, ERR_RETRY, "nobody is there");
		return GATE_FAILED;
	}
	*facts = image_facts_new(&draft);
	return GATE_FOUND;
}

/* The response, which names the review's own uid; NULL when the bytes are no review. */
static inline json_t *review_said(const struct catalog *catalog, enum review_path path, struct span body)
{
	static struct policy_set *set;
	if (!set)
		set = review_policies();
	const struct review_env env = {
		.catalog = catalog, .policies = set, .controller_user = "controller", .find = review_find
	};
	auto_review_result struct review_result result;
	auto_buf struct buf out = BUF_MAX(64 << 20);
	auto_json json_t *asked = NULL;
	auto_json json_t *answer = NULL;

	review(&env, path, body, &result, &out);
	assert(result.status == 200 || result.status == 400);
	if (result.status == 400)
		return NULL;
	assert(json_read(body, ADMISSION_MAX, &asked, NULL) == 0);
	assert(json_read(buf_span(&out), 64 << 20, &answer, NULL) == 0);
	assert(!strcmp(json_text_at(answer, "response", "uid", NULL),
			json_text_at(asked, "request", "uid", NULL)));
	return json_incref(json_object_get(answer, "response"));
}

static inline json_t *review_again(const struct catalog *catalog, enum review_path path, const json_t *asked)
{
	auto_free char *text = json_text(asked, false);
	json_t *said = review_said(catalog, path, span_of(text));

	assert(said);
	return said;
}

/* The patch of a response, or NULL. */
static inline json_t *review_patch(const json_t *said)
{
	const char *text = json_text_at(said, "patch", NULL);
	auto_buf struct buf bytes = BUF_MAX(64 << 20);
	json_t *patch = NULL;

	if (!text)
		return NULL;
	assert(b64_decode(span_of(text), &bytes, NULL) == 0);
	assert(json_read(buf_span(&bytes), 64 << 20, &patch, NULL) == 0);
	return patch;
}

/* More images than are looked at. */
static inline bool review_is_crowded(const json_t *pod)
{
	static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers",
		"volumes" };
	size_t count = 0;

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		count += json_array_size(json_object_get(json_object_get(pod, "spec"), lists[i]));
	return count > GATE_IMAGES_MAX;
}

/* What may be refused: protected annotations, too many of any, a document that the pod should have brought, a class without profile, a crowd. */
static inline bool review_brings_own(const json_t *pod)
{
	json_t *annotations = json_object_get(json_object_get(pod, "metadata"), "annotations");
	const char *class = json_text_at(pod, "spec", "runtimeClassName", NULL);
	const char *key;
	json_t *value;

	json_object_foreach (annotations, key, value) {
		if (pod_annotation_is_protected(key))
			return true;
	}
	return review_is_crowded(pod) || annotations_size(annotations) > ANNOTATIONS_MAX - 65536 ||
			(class && (!strcmp(class, "author") || !strcmp(class, "other")));
}

#endif
