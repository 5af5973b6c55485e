/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_cause_is_wrapped_by_its_intent(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(err_set(&err, ERR_FORMAT, "line %d: unclosed string", 3), -1);
	assert_int_equal(err_wrap(&err, "reading '%s'", "aa.toml"), -1);
	assert_string_equal(err.text, "reading 'aa.toml': line 3: unclosed string");
	assert_int_equal(err.kind, ERR_FORMAT);
}

static void setting_again_forgets_what_was_there(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	err_set(&err, ERR_RETRY, "busy");
	err.retry_after = 7;
	err_set(&err, ERR_IO, "gone");
	assert_string_equal(err.text, "gone");
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(err.retry_after, 0);
	err_clear(&err);
	assert_int_equal(err.kind, ERR_OK);
	assert_string_equal(err.text, "");
}

static void nobody_needs_to_want_a_reason(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_IO, "x"), -1);
	assert_int_equal(err_errno(NULL, ERR_IO, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	err_clear(NULL);
}

static void names_the_systems_reason_and_keeps_errno(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	errno = ENOENT;
	err_errno(&err, ERR_NOT_FOUND, "opening '%s'", "x");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(err.text, "opening 'x': No such file or directory");
}

static void control_characters_are_replaced(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	err_set(&err, ERR_FORMAT, "a%sb", "\n\x1b[31m\x7f\t");
	assert_string_equal(err.text, "a??[31m??b");
	err_wrap(&err, "%s", "\r\n");
	assert_string_equal(err.text, "??: a??[31m??b");
}

static void a_long_text_ends_in_dots(void **state)
{
	struct err err = ERR_NONE;
	char text[3 * ERR_TEXT_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_FORMAT, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_string_equal(err.text + ERR_TEXT_MAX - 4, "...");
	text[ERR_TEXT_MAX - 1] = '\0';
	err_set(&err, ERR_FORMAT, "%s", text);
	assert_string_equal(err.text, text);
}

static void the_longest_context_leaves_the_beginning_of_the_cause(void **state)
{
	struct err err = ERR_NONE;
	char text[3 * ERR_TEXT_MAX];

	(void)state;
	memset(text, 'c', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_FORMAT, "cause");
	err_wrap(&err, "%s", text);
	assert_non_null(strstr(err.text, ": cause"));
	err_set(&err, ERR_FORMAT, "first%s", text);
	for (int i = 0; i < 20; i++)
		err_wrap(&err, "step %d", i);
	assert_non_null(strstr(err.text, "step 0: first"));
	assert_true(strlen(err.text) < ERR_TEXT_MAX);
	assert_string_equal(err.text + strlen(err.text) - 3, "...");
}

static void wraps_at_every_length_stay_inside(void **state)
{
	char text[ERR_TEXT_MAX + 8];

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		struct err err = ERR_NONE;
		memset(text, 'x', len);
		text[len] = '\0';
		err_set(&err, ERR_FORMAT, "%s", text);
		err_wrap(&err, "context");
		assert_int_equal(strncmp(err.text, "context: ", 9), 0);
		assert_true(strnlen(err.text, ERR_TEXT_MAX) < ERR_TEXT_MAX);
		/* whole when it fits, else marked */
		if (len + 9 < ERR_TEXT_MAX)
			assert_string_equal(err.text + 9, text);
		else
			assert_string_equal(err.text + ERR_TEXT_MAX - 4, "...");
	}
}

static void every_kind_has_a_name_and_a_code(void **state)
{
	(void)state;
	for (int kind = ERR_OK; kind <= ERR_BUG; kind++) {
		assert_string_not_equal(err_kind_name((enum err_kind)kind), "unknown");
		assert_int_equal(err_exit_code((enum err_kind)kind), kind == ERR_USAGE ? 2 : 1);
	}
	assert_string_equal(err_kind_name(ERR_NOT_FOUND), "not-found");
	assert_string_equal(err_kind_name((enum err_kind)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cause_is_wrapped_by_its_intent),
		cmocka_unit_test(setting_again_forgets_what_was_there),
		cmocka_unit_test(nobody_needs_to_want_a_reason),
		cmocka_unit_test(names_the_systems_reason_and_keeps_errno),
		cmocka_unit_test(control_characters_are_replaced),
		cmocka_unit_test(a_long_text_ends_in_dots),
		cmocka_unit_test(the_longest_context_leaves_the_beginning_of_the_cause),
		cmocka_unit_test(wraps_at_every_length_stay_inside),
		cmocka_unit_test(every_kind_has_a_name_and_a_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
