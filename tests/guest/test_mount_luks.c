/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount.h"

#include "tests/guest/mount_rig.h"

/* ---- what the programs are asked for --------------------------------------------------------------------- */

/* The calls, with the rig's folder as "@". */
static void calls(struct rig *rig, struct buf *out)
{
	auto_buf struct buf text = BUF_MAX(65536);
	size_t len = strlen(rig->dir);

	rig_read(rig, "calls", &text);
	for (const char *at = buf_text(&text); *at;) {
		bool is_dir = !strncmp(at, rig->dir, len);
		buf_putc(out, is_dir ? '@' : *at);
		at += is_dir ? len : 1;
	}
	rig_write(rig, "calls", "", 0600);
}

/* Each line begins with what a test expects, in order, and there are no others. */
static void called(struct rig *rig, const char *const *lines)
{
	auto_buf struct buf text = BUF_MAX(65536);
	struct span rest, line;

	calls(rig, &text);
	rest = buf_span(&text);
	for (; *lines; lines++) {
		if (!span_next(&rest, '\n', &line))
			fail_msg("'%s' was not called", *lines);
		if (!span_starts(line, *lines))
			fail_msg("expected '%s', seen '%.*s'", *lines, SPAN_ARG(line));
	}
	if (rest.len)
		fail_msg("called too much: %.*s", SPAN_ARG(rest));
}

#define FORMAT                                                                                   \
	"cryptsetup luksFormat --batch-mode --key-file - --type luks2 --cipher aes-xts-plain64 " \
	"--key-size 512 --sector-size 4096 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "        \
	"--luks2-metadata-size 16k --luks2-keyslots-size 1m "
#define OPEN "cryptsetup open --batch-mode --key-file - --type luks2 --disable-external-tokens "
static const char formats[] = FORMAT, opens[] = OPEN;

static void formats_opens_and_links_an_empty_device(void **state)
{
	struct rig *rig = *state;
	/* the folder's name is random, its beginning is not */
	static const char *const lines[] = { FORMAT "--header @/headers/L3RtcC90ZXN0LW1vdW50L",
		OPEN "--header @/headers/L3RtcC90ZXN0LW1vdW50L", NULL };
	char target[RIG_PATH] = "", expected[RIG_PATH];

	assert_int_equal(rig_mount(rig, ""), 0);
	called(rig, lines);
	assert_true(readlink(rig->point, target, sizeof(target) - 1) > 0);
	rig_path(rig, "mapper/vol", expected);
	assert_string_equal(target, expected);
}

static void integrity_is_asked_for_when_formatting_and_opening(void **state)
{
	struct rig *rig = *state;
	auto_buf struct buf text = BUF_MAX(4096);

	assert_int_equal(rig_mount(rig, "\"dataIntegrity\":\"true\""), 0);
	calls(rig, &text);
	assert_non_null(strstr(buf_text(&text), " --integrity hmac-sha256 --integrity-no-journal --header"));
	assert_non_null(strstr(buf_text(&text), "--disable-external-tokens --integrity-no-journal --header"));
	assert_null(strstr(buf_text(&text), "no-wipe"));
}

static void mkfs_gets_its_options_and_then_the_mapping(void **state)
{
	static const char *const lines[] = { formats, OPEN,
		"mkfs -q -m 0 -E lazy_itable_init=0 -- @/mapper/vol", "cryptsetup close", NULL };
	struct rig *rig = *state;

	/* the mapping is a file, which cannot be mounted */
	rig_refused(rig, "\"targetType\":\"fileSystem\",\"mkfsOpts\":\" -m 0\\t-E  lazy_itable_init=0 \"",
			ERR_IO, "mounting the volume");
	called(rig, lines);
	rig_is_clean(rig);
}

static void a_name_is_made_up_for_each_mapping(void **state)
{
	struct rig *rig = *state;
	char first[RIG_PATH] = "", second[RIG_PATH] = "";

	assert_int_equal(rig_mount(rig, "\"mapperName\":null"), 0);
	assert_true(readlink(rig->point, first, sizeof(first) - 1) > 0);
	assert_int_equal(unlink(rig->point), 0);
	assert_int_equal(rig_mount(rig, "\"mapperName\":null,\"devicePath\":\"/proc/self/exe\""), 0);
	assert_true(readlink(rig->point, second, sizeof(second) - 1) > 0);
	assert_string_not_equal(first, second);
	/* a UUID */
	assert_int_equal(strlen(strrchr(first, '/') + 1), 36);
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

static void the_key_reaches_cryptsetup_byte_for_byte(void **state)
{
	struct rig *rig = *state;
	auto_buf struct buf key = BUF_MAX(4096);
	char more[2 * RIG_PATH];

	assert_int_equal(rig_mount(rig, "\"key\":\"kbs:///default/key/line\""), 0);
	rig_read(rig, "key-luksFormat", &key);
	assert_string_equal(buf_text(&key), "line\n");
	rig_read(rig, "key-open", &key);
	assert_string_equal(buf_text(&key), "line\n");

	rig_write(rig, "key", "from a file", 0600);
	snprintf(more, sizeof(more), "\"key\":\"file://%s/key\",\"devicePath\":\"%s\",\"mapperName\":\"b\"",
			rig->dir, rig->mkfs);
	assert_int_equal(unlink(rig->point), 0);
	assert_int_equal(rig_mount(rig, more), 0);
	rig_read(rig, "key-open", &key);
	assert_string_equal(buf_text(&key), "from a file");
}

/* sealed-secrets.md 12.1: kid kbs:///default/signing-key/cocoon-test, resource kbs:///default/db/password */
static void a_sealed_key_is_unsealed(void **state)
{
	static const char more[] = "\"key\":\"sealed."
				   "eyJiNjQiOnRydWUsImFsZyI6IkVTMjU2Iiwia2lkIjoia2JzOi8vL2RlZmF1bHQvc2ln"
				   "bmluZy1rZXkvY29jb29uLXRlc3QifQ."
				   "eyJ2ZXJzaW9uIjoiMC4xLjAiLCJ0eXBlIjoidmF1bHQiLCJuYW1lIjoia2Jz"
				   "Oi8vL2RlZmF1bHQvZGIvcGFzc3dvcmQiLCJwcm92aWRlciI6ImticyIsInByb3ZpZGVyX3Nld"
				   "HRpbmdzIjp7fSwiYW5u"
				   "b3RhdGlvbnMiOnt9fQ.jCthPgme0Z-z7-kwnOoXWYK8O42tEDsbz1_wywBqhZ84Iehsyw_"
				   "uquBFvfBKW1BGsDoNL3xin"
				   "0W0XVGqBWc-eQ\"";
	struct rig *rig = *state;
	auto_buf struct buf key = BUF_MAX(4096);

	if (rig_mount(rig, more))
		fail_msg("%s", rig->err.text);
	rig_read(rig, "key-open", &key);
	assert_string_equal(buf_text(&key), "sealed line");
}

static void without_a_key_one_is_drawn_that_stands_nowhere(void **state)
{
	struct rig *rig = *state;
	auto_buf struct buf format = BUF_MAX(4096), open = BUF_MAX(4096), text = BUF_MAX(4096);

	assert_int_equal(rig_mount(rig, ""), 0);
	rig_read(rig, "key-luksFormat", &format);
	rig_read(rig, "key-open", &open);
	assert_int_equal(format.len, 64);
	assert_memory_equal(format.ptr, open.ptr, 64);
	rig_read(rig, "calls", &text);
	assert_null(memmem(text.ptr, text.len, format.ptr, 64));
	assert_int_equal(unlink(rig->point), 0);
	assert_int_equal(rig_mount(rig, "\"devicePath\":\"/proc/self/exe\",\"mapperName\":\"b\""), 0);
	rig_read(rig, "key-open", &open);
	assert_memory_not_equal(format.ptr, open.ptr, 64);
}

static void refuses_keys_that_are_not_there_before_it_touches_the_device(void **state)
{
	static const char *const none[] = { NULL };
	struct rig *rig = *state;
	char more[2 * RIG_PATH];

	rig_refused(rig, "\"key\":\"kbs:///default/key/absent\"", ERR_NOT_FOUND, "getting the key");
	rig_refused(rig, "\"key\":\"kbs:///default/key/none\"", ERR_USAGE, "the key of the volume is empty");
	rig_refused(rig, "\"key\":\"kbs:///a\"", ERR_NOT_FOUND, "getting the key");
	rig_refused(rig, "\"key\":\"sealed.a.b.c\"", ERR_FORMAT, "getting the key");
	snprintf(more, sizeof(more), "\"key\":\"file://%s/absent\"", rig->dir);
	rig_refused(rig, more, ERR_NOT_FOUND, "getting the key");
	called(rig, none);
	rig_is_clean(rig);
}

/* ---- the way back ---------------------------------------------------------------------------------------- */

static void what_was_begun_is_taken_back_in_reverse(void **state)
{
	static const struct {
		const char *fails, *more, *part;
		const char *lines[6];
	} cases[] = {
		{ "fail-luksFormat", "", "formatting", { formats, NULL } },
		{ "fail-open", "", "opening the volume", { formats, opens, NULL } },
		{ "fail-mkfs", "\"targetType\":\"fileSystem\"", "making a file system",
				{ formats, opens, "mkfs -q -- ", "cryptsetup close --batch-mode vol",
						NULL } },
		{ "fail-luksHeaderBackup", "\"sourceType\":\"encrypted\",\"key\":\"kbs:///default/key/line\"",
				"reading the header", { "cryptsetup luksHeaderBackup", NULL } },
		{ "fail-luksDump", "\"sourceType\":\"encrypted\",\"key\":\"kbs:///default/key/line\"",
				"judging the header",
				{ "cryptsetup luksHeaderBackup", "cryptsetup luksDump", NULL } },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[RIG_PATH];
		rig_write(rig, cases[i].fails, "", 0600);
		rig_refused(rig, cases[i].more, ERR_DENIED, cases[i].part);
		assert_non_null(strstr(rig->err.text, "no luck"));
		called(rig, cases[i].lines);
		rig_is_clean(rig);
		rig_path(rig, cases[i].fails, path);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rig_mount(rig, ""), 0);
}

static void a_mount_point_that_is_taken_undoes_the_mapping(void **state)
{
	static const char *const lines[] = { formats, opens, "cryptsetup close --batch-mode vol", NULL };
	struct rig *rig = *state;

	rig_write(rig, "taken", "kept", 0600);
	rig_path(rig, "taken", rig->point);
	rig_refused(rig, "", ERR_CONFLICT, "making the link");
	called(rig, lines);
	rig_is_clean(rig);
	assert_true(rig_has(rig, "taken"));
}

static void says_when_a_mapping_cannot_be_closed_again(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "fail-mkfs", "", 0600);
	rig_write(rig, "fail-close", "", 0600);
	rig_refused(rig, "\"targetType\":\"fileSystem\"", ERR_DENIED, "making a file system");
	assert_non_null(strstr(rig->err.text, "could not be closed again"));
}

static void a_name_of_a_mapping_that_is_taken_is_a_conflict(void **state)
{
	static const char *const lines[] = { formats, NULL };
	struct rig *rig = *state;

	rig_write(rig, "mapper/vol", "somebody's", 0600);
	rig_refused(rig, "", ERR_CONFLICT, "give another mapperName");
	/* and it is not ours to close */
	called(rig, lines);
	assert_true(rig_has(rig, "mapper/vol"));
}

static void a_missing_program_is_named(void **state)
{
	struct rig *rig = *state;

	rig->places.cryptsetup = "/nowhere/cryptsetup";
	rig_refused(rig, "", ERR_NOT_FOUND, "cryptsetup");
	rig_is_clean(rig);
}

static void opens_the_copy_of_the_header_that_it_judged(void **state)
{
	struct rig *rig = *state;
	auto_buf struct buf text = BUF_MAX(4096);
	static const char more[] = "\"sourceType\":\"encrypted\",\"key\":\"kbs:///default/key/line\"";

	rig_write(rig, "metadata",
			"{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"area\":{\"encryption\":\"aes-xts-"
			"plain64\","
			"\"key_size\":64}}},\"segments\":{\"0\":{\"type\":\"crypt\",\"encryption\":"
			"\"aes-xts-plain64\"}},\"digests\":{\"0\":{\"type\":\"pbkdf2\"}}}",
			0600);
	assert_int_equal(rig_mount(rig, more), 0);
	calls(rig, &text);
	const char *copy = strstr(buf_text(&text), "--header-backup-file ");
	const char *open = strstr(buf_text(&text), "--header @");
	assert_non_null(copy);
	assert_non_null(open);
	copy += strlen("--header-backup-file ");
	open += strlen("--header ");
	assert_memory_equal(copy, open, strcspn(copy, "\n"));
	/* the mapping needs it no more */
	char path[RIG_PATH];
	rig_path(rig, "headers", path);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)
	const struct CMUnitTest tests[] = {
		RIGGED(formats_opens_and_links_an_empty_device),
		RIGGED(integrity_is_asked_for_when_formatting_and_opening),
		RIGGED(mkfs_gets_its_options_and_then_the_mapping),
		RIGGED(a_name_is_made_up_for_each_mapping),
		RIGGED(the_key_reaches_cryptsetup_byte_for_byte),
		RIGGED(a_sealed_key_is_unsealed),
		RIGGED(without_a_key_one_is_drawn_that_stands_nowhere),
		RIGGED(refuses_keys_that_are_not_there_before_it_touches_the_device),
		RIGGED(what_was_begun_is_taken_back_in_reverse),
		RIGGED(a_mount_point_that_is_taken_undoes_the_mapping),
		RIGGED(says_when_a_mapping_cannot_be_closed_again),
		RIGGED(a_name_of_a_mapping_that_is_taken_is_a_conflict),
		RIGGED(a_missing_program_is_named),
		RIGGED(opens_the_copy_of_the_header_that_it_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
