/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list)  (sizeof(list) / sizeof((list)[0]))
#define DIGEST       "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define NAME         "registry.example/shop/app"

#define GPG(rest)    "{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"kbs:///a/b/c\"" rest "}"
#define COSIGN(rest) "{\"type\":\"sigstoreSigned\",\"keyPath\":\"kbs:///a/b/c\"" rest "}"
#define ID(id)       ",\"signedIdentity\":{\"type\":" id "}"
#define ACCEPT       "{\"type\":\"insecureAcceptAnything\"}"
#define REJECT       "{\"type\":\"reject\"}"
#define ALL(list)    "{\"default\":[" list "],\"transports\":{}}"

static const char *const forms[] = { "none", "auto", "keep the tag", "drop the tag" };

static void check(const char *what, const struct policy_guest *settings, const struct guest_view *view,
		const char *text, enum policy_pin wanted, const char *words)
{
	auto_buf struct buf why = BUF_MAX(4096);
	struct oci_name name;

	assert_int_equal(oci_name_parse(text, &name, NULL), 0);
	enum policy_pin form = guest_pin_form(settings, view, text, &name, &why);
	if (form != wanted || !span_glob(span_of(words), buf_span(&why)))
		fail_msg("%s, %s: %s, not %s: %s", what, text, forms[form], forms[wanted], buf_text(&why));
}

static void chooses_the_form_that_the_guests_rule_takes(void **state)
{
	static const struct {
		const char *policy, *text;
		enum policy_pin form;
		const char *words;
	} cases[] = {
		{ ALL(ACCEPT), NAME ":1", PIN_KEEP_TAG, "" },
		{ ALL(""), NAME, PIN_KEEP_TAG, "" },
		{ ALL(REJECT), NAME ":1", PIN_KEEP_TAG, "" },
		{ ALL(COSIGN("")), NAME ":1", PIN_KEEP_TAG, "" },
		{ ALL(COSIGN(ID("\"matchRepository\""))), NAME ":1", PIN_KEEP_TAG, "" },
		/* a rule that is refused for itself is not the pin's fault */
		{ ALL(COSIGN(ID("\"matchExact\""))), NAME ":1", PIN_KEEP_TAG, "" },
		{ ALL(GPG("")), NAME ":1", PIN_DROP_TAG,
				"with tag and digest: *compares the whole reference*" },
		{ ALL(GPG(ID("\"matchRepoDigestOrExact\""))), NAME ":1", PIN_DROP_TAG, "*" },
		{ ALL(GPG(ID("\"remapIdentity\",\"prefix\":\"a\",\"signedPrefix\":\"b\""))), NAME ":1",
				PIN_DROP_TAG, "*" },
		{ ALL(GPG(ID("\"matchExact\""))), NAME ":1", PIN_NONE,
				"*matchExact takes no*; with the digest alone: *" },
		{ ALL(GPG(ID("\"matchRepository\""))), NAME ":1", PIN_KEEP_TAG, "" },
		{ ALL(GPG(ID("\"exactRepository\",\"dockerRepository\":\"a\""))), NAME ":1", PIN_KEEP_TAG,
				"" },
		{ ALL(GPG(ID("\"exactReference\",\"dockerReference\":\"a\""))), NAME ":1", PIN_KEEP_TAG, "" },
		{ ALL(GPG(ID("\"matchRepository\"")) "," GPG("")), NAME ":1", PIN_DROP_TAG, "*" },
		/* there is a digest already */
		{ ALL(GPG("")), NAME ":1@" DIGEST, PIN_DROP_TAG, "*" },
		{ ALL(GPG("")), NAME "@" DIGEST, PIN_KEEP_TAG, "" },
		/* the scope of this very tag is not hit by any pinned form */
		{ "{\"default\":[" REJECT "],\"transports\":{\"docker\":{\"" NAME ":1\":[" ACCEPT "]}}}",
				NAME ":1", PIN_NONE, "*names the tag*" },
		{ "{\"default\":[" REJECT "],\"transports\":{\"docker\":{\"" NAME ":1\":[" ACCEPT "]}}}",
				NAME ":2", PIN_KEEP_TAG, "" },
		{ "{\"default\":[" GPG(ID("\"matchExact\"")) "],\"transports\":{\"docker\":{\"registry."
							     "example\":[" GPG("") "]}}}",
				NAME ":1", PIN_DROP_TAG, "*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		check(cases[i].policy, &(struct policy_guest){ .policy = cases[i].policy }, NULL,
				cases[i].text, cases[i].form, cases[i].words);
}

static void keeps_the_tag_where_nothing_is_known(void **state)
{
	static char uri[] = "kbs:///a/b/c";
	const struct guest_view none = { .image = false }, unlisted = { .image = true, .policy_uri = uri };
	const struct guest_view free = { .image = true };

	(void)state;
	check("no settings", NULL, NULL, NAME ":1", PIN_KEEP_TAG, "*no init-data*");
	check("no table", NULL, &none, NAME ":1", PIN_KEEP_TAG, "*kernel command line*");
	check("not listed", NULL, &unlisted, NAME ":1", PIN_KEEP_TAG, "*does not list*");
	check("no policy", NULL, &free, NAME ":1", PIN_KEEP_TAG, "");
}

static void heeds_the_guests_registry_configuration(void **state)
{
	static const struct {
		const char *registries, *policy, *text;
		enum policy_pin form;
		const char *words;
	} cases[] = {
		/* quirk: at other registries to search, a name with a tag loses its digest */
		{ "{\"unqualified-search-registries\":[\"docker.io\",\"x.example\"]}", ALL(ACCEPT),
				"busybox:1", PIN_DROP_TAG,
				"*unqualified-search-registries drop the digest*" },
		{ "{\"unqualified-search-registries\":[\"docker.io\"]}", ALL(ACCEPT), "busybox:1",
				PIN_KEEP_TAG, "" },
		{ "{\"unqualified-search-registries\":[\"x.example\"]}", ALL(GPG(ID("\"matchExact\""))),
				"busybox:1", PIN_NONE, "*" },
		/* judged by the mirror's scope */
		{ "{\"registry\":[{\"prefix\":\"registry.example\",\"mirror\":[{\"location\":\"m.example\"}]}"
		  "]}",
				"{\"default\":[" ACCEPT
				"],\"transports\":{\"docker\":{\"m.example\":[" GPG("") "]}}}",
				NAME ":1", PIN_DROP_TAG, "*" },
		/* a rule for the tag */
		{ "{\"registry\":[{\"prefix\":\"" NAME
		  ":1\",\"mirror\":[{\"location\":\"m.example/a:1\"}]}]}",
				ALL(ACCEPT), NAME ":1", PIN_KEEP_TAG, "" },
		{ "{\"registry\":[{\"prefix\":\"" NAME ":1\",\"blocked\":true}]}", ALL(ACCEPT), NAME ":1",
				PIN_NONE, "*rules for the tag*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *registries = json_loads(cases[i].registries, 0, NULL);
		const struct guest_view view = { .image = true, .registries = registries };

		assert_non_null(registries);
		check(cases[i].registries, &(struct policy_guest){ .policy = cases[i].policy }, &view,
				cases[i].text, cases[i].form, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_the_form_that_the_guests_rule_takes),
		cmocka_unit_test(keeps_the_tag_where_nothing_is_known),
		cmocka_unit_test(heeds_the_guests_registry_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
