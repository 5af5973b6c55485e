/* SPDX-License-Identifier: Apache-2.0 */
/* Two files that are looked for in the layers of a test, and what comes of it. */
#ifndef COCOON_TESTS_OCI_FILES_SCENE_H
#define COCOON_TESTS_OCI_FILES_SCENE_H

#include "base/own.h"
#include "oci/files.h"
#include "tests/oci/layers.h"
#include "tests/oci/shelf.h"

#define LAYERS_MAX 4
#define COUNT(a)   (sizeof(a) / sizeof(*(a)))

/* Two files looked for in some layers. */
struct scene {
	struct shelf shelf;
	struct buf bytes[LAYERS_MAX];
	struct oci_file files[2];
	struct oci_files_counts counts;
	struct err err;
};

static inline void scene_begin(struct scene *self)
{
	memset(self, 0, sizeof(*self));
	shelf_init(&self->shelf);
	self->files[0].path = "etc/passwd";
	self->files[1].path = "etc/group";
	for (size_t i = 0; i < 2; i++)
		buf_init(&self->files[i].text, OCI_FILE_MAX);
	for (size_t i = 0; i < LAYERS_MAX; i++)
		buf_init(&self->bytes[i], (size_t)64 << 20);
}

static inline void scene_end(struct scene *self)
{
	for (size_t i = 0; i < 2; i++)
		buf_clear(&self->files[i].text);
	for (size_t i = 0; i < LAYERS_MAX; i++)
		buf_clear(&self->bytes[i]);
}

static struct scene scene;

static inline int setup(void **state)
{
	(void)state;
	scene_begin(&scene);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	scene_end(&scene);
	return 0;
}

static inline struct oci_descriptor *add(const struct item *items, int filter)
{
	static const char *const types[] = { [ARCHIVE_FILTER_NONE] = OCI_LAYER_PLAIN,
		[ARCHIVE_FILTER_GZIP] = OCI_LAYER_GZIP,
		[ARCHIVE_FILTER_ZSTD] = OCI_LAYER_ZSTD };
	struct buf *bytes = &scene.bytes[scene.shelf.manifest.count];

	layers_pack(items, filter, bytes);
	return shelf_put(&scene.shelf, types[filter], buf_span(bytes));
}

static inline struct oci_descriptor *add_bytes(const char *type, struct span bytes)
{
	return shelf_put(&scene.shelf, type, bytes);
}

static inline int find(void)
{
	scene.err = (struct err)ERR_NONE;
	int status = oci_files_find(&scene.shelf.source, &scene.shelf.manifest, scene.files, 2, &scene.counts,
			&scene.err);
	assert_int_equal(scene.shelf.open, 0);
	return status;
}

static inline void is(size_t file, const char *text)
{
	const struct oci_file *one = &scene.files[file];

	assert_int_equal(one->found, text != NULL);
	assert_string_equal(buf_text(&one->text), text ? text : "");
}

static inline void finds(const char *passwd, const char *group)
{
	if (find() < 0)
		fail_msg("%s", scene.err.text);
	is(0, passwd);
	is(1, group);
}

static inline void refuses(enum err_kind kind, const char *words)
{
	if (find() == 0)
		fail_msg("nothing is refused, where '%s' was to come", words);
	if (scene.err.kind != kind || !strstr(scene.err.text, words))
		fail_msg("%s: %s (not %s '%s')", err_kind_name(scene.err.kind), scene.err.text,
				err_kind_name(kind), words);
	is(0, NULL);
	is(1, NULL);
}

/* ---- entries ---- */

#define P(text)                         \
	{                               \
		'f', "etc/passwd", text \
	}
#define G(text)                        \
	{                              \
		'f', "etc/group", text \
	}

static const struct item both[] = { { 'd', "etc", NULL }, P("root:x:0:0::/root:/bin/sh\n"), G("root:x:0:\n"),
	{ 0, NULL, NULL } };
#define PASSWD           "root:x:0:0::/root:/bin/sh\n"
#define GROUP            "root:x:0:\n"

#define FILES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
