/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of credentials, a clock that stands at 2026-01-01T00:00:00Z, and random bytes that are known:
 *
 *     struct scene scene;
 *     scene_init(&scene);
 *     scene_file(&scene, "credential.json", "{…}");
 *     struct kms *kms = scene_open(&scene, "aws", "{\"region\":\"us-east-1\"}");
 *     …
 *     scene_clear(&scene);
 */
#ifndef COCOON_TESTS_KMS_SCENE_H
#define COCOON_TESTS_KMS_SCENE_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "kms/kms.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SCENE_WALL (INT64_C(1767225600) * CLOCK_SECOND)

struct scene {
	char folder[32];
	struct clock clock;
	int64_t wall;
	int64_t step; /* by which mono moves with each look */
	int64_t mono;
	struct kms_options options;
};

static inline int64_t scene_wall(void *ctx)
{
	const struct scene *scene = ctx;

	return scene->wall;
}

static inline int64_t scene_mono(void *ctx)
{
	struct scene *scene = ctx;

	scene->mono += scene->step;
	return scene->mono;
}

/* "0123456789ABCDEF" over and over. */
static inline void scene_random(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((char *)out)[i] = "0123456789ABCDEF"[i % 16];
}

static inline void scene_init(struct scene *scene)
{
	*scene = (struct scene){ .folder = "/tmp/cocoon-kms-XXXXXX", .wall = SCENE_WALL, .mono = 1 };
	assert_non_null(mkdtemp(scene->folder));
	scene->clock = (struct clock){ .wall = scene_wall, .mono = scene_mono, .ctx = scene };
	scene->options = (struct kms_options){ .folder = scene->folder,
		.guest_root = scene->folder,
		.clock = &scene->clock,
		.random = scene_random };
}

static inline void scene_clear(struct scene *scene)
{
	struct dirent **entries = NULL;
	int n = scandir(scene->folder, &entries, NULL, NULL);

	for (int i = 0; i < n; i++) {
		auto_free char *path = xasprintf("%s/%s", scene->folder, entries[i]->d_name);
		unlink(path);
		free(entries[i]);
	}
	free(entries);
	rmdir(scene->folder);
}

static inline void scene_bytes(const struct scene *scene, const char *name, struct span bytes)
{
	auto_free char *path = xasprintf("%s/%s", scene->folder, name);
	struct err err = ERR_NONE;

	if (fs_write_atomic(path, bytes, 0600, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void scene_file(const struct scene *scene, const char *name, const char *text)
{
	scene_bytes(scene, name, span_of(text));
}

static inline void vector_read(const char *name, struct buf *out)
{
	auto_free char *path = xasprintf("tests/vectors/kms/%s", name);
	struct err err = ERR_NONE;

	buf_init(out, 1024 * 1024);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

/* A file of tests/vectors/kms, under its own name. */
static inline void scene_vector(const struct scene *scene, const char *name)
{
	auto_buf struct buf text = BUF_MAX(0);

	vector_read(name, &text);
	scene_bytes(scene, name, buf_span(&text));
}

static inline json_t *json_of(const char *text)
{
	struct err err = ERR_NONE;
	json_t *value = NULL;

	if (json_read(span_of(text), 1024 * 1024, &value, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return value;
}

static inline struct kms *scene_open(const struct scene *scene, const char *provider, const char *settings)
{
	auto_json json_t *object = json_of(settings);
	struct kms *kms = NULL;
	struct err err = ERR_NONE;

	if (kms_open(provider, object, &scene->options, &kms, &err) < 0)
		fail_msg("%s", err.text);
	return kms;
}

/* 00 01 … 1f */
static inline void data_key(unsigned char out[static 32])
{
	for (unsigned char i = 0; i < 32; i++)
		out[i] = i;
}

static inline void failed_with(const struct err *err, enum err_kind kind, const char *says)
{
	if (err->kind != kind || !strstr(err->text, says))
		fail_msg("%s: '%s' instead of %s: '%s'", err_kind_name(err->kind), err->text,
				err_kind_name(kind), says);
}

#endif
