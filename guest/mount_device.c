/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount_own.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A device's uevent: a few short lines. */
#define UEVENT_MAX 4096

/* "254:16" */
static int read_id(const char *text, uint64_t *major_out, uint64_t *minor_out, struct err *err)
{
	struct span id = span_of(text);
	size_t colon = span_find(id, ':');

	if (colon == id.len || !span_number(span_new(id.ptr, colon), 0xfff, major_out) ||
			!span_number(span_from(id, colon + 1), 0xfffff, minor_out))
		return err_set(err, ERR_USAGE,
				"option deviceId is \"%.64s\", must be MAJOR:MINOR, as in 254:16", text);
	return 0;
}

/* The kernel's name of the device below /dev: the line DEVNAME=… of its uevent. */
static int name_of(const char *id, const struct mount_places *places, char out[static MOUNT_PATH_MAX],
		struct err *err)
{
	auto_buf struct buf text = BUF_MAX(UEVENT_MAX);
	char path[MOUNT_PATH_MAX];
	struct span rest, line;

	if (snprintf(path, sizeof(path), "%s/%s/uevent", places->sysfs, id) >= (int)sizeof(path))
		return err_set(err, ERR_LIMIT, "the path of %s/%.64s is too long", places->sysfs, id);
	if (fs_read(path, &text, err) < 0)
		return err_wrap(err, "no device has the number %.64s", id);
	rest = buf_span(&text);
	while (span_next(&rest, '\n', &line)) {
		if (!span_starts(line, "DEVNAME="))
			continue;
		line = span_from(line, strlen("DEVNAME="));
		if (snprintf(out, MOUNT_PATH_MAX, "%s/%.*s", places->dev, SPAN_ARG(line)) >= MOUNT_PATH_MAX)
			return err_set(err, ERR_LIMIT, "the name of device %.64s is too long", id);
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "the device with the number %.64s has no name in %s", id, path);
}

/* It exists, can hold a volume, and nobody uses it. */
static int look(struct mount_work *work, bool by_id, uint64_t major_wanted, uint64_t minor_wanted,
		struct err *err)
{
	struct stat found;
	auto_fd int fd = open(work->device, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &found) < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "opening the device %s",
				work->device);
	if (S_ISREG(found.st_mode)) {
		work->size = (uint64_t)found.st_size;
		return 0;
	}
	if (!S_ISBLK(found.st_mode))
		return err_set(err, ERR_USAGE, "%s is no block device", work->device);
	if (by_id && (major(found.st_rdev) != major_wanted || minor(found.st_rdev) != minor_wanted))
		return err_set(err, ERR_NOT_FOUND, "%s has the number %u:%u, not %s", work->device,
				major(found.st_rdev), minor(found.st_rdev), work->volume->device_id);
	if (ioctl(fd, BLKGETSIZE64, &work->size) < 0)
		return err_errno(err, ERR_IO, "reading the size of %s", work->device);
	auto_fd int alone = open(work->device, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (alone < 0)
		return err_errno(err, errno == EBUSY ? ERR_CONFLICT : ERR_IO,
				"%s cannot be had alone: it is mounted, mapped or part of another device",
				work->device);
	return 0;
}

int mount_device_find(struct mount_work *work, struct err *err)
{
	const struct mount_volume *volume = work->volume;
	char path[MOUNT_PATH_MAX];
	uint64_t wanted[2] = { 0, 0 };

	if (volume->device_id) {
		if (read_id(volume->device_id, &wanted[0], &wanted[1], err) < 0 ||
				name_of(volume->device_id, work->places, path, err) < 0)
			return -1;
	} else if (volume->device_path[0] != '/' ||
			snprintf(path, sizeof(path), "%s", volume->device_path) >= (int)sizeof(path)) {
		return err_set(err, ERR_USAGE,
				"option devicePath is \"%.64s\", must be an absolute path of at most %d "
				"bytes",
				volume->device_path, MOUNT_PATH_MAX - 1);
	}
	/* one device has one path, so that it has one header */
	auto_free char *real = realpath(path, NULL);
	if (!real)
		return err_errno(
				err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "finding the device %s", path);
	if (snprintf(work->device, sizeof(work->device), "%s", real) >= (int)sizeof(work->device))
		return err_set(err, ERR_LIMIT, "the path of the device is longer than %d bytes: %s",
				MOUNT_DEVICE_MAX - 1, real);
	return look(work, volume->device_id != NULL, wanted[0], wanted[1], err);
}
