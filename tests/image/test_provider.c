/* SPDX-License-Identifier: Apache-2.0 */
#include "image/provider.h"
#include "tests/image/recordings.h"
#include "tests/image/wrapping.h"

#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE 20000

/* ---- a folder with a provider's program and the configuration that names it ---- */

struct scene {
	char dir[64];
	char *config;
	struct wrap_settings settings;
};

static void put_file(const struct scene *scene, const char *name, const char *text, mode_t mode)
{
	auto_free char *path = xasprintf("%s/%s", scene->dir, name);

	assert_int_equal(fs_write_atomic(path, span_of(text), mode, NULL), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* script: of the provider "mine", which finds the request in $0.request. */
static void scene_open(struct scene *scene, const char *script, int timeout)
{
	snprintf(scene->dir, sizeof(scene->dir), "/tmp/cocoon-provider-XXXXXX");
	assert_non_null(mkdtemp(scene->dir));
	auto_free char *text = xasprintf("#!/bin/sh\ncat >\"$0.request\"\n%s\n", script);
	auto_free char *config = xasprintf(
			"{\"key-providers\":{\"mine\":{\"cmd\":{\"path\":\"%s/p\",\"args\":[\"a b\","
			"\"c\"]}},\"far\":{\"native\":\"x\"},\"bare\":{}}}",
			scene->dir);
	put_file(scene, "p", text, 0700);
	put_file(scene, "config", config, 0600);
	scene->config = xasprintf("%s/config", scene->dir);
	scene->settings = (struct wrap_settings){ .provider_config = scene->config,
		.provider_timeout = timeout };
}

static void scene_close(struct scene *scene)
{
	static const char *const names[] = { "p", "config", "p.request", "count" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", scene->dir, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(scene->dir), 0);
	free(scene->config);
}
#define auto_scene __attribute__((cleanup(scene_close)))

static void assert_request(const struct scene *scene, const char *want)
{
	auto_free char *path = xasprintf("%s/p.request", scene->dir);
	auto_buf struct buf got = BUF_MAX(8192);

	load(path, &got);
	assert_string_equal(buf_text(&got), want);
}

/* ---- the configuration ---- */

static void reads_every_way_of_reaching_a_provider(void **state)
{
	auto_provider_config struct provider_config *config = NULL;
	struct err err = ERR_NONE;

	(void)state;
	if (provider_config_parse(
			    SPAN_LIT("{\"key-providers\":{"
				     "\"a\":{\"cmd\":{\"path\":\"/bin/p\"},\"grpc\":\"h:1\"},"
				     "\"b\":{\"grpc\":\"unix:///run/s\",\"grpc-tls\":{\"root-ca-file\":\"\","
				     "\"insecure-skip-verify\":true,\"new\":1}},"
				     "\"c\":{\"ttrpc\":\"unix:///"
				     "x\"},\"d\":{\"native\":\"x\"},\"e\":{}},\"more\":1}"),
			    &config, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(provider_count(config), 5);
	assert_int_equal(provider_check(provider_find(config, "a", NULL), NULL), 0);
	assert_int_equal(provider_check(provider_find(config, "b", NULL), NULL), 0);
	assert_int_equal(provider_check(provider_find(config, "c", NULL), NULL), 0);
	assert_int_equal(provider_check(provider_find(config, "d", NULL), &err), -1);
	assert_int_equal(provider_check(provider_find(config, "e", NULL), &err), -1);
	assert_non_null(strstr(err.text, "without a way to reach it"));
	assert_null(provider_find(config, "f", &err));
	assert_string_equal(err.text, "the key provider 'f' is not configured; known are a, b, c, d, e");
}

static void refuses_a_configuration_that_is_none(void **state)
{
	static const char *const cases[] = { "", "[]", "{}", "{\"key-providers\":[]}",
		"{\"key-providers\":{\"a\":1}}", "{\"key-providers\":{\"a\":{\"cmd\":\"/bin/p\"}}}",
		"{\"key-providers\":{\"a\":{\"cmd\":{}}}}",
		"{\"key-providers\":{\"a\":{\"cmd\":{\"path\":\"\"}}}}",
		"{\"key-providers\":{\"a\":{\"cmd\":{\"path\":\"p\",\"args\":[1]}}}}",
		"{\"key-providers\":{\"a\":{\"grpc\":\"nowhere\"}}}",
		"{\"key-providers\":{\"a\":{\"grpc\":7}}}",
		"{\"key-providers\":{\"a\":{\"grpc\":\"h:1\",\"grpc-tls\":[]}}}",
		"{\"key-providers\":{\"a\":{},\"a\":{}}}", "{\"key-providers\":{\"\":{}}}",
		"{\"key-providers\":{\"a b\":{}}}", "{\"key-providers\":{\"a:b\":{}}}",
		"{\"key-providers\":{\"privkeys\":{}}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_provider_config struct provider_config *config = NULL;
		if (provider_config_parse(span_of(cases[i]), &config, NULL) == 0)
			fail_msg("%s was taken", cases[i]);
	}
}

/* ---- requests and answers ---- */

static void asks_as_the_go_library_asks(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf element = BUF_MAX(64);
	struct err err = ERR_NONE;

	(void)state;
	scene_open(&scene,
			"printf '{\"keywrapresults\":{\"annotation\":\"aGk=\"},\"keyunwrapresults\":null}'",
			PATIENCE);
	if (wrap_to(&wrap_provider, &scene.settings, "mine:k=v:w", SPAN_LIT("{}"), &element, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&element), "hi");
	assert_request(&scene,
			"{\"op\":\"keywrap\",\"keywrapparams\":{\"ec\":{\"Parameters\":{\"mine\":[\"az12Onc="
			"\"]},"
			"\"DecryptConfig\":{\"Parameters\":{}}},\"optsdata\":\"e30=\"},"
			"\"keyunwrapparams\":{\"dc\":null,\"annotation\":null}}");
}

static void sends_the_word_enabled_where_no_attributes_are_given(void **state)
{
	auto_scene struct scene scene;
	auto_buf struct buf element = BUF_MAX(64);
	struct err err = ERR_NONE;

	(void)state;
	scene_open(&scene,
			"test \"$1 $2\" = 'a b c' && printf "
			"'{\"keywrapresults\":{\"annotation\":[104,105]}}'",
			PATIENCE);
	if (wrap_to(&wrap_provider, &scene.settings, "mine", SPAN_LIT("{}"), &element, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&element), "hi");
	assert_request(&scene,
			"{\"op\":\"keywrap\",\"keywrapparams\":{\"ec\":{\"Parameters\":{\"mine\":["
			"\"RW5hYmxlZA==\"]},"
			"\"DecryptConfig\":{\"Parameters\":{}}},\"optsdata\":\"e30=\"},"
			"\"keyunwrapparams\":{\"dc\":null,\"annotation\":null}}");
}

static void unwraps_with_and_without_a_key_that_names_the_provider(void **state)
{
	static const char *const named[] = { "provider:mine:x", NULL };
	static const char *const nothing[] = { NULL };
	auto_scene struct scene scene;
	auto_secret struct secret options = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	scene_open(&scene, "printf '{\"keyunwrapresults\":{\"optsdata\":[123,125]}}'", PATIENCE);
	if (open_with(&wrap_provider, &scene.settings, named, SPAN_LIT("hi"), &options, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&options, SPAN_LIT("{}")));
	assert_request(&scene,
			"{\"op\":\"keyunwrap\",\"keywrapparams\":{\"ec\":null,\"optsdata\":null},"
			"\"keyunwrapparams\":"
			"{\"dc\":{\"Parameters\":{\"mine\":[\"eA==\"]}},\"annotation\":\"aGk=\"}}");
	if (open_with(&wrap_provider, &scene.settings, nothing, SPAN_LIT("hi"), &options, &err) < 0)
		fail_msg("%s", err.text);
	assert_request(&scene,
			"{\"op\":\"keyunwrap\",\"keywrapparams\":{\"ec\":null,\"optsdata\":null},"
			"\"keyunwrapparams\":"
			"{\"dc\":{\"Parameters\":{}},\"annotation\":\"aGk=\"}}");
}

static void never_leaves_out_a_provider_that_is_not_configured(void **state)
{
	static const struct {
		const char *value, *why;
	} cases[] = {
		{ "other", "'other' is not configured; known are mine, far, bare" },
		{ "far", "as a library of Rust alone" },
		{ "bare", "without a way to reach it" },
		{ "privkeys", "the word for other keys" },
		{ "", "1 to 100 bytes" },
	};
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene, "exit 1", PATIENCE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct recipient *recipient = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(wrap_provider.recipient(&scene.settings, cases[i].value, &recipient, &err),
				-1);
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s", err.text);
	}
}

static void says_that_no_file_is_named_or_there(void **state)
{
	struct wrap_settings settings = { .provider_timeout = PATIENCE };
	struct recipient *recipient = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(wrap_provider.recipient(&settings, "mine", &recipient, &err), -1);
	assert_non_null(strstr(err.text, "OCICRYPT_KEYPROVIDER_CONFIG names no file"));
	settings.provider_config = "/nowhere/config";
	assert_int_equal(wrap_provider.recipient(&settings, "mine", &recipient, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void names_what_a_provider_did_wrong(void **state)
{
	static const struct {
		const char *script;
		enum err_kind kind;
		const char *why;
	} cases[] = {
		{ "echo 'no key for you' >&2; exit 3", ERR_DENIED,
				"failed with exit code 3: no key for you" },
		{ "yes", ERR_LIMIT, "printed more than" },
		{ "printf garbage", ERR_FORMAT, "its answer" },
		{ "true", ERR_FORMAT, "its answer" },
		{ "printf '[]'", ERR_FORMAT, "no JSON object" },
		{ "printf '{}'", ERR_AUTH, "nothing to answer" },
		{ "printf '{\"keyunwrapresults\":null}'", ERR_AUTH, "nothing to answer" },
		{ "printf '{\"keyunwrapresults\":{\"optsdata\":null}}'", ERR_AUTH, "nothing to answer" },
		{ "printf '{\"keyunwrapresults\":{\"optsdata\":\"\"}}'", ERR_AUTH, "nothing to answer" },
		{ "printf '{\"keyunwrapresults\":{\"optsdata\":\"*\"}}'", ERR_FORMAT, "base64" },
		{ "printf '{\"keyunwrapresults\":{\"optsdata\":[256]}}'", ERR_FORMAT, "no byte" },
		{ "printf '{\"keyunwrapresults\":{\"optsdata\":{}}}'", ERR_FORMAT, "optsdata" },
		{ "printf '{\"keyunwrapresults\":[1]}'", ERR_FORMAT, "no object" },
		{ "printf '{\"keyunwrapresults\":{},\"keyunwrapresults\":{}}'", ERR_FORMAT, "twice" },
		{ "printf '{\"keyunwrapresults\":{\"optsdata\":\"aGk=\"}} {}'", ERR_FORMAT, "its answer" },
	};
	static const char *const keys[] = { "provider:mine", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_scene struct scene scene;
		auto_secret struct secret options = SECRET_NONE;
		struct err err = ERR_NONE;
		scene_open(&scene, cases[i].script, PATIENCE);
		assert_int_equal(open_with(&wrap_provider, &scene.settings, keys, SPAN_LIT("x"), &options,
						 &err),
				-1);
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].why) ||
				!strstr(err.text, "key provider 'mine'"))
			fail_msg("%s: %s: %s", cases[i].script, err_kind_name(err.kind), err.text);
		assert_null(options.ptr);
	}
}

static void gives_up_on_a_provider_that_hangs(void **state)
{
	static const char *const keys[] = { "provider:mine", NULL };
	auto_scene struct scene scene;
	auto_secret struct secret options = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	scene_open(&scene, "sleep 1000", 100);
	assert_int_equal(open_with(&wrap_provider, &scene.settings, keys, SPAN_LIT("x"), &options, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, "did not end within 100 ms"));
}

static void reads_back_every_answer_it_writes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool unwrap = i & 1, numbers = i & 2;
		auto_buf struct buf text = BUF_MAX(4096);
		auto_secret struct secret out = SECRET_NONE;
		provider_answer_format(SPAN_LIT("a\0\xff"), unwrap, numbers, &text);
		assert_int_equal(provider_answer_parse(buf_span(&text), unwrap, &out, NULL), 0);
		assert_true(secret_is(&out, SPAN_LIT("a\0\xff")));
		assert_int_equal(provider_answer_parse(buf_span(&text), !unwrap, &out, NULL), -1);
	}
}

static void reads_the_answers_of_the_ecosystems_provider_and_hub(void **state)
{
	static const char *const files[] = { "wrap.json", "unwrap.json" };
	unsigned seen = 0;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		auto_json json_t *doc = recording_load(files[f]);
		size_t i = 0;
		json_t *entry = NULL;
		json_array_foreach (json_object_get(doc, "cases"), i, entry) {
			const char *text = json_text_at(entry, "response_json", NULL);
			auto_secret struct secret out = SECRET_NONE;
			if (!text)
				continue;
			seen++;
			/* nothing at all is what a provider says that has no key */
			const char *plain = json_text_at(entry, "optsdata_base64", NULL);
			assert_int_equal(provider_answer_parse(span_of(text), f == 1, &out, NULL),
					plain && !*plain ? -1 : 0);
			if (f == 0)
				assert_true(secret_is(&out, span_of(json_text_at(entry, "packet", NULL))));
		}
	}
	assert_true(seen >= 4);
}

static void wraps_for_a_broker_with_a_key_in_a_file(void **state)
{
	static const char kek[] = "0123456789abcdef0123456789abcdef";
	auto_scene struct scene scene;
	auto_buf struct buf element = BUF_MAX(4096);
	auto_secret struct secret options = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	scene_open(&scene, "exit 1", PATIENCE);
	put_file(&scene, "count", kek, 0600);
	auto_free char *with_scheme = xasprintf("kbs:///a/b/c=%s/count", scene.dir);
	auto_free char *without = xasprintf("///a/b/c=%s/count", scene.dir);
	const char *const keys[] = { with_scheme, NULL };
	if (wrap_to(&wrap_kbs, &scene.settings, without, SPAN_LIT("{}"), &element, &err) < 0 ||
			open_with(&wrap_kbs, &scene.settings, keys, buf_span(&element), &options, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(secret_is(&options, SPAN_LIT("{}")));
	auto_free char *other = xasprintf("kbs:///a/b/d=%s/count", scene.dir);
	const char *const wrong[] = { other, NULL };
	assert_int_equal(
			open_with(&wrap_kbs, &scene.settings, wrong, buf_span(&element), &options, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_string_equal(err.text, "the packet needs the key 'kbs:///a/b/c'");
}

static void refuses_a_broker_recipient_that_could_not_be_opened(void **state)
{
	auto_scene struct scene scene;

	(void)state;
	scene_open(&scene, "exit 1", PATIENCE);
	const char *const forms[] = { "///a/b/c", "///a/b/c=", "///a/b=%s/p", "///a/b/c=%s/p",
		"///a/b/c=%s/none", "kbs:///a/b/c/d=%s/p", "http://a/b=%s/p", "=%s/p", "" };
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t head = strcspn(forms[i], "%");
		auto_free char *value = xasprintf("%.*s%s%s", (int)head, forms[i],
				forms[i][head] ? scene.dir : "", forms[i][head] ? forms[i] + head + 2 : "");
		struct recipient *recipient = NULL;
		if (wrap_kbs.recipient(&scene.settings, value, &recipient, NULL) == 0)
			fail_msg("'%s' was taken", value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_way_of_reaching_a_provider),
		cmocka_unit_test(refuses_a_configuration_that_is_none),
		cmocka_unit_test(asks_as_the_go_library_asks),
		cmocka_unit_test(sends_the_word_enabled_where_no_attributes_are_given),
		cmocka_unit_test(unwraps_with_and_without_a_key_that_names_the_provider),
		cmocka_unit_test(never_leaves_out_a_provider_that_is_not_configured),
		cmocka_unit_test(says_that_no_file_is_named_or_there),
		cmocka_unit_test(names_what_a_provider_did_wrong),
		cmocka_unit_test(gives_up_on_a_provider_that_hangs),
		cmocka_unit_test(reads_back_every_answer_it_writes),
		cmocka_unit_test(reads_the_answers_of_the_ecosystems_provider_and_hub),
		cmocka_unit_test(wraps_for_a_broker_with_a_key_in_a_file),
		cmocka_unit_test(refuses_a_broker_recipient_that_could_not_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
