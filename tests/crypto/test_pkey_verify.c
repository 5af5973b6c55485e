/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures in DER, and over a hash that somebody else made: of the same numbers as JOSE's. */
#include "base/buf.h"
#include "base/err.h"
#include "crypto/der.h"
#include "crypto/pkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MESSAGE  "what is signed"

static const enum pkey_kind curves[] = { PKEY_P256, PKEY_P384, PKEY_P521 };
static const enum digest_alg hashes[] = { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

static struct pkey *key_of(enum pkey_kind kind)
{
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	if (pkey_generate(kind, kind == PKEY_RSA ? 2048 : 0, &key, &err) < 0)
		fail_msg("%s", err.text);
	return key;
}

/* An INTEGER of big-endian bytes. */
static void put_number(struct buf *out, struct span bytes)
{
	auto_buf struct buf body = BUF_MAX(100);

	while (bytes.len > 1 && !*bytes.ptr)
		bytes = span_from(bytes, 1);
	if (*bytes.ptr & 0x80)
		buf_putc(&body, 0);
	buf_add_span(&body, bytes);
	der_put(out, DER_INTEGER, buf_span(&body));
}

static void sign_der(const struct pkey *key, struct buf *out)
{
	auto_buf struct buf pair = BUF_MAX(200);

	assert_int_equal(pkey_sign(key, SPAN_LIT(MESSAGE), &pair, NULL), 0);
	put_number(out, span_new(pair.ptr, pair.len / 2));
	put_number(out, span_new(pair.ptr + pair.len / 2, pair.len / 2));
	der_wrap(out, 0, DER_SEQUENCE);
}

static void ecdsa_verifies_in_der_and_in_no_other_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(curves); i++) {
		auto_pkey struct pkey *key = key_of(curves[i]), *other = key_of(curves[i]);
		auto_buf struct buf der = BUF_MAX(200), pair = BUF_MAX(200);
		struct err err = ERR_NONE;
		sign_der(key, &der);
		assert_int_equal(pkey_sign(key, SPAN_LIT(MESSAGE), &pair, NULL), 0);
		assert_int_equal(pkey_verify_der(key, SPAN_LIT(MESSAGE), buf_span(&der), NULL), 0);
		assert_int_equal(pkey_verify_der(key, SPAN_LIT("other"), buf_span(&der), &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_int_equal(pkey_verify_der(other, SPAN_LIT(MESSAGE), buf_span(&der), NULL), -1);
		assert_int_equal(pkey_verify_der(key, SPAN_LIT(MESSAGE), buf_span(&pair), NULL), -1);
		assert_int_equal(pkey_verify(key, SPAN_LIT(MESSAGE), buf_span(&der), NULL), -1);
		for (size_t len = 0; len < der.len; len++)
			assert_int_equal(
					pkey_verify_der(key, SPAN_LIT(MESSAGE), span_new(der.ptr, len), NULL),
					-1);
		buf_putc(&der, 0);
		assert_int_equal(pkey_verify_der(key, SPAN_LIT(MESSAGE), buf_span(&der), NULL), -1);
	}
}

static void the_hash_of_the_message_does_as_well(void **state)
{
	unsigned char hash[DIGEST_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(curves); i++) {
		auto_pkey struct pkey *key = key_of(curves[i]);
		auto_buf struct buf der = BUF_MAX(200);
		size_t size = digest_size(hashes[i]);
		struct err err = ERR_NONE;
		sign_der(key, &der);
		digest_bytes(hashes[i], SPAN_LIT(MESSAGE), hash);
		assert_int_equal(pkey_verify_hash(key, span_new(hash, size), buf_span(&der), NULL), 0);
		assert_int_equal(pkey_verify_hash(key, span_new(hash, size - 1), buf_span(&der), &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_int_equal(pkey_verify_hash(key, SPAN_NONE, buf_span(&der), NULL), -1);
		assert_int_equal(pkey_verify_hash(key, span_new(hash, size), SPAN_NONE, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		hash[0] ^= 1;
		assert_int_equal(pkey_verify_hash(key, span_new(hash, size), buf_span(&der), NULL), -1);
	}
}

static void rsa_is_pkcs1_with_sha256(void **state)
{
	auto_pkey struct pkey *key = key_of(PKEY_RSA);
	auto_buf struct buf plain = BUF_MAX(1000), pss = BUF_MAX(1000);
	unsigned char hash[DIGEST_MAX];
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(pkey_rsa_sign(key, false, SPAN_LIT(MESSAGE), &plain, NULL), 0);
	assert_int_equal(pkey_rsa_sign(key, true, SPAN_LIT(MESSAGE), &pss, NULL), 0);
	digest_bytes(DIGEST_SHA256, SPAN_LIT(MESSAGE), hash);
	assert_int_equal(pkey_verify_der(key, SPAN_LIT(MESSAGE), buf_span(&plain), NULL), 0);
	assert_int_equal(pkey_verify_der(key, SPAN_LIT(MESSAGE), buf_span(&pss), &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(pkey_verify_hash(key, span_new(hash, 32), buf_span(&plain), NULL), 0);
	assert_int_equal(pkey_verify_hash(key, span_new(hash, 32), buf_span(&pss), NULL), -1);
	assert_int_equal(pkey_verify_hash(key, span_new(hash, 20), buf_span(&plain), &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

static void ed25519_needs_the_message(void **state)
{
	auto_pkey struct pkey *key = key_of(PKEY_ED25519);
	auto_buf struct buf signature = BUF_MAX(100);
	unsigned char hash[DIGEST_MAX];
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(pkey_sign(key, SPAN_LIT(MESSAGE), &signature, NULL), 0);
	assert_int_equal(pkey_verify_der(key, SPAN_LIT(MESSAGE), buf_span(&signature), NULL), 0);
	assert_int_equal(pkey_verify_der(key, SPAN_LIT("other"), buf_span(&signature), NULL), -1);
	digest_bytes(DIGEST_SHA512, SPAN_LIT(MESSAGE), hash);
	assert_int_equal(pkey_verify_hash(key, span_new(hash, 64), buf_span(&signature), &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ecdsa_verifies_in_der_and_in_no_other_form),
		cmocka_unit_test(the_hash_of_the_message_does_as_well),
		cmocka_unit_test(rsa_is_pkcs1_with_sha256),
		cmocka_unit_test(ed25519_needs_the_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
