/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/image/pkcs7/make.sh made keys, certificates and messages. */
#include "crypto/der.h"
#include "image/cms.h"
#include "tests/image/wrapping.h"

#include <stdlib.h>
#include <unistd.h>

#define PKCS7 VECTORS "pkcs7/"

static const struct wrap_settings settings;

static int open_file(const char *const *keys, const char *name, struct secret *out, struct err *err)
{
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	char path[200];

	snprintf(path, sizeof(path), PKCS7 "%s.cms", name);
	load(path, &element);
	return open_with(&wrap_pkcs7, &settings, keys, buf_span(&element), out, err);
}

static void opens_what_peers_wrote(void **state)
{
	static const struct {
		const char *certificate, *message;
	} cases[] = {
		{ "a.pem", "go-old-a" },
		{ "a.der", "go-new-a" },
		{ "utf8.pem", "go-old-utf8" },
		{ "utf8.pem", "go-new-utf8" },
		{ "high.pem", "go-old-high" },
		{ "high.pem", "go-new-high" },
		{ "zero.pem", "go-old-zero" },
		{ "zero.pem", "go-new-zero" },
		{ "a.pem", "go-old-three" },
		{ "a.pem", "go-new-three" },
		{ "a.pem", "openssl-aes128" },
		{ "a.pem", "openssl-aes192" },
		{ "a.pem", "openssl-aes256" },
		{ "a.pem", "openssl-des3" },
		{ "a.pem", "openssl-indefinite" },
		{ "a.pem", "openssl-keyid" },
		{ "a.pem", "openssl-oaep" },
		{ "a.pem", "openssl-oaep256" },
		{ "a.pem", "openssl-kari" },
	};
	auto_buf struct buf options = BUF_MAX(4096);

	(void)state;
	load(VECTORS "options.json", &options);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_secret struct secret out = SECRET_NONE;
		char certificate[200];
		const char *keys[] = { PKCS7 "a.key", certificate, NULL };
		struct err err = ERR_NONE;
		snprintf(certificate, sizeof(certificate), PKCS7 "%s", cases[i].certificate);
		if (open_file(keys, cases[i].message, &out, &err) < 0)
			fail_msg("%s: %s", cases[i].message, err.text);
		assert_true(secret_is(&out, buf_span(&options)));
	}
}

static void the_order_of_the_keys_does_not_count(void **state)
{
	static const char *const keys[] = { PKCS7 "zero.pem", PKCS7 "b.pem", PKCS7 "a.pem", PKCS7 "a.key",
		NULL };
	auto_secret struct secret out = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(open_file(keys, "go-old-a", &out, &err), 0);
	assert_int_equal(open_file(keys, "go-old-zero", &out, &err), 0);
}

static void says_why_it_cannot_open(void **state)
{
	static const struct {
		const char *key, *certificate, *message, *reason;
		enum err_kind kind;
	} cases[] = {
		{ "a.key", "utf8.pem", "go-old-a",
				"the message has 1 recipients, and this certificate is none of them",
				ERR_AUTH },
		{ "a.key", "zero.pem", "go-old-three",
				"the message has 3 recipients, and this certificate is none of them",
				ERR_AUTH },
		{ "a.key", NULL, "go-old-a",
				"PKCS#7 needs the certificate beside the private key: give it as one more "
				"key",
				ERR_USAGE },
		{ "a.pem", NULL, "go-old-a",
				"the message is for this certificate, but its private key is not among the "
				"keys",
				ERR_USAGE },
		{ "a.pem", NULL, "go-old-zero",
				"the message has 1 recipients, and this certificate is none of them",
				ERR_AUTH },
		{ "a.key", "a.pem", "openssl-oaepmixed",
				"the key is under neither RSAES-PKCS1 nor an RSAES-OAEP that we read",
				ERR_USAGE },
		{ "a.key", "a.pem", "openssl-kari-alone",
				"the message has 1 recipients, and this certificate is none of them",
				ERR_AUTH },
		{ "a.key", "a.pem", "openssl-authenveloped",
				"the message is AuthEnvelopedData; only EnvelopedData is read", ERR_USAGE },
		{ "a.key", "a.pem", "openssl-des",
				"the content is under DES-CBC, whose keys are guessed in hours: not read",
				ERR_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_secret struct secret out = SECRET_NONE;
		char key[200], certificate[200];
		const char *keys[] = { key, cases[i].certificate ? certificate : NULL, NULL };
		struct err err = ERR_NONE;
		snprintf(key, sizeof(key), PKCS7 "%s", cases[i].key);
		snprintf(certificate, sizeof(certificate), PKCS7 "%s",
				cases[i].certificate ? cases[i].certificate : "");
		assert_int_equal(open_file(keys, cases[i].message, &out, &err), -1);
		assert_string_equal(err.text, cases[i].reason);
		assert_int_equal(err.kind, cases[i].kind);
		assert_int_equal(out.len, 0);
	}
}

static void what_is_wrong_behind_cbc_does_not_show(void **state)
{
	static const char *const keys[] = { PKCS7 "a.key", PKCS7 "a.pem", NULL };
	static const char *const names[] = { "openssl-aes128", "openssl-aes256", "openssl-des3" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_buf struct buf message = BUF_MAX(WRAP_ELEMENT_MAX);
		char path[200];
		snprintf(path, sizeof(path), PKCS7 "%s.cms", names[i]);
		load(path, &message);
		/* the last two blocks: text and padding */
		for (size_t bit = 0; bit < 8 * (size_t)32; bit++) {
			auto_secret struct secret out = SECRET_NONE;
			struct err err = ERR_NONE;
			char *at = message.ptr + message.len - 1 - bit / 8;
			*at = (char)(*at ^ 1 << bit % 8);
			assert_int_equal(open_with(&wrap_pkcs7, &settings, keys, buf_span(&message), &out,
							 &err),
					-1);
			assert_string_equal(err.text, "decryption failed");
			assert_int_equal(err.kind, ERR_AUTH);
			*at = (char)(*at ^ 1 << bit % 8);
		}
	}
}

static void takes_the_keys_that_it_can_use(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(keys_add(&keys, PKCS7 "a.key", &err), 0);
	assert_int_equal(keys_add(&keys, PKCS7 "a.pem", &err), 0);
	assert_int_equal(keys_add(&keys, PKCS7 "zero.pem", &err), 0);
	assert_int_equal(keys_add(&keys, PKCS7 "b.pem", &err), 0);
	assert_int_equal(keys_add_provider(&keys, "attestation-agent", "", &err), 0);
	assert_int_equal(wrap_pkcs7.openers(&settings, &keys, &list, &err), 0);
	assert_int_equal(list.count, 3);
	for (size_t i = 0; i < 4; i++)
		assert_true(keys.items[i].used);
	assert_false(keys.items[4].used);
	for (size_t i = 0; i < list.count; i++) {
		assert_string_equal(list.items[i]->scheme, "pkcs7");
		assert_false(list.items[i]->remote);
	}
	assert_string_equal(list.items[0]->name, "key '" PKCS7 "a.key' with certificate '" PKCS7 "a.pem'");
	assert_string_equal(list.items[2]->name, "certificate '" PKCS7 "b.pem'");
}

static void what_it_wraps_it_opens(void **state)
{
	static const char *const certificates[] = { "a.pem", "a.der", "utf8.pem", "high.pem", "zero.pem" };
	auto_buf struct buf options = BUF_MAX(4096);

	(void)state;
	load(VECTORS "options.json", &options);
	for (size_t i = 0; i < sizeof(certificates) / sizeof(*certificates); i++) {
		auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret out = SECRET_NONE;
		char certificate[200];
		const char *keys[] = { certificate, PKCS7 "a.key", NULL };
		struct err err = ERR_NONE;
		snprintf(certificate, sizeof(certificate), PKCS7 "%s", certificates[i]);
		if (wrap_to(&wrap_pkcs7, &settings, certificate, buf_span(&options), &element, &err) < 0)
			fail_msg("%s", err.text);
		if (open_with(&wrap_pkcs7, &settings, keys, buf_span(&element), &out, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(secret_is(&out, buf_span(&options)));
	}
}

/* The element of another run differs, and in nothing but what is random. */
static void writes_what_the_old_release_writes(void **state)
{
	auto_buf struct buf options = BUF_MAX(4096), peer = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX), twin = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_cms struct cms ours = CMS_NONE, theirs = CMS_NONE, other = CMS_NONE;
	struct span text = SPAN_NONE;

	(void)state;
	load(VECTORS "options.json", &options);
	load(PKCS7 "go-old-utf8.cms", &peer);
	text = buf_span(&options);
	assert_int_equal(wrap_to(&wrap_pkcs7, &settings, PKCS7 "utf8.pem", text, &element, NULL), 0);
	assert_int_equal(wrap_to(&wrap_pkcs7, &settings, PKCS7 "utf8.pem", text, &twin, NULL), 0);
	assert_int_equal(cms_parse(buf_span(&element), &ours, NULL), 0);
	assert_int_equal(cms_parse(buf_span(&twin), &other, NULL), 0);
	assert_int_equal(cms_parse(buf_span(&peer), &theirs, NULL), 0);
	assert_int_equal(element.len, peer.len);
	assert_true(span_eq(ours.recipients[0].issuer, theirs.recipients[0].issuer));
	assert_true(span_eq(ours.recipients[0].serial, theirs.recipients[0].serial));
	assert_int_equal(ours.recipients[0].key.len, theirs.recipients[0].key.len);
	assert_int_equal(ours.content.len, theirs.content.len);
	assert_false(span_eq(ours.nonce, other.nonce));
	assert_false(span_eq(ours.recipients[0].key, other.recipients[0].key));
	assert_false(span_eq(buf_span(&ours.content), buf_span(&other.content)));
}

static void refuses_recipients_that_cannot_be(void **state)
{
	static const struct {
		const char *path, *reason;
	} cases[] = {
		{ PKCS7 "ec.pem", "has a P-256 key; PKCS#7 needs RSA (jwe: takes others)" },
		{ PKCS7 "a.key", "a PEM block 'PRIVATE KEY' where a certificate must be" },
		{ PKCS7 "go-old-a.cms", "reading the certificate '" PKCS7 "go-old-a.cms'" },
		{ PKCS7 "make.sh", "no certificate in PEM form" },
		{ PKCS7 "none.pem", PKCS7 "none.pem" },
		{ "", "" },
		{ "/dev/null", "a certificate of 0 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipient *recipient = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(wrap_pkcs7.recipient(&settings, cases[i].path, &recipient, &err), -1);
		assert_null(recipient);
		if (!strstr(err.text, cases[i].reason))
			fail_msg("%s: %s", cases[i].path, err.text);
	}
}

/* A bit of the key, the nonce or the content: one text for all, and no plaintext. */
static void a_flipped_bit_is_noticed_and_not_explained(void **state)
{
	static const char *const keys[] = { PKCS7 "a.key", PKCS7 "a.pem", NULL };
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_cms struct cms cms = CMS_NONE;
	char first[ERR_TEXT_MAX] = "";

	(void)state;
	load(PKCS7 "go-old-a.cms", &element);
	assert_int_equal(cms_parse(buf_span(&element), &cms, NULL), 0);
	size_t key = (size_t)(cms.recipients[0].key.ptr - element.ptr);
	size_t nonce = (size_t)(cms.nonce.ptr - element.ptr);
	const size_t places[] = { key + 1, key + 100, key + 255, nonce, nonce + 11, element.len - 209,
		element.len - 1 };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		element.ptr[places[i]] ^= 1;
		assert_int_equal(open_with(&wrap_pkcs7, &settings, keys, buf_span(&element), &out, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		if (!i)
			memcpy(first, err.text, sizeof(first));
		assert_string_equal(err.text, first);
		assert_int_equal(out.len, 0);
		element.ptr[places[i]] ^= 1;
	}
}

/* A key that decrypts to another length than the cipher's is no way to learn about the padding either. */
static void an_encrypted_key_of_another_size_is_refused_alike(void **state)
{
	static const char *const keys[] = { PKCS7 "a.key", PKCS7 "a.pem", NULL };
	auto_buf struct buf peer = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_cms struct cms cms = CMS_NONE;
	static const size_t sizes[] = { 0, 1, 255, 257 };
	char bytes[257] = "";

	(void)state;
	load(PKCS7 "go-old-a.cms", &peer);
	assert_int_equal(cms_parse(buf_span(&peer), &cms, NULL), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		cms.recipients[0].key = span_new(bytes, sizes[i]);
		cms_format(&cms, &element);
		assert_int_equal(open_with(&wrap_pkcs7, &settings, keys, buf_span(&element), &out, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_int_equal(out.len, 0);
	}
}

/* The certificate's issuer and serial stand there twice; the second key is the one that opens. */
static void a_name_that_stands_there_twice_is_tried_twice(void **state)
{
	static const char *const keys[] = { PKCS7 "a.key", PKCS7 "a.pem", NULL };
	auto_buf struct buf peer = BUF_MAX(WRAP_ELEMENT_MAX), element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_cms struct cms cms = CMS_NONE;
	auto_secret struct secret out = SECRET_NONE;
	char zeros[256] = "";

	(void)state;
	load(PKCS7 "go-old-a.cms", &peer);
	assert_int_equal(cms_parse(buf_span(&peer), &cms, NULL), 0);
	cms_add(&cms, &cms.recipients[0]);
	cms.recipients[0].key = span_new(zeros, sizeof(zeros));
	cms_format(&cms, &element);
	assert_int_equal(open_with(&wrap_pkcs7, &settings, keys, buf_span(&element), &out, NULL), 0);
	assert_int_equal(out.len, 193);
}

/* A serial number that somebody wrote with a byte too many, or as a negative number, is still the number. */
static void serial_numbers_are_compared_as_numbers(void **state)
{
	static const struct {
		const char *certificate;
		struct span serial;
		bool same;
	} cases[] = {
		{ "high.pem", SPAN_LIT("\x00\xff\x80\x00\x00\x00\x00\x00\x01"), true },
		{ "high.pem", SPAN_LIT("\x00\x00\xff\x80\x00\x00\x00\x00\x00\x01"), true },
		{ "high.pem", SPAN_LIT("\xff\x80\x00\x00\x00\x00\x00\x01"), false },
		{ "zero.pem", SPAN_LIT("\x00\x00"), true },
		{ "zero.pem", SPAN_LIT("\x01"), false },
		{ "zero.pem", SPAN_LIT(""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf peer = BUF_MAX(WRAP_ELEMENT_MAX), element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret out = SECRET_NONE;
		auto_cms struct cms cms = CMS_NONE;
		char path[200], certificate[200];
		const char *keys[] = { PKCS7 "a.key", certificate, NULL };
		snprintf(certificate, sizeof(certificate), PKCS7 "%s", cases[i].certificate);
		snprintf(path, sizeof(path), PKCS7 "go-old-%.4s.cms", cases[i].certificate);
		load(path, &peer);
		assert_int_equal(cms_parse(buf_span(&peer), &cms, NULL), 0);
		cms.recipients[0].serial = cases[i].serial;
		cms_format(&cms, &element);
		assert_int_equal(open_with(&wrap_pkcs7, &settings, keys, buf_span(&element), &out, NULL),
				cases[i].same ? 0 : -1);
	}
}

static void opens_one_among_a_thousand_recipients(void **state)
{
	static const char *const keys[] = { PKCS7 "a.key", PKCS7 "a.pem", NULL };
	auto_buf struct buf peer = BUF_MAX(WRAP_ELEMENT_MAX), element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_cms struct cms cms = CMS_NONE;
	auto_secret struct secret out = SECRET_NONE;

	(void)state;
	load(PKCS7 "go-old-a.cms", &peer);
	assert_int_equal(cms_parse(buf_span(&peer), &cms, NULL), 0);
	struct cms_recipient other = cms.recipients[0];
	struct cms_recipient own = other;
	other.serial = SPAN_LIT("\x66");
	cms.recipients[0] = other;
	for (size_t i = 0; i < 998; i++)
		cms_add(&cms, &other);
	cms_add(&cms, &own);
	cms_format(&cms, &element);
	assert_int_equal(open_with(&wrap_pkcs7, &settings, keys, buf_span(&element), &out, NULL), 0);
	assert_int_equal(out.len, 193);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_peers_wrote),
		cmocka_unit_test(the_order_of_the_keys_does_not_count),
		cmocka_unit_test(says_why_it_cannot_open),
		cmocka_unit_test(what_is_wrong_behind_cbc_does_not_show),
		cmocka_unit_test(takes_the_keys_that_it_can_use),
		cmocka_unit_test(what_it_wraps_it_opens),
		cmocka_unit_test(writes_what_the_old_release_writes),
		cmocka_unit_test(refuses_recipients_that_cannot_be),
		cmocka_unit_test(a_flipped_bit_is_noticed_and_not_explained),
		cmocka_unit_test(an_encrypted_key_of_another_size_is_refused_alike),
		cmocka_unit_test(a_name_that_stands_there_twice_is_tried_twice),
		cmocka_unit_test(serial_numbers_are_compared_as_numbers),
		cmocka_unit_test(opens_one_among_a_thousand_recipients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
