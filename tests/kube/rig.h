/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this room share: a clock that stands still until it is told, a folder for files, and a client
 * whose server is a script: one answer for each connection, in order, with what was asked kept for the test.
 */
#ifndef COCOON_TESTS_KUBE_RIG_H
#define COCOON_TESTS_KUBE_RIG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"
#include "kube/config.h"
#include "net/http.h"
#include "tests/fault/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

/* ---- clock ---- */

#define FAKE_WALL INT64_C(1767323045000000) /* 2026-01-02T03:04:05Z */

static inline int64_t fake_wall(void *ctx)
{
	return FAKE_WALL + *(int64_t *)ctx;
}

static inline int64_t fake_mono(void *ctx)
{
	return *(int64_t *)ctx;
}

/* ---- files ---- */

static inline char *folder_new(void)
{
	char *dir = xstrdup("/tmp/cocoon-kube-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void file_put(const char *dir, const char *name, const char *text, mode_t mode)
{
	auto_free char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fs_write_atomic(path, span_of(text), mode, NULL), 0);
}

static inline void folder_remove(char **slot)
{
	auto_free char *command[4] = { NULL };
	auto_free char *dir = *slot;
	pid_t pid;

	(void)command;
	pid = fork();
	if (!pid) {
		execlp("rm", "rm", "-rf", "--", dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	*slot = NULL;
}
#define auto_folder __attribute__((cleanup(folder_remove)))

#endif
