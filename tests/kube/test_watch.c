/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch.h"
#include "tests/kube/rig.h"

/* What the handlers were told, as one text: "begin L:a L:b synced A:c". */
struct tale {
	struct buf text;
	struct err failure;
	int failures;
};

static void on_begin(void *ctx)
{
	buf_puts(&((struct tale *)ctx)->text, "begin ");
}

static void on_object(void *ctx, enum watch_event event, json_t *object)
{
	buf_printf(&((struct tale *)ctx)->text, "%c:%s ", "LAMD"[event],
			json_text_at(object, "metadata", "name", NULL));
}

static void on_synced(void *ctx)
{
	buf_puts(&((struct tale *)ctx)->text, "synced ");
}

static void on_failed(void *ctx, const struct err *failure)
{
	struct tale *tale = ctx;

	tale->failure = *failure;
	tale->failures++;
}

static struct watch *begin_with(struct rig *rig, struct tale *tale, const char *const *answers, bool optional)
{
	struct watch_options options = { .path = "/api/v1/pods",
		.label_selector = "app=web",
		.optional = optional,
		.handler = { .ctx = tale,
				.begin = on_begin,
				.object = on_object,
				.synced = on_synced,
				.failed = on_failed } };

	*tale = (struct tale){ .text = BUF_MAX(65536) };
	rig_start(rig, answers);
	return watch_start(rig->kube, &options);
}

static struct watch *begin(struct rig *rig, struct tale *tale, const char *const *answers)
{
	return begin_with(rig, tale, answers, false);
}

static void end(struct rig *rig, struct tale *tale, struct watch *watch)
{
	watch_stop(watch);
	rig_stop(rig);
	buf_clear(&tale->text);
}

static size_t played(const struct rig *rig)
{
	return atomic_load(&rig->script.played);
}

#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"1\"}}"
#define LIST(version, items)                                                                                \
	OK("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items "]" \
	   "}")
#define PAGE(token, items)                                                                       \
	OK("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"" token \
	   "\"},\"items\":[" items "]}")
#define EVENT(type, name, version)                                          \
	"{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name \
	"\",\"resourceVersion\":\"" version "\"}}}\n"
#define GONE_EVENT                                                                                           \
	"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Expired\"," \
	"\"code\":410,\"message\":\"too old\"}}\n"

static void lists_by_pages_and_watches_from_there(void **state)
{
	static const char *const answers[] = { PAGE("t/1", ITEM("a") "," ITEM("b")), LIST("12", ITEM("c")),
		OK(EVENT("ADDED", "d", "13") EVENT("MODIFIED", "a", "14") EVENT("DELETED", "b", "15")
						EVENT("BOOKMARK", "", "20")) HOLD,
		NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "D:b"));
	assert_string_equal(buf_text(&tale.text), "begin L:a L:b L:c synced A:d M:a D:b ");
	assert_true(rig_asked(&rig, 0, "GET /api/v1/pods?labelSelector=app%3Dweb&limit=500 "));
	assert_true(rig_asked(&rig, 1, "&limit=500&continue=t%2F1 "));
	assert_true(rig_asked(&rig, 2,
			"?labelSelector=app%3Dweb&watch=1&allowWatchBookmarks=true&resourceVersion=12&"));
	struct watch_state seen = watch_state(watch);
	assert_true(seen.synced && seen.connected);
	assert_int_equal(seen.lists, 1);
	assert_int_equal(seen.events, 3);
	assert_int_equal(tale.failures, 0);
	end(&rig, &tale, watch);
}

static void resumes_at_the_last_version_after_a_cut_line(void **state)
{
	static const char *const answers[] = { LIST("12", ""),
		OK(EVENT("ADDED", "d", "13") EVENT("BOOKMARK", "", "20") "{\"type\":\"ADD"),
		OK(EVENT("ADDED", "e", "21")) HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, tale.failures == 1);
	assert_int_equal(tale.failure.kind, ERR_IO);
	assert_false(watch_state(watch).connected);
	rig.now += 2 * CLOCK_SECOND; /* more than 0.8 s and as much again */
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:e"));
	assert_true(rig_asked(&rig, 2, "resourceVersion=20&"));
	assert_string_equal(buf_text(&tale.text), "begin synced A:d A:e ");
	end(&rig, &tale, watch);
}

static void takes_a_clean_end_for_normal(void **state)
{
	static const char *const answers[] = { LIST("12", ""), OK(EVENT("ADDED", "d", "13")),
		OK(EVENT("ADDED", "e", "14")) HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:e"));
	assert_true(rig_asked(&rig, 2, "resourceVersion=13&"));
	assert_int_equal(tale.failures, 0);
	end(&rig, &tale, watch);
}

static void takes_a_short_watch_without_events_for_an_error(void **state)
{
	static const char *const answers[] = { LIST("12", ""), OK(""), OK("") HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, tale.failures == 1);
	assert_int_equal(tale.failure.kind, ERR_RETRY);
	end(&rig, &tale, watch);
}

static void lists_again_after_a_410_in_the_stream(void **state)
{
	static const char *const answers[] = { LIST("12", ITEM("a")),
		OK(EVENT("ADDED", "b", "13") GONE_EVENT), LIST("30", ITEM("b")),
		OK(EVENT("ADDED", "c", "31")) HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:c"));
	assert_string_equal(buf_text(&tale.text), "begin L:a synced A:b begin L:b synced A:c ");
	assert_true(rig_asked(&rig, 3, "resourceVersion=30&"));
	assert_int_equal(watch_state(watch).relists, 1);
	end(&rig, &tale, watch);
}

static void does_not_go_round_in_circles_after_a_410(void **state)
{
	static const char *const answers[] = { LIST("12", ""), CODE("410 Gone"), LIST("12", "") HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, tale.failures == 1);
	assert_int_equal(played(&rig), 2);
	assert_false(watch_state(watch).synced);
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, played(&rig) == 3);
	assert_true(rig_asked(&rig, 2, "limit=500 "));
	end(&rig, &tale, watch);
}

static void falls_back_to_one_list_from_the_cache_when_pages_expire(void **state)
{
	static const char *const answers[] = { PAGE("t1", ITEM("a")), CODE("410 Gone"), PAGE("t2", ITEM("a")),
		CODE("410 Gone"), LIST("40", ITEM("a") "," ITEM("b")), OK(EVENT("ADDED", "c", "41")) HOLD,
		NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:c"));
	assert_string_equal(buf_text(&tale.text), "begin L:a begin L:a begin L:a L:b synced A:c ");
	assert_true(rig_asked(&rig, 2, "&limit=500 "));
	assert_true(rig_asked(&rig, 4, "&resourceVersion=0 "));
	assert_int_equal(tale.failures, 0);
	end(&rig, &tale, watch);
}

static void asks_for_the_same_page_again_after_trouble(void **state)
{
	static const char *const answers[] = { PAGE("t1", ITEM("a")),
		"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 20\r\nConnection: close\r\nContent-Length: "
		"0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{\"items\":[" ITEM("b") ",",
		LIST("9", ITEM("b")), OK("") HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, tale.failures == 1);
	assert_int_equal(tale.failure.retry_after, 20);
	assert_true(timers_next(kube_timers(rig.kube)) == rig.now + 20 * CLOCK_SECOND);
	rig.now += 20 * CLOCK_SECOND;
	RIG_UNTIL(&rig, tale.failures == 2);
	assert_int_equal(tale.failure.kind, ERR_IO);
	rig.now += 4 * CLOCK_SECOND;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "synced"));
	assert_string_equal(buf_text(&tale.text), "begin L:a L:b L:b synced ");
	assert_true(rig_asked(&rig, 3, "continue=t1 "));
	end(&rig, &tale, watch);
}

static void gives_up_a_watch_that_went_silent(void **state)
{
	static const char *const answers[] = { LIST("12", ""), OK(EVENT("ADDED", "d", "13")) HOLD,
		OK(EVENT("ADDED", "e", "14")) HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:d"));
	rig.now += 300 * CLOCK_SECOND;
	assert_int_equal(kube_turn(rig.kube, 0, NULL, 0, NULL), 0);
	assert_int_equal(tale.failures, 0);
	rig.now += 331 * CLOCK_SECOND;
	RIG_UNTIL(&rig, tale.failures == 1);
	assert_int_equal(tale.failure.kind, ERR_RETRY);
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:e"));
	assert_true(rig_asked(&rig, 2, "resourceVersion=13&"));
	end(&rig, &tale, watch);
}

static void waits_longer_with_every_error_and_forgets_after_quiet_minutes(void **state)
{
	static const char *const answers[] = { CODE("500 x"), CODE("500 x"), CODE("500 x"), CODE("500 x"),
		CODE("500 x"), CODE("500 x"), CODE("500 x"), CODE("500 x"), CODE("500 x"), NULL };
	int64_t least = CLOCK_SECOND * 4 / 5;
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	for (int i = 1; i <= 8; i++) {
		RIG_UNTIL(&rig, tale.failures == i);
		int64_t wait = timers_next(kube_timers(rig.kube)) - rig.now;
		assert_true(wait >= least && wait < 2 * least);
		least = least * 2 < 30 * CLOCK_SECOND ? least * 2 : 30 * CLOCK_SECOND;
		rig.now += wait + (i == 8 ? 120 * CLOCK_SECOND : 0);
	}
	RIG_UNTIL(&rig, tale.failures == 9);
	assert_true(timers_next(kube_timers(rig.kube)) - rig.now < 2 * CLOCK_SECOND);
	end(&rig, &tale, watch);
}

static void lists_again_when_the_version_is_too_large(void **state)
{
	static const char *const answers[] = { LIST("12", ""),
		"HTTP/1.1 504 Gateway Timeout\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: "
		"0\r\n\r\n",
		LIST("3", "") HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, tale.failures == 1);
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, played(&rig) == 3);
	assert_true(rig_asked(&rig, 2, "limit=500 "));
	end(&rig, &tale, watch);
}

static void survives_lines_and_items_that_are_no_events(void **state)
{
	static const char *const watches[] = { "{\n", "[]\n", "{\"type\":\"ADDED\"}\n",
		"{\"type\":1,\"object\":{}}\n", "{\"type\":\"ADDED\",\"object\":{}}\n",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":1}}}\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(watches) / sizeof(watches[0]); i++) {
		auto_free char *broken = xasprintf("%s%s", OK(""), watches[i]);
		const char *const answers[] = { LIST("12", ""), broken, OK(EVENT("ADDED", "e", "14")) HOLD,
			NULL };
		struct rig rig;
		struct tale tale;
		struct watch *watch = begin(&rig, &tale, answers);
		RIG_UNTIL(&rig, tale.failures == 1);
		assert_int_equal(tale.failure.kind, ERR_FORMAT);
		rig.now += 2 * CLOCK_SECOND;
		RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:e"));
		end(&rig, &tale, watch);
	}
}

static void takes_an_optional_collection_that_is_not_there_for_empty(void **state)
{
	static const char *const answers[] = { CODE("404 Not Found"), CODE("404 Not Found"),
		LIST("12", ITEM("a")), OK(EVENT("ADDED", "b", "13")) HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin_with(&rig, &tale, answers, true);

	(void)state;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "synced"));
	assert_true(watch_state(watch).synced);
	for (size_t answered = 1; answered < 3; answered++) {
		/* not before its time */
		rig.now += WATCH_ABSENT - 1;
		for (int turns = 0; turns < 20; turns++)
			assert_int_equal(kube_turn(rig.kube, 1, NULL, 0, NULL), 0);
		assert_int_equal(played(&rig), answered);
		rig.now += 1;
		RIG_UNTIL(&rig, played(&rig) > answered);
	}
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:b"));
	assert_string_equal(buf_text(&tale.text), "begin synced begin synced begin L:a synced A:b ");
	assert_int_equal(tale.failures, 0);
	assert_int_equal(watch_state(watch).errors, 0);
	end(&rig, &tale, watch);
}

static void empties_an_optional_collection_that_has_gone(void **state)
{
	static const char *const answers[] = { LIST("12", ITEM("a")), OK(EVENT("ADDED", "b", "13")),
		CODE("404 Not Found"), CODE("404 Not Found"), LIST("40", ""), NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin_with(&rig, &tale, answers, true);

	(void)state;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "A:b begin synced"));
	assert_int_equal(tale.failures, 0);
	rig.now += WATCH_ABSENT;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "begin synced begin synced"));
	end(&rig, &tale, watch);
}

static void what_an_optional_collection_fails_with_is_a_failure(void **state)
{
	/* the last: a page that is missing is no collection that is missing */
	static const char *const answers[][3] = { { CODE("403 Forbidden"), NULL },
		{ CODE("503 Service Unavailable"), NULL }, { CODE("401 Unauthorized"), NULL },
		{ OK("{\"kind\":"), NULL }, { PAGE("t1", ITEM("a")), CODE("404 Not Found"), NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct rig rig;
		struct tale tale;
		struct watch *watch = begin_with(&rig, &tale, answers[i], true);
		RIG_UNTIL(&rig, tale.failures);
		assert_false(watch_state(watch).synced);
		assert_null(strstr(buf_text(&tale.text), "synced"));
		end(&rig, &tale, watch);
	}
}

static void an_optional_collection_that_goes_while_it_is_listed_is_empty(void **state)
{
	static const char *const answers[] = { PAGE("t1", ITEM("a")), CODE("404 Not Found"),
		CODE("404 Not Found"), NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin_with(&rig, &tale, answers, true);

	(void)state;
	RIG_UNTIL(&rig, tale.failures == 1);
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "synced"));
	assert_string_equal(buf_text(&tale.text), "begin L:a begin synced ");
	assert_true(rig_asked(&rig, 2, "limit=500 "));
	end(&rig, &tale, watch);
}

static void another_collection_that_is_not_there_is_a_failure(void **state)
{
	static const char *const answers[] = { CODE("404 Not Found"), NULL };
	struct rig rig;
	struct tale tale;
	struct watch *watch = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, tale.failures == 1);
	assert_int_equal(tale.failure.kind, ERR_NOT_FOUND);
	assert_string_equal(buf_text(&tale.text), "begin ");
	end(&rig, &tale, watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_by_pages_and_watches_from_there),
		cmocka_unit_test(resumes_at_the_last_version_after_a_cut_line),
		cmocka_unit_test(takes_a_clean_end_for_normal),
		cmocka_unit_test(takes_a_short_watch_without_events_for_an_error),
		cmocka_unit_test(lists_again_after_a_410_in_the_stream),
		cmocka_unit_test(does_not_go_round_in_circles_after_a_410),
		cmocka_unit_test(falls_back_to_one_list_from_the_cache_when_pages_expire),
		cmocka_unit_test(asks_for_the_same_page_again_after_trouble),
		cmocka_unit_test(gives_up_a_watch_that_went_silent),
		cmocka_unit_test(waits_longer_with_every_error_and_forgets_after_quiet_minutes),
		cmocka_unit_test(lists_again_when_the_version_is_too_large),
		cmocka_unit_test(survives_lines_and_items_that_are_no_events),
		cmocka_unit_test(takes_an_optional_collection_that_is_not_there_for_empty),
		cmocka_unit_test(empties_an_optional_collection_that_has_gone),
		cmocka_unit_test(what_an_optional_collection_fails_with_is_a_failure),
		cmocka_unit_test(an_optional_collection_that_goes_while_it_is_listed_is_empty),
		cmocka_unit_test(another_collection_that_is_not_there_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
