/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "tee/eventlog_own.h"
#include "tee/tcglog.h"

#include <fcntl.h>
#include <string.h>

#define OFFSET_LEN 8
#define WAL_MAX    (OFFSET_LEN + DIGEST_MAX + EVENT_MAX)

/* ---- the log -------------------------------------------------------------------------------------------- */

static int open_log(const struct eventlog *log, struct err *err)
{
	int fd = open(log->log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		err_errno(err, ERR_IO, "opening '%s'", log->log);
	return fd;
}

static int cut_log(const struct eventlog *log, struct err *err)
{
	auto_fd int fd = open_log(log, err);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)log->size) < 0 || fsync(fd) < 0)
		return err_errno(err, ERR_IO, "cutting '%s'", log->log);
	return 0;
}

/* Puts the entry at the log's end, and nothing behind it. */
static int append(const struct eventlog *log, struct span entry, struct err *err)
{
	auto_fd int fd = open_log(log, err);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)log->size) < 0 || lseek(fd, 0, SEEK_END) < 0)
		return err_errno(err, ERR_IO, "appending to '%s'", log->log);
	if (fs_write_fd(fd, log->log, entry, err) < 0)
		return -1;
	return fsync(fd) < 0 ? err_errno(err, ERR_IO, "syncing '%s'", log->log) : 0;
}

/* A file of somebody else is not appended to. */
static int check_event(const struct eventlog *self, const struct tcglog *log, const struct tcg_event *event,
		struct err *err)
{
	unsigned char digest[DIGEST_MAX];
	struct span found = SPAN_NONE;

	if (event->type != TCG_EV_EVENT_TAG || event->digests != 1 ||
			!tcglog_digest(log, event, self->alg, &found))
		return err_set(err, ERR_FORMAT, "an entry that no attestation agent writes");
	digest_bytes(self->alg, event->data, digest);
	if (!span_eq(found, span_new(digest, digest_size(self->alg))))
		return err_set(err, ERR_FORMAT, "an entry whose digest is not that of its event");
	return 0;
}

static int check_log(struct eventlog *self, struct err *err)
{
	auto_buf struct buf bytes = BUF_MAX(EVENTLOG_MAX);
	struct err why = ERR_NONE;
	struct tcg_event event;
	struct tcglog log;
	bool found = true;

	self->size = 0;
	if (fs_read(self->log, &bytes, &why) < 0)
		return why.kind == ERR_NOT_FOUND ? 0 : err_set(err, why.kind, "%s", why.text);
	tcglog_open_bare(buf_span(&bytes), &log);
	while (found) {
		if (tcglog_next(&log, &event, &found, err) < 0 ||
				(found && check_event(self, &log, &event, err) < 0))
			return err_wrap(err, "'%s'", self->log);
	}
	if (log.rest.len)
		return err_set(err, ERR_FORMAT, "'%s' has an end mark, which the agent does not write",
				self->log);
	self->size = bytes.len;
	return 0;
}

/* ---- the write-ahead file ------------------------------------------------------------------------------- */

static int write_wal(
		const struct eventlog *log, const unsigned char *expected, struct span text, struct err *err)
{
	auto_buf struct buf wal = BUF_MAX(WAL_MAX);

	for (int shift = 56; shift >= 0; shift -= 8)
		buf_putc(&wal, (char)((uint64_t)log->size >> shift & 0xff));
	buf_add(&wal, expected, digest_size(log->alg));
	buf_add_span(&wal, text);
	if (buf_check(&wal, "the event", err) < 0)
		return -1;
	return fs_write_atomic(log->wal, buf_span(&wal), 0600, err);
}

/* One that stays does no harm: it says again what is so, until the next event replaces it. */
static void remove_wal(const struct eventlog *log)
{
	(void)unlink(log->wal);
}

static int find_register(const struct eventlog *log, struct span expected, bool *found, unsigned *index,
		struct err *err)
{
	const struct attester_ops *ops = log->attester->ops;
	unsigned char value[DIGEST_MAX];

	*found = false;
	for (unsigned i = ops->first; i <= ops->last && !*found; i++) {
		if (ops->read(log->attester, i, value, err) < 0)
			return -1;
		*found = span_eq(expected, span_new(value, expected.len));
		*index = i;
	}
	return 0;
}

/* A log that is shorter than where its next event begins has lost what was extended. */
static int check_offset(const struct eventlog *log, uint64_t offset, struct err *err)
{
	struct err why = ERR_NONE;
	auto_buf struct buf bytes = BUF_MAX(EVENTLOG_MAX);

	if (fs_read(log->log, &bytes, &why) < 0 && why.kind != ERR_NOT_FOUND)
		return err_set(err, why.kind, "%s", why.text);
	if (offset > bytes.len)
		return err_set(err, ERR_FORMAT, "'%s' is shorter than '%s' says", log->log, log->wal);
	return 0;
}

static int replay_wal(struct eventlog *log, struct span wal, struct err *err)
{
	size_t digest_len = digest_size(log->alg);
	unsigned char digest[DIGEST_MAX];
	auto_buf struct buf entry = BUF_MAX(EVENTLOG_MAX);
	uint64_t offset = 0;
	unsigned index;
	bool extended;

	if (wal.len < OFFSET_LEN + digest_len)
		return err_set(err, ERR_FORMAT, "'%s' ends too early", log->wal);
	for (size_t i = 0; i < OFFSET_LEN; i++)
		offset = offset << 8 | (unsigned char)wal.ptr[i];
	if (check_offset(log, offset, err) < 0 ||
			find_register(log, span_new(wal.ptr + OFFSET_LEN, digest_len), &extended, &index,
					err) < 0)
		return -1;
	log->size = offset;
	if (!extended)
		return cut_log(log, err);
	if (eventlog_entry(span_from(wal, OFFSET_LEN + digest_len), index, log->alg, &entry, digest, err) < 0)
		return -1;
	return append(log, buf_span(&entry), err);
}

int eventlog_recover(struct eventlog *log, struct err *err)
{
	auto_buf struct buf wal = BUF_MAX(WAL_MAX);
	struct err why = ERR_NONE;

	if (fs_read(log->wal, &wal, &why) == 0) {
		if (replay_wal(log, buf_span(&wal), err) < 0)
			return -1;
	} else if (why.kind != ERR_NOT_FOUND) {
		return err_set(err, why.kind, "%s", why.text);
	}
	if (check_log(log, err) < 0)
		return -1;
	remove_wal(log);
	log->doubtful = false;
	return 0;
}

/* ---- one event ------------------------------------------------------------------------------------------ */

int eventlog_begin(struct eventlog *log, const unsigned char *expected, struct span text, struct span entry,
		struct err *err)
{
	if (entry.len > EVENTLOG_MAX - log->size)
		return err_set(err, ERR_LIMIT, "'%s' is full: %zu bytes", log->log, EVENTLOG_MAX);
	if (write_wal(log, expected, text, err) < 0)
		return -1;
	if (append(log, entry, err) == 0)
		return 0;
	log->doubtful = eventlog_forget(log, NULL) < 0;
	return -1;
}

void eventlog_keep(struct eventlog *log, size_t entry_len)
{
	log->size += entry_len;
	remove_wal(log);
}

int eventlog_forget(struct eventlog *log, struct err *err)
{
	if (cut_log(log, err) < 0)
		return -1;
	remove_wal(log);
	return 0;
}
