/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cluster/stage.h"

struct seen {
	const char *name;
	const struct profile *profile;
	char problem[1024];
};

static void on_profile(void *ctx, const json_t *resource, const struct profile *profile, const char *problem)
{
	struct seen *seen = ctx;

	if (strcmp(json_text_at(resource, "metadata", "name", NULL), seen->name) != 0)
		return;
	seen->profile = profile;
	snprintf(seen->problem, sizeof(seen->problem), "%s", problem ? problem : "");
}

static struct seen seen_of(const struct stage *stage, const char *name)
{
	struct seen seen = { .name = name };

	follow_each_profile(stage->follow, on_profile, &seen);
	return seen;
}

#define TEAM(generation, rest)                                                                \
	"{metadata: {name: team, generation: " generation "}, spec: {runtimeClasses: [snp], " \
	"namespaceSelector: {}, " rest "}}"
#define INFO "initData: {logLevel: info}"
#define WARN "initData: {logLevel: warn}"

static void hands_out_a_catalog_once_everything_was_listed(void **state)
{
	struct stage stage;
	struct catalog_class class;
	bool tie;

	(void)state;
	begin(&stage, "[" TEAM("1", INFO) "]", "[]");
	until(&stage, 1);
	assert_true(follow_ready(stage.follow));
	assert_ptr_equal(follow_catalog(stage.follow), stage.catalog);
	assert_int_equal(catalog_profile_count(stage.catalog), 1);
	assert_true(catalog_find_class(stage.catalog, "snp", &class) && class.caps);
	assert_non_null(catalog_match(stage.catalog, "shop", "snp", NULL, &tie, NULL));
	assert_null(follow_settings_problem(stage.follow));
	assert_string_equal(seen_of(&stage, "team").problem, "");
	event(&stage, PROFILES, "DELETED", TEAM("1", INFO));
	until(&stage, 2);
	assert_int_equal(catalog_profile_count(stage.catalog), 0);
	event(&stage, CLASSES, "DELETED", "{metadata: {name: snp}, handler: kata-qemu-snp}");
	until(&stage, 3);
	assert_false(catalog_find_class(stage.catalog, "snp", &class));
	assert_true(follow_counts(stage.follow).events >= 2);
	end(&stage);
}

static void the_last_good_form_stays_in_force(void **state)
{
	struct stage stage;
	char digest[200];

	(void)state;
	begin(&stage,
			"[" TEAM("1", INFO) ", {metadata: {name: never, generation: 1}, spec: "
					    "{runtimeClasses: [x], mode: z}}]",
			"[]");
	until(&stage, 1);
	snprintf(digest, sizeof(digest), "%s", seen_of(&stage, "team").profile->digest_text);
	/* one that never was good is broken in force */
	assert_non_null(seen_of(&stage, "never").profile->broken);
	assert_holds(seen_of(&stage, "never").problem, "spec.mode");
	static const char *const bad[] = { TEAM("2", "mode: loud"), TEAM("3", "initData: {logLevel: loud}"),
		"{metadata: {name: team, generation: 4}, spec: {runtimeClasses: []}}" };
	static const char *const says[] = { "spec.mode", "logLevel", "spec.runtimeClasses" };
	for (unsigned i = 0; i < COUNT(bad); i++) {
		event(&stage, PROFILES, "MODIFIED", bad[i]);
		until(&stage, 2 + i);
		struct seen seen = seen_of(&stage, "team");
		assert_null(seen.profile->broken);
		assert_string_equal(seen.profile->digest_text, digest);
		assert_holds(seen.problem, says[i]);
	}
	event(&stage, PROFILES, "MODIFIED", TEAM("5", WARN));
	until(&stage, 5);
	assert_string_equal(seen_of(&stage, "team").problem, "");
	assert_string_not_equal(seen_of(&stage, "team").profile->digest_text, digest);
	end(&stage);
}

#define REGO      "package agent_policy"
#define MAP(text) "{metadata: {name: policies}, data: {policy.rego: '" text "'}}"

static void an_agent_policy_follows_its_config_map(void **state)
{
	struct stage stage;
	char hex[DIGEST_HEX_MAX];

	(void)state;
	digest_hex(DIGEST_SHA256, span_of(REGO), hex);
	auto_free char *profiles = xasprintf(
			"[" TEAM("1",
					"initData: {agentPolicy: {configMapRef: {name: policies, key: "
					"policy.rego, sha256: '%s'}}}") "]",
			hex);
	begin(&stage, profiles, "[]");
	until(&stage, 1);
	assert_holds(seen_of(&stage, "team").profile->broken, "there is no ConfigMap 'policies'");
	event(&stage, MAPS, "ADDED", MAP(REGO));
	until(&stage, 2);
	assert_null(seen_of(&stage, "team").profile->broken);
	assert_string_equal(seen_of(&stage, "team").problem, "");
	/* changed behind the profile's back, then gone */
	event(&stage, MAPS, "MODIFIED", MAP("package evil"));
	until(&stage, 3);
	assert_null(seen_of(&stage, "team").profile->broken);
	assert_holds(seen_of(&stage, "team").problem, "has sha256");
	event(&stage, MAPS, "DELETED", MAP("package evil"));
	until(&stage, 4);
	assert_null(seen_of(&stage, "team").profile->broken);
	assert_holds(seen_of(&stage, "team").problem, "there is no ConfigMap");
	end(&stage);
}

#define SETTINGS(text) "{metadata: {name: cocoon-config}, data: {config.yaml: \"" text "\"}}"

static void settings_that_cannot_be_read_leave_the_last_good_ones(void **state)
{
	static const struct {
		const char *type, *object, *problem;
		enum unmatched unmatched;
	} cases[] = {
		{ "ADDED", SETTINGS("unmatched: Allow"), NULL, UNMATCHED_ALLOW },
		{ "MODIFIED", SETTINGS("unmatched: ["), "ConfigMap 'cocoon-config', key config.yaml",
				UNMATCHED_ALLOW },
		{ "MODIFIED", SETTINGS("unmatched: Never"), "'Never' is none of", UNMATCHED_ALLOW },
		{ "MODIFIED", SETTINGS("[]"), "ConfigMap 'cocoon-config'", UNMATCHED_ALLOW },
		{ "MODIFIED", SETTINGS("a: 1\\n---\\nb: 2"), "2 documents", UNMATCHED_ALLOW },
		{ "MODIFIED", SETTINGS("classes: [{handlers: []}]"), "classes[0].handlers", UNMATCHED_ALLOW },
		{ "MODIFIED", SETTINGS("unmatched: Warn"), NULL, UNMATCHED_WARN },
		{ "MODIFIED", SETTINGS("# nothing but a comment"), NULL, UNMATCHED_DENY },
		{ "MODIFIED", SETTINGS("unmatched: Warn"), NULL, UNMATCHED_WARN },
		{ "DELETED", SETTINGS("unmatched: Warn"), NULL, UNMATCHED_DENY },
	};
	struct stage stage;
	unsigned failures = 0;

	(void)state;
	begin(&stage, "[]", "[]");
	until(&stage, 1);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		event(&stage, MAPS, cases[i].type, cases[i].object);
		until(&stage, 2 + i);
		const char *problem = follow_settings_problem(stage.follow);
		failures += cases[i].problem != NULL;
		assert_int_equal(stage.settings_failures, failures);
		assert_int_equal(catalog_unmatched(stage.catalog), cases[i].unmatched);
		if (cases[i].problem)
			assert_holds(problem, cases[i].problem);
		else
			assert_null(problem);
	}
	end(&stage);
}

static void bookkeeping_is_no_change(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, "[" TEAM("1", INFO) "]", "[]");
	until(&stage, 1);
	event(&stage, PROFILES, "MODIFIED",
			"{metadata: {name: team, generation: 1, managedFields: [{manager: x}]}, status: "
			"{digest: y2}, spec: "
			"{runtimeClasses: [snp], namespaceSelector: {}, " INFO "}}");
	event(&stage, NAMESPACES, "MODIFIED",
			"{metadata: {name: shop, labels: {tenant: a}, annotations: {a: b}}}");
	/* what comes later tells that these have been seen */
	uint64_t seen = follow_counts(stage.follow).events;
	for (int turns = 0; follow_counts(stage.follow).events < seen + 2 && turns < 5000; turns++) {
		stage.rig.now += CLOCK_SECOND;
		assert_int_equal(kube_turn(stage.rig.kube, 2, NULL, 0, NULL), 0);
	}
	event(&stage, NAMESPACES, "MODIFIED", "{metadata: {name: shop, labels: {tenant: b}}}");
	until(&stage, 2);
	end(&stage);
}

static void fingerprints_are_equal_for_those_who_saw_another_way(void **state)
{
	struct stage old, fresh;
	char first[65], one[65], two[65];

	(void)state;
	begin(&old, "[" TEAM("1", INFO) "]", "[]");
	until(&old, 1);
	follow_fingerprint(old.catalog, old.policies, first);
	/* there and back again before anybody looked, and a second profile */
	event(&old, PROFILES, "MODIFIED", TEAM("2", WARN));
	event(&old, PROFILES, "MODIFIED", TEAM("3", INFO));
	event(&old, PROFILES, "ADDED", "{metadata: {name: a, generation: 1}, spec: {runtimeClasses: [x]}}");
	until(&old, 2);
	begin(&fresh,
			"[{metadata: {name: a, generation: 1}, spec: {runtimeClasses: [x]}}, " TEAM(
					"3", INFO) "]",
			"[]");
	until(&fresh, 1);
	follow_fingerprint(old.catalog, old.policies, one);
	follow_fingerprint(fresh.catalog, fresh.policies, two);
	assert_string_equal(one, two);
	assert_string_not_equal(first, one);
	/* a newcomer that never saw the good form differs */
	event(&old, PROFILES, "MODIFIED", TEAM("4", "mode: loud"));
	event(&fresh, PROFILES, "MODIFIED", TEAM("4", WARN));
	until(&old, 3);
	until(&fresh, 2);
	follow_fingerprint(old.catalog, old.policies, one);
	follow_fingerprint(fresh.catalog, fresh.policies, two);
	assert_string_not_equal(one, two);
	end(&fresh);
	end(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_a_catalog_once_everything_was_listed),
		cmocka_unit_test(the_last_good_form_stays_in_force),
		cmocka_unit_test(an_agent_policy_follows_its_config_map),
		cmocka_unit_test(settings_that_cannot_be_read_leave_the_last_good_ones),
		cmocka_unit_test(bookkeeping_is_no_change),
		cmocka_unit_test(fingerprints_are_equal_for_those_who_saw_another_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
