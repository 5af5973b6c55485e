/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "tee/eventlog.h"
#include "tee/tcglog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define EVENT "domain operation content"
#define HEADER                                                                                               \
	"00000000030000000000000000000000000000000000000000000000250000000000000000000000000000000000000000" \
	"00000"                                                                                              \
	"000000000020000000c0030001200200000"

/* ---- writing -------------------------------------------------------------------------------------------- */

static void writes_the_entries_of_the_vectors(void **state)
{
	static const struct {
		const char *text;
		enum digest_alg alg;
		const char *digest;
	} cases[] = {
		{ EVENT, DIGEST_SHA256, "46df8dacf00a07d34a83cdf56d7978697790787cf2ba1432ef7c38f22cd96351" },
		{ EVENT, DIGEST_SHA384,
				"dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04d5692440fb00f3aa0609"
				"db7e49cd8d79"
				"3f670d02" },
		{ EVENT, DIGEST_SHA512,
				"b708d222ca8bd44dfe6ba0c4ca2cbb72379276fba8091025217064be45a813e5d6124ccf0732"
				"19edb617d1fa"
				"f007d55061465bdf34b7437dbdc9a7405bd4e9c0" },
		{ "github.com/confidential-containers PullImage "
		  "{\"image\":\"docker.io/library/busybox:latest\", "
		  "\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"}",
				DIGEST_SHA256,
				"a931cfbc83944a9d4ba926715957d01036c70926ef9522f1ab56a7597c1040a5" },
		{ "github.com/confidential-containers PullImage "
		  "{\"image\":\"docker.io/library/busybox:latest\", "
		  "\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"}",
				DIGEST_SHA384,
				"9260a402ea3715e9d624c127034073db6cfee19fd5a002ae4f4a2eae0ed6084e7f0c6f4195bb"
				"69e290d50c75"
				"63ecf46b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf entry = BUF_MAX(4096), hex = BUF_MAX(4096);
		unsigned char digest[DIGEST_MAX];
		assert_int_equal(
				eventlog_entry(span_of(cases[i].text), 4, cases[i].alg, &entry, digest, NULL),
				0);
		hex_encode(&hex, span_new(digest, digest_size(cases[i].alg)));
		assert_string_equal(buf_text(&hex), cases[i].digest);
	}
	auto_buf struct buf entry = BUF_MAX(4096), hex = BUF_MAX(4096);
	unsigned char digest[DIGEST_MAX];
	assert_int_equal(eventlog_entry(SPAN_LIT(EVENT), 4, DIGEST_SHA384, &entry, digest, NULL), 0);
	hex_encode(&hex, buf_span(&entry));
	assert_string_equal(buf_text(&hex),
			"0400000006000000010000000c00dad5f0e226318ffa9839b75a472c6aa7fdb5834949d0a0a22990cf04"
			"d5692440fb00"
			"f3aa0609db7e49cd8d793f670d02200000004c45414118000000646f6d61696e206f7065726174696f6e"
			"20636f6e7465"
			"6e74");
}

static void refuses_to_write_an_event_beyond_its_bound(void **state)
{
	static char text[EVENT_MAX + 1];
	auto_buf struct buf entry = BUF_MAX(EVENTLOG_MAX), small = BUF_MAX(100);
	unsigned char digest[DIGEST_MAX];
	struct err err = ERR_NONE;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(eventlog_entry(span_new(text, sizeof(text)), 4, DIGEST_SHA256, &entry, digest, &err),
			-1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(
			eventlog_entry(span_new(text, EVENT_MAX), 4, DIGEST_SHA256, &entry, digest, &err), 0);
	assert_int_equal(eventlog_entry(SPAN_LIT(EVENT), 4, DIGEST_SHA512, &small, digest, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static void writes_and_reads_the_header_of_the_vector(void **state)
{
	auto_buf struct buf header = BUF_MAX(256), hex = BUF_MAX(256);
	struct tcglog log;

	(void)state;
	tcglog_put_header(&header);
	hex_encode(&hex, buf_span(&header));
	assert_string_equal(buf_text(&hex), HEADER);
	assert_int_equal(tcglog_open(buf_span(&header), &log, NULL), 0);
	assert_int_equal(log.algs, 2);
	assert_int_equal(log.alg[0].id, 12);
	assert_int_equal(log.alg[0].size, 48);
	assert_int_equal(log.alg[1].id, 18);
	assert_int_equal(log.rest.len, 0);
}

/* A header with these algorithms (hex), and the size of its data changed by `more`. */
static void put_header(struct buf *out, const char *algs, unsigned count, int more)
{
	static const char zeros[24] = { 0 };
	size_t len = strlen(algs) / 2;

	tcglog_put_u32(out, 0);
	tcglog_put_u32(out, 3);
	buf_add(out, zeros, 20);
	tcglog_put_u32(out, (uint32_t)((int)(24 + 4 + len) + more));
	buf_add(out, zeros, 24);
	tcglog_put_u32(out, count);
	assert_int_equal(hex_decode(span_of(algs), out, NULL), 0);
}

static void refuses_headers_that_say_nothing_usable(void **state)
{
	static const struct {
		const char *algs;
		unsigned count;
		int more;
		enum err_kind kind;
	} cases[] = {
		{ "0c00300000", 1, 0, ERR_OK },
		{ "0c00300003aabbcc", 1, 0, ERR_OK },
		{ "00", 0, 0, ERR_OK },
		{ "0c00300003aabb", 1, 0, ERR_FORMAT },
		{ "0c00300003aabbccdd", 1, 0, ERR_FORMAT },
		{ "0c00300000", 2, 0, ERR_FORMAT },
		{ "0c00300000", 0, 0, ERR_FORMAT },
		{ "0c00300000", 1, 1, ERR_FORMAT },
		{ "0c00300000", 1, -1, ERR_FORMAT },
		{ "0c00000000", 1, 0, ERR_FORMAT },
		{ "0c00410000", 1, 0, ERR_FORMAT },
		{ "0c0030000c00300000", 2, 0, ERR_FORMAT },
		{ "0c00300000", 9, 0, ERR_LIMIT },
		{ "0c00300000", 0xffffffff, 0, ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf bytes = BUF_MAX(256);
		struct tcglog log;
		struct err err = ERR_NONE;
		put_header(&bytes, cases[i].algs, cases[i].count, cases[i].more);
		int rc = tcglog_open(buf_span(&bytes), &log, &err);
		if (rc != (cases[i].kind ? -1 : 0) || err.kind != cases[i].kind)
			fail_msg("%zu: %s", i, err.text);
	}
}

static void refuses_a_log_that_does_not_begin_with_a_header(void **state)
{
	auto_buf struct buf entry = BUF_MAX(4096);
	unsigned char digest[DIGEST_MAX];
	struct tcglog log;
	struct err err = ERR_NONE;
	size_t len;

	(void)state;
	assert_int_equal(eventlog_entry(SPAN_LIT(EVENT), 4, DIGEST_SHA384, &entry, digest, NULL), 0);
	assert_int_equal(tcglog_open(buf_span(&entry), &log, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(tcglog_length(buf_span(&entry), &len, NULL), -1);
	assert_int_equal(tcglog_open(SPAN_NONE, &log, NULL), -1);
}

/* An entry with two digests, as firmware writes it. */
static void put_firmware_entry(struct buf *out)
{
	static const char zeros[48] = { 0 };

	tcglog_put_u32(out, 1);
	tcglog_put_u32(out, 0x80000008);
	tcglog_put_u32(out, 2);
	buf_add(out, "\x12\0", 2);
	buf_add(out, "sm3 sm3 sm3 sm3 sm3 sm3 sm3 sm3 ", 32);
	buf_add(out, "\x0c\0", 2);
	buf_add(out, zeros, 48);
	tcglog_put_u32(out, 4);
	buf_puts(out, "data");
}

static void reads_entries_with_several_digests(void **state)
{
	static const char zeros[48] = { 0 };
	auto_buf struct buf bytes = BUF_MAX(4096);
	struct tcg_event event;
	struct tcglog log;
	struct span digest;
	bool found;
	size_t len;

	(void)state;
	tcglog_put_header(&bytes);
	put_firmware_entry(&bytes);
	size_t end = bytes.len;
	tcglog_put_end(&bytes);
	assert_int_equal(tcglog_open(buf_span(&bytes), &log, NULL), 0);
	assert_int_equal(tcglog_next(&log, &event, &found, NULL), 0);
	assert_true(found);
	assert_int_equal(event.index, 1);
	assert_int_equal(event.type, 0x80000008);
	assert_true(span_is(event.data, "data"));
	assert_true(tcglog_digest(&log, &event, DIGEST_SHA384, &digest));
	assert_true(span_eq(digest, span_new(zeros, 48)));
	assert_false(tcglog_digest(&log, &event, DIGEST_SHA256, &digest));
	assert_int_equal(tcglog_next(&log, &event, &found, NULL), 0);
	assert_false(found);
	assert_int_equal(tcglog_length(buf_span(&bytes), &len, NULL), 0);
	assert_int_equal(len, end);
}

static void refuses_entries_that_are_cut_or_lie(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
	} cases[] = {
		{ 8, "\3" }, /* more digests than algorithms */
		{ 8, "\xff\xff\xff\xff" },
		{ 12, "\x0b" },         /* an algorithm that the header does not name */
		{ 12 + 34 + 50, "\5" }, /* data beyond the end */
		{ 12 + 34 + 50, "\xff\xff\xff\xff" },
	};
	auto_buf struct buf bytes = BUF_MAX(4096);
	size_t len;

	(void)state;
	tcglog_put_header(&bytes);
	size_t head = bytes.len;
	put_firmware_entry(&bytes);
	for (size_t cut = 1; cut < bytes.len; cut++) {
		if (cut != head && tcglog_length(span_new(bytes.ptr, cut), &len, NULL) == 0)
			fail_msg("cut at %zu", cut);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf wrong = BUF_MAX(4096);
		struct err err = ERR_NONE;
		buf_add_span(&wrong, buf_span(&bytes));
		memcpy(wrong.ptr + head + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
		assert_int_equal(tcglog_length(buf_span(&wrong), &len, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void finds_the_end_of_a_log_that_was_never_begun(void **state)
{
	static const char zeros[64] = { 0 };
	size_t len = 1;

	(void)state;
	assert_int_equal(tcglog_length(SPAN_NONE, &len, NULL), 0);
	assert_int_equal(len, 0);
	len = 1;
	assert_int_equal(tcglog_length(span_new(zeros, sizeof(zeros)), &len, NULL), 0);
	assert_int_equal(len, 0);
	assert_int_equal(tcglog_length(span_new(zeros, 7), &len, NULL), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_entries_of_the_vectors),
		cmocka_unit_test(refuses_to_write_an_event_beyond_its_bound),
		cmocka_unit_test(writes_and_reads_the_header_of_the_vector),
		cmocka_unit_test(refuses_headers_that_say_nothing_usable),
		cmocka_unit_test(refuses_a_log_that_does_not_begin_with_a_header),
		cmocka_unit_test(reads_entries_with_several_digests),
		cmocka_unit_test(refuses_entries_that_are_cut_or_lie),
		cmocka_unit_test(finds_the_end_of_a_log_that_was_never_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
