/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pkcs12.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "crypto/pkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PASSWORD "cocoon-test-0123"

static void file_read(const char *name, struct buf *out)
{
	auto_free char *path = xasprintf("tests/vectors/crypto/pkcs12/%s", name);
	struct err err = ERR_NONE;

	buf_init(out, SECRET_MAX);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static int open_bytes(struct span der, const char *password, struct pkey **out, struct err *err)
{
	auto_secret struct secret secret = SECRET_NONE;

	assert_int_equal(secret_from_span(&secret, span_of(password), NULL), 0);
	return pkcs12_key(der, &secret, out, err);
}

static void is_the_known_key(const struct pkey *key)
{
	auto_pkey struct pkey *known = NULL;
	auto_buf struct buf text = BUF_MAX(SECRET_MAX);

	file_read("key-alone.key", &text);
	assert_int_equal(pkey_parse(buf_span(&text), NULL, &known, NULL), 0);
	assert_true(pkey_is_private(key));
	assert_true(pkey_is_same(key, known));
}

static void opens_what_vendors_issue(void **state)
{
	static const char *const files[] = { "key-alone.p12", "vendor.p12", "modern.p12" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_buf struct buf der = BUF_MAX(0);
		auto_pkey struct pkey *key = NULL;
		struct err err = ERR_NONE;
		file_read(files[i], &der);
		if (open_bytes(buf_span(&der), PASSWORD, &key, &err) < 0)
			fail_msg("%s: %s", files[i], err.text);
		is_the_known_key(key);
	}
}

static void refuses_other_files(void **state)
{
	static const struct {
		const char *file;
		const char *password;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{ "vendor.p12", "cocoon-test-0124", ERR_AUTH, "password is wrong" },
		{ "vendor.p12", PASSWORD "\n", ERR_AUTH, "password is wrong" },
		{ "vendor.p12", "", ERR_AUTH, "needs a password" },
		{ "empty-password.p12", "", ERR_AUTH, "needs a password" },
		{ "no-mac.p12", PASSWORD, ERR_FORMAT, "no MAC" },
		{ "no-key.p12", PASSWORD, ERR_FORMAT, "no private key" },
		{ "key-in-the-clear.p12", PASSWORD, ERR_FORMAT, "no private key" },
		{ "key-under-rc2.p12", PASSWORD, ERR_FORMAT, "not supported" },
		{ "costly-mac.p12", PASSWORD, ERR_LIMIT, "too costly" },
		{ "costly-key.p12", PASSWORD, ERR_LIMIT, "too costly" },
		{ "key-alone.key", PASSWORD, ERR_FORMAT, "no PKCS#12" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf der = BUF_MAX(0);
		auto_pkey struct pkey *key = NULL;
		struct err err = ERR_NONE;
		file_read(cases[i].file, &der);
		assert_int_equal(open_bytes(buf_span(&der), cases[i].password, &key, &err), -1);
		assert_null(key);
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].says))
			fail_msg("%s: %s: %s", cases[i].file, err_kind_name(err.kind), err.text);
	}
}

static void refuses_a_file_cut_at_any_byte(void **state)
{
	auto_buf struct buf der = BUF_MAX(0);
	auto_pkey struct pkey *key = NULL;

	(void)state;
	file_read("key-alone.p12", &der);
	for (size_t len = 0; len < der.len; len++) {
		auto_free char *copy = xmemdup0(der.ptr, len);
		assert_int_equal(open_bytes(span_new(copy, len), PASSWORD, &key, NULL), -1);
	}
	buf_putc(&der, '\0');
	assert_int_equal(open_bytes(buf_span(&der), PASSWORD, &key, NULL), -1);
}

/* The MAC covers everything that counts; where a flipped bit does not matter, the key is the same. */
static void notices_every_flipped_bit(void **state)
{
	auto_buf struct buf der = BUF_MAX(0);

	(void)state;
	file_read("key-alone.p12", &der);
	for (size_t at = 0; at < der.len; at += 7) {
		auto_pkey struct pkey *key = NULL;
		struct err err = ERR_NONE;
		/* not in the number of rounds, which could make it slow */
		if (at + 4 >= der.len)
			break;
		der.ptr[at] ^= 4;
		if (open_bytes(buf_span(&der), PASSWORD, &key, &err) == 0)
			is_the_known_key(key);
		der.ptr[at] ^= 4;
	}
}

static void refuses_more_than_its_ceiling(void **state)
{
	auto_free char *big = xcalloc(1, SECRET_MAX + 1);
	auto_pkey struct pkey *key = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(open_bytes(span_new(big, SECRET_MAX + 1), PASSWORD, &key, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_vendors_issue),
		cmocka_unit_test(refuses_other_files),
		cmocka_unit_test(refuses_a_file_cut_at_any_byte),
		cmocka_unit_test(notices_every_flipped_bit),
		cmocka_unit_test(refuses_more_than_its_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
