/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spool.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

static bool is_memory(int fd)
{
	struct statfs what;

	return fstatfs(fd, &what) == 0 && what.f_type == TMPFS_MAGIC;
}

int spool_init(struct spool *spool, int fd, uint64_t start, uint64_t size, const char *text, struct err *err)
{
	*spool = (struct spool){ .fd = fd, .text = text, .start = start, .size = size };
	if (!size || is_memory(fd) || fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)start, (off_t)size) == 0)
		return 0;
	/* where the file system cannot do it, the writes will tell */
	if (errno != ENOSPC && errno != EFBIG && errno != EDQUOT)
		return 0;
	return err_errno(err, ERR_IO, "%s: room for a blob of %llu bytes", text, (unsigned long long)size);
}

int spool_write_at(int fd, const char *text, struct span bytes, uint64_t at, struct err *err)
{
	while (bytes.len) {
		ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_IO, "%s: writing", text);
		bytes = span_from(bytes, (size_t)n);
		at += (uint64_t)n;
	}
	return 0;
}

int spool_feed(struct spool *spool, struct span bytes, struct err *err)
{
	if (bytes.len > spool->size - spool->done)
		return err_set(err, ERR_FORMAT, "%s: a blob has more than its %llu bytes", spool->text,
				(unsigned long long)spool->size);
	if (spool_write_at(spool->fd, spool->text, bytes, spool->start + spool->done, err) < 0)
		return -1;
	spool->done += bytes.len;
	if (spool->done - spool->started < SPOOL_STEP)
		return 0;
	/* a hint: whether it helped is known at the commit */
	(void)sync_file_range(spool->fd, (off_t)(spool->start + spool->started),
			(off_t)(spool->done - spool->started), SYNC_FILE_RANGE_WRITE);
	spool->started = spool->done;
	return 0;
}

int spool_check(const struct spool *spool, const char *digest, struct err *err)
{
	if (spool->done == spool->size)
		return 0;
	return err_set(err, ERR_FORMAT, "%s: the blob '%s' has %llu of its %llu bytes", spool->text, digest,
			(unsigned long long)spool->done, (unsigned long long)spool->size);
}
