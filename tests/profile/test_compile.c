/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/profile/scene.h"

#include "codec/toml.h"
#include "crypto/cert.h"
#include "crypto/init.h"

/* Every field of spec.initData that is a text; certificates are put in by full(). */
static const char everything[] =
		"metadata: {name: full, generation: 3}\n"
		"spec:\n"
		"  runtimeClasses: ['*']\n"
		"  initData:\n"
		"    algorithm: sha384\n"
		"    kbs: {url: 'https://kbs.example:8080', teeKeyAlgorithm: ECDH-ES+A256KW-P521}\n"
		"    attestationService: {url: 'https://as.example:8080'}\n"
		"    image:\n"
		"      securityPolicyURI: 'kbs:///default/security-policy/test'\n"
		"      registryCredentialsURI: 'kbs:///default/credential/test'\n"
		"      sigstoreConfigURI: 'kbs:///default/sigstore/test'\n"
		"      registryConfiguration: |\n"
		"        [[registry]]\n"
		"        location = \"docker.io\"\n"
		"      proxy: {https: 'http://proxy:1', http: 'http://proxy:2', noProxy: 10.0.0.0/8}\n"
		"      maxConcurrentLayerDownloads: 4\n"
		"      workDir: /run/images/\n"
		"    agentPolicy: {inline: \"package agent_policy\\n\"}\n"
		"    eventLog: {enabled: true, initPCR: 16}\n"
		"    logLevel: debug\n"
		"    cdh:\n"
		"      socket: 'unix:///run/c.sock'\n"
		"      aaSocket: 'unix:///run/a.sock'\n"
		"      kbcName: cc_kbc\n"
		"      skipSealedSecretVerification: true\n"
		"      credentials:\n"
		"      - {path: /run/confidential-containers/cdh/kbs/key, resourceURI: 'kbs:///a/b/c'}\n"
		"    extra: {aaToml: 'more_aa = 1', cdhToml: 'more_cdh = 2'}\n"
		"    entries: {my.file: text}\n";

/* The same as everything else in aa.toml and cdh.toml; %C is the certificate. */
static const char aa_wanted[] = "{token_configs: {kbs: {url: 'https://kbs.example:8080', tee_key_algorithm: "
				"ECDH-ES+A256KW-P521},"
				" coco_as: {url: 'https://as.example:8080'}}, eventlog_config: "
				"{enable_eventlog: true, init_pcr: 16},"
				" log: {level: debug}, more_aa: 1}";
static const char cdh_wanted[] =
		"{socket: 'unix:///run/c.sock', kbc: {name: cc_kbc, url: 'https://kbs.example:8080'},"
		" aa: {aa_socket: 'unix:///run/a.sock'}, skip_sealed_secret_verification: true,"
		" credentials: [{path: /run/confidential-containers/cdh/kbs/key, resource_uri: "
		"'kbs:///a/b/c'}],"
		" image: {work_dir: /run/images/, image_security_policy_uri: "
		"'kbs:///default/security-policy/test',"
		" authenticated_registry_credentials_uri: 'kbs:///default/credential/test',"
		" sigstore_config_uri: 'kbs:///default/sigstore/test',"
		" registry_config: {registry: [{location: docker.io}]},"
		" image_pull_proxy: {https_proxy: 'http://proxy:1', http_proxy: 'http://proxy:2', no_proxy: "
		"10.0.0.0/8},"
		" max_concurrent_layer_downloads_per_image: 4}, log: {level: debug}, more_cdh: 2}";

static char *certificate(void)
{
	const struct cert_spec spec = { .common_name = "root", .days = 10, .now = 1767323045 };
	auto_cert_pair struct cert_pair *ca = NULL;
	struct buf pem = BUF_MAX(CERT_PEM_MAX);

	assert_int_equal(cert_make_ca(&spec, &ca, NULL), 0);
	cert_list_format(cert_pair_chain(ca), &pem);
	return buf_take(&pem);
}

static json_t *full(const char *pem)
{
	json_t *resource = yaml(everything);
	json_t *init = (json_t *)(uintptr_t)json_at(resource, "spec", "initData", NULL);

	json_object_set_new(json_object_get(init, "kbs"), "certificate", json_string(pem));
	json_object_set_new(json_object_get(init, "image"), "extraRootCertificates", json_pack("[s]", pem));
	return resource;
}

/* The tree of a file in the document. */
static json_t *file_of(const struct profile *profile, const char *name)
{
	auto_initdata struct initdata doc;
	json_t *tree = NULL;
	struct err err = ERR_NONE;

	initdata_init(&doc);
	assert_int_equal(initdata_parse(buf_span(&profile->document), &doc, &err), 0);
	const char *text = json_string_value(json_object_get(doc.data, name));
	if (!text || toml_parse(span_of(text), INITDATA_TEXT_MAX, &tree, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return tree;
}

static void assert_same_tree(const json_t *have, const json_t *want)
{
	auto_free char *a = json_text(have, true), *b = json_text(want, true);

	assert_string_equal(a, b);
}

static void every_field_ends_up_in_the_document(void **state)
{
	auto_free char *pem = certificate();
	auto_json json_t *resource = full(pem);
	auto_profile struct profile *profile = compiled(resource);
	auto_json json_t *aa_want = yaml(aa_wanted), *cdh_want = yaml(cdh_wanted);
	auto_initdata struct initdata doc;

	(void)state;
	if (profile->broken)
		fail_msg("%s", profile->broken);
	json_object_set_new((json_t *)(uintptr_t)json_at(aa_want, "token_configs", "kbs", NULL), "cert",
			json_string(pem));
	json_object_set_new(json_object_get(cdh_want, "kbc"), "kbs_cert", json_string(pem));
	json_object_set_new(
			json_object_get(cdh_want, "image"), "extra_root_certificates", json_pack("[s]", pem));
	auto_json json_t *aa = file_of(profile, "aa.toml"), *cdh = file_of(profile, "cdh.toml");
	assert_same_tree(aa, aa_want);
	assert_same_tree(cdh, cdh_want);
	initdata_init(&doc);
	assert_int_equal(initdata_parse(buf_span(&profile->document), &doc, NULL), 0);
	assert_int_equal(doc.alg, DIGEST_SHA384);
	assert_int_equal(json_object_size(doc.data), 4);
	assert_string_equal(json_text_at(doc.data, "policy.rego", NULL), "package agent_policy\n");
	assert_string_equal(json_text_at(doc.data, "my.file", NULL), "text");
	assert_int_equal(profile->generation, 3);
}

static void the_other_member_of_each_pair_works_too(void **state)
{
	auto_json json_t *resource =
			yaml("{metadata: {name: p}, spec: {runtimeClasses: [a], initData: {image: {"
			     "securityPolicy: '{\"default\": [{\"type\": \"reject\"}], \"transports\": {}}',"
			     " sigstoreConfig: 'default-docker: {}', registryConfigurationURI: "
			     "'kbs:///a/b/c'}}}}");
	auto_profile struct profile *profile = compiled(resource);

	(void)state;
	if (profile->broken)
		fail_msg("%s", profile->broken);
	auto_json json_t *cdh = file_of(profile, "cdh.toml");
	auto_json json_t *want = yaml("{kbc: {name: offline_fs_kbc}, image: {"
				      "image_security_policy: '{\"default\": [{\"type\": \"reject\"}], "
				      "\"transports\": {}}',"
				      " sigstore_config: 'default-docker: {}',"
				      " registry_configuration_uri: 'kbs:///a/b/c'}}");
	assert_same_tree(cdh, want);
	assert_int_equal(profile->alg, DIGEST_SHA256);
}

static void digest_fingerprint_and_annotation_are_those_of_the_bytes(void **state)
{
	auto_free char *pem = certificate();
	auto_json json_t *resource = full(pem);
	auto_profile struct profile *profile = compiled(resource);
	struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	char hex[DIGEST_HEX_MAX], want[DIGEST_HEX_MAX + 16];
	unsigned char sha256[DIGEST_MAX];

	(void)state;
	digest_hex(DIGEST_SHA384, buf_span(&profile->document), hex);
	snprintf(want, sizeof(want), "sha384:%s", hex);
	assert_string_equal(profile->digest_text, want);
	digest_bytes(DIGEST_SHA256, buf_span(&profile->document), sha256);
	assert_memory_equal(profile->fingerprint, sha256, 32);
	assert_int_equal(initdata_annotation_parse(span_of(profile->annotation), &toml, NULL), 0);
	assert_true(span_eq(buf_span(&toml), buf_span(&profile->document)));
	buf_clear(&toml);
}

/* The same tree with the members of every object in the opposite order. */
static json_t *reversed(const json_t *value)
{
	const char *names[64];
	size_t count = 0, i;
	const char *key;
	json_t *item;

	if (json_is_array(value)) {
		json_t *list = json_array();
		json_array_foreach (value, i, item)
			json_array_append_new(list, reversed(item));
		return list;
	}
	if (!json_is_object(value))
		return json_deep_copy(value);
	json_t *object = json_object();
	json_object_foreach ((json_t *)(uintptr_t)value, key, item)
		names[count++] = key;
	while (count--)
		json_object_set_new(object, names[count], reversed(json_object_get(value, names[count])));
	return object;
}

static void the_same_resource_gives_the_same_bytes(void **state)
{
	auto_free char *pem = certificate();
	auto_json json_t *resource = full(pem), *other_order = reversed(resource);
	auto_profile struct profile *a = compiled(resource);
	auto_profile struct profile *b = compiled(resource);
	auto_profile struct profile *c = compiled(other_order);

	(void)state;
	assert_true(span_eq(buf_span(&a->document), buf_span(&b->document)));
	assert_true(span_eq(buf_span(&a->document), buf_span(&c->document)));
	assert_string_equal(a->annotation, c->annotation);
	assert_string_equal(a->digest_text, c->digest_text);
	assert_true(profile_same(a, b) && profile_same(a, c));
	json_object_set_new((json_t *)(uintptr_t)json_at(resource, "spec", "initData", NULL), "logLevel",
			json_string("warn"));
	auto_profile struct profile *d = compiled(resource);
	assert_false(profile_same(a, d));
	/* the resource may change afterwards: the profile has its own copy */
	json_object_clear(resource);
	assert_string_equal(a->name, "full");
	assert_int_equal(json_array_size(a->runtime_classes), 1);
}

static void a_verbatim_document_stays_as_it_is(void **state)
{
	static const char toml[] = "# ours\nversion = '0.1.0'\nalgorithm = 'sha512'\n[data]\nx = 'y'\n";
	auto_json json_t *resource = json_pack("{s:{s:s}, s:{s:[s], s:{s:s, s:s}}}", "metadata", "name", "v",
			"spec", "runtimeClasses", "a", "initData", "verbatim", toml, "algorithm", "sha256");
	auto_profile struct profile *profile = compiled(resource);

	(void)state;
	assert_null(profile->broken);
	assert_true(span_is(buf_span(&profile->document), toml));
	assert_int_equal(profile->alg, DIGEST_SHA512);
	assert_int_equal(strncmp(profile->digest_text, "sha512:", 7), 0);
}

#define REGO "package agent_policy\ndefault AllowRequestsFailingPolicy := false\n"

static const char *map_text(void *ctx, const char *name, const char *key)
{
	return !strcmp(name, "policies") && !strcmp(key, "policy.rego") ? ctx : NULL;
}

static void a_policy_from_a_config_map_must_have_its_digest(void **state)
{
	static const char form[] =
			"{metadata: {name: m}, spec: {runtimeClasses: [a], initData: {agentPolicy: "
			"{configMapRef: {name: %s, key: %s, sha256: '%s'}}}}}";
	static char rego[] = REGO;
	char hex[DIGEST_HEX_MAX];
	const struct profile_env env = { .ctx = rego, .config_map = map_text }, none = { 0 };
	struct err err = ERR_NONE;

	(void)state;
	digest_hex(DIGEST_SHA256, span_of(REGO), hex);
	const struct {
		const char *map, *key, *sha256, *says;
		const struct profile_env *env;
	} cases[] = {
		{ "policies", "policy.rego", hex, NULL, &env },
		{ "policies", "null", hex, NULL, &env },
		{ "other", "policy.rego", hex, "there is no ConfigMap 'other' with key 'policy.rego'", &env },
		{ "policies", "other", hex, "there is no ConfigMap 'policies' with key 'other'", &env },
		{ "policies", "policy.rego", hex, "there is no ConfigMap", &none },
		{ "policies", "policy.rego", "0000", "has sha256", &env },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *resource = yamlf(form, cases[i].map, cases[i].key, cases[i].sha256);
		auto_profile struct profile *profile = NULL;
		assert_string_equal(profile_config_map(resource), cases[i].map);
		assert_int_equal(profile_compile(resource, cases[i].env, &profile, &err), 0);
		if (cases[i].says) {
			assert_holds(profile->broken, cases[i].says);
			assert_holds(profile->broken, "spec.initData.agentPolicy.configMapRef");
			continue;
		}
		assert_null(profile->broken);
		auto_initdata struct initdata doc;
		initdata_init(&doc);
		assert_int_equal(initdata_parse(buf_span(&profile->document), &doc, NULL), 0);
		assert_string_equal(json_text_at(doc.data, "policy.rego", NULL), REGO);
	}
}

static void a_large_policy_is_carried_and_one_too_large_breaks(void **state)
{
	static const size_t sizes[] = { 200000, 900000 };
	struct buf policy = BUF_MAX(1 << 20);
	uint64_t noise = 88172645463325252;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		auto_json json_t *resource =
				yaml("{metadata: {name: l}, spec: {runtimeClasses: [a], initData: "
				     "{agentPolicy: {}}}}");
		/* the first packs well, the second does not */
		while (policy.len < sizes[i]) {
			noise ^= noise << 13;
			noise ^= noise >> 7;
			noise ^= noise << 17;
			buf_printf(&policy, "# %llx\n", i ? (unsigned long long)noise : 7ULL);
		}
		json_object_set_new((json_t *)(uintptr_t)json_at(
						    resource, "spec", "initData", "agentPolicy", NULL),
				"inline", json_string(buf_text(&policy)));
		auto_profile struct profile *profile = compiled(resource);
		if (i)
			assert_holds(profile->broken, "too large to be carried by an annotation");
		else
			assert_null(profile->broken);
	}
	buf_clear(&policy);
}

/* Content of a spec, and what is said of it. */
static const struct {
	const char *spec, *says;
} broken[] = {
	{ "mode: enforce", "spec.mode: 'enforce' is none of Enforce, Warn, Audit" },
	{ "onConflict: Merge", "spec.onConflict: 'Merge' is none of Reject, Keep" },
	{ "runtimeHandlerAnnotation: Yes!", "spec.runtimeHandlerAnnotation" },
	{ "kernelParams: x", "spec.kernelParams" },
	{ "kernelParams: ['a b']", "spec.kernelParams" },
	{ "kernelParams: [a=1, a=2]", "spec.kernelParams" },
	{ "allowedKernelParams: [7]", "spec.allowedKernelParams" },
	{ "allowedAnnotations: {}", "spec.allowedAnnotations" },
	{ "annotations: []", "spec.annotations" },
	{ "annotations: {io.katacontainers.config.a: 7}", "is not a string" },
	{ "annotations: {other: '7'}", "'other' is not below io.katacontainers.config." },
	{ "annotations: {" INITDATA_ANNOTATION ": x}", "is written from spec.initData" },
	{ "annotations: {" KERNEL_PARAMS_ANNOTATION ": x}", "spec.kernelParams" },
	{ "initData: x", "spec.initData" },
	{ "initData: {}", "spec.initData" },
	{ "initData: {algorithm: sm3, logLevel: info}", "spec.initData.algorithm" },
	{ "initData: {algorithm: SHA256, logLevel: info}", "spec.initData.algorithm" },
	{ "initData: {source: Pod}", "spec.initData.source: 'Pod' is neither Profile nor Author" },
	{ "initData: {kbs: {url: 'ftp://x'}}", "spec.initData" },
	{ "initData: {kbs: {url: 7}}", "spec.initData.kbs.url" },
	{ "initData: {kbs: x}", "spec.initData.kbs" },
	{ "initData: {logLevel: loud}", "spec.initData" },
	{ "initData: {image: {registryConfiguration: '['}}", "spec.initData.image.registryConfiguration" },
	{ "initData: {image: {maxConcurrentLayerDownloads: 0}}",
			"spec.initData.image.maxConcurrentLayerDownloads" },
	{ "initData: {image: {extraRootCertificates: [x]}}", "spec.initData" },
	{ "initData: {eventLog: {initPCR: 24}}", "spec.initData.eventLog.initPCR" },
	{ "initData: {cdh: {credentials: [{path: /a}]}}", "spec.initData.cdh.credentials[0].resourceURI" },
	{ "initData: {extra: {aaToml: '='}}", "spec.initData" },
	{ "initData: {entries: {aa.toml: x}, logLevel: info}", "aa.toml" },
	{ "initData: {entries: {x: 7}}", "spec.initData" },
	{ "initData: {agentPolicy: {inline: x, configMapRef: {name: a, sha256: b}}}",
			"give one of inline, configMapRef and generated" },
	{ "initData: {agentPolicy: {inline: x, generated: {}}}",
			"give one of inline, configMapRef and generated" },
	{ "initData: {agentPolicy: {generated: x}}", "spec.initData.agentPolicy.generated" },
	{ "initData: {agentPolicy: {generated: {mode: strict}}}",
			"spec.initData.agentPolicy.generated: options of an agent policy: mode" },
	{ "initData: {agentPolicy: {generated: {allow: {env: [x]}}}}", "allow.env[0]" },
	{ "initData: {agentPolicy: {generated: {}}, kbs: {url: x}}", "spec.initData.kbs.url" },
	{ "initData: {source: Author, agentPolicy: {generated: {}}}", "spec.initData.agentPolicy" },
	{ "initData: {verbatim: x, agentPolicy: {generated: {}}}", "spec.initData.agentPolicy" },
	{ "initData: {agentPolicy: {configMapRef: {name: a}}}", "configMapRef.sha256" },
	{ "initData: {verbatim: x}", "spec.initData.verbatim" },
	{ "initData: {verbatim: x, kbs: {url: 'http://k'}}",
			"spec.initData.kbs: has no effect with verbatim" },
	{ "initData: {source: Author, logLevel: info}",
			"spec.initData.logLevel: has no effect with source: Author" },
	{ "initData: {source: Author, allowedDigests: [ABC]}", "spec.initData.allowedDigests[0]" },
	{ "initData: {logLevel: info, allowedDigests: []}", "goes with source: Author alone" },
};

static void what_does_not_compile_is_broken_and_still_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		auto_free char *list = xasprintf("- {metadata: {name: b}, spec: {runtimeClasses: [snp], "
						 "namespaceSelector: {}, %s}}",
				broken[i].spec);
		auto_catalog struct catalog *catalog = catalog_of(NULL, list);
		const struct profile *profile = catalog_profile(catalog, 0);
		auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
		auto_decision struct decision d;
		if (!profile->broken)
			fail_msg("not broken: %s", broken[i].spec);
		assert_holds(profile->broken, broken[i].says);
		auto_json json_t *after = injected(catalog, pod);
		assert_true(json_equal(after, pod));
		const char *said = creation(catalog, pod, &d);
		assert_holds(said, "the profile is not ready: ");
		assert_holds(said, broken[i].says);
	}
}

static void refuses_a_resource_whose_matching_part_cannot_be_read(void **state)
{
	static const struct {
		const char *resource, *says;
	} cases[] = {
		{ "{}", "metadata.name" },
		{ "{metadata: {name: ''}, spec: {}}", "metadata.name" },
		{ "{metadata: {name: p}}", "spec" },
		{ "{metadata: {name: p}, spec: []}", "spec" },
		{ "{kind: Pod, metadata: {name: p}, spec: {}}", "kind is 'Pod'" },
		{ "{metadata: {name: p}, spec: {}}", "spec.runtimeClasses: name at least one" },
		{ "{metadata: {name: p}, spec: {runtimeClasses: x}}", "spec.runtimeClasses" },
		{ "{metadata: {name: p}, spec: {runtimeClasses: [7]}}", "spec.runtimeClasses[0]" },
		{ "{metadata: {name: p}, spec: {runtimeClasses: [a], priority: 1000001}}", "spec.priority" },
		{ "{metadata: {name: p}, spec: {runtimeClasses: [a], priority: '1'}}", "spec.priority" },
		{ "{metadata: {name: p}, spec: {runtimeClasses: [a], namespaceSelector: []}}",
				"spec.namespaceSelector" },
		{ "{metadata: {name: p}, spec: {runtimeClasses: [a], podSelector: {matchLabel: {}}}}",
				"spec.podSelector" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *resource = yaml(cases[i].resource);
		const struct profile_env env = { 0 };
		struct profile *profile = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(profile_compile(resource, &env, &profile, &err), -1);
		assert_holds(err.text, cases[i].says);
		assert_null(profile);
	}
}

static void keeps_the_bounds_of_the_schema(void **state)
{
	static const struct {
		const char *key;
		size_t most;
		bool object, broken;
	} cases[] = { { "runtimeClasses", 32, false, false }, { "kernelParams", 64, false, true },
		{ "allowedKernelParams", 64, false, true }, { "allowedAnnotations", 64, false, true },
		{ "annotations", 32, true, true } };

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		size_t many = cases[i / 2].most + i % 2;
		auto_json json_t *resource = yaml("{metadata: {name: p}, spec: {runtimeClasses: [a]}}");
		json_t *values = cases[i / 2].object ? json_object() : json_array();
		const struct profile_env env = { 0 };
		auto_profile struct profile *profile = NULL;
		for (size_t k = 0; k < many; k++) {
			auto_free char *text = xasprintf(HYPERVISOR "x%zu", k);
			if (cases[i / 2].object)
				json_object_set_new(values, text, json_string("v"));
			else
				json_array_append_new(values, json_string(text));
		}
		json_object_set_new(json_object_get(resource, "spec"), cases[i / 2].key, values);
		int done = profile_compile(resource, &env, &profile, NULL);
		assert_int_equal(done, i % 2 && !cases[i / 2].broken ? -1 : 0);
		if (!done)
			assert_int_equal(profile->broken != NULL, i % 2);
	}
}

static int setup(void **state)
{
	(void)state;
	return crypto_init(false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_ends_up_in_the_document),
		cmocka_unit_test(the_other_member_of_each_pair_works_too),
		cmocka_unit_test(digest_fingerprint_and_annotation_are_those_of_the_bytes),
		cmocka_unit_test(the_same_resource_gives_the_same_bytes),
		cmocka_unit_test(a_verbatim_document_stays_as_it_is),
		cmocka_unit_test(a_policy_from_a_config_map_must_have_its_digest),
		cmocka_unit_test(a_large_policy_is_carried_and_one_too_large_breaks),
		cmocka_unit_test(what_does_not_compile_is_broken_and_still_matches),
		cmocka_unit_test(refuses_a_resource_whose_matching_part_cannot_be_read),
		cmocka_unit_test(keeps_the_bounds_of_the_schema),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
