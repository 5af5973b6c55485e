/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/own.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void zero_bytes_are_memory_too(void **state)
{
	(void)state;
	auto_free char *none = xmalloc(0);
	auto_free char *no_items = xcalloc(0, 8);
	auto_free char *no_size = xcalloc(8, 0);
	auto_free char *shrunk = xrealloc(xmalloc(8), 0);
	auto_free char *array = xreallocarray(NULL, 0, 0);
	assert_non_null(none);
	assert_non_null(no_items);
	assert_non_null(no_size);
	assert_non_null(shrunk);
	assert_non_null(array);
}

static void cleared_memory_is_zero(void **state)
{
	auto_free char *memory = xcalloc(16, 16);

	(void)state;
	for (size_t i = 0; i < 256; i++)
		assert_int_equal(memory[i], 0);
}

static void copies_end_in_a_nul(void **state)
{
	(void)state;
	auto_free char *text = xstrdup("text");
	auto_free char *bytes = xmemdup0("a\0b", 3);
	auto_free char *empty = xmemdup0(NULL, 0);
	auto_free char *formatted = xasprintf("%s-%d", "a", 7);
	assert_string_equal(text, "text");
	assert_memory_equal(bytes, "a\0b", 4);
	assert_string_equal(empty, "");
	assert_string_equal(formatted, "a-7");
}

static void growing_keeps_what_was_there(void **state)
{
	(void)state;
	char *array = xreallocarray(NULL, 2, 4);
	memcpy(array, "abcdefg", 8);
	array = xreallocarray(array, 1000, 4);
	assert_string_equal(array, "abcdefg");
	free(array);
}

static void a_taken_pointer_leaves_null(void **state)
{
	(void)state;
	auto_free char *mine = xstrdup("x");
	auto_free char *yours = take(&mine);
	assert_null(mine);
	assert_string_equal(yours, "x");
}

static void a_descriptor_is_closed_with_its_scope_unless_taken(void **state)
{
	int seen, kept;

	(void)state;
	{
		auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		auto_fd int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
		auto_fd int none = -1;
		seen = fd;
		kept = take_fd(&other);
		assert_int_equal(other, -1);
		assert_int_equal(none, -1);
		errno = 77;
	}
	assert_int_equal(errno, 77);
	assert_int_equal(fcntl(seen, F_GETFD), -1);
	assert_int_not_equal(fcntl(kept, F_GETFD), -1);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_bytes_are_memory_too),
		cmocka_unit_test(cleared_memory_is_zero),
		cmocka_unit_test(copies_end_in_a_nul),
		cmocka_unit_test(growing_keeps_what_was_there),
		cmocka_unit_test(a_taken_pointer_leaves_null),
		cmocka_unit_test(a_descriptor_is_closed_with_its_scope_unless_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
