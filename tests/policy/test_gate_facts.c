/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate asks to know of images, for whom, and what it makes of no answer. */
#include "tests/policy/gate_scene.h"

static void says_that_facts_are_on_their_way_and_nothing_else(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", ENCRYPTED);
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	const struct question question = { .set = set, .scene = &scene };
	auto_json json_t *pod =
			yaml(POD("containers: [{name: a, image: registry.example/slow}, {name: b, image: "
				 "registry.example/plain}, {name: c, image: registry.example/slow2}]"));
	auto_gate_result struct gate_result first, second;

	(void)state;
	ask(&question, pod, &first);
	assert_true(first.pending && !first.allowed && !first.skipped);
	assert_int_equal(scene.asked, 3); /* all at once, not one after the other */
	assert_int_equal(first.line_count, 0);
	assert_int_equal(first.message.len, 0);
	scene.arrived = true;
	ask(&question, pod, &second);
	assert_false(second.pending);
	assert_int_equal(second.line_count, 3);
	assert_holds(buf_text(&second.message), "spec.containers[1].image");
	assert_int_equal(second.oldest, 1000);
}

static void a_verdict_that_cannot_be_reached_is_not_silent(void **state)
{
	static const struct {
		const char *settings;
		bool allowed;
		size_t warnings;
		bool audit;
	} cases[] = {
		{ "", false, 0, false },
		{ "onUnknown: Deny, ", false, 0, false },
		{ "onUnknown: Warn, ", true, 1, false },
		{ "mode: Warn, ", true, 1, false },
		{ "mode: Warn, onUnknown: Warn, ", true, 1, false },
		{ "mode: Audit, ", true, 0, true },
		{ "mode: Audit, onUnknown: Warn, ", true, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *text = xasprintf(
				"- {name: p, spec: {%sencryption: {layers: All}}}", cases[i].settings);
		auto_policy_set struct policy_set *set = set_of("Deny", text);
		auto_gate_result struct gate_result result;
		verdict(set, POD("containers: [{name: c, image: registry.example/down}]"), &result);
		assert_int_equal(result.allowed, cases[i].allowed);
		assert_int_equal(json_array_size(result.warnings), cases[i].warnings);
		assert_int_equal(json_text_at(result.audit, "image-findings", NULL) != NULL, cases[i].audit);
		assert_int_equal(result.lines[0].verdict, GATE_UNKNOWN);
		assert_holds(result.lines[0].reason, "registry.example: manifest: HTTP 503");
		assert_int_equal(result.oldest, INT64_MAX);
	}
}

static void a_broken_policy_refuses_and_asks_nobody(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny", "[]");
	auto_json json_t *resource =
			yaml("{apiVersion: cocoon.dev/v1alpha1, kind: ImagePolicy, metadata: {name: bad},"
			     " spec: {mode: Enforce, encryption: 7}}");
	auto_image_policy struct image_policy *policy = NULL;
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	const struct question question = { .set = set, .scene = &scene };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: registry.example/app}]"));
	auto_gate_result struct gate_result result;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(image_policy_broken(resource, "spec.encryption: no object", &policy, &err), 0);
	assert_int_equal(policy_set_add(set, policy, &err), 0);
	ask(&question, pod, &result);
	assert_false(result.allowed);
	assert_int_equal(scene.asked, 0);
	assert_holds(buf_text(&result.message), "spec.encryption: no object");
}

static void asks_for_what_all_policies_need_together(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny",
			"- {name: a, spec: {priority: 1, encryption: {layers: All}}}\n"
			"- {name: b, spec: {guest: {parity: Ignore}, registries: [{host: '*'}]}}\n"
			"- {name: c, spec: {registries: [{host: registry.example}]}}\n"
			"- {name: d, spec: {match: {images: ['other.example/*']}, registries: [{host: "
			"other.example}]}}\n");
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	struct question question = { .set = set, .scene = &scene };
	auto_json json_t *pod =
			yaml(POD("serviceAccountName: robot, imagePullSecrets: [{name: a}, {}, {name: ''}, "
				 "{name: b}], containers: [{name: c, image: 'Registry.Example:443/app'}, "
				 "{name: d, image: 'Registry.Example:443/app'}]"));
	auto_json json_t *bare = yaml(POD("containers: [{name: c, image: registry.example/app}]"));
	auto_free char *text = xasprintf(POD("serviceAccountName: a%0253d, imagePullSecrets: [{name: "
					     "a%0253d}, {name: a%0252d}], "
					     "containers: [{name: c, image: registry.example/app}]"),
			0, 0, 0);
	auto_json json_t *long_names = yaml(text);
	auto_free char *words = xasprintf("shop default a%0252d  *", 0);
	auto_gate_result struct gate_result result, other, third;

	(void)state;
	ask(&question, pod, &result);
	assert_int_equal(scene.asked, 1);
	assert_string_equal(scene.name, "registry.example/app:latest");
	assert_string_equal(scene.words, "shop robot a,b  *");
	assert_true(scene.looks & IMAGE_LOOKED_TAG);
	ask(&question, bare, &other);
	assert_string_equal(scene.words, "shop default   *");
	/* nothing has such names, and each want would carry them along */
	ask(&question, long_names, &third);
	assert_string_equal(scene.words, words);
}

static void asks_each_signature_store_once(void **state)
{
	static const char *const stores[] = { "https://a.example", "https://b.example", "https://a.example" };
	auto_policy_set struct policy_set *set = set_of(
			"Deny", "- {name: a, spec: {}}\n- {name: b, spec: {}}\n- {name: c, spec: {}}\n");
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	const struct question question = { .set = set, .scene = &scene };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: registry.example/app}]"));
	auto_gate_result struct gate_result result;

	(void)state;
	for (size_t i = 0; i < COUNT(stores); i++) {
		set->items[i]->signers[0].name = "gpg";
		set->items[i]->signers[0].lookaside = stores[i];
		set->items[i]->signer_count = set->items[i]->at_least = 1;
	}
	ask(&question, pod, &result);
	assert_false(result.allowed);
	assert_string_equal(scene.words, "shop default  https://a.example,https://b.example -");
}

static void asks_nobody_when_nothing_depends_on_it(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Allow",
			"- {name: a, spec: {match: {images: ['registry.example/**']}, digest: {require: "
			"true}}}\n");
	auto_registry_scene struct registry_scene scene = { .asked = 0 };
	const struct question question = { .set = set, .scene = &scene };
	auto_json json_t *pod = yaml(POD("containers: [{name: c, image: 'registry.example/down@" DIGEST_A
					 "'}, {name: d, image: nginx}]"));
	auto_gate_result struct gate_result result;

	(void)state;
	ask(&question, pod, &result);
	assert_true(result.allowed);
	assert_int_equal(scene.asked, 0);
	assert_string_equal(result.lines[0].digest, DIGEST_A);
}

#define KEY                                                                    \
	"'-----BEGIN PUBLIC KEY-----\n\n"                                      \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUadYCDOJjqGxg8vXNQpAmQeMbvHB\n\n" \
	"4Y6XDNdoMDXyXn0BEFInErC1p8/wgWhUhphKlOaDHtrEbnNg+p2DSnqBoQ==\n\n"     \
	"-----END PUBLIC KEY-----'"

/* As many signatures as an image may have, each of which claims what is asked for, and none of which is one. */
static enum gate_found find_crowded(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	static const char claim[] = "{\"critical\":{\"identity\":{\"docker-reference\":\"x.example/x\"},"
				    "\"image\":{\"docker-manifest-digest\":\"" DIGEST_A "\"},"
				    "\"type\":\"cosign container image signature\"},\"optional\":null}";
	static const struct span bytes = { "no", 2 };
	auto_free struct image_signature *signatures = xcalloc(IMAGE_SIGNATURES_MAX, sizeof(*signatures));

	(void)ctx;
	(void)why;
	for (size_t i = 0; i < IMAGE_SIGNATURES_MAX; i++)
		signatures[i] = (struct image_signature){ .layout = IMAGE_SIG_TAG,
			.subject = DIGEST_A,
			.place = DIGEST_C,
			.payload = span_of(claim),
			.type = "",
			.signatures = &bytes,
			.signature_count = 1 };
	const struct image_facts draft = { .host = want->name.host,
		.repository = want->name.repository,
		.digest = DIGEST_A,
		.signatures = signatures,
		.signature_count = IMAGE_SIGNATURES_MAX,
		.looked = IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS };
	*facts = image_facts_new(&draft);
	return GATE_FOUND;
}

/* A review holds up all others while it is judged: what its images cost is counted together. */
static void many_images_with_many_signatures_do_not_take_for_ever(void **state)
{
	auto_policy_set struct policy_set *set = set_of("Deny",
			"- {name: p, spec: {signatures: {signers: [{name: s, cosign: {identity: Any, keys: "
			"[" KEY "]}}]}}}");
	auto_buf struct buf text = BUF_MAX(16384);
	auto_gate_result struct gate_result result;
	size_t tried = 0, images = 0;

	(void)state;
	buf_puts(&text, "{spec: {runtimeClassName: snp, containers: [");
	for (; images * IMAGE_SIGNATURES_MAX < 2 * JUDGE_COST_MAX; images++)
		buf_printf(&text, "%s{name: c%zu, image: registry.example/a%zu}", images ? ", " : "", images,
				images);
	buf_puts(&text, "]}}");
	auto_json json_t *pod = yaml(buf_text(&text));
	struct pod_view view = view_of(pod);
	const struct gate_review review = { .set = set, .path = "", .pod = &view, .find = find_crowded };
	gate_result_init(&result);
	gate_judge(&review, &result);
	assert_false(result.allowed);
	assert_int_equal(result.line_count, images);
	for (size_t i = 0; i < images; i++) {
		bool refused = result.lines[i].verdict == GATE_REFUSED;
		assert_true(refused || result.lines[i].verdict == GATE_UNKNOWN);
		assert_holds(result.lines[i].reason,
				refused ? "256 signatures were found" : "more signatures than are tried");
		/* those that come first have their share */
		assert_true(!refused || tried == i);
		tried += refused;
	}
	assert_true(tried > 1 && tried * IMAGE_SIGNATURES_MAX <= JUDGE_COST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_that_facts_are_on_their_way_and_nothing_else),
		cmocka_unit_test(a_verdict_that_cannot_be_reached_is_not_silent),
		cmocka_unit_test(a_broken_policy_refuses_and_asks_nobody),
		cmocka_unit_test(asks_for_what_all_policies_need_together),
		cmocka_unit_test(asks_each_signature_store_once),
		cmocka_unit_test(asks_nobody_when_nothing_depends_on_it),
		cmocka_unit_test(many_images_with_many_signatures_do_not_take_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
