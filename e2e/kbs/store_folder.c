/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "e2e/kbs/store_own.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define SLASH "\\x2F"

static const char *const space_names[STORE_SPACES] = { "repository", "kbs", "attestation_service_policy",
	"reference_value" };

static int make_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_IO, "making the folder '%s'", path);
	if (access(path, R_OK | W_OK | X_OK) < 0)
		return err_errno(err, ERR_IO, "the folder '%s' cannot be used", path);
	return 0;
}

/* Appends the path of a space, and with a key that of its file. */
static int put_path(struct buf *path, const char *folder, enum store_space space, const char *key,
		struct err *err)
{
	buf_printf(path, "%s/%s", folder, space_names[space]);
	if (key)
		buf_putc(path, '/');
	for (; key && *key; key++) {
		if (*key == '/')
			buf_puts(path, SLASH);
		else
			buf_putc(path, *key);
	}
	return buf_check(path, "a path in the folder of the store", err);
}

int store_folder_open(const char *folder, struct err *err)
{
	if (make_folder(folder, err) < 0)
		return -1;
	for (enum store_space space = 0; space < STORE_SPACES; space++) {
		auto_buf struct buf path = BUF_MAX(PATH_MAX);
		if (put_path(&path, folder, space, NULL, err) < 0 || make_folder(path.ptr, err) < 0)
			return -1;
	}
	return 0;
}

int store_folder_put(const char *folder, enum store_space space, const char *key, struct span value,
		struct err *err)
{
	auto_buf struct buf path = BUF_MAX(PATH_MAX);

	if (put_path(&path, folder, space, key, err) < 0)
		return -1;
	return fs_write_atomic(path.ptr, value, 0600, err);
}

int store_folder_get(
		const char *folder, enum store_space space, const char *key, struct buf *out, struct err *err)
{
	auto_buf struct buf path = BUF_MAX(PATH_MAX);
	struct stat file;

	if (put_path(&path, folder, space, key, err) < 0)
		return -1;
	if (stat(path.ptr, &file) < 0) {
		if (errno == ENOENT)
			return err_set(err, ERR_NOT_FOUND, "not found: %s", key);
		return err_errno(err, ERR_IO, "looking at '%s'", path.ptr);
	}
	/* what grows piece by piece leaves pieces of the secret behind; one byte more, so that the end is seen */
	if (S_ISREG(file.st_mode) && (uintmax_t)file.st_size < out->max - out->len)
		(void)buf_room(out, (size_t)file.st_size + 1);
	return fs_read(path.ptr, out, err);
}

int store_folder_delete(const char *folder, enum store_space space, const char *key, struct err *err)
{
	auto_buf struct buf path = BUF_MAX(PATH_MAX);

	if (put_path(&path, folder, space, key, err) < 0)
		return -1;
	if (unlink(path.ptr) == 0)
		return 0;
	if (errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "not found: %s", key);
	return err_errno(err, ERR_IO, "removing '%s'", path.ptr);
}

/* The key that a file name stands for; false for what is none, such as half-written files of atomic writes. */
static bool read_name(const char *name, char key[STORE_KEY_MAX + 1])
{
	size_t len = 0;

	if (*name == '.')
		return false;
	while (*name && len < STORE_KEY_MAX) {
		bool slash = strncmp(name, SLASH, strlen(SLASH)) == 0;
		key[len++] = slash ? '/' : *name;
		name += slash ? strlen(SLASH) : 1;
	}
	key[len] = '\0';
	return !*name && span_is_utf8(span_of(key));
}

static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int store_folder_list(const char *folder, enum store_space space, json_t *keys, struct err *err)
{
	auto_buf struct buf path = BUF_MAX(PATH_MAX);
	struct dirent **names = NULL;
	char key[STORE_KEY_MAX + 1];

	if (put_path(&path, folder, space, NULL, err) < 0)
		return -1;
	int count = scandir(path.ptr, &names, NULL, compare);
	if (count < 0)
		return err_errno(err, ERR_IO, "reading the folder '%s'", path.ptr);
	for (int i = 0; i < count; i++) {
		if (i < STORE_KEYS_MAX && read_name(names[i]->d_name, key))
			json_array_append_new(keys, json_string(key));
		free(names[i]);
	}
	free(names);
	return 0;
}
