/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM and SIGINT as a descriptor that becomes readable, for a loop to watch. Called in main before any thread
 * starts, so that all threads inherit the blocked signals. SIGPIPE is ignored from then on: a peer that goes away is
 * an error of the write.
 */
#ifndef COCOON_BASE_SIGNALS_H
#define COCOON_BASE_SIGNALS_H

#include <stdbool.h>

struct err;

/* The descriptor, the caller's, or -1 with ERR_IO. */
int signals_open(struct err *err) __attribute__((warn_unused_result));

/* Takes one signal off the descriptor; false when there is none. */
bool signals_take(int fd);

/* Whether one waits that nobody has taken: for who has no loop any more but wants to end in order. */
bool signals_waiting(void);

#endif
