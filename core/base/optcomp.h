/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion scripts made from a program's option tables (base/opt.h): the verbs, each verb's options, the words of
 * an enumeration, and file names where a metavar or an argument is called FILE or DIR. The scripts are complete in
 * themselves and never call the program.
 *
 * They append; 256 KiB of ceiling hold any of them.
 */
#ifndef COCOON_BASE_OPTCOMP_H
#define COCOON_BASE_OPTCOMP_H

#include "base/opt.h"

struct buf;

/* The script for "bash", "zsh" or "fish"; ERR_USAGE for an unknown one. */
int opt_completion(const struct opt_program *program, const char *shell, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
