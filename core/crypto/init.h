/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process needs before it touches a key. Called once in main, before any thread, and never from a room;
 * tests may go without it.
 */
#ifndef COCOON_CRYPTO_INIT_H
#define COCOON_CRYPTO_INIT_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* The locked memory for all secrets of a process; 16 secrets of the largest size. */
#define CRYPTO_HEAP_BYTES ((size_t)1024 * 1024)

/*
 * Sets up OpenSSL's secure heap (guarded and, where RLIMIT_MEMLOCK allows it, locked) and makes sure that the
 * algorithms which the rooms rely on are there. With `undumpable`, no core dump and no ptrace by the same user.
 * ERR_IO with the reason.
 */
int crypto_init(bool undumpable, struct err *err) __attribute__((warn_unused_result));

/*
 * Before crypto_init(), in a program that has its OpenSSL linked in: the system's configuration of OpenSSL is for
 * another one and names modules that do not fit. ERR_IO.
 */
int crypto_ignore_config(struct err *err) __attribute__((warn_unused_result));

#endif
