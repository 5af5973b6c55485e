/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash for tables whose keys other people choose. Who does not know the
 * seed cannot make keys that fall into one bucket. Not for signatures: 64 bits.
 */
#ifndef COCOON_FACTS_SIPHASH_H
#define COCOON_FACTS_SIPHASH_H

#include "base/span.h"

#include <stdint.h>

uint64_t siphash(const uint64_t seed[2], struct span bytes) __attribute__((nonnull));

#endif
