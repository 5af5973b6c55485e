/* SPDX-License-Identifier: Apache-2.0 */
/* In a program of its own: the memory of all its documents is wiped. */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "a1f97c03"

/* How often the word stands in the memory that malloc gave out or keeps; sanitizers keep theirs elsewhere. */
static size_t count_in_heap(void)
{
	auto_file FILE *maps = fopen("/proc/self/maps", "re");
	auto_fd int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	static char page[65536 + sizeof(SECRET)];
	uintmax_t from = 0, end = 0;
	char line[512];
	size_t count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		char *dash;
		if (!strstr(line, "[heap]"))
			continue;
		from = strtoumax(line, &dash, 16);
		end = strtoumax(dash + 1, NULL, 16);
		for (; from < end; from += 65536) {
			ssize_t n = pread(memory, page, sizeof(page), (off_t)from);
			for (const char *at = page;
					n > 0 && (at = memmem(at, (size_t)(page + n - at), SECRET, 8)); at++)
				count++;
		}
	}
	return count;
}

static void nothing_of_a_document_stays_in_freed_memory(void **state)
{
	/* read as a value, as a name, and given up in the middle */
	static const char *const texts[] = {
		"{\"d\":\"" SECRET SECRET SECRET SECRET SECRET SECRET SECRET SECRET SECRET SECRET SECRET
		"\"}",
		"{\"" SECRET SECRET SECRET SECRET SECRET SECRET "\":1}",
		"{\"d\":\"" SECRET SECRET SECRET SECRET SECRET SECRET "\",\"e\":\"" SECRET SECRET SECRET
		"\\u12\"}",
	};

	(void)state;
	json_wipe_freed();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *doc = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(json_read(span_of(texts[i]), 4096, &doc, &err) == 0, i < 2);
		json_decref(doc);
		assert_int_equal(count_in_heap(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_a_document_stays_in_freed_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
