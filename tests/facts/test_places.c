/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/attached.h"
#include "tests/facts/site.h"
#include "tests/oci/images.h"

static char *folder;

static int setup(void **state)
{
	int status = site_setup(state);

	status = status < 0 ? -1 : enter_folder(state);
	folder = *state;
	return status;
}

static int teardown(void **state)
{
	void *own = folder;

	return site_teardown(state) < 0 ? -1 : leave_folder(&own);
}

/* An image in the layout under that name; writes its digest. */
static void put_image(const char *place, const char *content, char digest[static OCI_DIGEST_MAX])
{
	auto_oci_dest struct oci_dest *dest = open_dest(place);

	add_image(dest, content, true, digest);
	commit(dest);
}

static void use_layouts(const char *const *layouts, size_t count)
{
	trip_to(&trip, &site, ":1");
	trip.want.looks = 0;
	trip.options.layouts = layouts;
	trip.options.layout_count = count;
}

static void wants(const char *name)
{
	assert_int_equal(oci_name_parse(name, &trip.want.name, &trip.err), 0);
}

/* ---- layouts ---- */

static void a_layout_has_the_images_that_it_names_in_full(void **state)
{
	static const char *const layouts[] = { "oci:layout" };
	char first[OCI_DIGEST_MAX], second[OCI_DIGEST_MAX];

	(void)state;
	put_image("oci:layout:registry.example/shop/app:1", "one", first);
	put_image("oci:layout:docker.io/library/app:latest", "two", second);
	use_layouts(layouts, 1);
	wants("registry.example/shop/app:1");
	assert_string_equal(trip_good(&trip)->digest, first);
	assert_string_equal(trip.facts->host, "registry.example");
	wants("app");
	assert_string_equal(trip_good(&trip)->digest, second);
	wants("registry.example/shop/app:2");
	trip_bad(&trip, ERR_NOT_FOUND, "holds no image 'registry.example/shop/app:2'");
	wants("registry.example/shop/other:1");
	trip_bad(&trip, ERR_NOT_FOUND, "holds no image");
}

static void a_layout_has_what_a_digest_names(void **state)
{
	static const char *const layouts[] = { "oci:layout" };
	char digest[OCI_DIGEST_MAX];

	(void)state;
	put_image("oci:layout:1", "one", digest);
	use_layouts(layouts, 1);
	auto_free char *name = xasprintf("registry.example/shop/app:2@%s", digest);
	wants(name);
	assert_string_equal(trip_good(&trip)->digest, digest);
	wants("registry.example/shop/app@sha256:"
	      "1111111111111111111111111111111111111111111111111111111111111111");
	trip_bad(&trip, ERR_NOT_FOUND, "sha256:1111");
}

static void a_layout_that_is_given_with_a_name_has_that_image_alone(void **state)
{
	static const char *const layouts[] = { "oci:layout:registry.example/shop/app:1" };
	char first[OCI_DIGEST_MAX], second[OCI_DIGEST_MAX];

	(void)state;
	put_image("oci:layout:registry.example/shop/app:1", "one", first);
	put_image("oci:layout:registry.example/shop/app:2", "two", second);
	use_layouts(layouts, 1);
	wants("registry.example/shop/app:1");
	assert_string_equal(trip_good(&trip)->digest, first);
	wants("registry.example/shop/app:2");
	trip_bad(&trip, ERR_NOT_FOUND, "is another image");
	auto_free char *other = xasprintf("registry.example/other@%s", first);
	wants(other);
	trip_bad(&trip, ERR_NOT_FOUND, "is another image");
}

static void a_tag_alone_is_no_name(void **state)
{
	static const char *const layouts[] = { "oci:layout", "oci:layout:1" };
	char digest[OCI_DIGEST_MAX];

	(void)state;
	put_image("oci:layout:1", "one", digest);
	use_layouts(layouts, 2);
	wants("registry.example/shop/app:1");
	trip_bad(&trip, ERR_NOT_FOUND, "holds no image");
	trip.try.place = 1;
	trip_bad(&trip, ERR_NOT_FOUND, "is another image");
}

static void a_layout_is_nothing_else(void **state)
{
	static const char *const cases[] = { "docker://registry.example/shop/app:1", "dir:layout",
		"oci-archive:layout.tar", "nonsense:layout", "" };
	struct facts *facts = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		use_layouts(&cases[i], 1);
		trip.options.threads = 1;
		trip.options.per_host = 1;
		trip.options.max_bytes = 4 << 20;
		assert_int_equal(facts_new(&trip.options, &facts, &trip.err), -1);
		assert_int_equal(trip.err.kind, ERR_USAGE);
	}
}

/* A manifest with one blob, under that name. */
static void put_artifact(
		const char *name, const char *text, struct span blob, char digest[static OCI_DIGEST_MAX])
{
	auto_free char *place = xasprintf("oci:layout:%s", name);
	auto_oci_dest struct oci_dest *dest = open_dest(place);
	auto_oci_writer struct oci_writer *writer = NULL;

	oci_digest_of(blob, digest);
	assert_int_equal(oci_dest_blob(dest, blob.len, &writer, NULL), 0);
	assert_int_equal(stream_feed(oci_writer_stream(writer), blob, NULL), 0);
	assert_int_equal(oci_writer_commit(writer, digest, NULL), 0);
	assert_int_equal(oci_dest_manifest(dest, span_of(text), OCI_TYPE_MANIFEST, true, digest, NULL), 0);
	commit(dest);
}

static void signatures_lie_in_a_layout_too(void **state)
{
	static const char *const layouts[] = { "oci:layout" };
#define PAYLOAD "{\"critical\":{}}"
	char digest[OCI_DIGEST_MAX], blob[OCI_DIGEST_MAX], manifest[OCI_DIGEST_MAX], tag[ATTACHED_TAG_MAX];

	(void)state;
	put_image("oci:layout:registry.example/shop/app:1", "one", digest);
	oci_digest_of(SPAN_LIT(PAYLOAD), blob);
	auto_free char *text = xasprintf(
			"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST
			"\",\"config\":{\"mediaType\":"
			"\"" OCI_TYPE_CONFIG "\",\"digest\":\"" EMPTY "\",\"size\":2},\"layers\":[{"
			"\"mediaType\":\"application/"
			"vnd.dev.cosign.simplesigning.v1+json\",\"digest\":\"%s\","
			"\"size\":%zu,\"annotations\":{\"dev.cosignproject.cosign/signature\":\"AAAA\"}}]}",
			blob, strlen(PAYLOAD));
	attached_tag(digest, ".sig", tag);
	put_artifact(tag, text, SPAN_LIT(PAYLOAD), manifest);
	use_layouts(layouts, 1);
	trip.want.looks = IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS;
	wants("registry.example/shop/app:1");
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->looked, IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS);
	assert_false(facts->more);
	assert_int_equal(facts->signature_count, 1);
	assert_null(facts->signatures[0].problem);
	assert_string_equal(facts->signatures[0].subject, digest);
	assert_string_equal(facts->signatures[0].place, manifest);
	assert_true(span_is(facts->signatures[0].payload, PAYLOAD));
	assert_int_equal(facts->signatures[0].signatures[0].len, 3);
}

/* ---- one after the other ---- */

static void the_places_have_their_order(void **state)
{
	static const char *const layouts[] = { "oci:a", "oci:b" };
	static const char *const hosts[] = { "", "", "one.example:5000", "two.example", "registry.example" };
	char host[PLACES_HOST_MAX];

	(void)state;
	use_layouts(layouts, 2);
	wants("registry.example/shop/app:1");
	trip.settings.mirrors[0].location = "one.example:5000/cache/of/it";
	trip.settings.mirrors[1].location = "two.example";
	trip.settings.mirror_count = 2;
	trip.settings.host = "*";
	assert_int_equal(places_count(&trip.options, &trip.want), 5);
	for (size_t i = 0; i < 5; i++) {
		places_host(&trip.options, &trip.want, i, host);
		assert_string_equal(host, hosts[i]);
		assert_int_equal(places_is_stranger(&trip.options, &trip.want, i), i == 4);
	}
	trip.settings.host = "registry.example";
	assert_false(places_is_stranger(&trip.options, &trip.want, 4));
	trip.want.registry = NULL;
	assert_int_equal(places_count(&trip.options, &trip.want), 3);
	assert_true(places_is_stranger(&trip.options, &trip.want, 2));
	trip.options.guard = false;
	assert_false(places_is_stranger(&trip.options, &trip.want, 2));
}

static void what_no_layout_has_comes_from_the_registry(void **state)
{
	static const char *const layouts[] = { "oci:one", "oci:two" };
	char digests[3][OCI_DIGEST_MAX];
	struct facts *facts = NULL;

	(void)state;
	site_image(&site, 1, NULL, "1", digests[2]);
	use_layouts(layouts, 2);
	auto_free char *host = xstrdup(trip.want.name.host), *here = xasprintf("%s/shop/app:1", host);
	trip.settings.host = host;
	put_image("oci:one:registry.example/first:1", "one", digests[0]);
	put_image("oci:two:registry.example/second:1", "two", digests[1]);
	trip.options.threads = 2;
	trip.options.per_host = 1;
	trip.options.max_bytes = 4 << 20;
	assert_int_equal(facts_new(&trip.options, &facts, &trip.err), 0);
	const char *const names[] = { "registry.example/first:1", "registry.example/second:1", here };
	for (size_t i = 0; i < 3; i++) {
		auto_image_facts struct image_facts *found = NULL;
		wants(names[i]);
		if (facts_get(facts, &trip.want, &found, &trip.err) < 0)
			fail_msg("%s", trip.err.text);
		assert_string_equal(found->digest, digests[i]);
	}
	assert_int_equal(site_count(&site, "/"), 1);
	facts_free(facts);
}

static int no_logins(void *ctx, const struct image_want *want, struct facts_logins *out, struct err *err)
{
	(void)ctx;
	(void)want;
	(void)out;
	err_set(err, ERR_RETRY, "the API server is busy");
	err->retry_after = 7;
	return -1;
}

static void offline_no_registry_is_asked(void **state)
{
	static const char *const layouts[] = { "oci:one" };
	struct image_facts *found = NULL;
	struct facts *facts = NULL;
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	use_layouts(layouts, 1);
	put_image("oci:one:registry.example/other:1", "one", digest);
	trip.options.threads = 1;
	trip.options.per_host = 1;
	trip.options.max_bytes = 4 << 20;
	trip.options.offline = true;
	trip.options.layout_count = 0;
	assert_int_equal(facts_new(&trip.options, &facts, &trip.err), -1);
	assert_int_equal(trip.err.kind, ERR_USAGE);
	trip.options.layout_count = 1;
	assert_int_equal(facts_new(&trip.options, &facts, &trip.err), 0);
	assert_int_equal(facts_get(facts, &trip.want, &found, &trip.err), -1);
	assert_int_equal(trip.err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(trip.err.text, "holds no image"));
	assert_int_equal(site_count(&site, "/"), 0);
	facts_free(facts);
}

static void who_has_the_credentials_is_no_registry(void **state)
{
	(void)state;
	use_layouts(NULL, 0);
	trip.options.logins = no_logins;
	trip_bad(&trip, ERR_RETRY, "the API server is busy");
	/* the registry's patience was not asked for */
	assert_int_equal(trip.err.retry_after, 0);
	assert_int_equal(site_count(&site, "/"), 0);
}

static void connections_stay_open_until_something_fails(void **state)
{
	static const struct {
		const char *tag;
		int status;
		size_t connections; /* by then */
	} steps[] = { { "1", 0, 1 }, { "2", 0, 1 }, { "none", -1, 1 }, { "3", 0, 2 }, { "4", 0, 2 } };
	char digest[OCI_DIGEST_MAX];
	struct facts *facts = NULL;

	(void)state;
	use_layouts(NULL, 0);
	trip.options.threads = 2;
	trip.options.per_host = 1;
	trip.options.max_bytes = 4 << 20;
	assert_int_equal(facts_new(&trip.options, &facts, &trip.err), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		auto_image_facts struct image_facts *found = NULL;
		if (!steps[i].status)
			site_image(&site, (unsigned)i, NULL, steps[i].tag, digest);
		snprintf(trip.want.name.tag, sizeof(trip.want.name.tag), "%s", steps[i].tag);
		assert_int_equal(facts_get(facts, &trip.want, &found, &trip.err), steps[i].status);
		assert_int_equal(site.line_count, steps[i].connections);
	}
	/* who speaks to it in another way has a connection of his own */
	trip.settings.identity[0] = 9;
	auto_image_facts struct image_facts *found = NULL;
	assert_int_equal(facts_get(facts, &trip.want, &found, &trip.err), 0);
	assert_int_equal(site.line_count, 3);
	facts_free(facts);
}

static void a_layout_that_is_broken_is_not_passed_over(void **state)
{
	static const char *const layouts[] = { "oci:layout" };
	struct image_facts *found = NULL;
	struct facts *facts = NULL;
	char digest[OCI_DIGEST_MAX];

	(void)state;
	use_layouts(layouts, 1);
	auto_free char *place = xasprintf("oci:layout:%s/shop/app:1", trip.want.name.host);
	put_image(place, "one", digest);
	site_image(&site, 1, NULL, "1", digest);
	put("layout/index.json", "{");
	trip.options.threads = 1;
	trip.options.per_host = 1;
	trip.options.max_bytes = 4 << 20;
	assert_int_equal(facts_new(&trip.options, &facts, &trip.err), 0);
	assert_int_equal(facts_get(facts, &trip.want, &found, &trip.err), -1);
	assert_int_equal(trip.err.kind, ERR_FORMAT);
	facts_free(facts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_layout_has_the_images_that_it_names_in_full),
		TEST(a_layout_has_what_a_digest_names),
		TEST(a_layout_that_is_given_with_a_name_has_that_image_alone),
		TEST(a_tag_alone_is_no_name),
		TEST(a_layout_is_nothing_else),
		TEST(signatures_lie_in_a_layout_too),
		TEST(the_places_have_their_order),
		TEST(what_no_layout_has_comes_from_the_registry),
		TEST(offline_no_registry_is_asked),
		TEST(who_has_the_credentials_is_no_registry),
		TEST(connections_stay_open_until_something_fails),
		TEST(a_layout_that_is_broken_is_not_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
