/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/conditions.h"

#include "base/b64.h"
#include "base/fs.h"
#include "tests/profile/scene.h"

/* The two configurations that are shipped, with the resourceVersion that a server gives them. */
static json_t *shipped(void)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	json_t *all = NULL;
	size_t i;
	json_t *configuration;
	struct err err = ERR_NONE;

	if (fs_read("manifests/base/webhook-configurations.yaml", &text, &err) < 0 ||
			yaml_read_all(buf_span(&text), 1 << 20, &all, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(json_array_size(all), 2);
	json_array_foreach (all, i, configuration)
		json_object_set_new(json_object_get(configuration, "metadata"), "resourceVersion",
				json_string("7"));
	return all;
}

static const json_t *webhook(const json_t *configuration, size_t index)
{
	return json_array_get(json_object_get(configuration, "webhooks"), index);
}

/* The expression of the condition "confidential-class", or NULL. */
static const char *expression(const json_t *webhook)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_object_get(webhook, "matchConditions"), i, condition)
		if (!strcmp(json_text_at(condition, "name", NULL), CONDITIONS_NAME))
			return json_text_at(condition, "expression", NULL);
	return NULL;
}

static void writes_what_differs_and_is_then_content(void **state)
{
	auto_json json_t *all = shipped();
	auto_json json_t *classes = yaml("[kata-remote, my-class]");
	size_t i, k, rewritten = 0;
	json_t *configuration, *hook;

	(void)state;
	json_array_foreach (all, i, configuration) {
		auto_json json_t *patch = conditions_patch(configuration, span_of("PEM"), classes);
		assert_string_equal(json_text_at(json_array_get(patch, 0), "op", NULL), "test");
		assert_string_equal(json_text_at(json_array_get(patch, 0), "path", NULL),
				"/metadata/resourceVersion");
		auto_json json_t *after = patched(configuration, patch);
		assert_non_null(after);
		auto_json json_t *again = conditions_patch(after, span_of("PEM"), classes);
		assert_int_equal(json_array_size(again), 0);
		json_array_foreach (json_object_get(after, "webhooks"), k, hook) {
			assert_string_equal(json_text_at(hook, "clientConfig", "caBundle", NULL), "UEVN");
			const char *text = expression(hook);
			if (!text)
				continue;
			rewritten++;
			const char *list = strstr(text, "in [");
			assert_string_equal(list, "in [\"kata-remote\", \"my-class\"]");
			/* what stands before the list stays */
			assert_int_equal(strncmp(text, expression(webhook(configuration, k)),
							 (size_t)(list - text)),
					0);
		}
	}
	assert_int_equal(rewritten, 3);
}

static void other_conditions_and_members_stay(void **state)
{
	auto_json json_t *all = shipped();
	auto_json json_t *classes = yaml("[a]");
	const json_t *validating = json_array_get(all, 1);
	auto_json json_t *patch = conditions_patch(validating, span_of("PEM"), classes);
	auto_json json_t *after = patched(validating, patch);
	size_t k;
	json_t *hook;

	(void)state;
	json_array_foreach (json_object_get(after, "webhooks"), k, hook) {
		auto_json json_t *old = json_deep_copy(webhook(validating, k));
		size_t c;
		json_t *condition;
		json_object_del(json_object_get(hook, "clientConfig"), "caBundle");
		json_array_foreach (json_object_get(hook, "matchConditions"), c, condition) {
			if (strcmp(json_text_at(condition, "name", NULL), CONDITIONS_NAME) != 0)
				continue;
			json_object_del(condition, "expression");
			json_object_del(json_array_get(json_object_get(old, "matchConditions"), c),
					"expression");
		}
		assert_true(json_equal(hook, old));
	}
}

/* The same words; line breaks aside. */
static void assert_same_words(const char *was, const char *now)
{
	while (*was) {
		was += strspn(was, " \n");
		now += strspn(now, " \n");
		assert_int_equal(*was, *now);
		was += *was != '\0';
		now += *now != '\0';
	}
}

static void the_shipped_names_are_those_of_the_table(void **state)
{
	auto_json json_t *all = shipped();
	auto_catalog struct catalog *catalog = NULL;
	size_t i;
	json_t *configuration;

	(void)state;
	assert_int_equal(catalog_new(NULL, &catalog, NULL), 0);
	auto_json json_t *names = catalog_class_names(catalog);
	json_array_foreach (all, i, configuration) {
		auto_json json_t *patch = conditions_patch(configuration, SPAN_NONE, names);
		auto_json json_t *after = patched(configuration, patch);
		for (size_t k = 0; k < json_array_size(json_object_get(configuration, "webhooks")); k++) {
			const char *was = expression(webhook(configuration, k));
			if (was)
				assert_same_words(was, expression(webhook(after, k)));
		}
	}
}

static void without_a_bundle_that_of_others_is_left_alone(void **state)
{
	auto_json json_t *configuration =
			yaml("{metadata: {resourceVersion: '1'}, webhooks: [{clientConfig: {caBundle: "
			     "b3RoZXI=}, matchConditions:"
			     " [{name: confidential-class, expression: 'x in [\"a\"]'}]}]}");
	auto_json json_t *same = yaml("[a]"), *other = yaml("[b]");
	auto_json json_t *nothing = conditions_patch(configuration, SPAN_NONE, same);
	auto_json json_t *classes = conditions_patch(configuration, SPAN_NONE, other);
	auto_json json_t *after = patched(configuration, classes);

	(void)state;
	assert_int_equal(json_array_size(nothing), 0);
	assert_int_equal(json_array_size(classes), 2);
	assert_string_equal(json_text_at(webhook(after, 0), "clientConfig", "caBundle", NULL), "b3RoZXI=");
	assert_string_equal(expression(webhook(after, 0)), "x in [\"b\"]");
}

static void names_are_written_as_texts(void **state)
{
	auto_json json_t *configuration =
			yaml("{metadata: {resourceVersion: '1'}, webhooks: [{matchConditions: [{name: "
			     "confidential-class, expression: 'a in [] && b'}]}]}");
	auto_json json_t *names = json_pack("[s, s]", "q\"]", "back\\");
	auto_json json_t *empty = json_array();
	auto_json json_t *patch = conditions_patch(configuration, SPAN_NONE, names);
	auto_json json_t *after = patched(configuration, patch);
	auto_json json_t *none = conditions_patch(configuration, SPAN_NONE, empty);

	(void)state;
	assert_string_equal(expression(webhook(after, 0)), "a in [\"q\\\"]\", \"back\\\\\"] && b");
	assert_int_equal(json_array_size(none), 0);
}

static void stumbles_over_nothing(void **state)
{
	static const char no_lists[] =
			"{metadata: {resourceVersion: '1'}, webhooks: [{matchConditions: [null, "
			"{name: confidential-class}, {name: confidential-class, expression: 'true'}, "
			"{name: confidential-class, expression: 'x in [a'}]}]}";
	const char *const cases[] = { "{}", "{webhooks: x}", "{webhooks: [x, 7, null, {}]}", no_lists,
		"{webhooks: [{matchConditions: [{name: confidential-class, expression: 'x in []'}]}]}" };
	auto_json json_t *names = yaml("[a]");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *configuration = yaml(cases[i]);
		auto_json json_t *patch = conditions_patch(configuration, SPAN_NONE, names);
		assert_int_equal(json_array_size(patch), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_differs_and_is_then_content),
		cmocka_unit_test(other_conditions_and_members_stay),
		cmocka_unit_test(the_shipped_names_are_those_of_the_table),
		cmocka_unit_test(without_a_bundle_that_of_others_is_left_alone),
		cmocka_unit_test(names_are_written_as_texts),
		cmocka_unit_test(stumbles_over_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
