/* SPDX-License-Identifier: Apache-2.0 */
/* dir:, skopeo's folder of one image. */
#include "tests/oci/images.h"

#define VERSION "Directory Transport Version: 1.1\n"

static char *name_of(struct span bytes)
{
	char digest[OCI_DIGEST_MAX];

	oci_digest_of(bytes, digest);
	return xasprintf("d/%s", digest + 7);
}

static void writes_what_skopeo_writes(void **state)
{
	(void)state;
	make_image("dir:d", "content");
	auto_free char *version = slurp("d/version");
	auto_free char *manifest = slurp("d/manifest.json");
	auto_free char *layer = name_of(SPAN_LIT("content"));
	auto_free char *config = name_of(SPAN_LIT("{}"));
	auto_free char *content = slurp(layer);
	auto_free char *braces = slurp(config);

	assert_string_equal(version, VERSION);
	assert_string_equal(content, "content");
	assert_string_equal(braces, "{}");
	assert_ptr_equal(strstr(manifest, "{\"schemaVersion\":2,"), manifest);
	assert_int_equal(count_names("d", ""), 4);
	holds_image("dir:d", "content");
}

static void what_the_image_before_had_goes_at_the_commit(void **state)
{
	(void)state;
	make_image("dir:d", "in clear");
	auto_free char *former = name_of(SPAN_LIT("in clear"));
	char digest[OCI_DIGEST_MAX];

	put("d/0123", "of somebody else");
	auto_oci_dest struct oci_dest *dest = open_dest("dir:d");
	add_image(dest, "sealed", true, digest);
	assert_true(is_there(former));
	holds_image("dir:d", "in clear");
	commit(dest);
	assert_false(is_there(former));
	assert_true(is_there("d/0123"));
	holds_image("dir:d", "sealed");
	assert_int_equal(count_names("d", ""), 5);
}

static void blobs_that_were_there_stay_when_they_are_of_the_new_image(void **state)
{
	(void)state;
	make_image("dir:d", "content");
	auto_oci_dest struct oci_dest *dest = open_dest("dir:d");
	struct oci_descriptor blob = { .size = 7 };
	char layer[OCI_DIGEST_MAX];
	bool has = false;

	oci_digest_of(SPAN_LIT("content"), layer);
	blob.digest = layer;
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), 0);
	assert_true(has);
	make_image("dir:d", "content");
	holds_image("dir:d", "content");
}

static void holds_an_index_with_its_images(void **state)
{
	(void)state;
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	char one[OCI_DIGEST_MAX], two[OCI_DIGEST_MAX], root[OCI_DIGEST_MAX];

	make_image("dir:d", "former");
	struct oci_dest *dest = open_dest("dir:d");
	add_image(dest, "one", false, one);
	add_image(dest, "two", false, two);
	auto_free char *text =
			xasprintf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_TYPE_MANIFEST
				  "\",\"digest\":\"%s\",\"size\":1},{\"mediaType\":\"" OCI_TYPE_MANIFEST
				  "\",\"digest\":\"%s\",\"size\":1}]}",
					one, two);
	assert_int_equal(oci_dest_manifest(dest, span_of(text), OCI_TYPE_INDEX, true, root, NULL), 0);
	commit(dest);
	oci_dest_free(dest);
	auto_oci_source struct oci_source *source = open_source("dir:d");
	assert_int_equal(oci_source_manifest(source, NULL, &bytes, NULL), 0);
	assert_string_equal(bytes.media_type, OCI_TYPE_INDEX);
	assert_string_equal(bytes.digest, root);
	assert_int_equal(oci_source_manifest(source, two, &bytes, NULL), 0);
	assert_string_equal(bytes.media_type, OCI_TYPE_MANIFEST);
	assert_int_equal(oci_source_manifest(source, root, &bytes, NULL), 0);
	auto_free char *instance = xasprintf("d/%s.manifest.json", one + 7);
	assert_true(is_there(instance));
	/* version, manifest.json, a config, two manifests, two layers: nothing of the image before */
	assert_int_equal(count_names("d", ""), 7);
	put(instance, "{}");
	struct err err = ERR_NONE;
	assert_int_equal(oci_source_manifest(source, one, &bytes, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(unlink(instance), 0);
	assert_int_equal(oci_source_manifest(source, one, &bytes, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	buf_clear(&bytes.bytes);
}

static void what_is_not_committed_changes_nothing(void **state)
{
	(void)state;
	char digest[OCI_DIGEST_MAX];

	make_image("dir:d", "content");
	struct oci_dest *dest = open_dest("dir:d");
	add_image(dest, "other", true, digest);
	oci_dest_free(dest);
	holds_image("dir:d", "content");
	assert_int_equal(count_names("d", ".cocoon"), 0);
}

/* The commit of the one took away what the other had written. */
static void the_second_of_two_writers_at_once_is_told(void **state)
{
	(void)state;
	struct oci_dest *dest = open_dest("dir:d");
	char digest[OCI_DIGEST_MAX];
	struct err err = ERR_NONE;

	add_blob(dest, SPAN_LIT("lost"), digest);
	make_image("dir:d", "content");
	assert_int_equal(oci_dest_manifest(dest,
					 SPAN_LIT("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/b\","
						  "\"digest\":\"sha256:"
						  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b78"
						  "52b855\",\"size\":4},\"layers\":[]}"),
					 OCI_TYPE_MANIFEST, true, digest, NULL),
			0);
	assert_int_equal(oci_dest_commit(dest, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_non_null(strstr(err.text, "run it again"));
	oci_dest_free(dest);
	holds_image("dir:d", "content");
}

static void joined_objects_write_one_image(void **state)
{
	(void)state;
	auto_oci_dest struct oci_dest *first = open_dest("dir:d");
	auto_oci_dest struct oci_dest *second = NULL;
	char digest[OCI_DIGEST_MAX];

	assert_int_equal(oci_dest_join(first, &second, NULL), 0);
	add_blob(second, SPAN_LIT("content"), digest);
	add_image(first, "content", true, digest);
	commit(first);
	holds_image("dir:d", "content");
}

static void reads_a_folder_without_a_version(void **state)
{
	(void)state;
	make_image("dir:d", "content");
	assert_int_equal(unlink("d/version"), 0);
	holds_image("dir:d", "content");
}

static void refuses_folders_that_are_none_of_ours(void **state)
{
	(void)state;
	refuses_image("dir:missing", ERR_NOT_FOUND, "missing");
	make_image("oci:l:t", "x");
	refuses_image("dir:l", ERR_NOT_FOUND, "manifest.json");
	refuses_dest("dir:l", ERR_USAGE, "no file 'version'");
	make_image("dir:d", "content");
	put("d/version", "Directory Transport Version: 1.0\n");
	refuses_image("dir:d", ERR_FORMAT, "does not say");
	refuses_dest("dir:d", ERR_FORMAT, "does not say");
	assert_int_equal(unlink("d/version"), 0);
	assert_int_equal(symlink("../l/oci-layout", "d/version"), 0);
	refuses_image("dir:d", ERR_FORMAT, "symbolic links");
	refuses_dest("dir:d", ERR_FORMAT, "symbolic links");
}

static void refuses_what_is_not_as_told(void **state)
{
	(void)state;
	make_image("dir:d", "content");
	auto_free char *layer = name_of(SPAN_LIT("content"));
	auto_free char *text = slurp("d/manifest.json");

	put(layer, "conten");
	refuses_image("dir:d", ERR_FORMAT, "has 6 bytes, and the manifest says 7");
	assert_int_equal(unlink(layer), 0);
	assert_int_equal(symlink("/etc/hostname", layer), 0);
	refuses_image("dir:d", ERR_FORMAT, "symbolic links");
	for (size_t len = strlen(text) - 1; len > 0; len--) {
		text[len] = '\0';
		put("d/manifest.json", text);
		refuses_image("dir:d", ERR_FORMAT, "the manifest");
	}
	put("d/manifest.json", "{\"schemaVersion\":1,\"fsLayers\":[]}");
	refuses_image("dir:d", ERR_FORMAT, "schema 1");
	assert_int_equal(truncate("d/manifest.json", OCI_MANIFEST_MAX + 1), 0);
	refuses_image("dir:d", ERR_LIMIT, "exceeds");
	assert_int_equal(unlink("d/manifest.json"), 0);
	assert_int_equal(symlink("../outside", "d/manifest.json"), 0);
	refuses_image("dir:d", ERR_FORMAT, "symbolic links");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_what_skopeo_writes),
		TEST(what_the_image_before_had_goes_at_the_commit),
		TEST(blobs_that_were_there_stay_when_they_are_of_the_new_image),
		TEST(holds_an_index_with_its_images),
		TEST(what_is_not_committed_changes_nothing),
		TEST(the_second_of_two_writers_at_once_is_told),
		TEST(joined_objects_write_one_image),
		TEST(reads_a_folder_without_a_version),
		TEST(refuses_folders_that_are_none_of_ours),
		TEST(refuses_what_is_not_as_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
