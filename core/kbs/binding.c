/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/binding.h"

#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "jose/jwk.h"
#include "kbs/message.h"

#define ALG_EC  "ECDH-ES+A256KW"
#define ALG_RSA "RSA-OAEP-256"

/* ---- kinds of keys ------------------------------------------------------------------------------------- */

static const char *const key_names[] = {
	[KBS_KEY_P256] = ALG_EC "-P256",
	[KBS_KEY_P521] = ALG_EC "-P521",
	[KBS_KEY_RSA] = ALG_RSA,
};

const char *kbs_key_name(enum kbs_key key)
{
	return key_names[key];
}

int kbs_key_find(struct span name, enum kbs_key *out, struct err *err)
{
	for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++)
		if (span_is(name, key_names[i])) {
			*out = (enum kbs_key)i;
			return 0;
		}
	return err_set(err, ERR_USAGE,
			"'%.*s' is no algorithm of a TEE key; there are " ALG_EC "-P256, " ALG_EC
			"-P521 and " ALG_RSA,
			SPAN_ARG(name));
}

/* ---- the typed members --------------------------------------------------------------------------------- */

/* What the types know of each kty, in the order in which the peers write it. */
static const struct {
	const char *kty;
	const char *members[5];
} types[] = {
	{ "EC", { "crv", "alg", "x", "y", NULL } },
	{ "RSA", { "alg", "n", "e", NULL } },
};

int kbs_tee_pubkey_read(const json_t *sent, json_t **out, struct err *err)
{
	const char *kty = NULL, *text = NULL;
	size_t type = 0;

	if (json_get_text(sent, "tee-pubkey", "kty", &kty, err) < 0)
		return -1;
	while (type < sizeof(types) / sizeof(types[0]) && !span_is(span_of(kty), types[type].kty))
		type++;
	if (type == sizeof(types) / sizeof(types[0]))
		return err_set(err, ERR_FORMAT, "tee-pubkey.kty is neither EC nor RSA");
	auto_json json_t *key = json_pack("{s:s}", "kty", kty);
	for (const char *const *name = types[type].members; *name; name++) {
		if (json_get_text(sent, "tee-pubkey", *name, &text, err) < 0)
			return -1;
		json_object_set_new(key, *name, json_string(text));
	}
	*out = json_incref(key);
	return 0;
}

int kbs_tee_pubkey(const struct pkey *key, json_t **out, struct err *err)
{
	auto_json json_t *numbers = NULL;
	enum pkey_kind kind = pkey_kind(key);
	bool is_rsa = kind == PKEY_RSA;

	if (!is_rsa && kind != PKEY_P256 && kind != PKEY_P521)
		return err_set(err, ERR_USAGE, "a key %s cannot be a TEE key; P-256, P-521 and RSA can",
				pkey_kind_name(kind));
	if (jwk_format_public(key, &numbers, err) < 0)
		return -1;
	json_object_set_new(numbers, "alg", json_string(is_rsa ? ALG_RSA : ALG_EC));
	return kbs_tee_pubkey_read(numbers, out, err);
}

/* ---- canonical text ------------------------------------------------------------------------------------ */

/* RFC 8785, 3.2.2.2: two-character escapes where there are some, else \u00xx in lower case for control characters. */
static void put_text(struct buf *out, const char *text)
{
	static const char letters[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	buf_putc(out, '"');
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;
		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		if (c >= 0x20)
			buf_putc(out, *at);
		else if (letters[c])
			buf_printf(out, "\\%c", letters[c]);
		else
			buf_printf(out, "\\u%04x", c);
	}
	buf_putc(out, '"');
}

void kbs_runtime_text(const char *nonce, const json_t *tee_pubkey, const char *additional, struct buf *out)
{
	/* the members of both types, sorted */
	static const char *const members[] = { "alg", "crv", "e", "kty", "n", "x", "y" };
	const char *gap = "";

	buf_putc(out, '{');
	if (additional) {
		buf_puts(out, "\"additional-evidence\":");
		put_text(out, additional);
		buf_putc(out, ',');
	}
	buf_puts(out, "\"nonce\":");
	put_text(out, nonce);
	buf_puts(out, ",\"tee-pubkey\":{");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *value = json_string_value(json_object_get(tee_pubkey, members[i]));
		if (!value)
			continue;
		buf_printf(out, "%s\"%s\":", gap, members[i]);
		put_text(out, value);
		gap = ",";
	}
	buf_puts(out, "}}");
}

void kbs_runtime_digest(enum digest_alg alg, const char *nonce, const json_t *tee_pubkey,
		const char *additional, unsigned char out[static DIGEST_MAX])
{
	/* a control character of a body becomes six at most */
	auto_buf struct buf text = BUF_MAX(8 * KBS_BODY_MAX);

	kbs_runtime_text(nonce, tee_pubkey, additional, &text);
	digest_bytes(alg, buf_span(&text), out);
}
