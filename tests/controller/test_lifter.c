/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/lifter.h"

#include "kube/event.h"
#include "tests/controller/drafts.h"
#include "tests/kube/rig.h"

#define PATH "/api/v1/namespaces/shop/pods/web-5d4f8c7b9-x2x9k"

/* An API server that has one pod, which waits, and knows how often it was read and patched. */
struct stage {
	struct rig rig;
	struct events *events;
	struct lifter *lifter;
	struct catalog *catalog;
	json_t *pod;
	atomic_uint reads, patches;
	unsigned unprepared;
};

static void serve(struct line *line, void *ctx)
{
	struct stage *stage = ctx;
	auto_buf struct buf body = BUF_MAX(1024 * 1024);

	if (!line_read_head(line))
		return;
	bool events = strstr(line->head, "/events") != NULL;
	bool reads = !strncmp(line->head, "GET " PATH, strlen("GET " PATH));
	read_body(line, &body);
	auto_free char *text = reads ? json_text(stage->pod, false) : xstrdup("{}");
	auto_free char *reply = xasprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
					  "application/json\r\n\r\n%s",
			text);
	line_puts(line, reply);
	if (!events)
		atomic_fetch_add(reads ? &stage->reads : &stage->patches, 1);
}

static void on_unprepared(
		void *ctx, const char *namespace, const char *name, const char *uid, const char *key)
{
	struct stage *stage = ctx;

	assert_string_equal(namespace, "shop");
	assert_string_equal(name, "web-5d4f8c7b9-x2x9k");
	assert_string_equal(uid, "uid-x2x9k");
	assert_int_equal(strlen(key), AGENT_KEY_LEN);
	stage->unprepared++;
}

static void begin(struct stage *stage)
{
	*stage = (struct stage){ .catalog = catalog_of(NULL, GENERATES), .pod = replica("x2x9k", "") };
	rig_start_playing(&stage->rig, NULL, serve, stage);
	stage->events = events_new(stage->rig.kube,
			&(struct events_options){ .controller = "test", .instance = "test" });
	stage->lifter = lifter_new(&(struct lifter_options){ .kube = stage->rig.kube,
			.events = stage->events,
			.ctx = stage,
			.unprepared = on_unprepared });
	lifter_use(stage->lifter, stage->catalog);
}

static void end(struct stage *stage)
{
	RIG_UNTIL(&stage->rig, !kube_running(stage->rig.kube));
	lifter_free(stage->lifter);
	events_free(stage->events);
	rig_stop(&stage->rig);
	catalog_unref(stage->catalog);
	json_decref(stage->pod);
}

static void again(struct stage *stage, const char *profile)
{
	lifter_again(stage->lifter, "shop", "web-5d4f8c7b9-x2x9k", profile);
	for (int i = 0; i < 5; i++)
		assert_int_equal(kube_turn(stage->rig.kube, 2, NULL, 0, NULL), 0);
}

/* However often others' agent policies come: each is a new catalog, and thousands of pods may wait. */
static void a_pod_that_lacks_its_agent_policy_is_not_read_for_those_of_others(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	again(&stage, "team");
	RIG_UNTIL(&stage.rig, stage.unprepared == 1);
	again(&stage, "team");
	again(&stage, "team");
	assert_int_equal(atomic_load(&stage.reads), 1);
	/* but by another profile, by none, and whenever it is added */
	again(&stage, "other");
	RIG_UNTIL(&stage.rig, stage.unprepared == 2);
	again(&stage, NULL);
	RIG_UNTIL(&stage.rig, stage.unprepared == 3);
	lifter_add(stage.lifter, "shop", "web-5d4f8c7b9-x2x9k");
	RIG_UNTIL(&stage.rig, stage.unprepared == 4);
	assert_int_equal(atomic_load(&stage.patches), 0);
	end(&stage);
}

static void it_is_completed_when_its_own_is_there(void **state)
{
	struct stage stage;
	struct catalog *next = catalog_of(NULL, GENERATES);

	(void)state;
	begin(&stage);
	again(&stage, "team");
	RIG_UNTIL(&stage.rig, stage.unprepared == 1);
	auto_prepared struct prepared *other = prepared_for(stage.catalog, "args: [other]");
	catalog_add_prepared(next, other);
	lifter_use(stage.lifter, next);
	again(&stage, "team");
	assert_int_equal(atomic_load(&stage.reads), 1);
	auto_prepared struct prepared *own = prepared_for(stage.catalog, "");
	catalog_add_prepared(next, own);
	again(&stage, "team");
	RIG_UNTIL(&stage.rig, lifter_counts(stage.lifter).lifted == 1);
	assert_int_equal(atomic_load(&stage.patches), 1);
	assert_int_equal(stage.unprepared, 1);
	end(&stage);
	catalog_unref(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_that_lacks_its_agent_policy_is_not_read_for_those_of_others),
		cmocka_unit_test(it_is_completed_when_its_own_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
