/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of a TPM made without one: an RSA key, and a quote put together by hand. */
#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "tee/quote.h"
#include "tee/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define REPORT_DATA \
	"f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4ac8fa113bf56cd26ae87784870acc70b7"
#define MESSAGE                                                                  \
	"/1RDR4AYACIACyIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiACDzdk5Tg6qmi+" \
	"vO3uN1RZ20FCMuoPefCDrcQJdbRD4OSgAAAA"                                   \
	"AAAAPoAAAAAQAAAAABICADEgASAAAAAAABAAsD////ACCKf3ST5PL5JZwrKoMhAmHK+7QvcMlWshmhpsHSJm6xNg=="
#define SIGNATURE                                                                                   \
	"ABQACwEAm9I9aZbZCv6mT7EXiFnBwdEA3jGCgePCbz/v3eVlP5KVr083y9Imo8goplshDpy6Xv8I0xbzIFLD83V//" \
	"Q97jfXJkMQnaEVZVKU"                                                                        \
	"PpS78DMatt0WYBs306wmzJPEoRGF+1D9NjhUf7VUACpUF70Zpn9m9U0115eSPukibMp5Bqgln+"                \
	"70kqjFDD1P479MApg7oJgUgIvoXTlgekX"                                                         \
	"2UW72pTAKFwg127/JAilV4GXtdmspLZN7E86WAiXnp/1LNLG86EePvPaCRv1058RBz1b48YjhDu/h0uiuxNZFUX/"  \
	"az12thDX4hDp+P9dQ5y"                                                                       \
	"2Re5AxjG2hx+fdLJzzDGWZgOmMgoQ=="
#define AK                                                                                                   \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxokVHia1PiDqyBPPK8usxFdhPR1xBE8yS1zdtE6luD5RYaeqHJdUOG" \
	"mM+c9qWtQ"                                                                                          \
	"ErvByvsPM7pUGdzuBxZkMCBGLOwkd9nyk1CQi3iYC54wGm450SEHtFRsQ+vliZO4sZegKEYkE5ndT7Mqfy/"                \
	"wU9zwBpoOyv9deqFZvfVafPj"                                                                           \
	"5vYiFQNdSPHb8UoPSipozUM3nH8CHKEE6yqgbaC5/ATkdR3ZBAF3cuZKk4a79kwFoBKTE5cL74m1lP/"                    \
	"1Ol2fYZZi5lIpaQND6+2J77JDcge"                                                                       \
	"gN+obgfNW7HWWe5VEOgQ21KGyjbPv0w3Nxe4Usn8/pVjGp3dI3tHHBIrSB17t5tAwIDAQAB"
#define INITDATA "8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac067619290"
#define PCR_8    "37d7456df43f441ba82ad495d9ec19790eca31daea26b4fc2bc158565d9bbf99"
#define ZERO     "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const char *pcr(size_t i)
{
	if (i == 8)
		return PCR_8;
	return i >= 17 && i <= 22 ? ONES : ZERO;
}

static json_t *vector(void)
{
	json_t *pcrs = json_array();

	for (size_t i = 0; i < PCR_COUNT; i++)
		json_array_append_new(pcrs, json_string(pcr(i)));
	return json_pack("{s:{s:s, s:s, s:o}, s:s}", "tpm_quote", "signature", SIGNATURE, "message", MESSAGE,
			"pcrs", pcrs, "ak_public", AK);
}

static json_t *quote_of(json_t *evidence)
{
	return json_object_get(evidence, "tpm_quote");
}

static struct span hex(struct buf *buf, const char *text)
{
	assert_int_equal(hex_decode(span_of(text), buf, NULL), 0);
	return buf_span(buf);
}

static int verify(const json_t *evidence, const char *report_data, const char *initdata, json_t **claims,
		struct err *err)
{
	auto_buf struct buf data = BUF_MAX(128), digest = BUF_MAX(128);

	err_clear(err);
	return evidence_verify(
			TEE_KIND_TPM, evidence, hex(&data, report_data), hex(&digest, initdata), claims, err);
}

static void is_refused(const json_t *evidence, enum err_kind kind, const char *why)
{
	struct err err = ERR_NONE;
	json_t *claims = NULL;

	if (verify(evidence, REPORT_DATA, "", &claims, &err) == 0)
		fail_msg("%s was taken", why);
	if (kind != ERR_OK && err.kind != kind)
		fail_msg("%s: %s: %s", why, err_kind_name(err.kind), err.text);
	assert_null(claims);
}

static void gives_the_claims_of_the_vector(void **state)
{
	static const char *const initdata[] = { "", INITDATA };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		auto_json json_t *evidence = vector(), *claims = NULL;
		struct err err = ERR_NONE;
		if (verify(evidence, REPORT_DATA, initdata[i], &claims, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(json_text_at(claims, "ak_public", NULL), AK);
		assert_string_equal(json_text_at(claims, "init_data", NULL), PCR_8);
		assert_memory_equal(json_text_at(claims, "report_data", NULL), REPORT_DATA, 64);
		assert_int_equal(strlen(json_text_at(claims, "report_data", NULL)), 64);
		for (size_t j = 0; j < PCR_COUNT; j++) {
			char name[24];
			snprintf(name, sizeof(name), "pcr%02zu", j);
			assert_string_equal(json_text_at(claims, name, NULL), pcr(j));
		}
		assert_int_equal(json_object_size(claims), PCR_COUNT + 3);
	}
}

/* Report data count to their 32nd byte, and what is shorter has zeros behind. */
static void refuses_other_report_data(void **state)
{
	static const struct {
		const char *data;
		int expected;
	} cases[] = {
		{ "f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4a", 0 },
		{ "f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4aff", 0 },
		{ "f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4b", -1 },
		{ "e3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4a", -1 },
		{ "f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *evidence = vector(), *claims = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(verify(evidence, cases[i].data, "", &claims, &err), cases[i].expected);
		assert_int_equal(err.kind, cases[i].expected ? ERR_AUTH : ERR_OK);
	}
}

static void refuses_other_initdata(void **state)
{
	static const char *const cases[] = { "00", ZERO, PCR_8,
		"8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac067619291",
		"8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac06761929000", REPORT_DATA,
		"8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac0676192" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *evidence = vector();
		json_t *claims = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(verify(evidence, REPORT_DATA, cases[i], &claims, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
	}
}

/* Evidence whose member holds other bytes. */
static void with_bytes(json_t *object, const char *key, const char *bytes, size_t len)
{
	auto_buf struct buf text = BUF_MAX(8192);

	b64_encode(&text, span_new(bytes, len));
	json_object_set_new(object, key, json_string(buf_text(&text)));
}

static void refuses_each_flipped_bit_and_each_cut(const char *key, const char *original)
{
	auto_buf struct buf bytes = BUF_MAX(4096);
	auto_json json_t *evidence = vector();
	json_t *object = strcmp(key, "ak_public") == 0 ? evidence : quote_of(evidence);

	assert_int_equal(b64_decode(span_of(original), &bytes, NULL), 0);
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.ptr[i] = (char)(bytes.ptr[i] ^ 1 << i % 8);
		with_bytes(object, key, bytes.ptr, bytes.len);
		is_refused(evidence, ERR_OK, key);
		bytes.ptr[i] = (char)(bytes.ptr[i] ^ 1 << i % 8);
		with_bytes(object, key, bytes.ptr, i);
		is_refused(evidence, ERR_OK, key);
	}
	buf_putc(&bytes, '\0');
	with_bytes(object, key, bytes.ptr, bytes.len);
	is_refused(evidence, ERR_OK, key);
}

static void refuses_each_flipped_byte_of_message_signature_and_key(void **state)
{
	(void)state;
	refuses_each_flipped_bit_and_each_cut("message", MESSAGE);
	refuses_each_flipped_bit_and_each_cut("signature", SIGNATURE);
	refuses_each_flipped_bit_and_each_cut("ak_public", AK);
}

static void refuses_each_flipped_digit_of_the_pcrs(void **state)
{
	(void)state;
	for (size_t i = 0; i < PCR_COUNT; i++) {
		for (size_t j = 0; j < 2 * PCR_SIZE; j++) {
			auto_json json_t *evidence = vector();
			char text[2 * PCR_SIZE + 1];
			memcpy(text, pcr(i), sizeof(text));
			text[j] = text[j] == '0' ? '1' : '0';
			json_array_set_new(json_object_get(quote_of(evidence), "pcrs"), i, json_string(text));
			is_refused(evidence, ERR_AUTH, "a PCR");
		}
	}
}

static void refuses_pcrs_in_other_forms(void **state)
{
	static const char *const values[] = { "", "00", /* one byte more */
		"000000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000000000000000000000000000000000000000000",
		"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
		"0x00000000000000000000000000000000000000000000000000000000000000" };

	(void)state;
	for (size_t count = 0; count < PCR_COUNT; count++) {
		auto_json json_t *evidence = vector();
		json_t *pcrs = json_object_get(quote_of(evidence), "pcrs");
		while (json_array_size(pcrs) > count)
			json_array_remove(pcrs, json_array_size(pcrs) - 1);
		is_refused(evidence, ERR_FORMAT, "fewer PCRs");
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		auto_json json_t *evidence = vector();
		json_array_set_new(json_object_get(quote_of(evidence), "pcrs"), 3, json_string(values[i]));
		is_refused(evidence, ERR_FORMAT, values[i]);
	}
	auto_json json_t *more = vector();
	json_array_append_new(json_object_get(quote_of(more), "pcrs"), json_string(ZERO));
	is_refused(more, ERR_LIMIT, "more PCRs");
}

static void refuses_members_that_are_missing_or_of_another_type(void **state)
{
	static const char *const members[] = { "signature", "message", "pcrs", "tpm_quote", "ak_public" };
	static const char *const values[] = { "null", "1", "\"\"", "\"!\"", "[]", "{}", "[1]", "true" };

	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			auto_json json_t *evidence = vector();
			json_t *object = i < 3 ? quote_of(evidence) : evidence;
			json_object_set_new(object, members[i], json_loads(values[j], JSON_DECODE_ANY, NULL));
			/* an empty message is one that nobody signed */
			is_refused(evidence, strcmp(values[j], "\"\"") ? ERR_FORMAT : ERR_OK, members[i]);
			json_object_del(object, members[i]);
			is_refused(evidence, ERR_FORMAT, members[i]);
		}
	}
}

static void refuses_what_exceeds_its_bounds(void **state)
{
	static const char *const members[] = { "signature", "message", "ak_public" };
	static char bytes[QUOTE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		auto_json json_t *evidence = vector();
		with_bytes(i < 2 ? quote_of(evidence) : evidence, members[i], bytes, sizeof(bytes));
		is_refused(evidence, ERR_LIMIT, members[i]);
	}
}

/* ---- quotes of our own key ------------------------------------------------------------------------------ */

static struct pkey *own_key;

/* Evidence with a message that our key signed. */
static json_t *signed_by_us(const struct pkey *key, bool pss, struct span message)
{
	auto_buf struct buf signature = BUF_MAX(QUOTE_MAX), raw = BUF_MAX(QUOTE_MAX), text = BUF_MAX(4096);
	json_t *evidence = vector();

	assert_int_equal(pkey_rsa_sign(key, pss, message, &raw, NULL), 0);
	buf_add(&signature, "\0\x14\0\x0b", 4);
	buf_putc(&signature, (char)(raw.len >> 8));
	buf_putc(&signature, (char)(raw.len & 0xff));
	buf_add_span(&signature, buf_span(&raw));
	with_bytes(quote_of(evidence), "signature", signature.ptr, signature.len);
	with_bytes(quote_of(evidence), "message", message.ptr, message.len);
	assert_int_equal(quote_key_text(key, &text, NULL), 0);
	json_object_set_new(evidence, "ak_public", json_string(buf_text(&text)));
	return evidence;
}

static void takes_the_quote_of_any_rsa_key(void **state)
{
	auto_buf struct buf message = BUF_MAX(QUOTE_MAX);
	struct err err = ERR_NONE;
	json_t *claims = NULL;

	(void)state;
	assert_int_equal(b64_decode(SPAN_LIT(MESSAGE), &message, NULL), 0);
	auto_json json_t *evidence = signed_by_us(own_key, false, buf_span(&message));
	if (verify(evidence, REPORT_DATA, INITDATA, &claims, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(claims);
	auto_json json_t *pss = signed_by_us(own_key, true, buf_span(&message));
	is_refused(pss, ERR_AUTH, "another padding");
}

/* Offsets of the message of the vector. */
static void refuses_signed_messages_that_are_no_such_quote(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		const char *bytes;
		size_t len;
		enum err_kind kind;
	} cases[] = {
		{ "magic", 0, "\xff\x54\x43\x48", 4, ERR_FORMAT },
		{ "type: certify", 4, "\x80\x17", 2, ERR_FORMAT },
		{ "type: time", 4, "\x80\x19", 2, ERR_FORMAT },
		{ "signer too long", 6, "\x01\x00", 2, ERR_FORMAT },
		{ "signer beyond the end", 6, "\xff\xff", 2, ERR_FORMAT },
		{ "nonce too long", 42, "\x00\x48", 2, ERR_FORMAT },
		{ "nonce one longer", 42, "\x00\x21", 2, ERR_FORMAT },
		{ "safe is 2", 92, "\x02", 1, ERR_FORMAT },
		{ "two banks", 101, "\x00\x00\x00\x02", 4, ERR_FORMAT },
		{ "no bank", 101, "\x00\x00\x00\x00", 4, ERR_FORMAT },
		{ "bank of SHA-1", 105, "\x00\x04", 2, ERR_FORMAT },
		{ "bank of SHA-384", 105, "\x00\x0c", 2, ERR_FORMAT },
		{ "two octets", 107, "\x02", 1, ERR_FORMAT },
		{ "PCR 0 is missing", 108, "\xfe", 1, ERR_FORMAT },
		{ "PCR 23 is missing", 110, "\x7f", 1, ERR_FORMAT },
		{ "digest longer", 111, "\x00\x21", 2, ERR_FORMAT },
		{ "digest shorter", 111, "\x00\x1f", 2, ERR_FORMAT },
		{ "other digest", 113, "x", 1, ERR_AUTH },
		{ "other nonce", 44, "x", 1, ERR_AUTH },
		/* these are not judged */
		{ "signer", 10, "x", 1, ERR_OK },
		{ "clock", 76, "x", 1, ERR_OK },
		{ "firmware", 93, "x", 1, ERR_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf message = BUF_MAX(QUOTE_MAX);
		struct err err = ERR_NONE;
		json_t *claims = NULL;
		assert_int_equal(b64_decode(SPAN_LIT(MESSAGE), &message, NULL), 0);
		assert_true(cases[i].at + cases[i].len <= message.len);
		memcpy(message.ptr + cases[i].at, cases[i].bytes, cases[i].len);
		auto_json json_t *evidence = signed_by_us(own_key, false, buf_span(&message));
		int rc = verify(evidence, REPORT_DATA, "", &claims, &err);
		json_decref(claims);
		if (rc != (cases[i].kind ? -1 : 0) || err.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].name, err.text);
	}
}

static void refuses_keys_in_other_forms(void **state)
{
	auto_buf struct buf message = BUF_MAX(QUOTE_MAX), pem = BUF_MAX(4096), text = BUF_MAX(4096);
	auto_pkey struct pkey *ec = NULL;

	(void)state;
	assert_int_equal(b64_decode(SPAN_LIT(MESSAGE), &message, NULL), 0);
	auto_json json_t *evidence = signed_by_us(own_key, false, buf_span(&message));
	assert_int_equal(pkey_format_public(own_key, &pem, NULL), 0);
	with_bytes(evidence, "ak_public", pem.ptr, pem.len);
	is_refused(evidence, ERR_FORMAT, "PEM");
	assert_int_equal(pkey_generate(PKEY_P256, 0, &ec, NULL), 0);
	assert_int_equal(quote_key_text(ec, &text, NULL), 0);
	json_object_set_new(evidence, "ak_public", json_string(buf_text(&text)));
	is_refused(evidence, ERR_FORMAT, "a key on P-256");
}

static int make_key(void **state)
{
	(void)state;
	return pkey_generate(PKEY_RSA, 2048, &own_key, NULL);
}

static int drop_key(void **state)
{
	(void)state;
	pkey_free(own_key);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_claims_of_the_vector),
		cmocka_unit_test(refuses_other_report_data),
		cmocka_unit_test(refuses_other_initdata),
		cmocka_unit_test(refuses_each_flipped_byte_of_message_signature_and_key),
		cmocka_unit_test(refuses_each_flipped_digit_of_the_pcrs),
		cmocka_unit_test(refuses_pcrs_in_other_forms),
		cmocka_unit_test(refuses_members_that_are_missing_or_of_another_type),
		cmocka_unit_test(refuses_what_exceeds_its_bounds),
		cmocka_unit_test(takes_the_quote_of_any_rsa_key),
		cmocka_unit_test(refuses_signed_messages_that_are_no_such_quote),
		cmocka_unit_test(refuses_keys_in_other_forms),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
