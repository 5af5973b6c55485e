/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/image/pkcs7/make.sh made the messages: ocicrypt, old and new, and the openssl command. */
#include "crypto/certid.h"
#include "crypto/der.h"
#include "crypto/secret.h"
#include "image/cms.h"
#include "tests/image/wrapping.h"

#define PKCS7 VECTORS "pkcs7/"

static int parse_file(const char *name, struct buf *bytes, struct cms *cms, struct err *err)
{
	char path[200];

	snprintf(path, sizeof(path), PKCS7 "%s.cms", name);
	load(path, bytes);
	return cms_parse(buf_span(bytes), cms, err);
}

static void reads_what_peers_write(void **state)
{
	static const struct {
		const char *name;
		size_t count, others;
		enum cms_transport transport;
		enum cms_cipher cipher;
		size_t key_len, nonce_len, content_len;
	} cases[] = {
		{ "go-old-a", 1, 0, CMS_RSA_PKCS1, CMS_AES_GCM, 16, 12, 209 },
		{ "go-new-a", 1, 0, CMS_RSA_PKCS1, CMS_AES_GCM, 16, 12, 209 },
		{ "go-old-three", 3, 0, CMS_RSA_PKCS1, CMS_AES_GCM, 16, 12, 209 },
		{ "go-new-three", 3, 0, CMS_RSA_PKCS1, CMS_AES_GCM, 16, 12, 209 },
		{ "openssl-aes128", 1, 0, CMS_RSA_PKCS1, CMS_AES_CBC, 16, 16, 208 },
		{ "openssl-aes192", 1, 0, CMS_RSA_PKCS1, CMS_AES_CBC, 24, 16, 208 },
		{ "openssl-aes256", 1, 0, CMS_RSA_PKCS1, CMS_AES_CBC, 32, 16, 208 },
		{ "openssl-des3", 1, 0, CMS_RSA_PKCS1, CMS_TRIPLE_DES_CBC, 24, 8, 200 },
		{ "openssl-indefinite", 1, 0, CMS_RSA_PKCS1, CMS_AES_CBC, 32, 16, 208 },
		{ "openssl-keyid", 1, 0, CMS_RSA_PKCS1, CMS_AES_CBC, 32, 16, 208 },
		{ "openssl-oaep", 1, 0, CMS_RSA_OAEP_SHA1, CMS_AES_CBC, 32, 16, 208 },
		{ "openssl-oaep256", 1, 0, CMS_RSA_OAEP_SHA256, CMS_AES_CBC, 32, 16, 208 },
		{ "openssl-oaepmixed", 1, 0, CMS_TRANSPORT_OTHER, CMS_AES_CBC, 32, 16, 208 },
		{ "openssl-kari", 1, 1, CMS_RSA_PKCS1, CMS_AES_CBC, 32, 16, 208 },
		{ "openssl-kari-alone", 0, 1, CMS_RSA_PKCS1, CMS_AES_CBC, 32, 16, 208 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		auto_cms struct cms cms = CMS_NONE;
		struct err err = ERR_NONE;
		if (parse_file(cases[i].name, &bytes, &cms, &err) < 0)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_int_equal(cms.count, cases[i].count);
		assert_int_equal(cms.others, cases[i].others);
		assert_int_equal(cms.cipher, cases[i].cipher);
		assert_int_equal(cms.key_len, cases[i].key_len);
		assert_int_equal(cms.nonce.len, cases[i].nonce_len);
		assert_int_equal(cms.content.len, cases[i].content_len);
		for (size_t j = 0; j < cms.count; j++) {
			assert_int_equal(cms.recipients[j].transport, cases[i].transport);
			assert_int_equal(cms.recipients[j].key.len, 256);
		}
	}
}

static void says_what_it_does_not_read(void **state)
{
	static const struct {
		const char *name, *reason;
	} cases[] = {
		{ "openssl-authenveloped", "the message is AuthEnvelopedData; only EnvelopedData is read" },
		{ "openssl-signed", "the message is SignedData; only EnvelopedData is read" },
		{ "openssl-des", "the content is under DES-CBC, whose keys are guessed in hours: not read" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		auto_cms struct cms cms = CMS_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(parse_file(cases[i].name, &bytes, &cms, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_string_equal(err.text, cases[i].reason);
	}
}

static void refuses_every_truncation(void **state)
{
	static const char *const names[] = { "go-old-a", "go-new-a", "openssl-indefinite", "openssl-oaep256",
		"openssl-keyid" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		auto_cms struct cms cms = CMS_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(parse_file(names[i], &bytes, &cms, &err), 0);
		for (size_t cut = 0; cut < bytes.len; cut++) {
			assert_int_equal(cms_parse(span_new(bytes.ptr, cut), &cms, &err), -1);
			assert_int_equal(err.kind, ERR_FORMAT);
			assert_int_equal(cms.count, 0);
		}
		buf_putc(&bytes, '\0');
		assert_int_equal(cms_parse(buf_span(&bytes), &cms, &err), -1);
		assert_string_equal(err.text, "1 bytes behind the message");
	}
}

/* Every flipped bit is refused, or gives a message of the same shape or another one: never anything out of bounds. */
static void survives_every_flipped_bit(void **state)
{
	static const char *const names[] = { "go-old-three", "openssl-indefinite", "openssl-oaep256" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536);
		auto_cms struct cms cms = CMS_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(parse_file(names[i], &bytes, &cms, &err), 0);
		for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
			bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ 1 << bit % 8);
			if (cms_parse(buf_span(&bytes), &cms, &err) == 0)
				assert_true(cms.content.len <= bytes.len && cms.nonce.len <= 64);
			bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ 1 << bit % 8);
		}
	}
}

/* A message to `count` recipients with keys of one byte. */
static void make(size_t count, struct buf *out)
{
	auto_cms struct cms cms = CMS_NONE;
	struct cms_recipient recipient = { .issuer = SPAN_LIT("\x30\x00"),
		.serial = SPAN_LIT("\x01"),
		.transport = CMS_RSA_PKCS1,
		.key = SPAN_LIT("k") };

	cms.key_len = 16;
	cms.nonce = SPAN_LIT("abcdefghijkl");
	buf_puts(&cms.content, "content");
	for (size_t i = 0; i < count; i++)
		cms_add(&cms, &recipient);
	cms_format(&cms, out);
}

static void writes_the_bytes_of_ocicrypt(void **state)
{
	static const char expected[] = "\x30\x6a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x5d\x30\x5b"
				       "\x02\x01\x00\x31\x1c"
				       "\x30\x1a\x02\x01\x00\x30\x05\x30\x00\x02\x01\x01\x30\x0b\x06\x09\x2a"
				       "\x86\x48\x86\xf7\x0d"
				       "\x01\x01\x01\x04\x01\x6b\x30\x38\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
				       "\x07\x01\x30\x20\x06"
				       "\x09\x60\x86\x48\x01\x65\x03\x04\x01\x06\x10\x13\x30\x11\x84\x0c"
				       "abcdefghijkl\x02\x01\x10\xa0\x09\x04\x07"
				       "content";
	auto_buf struct buf out = BUF_MAX(4096);

	(void)state;
	make(1, &out);
	assert_int_equal(out.len, sizeof(expected) - 1);
	assert_memory_equal(out.ptr, expected, out.len);
}

/* What ocicrypt's older release wrote, taken apart and put together again, is the same. */
static void writes_again_what_the_old_release_wrote(void **state)
{
	static const char *const names[] = { "go-old-a", "go-old-utf8", "go-old-high", "go-old-zero",
		"go-old-three" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_buf struct buf bytes = BUF_MAX(65536), again = BUF_MAX(65536);
		auto_cms struct cms cms = CMS_NONE;
		assert_int_equal(parse_file(names[i], &bytes, &cms, NULL), 0);
		cms_format(&cms, &again);
		assert_true(span_eq(buf_span(&bytes), buf_span(&again)));
	}
}

static void a_thousand_recipients_are_read_and_not_more(void **state)
{
	auto_buf struct buf most = BUF_MAX(1000000), over = BUF_MAX(1000000);
	auto_cms struct cms cms = CMS_NONE;
	struct err err = ERR_NONE;

	(void)state;
	make(CMS_RECIPIENTS_MAX, &most);
	make(CMS_RECIPIENTS_MAX + 1, &over);
	assert_int_equal(cms_parse(buf_span(&most), &cms, &err), 0);
	assert_int_equal(cms.count, CMS_RECIPIENTS_MAX);
	assert_int_equal(cms_parse(buf_span(&over), &cms, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(cms.count, 0);
}

/* EnvelopedData around one content's cipher and content. */
static void envelop(struct span cipher, struct span content, struct buf *out)
{
	der_put(out, DER_OID, SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"));
	size_t enveloped = out->len;
	der_put(out, DER_INTEGER, SPAN_LIT("\0"));
	der_put(out, DER_SET, SPAN_NONE);
	size_t info = out->len;
	der_put(out, DER_OID, SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"));
	der_put(out, DER_SEQUENCE, cipher);
	buf_add_span(out, content);
	der_wrap(out, info, DER_SEQUENCE);
	der_wrap(out, enveloped, DER_SEQUENCE);
	der_wrap(out, enveloped, DER_CONTEXT_C(0));
	der_wrap(out, 0, DER_SEQUENCE);
}

#define AES_OID "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"

static void reads_gcm_as_rfc_5084_has_it(void **state)
{
	static const struct {
		struct span cipher;
		const char *reason; /* NULL: read */
		size_t key_len;
	} cases[] = {
		{ SPAN_LIT(AES_OID "\x06\x30\x07\x04\x02no\x02\x01\x10"), NULL, 16 },
		{ SPAN_LIT(AES_OID "\x1a\x30\x07\x04\x02no\x02\x01\x10"), NULL, 24 },
		{ SPAN_LIT(AES_OID "\x2e\x30\x07\x04\x02no\x02\x01\x10"), NULL, 32 },
		{ SPAN_LIT(AES_OID "\x2e\x10\x09\x30\x07\x84\x02no\x02\x01\x10"), NULL, 32 },
		{ SPAN_LIT(AES_OID "\x2e\x30\x04\x04\x02no"), "GCM with a tag of 12 bytes; only 16 are read",
				0 },
		{ SPAN_LIT(AES_OID "\x2e\x30\x07\x04\x02no\x02\x01\x0c"),
				"GCM with a tag of 12 bytes; only 16 are read", 0 },
		{ SPAN_LIT(AES_OID "\x2e\x30\x07\x04\x02no\x02\x01\xff"), "no number up to 16", 0 },
		{ SPAN_LIT(AES_OID "\x2e\x30\x02\x04\x00"), "a nonce of GCM of 0 bytes", 0 },
		{ SPAN_LIT(AES_OID "\x2e\x30\x03\x02\x01\x05"), "the nonce of GCM has the tag 0x02", 0 },
		{ SPAN_LIT(AES_OID "\x2e\x05\x00"), "the parameters of GCM have the tag 0x05", 0 },
		{ SPAN_LIT(AES_OID "\x2e"), "the bytes end before the parameters of GCM", 0 },
		{ SPAN_LIT(AES_OID "\x05\x05\x00"), "the content's cipher is none that we know", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf bytes = BUF_MAX(4096);
		auto_cms struct cms cms = CMS_NONE;
		struct err err = ERR_NONE;
		envelop(cases[i].cipher, SPAN_LIT("\x80\x02hi"), &bytes);
		int status = cms_parse(buf_span(&bytes), &cms, &err);
		if (status != (cases[i].reason ? -1 : 0) ||
				(cases[i].reason && !strstr(err.text, cases[i].reason)))
			fail_msg("case %zu: %s", i, err.text);
		if (status < 0)
			continue;
		assert_int_equal(cms.key_len, cases[i].key_len);
		assert_true(span_is(cms.nonce, "no"));
		assert_string_equal(buf_text(&cms.content), "hi");
	}
}

static void the_content_has_bounds(void **state)
{
	auto_buf struct buf content = BUF_MAX(SECRET_MAX + 100), bytes = BUF_MAX(SECRET_MAX + 1000);
	auto_cms struct cms cms = CMS_NONE;
	struct span cipher = SPAN_LIT(AES_OID "\x06\x30\x07\x04\x02no\x02\x01\x10");
	struct err err = ERR_NONE;

	(void)state;
	memset(buf_room(&content, SECRET_MAX + 1), 'x', SECRET_MAX + 1);
	buf_grew(&content, SECRET_MAX + 1);
	der_wrap(&content, 0, DER_CONTEXT(0));
	envelop(cipher, buf_span(&content), &bytes);
	assert_int_equal(cms_parse(buf_span(&bytes), &cms, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_reset(&bytes);
	envelop(cipher, SPAN_NONE, &bytes);
	assert_int_equal(cms_parse(buf_span(&bytes), &cms, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_string_equal(err.text, "the content stands elsewhere: not in the message");
}

static void refuses_what_is_no_message(void **state)
{
	static const struct span cases[] = { SPAN_LIT(""), SPAN_LIT("\x30\x00"), SPAN_LIT("\x31\x00"),
		SPAN_LIT("\x30\x80\x00\x00"), SPAN_LIT("\x30\x03\x06\x01\x2a"),
		SPAN_LIT("{\"protected\":\"\"}"), SPAN_LIT("-----BEGIN PKCS7-----\n"),
		SPAN_LIT("\x30\x84\xff\xff\xff\xff\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03") };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_cms struct cms cms = CMS_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(cms_parse(cases[i], &cms, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_peers_write),
		cmocka_unit_test(says_what_it_does_not_read),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(survives_every_flipped_bit),
		cmocka_unit_test(writes_the_bytes_of_ocicrypt),
		cmocka_unit_test(writes_again_what_the_old_release_wrote),
		cmocka_unit_test(a_thousand_recipients_are_read_and_not_more),
		cmocka_unit_test(reads_gcm_as_rfc_5084_has_it),
		cmocka_unit_test(the_content_has_bounds),
		cmocka_unit_test(refuses_what_is_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
