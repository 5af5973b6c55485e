/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/policy.h"
#include "base/b64.h"
#include "codec/zip.h"
#include "profile/shelf.h"
#include "tests/profile/prepared_scene.h"

#include <pthread.h>

#define POLICY "package agent_policy\n\ndefault AllowRequestsFailingPolicy := false\n"

static struct prepared *read_ok(const json_t *resource)
{
	struct prepared *prepared = NULL;
	struct err err = ERR_NONE;

	if (prepared_read(resource, &prepared, &err) < 0)
		fail_msg("%s", err.text);
	return prepared;
}

static void reads_what_it_writes(void **state)
{
	auto_profile struct profile *profile = generating("");
	const struct agent_workload workload = { .kind = "Deployment", .name = "web", .namespace = "shop" };
	auto_json json_t *images = yaml("[{name: a.example/b, digest: 'sha256:00'}]");
	auto_json json_t *object = NULL;

	(void)state;
	assert_int_equal(prepared_object(profile, &workload, KEY_A, SPAN_LIT(POLICY), images, &object, NULL),
			0);
	auto_prepared struct prepared *prepared = read_ok(object);
	assert_string_equal(prepared->namespace, "shop");
	assert_string_equal(prepared->name, "deployment-web-52504f0e6917");
	assert_string_equal(prepared->profile, "gen");
	assert_string_equal(prepared->key, KEY_A);
	assert_string_equal(prepared->workload, "Deployment web");
	assert_true(json_equal(json_at(object, "spec", "images", NULL), images));
	struct buf text = BUF_MAX(4096);
	assert_int_equal(gzip_unpack(buf_span(&prepared->packed), 4096, &text, NULL), 0);
	assert_string_equal(buf_text(&text), POLICY);
	buf_clear(&text);
}

static void names_are_cut_as_names_may_be(void **state)
{
	static const struct {
		const char *kind, *name, *object;
	} cases[] = {
		{ "Pod", "web-", "pod-web-52504f0e6917" },
		{ "StatefulSet", "a.b", "statefulset-a.b-52504f0e6917" },
		{ "Job", "a.", "job-a-52504f0e6917" },
	};
	auto_profile struct profile *profile = generating("");
	auto_json json_t *images = json_array();
	char longest[254];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i <= COUNT(cases); i++) {
		struct agent_workload workload = { .namespace = "shop",
			.kind = i < COUNT(cases) ? cases[i].kind : "ReplicationController",
			.name = i < COUNT(cases) ? cases[i].name : longest };
		auto_json json_t *object = NULL;
		assert_int_equal(prepared_object(profile, &workload, KEY_A, SPAN_LIT(POLICY), images, &object,
						 NULL),
				0);
		const char *name = json_text_at(object, "metadata", "name", NULL);
		if (i < COUNT(cases))
			assert_string_equal(name, cases[i].object);
		else
			assert_int_equal(strlen(name), 253);
	}
}

static void a_policy_that_is_too_large_is_refused(void **state)
{
	auto_profile struct profile *profile = generating("");
	const struct agent_workload workload = { .namespace = "shop", .kind = "Pod", .name = "a" };
	auto_json json_t *images = json_array();
	auto_json json_t *object = NULL;
	struct buf noise = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		seed = seed * 1664525 + 1013904223;
		buf_putc(&noise, (char)(' ' + (seed >> 16) % 90));
	}
	assert_int_equal(prepared_object(profile, &workload, KEY_A, buf_span(&noise), images, &object, &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_null(object);
	buf_clear(&noise);
}

static void one_that_is_prepared_again_is_new(void **state)
{
	static const struct {
		const char *more;
		int64_t created;
	} cases[] = { { "", 0 }, { ", creationTimestamp: '2026-01-02T03:04:05Z'", 1767323045000000 },
		{ ", creationTimestamp: '2026-01-02T03:04:05Z', annotations: {cocoon.dev/prepared-at: "
		  "'2026-01-02T03:04:07Z'}",
				1767323047000000 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_profile struct profile *profile = generating("");
		const struct agent_workload workload = { .namespace = "shop", .kind = "Pod", .name = "a" };
		auto_json json_t *images = json_array();
		auto_json json_t *object = NULL;
		auto_json json_t *more = yamlf("{name: a, namespace: shop%s}", cases[i].more);
		auto_prepared struct prepared *prepared = NULL;
		assert_int_equal(prepared_object(profile, &workload, KEY_A, SPAN_LIT(POLICY), images, &object,
						 NULL),
				0);
		json_object_update(json_object_get(object, "metadata"), more);
		assert_int_equal(prepared_read(object, &prepared, NULL), 0);
		assert_int_equal(prepared->created, cases[i].created);
	}
}

static void refuses_what_is_no_prepared_policy(void **state)
{
	static const struct {
		const char *path, *value, *says;
	} cases[] = {
		{ "kind", "'Pod'", "not AgentPolicy" },
		{ "metadata", "null", "metadata" },
		{ "metadata", "[]", "metadata" },
		{ "metadata", "{namespace: a}", "metadata.name" },
		{ "metadata", "{name: a}", "metadata.namespace" },
		{ "metadata", "{name: a, namespace: 1}", "metadata.namespace" },
		{ "metadata", "{name: a, namespace: b, creationTimestamp: yesterday}", "creationTimestamp" },
		{ "metadata", "{name: a, namespace: b, annotations: {cocoon.dev/prepared-at: again}}",
				"prepared-at" },
		{ "spec", "null", "spec" },
		{ "spec", "{}", "spec.profile" },
		{ "key", "null", "spec.key" },
		{ "key", "''", "spec.key" },
		{ "key", "'" KEY_A "a'", "spec.key" },
		{ "key", "'A" KEY_A "'", "spec.key" },
		{ "profile", "1", "spec.profile" },
		{ "workload", "web", "spec.workload" },
		{ "workload", "{kind: Pod}", "spec.workload.name" },
		{ "policy", "null", "spec.policy" },
		{ "policy", "'a b'", "spec.policy" },
		{ "policy", "{}", "spec.policy" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *resource = prepared_resource("a", KEY_A, "2026-01-02T03:04:05Z", POLICY);
		auto_json json_t *list = yamlf("[%s]", cases[i].value);
		bool top = !strcmp(cases[i].path, "metadata") || !strcmp(cases[i].path, "spec") ||
				!strcmp(cases[i].path, "kind");
		struct prepared *prepared = NULL;
		struct err err = ERR_NONE;
		json_object_set(top ? resource : json_object_get(resource, "spec"), cases[i].path,
				json_array_get(list, 0));
		if (prepared_read(resource, &prepared, &err) == 0)
			fail_msg("case %zu was read", i);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_holds(err.text, cases[i].says);
	}
	auto_json json_t *huge = prepared_resource("a", KEY_A, "2026-01-02T03:04:05Z", POLICY);
	auto_free char *text = xcalloc(1, PREPARED_POLICY_MAX + 5);
	struct prepared *prepared = NULL;
	struct err err = ERR_NONE;
	memset(text, 'A', PREPARED_POLICY_MAX + 4);
	json_object_set_new(json_object_get(huge, "spec"), "policy", json_string(text));
	assert_int_equal(prepared_read(huge, &prepared, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* What is derived is, to the byte, what a profile with the same text inline is. */
static void makes_what_the_profile_would_make_of_the_text_inline(void **state)
{
	auto_profile struct profile *profile =
			generating("kbs: {url: 'https://kbs:8080'}, algorithm: sha384, ");
	auto_json json_t *resource = prepared_resource("a", KEY_A, "2026-01-02T03:04:05Z", POLICY);
	auto_prepared struct prepared *prepared = read_ok(resource);
	auto_profile struct profile *made = NULL;
	auto_json json_t *inlined =
			yaml("{metadata: {name: gen, generation: 2}, spec: {runtimeClasses: ['*'], "
			     "namespaceSelector: {}, kernelParams: [quiet], initData: {kbs: {url: "
			     "'https://kbs:8080'}, algorithm: sha384, agentPolicy: {}}}}");
	struct err err = ERR_NONE;

	(void)state;
	json_object_set_new((json_t *)(uintptr_t)json_at(inlined, "spec", "initData", "agentPolicy", NULL),
			"inline", json_string(POLICY));
	auto_profile struct profile *want = compiled(inlined);
	assert_null(want->broken);
	if (profile_with_policy(profile, prepared, &made, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(span_eq(buf_span(&made->document), buf_span(&want->document)));
	assert_string_equal(made->annotation, want->annotation);
	assert_string_equal(made->digest_text, want->digest_text);
	assert_memory_equal(made->fingerprint, want->fingerprint, 32);
	assert_int_equal(made->source, PROFILE_RENDERED);
	assert_null(made->generated);
	assert_string_equal(made->name, "gen");
	assert_true(json_equal(made->kernel_params, want->kernel_params));
	/* it outlives what it was derived from, as its holder sees it */
	profile_unref(take(&profile));
	assert_int_equal(json_array_size(made->kernel_params), 1);
}

static void what_makes_no_document_says_whose_it_is(void **state)
{
	static const char nul[] = "package agent_policy\n\0x";
	auto_profile struct profile *profile = generating("");
	auto_json json_t *resource = prepared_resource("a", KEY_A, "2026-01-02T03:04:05Z", POLICY);
	struct buf packed = BUF_MAX(4096), text = BUF_MAX(4096);
	auto_profile struct profile *made = NULL;
	struct prepared_print print;
	struct err err = ERR_NONE;

	(void)state;
	json_object_set_new(json_object_get(resource, "spec"), "policy", json_string("AAAA"));
	auto_prepared struct prepared *broken = read_ok(resource);
	assert_int_equal(profile_with_policy(profile, broken, &made, &err), -1);
	assert_holds(err.text,
			"AgentPolicy 'a' of namespace 'shop': delete it, so that it is made anew: "
			"spec.policy");
	prepared_print(broken, profile, &print);
	assert_true(print.known);
	assert_int_equal(print.document[0], 0xff);
	assert_int_equal(gzip_pack(span_new(nul, sizeof(nul) - 1), &packed, NULL), 0);
	b64_encode(&text, buf_span(&packed));
	json_object_set_new(json_object_get(resource, "spec"), "policy", json_string(buf_text(&text)));
	auto_prepared struct prepared *with_nul = read_ok(resource);
	assert_int_equal(profile_with_policy(profile, with_nul, &made, &err), -1);
	assert_holds(err.text, "NUL");
	buf_clear(&packed);
	buf_clear(&text);
}

static void a_print_follows_the_profile(void **state)
{
	auto_profile struct profile *one = generating("");
	auto_profile struct profile *other = generating("logLevel: debug, ");
	auto_json json_t *resource = prepared_resource("a", KEY_A, "2026-01-02T03:04:05Z", POLICY);
	auto_prepared struct prepared *prepared = read_ok(resource);
	struct prepared_print first, second, third;
	auto_profile struct profile *made = NULL;

	(void)state;
	prepared_print(prepared, one, &first);
	prepared_print(prepared, other, &second);
	prepared_print(prepared, one, &third);
	assert_string_not_equal(first.digest_text, second.digest_text);
	assert_string_equal(first.digest_text, third.digest_text);
	assert_int_equal(profile_with_policy(one, prepared, &made, NULL), 0);
	assert_string_equal(made->digest_text, first.digest_text);
	assert_memory_equal(made->fingerprint, first.document, 32);
}

static void the_newer_of_two_for_a_key_is_found(void **state)
{
	struct catalog *catalog = catalog_of(NULL, NULL);
	static const char *const times[] = { "2026-01-02T03:04:05Z", "2026-01-02T03:04:07Z",
		"2026-01-02T03:04:06Z" };
	static const char *const names[] = { "first", "second", "third" };

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		auto_json json_t *resource = prepared_resource(names[i], KEY_A, times[i], POLICY);
		auto_prepared struct prepared *prepared = read_ok(resource);
		catalog_add_prepared(catalog, prepared);
		catalog_add_prepared(catalog, prepared);
	}
	assert_int_equal(catalog_prepared_count(catalog), 1);
	assert_string_equal(catalog_prepared(catalog, "shop", "gen", KEY_A)->name, "second");
	assert_null(catalog_prepared(catalog, "lab", "gen", KEY_A));
	assert_null(catalog_prepared(catalog, "shop", "gen", KEY_B));
	assert_null(catalog_prepared(catalog, "shop", "other", KEY_A));
	catalog_unref(catalog);
}

static struct prepared *of_size(const char *namespace, const char *profile, int number, size_t bytes)
{
	auto_free char *name = xasprintf("p%d", number), *key = xasprintf("%064d", number);
	auto_free char *created = xasprintf("2026-01-%02dT03:04:05Z", number % 28 + 1);
	auto_json json_t *resource = prepared_resource(name, key, created, "");
	auto_free char *policy = xcalloc(1, bytes / 3 * 4 + 1);

	memset(policy, 'A', bytes / 3 * 4);
	json_object_set_new(json_object_get(resource, "metadata"), "namespace", json_string(namespace));
	json_object_set_new(json_object_get(resource, "spec"), "profile", json_string(profile));
	json_object_set_new(json_object_get(resource, "spec"), "policy", json_string(policy));
	return read_ok(resource);
}

#define LARGE (PREPARED_POLICY_MAX / 4 * 3)

/* The space of all of them is bounded too, and who takes most of it gives way: not who came first, nor who has more of them. */
static void of_too_large_ones_those_of_who_takes_most_give_way(void **state)
{
	struct shelf *shelf = shelf_new(SHELF_BY_KEY);
	const int fit = (int)(SHELF_BYTES_MAX / LARGE);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		auto_prepared struct prepared *small = of_size("many", "gen", i, 30);
		assert_int_equal(shelf_put(shelf, small), SHELF_PUT);
	}
	for (int i = 0; i < fit + 10; i++) {
		auto_prepared struct prepared *large = of_size("greedy", "gen", i, LARGE);
		enum shelf_put done = shelf_put(shelf, large);
		assert_int_equal(done == SHELF_PUT, i < fit);
	}
	assert_int_equal(shelf_count(shelf), 1000 + fit);
	auto_prepared struct prepared *late = of_size("many", "gen", 1000, LARGE);
	assert_int_equal(shelf_put(shelf, late), SHELF_CROWDED);
	assert_int_equal(shelf_put(shelf, late), SHELF_PUT);
	assert_int_equal(shelf_count(shelf), 1000 + fit);
	assert_ptr_equal(shelf_find_for(shelf, "many", "gen", late->key), late);
	shelf_remove(shelf, "many", late->id);
	auto_prepared struct prepared *newest = of_size("greedy", "gen", 27 + 28 * 200, LARGE);
	assert_int_equal(shelf_put(shelf, newest), SHELF_PUT);
	shelf_free(shelf);
}

static void profiles_of_equal_options_have_each_their_own(void **state)
{
	struct shelf *shelf = shelf_new(SHELF_BY_KEY);
	auto_prepared struct prepared *one = of_size("shop", "gen", 1, 30);
	auto_prepared struct prepared *two = of_size("shop", "other", 1, 30);

	(void)state;
	assert_int_equal(shelf_put(shelf, one), SHELF_PUT);
	assert_null(shelf_find_for(shelf, "shop", "other", one->key));
	assert_int_equal(shelf_put(shelf, two), SHELF_PUT);
	assert_ptr_equal(shelf_find_for(shelf, "shop", "gen", one->key), one);
	assert_ptr_equal(shelf_find_for(shelf, "shop", "other", one->key), two);
	shelf_free(shelf);
}

/* More than are kept: the longest unused is made anew, and what somebody holds stays good. */
static void what_is_derived_is_kept_for_a_while(void **state)
{
	struct catalog *catalog = catalog_of(NULL, NULL), *next = catalog_of(NULL, NULL);
	auto_profile struct profile *profile = generating("");
	auto_json json_t *resource = prepared_resource("a", KEY_A, "2026-01-02T03:04:05Z", POLICY);
	auto_prepared struct prepared *first = read_ok(resource);
	auto_profile struct profile *made = NULL, *again = NULL, *late = NULL;

	(void)state;
	assert_int_equal(catalog_derive(catalog, profile, first, &made, NULL), 0);
	catalog_carry(next, catalog);
	catalog_unref(catalog);
	assert_int_equal(catalog_derive(next, profile, first, &again, NULL), 0);
	assert_ptr_equal(made, again);
	for (int i = 0; i < 64; i++) {
		auto_prepared struct prepared *other = read_ok(resource);
		auto_profile struct profile *more = NULL;
		assert_int_equal(catalog_derive(next, profile, other, &more, NULL), 0);
		assert_ptr_not_equal(more, made);
	}
	assert_int_equal(catalog_derive(next, profile, first, &late, NULL), 0);
	assert_ptr_not_equal(late, made);
	assert_string_equal(late->digest_text, made->digest_text);
	catalog_unref(next);
}

struct shared {
	struct catalog *catalog;
	struct profile *profile;
	struct prepared *prepared[3];
};

static void *derive_often(void *ctx)
{
	const struct shared *shared = ctx;
	struct prepared_print print;

	for (int i = 0; i < 60; i++) {
		struct prepared *prepared = shared->prepared[i % 3];
		auto_profile struct profile *made = NULL;
		if (catalog_derive(shared->catalog, shared->profile, prepared, &made, NULL) < 0)
			return NULL;
		prepared_print(prepared, shared->profile, &print);
		if (strcmp(print.digest_text, made->digest_text) != 0)
			return NULL;
	}
	return ctx;
}

static void several_threads_derive_at_a_time(void **state)
{
	auto_profile struct profile *profile = generating("");
	struct shared shared = { .catalog = catalog_of(NULL, NULL), .profile = profile };
	pthread_t threads[4];
	void *done;

	(void)state;
	for (size_t i = 0; i < COUNT(shared.prepared); i++) {
		auto_free char *policy = xasprintf(POLICY "x%zu := 1\n", i);
		auto_json json_t *resource = prepared_resource("a", KEY_A, "2026-01-02T03:04:05Z", policy);
		shared.prepared[i] = read_ok(resource);
	}
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, derive_often, &shared), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &done), 0);
		assert_ptr_equal(done, &shared);
	}
	for (size_t i = 0; i < COUNT(shared.prepared); i++)
		prepared_unref(shared.prepared[i]);
	catalog_unref(shared.catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(names_are_cut_as_names_may_be),
		cmocka_unit_test(a_policy_that_is_too_large_is_refused),
		cmocka_unit_test(one_that_is_prepared_again_is_new),
		cmocka_unit_test(refuses_what_is_no_prepared_policy),
		cmocka_unit_test(makes_what_the_profile_would_make_of_the_text_inline),
		cmocka_unit_test(what_makes_no_document_says_whose_it_is),
		cmocka_unit_test(a_print_follows_the_profile),
		cmocka_unit_test(the_newer_of_two_for_a_key_is_found),
		cmocka_unit_test(of_too_large_ones_those_of_who_takes_most_give_way),
		cmocka_unit_test(profiles_of_equal_options_have_each_their_own),
		cmocka_unit_test(what_is_derived_is_kept_for_a_while),
		cmocka_unit_test(several_threads_derive_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
