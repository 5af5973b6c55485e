/* SPDX-License-Identifier: Apache-2.0 */
/* What is attached to an image in a layout; the tags that digests make. */
#include "oci/attached.h"

#include "tests/oci/images.h"
#include "tests/oci/marks.h"

#define SUBJECT "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER   "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TAG     "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BOTH    (ATTACHED_TAG | ATTACHED_REFERRERS)

static void layout(const char *extra, struct attached *out)
{
	auto_oci_source struct oci_source *source = NULL;
	struct err err = ERR_NONE;

	put("oci/index.json", extra);
	source = open_source("oci:oci:t");
	if (oci_source_attached(source, SUBJECT, BOTH, out, &err) < 0)
		fail_msg("%s", err.text);
}

static void put_file(const char *text, char digest[static OCI_DIGEST_MAX])
{
	oci_digest_of(span_of(text), digest);
	auto_free char *path = xasprintf("oci/blobs/sha256/%s", digest + 7);
	put(path, text);
}

static void finds_what_is_attached_in_a_layout(void **state)
{
#define ENTRY(rest) "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu" rest "}"
#define NAMED(name) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}"
#define BODY(mark, rest)                                                                             \
	"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG "\",\"digest\":\"" OTHER \
	"\",\"size\":2},\"layers\":[],\"annotations\":{\"mark\":\"" mark "\"}" rest "}"
#define ABOUT(digest) ",\"subject\":{\"digest\":\"" digest "\"}"
	static const char *const bodies[] = { BODY("sig", ""), BODY("one", ABOUT(SUBJECT)),
		BODY("two", ABOUT(SUBJECT)), BODY("other", ABOUT(OTHER)) };
	char digests[5][OCI_DIGEST_MAX];
	auto_attached struct attached found = ATTACHED_NONE, nothing = ATTACHED_NONE;

	(void)state;
	make_image("oci:oci:t", "x");
	for (size_t i = 0; i < 4; i++)
		put_file(bodies[i], digests[i]);
	auto_free char *fallback = xasprintf(
			"{\"schemaVersion\":2,\"manifests\":[" ENTRY("") "," ENTRY("") "," ENTRY("") "]}",
			digests[2], strlen(bodies[2]), digests[3], strlen(bodies[3]), OTHER, (size_t)1);
	put_file(fallback, digests[4]);
	auto_free char *index = xasprintf(
			"{\"schemaVersion\":2,\"manifests\":[" ENTRY(NAMED(TAG ".sig")) "," ENTRY(
					"") "," ENTRY("") "," ENTRY(NAMED("x")) ",{\"mediaType\":"
										"\"" OCI_TYPE_INDEX
										"\",\"digest\":\"%s\","
										"\"size\":%zu" NAMED(
												TAG) "}]}",
			digests[0], strlen(bodies[0]), digests[1], strlen(bodies[1]), digests[3],
			strlen(bodies[3]), OTHER, (size_t)1, digests[4], strlen(fallback));
	layout(index, &found);
	assert_int_equal(found.count, 3);
	assert_int_equal(marked(&found, "sig", ATTACHED_BY_TAG), 1);
	assert_int_equal(marked(&found, "one", ATTACHED_BY_API), 1);
	assert_int_equal(marked(&found, "two", ATTACHED_BY_FALLBACK), 1);
	assert_false(found.more);
	layout("{\"schemaVersion\":2,\"manifests\":[]}", &nothing);
	assert_int_equal(nothing.count, 0);
}

static void finds_nothing_in_places_that_hold_one_image(void **state)
{
	auto_attached struct attached found = ATTACHED_NONE;

	(void)state;
	make_image("dir:dir", "x");
	auto_oci_source struct oci_source *source = open_source("dir:dir");
	assert_int_equal(oci_source_attached(source, SUBJECT, BOTH, &found, NULL), 0);
	assert_int_equal(found.count, 0);
}

static void makes_tags_of_digests(void **state)
{
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	char tag[ATTACHED_TAG_MAX];

	(void)state;
	attached_tag("sha256:" HEX64, "", tag);
	assert_string_equal(tag, "sha256-" HEX64);
	attached_tag("sha256:" HEX64, ".sig", tag);
	assert_string_equal(tag, "sha256-" HEX64 ".sig");
	attached_tag("sha512:" HEX64 HEX64, "", tag);
	assert_string_equal(tag, "sha512-" HEX64);
	attached_tag("sha512:" HEX64 HEX64, ".sig", tag);
	assert_string_equal(tag, "sha512-" HEX64 HEX64 ".sig");
	attached_tag("", "", tag);
	assert_string_equal(tag, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				finds_what_is_attached_in_a_layout, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(
				finds_nothing_in_places_that_hold_one_image, enter_folder, leave_folder),
		cmocka_unit_test(makes_tags_of_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
