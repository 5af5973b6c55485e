/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/files.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "oci/files_own.h"

#include <string.h>

#define MARK        ".wh."
#define MARK_OPAQUE ".wh..wh..opq"
#define MARK_OWN    ".wh..wh." /* of the tool that made the layer, but for the opaque one */
/* In real images a link leads to a file at once. */
#define LINKS_MAX   8

/* What one layer has at a path. */
enum here { HERE_NOTHING, HERE_FILE, HERE_LINK, HERE_SYMLINK, HERE_OTHER };

struct wanted {
	struct oci_file *file;
	char *path;     /* where it is looked for: what the file says, or where a hard link leads to */
	unsigned links; /* that were followed */
	bool decided;
	/* of the layer that is being read */
	bool passed;   /* it says nothing more */
	size_t before; /* only entries before that one count */
	enum here here;
	bool hidden;   /* lower layers do not count any more */
	char *crooked; /* the symbolic link on the way to it; NULL: none */
	char *target;  /* HERE_LINK */
	size_t number;
};

struct search {
	struct wanted *wanted;
	size_t count;
};

/* ---- paths ---- */

/* Is `folder` above `path`? "" is above all but itself. */
static bool is_above(struct span folder, const char *path)
{
	if (!folder.len)
		return *path != '\0';
	return !strncmp(path, folder.ptr, folder.len) && path[folder.len] == '/';
}

static bool is_or_above(const char *place, const char *path)
{
	return !strcmp(place, path) || is_above(span_of(place), path);
}

/* ---- one entry ---- */

/* What an entry removes: the folder's content below, or the one name. */
static int take_mark(struct wanted *one, const char *path, const char *base, struct err *err)
{
	struct span folder = { path, base > path ? (size_t)(base - path) - 1 : 0 };
	char gone[FILES_PATH_MAX];

	if (!strcmp(base, MARK_OPAQUE)) {
		one->hidden = one->hidden || is_above(folder, one->path);
		return 0;
	}
	if (!strncmp(base, MARK_OWN, strlen(MARK_OWN)))
		return 0;
	base += strlen(MARK);
	if (!*base)
		return err_set(err, ERR_FORMAT, "'%.200s' removes a file without a name", path);
	snprintf(gone, sizeof(gone), "%.*s%s%s", SPAN_ARG(folder), folder.len ? "/" : "", base);
	if (!is_or_above(gone, one->path))
		return 0;
	/* the specification lets it stand; who unpacks in order removes it */
	if (one->here != HERE_NOTHING)
		return err_set(err, ERR_FORMAT,
				"'%.200s' is written and then removed, which readers take differently",
				one->path);
	one->hidden = true;
	return 0;
}

/* Something is at the path now, whatever was before. */
static int take_place(struct wanted *one, const struct files_entry *entry, const struct buf **content,
		struct err *err)
{
	static const enum here kinds[] = { [FILES_FOLDER] = HERE_OTHER,
		[FILES_REGULAR] = HERE_FILE,
		[FILES_LINK] = HERE_LINK,
		[FILES_SYMLINK] = HERE_SYMLINK,
		[FILES_OTHER] = HERE_OTHER };

	one->here = kinds[entry->kind];
	one->number = entry->number;
	free(one->target);
	one->target = xstrdup(entry->target);
	buf_reset(&one->file->text);
	if (one->here != HERE_FILE)
		return 0;
	/* an entry's bytes come once, and hard links may lead several here */
	if (!*content) {
		*content = &one->file->text;
		return files_text(entry, &one->file->text, err);
	}
	buf_add_span(&one->file->text, buf_span(*content));
	return buf_check(&one->file->text, entry->path, err);
}

static int take_entry(struct wanted *one, const struct files_entry *entry, const struct buf **content,
		struct err *err)
{
	const char *slash = strrchr(entry->path, '/'), *base = slash ? slash + 1 : entry->path;

	if (!strncmp(base, MARK, strlen(MARK)))
		return take_mark(one, entry->path, base, err);
	if (!strcmp(entry->path, one->path))
		return take_place(one, entry, content, err);
	if (entry->kind == FILES_FOLDER || !is_above(span_of(entry->path), one->path))
		return 0;
	/* something else in the place of a folder above */
	if (entry->kind == FILES_SYMLINK && !one->crooked)
		one->crooked = xstrdup(entry->path);
	one->here = HERE_OTHER;
	buf_reset(&one->file->text);
	return 0;
}

static int each_entry(void *ctx, const struct files_entry *entry, struct err *err)
{
	const struct buf *content = NULL;
	struct search *search = ctx;

	for (size_t i = 0; i < search->count; i++) {
		struct wanted *one = &search->wanted[i];
		if (!one->passed && entry->number < one->before && take_entry(one, entry, &content, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- one layer ---- */

/* All that a layer says is known: what does it mean? `again`: the layer must be read once more. */
static int decide(struct wanted *one, bool *again, struct err *err)
{
	if (one->crooked || one->here == HERE_SYMLINK)
		return err_set(err, ERR_FORMAT,
				"'%.200s' is a symbolic link%s, and where it leads to is not guessed",
				one->crooked ? one->crooked : one->path, one->crooked ? " to a folder" : "");
	if (one->here == HERE_LINK) {
		if (one->links++ == LINKS_MAX)
			return err_set(err, ERR_FORMAT, "'%.200s': more than %d hard links one after another",
					one->file->path, LINKS_MAX);
		free(one->path);
		one->path = take(&one->target);
		one->before = one->number;
		one->here = HERE_NOTHING;
		one->hidden = false;
		*again = true;
		return 0;
	}
	one->passed = true;
	one->decided = one->here != HERE_NOTHING || one->hidden;
	one->file->found = one->here == HERE_FILE;
	return 0;
}

static int read_layer(struct search *search, struct oci_source *source, const struct oci_descriptor *layer,
		struct oci_files_counts *counts, struct err *err)
{
	bool again = true;

	counts->layers++;
	for (size_t i = 0; i < search->count; i++) {
		search->wanted[i].passed = search->wanted[i].decided;
		search->wanted[i].before = SIZE_MAX;
	}
	while (again) {
		again = false;
		if (files_walk(source, layer, each_entry, search, &counts->bytes, err) < 0)
			return -1;
		for (size_t i = 0; i < search->count; i++)
			if (!search->wanted[i].passed && decide(&search->wanted[i], &again, err) < 0)
				return err_wrap(err, "the layer %.136s", layer->digest);
	}
	return 0;
}

/* ---- all of them ---- */

static bool is_decided(const struct search *search)
{
	for (size_t i = 0; i < search->count; i++)
		if (!search->wanted[i].decided)
			return false;
	return true;
}

static int check_links(const struct search *search, struct err *err)
{
	for (size_t i = 0; i < search->count; i++) {
		const struct wanted *one = &search->wanted[i];
		if (one->links && !one->file->found)
			return err_set(err, ERR_FORMAT,
					"'%.200s' is a hard link to '%.200s', which is no file",
					one->file->path, one->path);
	}
	return 0;
}

static void search_end(struct search *search, bool good)
{
	for (size_t i = 0; i < search->count; i++) {
		struct wanted *one = &search->wanted[i];
		one->file->found = one->file->found && good;
		if (!one->file->found)
			buf_clear(&one->file->text);
		free(one->path);
		free(one->crooked);
		free(one->target);
	}
	free(search->wanted);
}

int oci_files_find(struct oci_source *source, const struct oci_manifest *manifest, struct oci_file *files,
		size_t count, struct oci_files_counts *counts, struct err *err)
{
	struct search search = { .wanted = xcalloc(count, sizeof(*search.wanted)), .count = count };
	struct oci_files_counts own = { .layers = 0 };
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		files[i].found = false;
		search.wanted[i] = (struct wanted){ .file = &files[i], .path = xstrdup(files[i].path) };
	}
	for (size_t i = manifest->count; i-- > 0 && !status && !is_decided(&search);)
		status = read_layer(&search, source, &manifest->layers[i], &own, err);
	if (!status)
		status = check_links(&search, err);
	search_end(&search, !status);
	if (counts)
		*counts = own;
	return status;
}
