/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/eventlog.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "tee/eventlog_own.h"
#include "tee/tcglog.h"

#include <string.h>
#include <sys/stat.h>

#define FOLDER    "/run/attestation-agent"
#define TAG       0x4141454cU /* "AAEL", its letters from behind */
#define ENTRY_MAX (EVENT_MAX + 256)

/* ---- one entry ------------------------------------------------------------------------------------------ */

int eventlog_entry(struct span text, unsigned index, enum digest_alg alg, struct buf *out,
		unsigned char digest[static DIGEST_MAX], struct err *err)
{
	auto_buf struct buf event = BUF_MAX(ENTRY_MAX);

	if (text.len > EVENT_MAX)
		return err_set(err, ERR_LIMIT, "an event of %zu bytes exceeds %zu", text.len, EVENT_MAX);
	tcglog_put_u32(&event, TAG);
	tcglog_put_u32(&event, (uint32_t)text.len);
	buf_add_span(&event, text);
	digest_bytes(alg, buf_span(&event), digest);
	tcglog_put_entry(out, index, TCG_EV_EVENT_TAG, alg, digest, buf_span(&event));
	return buf_check(out, "the entry", err);
}

/* ---- life ----------------------------------------------------------------------------------------------- */

static int prepare(struct eventlog *log, struct err *err)
{
	if (mkdir(log->folder, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_IO, "making the folder '%s'", log->folder);
	attester_lock(log->attester);
	int rc = eventlog_recover(log, err);
	attester_unlock(log->attester);
	return rc;
}

int eventlog_open(const struct eventlog_options *options, struct eventlog **out, struct err *err)
{
	auto_eventlog struct eventlog *log = xcalloc(1, sizeof(*log));

	log->attester = options->attester;
	log->enabled = options->enabled;
	log->supported = attester_measures(log->attester, &log->alg);
	log->init_pcr = options->init_pcr;
	log->folder = xstrdup(options->folder ? options->folder : FOLDER);
	log->log = xasprintf("%s/eventlog", log->folder);
	log->wal = xasprintf("%s/.wal_event_entry", log->folder);
	if (log->enabled && log->supported && prepare(log, err) < 0)
		return err_wrap(err, "event log");
	*out = take(&log);
	return 0;
}

void eventlog_free(struct eventlog *log)
{
	if (!log)
		return;
	free(log->folder);
	free(log->log);
	free(log->wal);
	free(log);
}

/* ---- recording ------------------------------------------------------------------------------------------ */

/* Domain and operation are words: who reads a log splits its texts at the first two spaces. */
static int check_word(struct span word, const char *what, struct err *err)
{
	if (!word.len)
		return err_set(err, ERR_USAGE, "event: the %s is empty", what);
	for (size_t i = 0; i < word.len; i++) {
		if (memchr(" \t\n\v\f\r", word.ptr[i], 7))
			return err_set(err, ERR_USAGE, "event: the %s holds white space", what);
	}
	if (!span_is_utf8(word))
		return err_set(err, ERR_USAGE, "event: the %s is not UTF-8", what);
	return 0;
}

static int make_text(struct span domain, struct span operation, struct span content, struct buf *out,
		struct err *err)
{
	if (check_word(domain, "domain", err) < 0 || check_word(operation, "operation", err) < 0)
		return -1;
	if (span_find(content, '\n') < content.len)
		return err_set(err, ERR_USAGE, "event: the content holds a line break");
	if (!span_is_utf8(content))
		return err_set(err, ERR_USAGE, "event: the content is not UTF-8");
	buf_add_span(out, domain);
	buf_putc(out, ' ');
	buf_add_span(out, operation);
	buf_putc(out, ' ');
	buf_add_span(out, content);
	return buf_check(out, "the event", err);
}

/* The value of the register when it will have been extended. */
static void extended(enum digest_alg alg, const unsigned char *value, const unsigned char *digest,
		unsigned char out[static DIGEST_MAX])
{
	unsigned char joined[2 * DIGEST_MAX];
	size_t len = digest_size(alg);

	memcpy(joined, value, len);
	memcpy(joined + len, digest, len);
	digest_bytes(alg, span_new(joined, 2 * len), out);
}

/* The extension failed, or its answer was lost: the register tells which. */
static int settle(struct eventlog *log, unsigned index, const unsigned char *before,
		const unsigned char *expected, size_t entry_len)
{
	size_t len = digest_size(log->alg);
	unsigned char value[DIGEST_MAX];

	log->doubtful = true;
	if (log->attester->ops->read(log->attester, index, value, NULL) < 0)
		return -1;
	if (memcmp(value, expected, len) == 0) {
		eventlog_keep(log, entry_len);
		log->doubtful = false;
		return 0;
	}
	if (memcmp(value, before, len) == 0)
		log->doubtful = eventlog_forget(log, NULL) < 0;
	return -1;
}

static int record(struct eventlog *log, struct span text, unsigned index, struct err *err)
{
	const struct attester_ops *ops = log->attester->ops;
	unsigned char before[DIGEST_MAX], digest[DIGEST_MAX], expected[DIGEST_MAX];
	auto_buf struct buf entry = BUF_MAX(ENTRY_MAX);

	if (index < ops->first || index > ops->last)
		return err_set(err, ERR_USAGE, "no register %u: %u … %u", index, ops->first, ops->last);
	if (log->doubtful && eventlog_recover(log, err) < 0)
		return -1;
	if (eventlog_entry(text, index, log->alg, &entry, digest, err) < 0 ||
			ops->read(log->attester, index, before, err) < 0)
		return -1;
	extended(log->alg, before, digest, expected);
	if (eventlog_begin(log, expected, text, buf_span(&entry), err) < 0)
		return -1;
	if (ops->extend(log->attester, index, digest, err) < 0) {
		if (settle(log, index, before, expected, entry.len) < 0)
			return -1;
		err_clear(err);
		return 0;
	}
	eventlog_keep(log, entry.len);
	return 0;
}

int eventlog_record(struct eventlog *log, struct span domain, struct span operation, struct span content,
		int pcr, enum eventlog_result *result, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(EVENT_MAX);

	*result = log->enabled ? EVENTLOG_NOT_SUPPORTED : EVENTLOG_NOT_ENABLED;
	if (!log->enabled || !log->supported)
		return 0;
	if (make_text(domain, operation, content, &text, err) < 0)
		return -1;
	unsigned index = attester_register(log->attester, pcr < 0 ? log->init_pcr : (unsigned)pcr);
	attester_lock(log->attester);
	int rc = record(log, buf_span(&text), index, err);
	attester_unlock(log->attester);
	if (rc < 0)
		return err_wrap(err, "event log");
	*result = EVENTLOG_OK;
	return 0;
}
