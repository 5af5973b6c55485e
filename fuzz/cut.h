/* SPDX-License-Identifier: Apache-2.0 */
/* A source whose reads are as long as a fuzzer says. */
#ifndef COCOON_FUZZ_CUT_H
#define COCOON_FUZZ_CUT_H

#include "codec/stream.h"

#include <string.h>

#define CUT_LENGTHS 8

/* Each byte of `lengths` says how long the next piece is, in units of 517 bytes; then it begins anew. */
struct cut {
	struct pull pull;
	struct span left;
	const uint8_t *lengths; /* CUT_LENGTHS */
	size_t turn;
};

static inline int cut_read(struct pull *self, void *out, size_t cap, size_t *got, struct err *err)
{
	struct cut *cut = (struct cut *)self;
	size_t most = 1 + (size_t)cut->lengths[cut->turn++ % CUT_LENGTHS] * 517;

	(void)err;
	*got = cut->left.len < most ? cut->left.len : most;
	*got = *got < cap ? *got : cap;
	if (*got)
		memcpy(out, cut->left.ptr, *got);
	cut->left = span_from(cut->left, *got);
	return 0;
}

#endif
