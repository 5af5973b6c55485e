/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme "pkcs7": CMS EnvelopedData (image/cms.h) to the RSA key of a certificate, AES-128-GCM under RSAES-PKCS1.
 * Who opens brings the private key and the certificate, which says by issuer and serial number what is for him.
 */
#include "image/wrap.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "crypto/aead.h"
#include "crypto/cbc.h"
#include "crypto/certid.h"
#include "crypto/der.h"
#include "crypto/pkey.h"
#include "image/cms.h"
#include "image/keys.h"
#include "image/options.h"

#include <stdio.h>
#include <stdlib.h>

#define SCHEME "pkcs7"

/* ---- wrapping ---- */

struct pkcs7_recipient {
	struct recipient base;
	struct certid *id;
};

static int encipher(const struct certid *id, const struct secret *options, struct cms *cms, struct buf *key,
		struct err *err)
{
	auto_secret struct secret content_key = SECRET_NONE;
	struct span none = SPAN_NONE;

	if (secret_random(&content_key, cms->key_len, err) < 0 ||
			pkey_pkcs1_encrypt(id->key, secret_span(&content_key), key, err) < 0)
		return -1;
	return gcm_seal(&content_key, cms->nonce, none, secret_span(options), &cms->content, NULL, err);
}

static int wrap(struct recipient *self, const struct secret *options, struct buf *element, struct err *err)
{
	const struct certid *id = ((struct pkcs7_recipient *)self)->id;
	unsigned char nonce[AEAD_GCM_NONCE];
	auto_buf struct buf key = BUF_MAX(SECRET_MAX);
	auto_cms struct cms cms = CMS_NONE;

	random_bytes(nonce, sizeof(nonce));
	cms.cipher = CMS_AES_GCM;
	cms.key_len = 16;
	cms.nonce = span_new(nonce, sizeof(nonce));
	if (encipher(id, options, &cms, &key, err) < 0)
		return -1;
	struct cms_recipient recipient = {
		.issuer = id->issuer, .serial = id->serial, .transport = CMS_RSA_PKCS1, .key = buf_span(&key)
	};
	cms_add(&cms, &recipient);
	cms_format(&cms, element);
	return buf_check(element, "the PKCS#7 message", err);
}

static void recipient_end(struct recipient *self)
{
	certid_free(((struct pkcs7_recipient *)self)->id);
	free(self);
}

static int read_certificate(const char *path, struct certid **out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE; /* a private key it may be, by mistake */
	auto_certid struct certid *id = NULL;

	if (secret_read_file(&bytes, path, err) < 0)
		return -1;
	if (certid_parse(secret_span(&bytes), &id, err) < 0)
		return err_wrap(err, "reading the certificate '%s'", path);
	if (pkey_kind(id->key) != PKEY_RSA)
		return err_set(err, ERR_USAGE,
				"the certificate '%s' has a %s key; PKCS#7 needs RSA (jwe: takes others)",
				path, pkey_kind_name(pkey_kind(id->key)));
	*out = take(&id);
	return 0;
}

static int recipient(const struct wrap_settings *settings, const char *value, struct recipient **out,
		struct err *err)
{
	struct certid *id = NULL;

	(void)settings;
	if (read_certificate(value, &id, err) < 0)
		return -1;
	struct pkcs7_recipient *self = xcalloc(1, sizeof(*self));
	self->id = id;
	self->base.wrap = wrap;
	self->base.free = recipient_end;
	snprintf(self->base.scheme, sizeof(self->base.scheme), SCHEME);
	snprintf(self->base.name, sizeof(self->base.name), SCHEME ":%.200s", value);
	*out = &self->base;
	return 0;
}

/* ---- opening ---- */

struct pkcs7_opener {
	struct opener base;
	struct certid *id;      /* NULL: a key whose certificate is missing */
	const struct pkey *key; /* NULL: a certificate whose key is missing; borrowed of struct keys */
};

static bool is_named(const struct cms_recipient *recipient, const struct certid *id)
{
	if (recipient->key_id.len)
		return span_eq(recipient->key_id, id->key_id);
	return span_eq(recipient->issuer, id->issuer) &&
			span_eq(der_integer(recipient->serial), der_integer(id->serial));
}

/* The content's key. What does not fit is random bytes or ERR_AUTH of one text. */
static int open_key(const struct pkey *key, const struct cms_recipient *recipient, size_t len,
		struct secret *out, struct err *err)
{
	bool sha1 = recipient->transport == CMS_RSA_OAEP_SHA1;

	if (recipient->transport == CMS_TRANSPORT_OTHER)
		return err_set(err, ERR_USAGE,
				"the key is under neither RSAES-PKCS1 nor an RSAES-OAEP that "
				"we read");
	if (recipient->transport == CMS_RSA_PKCS1)
		return pkey_pkcs1_decrypt(key, recipient->key, len, out, err);
	if (pkey_oaep_decrypt(key, sha1, recipient->key, out, err) < 0)
		return -1;
	return out->len == len ? 0 : err_set(err, ERR_AUTH, "decryption failed");
}

/*
 * CBC does not tell who wrote. Whether the padding was wrong or what is inside must not show, or whoever can have
 * messages tried and reads the errors learns the content of others, byte by byte (S. Vaudenay, Eurocrypt 2002).
 */
static int open_cbc(enum cbc_cipher cipher, const struct cms *cms, const struct secret *key,
		struct secret *out, struct err *err)
{
	auto_private_options struct private_options inside = PRIVATE_OPTIONS_NONE;
	auto_secret struct secret plain = SECRET_NONE;

	if (cbc_open(cipher, key, cms->nonce, buf_span(&cms->content), &plain, err) < 0)
		return -1;
	if (private_options_parse(secret_span(&plain), &inside, NULL) < 0)
		return err_set(err, ERR_AUTH, "decryption failed");
	secret_move(out, &plain);
	return 0;
}

static int open_content(const struct cms *cms, const struct secret *key, struct secret *out, struct err *err)
{
	struct span none = SPAN_NONE, content = buf_span(&cms->content);

	switch (cms->cipher) {
	case CMS_AES_CBC:
		return open_cbc(CBC_AES, cms, key, out, err);
	case CMS_TRIPLE_DES_CBC:
		return open_cbc(CBC_TRIPLE_DES, cms, key, out, err);
	case CMS_AES_GCM:
	default:
		return gcm_open(key, cms->nonce, none, content, none, out, err);
	}
}

static int open_message(const struct pkcs7_opener *self, const struct cms *cms, struct secret *options,
		struct err *err)
{
	bool named = false;

	for (size_t i = 0; i < cms->count; i++) {
		auto_secret struct secret key = SECRET_NONE;
		if (!is_named(&cms->recipients[i], self->id))
			continue;
		if (!self->key)
			return err_set(err, ERR_USAGE,
					"the message is for this certificate, but its private "
					"key is not among the keys");
		named = true;
		if (open_key(self->key, &cms->recipients[i], cms->key_len, &key, err) == 0 &&
				open_content(cms, &key, options, err) == 0)
			return 0;
	}
	if (named)
		return -1;
	return err_set(err, ERR_AUTH, "the message has %zu recipients, and this certificate is none of them",
			cms->count + cms->others);
}

static int unwrap(struct opener *opener, struct span element, struct secret *options, struct err *err)
{
	const struct pkcs7_opener *self = (const struct pkcs7_opener *)opener;
	auto_cms struct cms cms = CMS_NONE;

	if (!self->id)
		return err_set(err, ERR_USAGE,
				"PKCS#7 needs the certificate beside the private key: give it "
				"as one more key");
	if (cms_parse(element, &cms, err) < 0)
		return -1;
	return open_message(self, &cms, options, err);
}

static void opener_end(struct opener *self)
{
	certid_free(((struct pkcs7_opener *)self)->id);
	free(self);
}

static void add_opener(struct opener_list *out, struct certid *id, const struct key *key,
		const struct key *certificate)
{
	struct pkcs7_opener *self = xcalloc(1, sizeof(*self));

	self->id = id;
	self->key = key ? key->jwk.key : NULL;
	self->base.unwrap = unwrap;
	self->base.free = opener_end;
	snprintf(self->base.scheme, sizeof(self->base.scheme), SCHEME);
	if (key && certificate)
		snprintf(self->base.name, sizeof(self->base.name), "key '%.100s' with certificate '%.100s'",
				key->name, certificate->name);
	else if (key)
		snprintf(self->base.name, sizeof(self->base.name), "key '%.200s'", key->name);
	else
		snprintf(self->base.name, sizeof(self->base.name), "certificate '%.200s'", certificate->name);
	opener_list_add(out, &self->base);
}

static bool is_pair(const struct key *key, const struct key *certificate)
{
	return key->form == KEY_PRIVATE && certificate->form == KEY_CERTIFICATE &&
			pkey_kind(key->jwk.key) == PKEY_RSA &&
			pkey_is_same(key->jwk.key, certificate->jwk.key);
}

static struct key *partner(const struct keys *keys, const struct key *of)
{
	for (size_t i = 0; i < keys->count; i++)
		if (is_pair(of, &keys->items[i]) || is_pair(&keys->items[i], of))
			return &keys->items[i];
	return NULL;
}

/* Of every certificate one opener; of a key without one, an opener that says what is missing. */
static int openers(const struct wrap_settings *settings, struct keys *keys, struct opener_list *out,
		struct err *err)
{
	(void)settings;
	for (size_t i = 0; i < keys->count; i++) {
		struct key *item = &keys->items[i], *other = partner(keys, item);
		struct certid *id = NULL;
		if (item->form == KEY_PRIVATE && pkey_kind(item->jwk.key) == PKEY_RSA && !other)
			add_opener(out, NULL, item, NULL);
		if (item->form != KEY_CERTIFICATE)
			continue;
		if (certid_parse(secret_span(&item->bytes), &id, err) < 0)
			return err_wrap(err, "reading the certificate '%s'", item->name);
		add_opener(out, id, other, item);
		item->used = true;
		if (other)
			other->used = true;
	}
	return 0;
}

const struct wrap_kind wrap_pkcs7 = { .protocol = SCHEME, .recipient = recipient, .openers = openers };
