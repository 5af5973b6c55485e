/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/notes.h"

#include "tests/agentpolicy/workload_rig.h"

static void has_nothing_to_say_at_first(void **state)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(agent_notes_of(&notes, AGENT_ERROR), 0);
	assert_int_equal(agent_notes_check(&notes, &err), 0);
	assert_int_equal(err.kind, ERR_OK);
}

static void tells_severities_apart(void **state)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	struct err err = ERR_NONE;

	(void)state;
	agent_note(&notes, AGENT_REMARK, "", "of the %s", "whole");
	agent_note(&notes, AGENT_WARNING, "spec.a", "take care");
	assert_int_equal(agent_notes_check(&notes, &err), 0);
	agent_note(&notes, AGENT_ERROR, "spec.b", "no");
	agent_note(&notes, AGENT_ERROR, "", "not at all");
	assert_int_equal(agent_notes_of(&notes, AGENT_REMARK), 1);
	assert_int_equal(agent_notes_of(&notes, AGENT_WARNING), 1);
	assert_int_equal(agent_notes_of(&notes, AGENT_ERROR), 2);
	assert_int_equal(agent_notes_check(&notes, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_string_equal(err.text, "spec.b: no; not at all");
	auto_free char *lines = lines_of(&notes);
	assert_string_equal(lines,
			"remark : of the whole\nwarning spec.a: take care\nerror spec.b: no\n"
			"error : not at all\n");
}

static void says_that_there_were_more_and_forgets_no_error(void **state)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < 2 * AGENT_NOTES_MAX; i++)
		agent_note(&notes, AGENT_REMARK, "spec", "number %d", i);
	assert_int_equal(notes.count, AGENT_NOTES_MAX);
	assert_true(notes.cut);
	assert_non_null(strstr(notes.items[AGENT_NOTES_MAX - 1].text, "more"));
	assert_int_equal(notes.items[AGENT_NOTES_MAX - 1].severity, AGENT_REMARK);
	agent_note(&notes, AGENT_ERROR, "spec", "an error");
	agent_note(&notes, AGENT_REMARK, "spec", "and after it a remark");
	assert_int_equal(agent_notes_check(&notes, &err), -1);
	agent_notes_clear(&notes);
	assert_int_equal(notes.count, 0);
	assert_false(notes.cut);
	agent_note(&notes, AGENT_REMARK, "", "again");
	assert_int_equal(notes.count, 1);
}

static void makes_texts_fit_to_be_shown(void **state)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	char text[2 * AGENT_NOTE_TEXT_MAX + 1];

	(void)state;
	agent_note(&notes, AGENT_ERROR, "spec.\n\x1b[2J", "two\nlines and \xff");
	assert_string_equal(notes.items[0].path, "spec.??[2J");
	assert_string_equal(notes.items[0].text, "two?lines and ?");
	/* of two-byte characters none is cut in two */
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xb6", 3);
	agent_note(&notes, AGENT_ERROR, text, "%s", text);
	assert_true(strlen(notes.items[1].text) < AGENT_NOTE_TEXT_MAX);
	assert_true(span_is_utf8(span_of(notes.items[1].text)));
	assert_true(span_is_utf8(span_of(notes.items[1].path)));
}

static void the_error_is_cut_where_there_are_many(void **state)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < 500; i++)
		agent_note(&notes, AGENT_ERROR, "spec.containers[0].env[100]",
				"is wrong in more ways than one");
	assert_int_equal(agent_notes_check(&notes, &err), -1);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_string_equal(err.text + ERR_TEXT_MAX - 4, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_nothing_to_say_at_first),
		cmocka_unit_test(tells_severities_apart),
		cmocka_unit_test(says_that_there_were_more_and_forgets_no_error),
		cmocka_unit_test(makes_texts_fit_to_be_shown),
		cmocka_unit_test(the_error_is_cut_where_there_are_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
