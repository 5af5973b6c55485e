/* SPDX-License-Identifier: Apache-2.0 */
#include "image/packet.h"
#include "tests/image/recordings.h"

#define PRIVATE                                                                                              \
	"{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\",\"digest\":\"sha256:"                  \
	"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\",\"cipheroptions\":{\"nonce\":\"" \
	"AAECAwQFBgcICQoLDA0ODw==\"}}"
#define SAMPLE                                                                                     \
	"{\"kid\":\"kbs:///default/test-key/"                                                      \
	"1\",\"wrapped_data\":\"/3LyhluQ5hn61UcAfgunWJG3MH9d2bdt1sFfMUreAeTX/"                     \
	"KuLrQEfep3P+KI4voUvTb3ckwxImQEY35buwGNUxdH5wrykBkLv91dP+m0AM5JdOSuz1lZW0oQ1IYpZSXWsNBEX+" \
	"Bvo3ZPTVxwW7ZjEwO+n1+"                                                                    \
	"LMU8j5Tofr1C4hPF8aa1xV5n8YROu9da9l2MzjzIkn4m7zVeIzpTUTrnKH23TfZeVeFnKrovcTuAFCr"          \
	"+vFLIPtx0bjaxumbGNTv9/zlnTx/"                                                             \
	"fV71RrzqAzoFjDlCmk=\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"wrap_type\":\"A256GCM\"}"
#define GOOD                                                                                           \
	"{\"kid\":\"kbs:///a/b/"                                                                       \
	"c\",\"wrapped_data\":\"AAAAAAAAAAAAAAAAAAAAAAA=\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"wrap_type\":" \
	"\"A256GCM\"}"

static void writes_the_sample_packet_byte_for_byte(void **state)
{
	static const unsigned char zeros[12];
	auto_secret struct secret kek = SECRET_NONE, plain = SECRET_NONE;
	auto_packet struct packet packet = PACKET_NONE;
	auto_buf struct buf text = BUF_MAX(4096);
	struct kbs_uri uri;

	(void)state;
	assert_int_equal(packet_sample_kek(&kek, NULL), 0);
	assert_int_equal(secret_from_span(&plain, SPAN_LIT(PRIVATE), NULL), 0);
	assert_int_equal(plain.len, 193);
	assert_int_equal(kbs_uri_parse(SPAN_LIT(PACKET_SAMPLE_URI), &uri, NULL), 0);
	assert_int_equal(packet_seal(&uri, PACKET_A256GCM, &kek, span_new(zeros, 12), &plain, &packet, NULL),
			0);
	packet_format(&packet, PACKET_SHORT, &text);
	assert_string_equal(buf_text(&text), SAMPLE);
}

static void writes_the_newer_form_as_the_hub_takes_it(void **state)
{
	auto_packet struct packet packet = PACKET_NONE;
	auto_buf struct buf text = BUF_MAX(4096);

	(void)state;
	assert_int_equal(packet_parse(SPAN_LIT(GOOD), &packet, NULL), 0);
	packet_format(&packet, PACKET_LONG, &text);
	assert_string_equal(buf_text(&text),
			"{\"version\":\"0.1.0\",\"provider\":\"kbs\",\"kid\":\"kbs:///a/b/"
			"c\",\"wrapped_data\":"
			"\"AAAAAAAAAAAAAAAAAAAAAAA=\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"wrap_type\":\"A256GCM\","
			"\"provider_settings\":{},\"annotations\":{}}");
}

/* Opens a recorded packet with the key that the recording's store has under its kid. */
static int open_recorded(const json_t *keys, const char *text, struct secret *out, struct err *err)
{
	auto_packet struct packet packet = PACKET_NONE;
	auto_secret struct secret kek = SECRET_NONE;
	struct kbs_uri uri;

	if (packet_parse(span_of(text), &packet, err) < 0 || packet_key_uri(&packet, &uri, err) < 0 ||
			packet_guest_reads(&packet, PACKET_GUEST_HUB, err) < 0)
		return -1;
	if (!recording_key(keys, uri.path, &kek))
		return err_set(err, ERR_NOT_FOUND, "no key");
	return packet_open(&packet, &kek, out, err);
}

static void agrees_with_the_hub_on_every_recorded_packet(void **state)
{
	auto_json json_t *doc = recording_load("unwrap.json"), *keys = recording_load("keys.json");
	unsigned seen = 0;
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		const char *name = json_text_at(entry, "name", NULL),
			   *text = json_text_at(entry, "packet", NULL);
		const char *options = json_text_at(entry, "optsdata_base64", NULL);
		auto_secret struct secret plain = SECRET_NONE;
		auto_buf struct buf want = BUF_MAX(4096);
		struct err err = ERR_NONE;
		if (!text)
			continue;
		seen++;
		int result = open_recorded(keys, text, &plain, &err);
		if ((result == 0) != (options != NULL))
			fail_msg("%s: %s", name, result ? err.text : "was opened");
		if (!options)
			continue;
		assert_int_equal(b64_decode(span_of(options), &want, NULL), 0);
		assert_true(secret_is(&plain, buf_span(&want)));
	}
	assert_true(seen > 35);
}

static void opens_what_the_ecosystems_provider_wrapped(void **state)
{
	auto_json json_t *doc = recording_load("wrap.json"), *keys = recording_load("keys.json");
	unsigned opened = 0;
	size_t i = 0;
	json_t *entry = NULL;

	(void)state;
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		const char *key = json_text_at(entry, "opened_with", NULL);
		const char *hex = key ? json_text_at(keys, key, NULL) : NULL;
		auto_packet struct packet packet = PACKET_NONE;
		auto_secret struct secret kek = SECRET_NONE, plain = SECRET_NONE;
		auto_buf struct buf bytes = BUF_MAX(64), want = BUF_MAX(4096);
		if (!hex)
			continue;
		recording_hex(hex, &bytes);
		assert_int_equal(secret_from_span(&kek, buf_span(&bytes), NULL), 0);
		assert_int_equal(
				packet_parse(span_of(json_text_at(entry, "packet", NULL)), &packet, NULL), 0);
		assert_int_equal(packet_open(&packet, &kek, &plain, NULL), 0);
		assert_int_equal(b64_decode(span_of(json_text_at(entry, "plaintext_base64", NULL)), &want,
						 NULL),
				0);
		assert_true(secret_is(&plain, buf_span(&want)));
		opened++;
	}
	assert_true(opened > 20);
}

static void seals_and_opens_with_both_ciphers_and_every_length(void **state)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 193, 4096 };
	auto_secret struct secret kek = SECRET_NONE;
	struct kbs_uri uri;

	(void)state;
	assert_int_equal(secret_random(&kek, PACKET_KEK, NULL), 0);
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/c"), &uri, NULL), 0);
	for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		auto_secret struct secret plain = SECRET_NONE, back = SECRET_NONE;
		auto_packet struct packet packet = PACKET_NONE, again = PACKET_NONE;
		auto_buf struct buf text = BUF_MAX(WRAP_ELEMENT_MAX);
		assert_int_equal(secret_random(&plain, lengths[i / 2], NULL), 0);
		assert_int_equal(packet_seal(&uri, i % 2 ? PACKET_A256CTR : PACKET_A256GCM, &kek, SPAN_NONE,
						 &plain, &packet, NULL),
				0);
		packet_format(&packet, i % 2 ? PACKET_LONG : PACKET_SHORT, &text);
		assert_int_equal(packet_parse(buf_span(&text), &again, NULL), 0);
		assert_int_equal(packet_guest_reads(&again, PACKET_GUEST_NATIVE, NULL), 0);
		assert_int_equal(packet_open(&again, &kek, &back, NULL), 0);
		assert_true(secret_is(&back, secret_span(&plain)));
	}
}

static void refuses_a_key_or_iv_of_another_length(void **state)
{
	auto_secret struct secret kek = SECRET_NONE, plain = SECRET_NONE;
	auto_packet struct packet packet = PACKET_NONE;
	struct err err = ERR_NONE;
	struct kbs_uri uri;

	(void)state;
	assert_int_equal(kbs_uri_parse(SPAN_LIT("kbs:///a/b/c"), &uri, NULL), 0);
	assert_int_equal(secret_random(&kek, 16, NULL), 0);
	assert_int_equal(packet_seal(&uri, PACKET_A256GCM, &kek, SPAN_NONE, &plain, &packet, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(secret_random(&kek, 32, NULL), 0);
	assert_int_equal(packet_seal(&uri, PACKET_A256GCM, &kek, SPAN_LIT("0123456789012345"), &plain,
					 &packet, &err),
			-1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(packet_parse(SPAN_LIT(SAMPLE), &packet, NULL), 0);
	assert_int_equal(secret_random(&kek, 31, NULL), 0);
	assert_int_equal(packet_open(&packet, &kek, &plain, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

static void says_nothing_but_that_the_key_does_not_open_it(void **state)
{
	auto_secret struct secret kek = SECRET_NONE, plain = SECRET_NONE;
	auto_packet struct packet packet = PACKET_NONE;
	struct err wrong = ERR_NONE, tampered = ERR_NONE;

	(void)state;
	assert_int_equal(packet_parse(SPAN_LIT(SAMPLE), &packet, NULL), 0);
	assert_int_equal(secret_random(&kek, 32, NULL), 0);
	assert_int_equal(packet_open(&packet, &kek, &plain, &wrong), -1);
	assert_int_equal(packet_sample_kek(&kek, NULL), 0);
	packet.wrapped.ptr[5] ^= 1;
	assert_int_equal(packet_open(&packet, &kek, &plain, &tampered), -1);
	assert_int_equal(wrong.kind, ERR_AUTH);
	assert_string_equal(wrong.text, tampered.text);
	assert_null(plain.ptr);
}

static void refuses_a_packet_cut_anywhere(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(SAMPLE); len++) {
		auto_packet struct packet packet = PACKET_NONE;
		auto_free char *copy = xmemdup0(SAMPLE, len);
		assert_int_equal(packet_parse(span_new(copy, len), &packet, NULL), -1);
	}
}

static void refuses_what_is_no_packet(void **state)
{
	static const char *const cases[] = {
		"[]",
		"{}",
		"{\"kid\":1,\"wrapped_data\":\"\"}",
		"{\"kid\":null,\"wrapped_data\":\"\"}",
		"{\"kid\":\"a\",\"kid\":\"b\",\"wrapped_data\":\"\"}",
		"{\"kid\":\"a\"}",
		"{\"kid\":\"a\",\"wrapped_data\":[1]}",
		"{\"kid\":\"a\",\"wrapped_data\":\"AA\"}",
		"{\"kid\":\"a\",\"wrapped_data\":\"AA==\\n\"}",
		"{\"kid\":\"a\",\"wrapped_data\":\"__==\"}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\",\"iv\":\"*\"}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\",\"iv\":7}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\",\"version\":null}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\",\"provider\":null}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\",\"provider_settings\":null}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\",\"annotations\":[]}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\",\"wrap_type\":{}}",
		"{\"kid\":\"a\",\"wrapped_data\":\"\"} x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_packet struct packet packet = PACKET_NONE;
		if (packet_parse(span_of(cases[i]), &packet, NULL) == 0)
			fail_msg("%s was taken", cases[i]);
	}
}

static void refuses_members_that_are_too_long(void **state)
{
	static const char *const members[] = { "kid", "version", "provider", "wrap_type", "iv" };
	static char filling[8001];

	(void)state;
	memset(filling, 'A', 8000);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		auto_packet struct packet packet = PACKET_NONE;
		auto_free char *text = xasprintf("{\"%s\":\"%s\",%s\"wrapped_data\":\"\"}", members[i],
				filling, i ? "\"kid\":\"kbs:///a/b/c\"," : "");
		struct err err = ERR_NONE;
		assert_int_equal(packet_parse(span_of(text), &packet, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
	auto_packet struct packet packet = PACKET_NONE;
	auto_free char *huge = xcalloc(1, WRAP_ELEMENT_MAX + 1);
	assert_int_equal(packet_parse(span_new(huge, WRAP_ELEMENT_MAX + 1), &packet, NULL), -1);
}

/* why: the reason for which the guest cannot read it; NULL: it can. */
static void assert_judged(const char *text, enum packet_guest guest, const char *why)
{
	auto_packet struct packet packet = PACKET_NONE;
	struct err err = ERR_NONE;

	assert_int_equal(packet_parse(span_of(text), &packet, NULL), 0);
	int reads = packet_guest_reads(&packet, guest, &err);
	if ((reads == 0) != !why || (why && !strstr(err.text, why)))
		fail_msg("%s, %s: %s", text, packet_guest_name(guest), reads ? err.text : "reads it");
}

static void judges_which_guests_can_read_a_packet(void **state)
{
	static const struct {
		const char *kid, *more;
		const char *native, *hub; /* the reason, NULL: reads it */
	} cases[] = {
		{ "kbs:///a/b/c", "", NULL, NULL },
		{ "kbs:///a/b/c", ",\"version\":\"0.1.0\",\"provider\":\"kbs\"", NULL, NULL },
		{ "kbs:\\/\\/\\/a/b/c", "", "escape sequences", NULL },
		{ "kbs:///a/b/c/d", "", "REPOSITORY/TYPE/TAG", NULL },
		{ "kbs:///a/b", "", "REPOSITORY/TYPE/TAG", NULL },
		{ "/a/b/c", "", "is not of the form", "is not of the form" },
		{ "host/a/b/c", "", "is not of the form", "is not of the form" },
		{ "kbs:///a/b/c", ",\"version\":\"0.2.0\"", "its version", "its version" },
		{ "kbs:///a/b/c", ",\"version\":\"\"", "its version", "its version" },
		{ "kbs:///a/b/c", ",\"provider\":\"aliyun\"", "management service", "management service" },
		{ "kbs:///a/b/c", ",\"foo\":1", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_free char *text = xasprintf(
				"{\"kid\":\"%s\",\"wrapped_data\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"iv\":"
				"\"AAAAAAAAAAAAAAAA\",\"wrap_type\":\"A256GCM\"%s}",
				cases[i].kid, cases[i].more);
		assert_judged(text, PACKET_GUEST_NATIVE, cases[i].native);
		assert_judged(text, PACKET_GUEST_HUB, cases[i].hub);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_sample_packet_byte_for_byte),
		cmocka_unit_test(writes_the_newer_form_as_the_hub_takes_it),
		cmocka_unit_test(agrees_with_the_hub_on_every_recorded_packet),
		cmocka_unit_test(opens_what_the_ecosystems_provider_wrapped),
		cmocka_unit_test(seals_and_opens_with_both_ciphers_and_every_length),
		cmocka_unit_test(refuses_a_key_or_iv_of_another_length),
		cmocka_unit_test(says_nothing_but_that_the_key_does_not_open_it),
		cmocka_unit_test(refuses_a_packet_cut_anywhere),
		cmocka_unit_test(refuses_what_is_no_packet),
		cmocka_unit_test(refuses_members_that_are_too_long),
		cmocka_unit_test(judges_which_guests_can_read_a_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
