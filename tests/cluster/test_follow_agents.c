/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "codec/zip.h"
#include "tests/cluster/stage.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define GENERATES                                                                                          \
	"[{metadata: {name: team-a, generation: 1}, spec: {runtimeClasses: [snp], namespaceSelector: {}, " \
	"initData: {agentPolicy: {generated: {}}}}}]"

/* "[…]" or "{…}": one with a policy of this text */
static char *agent(const char *name, const char *key, const char *created, const char *text)
{
	struct buf packed = BUF_MAX(4096), policy = BUF_MAX(4096);

	assert_int_equal(gzip_pack(span_of(text), &packed, NULL), 0);
	b64_encode(&policy, buf_span(&packed));
	char *object = xasprintf(
			"{metadata: {namespace: shop, name: %s, creationTimestamp: '%s'}, spec: {key: '%s', "
			"profile: team-a, workload: {kind: Deployment, name: web}, policy: '%s'}}",
			name, created, key, buf_text(&policy));
	buf_clear(&packed);
	buf_clear(&policy);
	return object;
}

static const struct prepared *held(const struct stage *stage, const char *key)
{
	return catalog_prepared(stage->catalog, "shop", "team-a", key);
}

static void pass(struct stage *stage, int seconds)
{
	for (int i = 0; i < seconds * 5; i++) {
		stage->rig.now += CLOCK_SECOND / 5;
		assert_int_equal(kube_turn(stage->rig.kube, 1, NULL, 0, NULL), 0);
	}
}

static void agent_policies_come_into_the_catalog_and_go(void **state)
{
	struct stage stage;
	auto_free char *a = agent("a", KEY_A, "2026-01-02T03:04:05Z", "package agent_policy\n");
	auto_free char *b = agent("b", KEY_B, "2026-01-02T03:04:06Z", "package agent_policy\nx\n");
	auto_free char *list = xasprintf("[%s]", a);

	(void)state;
	begin(&stage, GENERATES, "[]");
	free(stage.api.items[AGENTS]);
	set_items(&stage, AGENTS, list);
	until(&stage, 1);
	assert_int_equal(catalog_prepared_count(stage.catalog), 1);
	assert_string_equal(held(&stage, KEY_A)->name, "a");
	assert_null(held(&stage, KEY_B));
	event(&stage, AGENTS, "ADDED", b);
	until(&stage, 2);
	assert_string_equal(held(&stage, KEY_B)->workload, "Deployment web");
	event(&stage, AGENTS, "DELETED", a);
	until(&stage, 3);
	assert_null(held(&stage, KEY_A));
	assert_non_null(held(&stage, KEY_B));
	end(&stage);
}

static void what_is_no_change_makes_no_catalog_and_keeps_what_was_derived(void **state)
{
	struct stage stage;
	auto_free char *a = agent("a", KEY_A, "2026-01-02T03:04:05Z", "package agent_policy\n");
	auto_free char *b = agent("b", KEY_B, "2026-01-02T03:04:05Z", "package agent_policy\nx\n");
	auto_free char *again = agent("a", KEY_A, "2026-01-02T03:04:05Z", "package agent_policy\ny\n");
	auto_free char *list = xasprintf("[%s]", a);
	auto_profile struct profile *first = NULL, *second = NULL, *third = NULL;

	(void)state;
	begin(&stage, GENERATES, "[]");
	free(stage.api.items[AGENTS]);
	set_items(&stage, AGENTS, list);
	until(&stage, 1);
	struct prepared *item = catalog_prepared(stage.catalog, "shop", "team-a", KEY_A);
	assert_int_equal(catalog_derive(stage.catalog, catalog_profile(stage.catalog, 0), item, &first, NULL),
			0);
	event(&stage, AGENTS, "MODIFIED", a);
	event(&stage, AGENTS, "ADDED", b);
	until(&stage, 2);
	assert_ptr_equal(held(&stage, KEY_A), item);
	assert_int_equal(
			catalog_derive(stage.catalog, catalog_profile(stage.catalog, 0), item, &second, NULL),
			0);
	assert_ptr_equal(first, second);
	event(&stage, AGENTS, "MODIFIED", again);
	until(&stage, 3);
	item = catalog_prepared(stage.catalog, "shop", "team-a", KEY_A);
	assert_int_equal(catalog_derive(stage.catalog, catalog_profile(stage.catalog, 0), item, &third, NULL),
			0);
	assert_string_not_equal(third->digest_text, second->digest_text);
	pass(&stage, 2);
	assert_int_equal(stage.changes, 3);
	end(&stage);
}

static void what_cannot_be_read_is_told_and_is_not_there(void **state)
{
	struct stage stage;
	auto_free char *a = agent("a", KEY_A, "2026-01-02T03:04:05Z", "package agent_policy\n");
	auto_free char *bad = agent("a", "abc", "2026-01-02T03:04:05Z", "package agent_policy\n");

	(void)state;
	begin(&stage, GENERATES, "[]");
	until(&stage, 1);
	event(&stage, AGENTS, "ADDED", a);
	until(&stage, 2);
	assert_non_null(held(&stage, KEY_A));
	event(&stage, AGENTS, "MODIFIED", bad);
	until(&stage, 3);
	assert_null(held(&stage, KEY_A));
	assert_int_equal(stage.agent_failures, 1);
	end(&stage);
}

static void without_their_definition_there_are_none(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, GENERATES, "[]");
	free(take(&stage.api.items[AGENTS]));
	until(&stage, 1);
	assert_int_equal(catalog_prepared_count(stage.catalog), 0);
	end(&stage);
}

/* As where the programs are new and the roles, perhaps the definitions too, are not. */
static void where_they_may_not_be_listed_there_are_none_until_they_may(void **state)
{
	struct stage stage;
	auto_free char *a = agent("a", KEY_A, "2026-01-02T03:04:05Z", "package agent_policy\n");
	auto_free char *list = xasprintf("[%s]", a);

	(void)state;
	begin(&stage, GENERATES, "[]");
	free(take(&stage.api.items[AGENTS]));
	stage.api.code = "403 Forbidden";
	until(&stage, 1);
	assert_int_equal(catalog_prepared_count(stage.catalog), 0);
	pass(&stage, 2);
	assert_int_equal(stage.changes, 1);
	pthread_mutex_lock(&stage.api.lock);
	set_items(&stage, AGENTS, list);
	pthread_mutex_unlock(&stage.api.lock);
	for (int i = 0; i < 120 && stage.changes < 2; i++)
		pass(&stage, 1);
	assert_non_null(held(&stage, KEY_A));
	end(&stage);
}

static void what_cannot_be_listed_for_now_keeps_the_catalog_back(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, GENERATES, "[]");
	free(take(&stage.api.items[AGENTS]));
	stage.api.code = "500 Internal Server Error";
	pass(&stage, 20);
	assert_int_equal(stage.changes, 0);
	assert_false(follow_ready(stage.follow));
	end(&stage);
}

static void the_fingerprint_does_not_count_them(void **state)
{
	struct stage stage;
	auto_free char *a = agent("a", KEY_A, "2026-01-02T03:04:05Z", "package agent_policy\n");
	char before[65], after[65];

	(void)state;
	begin(&stage, GENERATES, "[]");
	until(&stage, 1);
	follow_fingerprint(stage.catalog, stage.policies, before);
	event(&stage, AGENTS, "ADDED", a);
	until(&stage, 2);
	follow_fingerprint(stage.catalog, stage.policies, after);
	assert_string_equal(before, after);
	/* but what they are composed with */
	event(&stage, PROFILES, "MODIFIED",
			"{metadata: {name: team-a, generation: 1}, spec: {runtimeClasses: [snp], "
			"namespaceSelector: {}, "
			"initData: {logLevel: debug, agentPolicy: {generated: {}}}}}");
	until(&stage, 3);
	follow_fingerprint(stage.catalog, stage.policies, after);
	assert_string_not_equal(before, after);
	end(&stage);
}

static const struct prepared *numbered(const struct stage *stage, const char *namespace, int number)
{
	char key[65];

	snprintf(key, sizeof(key), "%064d", number);
	return catalog_prepared(stage->catalog, namespace, "team-a", key);
}

/* The oldest of the namespace that has most go; another's stays, however old. */
static void of_too_many_the_newest_of_each_namespace_stay(void **state)
{
	struct stage stage;
	struct buf list = BUF_MAX(4 << 20);

	(void)state;
	begin(&stage, GENERATES, "[]");
	for (int i = 0; i < PREPARED_MAX + 2; i++) {
		int year = i == 3 ? 9 : i == 7 ? 10 : i == PREPARED_MAX + 1 ? 11 : 20;
		buf_printf(&list,
				"%c{\"metadata\":{\"namespace\":\"%s\",\"name\":\"p%d\","
				"\"creationTimestamp\":"
				"\"20%02d-01-02T03:04:05Z\"},\"spec\":{\"key\":\"%064d\",\"profile\":\"team-"
				"a\","
				"\"workload\":{\"kind\":\"Pod\",\"name\":\"p\"},\"policy\":\"H4sI\"}}",
				i ? ',' : '[', i == 3 ? "lab" : "shop", i, year, i);
	}
	buf_putc(&list, ']');
	free(stage.api.items[AGENTS]);
	stage.api.items[AGENTS] = buf_take(&list);
	until(&stage, 1);
	assert_int_equal(catalog_prepared_count(stage.catalog), PREPARED_MAX);
	assert_null(numbered(&stage, "shop", 7));
	assert_null(numbered(&stage, "shop", PREPARED_MAX + 1));
	assert_non_null(numbered(&stage, "shop", PREPARED_MAX));
	assert_non_null(numbered(&stage, "lab", 3));
	assert_int_equal(stage.agents_crowded, 1);
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_policies_come_into_the_catalog_and_go),
		cmocka_unit_test(what_is_no_change_makes_no_catalog_and_keeps_what_was_derived),
		cmocka_unit_test(what_cannot_be_read_is_told_and_is_not_there),
		cmocka_unit_test(without_their_definition_there_are_none),
		cmocka_unit_test(where_they_may_not_be_listed_there_are_none_until_they_may),
		cmocka_unit_test(what_cannot_be_listed_for_now_keeps_the_catalog_back),
		cmocka_unit_test(the_fingerprint_does_not_count_them),
		cmocka_unit_test(of_too_many_the_newest_of_each_namespace_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
