/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "policy/simple.h"
#include "tests/policy/judge_scene.h"

/* ---- what is read ---------------------------------------------------------------------------------------- */

static void an_empty_spec_asks_for_nothing(void **state)
{
	auto_image_policy struct image_policy *policy = scene_policy("");

	(void)state;
	assert_string_equal(policy->name, "shop");
	assert_int_equal(policy->generation, 3);
	assert_null(policy->broken);
	assert_int_equal(policy->mode, POLICY_ENFORCE);
	assert_int_equal(policy->unknown, EFFECT_DENY);
	assert_int_equal(policy->templates, TEMPLATES_WARN);
	assert_int_equal(policy->priority, 0);
	assert_false(policy->require_digest || policy->encrypted || policy->predicts);
	assert_int_equal(policy->pin, PIN_NONE);
	assert_int_equal(policy->in_agent_policy, EFFECT_IGNORE);
	assert_int_equal(policy->signer_count, 0);
	assert_int_equal(policy->sealed, EFFECT_WARN);
	assert_int_equal(policy->plain, EFFECT_WARN);
	assert_int_equal(image_policy_looks(policy), 0);
	assert_false(image_policy_needs_facts(policy));
}

static void everything_is_read(void **state)
{
	auto_image_policy struct image_policy *policy = scene_policy(
			"mode: Audit, onUnknown: Warn, templates: Enforce, priority: -5, "
			"digest: {require: true, pin: KeepTag, inAgentPolicy: Deny}, "
			"encryption: {layers: Named, indexes: [0, -1], plainLayers: ['" BASE
			"'], schemes: [jwe, "
			"provider.attestation-agent], keys: ['kbs:///a/**'], platforms: [linux/amd64], "
			"guest: "
			"attestation-agent, sameBroker: false}, "
			"signatures: {atLeast: 1, signers: [{name: a, required: true, cosign: {keys: "
			"[@build, "
			"@release], layouts: [Bundle], annotations: {k: v}}}, {name: b, cosign: {keys: "
			"[@audit], "
			"layouts: [Tag], identity: Any}}]}, "
			"guest: {parity: Deny, policy: '{}', resources: [{uri: 'kbs:///a/b/c', text: x}]}, "
			"secrets: {sealed: Deny, plain: Ignore, keys: [{kid: 'kbs:///a/b/c', jwk: '{}'}]}, "
			"registries: [{host: registry.example}]");

	(void)state;
	assert_int_equal(policy->mode, POLICY_AUDIT);
	assert_int_equal(policy->unknown, EFFECT_WARN);
	assert_int_equal(policy->templates, TEMPLATES_ENFORCE);
	assert_int_equal(policy->priority, -5);
	assert_true(policy->require_digest && policy->encrypted && policy->predicts);
	assert_int_equal(policy->pin, PIN_KEEP_TAG);
	assert_int_equal(policy->in_agent_policy, EFFECT_DENY);
	assert_int_equal(policy->encryption.layers, LAYERS_NAMED);
	assert_int_equal(json_array_size(policy->encryption.indexes), 2);
	assert_int_equal(json_array_size(policy->encryption.schemes), 2);
	assert_int_equal(json_array_size(policy->encryption.keys), 1);
	assert_int_equal(policy->encryption.guest, PACKET_GUEST_NATIVE);
	assert_false(policy->encryption.same_broker);
	assert_int_equal(policy->signer_count, 2);
	assert_int_equal(policy->at_least, 1);
	assert_true(policy->signers[0].required);
	assert_int_equal(policy->signers[0].key_count, 2);
	assert_true(pkey_is_same(policy->signers[0].keys[1], scene_keys[RELEASE]));
	assert_non_null(strstr(policy->signers[0].key_texts[0], "BEGIN PUBLIC KEY"));
	assert_int_equal(policy->signers[0].layouts, SIGNER_BUNDLE);
	assert_int_equal(policy->signers[1].identity, COSIGN_ANY);
	assert_false(policy->shares_keys);
	assert_int_equal(policy->guest.parity, EFFECT_DENY);
	assert_string_equal(policy->guest.policy, "{}");
	assert_int_equal(json_array_size(policy->guest.resources), 1);
	assert_int_equal(policy->sealed, EFFECT_DENY);
	assert_int_equal(policy->plain, EFFECT_IGNORE);
	assert_int_equal(json_array_size(policy->sealed_keys), 1);
	assert_int_equal(policy->registries.count, 1);
	assert_int_equal(image_policy_looks(policy),
			IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS | IMAGE_LOOKED_PLATFORM);
	assert_true(image_policy_needs_facts(policy));
}

static void what_is_left_out_has_its_default(void **state)
{
	auto_image_policy struct image_policy *policy =
			scene_policy("encryption: {}, guest: {}, signatures: {signers: [{name: a, cosign: "
				     "{keys: [@build]}}, "
				     "{name: b, cosign: {keys: [@release]}}]}");

	(void)state;
	assert_int_equal(policy->encryption.layers, LAYERS_ALL);
	assert_int_equal(policy->encryption.guest, PACKET_GUEST_HUB);
	assert_true(policy->encryption.same_broker);
	assert_string_equal(json_string_value(json_array_get(policy->encryption.schemes, 0)), PACKET_SCHEME);
	assert_null(policy->encryption.keys);
	assert_int_equal(policy->at_least, 2);
	assert_int_equal(policy->signers[0].layouts, SIGNER_TAG | SIGNER_BUNDLE);
	assert_int_equal(policy->signers[0].identity, COSIGN_REPOSITORY);
	assert_int_equal(policy->guest.parity, EFFECT_WARN);
	assert_true(policy->predicts);
}

static void gpg_signers_are_read(void **state)
{
	auto_buf struct buf ring = BUF_MAX(65536);
	auto_json json_t *text = NULL;

	(void)state;
	assert_int_equal(fs_read("tests/vectors/simple/rsa.asc", &ring, NULL), 0);
	text = json_string(buf_text(&ring));
	auto_free char *quoted = json_text(text, false);
	auto_free char *spec = xasprintf("signatures: {signers: [{name: a, gpg: {keys: %s, lookaside: "
					 "'https://sigs.example/store', identity: Repository}}]}",
			quoted);
	auto_image_policy struct image_policy *policy = scene_policy(spec);
	assert_int_equal(simple_ring_count(policy->signers[0].ring), 1);
	assert_string_equal(policy->signers[0].lookaside, "https://sigs.example/store");
	assert_int_equal(policy->signers[0].simple, SIMPLE_REPOSITORY);
	assert_int_equal(image_policy_looks(policy), IMAGE_LOOKED_SIMPLE);
}

static void the_same_key_has_one_number(void **state)
{
	auto_image_policy struct image_policy *policy =
			scene_policy("signatures: {signers: [{name: a, cosign: {keys: [@build, @audit]}}, "
				     "{name: b, cosign: {keys: [@release, @build]}}]}");

	(void)state;
	assert_true(policy->shares_keys);
	assert_int_equal(policy->signers[0].key_ids[0], policy->signers[1].key_ids[1]);
	assert_int_not_equal(policy->signers[0].key_ids[0], policy->signers[0].key_ids[1]);
	assert_int_not_equal(policy->signers[0].key_ids[1], policy->signers[1].key_ids[0]);
}

/* ---- what is refused ------------------------------------------------------------------------------------- */

#define SIGNED(signer) "signatures: {signers: [" signer "]}"
#define COSIGN(rules)  SIGNED("{name: a, cosign: {" rules "}}")
#define GPG(rules)     SIGNED("{name: a, gpg: {" rules "}}")

struct refused {
	const char *spec, *why;
};

static const struct refused refused_specs[] = {
	{ "encrypted: {}", "spec.encrypted: is not known; did you mean 'encryption'" },
	{ "mode: enforce",
			"spec.mode: 'enforce' is none of Enforce, Warn, Audit; did you mean "
			"'Enforce'" },
	{ "mode: 1", "spec.mode: must be text" },
	{ "onUnknown: Allow", "spec.onUnknown: 'Allow' is none of Deny, Warn" },
	{ "templates: Deny", "spec.templates: 'Deny' is none of" },
	{ "priority: 1000001", "spec.priority: 1000001 is not between" },
	{ "priority: x", "spec.priority: must be a whole number" },
	{ "match: []", "spec.match: must be an object" },
	{ "match: {image: []}", "spec.match.image: is not known; did you mean 'images'" },
	{ "match: {images: []}", "spec.match.images: is empty; leave it out" },
	{ "match: {images: ['']}", "spec.match.images[0]: is empty" },
	{ "match: {images: [nginx]}", "spec.match.images[0]" },
	{ "match: {images: ['Registry.Example/a']}", "spec.match.images[0]" },
	{ "match: {exceptImages: ['a.example/b:1']}", "spec.match.exceptImages[0]" },
	{ "match: {runtimeClasses: []}", "spec.match.runtimeClasses: is empty" },
	{ "match: {runtimeClasses: [1]}", "spec.match.runtimeClasses[0]: must be text" },
	{ "match: {namespaceSelector: {matchLabel: {}}}", "spec.match.namespaceSelector.matchLabel" },
	{ "match: {podSelector: 1}", "spec.match.podSelector: must be an object" },
	{ "digest: {requires: true}", "spec.digest.requires: is not known" },
	{ "digest: {require: 1}", "spec.digest.require: must be true or false" },
	{ "digest: {pin: Keep}", "spec.digest.pin: 'Keep' is none of" },
	{ "digest: {inAgentPolicy: Enforce}", "spec.digest.inAgentPolicy: 'Enforce' is none of" },
	{ "guest: {parity: Never}", "spec.guest.parity: 'Never' is none of" },
	{ "guest: {policy: {}}", "spec.guest.policy: must be text" },
	{ "guest: {resources: [{uri: 'kbs:///a/b/c'}]}", "spec.guest.resources[0].text: is missing" },
	{ "guest: {resources: [{uri: 'file:///a', text: x}]}", "spec.guest.resources[0].uri" },
	{ "guest: {resources: [{uri: 'kbs:///a/b/c', text: x}, {uri: 'kbs://h/a/b/c', text: x}]}",
			"spec.guest.resources[1].uri: is the same resource as that of [0]" },
	{ "secrets: {sealed: deny}", "spec.secrets.sealed: 'deny' is none of" },
	{ "secrets: {keys: [{kid: x, jwk: '{}'}]}", "spec.secrets.keys[0].kid" },
	{ "registries: {}", "spec.registries: must be an array" },
	{ "registries: [{}]", "spec.registries[0].host: is missing" },
};

static const struct refused refused_encryption[] = {
	{ "encryption: {layer: All}", "spec.encryption.layer: is not known; did you mean 'layers'" },
	{ "encryption: {layers: Some}", "spec.encryption.layers: 'Some' is none of" },
	{ "encryption: {layers: Named}", "spec.encryption.indexes: layers: Named needs at least one" },
	{ "encryption: {layers: Named, indexes: []}", "spec.encryption.indexes: layers: Named needs" },
	{ "encryption: {indexes: [0]}", "spec.encryption.indexes: are for layers: Named alone" },
	{ "encryption: {layers: Named, indexes: ['0']}", "spec.encryption.indexes[0]: must be a whole" },
	{ "encryption: {layers: Named, indexes: [1000]}", "spec.encryption.indexes[0]: must be a whole" },
	{ "encryption: {layers: Any, plainLayers: ['" BASE "']}", "plainLayers: have no meaning" },
	{ "encryption: {plainLayers: [sha256:x]}", "spec.encryption.plainLayers[0]: is no digest" },
	{ "encryption: {schemes: []}", "spec.encryption.schemes: is empty" },
	{ "encryption: {schemes: [JWE]}", "spec.encryption.schemes[0]: 'JWE' is none of" },
	{ "encryption: {schemes: [provider.]}", "spec.encryption.schemes[0]: 'provider.' is none of" },
	{ "encryption: {schemes: [jwe]}", "spec.encryption.guest: guests read provider.attestation-agent" },
	{ "encryption: {schemes: [jwe], guest: None, keys: ['*']}", "spec.encryption.keys: are those of" },
	{ "encryption: {keys: []}", "spec.encryption.keys: is empty" },
	{ "encryption: {keys: [/default/key/a]}", "spec.encryption.keys[0]" },
	{ "encryption: {keys: ['kbs:///default/%61']}", "spec.encryption.keys[0]: holds '%'" },
	{ "encryption: {keys: ['kbs://kbs.example/a/b/c']}", "spec.encryption.keys[0]: names a broker" },
	{ "encryption: {platforms: []}", "spec.encryption.platforms: is empty" },
	{ "encryption: {platforms: [amd64]}", "spec.encryption.platforms[0]: 'amd64' is not of the form" },
	{ "encryption: {platforms: [linux/]}", "spec.encryption.platforms[0]" },
	{ "encryption: {platforms: [linux/arm64/v8/x]}", "spec.encryption.platforms[0]" },
	{ "encryption: {guest: cdh}", "spec.encryption.guest: 'cdh' is none of" },
	{ "encryption: {sameBroker: 1}", "spec.encryption.sameBroker: must be true or false" },
};

static const struct refused refused_signers[] = {
	{ "signatures: {}", "spec.signatures.signers: name at least one" },
	{ "signatures: {signers: []}", "spec.signatures.signers: name at least one" },
	{ "signatures: {signer: []}", "spec.signatures.signer: is not known" },
	{ SIGNED("{cosign: {keys: [@build]}}"), "spec.signatures.signers[0].name: is missing" },
	{ SIGNED("{name: A, cosign: {keys: [@build]}}"), "spec.signatures.signers[0].name: must be" },
	{ SIGNED("{name: ''}"), "spec.signatures.signers[0].name: must be" },
	{ SIGNED("{name: a}"), "spec.signatures.signers[0]: needs cosign or gpg, which say" },
	{ SIGNED("{name: a, cosign: {keys: [@build]}, gpg: {}}"), "signers[0]: needs cosign or gpg, not" },
	{ SIGNED("{name: a, cosign: {keys: [@build]}}, {name: a, cosign: {keys: [@audit]}}"),
			"spec.signatures.signers[1].name: there are two signers 'a'" },
	{ "signatures: {atLeast: 2, signers: [{name: a, cosign: {keys: [@build]}}]}",
			"spec.signatures.atLeast: 2 is more than there are signers (1)" },
	{ "signatures: {atLeast: 0, signers: [{name: a, cosign: {keys: [@build]}}]}",
			"spec.signatures.atLeast: 0 is not between" },
	{ "signatures: {atLeast: 1, signers: [{name: a, required: true, cosign: {keys: [@build]}}, "
	  "{name: b, required: true, cosign: {keys: [@audit]}}]}",
			"spec.signatures.atLeast: 1 is less than there are required signers (2)" },
	{ COSIGN(""), "spec.signatures.signers[0].cosign.keys: name at least one" },
	{ COSIGN("keys: []"), "spec.signatures.signers[0].cosign.keys: name at least one" },
	{ COSIGN("keys: [x]"), "signers[0].cosign.keys[0]: is no public key in PEM" },
	{ COSIGN("keys: ['-----BEGIN PUBLIC KEY-----\\nx\\n-----END PUBLIC KEY-----']"),
			"spec.signatures.signers[0].cosign.keys[0]" },
	{ COSIGN("keys: ['-----BEGIN CERTIFICATE-----']"), "keys[0]: is no public key in PEM" },
	{ COSIGN("keys: ['-----BEGIN PRIVATE KEY-----']"), "keys[0]: is a private key" },
	{ COSIGN("keys: ['-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----']"), "keys[0]: is a private key" },
	{ COSIGN("keys: ['-----BEGIN PUBLIC KEY----- -----BEGIN PUBLIC KEY-----']"), "more than one key" },
	{ COSIGN("keys: [@build], layouts: []"), "cosign.layouts: is empty" },
	{ COSIGN("keys: [@build], layouts: [tag]"), "cosign.layouts[0]: 'tag' is none of Tag, Bundle" },
	{ COSIGN("keys: [@build], annotations: {k: 1}"), "cosign.annotations[\"k\"]: must be text" },
	{ COSIGN("keys: [@build], identity: Exact"), "cosign.identity: 'Exact' is none of" },
	{ COSIGN("keys: [@build], identity: Any, repository: a.example/b"), "has no meaning with identity" },
	{ COSIGN("keys: [@build], repository: 'a.example/b:1'"), "must have neither tag nor digest" },
	{ COSIGN("keys: [@build], repository: 'a.example/B'"), "cosign.repository" },
	{ COSIGN("keys: [@build], layouts: [Bundle], repository: a.example/b"), "a bundle names no" },
	{ GPG("lookaside: 'https://a.example'"), "signers[0].gpg.keys: is missing" },
	{ GPG("keys: x"), "signers[0].gpg.lookaside: is missing" },
	{ GPG("keys: x, lookaside: 'https://a.example'"), "spec.signatures.signers[0].gpg.keys" },
	{ GPG("keys: x, lookaside: 'ftp://a.example'"), "gpg.lookaside: must begin with" },
	{ GPG("keys: x, lookaside: 'https://'"), "gpg.lookaside" },
	{ GPG("keys: x, lookaside: 'https://me@a.example'"), "gpg.lookaside" },
	{ GPG("keys: x, lookaside: 'https://a.example?x'"), "gpg.lookaside" },
	{ GPG("keys: x, lookaside: 'https://a.example', identity: Any"), "gpg.identity: 'Any' is none of" },
	{ "digest: {pin: DropTag}, " GPG("keys: x, lookaside: 'https://a.example', identity: Exact"),
			"gpg.identity: Exact compares names" },
};

static void refuse_all(const struct refused *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct image_policy *policy = NULL;
		struct err err = ERR_NONE;
		auto_json json_t *resource = scene_resource(cases[i].spec);
		if (image_policy_compile(resource, &policy, &err) == 0)
			fail_msg("accepted %s", cases[i].spec);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s\n%s", cases[i].spec, err.text);
		assert_null(policy);
	}
}

static void malformed_specs_are_refused_by_name(void **state)
{
	(void)state;
	refuse_all(refused_specs, COUNT(refused_specs));
	refuse_all(refused_encryption, COUNT(refused_encryption));
	refuse_all(refused_signers, COUNT(refused_signers));
}

static void resources_of_another_form_are_refused(void **state)
{
	static const char *const cases[] = { "[]", "{}", "{metadata: {name: a}}",
		"{metadata: {name: a}, spec: 1}", "{metadata: {name: ''}, spec: {}}",
		"{metadata: {name: A}, spec: {}}", "{spec: {}}", "{kind: Pod, metadata: {name: a}, spec: {}}",
		"{metadata: [], spec: {}}" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *resource = NULL;
		struct image_policy *policy = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(yaml_read_one(span_of(cases[i]), 65536, &resource, NULL), 0);
		if (image_policy_compile(resource, &policy, &err) == 0)
			fail_msg("accepted %s", cases[i]);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

/* "prefix" and `count` times what `each` makes of the number, with commas. */
static char *repeated(const char *prefix, const char *each, unsigned count, const char *suffix)
{
	auto_buf struct buf out = BUF_MAX(1 << 20);
	const char *mark = strchr(each, '#');

	buf_puts(&out, prefix);
	for (unsigned i = 0; i < count; i++)
		buf_printf(&out, "%s%.*s%u%s", i ? ", " : "", (int)(mark - each), each, i, mark + 1);
	buf_puts(&out, suffix);
	return buf_take(&out);
}

static void there_are_bounds(void **state)
{
	static const struct {
		const char *prefix, *each, *suffix;
		unsigned most;
	} cases[] = {
		{ "match: {images: [", "'a.example/r#'", "]}", IMAGEPOLICY_LIST_MAX },
		{ "match: {runtimeClasses: [", "c#", "]}", 32 },
		{ "encryption: {keys: [", "'kbs:///a/b/c#'", "]}", IMAGEPOLICY_LIST_MAX },
		{ "encryption: {layers: Named, indexes: [", "#", "]}", IMAGEPOLICY_LIST_MAX },
		{ "encryption: {platforms: [", "linux/a#", "]}", 32 },
		{ "encryption: {schemes: [provider.attestation-agent, ", "provider.a#", "]}", 15 },
		{ "signatures: {signers: [", "{name: s#, cosign: {keys: [@build]}}", "]}",
				IMAGEPOLICY_SIGNERS_MAX },
		{ "signatures: {signers: [{name: a, cosign: {keys: [@build], annotations: {", "k#: v",
				"}}}]}", 32 },
		{ "guest: {resources: [", "{uri: 'kbs:///a/b/c#', text: x}", "]}", 64 },
		{ "secrets: {keys: [", "{kid: 'kbs:///a/b/c#', jwk: '{}'}", "]}", 32 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *most =
				repeated(cases[i].prefix, cases[i].each, cases[i].most, cases[i].suffix);
		auto_free char *more =
				repeated(cases[i].prefix, cases[i].each, cases[i].most + 1, cases[i].suffix);
		auto_image_policy struct image_policy *policy = scene_policy(most);
		auto_json json_t *resource = scene_resource(more);
		struct image_policy *other = NULL;
		struct err err = ERR_NONE;
		assert_null(policy->broken);
		if (image_policy_compile(resource, &other, &err) == 0)
			fail_msg("accepted %s", more);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
}

static void a_spec_has_an_end(void **state)
{
	auto_json json_t *resource = scene_resource("guest: {}");
	struct image_policy *policy = NULL;
	struct err err = ERR_NONE;
	char *text = xmalloc(IMAGEPOLICY_TEXT_MAX);

	(void)state;
	memset(text, 'x', IMAGEPOLICY_TEXT_MAX);
	json_object_set_new(json_object_get(json_object_get(resource, "spec"), "guest"), "policy",
			json_stringn(text, IMAGEPOLICY_TEXT_MAX));
	free(text);
	assert_int_equal(image_policy_compile(resource, &policy, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* ---- what it is known by --------------------------------------------------------------------------------- */

static void the_hash_is_of_what_the_spec_says(void **state)
{
	auto_image_policy struct image_policy *one = scene_policy("mode: Warn, priority: 1");
	auto_image_policy struct image_policy *same = scene_policy("priority: 1, mode: Warn");
	auto_image_policy struct image_policy *other = scene_policy("priority: 2, mode: Warn");

	(void)state;
	assert_memory_equal(one->hash, same->hash, 32);
	assert_memory_not_equal(one->hash, other->hash, 32);
}

static void a_callers_tree_may_change_afterwards(void **state)
{
	auto_json json_t *resource =
			scene_resource("match: {images: ['a.example/**']}, " COSIGN("keys: [@build]"));
	auto_image_policy struct image_policy *policy = NULL;

	(void)state;
	assert_int_equal(image_policy_compile(resource, &policy, NULL), 0);
	json_object_clear(resource);
	assert_string_equal(json_string_value(json_array_get(policy->images, 0)), "a.example/**");
	assert_string_equal(policy->signers[0].name, "a");
	assert_ptr_equal(image_policy_ref(policy), policy);
	image_policy_unref(policy);
	image_policy_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_spec_asks_for_nothing),
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(what_is_left_out_has_its_default),
		cmocka_unit_test(gpg_signers_are_read),
		cmocka_unit_test(the_same_key_has_one_number),
		cmocka_unit_test(malformed_specs_are_refused_by_name),
		cmocka_unit_test(resources_of_another_form_are_refused),
		cmocka_unit_test(there_are_bounds),
		cmocka_unit_test(a_spec_has_an_end),
		cmocka_unit_test(the_hash_is_of_what_the_spec_says),
		cmocka_unit_test(a_callers_tree_may_change_afterwards),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
