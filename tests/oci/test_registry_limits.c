/* SPDX-License-Identifier: Apache-2.0 */
/* What a program needs whose images' names are other people's: an end to each call, no way to its own addresses, and
 * logins that run nothing. */
#include "oci/attached.h"
#include "oci/dockerconfig.h"
#include "oci/place.h"
#include "tests/oci/images.h"
#include "tests/oci/routes.h"

#define DIGEST   "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MANIFEST "GET /v2/team/app/manifests/1 "
#define BLOB     "GET /v2/team/app/blobs/" DIGEST " "

/* ---- a registry ---- */

struct scene {
	struct routes routes;
	struct oci_access access;
	struct oci_source *source;
	struct err err;
};

static void open_scene(struct scene *scene, const struct route *table, size_t count)
{
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	char text[64];

	while (count && !table[count - 1].begins)
		count--;
	routes_start(&scene->routes, table, count);
	snprintf(text, sizeof(text), "docker://127.0.0.1:%u/team/app:1", (unsigned)scene->routes.peer.port);
	assert_int_equal(oci_place_parse(text, place, NULL), 0);
	scene->access.user_agent = "test/1";
	scene->access.plain_http = true;
	assert_int_equal(oci_source_open(place, &scene->access, &scene->source, NULL), 0);
}

static void close_scene(struct scene *scene)
{
	oci_source_free(scene->source);
	routes_stop(&scene->routes);
}

static int get_manifest(struct scene *scene)
{
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	int result = oci_source_manifest(scene->source, NULL, &bytes, &scene->err);

	buf_clear(&bytes.bytes);
	return result;
}

static int get_blob(struct scene *scene)
{
	struct oci_descriptor blob = { .digest = DIGEST, .size = 1000000 };
	auto_oci_reader struct oci_reader *reader = NULL;
	char piece[4096];
	size_t got = 1;
	int result = oci_source_blob(scene->source, &blob, &reader, &scene->err);

	while (!result && got)
		result = pull_read(oci_reader_pull(reader), piece, sizeof(piece), &got, &scene->err);
	return result;
}

static int get_attached(struct scene *scene)
{
	auto_attached struct attached found = ATTACHED_NONE;

	return oci_source_attached(
			scene->source, DIGEST, ATTACHED_TAG | ATTACHED_REFERRERS, &found, &scene->err);
}

/* ---- an end to each call ---- */

#define TOKEN_ASKED "401 No\r\nWWW-Authenticate: Bearer realm=\"http://{self}/token\"\r\n"
#define SENT_ON     "307 On\r\nLocation: http://{self}/elsewhere\r\n"

static void no_call_outlasts_its_deadline(void **state)
{
	static const struct {
		struct route routes[3];
		int (*call)(struct scene *scene);
	} rows[] = {
		{ { { .begins = MANIFEST, .drips = true } }, get_manifest },
		{ { { .begins = MANIFEST, .answer = "500 No\r\n", .drips = true } }, get_manifest },
		{ { { .begins = MANIFEST, .answer = "503 No\r\nRetry-After: 30\r\n" } }, get_manifest },
		{ { { .begins = MANIFEST, .answer = SENT_ON },
				  { .begins = "GET /elsewhere ", .drips = true } },
				get_manifest },
		{ { { .begins = MANIFEST, .answer = TOKEN_ASKED },
				  { .begins = "GET /token", .drips = true } },
				get_manifest },
		{ { { .begins = MANIFEST, .answer = TOKEN_ASKED },
				  { .begins = "GET /token", .answer = "503 No\r\nRetry-After: 30\r\n" } },
				get_manifest },
		{ { { .begins = BLOB, .drips = true } }, get_blob },
		{ { { .begins = BLOB, .answer = SENT_ON }, { .begins = "GET /elsewhere ", .drips = true } },
				get_blob },
		{ { { .begins = "GET /v2/team/app/referrers/", .drips = true } }, get_attached },
		{ { { .begins = "GET /v2/team/app/manifests/", .drips = true } }, get_attached },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene = { .access = { .deadline_ms = 60 } };
		open_scene(&scene, rows[i].routes, 3);
		assert_int_equal(rows[i].call(&scene), -1);
		if (scene.err.kind != ERR_RETRY)
			fail_msg("row %zu: %s: %s", i, err_kind_name(scene.err.kind), scene.err.text);
		close_scene(&scene);
	}
}

static void an_impatient_call_says_at_once_how_long_to_wait(void **state)
{
	static const struct {
		struct route routes[2];
		int retry_after;
	} rows[] = {
		{ { { .begins = MANIFEST, .answer = "429 No\r\nRetry-After: 7\r\n" } }, 7 },
		{ { { .begins = MANIFEST, .answer = "429 No\r\n" } }, 5 },
		{ { { .begins = MANIFEST, .answer = "503 No\r\nRetry-After: 3600\r\n" } }, 3600 },
		{ { { .begins = MANIFEST, .answer = "500 No\r\n" } }, 0 },
		{ { { .begins = MANIFEST, .answer = TOKEN_ASKED },
				  { .begins = "GET /token", .answer = "429 No\r\nRetry-After: 9\r\n" } },
				9 },
		{ { { .begins = MANIFEST, .answer = TOKEN_ASKED },
				  { .begins = "GET /token", .answer = "429 No\r\n" } },
				5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene = { .access = { .impatient = true } };
		open_scene(&scene, rows[i].routes, 2);
		assert_int_equal(get_manifest(&scene), -1);
		if (scene.err.kind != ERR_RETRY || scene.err.retry_after != rows[i].retry_after ||
				!strstr(scene.err.text, "HTTP "))
			fail_msg("row %zu: %d: %s", i, scene.err.retry_after, scene.err.text);
		assert_int_equal(atomic_load(&scene.routes.asked[0]), 1);
		close_scene(&scene);
	}
}

static void a_call_ends_when_nobody_waits_for_it(void **state)
{
	static const struct route table[] = { { .begins = "GET " } };
	static const atomic_bool stop = true;
	struct scene scene = { .access = { .stop = &stop } };

	(void)state;
	open_scene(&scene, table, 1);
	assert_int_equal(get_manifest(&scene), -1);
	assert_int_equal(scene.err.kind, ERR_RETRY);
	assert_int_equal(get_attached(&scene), -1);
	assert_int_equal(scene.err.kind, ERR_RETRY);
	close_scene(&scene);
}

/* ---- no way to our own addresses ---- */

static void is_denied(struct scene *scene, int result, const char *words)
{
	assert_int_equal(result, -1);
	if (scene->err.kind != ERR_DENIED || !strstr(scene->err.text, words))
		fail_msg("%s: %s (not %s)", err_kind_name(scene->err.kind), scene->err.text, words);
	err_clear(&scene->err);
}

static void nothing_a_registry_says_leads_to_an_address_of_ours(void **state)
{
	static const struct {
		const char *answer, *words;
	} rows[] = {
		{ "307 On\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n",
				"a link-local address" },
		{ "302 On\r\nLocation: http://[fe80::1]/\r\n", "a link-local address" },
		{ "307 On\r\nLocation: http://localhost:1/\r\n", "a loopback address" },
		{ "307 On\r\nLocation: http://127.0.0.1:1/\r\n", "a loopback address" },
		{ "307 On\r\nLocation: http://[::ffff:a9fe:a9fe]/\r\n", "a link-local address" },
		{ "307 On\r\nLocation: http://2852039166/\r\n", "a link-local address" },
		{ "401 No\r\nWWW-Authenticate: Bearer realm=\"http://169.254.169.254/token\"\r\n",
				"a link-local address" },
		{ "401 No\r\nWWW-Authenticate: Bearer realm=\"http://127.0.0.1:1/token\"\r\n",
				"a loopback address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route table[] = { { .begins = MANIFEST, .answer = rows[i].answer },
			{ .begins = BLOB, .answer = rows[i].answer } };
		struct scene scene = { .access = { .guard = true, .impatient = true } };
		char vouched[32];
		scene.access.vouched = vouched;
		/* the port is known when the scene is open, and read when its source is */
		routes_start(&scene.routes, table, 2);
		snprintf(vouched, sizeof(vouched), "127.0.0.1:%u", (unsigned)scene.routes.peer.port);
		auto_free char *text = xasprintf("docker://%s/team/app:1", vouched);
		auto_free struct oci_place *place = place_new(text);
		scene.access.user_agent = "test/1";
		scene.access.plain_http = true;
		assert_int_equal(oci_source_open(place, &scene.access, &scene.source, NULL), 0);
		is_denied(&scene, get_manifest(&scene), rows[i].words);
		is_denied(&scene, get_blob(&scene), rows[i].words);
		close_scene(&scene);
	}
}

static void a_registry_on_loopback_needs_somebody_to_vouch(void **state)
{
	static const struct route table[] = { { .begins = "GET " } };
	struct scene scene = { .access = { .guard = true } };

	(void)state;
	open_scene(&scene, table, 1);
	assert_int_equal(get_manifest(&scene), -1);
	assert_int_equal(scene.err.kind, ERR_DENIED);
	assert_int_equal(atomic_load(&scene.routes.peer.connections), 0);
	close_scene(&scene);
}

/* ---- logins from memory ---- */

static void takes_the_first_text_that_has_a_login(void **state)
{
	static const char one[] = "{\"auths\":{\"one.example\":{\"auth\":\"dTpw\"}}}";
	static const char two[] = "{\"auths\":{\"one.example\":{\"auth\":\"dzpx\"},\"two.example\":{\"auth\":"
				  "\"dzpx\"}}}";
	const struct span texts[] = { SPAN_LIT("{}"), SPAN_LIT(one), SPAN_LIT(two) };
	static const char *const files[] = { "/nonexistent/helper.json", NULL };
	struct oci_access access = { .auth_texts = texts, .auth_text_count = 3, .auth_files = files };
	static const struct {
		const char *host, *user;
	} rows[] = { { "one.example", "u" }, { "two.example", "w" }, { "three.example", NULL } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		auto_free char *text = xasprintf("docker://%s/app", rows[i].host);
		auto_free struct oci_place *place = place_new(text);
		auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
		assert_int_equal(oci_login_find(&access, place, &login, NULL), 0);
		assert_int_equal(!login.user, !rows[i].user);
		if (login.user)
			assert_string_equal(login.user, rows[i].user);
	}
}

/* The helper would leave a file behind, and would have failed the search. */
static void runs_no_helper_that_a_text_names(void **state)
{
	static const char *const texts[] = {
		"{\"credsStore\":\"trap\",\"auths\":{\"one.example\":{\"auth\":\"dTpw\"}}}",
		"{\"credHelpers\":{\"one.example\":\"trap\"},\"auths\":{\"one.example\":{\"auth\":\"dTpw\"}}"
		"}",
		"{\"credsStore\":[],\"credHelpers\":{\"one.example\":7},"
		"\"auths\":{\"one.example\":{\"auth\":\"dTpw\"}}}",
	};
	auto_free struct oci_place *place = place_new("docker://one.example/app");

	(void)state;
	put("docker-credential-trap", "#!/bin/sh\n: >ran\nexit 1\n");
	assert_int_equal(chmod("docker-credential-trap", 0755), 0);
	auto_free char *path = xasprintf(".:%s", getenv("PATH"));
	assert_int_equal(setenv("PATH", path, 1), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct span text = span_of(texts[i]);
		struct oci_access access = { .auth_texts = &text, .auth_text_count = 1 };
		auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
		struct err err = ERR_NONE;
		if (oci_login_find(&access, place, &login, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(login.user, "u");
	}
	assert_false(is_there("ran"));
}

static void says_which_text_is_none(void **state)
{
	const struct span texts[] = { SPAN_LIT("{}"), SPAN_LIT("{\"s3cret\"") };
	struct oci_access access = { .auth_texts = texts, .auth_text_count = 2 };
	auto_free struct oci_place *place = place_new("docker://one.example/app");
	auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(oci_login_find(&access, place, &login, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.text, "text 2 of 2"));
	assert_null(strstr(err.text, "s3cret"));
	/* none at all is no reason to look into files */
	access.auth_text_count = 0;
	access.auth_file = "/nonexistent";
	assert_int_equal(oci_login_find(&access, place, &login, &err), 0);
	assert_null(login.user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_call_outlasts_its_deadline),
		cmocka_unit_test(an_impatient_call_says_at_once_how_long_to_wait),
		cmocka_unit_test(a_call_ends_when_nobody_waits_for_it),
		cmocka_unit_test(nothing_a_registry_says_leads_to_an_address_of_ours),
		cmocka_unit_test(a_registry_on_loopback_needs_somebody_to_vouch),
		cmocka_unit_test(takes_the_first_text_that_has_a_login),
		cmocka_unit_test_setup_teardown(runs_no_helper_that_a_text_names, enter_folder, leave_folder),
		cmocka_unit_test(says_which_text_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
