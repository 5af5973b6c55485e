/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tcglog.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

#define EV_NO_ACTION  3
#define SHA1_LEN      20
#define ID_EVENT_LEN  24 /* signature, platform class, versions */
#define END_MARK_LEN  8
#define ALG_SHA256    0x000bU
#define ALG_SHA384    0x000cU
#define ALG_SHA512    0x000dU
#define ALG_SM3       0x0012U
#define HEADER_DATA   (ID_EVENT_LEN + 4 + 2 * 4 + 1)
#define DIGEST_LENGTH 64

/* ---- reading -------------------------------------------------------------------------------------------- */

static int fail(const struct tcglog *log, struct err *err, const char *what)
{
	return err_set(err, ERR_FORMAT, "event log, at byte %zu: %s", log->size - log->rest.len, what);
}

static int cut(struct tcglog *log, size_t len, struct span *out, struct err *err)
{
	if (log->rest.len < len)
		return fail(log, err, "ends within an entry");
	*out = span_new(log->rest.ptr, len);
	log->rest = span_from(log->rest, len);
	return 0;
}

static uint32_t little(struct span bytes)
{
	uint32_t value = 0;

	for (size_t i = bytes.len; i > 0; i--)
		value = value << 8 | (unsigned char)bytes.ptr[i - 1];
	return value;
}

static int number(struct tcglog *log, size_t size, uint32_t *out, struct err *err)
{
	struct span bytes = SPAN_NONE;

	if (cut(log, size, &bytes, err) < 0)
		return -1;
	*out = little(bytes);
	return 0;
}

static bool at_end(const struct tcglog *log)
{
	static const char ones[END_MARK_LEN] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	static const char zeros[END_MARK_LEN] = { 0 };

	if (!log->rest.len)
		return true;
	return log->rest.len >= END_MARK_LEN &&
			(memcmp(log->rest.ptr, ones, END_MARK_LEN) == 0 ||
					memcmp(log->rest.ptr, zeros, END_MARK_LEN) == 0);
}

static bool find_alg(const struct tcglog *log, uint32_t id, size_t *size)
{
	for (size_t i = 0; i < log->algs; i++) {
		if (log->alg[i].id == id) {
			*size = log->alg[i].size;
			return true;
		}
	}
	return false;
}

static int add_alg(struct tcglog *log, uint32_t id, uint32_t size, struct err *err)
{
	size_t known;

	if (!size || size > DIGEST_LENGTH || find_alg(log, id, &known))
		return fail(log, err, "the header's algorithms are not usable");
	log->alg[log->algs].id = (uint16_t)id;
	log->alg[log->algs++].size = (uint16_t)size;
	return 0;
}

/* The data of the first entry, which must be all used up. */
static int read_algs(struct tcglog *log, struct span data, struct err *err)
{
	struct tcglog in = { .rest = data, .size = data.len };
	struct span skipped = SPAN_NONE;
	uint32_t count = 0, id = 0, size = 0, vendor = 0;

	if (cut(&in, ID_EVENT_LEN, &skipped, err) < 0 || number(&in, 4, &count, err) < 0)
		return -1;
	if (count > TCG_ALGS_MAX)
		return err_set(err, ERR_LIMIT, "event log: more than %d algorithms", TCG_ALGS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		if (number(&in, 2, &id, err) < 0 || number(&in, 2, &size, err) < 0 ||
				add_alg(log, id, size, err) < 0)
			return -1;
	}
	if (number(&in, 1, &vendor, err) < 0 || cut(&in, vendor, &skipped, err) < 0)
		return -1;
	return in.rest.len ? fail(log, err, "the header is longer than its algorithms") : 0;
}

int tcglog_open(struct span bytes, struct tcglog *out, struct err *err)
{
	struct tcglog log = { .rest = bytes, .size = bytes.len };
	uint32_t index = 0, type = 0, size = 0;
	struct span digest = SPAN_NONE, data = SPAN_NONE;

	if (number(&log, 4, &index, err) < 0 || number(&log, 4, &type, err) < 0)
		return -1;
	if (type != EV_NO_ACTION)
		return fail(&log, err, "does not begin with the list of algorithms");
	if (cut(&log, SHA1_LEN, &digest, err) < 0 || number(&log, 4, &size, err) < 0 ||
			cut(&log, size, &data, err) < 0 || read_algs(&log, data, err) < 0)
		return -1;
	*out = log;
	return 0;
}

void tcglog_open_bare(struct span bytes, struct tcglog *out)
{
	*out = (struct tcglog){ .rest = bytes,
		.size = bytes.len,
		.algs = 4,
		.alg = { { ALG_SHA256, 32 }, { ALG_SHA384, 48 }, { ALG_SHA512, 64 }, { ALG_SM3, 32 } } };
}

static int skip_digest(struct tcglog *log, struct err *err)
{
	struct span digest = SPAN_NONE;
	uint32_t id = 0;
	size_t size = 0;

	if (number(log, 2, &id, err) < 0)
		return -1;
	if (!find_alg(log, id, &size))
		return fail(log, err, "a digest of an algorithm that the header does not name");
	return cut(log, size, &digest, err);
}

int tcglog_next(struct tcglog *log, struct tcg_event *out, bool *found, struct err *err)
{
	struct tcg_event event = { 0 };
	uint32_t size = 0;

	*found = false;
	if (at_end(log))
		return 0;
	if (number(log, 4, &event.index, err) < 0 || number(log, 4, &event.type, err) < 0 ||
			number(log, 4, &event.digests, err) < 0)
		return -1;
	event.digest_list = log->rest;
	if (event.digests > log->algs)
		return fail(log, err, "more digests than there are algorithms");
	for (uint32_t i = 0; i < event.digests; i++) {
		if (skip_digest(log, err) < 0)
			return -1;
	}
	event.digest_list.len -= log->rest.len;
	if (number(log, 4, &size, err) < 0 || cut(log, size, &event.data, err) < 0)
		return -1;
	*out = event;
	*found = true;
	return 0;
}

static uint32_t id_of(enum digest_alg alg)
{
	static const uint32_t ids[] = {
		[DIGEST_SHA256] = ALG_SHA256, [DIGEST_SHA384] = ALG_SHA384, [DIGEST_SHA512] = ALG_SHA512
	};

	return ids[alg];
}

bool tcglog_digest(const struct tcglog *log, const struct tcg_event *event, enum digest_alg alg,
		struct span *out)
{
	struct span rest = event->digest_list;

	for (uint32_t i = 0; i < event->digests; i++) {
		uint32_t id = little(span_new(rest.ptr, 2));
		size_t size;
		if (!find_alg(log, id, &size))
			return false;
		*out = span_new(rest.ptr + 2, size);
		if (id == id_of(alg) && size == digest_size(alg))
			return true;
		rest = span_from(rest, 2 + size);
	}
	return false;
}

int tcglog_length(struct span bytes, size_t *out, struct err *err)
{
	struct tcglog log = { .rest = bytes, .size = bytes.len };
	struct tcg_event event;
	bool found = !at_end(&log);

	if (found && tcglog_open(bytes, &log, err) < 0)
		return -1;
	while (found) {
		if (tcglog_next(&log, &event, &found, err) < 0)
			return -1;
	}
	*out = bytes.len - log.rest.len;
	return 0;
}

/* ---- writing -------------------------------------------------------------------------------------------- */

static void put(struct buf *out, uint32_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buf_putc(out, (char)(value >> (8 * i) & 0xff));
}

void tcglog_put_u32(struct buf *out, uint32_t value)
{
	put(out, value, 4);
}

void tcglog_put_header(struct buf *out)
{
	static const char zeros[ID_EVENT_LEN] = { 0 };

	put(out, 0, 4);
	put(out, EV_NO_ACTION, 4);
	buf_add(out, zeros, SHA1_LEN);
	put(out, HEADER_DATA, 4);
	buf_add(out, zeros, ID_EVENT_LEN);
	put(out, 2, 4);
	put(out, ALG_SHA384, 2);
	put(out, 48, 2);
	put(out, ALG_SM3, 2);
	put(out, 32, 2);
	put(out, 0, 1);
}

void tcglog_put_entry(struct buf *out, uint32_t index, uint32_t type, enum digest_alg alg,
		const unsigned char *digest, struct span data)
{
	put(out, index, 4);
	put(out, type, 4);
	put(out, 1, 4);
	put(out, id_of(alg), 2);
	buf_add(out, digest, digest_size(alg));
	put(out, (uint32_t)data.len, 4);
	buf_add_span(out, data);
}

void tcglog_put_end(struct buf *out)
{
	put(out, UINT32_MAX, 4);
	put(out, UINT32_MAX, 4);
}
