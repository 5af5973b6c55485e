/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/initdata/vectors.h"

#include "initdata/kparams.h"

#include <string.h>

static const struct {
	const char *text, *formatted;
	size_t count;
} splits[] = {
	{ "", "", 0 },
	{ " \t\r\n\v\f ", "", 0 },
	{ "quiet", "quiet", 1 },
	{ "agent.log=debug  quiet", "agent.log=debug quiet", 2 },
	{ "\tx=1\n y=2 \n", "x=1 y=2", 2 },
	{ "a=b=c", "a=b=c", 1 },
	{ "a=", "a=", 1 },
	{ "a=\"b c\"", "a=\"b c\"", 2 },
	{ "x=1 x=1 x=2", "x=1 x=1 x=2", 3 },
};

static void splits_on_white_space_and_the_first_equals_sign(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		auto_kparams struct kparams list = KPARAMS_NONE;
		auto_buf struct buf out = BUF_MAX(KPARAMS_TEXT_MAX);

		assert_int_equal(kparams_parse(span_of(splits[i].text), &list, NULL), 0);
		assert_int_equal(list.count, splits[i].count);
		kparams_format(&list, &out);
		assert_string_equal(buf_text(&out), splits[i].formatted);
	}
}

static void knows_an_empty_value_from_none(void **state)
{
	auto_kparams struct kparams list = KPARAMS_NONE;

	(void)state;
	assert_int_equal(kparams_parse(SPAN_LIT("a= b c=d=e"), &list, NULL), 0);
	assert_true(list.items[0].has_value);
	assert_int_equal(list.items[0].value.len, 0);
	assert_false(list.items[1].has_value);
	assert_true(span_is(list.items[2].key, "c"));
	assert_true(span_is(list.items[2].value, "d=e"));
}

static void refuses_what_is_no_command_line(void **state)
{
	static const char *const bad[] = { "=x", "a =b", "a=\x01", "a=\x7f", "\xc3\xa4=1", "a=\xc2\xa0" };
	auto_kparams struct kparams list = KPARAMS_NONE;
	char big[KPARAMS_TEXT_MAX + 1];
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kparams_parse(span_of(bad[i]), &list, NULL), -1);
	assert_int_equal(kparams_parse(span_new("a\0b", 3), &list, NULL), -1);
	memset(big, 'x', sizeof(big));
	assert_int_equal(kparams_parse(span_new(big, sizeof(big)), &list, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(kparams_parse(span_new(big, sizeof(big) - 1), &list, &err), 0);
}

/* ---- combining ---- */

static const struct {
	const char *profile, *user, *allowed; /* JSON, text, JSON */
	const char *result;                   /* NULL: refused */
	enum err_kind kind;
} combinations[] = {
	{ "[]", "", "[]", "", ERR_OK },
	{ "[\"a=1\", \"quiet\"]", "", "[]", "a=1 quiet", ERR_OK },
	{ "[\"a=1\"]", "c=3  b=2", "[\"b\", \"c\"]", "a=1 c=3 b=2", ERR_OK },
	{ "[\"a=1\"]", "b=2", "[]", NULL, ERR_DENIED },
	{ "[\"a=1\"]", "b=2", "[\"B\"]", NULL, ERR_DENIED },
	{ "[\"a=1\"]", "agent.log=debug", "[\"agent.*\"]", "a=1 agent.log=debug", ERR_OK },
	{ "[\"a=1\"]", "xagent.log=debug", "[\"agent.*\"]", NULL, ERR_DENIED },
	{ "[\"a=1\"]", "a=1", "[]", "a=1", ERR_OK },
	{ "[\"a=1\"]", "a=2", "[\"*\"]", NULL, ERR_CONFLICT },
	{ "[\"a=1\"]", "a", "[\"*\"]", NULL, ERR_CONFLICT },
	{ "[\"a=\"]", "a", "[\"*\"]", NULL, ERR_CONFLICT },
	{ "[\"a_b=1\"]", "a-b=2", "[\"*\"]", NULL, ERR_CONFLICT },
	{ "[\"a_b=1\"]", "a-b=1", "[\"*\"]", NULL, ERR_CONFLICT },
	{ "[\"a=1\"]", "b=1 b=1", "[\"b\"]", "a=1 b=1", ERR_OK },
	{ "[\"a=1\"]", "b=1 b=2", "[\"b\"]", NULL, ERR_CONFLICT },
	{ "[\"a=1\"]", "a=1 c=3", "[\"c\"]", "a=1 c=3", ERR_OK },
	{ "[\"a=1\", \"a=1\"]", "", "[]", "a=1", ERR_OK },
	{ "[\"a=1\", \"a=2\"]", "", "[]", NULL, ERR_CONFLICT },
	{ "[\"a=1 b=2\"]", "", "[]", NULL, ERR_FORMAT },
	{ "[\" a=1\"]", "", "[]", NULL, ERR_FORMAT },
	{ "[\"a=1 \"]", "", "[]", NULL, ERR_FORMAT },
	{ "[\"\"]", "", "[]", NULL, ERR_FORMAT },
	{ "[1]", "", "[]", NULL, ERR_FORMAT },
	{ "[\"a=1\"]", "=x", "[\"*\"]", NULL, ERR_FORMAT },
};

static void combines_by_the_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(combinations) / sizeof(combinations[0]); i++) {
		auto_json json_t *profile = json_loads(combinations[i].profile, 0, NULL);
		auto_json json_t *allowed = json_loads(combinations[i].allowed, 0, NULL);
		auto_buf struct buf out = BUF_MAX(KPARAMS_TEXT_MAX), again = BUF_MAX(KPARAMS_TEXT_MAX);
		struct err err = ERR_NONE;
		int status = kparams_combine(profile, span_of(combinations[i].user), allowed, &out, &err);

		if ((status == 0) != (combinations[i].result != NULL))
			fail_msg("combination %zu: %s", i, err.text);
		assert_int_equal(err.kind, combinations[i].kind);
		if (status < 0)
			continue;
		assert_string_equal(buf_text(&out), combinations[i].result);
		/* a second webhook call sees the first one's result as the user's */
		assert_int_equal(kparams_combine(profile, buf_span(&out), allowed, &again, &err), 0);
		assert_string_equal(buf_text(&again), buf_text(&out));
	}
}

static void the_combined_text_has_a_ceiling(void **state)
{
	auto_buf struct buf out = BUF_MAX(2 * KPARAMS_TEXT_MAX);
	auto_json json_t *profile = json_array();
	char half[KPARAMS_TEXT_MAX / 2 + 8];
	struct err err = ERR_NONE;

	(void)state;
	memset(half, 'p', sizeof(half));
	json_array_append_new(profile, json_stringn(half, sizeof(half)));
	memset(half, 'q', sizeof(half));
	json_array_append_new(profile, json_stringn(half, sizeof(half)));
	assert_int_equal(kparams_combine(profile, SPAN_NONE, NULL, &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(out.len, 0);
}

/* ---- moving into init-data ---- */

static bool has_note(const struct kparams_moved *moved, const char *part)
{
	const json_t *note;
	size_t i;

	json_array_foreach (moved->notes, i, note)
		if (strstr(json_string_value(note), part))
			return true;
	return false;
}

static void moves_what_init_data_can_say(void **state)
{
	auto_kparams_moved struct kparams_moved moved;
	struct err err = ERR_NONE;
	const json_t *credential;

	(void)state;
	kparams_moved_init(&moved);
	assert_int_equal(kparams_to_initdata(
					 SPAN_LIT("quiet agent.aa_kbc_params=cc_kbc::https://kbs:8080 "
						  "agent.log=debug "
						  "agent.image_policy_file=kbs:///default/security-policy/"
						  "test "
						  "agent.enable_signature_verification=true "
						  "agent.image_registry_auth=kbs:///default/credential/test "
						  "agent.https_proxy=http://p:1 agent.http_proxy=http://p:2 "
						  "agent.no_proxy=a,b "
						  "cdh.kbs_resources=kbs:///a/b/c::/run/"
						  "confidential-containers/cdh/kbs/c,bad"),
					 &moved, &err),
			0);
	assert_string_equal(moved.config.kbs_url, "https://kbs:8080");
	assert_string_equal(moved.config.kbc_name, "cc_kbc");
	assert_string_equal(moved.config.image_policy_uri, "kbs:///default/security-policy/test");
	assert_string_equal(moved.config.registry_credentials_uri, "kbs:///default/credential/test");
	assert_string_equal(moved.config.https_proxy, "http://p:1");
	assert_string_equal(moved.config.http_proxy, "http://p:2");
	assert_string_equal(moved.config.no_proxy, "a,b");
	assert_int_equal(json_array_size(moved.config.credentials), 1);
	credential = json_array_get(moved.config.credentials, 0);
	assert_string_equal(json_text_at(credential, "resource_uri", NULL), "kbs:///a/b/c");
	assert_string_equal(json_text_at(credential, "path", NULL), "/run/confidential-containers/cdh/kbs/c");
	assert_string_equal(buf_text(&moved.rest),
			"quiet agent.log=debug agent.https_proxy=http://p:1 agent.no_proxy=a,b");
	assert_true(has_note(&moved, "'bad' has no \"::\""));
	assert_true(has_note(&moved, "launch measurement"));
	assert_true(has_note(&moved, "stay on the command line"));
}

static void takes_duplicates_as_the_guest_does(void **state)
{
	auto_kparams_moved struct kparams_moved moved;

	(void)state;
	kparams_moved_init(&moved);
	assert_int_equal(kparams_to_initdata(SPAN_LIT("agent.aa_kbc_params=cc_kbc::http://first:1 "
						      "agent.aa_kbc_params=cc_kbc::http://last:1 "
						      "cdh.kbs_resources=kbs:///a/b/first::/x "
						      "cdh.kbs_resources=kbs:///a/b/last::/x "
						      "agent.image_registry_auth=kbs:///a/b/first "
						      "agent.image_registry_auth=kbs:///a/b/last"),
					 &moved, NULL),
			0);
	assert_string_equal(moved.config.kbs_url, "http://first:1");
	assert_string_equal(moved.config.registry_credentials_uri, "kbs:///a/b/last");
	assert_string_equal(json_text_at(json_array_get(moved.config.credentials, 0), "resource_uri", NULL),
			"kbs:///a/b/first");
	assert_string_equal(buf_text(&moved.rest), "");
}

static void says_what_had_no_effect(void **state)
{
	static const char *const off[] = { "agent.image_policy_file=kbs:///a/b/c",
		"agent.image_policy_file=kbs:///a/b/c agent.enable_signature_verification=True",
		("agent.image_policy_file=kbs:///a/b/c agent.enable_signature_verification=true "
		 "agent.enable_signature_verification=false") };

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		auto_kparams_moved struct kparams_moved moved;

		kparams_moved_init(&moved);
		assert_int_equal(kparams_to_initdata(span_of(off[i]), &moved, NULL), 0);
		assert_null(moved.config.image_policy_uri);
		assert_true(has_note(&moved, "had no effect"));
		assert_string_equal(buf_text(&moved.rest), "");
	}
}

static void an_offline_guest_stays_offline(void **state)
{
	auto_kparams_moved struct kparams_moved moved;

	(void)state;
	kparams_moved_init(&moved);
	assert_int_equal(kparams_to_initdata(
					 SPAN_LIT("agent.aa_kbc_params=offline_fs_kbc::null"), &moved, NULL),
			0);
	assert_string_equal(moved.config.kbc_name, "offline_fs_kbc");
	assert_null(moved.config.kbs_url);
}

static void refuses_broker_parameters_that_the_guest_refuses(void **state)
{
	static const char *const bad[] = { "agent.aa_kbc_params=cc_kbc", "agent.aa_kbc_params",
		"agent.aa_kbc_params=cc_kbc::http://[::1]:8080", "agent.aa_kbc_params=a::b::c" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		auto_kparams_moved struct kparams_moved moved;
		struct err err = ERR_NONE;

		kparams_moved_init(&moved);
		assert_int_equal(kparams_to_initdata(span_of(bad[i]), &moved, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void leaves_alone_what_has_no_place_in_init_data(void **state)
{
	auto_kparams_moved struct kparams_moved moved;

	(void)state;
	kparams_moved_init(&moved);
	assert_int_equal(kparams_to_initdata(SPAN_LIT("agent.guest_components_procs=none x= quiet"), &moved,
					 NULL),
			0);
	assert_string_equal(buf_text(&moved.rest), "agent.guest_components_procs=none x= quiet");
	assert_int_equal(json_array_size(moved.notes), 0);
	assert_false(initdata_has_aa(&moved.config));
	assert_false(initdata_has_cdh(&moved.config));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_on_white_space_and_the_first_equals_sign),
		cmocka_unit_test(knows_an_empty_value_from_none),
		cmocka_unit_test(refuses_what_is_no_command_line),
		cmocka_unit_test(combines_by_the_rule),
		cmocka_unit_test(the_combined_text_has_a_ceiling),
		cmocka_unit_test(moves_what_init_data_can_say),
		cmocka_unit_test(takes_duplicates_as_the_guest_does),
		cmocka_unit_test(says_what_had_no_effect),
		cmocka_unit_test(an_offline_guest_stays_offline),
		cmocka_unit_test(refuses_broker_parameters_that_the_guest_refuses),
		cmocka_unit_test(leaves_alone_what_has_no_place_in_init_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
