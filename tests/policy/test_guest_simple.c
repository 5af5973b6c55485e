/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define VECTORS     "tests/vectors/simple/"
#define HEX8(d)     d d d d d d d d
#define HEX(d)      HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d)
#define SIGNED      "sha256:" HEX("a") /* what the vectors are about, */
#define NAME        "registry.example/team/app"
#define TAGGED      NAME ":1.0" /* and the name in them */
#define OTHER       "sha256:" HEX("b")
#define STORE       "docker: {registry.example: {sigstore: 'file:///store'}}"
#define REJECTED    "Image policy rejected: Denied by policy: rejected by `signedBy` rule"

static struct span load(const char *file, struct buf *out)
{
	auto_free char *path = xasprintf(VECTORS "%s", file);
	struct err err = ERR_NONE;

	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
	return buf_span(out);
}

struct simple {
	const char *members;  /* of the requirement; @RING is keyData of that file */
	const char *sigstore; /* YAML */
	const char *signatures[3];
	const char *text;
	enum guest_verdict verdict;
	const char *words;
};

/* "@rsa.ring" → base64 of the file. */
static char *with_ring(const char *members)
{
	const char *at = strchr(members, '@');
	auto_buf struct buf ring = BUF_MAX(65536), out = BUF_MAX(262144);
	char file[64];

	if (!at || strstr(members, "@sha"))
		return xstrdup(members);
	snprintf(file, sizeof(file), "%.*s", (int)strcspn(at + 1, "\""), at + 1);
	buf_add(&out, members, (size_t)(at - members));
	b64_encode(&out, load(file, &ring));
	buf_puts(&out, at + 1 + strlen(file));
	return buf_take(&out);
}

static void check(const struct simple *one, const struct image_facts *facts)
{
	auto_free char *members = with_ring(one->members);
	auto_free char *policy =
			xasprintf("{\"default\":[{\"type\":\"signedBy\",%s}],\"transports\":{}}", members);
	auto_free char *sigstore = one->sigstore ? xstrdup(one->sigstore) : NULL;
	const struct guest_view view = { .image = true, .policy = policy, .sigstore = sigstore };
	const struct policy_guest settings = { .policy = NULL };
	auto_buf struct buf why = BUF_MAX(65536);
	struct oci_name name;

	assert_int_equal(oci_name_parse(one->text, &name, NULL), 0);
	enum guest_verdict verdict = guest_decide(&settings, &view, one->text, &name, facts, NULL, &why);
	if (verdict != one->verdict || !span_glob(span_of(one->words), buf_span(&why)))
		fail_msg("%.120s (%s): %d: %s\nwanted: %s", one->members, one->text, (int)verdict,
				buf_text(&why), one->words);
}

/* An image of one platform whose signatures were read from a store. */
static void run(const struct simple *one, const char *place)
{
	const struct image_platform platform = { .digest = SIGNED, .name = "linux/amd64" };
	struct buf bytes[3] = { BUF_MAX(65536), BUF_MAX(65536), BUF_MAX(65536) };
	struct image_signature signatures[3];
	struct image_facts facts = { .host = "registry.example",
		.repository = "team/app",
		.digest = SIGNED,
		.platforms = &platform,
		.platform_count = 1,
		.signatures = signatures,
		.looked = IMAGE_LOOKED_SIMPLE };

	for (size_t i = 0; i < 3 && one->signatures[i]; i++) {
		signatures[i] = (struct image_signature){ .layout = IMAGE_SIG_SIMPLE,
			.subject = SIGNED,
			.place = place,
			.payload = load(one->signatures[i], &bytes[i]),
			.type = "" };
		facts.signature_count++;
	}
	check(one, &facts);
	for (size_t i = 0; i < 3; i++)
		buf_clear(&bytes[i]);
}

#define GPG          "\"keyType\":\"GPGKeys\","
#define RSA          GPG "\"keyData\":\"@rsa.ring\""
#define IDENTITY(id) ",\"signedIdentity\":{\"type\":" id "}"
#define FOLDER       "file:///store/team/app@sha256=" HEX("a") "/"

static void checks_the_rule_the_keys_and_the_store_first(void **state)
{
	static const struct simple cases[] = {
		{ "\"keyType\":\"Other\",\"keyData\":\"@rsa.ring\"", STORE, { NULL }, TAGGED, GUEST_REFUSES,
				REJECTED " (Unknown key type in policy config: only support GPGKeys now.)*" },
		{ GPG "\"keyPaths\":[]", STORE, { NULL }, TAGGED, GUEST_REFUSES,
				"*(Neither keyPath or keyData specified.)*" },
		{ RSA ",\"keyPath\":\"/a\"", STORE, { NULL }, TAGGED, GUEST_REFUSES,
				"*(Both keyPath and keyData specified.)*" },
		{ GPG "\"keyData\":\"-----BEGIN PGP PUBLIC KEY BLOCK-----\"", STORE, { NULL }, TAGGED,
				GUEST_REFUSES, "*keyData is no base64 of a key ring*" },
		{ GPG "\"keyData\":\"bm9uc2Vuc2U=\"", STORE, { NULL }, TAGGED, GUEST_REFUSES,
				"*Failed to parse public key ring*" },
		{ GPG "\"keyPath\":\"kbs:///default/ring/1\"", STORE, { NULL }, TAGGED, GUEST_UNKNOWN,
				"*kbs:///default/ring/1, is not listed*" },
		{ GPG "\"keyPath\":\"ftp://x/y\"", STORE, { NULL }, TAGGED, GUEST_REFUSES,
				"*Resource URI scheme ftp not supported*" },
		{ RSA, NULL, { NULL }, TAGGED, GUEST_REFUSES, "*(Simple Signing Sigstore Config not set)*" },
		{ RSA, "docker: {quay.io: {sigstore: 'file:///s'}}", { NULL }, TAGGED, GUEST_REFUSES,
				"*(The sigstore base url is none)*" },
		{ RSA, "default-docker: {sigstore: 'https://s.example'}", { NULL }, TAGGED, GUEST_REFUSES,
				"*(HTTP support for signature stores is not implemented.)*" },
		/* quirk: the key that podman has used since is none to the guest */
		{ RSA, "default-docker: {lookaside: 'file:///s'}", { NULL }, TAGGED, GUEST_REFUSES,
				"*Invalid simple signing sigstore config*" },
		{ RSA, "default-docker: {sigstore: 1}", { NULL }, TAGGED, GUEST_REFUSES,
				"*Invalid simple signing sigstore config*" },
		{ RSA, "docker: {a.b: }", { NULL }, TAGGED, GUEST_REFUSES,
				"*Invalid simple signing sigstore config*" },
		{ RSA, "[]", { NULL }, TAGGED, GUEST_REFUSES, "*Invalid simple signing sigstore config*" },
		{ RSA, "", { NULL }, TAGGED, GUEST_REFUSES, "*Invalid simple signing sigstore config*" },
		/* what lies on the guest's disk is not known, unless no signature could help */
		{ RSA, STORE, { NULL }, TAGGED, GUEST_UNKNOWN,
				"*" FOLDER "; what is there is not known here*" },
		{ RSA, STORE, { NULL }, NAME "@" SIGNED, GUEST_UNKNOWN, "*" FOLDER "*" },
		{ RSA, STORE, { NULL }, TAGGED "@" SIGNED, GUEST_REFUSES, "*compares the whole reference*" },
		{ RSA IDENTITY("\"matchExact\""), STORE, { NULL }, NAME "@" SIGNED, GUEST_REFUSES,
				"*matchExact takes no reference with a digest*" },
		{ RSA IDENTITY("\"matchRepository\""), STORE, { NULL }, TAGGED "@" SIGNED, GUEST_UNKNOWN,
				"*" },
		{ RSA,
				"docker: {registry.example/team: {sigstore: 'file:///t', sigstore-staging: "
				"'file:///u'}, "
				"registry.example: {sigstore: 'file:///store'}}",
				{ NULL }, TAGGED, GUEST_UNKNOWN, "*file:///t/team/app@sha256=*" },
		{ RSA, "docker: {'*.example': {sigstore: 'file:///wild'}}", { NULL }, TAGGED, GUEST_UNKNOWN,
				"*file:///wild/team/app@sha256=*" },
		{ RSA,
				"default-docker: {sigstore: 'file:///def'}\ndocker: {quay.io: {sigstore: "
				"'file:///q'}}",
				{ NULL }, TAGGED, GUEST_UNKNOWN, "*file:///def/team/app@sha256=*" },
		{ RSA, "default-docker: {sigstore: 'file:///def'}", { NULL }, "busybox", GUEST_UNKNOWN,
				"*file:///def/library/busybox@sha256=*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i], NULL);
}

static void checks_the_signatures_of_a_store_that_was_read(void **state)
{
	static const struct simple cases[] = {
		{ RSA, STORE, { "rsa.sig" }, TAGGED, GUEST_ACCEPTS, "by scope*" },
		{ RSA, STORE, { "zlib.sig" }, TAGGED, GUEST_ACCEPTS, "*" },
		{ RSA, STORE, { "rsa.sig" }, NAME "@" SIGNED, GUEST_ACCEPTS, "*" },
		{ GPG "\"keyData\":\"@three.ring\"", STORE, { "ed25519.sig" }, TAGGED, GUEST_ACCEPTS, "*" },
		/* one accepted signature is enough, here */
		{ RSA, STORE, { "ed25519.sig", "rsa.sig" }, TAGGED, GUEST_ACCEPTS, "*" },
		{ RSA, STORE, { "ed25519.sig", "ecdsa.sig" }, TAGGED, GUEST_REFUSES,
				REJECTED " (The signatures do not satisfied! Reject reason: [signature "
					 "verify failed! There "
					 "is no pubkey can verify the signature! (signed by*" },
		/* quirks: neither expiry nor revocation counts; subkeys do not */
		{ GPG "\"keyData\":\"@short.ring\"", STORE, { "short.sig" }, TAGGED, GUEST_ACCEPTS, "*" },
		{ GPG "\"keyData\":\"@revoked.ring\"", STORE, { "revoked.sig" }, TAGGED, GUEST_ACCEPTS, "*" },
		{ GPG "\"keyData\":\"@sub.ring\"", STORE, { "sub.sig" }, TAGGED, GUEST_REFUSES,
				"*There is no pubkey can verify*" },
		/* identities */
		{ RSA, STORE, { "rsa.sig" }, NAME ":2.0", GUEST_REFUSES, "*[Match reference failed.]*" },
		{ RSA, STORE, { "rsa.sig" }, TAGGED "@" SIGNED, GUEST_REFUSES,
				"*[Match reference failed.]*" },
		{ RSA IDENTITY("\"matchRepository\""), STORE, { "rsa.sig" }, NAME ":2.0@" SIGNED,
				GUEST_ACCEPTS, "*" },
		{ RSA IDENTITY("\"matchExact\""), STORE, { "rsa.sig" }, TAGGED, GUEST_ACCEPTS, "*" },
		{ RSA IDENTITY("\"matchExact\""), STORE, { "rsa.sig" }, NAME "@" SIGNED, GUEST_REFUSES,
				"*Can not reference the image with the digest in matchExact policy.*" },
		{ RSA IDENTITY("\"exactReference\",\"dockerReference\":\"" TAGGED "\""), STORE, { "rsa.sig" },
				NAME ":3", GUEST_ACCEPTS, "*" },
		{ RSA IDENTITY("\"remapIdentity\",\"prefix\":\"registry.example/t\",\"signedPrefix\":\"x\""),
				STORE, { "rsa.sig" }, TAGGED, GUEST_REFUSES, "*[Match reference failed.]*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i], FOLDER "signature-1");
}

static void takes_nothing_from_another_store(void **state)
{
	static const char *const places[] = { "https://store/team/app@sha256=" HEX("a") "/signature-1",
		"file:///other/team/app@sha256=" HEX("a") "/signature-1",
		"file:///store/team/app@sha256=" HEX("b") "/signature-1" };
	static const struct simple one = { RSA, STORE, { "rsa.sig" }, TAGGED, GUEST_UNKNOWN,
		"*not known here*" };

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++)
		run(&one, places[i]);
}

/* Of an index, the guest looks for its own platform's digest alone. */
static void does_not_consider_an_indexs_digest(void **state)
{
	const struct image_platform platforms[] = { { .digest = OTHER, .name = "linux/amd64" },
		{ .digest = SIGNED, .name = "linux/arm64" } };
	auto_buf struct buf bytes = BUF_MAX(65536);
	struct image_signature signatures[] = {
		{ .layout = IMAGE_SIG_SIMPLE, .subject = SIGNED, .place = FOLDER "signature-1", .type = "" },
		{ .layout = IMAGE_SIG_SIMPLE,
				.subject = OTHER,
				.place = "file:///store/team/app@sha256=" HEX("b") "/signature-1",
				.type = "" },
	};
	struct image_facts facts = { .host = "registry.example",
		.repository = "team/app",
		.digest = SIGNED,
		.index = true,
		.platforms = platforms,
		.platform_count = 1,
		.signatures = signatures,
		.signature_count = 2,
		.looked = IMAGE_LOOKED_SIMPLE };
	struct simple one = { RSA, STORE, { NULL }, TAGGED, GUEST_REFUSES,
		"*manifest digest does not match*" };

	(void)state;
	signatures[0].payload = signatures[1].payload = load("rsa.sig", &bytes);
	check(&one, &facts);
	/* one platform is signed, the other is not: who knows which the guest is */
	facts.platform_count = 2;
	one.verdict = GUEST_UNKNOWN;
	one.words = "*platforms of the image differ*";
	check(&one, &facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_the_rule_the_keys_and_the_store_first),
		cmocka_unit_test(checks_the_signatures_of_a_store_that_was_read),
		cmocka_unit_test(takes_nothing_from_another_store),
		cmocka_unit_test(does_not_consider_an_indexs_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
