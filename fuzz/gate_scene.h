/* SPDX-License-Identifier: Apache-2.0 */
/* The policies and the registry that fuzz_gate asks: whatever has "plain" in its name is not encrypted, "down" is away. */
#ifndef COCOON_FUZZ_GATE_SCENE_H
#define COCOON_FUZZ_GATE_SCENE_H

#include "base/err.h"
#include "codec/yaml.h"
#include "policy/gate.h"
#include "tests/profile/patched.h"

#define GATE_SCENE_DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static inline struct policy_set *gate_policies(void)
{
	static const char *const specs[] = {
		"{match: {images: ['registry.example/**']}, digest: {pin: Auto}, encryption: {layers: All}, "
		"templates: "
		"Enforce, secrets: {sealed: Deny, plain: Deny}}",
		"{match: {podSelector: {matchLabels: {app: shop}}}, mode: Warn, digest: {require: true, "
		"inAgentPolicy: Deny}}",
		"{match: {images: ['**/audit*']}, mode: Audit, onUnknown: Warn, guest: {parity: Deny}, "
		"templates: Ignore}",
	};
	struct policy_set *set = NULL;

	if (policy_set_new(NULL, &set, NULL) < 0)
		abort();
	for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		auto_image_policy struct image_policy *policy = NULL;
		auto_json json_t *spec = NULL;
		char name[2] = { (char)('a' + i), '\0' };
		if (yaml_read_one(span_of(specs[i]), 65536, &spec, NULL) < 0)
			abort();
		auto_json json_t *resource = json_pack("{s:s, s:s, s:{s:s}, s:O}", "apiVersion",
				"cocoon.dev/v1alpha1", "kind", "ImagePolicy", "metadata", "name", name,
				"spec", spec);
		if (image_policy_compile(resource, &policy, NULL) < 0 ||
				policy_set_add(set, policy, NULL) < 0)
			abort();
	}
	return set;
}

static inline enum gate_found gate_scene_find(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	bool plain = strstr(want->name.repository, "plain") != NULL;
	const struct image_recipient recipient = {
		.scheme = "provider.attestation-agent", .key = "kbs:///a/b/c", .guests = { true, true }
	};
	const struct image_layer layer = { .digest = GATE_SCENE_DIGEST,
		.media_type = "application/vnd.oci.image.layer.v1.tar+encrypted",
		.encrypted = !plain,
		.recipients = &recipient,
		.recipient_count = !plain };
	const struct image_platform platform = { .digest = GATE_SCENE_DIGEST,
		.name = "linux/amd64",
		.config = GATE_SCENE_DIGEST,
		.layers = &layer,
		.layer_count = 1 };
	const struct image_facts draft = { .host = want->name.host,
		.repository = want->name.repository,
		.digest = want->name.digest[0] ? want->name.digest : GATE_SCENE_DIGEST,
		.platforms = &platform,
		.platform_count = 1,
		.looked = want->looks };

	(void)ctx;
	if (strstr(want->name.repository, "down")) {
		err_set(why, ERR_IO, "HTTP 503");
		return GATE_FAILED;
	}
	*facts = image_facts_new(&draft);
	return GATE_FOUND;
}

/* What is allowed was judged: each image of a new pod has its line. */
static inline void gate_has_line(void *ctx, const char *path, const char *image)
{
	const struct gate_result *result = ctx;

	for (size_t i = 0; i < result->line_count; i++)
		if (!strcmp(result->lines[i].image, image))
			return;
	fprintf(stderr, "%s was not judged\n", path);
	abort();
}

/* Judges, and looks at what every result must be. */
static inline void gate_ask(struct gate_review *review, struct gate_result *result)
{
	const char *images;
	size_t i;
	json_t *item;

	gate_judge(review, result);
	assert(!result->pending && result->allowed == !result->message.len && !result->message.over);
	assert(json_array_size(result->warnings) <= GATE_WARNINGS_MAX);
	json_array_foreach (result->warnings, i, item)
		assert(json_string_length(item) <= GATE_WARNING_MAX &&
				!strpbrk(json_string_value(item), "\n\r"));
	images = json_text_at(result->audit, "images", NULL);
	if (images) {
		auto_json json_t *list = NULL;
		assert(json_read(span_of(images), GATE_AUDIT_MAX, &list, NULL) == 0);
	}
}

/* The pod after gate_mutate(), which leaves nothing to do a second time; a new object that *view is of. */
static inline json_t *gate_write(struct gate_review *review, struct pod_view *view)
{
	auto_gate_result struct gate_result result;
	auto_json json_t *patch = json_array();
	auto_json json_t *again = json_array();

	gate_result_init(&result);
	gate_mutate(review, patch, &result);
	assert(result.allowed && !result.pending);
	json_t *after = patched(review->pod->object, patch);
	assert(after && pod_view_read(after, "shop", view, NULL) == 0);
	review->pod = view;
	gate_mutate(review, again, &result);
	assert(!json_array_size(again));
	return after;
}

#endif
