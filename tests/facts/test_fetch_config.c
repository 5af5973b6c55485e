/* SPDX-License-Identifier: Apache-2.0 */
/* Configs, which are read when somebody looks for them. */
#include "tests/facts/site.h"
#include "tests/oci/images.h"

#define BLOBS    SITE_REPO "blobs/"
#define TYPE_ENC LAYER "+encrypted"

/* A manifest with a config of this digest and size, and its own digest. */
static void put_manifest(const char *type, const char *config, size_t size, const char *layer,
		const char *tag, char digest[static OCI_DIGEST_MAX])
{
	auto_free char *text =
			xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST
				  "\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu},"
				  "\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"" EMPTY "\",\"size\":7}]}",
					type, config, size, layer);

	site_manifest(&site, text, tag, digest);
}

static void put_image(const char *config, const char *tag, char digest[static OCI_DIGEST_MAX])
{
	char blob[OCI_DIGEST_MAX];

	site_blob(&site, span_of(config), blob);
	put_manifest(OCI_TYPE_CONFIG, blob, strlen(config), LAYER, tag, digest);
}

/* ---- what is read ---- */

static const char config[] =
		"{\"os\":\"linux\",\"architecture\":\"arm64\",\"config\":{\"User\":\"7\",\"Env\":"
		"[\"A=b\"],\"Cmd\":[\"run\"],\"Volumes\":{\"/b\":{},\"/a\":{}}}}";

static void is_read(const struct image_platform *platform)
{
	assert_null(platform->run_problem);
	assert_non_null(platform->run);
	assert_string_equal(platform->run->user, "7");
	assert_string_equal(platform->run->cwd, "");
	assert_string_equal(platform->run->env[0], "A=b");
	assert_string_equal(platform->run->cmd[0], "run");
	assert_null(platform->run->cmd[1]);
	assert_null(platform->run->entrypoint[0]);
	assert_string_equal(platform->run->volumes[0], "/a");
	assert_string_equal(platform->run->volumes[1], "/b");
}

static void who_does_not_look_for_it_pays_nothing(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	put_image(config, "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = 0;
	const struct image_facts *facts = trip_good(&trip);
	assert_null(facts->platforms[0].config);
	assert_null(facts->platforms[0].run);
	assert_null(facts->platforms[0].run_problem);
	assert_int_equal(site_count(&site, "/"), 1);
	size_t bytes = facts->bytes;
	trip.want.looks = IMAGE_LOOKED_PLATFORM;
	facts = trip_good(&trip);
	assert_null(facts->platforms[0].run);
	/* but for the platform's name */
	assert_true(facts->bytes <= bytes + 2 * sizeof("linux/arm64"));
}

static void one_request_serves_the_platforms_name_too(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	put_image(config, "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_PLATFORM | IMAGE_LOOKED_CONFIG;
	const struct image_facts *facts = trip_good(&trip);
	is_read(&facts->platforms[0]);
	assert_true(oci_digest_fits(facts->platforms[0].config, SPAN_LIT(config)));
	assert_string_equal(facts->platforms[0].name, "linux/arm64");
	assert_int_equal(facts->looked, IMAGE_LOOKED_PLATFORM | IMAGE_LOOKED_CONFIG);
	assert_int_equal(site_count(&site, BLOBS), 1);
	assert_int_equal(site_count(&site, "/"), 2);
}

static void an_encrypted_images_config_is_plain(void **state)
{
	char blob[OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	site_blob(&site, SPAN_LIT(config), blob);
	put_manifest(OCI_TYPE_CONFIG, blob, strlen(config), TYPE_ENC, "1", digest);
	put_manifest(DOCKER_TYPE_CONFIG, blob, strlen(config), TYPE_ENC, "2", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_CONFIG;
	const struct image_platform *platform = trip_good(&trip)->platforms;
	is_read(platform);
	assert_true(platform->layers[0].encrypted);
	trip_end(&trip);
	trip_to(&trip, &site, ":2");
	trip.want.looks = IMAGE_LOOKED_CONFIG;
	is_read(trip_good(&trip)->platforms);
}

static void every_platform_has_its_own(void **state)
{
	static const char *const users[] = { "1", "2", "3" };
	auto_buf struct buf text = BUF_MAX(1 << 20);
	char digest[OCI_DIGEST_MAX];

	(void)state;
	buf_puts(&text, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
	for (unsigned i = 0; i < 3; i++) {
		auto_free char *one = xasprintf("{\"os\":\"linux\",\"config\":{\"User\":\"%s\"}}", users[i]);
		put_image(one, NULL, digest);
		buf_printf(&text,
				"%s{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":9,"
				"\"platform\":{\"os\":\"%s\",\"architecture\":\"%s\"}}",
				i ? "," : "", digest, i == 1 ? "unknown" : "linux",
				i == 1 ? "unknown" : "amd64");
	}
	buf_puts(&text, "]}");
	site_manifest(&site, buf_text(&text), "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_CONFIG;
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->platform_count, 2);
	assert_string_equal(facts->platforms[0].run->user, "1");
	assert_string_equal(facts->platforms[1].run->user, "3");
	assert_int_equal(site_count(&site, BLOBS), 2);
	/* the index has told the names */
	trip.want.looks = IMAGE_LOOKED_PLATFORM;
	assert_null(trip_good(&trip)->platforms[0].run);
	assert_int_equal(site_count(&site, BLOBS), 2);
}

static void a_layout_has_it_too(void **state)
{
	static const char *const layouts[] = { "oci:layout" };
	char blob[OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	struct oci_dest *dest = open_dest("oci:layout:registry.example/shop/app:1");
	add_blob(dest, SPAN_LIT(config), blob);
	auto_free char *text = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST
					 "\",\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
					 "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[]}",
			blob, strlen(config));
	assert_int_equal(oci_dest_manifest(dest, span_of(text), OCI_TYPE_MANIFEST, true, digest, NULL), 0);
	assert_int_equal(oci_dest_commit(dest, NULL), 0);
	oci_dest_free(dest);
	trip_to(&trip, &site, ":1");
	assert_int_equal(oci_name_parse("registry.example/shop/app:1", &trip.want.name, NULL), 0);
	trip.options.layouts = layouts;
	trip.options.layout_count = 1;
	trip.want.looks = IMAGE_LOOKED_CONFIG | IMAGE_LOOKED_PLATFORM;
	is_read(trip_good(&trip)->platforms);
	assert_int_equal(site_count(&site, "/"), 0);
}

static int enter(void **state)
{
	return enter_folder(state) < 0 ? -1 : site_setup(NULL);
}

static int leave(void **state)
{
	site_teardown(NULL);
	return leave_folder(state);
}

/* ---- what is kept ---- */

static void facts_without_it_are_fetched_again_and_those_with_it_are_not(void **state)
{
	static const unsigned looks[] = { 0, 0, IMAGE_LOOKED_CONFIG, IMAGE_LOOKED_CONFIG, 0,
		IMAGE_LOOKED_CONFIG | IMAGE_LOOKED_PLATFORM, IMAGE_LOOKED_PLATFORM };
	static const size_t requests[] = { 1, 1, 3, 3, 3, 5, 5 };
	char digest[OCI_DIGEST_MAX];
	struct facts *facts = NULL;

	(void)state;
	put_image(config, "1", digest);
	auto_free char *reference = xasprintf("@%s", digest);
	trip_to(&trip, &site, reference);
	trip.options.threads = 2;
	trip.options.per_host = 1;
	trip.options.max_bytes = 4 << 20;
	assert_int_equal(facts_new(&trip.options, &facts, &trip.err), 0);
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		auto_image_facts struct image_facts *found = NULL;
		trip.want.looks = looks[i];
		if (facts_get(facts, &trip.want, &found, &trip.err) < 0)
			fail_msg("%s", trip.err.text);
		if (i >= 2)
			is_read(found->platforms);
		assert_int_equal(site_count(&site, "/"), requests[i]);
		/* what is kept counts with all of it */
		assert_true(facts_counts(facts).bytes > found->bytes);
		assert_int_equal(facts_counts(facts).images, 1);
	}
	facts_free(facts);
}

/* ---- its own faults ---- */

static void has_problem(const char *words)
{
	const struct image_facts *facts = trip_good(&trip);

	assert_int_equal(facts->platform_count, 1);
	assert_int_equal(facts->platforms[0].layer_count, 1);
	assert_null(facts->platforms[0].run);
	assert_non_null(facts->platforms[0].run_problem);
	if (!strstr(facts->platforms[0].run_problem, words))
		fail_msg("%s (not '%s')", facts->platforms[0].run_problem, words);
	assert_true(facts->looked & IMAGE_LOOKED_CONFIG);
}

static void faults_of_a_config_are_the_platforms_problem(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "JSON" },
		{ "x", "JSON" },
		{ "{\"config\":{\"User\":\"7\"}", "JSON" },
		{ "[1]", "" },
		{ "{\"config\":{\"Env\":\"A=b\"}}", "config.Env" },
		{ "{\"config\":{\"env\":[\"A=b\"]}}", "env" },
		{ "{\"config\":{\"User\":\"7\",\"User\":\"8\"}}", "duplicate" },
	};
	char digest[OCI_DIGEST_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put_image(cases[i].text, "1", digest);
		trip_to(&trip, &site, ":1");
		trip.want.looks = IMAGE_LOOKED_CONFIG;
		has_problem(cases[i].words);
		trip_end(&trip);
	}
}

static void a_config_that_is_missing_or_another_is_a_problem_but_not_for_the_name(void **state)
{
	char blob[OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	put_manifest(OCI_TYPE_CONFIG, EMPTY, 2, LAYER, "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_CONFIG;
	has_problem("404");
	trip.want.looks |= IMAGE_LOOKED_PLATFORM;
	trip_bad(&trip, ERR_NOT_FOUND, "the image's config");
	site_blob(&site, SPAN_LIT("{}"), blob);
	site_put(&site, "blobs", EMPTY, "application/octet-stream", SPAN_LIT("[]"));
	trip.want.looks = IMAGE_LOOKED_CONFIG;
	has_problem("is not what its digest says");
	trip.want.looks |= IMAGE_LOOKED_PLATFORM;
	trip_bad(&trip, ERR_FORMAT, "is not what its digest says");
	/* the image is the same when its config is good again */
	site_put(&site, "blobs", EMPTY, "application/octet-stream", SPAN_LIT("{}"));
	assert_string_equal(trip_good(&trip)->platforms[0].run->user, "");
}

static void a_config_of_another_kind_is_a_problem(void **state)
{
	char blob[OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	site_blob(&site, SPAN_LIT(config), blob);
	put_manifest("application/vnd.cncf.helm.config.v1+json", blob, strlen(config), LAYER, "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_CONFIG | IMAGE_LOOKED_PLATFORM;
	has_problem("not that of an image's config");
	trip.want.looks = IMAGE_LOOKED_PLATFORM;
	assert_null(trip_good(&trip)->platforms[0].run_problem);
	assert_int_equal(site_count(&site, BLOBS), 0);
}

static void a_config_that_is_too_much_is_a_problem(void **state)
{
	auto_buf struct buf text = BUF_MAX(4 << 20);
	char blob[OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	put_manifest(OCI_TYPE_CONFIG, EMPTY, (1 << 20) + 1, LAYER, "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_CONFIG;
	has_problem("1048577 bytes, more than 1048576");
	assert_int_equal(site_count(&site, BLOBS), 0);
	buf_puts(&text, "{\"history\":[0");
	for (size_t i = 0; i < 20000; i++)
		buf_puts(&text, ",{}");
	buf_puts(&text, "]}");
	site_blob(&site, buf_span(&text), blob);
	put_manifest(OCI_TYPE_CONFIG, blob, text.len, LAYER, "1", digest);
	has_problem("more than 16384 values");
}

static void a_registry_that_fails_makes_all_of_it_fail(void **state)
{
	static const char *const heads[] = { "500 No\r\n", "429 No\r\n", "403 No\r\n" };
	static const enum err_kind kinds[] = { ERR_RETRY, ERR_RETRY, ERR_DENIED };
	char digest[OCI_DIGEST_MAX];

	(void)state;
	put_manifest(OCI_TYPE_CONFIG, EMPTY, 2, LAYER, "1", digest);
	for (size_t i = 0; i < 3; i++) {
		site_add(&site, BLOBS EMPTY, heads[i], SPAN_NONE);
		trip_to(&trip, &site, ":1");
		trip.want.looks = IMAGE_LOOKED_CONFIG;
		trip_bad(&trip, kinds[i], "the image's config");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(who_does_not_look_for_it_pays_nothing),
		SITE_TEST(one_request_serves_the_platforms_name_too),
		SITE_TEST(an_encrypted_images_config_is_plain),
		SITE_TEST(every_platform_has_its_own),
		cmocka_unit_test_setup_teardown(a_layout_has_it_too, enter, leave),
		SITE_TEST(facts_without_it_are_fetched_again_and_those_with_it_are_not),
		SITE_TEST(faults_of_a_config_are_the_platforms_problem),
		SITE_TEST(a_config_that_is_missing_or_another_is_a_problem_but_not_for_the_name),
		SITE_TEST(a_config_of_another_kind_is_a_problem),
		SITE_TEST(a_config_that_is_too_much_is_a_problem),
		SITE_TEST(a_registry_that_fails_makes_all_of_it_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
