/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/source.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata-gen/text.h"
#include "initdata/carrier.h"
#include "initdata/document.h"
#include "pod/manifest.h"

#include <assert.h>
#include <string.h>

const char *const source_form_words[] = { "auto", "toml", "annotation", "manifest", "image", NULL };

void source_list_clear(struct source_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].label);
		buf_clear(&list->items[i].text);
	}
	free(list->items);
	*list = (struct source_list)SOURCE_LIST_NONE;
}

/* A new, empty item at the end. */
static struct source *append(struct source_list *list, enum source_form form, const char *label)
{
	struct source *item;

	list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	item = &list->items[list->count++];
	*item = (struct source){
		.form = form, .label = label ? xstrdup(label) : NULL, .text = BUF_MAX(INITDATA_TEXT_MAX)
	};
	return item;
}

/* Base64 of gzip, and nothing else but the newline that editors and echo put at a file's end. */
static bool looks_like_annotation(struct span text)
{
	static const char alphabet[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n";

	if (!span_starts(text, "H4sI"))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(alphabet, text.ptr[i]))
			return false;
	return true;
}

static bool looks_like_manifest(struct span text)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE;

	return manifest_read(text, &manifest, NULL) == 0 && manifest_has_objects(&manifest);
}

static enum source_form detect(struct span text)
{
	auto_json json_t *tree = NULL;

	if (initdata_image_is(text))
		return SOURCE_IMAGE;
	if (looks_like_annotation(span_trim(text)))
		return SOURCE_ANNOTATION;
	if (toml_parse(text, INITDATA_TEXT_MAX, &tree, NULL) == 0 || !looks_like_manifest(text))
		return SOURCE_TOML;
	return SOURCE_MANIFEST;
}

static int read_manifest(struct span text, struct source_list *list, struct err *err)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE;

	if (manifest_read(text, &manifest, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.count; i++) {
		const struct place *place = &manifest.places[i];
		const char *value = pod_annotation(&place->pod, INITDATA_ANNOTATION);
		struct source *item;

		if (!value)
			continue;
		item = append(list, SOURCE_MANIFEST, place->label);
		if (initdata_annotation_parse(span_of(value), &item->text, err) < 0)
			return err_wrap(err, "%s", place->label);
	}
	if (!list->count)
		return err_set(err, ERR_NOT_FOUND, "no pod carries the annotation " INITDATA_ANNOTATION);
	return 0;
}

static int read_form(struct span text, enum source_form form, struct source_list *list, struct err *err)
{
	struct source *item;

	if (form == SOURCE_MANIFEST)
		return read_manifest(text, list, err);
	item = append(list, form, NULL);
	if (form == SOURCE_IMAGE)
		return initdata_image_parse(text, &item->text, err);
	if (form == SOURCE_ANNOTATION)
		return initdata_annotation_parse(span_trim(text), &item->text, err);
	buf_add_span(&item->text, text);
	return buf_check(&item->text, "the init-data document", err);
}

static int read_text(struct span text, enum source_form form, struct source_list *out, struct err *err)
{
	auto_source_list struct source_list list = SOURCE_LIST_NONE;

	if (form == SOURCE_AUTO)
		form = detect(text);
	if (read_form(text, form, &list, err) < 0)
		return -1;
	*out = list;
	list = (struct source_list)SOURCE_LIST_NONE;
	return 0;
}

int source_load(const char *path, enum source_form form, struct source_list *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX);

	if (text_load(path, &text, err) < 0)
		return -1;
	if (read_text(buf_span(&text), form, out, err) < 0)
		return path && strcmp(path, "-") != 0 ? err_wrap(err, "'%s'", path) : -1;
	return 0;
}

static int only_one(const struct source_list *list, struct buf *out, struct err *err)
{
	assert(list->items); /* a file without a document is an error */
	for (size_t i = 1; i < list->count; i++)
		if (!span_eq(buf_span(&list->items[i].text), buf_span(&list->items[0].text)))
			return err_set(err, ERR_USAGE,
					"%s and %s carry different documents: give one of them",
					list->items[0].label, list->items[i].label);
	buf_add_span(out, buf_span(&list->items[0].text));
	return buf_check(out, "the init-data document", err);
}

int source_read_one(struct span text, enum source_form form, struct buf *out, struct err *err)
{
	auto_source_list struct source_list list = SOURCE_LIST_NONE;

	return read_text(text, form, &list, err) < 0 ? -1 : only_one(&list, out, err);
}

int source_load_one(const char *path, enum source_form form, struct buf *out, struct err *err)
{
	auto_source_list struct source_list list = SOURCE_LIST_NONE;

	return source_load(path, form, &list, err) < 0 ? -1 : only_one(&list, out, err);
}
