/* SPDX-License-Identifier: Apache-2.0 */
/* GPG's signatures before a policy. The messages are GnuPG's own (tests/vectors/simple): they name
 * registry.example/team/app:1.0 and IMAGE. */
#include "base/fs.h"
#include "tests/policy/judge_scene.h"

#define VECTORS "tests/vectors/simple/"
#define IN_2022 1645000000 /* when they were made */
#define IN_2024 1710000000

static void load(const char *name, struct buf *out)
{
	auto_free char *path = xasprintf(VECTORS "%s", name);

	assert_int_equal(fs_read(path, out, NULL), 0);
}

/* RFC 4880, 6.1 */
static void put_checksum(struct buf *out, struct span bytes)
{
	unsigned crc = 0xb704ce;
	unsigned char three[3];

	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (unsigned)(unsigned char)bytes.ptr[i] << 16;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 0x800000 ? (crc << 1) ^ 0x1864cfb : crc << 1;
	}
	three[0] = (unsigned char)(crc >> 16);
	three[1] = (unsigned char)(crc >> 8);
	three[2] = (unsigned char)crc;
	buf_putc(out, '=');
	b64_encode(out, span_new(three, 3));
	buf_putc(out, '\n');
}

/* The ring as one quoted scalar, in armor. */
static char *ring_text(const char *name)
{
	auto_buf struct buf ring = BUF_MAX(65536), text = BUF_MAX(131072), armored = BUF_MAX(131072);

	load(name, &ring);
	b64_encode(&text, buf_span(&ring));
	buf_puts(&armored, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
	for (size_t i = 0; i < text.len; i += 64)
		buf_printf(&armored, "%.64s\n", text.ptr + i);
	put_checksum(&armored, buf_span(&ring));
	buf_puts(&armored, "-----END PGP PUBLIC KEY BLOCK-----\n");
	auto_json json_t *quoted = json_string(buf_text(&armored));
	return json_text(quoted, false);
}

/* "{name: build, gpg: {keys: …}}" of a ring; `rules` begins with a comma. */
static char *signer_text(const char *name, const char *ring, const char *rules)
{
	auto_free char *keys = ring_text(ring);

	return xasprintf("{name: %s, gpg: {keys: %s, lookaside: 'https://sigs.example/store'%s}}", name, keys,
			rules);
}

struct expected {
	const char *name;
	const char *ring, *message, *rules;
	const char *image; /* the pod's */
	int64_t now;
	const char *wanted;
};

static void expect(const char *what, const char *signers, const char *const *messages, const char *image_name,
		int64_t now, const char *wanted)
{
	auto_free char *spec = xasprintf("signatures: {signers: [%s]}", signers);
	auto_image_policy struct image_policy *policy = scene_policy(spec);
	auto_findings struct findings findings = FINDINGS_NONE;
	auto_scene_image struct scene_image *image = scene_image_new();
	struct oci_name place;

	image->draft.repository = "team/app";
	for (; *messages; messages++) {
		auto_buf struct buf message = BUF_MAX(65536);
		size_t i = image->draft.signature_count++;
		load(*messages, &message);
		image->signatures[i] = (struct image_signature){ .layout = IMAGE_SIG_SIMPLE,
			.subject = IMAGE,
			.place = "https://sigs.example/store/team/app@sha256=aa/signature-1",
			.payload = span_new(xmemdup0(message.ptr, message.len), message.len),
			.type = "" };
	}
	auto_image_facts struct image_facts *facts = image_facts_new(&image->draft);
	for (size_t i = 0; i < image->draft.signature_count; i++)
		free((char *)(uintptr_t)image->signatures[i].payload.ptr);
	struct judge_image judge = scene_judge(policy, facts, &place);
	assert_int_equal(oci_name_parse(image_name, &place, NULL), 0);
	judge.now = now;
	judge_signatures(&judge, &findings);
	scene_expect(what, &findings, wanted);
}

static void expect_all(const struct expected *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_free char *signer = signer_text("build", cases[i].ring, cases[i].rules);
		const char *messages[] = { cases[i].message, NULL };
		expect(cases[i].name, signer, messages, cases[i].image, cases[i].now, cases[i].wanted);
	}
}

#define BY_TAG    "registry.example/team/app:1.0"
#define BY_DIGEST "registry.example/team/app@" IMAGE
#define VIOLATES  "V signatures.signers[build]: "

static void messages_of_gnupg_are_judged(void **state)
{
	static const struct expected cases[] = {
		{ "RSA", "rsa.ring", "rsa.sig", "", BY_DIGEST, IN_2024, "" },
		{ "Ed25519", "ed25519.ring", "ed25519.sig", "", BY_DIGEST, IN_2024, "" },
		{ "ECDSA", "ecdsa.ring", "ecdsa.sig", "", BY_DIGEST, IN_2024, "" },
		{ "one of three", "three.ring", "ecdsa.sig", "", BY_DIGEST, IN_2024, "" },
		{ "by a subkey", "sub.ring", "sub.sig", "", BY_DIGEST, IN_2024, "" },
		{ "another key", "ecdsa.ring", "rsa.sig", "", BY_DIGEST, IN_2024,
				VIOLATES "the signature at https://sigs*signature-1: *; sign*" },
		{ "no message", "rsa.ring", "clear.sig", "", BY_DIGEST, IN_2024,
				VIOLATES "the signature at https://sigs*signature-1: *; sign*" },
		{ "revoked", "revoked.ring", "revoked.sig", "", BY_DIGEST, IN_2024,
				VIOLATES "the key *is revoked; sign * with a key that is valid" },
		{ "a key that has expired", "short.ring", "short.sig", "", BY_DIGEST, IN_2024,
				VIOLATES "the key *has expired; sign * with a key that is valid" },
		{ "a key that had not yet", "short.ring", "short.sig", "", BY_DIGEST, IN_2022, "" },
		{ "a signature that has expired", "ed25519.ring", "expiring.sig", "", BY_DIGEST, IN_2024,
				VIOLATES "*has expired; sign*" },
		{ "one that had not yet", "ed25519.ring", "expiring.sig", "", BY_DIGEST, IN_2022, "" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

static void the_name_is_compared_as_the_policy_says(void **state)
{
#define DIGEST_OR "", /* the default */
#define EXACT     ", identity: Exact",
#define ANY_TAG   ", identity: Repository",
	static const struct {
		const char *rules, *image;
		bool good;
	} cases[] = {
		{ DIGEST_OR BY_TAG, true },
		{ DIGEST_OR BY_DIGEST, true },
		{ DIGEST_OR BY_TAG "@" IMAGE, true },
		{ DIGEST_OR "registry.example/team/app:2.0@" IMAGE, true },
		{ DIGEST_OR "registry.example/team/app:2.0", false },
		{ DIGEST_OR "registry.example/team/app", false },
		{ DIGEST_OR "Registry.Example:443/team/app:1.0", true },
		{ DIGEST_OR "registry.example/team/other@" IMAGE, false },
		{ DIGEST_OR "other.example/team/app@" IMAGE, false },
		{ EXACT BY_TAG, true },
		{ EXACT BY_DIGEST, false },
		{ EXACT BY_TAG "@" IMAGE, false },
		{ EXACT "registry.example/team/app:2.0", false },
		{ ANY_TAG "registry.example/team/app:2.0", true },
		{ ANY_TAG BY_DIGEST, true },
		{ ANY_TAG "registry.example/team/other:1.0", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct expected one = { cases[i].image, "ed25519.ring", "ed25519.sig", cases[i].rules,
			cases[i].image, IN_2024,
			cases[i].good ? "" : VIOLATES "*names " BY_TAG ", not *for another image; sign*" };
		expect_all(&one, 1);
	}
}

static void the_same_key_counts_once(void **state)
{
	static const struct {
		const char *name, *first, *second;
		const char *messages[4];
		const char *wanted;
	} cases[] = {
		{ "two keys", "rsa.ring", "ed25519.ring", { "rsa.sig", "ed25519.sig" }, "" },
		{ "the same ring", "rsa.ring", "rsa.ring", { "rsa.sig" },
				"V signatures.signers[b]: has signed with the key of another signer*" },
		{ "one ring has more", "rsa.ring", "three.ring", { "rsa.sig" },
				"V signatures.signers[b]: has signed with the key of another signer*" },
		{ "and another of it has signed", "rsa.ring", "three.ring", { "rsa.sig", "ecdsa.sig" }, "" },
		{ "whatever their order", "three.ring", "rsa.ring", { "rsa.sig", "ecdsa.sig" }, "" },
		{ "nobody", "rsa.ring", "ecdsa.ring", { "unsigned.sig" },
				"V signatures.signers[a]: *\nV signatures.signers[b]: *" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *first = signer_text("a", cases[i].first, "");
		auto_free char *second = signer_text("b", cases[i].second, "");
		auto_free char *both = xasprintf("%s, %s", first, second);
		expect(cases[i].name, both, cases[i].messages, BY_DIGEST, IN_2024, cases[i].wanted);
	}
}

/* The same messages, and everything else as it was, for an image that they do not cover. */
static void a_message_over_another_image_is_told(void **state)
{
	static const struct {
		const char *source, *wanted;
	} cases[] = {
		{ NULL,
				VIOLATES "a signature of its covers sha256:aaaaaaaaaaaa…, not "
					 "sha256:ffffffffffff…; sign*" },
		{ IMAGE, VIOLATES "signed before encryption: the signature covers sha256:aaaaaaaaaaaa…*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *signer = signer_text("build", "rsa.ring", "");
		auto_free char *spec = xasprintf("signatures: {signers: [%s]}", signer);
		auto_image_policy struct image_policy *policy = scene_policy(spec);
		auto_findings struct findings findings = FINDINGS_NONE;
		auto_scene_image struct scene_image *image = scene_image_new();
		auto_buf struct buf message = BUF_MAX(65536);
		struct oci_name place;
		load("rsa.sig", &message);
		image->signatures[0] = (struct image_signature){ .layout = IMAGE_SIG_SIMPLE,
			.subject = FOREIGN,
			.place = "x",
			.payload = buf_span(&message) };
		image->draft.signature_count = 1;
		image->draft.repository = "team/app";
		image->draft.digest = FOREIGN;
		image->draft.source = cases[i].source;
		struct judge_image judge = scene_judge(policy, &image->draft, &place);
		judge_signatures(&judge, &findings);
		scene_expect("another image", &findings, cases[i].wanted);
		findings_clear(&findings);
		image->draft.looked = IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS;
		judge_signatures(&judge, &findings);
		assert_int_equal(findings.count, 1);
		assert_int_equal(findings.items[0].kind, FINDING_UNKNOWN);
	}
}

static void what_was_not_found_is_told(void **state)
{
	auto_free char *signer = signer_text("build", "rsa.ring", "");
	const char *none[] = { NULL };

	(void)state;
	expect("nothing", signer, none, BY_DIGEST, IN_2024,
			VIOLATES
			"no signature was found for sha256:aaaaaaaaaaaa… at https://sigs.example/store; "
			"sign * with a key of its ring");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_gnupg_are_judged),
		cmocka_unit_test(the_name_is_compared_as_the_policy_says),
		cmocka_unit_test(the_same_key_counts_once),
		cmocka_unit_test(a_message_over_another_image_is_told),
		cmocka_unit_test(what_was_not_found_is_told),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
