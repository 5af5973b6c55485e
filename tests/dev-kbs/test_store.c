/* SPDX-License-Identifier: Apache-2.0 */
/* Stores in memory and in a folder, reference values in them, and sessions. */
#include "codec/json.h"
#include "e2e/kbs/references.h"
#include "e2e/kbs/sessions.h"
#include "e2e/kbs/store.h"
#include "tests/dev-kbs/stage.h"

#include <sys/stat.h>

static struct stage stage;

static int prepare(void **state)
{
	(void)state;
	stage_init(&stage);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	stage_close(&stage);
	return 0;
}

static struct store *open_store(bool folder)
{
	auto_free char *path = stage_file(&stage, "storage", NULL);
	struct err err = ERR_NONE;
	struct store *store = NULL;

	if (store_open(folder ? path : NULL, &store, &err) < 0)
		fail_msg("%s", err.text);
	return store;
}

static void value_is(struct store *store, enum store_space space, const char *key, const char *expected)
{
	auto_wiped_buf struct buf out = BUF_MAX(STORE_VALUE_MAX);
	struct err err = ERR_NONE;

	int status = store_get(store, space, key, &out, &err);
	if (!expected) {
		assert_int_equal(status, -1);
		assert_int_equal(err.kind, ERR_NOT_FOUND);
		return;
	}
	assert_int_equal(status, 0);
	assert_true(span_is(buf_span(&out), expected));
}

static void keys_are(struct store *store, enum store_space space, const char *expected)
{
	auto_json json_t *keys = NULL;

	assert_int_equal(store_list(store, space, &keys, NULL), 0);
	auto_free char *text = json_text(keys, false);
	assert_string_equal(text, expected);
}

static void keeps_replaces_and_forgets(void **state)
{
	(void)state;
	for (int folder = 0; folder < 2; folder++) {
		struct store *store = open_store(folder);
		value_is(store, STORE_RESOURCES, "default/key/1", NULL);
		assert_int_equal(
				store_put(store, STORE_RESOURCES, "default/key/1", SPAN_LIT("one"), NULL), 0);
		assert_int_equal(store_put(store, STORE_RESOURCES, "default/key/0", SPAN_NONE, NULL), 0);
		assert_int_equal(
				store_put(store, STORE_RESOURCES, "default/key/1", SPAN_LIT("another"), NULL),
				0);
		value_is(store, STORE_RESOURCES, "default/key/1", "another");
		value_is(store, STORE_RESOURCES, "default/key/0", "");
		/* spaces do not mix */
		value_is(store, STORE_REFERENCES, "default/key/1", NULL);
		keys_are(store, STORE_RESOURCES, "[\"default/key/0\",\"default/key/1\"]");
		keys_are(store, STORE_REFERENCES, "[]");
		assert_int_equal(store_delete(store, STORE_RESOURCES, "default/key/1", NULL), 0);
		assert_int_equal(store_delete(store, STORE_RESOURCES, "default/key/1", NULL), -1);
		value_is(store, STORE_RESOURCES, "default/key/1", NULL);
		value_is(store, STORE_RESOURCES, "default/key/0", "");
		store_free(store);
	}
}

static void refuses_names_that_could_lead_elsewhere(void **state)
{
	static const char *const names[] = { "", ".", "..", "../x", ".x", "a\\b", "a b", "a\nb", "\xc3\xa4",
		"a%2fb", "a*", "~" };
	char longest[STORE_KEY_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (int folder = 0; folder < 2; folder++) {
		struct store *store = open_store(folder);
		auto_buf struct buf out = BUF_MAX(16);
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			assert_int_equal(
					store_put(store, STORE_RESOURCES, names[i], SPAN_LIT("x"), NULL), -1);
			assert_int_equal(store_get(store, STORE_RESOURCES, names[i], &out, NULL), -1);
			assert_int_equal(store_delete(store, STORE_RESOURCES, names[i], NULL), -1);
		}
		assert_int_equal(store_put(store, STORE_RESOURCES, longest, SPAN_LIT("x"), NULL), -1);
		assert_int_equal(store_put(store, STORE_RESOURCES, longest + 1, SPAN_LIT("x"), NULL), 0);
		/* a slash is none in a folder: this is a name, and stays inside */
		assert_int_equal(store_put(store, STORE_RESOURCES, "a/../../b", SPAN_LIT("x"), NULL), 0);
		value_is(store, STORE_RESOURCES, "a/../../b", "x");
		assert_int_equal(store_delete(store, STORE_RESOURCES, longest + 1, NULL), 0);
		keys_are(store, STORE_RESOURCES, "[\"a/../../b\"]");
		store_free(store);
	}
}

static void lays_its_folder_out_as_the_real_service(void **state)
{
	auto_buf struct buf text = BUF_MAX(64);
	struct stat file;

	(void)state;
	struct store *store = open_store(true);
	assert_int_equal(store_put(store, STORE_RESOURCES, "default/key/test", SPAN_LIT("raw"), NULL), 0);
	assert_int_equal(store_put(store, STORE_RESOURCE_POLICY, "resource-policy.rego", SPAN_LIT("p"), NULL),
			0);
	auto_free char *path = stage_file(&stage, "storage/repository/default\\x2Fkey\\x2Ftest", NULL);
	assert_int_equal(fs_read(path, &text, NULL), 0);
	assert_string_equal(buf_text(&text), "raw");
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	auto_free char *policy = stage_file(&stage, "storage/kbs/resource-policy.rego", NULL);
	assert_int_equal(access(policy, F_OK), 0);
	/* what the operator's container writes there is served at once */
	free(stage_file(&stage, "storage/repository/default\\x2FS\\x2FK", "by hand"));
	value_is(store, STORE_RESOURCES, "default/S/K", "by hand");
	/* and what is half written is not there */
	free(stage_file(&stage, "storage/repository/.cocoon-0", "half"));
	keys_are(store, STORE_RESOURCES, "[\"default/S/K\",\"default/key/test\"]");
	store_free(store);
}

static void bounds_what_it_keeps(void **state)
{
	auto_buf struct buf big = BUF_MAX(STORE_VALUE_MAX + 1);

	(void)state;
	assert_non_null(memset(buf_room(&big, STORE_VALUE_MAX + 1), 'x', STORE_VALUE_MAX + 1));
	buf_grew(&big, STORE_VALUE_MAX + 1);
	for (int folder = 0; folder < 2; folder++) {
		auto_buf struct buf out = BUF_MAX(STORE_VALUE_MAX);
		struct store *store = open_store(folder);
		assert_int_equal(store_put(store, STORE_RESOURCES, "a", buf_span(&big), NULL), -1);
		struct span fits = span_from(buf_span(&big), 1);
		assert_int_equal(store_put(store, STORE_RESOURCES, "a", fits, NULL), 0);
		assert_int_equal(store_get(store, STORE_RESOURCES, "a", &out, NULL), 0);
		assert_true(span_eq(buf_span(&out), fits));
		store_free(store);
	}
}

static void a_folder_that_cannot_be_used_is_said_at_once(void **state)
{
	struct store *store = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(store_open("/proc/nonexistent", &store, &err), -1);
	assert_non_null(strstr(err.text, "/proc/nonexistent"));
	auto_free char *path = stage_file(&stage, "file", "x");
	assert_int_equal(store_open(path, &store, &err), -1);
}

/* ---- reference values ---- */

static void reference_values_come_whole_or_not_at_all(void **state)
{
	/* {"a":["b"]}, {"a b":1}, ["a"], not base64 of JSON */
	static const char *const bad[] = { "", "{}", "[]", "{\"type\":\"sample\"}",
		"{\"type\":\"sample\",\"payload\":1}", "{\"type\":\"sample\",\"payload\":\"eyJhIGIiOjF9\"}",
		"{\"type\":\"sample\",\"payload\":\"WyJhIl0=\"}",
		"{\"type\":\"sample\",\"payload\":\"AAAA\"}", "{\"type\":\"swid\",\"payload\":\"e30=\"}",
		"{\"version\":1,\"type\":\"sample\",\"payload\":\"e30=\"}" };
	struct references *references = NULL;

	(void)state;
	struct store *store = open_store(true);
	assert_int_equal(references_open(store, &stage.clock, &references, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(references_register(references, span_of(bad[i]), NULL), -1);
	assert_int_equal(json_object_size(references_all(references)), 0);
	assert_int_equal(references_register(references,
					 SPAN_LIT("{\"type\":\"sample\",\"payload\":\"eyJhIjpbImIiXX0=\"}"),
					 NULL),
			0);
	references_free(references);
	value_is(store, STORE_REFERENCES, "a",
			"{\"version\":\"0.1.0\",\"name\":\"a\",\"expiration\":\"2027-11-22T02:59:36Z\","
			"\"value\":[\"b\"]}");
	assert_int_equal(references_open(store, &stage.clock, &references, NULL), 0);
	auto_free char *text = json_text(references_all(references), true);
	assert_string_equal(text, "{\"a\":[\"b\"]}");
	references_free(references);
	store_free(store);
}

/* ---- sessions ---- */

static void finds_a_session_by_its_cookie_among_others(void **state)
{
	struct sessions *sessions = sessions_new(&stage.clock, random_bytes, 300, 4);
	struct session *session = NULL, *found = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(sessions_begin(sessions, TEE_KIND_TPM, KBS_0_3, &session, NULL), 0);
	assert_int_equal(strlen(session->id), 32);
	assert_int_equal(session->id[12], '4');
	assert_int_equal(strlen(session->nonce), 44);
	assert_string_equal(session->until, "Sun, 22 Nov 2026 03:04:36 GMT");
	auto_free char *alone = xasprintf("kbs-session-id=%s", session->id);
	auto_free char *among = xasprintf("a=b; kbs-session-id=%s; c=d", session->id);
	assert_int_equal(sessions_find(sessions, span_of(alone), &found, NULL), 0);
	assert_ptr_equal(found, session);
	assert_int_equal(sessions_find(sessions, span_of(among), &found, NULL), 0);
	static const char *const others[] = { "", "x", "kbs-session-id",
		"kbs-session-id=", "kbs-session-id=x", "xkbs-session-id=1;", ";;;" };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(sessions_find(sessions, span_of(others[i]), &found, &err), -1);
	alone[strlen(alone) - 1] ^= 1;
	assert_int_equal(sessions_find(sessions, span_of(alone), &found, &err), -1);
	sessions_free(sessions);
}

static void no_more_sessions_than_promised(void **state)
{
	struct sessions *sessions = sessions_new(&stage.clock, random_bytes, 300, 4);
	struct session *session = NULL;
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(sessions_begin(sessions, TEE_KIND_SAMPLE, KBS_0_4, &session, NULL), 0);
		stage.now += 100;
	}
	/* the first has ended, the others have not */
	assert_int_equal(sessions_count(sessions), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sessions_begin(sessions, TEE_KIND_SAMPLE, KBS_0_4, &session, NULL), 0);
	assert_int_equal(sessions_begin(sessions, TEE_KIND_SAMPLE, KBS_0_4, &session, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	stage.now += 300;
	assert_int_equal(sessions_count(sessions), 0);
	sessions_free(sessions);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean)
	const struct CMUnitTest tests[] = {
		TEST(keeps_replaces_and_forgets),
		TEST(refuses_names_that_could_lead_elsewhere),
		TEST(lays_its_folder_out_as_the_real_service),
		TEST(bounds_what_it_keeps),
		TEST(a_folder_that_cannot_be_used_is_said_at_once),
		TEST(reference_values_come_whole_or_not_at_all),
		TEST(finds_a_session_by_its_cookie_among_others),
		TEST(no_more_sessions_than_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
