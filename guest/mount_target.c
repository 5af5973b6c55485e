/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount_own.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE   120000
#define OUTPUT_MAX ((size_t)64 * 1024)

static int make_filesystem(struct mount_work *work, struct err *err)
{
	static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	const struct mount_volume *volume = work->volume;
	const char *argv[MOUNT_MKFS_MAX + 5] = { "mkfs.ext4", "-q" };
	size_t count = 2;
	auto_buf struct buf out = BUF_MAX(OUTPUT_MAX);
	const struct run run = { .what = "the program",
		.program = work->places->mkfs,
		.argv = argv,
		.environment = environment,
		.timeout = PATIENCE };

	for (size_t i = 0; i < volume->mkfs_count; i++)
		argv[count++] = volume->mkfs[i];
	argv[count++] = "--";
	argv[count] = work->mapping;
	if (run_program(&run, &out, err) < 0)
		return err_wrap(err, "making a file system on the volume of %s", work->device);
	return 0;
}

/* The mount point or, for a link, the folder that it will stand in. */
static int make_folders(struct mount_work *work, size_t len, struct err *err)
{
	char path[MOUNT_PATH_MAX];

	memcpy(path, work->point, len);
	for (size_t at = 1; at <= len; at++) {
		if (at < len && path[at] != '/')
			continue;
		path[at] = '\0';
		if (mkdir(path, 0755) < 0) {
			if (errno != EEXIST)
				return err_errno(err, ERR_IO, "making the folder %s", path);
		} else if (!work->made_from) {
			work->made_from = at;
		}
		if (at < len)
			path[at] = '/';
	}
	return 0;
}

void mount_target_undo(struct mount_work *work)
{
	char path[MOUNT_PATH_MAX];

	if (!work->made_from)
		return;
	for (size_t at = strlen(work->point); at >= work->made_from; at--) {
		if (work->point[at] && work->point[at] != '/')
			continue;
		memcpy(path, work->point, at);
		path[at] = '\0';
		rmdir(path);
	}
	work->made_from = 0;
}

static int make_link(struct mount_work *work, struct err *err)
{
	const char *slash = strrchr(work->point, '/');

	if (slash > work->point && make_folders(work, (size_t)(slash - work->point), err) < 0)
		return -1;
	if (symlink(work->mapping, work->point) < 0)
		return err_errno(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "making the link %s",
				work->point);
	return 0;
}

int mount_target_make(struct mount_work *work, struct err *err)
{
	const struct mount_volume *volume = work->volume;

	if (!volume->filesystem)
		return make_link(work, err);
	if (!volume->encrypted && make_filesystem(work, err) < 0)
		return -1;
	if (make_folders(work, strlen(work->point), err) < 0)
		return -1;
	if (mount(work->mapping, work->point, "ext4", MS_NOATIME, NULL) < 0)
		return err_errno(err, errno == EBUSY ? ERR_CONFLICT : ERR_IO,
				"mounting the volume of %s at %s as ext4", work->device, work->point);
	return 0;
}
