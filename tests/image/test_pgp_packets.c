/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/image/pgp/make.sh made the messages: GnuPG, and ocicrypt, old and new. */
#include "base/buf.h"
#include "image/pgp_packets.h"
#include "tests/image/wrapping.h"

#define PGP   VECTORS "pgp/"
#define ALICE UINT64_C(0x784C6282D61FEB52)
#define BOB   UINT64_C(0x2F1809F45865DB57)

static void lists_the_recipients_of_what_peers_wrote(void **state)
{
	static const struct {
		const char *name;
		size_t count, passwords;
		uint64_t ids[2];
	} cases[] = {
		{ "go-old-alice", 1, 0, { ALICE } },
		{ "go-new-alice", 1, 0, { ALICE } },
		{ "go-new-bob", 1, 0, { BOB } },
		{ "go-new-both", 2, 0, { ALICE, BOB } },
		{ "gpg-alice", 1, 0, { ALICE } },
		{ "gpg-both", 2, 0, { ALICE, BOB } },
		{ "gpg-hidden-bob", 1, 0, { 0 } },
		{ "gpg-signed-bob", 1, 0, { BOB } },
		{ "gpg-password-bob", 1, 1, { BOB } },
		{ "gpg-bomb-bob", 1, 0, { BOB } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		struct pgp_message message;
		struct err err = ERR_NONE;
		char path[200];
		snprintf(path, sizeof(path), PGP "%s.msg", cases[i].name);
		load(path, &bytes);
		if (pgp_message_look(buf_span(&bytes), &message, &err) < 0)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_int_equal(message.count, cases[i].count);
		assert_int_equal(message.passwords, cases[i].passwords);
		assert_int_equal(message.sealed, PGP_SEALED);
		for (size_t j = 0; j < message.count; j++)
			assert_int_equal(message.ids[j], cases[i].ids[j]);
	}
}

static void refuses_every_truncation(void **state)
{
	static const char *const names[] = { PGP "go-new-both.msg", PGP "gpg-both.msg",
		PGP "gpg-bomb-bob.msg" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		load(names[i], &bytes);
		for (size_t cut = 0; cut < bytes.len; cut++) {
			struct pgp_message message;
			struct err err = ERR_NONE;
			assert_int_equal(pgp_message_look(span_new(bytes.ptr, cut), &message, &err), -1);
			assert_int_equal(err.kind, ERR_FORMAT);
		}
	}
}

static void reads_lengths_in_every_form(void **state)
{
	static const struct {
		struct span head; /* then zeros */
		size_t more;      /* bytes behind it */
		unsigned tag;
		size_t body, left;
	} cases[] = {
		{ SPAN_LIT("\xc1\x00"), 0, 1, 0, 0 },
		{ SPAN_LIT("\xc1\xbf"), 200, 1, 191, 9 },
		{ SPAN_LIT("\xc1\xc0\x00"), 192, 1, 192, 0 },
		{ SPAN_LIT("\xc1\xdf\xff"), 8383, 1, 8383, 0 },
		{ SPAN_LIT("\xc1\xff\x00\x00\x00\x05"), 6, 1, 5, 1 },
		{ SPAN_LIT("\x84\x05"), 6, 1, 5, 1 },
		{ SPAN_LIT("\x85\x01\x00"), 256, 1, 256, 0 },
		{ SPAN_LIT("\x86\x00\x00\x01\x00"), 257, 1, 256, 1 },
		{ SPAN_LIT("\x87"), 9, 1, 9, 0 },
		/* 512 in part, then a length of 0 */
		{ SPAN_LIT("\xd2\xe9"), 513, 18, 512, 0 },
		{ SPAN_LIT("\xd2\xe7"), 129, 18, 128, 0 },
		{ SPAN_LIT("\xd2\xea"), 1030, 18, 1024, 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		struct pgp_packet packet = { .tag = 0 };
		struct err err = ERR_NONE;
		buf_add_span(&bytes, cases[i].head);
		memset(buf_room(&bytes, cases[i].more), 0, cases[i].more);
		buf_grew(&bytes, cases[i].more);
		struct span rest = buf_span(&bytes);
		if (pgp_next(&rest, &packet, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(packet.tag, cases[i].tag);
		assert_int_equal(packet.body.len, cases[i].body);
		assert_int_equal(rest.len, cases[i].left);
	}
}

static void joins_the_parts_of_a_body(void **state)
{
	/* 2 bytes, 1 byte, none */
	static const char parts[] = "\xc8\xe1"
				    "ab"
				    "\xe0"
				    "c"
				    "\x00"
				    "\xc8\x01";
	auto_buf struct buf body = BUF_MAX(3), small = BUF_MAX(2);
	struct span rest = span_new(parts, sizeof(parts) - 1);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(pgp_body(&rest, &small, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	rest = span_new(parts, sizeof(parts) - 1);
	assert_int_equal(pgp_body(&rest, &body, NULL), 0);
	assert_string_equal(buf_text(&body), "abc");
	assert_int_equal(rest.len, 2);
	/* the next one is cut */
	buf_reset(&body);
	assert_int_equal(pgp_body(&rest, &body, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(rest.len, 2);
}

static void refuses_what_is_no_message(void **state)
{
	static const struct {
		struct span bytes;
		const char *reason;
	} cases[] = {
		{ SPAN_LIT(""), "the bytes end before a packet" },
		{ SPAN_LIT("-----BEGIN PGP MESSAGE-----\n"), "0x2d begins no OpenPGP packet" },
		{ SPAN_LIT("\x80\x00"), "a packet with the tag 0" },
		{ SPAN_LIT("\xc0\x00"), "a packet with the tag 0" },
		{ SPAN_LIT("\xc1"), "the bytes end in a packet's length" },
		{ SPAN_LIT("\xc1\xff\xff\xff\xff\xff"),
				"a packet is cut: 4294967295 bytes long, 0 are there" },
		{ SPAN_LIT("\xc1\xfe"), "a packet with the tag 1 in parts" },
		{ SPAN_LIT("\xd2\xe0\x00"), "the bytes end in a packet's length" },
		{ SPAN_LIT("\xd2\xe0\x00\xe1\x00"), "a packet is cut: 2 bytes long, 1 are there" },
		{ SPAN_LIT("\xc1\x00"), "of a version that is not 3" },
		{ SPAN_LIT("\xc1\x0a\x06zzzzzzzzz"), "of a version that is not 3" },
		{ SPAN_LIT("\xc1\x05\x03zzzz"), "the bytes end in a packet's length" },
		{ SPAN_LIT("\xc5\x00"), "a packet with the tag 5 where the sealed text must be" },
		{ SPAN_LIT("\xcb\x00"), "a packet with the tag 11 where the sealed text must be" },
		{ SPAN_LIT("\xca\x03PGP"), "the bytes end before a packet" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pgp_message message;
		struct err err = ERR_NONE;
		assert_int_equal(pgp_message_look(cases[i].bytes, &message, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		if (!strstr(err.text, cases[i].reason))
			fail_msg("case %zu: %s", i, err.text);
	}
}

static void a_thousand_recipients_are_read_and_not_more(void **state)
{
	(void)state;
	for (size_t count = PGP_RECIPIENTS_MAX; count <= PGP_RECIPIENTS_MAX + 1; count++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		struct pgp_message message;
		struct err err = ERR_NONE;
		for (size_t i = 0; i < count; i++)
			buf_puts(&bytes, "\xc1\x0a\x03idofkey!x");
		buf_add(&bytes, "\xd2\x01\x01", 3);
		int status = pgp_message_look(buf_span(&bytes), &message, &err);
		assert_int_equal(status, count == PGP_RECIPIENTS_MAX ? 0 : -1);
		assert_int_equal(err.kind, status ? ERR_LIMIT : ERR_OK);
		if (!status)
			assert_int_equal(message.count, count);
	}
}

static void tells_ways_of_sealing_apart(void **state)
{
	static const struct {
		struct span bytes;
		unsigned sealed;
	} cases[] = {
		{ SPAN_LIT("\xd2\x01\x01"), PGP_SEALED },
		{ SPAN_LIT("\xd4\x01\x01"), PGP_AEAD },
		{ SPAN_LIT("\xc9\x01\x01"), PGP_SEALED_WITHOUT_MDC },
		{ SPAN_LIT("\xa4\x01\x01"), PGP_SEALED_WITHOUT_MDC },
		{ SPAN_LIT("\xca\x03PGP\xd2\x01\x01"), PGP_SEALED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pgp_message message;
		assert_int_equal(pgp_message_look(cases[i].bytes, &message, NULL), 0);
		assert_int_equal(message.sealed, cases[i].sealed);
		assert_int_equal(message.count, 0);
	}
}

static void knows_secret_keys_when_it_sees_them(void **state)
{
	static const struct {
		const char *path;
		bool is;
	} cases[] = {
		{ PGP "alice.pgp", true },
		{ PGP "alice.asc", true },
		{ PGP "bob.pgp", true },
		{ PGP "alice.pub", false },
		{ PGP "ring.pgp", false },
		{ PGP "gpg-alice.msg", false },
		{ PGP "make.sh", false },
		{ VECTORS "pkcs7/a.key", false },
		{ VECTORS "pkcs7/a.der", false },
		{ "/dev/null", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		load(cases[i].path, &bytes);
		assert_int_equal(pgp_is_secret_keys(buf_span(&bytes)), cases[i].is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_the_recipients_of_what_peers_wrote),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(reads_lengths_in_every_form),
		cmocka_unit_test(joins_the_parts_of_a_body),
		cmocka_unit_test(refuses_what_is_no_message),
		cmocka_unit_test(a_thousand_recipients_are_read_and_not_more),
		cmocka_unit_test(tells_ways_of_sealing_apart),
		cmocka_unit_test(knows_secret_keys_when_it_sees_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
