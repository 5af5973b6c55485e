/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/statuses.h"
#include "tests/kube/rig.h"

#define JSON(body) "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" body
#define THERE      JSON("{\"metadata\":{\"name\":\"shop\"},\"status\":{\"hash\":\"a\",\"replicas\":2}}")
#define NEW        JSON("{\"metadata\":{\"name\":\"shop\"}}")

struct stage {
	struct rig rig;
	struct statuses *statuses;
	json_t *resource;
	int again;
};

static void on_again(void *ctx)
{
	((struct stage *)ctx)->again++;
}

static void begin(struct stage *stage, const char *const *answers)
{
	*stage = (struct stage){ .resource = json_pack(
						 "{s:{s:s, s:s}}", "metadata", "name", "shop", "uid", "u1") };
	rig_start(&stage->rig, answers);
	stage->statuses = statuses_new(&(struct statuses_options){ .kube = stage->rig.kube,
			.plural = "imagepolicies",
			.max = 2,
			.ctx = stage,
			.again = on_again });
}

static void end(struct stage *stage)
{
	statuses_free(stage->statuses);
	json_decref(stage->resource);
	rig_stop(&stage->rig);
}

static size_t asked(const struct stage *stage)
{
	return atomic_load(&stage->rig.script.played);
}

/* Reads what is there. */
static void read_it(struct stage *stage)
{
	assert_null(statuses_known(stage->statuses, stage->resource));
	assert_true(statuses_busy(stage->statuses));
	RIG_UNTIL(&stage->rig, !statuses_busy(stage->statuses));
}

static void what_is_there_is_read_once(void **state)
{
	static const char *const answers[] = { THERE, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	read_it(&stage);
	assert_int_equal(stage.again, 1);
	assert_true(rig_asked(&stage.rig, 0, "GET /apis/cocoon.dev/v1alpha1/imagepolicies/shop "));
	const json_t *known = statuses_known(stage.statuses, stage.resource);
	assert_string_equal(json_text_at(known, "hash", NULL), "a");
	assert_false(statuses_busy(stage.statuses));
	assert_int_equal(asked(&stage), 1);
	end(&stage);
}

static void only_what_differs_is_written(void **state)
{
	static const char *const answers[] = { THERE,
		JSON("{\"metadata\":{\"name\":\"shop\"},\"status\":{\"hash\":\"b\",\"replicas\":2}}"), NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	read_it(&stage);
	/* the same, a part of it, and taking away what is not there */
	statuses_put(stage.statuses, stage.resource, json_pack("{s:s, s:i}", "hash", "a", "replicas", 2));
	statuses_put(stage.statuses, stage.resource, json_pack("{s:s, s:n}", "hash", "a", "other"));
	assert_false(statuses_busy(stage.statuses));
	statuses_put(stage.statuses, stage.resource, json_pack("{s:s}", "hash", "b"));
	assert_true(statuses_busy(stage.statuses));
	RIG_UNTIL(&stage.rig, !statuses_busy(stage.statuses));
	assert_true(rig_asked(&stage.rig, 1, "PATCH /apis/cocoon.dev/v1alpha1/imagepolicies/shop/status "));
	assert_true(rig_asked(&stage.rig, 1, "application/merge-patch+json"));
	assert_true(rig_asked(&stage.rig, 1, "{\"status\":{\"hash\":\"b\"}}"));
	statuses_put(stage.statuses, stage.resource, json_pack("{s:s}", "hash", "b"));
	assert_false(statuses_busy(stage.statuses));
	end(&stage);
}

static void a_member_is_taken_away_once(void **state)
{
	static const char *const answers[] = { THERE,
		JSON("{\"metadata\":{\"name\":\"shop\"},\"status\":{\"replicas\":2}}"), NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	read_it(&stage);
	for (int i = 0; i < 2; i++) {
		statuses_put(stage.statuses, stage.resource, json_pack("{s:n}", "hash"));
		assert_int_equal(statuses_busy(stage.statuses), i == 0);
		RIG_UNTIL(&stage.rig, !statuses_busy(stage.statuses));
	}
	assert_int_equal(asked(&stage), 2);
	end(&stage);
}

static void what_was_not_written_is_read_again(void **state)
{
	static const char *const answers[] = { NEW, CODE("403 Forbidden"), THERE, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	read_it(&stage);
	statuses_put(stage.statuses, stage.resource, json_pack("{s:s}", "hash", "b"));
	RIG_UNTIL(&stage.rig, !statuses_busy(stage.statuses));
	assert_int_equal(stage.again, 2);
	read_it(&stage);
	assert_string_equal(json_text_at(statuses_known(stage.statuses, stage.resource), "hash", NULL), "a");
	end(&stage);
}

static void an_object_that_is_gone_is_no_trouble(void **state)
{
	static const char *const answers[] = { CODE("404 Not Found"), NEW, CODE("404 Not Found"), NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	read_it(&stage);
	assert_int_equal(stage.again, 0);
	read_it(&stage);
	assert_int_equal(stage.again, 1);
	statuses_put(stage.statuses, stage.resource, json_pack("{s:s}", "hash", "b"));
	RIG_UNTIL(&stage.rig, !statuses_busy(stage.statuses));
	assert_int_equal(stage.again, 1);
	end(&stage);
}

static void another_object_of_the_name_has_another_status(void **state)
{
	static const char *const answers[] = { THERE, NEW, THERE, NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	read_it(&stage);
	json_object_set_new(json_object_get(stage.resource, "metadata"), "uid", json_string("u2"));
	read_it(&stage);
	assert_int_equal(json_object_size(statuses_known(stage.statuses, stage.resource)), 0);
	statuses_forget(stage.statuses);
	read_it(&stage);
	end(&stage);
}

static void an_object_without_uid_is_passed_over(void **state)
{
	static const char *const answers[] = { NULL };
	struct stage stage;

	(void)state;
	begin(&stage, answers);
	json_object_del(json_object_get(stage.resource, "metadata"), "uid");
	assert_null(statuses_known(stage.statuses, stage.resource));
	statuses_put(stage.statuses, stage.resource, json_pack("{s:s}", "hash", "b"));
	assert_false(statuses_busy(stage.statuses));
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_is_read_once),
		cmocka_unit_test(only_what_differs_is_written),
		cmocka_unit_test(a_member_is_taken_away_once),
		cmocka_unit_test(what_was_not_written_is_read_again),
		cmocka_unit_test(an_object_that_is_gone_is_no_trouble),
		cmocka_unit_test(another_object_of_the_name_has_another_status),
		cmocka_unit_test(an_object_without_uid_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
