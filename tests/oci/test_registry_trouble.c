/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/oci/registry_rig.h"

/* ---- who we are ---- */

static void answers_a_basic_challenge_and_stays_known(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET,
				.lacks = "Authorization",
				.answer = "401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n",
				.body = "{}" },
		{ .expect = RIG_GET,
				.has = { "\r\nAuthorization: Basic dTpzM2NyZXQ=\r\n" },
				.answer = RIG_OK(10),
				.len = 10 },
		{ .expect = RIG_GET,
				.has = { "\r\nAuthorization: Basic dTpzM2NyZXQ=\r\n" },
				.answer = RIG_OK(10),
				.len = 10 },
	};
	struct rig rig = { .access = { .credentials = "u:s3cret\n" } };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_end(&rig);
}

#define BEARER                                                                       \
	"401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\nWWW-Authenticate: Bearer " \
	"realm=\"http://{self}/token\",service=\"s.example\",scope=\"repository:team/app:pull\"\r\n"
#define TOKEN_REQUEST "GET /token?service=s.example&scope=repository%3Ateam%2Fapp%3Apull HTTP/1.1\r\n"

static void trades_its_credentials_for_a_token(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .lacks = "Authorization", .answer = BEARER, .body = "{}" },
		{ .expect = TOKEN_REQUEST,
				.has = { "\r\nAuthorization: Basic dTpzM2NyZXQ=\r\n" },
				.answer = "200 OK\r\n",
				.body = "{\"token\":\"t0ken\",\"expires_in\":300}" },
		{ .expect = RIG_GET,
				.has = { "\r\nAuthorization: Bearer t0ken\r\n" },
				.answer = RIG_OK(10),
				.len = 10 },
		{ .expect = RIG_GET,
				.has = { "\r\nAuthorization: Bearer t0ken\r\n" },
				.answer = RIG_OK(10),
				.len = 10 },
		/* it has ended there earlier than was said */
		{ .expect = RIG_GET, .has = { "Bearer t0ken\r\n" }, .answer = BEARER, .body = "{}" },
		{ .expect = TOKEN_REQUEST, .answer = "200 OK\r\n", .body = "{\"access_token\":\"t0ken2\"}" },
		{ .expect = RIG_GET, .has = { "Bearer t0ken2\r\n" }, .answer = RIG_OK(10), .len = 10 },
	};
	struct rig rig = { .access = { .credentials = "u:s3cret" } };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	for (int i = 0; i < 3; i++)
		rig_good(&rig, rig_read(&rig, 10, 100));
	rig_end(&rig);
}

static void asks_for_a_token_without_credentials_too(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .answer = BEARER, .body = "{}" },
		{ .expect = TOKEN_REQUEST,
				.lacks = "Authorization",
				.answer = "200 OK\r\n",
				.body = "{\"token\":\"t0ken\"}" },
		{ .expect = RIG_GET, .has = { "Bearer t0ken\r\n" }, .answer = RIG_OK(10), .len = 10 },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_end(&rig);
}

#define BASIC_STEP                                                                                \
	{                                                                                         \
		.expect = RIG_GET, .answer = "401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n", \
		.body = "{}"                                                                      \
	}
#define BEARER_STEP                                               \
	{                                                         \
		.expect = RIG_GET, .answer = BEARER, .body = "{}" \
	}
#define TOKEN_STEP(status, text)                                                 \
	{                                                                        \
		.expect = TOKEN_REQUEST, .answer = status "\r\n", .body = (text) \
	}

static void says_who_refused_the_credentials(void **state)
{
	static const struct {
		struct fake_step steps[4];
		size_t count;
		const char *credentials;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ { BASIC_STEP }, 1, NULL, ERR_AUTH, "no credentials were found" },
		{ { BASIC_STEP, BASIC_STEP }, 2, "u:s3cret", ERR_AUTH, "the credentials are refused" },
		{ { BEARER_STEP, TOKEN_STEP("401 No", "s3cret") }, 2, "u:s3cret", ERR_AUTH,
				"asking the token server '127.0.0.1'" },
		{ { BEARER_STEP, TOKEN_STEP("403 No", "") }, 2, NULL, ERR_AUTH, "no credentials were found" },
		{ { BEARER_STEP, TOKEN_STEP("200 OK", "{\"token\":\"t0ken\"}"), BEARER_STEP }, 3, "u:s3cret",
				ERR_AUTH, "refused, or not enough" },
		{ { BEARER_STEP, TOKEN_STEP("200 OK", "{}") }, 2, NULL, ERR_FORMAT,
				"neither token nor access_token" },
		{ { BEARER_STEP, TOKEN_STEP("200 OK", "{\"token\":\"a b\"}") }, 2, NULL, ERR_FORMAT,
				"a header field cannot" },
		{ { BEARER_STEP, TOKEN_STEP("302 Found\r\nLocation: http://{self}/", "") }, 2, NULL,
				ERR_DENIED, "HTTP 302" },
		{ { { .expect = RIG_GET, .answer = "401 No\r\n", .body = "" } }, 1, "u:s3cret", ERR_DENIED,
				"neither Basic nor Bearer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = { .access = { .credentials = cases[i].credentials } };
		fake_start(&rig.fake, cases[i].steps, cases[i].count);
		rig_source(&rig);
		rig_failed(&rig, rig_read(&rig, 10, 100), cases[i].kind, cases[i].words);
		rig_end(&rig);
	}
}

static void takes_the_scope_that_the_registry_names_when_its_own_is_not_enough(void **state)
{
#define WIDER                                                                             \
	"401 No\r\nWWW-Authenticate: Bearer realm=\"http://{self}/token\",service=\"s\"," \
	"scope=\"repository:team/app:pull repository:base:pull\",error=\"insufficient_scope\"\r\n"
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .answer = WIDER, .body = "" },
		{ .expect = "GET /token?service=s&scope=repository%3Ateam%2Fapp%3Apull HTTP",
				.answer = "200 OK\r\n",
				.body = "{\"token\":\"t0ken\"}" },
		{ .expect = RIG_GET, .answer = WIDER, .body = "" },
		{ .expect = "GET "
			    "/token?service=s&scope=repository%3Ateam%2Fapp%3Apull&scope=repository%3Abase%"
			    "3Apull",
				.answer = "200 OK\r\n",
				.body = "{\"token\":\"t0ken2\"}" },
		{ .expect = RIG_GET, .has = { "Bearer t0ken2\r\n" }, .answer = RIG_OK(10), .len = 10 },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_end(&rig);
}

/* ---- trouble that passes, and that does not ---- */

static void waits_as_long_as_it_is_told(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .answer = "429 Slow down\r\nRetry-After: 7\r\n", .body = "" },
		{ .expect = RIG_GET, .answer = "503 Busy\r\nRetry-After: 3\r\n", .body = "" },
		{ .expect = RIG_GET, .answer = RIG_OK(10), .len = 10 },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 10, 100));
	assert_int_equal(rig.waited, 10000);
	rig_end(&rig);
}

static void does_not_wait_for_ever(void **state)
{
	static const struct fake_step long_wait = {
		.expect = RIG_GET, .answer = "429 No\r\nRetry-After: 61\r\n", .body = ""
	};
	static const struct fake_step wait = {
		.expect = RIG_GET, .answer = "429 No\r\nRetry-After: 50\r\n", .body = ""
	};
	const struct fake_step steps[] = { wait, wait, wait };
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	fake_start(&rig.fake, &long_wait, 1);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_RETRY, "try again in 61 s");
	assert_int_equal(rig.err.retry_after, 61);
	assert_int_equal(rig.waits, 0);
	rig_end(&rig);
	rig = (struct rig){ .err = ERR_NONE };
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_RETRY, "try again in 50 s");
	assert_int_equal(rig.waited, 100000);
	rig_end(&rig);
}

static void tries_again_after_errors_of_the_server(void **state)
{
	static const struct fake_step bad = { .expect = RIG_GET, .answer = "500 Oh\r\n", .body = "" };
	const struct fake_step passing[] = { bad, bad, bad,
		{ .expect = RIG_GET, .answer = RIG_OK(10), .len = 10 } };
	const struct fake_step lasting[] = { bad, bad, bad, bad, bad };
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, passing);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 10, 100));
	assert_int_equal(rig.waited, 200 + 400 + 800);
	rig_end(&rig);
	rig = (struct rig){ .err = ERR_NONE };
	RIG_START(&rig.fake, lasting);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_RETRY, "HTTP 500, also at the last of 5 tries");
	rig_end(&rig);
}

static void tells_in_the_registrys_words_why_it_refuses(void **state)
{
	static const struct {
		struct fake_step step;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ { .expect = RIG_GET,
				  .answer = "403 No\r\n",
				  .body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"not\\nyours\"}]"
					  "}" },
				ERR_DENIED, "HTTP 403: DENIED: not?yours" },
		{ { .expect = RIG_GET,
				  .answer = "404 No\r\n",
				  .body = "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\"}]}" },
				ERR_NOT_FOUND, "HTTP 404: BLOB_UNKNOWN" },
		{ { .expect = RIG_GET, .answer = "404 No\r\n", .body = "<html>" }, ERR_NOT_FOUND,
				"HTTP 404" },
		{ { .expect = RIG_GET, .answer = "404 No\r\n", .body = "{\"errors\":[7]}" }, ERR_NOT_FOUND,
				"HTTP 404" },
		{ { .expect = RIG_GET, .answer = "404 No\r\n", .endless = 1 << 30 }, ERR_NOT_FOUND,
				"HTTP 404" },
		{ { .expect = RIG_GET, .answer = "418 Tea\r\n", .body = "" }, ERR_DENIED, "HTTP 418" },
		{ { .expect = RIG_GET, .answer = "200 OK\r\nX: ", .endless = 100000 }, ERR_LIMIT,
				"header fields" },
		{ { .expect = RIG_GET, .answer = "200 OK\r\nContent-Encoding: gzip\r\n" }, ERR_FORMAT,
				"gzip" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = { .err = ERR_NONE };
		fake_start(&rig.fake, &cases[i].step, 1);
		rig_source(&rig);
		rig_failed(&rig, rig_read(&rig, 10, 100), cases[i].kind, cases[i].words);
		assert_non_null(strstr(rig.err.text, "/team/app:1: the blob " RIG_DIGEST));
		rig_end(&rig);
	}
}

static void does_not_repeat_a_secret_that_the_registry_repeats(void **state)
{
	static const char *const bodies[] = {
		"{\"errors\":[{\"code\":\"X\",\"message\":\"you sent Basic dTpzM2NyZXQ=\"}]}",
		"{\"errors\":[{\"code\":\"dTpzM2NyZXQ=\",\"message\":\"\"}]}",
		"{\"errors\":[{\"code\":\"X\",\"message\":\"u and s3cret\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct fake_step steps[] = { BASIC_STEP,
			{ .expect = RIG_GET, .answer = "403 No\r\n", .body = bodies[i] } };
		struct rig rig = { .access = { .credentials = "u:s3cret" } };
		RIG_START(&rig.fake, steps);
		rig_source(&rig);
		rig_failed(&rig, rig_read(&rig, 10, 100), ERR_DENIED, "HTTP 403");
		rig_end(&rig);
	}
}

/* ---- sent elsewhere ---- */

static void tells_no_other_host_who_it_is(void **state)
{
	static const struct fake_step steps[] = {
		BASIC_STEP,
		{ .expect = RIG_GET,
				.has = { "Authorization: Basic" },
				.answer = "307 There\r\nLocation: http://{other}/data?sig=s3cret\r\n",
				.body = "" },
		/* a cut connection begins again at the registry, as such addresses do not live long */
		{ .expect = RIG_GET,
				.has = { "Authorization: Basic", "Range: bytes=4-" },
				.answer = "302 There\r\nLocation: http://{other}/data?sig=2\r\n",
				.body = "" },
	};
	static const struct fake_step other_steps[] = {
		{ .expect = "GET /data?sig=s3cret HTTP",
				.lacks = "Authorization",
				.answer = RIG_OK(10),
				.len = 4,
				.cut = true },
		{ .expect = "GET /data?sig=2 HTTP",
				.has = { "Range: bytes=4-" },
				.lacks = "Authorization",
				.answer = "206 Part\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n",
				.from = 4,
				.len = 6 },
	};
	struct rig rig = { .access = { .credentials = "u:s3cret" } };
	struct fake other = { .at = 0 };

	(void)state;
	RIG_START(&other, other_steps);
	rig.fake.other = &other;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_end(&rig);
	fake_stop(&other);
}

static void names_only_the_host_of_where_it_was_sent(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET,
				.answer = "307 There\r\nLocation: http://{other}/s3cret?sig=s3cret\r\n",
				.body = "" },
	};
	static const struct fake_step other_steps[] = {
		{ .expect = "GET /s3cret",
				.answer = "401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n",
				.body = "" },
	};
	static const struct fake_step broken[] = {
		{ .expect = "GET /s3cret", .answer = "200 OK\r\nX: ", .endless = 100000 },
	};
	struct rig rig = { .access = { .credentials = "u:s3cret" } };
	struct fake other = { .at = 0 };

	(void)state;
	RIG_START(&other, other_steps);
	rig.fake.other = &other;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_AUTH, "HTTP 401");
	rig_end(&rig);
	fake_stop(&other);
	RIG_START(&other, broken);
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_LIMIT, "at the other host '127.0.0.1'");
	rig_end(&rig);
	fake_stop(&other);
}

static void follows_five_times_and_no_more(void **state)
{
	static const struct fake_step on = {
		.expect = "GET ", .answer = "302 On\r\nLocation: ./again\r\n", .body = ""
	};
	static const struct fake_step there = {
		.expect = "GET /v2/team/app/blobs/again", .answer = RIG_OK(10), .len = 10
	};
	const struct fake_step five[] = { on, on, on, on, on, there }, six[] = { on, on, on, on, on, on };
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, five);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_end(&rig);
	rig = (struct rig){ .err = ERR_NONE };
	RIG_START(&rig.fake, six);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_LIMIT, "more than 5 times");
	rig_end(&rig);
}

static void refuses_addresses_that_lead_nowhere(void **state)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
	} cases[] = {
		{ "307 There\r\n", ERR_FORMAT },
		{ "307 There\r\nLocation: ftp://host/\r\n", ERR_FORMAT },
		{ "307 There\r\nLocation: file:///etc/passwd\r\n", ERR_FORMAT },
		{ "307 There\r\nLocation: http://u:p@host/\r\n", ERR_FORMAT },
		{ "307 There\r\nLocation: http://\r\n", ERR_FORMAT },
		{ "300 Choose\r\nLocation: /a\r\n", ERR_IO },
		{ "304 Same\r\n", ERR_IO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = { .err = ERR_NONE };
		struct fake_step step = { .expect = RIG_GET, .answer = cases[i].answer, .body = "" };
		fake_start(&rig.fake, &step, 1);
		rig_source(&rig);
		rig_failed(&rig, rig_read(&rig, 10, 100), cases[i].kind, "");
		rig_end(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_a_basic_challenge_and_stays_known),
		cmocka_unit_test(trades_its_credentials_for_a_token),
		cmocka_unit_test(asks_for_a_token_without_credentials_too),
		cmocka_unit_test(says_who_refused_the_credentials),
		cmocka_unit_test(takes_the_scope_that_the_registry_names_when_its_own_is_not_enough),
		cmocka_unit_test(waits_as_long_as_it_is_told),
		cmocka_unit_test(does_not_wait_for_ever),
		cmocka_unit_test(tries_again_after_errors_of_the_server),
		cmocka_unit_test(tells_in_the_registrys_words_why_it_refuses),
		cmocka_unit_test(does_not_repeat_a_secret_that_the_registry_repeats),
		cmocka_unit_test(tells_no_other_host_who_it_is),
		cmocka_unit_test(names_only_the_host_of_where_it_was_sent),
		cmocka_unit_test(follows_five_times_and_no_more),
		cmocka_unit_test(refuses_addresses_that_lead_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
