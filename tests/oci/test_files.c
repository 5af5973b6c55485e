/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/zip.h"
#include "tests/oci/files_scene.h"

#define ITEMS_MAX 8

/* ---- what layers decide ---- */

static const struct rule {
	const char *name;
	struct item layers[3][ITEMS_MAX]; /* the lowest first */
	const char *passwd, *group;
	size_t read; /* layers */
} rules[] = {
	{ "one layer", { { { 'd', "etc", NULL }, P("a"), G("b") } }, "a", "b", 1 },
	{ "no such files", { { { 'd', "etc", NULL }, { 'f', "etc/hosts", "x" } } }, NULL, NULL, 1 },
	{ "the uppermost counts", { { P("a"), G("b") }, { P("c"), G("d") } }, "c", "d", 1 },
	{ "each its own layer", { { G("b") }, { { 'f', "x", "x" } }, { P("c") } }, "c", "b", 3 },
	{ "an empty file is there", { { P("a") }, { P(""), G("") } }, "", "", 1 },
	{ "the last of two entries counts", { { P("a"), G("b"), P("c") } }, "c", "b", 1 },
	{ "leading dots",
			{ { { 'd', "./", NULL }, { 'f', "./etc//passwd", "a" },
					{ 'f', "/etc/./group", "b" } } },
			"a", "b", 1 },
	{ "names that begin alike",
			{ { P("a"), { 'f', "etc/passwd-", "x" } },
					{ { 'f', "etc2/group", "x" }, { 'f', "tc/group", "x" } } },
			"a", NULL, 2 },
	{ "below another root", { { { 'f', "usr/etc/passwd", "x" }, { 'f', "passwd", "x" } } }, NULL, NULL,
			1 },
	{ "a whiteout", { { P("a"), G("b") }, { { 'f', "etc/.wh.passwd", "" } } }, NULL, "b", 2 },
	{ "a whiteout of the folder", { { P("a"), G("b") }, { { 'f', ".wh.etc", "" } } }, NULL, NULL, 1 },
	{ "a whiteout, then the file", { { P("a") }, { { 'f', "etc/.wh.passwd", "" }, P("c"), G("d") } }, "c",
			"d", 1 },
	{ "a whiteout of others",
			{ { P("a"), G("b") },
					{ { 'f', "etc/.wh.passwd-", "" }, { 'f', ".wh.tc", "" },
							{ 'f', "usr/.wh.etc", "" } } },
			"a", "b", 2 },
	{ "a file above its whiteout", { { P("a") }, { { 'f', "etc/.wh.passwd", "" } }, { P("c"), G("d") } },
			"c", "d", 1 },
	{ "an opaque folder", { { P("a"), G("b") }, { { 'f', "etc/.wh..wh..opq", "" } } }, NULL, NULL, 1 },
	{ "an opaque folder with a file", { { P("a"), G("b") }, { P("c"), { 'f', "etc/.wh..wh..opq", "" } } },
			"c", NULL, 1 },
	{ "an opaque root", { { P("a"), G("b") }, { { 'f', ".wh..wh..opq", "" } } }, NULL, NULL, 1 },
	{ "an opaque folder elsewhere",
			{ { P("a"), G("b") },
					{ { 'f', "usr/.wh..wh..opq", "" },
							{ 'f', "etc/x/.wh..wh..opq", "" } } },
			"a", "b", 2 },
	{ "the tool's own marks",
			{ { P("a"), G("b") },
					{ { 'd', ".wh..wh.plnk", NULL }, { 'f', ".wh..wh.aufs", "" } } },
			"a", "b", 2 },
	{ "a folder in its place", { { P("a"), G("b") }, { { 'd', "etc/passwd", NULL } } }, NULL, "b", 2 },
	{ "a pipe in its place", { { P("a"), G("b") }, { { 'p', "etc/passwd", NULL } } }, NULL, "b", 2 },
	{ "a file in the folder's place", { { P("a"), G("b") }, { { 'f', "etc", "x" } } }, NULL, NULL, 1 },
	{ "a hard link to an earlier entry",
			{ { { 'f', "a/b", "a" }, { 'h', "etc/passwd", "a/b" }, { 'f', "a/b", "later" },
					G("b") } },
			"a", "b", 1 },
	{ "a hard link to a lower layer",
			{ { { 'f', "x", "low" } }, { { 'h', "etc/passwd", "./x" }, G("b") } }, "low", "b",
			2 },
	{ "a hard link to itself, of below",
			{ { P("low") }, { { 'h', "etc/passwd", "etc/passwd" }, G("b") } }, "low", "b", 2 },
	{ "a hard link to the other file", { { P("a"), G("b") }, { { 'h', "etc/group", "etc/passwd" } } },
			"a", "a", 2 },
	{ "hard links from one to the other",
			{ { { 'f', "c", "a" }, { 'h', "b", "c" }, { 'h', "etc/passwd", "b" },
					{ 'h', "etc/group", "c" } } },
			"a", "a", 1 },
	{ "a hard link in an opaque folder",
			{ { { 'f', "x", "low" }, G("b") },
					{ { 'f', "etc/.wh..wh..opq", "" }, { 'h', "etc/passwd", "x" } } },
			"low", NULL, 2 },
	{ "one of two links ends above, the other below",
			{ { { 'f', "x", "low" } },
					{ { 'f', "y", "up" }, { 'h', "etc/passwd", "x" }, { 'h', "z", "y" },
							{ 'h', "etc/group", "z" }, { 'f', "x", "later" } } },
			"low", "up", 2 },
	{ "a symbolic link that a file took the place of", { { { 's', "etc/passwd", "x" }, P("a"), G("b") } },
			"a", "b", 1 },
	{ "a symbolic link below what decides", { { { 's', "etc", "x" } }, { P("a"), G("b") } }, "a", "b",
			1 },
	{ "no layers", { { { 0, NULL, NULL } } }, NULL, NULL, 1 },
};

static void every_layer_decides_what_it_has_or_removes(void **state)
{
	static const int filters[] = { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD };

	(void)state;
	for (size_t i = 0; i < 3 * COUNT(rules); i++) {
		const struct rule *rule = &rules[i / 3];
		scene_end(&scene);
		scene_begin(&scene);
		scene.shelf.piece = i % 2 ? 0 : 37;
		for (size_t k = 0; k < 3; k++)
			if (rule->layers[k][0].kind || !k)
				(void)add(rule->layers[k], filters[i % 3]);
		print_message("%s\n", rule->name);
		finds(rule->passwd, rule->group);
		assert_int_equal(scene.counts.layers, rule->read);
	}
}

static const struct refusal {
	const char *name;
	struct item layers[2][ITEMS_MAX];
	const char *words;
} refusals[] = {
	{ "a symbolic link", { { P("a") }, { { 's', "etc/passwd", "../run/passwd" } } },
			"'etc/passwd' is a symbolic link, and" },
	{ "the folder is one", { { P("a") }, { { 's', "etc", "private/etc" } } },
			"'etc' is a symbolic link to a folder" },
	{ "a file through one", { { { 's', "etc", "private/etc" }, P("a"), G("b") } },
			"'etc' is a symbolic link to" },
	{ "written and removed", { { P("a"), { 'f', "etc/.wh.passwd", "" } } }, "written and then removed" },
	{ "written and removed with its folder", { { P("a"), { 'f', ".wh.etc", "" } } },
			"written and then removed" },
	{ "a mark without a name", { { { 'f', "etc/.wh.", "" } } }, "without a name" },
	{ "a way upwards", { { { 'f', "x/../etc/passwd", "a" } } }, "a path with '..'" },
	{ "a way out", { { { 'f', "../etc/passwd", "a" } } }, "a path with '..'" },
	{ "a hard link out", { { { 'h', "etc/passwd", "../x" } } }, "a path with '..'" },
	{ "a hard link to nothing", { { { 'h', "etc/passwd", "x" } } },
			"hard link to 'x', which is no file" },
	{ "a hard link to what comes later", { { { 'h', "etc/passwd", "x" }, { 'f', "x", "a" } } },
			"hard link to 'x', which is no file" },
	{ "a hard link to a folder", { { { 'd', "x", NULL }, { 'h', "etc/passwd", "x" } } },
			"which is no file" },
	{ "a hard link to a symbolic one", { { { 's', "x", "y" }, { 'h', "etc/passwd", "x" } } },
			"'x' is a symbolic link" },
	{ "a hard link to what was removed",
			{ { { 'f', "x", "a" } }, { { 'f', ".wh.x", "" }, { 'h', "etc/passwd", "x" } } },
			"which is no file" },
};

static void what_unpackers_do_not_agree_on_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		scene_end(&scene);
		scene_begin(&scene);
		for (size_t k = 0; k < 2; k++)
			if (refusals[i].layers[k][0].kind)
				(void)add(refusals[i].layers[k], ARCHIVE_FILTER_NONE);
		print_message("%s\n", refusals[i].name);
		refuses(ERR_FORMAT, refusals[i].words);
		assert_non_null(strstr(scene.err.text, refusals[i].words));
	}
}

static void an_endless_row_of_hard_links_ends(void **state)
{
	static const struct item low[] = { { 'f', "a", "x" }, { 'h', "b", "a" }, { 'h', "c", "b" },
		{ 'h', "d", "c" }, { 'h', "e", "d" }, { 'h', "f", "e" }, { 'h', "g", "f" }, { 'h', "h", "g" },
		{ 'h', "i", "h" }, { 'h', "etc/passwd", "i" }, { 0, NULL, NULL } };

	(void)state;
	(void)add(low, ARCHIVE_FILTER_GZIP);
	refuses(ERR_FORMAT, "more than 8 hard links");
}

/* ---- what is read ---- */

static void layers_below_what_decides_are_not_read(void **state)
{
	static const struct item other[] = { { 'f', "a", "a" }, { 0, NULL, NULL } };

	(void)state;
	add(other, ARCHIVE_FILTER_GZIP)->media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
	uint64_t size = add(both, ARCHIVE_FILTER_GZIP)->size;
	size += add(other, ARCHIVE_FILTER_ZSTD)->size;
	finds(PASSWD, GROUP);
	assert_int_equal(scene.shelf.asked, 2);
	assert_int_equal(scene.counts.layers, 2);
	assert_int_equal(scene.counts.bytes, size);
}

static void an_encrypted_layer_that_would_have_to_be_read_is_named(void **state)
{
	static const struct item other[] = { { 'f', "a", "a" }, { 0, NULL, NULL } };

	(void)state;
	struct oci_descriptor *low = add(both, ARCHIVE_FILTER_GZIP);
	low->media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
	(void)add(other, ARCHIVE_FILTER_GZIP);
	refuses(ERR_DENIED, "is encrypted");
	assert_non_null(strstr(scene.err.text, low->digest));
	assert_int_equal(scene.shelf.asked, 1);
}

static void types_of_docker_are_layers_too(void **state)
{
	static const char *const good[] = { "application/vnd.docker.image.rootfs.diff.tar.gzip",
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" };
	static const char *const bad[] = { "application/vnd.in-toto+json", "text/tar",
		"application/x.tar+gzip", "application/vnd.oci.image.layer.v1.tar+bzip2",
		"application/vnd.oci.image.config.v1+json" };

	(void)state;
	struct oci_descriptor *layer = add(both, ARCHIVE_FILTER_GZIP);
	for (size_t i = 0; i < COUNT(good); i++) {
		layer->media_type = good[i];
		finds(PASSWD, GROUP);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		layer->media_type = bad[i];
		refuses(ERR_FORMAT, bad[i]);
	}
}

static void the_type_says_how_it_is_packed(void **state)
{
	static const char *const types[] = { OCI_LAYER_PLAIN, OCI_LAYER_GZIP, OCI_LAYER_ZSTD };
	static const int filters[] = { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD };

	(void)state;
	for (size_t i = 0; i < 9; i++) {
		scene_end(&scene);
		scene_begin(&scene);
		add(both, filters[i / 3])->media_type = types[i % 3];
		if (i / 3 == i % 3)
			finds(PASSWD, GROUP);
		else
			refuses(ERR_FORMAT, i % 3 && i / 3 ? "it is no sound archive" : "");
	}
}

static void what_is_packed_twice_is_refused(void **state)
{
	auto_buf struct buf once = BUF_MAX(1 << 20);

	(void)state;
	layers_pack(both, ARCHIVE_FILTER_GZIP, &once);
	assert_int_equal(gzip_pack(buf_span(&once), &scene.bytes[0], NULL), 0);
	(void)add_bytes(OCI_LAYER_GZIP, buf_span(&scene.bytes[0]));
	refuses(ERR_FORMAT, "not packed as its type says");
}

/* As layers are packed whose files can be read one by one. */
static void several_members_of_gzip_are_one_layer(void **state)
{
	auto_buf struct buf plain = BUF_MAX(1 << 20);

	(void)state;
	layers_pack(both, ARCHIVE_FILTER_NONE, &plain);
	for (size_t at = 0; at < plain.len; at += 700) {
		struct span part = span_from(buf_span(&plain), at);
		part.len = part.len < 700 ? part.len : 700;
		assert_int_equal(gzip_pack(part, &scene.bytes[0], NULL), 0);
	}
	(void)add_bytes(OCI_LAYER_GZIP, buf_span(&scene.bytes[0]));
	finds(PASSWD, GROUP);
}

static void bytes_behind_the_archives_end_count_for_the_digest_alone(void **state)
{
	(void)state;
	layers_pack(both, ARCHIVE_FILTER_NONE, &scene.bytes[0]);
	for (size_t i = 0; i < 20000; i++)
		buf_puts(&scene.bytes[0], "trailing words ");
	struct oci_descriptor *layer = add_bytes(OCI_LAYER_PLAIN, buf_span(&scene.bytes[0]));
	finds(PASSWD, GROUP);
	assert_int_equal(scene.counts.bytes, layer->size);
}

static void names_in_any_script_are_passed_over(void **state)
{
	static const struct item items[] = { { 'f', "opt/\xc3\xa9t\xc3\xa9/\xe6\x97\xa5", "x" },
		{ 'f', "opt/\xff\xfe", "x" }, { 'h', "opt/h", "opt/\xc3\xa9t\xc3\xa9/\xe6\x97\xa5" }, P("a"),
		G("b"), { 0, NULL, NULL } };

	(void)state;
	(void)add(items, ARCHIVE_FILTER_GZIP);
	finds("a", "b");
}

static void a_hard_link_may_lead_to_a_name_in_any_script(void **state)
{
	static const struct item items[] = { { 'f', "opt/\xc3\xa9t\xc3\xa9", "x" },
		{ 'h', "etc/passwd", "opt/\xc3\xa9t\xc3\xa9" }, { 0, NULL, NULL } };

	(void)state;
	(void)add(items, ARCHIVE_FILTER_GZIP);
	finds("x", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILES_TEST(every_layer_decides_what_it_has_or_removes),
		FILES_TEST(what_unpackers_do_not_agree_on_is_refused),
		FILES_TEST(an_endless_row_of_hard_links_ends),
		FILES_TEST(layers_below_what_decides_are_not_read),
		FILES_TEST(an_encrypted_layer_that_would_have_to_be_read_is_named),
		FILES_TEST(types_of_docker_are_layers_too),
		FILES_TEST(the_type_says_how_it_is_packed),
		FILES_TEST(what_is_packed_twice_is_refused),
		FILES_TEST(several_members_of_gzip_are_one_layer),
		FILES_TEST(bytes_behind_the_archives_end_count_for_the_digest_alone),
		FILES_TEST(names_in_any_script_are_passed_over),
		FILES_TEST(a_hard_link_may_lead_to_a_name_in_any_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
