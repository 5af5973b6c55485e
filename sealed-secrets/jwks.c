/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/jwks.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "jose/jwk.h"

#include <stdlib.h>
#include <string.h>

static int load(const char *path, struct jwk *out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;
	int result;

	if (secret_read_file(&bytes, path, err) < 0)
		return -1;
	if (jwk_is(secret_span(&bytes)))
		result = jwk_parse(secret_span(&bytes), out, err);
	else
		result = pkey_parse(secret_span(&bytes), NULL, &out->key, err);
	if (result < 0)
		return err_wrap(err, "'%s'", path);
	if (pkey_kind(out->key) != PKEY_P256)
		return err_set(err, ERR_USAGE, "'%s': sealed secrets are signed with P-256, this key is %s",
				path, pkey_kind_name(pkey_kind(out->key)));
	if (*out->alg && strcmp(out->alg, "ES256") != 0)
		return err_set(err, ERR_USAGE, "'%s' is a key for %s: sealed secrets are signed with ES256",
				path, out->alg);
	return 0;
}

int jwks_format_public(const struct pkey *key, const char *kid, struct buf *out, struct err *err)
{
	auto_json json_t *jwk = NULL;

	if (jwk_format_public(key, &jwk, err) < 0)
		return -1;
	json_object_set_new(jwk, "alg", json_string("ES256"));
	json_object_set_new(jwk, "use", json_string("sig"));
	if (kid && *kid)
		json_object_set_new(jwk, "kid", json_string(kid));
	auto_free char *text = json_text(jwk, true);
	buf_puts(out, text);
	return 0;
}

/* "KID=FILE" or "FILE". A kid may hold '=', a file's name after it may not. */
static int add(const char *word, struct sealed_key *out, struct err *err)
{
	const char *equals = strrchr(word, '=');
	auto_jwk struct jwk jwk = JWK_NONE;
	auto_buf struct buf text = BUF_MAX(JWKS_TEXT_MAX);

	if (load(equals ? equals + 1 : word, &jwk, err) < 0)
		return -1;
	auto_free char *kid = equals ? xmemdup0(word, (size_t)(equals - word)) : xstrdup(jwk.kid);
	if (jwks_format_public(jwk.key, kid, &text, err) < 0)
		return -1;
	out->jwk.len = text.len;
	out->jwk.ptr = buf_take(&text);
	out->kid = take(&kid);
	return 0;
}

int jwks_load(const struct opt_list *names, struct jwks *out, struct err *err)
{
	struct jwks keys = JWKS_NONE;

	keys.items = xcalloc(names->count + 1, sizeof(*keys.items));
	for (; keys.count < names->count; keys.count++)
		if (add(names->items[keys.count], &keys.items[keys.count], err) < 0) {
			jwks_clear(&keys);
			return -1;
		}
	*out = keys;
	return 0;
}

void jwks_clear(struct jwks *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		free((void *)(uintptr_t)keys->items[i].kid);
		free((void *)(uintptr_t)keys->items[i].jwk.ptr);
	}
	free(keys->items);
	*keys = (struct jwks)JWKS_NONE;
}

const struct sealed_key *jwks_find(const struct jwks *keys, const char *kid)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->items[i].kid, kid) == 0)
			return &keys->items[i];
	return keys->count == 1 && !*keys->items[0].kid ? &keys->items[0] : NULL;
}

int jwks_signing(const char *path, const char *kid_given, struct pkey **key, char **kid, struct err *err)
{
	auto_jwk struct jwk jwk = JWK_NONE;

	if (load(path, &jwk, err) < 0)
		return -1;
	if (!pkey_is_private(jwk.key))
		return err_set(err, ERR_USAGE, "'%s' is a public key: signing takes the private one", path);
	if (!kid_given && !*jwk.kid)
		return err_set(err, ERR_USAGE,
				"'%s' has no kid: say with --kid where guests find its public half, as in "
				"kbs:///default/signing-key/team",
				path);
	*kid = xstrdup(kid_given ? kid_given : jwk.kid);
	*key = take(&jwk.key);
	return 0;
}
