/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/offline.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "codec/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_LEN_MAX (KBS_URI_MAX - 16) /* with "kbs:///" in front it is a URI */

void offline_clear(struct offline *set)
{
	for (size_t i = 0; i < set->count; i++)
		secret_clear(&set->items[i].bytes);
	free(set->items);
	*set = (struct offline)OFFLINE_NONE;
}

/* An empty one at the end, which is the set's. */
static struct offline_key *add(struct offline *set)
{
	set->items = xreallocarray(set->items, set->count + 1, sizeof(*set->items));
	set->items[set->count] = (struct offline_key){ .bytes = SECRET_NONE };
	return &set->items[set->count++];
}

int offline_generate(size_t count, struct offline *out, struct err *err)
{
	auto_offline struct offline set = OFFLINE_NONE;

	if (count > OFFLINE_KEYS_MAX)
		return err_set(err, ERR_LIMIT, "%zu keys; at most %d are allowed", count, OFFLINE_KEYS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct offline_key *key = add(&set);
		snprintf(key->path, sizeof(key->path), "default/key/key_id%zu", i + 1);
		if (secret_random(&key->bytes, OFFLINE_KEK, err) < 0)
			return -1;
	}
	offline_clear(out);
	*out = set;
	set = (struct offline)OFFLINE_NONE;
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int too_long(struct err *err)
{
	return err_set(err, ERR_LIMIT, "a resource's path is longer than %d bytes", PATH_LEN_MAX);
}

/* A name, through memory of its own because it may be as long as the text. */
static int read_path(const struct scan *name, char out[static KBS_URI_MAX], struct err *err)
{
	auto_secret struct secret text = SECRET_NONE;
	struct kbs_uri uri;
	char whole[KBS_URI_MAX];

	/* an escape takes six bytes at most, and there are two quotes */
	if (name->text.len > 6 * PATH_LEN_MAX + 2)
		return too_long(err);
	if (secret_alloc(&text, name->text.len, err) < 0)
		return -1;
	size_t len = scan_text(name, (char *)text.ptr);
	if (len > PATH_LEN_MAX)
		return too_long(err);
	/* what would end the path early, so that two names meant the same */
	for (size_t i = 0; i < len; i++)
		if (!text.ptr[i] || text.ptr[i] == '?' || text.ptr[i] == '#')
			return err_set(err, ERR_FORMAT,
					"a name holds a NUL, '?' or '#', and is no resource's path");
	snprintf(whole, sizeof(whole), "kbs:///%.*s", (int)len, (const char *)text.ptr);
	if (kbs_uri_parse(span_of(whole), &uri, err) < 0)
		return -1;
	/* percent-encoding may have made it longer: what is written must be readable again */
	if (strlen(uri.path) > PATH_LEN_MAX)
		return too_long(err);
	snprintf(out, KBS_URI_MAX, "%s", uri.path);
	return 0;
}

static int read_bytes(const struct scan *value, struct secret *out, struct err *err)
{
	auto_secret struct secret text = SECRET_NONE, bytes = SECRET_NONE;
	size_t len = 0;

	if (value->kind != SCAN_STRING)
		return err_set(err, ERR_FORMAT, "is no text");
	if (secret_alloc(&text, value->text.len, err) < 0 || secret_alloc(&bytes, value->text.len, err) < 0)
		return -1;
	size_t given = scan_text(value, (char *)text.ptr);
	if (b64_decode_raw(span_new(text.ptr, given), bytes.ptr, &len, err) < 0)
		return -1;
	return secret_from_span(out, span_new(bytes.ptr, len), err);
}

static bool has(const struct offline *set, const char *path)
{
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->items[i].path, path))
			return true;
	return false;
}

int offline_parse(struct span text, struct offline *out, struct err *err)
{
	auto_offline struct offline set = OFFLINE_NONE;
	struct scan doc, name, value;

	if (scan_value(text, &doc, err) < 0)
		return -1;
	if (doc.kind != SCAN_OBJECT)
		return err_set(err, ERR_FORMAT, "is no JSON object of resource paths and base64");
	while (scan_member(&doc, &name, &value)) {
		char path[KBS_URI_MAX];
		if (set.count == OFFLINE_KEYS_MAX)
			return err_set(err, ERR_LIMIT, "holds more than %d keys", OFFLINE_KEYS_MAX);
		if (read_path(&name, path, err) < 0)
			return -1;
		if (has(&set, path))
			return err_set(err, ERR_FORMAT, "'%s' appears twice", path);
		struct offline_key *key = add(&set);
		memcpy(key->path, path, sizeof(path));
		if (read_bytes(&value, &key->bytes, err) < 0)
			return err_wrap(err, "'%s'", path);
	}
	offline_clear(out);
	*out = set;
	set = (struct offline)OFFLINE_NONE;
	return 0;
}

int offline_load(const char *path, struct offline *out, struct err *err)
{
	auto_secret struct secret text = SECRET_NONE;

	if (secret_read_file(&text, path, err) < 0)
		return -1;
	if (offline_parse(secret_span(&text), out, err) < 0)
		return err_wrap(err, "the key set '%s'", path);
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static unsigned char *put(unsigned char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return at + len;
}

int offline_format(const struct offline *set, struct secret *out, struct err *err)
{
	auto_secret struct secret text = SECRET_NONE;
	size_t size = 3;

	for (size_t i = 0; i < set->count; i++)
		size += strlen(set->items[i].path) + b64_encoded_len(set->items[i].bytes.len) + 8;
	if (secret_alloc(&text, size, err) < 0)
		return -1;
	unsigned char *at = put(text.ptr, "{");
	for (size_t i = 0; i < set->count; i++) {
		const struct offline_key *key = &set->items[i];
		/* a path as it was normalised holds nothing that JSON escapes */
		at = put(at, i ? ",\n \"" : "\"");
		at = put(at, key->path);
		at = put(at, "\":\"");
		b64_encode_raw((char *)at, secret_span(&key->bytes));
		at = put(at + b64_encoded_len(key->bytes.len), "\"");
	}
	at = put(at, "}\n");
	return secret_from_span(out, span_new(text.ptr, (size_t)(at - text.ptr)), err);
}

const struct secret *offline_find(const struct offline *set, const struct kbs_uri *uri)
{
	for (size_t i = 0; i < set->count; i++)
		if (!strcmp(set->items[i].path, uri->path))
			return &set->items[i].bytes;
	return NULL;
}
