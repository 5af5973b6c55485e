/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/credential.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/random.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int illegal(const char *path, const char *why, struct err *err)
{
	return err_set(err, ERR_DENIED, "illegal path to put credential : %s: %s", path, why);
}

/* The part of the path below the folder; NULL when it is not there. */
static const char *below(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	while (len && folder[len - 1] == '/')
		len--;
	if (strncmp(path, folder, len) != 0 || path[len] != '/')
		return NULL;
	return path + len + 1;
}

static bool is_good(struct span part)
{
	return part.len && part.len <= NAME_MAX && !span_is(part, ".") && !span_is(part, "..");
}

/* Steps into a folder, which is made when it is missing; never through a link. */
static int step(int *dir, struct span part, const char *path, struct err *err)
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "%.*s", SPAN_ARG(part));
	if (mkdirat(*dir, name, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_IO, "making the folders of '%s'", path);
	int next = openat(*dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
		return illegal(path, "a part of it is no folder, or a link that may lead elsewhere", err);
	if (next < 0)
		return err_errno(err, ERR_IO, "opening the folders of '%s'", path);
	close(*dir);
	*dir = next;
	return 0;
}

static int write_new(int dir, const char *name, const char *path, const struct secret *bytes, struct err *err)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, ERR_IO, "making '%s'", path);
	if (fs_write_fd(fd, path, secret_span(bytes), err) < 0)
		return -1;
	return fsync(fd) < 0 ? err_errno(err, ERR_IO, "writing '%s'", path) : 0;
}

static int replace(int dir, const char *name, const char *path, const struct secret *bytes, struct err *err)
{
	char draft[48];

	snprintf(draft, sizeof(draft), ".new-%016llx", (unsigned long long)random_below(UINT64_MAX));
	if (write_new(dir, draft, path, bytes, err) < 0) {
		unlinkat(dir, draft, 0);
		return -1;
	}
	if (renameat(dir, draft, dir, name) < 0) {
		(void)err_errno(err, ERR_IO, "putting '%s' in its place", path);
		unlinkat(dir, draft, 0);
		return -1;
	}
	return fsync(dir) < 0 ? err_errno(err, ERR_IO, "writing the folder of '%s'", path) : 0;
}

int credential_write(const char *folder, const char *path, const struct secret *bytes, struct err *err)
{
	const char *inner = below(folder, path);
	struct span rest = span_of(inner), part = SPAN_NONE;
	char name[NAME_MAX + 1] = "";

	if (!inner || !*inner || inner[strlen(inner) - 1] == '/')
		return illegal(path, "it must be a file in the folder for credentials", err);
	while (span_next(&rest, '/', &part))
		if (!is_good(part))
			return illegal(path, "an empty part, '.', '..', or a name that is too long", err);
	auto_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, ERR_IO, "opening '%s'", folder);
	rest = span_of(inner);
	for (size_t slash = span_find(rest, '/'); slash < rest.len; slash = span_find(rest, '/')) {
		if (step(&dir, span_new(rest.ptr, slash), path, err) < 0)
			return -1;
		rest = span_from(rest, slash + 1);
	}
	snprintf(name, sizeof(name), "%.*s", SPAN_ARG(rest));
	return replace(dir, name, path, bytes, err);
}
