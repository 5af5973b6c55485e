/* SPDX-License-Identifier: Apache-2.0 */
/* The messages and keys of tests/vectors/jose, whose README.md says who made them, and malformed twins of messages. */
#ifndef COCOON_TESTS_JOSE_MESSAGES_H
#define COCOON_TESTS_JOSE_MESSAGES_H

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "codec/json.h"
#include "crypto/aead.h"
#include "jose/jwe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define VECTORS    "tests/vectors/jose/"
/* what goes before more members */
#define RSA_HEADER "\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\""

static inline void load(const char *name, struct buf *out)
{
	char path[200];
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), VECTORS "%s", name);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void jwk_of(const char *name, struct jwk *out)
{
	auto_buf struct buf text = BUF_MAX(SECRET_MAX);
	struct err err = ERR_NONE;

	load(name, &text);
	if (jwk_parse(buf_span(&text), out, &err) < 0)
		fail_msg("%s: %s", name, err.text);
}

static inline json_t *tree_of(const char *name)
{
	auto_buf struct buf text = BUF_MAX(JWE_MAX);
	json_t *tree = NULL;

	load(name, &text);
	assert_int_equal(json_read(buf_span(&text), JWE_MAX, &tree, NULL), 0);
	return tree;
}

/* Fails with the kind and the words. */
static inline void refused(const struct jwk *key, struct span text, enum err_kind kind, const char *words)
{
	auto_secret struct secret plain = SECRET_NONE;
	struct err err = ERR_NONE;

	if (jwe_open(key, text, &plain, &err) == 0)
		fail_msg("was opened, and should say %s: %.*s", words, SPAN_ARG(text));
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s: not %s: %.*s", err.text, words, SPAN_ARG(text));
	assert_true(span_starts(span_of(err.text), "the JWE: "));
	assert_null(plain.ptr);
}

static inline void tree_refused(
		const struct jwk *key, const json_t *tree, enum err_kind kind, const char *words)
{
	char *text = json_text(tree, false);

	refused(key, span_of(text), kind, words);
	free(text);
}

/* A message to the RSA key with any headers: the tag is right, whatever they say. */
static inline json_t *sealed(const struct jwk *rsa, const char *protected, struct span plain)
{
	auto_secret struct secret cek = SECRET_NONE;
	auto_buf struct buf wrapped = BUF_MAX(1024), cipher = BUF_MAX(2 * SECRET_MAX);
	auto_buf struct buf header = BUF_MAX(JWE_MAX), text = BUF_MAX(JWE_MAX);
	json_t *tree = json_object();
	static const char iv[12] = { 0 };
	unsigned char tag[16];

	assert_int_equal(secret_random(&cek, 32, NULL), 0);
	assert_int_equal(pkey_oaep_encrypt(rsa->key, true, secret_span(&cek), &wrapped, NULL), 0);
	b64url_encode(&header, span_of(protected));
	assert_int_equal(gcm_seal(&cek, span_new(iv, 12), buf_span(&header), plain, &cipher, tag, NULL), 0);
	json_object_set_new(tree, "protected", json_string(buf_text(&header)));
	const struct {
		const char *name;
		struct span bytes;
	} members[] = { { "encrypted_key", buf_span(&wrapped) }, { "iv", { iv, 12 } },
		{ "ciphertext", buf_span(&cipher) }, { "tag", span_new(tag, 16) } };
	for (size_t i = 0; i < COUNT(members); i++) {
		buf_reset(&text);
		b64url_encode(&text, members[i].bytes);
		json_object_set_new(tree, members[i].name, json_string(buf_text(&text)));
	}
	return tree;
}

#endif
