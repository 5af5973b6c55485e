/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/preparer.h"

#include "controller/preparation.h"
#include "kube/event.h"
#include "profile/prepared.h"
#include "tests/controller/drafts.h"
#include "tests/kube/rig.h"

#define POLICIES "/apis/cocoon.dev/v1alpha1/namespaces/shop/agentpolicies/"

/*
 * An API server: what there is under each path; a number is a status. And images: known, failing, or such that somebody has to
 * fetch them, which the test brings to an end.
 */
struct stage {
	struct rig rig;
	struct events *events;
	struct preparer *preparer;
	struct catalog *catalog;
	pthread_mutex_t lock;
	json_t *objects; /* under the lock */
	struct buf log;  /* "GET path\n" …; under the lock */
	struct buf told; /* "reason note\n" …; under the lock */
	struct buf sent; /* bodies; under the lock */
	/* images */
	bool known, fails;
	void (*fetched)(void *ctx);
	void *fetching[8];
	size_t fetches, finished, pods_again;
};

static json_t *answer_to(struct stage *stage, const char *method, const char *path, const char *body)
{
	auto_json json_t *sent = NULL;

	if (strstr(path, "/events"))
		assert_int_equal(json_read(span_of(body), 1 << 20, &sent, NULL), 0);
	else
		buf_printf(&stage->log, "%s %.*s\n", method, (int)strcspn(path, "?"), path);
	if (sent)
		buf_printf(&stage->told, "%s %s: %s\n", json_text_at(sent, "regarding", "name", NULL),
				json_text_at(sent, "reason", NULL), json_text_at(sent, "note", NULL));
	if (!sent)
		buf_puts(&stage->sent, body);
	/* copies: counts of references are not for several threads */
	if (!strcmp(method, "GET"))
		return json_deep_copy(json_object_get(stage->objects, path));
	json_t *refused = json_object_get(stage->objects, "PATCH");
	return refused ? json_deep_copy(refused) : json_object();
}

static void serve(struct line *line, void *ctx)
{
	struct stage *stage = ctx;
	auto_buf struct buf body = BUF_MAX(1024 * 1024);
	char method[16], path[4096];

	if (!line_read_head(line) || sscanf(line->head, "%15s %4095s", method, path) != 2)
		return;
	read_body(line, &body);
	pthread_mutex_lock(&stage->lock);
	auto_json json_t *answer = answer_to(stage, method, path, buf_text(&body));
	auto_free char *text = json_is_object(answer) ? json_text(answer, true) : NULL;
	json_int_t code = json_is_integer(answer) ? json_integer_value(answer) : 404;
	pthread_mutex_unlock(&stage->lock);
	auto_free char *reply = text
			? xasprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
				    "application/json\r\n\r\n%s",
					  text)
			: xasprintf("HTTP/1.1 %d No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
					  (int)code);
	line_puts(line, reply);
}

static enum facts_found find(void *images, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	struct stage *stage = images;

	(void)want;
	(void)max_age;
	if (stage->fails) {
		err_set(why, ERR_IO, "registry.example: connection refused");
		return FACTS_FAILURE;
	}
	if (!stage->known)
		return FACTS_ABSENT;
	*out = facts_with("/app", DIGEST_C);
	return FACTS_KNOWN;
}

static void fetch(void *images, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *ctx)
{
	struct stage *stage = images;

	(void)want;
	(void)max_age;
	assert_true(stage->fetches < COUNT(stage->fetching));
	stage->fetched = done;
	stage->fetching[stage->fetches++] = ctx;
}

/* All that were asked for are there. */
static void come(struct stage *stage)
{
	while (stage->finished < stage->fetches)
		stage->fetched(stage->fetching[stage->finished++]);
}

static void *come_by(void *ctx)
{
	come(ctx);
	return NULL;
}

static void on_again(void *ctx, const char *namespace, const char *pod)
{
	struct stage *stage = ctx;

	if (!strcmp(namespace, "shop"))
		assert_int_equal(strncmp(pod, "web-", 4), 0);
	stage->pods_again++;
}

static void put(struct stage *stage, const char *path, json_t *object)
{
	pthread_mutex_lock(&stage->lock);
	json_object_set_new(stage->objects, path, object);
	pthread_mutex_unlock(&stage->lock);
}

static void put_pod(struct stage *stage, const char *suffix, const char *more)
{
	auto_free char *path = xasprintf("/api/v1/namespaces/shop/pods/web-5d4f8c7b9-%s", suffix);

	put(stage, path, replica(suffix, more));
}

static void begin(struct stage *stage)
{
	*stage = (struct stage){ .catalog = catalog_of(NULL, GENERATES),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.objects = json_object(),
		.log = BUF_MAX(1 << 20),
		.told = BUF_MAX(1 << 20),
		.sent = BUF_MAX(1 << 20),
		.known = true };
	rig_start_playing(&stage->rig, NULL, serve, stage);
	stage->events = events_new(stage->rig.kube,
			&(struct events_options){ .controller = "test", .instance = "test" });
	stage->preparer = preparer_new(&(struct preparer_options){ .kube = stage->rig.kube,
			.events = stage->events,
			.images = stage,
			.find = find,
			.fetch = fetch,
			.ctx = stage,
			.again = on_again });
	preparer_use(stage->preparer, stage->catalog, NULL);
}

static void end(struct stage *stage)
{
	come(stage);
	preparer_free(stage->preparer);
	events_free(stage->events);
	rig_stop(&stage->rig);
	catalog_unref(stage->catalog);
	json_decref(stage->objects);
	buf_clear(&stage->log);
	buf_clear(&stage->told);
	buf_clear(&stage->sent);
}

/* The key under which such a pod waits. */
static void key_of(struct stage *stage, const char *more, char out[static AGENT_KEY_LEN + 1])
{
	auto_json json_t *pod = replica("x2x9k", more);
	struct pod_view view = view_of(pod);
	auto_decision struct decision d;

	decision_init(&d);
	decide_lift(stage->catalog, &view, &d);
	assert_true(d.unprepared);
	memcpy(out, d.key, sizeof(d.key));
}

static void add(struct stage *stage, const char *suffix, const char *more)
{
	auto_free char *pod = xasprintf("web-5d4f8c7b9-%s", suffix), *uid = xasprintf("uid-%s", suffix);
	char key[AGENT_KEY_LEN + 1];

	key_of(stage, more, key);
	preparer_add(stage->preparer, "shop", pod, uid, key);
}

static bool heard(struct stage *stage, struct buf *log, const char *part)
{
	pthread_mutex_lock(&stage->lock);
	bool found = strstr(buf_text(log), part) != NULL;
	pthread_mutex_unlock(&stage->lock);
	return found;
}

static size_t times(struct stage *stage, const char *part)
{
	size_t count = 0;

	pthread_mutex_lock(&stage->lock);
	for (const char *at = buf_text(&stage->log); (at = strstr(at, part)); at++)
		count++;
	pthread_mutex_unlock(&stage->lock);
	return count;
}

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
	RIG_UNTIL(&stage.rig, COUNTS(&stage).prepared == 1);
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
