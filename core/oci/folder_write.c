/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/random.h"
#include "oci/folder_own.h"
#include "oci/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

/* ---- temporary files ----------------------------------------------------------------------------------- */

static int failed(const struct folder *folder, const char *what, struct err *err)
{
	err_errno(err, ERR_IO, "%s: %s", folder->text, what);
	return -1;
}

int temp_make(const struct folder *folder, struct temp *out, struct err *err)
{
	struct temp temp = TEMP_NONE;

	temp.folder = folder;
	snprintf(temp.name, sizeof(temp.name), TEMP_PREFIX "%016llx",
			(unsigned long long)random_below(UINT64_MAX));
	temp.fd = openat(folder->root, temp.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (temp.fd < 0)
		return failed(folder, "making a file", err);
	if (flock(temp.fd, LOCK_EX | LOCK_NB) < 0) {
		failed(folder, "locking a file", err);
		temp_clear(&temp);
		return -1;
	}
	*out = temp;
	return 0;
}

int temp_rename(struct temp *temp, int at, const char *name, struct err *err)
{
	if (renameat(temp->folder->root, temp->name, at, name) < 0)
		return err_errno(err, ERR_IO, "%s: naming '%s'", temp->folder->text, name);
	temp->name[0] = '\0';
	return 0;
}

void temp_clear(struct temp *temp)
{
	int saved = errno;

	if (temp->fd >= 0 && *temp->name)
		unlinkat(temp->folder->root, temp->name, 0);
	own_close(&temp->fd);
	errno = saved;
}

static int temp_make_locked(struct folder *folder, struct temp *out, struct err *err)
{
	if (folder_lock(folder, err) < 0)
		return -1;
	int status = temp_make(folder, out, err);
	folder_unlock(folder);
	return status;
}

/* ---- a blob's writer ----------------------------------------------------------------------------------- */

struct blob_writer {
	struct oci_writer writer;
	struct folder *folder;
	struct temp temp;
	struct spool spool;
};

static int blob_feed(struct stream *self, struct span bytes, struct err *err)
{
	return spool_feed(&((struct blob_writer *)self)->spool, bytes, err);
}

static int blob_done(struct stream *self, struct err *err)
{
	(void)self;
	(void)err;
	return 0;
}

static int blob_commit(struct oci_writer *self, const char *digest, struct err *err)
{
	struct blob_writer *blob = (struct blob_writer *)self;
	auto_fd int at = -1;
	const char *name = NULL;

	if (spool_check(&blob->spool, digest, err) < 0 ||
			folder_at(blob->folder, digest, true, &at, &name, err) < 0)
		return -1;
	undo_note(blob->folder, at, name, digest);
	return temp_rename(&blob->temp, at, name, err);
}

static void blob_free(struct oci_writer *self)
{
	struct blob_writer *blob = (struct blob_writer *)self;

	temp_clear(&blob->temp);
	free(blob);
}

int folder_writer(struct folder *folder, uint64_t size, struct oci_writer **out, struct err *err)
{
	auto_temp struct temp temp = TEMP_NONE;
	struct spool spool;

	if (temp_make_locked(folder, &temp, err) < 0 ||
			spool_init(&spool, temp.fd, 0, size, folder->text, err) < 0)
		return -1;
	struct blob_writer *blob = xcalloc(1, sizeof(*blob));
	*blob = (struct blob_writer){
		.writer = { .stream = { .feed = blob_feed, .done = blob_done },
				.commit = blob_commit,
				.free = blob_free },
		.folder = folder,
		.temp = temp,
		.spool = spool,
	};
	temp = (struct temp)TEMP_NONE;
	*out = &blob->writer;
	return 0;
}

int folder_put(struct folder *folder, struct span bytes, const char *digest, struct err *err)
{
	auto_oci_writer struct oci_writer *writer = NULL;

	if (folder_writer(folder, bytes.len, &writer, err) < 0 ||
			stream_feed(oci_writer_stream(writer), bytes, err) < 0)
		return -1;
	return oci_writer_commit(writer, digest, err);
}

int folder_put_named(struct folder *folder, struct span bytes, const char *name, struct err *err)
{
	auto_temp struct temp temp = TEMP_NONE;

	if (temp_make_locked(folder, &temp, err) < 0 || fs_write_fd(temp.fd, folder->text, bytes, err) < 0)
		return -1;
	undo_note(folder, folder->root, name, NULL);
	return temp_rename(&temp, folder->root, name, err);
}

/* ---- documents ----------------------------------------------------------------------------------------- */

int folder_replace(struct folder *folder, struct span bytes, struct err *err)
{
	const char *name = folder->form->document;
	auto_temp struct temp temp = TEMP_NONE;

	if (temp_make(folder, &temp, err) < 0 || fs_write_fd(temp.fd, name, bytes, err) < 0)
		return -1;
	if (fsync(temp.fd) < 0)
		return err_errno(err, ERR_IO, "%s: syncing '%s'", folder->text, name);
	if (temp_rename(&temp, folder->root, name, err) < 0)
		return -1;
	undo_forget(folder);
	/* file systems without folders that can be synced say EINVAL */
	if (fsync(folder->root) < 0 && errno != EINVAL)
		return failed(folder, "syncing the folder", err);
	return 0;
}

/* One call for all blobs, large and small, rather than one wait for each. */
int folder_sync(const struct folder *folder, struct err *err)
{
	if (syncfs(folder->root) < 0)
		return failed(folder, "writing out to the disk", err);
	return 0;
}
