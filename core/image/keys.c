/* SPDX-License-Identifier: Apache-2.0 */
/* The list and its keys. The forms of --key are in keys_text.c, folders in keys_folder.c. */
#include "image/keys.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "image/keys_own.h"

#include <stdlib.h>
#include <string.h>

void key_clear(struct key *key)
{
	free(key->name);
	free(key->attributes);
	secret_clear(&key->bytes);
	secret_clear(&key->password);
	jwk_clear(&key->jwk);
}

void keys_clear(struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		key_clear(&keys->items[i]);
	free(keys->items);
	*keys = (struct keys)KEYS_NONE;
}

struct key *key_append(struct keys *keys, enum key_form form, const char *name, struct err *err)
{
	if (keys->count >= KEYS_MAX) {
		err_set(err, ERR_LIMIT, "more than %d keys", KEYS_MAX);
		return NULL;
	}
	keys->items = xreallocarray(keys->items, keys->count + 1, sizeof(keys->items[0]));
	struct key *key = &keys->items[keys->count++];
	*key = (struct key){ .form = form, .name = xstrdup(name) };
	return key;
}

int key_text_parse(struct span bytes, const struct secret *password, struct jwk *out, struct err *err)
{
	struct pkey *key = NULL;

	if (jwk_is(bytes))
		return jwk_parse(bytes, out, err);
	if (pkey_parse(bytes, password && password->len ? password : NULL, &key, err) < 0)
		return -1;
	jwk_clear(out);
	*out = (struct jwk){ .key = key };
	return 0;
}

/* The private key that the bytes hold. */
static int add_private(struct keys *keys, const char *name, struct span bytes, const struct secret *password,
		struct err *err)
{
	auto_jwk struct jwk jwk = JWK_NONE;

	if (key_text_parse(bytes, password, &jwk, err) < 0)
		return -1;
	if (!pkey_is_private(jwk.key))
		return err_set(err, ERR_USAGE, "it is a public key: decryption needs the private one");
	struct key *key = key_append(keys, KEY_PRIVATE, name, err);
	if (!key)
		return -1;
	key->jwk = jwk;
	jwk = (struct jwk)JWK_NONE;
	return 0;
}

/* A key whose bytes are kept. */
static int add_bytes(struct keys *keys, enum key_form form, const char *name, struct span bytes,
		const struct secret *password, struct err *err)
{
	auto_secret struct secret copy = SECRET_NONE, word = SECRET_NONE;
	auto_jwk struct jwk jwk = JWK_NONE;

	if (form == KEY_CERTIFICATE && key_text_parse(bytes, NULL, &jwk, err) < 0)
		return -1;
	if (jwk.key && pkey_is_private(jwk.key))
		return err_set(err, ERR_FORMAT, "it is neither a certificate nor a private key alone");
	if (secret_from_span(&copy, bytes, err) < 0 ||
			(password->len && secret_from_span(&word, secret_span(password), err) < 0))
		return -1;
	struct key *key = key_append(keys, form, name, err);
	if (!key)
		return -1;
	secret_move(&key->bytes, &copy);
	secret_move(&key->password, &word);
	key->jwk = jwk;
	jwk = (struct jwk)JWK_NONE;
	return 0;
}

static int add(struct keys *keys, const char *name, struct span bytes, const struct secret *password,
		struct err *err)
{
	enum key_look look = key_look(bytes);

	if (look == LOOK_CERTIFICATE)
		return add_bytes(keys, KEY_CERTIFICATE, name, bytes, password, err);
	if (look == LOOK_OTHER)
		return add_bytes(keys, KEY_OTHER, name, bytes, password, err);
	/* of something unknown, the parser says what it looks like */
	if (add_private(keys, name, bytes, password, err) < 0)
		return -1;
	if (look != LOOK_BOTH)
		return 0;
	return add_bytes(keys, KEY_CERTIFICATE, name, key_pem_block(bytes, "CERTIFICATE"), password, err);
}

int keys_add_bytes(struct keys *keys, const char *name, struct secret *bytes, struct secret *password,
		struct err *err)
{
	auto_secret struct secret own = SECRET_NONE, word = SECRET_NONE;

	secret_move(&own, bytes);
	if (password)
		secret_move(&word, password);
	if (!own.len)
		return err_set(err, ERR_FORMAT, "key '%.300s': it is empty", name);
	if (add(keys, name, secret_span(&own), &word, err) < 0)
		return err_wrap(err, "key '%.300s'", name);
	return 0;
}

/* The parameters of keys share one list of names with the providers (image-encryption.md, 3.8). */
static bool is_taken(const char *name)
{
	static const char *const taken[] = { "privkeys", "privkeys-passwords", "x509s", "gpg-privatekeys",
		"gpg-privatekeys-passwords", "gpg-recipients", "gpg-pubkeyringfile", "pkcs11-yamls",
		"pkcs11-config", "pkcs11-pubkeys", "pubkeys" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return true;
	return false;
}

int keys_add_provider(struct keys *keys, const char *name, const char *attributes, struct err *err)
{
	if (!*name)
		return err_set(err, ERR_USAGE, "a key provider without a name: write provider:NAME");
	if (is_taken(name))
		return err_set(err, ERR_USAGE,
				"a key provider cannot be called '%s': parameters of keys have this name",
				name);
	struct key *key = key_append(keys, KEY_PROVIDER, name, err);
	if (!key)
		return -1;
	key->attributes = xstrdup(*attributes ? attributes : "Enabled");
	return 0;
}
