/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates are those of tests/vectors/image/pkcs7/make.sh. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "crypto/certid.h"
#include "crypto/der.h"
#include "crypto/pkey.h"
#include "crypto/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/image/pkcs7/"

static void load(const char *name, struct buf *out)
{
	char path[200];
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), VECTORS "%s", name);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static void reads_who_a_certificate_is(void **state)
{
	static const struct {
		const char *file;
		struct span serial;
		enum pkey_kind kind;
		const char *in_issuer;
	} cases[] = {
		{ "a.pem", SPAN_LIT("\x10\x01"), PKEY_RSA, "Cocoon" },
		{ "a.der", SPAN_LIT("\x10\x01"), PKEY_RSA, "Cocoon" },
		{ "twin.pem", SPAN_LIT("\x10\x01"), PKEY_RSA, "Cocoon" },
		{ "utf8.pem", SPAN_LIT("\x10\x03"), PKEY_RSA, "ключ" },
		{ "high.pem", SPAN_LIT("\x00\xff\x80\x00\x00\x00\x00\x00\x01"), PKEY_RSA, "high" },
		{ "zero.pem", SPAN_LIT("\x00"), PKEY_RSA, "zero" },
		{ "ec.pem", SPAN_LIT("\x10\x04"), PKEY_P256, "ec" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		auto_certid struct certid *id = NULL;
		struct err err = ERR_NONE;
		load(cases[i].file, &bytes);
		if (certid_parse(buf_span(&bytes), &id, &err) < 0)
			fail_msg("%s: %s", cases[i].file, err.text);
		assert_true(span_eq(id->serial, cases[i].serial));
		assert_int_equal(pkey_kind(id->key), cases[i].kind);
		assert_false(pkey_is_private(id->key));
		assert_int_equal(id->key_id.len, 20);
		assert_true(der_is_next(id->issuer, DER_SEQUENCE));
		assert_non_null(memmem(id->issuer.ptr, id->issuer.len, cases[i].in_issuer,
				strlen(cases[i].in_issuer)));
	}
}

static void both_forms_are_the_same_certificate(void **state)
{
	auto_buf struct buf pem = BUF_MAX(65536), der = BUF_MAX(65536);
	auto_certid struct certid *a = NULL, *b = NULL;

	(void)state;
	load("a.pem", &pem);
	load("a.der", &der);
	assert_int_equal(certid_parse(buf_span(&pem), &a, NULL), 0);
	assert_int_equal(certid_parse(buf_span(&der), &b, NULL), 0);
	assert_true(span_eq(a->issuer, b->issuer) && span_eq(a->key_id, b->key_id));
	assert_true(span_eq(span_new(a->der, a->der_len), buf_span(&der)));
	assert_true(pkey_is_same(a->key, b->key));
}

/* Of a chain the first counts, which is the one that the others vouch for. */
static void the_first_of_several_counts(void **state)
{
	auto_buf struct buf text = BUF_MAX(65536);
	auto_certid struct certid *id = NULL;

	(void)state;
	buf_puts(&text, "a comment\n");
	load("zero.pem", &text);
	load("a.pem", &text);
	assert_int_equal(certid_parse(buf_span(&text), &id, NULL), 0);
	assert_true(span_eq(id->serial, SPAN_LIT("\0")));
}

static void refuses_every_truncation(void **state)
{
	auto_buf struct buf der = BUF_MAX(65536);

	(void)state;
	load("a.der", &der);
	for (size_t cut = 0; cut < der.len; cut++) {
		struct certid *id = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(certid_parse(span_new(der.ptr, cut), &id, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_null(id);
	}
}

static void refuses_what_is_no_certificate(void **state)
{
	static char much[SECRET_MAX + 1];
	auto_buf struct buf behind = BUF_MAX(65536), key = BUF_MAX(65536);
	struct certid *id = NULL;
	struct err err = ERR_NONE;

	(void)state;
	load("a.der", &behind);
	buf_putc(&behind, 'x');
	load("a.key", &key);
	assert_int_equal(certid_parse(buf_span(&behind), &id, &err), -1);
	assert_string_equal(err.text, "bytes behind the certificate");
	assert_int_equal(certid_parse(buf_span(&key), &id, &err), -1);
	assert_string_equal(err.text, "a PEM block 'PRIVATE KEY' where a certificate must be");
	assert_int_equal(certid_parse(span_new(much, sizeof(much)), &id, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(certid_parse(SPAN_LIT("\x30\x80\x00\x00"), &id, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(certid_parse(SPAN_LIT("-----BEGIN CERTIFICATE-----\nAAAA\n"), &id, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_null(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_who_a_certificate_is),
		cmocka_unit_test(both_forms_are_the_same_certificate),
		cmocka_unit_test(the_first_of_several_counts),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_what_is_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
