/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/digests.h"

#include "tests/controller/drafts.h"
#include "tests/kube/rig.h"

#define DONE OK("{}")
#define CHANGED                                                                                          \
	"[{metadata: {name: team, generation: 4}, spec: {runtimeClasses: [snp], namespaceSelector: {}, " \
	"initData: {kbs: {url: 'https://other.example.com:8080'}, agentPolicy: {generated: {}}}}}]"
#define INLINE                                                                                           \
	"[{metadata: {name: team, generation: 5}, spec: {runtimeClasses: [snp], namespaceSelector: {}, " \
	"initData: {kbs: {url: 'https://other.example.com:8080'}}}}]"

struct stage {
	struct rig rig;
	struct digests *digests;
	struct catalog *catalog;
};

/* The catalog of these profiles with what was prepared under GENERATES for so many workloads. */
static void use(struct stage *stage, const char *profiles, int workloads)
{
	struct catalog *before = stage->catalog, *first = catalog_of(NULL, GENERATES);

	stage->catalog = catalog_of(NULL, profiles);
	for (int i = 0; i < workloads; i++) {
		auto_free char *more = xasprintf("args: [number-%d]", i);
		auto_prepared struct prepared *prepared = prepared_for(first, more);
		catalog_add_prepared(stage->catalog, prepared);
	}
	digests_use(stage->digests, stage->catalog);
	catalog_unref(before);
	catalog_unref(first);
}

static void begin(struct stage *stage, const char *const *answers)
{
	*stage = (struct stage){ 0 };
	rig_start(&stage->rig, answers);
	stage->digests = digests_new(stage->rig.kube);
}

static void end(struct stage *stage)
{
	digests_free(stage->digests);
	rig_stop(&stage->rig);
	catalog_unref(stage->catalog);
}

static size_t asked(const struct stage *stage)
{
	return atomic_load(&stage->rig.script.played);
}

/* Turns until there have been so many requests, and then until nothing more comes of it. */
static void settle(struct stage *stage, size_t requests)
{
	for (int round = 0; round < 40; round++) {
		stage->rig.now += DIGESTS_EVERY / 4;
		assert_int_equal(kube_turn(stage->rig.kube, 1, NULL, 0, NULL), 0);
	}
	/* a busy machine may need longer: the next look is due some milliseconds after the last */
	RIG_UNTIL(&stage->rig,
			(stage->rig.now += 1000, asked(stage) == requests && !kube_running(stage->rig.kube)));
}

static void a_status_is_written_once(void **state)
{
	static const char *const answers[] = { DONE, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	use(&stage, GENERATES, 1);
	settle(&stage, 1);
	assert_true(rig_asked(&stage.rig, 0,
			"PATCH /apis/cocoon.dev/v1alpha1/namespaces/shop/agentpolicies/deployment-web-"));
	assert_true(rig_asked(&stage.rig, 0, "/status "));
	assert_true(rig_asked(&stage.rig, 0, "\"digest\":\"sha256:"));
	assert_true(rig_asked(&stage.rig, 0, "\"profileGeneration\":3"));
	assert_true(rig_asked(&stage.rig, 0, "HOSTDATA"));
	use(&stage, GENERATES, 1);
	settle(&stage, 1);
	end(&stage);
}

static void another_profile_makes_another_digest(void **state)
{
	static const char *const answers[] = { DONE, DONE, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	use(&stage, GENERATES, 1);
	settle(&stage, 1);
	use(&stage, CHANGED, 1);
	settle(&stage, 2);
	assert_true(rig_asked(&stage.rig, 1, "\"profileGeneration\":4"));
	const char *first = strstr(stage.rig.script.requests[0], "\"digest\":\"sha256:");
	const char *second = strstr(stage.rig.script.requests[1], "\"digest\":\"sha256:");
	assert_non_null(first);
	assert_non_null(second);
	assert_memory_not_equal(first, second, 80);
	/* under a profile that generates none they stay as they are */
	use(&stage, INLINE, 1);
	settle(&stage, 2);
	end(&stage);
}

static void what_failed_is_written_later(void **state)
{
	static const char *const answers[] = { CODE("403 Forbidden"), DONE, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	use(&stage, GENERATES, 1);
	settle(&stage, 1);
	stage.rig.now += DIGESTS_AGAIN;
	settle(&stage, 2);
	end(&stage);
}

static void one_that_is_gone_is_no_trouble(void **state)
{
	static const char *const answers[] = { CODE("404 Not Found"), NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	use(&stage, GENERATES, 1);
	settle(&stage, 1);
	stage.rig.now += DIGESTS_AGAIN;
	settle(&stage, 1);
	end(&stage);
}

static void many_are_written_a_few_at_a_time(void **state)
{
	static const char *answers[2 * DIGESTS_PARALLEL + 2];
	struct stage stage;

	(void)state;
	for (size_t i = 0; i < COUNT(answers) - 1; i++)
		answers[i] = DONE;
	begin(&stage, answers);
	use(&stage, GENERATES, 2 * DIGESTS_PARALLEL + 1);
	stage.rig.now += DIGESTS_EVERY;
	RIG_UNTIL(&stage.rig, kube_running(stage.rig.kube) > 0);
	assert_true(kube_running(stage.rig.kube) <= DIGESTS_PARALLEL);
	settle(&stage, 2 * DIGESTS_PARALLEL + 1);
	end(&stage);
}

static void nothing_is_written_without_a_catalog(void **state)
{
	static const char *const answers[] = { DONE, DONE, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	use(&stage, GENERATES, 1);
	digests_use(stage.digests, NULL);
	settle(&stage, 0);
	/* who leads again knows nothing of what was written meanwhile */
	digests_use(stage.digests, stage.catalog);
	settle(&stage, 1);
	digests_use(stage.digests, NULL);
	digests_use(stage.digests, stage.catalog);
	settle(&stage, 2);
	end(&stage);
}

static void an_end_while_it_writes_leaves_nothing(void **state)
{
	static const char *const answers[] = { HOLD, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	use(&stage, GENERATES, 1);
	stage.rig.now += DIGESTS_EVERY;
	RIG_UNTIL(&stage.rig, kube_running(stage.rig.kube) > 0);
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_is_written_once),
		cmocka_unit_test(another_profile_makes_another_digest),
		cmocka_unit_test(what_failed_is_written_later),
		cmocka_unit_test(one_that_is_gone_is_no_trouble),
		cmocka_unit_test(many_are_written_a_few_at_a_time),
		cmocka_unit_test(nothing_is_written_without_a_catalog),
		cmocka_unit_test(an_end_while_it_writes_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
