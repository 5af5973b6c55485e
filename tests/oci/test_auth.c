/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/auth.h"

#include "base/own.h"
#include "oci/challenge.h"
#include "tests/net/client.h"
#include "tests/oci/registry_rig.h"

#define REALM   "realm=\"https://a.example/t\""
#define SERVICE "service=\"s\""
#define SCOPE   "scope=\"repository:a/b:pull,push\""

/* ---- challenges ---- */

static void reads_challenges(void **state)
{
	static const struct {
		const char *field;
		const char *expected; /* scheme realm service scope */
	} cases[] = {
		{ "Bearer " REALM "," SERVICE "," SCOPE, "1 https://a.example/t s repository:a/b:pull,push" },
		{ "bearer REALM=\"https://a.example/t\" ,\t" SERVICE ", error=\"invalid_token\"",
				"1 https://a.example/t s " },
		{ "Bearer realm = https-a , service=s", "1 https-a s " },
		{ "Bearer realm=\"a\\\"b\\\\c\"", "1 a\"b\\c  " },
		{ "Bearer", "1   " },
		{ "Basic realm=\"r\"", "0 r  " },
		{ "BASIC", "0   " },
		{ "Basic realm=\"r\", Bearer " REALM "," SERVICE, "1 https://a.example/t s " },
		{ "Negotiate, Basic realm=\"a\", Basic realm=\"b\"", "0 a  " },
		{ "Digest realm=\"d\", nonce=\"n\", Bearer " REALM, "1 https://a.example/t  " },
		{ " , ,Basic realm=x,,", "0 x  " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct challenge out;
		struct err err = ERR_NONE;
		char text[2000];
		if (challenge_parse(span_of(cases[i].field), &out, &err) < 0)
			fail_msg("%s: %s", cases[i].field, err.text);
		snprintf(text, sizeof(text), "%d %s %s %s", out.scheme == CHALLENGE_BEARER, out.realm,
				out.service, out.scope);
		if (strcmp(text, cases[i].expected) != 0)
			fail_msg("%s: %s", cases[i].field, text);
	}
}

static void refuses_challenges_that_are_none(void **state)
{
	static const struct {
		const char *field;
		enum err_kind kind;
	} cases[] = {
		{ "", ERR_DENIED },
		{ "Negotiate", ERR_DENIED },
		{ "Negotiate YII=", ERR_FORMAT },
		{ "=", ERR_FORMAT },
		{ "\"Bearer\"", ERR_FORMAT },
		{ "Bearer realm=", ERR_FORMAT },
		{ "Bearer realm=\"", ERR_FORMAT },
		{ "Bearer realm=\"a", ERR_FORMAT },
		{ "Bearer realm=\"a\\", ERR_FORMAT },
		{ "Bearer realm=\"a\" service=\"b\"", ERR_FORMAT },
		{ "Bearer realm=\"a\",realm=\"b\"", ERR_FORMAT },
		{ "Bearer realm=\"a\nb\"", ERR_FORMAT },
		{ "Bearer realm=\"a\"x", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct challenge out;
		struct err err = ERR_NONE;
		if (challenge_parse(span_of(cases[i].field), &out, &err) == 0)
			fail_msg("accepted '%s'", cases[i].field);
		if (err.kind != cases[i].kind)
			fail_msg("'%s': %s %s", cases[i].field, err_kind_name(err.kind), err.text);
	}
}

static void refuses_values_that_are_too_long(void **state)
{
	static const char *const names[] = { "realm", "service", "scope", "other" };
	static const size_t sizes[] = { 1024, 256, 512, 1024 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct challenge out;
		struct err err = ERR_NONE;
		auto_buf struct buf text = BUF_MAX(5000);
		buf_printf(&text, "Bearer %s=\"%0*d\"", names[i], (int)sizes[i] - 1, 0);
		assert_int_equal(challenge_parse(buf_span(&text), &out, &err), 0);
		buf_reset(&text);
		buf_printf(&text, "Bearer %s=\"%0*d\"", names[i], (int)sizes[i], 0);
		assert_int_equal(challenge_parse(buf_span(&text), &out, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
}

/* ---- answers ---- */

struct scene {
	struct rig rig;
	struct http *http;
	struct auth auth;
	struct oci_place *place;
	struct retry_sleep sleep;
	char challenge[200];
};

static void scene_start(struct scene *scene, const struct fake_step *steps, size_t count)
{
	fake_start(&scene->rig.fake, steps, count);
	scene->http = client_new();
	scene->place = rig_place(&scene->rig, "127.0.0.1", "team/app");
	scene->sleep = (struct retry_sleep){ .wait = rig_wait, .ctx = &scene->rig };
	auth_init(&scene->auth, &scene->rig.access, scene->place, &scene->sleep);
	snprintf(scene->challenge, sizeof(scene->challenge),
			"Bearer realm=\"http://127.0.0.1:%u/token\",service=\"s&t\"",
			(unsigned)scene->rig.fake.peer.port);
}

static void scene_end(struct scene *scene)
{
	auth_clear(&scene->auth);
	http_free(scene->http);
	free(scene->place);
	rig_end(&scene->rig);
}

static int answer(struct scene *scene, const char *scope, bool second)
{
	return auth_answer(
			&scene->auth, scene->http, scene->challenge, scope, second, false, &scene->rig.err);
}

#define TOKEN(text)                                                                                 \
	{                                                                                           \
		.expect = "GET /token?service=s%26t&scope=", .answer = "200 OK\r\n", .body = (text) \
	}

static void keeps_a_token_for_each_scope(void **state)
{
	static const struct fake_step steps[] = { TOKEN("{\"token\":\"one\"}"),
		TOKEN("{\"token\":\"two\",\"access_token\":\"ignored\",\"expires_in\":1}"),
		TOKEN("{\"token\":\"three\"}"), TOKEN("{\"token\":\"four\"}"),
		TOKEN("{\"token\":\"five\",\"expires_in\":100000000}"), TOKEN("{\"token\":\"six\"}") };
	static const char *const scopes[] = { "a", "b", "c", "d" };
	struct scene scene = { .auth = { .access = NULL } };

	(void)state;
	scene_start(&scene, steps, sizeof(steps) / sizeof(steps[0]));
	assert_null(auth_field(&scene.auth, "a"));
	for (size_t i = 0; i < 4; i++)
		rig_good(&scene.rig, answer(&scene, scopes[i], false));
	assert_string_equal(auth_field(&scene.auth, "a"), "Authorization: Bearer one");
	assert_string_equal(auth_field(&scene.auth, "b"), "Authorization: Bearer two");
	assert_string_equal(auth_field(&scene.auth, "d"), "Authorization: Bearer four");
	/* a renewed one takes its own place, a new scope the place of the one that ends first */
	rig_good(&scene.rig, answer(&scene, "a", false));
	assert_string_equal(auth_field(&scene.auth, "a"), "Authorization: Bearer five");
	rig_good(&scene.rig, answer(&scene, "e", false));
	assert_string_equal(auth_field(&scene.auth, "e"), "Authorization: Bearer six");
	assert_string_equal(auth_field(&scene.auth, "a"), "Authorization: Bearer five");
	assert_null(auth_field(&scene.auth, "b"));
	scene_end(&scene);
}

static void trades_an_identity_token(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = "POST /token HTTP/1.1\r\n",
				.has = { "\r\nContent-Type: application/x-www-form-urlencoded\r\n" },
				.lacks = "Authorization",
				.answer = "200 OK\r\n",
				.body = "{\"access_token\":\"got\",\"refresh_token\":\"new\",\"scope\":"
					"\"x\"}" },
	};
	struct scene scene = { .auth = { .access = NULL } };

	(void)state;
	scene_start(&scene, steps, 1);
	scene.auth.searched = true;
	assert_int_equal(secret_from_span(&scene.auth.login.identity, SPAN_LIT("id/+="), NULL), 0);
	rig_good(&scene.rig, answer(&scene, "repository:a:pull repository:b:pull", false));
	assert_string_equal(auth_field(&scene.auth, "repository:a:pull repository:b:pull"),
			"Authorization: Bearer got");
	assert_string_equal(buf_text(&scene.rig.fake.received),
			"grant_type=refresh_token&client_id=cocoon&service=s%26t&"
			"scope=repository%3Aa%3Apull%20repository%3Ab%3Apull&refresh_token=id%2F%2B%3D");
	scene_end(&scene);
}

static void asks_a_busy_token_server_again(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = "GET /token", .answer = "429 Slow\r\nRetry-After: 2\r\n", .body = "" },
		{ .expect = "GET /token", .answer = "502 Oh\r\n", .body = "" },
		{ .expect = "GET /token", .cut = true },
		TOKEN("{\"token\":\"t\"}"),
	};
	struct scene scene = { .auth = { .access = NULL } };

	(void)state;
	scene_start(&scene, steps, sizeof(steps) / sizeof(steps[0]));
	rig_good(&scene.rig, answer(&scene, "a", false));
	assert_true(scene.rig.waited >= 2000 + 400);
	scene_end(&scene);
}

static void refuses_answers_that_are_no_token(void **state)
{
	static const struct {
		const char *body;
		enum err_kind kind;
	} cases[] = {
		{ "", ERR_FORMAT },
		{ "[]", ERR_FORMAT },
		{ "{\"token\":7}", ERR_FORMAT },
		{ "{\"token\":\"\"}", ERR_FORMAT },
		{ "{\"token\":\"t0ken\\r\\nX: y\"}", ERR_FORMAT },
		{ "{\"token\":\"t0ken\",\"token\":\"t\"}", ERR_FORMAT },
		{ "{\"token\":\"t0ken\",\"expires_in\":\"soon\"}", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct fake_step step = TOKEN(cases[i].body);
		struct scene scene = { .auth = { .access = NULL } };
		scene_start(&scene, &step, 1);
		rig_failed(&scene.rig, answer(&scene, "a", false), cases[i].kind, "");
		assert_null(auth_field(&scene.auth, "a"));
		scene_end(&scene);
	}
}

static void refuses_realms_that_are_no_address(void **state)
{
	static const char *const realms[] = { "", "file:///etc/passwd", "https://u:p@h/", "/token" };
	struct scene scene = { .auth = { .access = NULL } };

	(void)state;
	scene_start(&scene, NULL, 0);
	for (size_t i = 0; i < sizeof(realms) / sizeof(realms[0]); i++) {
		snprintf(scene.challenge, sizeof(scene.challenge), "Bearer realm=\"%s\"", realms[i]);
		rig_failed(&scene.rig, answer(&scene, "a", false), ERR_FORMAT,
				"the token server that the registry names");
	}
	scene_end(&scene);
}

/* Once more for what was just refused is once too often, in whatever order the registry names it. */
static void a_scope_is_the_same_in_any_order_of_its_actions(void **state)
{
	static const struct {
		const char *scope;
		bool same;
	} cases[] = {
		{ "repository:team/app:pull,push", true },
		{ "repository:team/app:push,pull", true },
		{ "repository:team/app:pull", false },
		{ "repository:team/app:pull,pull", false },
		{ "repository:team/app:pull,push,delete", false },
		{ "repository:team/other:push,pull", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const struct fake_step steps[] = { TOKEN("{\"token\":\"t\"}") };
		struct scene scene = { .auth = { .access = NULL } };

		scene_start(&scene, steps, cases[i].same ? 0 : 1);
		size_t len = strlen(scene.challenge);
		snprintf(scene.challenge + len, sizeof(scene.challenge) - len, ",scope=\"%s\"",
				cases[i].scope);
		int got = answer(&scene, "repository:team/app:pull,push", true);
		if (cases[i].same)
			rig_failed(&scene.rig, got, ERR_AUTH, "no credentials were found");
		else
			rig_good(&scene.rig, got);
		scene_end(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_challenges),
		cmocka_unit_test(refuses_challenges_that_are_none),
		cmocka_unit_test(refuses_values_that_are_too_long),
		cmocka_unit_test(keeps_a_token_for_each_scope),
		cmocka_unit_test(a_scope_is_the_same_in_any_order_of_its_actions),
		cmocka_unit_test(trades_an_identity_token),
		cmocka_unit_test(asks_a_busy_token_server_again),
		cmocka_unit_test(refuses_answers_that_are_no_token),
		cmocka_unit_test(refuses_realms_that_are_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
