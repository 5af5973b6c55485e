/* SPDX-License-Identifier: Apache-2.0 */
/* Init-data of a guest whose hardware says with which it was started. */
#include "tests/guest/scene.h"
#include "tests/tee/fake_tsm.h"

#define DOCUMENT                                                                    \
	"version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"cdh.toml\" = '''\n" \
	"skip_sealed_secret_verification = true\n[kbc]\nname = \"offline_fs_kbc\"\n[image]\n'''\n"

static int prepare(void **state)
{
	unsigned char digest[DIGEST_MAX];

	(void)state;
	log_set_level(LOG_ERROR);
	fake_init("tdx_guest\n");
	digest_bytes(DIGEST_SHA384, SPAN_LIT(DOCUMENT), digest);
	fake_put(fake.measurements, "mrconfigid", span_new(digest, 48));
	return 0;
}

static int clear(void **state)
{
	(void)state;
	fake_clear();
	return 0;
}

static int load(const char *document, struct config *out, struct err *err)
{
	const struct attester_options options = {
		.kind = "tdx", .tsm = fake.reports, .tdx = fake.measurements
	};
	auto_free char *path = xasprintf("%s/eventlog", fake.folder);
	auto_attester struct attester *attester = NULL;
	const struct config_sources sources = { .initdata_file = path, .cmdline = "" };

	must(attester_open(&options, &attester, err), err);
	fake_put(fake.folder, "eventlog", span_of(document));
	return config_load(&sources, attester, out, err);
}

static void follows_a_document_that_the_hardware_confirms(void **state)
{
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;

	(void)state;
	must(load(DOCUMENT, &config, &err), &err);
	assert_true(config.initdata_bound);
	assert_true(config.skip_verification);
}

static void refuses_a_document_with_any_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(DOCUMENT) - 1; i += 7) {
		auto_config struct config config = CONFIG_NONE;
		char document[] = DOCUMENT;
		struct err err = ERR_NONE;
		document[i] ^= 1;
		assert_int_equal(load(document, &config, &err), -1);
		assert_true(err.kind == ERR_AUTH || err.kind == ERR_FORMAT);
		assert_null(config.initdata);
	}
	auto_config struct config config = CONFIG_NONE;
	struct err err = ERR_NONE;
	assert_int_equal(load(DOCUMENT "\n", &config, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
}

static void unseals_without_a_signature_when_a_confirmed_document_says_so(void **state)
{
	auto_json json_t *keys = scene_recording("sealed/signing-keys.json"),
			 *doc = scene_recording("sealed/unseal-skip-verification.json");
	struct span fake_form = SPAN_NONE;
	auto_config struct config config = CONFIG_NONE;
	auto_secret struct secret plain = SECRET_NONE;
	struct err err = ERR_NONE;
	const json_t *entry = NULL;
	struct scene scene;
	size_t i = 0;

	(void)state;
	json_array_foreach (json_object_get(doc, "cases"), i, entry)
		if (!strcmp(json_text_at(entry, "name", NULL), "legacy-fake"))
			fake_form = span_of(json_text_at(entry, "input", NULL));
	assert_true(fake_form.len > 0);
	must(load(DOCUMENT, &config, &err), &err);
	scene_open(&scene, json_object_get(keys, "resources"), false);
	assert_int_equal(hub_unseal(scene.hub, fake_form, &plain, &err), -1);
	scene.config.skip_verification = config.skip_verification;
	must(hub_unseal(scene.hub, fake_form, &plain, &err), &err);
	assert_true(secret_is(&plain, SPAN_LIT("correct horse battery staple")));
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				follows_a_document_that_the_hardware_confirms, prepare, clear),
		cmocka_unit_test_setup_teardown(refuses_a_document_with_any_byte_changed, prepare, clear),
		cmocka_unit_test_setup_teardown(unseals_without_a_signature_when_a_confirmed_document_says_so,
				prepare, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
