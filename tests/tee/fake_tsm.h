/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder that behaves as configfs-tsm does: making an entry fills it with files, removing it removes them, too, and a
 * write to a measurement extends it. The kernel does that within the very calls, so the fake stands in their place: a
 * program that includes this has its own mkdir(), rmdir() and write(), which the rooms then call. Once per program.
 */
#ifndef COCOON_TESTS_TEE_FAKE_TSM_H
#define COCOON_TESTS_TEE_FAKE_TSM_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/own.h"
#include "crypto/digest.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static struct {
	char folder[64]; /* reports/ and measurements/ are in it */
	char *reports, *measurements;
	const char *provider, *generation; /* NULL: no such file */
	struct buf out, aux;               /* aux.ptr NULL: no such file */
	bool no_outblob, no_inblob;
	int mkdir_error;
	unsigned made, removed;
	struct buf asked; /* inblob of the last entry */
} fake;

static inline void fake_put(const char *folder, const char *name, struct span bytes)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || syscall(SYS_write, fd, bytes.ptr, bytes.len) != (long)bytes.len)
		abort();
}

static inline bool fake_has(const char *path)
{
	return fake.reports && strncmp(path, fake.reports, strlen(fake.reports)) == 0 &&
			strlen(path) > strlen(fake.reports);
}

int mkdir(const char *path, mode_t mode)
{
	if (fake_has(path) && fake.mkdir_error) {
		errno = fake.mkdir_error;
		return -1;
	}
	if (syscall(SYS_mkdirat, AT_FDCWD, path, mode) < 0)
		return -1;
	if (!fake_has(path))
		return 0;
	fake.made++;
	if (fake.provider)
		fake_put(path, "provider", span_of(fake.provider));
	if (!fake.no_inblob)
		fake_put(path, "inblob", SPAN_NONE);
	if (!fake.no_outblob)
		fake_put(path, "outblob", buf_span(&fake.out));
	if (fake.aux.ptr)
		fake_put(path, "auxblob", buf_span(&fake.aux));
	if (fake.generation)
		fake_put(path, "generation", span_of(fake.generation));
	return 0;
}

int rmdir(const char *path)
{
	static const char *const names[] = { "provider", "inblob", "outblob", "auxblob", "generation" };

	for (size_t i = 0; fake_has(path) && i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *file = xasprintf("%s/%s", path, names[i]);
		if (strcmp(names[i], "inblob") == 0) {
			buf_reset(&fake.asked);
			(void)!fs_read(file, &fake.asked, NULL);
		}
		unlink(file);
	}
	fake.removed += fake_has(path);
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

/* H(value ‖ digest), in SHA-384. */
static ssize_t fake_extend(const char *path, const void *digest, size_t len)
{
	struct buf joined = BUF_MAX(96);
	unsigned char value[DIGEST_MAX];
	auto_fd int fd = open(path, O_RDWR);

	if (fd < 0 || len != 48 || fs_read(path, &joined, NULL) < 0 || joined.len != 48)
		abort();
	buf_add(&joined, digest, len);
	digest_bytes(DIGEST_SHA384, buf_span(&joined), value);
	buf_clear(&joined);
	if (syscall(SYS_pwrite64, fd, value, (size_t)48, 0L) != 48)
		abort();
	return (ssize_t)len;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	char link[64], path[256];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = fake.measurements ? readlink(link, path, sizeof(path) - 1) : -1;
	if (n > 0 && span_starts(span_new(path, (size_t)n), fake.measurements) &&
			span_ends(span_new(path, (size_t)n), ":sha384")) {
		path[n] = '\0';
		return fake_extend(path, bytes, len);
	}
	return syscall(SYS_write, fd, bytes, len);
}

static inline void fake_init(const char *provider)
{
	static const char zeros[48] = { 0 };

	memset(&fake, 0, sizeof(fake));
	memcpy(fake.folder, "/tmp/tsm-XXXXXX", sizeof("/tmp/tsm-XXXXXX"));
	if (!mkdtemp(fake.folder))
		abort();
	char *measurements = xasprintf("%s/measurements", fake.folder);
	char *reports = xasprintf("%s/reports", fake.folder);
	if (mkdir(measurements, 0700) < 0 || mkdir(reports, 0700) < 0)
		abort();
	for (int i = 0; i < 4; i++) {
		char name[32];
		snprintf(name, sizeof(name), "rtmr%d:sha384", i);
		fake_put(measurements, name, span_new(zeros, sizeof(zeros)));
	}
	fake.measurements = measurements;
	fake.reports = reports;
	fake.provider = provider;
	fake.generation = "1\n";
	buf_init(&fake.out, 65536);
	buf_init(&fake.aux, 65536);
	buf_init(&fake.asked, 65536);
}

/* No entry is left behind. */
static inline bool fake_is_clean(void)
{
	struct dirent *entry;
	size_t count = 0;
	DIR *dir = opendir(fake.reports);

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return !count && fake.made == fake.removed;
}

static inline void fake_clear(void)
{
	const char *const names[] = { "measurements/rtmr0:sha384", "measurements/rtmr1:sha384",
		"measurements/rtmr2:sha384", "measurements/rtmr3:sha384", "measurements/mrconfigid", "ccel",
		"eventlog", ".wal_event_entry" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", fake.folder, names[i]);
		unlink(path);
	}
	rmdir(fake.measurements);
	free(take(&fake.measurements));
	char *reports = take(&fake.reports);
	rmdir(reports);
	free(reports);
	rmdir(fake.folder);
	buf_clear(&fake.out);
	buf_clear(&fake.aux);
	buf_clear(&fake.asked);
}

#endif
