/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of guest/mount.h share: a folder with a device (a file), places below it, a hub whose broker is a file,
 * and stand-ins for cryptsetup and mkfs.ext4 that note how they are called:
 *
 *     calls            a line for each call: program and arguments
 *     key-VERB         what a verb of cryptsetup found on its standard input
 *     fail-VERB        makes that verb (or "mkfs") fail; it says "no luck"
 *     metadata         what luksDump prints
 */
#ifndef COCOON_TESTS_GUEST_MOUNT_RIG_H
#define COCOON_TESTS_GUEST_MOUNT_RIG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "codec/json.h"
#include "guest/config.h"
#include "guest/hub.h"
#include "guest/mount.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define RIG_PATH   256
#define RIG_DEVICE (20 * 1024 * 1024)
/*
 * What the broker's file holds, in base64: "line\n", nothing, and what the sealed string of sealed-secrets.md 12.1 asks
 * for, "sealed line" with the public key of its kid.
 */
#define RIG_RESOURCES                                                                      \
	"{\"default/key/line\":\"bGluZQo=\",\"default/key/none\":\"\",\"default/db/"       \
	"password\":\"c2VhbGVkIGxpbmU=\","                                                 \
	"\"default/signing-key/cocoon-test\":\""                                           \
	"eyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwiYWxnIjoiRVMyNTYiLCJ1c2UiOiJzaWciLCJ4IjoiVWFk" \
	"WUNET0pqcUd4Zzh2WE5RcEFtUWVNYnZIQjRZNlhETmRvTURYeVhuMCIsInkiOiJBUkJTSnhLd3RhZlA4" \
	"SUZvVklhWVNwVG1neDdheEc1ellQcWRnMHA2Z2FFIn0="                                     \
	"\"}"

struct rig {
	char dir[RIG_PATH - 64];
	char headers[RIG_PATH], cryptsetup[RIG_PATH], mkfs[RIG_PATH], sysfs[RIG_PATH], mapper[RIG_PATH];
	char point[RIG_PATH], resources[RIG_PATH];
	const char *files[2];
	struct mount_places places;
	struct config config;
	struct hub *hub;
	struct err err;
};

static inline void rig_path(const struct rig *rig, const char *name, char out[static RIG_PATH])
{
	assert_true(snprintf(out, RIG_PATH, "%s/%s", rig->dir, name) < RIG_PATH);
}

static inline void rig_write(const struct rig *rig, const char *name, const char *text, mode_t mode)
{
	char path[RIG_PATH];

	rig_path(rig, name, path);
	assert_int_equal(fs_write_atomic(path, span_of(text), mode, NULL), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static inline bool rig_has(const struct rig *rig, const char *name)
{
	char path[RIG_PATH];
	struct stat found;

	rig_path(rig, name, path);
	return !lstat(path, &found);
}

static inline void rig_read(const struct rig *rig, const char *name, struct buf *out)
{
	char path[RIG_PATH];

	rig_path(rig, name, path);
	buf_reset(out);
	assert_int_equal(fs_read(path, out, NULL), 0);
}

static inline void rig_programs(const struct rig *rig)
{
	char script[2048];

	snprintf(script, sizeof(script),
			"#!/bin/sh\n"
			"cd '%s' || exit 9\n"
			"echo \"cryptsetup $*\" >>calls\n"
			"verb=$1\n"
			"cat >key-$1\n"
			"[ ! -e fail-$1 ] || { echo 'no luck' >&2; exit 4; }\n"
			"for last; do :; done\n"
			"case $verb in\n"
			"open) : >mapper/$last ;;\n"
			"close) rm mapper/$last ;;\n"
			"luksHeaderBackup) : >\"$last\" ;;\n"
			"luksDump) cat metadata ;;\n"
			"esac\n",
			rig->dir);
	rig_write(rig, "cryptsetup", script, 0755);
	snprintf(script, sizeof(script),
			"#!/bin/sh\n"
			"cd '%s' || exit 9\n"
			"echo \"mkfs $*\" >>calls\n"
			"[ ! -e fail-mkfs ] || { echo 'no luck' >&2; exit 4; }\n",
			rig->dir);
	rig_write(rig, "mkfs", script, 0755);
}

static inline int rig_open(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	char path[RIG_PATH];

	assert_non_null(rig);
	*state = rig;
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/test-mount.XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	rig_path(rig, "headers", rig->headers);
	rig_path(rig, "cryptsetup", rig->cryptsetup);
	rig_path(rig, "mkfs", rig->mkfs);
	rig_path(rig, "sys", rig->sysfs);
	rig_path(rig, "mapper", rig->mapper);
	rig_path(rig, "made/deep/point", rig->point);
	rig_path(rig, "resources", rig->resources);
	assert_int_equal(mkdir(rig->mapper, 0700) + mkdir(rig->sysfs, 0700), 0);
	rig_write(rig, "disk", "", 0600);
	rig_path(rig, "disk", path);
	assert_int_equal(truncate(path, RIG_DEVICE), 0);
	rig_write(rig, "calls", "", 0600);
	rig_write(rig, "resources", RIG_RESOURCES, 0600);
	rig_programs(rig);
	rig->places = (struct mount_places){ .headers = rig->headers,
		.cryptsetup = rig->cryptsetup,
		.mkfs = rig->mkfs,
		.sysfs = rig->sysfs,
		.dev = rig->dir,
		.mapper = rig->mapper };
	rig->config.kbc = CONFIG_OFFLINE_FS_KBC;
	rig->files[0] = rig->resources;
	const struct hub_options options = { .config = &rig->config, .offline_files = rig->files };
	return hub_open(&options, &rig->hub, NULL);
}

static inline int rig_remove(const char *path, const struct stat *found, int type, struct FTW *walk)
{
	(void)found;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline int rig_close(void **state)
{
	struct rig *rig = *state;

	hub_free(rig->hub);
	nftw(rig->dir, rig_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(rig);
	return 0;
}

/* The options of a device at DISK, with what comes on top: a JSON object without its braces. A null takes away. */
static inline json_t *rig_options(const struct rig *rig, const char *more)
{
	auto_buf struct buf text = BUF_MAX(65536);
	json_t *base = NULL, *top = NULL, *value = NULL;
	const char *key = NULL;
	void *next = NULL;

	buf_printf(&text,
			"{\"devicePath\":\"%s/disk\",\"sourceType\":\"empty\",\"encryptionType\":\"luks2\","
			"\"targetType\":\"device\",\"mapperName\":\"vol\"}",
			rig->dir);
	assert_int_equal(json_read(buf_span(&text), 65536, &base, NULL), 0);
	buf_reset(&text);
	buf_printf(&text, "{%s}", more);
	assert_int_equal(json_read(buf_span(&text), 65536, &top, NULL), 0);
	json_object_update(base, top);
	json_decref(top);
	json_object_foreach_safe (base, next, key, value)
		if (json_is_null(value))
			json_object_del(base, key);
	return base;
}

static inline int rig_mount(struct rig *rig, const char *more)
{
	auto_json json_t *options = rig_options(rig, more);
	const struct mount_request request = {
		.volume_type = "block-device", .options = options, .mount_point = rig->point
	};

	err_clear(&rig->err);
	return mount_secure(rig->hub, &request, &rig->places, &rig->err);
}

static inline void rig_refused(struct rig *rig, const char *more, enum err_kind kind, const char *part)
{
	if (!rig_mount(rig, more))
		fail_msg("mounted with %s", more);
	if (!strstr(rig->err.text, part) || rig->err.kind != kind)
		fail_msg("%s: wanted %s with '%s', seen %s: %s", more, err_kind_name(kind), part,
				err_kind_name(rig->err.kind), rig->err.text);
}

/* No header, no mapping, no folder of the mount point. */
static inline void rig_is_clean(const struct rig *rig)
{
	char path[RIG_PATH];

	assert_false(rig_has(rig, "made"));
	assert_false(rig_has(rig, "mapper/vol"));
	rig_path(rig, "headers", path);
	if (rmdir(path) < 0)
		assert_false(rig_has(rig, "headers"));
}

#endif
