/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Each test works in an empty folder of its own, which is the current one. */
static int enter_folder(void **state)
{
	char *folder = xstrdup("/tmp/cocoon-test-fs-XXXXXX");

	*state = folder;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	auto_free char *folder = *state;
	auto_free char *command = xasprintf("%s/..", folder);
	static const char *const names[] = { "file", "link", "pipe", "inner/file", "inner/link", "target",
		"other" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir("inner");
	/* fails when a test left a file behind, a temporary one for example */
	return chdir(command) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void put(const char *path, const char *text, mode_t mode)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void holds(const char *path, const char *text)
{
	auto_buf struct buf got = BUF_MAX(1024);

	assert_int_equal(fs_read(path, &got, NULL), 0);
	assert_string_equal(buf_text(&got), text);
}

static mode_t mode_of(const char *path)
{
	struct stat what;

	assert_int_equal(stat(path, &what), 0);
	return what.st_mode & 07777;
}

static void reads_a_whole_file(void **state)
{
	auto_buf struct buf got = BUF_MAX(1024);

	(void)state;
	put("file", "first\nsecond", 0600);
	buf_puts(&got, "kept ");
	assert_int_equal(fs_read("file", &got, NULL), 0);
	assert_string_equal(buf_text(&got), "kept first\nsecond");
}

static void an_empty_file_is_no_error(void **state)
{
	auto_buf struct buf got = BUF_MAX(16), none = BUF_MAX(0);

	(void)state;
	put("file", "", 0600);
	assert_int_equal(fs_read("file", &got, NULL), 0);
	assert_int_equal(got.len, 0);
	assert_string_equal(buf_text(&got), "");
	assert_int_equal(fs_read("file", &none, NULL), 0);
}

static void the_ceiling_is_exact(void **state)
{
	auto_buf struct buf exact = BUF_MAX(5), small = BUF_MAX(4), none = BUF_MAX(0);
	struct err err = ERR_NONE;

	(void)state;
	put("file", "12345", 0600);
	assert_int_equal(fs_read("file", &exact, &err), 0);
	assert_string_equal(buf_text(&exact), "12345");
	assert_int_equal(fs_read("file", &small, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(strstr(err.text, "file exceeds 4 bytes"));
	assert_int_equal(small.len, 0);
	assert_int_equal(fs_read("file", &none, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void a_file_larger_than_one_chunk_comes_whole(void **state)
{
	size_t size = 200000;
	auto_free char *text = xmalloc(size + 1);
	auto_buf struct buf got = BUF_MAX(size);

	(void)state;
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i % 26);
	text[size] = '\0';
	put("file", text, 0600);
	assert_int_equal(fs_read("file", &got, NULL), 0);
	assert_true(span_is(buf_span(&got), text));
}

static void says_what_is_not_there(void **state)
{
	auto_buf struct buf got = BUF_MAX(16);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(fs_read("missing", &got, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_string_equal(err.text, "opening 'missing': No such file or directory");
	put("file", "", 0600);
	assert_int_equal(fs_read("file/below", &got, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(fs_read(".", &got, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
}

static void reads_a_pipe_to_its_end(void **state)
{
	auto_buf struct buf got = BUF_MAX(16);
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	auto_fd int in = ends[0];
	assert_int_equal(fs_write_fd(ends[1], "pipe", SPAN_LIT("through"), NULL), 0);
	close(ends[1]);
	assert_int_equal(fs_read_fd(in, "pipe", &got, NULL), 0);
	assert_string_equal(buf_text(&got), "through");
}

static void reads_standard_input(void **state)
{
	auto_buf struct buf got = BUF_MAX(16), small = BUF_MAX(2);
	struct err err = ERR_NONE;

	(void)state;
	put("file", "typed", 0600);
	auto_fd int kept = dup(STDIN_FILENO);
	auto_fd int file = open("file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(fs_read_stdin(&got, &err), 0);
	assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_SET), 0);
	assert_int_equal(fs_read_stdin(&small, &err), -1);
	dup2(kept, STDIN_FILENO);
	assert_string_equal(buf_text(&got), "typed");
	assert_string_equal(err.text, "reading: standard input exceeds 2 bytes");
}

static void a_broken_descriptor_is_an_error(void **state)
{
	auto_buf struct buf got = BUF_MAX(16);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(fs_read_fd(-1, "nothing", &got, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(fs_write_fd(-1, "nothing", SPAN_LIT("x"), &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(fs_write_fd(-1, "nothing", SPAN_NONE, &err), 0);
}

static void a_new_file_gets_the_mode_less_the_umask(void **state)
{
	mode_t before = umask(027);

	(void)state;
	assert_int_equal(fs_write_atomic("file", SPAN_LIT("new"), 0666, NULL), 0);
	umask(before);
	holds("file", "new");
	assert_int_equal(mode_of("file"), 0640);
}

static void an_existing_file_keeps_its_mode_and_gets_a_new_inode(void **state)
{
	struct stat old, new;

	(void)state;
	put("file", "a much longer text than the next", 0600);
	assert_int_equal(chmod("file", 0604), 0);
	assert_int_equal(stat("file", &old), 0);
	assert_int_equal(fs_write_atomic("file", SPAN_LIT("short"), 0666, NULL), 0);
	assert_int_equal(stat("file", &new), 0);
	holds("file", "short");
	assert_int_equal(mode_of("file"), 0604);
	assert_true(old.st_ino != new.st_ino);
}

static void an_open_reader_sees_the_old_content_only(void **state)
{
	auto_buf struct buf got = BUF_MAX(16);

	(void)state;
	put("file", "old", 0600);
	auto_fd int fd = open("file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fs_write_atomic("file", SPAN_LIT("new"), 0600, NULL), 0);
	assert_int_equal(fs_read_fd(fd, "file", &got, NULL), 0);
	assert_string_equal(buf_text(&got), "old");
}

static void a_link_stays_a_link(void **state)
{
	struct stat what;

	(void)state;
	assert_int_equal(mkdir("inner", 0700), 0);
	put("inner/file", "old", 0640);
	assert_int_equal(symlink("inner/file", "link"), 0);
	assert_int_equal(fs_write_atomic("link", SPAN_LIT("new"), 0600, NULL), 0);
	assert_int_equal(lstat("link", &what), 0);
	assert_true(S_ISLNK(what.st_mode));
	holds("inner/file", "new");
	assert_int_equal(mode_of("inner/file"), 0640);
}

static void a_link_to_nothing_is_refused(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(symlink("nowhere", "link"), 0);
	assert_int_equal(fs_write_atomic("link", SPAN_LIT("x"), 0600, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_string_equal(err.text, "writing 'link': the link points to nothing");
}

static void writes_into_a_pipe_without_replacing_it(void **state)
{
	auto_buf struct buf got = BUF_MAX(16);
	struct stat what;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0600), 0);
	auto_fd int in = open("pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(in >= 0);
	assert_int_equal(fs_write_atomic("pipe", SPAN_LIT("through"), 0600, NULL), 0);
	assert_int_equal(fs_read_fd(in, "pipe", &got, NULL), 0);
	assert_string_equal(buf_text(&got), "through");
	assert_int_equal(stat("pipe", &what), 0);
	assert_true(S_ISFIFO(what.st_mode));
}

static void refuses_folders_and_missing_ones(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(mkdir("inner", 0700), 0);
	assert_int_equal(fs_write_atomic("inner", SPAN_LIT("x"), 0600, &err), -1);
	assert_string_equal(err.text, "writing 'inner': it is a folder");
	assert_int_equal(fs_write_atomic("missing/file", SPAN_LIT("x"), 0600, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	put("file", "", 0600);
	assert_int_equal(fs_write_atomic("file/below", SPAN_LIT("x"), 0600, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void takes_absolute_names(void **state)
{
	auto_free char *path = xasprintf("%s/file", (const char *)*state);

	assert_int_equal(fs_write_atomic(path, SPAN_LIT("a\0b"), 0600, NULL), 0);
	auto_buf struct buf got = BUF_MAX(16);
	assert_int_equal(fs_read(path, &got, NULL), 0);
	assert_true(span_eq(buf_span(&got), SPAN_LIT("a\0b")));
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(reads_a_whole_file),
		in_folder(an_empty_file_is_no_error),
		in_folder(the_ceiling_is_exact),
		in_folder(a_file_larger_than_one_chunk_comes_whole),
		in_folder(says_what_is_not_there),
		in_folder(reads_a_pipe_to_its_end),
		in_folder(reads_standard_input),
		in_folder(a_broken_descriptor_is_an_error),
		in_folder(a_new_file_gets_the_mode_less_the_umask),
		in_folder(an_existing_file_keeps_its_mode_and_gets_a_new_inode),
		in_folder(an_open_reader_sees_the_old_content_only),
		in_folder(a_link_stays_a_link),
		in_folder(a_link_to_nothing_is_refused),
		in_folder(writes_into_a_pipe_without_replacing_it),
		in_folder(refuses_folders_and_missing_ones),
		in_folder(takes_absolute_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
