/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kube/rig.h"

struct end {
	bool over;
	int status;
	struct err failure;
	json_t *body;
};

static void on_done(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct end *end = ctx;

	end->over = true;
	end->status = status;
	end->body = json_incref(body);
	if (failure)
		end->failure = *failure;
}

static void start(struct rig *rig, const struct kube_request *request, struct end *end)
{
	const struct kube_handler handler = { .ctx = end, .done = on_done };

	*end = (struct end){ .failure = ERR_NONE };
	assert_non_null(kube_start(rig->kube, request, &handler, NULL));
}

static const struct kube_request get_pods = { .method = "GET", .path = "/api/v1/pods", .query = "limit=1" };

static void sends_path_query_body_and_credentials(void **state)
{
	static const char *const answers[] = { OK("{\"x\":1}"), NULL };
	auto_json json_t *body = json_pack("{s:i}", "a", 1), *got = NULL;
	struct kube_request request = { .method = "PATCH",
		.path = "/api/v1/pods/p",
		.query = "fieldManager=us",
		.content_type = KUBE_APPLY_PATCH,
		.json = body };
	struct rig rig;

	(void)state;
	rig_start(&rig, answers);
	assert_int_equal(kube_call(rig.kube, &request, &got, NULL), 0);
	assert_int_equal(json_integer_value(json_at(got, "x", NULL)), 1);
	assert_true(rig_asked(&rig, 0, "PATCH /api/v1/pods/p?fieldManager=us HTTP/1.1\r\n"));
	assert_true(rig_asked(&rig, 0, "Content-Type: application/apply-patch+yaml\r\n"));
	assert_true(rig_asked(&rig, 0, "Accept: application/json\r\n"));
	assert_true(rig_asked(&rig, 0, "Authorization: Bearer first\r\n"));
	assert_true(rig_asked(&rig, 0, "User-Agent: test/1\r\n"));
	assert_true(rig_asked(&rig, 0, "{\"a\":1}"));
	rig_stop(&rig);
}

static void renews_the_token_once_after_a_401(void **state)
{
	static const char *const answers[] = { CODE("401 Unauthorized"), OK("{}"), CODE("401 Unauthorized"),
		CODE("401 Unauthorized"), NULL };
	struct rig rig;
	struct end end;

	(void)state;
	rig_start(&rig, answers);
	start(&rig, &get_pods, &end);
	/* the same inode and time: the 401 alone makes it be read again */
	auto_free char *path = xasprintf("%s/token", rig.dir);
	auto_file FILE *file = fopen(path, "w");
	fputs("second", file);
	fflush(file);
	RIG_UNTIL(&rig, end.over);
	assert_int_equal(end.status, 200);
	assert_true(rig_asked(&rig, 1, "Bearer second\r\n"));
	json_decref(end.body);
	start(&rig, &get_pods, &end);
	RIG_UNTIL(&rig, end.over);
	assert_int_equal(end.failure.kind, ERR_AUTH);
	assert_int_equal(atomic_load(&rig.script.played), 4);
	rig_stop(&rig);
}

static void reads_a_token_again_that_was_replaced(void **state)
{
	static const char *const answers[] = { OK("{}"), OK("{}"), NULL };
	struct rig rig;
	json_t *got = NULL;

	(void)state;
	rig_start(&rig, answers);
	assert_int_equal(kube_call(rig.kube, &get_pods, &got, NULL), 0);
	json_decref(got);
	file_put(rig.dir, "token", "second", 0600);
	assert_int_equal(kube_call(rig.kube, &get_pods, NULL, NULL), 0);
	assert_true(rig_asked(&rig, 1, "Bearer second\r\n"));
	rig_stop(&rig);
}

static void waits_as_a_429_says_and_tries_again(void **state)
{
	static const char *const answers[] = { "HTTP/1.1 429 Too Many Requests\r\nRetry-After: "
					       "3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		CODE("503 Service Unavailable"), OK("{}"), NULL };
	struct kube_request request = get_pods;
	struct rig rig;
	struct end end;

	(void)state;
	request.tries = 3;
	request.method = "POST";
	request.body = SPAN_LIT("{}");
	rig_start(&rig, answers);
	start(&rig, &request, &end);
	RIG_UNTIL(&rig, timers_next(kube_timers(rig.kube)) != INT64_MAX);
	assert_true(timers_next(kube_timers(rig.kube)) == rig.now + 3 * CLOCK_SECOND);
	assert_int_equal(kube_running(rig.kube), 1);
	rig.now += 3 * CLOCK_SECOND;
	RIG_UNTIL(&rig,
			atomic_load(&rig.script.played) == 2 &&
					timers_next(kube_timers(rig.kube)) != INT64_MAX);
	rig.now += CLOCK_SECOND;
	RIG_UNTIL(&rig, end.over);
	assert_int_equal(end.status, 200);
	json_decref(end.body);
	rig_stop(&rig);
}

static void gives_up_after_its_tries_and_tells_the_wait(void **state)
{
	static const char *const answers[] = { "HTTP/1.1 429 Too Many Requests\r\nRetry-After: "
					       "7\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 61\r\nConnection: close\r\nContent-Length: "
		"0\r\n\r\n",
		NULL };
	struct kube_request patient = get_pods;
	struct rig rig;
	struct end end;

	(void)state;
	rig_start(&rig, answers);
	start(&rig, &get_pods, &end);
	RIG_UNTIL(&rig, end.over);
	assert_int_equal(end.failure.kind, ERR_RETRY);
	assert_int_equal(end.failure.retry_after, 7);
	/* longer than we are willing to wait in all */
	patient.tries = 5;
	start(&rig, &patient, &end);
	RIG_UNTIL(&rig, end.over);
	assert_int_equal(end.failure.retry_after, 61);
	rig_stop(&rig);
}

static void does_not_repeat_what_may_have_been_done(void **state)
{
	static const char *const answers[] = { CODE("500 Internal Server Error"), "", NULL };
	struct kube_request request = get_pods;
	struct rig rig;
	struct end end;

	(void)state;
	request.tries = 5;
	request.method = "POST";
	request.body = SPAN_LIT("{}");
	rig_start(&rig, answers);
	start(&rig, &request, &end);
	RIG_UNTIL(&rig, end.over);
	assert_int_equal(end.failure.kind, ERR_RETRY);
	start(&rig, &request, &end);
	RIG_UNTIL(&rig, end.over);
	assert_int_equal(end.failure.kind, ERR_IO);
	assert_int_equal(end.status, 0);
	assert_int_equal(atomic_load(&rig.script.played), 2);
	rig_stop(&rig);
}

static void tells_the_message_of_a_status(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n"
		"{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"it is there\"}",
		"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n<html>", OK("not json"), OK("{}") HOLD,
		NULL
	};
	struct err err = ERR_NONE;
	struct rig rig;
	struct end end;

	(void)state;
	rig_start(&rig, answers);
	assert_int_equal(kube_call(rig.kube, &get_pods, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_string_equal(err.text, "GET /api/v1/pods: HTTP 409 AlreadyExists: it is there");
	assert_int_equal(kube_call(rig.kube, &get_pods, NULL, &err), -1);
	assert_string_equal(err.text, "GET /api/v1/pods: HTTP 502");
	assert_int_equal(kube_call(rig.kube, &get_pods, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	start(&rig, &get_pods, &end); /* ends with the client, its handler never called */
	RIG_UNTIL(&rig, atomic_load(&rig.script.played) == 4);
	rig_stop(&rig);
	assert_false(end.over);
}

static void maps_statuses_to_kinds(void **state)
{
	static const struct {
		int status;
		enum err_kind kind;
	} cases[] = { { 400, ERR_DENIED }, { 401, ERR_AUTH }, { 403, ERR_DENIED }, { 404, ERR_NOT_FOUND },
		{ 405, ERR_DENIED }, { 408, ERR_RETRY }, { 409, ERR_CONFLICT }, { 410, ERR_CONFLICT },
		{ 413, ERR_DENIED }, { 415, ERR_DENIED }, { 422, ERR_DENIED }, { 429, ERR_RETRY },
		{ 500, ERR_RETRY }, { 503, ERR_RETRY }, { 504, ERR_RETRY }, { 302, ERR_FORMAT },
		{ 101, ERR_FORMAT } };
	auto_json json_t *status = json_pack("{s:{s:i}}", "details", "retryAfterSeconds", 1000000);
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kube_status_error(cases[i].status, NULL, &err);
		assert_int_equal(err.kind, cases[i].kind);
	}
	kube_status_error(429, status, &err);
	assert_int_equal(err.retry_after, 3600);
}

static void builds_paths(void **state)
{
	static const struct {
		struct kube_ref ref;
		const char *path; /* NULL: refused */
	} cases[] = {
		{ { "v1", "shop", "pods", "web-0", NULL }, "/api/v1/namespaces/shop/pods/web-0" },
		{ { "v1", NULL, "pods", NULL, NULL }, "/api/v1/pods" },
		{ { "apps/v1", "x", "deployments", "y", "status" },
				"/apis/apps/v1/namespaces/x/deployments/y/status" },
		{ { "rbac.authorization.k8s.io/v1", NULL, "clusterroles", "system:node", NULL },
				"/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode" },
		{ { "v1", NULL, "namespaces", "a b?#\xc3\xa9", NULL },
				"/api/v1/namespaces/a%20b%3F%23%C3%A9" },
		{ { "", NULL, "pods", NULL, NULL }, NULL },
		{ { "a/b/c", NULL, "pods", NULL, NULL }, NULL },
		{ { "../v1", NULL, "pods", NULL, NULL }, NULL },
		{ { "v1", "", "pods", NULL, NULL }, NULL },
		{ { "v1", "a/b", "pods", NULL, NULL }, NULL },
		{ { "v1", "a", "Pods", NULL, NULL }, NULL },
		{ { "v1", "a", "pods", "", NULL }, NULL },
		{ { "v1", "a", "pods", "..", NULL }, NULL },
		{ { "v1", "a", "pods", "a/b", NULL }, NULL },
		{ { "v1", "a", "pods", "a%2fb", NULL }, NULL },
		{ { "v1", "a", "pods", NULL, "status" }, NULL },
		{ { "v1", "a", "pods", "x", "a/b" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(KUBE_PATH_MAX);
		struct err err = ERR_NONE;
		assert_int_equal(kube_path(&out, &cases[i].ref, &err), cases[i].path ? 0 : -1);
		if (cases[i].path)
			assert_string_equal(buf_text(&out), cases[i].path);
		else
			assert_int_equal(err.kind, ERR_USAGE);
	}
	auto_buf struct buf query = BUF_MAX(KUBE_PATH_MAX);
	kube_query(&query, "labelSelector", "a in (b,c)");
	kube_query(&query, "limit", "5");
	assert_string_equal(buf_text(&query), "labelSelector=a%20in%20%28b%2Cc%29&limit=5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_path_query_body_and_credentials),
		cmocka_unit_test(renews_the_token_once_after_a_401),
		cmocka_unit_test(reads_a_token_again_that_was_replaced),
		cmocka_unit_test(waits_as_a_429_says_and_tries_again),
		cmocka_unit_test(gives_up_after_its_tries_and_tells_the_wait),
		cmocka_unit_test(does_not_repeat_what_may_have_been_done),
		cmocka_unit_test(tells_the_message_of_a_status),
		cmocka_unit_test(maps_statuses_to_kinds),
		cmocka_unit_test(builds_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
