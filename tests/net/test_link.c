/* SPDX-License-Identifier: Apache-2.0 */
/* The Link field. */
#include "net/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *field, *next; /* NULL: none */
} rows[] = {
	{ "</v2/a?n=1&last=x>; rel=\"next\"", "/v2/a?n=1&last=x" },
	{ "</a>; rel=next", "/a" },
	{ "</a>;rel=\"next\"", "/a" },
	{ "</a> ; REL = \"Next\" ", "/a" },
	{ "</a>; rel=\"prev next\"", "/a" },
	{ "</a>; title=\"x, y; rel=next\"; rel=\"prev\", </b>; rel=next", "/b" },
	{ "</a>; title=\"\\\", </z>; rel=next\"; rel=prev, </b>; rel=next", "/b" },
	{ "</a>; rel=prev, </b>; rel=next, </c>; rel=next", "/b" },
	{ ", ,</a>; rel=next", "/a" },
	{ "</a,b;c>; rel=next", "/a,b;c" },
	{ "<https://h.example/a>; rel=next; x", "https://h.example/a" },
	{ "<>; rel=next", "" },
	{ "", NULL },
	{ "</a>", NULL },
	{ "</a>;", NULL },
	{ "</a>; rel", NULL },
	{ "</a>; rel=", NULL },
	{ "</a>; rel=\"", NULL },
	{ "</a>; rel=nexts", NULL },
	{ "</a>; rel=\"nex\"", NULL },
	{ "</a>; xrel=next", NULL },
	{ "</a; rel=next", NULL },
	{ "/a; rel=next", NULL },
	{ "x, </a>; rel=next", NULL },
	{ "</a>; title=\"rel=next", NULL },
	{ "</a>; title=\"; rel=next\\", NULL },
};

static void finds_the_next_page(void **state)
{
	struct span target;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool found = link_next(span_of(rows[i].field), &target);
		if (found != !!rows[i].next || (found && !span_is(target, rows[i].next)))
			fail_msg("%s", rows[i].field);
	}
}

static void reads_no_byte_behind_a_field_that_is_cut(void **state)
{
	static const char whole[] = "</a>; title=\"\\\"\"; rel=\"prev\", </b>; rel=\"next\"";
	struct span target;

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		char *copy = strndup(whole, len);
		bool found = link_next(span_new(copy, len), &target);
		assert_true(!found || (len > 40 && span_is(target, "/b")));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_next_page),
		cmocka_unit_test(reads_no_byte_behind_a_field_that_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
