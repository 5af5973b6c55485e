/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/lines.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

static int join(void *ctx, struct span text, struct err *err)
{
	(void)err;
	buf_add_span(ctx, span_trim(text));
	buf_putc(ctx, '|');
	return 0;
}

static void finds_the_same_lines_wherever_the_stream_is_cut(void **state)
{
	const char *text = "{\"a\":1}\n\n{\"b\":2}\r\n \n{\"c\":3}\n";
	size_t len = strlen(text);

	(void)state;
	for (size_t first = 0; first <= len; first++) {
		for (size_t second = first; second <= len; second++) {
			auto_buf struct buf found = BUF_MAX(1024);
			auto_lines struct lines lines = LINES_INIT(join, &found);
			assert_int_equal(lines_feed(&lines, span_new(text, first), NULL), 0);
			assert_int_equal(lines_feed(&lines, span_new(text + first, second - first), NULL), 0);
			assert_int_equal(lines_feed(&lines, span_new(text + second, len - second), NULL), 0);
			assert_int_equal(lines_done(&lines, NULL), 0);
			assert_string_equal(buf_text(&found), "{\"a\":1}|{\"b\":2}|{\"c\":3}|");
		}
	}
}

static void tells_a_stream_that_ends_inside_a_line(void **state)
{
	auto_buf struct buf found = BUF_MAX(1024);
	auto_lines struct lines lines = LINES_INIT(join, &found);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(lines_feed(&lines, SPAN_LIT("{}\n{\"type\":"), &err), 0);
	assert_int_equal(lines_done(&lines, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_string_equal(buf_text(&found), "{}|");
}

static void refuses_a_giant_line(void **state)
{
	static char piece[65536];
	auto_buf struct buf found = BUF_MAX(1024);
	auto_lines struct lines lines = LINES_INIT(join, &found);
	struct err err = ERR_NONE;
	size_t fed = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	while (lines_feed(&lines, span_new(piece, sizeof(piece)), &err) == 0)
		fed += sizeof(piece);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_true(fed <= LINES_MAX && fed > LINES_MAX - sizeof(piece));
}

static int refuse(void *ctx, struct span text, struct err *err)
{
	(void)ctx;
	(void)text;
	return err_set(err, ERR_DENIED, "enough");
}

static void ends_with_the_error_of_the_callback(void **state)
{
	auto_lines struct lines lines = LINES_INIT(refuse, NULL);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(lines_feed(&lines, SPAN_LIT("a\nb\n"), &err), -1);
	assert_string_equal(err.text, "enough");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_same_lines_wherever_the_stream_is_cut),
		cmocka_unit_test(tells_a_stream_that_ends_inside_a_line),
		cmocka_unit_test(refuses_a_giant_line),
		cmocka_unit_test(ends_with_the_error_of_the_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
