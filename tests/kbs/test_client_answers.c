/* SPDX-License-Identifier: Apache-2.0 */
/* What the client opens and what it does not: answers that jwcrypto made, and the same with a bit changed. */
#include "kbs/client.h"

#include "base/buf.h"
#include "crypto/init.h"
#include "net/http.h"
#include "tests/kbs/broker.h"

static void opens_what_a_foreign_library_sealed(void **state)
{
	auto_json json_t *doc = recording_load("foreign-jwe.json");
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384 };
		auto_jwk struct jwk key = JWK_NONE;
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		auto_free char *jwe = json_text(json_object_get(entry, "jwe"), false);
		recorded_key(json_object_get(entry, "tee_key"), &key);
		broker.jwe = jwe;
		broker_open(&broker, (struct kbs_client_options){ .tee_key = key.key });
		if (broker_get(&broker, "kbs:///default/key/one", &out, &err) < 0)
			fail_msg("%s: %s", json_text_at(entry, "name", NULL), err.text);
		assert_true(secret_is(&out, span_of(json_text_at(entry, "plaintext", NULL))));
		/* the key as it was sent: padded, and nothing but what is typed */
		const char *name = NULL;
		json_t *value = NULL;
		json_object_foreach (broker.pubkey, name, value)
			assert_true(json_equal(
					value, json_object_get(json_object_get(entry, "tee_key"), name)));
	}
	assert_true(i >= 12);
}

/* A copy of the object with another character in the middle of a member. */
static json_t *tampered(const json_t *jwe, const char *member, size_t at)
{
	json_t *out = json_deep_copy(jwe);
	auto_free char *text = xstrdup(json_text_at(jwe, member, NULL));

	text[at] = text[at] == 'A' ? 'B' : 'A';
	json_object_set_new(out, member, json_string(text));
	return out;
}

/* That the answer is not opened once that member is another. */
static void check_change(struct broker *broker, const json_t *jwe, const char *member)
{
	size_t len = strlen(json_text_at(jwe, member, NULL));
	auto_json json_t *other = tampered(jwe, member, len / 2);
	auto_free char *text = json_text(other, false);
	auto_secret struct secret out = SECRET_NONE;
	struct err err = ERR_NONE;

	broker->jwe = text;
	if (broker_get(broker, "kbs:///default/key/one", &out, &err) == 0)
		fail_msg("%s", member);
	/* a header can also become one that is none */
	assert_true(err.kind == ERR_AUTH || (err.kind == ERR_FORMAT && !strcmp(member, "protected")));
	assert_int_equal(out.len, 0);
}

/* Version 0.1: a header that is not encoded, the tag in the ciphertext, RSA1_5. */
static void opens_the_form_of_the_oldest_version(void **state)
{
	static const char *const members[] = { "encrypted_key", "iv", "ciphertext" };
	auto_json json_t *doc = recording_load("foreign-jwe.json");
	const json_t *entry = json_object_get(doc, "oldest");
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .version = KBS_0_1, .oldest = true };
	auto_jwk struct jwk key = JWK_NONE;
	auto_free char *jwe = json_text(json_object_get(entry, "jwe"), false);

	(void)state;
	recorded_key(json_object_get(entry, "tee_key"), &key);
	broker.jwe = jwe;
	broker_open(&broker, (struct kbs_client_options){ .tee_key = key.key, .older = true });
	broker_gives(&broker);
	assert_string_equal(json_text_at(broker.pubkey, "alg", NULL), "RSA1_5");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		check_change(&broker, json_object_get(entry, "jwe"), members[i]);
}

static void opens_no_form_but_that_of_the_version(void **state)
{
	auto_json json_t *doc = recording_load("foreign-jwe.json");
	const json_t *oldest = json_object_get(doc, "oldest");
	const json_t *jwe = json_object_get(oldest, "jwe");
	const json_t *modern = json_array_get(json_object_get(doc, "cases"), 2);
	static const struct {
		const char *member, *text;
	} cases[] = {
		{ "protected", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}" },
		{ "protected", "{\"alg\":\"RSA1_5\",\"enc\":\"A128GCM\"}" },
		{ "protected", "{\"alg\":\"RSA1_5\"}" },
		{ "protected", "" },
		{ "tag", "AAAAAAAAAAAAAAAAAAAAAA" },
		{ "iv", "AAAA" },
		{ "ciphertext", "AAAA" },
		{ "encrypted_key", "*" },
	};
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .version = KBS_0_1, .oldest = true };
	auto_jwk struct jwk key = JWK_NONE;
	auto_free char *text = json_text(json_object_get(modern, "jwe"), false);

	(void)state;
	recorded_key(json_object_get(oldest, "tee_key"), &key);
	broker_open(&broker, (struct kbs_client_options){ .tee_key = key.key, .older = true });
	broker.jwe = text;
	broker_refuses(&broker, ERR_FORMAT, "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *other = json_deep_copy(jwe);
		json_object_set_new(other, cases[i].member, json_string(cases[i].text));
		auto_free char *changed = json_text(other, false);
		broker.jwe = changed;
		broker_refuses(&broker, ERR_FORMAT, "answer");
	}
}

static void takes_rsa_keys_alone_to_the_oldest_version(void **state)
{
	auto_json json_t *keys = recording_load("keys.json");
	auto_broker struct broker broker = { .hash = DIGEST_SHA384, .version = KBS_0_1, .oldest = true };
	auto_jwk struct jwk key = JWK_NONE;

	(void)state;
	recorded_key(json_object_get(keys, "tee_p256"), &key);
	broker_open(&broker, (struct kbs_client_options){ .tee_key = key.key, .older = true });
	broker_refuses(&broker, ERR_USAGE, "needs an RSA key");
}

static void opens_nothing_that_was_changed(void **state)
{
	static const char *const names[] = { "p256", "p521", "rsa" };
	static const char *const members[] = { "encrypted_key", "iv", "ciphertext", "tag", "protected" };
	auto_json json_t *doc = recording_load("foreign-jwe.json");

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *entry = json_array_get(json_object_get(doc, "cases"), i);
		auto_broker struct broker broker = { .hash = DIGEST_SHA384 };
		auto_jwk struct jwk key = JWK_NONE;
		assert_string_equal(json_text_at(entry, "name", NULL), names[i]);
		recorded_key(json_object_get(entry, "tee_key"), &key);
		broker_open(&broker, (struct kbs_client_options){ .tee_key = key.key });
		for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++)
			check_change(&broker, json_object_get(entry, "jwe"), members[k]);
		/* a broken answer is no reason to ask again */
		broker_settle(&broker);
		assert_int_equal(broker.attests, 1);
		assert_int_equal(broker.gets, sizeof(members) / sizeof(members[0]));
	}
}

static void opens_nothing_that_is_for_another_key(void **state)
{
	auto_json json_t *doc = recording_load("foreign-jwe.json");
	auto_broker struct broker broker = { .hash = DIGEST_SHA384 };
	auto_free char *jwe = json_text(
			json_object_get(json_array_get(json_object_get(doc, "cases"), 0), "jwe"), false);

	(void)state;
	broker.jwe = jwe;
	broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
	broker_refuses(&broker, ERR_AUTH, "");
}

static void opens_no_answer_of_another_form(void **state)
{
	static const struct {
		const char *jwe;
		enum err_kind kind;
	} cases[] = {
		{ "[]", ERR_FORMAT },
		{ "{\"protected\":\"\"}", ERR_FORMAT },
		{ "{\"protected\":\"e30\",\"encrypted_key\":\"\",\"iv\":\"\",\"ciphertext\":\"\",\"tag\":"
		  "\"\"}",
				ERR_FORMAT },
		/* {"alg":"none","enc":"A256GCM"}, {"alg":"dir",…}, crit */
		{ "{\"protected\":\"eyJhbGciOiJub25lIiwiZW5jIjoiQTI1NkdDTSJ9\",\"encrypted_key\":\"AA\","
		  "\"iv\":"
		  "\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"AA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
				ERR_FORMAT },
		{ "{\"protected\":\"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0\",\"encrypted_key\":\"\",\"iv\":"
		  "\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"AA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
				ERR_FORMAT },
		{ "{\"protected\":"
		  "\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJjcml0IjpbIngiXSwieCI6"
		  "MX0\",\"encrypted_key\":\"AA\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"AA\",\"tag\":"
		  "\"AAAAAAAAAAAAAAAAAAAAAA\"}",
				ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_broker struct broker broker = { .hash = DIGEST_SHA384, .jwe = cases[i].jwe };
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		broker_open(&broker, (struct kbs_client_options){ .key = KBS_KEY_P256 });
		assert_int_equal(broker_get(&broker, "kbs:///default/key/one", &out, &err), -1);
		if (err.kind != cases[i].kind)
			fail_msg("%s: %s %s", cases[i].jwe, err_kind_name(err.kind), err.text);
		assert_int_equal(out.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_a_foreign_library_sealed),
		cmocka_unit_test(opens_the_form_of_the_oldest_version),
		cmocka_unit_test(opens_no_form_but_that_of_the_version),
		cmocka_unit_test(takes_rsa_keys_alone_to_the_oldest_version),
		cmocka_unit_test(opens_nothing_that_was_changed),
		cmocka_unit_test(opens_nothing_that_is_for_another_key),
		cmocka_unit_test(opens_no_answer_of_another_form),
	};

	if (crypto_init(false, NULL) < 0 || http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
