/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "codec/json.h"
#include "policy/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list)  (sizeof(list) / sizeof((list)[0]))
#define HEX          "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define INDEX        "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PLATFORM     "sha256:" HEX

#define DOC(entries) "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n" entries
#define AA           "\"aa.toml\" = '''\n[token_configs.kbs]\nurl = \"https://aa.example:8080\"\n'''\n"
#define CDH(rest)    "\"cdh.toml\" = '''\n[kbc]\nname = \"cc_kbc\"\nurl = \"https://cdh.example\"\n" rest "'''\n"
#define REGO(text)   "\"policy.rego\" = '''\n" text "'''\n"

static void read(const char *text, struct guest_view *out)
{
	struct err err = ERR_NONE;

	if (guest_view_read(span_of(text), out, &err) < 0)
		fail_msg("%s", err.text);
}

static void reads_every_setting_of_images(void **state)
{
	static const char text[] = DOC(
			AA CDH("[image]\nimage_security_policy_uri = \"kbs:///default/security-policy/1\"\n"
			       "image_security_policy = \"{}\"\n"
			       "sigstore_config_uri = \"kbs:///default/sigstore-config/1\"\n"
			       "sigstore_config = \"default-docker: {}\"\n"
			       "registry_configuration_uri = \"kbs:///default/registry/1\"\n"
			       "[image.registry_config]\n"
			       "unqualified-search-registries = [\"quay.io\"]\n") REGO("package a\n"));
	auto_guest_view struct guest_view view;

	(void)state;
	read(text, &view);
	assert_true(view.image);
	assert_string_equal(view.kbs_url, "https://aa.example:8080");
	assert_string_equal(view.policy, "{}");
	assert_string_equal(view.policy_uri, "kbs:///default/security-policy/1");
	assert_string_equal(view.sigstore, "default-docker: {}");
	assert_string_equal(view.sigstore_uri, "kbs:///default/sigstore-config/1");
	assert_string_equal(view.registries_uri, "kbs:///default/registry/1");
	assert_int_equal(json_array_size(json_at(view.registries, "unqualified-search-registries", NULL)), 1);
	assert_string_equal(view.agent_policy, "package a\n");
}

static void takes_what_is_missing_for_nothing(void **state)
{
	auto_guest_view struct guest_view view;

	(void)state;
	read(DOC(CDH("")), &view);
	assert_false(view.image);
	assert_string_equal(view.kbs_url, "https://cdh.example");
	assert_null(view.policy);
	assert_null(view.policy_uri);
	assert_null(view.registries);
	assert_null(view.agent_policy);
	guest_view_clear(&view);
	read(DOC("other = \"x\"\n"), &view);
	assert_false(view.image);
	assert_null(view.kbs_url);
	guest_view_clear(&view);
	/* empty is there: the kernel command line is not asked any more */
	read(DOC(CDH("[image]\n")), &view);
	assert_true(view.image);
	guest_view_clear(&view);
	/* of another type: nothing that a text could be taken from */
	read(DOC("\"aa.toml\" = \"token_configs = 1\"\n\"cdh.toml\" = \"image = 3\"\n"), &view);
	assert_false(view.image);
	assert_null(view.kbs_url);
}

static void refuses_documents_that_are_none(void **state)
{
	static const char good[] = DOC(AA CDH("[image]\n"));
	static const char *const cases[] = {
		"",
		"x",
		DOC("\"aa.toml\" = 1\n"),
		DOC("\"aa.toml\" = \"x = \"\n"),
		DOC("\"cdh.toml\" = \"[image]\\n[image]\"\n"),
		DOC(AA AA),
		"version = \"0.2.0\"\nalgorithm = \"sha256\"\n[data]\n" AA,
		"version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]\n" AA,
	};
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_guest_view struct guest_view view;

		if (guest_view_read(span_of(cases[i]), &view, &err) == 0)
			fail_msg("'%s' was read", cases[i]);
		assert_false(view.image);
	}
	for (size_t len = 0; len < strlen(good); len++) {
		auto_guest_view struct guest_view view;
		int status = guest_view_read(span_new(good, len), &view, NULL);

		assert_true(status == 0 || !view.kbs_url);
	}
	auto_guest_view struct guest_view view;
	assert_int_equal(guest_view_read(SPAN_LIT(DOC("\"aa.toml\" = \"x = \"\n")), &view, &err), -1);
	assert_non_null(strstr(err.text, "aa.toml of the init-data"));
}

static void finds_digests_in_the_agent_policy(void **state)
{
	static const struct {
		const char *text;
		bool named;
	} cases[] = {
		{ DOC(REGO("a := \"" INDEX "\"\n")), true },
		{ DOC(REGO("x = 1\ny := [\"r.example/a@" PLATFORM "\"]\n")), true },
		{ DOC(REGO("a := \"" PLATFORM "b\" # longer\nb := \"" PLATFORM "\"\n")), true },
		/* hex digits behind it make another text of it */
		{ DOC(REGO("a := \"" PLATFORM "b\"\n")), false },
		/* without its algorithm it is no digest */
		{ DOC(REGO("a := \"" HEX "\"\n")), false },
		{ DOC(REGO("# " INDEX "\n\t# " PLATFORM "\n")), false },
		{ DOC(REGO("a := 1 # " INDEX "\n")), false },
		{ DOC(REGO("a := \"b\" # \"" INDEX "\"\n")), false },
		{ DOC(REGO("a := \"\\\"\" # " INDEX "\n")), false },
		{ DOC(REGO("a := `\"` # " INDEX "\n")), false },
		/* a sharp in a text begins none */
		{ DOC(REGO("a := \"# " INDEX "\"\n")), true },
		{ DOC(REGO("a := \"\\\"# " INDEX "\"\n")), true },
		{ DOC(REGO("a := `\n# " INDEX "`\n")), true },
		{ DOC(REGO("package agent_policy\n")), false },
		{ DOC(AA), false },
	};
	const struct image_platform platforms[] = { { .digest = PLATFORM, .name = "linux/amd64" } };
	const struct image_facts facts = { .digest = INDEX, .platforms = platforms, .platform_count = 1 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_guest_view struct guest_view view;

		read(cases[i].text, &view);
		if (guest_view_names_digest(&view, &facts) != cases[i].named)
			fail_msg("%s", cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_setting_of_images),
		cmocka_unit_test(takes_what_is_missing_for_nothing),
		cmocka_unit_test(refuses_documents_that_are_none),
		cmocka_unit_test(finds_digests_in_the_agent_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
