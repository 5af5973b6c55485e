/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts that a program's option tables (base/opt.h) become: usage for the terminal, 80 columns wide, and the
 * manual page in roff (man(7), as man-db and groff read it).
 *
 * Both append; a table is ours and small, 256 KiB of ceiling hold any of them.
 */
#ifndef COCOON_BASE_OPTHELP_H
#define COCOON_BASE_OPTHELP_H

#include "base/opt.h"

struct buf;

/* What the program is, and its verbs; of a program without verbs, the usage of its only one. */
void opt_usage(const struct opt_program *program, struct buf *out) __attribute__((nonnull));

void opt_usage_verb(const struct opt_program *program, const struct opt_verb *verb, struct buf *out)
		__attribute__((nonnull));

/* One page for the program, with a section for each verb. */
void opt_man(const struct opt_program *program, struct buf *out) __attribute__((nonnull));

#endif
