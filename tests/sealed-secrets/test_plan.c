/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "crypto/init.h"
#include "crypto/secret.h"
#include "sealed-secrets/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define ITEM(members) "{\"version\":1,\"resources\":[{" members "}]}"
#define URI           "\"uri\":\"kbs:///default/db/password\""

struct folder {
	char path[64];
	char plan[96], other[96];
};

static void make_folder(struct folder *folder)
{
	snprintf(folder->path, sizeof(folder->path), "/tmp/cocoon-test-plan-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->plan, sizeof(folder->plan), "%s/plan", folder->path);
	snprintf(folder->other, sizeof(folder->other), "%s/other", folder->path);
}

static void remove_folder(const struct folder *folder)
{
	unlink(folder->plan);
	unlink(folder->other);
	rmdir(folder->path);
}

static void add(struct plan *plan, const char *uri_text, const char *bytes)
{
	struct kbs_uri uri;

	assert_int_equal(kbs_uri_parse(span_of(uri_text), &uri, NULL), 0);
	assert_int_equal(plan_add(plan, &uri, span_of(bytes), NULL), 0);
}

static void reads_what_it_writes(void **state)
{
	static const char *const uris[] = { "kbs:///default/db/password", "kbs:///a/b/c",
		"kbs+pkcs11://host:8080/k/1?x=%5C1&y='\"", "kbs+p:///x" };
	static const char *const bytes[] = { "s3cr3t", "", "\\\"\n", "a=b" };
	auto_plan struct plan plan = PLAN_NONE, again = PLAN_NONE;
	auto_wiped_buf struct buf text = BUF_MAX(PLAN_MAX);
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		add(&plan, uris[i], bytes[i]);
	plan_format(&plan, &text);
	if (plan_parse(&again, buf_span(&text), NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(again.count, plan.count);
	for (size_t i = 0; i < plan.count; i++) {
		assert_true(kbs_uri_is_same(&plan.items[i].uri, &again.items[i].uri));
		assert_true(span_eq(buf_span(&again.items[i].bytes), span_of(bytes[i])));
	}
}

static void refuses_what_is_no_plan(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ "", ERR_FORMAT, "empty" },
		{ "null", ERR_FORMAT, "" },
		{ "[]", ERR_FORMAT, "" },
		{ "{}", ERR_FORMAT, "no version" },
		{ "{\"version\":1}", ERR_FORMAT, "no version" },
		{ "{\"resources\":[]}", ERR_FORMAT, "no version" },
		{ "{\"version\":2,\"resources\":[]}", ERR_LIMIT, "version" },
		{ "{\"version\":\"1\",\"resources\":[]}", ERR_FORMAT, "version" },
		{ "{\"version\":1,\"version\":1,\"resources\":[]}", ERR_FORMAT, "duplicate" },
		{ "{\"version\":1,\"resources\":{}}", ERR_FORMAT, "resources" },
		{ "{\"version\":1,\"resources\":[],\"more\":1}", ERR_FORMAT, "more" },
		{ "{\"version\":1,\"resources\":[null]}", ERR_FORMAT, "resources[0]" },
		{ "{\"version\":1,\"resources\":[\"kbs:///a/b/c\"]}", ERR_FORMAT, "resources[0]" },
		{ ITEM(""), ERR_FORMAT, "uri" },
		{ ITEM(URI), ERR_FORMAT, "either base64 or file" },
		{ ITEM(URI ",\"base64\":\"AA==\",\"file\":\"x\""), ERR_FORMAT, "either base64 or file" },
		{ ITEM(URI ",\"base64\":1"), ERR_FORMAT, "base64" },
		{ ITEM(URI ",\"base64\":\"AA=\""), ERR_FORMAT, "base64" },
		{ ITEM(URI ",\"base64\":\"AB==\""), ERR_FORMAT, "base64" },
		{ ITEM(URI ",\"base64\":\"AA==\\u0000\""), ERR_FORMAT, "" },
		{ ITEM(URI ",\"base64\":\"AA==\",\"bas64\":\"AA==\""), ERR_FORMAT, "bas64" },
		{ ITEM(URI ",\"file\":\"/etc/passwd\""), ERR_FORMAT, "names no files" },
		{ ITEM("\"uri\":\"http://a/b/c\",\"base64\":\"AA==\""), ERR_FORMAT, "resources[0]" },
		{ ITEM("\"uri\":\"kbs:///a/b\",\"base64\":\"AA==\""), ERR_FORMAT, "segments" },
		{ ITEM("\"uri\":\"kbs:///a/../c\",\"base64\":\"AA==\""), ERR_FORMAT, "" },
		{ ITEM("\"uri\":\"kbs:///a/b/.c\",\"base64\":\"AA==\""), ERR_FORMAT, "letters" },
		{ ITEM(URI ",\"base64\":\"AA==\"},{" URI ",\"base64\":\"AQ==\""), ERR_CONFLICT,
				"resources[1]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_plan struct plan plan = PLAN_NONE;
		struct err err = ERR_NONE;
		if (plan_parse(&plan, span_of(cases[i].text), NULL, &err) == 0)
			fail_msg("'%s' was taken", cases[i].text);
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].says))
			fail_msg("'%s': %s: %s", cases[i].text, err_kind_name(err.kind), err.text);
	}
}

static void refuses_a_plan_that_is_cut_anywhere(void **state)
{
	static const char text[] = ITEM(URI ",\"base64\":\"czNjcjN0\"");

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		auto_plan struct plan plan = PLAN_NONE;
		assert_int_equal(plan_parse(&plan, span_new(text, len), NULL, NULL), -1);
	}
}

static void says_no_secret_when_it_refuses(void **state)
{
	static const char *const cases[] = { ITEM(URI ",\"base64\":\"S3CRET*=\""),
		ITEM(URI ",\"base64\":\"S3CRETAA\"},{" URI ",\"base64\":\"S3CRETBB\""),
		"{\"version\":1,\"resources\":[{\"base64\":\"S3CRETAA\" x" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_plan struct plan plan = PLAN_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(plan_parse(&plan, span_of(cases[i]), NULL, &err), -1);
		assert_null(strstr(err.text, "S3CRET"));
	}
}

static void the_same_bytes_again_change_nothing(void **state)
{
	auto_plan struct plan plan = PLAN_NONE;

	(void)state;
	add(&plan, "kbs:///a/b/c", "x");
	add(&plan, "kbs://broker.example/a/b/c", "x");
	assert_int_equal(plan.count, 1);
}

static void holds_so_many_resources_and_no_more(void **state)
{
	auto_plan struct plan plan = PLAN_NONE;
	struct kbs_uri uri;
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < PLAN_RESOURCES_MAX; i++) {
		char text[64];
		snprintf(text, sizeof(text), "kbs:///a/b/%d", i);
		add(&plan, text, "x");
	}
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/more"), &uri, NULL), 0);
	assert_int_equal(plan_add(&plan, &uri, SPAN_LIT("x"), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(plan.count, PLAN_RESOURCES_MAX);
}

/* More than the secure heap holds, which programs of ours have. */
static void holds_large_secrets_too(void **state)
{
	static char large[SECRET_MAX + 1];
	auto_plan struct plan plan = PLAN_NONE;
	struct kbs_uri uri;
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < 100; i++) {
		char text[64];
		snprintf(text, sizeof(text), "kbs:///a/b/%d", i);
		assert_int_equal(kbs_uri_parse(span_of(text), &uri, NULL), 0);
		if (plan_add(&plan, &uri, span_new(large, SECRET_MAX), &err) < 0)
			fail_msg("%s", err.text);
	}
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/more"), &uri, NULL), 0);
	assert_int_equal(plan_add(&plan, &uri, span_new(large, sizeof(large)), &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(plan.count, 100);
}

static void a_plan_is_private_and_not_overwritten(void **state)
{
	auto_plan struct plan plan = PLAN_NONE, again = PLAN_NONE;
	struct folder folder;
	struct err err = ERR_NONE;
	struct stat status;

	(void)state;
	make_folder(&folder);
	add(&plan, "kbs:///a/b/c", "x");
	assert_int_equal(plan_save(&plan, folder.plan, false, &err), 0);
	assert_int_equal(stat(folder.plan, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(plan_save(&plan, folder.plan, false, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(plan_save(&plan, folder.plan, true, &err), 0);
	assert_int_equal(plan_load(&again, folder.plan, &err), 0);
	assert_int_equal(again.count, 1);
	remove_folder(&folder);
}

static void files_stand_beside_the_plan(void **state)
{
	static const char text[] = ITEM(URI ",\"file\":\"other\"");
	auto_plan struct plan plan = PLAN_NONE, missing = PLAN_NONE;
	struct folder folder;
	struct err err = ERR_NONE;

	(void)state;
	make_folder(&folder);
	assert_int_equal(fs_write_atomic(folder.plan, SPAN_LIT(text), 0600, &err), 0);
	assert_int_equal(plan_load(&missing, folder.plan, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(fs_write_atomic(folder.other, SPAN_LIT("s3cr3t\n"), 0600, &err), 0);
	assert_int_equal(plan_load(&plan, folder.plan, &err), 0);
	assert_true(span_eq(buf_span(&plan.items[0].bytes), SPAN_LIT("s3cr3t\n")));
	remove_folder(&folder);
}

static void words_name_a_resource_and_its_file(void **state)
{
	static const char *const cases[] = { "", "=", "kbs:///a/b/c", "kbs:///a/b/c=", "=x",
		"http://a/b=/dev/null", "kbs:///a/b=/dev/null", "kbs:///a/b/c=fd:", "kbs:///a/b/c=fd:-1",
		"kbs:///a/b/c=fd:1024", "kbs:///a/b/c=/nonexistent/file" };
	auto_plan struct plan plan = PLAN_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (plan_add_word(&plan, cases[i], NULL) == 0)
			fail_msg("'%s' was taken", cases[i]);
	assert_int_equal(plan_add_word(&plan, "kbs:///a/b/c=/dev/null", NULL), 0);
	assert_int_equal(plan.items[0].bytes.len, 0);
}

int main(void)
{
	struct err err = ERR_NONE;

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses_what_is_no_plan),
		cmocka_unit_test(refuses_a_plan_that_is_cut_anywhere),
		cmocka_unit_test(says_no_secret_when_it_refuses),
		cmocka_unit_test(the_same_bytes_again_change_nothing),
		cmocka_unit_test(holds_so_many_resources_and_no_more),
		cmocka_unit_test(holds_large_secrets_too),
		cmocka_unit_test(a_plan_is_private_and_not_overwritten),
		cmocka_unit_test(files_stand_beside_the_plan),
		cmocka_unit_test(words_name_a_resource_and_its_file),
	};

	if (crypto_init(true, &err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
