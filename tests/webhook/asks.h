/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the webhook share: reviews as the API server sends them, policies, and images that somebody knows. */
#ifndef COCOON_TESTS_WEBHOOK_ASKS_H
#define COCOON_TESTS_WEBHOOK_ASKS_H

#include "policy/imagepolicy.h"
#include "tests/profile/scene.h"
#include "webhook/review.h"

#define CONTROLLER "system:serviceaccount:cocoon-system:cocoon-controller"

/* One review: what is not given has the value of a pod's creation. */
struct ask {
	enum review_path path;
	const char *operation, *resource, *subresource, *user;
	const json_t *object, *before;
	bool dry_run;
};

static inline json_t *review_of(const struct ask *ask)
{
	const char *slash = ask->resource ? strchr(ask->resource, '/') : NULL;
	auto_free char *group =
			slash ? xmemdup0(ask->resource, (size_t)(slash - ask->resource)) : xstrdup("");
	json_t *request = json_pack("{s:s, s:{s:s,s:s,s:s}, s:{s:s,s:s,s:s}, s:s, s:s, s:{s:s}}", "uid",
			"705ab4f5-6393-11e8-b7cc-42010a800002", "kind", "group", group, "version", "v1",
			"kind", "X", "resource", "group", group, "version", "v1", "resource",
			slash                           ? slash + 1
					: ask->resource ? ask->resource
							: "pods",
			"operation", ask->operation ? ask->operation : "CREATE", "namespace", "shop",
			"userInfo", "username", ask->user ? ask->user : "jane");

	if (ask->subresource)
		json_object_set_new(request, "subResource", json_string(ask->subresource));
	if (ask->object)
		json_object_set_new(request, "object", json_deep_copy(ask->object));
	if (ask->before)
		json_object_set_new(request, "oldObject", json_deep_copy(ask->before));
	json_object_set_new(request, "dryRun", json_boolean(ask->dry_run));
	return json_pack("{s:s, s:s, s:o}", "apiVersion", "admission.k8s.io/v1", "kind", "AdmissionReview",
			"request", request);
}

static inline char *review_text(const struct ask *ask)
{
	auto_json json_t *review = review_of(ask);

	return json_text(review, false);
}

/* `settings` and `policies` (a list of resources) are YAML; NULL for none. */
static inline struct policy_set *policies_of(const char *settings, const char *policies)
{
	auto_json json_t *rules = settings ? yaml(settings) : NULL;
	auto_json json_t *list = policies ? yaml(policies) : NULL;
	struct policy_set *set = NULL;
	struct err err = ERR_NONE;
	size_t i;
	json_t *resource;

	if (policy_set_new(rules, &set, &err) < 0)
		fail_msg("%s", err.text);
	json_array_foreach (list, i, resource) {
		auto_image_policy struct image_policy *policy = NULL;
		if (image_policy_compile(resource, &policy, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(policy_set_add(set, policy, NULL), 0);
	}
	return set;
}

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* An image of one platform with one layer, at registry.example/shop/app; plain when there is no key. */
static inline struct image_facts *facts_made(const char *key, int64_t fetched)
{
	bool encrypted = key != NULL;
	const struct image_recipient recipient = { .scheme = "provider.attestation-agent",
		.key = encrypted ? key : "",
		.guests = { [0 ... PACKET_GUESTS - 1] = true } };
	const struct image_layer layer = { .digest = DIGEST_A,
		.media_type = encrypted ? "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
					: "application/vnd.oci.image.layer.v1.tar+gzip",
		.size = 1000,
		.encrypted = encrypted,
		.recipients = encrypted ? &recipient : NULL,
		.recipient_count = encrypted };
	const struct image_platform platform = { .digest = DIGEST_A,
		.name = "linux/amd64",
		.config = DIGEST_A,
		.layers = &layer,
		.layer_count = 1 };
	const struct image_facts draft = { .host = "registry.example",
		.repository = "shop/app",
		.digest = DIGEST_A,
		.platforms = &platform,
		.platform_count = 1,
		.fetched = fetched };

	return image_facts_new(&draft);
}

static inline struct image_facts *facts_of(bool encrypted, int64_t fetched)
{
	return facts_made(encrypted ? "kbs:///default/key/app" : NULL, fetched);
}

#endif
