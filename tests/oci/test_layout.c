/* SPDX-License-Identifier: Apache-2.0 */
/* oci: as a folder, its reading and its writing. */
#include "tests/oci/images.h"

#include "codec/json.h"

#include <pthread.h>
#include <sys/file.h>

#define HEX   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ENTRY "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"sha256:" HEX "\",\"size\":0}"
#define MARK  "{\"imageLayoutVersion\":\"1.0.0\"}"

static char *blob_path(const char *folder, struct span bytes)
{
	char digest[OCI_DIGEST_MAX];

	oci_digest_of(bytes, digest);
	return xasprintf("%s/blobs/sha256/%s", folder, digest + 7);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void writes_what_the_specification_says(void **state)
{
	(void)state;
	make_image("oci:a/b/l:1.2", "content");
	auto_free char *mark = slurp("a/b/l/oci-layout");
	auto_free char *index = slurp("a/b/l/index.json");
	auto_free char *layer = blob_path("a/b/l", SPAN_LIT("content"));
	auto_free char *content = slurp(layer);

	assert_string_equal(mark, MARK);
	assert_string_equal(content, "content");
	assert_non_null(strstr(index, "\"annotations\":{\"org.opencontainers.image.ref.name\":\"1.2\"}"));
	assert_ptr_equal(strstr(index, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\","), index);
	assert_int_equal(count_names("a/b/l", ""), 3);
	assert_int_equal(count_names("a/b/l/blobs/sha256", ""), 3);
	holds_image("oci:a/b/l:1.2", "content");
	holds_image("oci:a/b/l", "content");
}

static void replaces_the_entry_of_the_tag_alone(void **state)
{
	(void)state;
	make_image("oci:l:a", "first");
	make_image("oci:l:b", "second");
	make_image("oci:l:a", "third");
	make_image("oci:l", "fourth");
	make_image("oci:l", "fifth");
	auto_free char *text = slurp("l/index.json");
	auto_json json_t *index = json_loads(text, 0, NULL);

	assert_int_equal(json_array_size(json_object_get(index, "manifests")), 3);
	holds_image("oci:l:a", "third");
	holds_image("oci:l:b", "second");
	refuses_image("oci:l", ERR_USAGE, "holds 3 images");
	refuses_image("oci:l:c", ERR_NOT_FOUND, "holds no image 'c'; tags there: 'b', 'a'");
}

static void keeps_what_others_wrote_into_the_index(void **state)
{
	(void)state;
	static const char *const before =
			"{\"x-members\":[1],\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
			"\"a/b\",\"x\":{},\"digest\":\"sha256:" HEX "\",\"size\":9}],"
			"\"annotations\":{\"k\":\"v\"}}";
	make_image("oci:l:t", "x");
	put("l/index.json", before);
	make_image("oci:l:t", "x");
	auto_free char *after = slurp("l/index.json");

	/* all that was there, and one entry more */
	const char *end = strstr(before, "],\"ann");
	assert_int_equal(strncmp(after, before, (size_t)(end - before)), 0);
	assert_non_null(strstr(after, "ref.name\":\"t\"}}],\"annotations\":{\"k\":\"v\"}}"));
}

static void knows_the_blobs_that_are_there(void **state)
{
	(void)state;
	struct oci_descriptor blob = { .size = 7 }, link = { .digest = "sha256:" HEX, .size = 0 };
	char digest[OCI_DIGEST_MAX];
	bool has = true;

	make_image("oci:l:t", "content");
	auto_oci_dest struct oci_dest *dest = open_dest("oci:l:t");
	oci_digest_of(SPAN_LIT("content"), digest);
	blob.digest = digest;
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), 0);
	assert_true(has);
	blob.size = 8;
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), 0);
	assert_false(has);
	has = true;
	assert_int_equal(oci_dest_has(dest, &link, &has, NULL), 0);
	assert_false(has);
	assert_int_equal(symlink("/dev/null", "l/blobs/sha256/" HEX), 0);
	has = true;
	assert_int_equal(oci_dest_has(dest, &link, &has, NULL), 0);
	assert_false(has);
	blob.digest = "sha256:../../etc/passwd";
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), -1);
}

static void a_blob_of_the_wrong_size_is_written_anew(void **state)
{
	(void)state;
	make_image("oci:l:t", "content");
	auto_free char *path = blob_path("l", SPAN_LIT("content"));
	assert_int_equal(truncate(path, 3), 0);
	make_image("oci:l:t", "content");
	holds_image("oci:l:t", "content");
}

static void counts_the_bytes_of_a_blob(void **state)
{
	(void)state;
	auto_oci_dest struct oci_dest *dest = open_dest("oci:l:t");
	auto_oci_writer struct oci_writer *longer = NULL;
	auto_oci_writer struct oci_writer *shorter = NULL;
	struct err err = ERR_NONE;

	assert_int_equal(oci_dest_blob(dest, 3, &longer, NULL), 0);
	assert_int_equal(stream_feed(oci_writer_stream(longer), SPAN_LIT("abcd"), &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(oci_dest_blob(dest, 3, &shorter, NULL), 0);
	assert_int_equal(stream_feed(oci_writer_stream(shorter), SPAN_LIT("ab"), NULL), 0);
	assert_int_equal(oci_writer_commit(shorter, "sha256:" HEX, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(oci_writer_commit(shorter, "sha256:../x", &err), -1);
	assert_false(is_there("l/blobs/sha256/" HEX));
}

static void removes_what_a_killed_writer_left(void **state)
{
	(void)state;
	make_image("oci:l:t", "x");
	put("l/.cocoon-blob-0123456789abcdef", "of one who is dead");
	put("l/.cocoon-blob-fedcba9876543210", "of one who lives");
	put("l/.other", "of somebody else");
	auto_fd int lives = open("l/.cocoon-blob-fedcba9876543210", O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(lives, LOCK_EX), 0);
	make_image("oci:l:t", "y");
	assert_false(is_there("l/.cocoon-blob-0123456789abcdef"));
	assert_true(is_there("l/.cocoon-blob-fedcba9876543210"));
	assert_true(is_there("l/.other"));
}

static void refuses_folders_that_hold_other_things(void **state)
{
	(void)state;
	assert_int_equal(mkdir("home", 0755), 0);
	put("home/letter", "x");
	refuses_dest("oci:home:t", ERR_USAGE, "not empty");
	put("file", "x");
	refuses_dest("oci:file:t", ERR_NOT_FOUND, "Not a directory");
	refuses_dest("oci:file/l:t", ERR_NOT_FOUND, "Not a directory");
	make_image("oci:l:t", "x");
	put("l/oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
	refuses_dest("oci:l:t", ERR_FORMAT, "version '2.0.0'");
	assert_int_equal(unlink("l/oci-layout"), 0);
	refuses_dest("oci:l:t", ERR_USAGE, "no file 'oci-layout'");
}

static void never_writes_through_a_link(void **state)
{
	(void)state;
	char digest[OCI_DIGEST_MAX];
	struct err err = ERR_NONE;

	put("outside", "kept");
	make_image("oci:l:t", "x");
	assert_int_equal(unlink("l/index.json"), 0);
	assert_int_equal(symlink("../outside", "l/index.json"), 0);
	auto_oci_dest struct oci_dest *dest = open_dest("oci:l:t");
	add_image(dest, "x", true, digest);
	assert_int_equal(oci_dest_commit(dest, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	auto_free char *kept = slurp("outside");
	assert_string_equal(kept, "kept");
}

static void joined_objects_write_one_image(void **state)
{
	(void)state;
	auto_oci_dest struct oci_dest *first = open_dest("oci:l:t");
	auto_oci_dest struct oci_dest *second = NULL;
	char digest[OCI_DIGEST_MAX];

	assert_int_equal(oci_dest_join(first, &second, NULL), 0);
	add_blob(second, SPAN_LIT("content"), digest);
	add_image(first, "content", true, digest);
	commit(first);
	holds_image("oci:l:t", "content");
}

static void takes_sha512(void **state)
{
	(void)state;
	auto_oci_dest struct oci_dest *dest = open_dest("oci:l:t");
	auto_oci_writer struct oci_writer *writer = NULL;
	static const char digest[] = "sha512:" HEX HEX;
	const struct oci_descriptor blob = { .digest = digest, .size = 1 };
	bool has = false;

	assert_int_equal(oci_dest_blob(dest, 1, &writer, NULL), 0);
	assert_int_equal(stream_feed(oci_writer_stream(writer), SPAN_LIT("x"), NULL), 0);
	assert_int_equal(oci_writer_commit(writer, digest, NULL), 0);
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), 0);
	assert_true(has && is_there("l/blobs/sha512/" HEX HEX));
}

struct racer {
	pthread_t thread;
	char place[32], content[32];
};

static void *race(void *ctx)
{
	const struct racer *racer = ctx;

	for (int i = 0; i < 5; i++)
		make_image(racer->place, racer->content);
	return NULL;
}

/* Each a program of its own, as far as the folder is concerned. */
static void writers_at_once_lose_nothing(void **state)
{
	(void)state;
	struct racer racers[8];

	for (size_t i = 0; i < 8; i++) {
		snprintf(racers[i].place, sizeof(racers[i].place), "oci:l:tag%zu", i);
		snprintf(racers[i].content, sizeof(racers[i].content), "content %zu", i / 2);
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
	for (size_t i = 0; i < 8; i++)
		holds_image(racers[i].place, racers[i].content);
	assert_int_equal(count_names("l", ""), 3);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static void finds_an_image_by_its_names(void **state)
{
	(void)state;
	make_image("oci:l:t", "x");
	auto_free char *text = slurp("l/index.json");
	auto_json json_t *index = json_loads(text, 0, NULL);
	json_t *entry = json_array_get(json_object_get(index, "manifests"), 0);

	/* as `ctr images export` writes two images of one tag */
	json_object_set_new(json_object_get(entry, "annotations"), "io.containerd.image.name",
			json_string("reg.example/app:t"));
	json_t *other = json_deep_copy(entry);
	json_object_set_new(json_object_get(other, "annotations"), "io.containerd.image.name",
			json_string("reg.example/other:t"));
	json_object_set_new(other, "digest", json_string("sha256:" HEX));
	json_array_append_new(json_object_get(index, "manifests"), other);
	auto_free char *two = json_text(index, false);
	put("l/index.json", two);
	holds_image("oci:l:reg.example/app:t", "x");
	refuses_image("oci:l:t", ERR_USAGE,
			"holds 2 images called 't'; name one of 'reg.example/app:t', 'reg.ex");
	/* the same image under two names is one */
	json_object_set_new(other, "digest", json_incref(json_object_get(entry, "digest")));
	auto_free char *same = json_text(index, false);
	put("l/index.json", same);
	holds_image("oci:l:t", "x");
	holds_image("oci:l", "x");
}

/* What is found by a name is replaced under it, and what has a name is not what has none. */
static void replaces_an_image_under_its_whole_name(void **state)
{
	(void)state;
	static const char name[] = "org.opencontainers.image.ref.name", full[] = "io.containerd.image.name";
	make_image("oci:l:t", "old");
	auto_free char *text = slurp("l/index.json");
	auto_json json_t *index = json_loads(text, 0, NULL);
	json_t *entry = json_array_get(json_object_get(index, "manifests"), 0);

	json_object_set_new(json_object_get(entry, "annotations"), full, json_string("reg.example/app:t"));
	json_object_del(json_object_get(entry, "annotations"), name);
	auto_free char *named = json_text(index, false);
	put("l/index.json", named);
	make_image("oci:l", "nameless");
	holds_image("oci:l:reg.example/app:t", "old");
	make_image("oci:l:reg.example/app:t", "new");
	holds_image("oci:l:reg.example/app:t", "new");
}

static const struct {
	const char *name, *text;
	enum err_kind kind;
	const char *words;
} bad_indexes[] = {
	{ "empty", "", ERR_FORMAT, "empty" },
	{ "no JSON", "x", ERR_FORMAT, "not valid JSON" },
	{ "a manifest", "{\"schemaVersion\":2,\"config\":" ENTRY ",\"layers\":[]}", ERR_FORMAT,
			"has 'config'" },
	{ "no image", "{\"schemaVersion\":2,\"manifests\":[]}", ERR_NOT_FOUND, "holds no image" },
	{ "null", "{\"schemaVersion\":2,\"manifests\":null}", ERR_NOT_FOUND, "holds no image" },
	{ "two roots", "{\"schemaVersion\":2,\"manifests\":[" ENTRY "],\"manifests\":[]}", ERR_FORMAT,
			"duplicate" },
	{ "a digest that climbs",
			"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_TYPE_MANIFEST
			"\",\"digest\":\"sha256:../../../etc/passwd\",\"size\":1}]}",
			ERR_FORMAT, "manifests[0].digest" },
	{ "a digest of nothing here", "{\"schemaVersion\":2,\"manifests\":[" ENTRY "]}", ERR_NOT_FOUND, HEX },
	{ "another type",
			"{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_TYPE_LIST "\",\"manifests\":[" ENTRY
			"]}",
			ERR_FORMAT, "one of the two is a lie" },
};

static void refuses_bad_indexes(void **state)
{
	(void)state;
	make_image("oci:l:t", "x");
	for (size_t i = 0; i < sizeof(bad_indexes) / sizeof(bad_indexes[0]); i++) {
		put("l/index.json", bad_indexes[i].text);
		refuses_image("oci:l", bad_indexes[i].kind, bad_indexes[i].words);
	}
}

static void refuses_an_index_truncated_at_every_byte(void **state)
{
	(void)state;
	make_image("oci:l:t", "x");
	auto_free char *text = slurp("l/index.json");

	for (size_t len = strlen(text) - 1; len > 0; len--) {
		text[len] = '\0';
		put("l/index.json", text);
		refuses_image("oci:l", ERR_FORMAT, "index.json");
	}
}

static void refuses_documents_beyond_4_mib(void **state)
{
	(void)state;
	make_image("oci:l:t", "x");
	assert_int_equal(truncate("l/index.json", OCI_MANIFEST_MAX + 1), 0);
	refuses_image("oci:l", ERR_LIMIT, "exceeds 4194304 bytes");
}

/* What the root of l/ is, as a path. */
static char *root_path(void)
{
	auto_free char *text = slurp("l/index.json");
	const char *digest = strstr(text, "sha256:");

	assert_non_null(digest);
	return xasprintf("l/blobs/sha256/%.64s", digest + 7);
}

static void refuses_a_manifest_that_is_not_its_digests(void **state)
{
	(void)state;
	make_image("oci:l:t", "x");
	auto_free char *path = root_path();
	auto_free char *text = slurp(path);

	text[strlen(text) / 2] ^= 1;
	put(path, text);
	refuses_image("oci:l", ERR_AUTH, "is not what its digest says");
	put(path, "shorter");
	refuses_image("oci:l", ERR_FORMAT, "has 7 bytes, and 'index.json' says");
}

static void refuses_blobs_that_are_not_as_told(void **state)
{
	(void)state;
	make_image("oci:l:t", "content");
	auto_free char *path = blob_path("l", SPAN_LIT("content"));

	put(path, "conten");
	refuses_image("oci:l", ERR_FORMAT, "has 6 bytes, and the manifest says 7");
	put(path, "contents");
	refuses_image("oci:l", ERR_FORMAT, "has 8 bytes");
	assert_int_equal(unlink(path), 0);
	refuses_image("oci:l", ERR_NOT_FOUND, "No such file");
	assert_int_equal(mkdir(path, 0755), 0);
	refuses_image("oci:l", ERR_FORMAT, "no regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	refuses_image("oci:l", ERR_FORMAT, "no regular file");
	assert_int_equal(unlink(path), 0);
	put("outside", "content");
	auto_free char *target = realpath("outside", NULL);
	assert_int_equal(symlink(target, path), 0);
	refuses_image("oci:l", ERR_FORMAT, "symbolic links");
}

static void follows_no_link_to_a_folder_of_blobs(void **state)
{
	(void)state;
	make_image("oci:l:t", "content");
	assert_int_equal(rename("l/blobs/sha256", "sha256"), 0);
	assert_int_equal(symlink("../../sha256", "l/blobs/sha256"), 0);
	refuses_image("oci:l", ERR_NOT_FOUND, "Not a directory");
	assert_int_equal(rename("sha256", "l/real"), 0);
	assert_int_equal(unlink("l/blobs/sha256"), 0);
	assert_int_equal(symlink("../real", "l/blobs/sha256"), 0);
	refuses_image("oci:l", ERR_NOT_FOUND, "Not a directory");
}

static void says_what_is_no_layout(void **state)
{
	(void)state;
	refuses_image("oci:missing", ERR_NOT_FOUND, "missing");
	assert_int_equal(mkdir("empty", 0755), 0);
	refuses_image("oci:empty", ERR_NOT_FOUND, "no OCI layout");
	make_image("oci:l:t", "x");
	put("l/oci-layout", "");
	refuses_image("oci:l", ERR_FORMAT, "'oci-layout'");
	put("l/oci-layout", "{}");
	refuses_image("oci:l", ERR_FORMAT, "imageLayoutVersion: is missing");
	put("l/oci-layout", "{\"imageLayoutVersion\":\"1.1.0\"}");
	refuses_image("oci:l", ERR_FORMAT, "not 1.0.0");
}

static void refuses_digests_that_are_none(void **state)
{
	(void)state;
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	static const char *const digests[] = { "", "sha256:", "sha256/../../etc/passwd",
		"sha256:../../../etc/passwd" };

	make_image("oci:l:t", "x");
	auto_oci_source struct oci_source *source = open_source("oci:l");
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		struct oci_descriptor blob = { .digest = digests[i], .size = 1 };
		struct oci_reader *reader = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(oci_source_manifest(source, digests[i], &bytes, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_int_equal(oci_source_blob(source, &blob, &reader, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
	buf_clear(&bytes.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_what_the_specification_says),
		TEST(replaces_the_entry_of_the_tag_alone),
		TEST(keeps_what_others_wrote_into_the_index),
		TEST(knows_the_blobs_that_are_there),
		TEST(a_blob_of_the_wrong_size_is_written_anew),
		TEST(counts_the_bytes_of_a_blob),
		TEST(removes_what_a_killed_writer_left),
		TEST(refuses_folders_that_hold_other_things),
		TEST(never_writes_through_a_link),
		TEST(joined_objects_write_one_image),
		TEST(takes_sha512),
		TEST(writers_at_once_lose_nothing),
		TEST(finds_an_image_by_its_names),
		TEST(replaces_an_image_under_its_whole_name),
		TEST(refuses_bad_indexes),
		TEST(refuses_an_index_truncated_at_every_byte),
		TEST(refuses_documents_beyond_4_mib),
		TEST(refuses_a_manifest_that_is_not_its_digests),
		TEST(refuses_blobs_that_are_not_as_told),
		TEST(follows_no_link_to_a_folder_of_blobs),
		TEST(says_what_is_no_layout),
		TEST(refuses_digests_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
