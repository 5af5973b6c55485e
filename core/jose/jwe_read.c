/* SPDX-License-Identifier: Apache-2.0 */
/* A message taken apart (RFC 7516, 7): compact, flattened and general form become one struct. */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "codec/json.h"
#include "jose/jwe_own.h"

#include <stdlib.h>
#include <string.h>

#define PARTS 5 /* of the compact form */

void jwe_message_clear(struct jwe_message *message)
{
	json_decref(message->tree);
	json_decref(message->protected);
	buf_clear(&message->aad);
	buf_clear(&message->iv);
	buf_clear(&message->cipher);
	buf_clear(&message->tag);
	free(message->recipients);
}

static int decode(struct span text, const char *name, struct buf *out, struct err *err)
{
	if (b64url_decode(text, out, err) < 0)
		return err_wrap(err, "'%s'", name);
	return 0;
}

/* ---- headers ---- */

const json_t *jwe_header(const struct jwe_message *message, size_t recipient, const char *name)
{
	const json_t *const headers[] = { message->protected, message->shared,
		message->recipients[recipient].header };
	const json_t *found = NULL;

	for (size_t i = 0; !found && i < sizeof(headers) / sizeof(headers[0]); i++)
		found = json_object_get(headers[i], name);
	return found;
}

/* RFC 7516, 4: "The Header Parameter names in the three locations MUST be disjoint." */
static int check_disjoint(const json_t *header, const json_t *other, struct err *err)
{
	/* jansson's iterators have no const form, and change nothing */
	json_t *walked = (json_t *)(uintptr_t)header;

	for (void *at = json_object_iter(walked); at; at = json_object_iter_next(walked, at))
		if (json_object_get(other, json_object_iter_key(at)))
			return err_set(err, ERR_FORMAT, "the member '%.60s' stands in two headers",
					json_object_iter_key(at));
	return 0;
}

/* We know no extension, so every critical one is unknown. zip counts only where it is protected. */
static int check_header(const json_t *header, bool is_protected, struct err *err)
{
	if (json_object_get(header, "crit"))
		return err_set(err, ERR_FORMAT,
				"the header has critical extensions ('crit'); none is supported");
	if (!is_protected && json_object_get(header, "zip"))
		return err_set(err, ERR_FORMAT, "'zip' stands outside the protected header");
	return 0;
}

static int check_headers(const struct jwe_message *message, struct err *err)
{
	if (check_header(message->protected, true, err) < 0 ||
			check_header(message->shared, false, err) < 0 ||
			check_disjoint(message->shared, message->protected, err) < 0)
		return -1;
	for (size_t i = 0; i < message->count; i++) {
		const json_t *own = message->recipients[i].header;
		if (check_header(own, false, err) < 0 || check_disjoint(own, message->protected, err) < 0 ||
				check_disjoint(own, message->shared, err) < 0)
			return message->count > 1 ? err_wrap(err, "recipient %zu", i + 1) : -1;
	}
	return 0;
}

static int read_protected(struct span encoded, struct jwe_message *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(JWE_MAX);

	buf_add_span(&out->aad, encoded);
	if (!encoded.len)
		return 0;
	if (decode(encoded, "protected", &text, err) < 0)
		return -1;
	if (json_read(buf_span(&text), JWE_MAX, &out->protected, err) < 0)
		return err_wrap(err, "the protected header");
	if (!json_is_object(out->protected))
		return err_set(err, ERR_FORMAT, "the protected header must be an object");
	return 0;
}

/* ---- compact ---- */

static int read_compact(struct span text, struct jwe_message *out, struct err *err)
{
	struct span parts[PARTS], rest = text;
	size_t count = 0;

	for (; count < PARTS && span_next(&rest, '.', &parts[count]); count++)
		;
	if (count < PARTS || rest.len || text.ptr[text.len - 1] == '.')
		return err_set(err, ERR_FORMAT, "neither JSON nor five parts with dots between them");
	out->recipients = xcalloc(1, sizeof(*out->recipients));
	out->count = 1;
	out->recipients[0].encrypted_key = parts[1];
	if (read_protected(parts[0], out, err) < 0 || decode(parts[2], "iv", &out->iv, err) < 0 ||
			decode(parts[3], "ciphertext", &out->cipher, err) < 0 ||
			decode(parts[4], "tag", &out->tag, err) < 0)
		return -1;
	return 0;
}

/* ---- JSON ---- */

static int read_recipient(const json_t *object, const char *path, struct jwe_recipient *out, struct err *err)
{
	const char *encrypted_key = "";
	json_t *header = NULL;

	if (json_opt_object(object, path, "header", &header, err) < 0 ||
			json_opt_text(object, path, "encrypted_key", &encrypted_key, err) < 0)
		return -1;
	out->header = header;
	out->encrypted_key = span_of(encrypted_key);
	return 0;
}

static int read_recipients(struct jwe_message *out, struct err *err)
{
	json_t *list = NULL, *item = NULL;
	size_t i = 0;

	if (json_opt_array(out->tree, "", "recipients", JWE_RECIPIENTS_MAX, &list, err) < 0)
		return -1;
	out->count = list ? json_array_size(list) : 1;
	if (!out->count)
		return err_set(err, ERR_FORMAT, "recipients: is empty");
	out->recipients = xcalloc(out->count, sizeof(*out->recipients));
	if (!list)
		return read_recipient(out->tree, "", &out->recipients[0], err);
	if (json_object_get(out->tree, "header"))
		return err_set(err, ERR_FORMAT, "'header' stands beside 'recipients'");
	json_array_foreach (list, i, item) {
		char path[48];
		snprintf(path, sizeof(path), "recipients[%zu]", i);
		if (!json_is_object(item))
			return err_set(err, ERR_FORMAT, "%s: must be an object", path);
		if (read_recipient(item, path, &out->recipients[i], err) < 0)
			return -1;
	}
	return 0;
}

static int read_bytes(const json_t *tree, const char *name, struct buf *out, struct err *err)
{
	const char *text = NULL;

	if (json_get_text(tree, "", name, &text, err) < 0)
		return -1;
	return decode(span_of(text), name, out, err);
}

static int read_json(struct span text, struct jwe_message *out, struct err *err)
{
	const char *protected = "", *aad = NULL;
	json_t *shared = NULL;

	if (json_read(text, JWE_MAX, &out->tree, err) < 0 ||
			json_opt_text(out->tree, "", "protected", &protected, err) < 0 ||
			json_opt_object(out->tree, "", "unprotected", &shared, err) < 0 ||
			json_opt_text(out->tree, "", "aad", &aad, err) < 0 || read_recipients(out, err) < 0 ||
			read_protected(span_of(protected), out, err) < 0 ||
			read_bytes(out->tree, "iv", &out->iv, err) < 0 ||
			read_bytes(out->tree, "ciphertext", &out->cipher, err) < 0 ||
			read_bytes(out->tree, "tag", &out->tag, err) < 0)
		return -1;
	out->shared = shared;
	if (aad) {
		buf_putc(&out->aad, '.');
		buf_puts(&out->aad, aad);
	}
	return buf_check(&out->aad, "the authenticated data", err);
}

int jwe_read(struct span text, struct jwe_message *out, struct err *err)
{
	if (text.len > JWE_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes exceed %zu bytes", text.len, JWE_MAX);
	text = span_trim(text);
	if (!text.len)
		return err_set(err, ERR_FORMAT, "the text is empty");
	int status = text.ptr[0] == '{' ? read_json(text, out, err) : read_compact(text, out, err);
	return status < 0 ? -1 : check_headers(out, err);
}
