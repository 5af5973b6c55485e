/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs another program to its end: bytes in, bytes out, under a deadline and a ceiling. No shell is involved, and
 * nothing of ours but standard input, output and error is open in the program.
 *
 *     const char *const argv[] = { "docker-credential-x", "get", NULL };
 *     struct run run = { .what = "the credential helper", .argv = argv, .input = host, .timeout = 5000 };
 *     if (run_program(&run, &out, err) < 0) …
 *
 * What the program says on standard error goes into the message of a failure, its first RUN_SAID_MAX bytes, or to our
 * own standard error where keep_stderr asks for it. The program leads a process group, which is killed when the time is
 * over and when the program has ended, so that nothing it left behind lives on; unless a person has to answer it
 * (terminal), because such a program must stay in the terminal's foreground group.
 *
 * Units: milliseconds. Bounds: the ceiling of `out`.
 * Ownership: everything is borrowed for the call. Input and output may be secrets: the copies in between are wiped,
 * `out` is the caller's.
 * Errors: ERR_NOT_FOUND (no such program), ERR_RETRY (the time is over), ERR_LIMIT (it printed more than `out` takes),
 * ERR_DENIED (it failed: exit code or signal, and what it said; `out` keeps what it printed), ERR_IO.
 */
#ifndef COCOON_BASE_RUN_H
#define COCOON_BASE_RUN_H

#include "base/span.h"

#include <stdbool.h>

struct buf;
struct err;

#define RUN_SAID_MAX 400

struct run {
	const char *what;               /* for messages: "the credential helper" */
	const char *program;            /* path; NULL: that is argv[0], looked for in PATH */
	const char *const *argv;        /* argv[0] and so on, NULL-terminated */
	const char *const *environment; /* NULL: our own */
	struct span input;              /* standard input, then its end */
	bool terminal;                  /* standard input is ours instead */
	bool keep_stderr;
	int timeout;
};

int run_program(const struct run *run, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
