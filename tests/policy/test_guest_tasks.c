/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "policy/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define DIGEST      "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const char config[] =
		"unqualified-search-registries = [\"docker.io\", \"example1.com\"]\n"
		"[[registry]]\nprefix = \"example.com/banned\"\nblocked = true\n"
		"[[registry]]\nprefix = \"example.com/foo\"\ninsecure = false\nblocked = false\n"
		"location = \"internal-registry-for-example.com/bar\"\n"
		"[[registry.mirror]]\nlocation = \"example-mirror-0.local/mirror-for-foo\"\n"
		"[[registry.mirror]]\nlocation = \"example-mirror-1.local/mirrors/foo\"\ninsecure = true\n"
		"[[registry]]\nlocation = \"docker.io\"\n"
		"[[registry.mirror]]\nlocation = \"123456.mirror.aliyuncs.com\"\n"
		"[[registry]]\nprefix = \"*.wild.example\"\nlocation = \"plain.example/w\"\ninsecure = true\n"
		"[[registry]]\nprefix = \"lonely.example\"\ninsecure = true\n";

static json_t *parse(const char *text)
{
	struct err err = ERR_NONE;
	json_t *json = NULL;

	if (toml_parse(span_of(text), 65536, &json, &err) < 0)
		fail_msg("%s", err.text);
	return json;
}

/* The tasks as "reference, !reference by plain http". */
static int list(const char *toml, const char *text, char out[static 4096], struct err *err)
{
	auto_json json_t *registries = toml ? parse(toml) : NULL;
	static struct guest_task tasks[GUEST_TASKS_MAX];
	char whole[OCI_NAME_MAX];
	struct oci_name name;
	size_t count = 0;

	assert_int_equal(guest_reference(text, &name, NULL), 0);
	if (guest_tasks(registries, &name, tasks, &count, err) < 0)
		return -1;
	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		oci_name_format(&tasks[i].name, whole);
		size_t len = strlen(out);
		snprintf(out + len, 4096 - len, "%s%s%s", len ? " " : "", tasks[i].plain_http ? "!" : "",
				whole);
	}
	return 0;
}

static void lists_where_the_guest_pulls_from(void **state)
{
	static const struct {
		const char *text, *tasks;
	} cases[] = {
		{ "bar:tag",
				"123456.mirror.aliyuncs.com/library/bar:tag docker.io/library/bar:tag "
				"example1.com/bar:tag" },
		{ "foo/bar:tag",
				"123456.mirror.aliyuncs.com/foo/bar:tag docker.io/foo/bar:tag "
				"example1.com/foo/bar:tag" },
		/* a name with docker.io in so many words is expanded, too */
		{ "docker.io/foo/bar:tag",
				"123456.mirror.aliyuncs.com/foo/bar:tag docker.io/foo/bar:tag "
				"example1.com/foo/bar:tag" },
		/* the tag wins over the digest where the registry is another */
		{ "bar:tag@" DIGEST,
				"123456.mirror.aliyuncs.com/library/bar:tag@" DIGEST
				" docker.io/library/bar:tag@" DIGEST " example1.com/bar:tag" },
		{ "bar@" DIGEST,
				"123456.mirror.aliyuncs.com/library/bar@" DIGEST
				" docker.io/library/bar@" DIGEST " example1.com/bar@" DIGEST },
		{ "example.com/foo/image:tag",
				"example-mirror-0.local/mirror-for-foo/image:tag "
				"!example-mirror-1.local/mirrors/foo/image:tag "
				"internal-registry-for-example.com/bar/image:tag" },
		{ "example.com/banned-suffix/image:tag", "example.com/banned-suffix/image:tag" },
		{ "example.com/no-banned/image:tag", "example.com/no-banned/image:tag" },
		/* the prefix is found anywhere, and all before its end is replaced */
		{ "evil-example.com/foo/x:1",
				"example-mirror-0.local/mirror-for-foo/x:1 "
				"!example-mirror-1.local/mirrors/foo/x:1 "
				"internal-registry-for-example.com/bar/x:1" },
		{ "evil.example/example.com/foo:1",
				"example-mirror-0.local/mirror-for-foo:1 "
				"!example-mirror-1.local/mirrors/foo:1 "
				"internal-registry-for-example.com/bar:1" },
		/* only its first occurrence counts */
		{ "example.com/foobar/example.com/foo:1", "example.com/foobar/example.com/foo:1" },
		{ "a.wild.example/x:1", "!plain.example/w/x:1" },
		{ "a.b.wild.example/x:1", "!plain.example/w/x:1" },
		{ "wild.example/x:1", "wild.example/x:1" },
		{ "other.example/a.wild.example/x:1", "other.example/a.wild.example/x:1" },
		{ "a.wild.example.org/x:1", "a.wild.example.org/x:1" },
		/* without a location, insecure is about nothing */
		{ "lonely.example/x:1", "lonely.example/x:1" },
		{ "ghcr.io/x/y:1", "ghcr.io/x/y:1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;
		char tasks[4096];

		if (list(config, cases[i].text, tasks, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(tasks, cases[i].tasks);
	}
}

static void blocks_what_a_rule_blocks(void **state)
{
	struct err err = ERR_NONE;
	char tasks[4096];

	(void)state;
	assert_int_equal(list(config, "example.com/banned/image:tag", tasks, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_string_equal(err.text, "Image example.com/banned/image:tag is blocked by registry rule.");
	err_clear(&err);
	assert_int_equal(list("unqualified-search-registries = []", "bar", tasks, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
}

static void has_one_task_without_a_configuration(void **state)
{
	char tasks[4096];

	(void)state;
	assert_int_equal(list(NULL, "bar:1@" DIGEST, tasks, NULL), 0);
	assert_string_equal(tasks, "docker.io/library/bar:1@" DIGEST);
	assert_int_equal(list("", "bar", tasks, NULL), 0);
	assert_string_equal(tasks, "docker.io/library/bar:latest");
	/* what the guest does not know is nothing to it */
	assert_int_equal(list("short-name-mode = \"enforcing\"\n[aliases]\nbar = \"quay.io/bar\"", "bar",
					 tasks, NULL),
			0);
	assert_string_equal(tasks, "docker.io/library/bar:latest");
}

static void takes_the_longest_match_and_the_last_of_equals(void **state)
{
	static const char rules[] = "[[registry]]\nprefix = \"a.example\"\nlocation = \"one.example\"\n"
				    "[[registry]]\nprefix = \"a.example/x\"\nlocation = \"two.example\"\n"
				    "[[registry]]\nprefix = \"a.example/x\"\nlocation = \"three.example\"\n"
				    "[[registry]]\nprefix = \"/x\"\nlocation = \"four.example\"\n"
				    "[[registry]]\nprefix = \"a.example/y\"\nlocation = \"\"\n";
	char tasks[4096];

	(void)state;
	assert_int_equal(list(rules, "a.example/z:1", tasks, NULL), 0);
	assert_string_equal(tasks, "one.example/z:1");
	assert_int_equal(list(rules, "a.example/x/z:1", tasks, NULL), 0);
	assert_string_equal(tasks, "four.example/z:1");
}

static void refuses_configurations_that_the_guest_cannot_use(void **state)
{
	static const struct {
		const char *toml, *words;
	} cases[] = {
		{ "[[registry]]\nblocked = true", "both location and prefix are empty" },
		{ "[[registry]]\nprefix = \"*.example.com\"",
				"location is unset and prefix is with wildcard" },
		{ "[[registry]]\nprefix = \"a.b\"\n[[registry.mirror]]\nlocation = \"\"",
				"mirror location is empty" },
		{ "[[registry]]\nprefix = \"a.b\"\n[[registry.mirror]]\ninsecure = true", "location" },
		{ "[[registry]]\nprefix = \"a.b\"\nmirror = [1]", "must be a table" },
		{ "[[registry]]\nprefix = \"a.b\"\nmirror = 1", "mirror" },
		{ "[[registry]]\nprefix = 1", "prefix" },
		{ "[[registry]]\nprefix = \"a.b\"\nblocked = \"yes\"", "blocked" },
		{ "registry = [1]", "must be a table" },
		{ "registry = 1", "registry" },
		{ "unqualified-search-registries = \"docker.io\"", "unqualified-search-registries" },
		{ "unqualified-search-registries = [1]", "unqualified-search-registries" },
		{ "[[registry]]\nprefix = \"ghcr.io\"\nlocation = \"UPPER CASE\"",
				"failed to compose a legal image reference" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err err = ERR_NONE;
		char tasks[4096];

		if (list(cases[i].toml, "ghcr.io/x/y:1", tasks, &err) == 0)
			fail_msg("%s was taken", cases[i].toml);
		if (!strstr(err.text, cases[i].words))
			fail_msg("%s: %s", cases[i].toml, err.text);
	}
}

static void bounds_the_number_of_places(void **state)
{
	auto_json json_t *registries = json_object(), *searched = json_array(), *rules = json_array(),
			 *mirrors = json_array();
	static struct guest_task tasks[GUEST_TASKS_MAX];
	struct err err = ERR_NONE;
	struct oci_name name;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < 8; i++)
		json_array_append_new(mirrors, json_pack("{s:s}", "location", "m.example"));
	json_array_append_new(rules, json_pack("{s:s,s:O}", "prefix", "docker.io", "mirror", mirrors));
	json_object_set(registries, "registry", rules);
	json_object_set(registries, "unqualified-search-registries", searched);
	assert_int_equal(guest_reference("bar", &name, NULL), 0);
	for (int i = 0; i < 3; i++)
		json_array_append_new(searched, json_string("docker.io"));
	assert_int_equal(guest_tasks(registries, &name, tasks, &count, &err), 0);
	assert_int_equal(count, 27);
	json_array_append_new(searched, json_string("docker.io"));
	assert_int_equal(guest_tasks(registries, &name, tasks, &count, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_where_the_guest_pulls_from),
		cmocka_unit_test(blocks_what_a_rule_blocks),
		cmocka_unit_test(has_one_task_without_a_configuration),
		cmocka_unit_test(takes_the_longest_match_and_the_last_of_equals),
		cmocka_unit_test(refuses_configurations_that_the_guest_cannot_use),
		cmocka_unit_test(bounds_the_number_of_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
