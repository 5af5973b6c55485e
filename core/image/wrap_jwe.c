/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheme "jwe": RFC 7516 for a public key (image-encryption.md, 3.1). One flattened JWE for each recipient: readers in
 * Rust look at the first recipient of a JWE alone.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/keys.h"
#include "image/wrap.h"
#include "jose/jwe.h"

#include <stdio.h>
#include <stdlib.h>

#define SCHEME "jwe"

struct jwe_recipient {
	struct recipient recipient;
	struct jwk jwk;
};

struct jwe_opener {
	struct opener opener;
	const struct jwk *jwk; /* of the struct key */
};

static int wrap(struct recipient *self, const struct secret *options, struct buf *element, struct err *err)
{
	const struct jwe_recipient *jwe = (const struct jwe_recipient *)(const void *)self;

	return jwe_seal(&jwe->jwk, options, element, err);
}

static void free_recipient(struct recipient *self)
{
	struct jwe_recipient *jwe = (struct jwe_recipient *)(void *)self;

	jwk_clear(&jwe->jwk);
	free(jwe);
}

/* The key in the file, of which the public half counts. */
static int read_key(const char *path, struct jwk *out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;
	enum jwe_alg alg = JWE_RSA_OAEP;

	if (secret_read_file(&bytes, path, err) < 0)
		return -1;
	if (key_text_parse(secret_span(&bytes), NULL, out, err) < 0)
		return err_wrap(err, "'%.200s' is not a public key", path);
	if (jwe_alg_of(out, &alg, err) < 0)
		return -1;
	/* which key brokers have for old guests; nothing that opens images needs it */
	if (alg == JWE_RSA1_5)
		return err_set(err, ERR_USAGE, "the key's alg '%s' is not supported for images", out->alg);
	return 0;
}

static int recipient(const struct wrap_settings *settings, const char *value, struct recipient **out,
		struct err *err)
{
	auto_jwk struct jwk jwk = JWK_NONE;

	(void)settings;
	if (!*value)
		return err_set(err, ERR_USAGE, "the file of the public key is missing: write jwe:FILE");
	if (read_key(value, &jwk, err) < 0)
		return -1;
	struct jwe_recipient *jwe = xcalloc(1, sizeof(*jwe));
	jwe->recipient = (struct recipient){ .scheme = SCHEME, .wrap = wrap, .free = free_recipient };
	snprintf(jwe->recipient.name, sizeof(jwe->recipient.name), SCHEME ":%s", value);
	jwe->jwk = jwk;
	jwk = (struct jwk)JWK_NONE;
	*out = &jwe->recipient;
	return 0;
}

static int unwrap(struct opener *self, struct span element, struct secret *options, struct err *err)
{
	const struct jwe_opener *jwe = (const struct jwe_opener *)(const void *)self;

	return jwe_open(jwe->jwk, element, options, err);
}

static void free_opener(struct opener *self)
{
	free(self);
}

static int openers(const struct wrap_settings *settings, struct keys *keys, struct opener_list *out,
		struct err *err)
{
	(void)settings, (void)err;
	for (size_t i = 0; i < keys->count; i++) {
		struct key *key = &keys->items[i];
		if (key->form != KEY_PRIVATE || pkey_kind(key->jwk.key) == PKEY_ED25519)
			continue;
		struct jwe_opener *jwe = xcalloc(1, sizeof(*jwe));
		jwe->opener = (struct opener){ .scheme = SCHEME, .unwrap = unwrap, .free = free_opener };
		snprintf(jwe->opener.name, sizeof(jwe->opener.name), "key '%.200s'", key->name);
		jwe->jwk = &key->jwk;
		key->used = true;
		opener_list_add(out, &jwe->opener);
	}
	return 0;
}

const struct wrap_kind wrap_jwe = { SCHEME, recipient, openers };
