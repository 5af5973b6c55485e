/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log behind a software TPM's PCRs, and what becomes of it when the process dies at any step: the functions
 * below stand in the place of the system's, so that a child can end itself before or after each of its calls.
 */
#include "base/fs.h"
#include "base/own.h"
#include "tee/attester.h"
#include "tee/eventlog.h"
#include "tee/tcglog.h"
#include "tests/tee/registers.h"
#include "tests/tee/swtpm.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define PCR   12 /* zero at first, and extended by nobody else */
#define EVENT "domain operation content"

static struct swtpm tpm;
static char folder[64], *log_path, *wal_path;

/* ---- dying and failing ---------------------------------------------------------------------------------- */

static int steps_left;                             /* 0: never; the child ends when it comes to 0 */
static int fsync_fails, write_fails, unlink_fails; /* the n-th call from now on; 0: none */

static void step(void)
{
	if (steps_left && --steps_left == 0)
		_exit(77);
}

static bool fails_now(int *left)
{
	if (!*left || --*left)
		return false;
	errno = ENOSPC;
	return true;
}

int fsync(int fd)
{
	step();
	int rc = fails_now(&fsync_fails) ? -1 : (int)syscall(SYS_fsync, fd);
	step();
	return rc;
}

int rename(const char *from, const char *to)
{
	step();
	int rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	step();
	return rc;
}

int unlink(const char *path)
{
	step();
	int rc = fails_now(&unlink_fails) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	step();
	return rc;
}

int ftruncate(int fd, off_t length)
{
	step();
	int rc = (int)syscall(SYS_ftruncate, fd, length);
	step();
	return rc;
}

/* Half of the bytes, too, may have been written. */
ssize_t write(int fd, const void *bytes, size_t len)
{
	struct stat what;
	bool file = fstat(fd, &what) == 0 && S_ISREG(what.st_mode);

	if (file && fails_now(&write_fails))
		return -1;
	step();
	if (file && steps_left == 1) {
		(void)!syscall(SYS_write, fd, bytes, len / 2);
		_exit(77);
	}
	ssize_t n = syscall(SYS_write, fd, bytes, len);
	step();
	return n;
}

/* ---- looking -------------------------------------------------------------------------------------------- */

static struct attester *attester(void)
{
	struct attester_options options = { .kind = "tpm", .tpm = tpm.tcti };
	struct attester *out = NULL;
	struct err err = ERR_NONE;

	if (attester_open(&options, &out, &err) < 0)
		fail_msg("%s", err.text);
	return out;
}

static int open_log(struct attester *with, struct eventlog **out, struct err *err)
{
	struct eventlog_options options = {
		.attester = with, .folder = folder, .enabled = true, .init_pcr = PCR
	};

	return eventlog_open(&options, out, err);
}

static int record(struct eventlog *log, const char *content, struct err *err)
{
	enum eventlog_result result = EVENTLOG_NOT_ENABLED;
	int rc = eventlog_record(
			log, SPAN_LIT("domain"), SPAN_LIT("operation"), span_of(content), -1, &result, err);

	assert_int_equal(result, rc == 0 ? EVENTLOG_OK : EVENTLOG_NOT_SUPPORTED);
	return rc;
}

/* Replays the log: its PCR's value must be the TPM's. Returns the number of entries. */
static size_t check_agreement(void)
{
	auto_attester struct attester *with = attester();
	unsigned char value[DIGEST_MAX] = { 0 }, now[DIGEST_MAX];
	auto_buf struct buf bytes = BUF_MAX(EVENTLOG_MAX);
	struct tcg_event event;
	struct tcglog log;
	bool found = true;
	size_t count = 0;

	(void)!fs_read(log_path, &bytes, NULL);
	tcglog_open_bare(buf_span(&bytes), &log);
	while (tcglog_next(&log, &event, &found, NULL) == 0 && found) {
		struct span digest;
		assert_int_equal(event.index, PCR);
		assert_true(tcglog_digest(&log, &event, DIGEST_SHA256, &digest));
		register_extended(value, (const unsigned char *)digest.ptr, value);
		count++;
	}
	assert_int_equal(log.rest.len, 0);
	assert_int_equal(register_read(with, PCR, now, NULL), 0);
	assert_memory_equal(now, value, 32);
	return count;
}

static void put(const char *path, struct span bytes)
{
	assert_int_equal(fs_write_atomic(path, bytes, 0600, NULL), 0);
}

/* ---- recording ------------------------------------------------------------------------------------------- */

static void keeps_log_and_register_in_agreement(void **state)
{
	auto_attester struct attester *with = attester();
	auto_eventlog struct eventlog *log = NULL, *again = NULL;
	struct err err = ERR_NONE;
	struct stat what;

	(void)state;
	if (open_log(with, &log, &err) < 0 || record(log, "one", &err) < 0 || record(log, "two", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(check_agreement(), 2);
	assert_int_equal(access(wal_path, F_OK), -1);
	assert_int_equal(stat(log_path, &what), 0);
	assert_int_equal(what.st_mode & 07777, 0600);
	assert_int_equal(stat(folder, &what), 0);
	assert_int_equal(what.st_mode & 07777, 0700);
	if (open_log(with, &again, &err) < 0 || record(again, "", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(check_agreement(), 3);
}

static void refuses_texts_that_could_not_be_split_again(void **state)
{
	static char large[EVENT_MAX];
	const struct {
		struct span domain, operation, content;
		enum err_kind kind;
	} cases[] = {
		{ SPAN_LIT(""), SPAN_LIT("o"), SPAN_LIT("c"), ERR_USAGE },
		{ SPAN_LIT("d"), SPAN_LIT(""), SPAN_LIT("c"), ERR_USAGE },
		{ SPAN_LIT("d d"), SPAN_LIT("o"), SPAN_LIT("c"), ERR_USAGE },
		{ SPAN_LIT("d"), SPAN_LIT("o\t"), SPAN_LIT("c"), ERR_USAGE },
		{ SPAN_LIT("d\n"), SPAN_LIT("o"), SPAN_LIT("c"), ERR_USAGE },
		{ SPAN_LIT("d\0"), SPAN_LIT("o"), SPAN_LIT("c"), ERR_USAGE },
		{ SPAN_LIT("d"), SPAN_LIT("o"), SPAN_LIT("c\nc"), ERR_USAGE },
		{ SPAN_LIT("d"), SPAN_LIT("o"), SPAN_LIT("\xff"), ERR_USAGE },
		{ SPAN_LIT("d\xff"), SPAN_LIT("o"), SPAN_LIT("c"), ERR_USAGE },
		{ SPAN_LIT("d"), SPAN_LIT("o"), { large, sizeof(large) }, ERR_LIMIT },
		{ SPAN_LIT("d"), SPAN_LIT("o"), { large, sizeof(large) - 3 }, ERR_LIMIT },
	};
	auto_attester struct attester *with = attester();
	auto_eventlog struct eventlog *log = NULL;
	enum eventlog_result result;
	struct err err = ERR_NONE;

	(void)state;
	memset(large, 'x', sizeof(large));
	assert_int_equal(open_log(with, &log, NULL), 0);
	size_t before = check_agreement();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err_clear(&err);
		assert_int_equal(eventlog_record(log, cases[i].domain, cases[i].operation, cases[i].content,
						 -1, &result, &err),
				-1);
		if (err.kind != cases[i].kind)
			fail_msg("%zu: %s", i, err.text);
	}
	assert_int_equal(eventlog_record(log, SPAN_LIT("d"), SPAN_LIT("o"), SPAN_LIT("c"), 24, &result, &err),
			-1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(check_agreement(), before);
	assert_int_equal(eventlog_record(log, SPAN_LIT("d"), SPAN_LIT("o"),
					 span_new(large, sizeof(large) - 4), -1, &result, &err),
			0);
	assert_int_equal(check_agreement(), before + 1);
}

static void says_when_it_is_off_or_not_supported(void **state)
{
	struct attester_options options = { .kind = "sample" };
	struct attester *sample = NULL;
	enum eventlog_result result;

	(void)state;
	assert_int_equal(attester_open(&options, &sample, NULL), 0);
	for (int enabled = 0; enabled < 2; enabled++) {
		struct eventlog_options log_options = {
			.attester = sample, .folder = "/nowhere/at/all", .enabled = enabled
		};
		auto_eventlog struct eventlog *log = NULL;
		assert_int_equal(eventlog_open(&log_options, &log, NULL), 0);
		assert_int_equal(eventlog_record(log, SPAN_LIT(" "), SPAN_LIT(" "), SPAN_LIT("\n"), -1,
						 &result, NULL),
				0);
		assert_int_equal(result, enabled ? EVENTLOG_NOT_SUPPORTED : EVENTLOG_NOT_ENABLED);
	}
	attester_free(sample);
}

/* ---- a disk that is full -------------------------------------------------------------------------------- */

static void extends_nothing_when_the_disk_is_full(void **state)
{
	auto_attester struct attester *with = attester();
	auto_eventlog struct eventlog *log = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(open_log(with, &log, NULL), 0);
	size_t before = check_agreement();
	for (int i = 1; i <= 2; i++) {
		write_fails = i;
		assert_int_equal(record(log, "full", &err), -1);
		assert_int_equal(err.kind, ERR_IO);
		assert_int_equal(write_fails, 0);
		assert_int_equal(check_agreement(), before);
	}
	/* the write-ahead file, its folder, the log; then cutting the log fails, too */
	for (int i = 1; i <= 3; i++) {
		fsync_fails = i;
		assert_int_equal(record(log, "full", &err), -1);
		assert_int_equal(check_agreement(), before);
	}
	write_fails = 2;
	fsync_fails = 3;
	assert_int_equal(record(log, "full", &err), -1);
	fsync_fails = 0;
	if (record(log, "after", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(check_agreement(), before + 1);
	unlink_fails = 1;
	assert_int_equal(record(log, "stays", &err), 0);
	auto_eventlog struct eventlog *again = NULL;
	assert_int_equal(access(wal_path, F_OK), 0);
	assert_int_equal(open_log(with, &again, NULL), 0);
	assert_int_equal(check_agreement(), before + 2);
	assert_int_equal(access(wal_path, F_OK), -1);
}

/* Locality 0 may not extend PCR 17: the event is taken back. */
static void forgets_an_event_that_the_register_did_not_take(void **state)
{
	auto_attester struct attester *with = attester();
	auto_eventlog struct eventlog *log = NULL;
	enum eventlog_result result;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(open_log(with, &log, NULL), 0);
	size_t before = check_agreement();
	assert_int_equal(eventlog_record(log, SPAN_LIT("d"), SPAN_LIT("o"), SPAN_LIT("c"), 17, &result, &err),
			-1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(access(wal_path, F_OK), -1);
	assert_int_equal(check_agreement(), before);
	assert_int_equal(record(log, "after", NULL), 0);
	assert_int_equal(check_agreement(), before + 1);
}

/* ---- death ---------------------------------------------------------------------------------------------- */

/* A child that records one event and dies at its n-th step; true when it was done before. */
static bool die_at(int n)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct attester *with = attester();
		struct eventlog *log = NULL;
		if (open_log(with, &log, NULL) < 0)
			_exit(1);
		steps_left = n;
		_exit(record(log, "last words", NULL) < 0 ? 2 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 77)
		assert_int_equal(WEXITSTATUS(status), 0);
	return WEXITSTATUS(status) == 0;
}

static void agrees_again_after_dying_at_any_step(void **state)
{
	auto_attester struct attester *with = attester();
	size_t kept = 0, forgotten = 0, before = check_agreement();

	(void)state;
	for (int n = 1;; n++) {
		bool done = die_at(n);
		auto_eventlog struct eventlog *log = NULL;
		struct err err = ERR_NONE;
		if (open_log(with, &log, &err) < 0)
			fail_msg("step %d: %s", n, err.text);
		size_t after = check_agreement();
		assert_true(after == before || after == before + 1);
		assert_int_equal(access(wal_path, F_OK), -1);
		kept += after > before;
		forgotten += after == before;
		before = after;
		if (done)
			break;
	}
	assert_true(kept >= 3);
	assert_true(forgotten > 8);
}

/* What is left by somebody who extends first, at a register that is not the usual one; any part of the entry, or bytes
 * of nothing, may stand behind the offset. */
static void finishes_an_extension_whose_entry_is_missing(void **state)
{
	static const char *const tails[] = { "", "\x0c", "what is this" };
	auto_attester struct attester *with = attester();

	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		auto_buf struct buf log_bytes = BUF_MAX(EVENTLOG_MAX), wal = BUF_MAX(4096),
				    entry = BUF_MAX(4096);
		unsigned char expected[DIGEST_MAX], value[DIGEST_MAX], digest[DIGEST_MAX];
		auto_eventlog struct eventlog *log = NULL;
		struct err err = ERR_NONE;
		size_t before = check_agreement();

		assert_int_equal(fs_read(log_path, &log_bytes, NULL), 0);
		assert_int_equal(
				eventlog_entry(SPAN_LIT(EVENT), PCR, DIGEST_SHA256, &entry, digest, NULL), 0);
		assert_int_equal(register_read(with, PCR, value, NULL), 0);
		register_extended(value, digest, expected);
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_putc(&wal, (char)((uint64_t)log_bytes.len >> shift & 0xff));
		buf_add(&wal, expected, 32);
		buf_puts(&wal, EVENT);
		put(wal_path, buf_span(&wal));
		buf_puts(&log_bytes, tails[i]);
		put(log_path, buf_span(&log_bytes));
		assert_int_equal(register_extend(with, PCR, digest, NULL), 0);
		if (open_log(with, &log, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(check_agreement(), before + 1);
	}
}

/* ---- files of others ------------------------------------------------------------------------------------ */

static void is_refused(struct attester *with, const char *why)
{
	struct eventlog *log = NULL;
	struct err err = ERR_NONE;

	if (open_log(with, &log, &err) == 0)
		fail_msg("%s was taken", why);
	if (err.kind != ERR_FORMAT)
		fail_msg("%s: %s", why, err.text);
}

static void refuses_logs_that_are_not_its_own(void **state)
{
	auto_attester struct attester *with = attester();
	auto_buf struct buf good = BUF_MAX(EVENTLOG_MAX), other = BUF_MAX(EVENTLOG_MAX);
	unsigned char digest[DIGEST_MAX] = { 0 };

	(void)state;
	assert_int_equal(eventlog_entry(SPAN_LIT(EVENT), PCR, DIGEST_SHA256, &good, digest, NULL), 0);
	auto_free char *saved_path = xasprintf("%s.saved", log_path);
	assert_int_equal(rename(log_path, saved_path), 0);
	for (size_t len = 1; len < good.len; len++) {
		put(log_path, span_new(good.ptr, len));
		is_refused(with, "a log that is cut");
	}
	for (size_t i = 12; i < good.len; i++) {
		good.ptr[i] = (char)(good.ptr[i] ^ 1);
		put(log_path, buf_span(&good));
		is_refused(with, "a log with a flipped byte");
		good.ptr[i] = (char)(good.ptr[i] ^ 1);
	}
	tcglog_put_end(&good);
	put(log_path, buf_span(&good));
	is_refused(with, "an end mark");
	tcglog_put_header(&other);
	put(log_path, buf_span(&other));
	is_refused(with, "a header");
	buf_reset(&other);
	assert_int_equal(eventlog_entry(SPAN_LIT(EVENT), PCR, DIGEST_SHA384, &other, digest, NULL), 0);
	put(log_path, buf_span(&other));
	is_refused(with, "another hash");
	assert_int_equal(rename(saved_path, log_path), 0);
}

static void refuses_write_ahead_files_that_do_not_fit(void **state)
{
	static const char zeros[8 + 32 + 9] = { 0 };
	auto_attester struct attester *with = attester();
	size_t before = check_agreement();

	(void)state;
	for (size_t len = 0; len < 8 + 32; len++) {
		put(wal_path, span_new(zeros, len));
		is_refused(with, "a write-ahead file that is cut");
	}
	put(wal_path,
			SPAN_LIT("\xff\xff\xff\xff\xff\xff\xff\xff"
				 "01234567890123456789012345678901"));
	is_refused(with, "an offset beyond the end");
	assert_int_equal(unlink(wal_path), 0);
	assert_int_equal(check_agreement(), before);
}

static int start(void **state)
{
	(void)state;
	setenv("TSS2_LOG", "all+none", 1);
	swtpm_init(&tpm, "swtpm_start \"$1\"");
	snprintf(folder, sizeof(folder), "%.32s/events", tpm.folder);
	log_path = xasprintf("%s/eventlog", folder);
	wal_path = xasprintf("%s/.wal_event_entry", folder);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	swtpm_clear(&tpm);
	free(log_path);
	free(wal_path);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_log_and_register_in_agreement),
		cmocka_unit_test(refuses_texts_that_could_not_be_split_again),
		cmocka_unit_test(says_when_it_is_off_or_not_supported),
		cmocka_unit_test(extends_nothing_when_the_disk_is_full),
		cmocka_unit_test(forgets_an_event_that_the_register_did_not_take),
		cmocka_unit_test(agrees_again_after_dying_at_any_step),
		cmocka_unit_test(finishes_an_extension_whose_entry_is_missing),
		cmocka_unit_test(refuses_logs_that_are_not_its_own),
		cmocka_unit_test(refuses_write_ahead_files_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
