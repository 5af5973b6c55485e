/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void compares_bytes_and_lengths(void **state)
{
	(void)state;
	assert_true(span_eq(SPAN_NONE, SPAN_LIT("")));
	assert_true(span_eq(SPAN_LIT("a\0b"), SPAN_LIT("a\0b")));
	assert_false(span_eq(SPAN_LIT("a\0b"), SPAN_LIT("a\0c")));
	assert_false(span_eq(SPAN_LIT("a"), SPAN_LIT("ab")));
	assert_true(span_is(span_of(NULL), ""));
	assert_true(span_is(span_of("x"), "x"));
	assert_false(span_is(SPAN_LIT("x\0"), "x"));
	assert_true(span_starts(SPAN_LIT("kbs:///x"), "kbs://"));
	assert_true(span_starts(SPAN_NONE, ""));
	assert_false(span_starts(SPAN_LIT("kb"), "kbs"));
	assert_true(span_ends(SPAN_LIT("a.toml"), ".toml"));
	assert_false(span_ends(SPAN_LIT("toml"), ".toml"));
	assert_true(span_ends(SPAN_NONE, ""));
}

static void parts_never_reach_beyond_the_end(void **state)
{
	(void)state;
	assert_true(span_is(span_from(SPAN_LIT("abc"), 1), "bc"));
	assert_int_equal(span_from(SPAN_LIT("abc"), 3).len, 0);
	assert_int_equal(span_from(SPAN_LIT("abc"), SIZE_MAX).len, 0);
	assert_int_equal(span_from(SPAN_NONE, 1).len, 0);
	assert_int_equal(span_find(SPAN_LIT("abc"), 'c'), 2);
	assert_int_equal(span_find(SPAN_LIT("abc"), 'd'), 3);
	assert_int_equal(span_find(SPAN_LIT("abc"), '\0'), 3);
	assert_int_equal(span_find(SPAN_NONE, 'a'), 0);
}

static void trims_white_space_at_both_ends(void **state)
{
	(void)state;
	assert_true(span_is(span_trim(SPAN_LIT(" \t\r\n a b \n")), "a b"));
	assert_int_equal(span_trim(SPAN_LIT(" \n ")).len, 0);
	assert_int_equal(span_trim(SPAN_NONE).len, 0);
	assert_true(span_is(span_trim(SPAN_LIT("\va")), "\va"));
}

static void cuts_pieces(void **state)
{
	static const struct {
		const char *text;
		const char *pieces[5];
	} cases[] = {
		{ "a", { "a" } },
		{ "a,b", { "a", "b" } },
		{ "a,", { "a", "" } },
		{ ",a", { "", "a" } },
		{ ",", { "", "" } },
		{ "a,,b", { "a", "", "b" } },
		{ ",,,", { "", "", "", "" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct span rest = span_of(cases[i].text), piece;
		size_t n = 0;
		for (; span_next(&rest, ',', &piece); n++)
			assert_true(cases[i].pieces[n] && span_is(piece, cases[i].pieces[n]));
		assert_null(cases[i].pieces[n]);
	}
}

static void an_empty_text_has_no_pieces(void **state)
{
	struct span none = SPAN_NONE, empty = SPAN_LIT(""), piece;

	(void)state;
	assert_false(span_next(&none, ',', &piece));
	assert_false(span_next(&empty, ',', &piece));
}

static void reads_numbers(void **state)
{
	static const char *const wrong[] = {
		"",
		"-1",
		"+1",
		" 1",
		"1 ",
		"01",
		"00",
		"1x",
		"0x1",
		"1.0",
		"1e3",
		"18446744073709551616",
		"18446744073709551620",
		"99999999999999999999",
	};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(span_number(span_of(wrong[i]), UINT64_MAX, &value));
	assert_false(span_number(SPAN_LIT("1\0"), UINT64_MAX, &value));
	assert_false(span_number(SPAN_LIT("101"), 100, &value));
	assert_true(value == 7);
	assert_true(span_number(SPAN_LIT("0"), 0, &value) && value == 0);
	assert_true(span_number(SPAN_LIT("100"), 100, &value) && value == 100);
	assert_true(span_number(SPAN_LIT("18446744073709551615"), UINT64_MAX, &value) && value == UINT64_MAX);
}

static void knows_well_formed_utf8(void **state)
{
	static const char *const good[] = {
		"",
		"ascii",
		"\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"a\xc3\xa9\xe6\x97\xa5z",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2\x41",
		"\xc2\xc2\x80",
		"\xe0\x9f\xbf",
		"\xe0\xa0",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
		"ok\xc3",
		"\xe6\x97\x41",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(span_is_utf8(span_of(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(span_is_utf8(span_of(bad[i])));
	assert_true(span_is_utf8(SPAN_LIT("a\0b")));
	assert_int_equal(span_utf8_step(SPAN_NONE), 0);
	assert_int_equal(span_utf8_step(SPAN_LIT("\xe6\x97\xa5x")), 3);
	assert_int_equal(span_utf8_step(SPAN_LIT("x\xff")), 1);
}

/* The definition, as a recursion that is hopeless on long patterns. */
static bool matches(const char *pattern, const char *text)
{
	if (!*pattern)
		return !*text;
	if (*pattern == '*')
		return matches(pattern + 1, text) || (*text && matches(pattern, text + 1));
	return *text && (*pattern == '?' || *pattern == *text) && matches(pattern + 1, text + 1);
}

/* On every text of up to five letters. */
static void agrees(const char *pattern)
{
	for (unsigned t = 0; t < 32 * 6; t++) {
		char text[6] = "";
		for (size_t i = 0; i < t / 32; i++)
			text[i] = "ab"[t >> i & 1];
		if (span_glob(span_of(pattern), span_of(text)) != matches(pattern, text))
			fail_msg("'%s' on '%s'", pattern, text);
	}
}

static void globs_agree_with_their_definition(void **state)
{
	(void)state;
	/* every pattern of up to five letters */
	for (unsigned p = 0; p < 1024 * 5; p++) {
		char pattern[6] = "";
		for (size_t i = 0; i < p / 1024 + 1; i++)
			pattern[i] = "ab*?"[p >> 2 * i & 3];
		agrees(pattern);
	}
	assert_true(span_glob(SPAN_NONE, SPAN_NONE));
	assert_false(span_glob(SPAN_NONE, SPAN_LIT("a")));
}

static void a_hostile_glob_ends_soon(void **state)
{
	char pattern[1000], text[10000];

	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 ? 'a' : '*';
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 'b';
	assert_false(span_glob(span_new(pattern, sizeof(pattern)), span_new(text, sizeof(text))));
}

static void what_a_terminal_obeys_is_not_shown(void **state)
{
	const struct {
		const char *text, *shown;
	} cases[] = {
		{ "", "" },
		{ "plain ~ \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
				"plain ~ \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "a\n\x1b[31m\x7f", "a??[31m?" },
		{ "\xc2\x9b[2J", "??[2J" },
		{ "\xc2\xa0", "\xc2\xa0" },
		/* U+202E, U+2066, U+200F, U+061C */
		{ (const char[]){ '\xe2', '\x80', '\xae', '\xe2', '\x81', '\xa6', '\0' }, "??????" },
		{ (const char[]){ '\xe2', '\x80', '\x8f', '\xd8', '\x9c', '\0' }, "?????" },
		{ "\xe2\x80\xaf\xe2\x81\xaa", "\xe2\x80\xaf\xe2\x81\xaa" },
		{ "\xff\xc3", "??" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		snprintf(text, sizeof(text), "%s", cases[i].text);
		span_tidy(text, strlen(text));
		assert_string_equal(text, cases[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_bytes_and_lengths),
		cmocka_unit_test(parts_never_reach_beyond_the_end),
		cmocka_unit_test(trims_white_space_at_both_ends),
		cmocka_unit_test(cuts_pieces),
		cmocka_unit_test(an_empty_text_has_no_pieces),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(knows_well_formed_utf8),
		cmocka_unit_test(globs_agree_with_their_definition),
		cmocka_unit_test(a_hostile_glob_ends_soon),
		cmocka_unit_test(what_a_terminal_obeys_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
