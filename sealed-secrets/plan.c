/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/plan.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/secret.h"
#include "sealed-secrets/input.h"

#include <stdlib.h>
#include <string.h>

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		buf_wipe(&plan->items[i].bytes);
	free(plan->items);
	*plan = (struct plan)PLAN_NONE;
}

int plan_add(struct plan *plan, const struct kbs_uri *uri, struct span bytes, struct err *err)
{
	struct resource fresh = { .uri = *uri, .bytes = BUF_MAX(SECRET_MAX) };

	if (kbs_uri_check(uri, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->count; i++) {
		if (!kbs_uri_is_same(&plan->items[i].uri, uri))
			continue;
		if (span_eq(buf_span(&plan->items[i].bytes), bytes))
			return 0;
		return err_set(err, ERR_CONFLICT, "the resource '%s' is there already, with other bytes",
				uri->path);
	}
	if (plan->count == PLAN_RESOURCES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d resources", PLAN_RESOURCES_MAX);
	/* its room at once: a buffer that grows leaves copies behind */
	(void)buf_room(&fresh.bytes, bytes.len);
	buf_add_span(&fresh.bytes, bytes);
	if (buf_check(&fresh.bytes, uri->path, err) < 0)
		return -1;
	plan->items = xreallocarray(plan->items, plan->count + 1, sizeof(*plan->items));
	plan->items[plan->count++] = fresh;
	return 0;
}

/* ---- words ---- */

int plan_add_word(struct plan *plan, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	auto_secret struct secret bytes = SECRET_NONE;
	struct kbs_uri uri;

	if (!equals || !equals[1])
		return err_set(err, ERR_USAGE,
				"'%s': a resource and its file, as in kbs:///default/db/password=FILE", word);
	if (kbs_uri_parse(span_new(word, (size_t)(equals - word)), &uri, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return -1;
	}
	if (input_secret(equals + 1, &bytes, err) < 0)
		return -1;
	return plan_add(plan, &uri, secret_span(&bytes), err);
}

/* ---- files ---- */

/* FILE of a plan stands beside the plan. */
static char *beside(const char *plan, const char *file)
{
	const char *slash = strrchr(plan, '/');

	if (*file == '/' || !slash)
		return xstrdup(file);
	return xasprintf("%.*s/%s", (int)(slash - plan), plan, file);
}

static int read_file(const char *path, const char *file, struct secret *out, struct err *err)
{
	if (!path)
		return err_set(err, ERR_FORMAT, "file: a plan without a place names no files");
	auto_free char *place = beside(path, file);
	return secret_read_file(out, place, err);
}

static int read_base64(const char *text, struct secret *out, struct err *err)
{
	if (secret_alloc(out, b64_decoded_max(strlen(text)), err) < 0 ||
			b64_decode_raw(span_of(text), out->ptr, &out->len, err) < 0)
		return err_wrap(err, "base64");
	return 0;
}

static int add_item(struct plan *plan, const char *path, const json_t *item, struct err *err)
{
	static const char *const known[] = { "uri", "base64", "file", NULL };
	const char *uri_text = NULL, *encoded = NULL, *file = NULL;
	auto_secret struct secret bytes = SECRET_NONE;
	struct kbs_uri uri;

	if (json_only_keys(item, "", known, err) < 0 || json_get_text(item, "", "uri", &uri_text, err) < 0 ||
			json_opt_text(item, "", "base64", &encoded, err) < 0 ||
			json_opt_text(item, "", "file", &file, err) < 0 ||
			kbs_uri_parse(span_of(uri_text), &uri, err) < 0)
		return -1;
	if (!encoded == !file)
		return err_set(err, ERR_FORMAT, "either base64 or file says the bytes of '%s'", uri.path);
	int result = file ? read_file(path, file, &bytes, err) : read_base64(encoded, &bytes, err);
	if (result < 0)
		return err_wrap(err, "the bytes of '%s'", uri.path);
	return plan_add(plan, &uri, secret_span(&bytes), err);
}

int plan_parse(struct plan *plan, struct span text, const char *path, struct err *err)
{
	static const char *const known[] = { "version", "resources", NULL };
	auto_json json_t *tree = NULL;
	json_t *list = NULL;
	const json_t *item;
	int64_t version = 0;
	size_t i;

	if (json_read(text, PLAN_MAX, &tree, err) < 0 || json_only_keys(tree, "", known, err) < 0 ||
			json_opt_int(tree, "", "version", 1, 1, &version, err) < 0 ||
			json_opt_array(tree, "", "resources", PLAN_RESOURCES_MAX, &list, err) < 0)
		return -1;
	if (!version || !list)
		return err_set(err, ERR_FORMAT, "is no plan: it has no version and resources");
	json_array_foreach (list, i, item)
		if (add_item(plan, path, item, err) < 0)
			return err_wrap(err, "resources[%zu]", i);
	return 0;
}

int plan_load(struct plan *plan, const char *path, struct err *err)
{
	auto_wiped_buf struct buf text = BUF_MAX(PLAN_MAX);

	if (input_text(path, &text, err) < 0)
		return -1;
	if (plan_parse(plan, buf_span(&text), path, err) < 0)
		return err_wrap(err, "'%s'", path);
	return 0;
}

void plan_format(const struct plan *plan, struct buf *out)
{
	size_t room = 256;

	for (size_t i = 0; i < plan->count; i++)
		room += b64_encoded_len(plan->items[i].bytes.len) + 2 * KBS_URI_MAX + 64;
	/* all at once: a buffer that grows leaves copies behind */
	(void)buf_room(out, room);
	buf_puts(out, "{\"version\":1,\"resources\":[");
	for (size_t i = 0; i < plan->count; i++) {
		buf_puts(out, i ? ",\n {\"uri\":\"" : "\n {\"uri\":\"");
		/* URIs hold neither quotes nor backslashes */
		kbs_uri_format(&plan->items[i].uri, out);
		buf_puts(out, "\",\"base64\":\"");
		b64_encode(out, buf_span(&plan->items[i].bytes));
		buf_puts(out, "\"}");
	}
	buf_puts(out, "\n]}\n");
}

int plan_save(const struct plan *plan, const char *path, bool force, struct err *err)
{
	auto_wiped_buf struct buf text = BUF_MAX(PLAN_MAX);

	plan_format(plan, &text);
	if (buf_check(&text, "the plan", err) < 0)
		return -1;
	return keyfile_write(path, buf_span(&text), KEYFILE_PRIVATE, force, err);
}
