/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log of the attestation agent, AAEL (guest-apis.md, 9): what happened in the guest at run time, bound to a
 * register of the platform.
 *
 *     "<domain> <operation> <content>"  →  tagged event  →  digest  →  register extended, entry appended
 *
 * Order and failure: the write-ahead file holds offset, expected register value and event before the register is
 * extended; after a crash, opening the log finishes or forgets what was begun, so that log and register always agree.
 *
 * Bounds: an event text of EVENT_MAX; the log EVENTLOG_MAX. Domain and operation hold no white space, content no line
 * break. Threads: calls are serialised. Errors: ERR_USAGE (texts), ERR_IO (disk full: nothing is extended then),
 * ERR_FORMAT (a log that is not ours), ERR_LIMIT, those of tee/attester.h.
 */
#ifndef COCOON_TEE_EVENTLOG_H
#define COCOON_TEE_EVENTLOG_H

#include "base/buf.h"
#include "base/span.h"
#include "crypto/digest.h"

#include <stdbool.h>

struct attester;
struct err;
struct eventlog;

#define EVENT_MAX    ((size_t)64 * 1024)
#define EVENTLOG_MAX ((size_t)16 * 1024 * 1024)

enum eventlog_result { EVENTLOG_OK, EVENTLOG_NOT_SUPPORTED, EVENTLOG_NOT_ENABLED };

struct eventlog_options {
	struct attester *attester; /* borrowed */
	const char *folder;        /* NULL: /run/attestation-agent; made with mode 0700 */
	bool enabled;
	unsigned init_pcr; /* the PCR of requests that name none */
};

int eventlog_open(const struct eventlog_options *options, struct eventlog **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void eventlog_free(struct eventlog *log);
static inline void eventlog_release(struct eventlog **slot)
{
	eventlog_free(*slot);
}
#define auto_eventlog __attribute__((cleanup(eventlog_release)))

/* pcr < 0: init_pcr. *result other than OK is no failure of the call. */
int eventlog_record(struct eventlog *log, struct span domain, struct span operation, struct span content,
		int pcr, enum eventlog_result *result, struct err *err)
		__attribute__((nonnull(1, 6), warn_unused_result));

/* Pure: appends one entry for a register index, and its digest. */
int eventlog_entry(struct span text, unsigned index, enum digest_alg alg, struct buf *out,
		unsigned char digest[static DIGEST_MAX], struct err *err)
		__attribute__((nonnull(4, 5), warn_unused_result));

#endif
