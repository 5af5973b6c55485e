/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/own.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PREFIX "{\"ts\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\",\"msg\":\"m\""

/* One line at time zero, checked to be one JSON object and one line. */
__attribute__((sentinel)) static void line(struct buf *out, const char *msg, ...)
{
	va_list pairs;

	va_start(pairs, msg);
	log_line(out, LOG_INFO, 0, msg, pairs);
	va_end(pairs);
	assert_false(out->over);
	assert_true(out->len <= LOG_LINE_MAX);
	assert_int_equal(span_find(buf_span(out), '\n'), out->len - 1);
	json_t *value = json_loadb(out->ptr, out->len, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_object(value));
	json_decref(value);
}

static void writes_pairs_in_order(void **state)
{
	auto_buf struct buf out = BUF_MAX(4 * LOG_LINE_MAX);

	(void)state;
	line(&out, "m", NULL);
	assert_string_equal(buf_text(&out), PREFIX "}\n");
	buf_reset(&out);
	line(&out, "m", "b", "2", "a", "", "n", (const char *)NULL, NULL);
	assert_string_equal(buf_text(&out), PREFIX ",\"b\":\"2\",\"a\":\"\",\"n\":null}\n");
}

static void escapes_what_could_forge_a_line_or_steer_a_terminal(void **state)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{ "a\"b\\c", "a\\\"b\\\\c" },
		{ "a\nb\rc\td", "a\\nb\\u000dc\\u0009d" },
		{ "\x1b[31m\x07\x7f", "\\u001b[31m\\u0007\\u007f" },
		{ "\xc2\x9b"
		  "31m",
				"\\u009b31m" },
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "grün 日本 \xf0\x9f\xa5\xa5", "grün 日本 \xf0\x9f\xa5\xa5" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe6\x97", "\xef\xbf\xbd\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf out = BUF_MAX(4 * LOG_LINE_MAX), expected = BUF_MAX(1024);
		line(&out, "m", "v", cases[i].value, NULL);
		buf_printf(&expected, PREFIX ",\"v\":\"%s\"}\n", cases[i].written);
		assert_string_equal(buf_text(&out), buf_text(&expected));
	}
}

static void every_byte_gives_a_valid_line(void **state)
{
	(void)state;
	for (unsigned value = 1; value < 65536; value++) {
		auto_buf struct buf out = BUF_MAX(4 * LOG_LINE_MAX);
		char text[3] = { (char)(value & 255), (char)(value >> 8), '\0' };
		if (text[0])
			line(&out, "m", "v", text, NULL);
	}
}

static void a_long_value_is_cut_between_characters(void **state)
{
	char text[3 * LOG_VALUE_MAX + 1] = "";

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		auto_buf struct buf out = BUF_MAX(4 * LOG_LINE_MAX);
		memset(text, 'x', shift);
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "日", 3);
		line(&out, "m", "v", text, NULL);
		assert_non_null(strstr(out.ptr, "日…\"}\n"));
		assert_null(strstr(out.ptr, "\xef\xbf\xbd"));
		assert_true(out.len < LOG_VALUE_MAX + 100);
	}
}

static void a_long_line_leaves_pairs_out_and_says_so(void **state)
{
	char text[LOG_VALUE_MAX + 1] = "";
	auto_buf struct buf out = BUF_MAX(4 * LOG_LINE_MAX);

	(void)state;
	memset(text, '\x01', LOG_VALUE_MAX);
	line(&out, "m", "a", text, "b", text, "c", "d", NULL);
	assert_non_null(strstr(out.ptr, ",\"cut\":\"true\"}\n"));
	assert_null(strstr(out.ptr, "\"b\":"));
	buf_reset(&out);
	memset(text, 'x', LOG_VALUE_MAX);
	line(&out, "m", "a", text, "b", text, "c", text, "d", text, NULL);
	assert_null(strstr(out.ptr, "cut"));
}

static void numbers_and_errors_are_values(void **state)
{
	struct err err = ERR_NONE;
	auto_buf struct buf out = BUF_MAX(4 * LOG_LINE_MAX);

	(void)state;
	err_set(&err, ERR_CONFLICT, "why");
	line(&out, "m", "low", LOG_NUMBER(INT64_MIN), "high", LOG_NUMBER(INT64_MAX), LOG_ERR(&err), NULL);
	assert_string_equal(buf_text(&out),
			PREFIX ",\"low\":\"-9223372036854775808\",\"high\":\"9223372036854775807\""
			       ",\"error\":\"why\",\"kind\":\"conflict\"}\n");
}

/* What the log writes to standard error meanwhile. */
static void logged(struct buf *out, void (*work)(void))
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	auto_fd int in = ends[0];
	auto_fd int kept = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	work();
	dup2(kept, STDERR_FILENO);
	assert_int_equal(fs_read_fd(in, "standard error", out, NULL), 0);
}

static void one_of_each(void)
{
	log_debug("one", NULL);
	log_info("two", NULL);
	log_warn("three", "k", "v", NULL);
	log_error("four", NULL);
}

static unsigned lines(const struct buf *text)
{
	unsigned count = 0;

	for (size_t i = 0; i < text->len; i++)
		count += text->ptr[i] == '\n';
	return count;
}

static void the_level_decides_what_is_written(void **state)
{
	(void)state;
	for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
		auto_buf struct buf out = BUF_MAX(4096);
		log_set_level((enum log_level)level);
		logged(&out, one_of_each);
		assert_int_equal(lines(&out), 4 - level);
		assert_true(log_wants(LOG_ERROR));
		assert_int_equal(log_wants(LOG_DEBUG), level == LOG_DEBUG);
	}
	log_set_level(LOG_INFO);
}

static void the_words_are_those_of_the_levels(void **state)
{
	(void)state;
	assert_string_equal(log_level_words[LOG_DEBUG], "debug");
	assert_string_equal(log_level_words[LOG_ERROR], "error");
	assert_null(log_level_words[LOG_ERROR + 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_pairs_in_order),
		cmocka_unit_test(escapes_what_could_forge_a_line_or_steer_a_terminal),
		cmocka_unit_test(every_byte_gives_a_valid_line),
		cmocka_unit_test(a_long_value_is_cut_between_characters),
		cmocka_unit_test(a_long_line_leaves_pairs_out_and_says_so),
		cmocka_unit_test(numbers_and_errors_are_values),
		cmocka_unit_test(the_level_decides_what_is_written),
		cmocka_unit_test(the_words_are_those_of_the_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
