/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/event.h"
#include "tests/kube/rig.h"

static const struct event denied = { .warning = true,
	.reason = "Denied",
	.action = "Admit",
	.note = "no profile",
	.regarding = { "apps/v1", "ReplicaSet", "shop", "web", "uid-1" } };

static struct events *begin(struct rig *rig, const char *const *answers)
{
	struct events_options options = { .controller = "cocoon.dev/controller", .instance = "pod-0" };

	rig_start(rig, answers);
	return events_new(rig->kube, &options);
}

static void end(struct rig *rig, struct events *events)
{
	events_free(events);
	rig_stop(rig);
}

static size_t played(const struct rig *rig)
{
	return atomic_load(&rig->script.played);
}

static void posts_an_event_with_all_that_is_mandatory(void **state)
{
	static const char *const answers[] = { OK("{}"), NULL };
	struct rig rig;
	struct events *events = begin(&rig, answers);

	(void)state;
	events_emit(events, &denied);
	RIG_UNTIL(&rig, events_state(events).sent == 1);
	assert_true(rig_asked(&rig, 0, "POST /apis/events.k8s.io/v1/namespaces/shop/events HTTP"));
	assert_true(rig_asked(&rig, 0, "\"metadata\":{\"name\":\"web."));
	assert_true(rig_asked(&rig, 0,
			"\"namespace\":\"shop\"},\"eventTime\":\"2026-01-02T03:04:06.000000Z\","
			"\"reportingController\":\"cocoon.dev/controller\",\"reportingInstance\":\"pod-0\","
			"\"action\":\"Admit\",\"reason\":\"Denied\",\"type\":\"Warning\",\"regarding\":{"
			"\"apiVersion\":\"apps/"
			"v1\",\"kind\":\"ReplicaSet\",\"name\":\"web\",\"namespace\":\"shop\","
			"\"uid\":\"uid-1\"},\"note\":\"no profile\"}"));
	end(&rig, events);
}

static void makes_a_series_of_repeats(void **state)
{
	static const char *const answers[] = { OK("{}"), OK("{}"), OK("{}"), OK("{}"), NULL };
	struct rig rig;
	struct events *events = begin(&rig, answers);
	struct event again = denied;

	(void)state;
	again.note = "another text is the same event";
	events_emit(events, &denied);
	RIG_UNTIL(&rig, events_state(events).sent == 1);
	events_emit(events, &again);
	RIG_UNTIL(&rig, events_state(events).sent == 2);
	assert_true(rig_asked(&rig, 1, "PATCH /apis/events.k8s.io/v1/namespaces/shop/events/web."));
	assert_true(rig_asked(&rig, 1,
			"{\"series\":{\"count\":2,\"lastObservedTime\":\"2026-01-02T03:04:06.000000Z\"}}"));
	/* counted here for half an hour … */
	for (int minute = 0; minute < 30; minute++) {
		assert_int_equal(played(&rig), 2);
		rig.now += 60 * CLOCK_SECOND;
		events_emit(events, &again);
		assert_int_equal(kube_turn(rig.kube, 0, NULL, 0, NULL), 0);
	}
	RIG_UNTIL(&rig, events_state(events).sent == 3);
	assert_true(rig_asked(&rig, 2, "\"count\":32,"));
	/* … and written at the end, after which the same is a new Event */
	events_emit(events, &again);
	for (int minute = 0; minute < 6; minute++) {
		rig.now += 60 * CLOCK_SECOND;
		assert_int_equal(kube_turn(rig.kube, 0, NULL, 0, NULL), 0);
	}
	RIG_UNTIL(&rig, events_state(events).sent == 4);
	assert_true(rig_asked(&rig, 3, "\"count\":33,"));
	end(&rig, events);
}

static void tries_again_and_gives_up_in_the_end(void **state)
{
	static const char *const answers[] = { CODE("500 x"), CODE("429 x"), OK("{}"), CODE("403 Forbidden"),
		NULL };
	struct event other = denied;
	struct rig rig;
	struct events *events = begin(&rig, answers);

	(void)state;
	events_emit(events, &denied);
	for (size_t i = 1; i <= 2; i++) {
		RIG_UNTIL(&rig, played(&rig) == i && !kube_running(rig.kube));
		rig.now += 10 * CLOCK_SECOND;
	}
	RIG_UNTIL(&rig, events_state(events).sent == 1);
	other.reason = "Other";
	events_emit(events, &other);
	RIG_UNTIL(&rig, events_state(events).dropped == 1);
	assert_int_equal(events_state(events).waiting, 0);
	end(&rig, events);
}

static void writes_an_event_anew_that_has_expired(void **state)
{
	static const char *const answers[] = { OK("{}"), CODE("404 Not Found"), OK("{}"), NULL };
	struct rig rig;
	struct events *events = begin(&rig, answers);

	(void)state;
	events_emit(events, &denied);
	RIG_UNTIL(&rig, events_state(events).sent == 1);
	events_emit(events, &denied);
	RIG_UNTIL(&rig, events_state(events).sent == 2);
	assert_true(rig_asked(&rig, 2, "POST "));
	assert_true(rig_asked(&rig, 2, "\"series\":{\"count\":2,"));
	end(&rig, events);
}

static void bounds_events_of_one_namespace_and_reason(void **state)
{
	static const char *const answers[] = { HOLD, NULL };
	struct rig rig;
	struct events *events = begin(&rig, answers);
	struct event event = denied;
	char name[32];

	(void)state;
	event.regarding.name = name;
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		events_emit(events, &event);
	}
	assert_int_equal(events_state(events).waiting, 25);
	assert_int_equal(events_state(events).dropped, 15);
	rig.now += 300 * CLOCK_SECOND;
	events_emit(events, &event);
	assert_int_equal(events_state(events).waiting, 26);
	end(&rig, events);
}

static void bounds_the_queue(void **state)
{
	static const char *const answers[] = { HOLD, NULL };
	struct rig rig;
	struct events *events = begin(&rig, answers);
	struct event event = denied;
	char name[32];

	(void)state;
	event.regarding.name = event.regarding.namespace = name;
	for (int i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "ns-%d", i);
		events_emit(events, &event);
	}
	assert_int_equal(events_state(events).waiting, 1000);
	assert_int_equal(events_state(events).dropped, 100);
	end(&rig, events);
}

static void cuts_notes_and_mends_names(void **state)
{
	static const char *const answers[] = { OK("{}"), NULL };
	struct rig rig;
	struct events *events = begin(&rig, answers);
	struct event event = { .reason = "R", .action = "A" };
	struct event_object related = { "v1", "Pod", "shop", "p", NULL };
	char note[1200];

	(void)state;
	memset(note, 'x', sizeof(note));
	memcpy(note + 1023, "\xc3\xa9", 3);
	event.note = note;
	event.regarding = (struct event_object){ "rbac.authorization.k8s.io/v1", "ClusterRole", NULL,
		"system:node", NULL };
	event.related = &related;
	events_emit(events, &event);
	RIG_UNTIL(&rig, events_state(events).sent == 1);
	assert_true(rig_asked(&rig, 0, "/namespaces/default/events"));
	assert_true(rig_asked(&rig, 0, "\"name\":\"object."));
	assert_true(rig_asked(&rig, 0, "\"type\":\"Normal\""));
	assert_true(rig_asked(&rig, 0,
			"xxx\",\"related\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\","));
	end(&rig, events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_an_event_with_all_that_is_mandatory),
		cmocka_unit_test(makes_a_series_of_repeats),
		cmocka_unit_test(tries_again_and_gives_up_in_the_end),
		cmocka_unit_test(writes_an_event_anew_that_has_expired),
		cmocka_unit_test(bounds_events_of_one_namespace_and_reason),
		cmocka_unit_test(bounds_the_queue),
		cmocka_unit_test(cuts_notes_and_mends_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
