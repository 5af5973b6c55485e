/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/draft.h"

#include "cluster/policies.h"
#include "profile/prepared.h"
#include "tests/controller/drafts.h"

struct stage {
	struct catalog *catalog;
	struct draft draft;
	struct err err;
};

static void begin(struct stage *stage)
{
	*stage = (struct stage){ .catalog = catalog_of(NULL, GENERATES) };
}

static void end(struct stage *stage)
{
	draft_clear(&stage->draft);
	catalog_unref(stage->catalog);
}

static int open_pod(struct stage *stage, json_t *pod)
{
	auto_json json_t *owned = pod;

	draft_clear(&stage->draft);
	return draft_open(&stage->draft, catalog_profile(stage->catalog, 0), owned, &stage->err);
}

static void open_replica(struct stage *stage, const char *suffix, const char *more)
{
	if (open_pod(stage, replica(suffix, more)) < 0)
		fail_msg("%s", stage->err.text);
}

static void give_images(struct stage *stage, const char *entrypoint, const char *config)
{
	for (size_t i = 0; i < stage->draft.workload.image_count; i++)
		assert_int_equal(draft_image(&stage->draft, i, facts_with(entrypoint, config), &stage->err),
				0);
}

static void finish(struct stage *stage)
{
	if (draft_finish(&stage->draft, &stage->err) < 0) {
		auto_free char *why = draft_reasons(&stage->draft, &stage->err);
		fail_msg("%s: %s", stage->err.text, why);
	}
}

static void make(struct stage *stage, const char *suffix, const char *entrypoint, const char *config)
{
	open_replica(stage, suffix, "");
	give_images(stage, entrypoint, config);
	finish(stage);
}

static const char *text_at(const json_t *object, const char *a, const char *b)
{
	return json_text_at(object, a, b, NULL);
}

/* ---- what becomes of a pod ---------------------------------------------------------------------------------- */

static void a_pod_becomes_an_agent_policy(void **state)
{
	struct stage stage;
	auto_prepared struct prepared *prepared = NULL;
	auto_profile struct profile *whole = NULL;

	(void)state;
	begin(&stage);
	make(&stage, "x2x9k", "/app", DIGEST_C);
	const json_t *object = stage.draft.object, *status = stage.draft.status;
	assert_string_equal(text_at(object, "metadata", "namespace"), "shop");
	assert_string_equal(text_at(object, "spec", "key"), stage.draft.key);
	assert_string_equal(text_at(object, "spec", "profile"), "team");
	assert_string_equal(json_text_at(object, "spec", "workload", "kind", NULL), "Deployment");
	assert_string_equal(json_text_at(object, "spec", "workload", "name", NULL), "web");
	const json_t *image = json_array_get(json_at(object, "spec", "images", NULL), 0);
	assert_string_equal(json_text_at(image, "name", NULL), "registry.example/shop/app:1");
	assert_string_equal(json_text_at(image, "digest", NULL), DIGEST_A);
	assert_string_equal(json_text_at(status, "digest", NULL), stage.draft.digest);
	assert_int_equal(json_integer_value(json_object_get(status, "profileGeneration")), 3);
	assert_true(json_array_size(json_object_get(status, "teeForms")) > 0);
	/* what pods get of it */
	assert_int_equal(prepared_read(object, &prepared, &stage.err), 0);
	assert_int_equal(profile_with_policy(stage.draft.profile, prepared, &whole, NULL), 0);
	assert_string_equal(whole->digest_text, stage.draft.digest);
	end(&stage);
}

static void it_goes_with_who_has_made_the_pod(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	make(&stage, "x2x9k", "/app", DIGEST_C);
	auto_json json_t *owners =
			yaml("[{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f8c7b9, uid: rs-1}]");
	assert_true(json_equal(json_at(stage.draft.object, "metadata", "ownerReferences", NULL), owners));
	json_t *pod = replica("x2x9k", "");
	json_object_del(json_object_get(pod, "metadata"), "ownerReferences");
	assert_int_equal(open_pod(&stage, pod), 0);
	give_images(&stage, "/app", DIGEST_C);
	finish(&stage);
	auto_json json_t *itself =
			yaml("[{apiVersion: v1, kind: Pod, name: web-5d4f8c7b9-x2x9k, uid: uid-x2x9k}]");
	assert_true(json_equal(json_at(stage.draft.object, "metadata", "ownerReferences", NULL), itself));
	end(&stage);
}

static void replicas_share_one_and_the_same_bytes(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	make(&stage, "x2x9k", "/app", DIGEST_C);
	auto_json json_t *first = json_deep_copy(stage.draft.object);
	make(&stage, "7qwbn", "/app", DIGEST_C);
	assert_true(json_equal(first, stage.draft.object));
	end(&stage);
}

static void another_image_makes_another_digest(void **state)
{
	struct stage stage;
	char first[sizeof(stage.draft.digest)];

	(void)state;
	begin(&stage);
	make(&stage, "x2x9k", "/app", DIGEST_C);
	memcpy(first, stage.draft.digest, sizeof(first));
	make(&stage, "x2x9k", "/app", DIGEST_B);
	assert_string_not_equal(first, stage.draft.digest);
	make(&stage, "x2x9k", "/other", DIGEST_C);
	assert_string_not_equal(first, stage.draft.digest);
	make(&stage, "x2x9k", "/app", DIGEST_C);
	assert_string_equal(first, stage.draft.digest);
	end(&stage);
}

/* ---- images ------------------------------------------------------------------------------------------------- */

static void images_are_asked_for_as_the_kubelet_does(void **state)
{
	struct stage stage;
	struct image_want want;
	struct draft_pulls pulls;
	json_t *pod = replica("x2x9k", "");

	(void)state;
	begin(&stage);
	open_replica(&stage, "x2x9k", "");
	assert_int_equal(draft_want(&stage.draft, 0, NULL, NULL, &pulls, &want, NULL), 0);
	assert_string_equal(want.name.host, "registry.example");
	assert_true(want.looks & IMAGE_LOOKED_CONFIG);
	assert_string_equal(want.namespace, "shop");
	assert_string_equal(want.service_account, "default");
	assert_int_equal(want.pull_secret_count, 0);
	auto_json json_t *more =
			yaml("{serviceAccountName: web, imagePullSecrets: [{name: a}, {}, {name: b}]}");
	json_object_update(json_object_get(pod, "spec"), more);
	assert_int_equal(open_pod(&stage, pod), 0);
	assert_int_equal(draft_want(&stage.draft, 0, NULL, NULL, &pulls, &want, NULL), 0);
	assert_string_equal(want.service_account, "web");
	assert_int_equal(want.pull_secret_count, 2);
	assert_string_equal(want.pull_secrets[1], "b");
	end(&stage);
}

static void registries_are_those_of_the_policies_that_take_the_image(void **state)
{
	static const char form[] = "{a: {metadata: {name: a}, spec: {match: {images: ['other.example/**']}, "
				   "registries: [{host: "
				   "registry.example}]}}, b: {metadata: {name: b}, spec: {match: "
				   "{podSelector: {matchLabels: {app: "
				   "else}}}, registries: [{host: registry.example}]}}, c: {metadata: {name: "
				   "c}, spec: {registries: "
				   "[{host: registry.example, plainHTTP: %s}]}}}";
	struct stage stage;
	struct image_want want;
	struct draft_pulls pulls;

	(void)state;
	begin(&stage);
	open_replica(&stage, "x2x9k", "");
	for (int plain = 0; plain < 2; plain++) {
		auto_json json_t *policies = yamlf(form, plain ? "true" : "false"), *problems = json_object();
		struct policy_set *set = NULL;
		assert_int_equal(policies_build(policies, NULL, NULL, problems, &set, NULL), 0);
		assert_int_equal(draft_want(&stage.draft, 0, set, NULL, &pulls, &want, NULL), 0);
		assert_non_null(want.registry);
		assert_int_equal(want.registry->plain_http, plain);
		policy_set_unref(set);
	}
	end(&stage);
}

static void an_image_that_cannot_be_used_is_named(void **state)
{
	static const struct image_platform arm = { .name = "linux/arm64",
		.digest = DIGEST_B,
		.config = DIGEST_C },
					   unread = { .name = "linux/amd64",
						   .digest = DIGEST_B,
						   .config = DIGEST_C,
						   .run_problem = "config.Env is no list" };
	const struct image_facts other = { .host = "registry.example",
		.repository = "shop/app",
		.digest = DIGEST_A,
		.index = true,
		.platforms = &arm,
		.platform_count = 1 };
	struct image_facts broken = other;
	struct stage stage;

	(void)state;
	begin(&stage);
	open_replica(&stage, "x2x9k", "");
	assert_int_equal(draft_image(&stage.draft, 0, image_facts_new(&other), &stage.err), -1);
	assert_int_equal(stage.err.kind, ERR_NOT_FOUND);
	assert_holds(stage.err.text, "image \"registry.example/shop/app:1\": it is not made for linux/amd64");
	broken.platforms = &unread;
	assert_int_equal(draft_image(&stage.draft, 0, image_facts_new(&broken), &stage.err), -1);
	assert_int_equal(stage.err.kind, ERR_FORMAT);
	assert_holds(stage.err.text, "its config " DIGEST_C " cannot be read");
	assert_holds(stage.err.text, "config.Env is no list");
	end(&stage);
}

/* As admission takes it, which looks the policy up by the same key. */
static void a_field_of_a_newer_server_is_a_warning(void **state)
{
	char key[AGENT_KEY_LEN + 1];
	struct stage stage;

	(void)state;
	begin(&stage);
	make(&stage, "x2x9k", "/app", DIGEST_C);
	memcpy(key, stage.draft.key, sizeof(key));
	open_replica(&stage, "x2x9k", "newerField: {a: 1}");
	assert_string_equal(stage.draft.key, key);
	give_images(&stage, "/app", DIGEST_C);
	finish(&stage);
	auto_free char *status = json_dumps(stage.draft.status, 0);
	assert_holds(status, "there is no field 'newerField'");
	end(&stage);
}

/* ---- ConfigMaps and Secrets --------------------------------------------------------------------------------- */

#define LEVELS "envFrom: [{configMapRef: {name: levels}}]"

static void values_come_from_config_maps(void **state)
{
	static const char *const kept[] = { "true", "false" };
	struct stage stage;

	(void)state;
	begin(&stage);
	for (size_t i = 0; i < COUNT(kept); i++) {
		struct draft_source source;
		auto_json json_t *object = yamlf(
				"{metadata: {name: levels, namespace: shop}, immutable: %s, data: {LEVEL: "
				"debug}}",
				kept[i]);
		open_replica(&stage, "x2x9k", LEVELS);
		give_images(&stage, "/app", DIGEST_C);
		assert_true(draft_source(&stage.draft, 0, &source));
		assert_string_equal(source.plural, "configmaps");
		assert_string_equal(source.name, "levels");
		assert_false(draft_source(&stage.draft, 1, &source));
		assert_true(draft_source(&stage.draft, 0, &source));
		draft_object(&stage.draft, &source, object);
		finish(&stage);
		auto_free char *notes = json_text(json_object_get(stage.draft.status, "notes"), true);
		assert_int_equal(strstr(notes, "ConfigMap levels is not immutable") != NULL, i == 1);
	}
	end(&stage);
}

static void secrets_come_behind_config_maps(void **state)
{
	struct stage stage;
	struct draft_source source;

	(void)state;
	begin(&stage);
	open_replica(&stage, "x2x9k",
			"env: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: a}}}], " LEVELS);
	assert_true(draft_source(&stage.draft, 0, &source));
	assert_string_equal(source.kind, "ConfigMap");
	assert_true(draft_source(&stage.draft, 1, &source));
	assert_string_equal(source.kind, "Secret");
	assert_string_equal(source.plural, "secrets");
	assert_string_equal(source.name, "keys");
	assert_false(draft_source(&stage.draft, 2, &source));
	end(&stage);
}

/* ---- what cannot be ----------------------------------------------------------------------------------------- */

static void all_reasons_are_told_with_their_places(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	open_replica(&stage, "x2x9k",
			LEVELS ", env: [{name: A, valueFrom: {configMapKeyRef: {name: gone, key: a}}}]");
	give_images(&stage, "/app", DIGEST_C);
	assert_int_equal(draft_finish(&stage.draft, &stage.err), -1);
	assert_int_equal(stage.err.kind, ERR_DENIED);
	auto_free char *reasons = draft_reasons(&stage.draft, &stage.err);
	assert_holds(reasons, "containers[0].envFrom[0]");
	assert_holds(reasons, "levels");
	assert_holds(reasons, "; ");
	assert_holds(reasons, "containers[0].env[0]");
	assert_holds(reasons, "gone");
	end(&stage);
}

static void a_failure_without_notes_speaks_for_itself(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	err_set(&stage.err, ERR_RETRY, "the registry is away");
	auto_free char *reasons = draft_reasons(&stage.draft, &stage.err);
	assert_string_equal(reasons, "the registry is away");
	end(&stage);
}

/* Bytes that do not compress, as text. */
static json_t *noise(size_t values)
{
	json_t *data = json_object();
	uint32_t seed = 7;

	for (size_t i = 0; i < values; i++) {
		char name[16], text[1001];
		for (size_t k = 0; k < sizeof(text) - 1; k++) {
			seed = seed * 1664525 + 1013904223;
			text[k] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[seed >>
					26];
		}
		text[sizeof(text) - 1] = '\0';
		snprintf(name, sizeof(name), "V%zu", i);
		json_object_set_new(data, name, json_string(text));
	}
	return data;
}

static void a_policy_that_no_annotation_holds_is_refused(void **state)
{
	struct stage stage;
	struct draft_source source;

	(void)state;
	begin(&stage);
	open_replica(&stage, "x2x9k", LEVELS);
	give_images(&stage, "/app", DIGEST_C);
	assert_true(draft_source(&stage.draft, 0, &source));
	auto_json json_t *object =
			json_pack("{s:{s:s}, s:o}", "metadata", "name", "levels", "data", noise(200));
	draft_object(&stage.draft, &source, object);
	assert_int_equal(draft_finish(&stage.draft, &stage.err), -1);
	assert_int_equal(stage.err.kind, ERR_LIMIT);
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_becomes_an_agent_policy),
		cmocka_unit_test(it_goes_with_who_has_made_the_pod),
		cmocka_unit_test(replicas_share_one_and_the_same_bytes),
		cmocka_unit_test(another_image_makes_another_digest),
		cmocka_unit_test(images_are_asked_for_as_the_kubelet_does),
		cmocka_unit_test(registries_are_those_of_the_policies_that_take_the_image),
		cmocka_unit_test(an_image_that_cannot_be_used_is_named),
		cmocka_unit_test(a_field_of_a_newer_server_is_a_warning),
		cmocka_unit_test(values_come_from_config_maps),
		cmocka_unit_test(secrets_come_behind_config_maps),
		cmocka_unit_test(all_reasons_are_told_with_their_places),
		cmocka_unit_test(a_failure_without_notes_speaks_for_itself),
		cmocka_unit_test(a_policy_that_no_annotation_holds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
