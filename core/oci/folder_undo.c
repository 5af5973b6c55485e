/* SPDX-License-Identifier: Apache-2.0 */
/* How a run that ends without an image leaves nothing behind (oci/folder.h). */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "oci/folder_own.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static struct folder_version version_of(const struct folder *folder)
{
	struct stat what;

	if (fstatat(folder->root, folder->form->document, &what, AT_SYMLINK_NOFOLLOW) < 0)
		return (struct folder_version){ .file = 0 };
	return (struct folder_version){ .file = what.st_ino, .changed = what.st_ctim };
}

bool folder_is_changed(const struct folder *folder)
{
	struct folder_version now = version_of(folder);
	const struct folder_version *then = &folder->version;

	return now.file != then->file || now.changed.tv_sec != then->changed.tv_sec ||
			now.changed.tv_nsec != then->changed.tv_nsec;
}

void undo_forget(struct folder *folder)
{
	folder->kept = true;
	folder->version = version_of(folder);
}

int undo_join(struct folder *folder, bool *gone, struct err *err)
{
	struct stat what;

	/* who holds it alone is about to leave: that takes no longer than a few files */
	while (flock(folder->root, LOCK_SH) < 0)
		if (errno != EINTR)
			return err_errno(err, ERR_IO, "%s: locking the folder", folder->text);
	if (fstat(folder->root, &what) < 0)
		return err_errno(err, ERR_IO, "%s: looking at the folder", folder->text);
	*gone = what.st_nlink == 0;
	folder->version = version_of(folder);
	return 0;
}

void undo_note(struct folder *folder, int at, const char *name, const char *digest)
{
	if (faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	folder->written = xreallocarray(folder->written, folder->written_count + 1, sizeof(*folder->written));
	folder->written[folder->written_count++] = xstrdup(digest ? digest : name);
}

static void remove_noted(struct folder *folder, const char *noted)
{
	auto_fd int at = -1;
	const char *name = NULL;

	if (!strchr(noted, ':'))
		unlinkat(folder->root, noted, 0);
	else if (folder_at(folder, noted, false, &at, &name, NULL) == 0)
		unlinkat(at, name, 0);
}

/* Folders and the mark go only where nothing but them is left: rmdir sees to it. */
static void remove_frame(struct folder *folder)
{
	if (folder->form->tree) {
		unlinkat(folder->root, "blobs/sha256", AT_REMOVEDIR);
		unlinkat(folder->root, "blobs/sha512", AT_REMOVEDIR);
		unlinkat(folder->root, "blobs", AT_REMOVEDIR);
	}
	unlinkat(folder->root, folder->form->mark, 0);
	if (folder->made_root)
		rmdir(folder->path);
}

static void hand_over(struct folder *folder)
{
	struct folder *first = folder->first;

	first->written = xreallocarray(first->written, first->written_count + folder->written_count + 1,
			sizeof(*first->written));
	for (size_t i = 0; i < folder->written_count; i++)
		first->written[first->written_count++] = take(&folder->written[i]);
}

void undo_all(struct folder *folder)
{
	if (folder->first)
		hand_over(folder);
	else if (!folder->kept && folder->mark >= 0 && flock(folder->root, LOCK_EX | LOCK_NB) == 0 &&
			!folder_is_changed(folder)) {
		for (size_t i = 0; i < folder->written_count; i++)
			remove_noted(folder, folder->written[i]);
		if (folder->made_mark)
			remove_frame(folder);
	}
	for (size_t i = 0; i < folder->written_count; i++)
		free(folder->written[i]);
	free(folder->written);
}
