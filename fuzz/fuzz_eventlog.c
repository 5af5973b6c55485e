/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: tcglog_length, tcglog_open, tcglog_open_bare, tcglog_next, tcglog_digest, tcglog_put_entry. A log is as long
 * as it says, and an entry with one digest of ours gives its own bytes when it is written again. */
#include "base/buf.h"
#include "tee/tcglog.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct tcglog *log, enum digest_alg alg)
{
	struct span before = log->rest, digest;
	struct tcg_event event;
	bool found;

	while (tcglog_next(log, &event, &found, NULL) == 0 && found) {
		auto_buf struct buf again = BUF_MAX((size_t)1024 * 1024);
		const unsigned char *bytes;
		before.len -= log->rest.len;
		if (event.digests == 1 && tcglog_digest(log, &event, alg, &digest)) {
			bytes = (const unsigned char *)digest.ptr;
			tcglog_put_entry(&again, event.index, event.type, alg, bytes, event.data);
			if (!again.over && !span_eq(buf_span(&again), before))
				abort();
		}
		before = log->rest;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_new(data, size);
	size_t len, again;
	struct tcglog log;

	if (tcglog_length(bytes, &len, NULL) == 0 &&
			(len > size || tcglog_length(span_new(data, len), &again, NULL) < 0 || again != len))
		abort();
	if (tcglog_open(bytes, &log, NULL) == 0)
		walk(&log, DIGEST_SHA384);
	tcglog_open_bare(bytes, &log);
	walk(&log, DIGEST_SHA256);
	return 0;
}
