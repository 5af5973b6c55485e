/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of both kinds, their malformed twins, and the data of envelopes. */
#include "base/hex.h"
#include "sealed/secret.h"
#include "tests/sealed/recordings.h"

#define VAULT                                                                                             \
	"{\"version\":\"0.1.0\",\"type\":\"vault\",\"name\":\"kbs:///one/2/trois\",\"provider\":\"kbs\"," \
	"\"provider_settings\":{},\"annotations\":{}}"
/* sealed-secrets.md, 12.2: data key 00 … 1f, iv 00 … 0b, "secret value" */
#define ENVELOPE                                                                                             \
	"{\"version\":\"0.1.0\",\"type\":\"envelope\",\"key_id\":\"alias/demo\","                            \
	"\"encrypted_key\":\"b3BhcXVlLWttcy1ibG9i\","                                                        \
	"\"encrypted_data\":\"NGe1aaCR4m3sLeLuxQA1nLz5UZMGfb8r0dQxOg==\",\"wrap_type\":\"A256GCM\","         \
	"\"iv\":\"AAECAwQFBgcICQoL\",\"provider\":\"aws\",\"provider_settings\":{\"region\":\"us-east-1\"}," \
	"\"annotations\":{\"encryption_context\":{\"app\":\"demo\"}}}"
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void secret_of_hex(const char *hex, struct secret *out)
{
	auto_buf struct buf bytes = BUF_MAX(200);

	assert_int_equal(hex_decode(span_of(hex), &bytes, NULL), 0);
	assert_int_equal(secret_from_span(out, buf_span(&bytes), NULL), 0);
}

/* ---- reading and writing ---- */

static void reads_and_writes_a_vault(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(RECORDING_MAX);

	(void)state;
	assert_int_equal(sealed_secret_parse(SPAN_LIT(VAULT), &secret, NULL), 0);
	assert_int_equal(secret.type, SEALED_VAULT);
	assert_string_equal(secret.version, SEALED_VERSION);
	assert_string_equal(secret.name, "kbs:///one/2/trois");
	assert_string_equal(secret.provider, "kbs");
	assert_int_equal(json_object_size(secret.settings), 0);
	buf_puts(&out, "before");
	sealed_secret_format(&secret, &out);
	assert_string_equal(buf_text(&out), "before" VAULT);
}

static void reads_and_writes_an_envelope(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(RECORDING_MAX);

	(void)state;
	assert_int_equal(sealed_secret_parse(SPAN_LIT(ENVELOPE), &secret, NULL), 0);
	assert_int_equal(secret.type, SEALED_ENVELOPE);
	assert_int_equal(secret.wrap, SEALED_A256GCM);
	assert_string_equal(secret.key_id, "alias/demo");
	assert_true(span_eq(buf_span(&secret.key), SPAN_LIT("opaque-kms-blob")));
	assert_int_equal(secret.iv.len, 12);
	assert_string_equal(json_text_at(secret.annotations, "encryption_context", "app", NULL), "demo");
	sealed_secret_format(&secret, &out);
	assert_string_equal(buf_text(&out), ENVELOPE);
}

static void order_space_and_unknown_members_do_not_matter(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(RECORDING_MAX);

	(void)state;
	assert_int_equal(sealed_secret_parse(
					 SPAN_LIT("\n{ \"annotations\" : "
						  "{\"z\":1,\"a\":{\"c\":1e3,\"b\":-0}}, \"more\":[1],"
						  "\"provider_settings\":{}, \"provider\":\"KBS\", "
						  "\"name\":\"n\",\t"
						  "\"key_id\":5, \"type\":\"vault\", \"version\":\"9\"}\r\n"),
					 &secret, NULL),
			0);
	sealed_secret_format(&secret, &out);
	assert_string_equal(buf_text(&out),
			"{\"version\":\"9\",\"type\":\"vault\",\"name\":\"n\",\"provider\":\"KBS\","
			"\"provider_settings\":{},\"annotations\":{\"a\":{\"b\":-0.0,\"c\":1000.0},\"z\":1}"
			"}");
}

static void what_is_not_set_is_written_empty(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE, back = SEALED_SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(RECORDING_MAX);

	(void)state;
	secret.type = SEALED_ENVELOPE;
	sealed_secret_format(&secret, &out);
	assert_int_equal(sealed_secret_parse(buf_span(&out), &back, NULL), 0);
	assert_string_equal(back.key_id, "");
	assert_int_equal(json_object_size(back.settings), 0);
}

static void a_text_that_does_not_fit_marks_the_buffer(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_buf struct buf out = BUF_MAX(40);

	(void)state;
	assert_int_equal(sealed_secret_parse(SPAN_LIT(VAULT), &secret, NULL), 0);
	sealed_secret_format(&secret, &out);
	assert_int_equal(buf_check(&out, "the payload", NULL), -1);
}

/* ---- malformed twins ---- */

static void refused(const char *text, struct span bytes, enum err_kind kind, const char *words)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	struct err err = ERR_NONE;

	if (sealed_secret_parse(bytes, &secret, &err) == 0)
		fail_msg("%s: is accepted", text);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s: %s: %s", text, err_kind_name(err.kind), err.text);
}

static void refuses_a_payload_that_was_cut_anywhere(void **state)
{
	static const char *const texts[] = { VAULT, ENVELOPE };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t len = 0; len < strlen(texts[i]); len++)
			refused(texts[i], span_new(texts[i], len), ERR_FORMAT, "the sealed secret: ");
}

/* Each member of each kind: missing, null, and of each other type. */
static void refuses_members_that_are_missing_or_of_another_type(void **state)
{
	static const char *const texts[] = { VAULT, ENVELOPE };
	static const char *const values[] = { NULL, "null", "1", "18446744073709551615", "1.5", "true", "[]",
		"{}", "\"x\"" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts) * COUNT(values); i++) {
		const char *text = texts[i / COUNT(values)], *value = values[i % COUNT(values)];
		auto_json json_t *tree = json_loads(text, 0, NULL);
		for (void *at = json_object_iter(tree); at; at = json_object_iter_next(tree, at)) {
			const char *name = json_object_iter_key(at);
			bool is_object = json_is_object(json_object_iter_value(at));
			auto_json json_t *copy = json_copy(tree);
			if (value && strchr(is_object ? "{" : "\"", value[0]))
				continue;
			json_object_del(copy, name);
			auto_free char *rest = json_text(copy, false);
			auto_free char *twin = value ? xasprintf("{\"%s\":%s,%s", name, value, rest + 1)
						     : xstrdup(rest);
			refused(twin, span_of(twin), ERR_FORMAT, name);
		}
	}
}

static void refuses_members_that_stand_twice(void **state)
{
	static const char *const texts[] = { VAULT, ENVELOPE };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		auto_json json_t *tree = json_loads(texts[i], 0, NULL);
		for (void *at = json_object_iter(tree); at; at = json_object_iter_next(tree, at)) {
			auto_free char *value = json_text(json_object_iter_value(at), false);
			auto_free char *twin = xasprintf(
					"{\"%s\":%s,%s", json_object_iter_key(at), value, texts[i] + 1);
			refused(twin, span_of(twin), ERR_FORMAT, "twice");
		}
	}
}

static void refuses_values_that_guests_do_not_know(void **state)
{
	static const struct {
		const char *member, *value, *words;
	} cases[] = {
		{ "type", "Vault", "type: is neither" },
		{ "type", "box", "type: is neither" },
		{ "type", "", "type: is neither" },
		{ "wrap_type", "A128GCM", "wrap_type: is neither" },
		{ "wrap_type", "a256gcm", "wrap_type: is neither" },
		{ "encrypted_key", "b3BhcXVl=", "encrypted_key: " },
		{ "encrypted_key", "b3Bhc-Vl", "encrypted_key: " },
		{ "encrypted_data", "eA", "encrypted_data: " },
		{ "encrypted_data", "eA==\n", "encrypted_data: " },
		{ "iv", "AAEC AwQF", "iv: " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *tree = json_loads(ENVELOPE, 0, NULL);
		json_object_set_new(tree, cases[i].member, json_string(cases[i].value));
		auto_free char *text = json_text(tree, false);
		refused(text, span_of(text), ERR_FORMAT, cases[i].words);
	}
}

static void texts_are_bounded(void **state)
{
	static const char *const members[] = { "version", "key_id", "provider" };
	auto_free char *many = xcalloc(1, SEALED_PAYLOAD_MAX + 1);

	(void)state;
	for (size_t i = 0; i < COUNT(members); i++) {
		auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
		auto_json json_t *tree = json_loads(ENVELOPE, 0, NULL);
		memset(many, 'a', SEALED_TEXT_MAX);
		many[SEALED_TEXT_MAX] = '\0';
		json_object_set_new(tree, members[i], json_string(many));
		auto_free char *fits = json_text(tree, false);
		assert_int_equal(sealed_secret_parse(span_of(fits), &secret, NULL), 0);
		many[SEALED_TEXT_MAX] = 'a';
		many[SEALED_TEXT_MAX + 1] = '\0';
		json_object_set_new(tree, members[i], json_string(many));
		auto_free char *text = json_text(tree, false);
		refused(members[i], span_of(text), ERR_LIMIT, members[i]);
	}
	memset(many, ' ', SEALED_PAYLOAD_MAX);
	memcpy(many, VAULT, strlen(VAULT));
	refused("too long", span_new(many, SEALED_PAYLOAD_MAX + 1), ERR_LIMIT, "exceed");
}

/* ---- data ---- */

static void opens_the_data_of_the_specification(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_secret struct secret key = SECRET_NONE, plain = SECRET_NONE;

	(void)state;
	secret_of_hex(KEY, &key);
	assert_int_equal(sealed_secret_parse(SPAN_LIT(ENVELOPE), &secret, NULL), 0);
	assert_int_equal(sealed_data_open(&secret, &key, &plain, NULL), 0);
	assert_true(secret_is(&plain, SPAN_LIT("secret value")));
}

/* openssl enc -aes-256-ctr -K 00…1f -iv 00…0f */
static void opens_data_in_counter_mode(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_secret struct secret key = SECRET_NONE, plain = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	secret_of_hex(KEY, &key);
	secret.wrap = SEALED_A256CTR;
	assert_int_equal(b64_decode(SPAN_LIT("KQtnJW2PUeCRQiBY"), &secret.data, NULL), 0);
	assert_int_equal(b64_decode(SPAN_LIT("AAECAwQFBgcICQoLDA0ODw=="), &secret.iv, NULL), 0);
	assert_int_equal(sealed_data_open(&secret, &key, &plain, NULL), 0);
	assert_true(secret_is(&plain, SPAN_LIT("secret value")));
	buf_cut(&secret.iv, 12);
	assert_int_equal(sealed_data_open(&secret, &key, &plain, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

static void seals_data_that_opens(void **state)
{
	static const size_t lengths[] = { 0, 1, 100, SECRET_MAX };
	auto_secret struct secret key = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_random(&key, 32, NULL), 0);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		auto_sealed_secret struct sealed_secret one = SEALED_SECRET_NONE, two = SEALED_SECRET_NONE;
		auto_secret struct secret plain = SECRET_NONE, back = SECRET_NONE;
		assert_int_equal(secret_random(&plain, lengths[i], NULL), 0);
		one.wrap = SEALED_A256CTR;
		assert_int_equal(sealed_data_seal(&key, &plain, &one, NULL), 0);
		assert_int_equal(sealed_data_seal(&key, &plain, &two, NULL), 0);
		assert_int_equal(one.wrap, SEALED_A256GCM);
		assert_int_equal(one.data.len, lengths[i] + 16);
		assert_false(span_eq(buf_span(&one.iv), buf_span(&two.iv)));
		assert_int_equal(sealed_data_open(&one, &key, &back, NULL), 0);
		assert_true(secret_is(&back, secret_span(&plain)));
		/* and again into the same struct */
		assert_int_equal(sealed_data_seal(&key, &plain, &one, NULL), 0);
		assert_int_equal(sealed_data_open(&one, &key, &back, NULL), 0);
	}
}

static void data_that_was_changed_does_not_open(void **state)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_secret struct secret key = SECRET_NONE, other = SECRET_NONE, plain = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	secret_of_hex(KEY, &key);
	assert_int_equal(secret_random(&other, 32, NULL), 0);
	assert_int_equal(sealed_secret_parse(SPAN_LIT(ENVELOPE), &secret, NULL), 0);
	assert_int_equal(sealed_data_open(&secret, &other, &plain, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	for (size_t at = 0; at < secret.data.len; at++) {
		secret.data.ptr[at] ^= 1;
		assert_int_equal(sealed_data_open(&secret, &key, &plain, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		secret.data.ptr[at] ^= 1;
	}
	while (secret.data.len) {
		buf_cut(&secret.data, secret.data.len - 1);
		assert_int_equal(sealed_data_open(&secret, &key, &plain, &err), -1);
		assert_int_equal(err.kind, secret.data.len < 16 ? ERR_FORMAT : ERR_AUTH);
	}
}

static void keys_and_ivs_of_another_size_are_told(void **state)
{
	static const size_t lengths[] = { 0, 16, 31, 33, 64 };
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;

	(void)state;
	assert_int_equal(sealed_secret_parse(SPAN_LIT(ENVELOPE), &secret, NULL), 0);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		auto_secret struct secret key = SECRET_NONE, plain = SECRET_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(secret_random(&key, lengths[i], NULL), 0);
		assert_int_equal(sealed_data_open(&secret, &key, &plain, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_int_equal(sealed_data_seal(&key, &plain, &secret, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	auto_secret struct secret key = SECRET_NONE, plain = SECRET_NONE;
	struct err err = ERR_NONE;
	secret_of_hex(KEY, &key);
	buf_puts(&secret.iv, "more");
	assert_int_equal(sealed_data_open(&secret, &key, &plain, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_a_vault),
		cmocka_unit_test(reads_and_writes_an_envelope),
		cmocka_unit_test(order_space_and_unknown_members_do_not_matter),
		cmocka_unit_test(what_is_not_set_is_written_empty),
		cmocka_unit_test(a_text_that_does_not_fit_marks_the_buffer),
		cmocka_unit_test(refuses_a_payload_that_was_cut_anywhere),
		cmocka_unit_test(refuses_members_that_are_missing_or_of_another_type),
		cmocka_unit_test(refuses_members_that_stand_twice),
		cmocka_unit_test(refuses_values_that_guests_do_not_know),
		cmocka_unit_test(texts_are_bounded),
		cmocka_unit_test(opens_the_data_of_the_specification),
		cmocka_unit_test(opens_data_in_counter_mode),
		cmocka_unit_test(seals_data_that_opens),
		cmocka_unit_test(data_that_was_changed_does_not_open),
		cmocka_unit_test(keys_and_ivs_of_another_size_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
