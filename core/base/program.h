/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main function of every program:
 *
 *     int main(int argc, char **argv)
 *     {
 *             return program_main(&program, argc, argv);
 *     }
 *
 * Finds the verb, reads its words into a copy of its defaults, runs it and turns the outcome into an exit code:
 *     0          done; also --help and --version, which are written to standard output
 *     1          the verb failed; "PROGRAM VERB: why" is on standard error
 *     2          wrong use (ERR_USAGE); the same, and where help is to be had
 *     otherwise  what the verb returned
 * "PROGRAM help [VERB]" is the same as --help. Two helpers, not listed in the usage, serve packagers:
 *     PROGRAM completion bash|zsh|fish     PROGRAM man
 * In a program without verbs whose first argument is a file of such a name, write "./man".
 *
 * Output that cannot be written (a full disk, a closed pipe) is a failure, also when it is found out at the end.
 */
#ifndef COCOON_BASE_PROGRAM_H
#define COCOON_BASE_PROGRAM_H

#include "base/opt.h"

int program_main(const struct opt_program *program, int argc, char **argv) __attribute__((nonnull));

#endif
