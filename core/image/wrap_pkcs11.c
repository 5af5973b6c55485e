/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme "pkcs11": RSA-OAEP of the private options themselves, in JSON (image-encryption.md, 3.4):
 *
 *     {"version":0,"recipients":[{"version":0,"blob":"<base64>","hash":"sha256"}]}
 *
 * To a public key in a file, or to one in a token (image/p11_key.h); opened in the token. Where no hash is said it is
 * SHA-1. Nothing else carries the options, so the key must have room for OPTIONS_USUAL bytes, which is checked when the
 * recipient is opened: 2048 bits with SHA-256 are three bytes short.
 */
#include "image/wrap.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "image/keys.h"
#include "image/p11_key.h"
#include "image/p11_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME         "pkcs11"
#define RECIPIENTS_MAX 1024
#define OPTIONS_USUAL  193 /* with a sha256 digest */
#define BLOB_MAX       2048

/* ---- wrapping ---- */

struct pkcs11_recipient {
	struct recipient base;
	bool sha1;
	struct pkey *public; /* or */
	struct p11_key *key;
	struct p11_token *token;
};

static void recipient_end(struct recipient *base)
{
	struct pkcs11_recipient *self = (struct pkcs11_recipient *)base;

	pkey_free(self->public);
	p11_token_free(self->token);
	p11_key_free(self->key);
	free(self);
}

static int wrap(struct recipient *base, const struct secret *options, struct buf *element, struct err *err)
{
	struct pkcs11_recipient *self = (struct pkcs11_recipient *)base;
	auto_buf struct buf blob = BUF_MAX(BLOB_MAX);
	struct span plain = secret_span(options);
	int status = self->token ? p11_token_encrypt(self->token, self->sha1, plain, &blob, err)
				 : pkey_oaep_encrypt(self->public, self->sha1, plain, &blob, err);

	if (status < 0)
		return -1;
	buf_puts(element, "{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"");
	b64_encode(element, buf_span(&blob));
	buf_printf(element, "\",\"hash\":\"%s\"}]}", self->sha1 ? "sha1" : "sha256");
	return buf_check(element, "the PKCS#11 element", err);
}

/* Is there room for the options? bits of 0: the token does not say. */
static int check_room(const struct pkcs11_recipient *self, unsigned bits, struct err *err)
{
	unsigned around = self->sha1 ? 2 * 20 + 2 : 2 * 32 + 2;

	if (!bits || bits / 8 >= around + OPTIONS_USUAL)
		return 0;
	return err_set(err, ERR_USAGE,
			"an RSA key of %u bits holds %u bytes with OAEP and %s, and a layer's key takes %d: "
			"use a key "
			"of 3072 bits or more%s",
			bits, bits / 8 > around ? bits / 8 - around : 0, self->sha1 ? "SHA-1" : "SHA-256",
			OPTIONS_USUAL, self->sha1 ? "" : ", or OCICRYPT_OAEP_HASHALG=sha1");
}

static int take_public(struct pkcs11_recipient *self, struct span bytes, struct err *err)
{
	if (pkey_parse(bytes, NULL, &self->public, err) < 0)
		return -1;
	if (pkey_kind(self->public) != PKEY_RSA)
		return err_set(err, ERR_USAGE, "a %s key; PKCS#11 needs RSA",
				pkey_kind_name(pkey_kind(self->public)));
	return check_room(self, pkey_bits(self->public), err);
}

static int take_description(struct pkcs11_recipient *self, const struct wrap_settings *settings,
		struct span text, struct err *err)
{
	auto_p11_policy struct p11_policy policy = P11_POLICY_NONE;
	unsigned bits = 0;

	if (p11_key_parse(text, &self->key, err) < 0 ||
			p11_policy_load(settings->ocicrypt_config, &policy, err) < 0 ||
			p11_token_open(self->key, &policy, false, &self->token, err) < 0 ||
			p11_token_bits(self->token, &bits, err) < 0)
		return -1;
	return check_room(self, bits, err);
}

static int recipient(const struct wrap_settings *settings, const char *value, struct recipient **out,
		struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE; /* with a PIN, or a private key by mistake */

	if (secret_read_file(&bytes, value, err) < 0)
		return -1;
	struct span text = secret_span(&bytes);
	struct pkcs11_recipient *self = xcalloc(1, sizeof(*self));
	self->sha1 = settings->oaep_sha1;
	self->base.wrap = wrap;
	self->base.free = recipient_end;
	snprintf(self->base.scheme, sizeof(self->base.scheme), SCHEME);
	snprintf(self->base.name, sizeof(self->base.name), SCHEME ":%.200s", value);
	int status = p11_key_is(text) ? take_description(self, settings, text, err)
				      : take_public(self, text, err);
	if (status < 0) {
		recipient_end(&self->base);
		return err_wrap(err, "'%s' as a PKCS#11 recipient", value);
	}
	*out = &self->base;
	return 0;
}

/* ---- opening ---- */

struct pkcs11_opener {
	struct opener base;
	struct p11_key *key;
	struct p11_token *token; /* NULL: the reason is in broken */
	struct err broken;
};

static void opener_end(struct opener *base)
{
	struct pkcs11_opener *self = (struct pkcs11_opener *)base;

	p11_token_free(self->token);
	p11_key_free(self->key);
	free(self);
}

static int check_version(const json_t *object, const char *path, struct err *err)
{
	int64_t version = 0;

	return json_opt_int(object, path, "version", 0, 0, &version, err);
}

static int open_blob(struct pkcs11_opener *self, const json_t *entry, struct secret *options, struct err *err)
{
	const char *text = NULL, *hash = "";
	auto_buf struct buf blob = BUF_MAX(BLOB_MAX);

	if (check_version(entry, "recipient", err) < 0 ||
			json_get_text(entry, "recipient", "blob", &text, err) < 0 ||
			json_opt_text(entry, "recipient", "hash", &hash, err) < 0)
		return -1;
	if (*hash && strcmp(hash, "sha1") != 0 && strcmp(hash, "sha256") != 0)
		return err_set(err, ERR_FORMAT, "the hash '%.40s' is neither sha1 nor sha256", hash);
	if (b64_decode(span_of(text), &blob, err) < 0)
		return err_wrap(err, "recipient.blob");
	return p11_token_decrypt(self->token, strcmp(hash, "sha256") != 0, buf_span(&blob), options, err);
}

static int unwrap(struct opener *base, struct span element, struct secret *options, struct err *err)
{
	struct pkcs11_opener *self = (struct pkcs11_opener *)base;
	auto_json json_t *doc = NULL;
	json_t *recipients = NULL, *entry = NULL;
	size_t i = 0;

	if (!self->token)
		return err_set(err, self->broken.kind, "%s", self->broken.text);
	if (json_read(element, WRAP_ELEMENT_MAX, &doc, err) < 0 || check_version(doc, "", err) < 0 ||
			json_opt_array(doc, "", "recipients", RECIPIENTS_MAX, &recipients, err) < 0)
		return -1;
	err_set(err, ERR_FORMAT, "the element has no recipients");
	json_array_foreach (recipients, i, entry) {
		if (open_blob(self, entry, options, err) == 0)
			return 0;
		/* a token that cannot be reached cannot for the next one either, and PINs lock */
		if (err && err->kind != ERR_AUTH && err->kind != ERR_FORMAT)
			return -1;
	}
	return -1;
}

/* A token that is not there must not stand in the way of other keys: its reason comes when it is needed. */
static void open_token(struct pkcs11_opener *self, const struct p11_policy *policy)
{
	self->broken = (struct err)ERR_NONE;
	if (p11_token_open(self->key, policy, true, &self->token, &self->broken) < 0)
		self->token = NULL;
}

static int add_opener(
		const struct p11_policy *policy, struct key *item, struct opener_list *out, struct err *err)
{
	auto_p11_key struct p11_key *key = NULL;

	if (p11_key_parse(secret_span(&item->bytes), &key, err) < 0)
		return -1;
	/* a password of the key can only be its PIN */
	if (item->password.len && secret_from_span(&key->pin, secret_span(&item->password), err) < 0)
		return -1;
	struct pkcs11_opener *self = xcalloc(1, sizeof(*self));
	self->key = take(&key);
	self->base.unwrap = unwrap;
	self->base.free = opener_end;
	snprintf(self->base.scheme, sizeof(self->base.scheme), SCHEME);
	snprintf(self->base.name, sizeof(self->base.name), "key '%.200s'", item->name);
	open_token(self, policy);
	opener_list_add(out, &self->base);
	item->used = true;
	return 0;
}

static int openers(const struct wrap_settings *settings, struct keys *keys, struct opener_list *out,
		struct err *err)
{
	auto_p11_policy struct p11_policy policy = P11_POLICY_NONE;

	for (size_t i = 0; i < keys->count; i++) {
		struct key *item = &keys->items[i];
		if (item->form != KEY_OTHER || !p11_key_is(secret_span(&item->bytes)))
			continue;
		if (!policy.allowed && p11_policy_load(settings->ocicrypt_config, &policy, err) < 0)
			return -1;
		if (add_opener(&policy, item, out, err) < 0)
			return err_wrap(err, "reading the PKCS#11 key '%s'", item->name);
	}
	return 0;
}

const struct wrap_kind wrap_pkcs11 = { .protocol = SCHEME, .recipient = recipient, .openers = openers };
