/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount_luks.h"

#include "base/run.h"
#include "crypto/digest.h"
#include "tests/guest/mount_rig.h"

#include <fcntl.h>

/* ---- headers that a host could have written -------------------------------------------------------------- */

#define SLOT                                                                                                 \
	"{\"type\":\"luks2\",\"key_size\":64,\"area\":{\"type\":\"raw\",\"encryption\":\"aes-xts-plain64\"," \
	"\"key_size\":64}}"
#define SEGMENT "{\"type\":\"crypt\",\"encryption\":\"aes-xts-plain64\",\"offset\":\"16777216\"}"
#define TAGGED(tags) \
	"{\"type\":\"crypt\",\"encryption\":\"aes-xts-plain64\",\"integrity\":{\"type\":\"" tags "\"}}"
#define HEADER(slots, segments, digests, config)                                                    \
	"{\"keyslots\":{" slots "},\"tokens\":{},\"segments\":{" segments "},\"digests\":{" digests \
	"},\"config\":{" config "}}"
#define DIGEST "\"0\":{\"type\":\"pbkdf2\"}"
#define USUAL  HEADER("\"0\":" SLOT, "\"0\":" SEGMENT, DIGEST, "\"json_size\":\"12288\"")

static int check(const char *text, bool integrity, struct err *err)
{
	auto_json json_t *json = NULL;

	assert_int_equal(json_read(span_of(text), 65536, &json, NULL), 0);
	return luks_header_check(json, integrity, err);
}

static void takes_headers_as_luks_format_writes_them(void **state)
{
	(void)state;
	assert_int_equal(check(USUAL, false, NULL), 0);
	assert_int_equal(check(HEADER("\"0\":" SLOT ",\"7\":" SLOT, "\"0\":" SEGMENT, DIGEST, ""), false,
					 NULL),
			0);
	assert_int_equal(
			check(HEADER("\"0\":" SLOT, "\"0\":" TAGGED("hmac(sha256)"), DIGEST, ""), true, NULL),
			0);
}

static void refuses_headers_that_would_weaken_the_volume(void **state)
{
	static const struct {
		const char *header;
		bool integrity;
		const char *part;
	} cases[] = {
		{ "{}", false, "no keyslots" },
		{ HEADER("", "\"0\":" SEGMENT, DIGEST, ""), false, "no keyslots" },
		{ HEADER("\"0\":{\"type\":\"luks2\",\"area\":{\"encryption\":\"cipher_null-ecb\",\"key_"
			 "size\":64}}",
				  "\"0\":" SEGMENT, DIGEST, ""),
				false, "a keyslot" },
		{ HEADER("\"0\":" SLOT ",\"1\":{\"type\":\"luks2\",\"area\":{\"encryption\":\"cipher_null\","
			 "\"key_size\":32}}",
				  "\"0\":" SEGMENT, DIGEST, ""),
				false, "a keyslot" },
		{ HEADER("\"0\":{\"type\":\"luks2\",\"area\":{\"encryption\":\"aes-xts-plain64\",\"key_"
			 "size\":0}}",
				  "\"0\":" SEGMENT, DIGEST, ""),
				false, "a keyslot" },
		{ HEADER("\"0\":{\"type\":\"reencrypt\",\"area\":{\"encryption\":\"aes-xts-plain64\","
			 "\"key_size\":64}}",
				  "\"0\":" SEGMENT, DIGEST, ""),
				false, "a keyslot" },
		{ HEADER("\"0\":" SLOT, "", DIGEST, ""), false, "one segment" },
		{ HEADER("\"0\":" SLOT, "\"0\":" SEGMENT ",\"1\":{\"type\":\"linear\"}", DIGEST, ""), false,
				"one segment" },
		{ HEADER("\"0\":" SLOT, "\"1\":" SEGMENT, DIGEST, ""), false, "one segment" },
		{ HEADER("\"0\":" SLOT, "\"0\":{\"type\":\"linear\",\"encryption\":\"aes-xts-plain64\"}",
				  DIGEST, ""),
				false, "not encrypted" },
		{ HEADER("\"0\":" SLOT, "\"0\":{\"type\":\"crypt\",\"encryption\":\"cipher_null-ecb\"}",
				  DIGEST, ""),
				false, "not encrypted" },
		{ HEADER("\"0\":" SLOT,
				  "\"0\":{\"type\":\"crypt\",\"encryption\":\"aes-xts-plain64\",\"flags\":[]"
				  "}",
				  DIGEST, ""),
				false, "not encrypted" },
		{ USUAL, true, "no integrity" },
		{ HEADER("\"0\":" SLOT, "\"0\":" TAGGED("hmac(sha256)"), DIGEST, ""), false, "do not ask" },
		{ HEADER("\"0\":" SLOT, "\"0\":" TAGGED("none"), DIGEST, ""), true, "not hmac(sha256)" },
		{ HEADER("\"0\":" SLOT, "\"0\":" SEGMENT, "", ""), false, "no digest" },
		{ HEADER("\"0\":" SLOT, "\"0\":" SEGMENT, "\"0\":{\"type\":\"x\"}", ""), false,
				"not pbkdf2" },
		{ HEADER("\"0\":" SLOT, "\"0\":" SEGMENT, DIGEST,
				  "\"requirements\":{\"mandatory\":[\"online-reencrypt\"]}"),
				false, "conversion" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		if (!check(cases[i].header, cases[i].integrity, &err))
			fail_msg("accepted: %s", cases[i].header);
		assert_int_equal(err.kind, ERR_AUTH);
		if (!strstr(err.text, cases[i].part))
			fail_msg("expected '%s', seen: %s", cases[i].part, err.text);
	}
}

/* ---- the real cryptsetup, as far as it goes without device mapper ----------------------------------------- */

/* Formats the rig's disk as its owner would. */
static void format_disk(struct rig *rig)
{
	char disk[RIG_PATH];
	const char *const argv[] = { "cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf",
		"pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", "-", disk, NULL };
	const struct run run = { .what = "cryptsetup",
		.program = "/usr/sbin/cryptsetup",
		.argv = argv,
		.input = SPAN_LIT("line\n"),
		.timeout = 60000 };
	auto_buf struct buf out = BUF_MAX(4096);

	rig_path(rig, "disk", disk);
	assert_int_equal(run_program(&run, &out, NULL), 0);
}

/* Both headers of a LUKS2 disk with other words of the same length, and their checksums made right again. */
static void forge(struct rig *rig, const char *from, const char *to)
{
	enum { SIZE = 16384, SUM_AT = 448 };
	static unsigned char header[SIZE];
	unsigned char sum[DIGEST_MAX];
	char path[RIG_PATH];

	rig_path(rig, "disk", path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (off_t at = 0; at <= SIZE; at += SIZE) {
		assert_int_equal(pread(fd, header, SIZE, at), SIZE);
		unsigned char *found = memmem(header, SIZE, from, strlen(from));
		assert_non_null(found);
		for (; found; found = memmem(header, SIZE, from, strlen(from)))
			memcpy(found, to, strlen(to));
		memset(header + SUM_AT, 0, 64);
		digest_bytes(DIGEST_SHA256, span_new(header, SIZE), sum);
		memcpy(header + SUM_AT, sum, 32);
		assert_int_equal(pwrite(fd, header, SIZE, at), SIZE);
	}
	close(fd);
}

/* Everything but the last step, for which there is no device mapper in a test: that is a stand-in. */
static void real_but_for_open(struct rig *rig)
{
	char script[1024];

	snprintf(script, sizeof(script),
			"#!/bin/sh\n"
			"case $1 in open) for last; do :; done; : >%s/mapper/$last; exit 0 ;; esac\n"
			"exec /usr/sbin/cryptsetup \"$@\"\n",
			rig->dir);
	rig_write(rig, "cryptsetup", script, 0755);
}

static const char encrypted[] = "\"sourceType\":\"encrypted\",\"key\":\"kbs:///default/key/line\"";

static void the_real_cryptsetup_formats_with_a_header_aside(void **state)
{
	struct rig *rig = *state;
	auto_buf struct buf disk = BUF_MAX(RIG_DEVICE);

	real_but_for_open(rig);
	if (rig_mount(rig, ""))
		fail_msg("%s", rig->err.text);
	/* nothing of it is on the disk */
	rig_read(rig, "disk", &disk);
	assert_null(memmem(disk.ptr, disk.len, "LUKS", 4));
	rig_refused(rig, "", ERR_CONFLICT, "was formatted before");
}

static void a_real_header_is_judged(void **state)
{
	struct rig *rig = *state;

	format_disk(rig);
	real_but_for_open(rig);
	if (rig_mount(rig, encrypted))
		fail_msg("%s", rig->err.text);
}

static void a_real_header_with_a_null_cipher_is_refused(void **state)
{
	struct rig *rig = *state;

	format_disk(rig);
	forge(rig, "aes-xts-plain64", "cipher_null-ecb");
	real_but_for_open(rig);
	rig_refused(rig, encrypted, ERR_AUTH, "a keyslot is not encrypted");
	rig_is_clean(rig);
}

static void a_disk_without_a_header_is_refused(void **state)
{
	struct rig *rig = *state;

	real_but_for_open(rig);
	rig_refused(rig, encrypted, ERR_DENIED, "reading the header");
	rig_is_clean(rig);
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_headers_as_luks_format_writes_them),
		cmocka_unit_test(refuses_headers_that_would_weaken_the_volume),
		RIGGED(the_real_cryptsetup_formats_with_a_header_aside),
		RIGGED(a_real_header_is_judged),
		RIGGED(a_real_header_with_a_null_cipher_is_refused),
		RIGGED(a_disk_without_a_header_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
