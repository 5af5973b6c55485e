/* SPDX-License-Identifier: Apache-2.0 */
/* oci-archive: written, by one and by several at once. */
#include "tests/oci/images.h"

#include "oci/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <pthread.h>
#include <sys/file.h>

#define PARTIAL "i.tar.cocoon-partial"

/* The names in an archive, one a line, as libarchive reads it to its end, checking that padding is zero. */
static char *list(const char *path)
{
	auto_buf struct buf names = BUF_MAX(1 << 20);
	struct archive *tar = archive_read_new();
	struct archive_entry *entry = NULL;
	int status;

	archive_read_support_format_tar(tar);
	assert_int_equal(archive_read_open_filename(tar, path, 10240), ARCHIVE_OK);
	while ((status = archive_read_next_header(tar, &entry)) == ARCHIVE_OK) {
		assert_int_equal(archive_entry_filetype(entry), AE_IFREG);
		assert_int_equal(archive_entry_perm(entry), 0644);
		assert_int_equal(archive_entry_mtime(entry), 0);
		buf_printf(&names, "%s\n", archive_entry_pathname(entry));
	}
	assert_int_equal(status, ARCHIVE_EOF);
	archive_read_free(tar);
	return buf_take(&names);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void writes_an_archive(void **state)
{
	(void)state;
	make_image("oci-archive:i.tar:1.2", "content");
	auto_free char *names = list("i.tar");
	struct stat what;

	assert_int_equal(count_lines(names), 5);
	assert_non_null(strstr(names, "\noci-layout\nindex.json\n"));
	holds_image("oci-archive:i.tar:1.2", "content");
	holds_image("oci-archive:i.tar", "content");
	assert_int_equal(count_names(".", ""), 1);
	assert_int_equal(stat("i.tar", &what), 0);
	assert_int_equal(what.st_size, 5 * (TAR_HEAD + TAR_BLOCK) + TAR_END);
}

static void replaces_an_archive_and_keeps_its_mode(void **state)
{
	(void)state;
	struct stat what;

	make_image("oci-archive:i.tar:a", "first");
	assert_int_equal(chmod("i.tar", 0600), 0);
	assert_int_equal(symlink("i.tar", "link"), 0);
	make_image("oci-archive:link:b", "second");
	holds_image("oci-archive:i.tar:b", "second");
	refuses_image("oci-archive:i.tar:a", ERR_NOT_FOUND, "'b'");
	assert_int_equal(lstat("i.tar", &what), 0);
	assert_int_equal(what.st_mode, S_IFREG | 0600);
	assert_int_equal(lstat("link", &what), 0);
	assert_true(S_ISLNK(what.st_mode));
}

static void what_is_not_committed_leaves_nothing(void **state)
{
	(void)state;
	char digest[OCI_DIGEST_MAX];

	make_image("oci-archive:i.tar", "former");
	struct oci_dest *dest = open_dest("oci-archive:i.tar");
	add_image(dest, "other", true, digest);
	assert_true(is_there(PARTIAL));
	oci_dest_free(dest);
	assert_int_equal(count_names(".", ""), 1);
	holds_image("oci-archive:i.tar", "former");
}

/* A blob that is begun and given up, of a size that no padding hides. */
static void give_up(struct oci_dest *dest, size_t size, size_t fed)
{
	auto_oci_writer struct oci_writer *writer = NULL;
	auto_free char *bytes = xmalloc(size);

	memset(bytes, '!', size);
	assert_int_equal(oci_dest_blob(dest, size, &writer, NULL), 0);
	assert_int_equal(stream_feed(oci_writer_stream(writer), span_new(bytes, fed), NULL), 0);
}

static void what_a_writer_gave_up_is_closed_up(void **state)
{
	(void)state;
	struct oci_dest *dest = open_dest("oci-archive:i.tar:t");
	char digest[OCI_DIGEST_MAX];
	auto_free char *large = xcalloc(3 << 20, 1);

	memset(large, 'x', (3 << 20) - 1);
	give_up(dest, 1000, 1000);
	add_blob(dest, SPAN_LIT("before"), digest);
	give_up(dest, 5 << 20, 3 << 20);
	add_image(dest, large, true, digest);
	give_up(dest, 513, 0);
	add_blob(dest, SPAN_LIT("behind"), digest);
	give_up(dest, 2000, 2000);
	commit(dest);
	oci_dest_free(dest);
	auto_free char *names = list("i.tar");
	auto_free char *bytes = slurp("i.tar");
	struct stat what;

	assert_int_equal(count_lines(names), 7);
	holds_image("oci-archive:i.tar", large);
	assert_int_equal(stat("i.tar", &what), 0);
	assert_int_equal(what.st_size, 7 * TAR_HEAD + 6 * TAR_BLOCK + (3 << 20) + TAR_END);
	assert_null(memchr(bytes, '!', (size_t)what.st_size));
}

static void what_two_wrote_alike_is_there_once(void **state)
{
	(void)state;
	struct oci_dest *dest = open_dest("oci-archive:i.tar:t");
	char digest[OCI_DIGEST_MAX];

	add_blob(dest, SPAN_LIT("content"), digest);
	add_image(dest, "content", true, digest);
	add_image(dest, "content", true, digest);
	commit(dest);
	oci_dest_free(dest);
	auto_free char *names = list("i.tar");
	assert_int_equal(count_lines(names), 5);
	holds_image("oci-archive:i.tar", "content");
}

static void knows_what_it_has_written(void **state)
{
	(void)state;
	auto_oci_dest struct oci_dest *dest = open_dest("oci-archive:i.tar:t");
	struct oci_descriptor blob = { .size = 7 };
	char digest[OCI_DIGEST_MAX];
	bool has = true;

	oci_digest_of(SPAN_LIT("content"), digest);
	blob.digest = digest;
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), 0);
	assert_false(has);
	add_blob(dest, SPAN_LIT("content"), digest);
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), 0);
	assert_true(has);
	blob.size = 8;
	assert_int_equal(oci_dest_has(dest, &blob, &has, NULL), 0);
	assert_false(has);
}

static void counts_the_bytes_of_a_blob(void **state)
{
	(void)state;
	auto_oci_dest struct oci_dest *dest = open_dest("oci-archive:i.tar:t");
	auto_oci_writer struct oci_writer *writer = NULL;
	char digest[OCI_DIGEST_MAX];
	struct err err = ERR_NONE;

	oci_digest_of(SPAN_LIT("ab"), digest);
	assert_int_equal(oci_dest_blob(dest, 3, &writer, NULL), 0);
	assert_int_equal(stream_feed(oci_writer_stream(writer), SPAN_LIT("ab"), NULL), 0);
	assert_int_equal(oci_writer_commit(writer, digest, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(stream_feed(oci_writer_stream(writer), SPAN_LIT("cd"), &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(oci_dest_commit(dest, &err), -1);
}

static void takes_sha512_and_empty_blobs(void **state)
{
	(void)state;
#define H128                                                                               \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0" \
	"ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
	struct oci_dest *dest = open_dest("oci-archive:i.tar:t");
	struct oci_writer *writer = NULL;
	char digest[OCI_DIGEST_MAX];

	assert_int_equal(oci_dest_blob(dest, 0, &writer, NULL), 0);
	assert_int_equal(oci_writer_commit(writer, "sha512:" H128, NULL), 0);
	oci_writer_free(writer);
	add_image(dest, "content", true, digest);
	commit(dest);
	oci_dest_free(dest);
	auto_free char *names = list("i.tar");
	assert_ptr_equal(strstr(names, "blobs/sha512/" H128 "\n"), names);
	auto_oci_source struct oci_source *source = open_source("oci-archive:i.tar");
	auto_oci_reader struct oci_reader *reader = NULL;
	struct oci_descriptor blob = { .digest = "sha512:" H128, .size = 0 };
	char byte;
	size_t got = 1;
	assert_int_equal(oci_source_blob(source, &blob, &reader, NULL), 0);
	assert_int_equal(pull_read(oci_reader_pull(reader), &byte, 1, &got, NULL), 0);
	assert_int_equal(got, 0);
}

/* ---- one at a time ------------------------------------------------------------------------------------- */

static void takes_over_what_a_killed_run_left(void **state)
{
	(void)state;
	auto_free char *old = xcalloc(100000, 1);

	memset(old, '!', 99999);
	put(PARTIAL, old);
	make_image("oci-archive:i.tar", "content");
	holds_image("oci-archive:i.tar", "content");
	auto_free char *bytes = slurp("i.tar");
	assert_null(memchr(bytes, '!', 5 * (TAR_HEAD + TAR_BLOCK) + TAR_END));
	assert_int_equal(count_names(".", ""), 1);
}

static void refuses_what_somebody_else_writes_or_made(void **state)
{
	(void)state;
	struct oci_dest *dest = open_dest("oci-archive:i.tar");

	refuses_dest("oci-archive:i.tar", ERR_RETRY, "another program is writing");
	oci_dest_free(dest);
	put("outside", "kept");
	assert_int_equal(symlink("outside", PARTIAL), 0);
	refuses_dest("oci-archive:i.tar", ERR_IO, "symbolic links");
	assert_int_equal(unlink(PARTIAL), 0);
	assert_int_equal(link("outside", PARTIAL), 0);
	refuses_dest("oci-archive:i.tar", ERR_DENIED, "somebody else's");
	auto_free char *kept = slurp("outside");
	assert_string_equal(kept, "kept");
}

static void refuses_places_where_no_file_can_be(void **state)
{
	(void)state;
	assert_int_equal(mkdir("folder", 0755), 0);
	refuses_dest("oci-archive:folder", ERR_USAGE, "a folder is named by oci:");
	refuses_dest("oci-archive:missing/i.tar", ERR_IO, "No such file");
	refuses_dest("oci-archive:/dev/null", ERR_USAGE, "is there and no file");
}

/* ---- several at once ----------------------------------------------------------------------------------- */

#define WRITERS 4
#define BLOBS   25

struct worker {
	pthread_t thread;
	struct oci_dest *dest;
	size_t number;
};

/* Every second blob is one that all write, every third is given up in between. */
static void *work(void *ctx)
{
	const struct worker *worker = ctx;
	char text[64], digest[OCI_DIGEST_MAX];

	for (size_t i = 0; i < BLOBS; i++) {
		snprintf(text, sizeof(text), "blob %zu of %zu", i, i % 2 ? worker->number : 99);
		add_blob(worker->dest, span_of(text), digest);
		if (i % 3 == 0)
			give_up(worker->dest, 700 * i + 1, 500 * i);
	}
	return NULL;
}

static void joined_objects_write_one_archive(void **state)
{
	(void)state;
	auto_oci_dest struct oci_dest *first = open_dest("oci-archive:i.tar:t");
	struct worker workers[WRITERS];
	char digest[OCI_DIGEST_MAX];

	for (size_t i = 0; i < WRITERS; i++) {
		workers[i].number = i;
		assert_int_equal(oci_dest_join(first, &workers[i].dest, NULL), 0);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	add_image(first, "content", true, digest);
	for (size_t i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		oci_dest_free(workers[i].dest);
	}
	commit(first);
	auto_free char *names = list("i.tar");
	/* 13 that all wrote, 12 of each, the image's three, and the layout's two */
	assert_int_equal(count_lines(names), 13 + WRITERS * 12 + 3 + 2);
	holds_image("oci-archive:i.tar", "content");
	auto_free char *bytes = slurp("i.tar");
	struct stat what;
	assert_int_equal(stat("i.tar", &what), 0);
	assert_null(memchr(bytes, '!', (size_t)what.st_size));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_an_archive),
		TEST(replaces_an_archive_and_keeps_its_mode),
		TEST(what_is_not_committed_leaves_nothing),
		TEST(what_a_writer_gave_up_is_closed_up),
		TEST(what_two_wrote_alike_is_there_once),
		TEST(knows_what_it_has_written),
		TEST(counts_the_bytes_of_a_blob),
		TEST(takes_sha512_and_empty_blobs),
		TEST(takes_over_what_a_killed_run_left),
		TEST(refuses_what_somebody_else_writes_or_made),
		TEST(refuses_places_where_no_file_can_be),
		TEST(joined_objects_write_one_archive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
