/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/profile/scene.h"

/* Which profile a pod of namespace and class gets: its name, or "" with `why` filled. */
static const char *winner(const struct catalog *catalog, const char *namespace, const char *class,
		const char *labels, struct buf *why)
{
	auto_json json_t *set = labels ? yaml(labels) : NULL;
	bool tie;

	buf_reset(why);
	const struct profile *profile = catalog_match(catalog, namespace, class, set, &tie, why);
	if (tie)
		assert_holds(buf_text(why), "both match");
	return profile ? profile->name : "";
}

#define P(name, rest) "- {metadata: {name: " name "}, spec: {runtimeClasses: ['*'], " rest "}}\n"

static void the_highest_priority_wins(void **state)
{
	static const char *const orders[] = {
		P("a", "namespaceSelector: {}, priority: -5") P("b", "namespaceSelector: {}, priority: 7")
				P("c", "namespaceSelector: {}"),
		P("b", "namespaceSelector: {}, priority: 7") P("c", "namespaceSelector: {}")
				P("a", "namespaceSelector: {}, priority: -5"),
		P("c", "namespaceSelector: {}") P("d", "namespaceSelector: {}")
				P("b", "namespaceSelector: {}, priority: 7"),
	};
	auto_buf struct buf why = BUF_MAX(8192);

	(void)state;
	for (size_t i = 0; i < COUNT(orders); i++) {
		auto_catalog struct catalog *catalog = catalog_of(NULL, orders[i]);
		assert_string_equal(winner(catalog, "shop", "snp", NULL, &why), "b");
	}
}

static void a_tie_names_both(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			P("low", "namespaceSelector: {}, priority: 1")
					P("one", "namespaceSelector: {}, priority: 3")
							P("two", "namespaceSelector: {}, priority: 3"));
	auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_buf struct buf why = BUF_MAX(8192);
	auto_decision struct decision d;

	(void)state;
	assert_string_equal(winner(catalog, "shop", "snp", NULL, &why), "");
	assert_holds(buf_text(&why), "'one' and 'two' both match with priority 3");
	assert_holds(creation(catalog, pod, &d), "'one' and 'two' both match with priority 3");
	assert_int_equal(d.outcome, OUTCOME_REFUSED);
}

static void a_tie_is_refused_even_where_unmatched_pods_pass(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of("{unmatched: Allow}",
			P("one", "namespaceSelector: {}") P("two", "namespaceSelector: {}"));
	auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_decision struct decision d;

	(void)state;
	assert_holds(creation(catalog, pod, &d), "which profile it gets is not decided");
}

static void an_absent_namespace_selector_grants_none_and_an_empty_one_all(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			P("none", "priority: 9") P("void",
					"priority: 8, "
					"namespaceSelector: null") P("tenant",
					"priority: 7, namespaceSelector: {matchLabels: {tenant: a}}")
					P("all", "namespaceSelector: {}"));
	auto_buf struct buf why = BUF_MAX(8192);

	(void)state;
	assert_string_equal(winner(catalog, "shop", "snp", NULL, &why), "tenant");
	assert_string_equal(winner(catalog, "lab", "snp", NULL, &why), "all");
	assert_string_equal(winner(catalog, "bare", "snp", NULL, &why), "all");
	/* a namespace that nobody has heard of has no labels */
	assert_string_equal(winner(catalog, "new", "snp", NULL, &why), "all");
}

static void a_pod_selector_narrows(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			P("web", "namespaceSelector: {}, priority: 1, podSelector: {matchLabels: {app: web}}")
					P("any", "namespaceSelector: {}, podSelector: {}"));
	auto_buf struct buf why = BUF_MAX(8192);

	(void)state;
	assert_string_equal(winner(catalog, "shop", "snp", "{app: web}", &why), "web");
	assert_string_equal(winner(catalog, "shop", "snp", "{app: db}", &why), "any");
	assert_string_equal(winner(catalog, "shop", "snp", NULL, &why), "any");
}

static void globs_are_anchored_at_both_ends(void **state)
{
	static const struct {
		const char *glob, *class;
		bool matches;
	} cases[] = {
		{ "snp", "snp", true },
		{ "sn", "snp", false },
		{ "np", "snp", false },
		{ "sn?", "snp", true },
		{ "sn?", "sn", false },
		{ "s*p", "snp", true },
		{ "*", "snp", true },
		{ "*n", "snp", false },
		{ "SNP", "snp", false },
	};
	auto_buf struct buf why = BUF_MAX(8192);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *profiles =
				xasprintf("- {metadata: {name: p}, spec: {runtimeClasses: [xx, '%s'],"
					  " namespaceSelector: {}}}",
						cases[i].glob);
		auto_catalog struct catalog *catalog = catalog_of(NULL, profiles);
		assert_string_equal(winner(catalog, "shop", cases[i].class, NULL, &why),
				cases[i].matches ? "p" : "");
	}
}

static void says_why_each_profile_did_not_match(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			"- {metadata: {name: c}, spec: {runtimeClasses: [tdx], namespaceSelector: {}}}\n" P(
					"nons", "priority: 1") P("s",
					"namespaceSelector: {matchLabels: {tenant: z}}") P("p",
					"namespaceSelector: {}, podSelector: {matchLabels: {app: web}}"));
	auto_json json_t *pod = yaml("{metadata: {name: web-1}, spec: {runtimeClassName: snp}}");
	auto_decision struct decision d;

	(void)state;
	const char *said = creation(catalog, pod, &d);
	assert_holds(said,
			"pod 'web-1' in namespace 'shop' (runtime class 'snp') is refused: "
			"no ConfidentialProfile matches");
	assert_holds(said, "\n  profile 'c': spec.runtimeClasses does not name this runtime class");
	assert_holds(said, "\n  profile 'nons': it has no spec.namespaceSelector and so grants no namespace");
	assert_holds(said, "\n  profile 's': spec.namespaceSelector does not grant this namespace");
	assert_holds(said, "\n  profile 'p': spec.podSelector does not match the pod's labels");
	auto_catalog struct catalog *empty = catalog_of(NULL, NULL);
	auto_decision struct decision none;
	assert_holds(creation(empty, pod, &none), "there is no ConfidentialProfile at all");
}

static void settings_decide_about_unmatched_pods(void **state)
{
	auto_json json_t *pod = yaml("{metadata: {name: p}, spec: {runtimeClassName: snp}}");
	auto_catalog struct catalog *deny = catalog_of("{unmatched: Deny}", NULL);
	auto_catalog struct catalog *warn = catalog_of("{unmatched: Warn}", NULL);
	auto_catalog struct catalog *allow = catalog_of("{unmatched: Allow}", NULL);
	auto_decision struct decision d1, d2, d3;

	(void)state;
	assert_holds(creation(deny, pod, &d1), "no ConfidentialProfile matches");
	assert_int_equal(d1.outcome, OUTCOME_REFUSED);
	assert_string_equal(creation(warn, pod, &d2), "");
	auto_free char *said = lines_of(d2.warnings);
	assert_holds(said, "it starts without init-data");
	assert_int_equal(d2.outcome, OUTCOME_UNMATCHED);
	assert_string_equal(creation(allow, pod, &d3), "");
	assert_int_equal(json_array_size(d3.warnings), 0);
	assert_int_equal(d3.outcome, OUTCOME_UNMATCHED);
}

static void confidential_is_what_the_handler_or_the_label_says(void **state)
{
	auto_catalog struct catalog *catalog =
			catalog_of("{classes: [{handlers: [kata-remote], confidential: "
				   "false}, {handlers: [mine], confidential: false}]}",
					NULL);
	static const struct {
		const char *class;
		bool known, confidential;
	} cases[] = { { "snp", true, true }, { "remote", true, false }, { "mine", true, true },
		{ "plain", true, false }, { "kata-qemu-snp", false, false } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct catalog_class class = { 0 };
		assert_int_equal(catalog_find_class(catalog, cases[i].class, &class), cases[i].known);
		assert_int_equal(class.caps != NULL, cases[i].confidential);
	}
	/* a class of a plain handler, and no class at all, are none of our business; an unknown one is refused */
	auto_decision struct decision d1, d2, d3;
	auto_json json_t *plain = yaml("{metadata: {name: p}, spec: {runtimeClassName: plain}}");
	auto_json json_t *none = yaml("{metadata: {name: p}, spec: {}}");
	auto_json json_t *unknown = yaml("{metadata: {name: p}, spec: {runtimeClassName: x}}");
	assert_string_equal(creation(catalog, plain, &d1), "");
	assert_int_equal(d1.outcome, OUTCOME_PLAIN);
	assert_string_equal(creation(catalog, none, &d2), "");
	assert_int_equal(d2.outcome, OUTCOME_PLAIN);
	assert_holds(creation(catalog, unknown, &d3), "its RuntimeClass does not exist");
}

static void lists_classes_for_conditions_and_profiles(void **state)
{
	auto_catalog struct catalog *catalog = catalog_of(NULL,
			"- {metadata: {name: p}, spec: {runtimeClasses: [snp, 'm*', plain], "
			"namespaceSelector: {}}}");
	auto_json json_t *all = catalog_class_names(catalog);
	auto_json json_t *there = catalog_confidential(catalog);
	auto_json json_t *named = catalog_classes_of(catalog, catalog_profile(catalog, 0));
	auto_json json_t *builtin = class_builtin_handlers();
	auto_free char *text = json_text(there, false), *of = json_text(named, false);

	(void)state;
	assert_string_equal(text, "[\"gpu\",\"mine\",\"remote\",\"snp\"]");
	assert_string_equal(of, "[\"mine\",\"snp\"]");
	assert_int_equal(json_array_size(all), json_array_size(builtin) + 4);
	for (size_t i = 1; i < json_array_size(all); i++)
		assert_true(strcmp(json_string_value(json_array_get(all, i - 1)),
					    json_string_value(json_array_get(all, i))) < 0);
}

static void refuses_settings_naming_the_member(void **state)
{
	static const struct {
		const char *settings, *says;
	} cases[] = {
		{ "[]", "settings: " },
		{ "{unmatched: deny}", "unmatched: 'deny' is none of Deny, Warn, Allow" },
		{ "{unmatched: 7}", "unmatched" },
		{ "{unmached: Deny}", "unmached" },
		{ "{classes: {}}", "classes" },
		{ "{classes: [{handlers: [a], notEnabled: x}]}", "settings: classes[0].notEnabled" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *settings = yaml(cases[i].settings);
		struct catalog *catalog = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(catalog_new(settings, &catalog, &err), -1);
		assert_holds(err.text, cases[i].says);
		assert_null(catalog);
	}
}

static void passes_over_what_is_no_class_and_keeps_the_bound_of_profiles(void **state)
{
	static const char *const cases[] = { "{}", "{handler: h}", "{metadata: {name: a}}",
		"{metadata: {name: 7}, handler: h}", "{metadata: {name: a}, handler: 7}" };
	auto_catalog struct catalog *catalog = catalog_of(NULL, P("p", "namespaceSelector: {}"));
	struct profile *profile = catalog_profile(catalog, 0);
	struct catalog_class class;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *object = yaml(cases[i]);
		catalog_add_class(catalog, object);
		assert_false(catalog_find_class(catalog, "a", &class));
	}
	while (catalog_profile_count(catalog) < CATALOG_PROFILES_MAX)
		assert_int_equal(catalog_add_profile(catalog, profile, &err), 0);
	assert_int_equal(catalog_add_profile(catalog, profile, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_priority_wins),
		cmocka_unit_test(a_tie_names_both),
		cmocka_unit_test(a_tie_is_refused_even_where_unmatched_pods_pass),
		cmocka_unit_test(an_absent_namespace_selector_grants_none_and_an_empty_one_all),
		cmocka_unit_test(a_pod_selector_narrows),
		cmocka_unit_test(globs_are_anchored_at_both_ends),
		cmocka_unit_test(says_why_each_profile_did_not_match),
		cmocka_unit_test(settings_decide_about_unmatched_pods),
		cmocka_unit_test(confidential_is_what_the_handler_or_the_label_says),
		cmocka_unit_test(lists_classes_for_conditions_and_profiles),
		cmocka_unit_test(refuses_settings_naming_the_member),
		cmocka_unit_test(passes_over_what_is_no_class_and_keeps_the_bound_of_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
