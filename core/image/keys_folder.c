/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a folder, as containerd's decoder is given them. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "image/keys.h"
#include "image/keys_own.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PASSWORD_END ".pass"

/* One file or folder that was met already: links may lead to it again. */
struct met {
	dev_t dev;
	ino_t ino;
};

struct visit {
	struct keys *keys;
	char *root; /* real path, without links */
	struct met *met;
	size_t met_count;
	size_t skipped;
};

/* One folder's names, sorted, so that the order of keys is the same everywhere. */
struct names {
	struct dirent **items;
	int count;
};

static void names_clear(struct names *names)
{
	for (int i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}
#define auto_names __attribute__((cleanup(names_clear)))

static bool is_inside(const struct visit *visit, const char *real)
{
	size_t len = strlen(visit->root);

	return strncmp(real, visit->root, len) == 0 &&
			(real[len] == '/' || !real[len] || strcmp(visit->root, "/") == 0);
}

/* Notes it; false when it was met before. */
static bool is_new(struct visit *visit, const struct stat *info)
{
	for (size_t i = 0; i < visit->met_count; i++)
		if (visit->met[i].dev == info->st_dev && visit->met[i].ino == info->st_ino)
			return false;
	visit->met = xreallocarray(visit->met, visit->met_count + 1, sizeof(visit->met[0]));
	visit->met[visit->met_count++] = (struct met){ info->st_dev, info->st_ino };
	return true;
}

/* A private key that unwraps something: Ed25519 signs and nothing else. */
static bool is_useful(const struct key *key)
{
	return key->form != KEY_PRIVATE || pkey_kind(key->jwk.key) != PKEY_ED25519;
}

/* The password of a file in the file beside it; none when there is no such file. */
static int read_password(const char *path, struct secret *out, struct err *err)
{
	auto_free char *beside = xasprintf("%s" PASSWORD_END, path);
	struct err why = ERR_NONE;

	if (secret_read_file(out, beside, &why) < 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	key_drop_line_end(out);
	return 0;
}

/* Is the file the password of another one? */
static bool is_password(const char *path)
{
	auto_free char *owner = xstrdup(path);
	struct stat info;

	if (!span_ends(span_of(path), PASSWORD_END))
		return false;
	owner[strlen(owner) - strlen(PASSWORD_END)] = '\0';
	return stat(owner, &info) == 0 && S_ISREG(info.st_mode);
}

/* Does the error say that the file was no private key at all? */
static bool is_no_key(const struct err *why)
{
	return why->kind == ERR_FORMAT || why->kind == ERR_USAGE;
}

static int visit_file(struct visit *visit, const char *path, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE, password = SECRET_NONE;
	struct err why = ERR_NONE;
	size_t before = visit->keys->count;

	if (is_password(path))
		return 0;
	if (secret_read_file(&bytes, path, &why) < 0 && why.kind != ERR_LIMIT) {
		if (err)
			*err = why;
		return -1;
	}
	if (key_look(secret_span(&bytes)) == LOOK_UNKNOWN) {
		visit->skipped++;
		return 0;
	}
	if (read_password(path, &password, err) < 0)
		return -1;
	if (keys_add_bytes(visit->keys, path, &bytes, &password, &why) < 0) {
		visit->skipped++;
		if (is_no_key(&why))
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	struct key *last = &visit->keys->items[visit->keys->count - 1];
	if (visit->keys->count == before + 1 && !is_useful(last)) {
		key_clear(last);
		visit->keys->count--;
		visit->skipped++;
	}
	return 0;
}

static int visit_folder(struct visit *visit, const char *path, int depth, struct err *err);

static int visit_entry(struct visit *visit, const char *path, int depth, struct err *err)
{
	auto_free char *real = realpath(path, NULL);
	struct stat info;

	if (!real || stat(real, &info) < 0) {
		/* a link to nothing, or a file that went away meanwhile */
		if (errno != ENOENT && errno != ELOOP)
			return err_errno(err, ERR_IO, "cannot look at '%s'", path);
		visit->skipped++;
		return 0;
	}
	if (!is_inside(visit, real)) {
		visit->skipped++;
		return 0;
	}
	if (!is_new(visit, &info))
		return 0;
	if (visit->met_count > KEYS_FOLDER_MAX)
		return err_set(err, ERR_LIMIT, "more than %d files", KEYS_FOLDER_MAX);
	if (S_ISDIR(info.st_mode))
		return visit_folder(visit, path, depth + 1, err);
	if (S_ISREG(info.st_mode))
		return visit_file(visit, path, err);
	visit->skipped++;
	return 0;
}

/* ".", "..", and what begins with two dots: a mounted Secret keeps its generations there and links to them. */
static int is_wanted(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strncmp(entry->d_name, "..", 2) != 0;
}

static int visit_folder(struct visit *visit, const char *path, int depth, struct err *err)
{
	auto_names struct names names = { NULL, 0 };

	if (depth > KEYS_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "'%s': more than %d folders in each other", path,
				KEYS_DEPTH_MAX);
	names.count = scandir(path, &names.items, is_wanted, alphasort);
	if (names.count < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read the folder '%s'",
				path);
	for (int i = 0; i < names.count; i++) {
		auto_free char *entry = xasprintf("%s/%s", path, names.items[i]->d_name);
		if (visit_entry(visit, entry, depth, err) < 0)
			return -1;
	}
	return 0;
}

int keys_add_folder(struct keys *keys, const char *path, size_t *skipped, struct err *err)
{
	auto_free char *root = realpath(path, NULL);
	struct visit visit = { .keys = keys, .root = root };

	struct stat info;

	if (!root || stat(root, &info) < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "the folder of keys '%s'",
				path);
	(void)is_new(&visit, &info);
	int result = visit_folder(&visit, path, 0, err);
	free(visit.met);
	*skipped = visit.skipped;
	return result < 0 ? err_wrap(err, "keys of '%.300s'", path) : 0;
}
