/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both documents are read by codec/scan.h where they lie: jansson would copy the layer's key, and its base64, into
 * memory that nobody wipes. Everything that was key text for a moment stands in a struct secret here.
 */
#include "image/options.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/scan.h"
#include "image/scanned.h"

#include <stdio.h>
#include <string.h>

/* ---- reading --------------------------------------------------------------------------------------------- */

/* The members of one document; kind is SCAN_NULL where one is absent or null. */
struct members {
	struct scan symkey, digest, cipher, hmac, nonce;
};

static bool is_there(const struct scan *value)
{
	return value->kind != SCAN_NULL;
}

/* Takes the member unless it is the second of its name. */
static int put(struct scan *slot, const struct scan *value, const char *name, struct err *err)
{
	if (slot->text.ptr)
		return err_set(err, ERR_FORMAT, "the member '%s' appears twice", name);
	*slot = *value;
	return 0;
}

static int read_cipher_options(struct scan *object, struct members *out, struct err *err)
{
	struct scan name, value;

	if (!is_there(object))
		return 0;
	if (object->kind != SCAN_OBJECT)
		return err_set(err, ERR_FORMAT, "'cipheroptions' must be an object");
	while (scan_member(object, &name, &value))
		if (scan_is(&name, "nonce") && put(&out->nonce, &value, "cipheroptions.nonce", err) < 0)
			return -1;
	return 0;
}

static int read_members(struct span text, struct members *out, struct err *err)
{
	const struct scan none = { SCAN_NULL, SPAN_NONE, 0 };
	struct scan doc, name, value, cipheroptions = none;

	*out = (struct members){ none, none, none, none, none };
	if (text.len > OPTIONS_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes; at most %zu are allowed", text.len, OPTIONS_MAX);
	if (scan_value(text, &doc, err) < 0)
		return -1;
	if (doc.kind != SCAN_OBJECT)
		return err_set(err, ERR_FORMAT, "not a JSON object");
	struct {
		const char *name;
		struct scan *slot;
	} known[] = {
		{ "symkey", &out->symkey },
		{ "digest", &out->digest },
		{ "cipher", &out->cipher },
		{ "hmac", &out->hmac },
		{ "cipheroptions", &cipheroptions },
	};
	while (scan_member(&doc, &name, &value))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (scan_is(&name, known[i].name) &&
					put(known[i].slot, &value, known[i].name, err) < 0)
				return -1;
	return read_cipher_options(&cipheroptions, out, err);
}

/* A byte string of exactly `want` bytes. */
static int bytes_of(
		const struct scan *value, const char *name, size_t want, struct secret *out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;

	if (!is_there(value))
		return err_set(err, ERR_FORMAT, "'%s' is missing", name);
	if (scanned_bytes(value, name, &bytes, err) < 0)
		return -1;
	if (bytes.len != want)
		return err_set(err, ERR_FORMAT, "'%s' has %zu bytes instead of %zu", name, bytes.len, want);
	secret_move(out, &bytes);
	return 0;
}

/* The same into memory of the caller's, for what is no secret. */
static int plain_bytes_of(
		const struct scan *value, const char *name, size_t want, unsigned char *out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;

	if (bytes_of(value, name, want, &bytes, err) < 0 || !bytes.ptr)
		return -1;
	memcpy(out, bytes.ptr, want);
	return 0;
}

static int read_nonce(const struct members *members, bool *has, unsigned char nonce[static LAYER_NONCE],
		struct err *err)
{
	*has = is_there(&members->nonce);
	return *has ? plain_bytes_of(&members->nonce, "cipheroptions.nonce", LAYER_NONCE, nonce, err) : 0;
}

/* "algorithm:encoded" in the characters that the OCI image specification allows in a digest. It informs and decides
 * nothing: what does not fit counts as absent. */
static void read_digest(const struct scan *value, char out[static 136])
{
	static const char fits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:+._=-";
	char text[256];

	out[0] = '\0';
	if (!is_there(value) || value->kind != SCAN_STRING || value->text.len > sizeof(text))
		return;
	size_t len = scan_text(value, text);
	text[len] = '\0';
	if (len < 136 && strspn(text, fits) == len)
		memcpy(out, text, len + 1);
}

static int private_read(struct span text, struct private_options *out, struct err *err)
{
	struct members members;

	if (read_members(text, &members, err) < 0 ||
			bytes_of(&members.symkey, "symkey", LAYER_KEY, &out->key, err) < 0)
		return -1;
	read_digest(&members.digest, out->digest);
	return read_nonce(&members, &out->has_nonce, out->nonce, err);
}

int private_options_parse(struct span text, struct private_options *out, struct err *err)
{
	auto_private_options struct private_options fresh = PRIVATE_OPTIONS_NONE;

	if (private_read(text, &fresh, err) < 0)
		return err_wrap(err, "private options");
	private_options_clear(out);
	*out = fresh;
	fresh.key = (struct secret)SECRET_NONE;
	return 0;
}

static int public_read(struct span text, struct public_options *out, struct err *err)
{
	struct members members;

	if (read_members(text, &members, err) < 0)
		return -1;
	if (!is_there(&members.cipher))
		return err_set(err, ERR_FORMAT, "'cipher' is missing: no cipher type provided");
	if (!scan_is(&members.cipher, LAYER_CIPHER))
		return err_set(err, ERR_FORMAT,
				"'cipher': unsupported cipher type; the only one is " LAYER_CIPHER);
	if (plain_bytes_of(&members.hmac, "hmac", LAYER_MAC, out->mac, err) < 0)
		return -1;
	return read_nonce(&members, &out->has_nonce, out->nonce, err);
}

int public_options_parse(struct span text, struct public_options *out, struct err *err)
{
	struct public_options fresh = { .has_nonce = false };

	if (public_read(text, &fresh, err) < 0)
		return err_wrap(err, "public options");
	*out = fresh;
	return 0;
}

int options_nonce(const struct public_options *public, const struct private_options *private,
		unsigned char nonce[static LAYER_NONCE], struct err *err)
{
	if (!public->has_nonce && !private->has_nonce)
		return err_set(err, ERR_FORMAT, "the layer's options hold no nonce");
	/* nobody vouches for the public ones, and under another nonce the HMAC is right and the layer is not */
	if (public->has_nonce && private->has_nonce &&
			memcmp(public->nonce, private->nonce, LAYER_NONCE) != 0)
		return err_set(err, ERR_FORMAT,
				"the layer's public and private options hold different nonces");
	memcpy(nonce, public->has_nonce ? public->nonce : private->nonce, LAYER_NONCE);
	return 0;
}

void private_options_clear(struct private_options *options)
{
	secret_clear(&options->key);
	explicit_bzero(options->nonce, sizeof(options->nonce));
	options->has_nonce = false;
	options->digest[0] = '\0';
}

/* ---- writing --------------------------------------------------------------------------------------------- */

/* {"nonce":"…"} or {} */
static size_t put_cipher_options(char *out, bool has_nonce, const unsigned char nonce[static LAYER_NONCE])
{
	static const char head[] = "{\"nonce\":\"", tail[] = "\"}";
	size_t len = 0, text = b64_encoded_len(LAYER_NONCE);

	if (!has_nonce) {
		memcpy(out, "{}", 2);
		return 2;
	}
	memcpy(out, head, sizeof(head) - 1);
	len += sizeof(head) - 1;
	b64_encode_raw(out + len, span_new(nonce, LAYER_NONCE));
	len += text;
	memcpy(out + len, tail, sizeof(tail) - 1);
	return len + sizeof(tail) - 1;
}

int private_options_format(const struct private_options *options, struct secret *out, struct err *err)
{
	static const char head[] = "{\"symkey\":\"";
	auto_secret struct secret room = SECRET_NONE;
	size_t len = sizeof(head) - 1;

	if (options->key.len != LAYER_KEY)
		return err_set(err, ERR_USAGE, "a layer's key has %d bytes, not %zu", LAYER_KEY,
				options->key.len);
	if (secret_alloc(&room, 512, err) < 0)
		return -1;
	char *text = (char *)room.ptr;
	memcpy(text, head, len);
	b64_encode_raw(text + len, secret_span(&options->key));
	len += b64_encoded_len(LAYER_KEY);
	len += (size_t)snprintf(text + len, room.len - len,
			"\",\"digest\":\"%.135s\",\"cipheroptions\":", options->digest);
	len += put_cipher_options(text + len, options->has_nonce, options->nonce);
	text[len++] = '}';
	return secret_from_span(out, span_new(room.ptr, len), err);
}

void public_options_format(const struct public_options *options, struct buf *out)
{
	char ciphered[64];

	buf_puts(out, "{\"cipher\":\"" LAYER_CIPHER "\",\"hmac\":\"");
	b64_encode(out, span_new(options->mac, LAYER_MAC));
	buf_puts(out, "\",\"cipheroptions\":");
	buf_add(out, ciphered, put_cipher_options(ciphered, options->has_nonce, options->nonce));
	buf_putc(out, '}');
}
