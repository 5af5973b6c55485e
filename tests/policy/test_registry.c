/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "policy/registry.h"
#include "tests/policy/judge_scene.h"

static json_t *entries(const char *text)
{
	json_t *value = NULL;
	struct err err = ERR_NONE;
	auto_free char *whole = xasprintf("[%s]", text);

	if (yaml_read_one(span_of(whole), 1 << 20, &value, &err) < 0)
		fail_msg("%s\n%s", err.text, text);
	return value;
}

static int parse(const char *text, struct registry_list *out, struct err *err)
{
	auto_json json_t *array = entries(text);

	return registry_list_parse(array, "spec.registries", out, err);
}

static void good(const char *text, struct registry_list *out)
{
	struct err err = ERR_NONE;

	if (parse(text, out, &err) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void none_are_none(void **state)
{
	struct registry_list list = REGISTRY_LIST_NONE;

	(void)state;
	assert_int_equal(registry_list_parse(NULL, "spec.registries", &list, NULL), 0);
	assert_null(registry_list_find(&list, "docker.io"));
	registry_list_clear(&list);
	good("", &list);
	assert_int_equal(list.count, 0);
	registry_list_clear(&list);
}

static void an_entry_is_read_and_found(void **state)
{
	struct registry_list list = REGISTRY_LIST_NONE;

	(void)state;
	good("{host: 'registry.example:5000', plainHTTP: true, credentialsSecret: regcred, "
	     "proxy: 'http://proxy:3128', noProxy: '10.0.0.0/8,.svc', mirrors: [{location: "
	     "mirror.example/cache}, "
	     "{location: 'localhost:5001', plainHTTP: true}]}, {host: docker.io}",
			&list);
	assert_int_equal(list.count, 2);
	const struct registry_settings *one = registry_list_find(&list, "registry.example:5000");
	assert_ptr_equal(one, &list.items[0]);
	assert_true(one->plain_http);
	assert_string_equal(one->secret, "regcred");
	assert_string_equal(one->proxy, "http://proxy:3128");
	assert_string_equal(one->no_proxy, "10.0.0.0/8,.svc");
	assert_int_equal(one->ca.len, 0);
	assert_int_equal(one->mirror_count, 2);
	assert_string_equal(one->mirrors[0].location, "mirror.example/cache");
	assert_false(one->mirrors[0].plain_http);
	assert_true(one->mirrors[1].plain_http);
	assert_ptr_equal(registry_list_find(&list, "docker.io"), &list.items[1]);
	assert_null(registry_list_find(&list, "registry.example"));
	registry_list_clear(&list);
}

static void a_star_is_for_all_others(void **state)
{
	struct registry_list list = REGISTRY_LIST_NONE;

	(void)state;
	good("{host: '*', proxy: 'http://proxy:3128'}, {host: docker.io}", &list);
	assert_ptr_equal(registry_list_find(&list, "docker.io"), &list.items[1]);
	assert_ptr_equal(registry_list_find(&list, "ghcr.io"), &list.items[0]);
	registry_list_clear(&list);
}

static void certificates_are_read_once_to_see_that_they_are_some(void **state)
{
	auto_buf struct buf pem = BUF_MAX(65536);
	auto_json json_t *array = NULL;
	struct registry_list list = REGISTRY_LIST_NONE;

	(void)state;
	assert_int_equal(fs_read("tests/vectors/crypto/root.pem", &pem, NULL), 0);
	array = json_pack("[{s:s, s:s}]", "host", "registry.example", "ca", buf_text(&pem));
	assert_int_equal(registry_list_parse(array, "spec.registries", &list, NULL), 0);
	assert_true(span_eq(list.items[0].ca, buf_span(&pem)));
	registry_list_clear(&list);
}

static void equal_entries_have_one_identity(void **state)
{
	static const char *const others[] = {
		"{host: registry.example, plainHTTP: false}",
		"{host: registry.example, plainHTTP: true, credentialsSecret: a}",
		"{host: registry.example, plainHTTP: true, mirrors: [{location: mirror.example}]}",
	};
	struct registry_list one = REGISTRY_LIST_NONE, two = REGISTRY_LIST_NONE;

	(void)state;
	good("{host: registry.example, plainHTTP: true}", &one);
	good("{plainHTTP: true, host: registry.example}", &two);
	assert_memory_equal(one.items->identity, two.items->identity, 32);
	registry_list_clear(&two);
	for (size_t i = 0; i < COUNT(others); i++) {
		good(others[i], &two);
		assert_memory_not_equal(one.items->identity, two.items->identity, 32);
		registry_list_clear(&two);
	}
	registry_list_clear(&one);
}

static void malformed_entries_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "1", "spec.registries[0]: must be an object" },
		{ "{}", "spec.registries[0].host: is missing" },
		{ "{host: 1}", "spec.registries[0].host: must be text" },
		{ "{host: registry.example, plainHttp: true}", "did you mean 'plainHTTP'" },
		{ "{host: registry.example, plainHTTP: 'yes'}",
				"spec.registries[0].plainHTTP: must be true or" },
		{ "{host: registry}", "needs a dot or a port" },
		{ "{host: ''}", "spec.registries[0].host" },
		{ "{host: Registry.Example}", "must be written as 'registry.example'" },
		{ "{host: 'registry.example:443'}", "must be written as 'registry.example'" },
		{ "{host: index.docker.io}", "must be written as 'docker.io'" },
		{ "{host: registry.example/shop}", "is no HOST[:PORT]" },
		{ "{host: 'user@registry.example'}", "spec.registries[0].host" },
		{ "{host: 'https://registry.example'}", "spec.registries[0].host" },
		{ "{host: '*.example'}", "spec.registries[0].host" },
		{ "{host: a.example}, {host: a.example}",
				"spec.registries[1].host: 'a.example' has an entry" },
		{ "{host: a.example, ca: x}", "spec.registries[0].ca" },
		{ "{host: a.example, ca: ''}", "spec.registries[0].ca" },
		{ "{host: a.example, proxy: 'proxy:3128'}", "proxy: must begin with http://" },
		{ "{host: a.example, proxy: 'http://me:secret@proxy:3128'}", "everybody can read" },
		{ "{host: a.example, noProxy: '.svc'}", "there is no proxy" },
		{ "{host: a.example, credentialsSecret: 'a b'}", "is no name of a Secret" },
		{ "{host: a.example, mirrors: {}}", "mirrors: must be an array" },
		{ "{host: a.example, mirrors: [a.example]}", "mirrors[0]: must be an object" },
		{ "{host: a.example, mirrors: [{}]}", "mirrors[0].location: is missing" },
		{ "{host: a.example, mirrors: [{location: mirror}]}", "mirrors[0].location" },
		{ "{host: a.example, mirrors: [{location: 'http://m.example'}]}", "mirrors[0].location" },
		{ "{host: a.example, mirrors: [{location: 'm.example/Upper'}]}", "mirrors[0].location" },
		{ "{host: a.example, mirrors: [{location: 'm.example', insecure: true}]}",
				"mirrors[0].insecure" },
		{ "{host: '*', mirrors: [{location: m.example}]}", "name the host that they mirror" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct registry_list list = REGISTRY_LIST_NONE;
		struct err err = ERR_NONE;
		if (parse(cases[i].text, &list, &err) == 0)
			fail_msg("accepted %s", cases[i].text);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_null(list.items);
	}
}

static void there_are_bounds(void **state)
{
	auto_buf struct buf text = BUF_MAX(65536);
	struct registry_list list = REGISTRY_LIST_NONE;
	auto_json json_t *object = json_object();
	struct err err = ERR_NONE;

	(void)state;
	for (unsigned i = 0; i < REGISTRIES_MAX; i++)
		buf_printf(&text, "%s{host: r%u.example}", i ? ", " : "", i);
	good(buf_text(&text), &list);
	registry_list_clear(&list);
	buf_puts(&text, ", {host: one.more.example}");
	assert_int_equal(parse(buf_text(&text), &list, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_reset(&text);
	buf_puts(&text, "{host: a.example, mirrors: [");
	for (unsigned i = 0; i <= REGISTRY_MIRRORS_MAX; i++)
		buf_printf(&text, "%s{location: r%u.example}", i ? ", " : "", i);
	buf_puts(&text, "]}");
	assert_int_equal(parse(buf_text(&text), &list, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_reset(&text);
	buf_puts(&text, "{host: a.example, mirrors: [{location: 'a.example/");
	for (unsigned i = 0; i < 600; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, "'}]}");
	assert_int_equal(parse(buf_text(&text), &list, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(registry_list_parse(object, "spec.registries", &list, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_are_none),
		cmocka_unit_test(an_entry_is_read_and_found),
		cmocka_unit_test(a_star_is_for_all_others),
		cmocka_unit_test(certificates_are_read_once_to_see_that_they_are_some),
		cmocka_unit_test(equal_entries_have_one_identity),
		cmocka_unit_test(malformed_entries_are_refused_by_name),
		cmocka_unit_test(there_are_bounds),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
