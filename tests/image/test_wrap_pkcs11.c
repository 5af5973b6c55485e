/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/vectors/image/pkcs11/make.sh made keys and elements. The token is SoftHSM's, in a folder of its own, with the
 * keys of the vectors in it; it does OAEP with SHA-1 alone, so SHA-256 is read in software here.
 */
#include "base/fs.h"
#include "base/own.h"
#include "base/run.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "image/p11_key.h"
#include "image/p11_token.h"
#include "tests/image/p11_place.h"
#include "tests/image/wrapping.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PKCS11 VECTORS "pkcs11/"
#define PIN    "4711-pin"

static const struct wrap_settings usual = { .ocicrypt_config = "internal" };
static const struct wrap_settings with_sha1 = { .ocicrypt_config = "internal", .oaep_sha1 = true };

/* ---- the token ---- */

static void softhsm(const char *const *argv)
{
	char config[200];
	const char *environment[] = { config, "PATH=/usr/bin:/bin", NULL };
	struct run run = {
		.what = "softhsm2-util", .argv = argv, .environment = environment, .timeout = 60000
	};
	auto_buf struct buf said = BUF_MAX(65536);
	struct err err = ERR_NONE;

	snprintf(config, sizeof(config), "SOFTHSM2_CONF=%s/softhsm2.conf", place);
	if (run_program(&run, &said, &err) < 0)
		fail_msg("%s", err.text);
}

static void make_token(const char *label)
{
	const char *const argv[] = { "softhsm2-util", "--init-token", "--free", "--label", label, "--pin",
		PIN, "--so-pin", "so-pin", NULL };

	softhsm(argv);
}

static void import(const char *key, const char *label, const char *id)
{
	const char *const argv[] = { "softhsm2-util", "--import", key, "--token", "images", "--label", label,
		"--id", id, "--pin", PIN, NULL };

	softhsm(argv);
}

/* A key's description; query is what stands behind the '?'. */
static void describe(const char *name, const char *path, const char *query)
{
	put(name, "pkcs11:\n  uri: \"pkcs11:%s?%s\"\nmodule:\n  env:\n    SOFTHSM2_CONF: %s/softhsm2.conf\n",
			path, query, place);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(place));
	put("softhsm2.conf",
			"directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
			place);
	assert_int_equal(mkdir(at("tokens"), 0700), 0);
	make_token("images");
	make_token("twin");
	make_token("twin");
	import(PKCS11 "2048.key", "small", "01");
	import(PKCS11 "3072.key", "large", "02");
	import(PKCS11 "3072.key", "large", "03");
	put("pin", PIN "\n");
	describe("small.yaml", "token=images;object=small", "module-name=softhsm2&pin-value=" PIN);
	describe("by-id.yaml", "token=images;id=%02", "module-name=softhsm2&pin-value=" PIN);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the token at work ---- */

static void opens_what_the_peer_wrote(void **state)
{
	static const struct {
		const char *key, *element;
	} cases[] = {
		{ "small.yaml", "go-sha1.json" },
		{ "small.yaml", "go-without-hash.json" },
		{ "small.yaml", "go-two.json" },
		{ "by-id.yaml", "go-two.json" },
	};
	auto_buf struct buf options = BUF_MAX(4096);

	(void)state;
	load(VECTORS "options.json", &options);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret out = SECRET_NONE;
		const char *keys[] = { at(cases[i].key), NULL };
		char path[200];
		struct err err = ERR_NONE;
		snprintf(path, sizeof(path), PKCS11 "%s", cases[i].element);
		load(path, &element);
		if (open_with(&wrap_pkcs11, &usual, keys, buf_span(&element), &out, &err) < 0)
			fail_msg("%s, %s: %s", cases[i].key, cases[i].element, err.text);
		assert_true(secret_is(&out, buf_span(&options)));
	}
}

static void what_it_wraps_it_opens(void **state)
{
	static const char *const recipients[] = { PKCS11 "2048.pub", NULL };
	auto_buf struct buf options = BUF_MAX(4096);
	const char *keys[] = { at("small.yaml"), NULL };

	(void)state;
	load(VECTORS "options.json", &options);
	for (size_t i = 0; i < 2; i++) {
		auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		const char *recipient = recipients[i] ? recipients[i] : keys[0];
		if (wrap_to(&wrap_pkcs11, &with_sha1, recipient, buf_span(&options), &element, &err) < 0)
			fail_msg("%s", err.text);
		if (open_with(&wrap_pkcs11, &usual, keys, buf_span(&element), &out, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(secret_is(&out, buf_span(&options)));
	}
}

static void writes_the_element_of_the_peer(void **state)
{
	static const char begin[] = "{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"";
	auto_buf struct buf options = BUF_MAX(4096), ours = BUF_MAX(4096), theirs = BUF_MAX(4096);

	(void)state;
	load(VECTORS "options.json", &options);
	load(PKCS11 "go-sha256.json", &theirs);
	assert_int_equal(
			wrap_to(&wrap_pkcs11, &usual, PKCS11 "3072.pub", buf_span(&options), &ours, NULL), 0);
	assert_int_equal(ours.len, theirs.len);
	assert_true(span_starts(buf_span(&ours), begin) && span_starts(buf_span(&theirs), begin));
	assert_true(span_ends(buf_span(&ours), "\",\"hash\":\"sha256\"}]}"));
	assert_true(span_ends(buf_span(&theirs), "\",\"hash\":\"sha256\"}]}"));
}

static int call(const char *key, const struct wrap_settings *settings, const char *element, struct err *err)
{
	auto_buf struct buf bytes = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_secret struct secret out = SECRET_NONE;
	const char *keys[] = { at(key), NULL };

	buf_puts(&bytes, element);
	return open_with(&wrap_pkcs11, settings, keys, buf_span(&bytes), &out, err);
}

static void says_why_a_token_cannot_be_used(void **state)
{
	static const struct {
		const char *path, *query, *reason;
		enum err_kind kind;
	} cases[] = {
		{ "token=images;object=small", "module-name=softhsm2&pin-value=wrong-" PIN,
				"refused the PIN, and is not asked again", ERR_DENIED },
		{ "token=images;object=small", "module-name=softhsm2",
				"wants a PIN: add pin-source or pin-value", ERR_USAGE },
		{ "token=images;object=small", "module-name=softhsm2&pin-source=relative",
				"pin-source is no absolute path", ERR_USAGE },
		/* who confuses the two shows it to nobody */
		{ "token=images;object=small", "module-name=softhsm2&pin-source=" PIN,
				"pin-source is no absolute path", ERR_USAGE },
		{ "token=images;object=small", "module-name=softhsm2&pin-source=/nowhere/pin",
				"reading the PIN: ", ERR_NOT_FOUND },
		{ "token=images;object=none", "module-name=softhsm2&pin-value=" PIN, "no private key fits",
				ERR_NOT_FOUND },
		{ "token=images;object=large", "module-name=softhsm2&pin-value=" PIN,
				"more than one private key fits", ERR_USAGE },
		{ "token=images", "module-name=softhsm2&pin-value=" PIN,
				"does not say its key: add object or id", ERR_USAGE },
		{ "token=none;object=small", "module-name=softhsm2&pin-value=" PIN, "libsofthsm2.so' has '",
				ERR_NOT_FOUND },
		{ "token=twin;object=small", "module-name=softhsm2&pin-value=" PIN, "2 tokens fit",
				ERR_USAGE },
		{ "slot-id=99;object=small", "module-name=softhsm2&pin-value=" PIN, "no token fits",
				ERR_NOT_FOUND },
		{ "token=images;object=small", "pin-value=" PIN, "does not say its module", ERR_USAGE },
		{ "token=images;object=small", "module-name=softhsm&pin-value=" PIN,
				"no PKCS#11 module 'softhsm' in the policy's module-directories",
				ERR_NOT_FOUND },
		{ "token=images;object=small", "module-path=softhsm2.so&pin-value=" PIN, "is not absolute",
				ERR_USAGE },
		{ "token=images;object=small", "module-path=/tmp/none.so&pin-value=" PIN,
				"module-path '/tmp/none.so'", ERR_NOT_FOUND },
		{ "token=images;object=small", "module-path=/etc/passwd&pin-value=" PIN,
				"do not allow the PKCS#11 module '/etc/passwd'", ERR_DENIED },
		{ "token=images;object=small;x-vendor=1", "module-name=softhsm2&pin-value=" PIN,
				"an attribute that we do not know", ERR_USAGE },
		{ "token=images&pin-value=" PIN, "module-name=softhsm2",
				"a pin-value that does not stand behind a '?'", ERR_USAGE },
		{ "token=%zz", "module-name=softhsm2&pin-value=" PIN, "is no PKCS#11 URI", ERR_FORMAT },
	};
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);

	(void)state;
	load(PKCS11 "go-sha1.json", &element);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err = ERR_NONE;
		describe("bad.yaml", cases[i].path, cases[i].query);
		assert_int_equal(call("bad.yaml", &usual, buf_text(&element), &err), -1);
		if (!strstr(err.text, cases[i].reason) || err.kind != cases[i].kind)
			fail_msg("case %zu: %s: %s", i, err_kind_name(err.kind), err.text);
		if (strstr(err.text, PIN))
			fail_msg("the PIN is in the message: %s", err.text);
	}
}

static void a_pin_comes_from_wherever_it_is(void **state)
{
	static const char *const sources[] = { "pin-source=%s/pin", "pin-source=file:%s/pin",
		"pin-source=file://%s/pin" };
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);

	(void)state;
	load(PKCS11 "go-sha1.json", &element);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		auto_buf struct buf query = BUF_MAX(400);
		struct err err = ERR_NONE;
		struct span rest = span_of(sources[i]);
		buf_puts(&query, "module-name=softhsm2&");
		size_t cut = span_find(rest, '%');
		buf_add(&query, rest.ptr, cut);
		buf_printf(&query, "%s/pin", place);
		describe("source.yaml", "token=images;object=small", buf_text(&query));
		if (call("source.yaml", &usual, buf_text(&element), &err) < 0)
			fail_msg("%s: %s", sources[i], err.text);
	}
}

/* key.yaml:file=PIN: the password of the key is the token's PIN, before any other. */
static void the_password_of_the_key_is_the_pin(void **state)
{
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_secret struct secret out = SECRET_NONE;
	char key[500];
	const char *const keys[] = { key, NULL };
	struct err err = ERR_NONE;

	(void)state;
	load(PKCS11 "go-sha1.json", &element);
	describe("open.yaml", "token=images;object=small", "module-name=softhsm2&pin-source=/nowhere/pin");
	snprintf(key, sizeof(key), "%s/open.yaml:file=%s/pin", place, place);
	if (open_with(&wrap_pkcs11, &usual, keys, buf_span(&element), &out, &err) < 0)
		fail_msg("%s", err.text);
}

/* The module says no at the first call; a second one, for the next layer, is not made. */
static void a_refused_pin_is_not_tried_again(void **state)
{
	auto_p11_policy struct p11_policy policy = P11_POLICY_NONE;
	auto_buf struct buf text = BUF_MAX(4096);
	auto_p11_key struct p11_key *key = NULL;
	auto_p11_token struct p11_token *token = NULL;
	auto_secret struct secret out = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	describe("wrong.yaml", "token=images;object=small", "module-name=softhsm2&pin-value=0000");
	load(at("wrong.yaml"), &text);
	assert_int_equal(p11_policy_load(NULL, &policy, &err), 0);
	assert_int_equal(p11_key_parse(buf_span(&text), &key, &err), 0);
	assert_int_equal(p11_token_open(key, &policy, true, &token, &err), 0);
	assert_int_equal(p11_token_decrypt(token, true, SPAN_LIT("x"), &out, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	/* with the right PIN in the meantime it would work, if it were asked */
	assert_int_equal(secret_from_span(&key->pin, SPAN_LIT(PIN), &err), 0);
	assert_int_equal(p11_token_decrypt(token, true, SPAN_LIT("x"), &out, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
}

static void refuses_elements_that_are_none(void **state)
{
	static const struct {
		const char *element, *reason;
		enum err_kind kind;
	} cases[] = {
		{ "", "", ERR_FORMAT },
		{ "[]", "", ERR_FORMAT },
		{ "{}", "the element has no recipients", ERR_FORMAT },
		{ "{\"version\":1,\"recipients\":[]}", "version", ERR_LIMIT },
		{ "{\"version\":0,\"recipients\":{}}", "recipients", ERR_FORMAT },
		{ "{\"version\":0,\"recipients\":[7]}", "recipient", ERR_FORMAT },
		{ "{\"version\":0,\"recipients\":[{\"version\":0}]}", "recipient.blob", ERR_FORMAT },
		{ "{\"version\":0,\"recipients\":[{\"version\":2,\"blob\":\"AA==\"}]}", "recipient.version",
				ERR_LIMIT },
		{ "{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"!\"}]}", "recipient.blob",
				ERR_FORMAT },
		{ "{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"AA==\",\"hash\":\"md5\"}]}",
				"the hash 'md5' is neither sha1 nor sha256", ERR_FORMAT },
		{ "{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"AA==\",\"hash\":\"sha1\"}]}",
				"decryption failed", ERR_AUTH },
		{ "{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"AA==\",\"hash\":\"sha256\"}]}",
				"does not do RSA-OAEP with SHA-256", ERR_USAGE },
		{ "{\"version\":0,\"version\":0,\"recipients\":[]}", "duplicate", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err err = ERR_NONE;
		assert_int_equal(call("small.yaml", &usual, cases[i].element, &err), -1);
		if (!strstr(err.text, cases[i].reason) || err.kind != cases[i].kind)
			fail_msg("case %zu: %s: %s", i, err_kind_name(err.kind), err.text);
	}
}

static void refuses_every_truncation(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);

	(void)state;
	load(PKCS11 "go-sha1.json", &element);
	assert_int_equal(keys_add(&keys, at("small.yaml"), NULL), 0);
	assert_int_equal(wrap_pkcs11.openers(&usual, &keys, &list, NULL), 0);
	for (size_t cut = 0; cut < element.len; cut++) {
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		struct span part = span_new(element.ptr, cut);
		assert_int_equal(list.items[0]->unwrap(list.items[0], part, &out, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
	}
}

/* ---- recipients ---- */

static void refuses_recipients_that_cannot_be(void **state)
{
	static const struct {
		const char *path, *reason;
		bool sha1;
	} cases[] = {
		{ PKCS11 "2048.pub",
				"an RSA key of 2048 bits holds 190 bytes with OAEP and SHA-256, and a "
				"layer's key "
				"takes 193: use a key of 3072 bits or more, or OCICRYPT_OAEP_HASHALG=sha1",
				false },
		{ "small.yaml", "an RSA key of 2048 bits holds 190 bytes with OAEP and SHA-256", false },
		{ PKCS11 "ec.pub", "a P-256 key; PKCS#11 needs RSA", true },
		{ PKCS11 "make.sh", PKCS11 "make.sh", true },
		{ PKCS11 "none.pub", PKCS11 "none.pub", true },
		{ "bad.yaml", "pkcs11.uri", true },
	};

	(void)state;
	put("bad.yaml", "pkcs11:\n  url: x\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipient *recipient = NULL;
		struct err err = ERR_NONE;
		const char *path = strchr(cases[i].path, '/') ? cases[i].path : at(cases[i].path);
		assert_int_equal(wrap_pkcs11.recipient(
						 cases[i].sha1 ? &with_sha1 : &usual, path, &recipient, &err),
				-1);
		assert_null(recipient);
		if (!strstr(err.text, cases[i].reason))
			fail_msg("%s: %s", path, err.text);
	}
}

static void a_token_that_cannot_do_the_hash_says_so(void **state)
{
	struct err err = ERR_NONE;
	auto_buf struct buf element = BUF_MAX(4096);

	(void)state;
	describe("large.yaml", "token=images;id=%02", "module-name=softhsm2&pin-value=" PIN);
	assert_int_equal(wrap_to(&wrap_pkcs11, &usual, at("large.yaml"), SPAN_LIT("x"), &element, &err), -1);
	assert_non_null(strstr(err.text, "does not do RSA-OAEP with SHA-256"));
	assert_non_null(strstr(err.text, "OCICRYPT_OAEP_HASHALG=sha1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_the_peer_wrote),
		cmocka_unit_test(what_it_wraps_it_opens),
		cmocka_unit_test(writes_the_element_of_the_peer),
		cmocka_unit_test(says_why_a_token_cannot_be_used),
		cmocka_unit_test(a_pin_comes_from_wherever_it_is),
		cmocka_unit_test(the_password_of_the_key_is_the_pin),
		cmocka_unit_test(a_refused_pin_is_not_tried_again),
		cmocka_unit_test(refuses_elements_that_are_none),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_recipients_that_cannot_be),
		cmocka_unit_test(a_token_that_cannot_do_the_hash_says_so),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
