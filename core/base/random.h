/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness from the kernel (getrandom(2)), good for keys, nonces and names. It cannot fail on a kernel that we
 * run on; should it, the process aborts rather than go on with weak bytes.
 */
#ifndef COCOON_BASE_RANDOM_H
#define COCOON_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t len) __attribute__((nonnull));

/* Uniform in 0 … n-1, without bias; 0 when n is 0. */
uint64_t random_below(uint64_t n) __attribute__((warn_unused_result));

/*
 * A duration spread by at most percent (0 … 100) to either side, so that many clients do not knock at once:
 * random_jitter(1000, 20) is in 800 … 1200. Negative durations come back as they are.
 */
int64_t random_jitter(int64_t duration, unsigned percent) __attribute__((warn_unused_result));

#endif
