/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/lease.h"
#include "tests/kube/rig.h"

struct tale {
	struct buf text;
	struct err failure;
};

static void on_elected(void *ctx)
{
	buf_puts(&((struct tale *)ctx)->text, "elected ");
}

static void on_lost(void *ctx, const char *why)
{
	assert_true(*why);
	buf_puts(&((struct tale *)ctx)->text, "lost ");
}

static void on_failed(void *ctx, const struct err *failure)
{
	((struct tale *)ctx)->failure = *failure;
	buf_puts(&((struct tale *)ctx)->text, "failed ");
}

static void on_released(void *ctx)
{
	buf_puts(&((struct tale *)ctx)->text, "released ");
}

static struct lease *begin(struct rig *rig, struct tale *tale, const char *const *answers)
{
	struct lease_options options = { .namespace = "ns",
		.name = "leader",
		.identity = "me",
		.handler = { .ctx = tale,
				.elected = on_elected,
				.lost = on_lost,
				.failed = on_failed,
				.released = on_released } };

	*tale = (struct tale){ .text = BUF_MAX(4096), .failure = ERR_NONE };
	rig_start(rig, answers);
	struct lease *lease = lease_new(rig->kube, &options, NULL);
	assert_non_null(lease);
	return lease;
}

static void end(struct rig *rig, struct tale *tale, struct lease *lease)
{
	lease_free(lease);
	rig_stop(rig);
	buf_clear(&tale->text);
}

static size_t played(const struct rig *rig)
{
	return atomic_load(&rig->script.played);
}

#define RECORD(version, holder, time, transitions)                                                      \
	OK("{\"metadata\":{\"resourceVersion\":\"" version "\"},\"spec\":{\"holderIdentity\":\"" holder \
	   "\",\"leaseDurationSeconds\":15,\"acquireTime\":\"a\",\"renewTime\":\"" time                 \
	   "\",\"leaseTransitions\":" transitions "}}")

static void creates_renews_and_gives_back(void **state)
{
	static const char *const answers[] = { CODE("404 Not Found"), RECORD("1", "me", "t1", "0"),
		RECORD("2", "me", "t2", "0"), RECORD("3", "", "t3", "0"), NULL };
	struct rig rig;
	struct tale tale;
	struct lease *lease = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, tale.text.len);
	assert_string_equal(buf_text(&tale.text), "elected ");
	assert_true(lease_is_held(lease));
	assert_string_equal(lease_holder(lease), "me");
	assert_true(rig_asked(&rig, 1, "POST /apis/coordination.k8s.io/v1/namespaces/ns/leases HTTP"));
	assert_true(rig_asked(&rig, 1,
			"\"spec\":{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15,"
			"\"acquireTime\":\"2026-01-02T03:04:06.000000Z\",\"renewTime\":\"2026-01-02T03:04:06."
			"000000Z\","
			"\"leaseTransitions\":0}"));
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, played(&rig) == 3);
	assert_true(rig_asked(
			&rig, 2, "PATCH /apis/coordination.k8s.io/v1/namespaces/ns/leases/leader HTTP"));
	assert_true(rig_asked(&rig, 2, "application/merge-patch+json"));
	assert_true(rig_asked(&rig, 2, "\"resourceVersion\":\"1\""));
	assert_true(rig_asked(
			&rig, 2, "\"acquireTime\":\"a\",\"renewTime\":\"2026-01-02T03:04:08.000000Z\""));
	RIG_UNTIL(&rig, !kube_running(rig.kube));
	lease_release(lease);
	lease_release(lease);
	assert_false(lease_is_held(lease));
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "released"));
	assert_string_equal(buf_text(&tale.text), "elected lost released ");
	assert_true(rig_asked(&rig, 3, "\"holderIdentity\":\"\",\"leaseDurationSeconds\":1,"));
	assert_true(rig_asked(&rig, 3, "\"resourceVersion\":\"2\""));
	end(&rig, &tale, lease);
}

static void judges_another_s_lease_by_its_own_clock(void **state)
{
	/* the first two are one record, the third a change, the last two no change for 15 s */
	static const char *const answers[] = { RECORD("1", "other", "2000-01-01T00:00:00Z", "4"),
		RECORD("1", "other", "2000-01-01T00:00:00Z", "4"),
		RECORD("2", "other", "2000-01-01T00:00:02Z", "4"),
		RECORD("2", "other", "2000-01-01T00:00:02Z", "4"),
		RECORD("2", "other", "2000-01-01T00:00:02Z", "4"), RECORD("3", "me", "x", "5"), NULL };
	static const int waits[] = { 3, 11, 3, 12 };
	struct rig rig;
	struct tale tale;
	struct lease *lease = begin(&rig, &tale, answers);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		RIG_UNTIL(&rig, played(&rig) == i + 1 && !kube_running(rig.kube));
		assert_string_equal(lease_holder(lease), "other");
		rig.now += waits[i] * CLOCK_SECOND;
	}
	RIG_UNTIL(&rig, tale.text.len);
	assert_string_equal(buf_text(&tale.text), "elected ");
	assert_true(rig_asked(&rig, 5, "\"leaseTransitions\":5"));
	assert_true(rig_asked(&rig, 5, "\"resourceVersion\":\"2\""));
	end(&rig, &tale, lease);
}

static void a_conflict_is_a_race_that_was_lost(void **state)
{
	static const char *const answers[] = { RECORD("1", "", "t", "1"), CODE("409 Conflict"),
		RECORD("2", "other", "t", "2") HOLD, NULL };
	struct rig rig;
	struct tale tale;
	struct lease *lease = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, played(&rig) == 2 && !kube_running(rig.kube));
	assert_int_equal(tale.text.len, 0);
	rig.now += 3 * CLOCK_SECOND;
	RIG_UNTIL(&rig, played(&rig) == 3);
	assert_false(lease_is_held(lease));
	end(&rig, &tale, lease);
}

static void loses_at_the_deadline_when_nothing_is_answered(void **state)
{
	static const char *const answers[] = { RECORD("1", "", "t", "1"), RECORD("2", "me", "t", "2"), HOLD,
		NULL };
	struct rig rig;
	struct tale tale;
	struct lease *lease = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, lease_is_held(lease));
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, played(&rig) == 3);
	rig.now += 8 * CLOCK_SECOND - 1;
	assert_true(lease_is_held(lease));
	rig.now += 1;
	assert_false(lease_is_held(lease));
	assert_int_equal(kube_turn(rig.kube, 0, NULL, 0, NULL), 0);
	assert_string_equal(buf_text(&tale.text), "elected lost ");
	assert_int_equal(kube_running(rig.kube), 0);
	end(&rig, &tale, lease);
}

static void sees_that_another_took_it(void **state)
{
	static const char *const answers[] = { RECORD("1", "", "t", "1"), RECORD("2", "me", "t", "2"),
		CODE("409 Conflict"), RECORD("7", "other", "t", "3"), NULL };
	struct rig rig;
	struct tale tale;
	struct lease *lease = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, lease_is_held(lease));
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, played(&rig) == 3 && !kube_running(rig.kube));
	assert_true(lease_is_held(lease));
	rig.now += 2 * CLOCK_SECOND;
	RIG_UNTIL(&rig, strstr(buf_text(&tale.text), "lost"));
	assert_string_equal(lease_holder(lease), "other");
	end(&rig, &tale, lease);
}

static void goes_on_after_errors(void **state)
{
	static const char *const answers[] = { CODE("500 x"), RECORD("1", "", "t", "1"),
		CODE("403 Forbidden"), RECORD("1", "", "t", "1"), RECORD("2", "me", "t", "2"), NULL };
	struct rig rig;
	struct tale tale;
	struct lease *lease = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, played(&rig) == 1 && !kube_running(rig.kube));
	assert_int_equal(tale.failure.kind, ERR_RETRY);
	rig.now += 3 * CLOCK_SECOND;
	RIG_UNTIL(&rig, played(&rig) == 3 && !kube_running(rig.kube));
	assert_int_equal(tale.failure.kind, ERR_DENIED);
	rig.now += 3 * CLOCK_SECOND;
	RIG_UNTIL(&rig, lease_is_held(lease));
	assert_string_equal(buf_text(&tale.text), "failed failed elected ");
	end(&rig, &tale, lease);
}

static void releases_what_it_does_not_hold_without_a_request(void **state)
{
	static const char *const answers[] = { RECORD("1", "other", "t", "1"), NULL };
	struct rig rig;
	struct tale tale;
	struct lease *lease = begin(&rig, &tale, answers);

	(void)state;
	RIG_UNTIL(&rig, played(&rig) == 1 && !kube_running(rig.kube));
	lease_release(lease);
	RIG_UNTIL(&rig, tale.text.len);
	assert_string_equal(buf_text(&tale.text), "released ");
	end(&rig, &tale, lease);
}

static void refuses_times_that_cannot_work(void **state)
{
	static const int times[][3] = { { 10, 10, 2 }, { 15, 10, 9 }, { 15, 10, -1 }, { 100000, 10, 2 },
		{ 15, 20, 2 } };
	static const char *const answers[] = { NULL };
	struct rig rig;

	(void)state;
	rig_start(&rig, answers);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct lease_options options = { .namespace = "ns",
			.name = "l",
			.identity = "me",
			.duration = times[i][0],
			.deadline = times[i][1],
			.retry = times[i][2] };
		struct err err = ERR_NONE;
		assert_null(lease_new(rig.kube, &options, &err));
		assert_int_equal(err.kind, ERR_USAGE);
	}
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creates_renews_and_gives_back),
		cmocka_unit_test(judges_another_s_lease_by_its_own_clock),
		cmocka_unit_test(a_conflict_is_a_race_that_was_lost),
		cmocka_unit_test(loses_at_the_deadline_when_nothing_is_answered),
		cmocka_unit_test(sees_that_another_took_it),
		cmocka_unit_test(goes_on_after_errors),
		cmocka_unit_test(releases_what_it_does_not_hold_without_a_request),
		cmocka_unit_test(refuses_times_that_cannot_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
