/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/image/wrapping.h"

#include "base/own.h"
#include "codec/json.h"
#include "image/options.h"

#define CRYPTO "tests/vectors/crypto/keys/"
#define JOSE   "tests/vectors/jose/keys/"

static const struct wrap_settings settings = { .provider_config = NULL };
static const char private_text[] = "{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\",\"digest\":"
				   "\"\",\"cipheroptions\":{}}";

static void opens_what_it_wrapped_for_every_form_of_key(void **state)
{
	static const struct {
		const char *public, *private;
	} cases[] = {
		{ CRYPTO "rsa-public.pem", CRYPTO "rsa.pem" },
		{ CRYPTO "rsa-public.der", CRYPTO "rsa-pkcs1.der" },
		{ CRYPTO "rsa-pkcs1-public.pem", CRYPTO "rsa-locked.pem:pass=hunter2 9" },
		{ CRYPTO "rsa-certificate.pem", CRYPTO "rsa.der" },
		{ CRYPTO "rsa-certificate.der", CRYPTO "rsa.der" },
		{ CRYPTO "p256-public.pem", CRYPTO "p256.pem" },
		{ CRYPTO "p384-public.pem", CRYPTO "p384-sec1.der" },
		{ CRYPTO "p521-public.pem", CRYPTO "p521-sec1.pem" },
		{ JOSE "rsa.jwk", JOSE "rsa.jwk" },
		{ JOSE "p256.jwk", JOSE "p256.jwk" },
		{ JOSE "p384.jwk", JOSE "p384.jwk" },
		/* a private key as recipient: its public half */
		{ CRYPTO "p256.pem", CRYPTO "p256-sec1.der" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret opened = SECRET_NONE;
		const char *const keys[] = { cases[i].private, NULL };
		struct err err = ERR_NONE;
		if (wrap_to(&wrap_jwe, &settings, cases[i].public, span_of(private_text), &element, &err) <
						0 ||
				open_with(&wrap_jwe, &settings, keys, buf_span(&element), &opened, &err) < 0)
			fail_msg("%s: %s", cases[i].public, err.text);
		assert_true(secret_is(&opened, span_of(private_text)));
	}
}

static void writes_one_flattened_jwe(void **state)
{
	static const char *const members[] = { "protected", "encrypted_key", "iv", "ciphertext", "tag" };
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_json json_t *doc = NULL;
	const char *key;
	json_t *value;
	size_t at = 0;

	(void)state;
	assert_int_equal(wrap_to(&wrap_jwe, &settings, CRYPTO "rsa-public.pem", span_of(private_text),
					 &element, NULL),
			0);
	assert_int_equal(json_read(buf_span(&element), WRAP_ELEMENT_MAX, &doc, NULL), 0);
	json_object_foreach (doc, key, value) {
		assert_true(at < 5);
		assert_string_equal(key, members[at++]);
	}
	assert_int_equal(at, 5);
}

static void a_recipient_has_its_scheme_and_its_name(void **state)
{
	static const struct wrap_kind *const kinds[] = { &wrap_jwe, NULL };
	auto_recipient struct recipient *recipient = NULL;

	(void)state;
	assert_int_equal(recipient_open(kinds, &settings, "jwe:" CRYPTO "rsa-public.pem", &recipient, NULL),
			0);
	assert_string_equal(recipient->scheme, "jwe");
	assert_string_equal(recipient->name, "jwe:" CRYPTO "rsa-public.pem");
}

static void refuses_recipients_before_anything_is_encrypted(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ "jwe:", ERR_USAGE },
		{ "jwe:/nowhere", ERR_NOT_FOUND },
		{ "jwe:/dev/null", ERR_FORMAT },
		{ "jwe:" CRYPTO "ed25519-public.pem", ERR_USAGE },
		{ "jwe:" JOSE "ed25519.jwk", ERR_USAGE },
		{ "jwe:" JOSE "rsa-1_5.jwk", ERR_USAGE },
		{ "jwe:" CRYPTO "rsa-locked.pem", ERR_AUTH },
		{ "jwe:" CRYPTO "other/rsa1024.pem", ERR_FORMAT },
		{ "jwe:" CRYPTO "../make-keys.sh", ERR_FORMAT },
		{ "", ERR_USAGE },
		{ "jwe", ERR_USAGE },
		{ CRYPTO "rsa-public.pem", ERR_USAGE },
		{ "jwe2:" CRYPTO "rsa-public.pem", ERR_USAGE },
		{ "JWE:" CRYPTO "rsa-public.pem", ERR_USAGE },
		{ ":x", ERR_USAGE },
		{ "pkcs7:x", ERR_USAGE },
	};
	static const struct wrap_kind *const kinds[] = { &wrap_jwe, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct recipient *recipient = NULL;
		struct err err = ERR_NONE;
		if (recipient_open(kinds, &settings, cases[i].text, &recipient, &err) == 0)
			fail_msg("took '%s'", cases[i].text);
		if (err.kind != cases[i].kind)
			fail_msg("'%s': %s: %s", cases[i].text, err_kind_name(err.kind), err.text);
		assert_null(recipient);
	}
}

static void opens_what_go_wrote(void **state)
{
	static const struct {
		const char *element, *key;
	} cases[] = {
		{ VECTORS "jwe/go-rsa.json", CRYPTO "rsa.pem" },
		{ VECTORS "jwe/go-p256.json", CRYPTO "p256.pem" },
		{ VECTORS "jwe/go-p521.json", CRYPTO "p521-sec1.der" },
		{ VECTORS "jwe/go-rsa-p256.json", CRYPTO "rsa.pem" },
		{ VECTORS "jwe/go-rsa-p256.json", CRYPTO "p256.pem" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
		auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret opened = SECRET_NONE, again = SECRET_NONE;
		const char *const keys[] = { cases[i].key, NULL };
		struct err err = ERR_NONE;
		load(cases[i].element, &element);
		if (open_with(&wrap_jwe, &settings, keys, buf_span(&element), &opened, &err) < 0)
			fail_msg("%s: %s", cases[i].element, err.text);
		assert_int_equal(private_options_parse(secret_span(&opened), &options, NULL), 0);
		assert_int_equal(private_options_format(&options, &again, NULL), 0);
		assert_true(secret_is(&again, secret_span(&opened)));
	}
}

static void a_foreign_key_and_a_broken_element_are_refused(void **state)
{
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_secret struct secret opened = SECRET_NONE;
	static const char *const foreign[] = { CRYPTO "p256.pem", VECTORS "pkcs7/a.key", NULL };
	static const char *const right[] = { CRYPTO "rsa.pem", NULL };
	struct err err = ERR_NONE;

	(void)state;
	load(VECTORS "jwe/go-rsa.json", &element);
	assert_int_equal(open_with(&wrap_jwe, &settings, foreign, buf_span(&element), &opened, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	for (size_t len = 0; len < element.len; len += 13)
		assert_int_equal(open_with(&wrap_jwe, &settings, right, span_new(element.ptr, len), &opened,
						 &err),
				-1);
	/* the last character of the tag's first byte pair */
	char *tag = strstr(element.ptr, "\"tag\":\"");
	assert_non_null(tag);
	tag[7] = tag[7] == 'A' ? 'B' : 'A';
	assert_int_equal(open_with(&wrap_jwe, &settings, right, buf_span(&element), &opened, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(opened.len, 0);
}

static void takes_private_keys_alone_and_marks_them(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	static const char *const given[] = { CRYPTO "rsa.pem", CRYPTO "ed25519.pem",
		CRYPTO "rsa-certificate.pem", "provider:x", CRYPTO "p521.pem" };
	static const bool used[] = { true, false, false, false, true };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(keys_add(&keys, given[i], NULL), 0);
	assert_int_equal(wrap_jwe.openers(&settings, &keys, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(keys.items[i].used, used[i]);
	assert_string_equal(list.items[0]->scheme, "jwe");
	assert_string_equal(list.items[0]->name, "key '" CRYPTO "rsa.pem'");
	assert_false(list.items[0]->remote);
}

static void a_jwk_opens_whatever_alg_it_says(void **state)
{
	static const char *const algs[] = { "RSA-OAEP-256", "RSA1_5", "RS256" };
	auto_keys struct keys keys = KEYS_NONE;
	auto_recipient struct recipient *recipient = NULL;
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_secret struct secret plain = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&plain, span_of(private_text), NULL), 0);
	assert_int_equal(wrap_jwe.recipient(&settings, JOSE "rsa.jwk", &recipient, NULL), 0);
	assert_int_equal(recipient->wrap(recipient, &plain, &element, NULL), 0);
	assert_int_equal(keys_add(&keys, JOSE "rsa.jwk", NULL), 0);
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		auto_openers struct opener_list list = OPENER_LIST_NONE;
		auto_secret struct secret opened = SECRET_NONE;
		snprintf(keys.items[0].jwk.alg, sizeof(keys.items[0].jwk.alg), "%s", algs[i]);
		assert_int_equal(wrap_jwe.openers(&settings, &keys, &list, NULL), 0);
		assert_int_equal(list.count, 1);
		assert_int_equal(list.items[0]->unwrap(list.items[0], buf_span(&element), &opened, NULL), 0);
		assert_true(secret_is(&opened, span_of(private_text)));
	}
}

/* ---- the lists of all kinds ------------------------------------------------------------------------------ */

static void no_key_goes_unused(void **state)
{
	static const struct wrap_kind *const kinds[] = { &wrap_jwe, NULL };
	static const char *const cases[] = { CRYPTO "ed25519.pem", CRYPTO "rsa-certificate.pem", "provider:x",
		"pgp:" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_keys struct keys keys = KEYS_NONE;
		auto_openers struct opener_list list = OPENER_LIST_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(keys_add(&keys, CRYPTO "rsa.pem", NULL), 0);
		assert_int_equal(keys_add(&keys, cases[i], NULL), 0);
		assert_int_equal(openers_open(kinds, &settings, &keys, &list, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, keys.items[1].name));
		assert_int_equal(list.count, 0);
	}
}

/* A kind whose openers ask somebody else. */
static int unwrap_nothing(struct opener *self, struct span element, struct secret *options, struct err *err)
{
	(void)self, (void)element, (void)options;
	return err_set(err, ERR_AUTH, "no");
}

static void free_nothing(struct opener *self)
{
	(void)self;
}

static struct opener far_opener = {
	.scheme = "provider.", .name = "far", .remote = true, .unwrap = unwrap_nothing, .free = free_nothing
};

static int far_openers(const struct wrap_settings *given, struct keys *keys, struct opener_list *out,
		struct err *err)
{
	(void)given, (void)keys, (void)err;
	opener_list_add(out, &far_opener);
	return 0;
}

static void local_openers_stand_before_remote_ones(void **state)
{
	static const struct wrap_kind far = { "far", NULL, far_openers };
	static const struct wrap_kind *const kinds[] = { &far, &wrap_jwe, NULL };
	auto_keys struct keys keys = KEYS_NONE;
	auto_openers struct opener_list list = OPENER_LIST_NONE;

	(void)state;
	assert_int_equal(keys_add(&keys, CRYPTO "rsa.pem", NULL), 0);
	assert_int_equal(keys_add(&keys, CRYPTO "p256.pem", NULL), 0);
	assert_int_equal(openers_open(kinds, &settings, &keys, &list, NULL), 0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0]->name, "key '" CRYPTO "rsa.pem'");
	assert_string_equal(list.items[1]->name, "key '" CRYPTO "p256.pem'");
	assert_string_equal(list.items[2]->name, "far");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_it_wrapped_for_every_form_of_key),
		cmocka_unit_test(writes_one_flattened_jwe),
		cmocka_unit_test(a_recipient_has_its_scheme_and_its_name),
		cmocka_unit_test(refuses_recipients_before_anything_is_encrypted),
		cmocka_unit_test(opens_what_go_wrote),
		cmocka_unit_test(a_foreign_key_and_a_broken_element_are_refused),
		cmocka_unit_test(takes_private_keys_alone_and_marks_them),
		cmocka_unit_test(a_jwk_opens_whatever_alg_it_says),
		cmocka_unit_test(no_key_goes_unused),
		cmocka_unit_test(local_openers_stand_before_remote_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
