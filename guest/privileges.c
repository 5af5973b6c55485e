/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/privileges.h"

#include "base/err.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

int identity_find(const char *name, struct identity *out, struct err *err)
{
	struct passwd entry, *found = NULL;
	char scrap[4096];

	*out = (struct identity){ .name = NULL, .uid = geteuid(), .gid = getegid() };
	if (!name)
		return 0;
	int failed = getpwnam_r(name, &entry, scrap, sizeof(scrap), &found);
	if (!found) {
		errno = failed;
		return failed ? err_errno(err, ERR_IO, "looking for the user '%s'", name)
			      : err_set(err, ERR_NOT_FOUND, "there is no user '%s'", name);
	}
	if (geteuid() != 0 && geteuid() != entry.pw_uid)
		return err_set(err, ERR_USAGE, "only root can become the user '%s'", name);
	*out = (struct identity){ .name = name, .uid = entry.pw_uid, .gid = entry.pw_gid };
	return 0;
}

int identity_own(const struct identity *identity, const char *path, struct err *err)
{
	if (!identity->name || geteuid() != 0)
		return 0;
	if (lchown(path, identity->uid, identity->gid) < 0)
		return err_errno(err, ERR_IO, "giving '%s' to the user '%s'", path, identity->name);
	return 0;
}

int identity_folder(const struct identity *identity, const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];

	if (*path != '/' || strlen(path) >= sizeof(part))
		return err_set(err, ERR_USAGE, "'%s' is no absolute path", path);
	for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		size_t len = slash ? (size_t)(slash - path) : strlen(path);
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		mode_t wanted = slash ? 0755 : mode;
		bool made = mkdir(part, wanted) == 0;
		/* whatever the process's mask says: others pass through the folders above */
		if (made ? chmod(part, wanted) < 0 : errno != EEXIST)
			return err_errno(err, ERR_IO, "making the folder '%s'", part);
		if (slash)
			continue;
		return made ? identity_own(identity, path, err) : 0;
	}
}

int identity_become(const struct identity *identity, struct err *err)
{
	if (!identity->name)
		return 0;
	if (geteuid() == 0 &&
			(initgroups(identity->name, identity->gid) < 0 ||
					setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
					setresuid(identity->uid, identity->uid, identity->uid) < 0))
		return err_errno(err, ERR_IO, "becoming the user '%s'", identity->name);
	if (identity->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return err_set(err, ERR_BUG, "the user '%s' can still become root", identity->name);
	/* another user starts dumpable again */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, ERR_IO, "forbidding core dumps");
	return 0;
}
