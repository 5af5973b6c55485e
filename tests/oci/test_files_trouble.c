/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that are damaged, hostile or too large. */
#include "codec/zip.h"
#include "tests/oci/files_scene.h"

/* ---- malformed ---- */

static void other_bytes_than_the_digest_says_are_refused(void **state)
{
	(void)state;
	struct oci_descriptor *layer = add(both, ARCHIVE_FILTER_NONE);
	/* in the owner of a file, which nobody looks at, and behind the end */
	scene.bytes[0].ptr[scene.bytes[0].len - 1] = 'x';
	refuses(ERR_FORMAT, "are not what the digest says");
	assert_non_null(strstr(scene.err.text, layer->digest));
	scene.bytes[0].ptr[scene.bytes[0].len - 1] = '\0';
	finds(PASSWD, GROUP);
}

static void a_digest_that_is_none_is_refused(void **state)
{
	(void)state;
	add(both, ARCHIVE_FILTER_NONE)->digest = "sha256:00";
	refuses(ERR_FORMAT, "digest");
}

static void a_layer_cut_anywhere_is_refused_or_empty(void **state)
{
	static const int filters[] = { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD };

	(void)state;
	for (size_t kind = 0; kind < 3; kind++) {
		scene_end(&scene);
		scene_begin(&scene);
		struct oci_descriptor *layer = add(both, filters[kind]);
		size_t whole = scene.bytes[0].len;
		for (size_t len = 0; len < whole; len++) {
			struct span cut = { scene.bytes[0].ptr, len };
			scene.shelf.blobs[0] = cut;
			layer->size = len;
			/* its digest is not the whole one's */
			assert_int_equal(find(), -1);
			assert_int_equal(scene.err.kind, ERR_FORMAT);
			oci_digest_of(cut, scene.shelf.digests[0]);
			/* an archive that ends between two files is one; with half a file none is found */
			if (find() == 0)
				for (size_t i = 0; i < 2; i++)
					is(i, !scene.files[i].found ? NULL : i ? GROUP : PASSWD);
			oci_digest_of(buf_span(&scene.bytes[0]), scene.shelf.digests[0]);
		}
	}
}

static void a_layer_with_any_byte_changed_is_refused(void **state)
{
	(void)state;
	(void)add(both, ARCHIVE_FILTER_GZIP);
	for (size_t i = 0; i < scene.bytes[0].len; i++) {
		scene.bytes[0].ptr[i] ^= 0x20;
		assert_int_equal(find(), -1);
		assert_true(scene.err.kind == ERR_FORMAT || scene.err.kind == ERR_LIMIT);
		scene.bytes[0].ptr[i] ^= 0x20;
	}
}

static void what_is_no_archive_is_refused(void **state)
{
	static const char *const texts[] = { "x", "{}", "PK\3\4", "!<arch>\n", "\37\213",
		"\x28\xb5\x2f\xfd" };
	static const char *const types[] = { OCI_LAYER_PLAIN, OCI_LAYER_GZIP, OCI_LAYER_ZSTD };

	(void)state;
	for (size_t i = 0; i < 3 * COUNT(texts); i++) {
		scene_end(&scene);
		scene_begin(&scene);
		(void)add_bytes(types[i % 3], span_of(texts[i / 3]));
		refuses(ERR_FORMAT, "the layer sha256:");
	}
}

static void a_plain_layer_of_no_bytes_is_an_empty_one(void **state)
{
	(void)state;
	(void)add_bytes(OCI_LAYER_PLAIN, SPAN_LIT(""));
	finds(NULL, NULL);
}

static void a_failing_source_is_no_malformed_layer(void **state)
{
	static const int filters[] = { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD };

	(void)state;
	for (size_t kind = 0; kind < 3; kind++) {
		scene_end(&scene);
		scene_begin(&scene);
		(void)add(both, filters[kind]);
		scene.shelf.piece = 19;
		for (size_t at = 1; at < scene.bytes[0].len; at += 50) {
			scene.shelf.break_at = at;
			refuses(ERR_IO, "the shelf broke");
		}
	}
}

static void a_layer_that_is_not_there_is_named(void **state)
{
	(void)state;
	(void)add(both, ARCHIVE_FILTER_GZIP);
	scene.shelf.blobs[0].ptr = NULL;
	refuses(ERR_NOT_FOUND, scene.shelf.digests[0]);
}

/* ---- too much ---- */

static void a_file_of_more_than_its_bound_is_refused(void **state)
{
	auto_free char *text = xcalloc(1, OCI_FILE_MAX + 2);
	struct item items[] = { { 'f', "etc/passwd", text }, { 0, NULL, NULL } };

	(void)state;
	memset(text, 'x', OCI_FILE_MAX);
	(void)add(items, ARCHIVE_FILTER_GZIP);
	finds(text, NULL);
	text[OCI_FILE_MAX] = 'x';
	(void)add(items, ARCHIVE_FILTER_GZIP);
	refuses(ERR_LIMIT, "'etc/passwd' has more than 1048576 bytes");
}

static void the_callers_own_bound_counts_too(void **state)
{
	(void)state;
	(void)add(both, ARCHIVE_FILTER_GZIP);
	buf_init(&scene.files[0].text, 3);
	refuses(ERR_LIMIT, "etc/passwd");
}

/* The head of a file as large as it likes, of which nothing follows. */
static void tar_head(struct buf *out, const char *path, char type, const char *size)
{
	unsigned char head[512] = { 0 };
	unsigned sum = 0;
	char text[8];

	memcpy(head, path, strlen(path));
	memcpy(head + 100, "0000644", 8);
	memcpy(head + 108, "0000000", 8);
	memcpy(head + 116, "0000000", 8);
	memcpy(head + 124, size, 12);
	memcpy(head + 136, "00000000000", 12);
	memset(head + 148, ' ', 8);
	head[156] = (unsigned char)type;
	memcpy(head + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(head); i++)
		sum += head[i];
	snprintf(text, sizeof(text), "%06o", sum & 0777777);
	memcpy(head + 148, text, 7);
	buf_add(out, head, sizeof(head));
}

static void a_layer_that_would_unpack_to_more_than_its_bound_is_refused(void **state)
{
	static const struct {
		char size[13];
		enum err_kind kind;
		const char *words;
	} cases[] = {
		/* 8 GiB less the head, and that and one more */
		{ "77777777000", ERR_FORMAT, "no sound archive" },
		{ "\200\0\0\0\0\0\0\2\0\0\0\0", ERR_LIMIT, "unpacks to more than 8589934592 bytes" },
		{ "\200\0\0\0\0\177\377\377\377\377\377\0", ERR_LIMIT, "unpacks to more than" },
		{ "\377\377\377\377\377\377\377\377\377\377\377\377", ERR_FORMAT, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		scene_end(&scene);
		scene_begin(&scene);
		tar_head(&scene.bytes[0], "opt/large", '0', cases[i].size);
		(void)add_bytes(OCI_LAYER_PLAIN, buf_span(&scene.bytes[0]));
		refuses(cases[i].kind, cases[i].words);
	}
}

/* 48 MiB of zeros in 48 KiB, and again as the name of a file. */
static void a_bomb_costs_no_memory_and_a_giant_name_is_refused(void **state)
{
	auto_free char *zeros = xcalloc(1, (size_t)48 << 20);
	auto_buf struct buf plain = BUF_MAX((size_t)64 << 20);

	(void)state;
	tar_head(&plain, "opt/zeros", '0', "00300000000");
	buf_add(&plain, zeros, (size_t)48 << 20);
	layers_pack(both, ARCHIVE_FILTER_NONE, &plain);
	assert_int_equal(gzip_pack(buf_span(&plain), &scene.bytes[0], NULL), 0);
	(void)add_bytes(OCI_LAYER_GZIP, buf_span(&scene.bytes[0]));
	finds(PASSWD, GROUP);
	buf_reset(&plain);
	tar_head(&plain, "././@LongLink", 'L', "00300000000");
	buf_add(&plain, zeros, (size_t)48 << 20);
	assert_int_equal(gzip_pack(buf_span(&plain), &scene.bytes[1], NULL), 0);
	(void)add_bytes(OCI_LAYER_GZIP, buf_span(&scene.bytes[1]));
	refuses(ERR_FORMAT, "no sound archive");
}

static void a_path_longer_than_any_is_refused(void **state)
{
	auto_free char *path = xcalloc(1, 6001);
	struct item items[] = { { 'f', path, "x" }, { 0, NULL, NULL } };

	(void)state;
	for (size_t i = 0; i < 6000; i++)
		path[i] = i % 2 ? '/' : 'a';
	(void)add(items, ARCHIVE_FILTER_GZIP);
	refuses(ERR_LIMIT, "a path of more than 4096 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILES_TEST(other_bytes_than_the_digest_says_are_refused),
		FILES_TEST(a_digest_that_is_none_is_refused),
		FILES_TEST(a_layer_cut_anywhere_is_refused_or_empty),
		FILES_TEST(a_layer_with_any_byte_changed_is_refused),
		FILES_TEST(what_is_no_archive_is_refused),
		FILES_TEST(a_plain_layer_of_no_bytes_is_an_empty_one),
		FILES_TEST(a_failing_source_is_no_malformed_layer),
		FILES_TEST(a_layer_that_is_not_there_is_named),
		FILES_TEST(a_file_of_more_than_its_bound_is_refused),
		FILES_TEST(the_callers_own_bound_counts_too),
		FILES_TEST(a_layer_that_would_unpack_to_more_than_its_bound_is_refused),
		FILES_TEST(a_bomb_costs_no_memory_and_a_giant_name_is_refused),
		FILES_TEST(a_path_longer_than_any_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
