/* SPDX-License-Identifier: Apache-2.0 */
/* oci-archive: read, from files that libarchive writes in every dialect of tar, and from bad ones. */
#include "tests/oci/images.h"

#include "oci/tar.h"

#include <archive.h>
#include <archive_entry.h>

#define HEX  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MARK "{\"imageLayoutVersion\":\"1.0.0\"}"

struct file {
	const char *name;
	struct span bytes;
	unsigned type;    /* AE_IF…; 0: a file */
	const char *link; /* a hard link's target; NULL: none */
};

static void write_tar(const char *path, int format, const struct file *files, size_t count)
{
	struct archive *tar = archive_write_new();

	archive_write_set_format(tar, format);
	archive_write_add_filter_none(tar);
	assert_int_equal(archive_write_open_filename(tar, path), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		struct archive_entry *entry = archive_entry_new();
		archive_entry_set_pathname(entry, files[i].name);
		archive_entry_set_filetype(entry, files[i].type ? files[i].type : AE_IFREG);
		archive_entry_set_perm(entry, 0644);
		archive_entry_set_size(entry, (int64_t)files[i].bytes.len);
		if (files[i].type == AE_IFLNK)
			archive_entry_set_symlink(entry, "/etc/passwd");
		if (files[i].link)
			archive_entry_set_hardlink(entry, files[i].link);
		assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
		if (files[i].bytes.len)
			archive_write_data(tar, files[i].bytes.ptr, files[i].bytes.len);
		archive_entry_free(entry);
	}
	assert_int_equal(archive_write_close(tar), ARCHIVE_OK);
	archive_write_free(tar);
}

/* The files of an image of one layer that holds `content`. */
struct image {
	char names[3][TAR_NAME_MAX]; /* config, layer, manifest */
	char *manifest, *index;
	struct file files[5];
};

static void image_init(struct image *image, const char *content, const char *prefix)
{
	char digests[3][OCI_DIGEST_MAX];

	oci_digest_of(SPAN_LIT("{}"), digests[0]);
	oci_digest_of(span_of(content), digests[1]);
	image->manifest =
			xasprintf("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
				  "\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":\"" LAYER_TYPE
				  "\",\"digest\":\"%s\",\"size\":%zu}]}",
					digests[0], digests[1], strlen(content));
	oci_digest_of(span_of(image->manifest), digests[2]);
	image->index = xasprintf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_TYPE_MANIFEST
				 "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{"
				 "\"org.opencontainers.image.ref.name\":\"t\"}}]}",
			digests[2], strlen(image->manifest));
	for (int i = 0; i < 3; i++)
		snprintf(image->names[i], sizeof(image->names[i]), "%sblobs/sha256/%s", prefix,
				digests[i] + 7);
	image->files[0] = (struct file){ .name = image->names[0], .bytes = SPAN_LIT("{}") };
	image->files[1] = (struct file){ .name = image->names[1], .bytes = span_of(content) };
	image->files[2] = (struct file){ .name = image->names[2], .bytes = span_of(image->manifest) };
	image->files[3] = (struct file){ .name = "index.json", .bytes = span_of(image->index) };
	image->files[4] = (struct file){ .name = "oci-layout", .bytes = SPAN_LIT(MARK) };
}

static void image_clear(struct image *image)
{
	free(image->manifest);
	free(image->index);
}
#define auto_image __attribute__((cleanup(image_clear)))

/* The image with one file more. */
static void write_with(const struct image *image, struct file more)
{
	struct file files[6];

	memcpy(files, image->files, sizeof(image->files));
	files[5] = more;
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, files, 6);
}

/* ---- good ones ----------------------------------------------------------------------------------------- */

static void reads_every_dialect_of_tar(void **state)
{
	(void)state;
	static const int formats[] = { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FORMAT_TAR_GNUTAR,
		ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FORMAT_TAR };
	static const char *const prefixes[] = { "", "./", "././" };

	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++)
		for (size_t p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++) {
			auto_image struct image image;
			image_init(&image, "content", prefixes[p]);
			write_tar("i.tar", formats[f], image.files, 5);
			holds_image("oci-archive:i.tar:t", "content");
			holds_image("oci-archive:i.tar", "content");
			refuses_image("oci-archive:i.tar:u", ERR_NOT_FOUND, "tags there: 't'");
		}
}

static void passes_over_what_it_does_not_know(void **state)
{
	(void)state;
	static const struct file others[] = {
		{ .name = "manifest.json", .bytes = SPAN_LIT("[]") },
		{ .name = "blobs/", .type = AE_IFDIR },
		{ .name = "blobs/sha256/", .type = AE_IFDIR },
		{ .name = "blobs/sha256/" HEX, .type = AE_IFDIR },
		{ .name = "link", .type = AE_IFLNK },
		{ .name = "blobs/sha256/../../etc/passwd", .bytes = SPAN_LIT("x") },
		{ .name = "blobs/sha256/../../../../../../../../../../../../../../../etc/pass",
				.bytes = SPAN_LIT("x") },
		{ .name = "/index.json", .bytes = SPAN_LIT("x") },
		{ .name = "a/../index.json", .bytes = SPAN_LIT("x") },
		{ .name = "../blobs/sha256/" HEX, .bytes = SPAN_LIT("x") },
		{ .name = "blobs/sha256/" HEX "0", .bytes = SPAN_LIT("x") },
		{ .name = "blobs/sha384/" HEX, .bytes = SPAN_LIT("x") },
		{ .name = "blobs/sha256-" HEX, .bytes = SPAN_LIT("x") },
		{ .name = "\xff\xfe", .bytes = SPAN_LIT("x") },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		auto_image struct image image;
		image_init(&image, "content", "");
		write_with(&image, others[i]);
		holds_image("oci-archive:i.tar", "content");
	}
}

static void put_at(int fd, uint64_t at, const void *bytes, size_t len)
{
	assert_int_equal(pwrite(fd, bytes, len, (off_t)at), len);
}

/* A hole stands for the bytes of the layer. */
static void finds_what_stands_behind_9_gib(void **state)
{
	(void)state;
	auto_image struct image image;
	unsigned char head[TAR_HEAD];
	uint64_t at = 0, large = (uint64_t)9 << 30;
	auto_fd int fd = open("i.tar", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct oci_descriptor blob = { .digest = "sha256:" HEX, .size = large };
	auto_oci_reader struct oci_reader *reader = NULL;
	struct err err = ERR_NONE;
	char bytes[16] = "x";
	size_t got = 0;

	image_init(&image, "content", "");
	tar_head("blobs/sha256/" HEX, large, head);
	put_at(fd, 0, head, sizeof(head));
	at = TAR_HEAD + large;
	for (size_t i = 0; i < 5; i++) {
		tar_head(image.files[i].name, image.files[i].bytes.len, head);
		put_at(fd, at, head, sizeof(head));
		put_at(fd, at + TAR_HEAD, image.files[i].bytes.ptr, image.files[i].bytes.len);
		at += TAR_HEAD + tar_padded(image.files[i].bytes.len);
	}
	assert_int_equal(ftruncate(fd, (off_t)(at + TAR_END)), 0);
	holds_image("oci-archive:i.tar", "content");
	auto_oci_source struct oci_source *source = open_source("oci-archive:i.tar");
	if (oci_source_blob(source, &blob, &reader, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(pull_read(oci_reader_pull(reader), bytes, sizeof(bytes), &got, NULL), 0);
	assert_int_equal(got, sizeof(bytes));
	assert_int_equal(bytes[0], 0);
}

/* ---- bad ones ------------------------------------------------------------------------------------------ */

static void refuses_what_is_there_twice(void **state)
{
	(void)state;
	auto_image struct image image;

	image_init(&image, "content", "");
	write_with(&image, (struct file){ .name = "index.json", .bytes = SPAN_LIT("{}") });
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "holds 'index.json' twice");
	write_with(&image, (struct file){ .name = "./index.json", .bytes = SPAN_LIT("{}") });
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "holds 'index.json' twice");
	write_with(&image, image.files[1]);
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "twice");
}

static void refuses_links_in_a_blobs_place(void **state)
{
	(void)state;
	auto_image struct image image;

	image_init(&image, "content", "");
	write_with(&image, (struct file){ .name = "blobs/sha256/" HEX, .type = AE_IFLNK });
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "no plain file");
	write_with(&image, (struct file){ .name = "blobs/sha256/" HEX, .link = "index.json" });
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "no plain file");
	write_with(&image, (struct file){ .name = "blobs/sha256/" HEX, .type = AE_IFIFO });
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "no plain file");
}

static void refuses_files_that_are_no_archive_of_an_image(void **state)
{
	(void)state;
	auto_image struct image image;

	image_init(&image, "content", "");
	refuses_image("oci-archive:missing", ERR_NOT_FOUND, "opening");
	assert_int_equal(mkdir("folder", 0755), 0);
	refuses_image("oci-archive:folder", ERR_USAGE, "a folder is named by oci:");
	assert_int_equal(mkfifo("fifo", 0644), 0);
	refuses_image("oci-archive:fifo", ERR_USAGE, "no regular file");
	put("f", "");
	refuses_image("oci-archive:f", ERR_FORMAT, "");
	put("f", "some text that is long enough to be looked at as if it were anything");
	refuses_image("oci-archive:f", ERR_FORMAT, "no sound tar file");
	put("f", "\x1f\x8b\x08");
	refuses_image("oci-archive:f", ERR_FORMAT, "compressed by gzip");
	put("f", "\x28\xb5\x2f\xfd");
	refuses_image("oci-archive:f", ERR_FORMAT, "compressed by zstd");
	put("f",
			"\xfd"
			"7zXZ");
	refuses_image("oci-archive:f", ERR_FORMAT, "compressed by xz");
	put("f", "BZh9");
	refuses_image("oci-archive:f", ERR_FORMAT, "compressed by bzip2");
	write_tar("f", ARCHIVE_FORMAT_TAR_USTAR, image.files, 3);
	refuses_image("oci-archive:f", ERR_FORMAT, "`docker save` before");
	write_tar("f", ARCHIVE_FORMAT_TAR_USTAR, image.files + 4, 1);
	refuses_image("oci-archive:f", ERR_FORMAT, "holds no 'index.json'");
	write_tar("f", ARCHIVE_FORMAT_ZIP, image.files, 5);
	refuses_image("oci-archive:f", ERR_FORMAT, "no sound tar file");
}

static void refuses_parts_that_are_not_as_told(void **state)
{
	(void)state;
	auto_image struct image image;

	image_init(&image, "content", "");
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files + 1, 4);
	holds_image("oci-archive:i.tar", "content");
	image.files[1].bytes = SPAN_LIT("conten");
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files, 5);
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "has 6 bytes, and the manifest says 7");
	image.manifest[5] ^= 1;
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files, 5);
	refuses_image("oci-archive:i.tar", ERR_AUTH, "is not what its digest says");
	image.files[2].bytes.len--;
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files, 5);
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "'index.json' says");
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files + 3, 2);
	refuses_image("oci-archive:i.tar", ERR_NOT_FOUND, "holds no 'sha256:");
	image.files[3].bytes.len--;
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files, 5);
	refuses_image("oci-archive:i.tar", ERR_FORMAT, "not valid JSON");
}

static void refuses_documents_beyond_4_mib(void **state)
{
	(void)state;
	auto_image struct image image;
	auto_free char *large = xcalloc(OCI_MANIFEST_MAX + 2, 1);

	image_init(&image, "content", "");
	image.files[3].bytes = span_new(large, OCI_MANIFEST_MAX + 1);
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files, 5);
	refuses_image("oci-archive:i.tar", ERR_LIMIT, "'index.json' exceeds");
}

/* Every cut but those in the zeros at the end, without which a tar file is as good. */
static void refuses_it_truncated(void **state)
{
	(void)state;
	auto_image struct image image;
	struct stat what;

	image_init(&image, "content", "");
	write_tar("i.tar", ARCHIVE_FORMAT_TAR_USTAR, image.files, 4);
	assert_int_equal(stat("i.tar", &what), 0);
	/* four heads, four files of one block each */
	for (off_t len = 8 * TAR_BLOCK - (TAR_BLOCK - (off_t)strlen(image.index)) - 1; len > 0; len -= 7) {
		auto_buf struct buf got = BUF_MAX(100);
		struct err err = ERR_NONE;
		assert_int_equal(truncate("i.tar", len), 0);
		assert_int_equal(read_image("oci-archive:i.tar", &got, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

static void bounds_the_number_of_entries(void **state)
{
	(void)state;
	auto_image struct image image;
	unsigned char head[TAR_HEAD];
	auto_buf struct buf tar = BUF_MAX(100 << 20);

	image_init(&image, "content", "");
	tar_head("empty", 0, head);
	for (size_t i = 0; i < 65536; i++)
		buf_add(&tar, head + 2 * TAR_BLOCK, TAR_BLOCK);
	for (size_t i = 0; i < 2; i++) {
		put_bytes("i.tar", buf_span(&tar));
		refuses_image("oci-archive:i.tar", i ? ERR_LIMIT : ERR_FORMAT,
				i ? "more than 65536 entries" : "holds no 'index.json'");
		buf_add(&tar, head + 2 * TAR_BLOCK, TAR_BLOCK);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_every_dialect_of_tar),
		TEST(passes_over_what_it_does_not_know),
		TEST(finds_what_stands_behind_9_gib),
		TEST(refuses_what_is_there_twice),
		TEST(refuses_links_in_a_blobs_place),
		TEST(refuses_files_that_are_no_archive_of_an_image),
		TEST(refuses_parts_that_are_not_as_told),
		TEST(refuses_documents_beyond_4_mib),
		TEST(refuses_it_truncated),
		TEST(bounds_the_number_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
