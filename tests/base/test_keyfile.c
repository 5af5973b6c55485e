/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keyfile.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the three above */
#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_private_files_that_are_never_overwritten_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
