/* SPDX-License-Identifier: Apache-2.0 */
/* GPG's simple signing: messages and rings of GnuPG (tests/vectors/simple), whole and damaged. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "policy/cosign.h"
#include "policy/simple.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROOM     (1024 * 1024)
#define NOW      1650000000 /* April 2022; all is made in January, but what is `late` */
#define LATER    1750000000 /* 2025 */

static void load(const char *name, struct buf *out)
{
	char path[200];
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), "tests/vectors/simple/%s", name);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static struct simple_ring *ring_of(const char *name)
{
	auto_buf struct buf text = BUF_MAX(ROOM);
	struct simple_ring *ring = NULL;
	struct err err = ERR_NONE;

	load(name, &text);
	if (simple_ring_parse(buf_span(&text), &ring, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return ring;
}

/* Is it the fingerprint of that key in the list of the vectors? */
static bool is_key(const char *name, const char *fingerprint)
{
	auto_buf struct buf list = BUF_MAX(ROOM);
	char line[100];

	load("fingerprints", &list);
	snprintf(line, sizeof(line), "%s %s\n", name, fingerprint);
	const char *found = strstr(list.ptr, line);
	return found && (found == list.ptr || found[-1] == '\n');
}

static int verify(struct simple_ring *ring, const char *name, int64_t now, struct simple_signer *out,
		struct err *err)
{
	auto_buf struct buf message = BUF_MAX(ROOM);

	load(name, &message);
	return simple_verify(ring, buf_span(&message), now, out, err);
}

/* ---- what verifies ---- */

static void verifies_what_gpg_signed(void **state)
{
	static const struct {
		const char *ring, *message, *key;
		int64_t now;
		bool subkey, expired, revoked;
	} cases[] = {
		{ "rsa.ring", "rsa.sig", "rsa", NOW, false, false, false },
		{ "ed25519.ring", "ed25519.sig", "ed25519", NOW, false, false, false },
		{ "ecdsa.ring", "ecdsa.sig", "ecdsa", NOW, false, false, false },
		{ "ecdsa.ring", "sha512.sig", "ecdsa", NOW, false, false, false },
		{ "dsa.ring", "dsa.sig", "dsa", NOW, false, false, false },
		{ "rsa.ring", "zip.sig", "rsa", NOW, false, false, false },
		{ "rsa.ring", "zlib.sig", "rsa", NOW, false, false, false },
		{ "rsa.ring", "stdin.sig", "rsa", NOW, false, false, false },
		{ "rsa.asc", "rsa.sig", "rsa", NOW, false, false, false },
		{ "two.asc", "ed25519.sig", "ed25519", NOW, false, false, false },
		{ "three.ring", "ecdsa.sig", "ecdsa", NOW, false, false, false },
		{ "sub.ring", "sub.sig", "sub", NOW, true, false, false },
		{ "short.ring", "short.sig", "short", NOW, false, false, false },
		{ "short.ring", "short.sig", "short", LATER, false, true, false },
		{ "ed25519.ring", "expiring.sig", "ed25519", NOW, false, false, false },
		{ "ed25519.ring", "expiring.sig", "ed25519", LATER, false, true, false },
		{ "rsa.ring", "rsa.sig", "rsa", 1, false, true, false },
		{ "rsa.ring", "rsa.sig", "rsa", UINT32_MAX, false, false, false },
		{ "revoked.ring", "revoked.sig", "revoked", NOW, false, false, true },
	};
	auto_buf struct buf payload = BUF_MAX(ROOM);

	(void)state;
	load("payload.json", &payload);
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_simple_ring struct simple_ring *ring = ring_of(cases[i].ring);
		auto_simple_signer struct simple_signer signer = { .subkey = false };
		struct err err = ERR_NONE;
		if (verify(ring, cases[i].message, cases[i].now, &signer, &err) < 0)
			fail_msg("%s: %s", cases[i].message, err.text);
		assert_true(is_key(cases[i].key, signer.fingerprint));
		assert_int_equal(signer.subkey, cases[i].subkey);
		assert_int_equal(signer.expired, cases[i].expired);
		assert_int_equal(signer.revoked, cases[i].revoked);
		assert_string_equal(buf_text(&signer.payload), buf_text(&payload));
	}
}

static void the_payload_is_a_claim(void **state)
{
	auto_simple_ring struct simple_ring *ring = ring_of("rsa.ring");
	auto_simple_signer struct simple_signer signer = { .subkey = false };
	struct cosign_claim claim = { .annotations = NULL };

	(void)state;
	assert_int_equal(verify(ring, "rsa.sig", NOW, &signer, NULL), 0);
	assert_int_equal(cosign_claim_simple(buf_span(&signer.payload), &claim, NULL), 0);
	assert_string_equal(claim.reference, "registry.example/team/app:1.0");
	cosign_claim_clear(&claim);
}

/* ---- what does not ---- */

static void refuses_by_name(void **state)
{
	static const struct {
		const char *ring, *message;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ "three.ring", "sub.sig", ERR_AUTH, "none of the ring's 3 keys" },
		{ "three.ring", "dsa.sig", ERR_AUTH, "none of the ring's 3 keys" },
		{ "small.ring", "small.sig", ERR_AUTH, "too small" },
		{ "unsigning.ring", "unsigning.sig", ERR_AUTH, "may not sign" },
		{ "short.ring", "late.sig", ERR_AUTH, "after the key had expired" },
		{ "rsa.ring", "sha1.sig", ERR_AUTH, "SHA1, which is too weak" },
		{ "ed25519.ring", "notation.sig", ERR_FORMAT, "critical notation" },
		{ "ed25519.ring", "text.sig", ERR_FORMAT, "signed as text" },
		{ "three.ring", "two.sig", ERR_FORMAT, "several signatures" },
		{ "ed25519.ring", "armored.sig", ERR_FORMAT, "ASCII armor" },
		{ "ed25519.ring", "clear.sig", ERR_FORMAT, "clear-signed" },
		{ "ed25519.ring", "detached.sig", ERR_FORMAT, "detached" },
		{ "ed25519.ring", "detached-armored.sig", ERR_FORMAT, "detached" },
		{ "ed25519.ring", "encrypted.sig", ERR_FORMAT, "encrypted" },
		{ "ed25519.ring", "password.sig", ERR_FORMAT, "encrypted" },
		{ "ed25519.ring", "unsigned.sig", ERR_FORMAT, "tag 11" },
		{ "rsa.ring", "bzip2.sig", ERR_FORMAT, "algorithm 3" },
		{ "rsa.ring", "bomb.sig", ERR_LIMIT, "more than 65536 bytes" },
		{ "rsa.ring", "rsa.ring", ERR_FORMAT, "tag 6" },
		{ "rsa.ring", "payload.json", ERR_FORMAT, "this is none" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_simple_ring struct simple_ring *ring = ring_of(cases[i].ring);
		auto_simple_signer struct simple_signer signer = { .subkey = true };
		struct err err = ERR_NONE;
		if (verify(ring, cases[i].message, NOW, &signer, &err) != -1)
			fail_msg("taken: %s", cases[i].message);
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].words))
			fail_msg("%s: %s", cases[i].message, err.text);
		assert_false(signer.subkey);
		assert_string_equal(signer.fingerprint, "");
		assert_int_equal(signer.payload.len, 0);
	}
}

/* Neither cut nor changed anywhere does a message say anything that its signer did not. */
static void refuses_what_is_cut_or_changed(void **state)
{
	static const char *const names[] = { "ed25519.sig", "stdin.sig", "zlib.sig" };
	static const char *const rings[] = { "ed25519.ring", "rsa.ring", "rsa.ring" };
	auto_buf struct buf payload = BUF_MAX(ROOM);

	(void)state;
	load("payload.json", &payload);
	for (size_t n = 0; n < COUNT(names); n++) {
		/* RSA and its messages take their time */
		const size_t step = n ? 5 : 1;
		auto_simple_ring struct simple_ring *ring = ring_of(rings[n]);
		auto_buf struct buf message = BUF_MAX(ROOM);
		load(names[n], &message);
		for (size_t len = 0; len < message.len; len += step) {
			auto_simple_signer struct simple_signer signer = { .subkey = false };
			/* the checksum of ZLIB is not looked at */
			if (simple_verify(ring, span_new(message.ptr, len), NOW, &signer, NULL) == 0)
				assert_string_equal(buf_text(&signer.payload), buf_text(&payload));
		}
		for (size_t i = 0; i < message.len; i += step) {
			auto_simple_signer struct simple_signer signer = { .subkey = false };
			message.ptr[i] ^= (char)(1 << i % 8);
			if (simple_verify(ring, buf_span(&message), NOW, &signer, NULL) == 0)
				assert_string_equal(buf_text(&signer.payload), buf_text(&payload));
			message.ptr[i] ^= (char)(1 << i % 8);
		}
		auto_simple_signer struct simple_signer signer = { .subkey = false };
		buf_putc(&message, 0);
		assert_int_equal(simple_verify(ring, buf_span(&message), NOW, &signer, NULL), -1);
	}
}

/* The key id outside of what is signed names another key of the ring: its owner has not signed. */
static void the_signed_fingerprint_counts_and_not_the_key_id_beside_it(void **state)
{
	auto_simple_ring struct simple_ring *ring = ring_of("three.ring");
	auto_simple_signer struct simple_signer signer = { .subkey = false };
	auto_buf struct buf message = BUF_MAX(ROOM), other = BUF_MAX(ROOM);
	size_t at = 0;

	(void)state;
	load("rsa.sig", &message);
	load("ed25519.sig", &other);
	/* the one-pass packet has the key id in its bytes 4 … 11, behind a header of two */
	for (size_t i = message.len - 8; i > 16 && !at; i--)
		if (memcmp(message.ptr + i, message.ptr + 6, 8) == 0 && message.ptr[i - 1] == 16)
			at = i;
	assert_true(at);
	memcpy(message.ptr + at, other.ptr + 6, 8);
	assert_int_equal(simple_verify(ring, buf_span(&message), NOW, &signer, NULL), 0);
	assert_true(is_key("rsa", signer.fingerprint));
}

static void refuses_messages_that_are_too_large_and_times_that_are_none(void **state)
{
	static const int64_t times[] = { 0, -1, INT64_MIN, INT64_MAX, (int64_t)UINT32_MAX + 1 };
	auto_simple_ring struct simple_ring *ring = ring_of("rsa.ring");
	auto_buf struct buf message = BUF_MAX(ROOM);
	struct simple_signer signer = { .subkey = false };
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		assert_int_equal(verify(ring, "rsa.sig", times[i], &signer, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	load("rsa.sig", &message);
	while (message.len <= IMAGE_PAYLOAD_MAX)
		buf_putc(&message, 0);
	assert_int_equal(simple_verify(ring, buf_span(&message), NOW, &signer, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* ---- rings ---- */

static void counts_primary_keys(void **state)
{
	static const struct {
		const char *name;
		size_t count;
	} cases[] = { { "rsa.ring", 1 }, { "rsa.asc", 1 }, { "two.asc", 2 }, { "three.ring", 3 },
		{ "sub.ring", 1 }, { "ecdsa.ring", 1 }, { "revoked.ring", 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_simple_ring struct simple_ring *ring = ring_of(cases[i].name);
		assert_int_equal(simple_ring_count(ring), cases[i].count);
	}
	simple_ring_free(NULL);
}

static void refuse_ring(struct span text, enum err_kind kind, const char *words)
{
	struct simple_ring *ring = NULL;
	struct err err = ERR_NONE;

	if (simple_ring_parse(text, &ring, &err) == 0)
		fail_msg("taken: %zu bytes, %s", text.len, words);
	assert_null(ring);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%s", err.text);
}

static void refuses_what_is_no_ring(void **state)
{
	static const char *const files[] = { "payload.json", "rsa.sig", "detached-armored.sig",
		"encrypted.sig", "bomb.sig" };
	auto_buf struct buf text = BUF_MAX(ROOM);

	(void)state;
	refuse_ring(SPAN_NONE, ERR_FORMAT, "empty");
	refuse_ring(SPAN_LIT("\n"), ERR_FORMAT, "");
	refuse_ring(SPAN_LIT("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"),
			ERR_FORMAT, "");
	load("secret.asc", &text);
	refuse_ring(buf_span(&text), ERR_FORMAT, "secret keys");
	buf_reset(&text);
	load("secret.ring", &text);
	refuse_ring(buf_span(&text), ERR_FORMAT, "secret keys");
	for (size_t i = 0; i < COUNT(files); i++) {
		buf_reset(&text);
		load(files[i], &text);
		refuse_ring(buf_span(&text), ERR_FORMAT, "");
	}
	buf_reset(&text);
	load("rsa.ring", &text);
	while (text.len <= SIMPLE_RING_MAX)
		buf_putc(&text, 0);
	refuse_ring(buf_span(&text), ERR_LIMIT, "");
}

/* A ring that is cut or changed is refused, or does less; it never makes another message good. */
static void a_damaged_ring_does_not_more(void **state)
{
	auto_buf struct buf text = BUF_MAX(ROOM);

	(void)state;
	load("ed25519.ring", &text);
	for (size_t i = 0; i < 2 * text.len; i += 3) {
		auto_simple_ring struct simple_ring *ring = NULL;
		auto_simple_signer struct simple_signer signer = { .subkey = false };
		size_t at = i / 2;
		text.ptr[at] ^= i % 2 ? 1 : 0;
		int status = simple_ring_parse(span_new(text.ptr, i % 2 ? text.len : at), &ring, NULL);
		text.ptr[at] ^= i % 2 ? 1 : 0;
		if (status < 0)
			continue;
		assert_int_equal(verify(ring, "rsa.sig", NOW, &signer, NULL), -1);
		if (verify(ring, "ed25519.sig", NOW, &signer, NULL) == 0)
			assert_true(is_key("ed25519", signer.fingerprint));
	}
}

static void many_keys_are_refused(void **state)
{
	auto_buf struct buf text = BUF_MAX(ROOM);

	(void)state;
	/* primary keys alone: other numbers make other keys, whether they are points or not */
	for (unsigned i = 0; i < SIMPLE_KEYS_MAX + 1; i++) {
		static const unsigned char head[] = { 0x98, 0x33, 4, 0x61, 0, 0, 0, 22, 9, 0x2b, 6, 1, 4, 1,
			0xda, 0x47, 0x0f, 1, 1, 7, 0x40 };
		unsigned char point[32] = { (unsigned char)i, 1 };
		buf_add(&text, head, sizeof(head));
		buf_add(&text, point, sizeof(point));
	}
	refuse_ring(buf_span(&text), ERR_LIMIT, "more than 64 keys");
}

/* ---- threads ---- */

static void *verify_often(void *ring)
{
	size_t good = 0;

	for (size_t i = 0; i < 20; i++) {
		auto_simple_signer struct simple_signer signer = { .subkey = false };
		good += verify(ring, i % 2 ? "rsa.sig" : "ed25519.sig", NOW + (int64_t)i, &signer, NULL) ==
						0 &&
				is_key(i % 2 ? "rsa" : "ed25519", signer.fingerprint);
	}
	return good == 20 ? ring : NULL;
}

static void threads_share_a_ring_and_have_rings_of_their_own(void **state)
{
	pthread_t threads[6];
	struct simple_ring *rings[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		rings[i] = ring_of("three.ring");
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_often, rings[i / 2]), 0);
	for (size_t i = 0; i < 6; i++) {
		void *result = NULL;
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, rings[i / 2]);
	}
	for (size_t i = 0; i < 3; i++)
		simple_ring_free(rings[i]);
}

/* librnp would write some thousand lines. */
static int quiet(void **state)
{
	*state = stderr;
	simple_silence();
	return 0;
}

static int loud(void **state)
{
	fclose(stderr);
	stderr = *state;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_what_gpg_signed),
		cmocka_unit_test(the_payload_is_a_claim),
		cmocka_unit_test(refuses_by_name),
		cmocka_unit_test_setup_teardown(refuses_what_is_cut_or_changed, quiet, loud),
		cmocka_unit_test(the_signed_fingerprint_counts_and_not_the_key_id_beside_it),
		cmocka_unit_test(refuses_messages_that_are_too_large_and_times_that_are_none),
		cmocka_unit_test(counts_primary_keys),
		cmocka_unit_test(refuses_what_is_no_ring),
		cmocka_unit_test_setup_teardown(a_damaged_ring_does_not_more, quiet, loud),
		cmocka_unit_test_setup_teardown(many_keys_are_refused, quiet, loud),
		cmocka_unit_test(threads_share_a_ring_and_have_rings_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
