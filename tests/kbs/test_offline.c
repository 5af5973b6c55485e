/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/keyfile.h"
#include "base/own.h"
#include "image-crypt/params.h"
#include "image/packet.h"
#include "kbs/offline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the three above */
#include <cmocka.h>

static struct kbs_uri uri_of(const char *text)
{
	struct kbs_uri uri;

	assert_int_equal(kbs_uri_parse(span_of(text), &uri, NULL), 0);
	return uri;
}

/* ---- sets of keys ---- */

static void reads_back_the_set_that_it_makes(void **state)
{
	auto_offline struct offline set = OFFLINE_NONE, back = OFFLINE_NONE;
	auto_secret struct secret text = SECRET_NONE;

	(void)state;
	assert_int_equal(offline_generate(OFFLINE_KEYS_MAX, &set, NULL), 0);
	assert_int_equal(offline_format(&set, &text, NULL), 0);
	assert_int_equal(offline_parse(secret_span(&text), &back, NULL), 0);
	assert_int_equal(back.count, OFFLINE_KEYS_MAX);
	for (size_t i = 0; i < back.count; i++) {
		assert_string_equal(back.items[i].path, set.items[i].path);
		assert_int_equal(back.items[i].bytes.len, PACKET_KEK);
		assert_true(secret_is(&back.items[i].bytes, secret_span(&set.items[i].bytes)));
		if (i)
			assert_false(secret_is(&back.items[i].bytes, secret_span(&back.items[i - 1].bytes)));
	}
	assert_int_equal(offline_generate(OFFLINE_KEYS_MAX + 1, &set, NULL), -1);
}

static void finds_a_key_by_its_path_alone(void **state)
{
	auto_offline struct offline set = OFFLINE_NONE;

	(void)state;
	assert_int_equal(offline_parse(SPAN_LIT(" {\"default/key/key_id1\":\"aGk=\",\"a/b/\xd0\xba\":\"\"} "),
					 &set, NULL),
			0);
	struct kbs_uri uri = uri_of("kbs+x://host:1/default/key/key_id1?q");
	assert_non_null(offline_find(&set, &uri));
	assert_true(secret_is(offline_find(&set, &uri), SPAN_LIT("hi")));
	uri = uri_of("kbs:///a/b/\xd0\xba");
	assert_non_null(offline_find(&set, &uri));
	uri = uri_of("kbs:///default/key/key_id2");
	assert_null(offline_find(&set, &uri));
}

static void refuses_a_set_that_is_none(void **state)
{
	static const char *const cases[] = { "", "[]", "{\"a/b/c\":1}", "{\"a/b/c\":null}",
		"{\"a/b/c\":\"*\"}", "{\"a/b/c\":\"aGk\"}", "{\"a/b/c\":\"aGk=\\n\"}",
		"{\"a/b/c\":\"aGk=\",\"a/b/c\":\"aGk=\"}", "{\"a/b/c\":\"aGk=\",\"a/b/\\u0063\":\"aGk=\"}",
		"{\"\":\"aGk=\"}", "{\"a/../c\":\"aGk=\"}", "{\"/a/b/c\":\"aGk=\"}", "{\"a/b/c\":\"aGk=\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_offline struct offline set = OFFLINE_NONE;
		struct err err = ERR_NONE;
		if (offline_parse(span_of(cases[i]), &set, &err) == 0)
			fail_msg("%s was taken", cases[i]);
		/* values are secrets */
		assert_null(strstr(err.text, "aGk"));
	}
}

/* ---- files ---- */

static void writes_private_files_that_are_never_overwritten_unasked(void **state)
{
	char dir[] = "/tmp/cocoon-keyfile-XXXXXX";
	auto_buf struct buf got = BUF_MAX(64);
	struct err err = ERR_NONE;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	auto_free char *path = xasprintf("%s/key", dir), *elsewhere = xasprintf("%s/no/key", dir);
	mode_t mask = umask(0);
	assert_int_equal(keyfile_write(path, SPAN_LIT("one"), KEYFILE_PRIVATE, false, NULL), 0);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(keyfile_write(path, SPAN_LIT("two"), KEYFILE_PRIVATE, false, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(fs_read(path, &got, NULL), 0);
	assert_string_equal(buf_text(&got), "one");
	/* a file that others could read is not what the key goes into */
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(keyfile_write(path, SPAN_LIT("two"), KEYFILE_PRIVATE, true, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_reset(&got);
	assert_int_equal(fs_read(path, &got, NULL), 0);
	assert_string_equal(buf_text(&got), "two");
	for (unsigned force = 0; force < 2; force++) {
		assert_int_equal(keyfile_write(elsewhere, SPAN_LIT("x"), KEYFILE_PRIVATE, force, &err), -1);
		assert_int_equal(err.kind, ERR_NOT_FOUND);
	}
	assert_int_equal(unlink(path), 0);
	/* a link to nowhere is not followed */
	assert_int_equal(symlink(elsewhere, path), 0);
	assert_int_equal(keyfile_write(path, SPAN_LIT("x"), KEYFILE_PRIVATE, false, NULL), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* ---- parameters ---- */

static void reads_parameters_as_the_ecosystem_writes_them(void **state)
{
	static const struct {
		const char *text, *id, *path;
		bool sample;
		enum packet_cipher cipher;
	} cases[] = {
		{ "", NULL, "", false, PACKET_A256GCM },
		{ "Enabled", NULL, "", false, PACKET_A256GCM },
		{ "sample=true", NULL, "", true, PACKET_A256GCM },
		{ "sample=True::sample=", NULL, "", false, PACKET_A256GCM },
		{ "keyid=kbs:///a/b/c::keypath=/k=1", "a/b/c", "/k=1", false, PACKET_A256GCM },
		{ "keypath=/k::keyid=/a/b/c::algorithm=A256CTR::", "a/b/c", "/k", false, PACKET_A256CTR },
		{ "keyid=kbs://[::1]:8080/a/b/c::keypath=/k", "a/b/c", "/k", false, PACKET_A256GCM },
		{ "keyid=h/a/b/c::keyid=h/a/b/d", "a/b/d", "", false, PACKET_A256GCM },
		{ "x=y::::keypath=a:b::z", NULL, "a:b", false, PACKET_A256GCM },
		{ "keypath=://[::keyid=/a/b/c", "a/b/c", "://[", false, PACKET_A256GCM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct params params;
		struct err err = ERR_NONE;
		if (params_parse(span_of(cases[i].text), &params, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_int_equal(params.has_id, cases[i].id != NULL);
		if (cases[i].id)
			assert_string_equal(params.id.path, cases[i].id);
		assert_string_equal(params.path, cases[i].path);
		assert_int_equal(params.sample, cases[i].sample);
		assert_int_equal(params.cipher, cases[i].cipher);
	}
}

static void refuses_parameters_that_make_no_packet(void **state)
{
	static const struct span cases[] = {
		SPAN_LIT("keyid="),
		SPAN_LIT("keyid=plain"),
		SPAN_LIT("keyid=a/b/c"),
		SPAN_LIT("keyid=kbs:///a/b"),
		SPAN_LIT("keyid=kbs:///a/b/../c"),
		SPAN_LIT("algorithm="),
		SPAN_LIT("algorithm=a256gcm"),
		SPAN_LIT("keypath=/a\0b"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct params params;
		struct err err = ERR_NONE;
		if (params_parse(cases[i], &params, &err) == 0)
			fail_msg("%.*s was taken", SPAN_ARG(cases[i]));
		assert_int_equal(err.kind, ERR_USAGE);
	}
	auto_free char *large = xcalloc(1, PARAMS_MAX);
	struct params params;
	assert_int_equal(params_parse(span_new(large, PARAMS_MAX), &params, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_the_set_that_it_makes),
		cmocka_unit_test(finds_a_key_by_its_path_alone),
		cmocka_unit_test(refuses_a_set_that_is_none),
		cmocka_unit_test(writes_private_files_that_are_never_overwritten_unasked),
		cmocka_unit_test(reads_parameters_as_the_ecosystem_writes_them),
		cmocka_unit_test(refuses_parameters_that_make_no_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
