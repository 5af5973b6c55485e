/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed/secret.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/random.h"
#include "codec/json.h"
#include "crypto/aead.h"
#include "sealed/tree.h"

#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 32
#define CTR_IV    16
#define GCM_TAG   16

static const char *const wraps[] = { [SEALED_A256GCM] = "A256GCM", [SEALED_A256CTR] = "A256CTR" };

void sealed_secret_clear(struct sealed_secret *secret)
{
	free(secret->version);
	free(secret->provider);
	json_decref(secret->settings);
	json_decref(secret->annotations);
	free(secret->name);
	free(secret->key_id);
	buf_clear(&secret->key);
	buf_clear(&secret->data);
	buf_clear(&secret->iv);
	*secret = (struct sealed_secret)SEALED_SECRET_NONE;
}

/* ---- reading ---- */

static int get_text(const json_t *object, const char *name, const char **out, struct err *err)
{
	if (json_get_text(object, "", name, out, err) < 0)
		return -1;
	/* a number in disguise (sealed/tree.h) */
	if (strlen(*out) != json_string_length(json_object_get(object, name)))
		return err_set(err, ERR_FORMAT, "%s: must be text", name);
	return 0;
}

static int read_text(const json_t *object, const char *name, char **out, struct err *err)
{
	const char *text = NULL;

	if (get_text(object, name, &text, err) < 0)
		return -1;
	if (strlen(text) > SEALED_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "%s: has more than %d bytes", name, SEALED_TEXT_MAX);
	*out = xstrdup(text);
	return 0;
}

static int read_object(const json_t *object, const char *name, json_t **out, struct err *err)
{
	json_t *found = NULL;

	if (json_get_object(object, "", name, &found, err) < 0)
		return -1;
	*out = json_incref(found);
	return 0;
}

static int read_bytes(const json_t *object, const char *name, struct buf *out, struct err *err)
{
	const char *text = NULL;

	if (get_text(object, name, &text, err) < 0)
		return -1;
	if (b64_decode(span_of(text), out, err) < 0)
		return err_wrap(err, "%s", name);
	return 0;
}

static int read_wrap(const json_t *object, enum sealed_wrap *out, struct err *err)
{
	const char *name = NULL;

	if (get_text(object, "wrap_type", &name, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++)
		if (!strcmp(name, wraps[i])) {
			*out = (enum sealed_wrap)i;
			return 0;
		}
	return err_set(err, ERR_FORMAT, "wrap_type: is neither A256GCM nor A256CTR");
}

static int read_envelope(const json_t *object, struct sealed_secret *out, struct err *err)
{
	out->type = SEALED_ENVELOPE;
	if (read_text(object, "key_id", &out->key_id, err) < 0 ||
			read_bytes(object, "encrypted_key", &out->key, err) < 0 ||
			read_bytes(object, "encrypted_data", &out->data, err) < 0 ||
			read_wrap(object, &out->wrap, err) < 0)
		return -1;
	return read_bytes(object, "iv", &out->iv, err);
}

static int read_type(const json_t *object, struct sealed_secret *out, struct err *err)
{
	const char *type = NULL;

	if (get_text(object, "type", &type, err) < 0)
		return -1;
	if (!strcmp(type, "envelope"))
		return read_envelope(object, out, err);
	if (strcmp(type, "vault") != 0)
		return err_set(err, ERR_FORMAT, "type: is neither vault nor envelope");
	out->type = SEALED_VAULT;
	return read_text(object, "name", &out->name, err);
}

static int read_members(const json_t *object, struct sealed_secret *out, struct err *err)
{
	if (read_text(object, "version", &out->version, err) < 0 || read_type(object, out, err) < 0 ||
			read_text(object, "provider", &out->provider, err) < 0 ||
			read_object(object, "provider_settings", &out->settings, err) < 0)
		return -1;
	return read_object(object, "annotations", &out->annotations, err);
}

int sealed_secret_parse(struct span payload, struct sealed_secret *out, struct err *err)
{
	struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_json json_t *tree = NULL;

	if (sealed_tree_parse(payload, true, &tree, err) < 0 || read_members(tree, &secret, err) < 0) {
		sealed_secret_clear(&secret);
		return err_wrap(err, "the sealed secret");
	}
	sealed_secret_clear(out);
	*out = secret;
	return 0;
}

/* ---- writing ---- */

static void put_name(struct buf *out, const char *name)
{
	buf_printf(out, "%c\"%s\":", out->len && out->ptr[out->len - 1] != '{' ? ',' : '{', name);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	put_name(out, name);
	sealed_tree_format_text(text ? text : "", out);
}

static void put_bytes(struct buf *out, const char *name, const struct buf *bytes)
{
	put_name(out, name);
	buf_putc(out, '"');
	b64_encode(out, buf_span(bytes));
	buf_putc(out, '"');
}

static void put_object(struct buf *out, const char *name, const json_t *object)
{
	put_name(out, name);
	if (object)
		sealed_tree_format(object, out);
	else
		buf_puts(out, "{}");
}

void sealed_secret_format(const struct sealed_secret *secret, struct buf *out)
{
	auto_buf struct buf text = BUF_MAX(2 * SEALED_PAYLOAD_MAX);

	put_text(&text, "version", secret->version);
	put_text(&text, "type", secret->type == SEALED_VAULT ? "vault" : "envelope");
	if (secret->type == SEALED_VAULT) {
		put_text(&text, "name", secret->name);
	} else {
		put_text(&text, "key_id", secret->key_id);
		put_bytes(&text, "encrypted_key", &secret->key);
		put_bytes(&text, "encrypted_data", &secret->data);
		put_text(&text, "wrap_type", wraps[secret->wrap]);
		put_bytes(&text, "iv", &secret->iv);
	}
	put_text(&text, "provider", secret->provider);
	put_object(&text, "provider_settings", secret->settings);
	put_object(&text, "annotations", secret->annotations);
	buf_putc(&text, '}');
	buf_add_span(out, buf_span(&text));
	out->over = out->over || text.over;
}

/* ---- the data of an envelope ---- */

static int check_key(const struct secret *key, enum err_kind kind, struct err *err)
{
	if (key->len == KEY_BYTES)
		return 0;
	return err_set(err, kind, "the data key has %zu bytes; %d are needed", key->len, KEY_BYTES);
}

int sealed_data_seal(const struct secret *data_key, const struct secret *plain, struct sealed_secret *out,
		struct err *err)
{
	unsigned char iv[AEAD_GCM_NONCE];
	auto_buf struct buf data = BUF_MAX(SEALED_PAYLOAD_MAX);

	random_bytes(iv, sizeof(iv));
	if (check_key(data_key, ERR_USAGE, err) < 0 ||
			gcm_seal(data_key, span_new(iv, sizeof(iv)), SPAN_NONE, secret_span(plain), &data,
					NULL, err) < 0)
		return -1;
	buf_reset(&out->iv);
	buf_add(&out->iv, iv, sizeof(iv));
	buf_clear(&out->data);
	out->data = data;
	buf_init(&data, SEALED_PAYLOAD_MAX);
	out->wrap = SEALED_A256GCM;
	return 0;
}

int sealed_data_check(const struct sealed_secret *secret, struct err *err)
{
	bool gcm = secret->wrap == SEALED_A256GCM;
	size_t iv_bytes = gcm ? AEAD_GCM_NONCE : CTR_IV;

	if (secret->iv.len != iv_bytes)
		return err_set(err, ERR_FORMAT, "iv: has %zu bytes; %s needs %zu", secret->iv.len,
				wraps[secret->wrap], iv_bytes);
	if (gcm && secret->data.len < GCM_TAG)
		return err_set(err, ERR_FORMAT, "encrypted_data: has %zu bytes; the tag alone has %d",
				secret->data.len, GCM_TAG);
	return 0;
}

int sealed_data_open(const struct sealed_secret *secret, const struct secret *data_key, struct secret *out,
		struct err *err)
{
	struct span iv = buf_span(&secret->iv), data = buf_span(&secret->data);
	auto_secret struct secret plain = SECRET_NONE;

	if (check_key(data_key, ERR_FORMAT, err) < 0 || sealed_data_check(secret, err) < 0)
		return -1;
	if (secret->wrap == SEALED_A256GCM)
		return gcm_open(data_key, iv, SPAN_NONE, data, SPAN_NONE, out, err);
	if (secret_alloc(&plain, data.len, err) < 0 || ctr_xor(data_key, iv, data, plain.ptr, err) < 0)
		return -1;
	secret_move(out, &plain);
	return 0;
}
