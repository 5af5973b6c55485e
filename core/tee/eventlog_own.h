/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files behind the event log, and what the files of tee/eventlog share; nobody else includes this.
 *
 *     eventlog           entries of tee/tcglog.h, without header and end mark
 *     .wal_event_entry   offset u64, big endian; the register's value after the extension; the event's text
 *
 * The write-ahead file is there while an event is being recorded. Which register it is for is not written: it is the
 * one that has the expected value, and when none has, none was extended. (A register that somebody else extends between
 * a crash and the recovery cannot be told from one that was not extended; the verifier will see that it disagrees.)
 */
#ifndef COCOON_TEE_EVENTLOG_OWN_H
#define COCOON_TEE_EVENTLOG_OWN_H

#include "tee/attester_own.h"
#include "tee/eventlog.h"

struct eventlog {
	struct attester *attester;
	bool enabled, supported;
	unsigned init_pcr;
	enum digest_alg alg;
	char *folder, *log, *wal;
	size_t size;   /* of the log up to the last event that counts */
	bool doubtful; /* what became of the last extension is not known: recover first */
};

/* All below: the attester's lock is held. */

/* What stands in the files is brought in line with the registers, and the log is checked. */
int eventlog_recover(struct eventlog *log, struct err *err) __attribute__((nonnull(1), warn_unused_result));
/* Writes both files; when it fails, neither has changed. */
int eventlog_begin(struct eventlog *log, const unsigned char *expected, struct span text, struct span entry,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));
/* The register was extended; or it was not. */
void eventlog_keep(struct eventlog *log, size_t entry_len) __attribute__((nonnull));
int eventlog_forget(struct eventlog *log, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
