/* SPDX-License-Identifier: Apache-2.0 */
#include "image/payload.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "codec/json.h"
#include "codec/pb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define VECTORS "tests/vectors/image/payload/"
#define TYPE    "io.containerd.ocicrypt.v1.Payload"
#define LAYER   "\"Descriptor\":{\"mediaType\":\"m\",\"annotations\":{\"a\":\"b\"}}"

static void load(const char *name, struct buf *out)
{
	struct err err = ERR_NONE;

	if (fs_read(name, out, &err) < 0)
		fail_msg("%s", err.text);
}

/* An Any with that JSON. */
static void pack(struct buf *out, const char *type, const char *json)
{
	buf_reset(out);
	pb_put_bytes(out, 1, span_of(type));
	pb_put_bytes(out, 2, span_of(json));
}

static void reads_what_imgcrypt_writes(void **state)
{
	auto_payload struct payload payload = PAYLOAD_NONE;
	auto_buf struct buf bytes = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;

	(void)state;
	load(VECTORS "go-keys", &bytes);
	if (payload_parse(buf_span(&bytes), &payload, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(payload.keys.count, 3);
	assert_int_equal(payload.keys.items[0].form, KEY_PRIVATE);
	assert_int_equal(pkey_kind(payload.keys.items[0].jwk.key), PKEY_P256);
	assert_string_equal(payload.keys.items[0].name, "privkeys[0]");
	assert_int_equal(payload.keys.items[1].form, KEY_PRIVATE);
	assert_int_equal(pkey_kind(payload.keys.items[1].jwk.key), PKEY_RSA);
	assert_int_equal(payload.keys.items[2].form, KEY_CERTIFICATE);
	assert_false(payload.foreign);
	assert_int_equal(json_object_size(json_object_get(payload.descriptor, "annotations")), 2);
}

static void takes_the_payload_without_keys_that_kubelets_pulls_bring(void **state)
{
	static const char *const cases[] = {
		"{\"DecryptConfig\":{\"Parameters\":null}," LAYER "}",
		"{\"DecryptConfig\":{\"Parameters\":{}}," LAYER "}",
		"{\"DecryptConfig\":{}," LAYER "}",
		"{\"DecryptConfig\":null," LAYER "}",
		"{" LAYER "}",
		"{" LAYER
		",\"More\":[{}],\"DecryptConfig\":{\"More\":1,\"Parameters\":{\"privkeys\":null,\"x509s\":[],"
		"\"privkeys-passwords\":[],\"gpg-privatekeys\":[],\"attestation-agent\":null}}}",
	};
	auto_buf struct buf bytes = BUF_MAX(1 << 20);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_payload struct payload payload = PAYLOAD_NONE;
		struct err err = ERR_NONE;
		pack(&bytes, TYPE, cases[i]);
		if (payload_parse(buf_span(&bytes), &payload, &err) < 0)
			fail_msg("%s: %s", cases[i], err.text);
		assert_int_equal(payload.keys.count, 0);
		assert_false(payload.foreign);
		assert_string_equal(json_text_at(payload.descriptor, "annotations", "a", NULL), "b");
	}
}

static void takes_fields_in_any_order_and_a_host_before_the_type(void **state)
{
	auto_payload struct payload payload = PAYLOAD_NONE;
	auto_buf struct buf bytes = BUF_MAX(1 << 20);

	(void)state;
	pb_put_varint(&bytes, 9, 7);
	pb_put_bytes(&bytes, 2, SPAN_LIT("{" LAYER "}"));
	pb_put_bytes(&bytes, 5, SPAN_LIT("?"));
	pb_put_bytes(&bytes, 1, SPAN_LIT("type.googleapis.com/" TYPE));
	assert_int_equal(payload_parse(buf_span(&bytes), &payload, NULL), 0);
	pack(&bytes, "/" TYPE, "{" LAYER "}");
	assert_int_equal(payload_parse(buf_span(&bytes), &payload, NULL), 0);
}

static void hands_providers_their_parameters(void **state)
{
	auto_payload struct payload payload = PAYLOAD_NONE;
	auto_buf struct buf bytes = BUF_MAX(1 << 20);

	(void)state;
	/* "keyid=x::y", nothing, and an array of numbers */
	pack(&bytes, TYPE,
			"{\"DecryptConfig\":{\"Parameters\":{\"attestation-agent\":[\"a2V5aWQ9eDo6eQ==\","
			"\"\"],"
			"\"other\":[[97,98]],\"pubkeys\":[\"AAAA\"]}}," LAYER "}");
	assert_int_equal(payload_parse(buf_span(&bytes), &payload, NULL), 0);
	assert_int_equal(payload.keys.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(payload.keys.items[i].form, KEY_PROVIDER);
	assert_string_equal(payload.keys.items[0].name, "attestation-agent");
	assert_string_equal(payload.keys.items[0].attributes, "keyid=x::y");
	assert_string_equal(payload.keys.items[1].attributes, "Enabled");
	assert_string_equal(payload.keys.items[2].name, "other");
	assert_string_equal(payload.keys.items[2].attributes, "ab");
}

static void notes_keys_of_kinds_that_it_does_not_take(void **state)
{
	static const char *const cases[] = {
		"\"gpg-privatekeys\":[\"!\"],\"gpg-privatekeys-passwords\":[null]",
		"\"pkcs11-yamls\":[\"!\"],\"pkcs11-config\":[\"!\"]"
	};
	auto_buf struct buf bytes = BUF_MAX(1 << 20), json = BUF_MAX(1 << 20);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_payload struct payload payload = PAYLOAD_NONE;
		buf_reset(&json);
		buf_printf(&json, "{\"DecryptConfig\":{\"Parameters\":{%s}}," LAYER "}", cases[i]);
		pack(&bytes, TYPE, buf_text(&json));
		assert_int_equal(payload_parse(buf_span(&bytes), &payload, NULL), 0);
		assert_true(payload.foreign);
		assert_int_equal(payload.keys.count, 0);
	}
}

static void refuses_an_envelope_that_is_none(void **state)
{
	auto_payload struct payload payload = PAYLOAD_NONE;
	auto_buf struct buf bytes = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(payload_parse(SPAN_NONE, &payload, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_string_equal(err.text, "could not UnmarshalAny() the decrypt data: type with url : not found");
	pack(&bytes, "io.containerd.ocicrypt.v2.Payload", "{" LAYER "}");
	assert_int_equal(payload_parse(buf_span(&bytes), &payload, &err), -1);
	assert_non_null(strstr(err.text, "type with url io.containerd.ocicrypt.v2.Payload: not found"));
	pack(&bytes, "x" TYPE, "{" LAYER "}");
	assert_int_equal(payload_parse(buf_span(&bytes), &payload, &err), -1);
	assert_int_equal(payload_parse(SPAN_LIT("{\"DecryptConfig\":null," LAYER "}"), &payload, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_null(payload.descriptor);
}

static void refuses_broken_documents_without_telling_them(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"null",
		"{}",
		"{\"Descriptor\":null}",
		"{\"Descriptor\":[]}",
		"{" LAYER "," LAYER "}",
		"{\"Descriptor\":{\"a\":1,\"a\":2}}",
		"{" LAYER ",\"DecryptConfig\":1}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":[]}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":\"c2VjcmV0\"}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":[\"c2VjcmV0\"]}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":[\"c2VjcmV0!\"]}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":[null]}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":[],\"privkeys\":[]}}}",
		"{" LAYER
		",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":[],\"privkeys-passwords\":[null]}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":[\"c2VjcmV0\"],\"privkeys-"
		"passwords\":[]}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"attestation-agent\":{}}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"attestation-agent\":[\"c2VjcmV0AA==\"]}}}",
		"{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"\":[\"c2VjcmV0\"]}}}",
	};
	auto_buf struct buf bytes = BUF_MAX(1 << 20);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_payload struct payload payload = PAYLOAD_NONE;
		struct err err = ERR_NONE;
		pack(&bytes, TYPE, cases[i]);
		if (payload_parse(buf_span(&bytes), &payload, &err) == 0)
			fail_msg("took %s", cases[i]);
		assert_true(err.kind == ERR_FORMAT || err.kind == ERR_USAGE);
		assert_null(strstr(err.text, "c2VjcmV0"));
		assert_null(strstr(err.text, "secret"));
		assert_int_equal(payload.keys.count, 0);
		assert_null(payload.descriptor);
	}
}

static void refuses_every_truncation(void **state)
{
	auto_buf struct buf bytes = BUF_MAX(1 << 20);

	(void)state;
	load(VECTORS "go-no-keys", &bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		auto_payload struct payload payload = PAYLOAD_NONE;
		assert_int_equal(payload_parse(span_new(bytes.ptr, len), &payload, NULL), -1);
	}
}

static void refuses_what_is_too_large(void **state)
{
	auto_payload struct payload payload = PAYLOAD_NONE;
	auto_buf struct buf bytes = BUF_MAX(PAYLOAD_MAX + 1), json = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;

	(void)state;
	assert_non_null(buf_room(&bytes, PAYLOAD_MAX + 1));
	memset(bytes.ptr, 0, PAYLOAD_MAX + 1);
	buf_grew(&bytes, PAYLOAD_MAX + 1);
	assert_int_equal(payload_parse(buf_span(&bytes), &payload, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	/* a key beyond what a secret holds */
	buf_puts(&json, "{" LAYER ",\"DecryptConfig\":{\"Parameters\":{\"privkeys\":[\"");
	for (size_t i = 0; i < SECRET_MAX / 2; i++)
		buf_puts(&json, "AAAA");
	buf_puts(&json, "\"]}}}");
	buf_clear(&bytes);
	pack(&bytes, TYPE, buf_text(&json));
	assert_int_equal(payload_parse(buf_span(&bytes), &payload, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_imgcrypt_writes),
		cmocka_unit_test(takes_the_payload_without_keys_that_kubelets_pulls_bring),
		cmocka_unit_test(takes_fields_in_any_order_and_a_host_before_the_type),
		cmocka_unit_test(hands_providers_their_parameters),
		cmocka_unit_test(notes_keys_of_kinds_that_it_does_not_take),
		cmocka_unit_test(refuses_an_envelope_that_is_none),
		cmocka_unit_test(refuses_broken_documents_without_telling_them),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_what_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
