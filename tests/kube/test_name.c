/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define A10  "aaaaaaaaaa"
#define A63  A10 A10 A10 A10 A10 A10 "aaa"
#define A253 A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 A10 "a"

/* which of the five forms a text has: l label, s subdomain, k label key, v label value, a annotation key */
static const struct {
	const char *text;
	const char *forms;
} cases[] = {
	{ "a", "lskva" },
	{ "a-b", "lskva" },
	{ "0", "lskva" },
	{ "a.b", "skva" },
	{ "A", "kva" },
	{ "a_b", "kva" },
	{ "", "v" },
	{ "-a", "" },
	{ "a-", "" },
	{ "a.", "" },
	{ ".a", "" },
	{ "a..b", "kva" },
	{ "a-.b", "kva" },
	{ "a b", "" },
	{ "a\n", "" },
	{ "\xc3\xa9", "" },
	{ "example.org/a_B", "ka" },
	{ "Example.org/a", "a" },
	{ "/a", "" },
	{ "a/", "" },
	{ "a/b/c", "" },
	{ "ex_ample/a", "" },
	{ A63, "lskva" },
	{ A63 "a", "s" },
	{ A253, "s" },
	{ A253 "a", "" },
	{ A253 "/" A63, "ka" },
	{ A253 "a/" A63, "" },
};

static void knows_the_forms_of_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span text = span_of(cases[i].text);
		char forms[8] = "";
		size_t n = 0;
		if (name_is_label(text))
			forms[n++] = 'l';
		if (name_is_subdomain(text))
			forms[n++] = 's';
		if (name_is_label_key(text))
			forms[n++] = 'k';
		if (name_is_label_value(text))
			forms[n++] = 'v';
		if (name_is_annotation_key(text))
			forms[n++] = 'a';
		if (strcmp(forms, cases[i].forms) != 0)
			fail_msg("'%s' is '%s', not '%s'", cases[i].text, forms, cases[i].forms);
	}
}

static void sees_a_nul_as_a_byte(void **state)
{
	(void)state;
	assert_false(name_is_label(span_new("a\0b", 3)));
	assert_false(name_is_label_value(span_new("a\0b", 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_forms_of_names),
		cmocka_unit_test(sees_a_nul_as_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
