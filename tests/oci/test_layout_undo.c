/* SPDX-License-Identifier: Apache-2.0 */
/* What a run leaves in an oci: folder that ends without an image, and in which others write at the same time. */
#include "tests/oci/images.h"

#include <pthread.h>

static void what_is_not_committed_leaves_nothing(void **state)
{
	(void)state;
	struct oci_dest *dest = open_dest("oci:l:t");
	struct oci_writer *writer = NULL;

	assert_int_equal(oci_dest_blob(dest, 100, &writer, NULL), 0);
	assert_int_equal(stream_feed(oci_writer_stream(writer), SPAN_LIT("half"), NULL), 0);
	assert_int_equal(count_names("l", ".cocoon-blob-"), 1);
	oci_writer_free(writer);
	oci_dest_free(dest);
	assert_false(is_there("l"));
	refuses_image("oci:l:t", ERR_NOT_FOUND, "No such file");
}

static void blobs_without_an_image_go_again(void **state)
{
	(void)state;
	struct oci_dest *dest = open_dest("oci:l:t"), *second = NULL;
	char digest[OCI_DIGEST_MAX];

	assert_int_equal(oci_dest_join(dest, &second, NULL), 0);
	add_blob(dest, SPAN_LIT("one"), digest);
	add_blob(second, SPAN_LIT("two"), digest);
	assert_int_equal(count_names("l/blobs/sha256", ""), 2);
	oci_dest_free(second);
	assert_int_equal(count_names("l/blobs/sha256", ""), 2);
	oci_dest_free(dest);
	assert_false(is_there("l"));
}

static void an_image_that_was_there_keeps_its_blobs(void **state)
{
	(void)state;
	make_image("oci:l:t", "content");
	struct oci_dest *dest = open_dest("oci:l:u");
	char digest[OCI_DIGEST_MAX];

	add_blob(dest, SPAN_LIT("content"), digest);
	add_blob(dest, SPAN_LIT("other"), digest);
	assert_int_equal(count_names("l/blobs/sha256", ""), 4);
	oci_dest_free(dest);
	assert_int_equal(count_names("l/blobs/sha256", ""), 3);
	holds_image("oci:l:t", "content");
	/* a folder that was there and empty stays as it was */
	assert_int_equal(mkdir("empty", 0755), 0);
	oci_dest_free(open_dest("oci:empty:t"));
	assert_int_equal(count_names("empty", ""), 0);
}

static void nothing_goes_that_an_image_of_meanwhile_names(void **state)
{
	(void)state;
	struct oci_dest *dest = open_dest("oci:l:t");
	char digest[OCI_DIGEST_MAX];

	add_blob(dest, SPAN_LIT("content"), digest);
	make_image("oci:l:u", "content");
	oci_dest_free(dest);
	holds_image("oci:l:u", "content");
}

static void nothing_goes_that_another_writer_may_count_on(void **state)
{
	(void)state;
	struct oci_dest *first = open_dest("oci:l:t"), *other = open_dest("oci:l:u");
	char digest[OCI_DIGEST_MAX];
	struct oci_descriptor blob = { .size = 3, .digest = digest };
	bool has = false;

	add_blob(first, SPAN_LIT("one"), digest);
	assert_int_equal(oci_dest_has(other, &blob, &has, NULL), 0);
	assert_true(has);
	oci_dest_free(first);
	assert_int_equal(count_names("l/blobs/sha256", ""), 1);
	oci_dest_free(other);
	assert_true(is_there("l/oci-layout"));
}

static void *open_one(void *ctx)
{
	return open_dest(ctx);
}

/* Only one of them marks the folder; the others must not take it for somebody else's. */
static void writers_at_once_make_one_folder(void **state)
{
	(void)state;
	pthread_t threads[4];
	struct oci_dest *dests[4];
	char place[32];

	for (int round = 0; round < 100; round++) {
		snprintf(place, sizeof(place), "oci:round%d", round);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, open_one, place), 0);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(pthread_join(threads[i], (void **)&dests[i]), 0);
		for (size_t i = 0; i < 4; i++)
			oci_dest_free(dests[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_committed_leaves_nothing),
		TEST(blobs_without_an_image_go_again),
		TEST(an_image_that_was_there_keeps_its_blobs),
		TEST(nothing_goes_that_an_image_of_meanwhile_names),
		TEST(nothing_goes_that_another_writer_may_count_on),
		TEST(writers_at_once_make_one_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
