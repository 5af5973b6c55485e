/* SPDX-License-Identifier: Apache-2.0 */
/* The other side is the openssl command: tests/vectors/crypto/make-keys.sh made the keys there. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "crypto/pkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VECTORS  "tests/vectors/crypto/keys/"
#define PASSWORD "hunter2 9"

static void load(const char *name, struct buf *out)
{
	char path[200];
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), VECTORS "%s", name);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

/* The key of a file; password NULL for none. */
static int parse(const char *name, const char *password, struct pkey **out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(2 * SECRET_MAX);
	auto_secret struct secret secret = SECRET_NONE;

	load(name, &text);
	if (!password)
		return pkey_parse(buf_span(&text), NULL, out, err);
	assert_int_equal(secret_from_span(&secret, span_of(password), NULL), 0);
	return pkey_parse(buf_span(&text), &secret, out, err);
}

static struct pkey *key_of(const char *name, const char *password)
{
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	if (parse(name, password, &key, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return key;
}

/* ---- reading ---- */

static void reads_every_form_of_the_same_key(void **state)
{
	static const struct {
		const char *name;
		const char *same_as;
		bool is_private;
	} cases[] = {
		{ "rsa.pem", "rsa.pem", true },
		{ "rsa.der", "rsa.pem", true },
		{ "rsa-pkcs1.pem", "rsa.pem", true },
		{ "rsa-pkcs1.der", "rsa.pem", true },
		{ "rsa-pkcs1-public.pem", "rsa.pem", false },
		{ "rsa-pkcs1-public.der", "rsa.pem", false },
		{ "rsa-public.pem", "rsa.pem", false },
		{ "rsa-public.der", "rsa.pem", false },
		{ "rsa-certificate.pem", "rsa.pem", false },
		{ "rsa-certificate.der", "rsa.pem", false },
		{ "rsa-trusted.pem", "rsa.pem", false },
		{ "rsa-certificate-and-key.pem", "rsa.pem", true },
		{ "../chain.pem", "../leaf.key", false },
		{ "p256.pem", "p256.pem", true },
		{ "p256-sec1.pem", "p256.pem", true },
		{ "p256-sec1.der", "p256.pem", true },
		{ "p256-public.pem", "p256.pem", false },
		{ "p384-sec1.pem", "p384.pem", true },
		{ "p384-sec1.der", "p384.pem", true },
		{ "p384-public.pem", "p384.pem", false },
		{ "p521-sec1.pem", "p521.pem", true },
		{ "p521-sec1.der", "p521.pem", true },
		{ "p521-public.pem", "p521.pem", false },
		{ "ed25519.pem", "ed25519.pem", true },
		{ "ed25519-public.pem", "ed25519.pem", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_pkey struct pkey *key = key_of(cases[i].name, NULL),
				      *same = key_of(cases[i].same_as, NULL);
		if (!pkey_is_same(key, same) || pkey_is_private(key) != cases[i].is_private)
			fail_msg("%s", cases[i].name);
		/* a password for what needs none is no matter */
		auto_pkey struct pkey *again = key_of(cases[i].name, "x");
		assert_true(pkey_is_same(key, again));
	}
}

static void says_kind_and_size(void **state)
{
	static const struct {
		const char *name;
		enum pkey_kind kind;
		unsigned bits;
		const char *words;
	} cases[] = {
		{ "rsa.pem", PKEY_RSA, 2048, "RSA" },
		{ "p256.pem", PKEY_P256, 256, "P-256" },
		{ "p384.pem", PKEY_P384, 384, "P-384" },
		{ "p521.pem", PKEY_P521, 521, "P-521" },
		{ "ed25519.pem", PKEY_ED25519, 256, "Ed25519" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_pkey struct pkey *key = key_of(cases[i].name, NULL);
		assert_int_equal(pkey_kind(key), cases[i].kind);
		assert_string_equal(pkey_kind_name(pkey_kind(key)), cases[i].words);
		/* OpenSSL counts Ed25519's bits in its own way */
		if (cases[i].kind != PKEY_ED25519)
			assert_int_equal(pkey_bits(key), cases[i].bits);
		for (size_t j = 0; j < COUNT(cases); j++) {
			auto_pkey struct pkey *other = key_of(cases[j].name, NULL);
			assert_int_equal(pkey_is_same(key, other), i == j);
		}
	}
}

static const char *const locked[] = { "rsa-locked.pem", "rsa-locked.der", "rsa-locked-scrypt.pem",
	"rsa-locked-v1.pem", "rsa-locked-old-aes128.pem", "rsa-locked-old-aes256.pem",
	"rsa-locked-old-des3.pem", "rsa-locked-old-des.pem", "rsa-locked-old-camellia.pem",
	"p256-locked-old.pem", "p384-locked-old.pem", "p521-locked-old.pem" };

static void reads_what_a_password_guards(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(locked); i++) {
		auto_pkey struct pkey *key = key_of(locked[i], PASSWORD);
		char plain[20];
		snprintf(plain, sizeof(plain), "%.*s.pem", (int)strcspn(locked[i], "-"), locked[i]);
		auto_pkey struct pkey *same = key_of(plain, NULL);
		if (!pkey_is_same(key, same) || !pkey_is_private(key))
			fail_msg("%s", locked[i]);
	}
}

static void locked_fails(const char *name, const char *password, const char *words)
{
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	assert_int_equal(parse(name, password, &key, &err), -1);
	if (err.kind != ERR_AUTH || !span_starts(span_of(err.text), words))
		fail_msg("%s: %s", name, err.text);
}

static void a_missing_password_and_a_wrong_one_are_told_apart(void **state)
{
	static const char *const wrong[] = { "x", PASSWORD "\n", "hunter2", "Hunter2 9" };

	(void)state;
	for (size_t i = 0; i < COUNT(locked); i++) {
		locked_fails(locked[i], NULL, "the key is encrypted and needs a password");
		locked_fails(locked[i], "", "the key is encrypted and needs a password");
		for (size_t j = 0; j < COUNT(wrong); j++)
			locked_fails(locked[i], wrong[j], "the password is wrong");
	}
}

/* CBC's padding is right by chance for one wrong password in 256: those must not become "damaged key". */
static void no_wrong_password_is_a_format_error(void **state)
{
	(void)state;
	for (int i = 0; i < 1500; i++) {
		char password[20];
		struct pkey *key = NULL;
		struct err err = ERR_NONE;
		snprintf(password, sizeof(password), "wrong %d", i);
		assert_int_equal(parse("rsa-locked-old-aes128.pem", password, &key, &err), -1);
		if (err.kind != ERR_AUTH)
			fail_msg("%s: %s", password, err.text);
	}
}

static void says_what_the_bytes_look_like(void **state)
{
	static const struct {
		const char *name;
		enum err_kind kind;
		const char *words;
	} files[] = {
		{ "other/rsa1024.pem", ERR_FORMAT, "1024 bits" },
		{ "other/rsa-pss.pem", ERR_FORMAT, "RSA-PSS" },
		{ "other/x25519.pem", ERR_FORMAT, "X25519" },
		{ "other/secp256k1.pem", ERR_FORMAT, "'secp256k1'" },
		{ "other/explicit.pem", ERR_FORMAT, "spelled out" },
		{ "other/parameters.pem", ERR_FORMAT, "'EC PARAMETERS'" },
		{ "other/request.pem", ERR_FORMAT, "'CERTIFICATE REQUEST'" },
		{ "other/container.p12", ERR_FORMAT, "PKCS#12" },
		{ "other/openssh", ERR_FORMAT, "OpenSSH private key" },
		{ "other/openssh.pub", ERR_FORMAT, "OpenSSH public key" },
		{ "other/two-private.pem", ERR_FORMAT, "two private keys" },
		{ "other/bare-base64.txt", ERR_FORMAT, "base64 without the lines" },
		{ "rsa-locked-costly.pem", ERR_LIMIT, "too costly" },
		{ "rsa-locked-md5-des.pem", ERR_FORMAT, "not supported" },
		{ "rsa-locked-old-unknown.pem", ERR_FORMAT, "not supported" },
	};
	static const struct {
		struct span text;
		const char *words;
	} texts[] = {
		{ { "", 0 }, "empty" },
		{ { " \n\t ", 4 }, "empty" },
		{ { "hello", 5 }, "no key in PEM or DER" },
		{ { "\0\0\0\0", 4 }, "no key in PEM or DER" },
		{ { "{\"kty\":\"RSA\"}", 13 }, "JSON" },
		{ { "\x99\x01\x0d\x04", 4 }, "OpenPGP" },
		{ { "pkcs11:token=a", 14 }, "PKCS#11 URI" },
		{ { "\xff\xfe-\0", 4 }, "UTF-16" },
		{ { "\x30\x03\x01\x01\xff", 5 }, "no key in PEM or DER" },
		{ { "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
				  79 },
				"OpenPGP" },
		{ { "-----BEGIN PRIVATE KEY----\nAAAA\n", 32 }, "damaged" },
		{ { "-----BEGIN PRIVATE KEY-----\nAAAA\n", 33 }, "damaged" },
		{ { "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", 54 }, "" },
		{ { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 59 }, "neither a key" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct pkey *key = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(parse(files[i].name, PASSWORD, &key, &err), -1);
		if (err.kind != files[i].kind || !strstr(err.text, files[i].words))
			fail_msg("%s: %s", files[i].name, err.text);
	}
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct pkey *key = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(pkey_parse(texts[i].text, NULL, &key, &err), -1);
		if (err.kind != ERR_FORMAT || !strstr(err.text, texts[i].words))
			fail_msg("text %zu: %s", i, err.text);
	}
}

static void line_ends_and_text_around_the_blocks_are_no_matter(void **state)
{
	static const char *const names[] = { "rsa.pem", "p256-sec1.pem", "p256-public.pem",
		"rsa-certificate.pem" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		auto_buf struct buf text = BUF_MAX(SECRET_MAX), changed = BUF_MAX(SECRET_MAX);
		auto_pkey struct pkey *key = NULL, *same = key_of(names[i], NULL);
		struct span rest, line;
		load(names[i], &text);
		buf_puts(&changed, "Bag Attributes\r\n    friendlyName: one\r\n");
		for (rest = buf_span(&text); span_next(&rest, '\n', &line);) {
			buf_add_span(&changed, line);
			buf_puts(&changed, "\r\n");
		}
		buf_puts(&changed, "the end\r\n");
		assert_int_equal(pkey_parse(buf_span(&changed), NULL, &key, NULL), 0);
		assert_true(pkey_is_same(key, same));
	}
}

static void refuses_more_than_it_may_hold(void **state)
{
	static char big[SECRET_MAX + 1];
	struct pkey *key = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(pkey_parse(span_new(big, sizeof(big)), NULL, &key, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static bool reads(struct span bytes)
{
	struct pkey *key = NULL;
	struct err err = ERR_NONE;
	bool good = pkey_parse(bytes, NULL, &key, &err) == 0;

	pkey_free(key);
	assert_int_equal(err.kind, good ? ERR_OK : ERR_FORMAT);
	return good;
}

static void refuses_a_key_cut_at_any_byte(void **state)
{
	static const char *const names[] = { "rsa.der", "rsa-pkcs1.der", "rsa-pkcs1-public.der",
		"rsa-public.der", "p256-sec1.der", "p521-sec1.der", "rsa-certificate.der", "rsa-locked.der",
		"p256.pem", "ed25519.pem" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		auto_buf struct buf text = BUF_MAX(SECRET_MAX);
		bool pem = strstr(names[i], ".pem");
		load(names[i], &text);
		/* the last line end of a PEM and its last dash may go */
		for (size_t len = 0; len + (pem ? 2 : 0) < text.len; len++)
			if (reads(span_new(text.ptr, len)))
				fail_msg("%s cut at %zu", names[i], len);
		/* and text behind it is none of it */
		buf_putc(&text, 'x');
		assert_int_equal(reads(buf_span(&text)), pem);
	}
}

/* ---- making and writing ---- */

static void what_is_made_reads_back(void **state)
{
	static const enum pkey_kind kinds[] = { PKEY_RSA, PKEY_P256, PKEY_P384, PKEY_P521, PKEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		auto_pkey struct pkey *key = NULL, *private = NULL, *public = NULL;
		auto_secret struct secret text = SECRET_NONE;
		auto_buf struct buf open_text = BUF_MAX(SECRET_MAX);
		struct err err = ERR_NONE;
		assert_int_equal(pkey_generate(kinds[i], 2048, &key, &err), 0);
		assert_int_equal(pkey_format_private(key, &text, &err), 0);
		assert_int_equal(pkey_format_public(key, &open_text, &err), 0);
		assert_true(span_starts(secret_span(&text), "-----BEGIN PRIVATE KEY-----\n"));
		assert_true(span_starts(buf_span(&open_text), "-----BEGIN PUBLIC KEY-----\n"));
		assert_int_equal(pkey_parse(secret_span(&text), NULL, &private, &err), 0);
		assert_int_equal(pkey_parse(buf_span(&open_text), NULL, &public, &err), 0);
		assert_true(pkey_is_same(key, private) && pkey_is_private(private));
		assert_true(pkey_is_same(key, public) && !pkey_is_private(public));
		assert_int_equal(pkey_format_private(public, &text, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void writes_rsa_in_pkcs1_as_openssl_does(void **state)
{
	auto_buf struct buf theirs = BUF_MAX(SECRET_MAX);
	auto_pkey struct pkey *key = NULL, *curve = NULL, *public = NULL;
	auto_secret struct secret text = SECRET_NONE;
	auto_buf struct buf open_text = BUF_MAX(SECRET_MAX);
	struct err err = ERR_NONE;

	(void)state;
	load("rsa-pkcs1.pem", &theirs);
	assert_int_equal(pkey_parse(buf_span(&theirs), NULL, &key, &err), 0);
	assert_int_equal(pkey_format_pkcs1(key, &text, &err), 0);
	assert_true(secret_is(&text, buf_span(&theirs)));
	assert_int_equal(pkey_generate(PKEY_P256, 0, &curve, &err), 0);
	assert_int_equal(pkey_format_pkcs1(curve, &text, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(pkey_format_public(key, &open_text, &err), 0);
	assert_int_equal(pkey_parse(buf_span(&open_text), NULL, &public, &err), 0);
	assert_int_equal(pkey_format_pkcs1(public, &text, &err), -1);
}

static void makes_rsa_of_three_sizes_alone(void **state)
{
	static const unsigned sizes[] = { 0, 1024, 2047, 2049, 8192 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct pkey *key = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(pkey_generate(PKEY_RSA, sizes[i], &key, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form_of_the_same_key),
		cmocka_unit_test(says_kind_and_size),
		cmocka_unit_test(reads_what_a_password_guards),
		cmocka_unit_test(a_missing_password_and_a_wrong_one_are_told_apart),
		cmocka_unit_test(no_wrong_password_is_a_format_error),
		cmocka_unit_test(says_what_the_bytes_look_like),
		cmocka_unit_test(line_ends_and_text_around_the_blocks_are_no_matter),
		cmocka_unit_test(refuses_more_than_it_may_hold),
		cmocka_unit_test(refuses_a_key_cut_at_any_byte),
		cmocka_unit_test(what_is_made_reads_back),
		cmocka_unit_test(writes_rsa_in_pkcs1_as_openssl_does),
		cmocka_unit_test(makes_rsa_of_three_sizes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
