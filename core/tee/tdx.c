/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence of Intel TDX: a quote through configfs-tsm and the event log behind its RTMRs.
 *
 *     {"cc_eventlog":"<b64>","quote":"<b64>"}      cc_eventlog is null where no log is
 */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata/tee.h"
#include "tee/attester_own.h"
#include "tee/eventlog.h"
#include "tee/tcglog.h"
#include "tee/tsm.h"

#include <fcntl.h>
#include <string.h>

#define PROVIDER        "tdx_guest"
#define CCEL_MAX        ((size_t)1024 * 1024)
#define LOG_MAX         (CCEL_MAX + EVENTLOG_MAX + 16)
#define RTMR_SIZE       48
#define MRCONFIG_LEN    48

/* a quote: head, then in version 5 type and size, then the body */
#define QUOTE_HEAD      48
#define QUOTE_TYPE_LEN  6
#define BODY_MRCONFIGID 184
#define TEE_TYPE_TDX    0x81

static int tdx_probe(struct attester *self, struct err *err)
{
	return tsm_probe(self->tsm, PROVIDER, err);
}

/* ---- event log ------------------------------------------------------------------------------------------ */

/* Appends a file's bytes; one that is not there has none. */
static int read_optional(const char *path, struct buf *out, bool *found, struct err *err)
{
	struct err why = ERR_NONE;

	*found = fs_read(path, out, &why) == 0;
	return *found || why.kind == ERR_NOT_FOUND ? 0 : err_set(err, why.kind, "%s", why.text);
}

/* The firmware's log without what stands behind it, then ours. *found is false when neither is there. */
static int collect_log(struct attester *self, struct buf *out, bool *found, struct err *err)
{
	auto_buf struct buf ccel = BUF_MAX(CCEL_MAX), aael = BUF_MAX(EVENTLOG_MAX);
	bool firmware = false, agent = false;
	size_t len = 0;

	if (read_optional(self->ccel, &ccel, &firmware, err) < 0 ||
			read_optional(self->eventlog, &aael, &agent, err) < 0)
		return -1;
	if (firmware && tcglog_length(buf_span(&ccel), &len, err) < 0)
		return err_wrap(err, "'%s'", self->ccel);
	*found = firmware || agent;
	if (len)
		buf_add(out, ccel.ptr, len);
	else
		tcglog_put_header(out);
	buf_add_span(out, buf_span(&aael));
	tcglog_put_end(out);
	return buf_check(out, "the event log", err);
}

static json_t *text_of(const struct buf *bytes)
{
	auto_buf struct buf text = BUF_MAX(b64_encoded_len(LOG_MAX));

	b64_encode(&text, buf_span(bytes));
	return json_string(buf_text(&text));
}

static int tdx_evidence(struct attester *self, struct span report_data, json_t **out, struct err *err)
{
	auto_buf struct buf quote = BUF_MAX(TSM_BLOB_MAX), log = BUF_MAX(LOG_MAX);
	bool found = false;

	if (tsm_report(self->tsm, PROVIDER, report_data, &quote, NULL, err) < 0 ||
			collect_log(self, &log, &found, err) < 0)
		return -1;
	if (!quote.len)
		return err_set(err, ERR_FORMAT, "the kernel gave an empty quote");
	*out = json_pack("{s:o, s:o}", "cc_eventlog", found ? text_of(&log) : json_null(), "quote",
			text_of(&quote));
	if (!*out)
		abort();
	return 0;
}

/* ---- init-data ------------------------------------------------------------------------------------------ */

static int mrconfigid_of_quote(struct span quote, unsigned char out[static MRCONFIG_LEN], struct err *err)
{
	const unsigned char *head = (const unsigned char *)quote.ptr;
	size_t at = QUOTE_HEAD + BODY_MRCONFIGID;

	if (quote.len < QUOTE_HEAD || head[1] || (head[0] != 4 && head[0] != 5) || head[4] != TEE_TYPE_TDX)
		return err_set(err, ERR_FORMAT, "the kernel's quote is none of TDX in version 4 or 5");
	if (head[0] == 5)
		at += QUOTE_TYPE_LEN;
	if (quote.len < at + MRCONFIG_LEN)
		return err_set(err, ERR_FORMAT, "the kernel's quote ends too early");
	memcpy(out, quote.ptr + at, MRCONFIG_LEN);
	return 0;
}

/* Kernels before 6.16 do not show the register, but every quote holds it. */
static int read_mrconfigid(struct attester *self, unsigned char out[static MRCONFIG_LEN], struct err *err)
{
	static const char nothing[TSM_DATA_LEN] = { 0 };
	auto_free char *path = xasprintf("%s/mrconfigid", self->tdx);
	auto_buf struct buf quote = BUF_MAX(TSM_BLOB_MAX), shown = BUF_MAX(MRCONFIG_LEN);
	bool found = false;

	if (read_optional(path, &shown, &found, err) < 0)
		return -1;
	if (found && shown.len != MRCONFIG_LEN)
		return err_set(err, ERR_FORMAT, "'%s' holds %zu bytes instead of %d", path, shown.len,
				MRCONFIG_LEN);
	if (found) {
		memcpy(out, shown.ptr, MRCONFIG_LEN);
		return 0;
	}
	if (tsm_report(self->tsm, PROVIDER, span_new(nothing, sizeof(nothing)), &quote, NULL, err) < 0)
		return -1;
	return mrconfigid_of_quote(buf_span(&quote), out, err);
}

static int tdx_check_initdata(
		struct attester *self, enum digest_alg alg, const unsigned char *digest, struct err *err)
{
	auto_buf struct buf expected = BUF_MAX(MRCONFIG_LEN);
	unsigned char found[MRCONFIG_LEN];

	if (tee_form(TEE_TDX, alg, digest, &expected, err) < 0 || read_mrconfigid(self, found, err) < 0)
		return -1;
	if (!span_eq(buf_span(&expected), span_new(found, sizeof(found))))
		return err_set(err, ERR_AUTH, "MRCONFIGID is not that of this document");
	return 0;
}

/* ---- RTMRs ---------------------------------------------------------------------------------------------- */

/* Registers of logs: 1 … 4 for RTMR 0 … 3 (UEFI 2.10, 38.4.1), 0 for MRTD. */
static unsigned tdx_map(unsigned pcr)
{
	if (pcr == 1 || pcr == 7)
		return 1;
	if (pcr >= 2 && pcr <= 6)
		return 2;
	return pcr >= 8 && pcr <= 15 ? 3 : 4;
}

static char *rtmr_path(const struct attester *self, unsigned index)
{
	return xasprintf("%s/rtmr%u:sha384", self->tdx, index - 1);
}

static int tdx_extend(struct attester *self, unsigned index, const unsigned char *digest, struct err *err)
{
	auto_free char *path = rtmr_path(self, index);
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "opening '%s'", path);
	return fs_write_fd(fd, path, span_new(digest, RTMR_SIZE), err);
}

static int tdx_read(struct attester *self, unsigned index, unsigned char *out, struct err *err)
{
	auto_free char *path = rtmr_path(self, index);
	auto_buf struct buf value = BUF_MAX(RTMR_SIZE);

	if (fs_read(path, &value, err) < 0)
		return -1;
	if (value.len != RTMR_SIZE)
		return err_set(err, ERR_FORMAT, "'%s' holds %zu bytes instead of %d", path, value.len,
				RTMR_SIZE);
	memcpy(out, value.ptr, RTMR_SIZE);
	return 0;
}

const struct attester_ops attester_tdx = {
	.kind = TEE_KIND_TDX,
	.probe = tdx_probe,
	.evidence = tdx_evidence,
	.check_initdata = tdx_check_initdata,
	.map = tdx_map,
	.alg = DIGEST_SHA384,
	.first = 1,
	.last = 4,
	.extend = tdx_extend,
	.read = tdx_read,
};
