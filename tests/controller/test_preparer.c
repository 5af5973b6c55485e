/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/controller/preparer_rig.h"

#define COUNTS(stage) preparer_counts((stage)->preparer)

/* ---- the way of a pod --------------------------------------------------------------------------------------- */

static void a_policy_is_prepared_and_its_pod_told(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	put_pod(&stage, "x2x9k", "");
	add(&stage, "x2x9k", "");
	assert_int_equal(COUNTS(&stage).waiting, 1);
	RIG_UNTIL(&stage.rig, heard(&stage, &stage.told, "AgentPolicyPrepared"));
	assert_true(heard(&stage, &stage.told,
			"web-5d4f8c7b9-x2x9k AgentPolicyPrepared: AgentPolicy deployment-web-"));
	assert_true(heard(&stage, &stage.told, "init-data sha256:"));
	assert_true(heard(&stage, &stage.log, "PATCH " POLICIES "deployment-web-"));
	assert_true(heard(&stage, &stage.sent, "\"cocoon.dev/prepared-at\":\"2026-01-02T03:04:06"));
	assert_int_equal(times(&stage, "/status\n"), 1);
	assert_int_equal(COUNTS(&stage).prepared, 1);
	assert_int_equal(COUNTS(&stage).waiting, 0);
	assert_int_equal(stage.pods_again, 0);
	end(&stage);
}

static void replicas_wait_for_one_preparation(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	stage.known = false;
	put_pod(&stage, "x2x9k", "");
	put_pod(&stage, "7qwbn", "");
	add(&stage, "x2x9k", "");
	add(&stage, "7qwbn", "");
	RIG_UNTIL(&stage.rig, stage.fetches == 1);
	add(&stage, "7qwbn", "");
	assert_int_equal(COUNTS(&stage).waiting, 1);
	/* what has come is looked for in the loop's own turn, which it wakes */
	pthread_t thread;
	stage.known = true;
	assert_int_equal(pthread_create(&thread, NULL, come_by, &stage), 0);
	assert_int_equal(kube_turn(stage.rig.kube, 10000, NULL, 0, NULL), 0);
	preparer_turn(stage.preparer);
	assert_int_equal(pthread_join(thread, NULL), 0);
	preparer_turn(stage.preparer);
	RIG_UNTIL(&stage.rig,
			heard(&stage, &stage.told, "x2x9k AgentPolicyPrepared") &&
					heard(&stage, &stage.told, "7qwbn AgentPolicyPrepared"));
	assert_int_equal(stage.fetches, 1);
	assert_int_equal(times(&stage, "/status\n"), 1);
	assert_int_equal(times(&stage, "GET "), 2);
	end(&stage);
}

static void nothing_is_done_without_a_catalog(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	preparer_use(stage.preparer, NULL, NULL);
	put_pod(&stage, "x2x9k", "");
	add(&stage, "x2x9k", "");
	for (int i = 0; i < 5; i++)
		assert_int_equal(kube_turn(stage.rig.kube, 2, NULL, 0, NULL), 0);
	assert_int_equal(times(&stage, "GET "), 0);
	preparer_use(stage.preparer, stage.catalog, NULL);
	RIG_UNTIL(&stage.rig, COUNTS(&stage).prepared == 1);
	end(&stage);
}

static void a_pod_that_waits_no_more_is_passed_over(void **state)
{
	struct stage stage;
	json_t *lifted = replica("7qwbn", "");

	(void)state;
	begin(&stage);
	json_object_del(json_object_get(lifted, "spec"), "schedulingGates");
	put(&stage, "/api/v1/namespaces/shop/pods/web-5d4f8c7b9-7qwbn", lifted);
	put_pod(&stage, "zzzzz", "");
	add(&stage, "x2x9k", "");
	add(&stage, "7qwbn", "");
	add(&stage, "zzzzz", "");
	RIG_UNTIL(&stage.rig, COUNTS(&stage).prepared == 1);
	assert_int_equal(stage.pods_again, 2);
	assert_int_equal(COUNTS(&stage).failed, 0);
	end(&stage);
}

static void a_pod_that_waits_for_another_key_is_looked_at_again(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	put_pod(&stage, "x2x9k", "args: [other]");
	add(&stage, "x2x9k", "");
	RIG_UNTIL(&stage.rig, stage.pods_again == 1);
	assert_int_equal(COUNTS(&stage).waiting, 0);
	assert_int_equal(times(&stage, "PATCH "), 0);
	end(&stage);
}

/* ---- trouble ------------------------------------------------------------------------------------------------ */

static void a_registry_that_fails_is_told_once_and_tried_again(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	stage.fails = true;
	put_pod(&stage, "x2x9k", "");
	add(&stage, "x2x9k", "");
	RIG_UNTIL(&stage.rig, heard(&stage, &stage.told, "AgentPolicyFailed"));
	assert_true(heard(&stage, &stage.told,
			"x2x9k AgentPolicyFailed: image \"registry.example/shop/app:1\": registry.example: "
			"connection refused"));
	assert_int_equal(COUNTS(&stage).failed, 1);
	/* one that comes later is told the same */
	put_pod(&stage, "7qwbn", "");
	add(&stage, "7qwbn", "");
	RIG_UNTIL(&stage.rig, heard(&stage, &stage.told, "7qwbn AgentPolicyFailed"));
	assert_int_equal(COUNTS(&stage).failed, 1);
	stage.rig.now += PREPARER_PAUSE;
	RIG_UNTIL(&stage.rig, COUNTS(&stage).failed == 2);
	stage.fails = false;
	stage.rig.now += PREPARER_PAUSE;
	RIG_UNTIL(&stage.rig, COUNTS(&stage).prepared == 1);
	end(&stage);
}

static void a_registry_that_does_not_answer_keeps_nobody_waiting(void **state)
{
	static const char *const others[] = { "args: [a]", "args: [b]", "args: [c]", "args: [d]",
		"args: [e]" };
	struct stage stage;

	(void)state;
	begin(&stage);
	for (size_t i = 0; i < COUNT(others); i++) {
		char suffix[] = { (char)('b' + i), 'x', 'x', 'x', 'x', '\0' };
		stage.known = false;
		put_pod(&stage, suffix, others[i]);
		add(&stage, suffix, others[i]);
		RIG_UNTIL(&stage.rig, stage.fetches == i + 1);
	}
	stage.known = true;
	put_pod(&stage, "x2x9k", "");
	add(&stage, "x2x9k", "");
	RIG_UNTIL(&stage.rig, COUNTS(&stage).prepared == 1);
	assert_int_equal(COUNTS(&stage).waiting, COUNT(others));
	end(&stage);
}

static void what_cannot_be_expressed_is_told_with_its_place(void **state)
{
	struct stage stage;
	static const char more[] = "envFrom: [{configMapRef: {name: levels}}]";

	(void)state;
	begin(&stage);
	put_pod(&stage, "x2x9k", more);
	add(&stage, "x2x9k", more);
	RIG_UNTIL(&stage.rig, heard(&stage, &stage.told, "AgentPolicyFailed"));
	assert_true(heard(&stage, &stage.told, "containers[0].envFrom[0]"));
	assert_int_equal(COUNTS(&stage).refused, 1);
	assert_true(heard(&stage, &stage.log, "GET /api/v1/namespaces/shop/configmaps/levels"));
	/* not before its time */
	stage.rig.now += PREPARER_PAUSE;
	for (int i = 0; i < 5; i++)
		assert_int_equal(kube_turn(stage.rig.kube, 2, NULL, 0, NULL), 0);
	assert_int_equal(COUNTS(&stage).refused, 1);
	put(&stage, "/api/v1/namespaces/shop/configmaps/levels",
			yaml("{metadata: {name: levels}, immutable: true, data: {LEVEL: debug}}"));
	stage.rig.now += PREPARER_REFUSED;
	RIG_UNTIL(&stage.rig, COUNTS(&stage).prepared == 1);
	end(&stage);
}

static void what_may_not_be_read_says_what_to_apply(void **state)
{
	struct stage stage;
	static const char more[] = "envFrom: [{configMapRef: {name: levels}}]";

	(void)state;
	begin(&stage);
	put_pod(&stage, "x2x9k", more);
	put(&stage, "/api/v1/namespaces/shop/configmaps/levels", json_integer(403));
	add(&stage, "x2x9k", more);
	RIG_UNTIL(&stage.rig, heard(&stage, &stage.told, "AgentPolicyFailed"));
	assert_true(heard(&stage, &stage.told,
			"the controller may not read ConfigMap shop/levels: apply manifests/agent-policies "
			"to namespace shop"));
	assert_int_equal(COUNTS(&stage).failed, 1);
	end(&stage);
}

static void what_is_not_written_is_tried_again(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	put_pod(&stage, "x2x9k", "");
	put(&stage, "PATCH", json_integer(403));
	add(&stage, "x2x9k", "");
	RIG_UNTIL(&stage.rig, COUNTS(&stage).failed == 1);
	put(&stage, "PATCH", json_object());
	stage.rig.now += PREPARER_PAUSE;
	RIG_UNTIL(&stage.rig, COUNTS(&stage).prepared == 1);
	end(&stage);
}

static void an_end_in_the_middle_leaves_nothing(void **state)
{
	struct stage stage;

	(void)state;
	for (int turns = 0; turns < 6; turns++) {
		begin(&stage);
		stage.known = turns % 2;
		put_pod(&stage, "x2x9k", "");
		add(&stage, "x2x9k", "");
		for (int i = 0; i < turns; i++)
			assert_int_equal(kube_turn(stage.rig.kube, 1, NULL, 0, NULL), 0);
		end(&stage);
	}
}

/* As after a rollout that adds what was missing: pods of the old ReplicaSet wait as before, for the same key. */
static void a_pod_that_comes_after_a_failure_is_tried_first(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	stage.fails = true;
	put_pod(&stage, "bbbbb", "");
	put_pod(&stage, "ccccc", "");
	add(&stage, "bbbbb", "");
	RIG_UNTIL(&stage.rig, COUNTS(&stage).failed == 1);
	add(&stage, "ccccc", "");
	assert_int_equal(times(&stage, "pods/web-5d4f8c7b9-ccccc"), 0);
	stage.rig.now += PREPARER_PAUSE;
	RIG_UNTIL(&stage.rig, COUNTS(&stage).failed == 2);
	assert_int_equal(times(&stage, "pods/web-5d4f8c7b9-ccccc"), 1);
	assert_int_equal(times(&stage, "pods/web-5d4f8c7b9-bbbbb"), 1);
	/* then they take turns */
	stage.rig.now += PREPARER_PAUSE;
	RIG_UNTIL(&stage.rig, COUNTS(&stage).failed == 3);
	assert_int_equal(times(&stage, "pods/web-5d4f8c7b9-bbbbb"), 2);
	stage.rig.now += PREPARER_PAUSE;
	RIG_UNTIL(&stage.rig, COUNTS(&stage).failed == 4);
	assert_int_equal(times(&stage, "pods/web-5d4f8c7b9-ccccc"), 2);
	end(&stage);
}

static void who_has_most_that_wait_makes_room_for_others(void **state)
{
	struct stage stage;
	char key[AGENT_KEY_LEN + 1];

	(void)state;
	begin(&stage);
	preparer_use(stage.preparer, NULL, NULL);
	for (int i = 0; i < PREPARER_KEYS + 5; i++) {
		snprintf(key, sizeof(key), "%064d", i);
		preparer_add(stage.preparer, "greedy", "pod", "uid", key);
	}
	assert_int_equal(COUNTS(&stage).waiting, PREPARER_KEYS);
	put_pod(&stage, "x2x9k", "");
	add(&stage, "x2x9k", "");
	assert_int_equal(COUNTS(&stage).waiting, PREPARER_KEYS);
	/* all others are of a pod that is not there */
	preparer_use(stage.preparer, stage.catalog, NULL);
	RIG_UNTIL_WITHIN(&stage.rig, 100 * PREPARER_KEYS, COUNTS(&stage).prepared == 1);
	assert_int_equal(stage.pods_again, PREPARER_KEYS - 1);
	end(&stage);
}

static void more_pods_than_are_told_are_not_told_each_time(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	stage.fails = true;
	put_pod(&stage, "x2x9k", "");
	add(&stage, "x2x9k", "");
	RIG_UNTIL(&stage.rig, COUNTS(&stage).failed == 1);
	char key[AGENT_KEY_LEN + 1];
	key_of(&stage, "", key);
	for (int i = 0; i < PREPARER_PODS + 40; i++) {
		auto_free char *pod = xasprintf("web-%d", i);
		preparer_add(stage.preparer, "shop", pod, "uid", key);
	}
	struct events_state before = events_state(stage.events);
	for (int i = PREPARER_PODS; i < PREPARER_PODS + 40; i++) {
		auto_free char *pod = xasprintf("web-%d", i);
		preparer_add(stage.preparer, "shop", pod, "uid", key);
	}
	struct events_state after = events_state(stage.events);
	assert_int_equal(before.waiting, after.waiting);
	assert_int_equal(before.dropped, after.dropped);
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_prepared_and_its_pod_told),
		cmocka_unit_test(replicas_wait_for_one_preparation),
		cmocka_unit_test(nothing_is_done_without_a_catalog),
		cmocka_unit_test(a_pod_that_waits_no_more_is_passed_over),
		cmocka_unit_test(a_pod_that_waits_for_another_key_is_looked_at_again),
		cmocka_unit_test(a_registry_that_fails_is_told_once_and_tried_again),
		cmocka_unit_test(a_registry_that_does_not_answer_keeps_nobody_waiting),
		cmocka_unit_test(what_cannot_be_expressed_is_told_with_its_place),
		cmocka_unit_test(what_may_not_be_read_says_what_to_apply),
		cmocka_unit_test(what_is_not_written_is_tried_again),
		cmocka_unit_test(a_pod_that_comes_after_a_failure_is_tried_first),
		cmocka_unit_test(who_has_most_that_wait_makes_room_for_others),
		cmocka_unit_test(more_pods_than_are_told_are_not_told_each_time),
		cmocka_unit_test(an_end_in_the_middle_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
