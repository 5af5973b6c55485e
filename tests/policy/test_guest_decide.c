/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/guest_own.h"
#include "tests/policy/guest_scene.h"

#define REJECTED "Image policy rejected: Denied by policy: rejected by `sigstoreSigned` rule"

/* A case: what the guest has, which signatures the image has, how it is named, and what comes of it. */
struct decide {
	const char *policy; /* requirements of HOST; @build is a key's PEM as JSON text */
	const char *resources;
	const char *text;
	const char *toml; /* registry configuration */
	enum guest_verdict verdict;
	const char *words; /* a glob */
};

/* policy.json with these requirements for the host, everything else refused. */
static char *policy_of(const char *requirements)
{
	auto_free char *keyed = scene_with_keys(requirements);

	return xasprintf("{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"" HOST
			 "\":[%s]}}}",
			keyed);
}

static void run(const struct decide *one, const struct image_facts *facts)
{
	auto_free char *policy = policy_of(one->policy);
	auto_free char *resources = one->resources ? scene_with_keys(one->resources) : NULL;
	auto_json json_t *listed = resources ? json_loads(resources, 0, NULL) : NULL;
	struct policy_guest settings = { .policy = policy, .resources = listed };

	assert_true(!resources || listed);
	check(one->policy, &settings, NULL, one->text, facts, one->verdict, one->words);
}

#define P521_PEM                                                              \
	"\"-----BEGIN PUBLIC KEY-----\\n"                                     \
	"MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAG0M2JRYW/a0qpqVUvMooYiKaH6Ib\\n" \
	"KK9h1mhlHSm72iDjmV+Cci+sJxEN7Na7yi08t9uQe46QEHYaA9279alicy8A2ECM\\n" \
	"XUOS3x5IfPt7QbcSagS7pFyoZGg3IH3+HQ1ykJ2I60piyeIDgeAuzfc/voASZnnz\\n" \
	"gSmEVdcE2hw36oTmHg8=\\n"                                             \
	"-----END PUBLIC KEY-----\\n\""

/* ---- requirements without signatures ---- */

static void decides_by_the_requirements_of_the_scope(void **state)
{
	static const struct decide cases[] = {
		{ "{\"type\":\"insecureAcceptAnything\"}", .text = APP_NAME ":1", .verdict = GUEST_ACCEPTS,
				.words = "by scope \"" HOST "\" of the guest's policy.json" },
		{ "{\"type\":\"reject\"}", .text = APP_NAME ":1", .verdict = GUEST_REFUSES,
				.words = "Image policy rejected: Denied by policy: Policy `reject` rejects "
					 "image " APP_NAME ":1: *" },
		{ "{\"type\":\"insecureAcceptAnything\"},{\"type\":\"reject\"}", .text = APP_NAME ":1",
				.verdict = GUEST_REFUSES, .words = "*rejects image*" },
		/* quirk: no requirement at all is all of them met */
		{ "", .text = APP_NAME ":1", .verdict = GUEST_ACCEPTS, .words = "by scope*" },
		/* quirk: the guest compares hosts as they are written, with their case and port */
		{ "{\"type\":\"insecureAcceptAnything\"}", .text = "Registry.Example/" REPOSITORY ":1",
				.verdict = GUEST_REFUSES,
				.words = "*rejects image Registry.Example/" REPOSITORY
					 ":1: *scope \"default\"*" },
		{ "{\"type\":\"insecureAcceptAnything\"}", .text = HOST ":443/" REPOSITORY ":1@" IMAGE,
				.verdict = GUEST_REFUSES,
				.words = "*rejects image " HOST ":443/" REPOSITORY ":1@" IMAGE ": *" },
		{ "{\"type\":\"reject\"}", .text = "other.example/a:1", .verdict = GUEST_REFUSES,
				.words = "*scope \"default\"*" },
	};
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i], &image->draft);
}

/* ---- cosign ---- */

static void checks_the_rule_and_the_key_before_signatures(void **state)
{
	static const struct decide cases[] = {
		{ COSIGN(KEY IDENTITY("\"matchExact\"")), .verdict = GUEST_REFUSES,
				.words = REJECTED " (Denied by MatchExact): *" },
		{ COSIGN(KEY IDENTITY("\"matchRepoDigestOrExact\"")), .verdict = GUEST_REFUSES,
				.words = "*(Denied by MatchRepoDigestOrExact)*" },
		{ COSIGN(KEY IDENTITY("\"exactReference\",\"dockerReference\":\"a\"")),
				.verdict = GUEST_REFUSES,
				.words = "*(Denied by ExactReference { docker_reference: \"a\" })*" },
		{ COSIGN(KEY IDENTITY("\"remapIdentity\",\"prefix\":\"a\",\"signedPrefix\":\"b\"")),
				.verdict = GUEST_REFUSES,
				.words = "*(Denied by RemapIdentity { prefix: \"a\", signed_prefix: \"b\" "
					 "})*" },
		{ COSIGN("\"keyPaths\":[\"/a\"]"), .verdict = GUEST_REFUSES,
				.words = "*(Neither keyPath nor keyData is specified.)*" },
		{ COSIGN(KEY ",\"keyPath\":\"/a\""), .verdict = GUEST_REFUSES,
				.words = "*(Both keyPath and keyData are specified.)*" },
		/* quirk: base64, podman's form of keyData, is no key to the guest */
		{ COSIGN("\"keyData\":\"LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0K\""), .verdict = GUEST_REFUSES,
				.words = "*(failed to build public key verifier): *not base64*" },
		{ COSIGN("\"keyData\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\""),
				.verdict = GUEST_REFUSES, .words = "*failed to build public key verifier*" },
		{ COSIGN("\"keyData\":\"-----BEGIN PUBLIC KEY-----\\nAAAA\\n\""), .verdict = GUEST_REFUSES,
				.words = "*failed to build public key verifier*" },
		{ COSIGN("\"keyData\":\"-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----\\n\""),
				.verdict = GUEST_REFUSES, .words = "*failed to build public key verifier*" },
		/* quirk: admission verifies P-521, the guest does not */
		{ COSIGN("\"keyData\":" P521_PEM), .verdict = GUEST_REFUSES, .words = "*no P-521*" },
		{ COSIGN("\"keyPath\":\"https://k.example/a\""), .verdict = GUEST_REFUSES,
				.words = "*(Resource URI scheme https not supported)*" },
		{ COSIGN("\"keyPath\":\"kbs:///default/key/1\""), .verdict = GUEST_UNKNOWN,
				.words = "*kbs:///default/key/1, is not listed in spec.guest.resources*" },
		{ COSIGN("\"keyPath\":\"/run/keys/a.pub\""), .verdict = GUEST_UNKNOWN,
				.words = "*/run/keys/a.pub*" },
		{ COSIGN("\"keyPath\":\"kbs:///default/key/1\""),
				.resources = "[{\"uri\":\"kbs:///default/key/1\",\"text\":\"x\"}]",
				.verdict = GUEST_REFUSES, .words = "*failed to build public key verifier*" },
		/* one refuses, whatever is not known of the other */
		{ COSIGN("\"keyPath\":\"kbs:///default/key/1\"") ",{\"type\":\"reject\"}",
				.verdict = GUEST_REFUSES, .words = "*not listed*; *rejects image*" },
	};
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	scene_tag(image, BUILD, IMAGE, APP_NAME, NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decide one = cases[i];

		one.text = APP_NAME ":1";
		run(&one, &image->draft);
	}
}

/* Signatures of one image, a letter each. */
static const struct {
	char letter;
	enum who who;
	const char *digest, *name;
} kinds[] = {
	{ 'b', BUILD, IMAGE, APP_NAME }, { 'a', AUDIT, IMAGE, APP_NAME }, /* P-384 */
	{ 'r', RELEASE, IMAGE, APP_NAME },                                /* Ed25519 */
	{ 'e', ELSEWHERE, IMAGE, APP_NAME },                              /* RSA */
	{ 's', STRANGER, IMAGE, APP_NAME }, /* of somebody else, the name fits */
	{ 'f', STRANGER, IMAGE, "registry.example/foreign" },
	{ 'c', BUILD, IMAGE, "registry.example/copied" }, /* from another repository */
	{ 'd', BUILD, PLAIN, APP_NAME },                  /* of another digest */
	{ 'p', BUILD, AMD64, APP_NAME },                  /* a platform's, under its own tag */
	{ 'x', STRANGER, IMAGE, APP_NAME },               /* could not be read */
};

static void sign_one(struct scene_image *image, char how)
{
	static const char other_type[] =
			"{\"critical\":{\"identity\":{\"docker-reference\":\"" APP_NAME
			"\"},\"image\":{\"docker-manifest-digest\":\"" IMAGE "\"},\"type\":\"anything\"}}";

	if (how == 'B')
		scene_bundle(image, BUILD, IMAGE, NULL);
	if (how == 't')
		scene_attach(image, IMAGE_SIG_TAG, BUILD, xstrdup(other_type), SPAN_NONE);
	if (how == 'n')
		scene_attach(image, IMAGE_SIG_TAG, BUILD, xstrdup("{\"critical\":{}}"), SPAN_NONE);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].letter != how)
			continue;
		struct image_signature *made =
				scene_tag(image, kinds[i].who, kinds[i].digest, kinds[i].name, NULL);
		made->subject = how == 'p' ? AMD64 : IMAGE;
		made->problem = how == 'x' ? "its blob is gone" : NULL;
	}
}

static void sign(struct scene_image *image, const char *how)
{
	for (; *how; how++) {
		size_t before = image->draft.signature_count;

		sign_one(image, *how);
		assert_int_equal(image->draft.signature_count, before + 1);
	}
}

static void checks_signatures_as_the_guest_does(void **state)
{
	static const struct {
		const char *policy, *signatures;
		enum guest_verdict verdict;
		const char *words;
	} cases[] = {
		{ COSIGN(KEY SAME_REPO), "b", GUEST_ACCEPTS, "by scope \"" HOST "\"*" },
		{ COSIGN(KEY), "b", GUEST_ACCEPTS, "*" },
		{ COSIGN("\"keyData\":@audit"), "a", GUEST_ACCEPTS, "*" },
		{ COSIGN("\"keyData\":@release"), "r", GUEST_ACCEPTS, "*" },
		{ COSIGN("\"keyData\":@elsewhere"), "e", GUEST_ACCEPTS, "*" },
		{ COSIGN(KEY SAME_REPO) "," COSIGN("\"keyData\":@audit" SAME_REPO), "ba", GUEST_ACCEPTS,
				"*" },
		{ COSIGN(KEY SAME_REPO) "," COSIGN("\"keyData\":@audit" SAME_REPO), "b", GUEST_REFUSES,
				REJECTED ": the key verifies none of the 1 signatures*" },
		{ COSIGN(KEY), "s", GUEST_REFUSES, "*the key verifies none*" },
		{ COSIGN(KEY), "", GUEST_REFUSES, "*finds no signature of " IMAGE "*" },
		{ COSIGN(KEY), "d", GUEST_REFUSES, "*none of the 1 signatures*is about " IMAGE "*" },
		{ COSIGN(KEY), "n", GUEST_REFUSES, "*none of the 1 signatures*" },
		/* quirks */
		{ COSIGN(KEY), "B", GUEST_REFUSES, "*the guest will not find it*" },
		{ COSIGN(KEY), "p", GUEST_REFUSES, "*only platforms of the index are signed*" },
		{ COSIGN(KEY SAME_REPO), "t", GUEST_ACCEPTS, "*" },
		{ COSIGN(KEY), "c", GUEST_ACCEPTS, "*" },
		{ COSIGN(KEY SAME_REPO), "c", GUEST_REFUSES,
				"*(Match reference failed.): a signature names 'registry.example/copied'*" },
		/* one foreign signature with another name, and nothing is accepted any more */
		{ COSIGN(KEY SAME_REPO), "bf", GUEST_REFUSES,
				"*names 'registry.example/foreign'*all 2 signatures*" },
		{ COSIGN(KEY SAME_REPO), "fb", GUEST_REFUSES, "*names 'registry.example/foreign'*" },
		{ COSIGN(KEY SAME_REPO), "bs", GUEST_ACCEPTS, "*" },
		{ COSIGN(KEY), "bf", GUEST_ACCEPTS, "*" },
		/* those of another digest, and what is no payload, are dropped before */
		{ COSIGN(KEY SAME_REPO), "dbn", GUEST_ACCEPTS, "*" },
		{ COSIGN(KEY IDENTITY("\"exactRepository\",\"dockerRepository\":\"" APP_NAME "\"")), "b",
				GUEST_ACCEPTS, "*" },
		{ COSIGN(KEY IDENTITY("\"exactRepository\",\"dockerRepository\":\"registry.example/x\"")),
				"b", GUEST_REFUSES, "*(Match reference failed.)*" },
		{ COSIGN(KEY SAME_REPO), "bx", GUEST_UNKNOWN, "*could not be read here: its blob is gone*" },
		{ COSIGN(KEY SAME_REPO), "x", GUEST_REFUSES, "*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		static const char *const names[] = { APP_NAME ":1", APP_NAME ":1@" IMAGE,
			APP_NAME "@" IMAGE };
		auto_scene_image struct scene_image *image = scene_image_new();

		sign(image, cases[i].signatures);
		for (size_t k = 0; k < COUNT(names); k++)
			run(&(struct decide){ .policy = cases[i].policy,
					    .text = names[k],
					    .verdict = cases[i].verdict,
					    .words = cases[i].words },
					&image->draft);
	}
}

static void compares_the_name_that_the_pod_has(void **state)
{
	static const char anywhere[] = "{\"default\":[" COSIGN(KEY SAME_REPO) "],\"transports\":{}}";
	auto_free char *policy = scene_with_keys(anywhere);
	const struct policy_guest settings = { .policy = policy };
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	sign(image, "b");
	check("as signed", &settings, NULL, APP_NAME ":1", &image->draft, GUEST_ACCEPTS, "*");
	check("port", &settings, NULL, HOST ":443/" REPOSITORY ":1", &image->draft, GUEST_REFUSES,
			"*(Match reference failed.)*");
	check("case", &settings, NULL, "REGISTRY.example/" REPOSITORY ":1", &image->draft, GUEST_REFUSES,
			"*(Match reference failed.)*");
}

static void takes_keys_of_the_listed_resources(void **state)
{
	static const struct decide cases[] = {
		{ COSIGN("\"keyPath\":\"kbs:///default/key/1\"" SAME_REPO),
				.resources = "[{\"uri\":\"kbs:///default/key/1\",\"text\":@build}]" },
		/* the address is ignored by guests */
		{ COSIGN("\"keyPath\":\"kbs://any.example/default/key/1\"" SAME_REPO),
				.resources = "[{\"uri\":\"kbs:///default/key/1\",\"text\":@build}]" },
		{ COSIGN("\"keyPath\":\"file:///keys/a\""),
				.resources = "[{\"uri\":\"kbs:///a/b/c\",\"text\":\"x\"},{\"uri\":\"file:///"
					     "keys/a\",\"text\":"
					     "@build}]" },
		{ COSIGN("\"keyPath\":\"/keys/a\""), .resources = "[{\"uri\":\"/keys/a\",\"text\":@build}]" },
	};
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	sign(image, "b");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decide one = cases[i];

		one.text = APP_NAME ":1";
		one.verdict = GUEST_ACCEPTS;
		one.words = "*";
		run(&one, &image->draft);
	}
}

static void does_not_know_what_was_not_looked_for(void **state)
{
	auto_scene_image struct scene_image *image = scene_image_new();
	struct decide one = { .policy = COSIGN(KEY), .text = APP_NAME ":1", .verdict = GUEST_UNKNOWN };

	(void)state;
	sign(image, "b");
	image->draft.looked = IMAGE_LOOKED_REFERRERS | IMAGE_LOOKED_SIMPLE;
	one.words = "*were not looked for*";
	run(&one, &image->draft);
	image->draft.looked = IMAGE_LOOKED_TAG;
	image->draft.more = true;
	one.words = "*more is attached*";
	run(&one, &image->draft);
}

static void keeps_to_the_room_for_reasons(void **state)
{
	auto_free char *policy = policy_of(COSIGN(KEY SAME_REPO));
	const struct policy_guest settings = { .policy = policy };
	auto_scene_image struct scene_image *image = scene_image_new();
	struct oci_name name;

	(void)state;
	sign(image, "f");
	assert_int_equal(oci_name_parse(APP_NAME ":1", &name, NULL), 0);
	for (size_t max = 0; max < 400; max++) {
		auto_buf struct buf why = BUF_MAX(max);

		assert_int_equal(guest_decide(&settings, NULL, NULL, &name, &image->draft, NULL, &why),
				GUEST_REFUSES);
		assert_true(why.len <= max && span_is_utf8(buf_span(&why)));
	}
}

/* What a pod's settings may ask for, and an image have attached, is less than what anybody would wait for. */
#define TRIED 50U

static void there_is_an_end_to_what_is_tried(void **state)
{
	auto_buf struct buf requirements = BUF_MAX(65536);
	auto_scene_image struct scene_image *image = scene_image_new();
	struct oci_name name;

	(void)state;
	for (unsigned i = 0; i < TRIED; i++)
		scene_tag(image, STRANGER, IMAGE, APP_NAME, NULL);
	buf_puts(&requirements, COSIGN("\"keyData\":@audit"));
	for (unsigned i = 0; i < 4; i++)
		buf_puts(&requirements, "," COSIGN(KEY));
	auto_free char *policy = policy_of(buf_text(&requirements));
	const struct policy_guest settings = { .policy = policy };
	assert_int_equal(oci_name_parse(APP_NAME ":1", &name, NULL), 0);
	for (unsigned spare = 1; spare < 600; spare += 199) {
		auto_buf struct buf why = BUF_MAX(4096);
		unsigned left = GUEST_COST_SLOW * TRIED + spare;
		enum guest_verdict verdict =
				guest_decide(&settings, NULL, NULL, &name, &image->draft, &left, &why);

		/* refused by the first key already, whatever the others say */
		assert_int_equal(verdict, spare > 1 ? GUEST_REFUSES : GUEST_UNKNOWN);
		assert_true(spare > 300 ? left > 0 : left == 0);
		assert_true(spare > 300 || strstr(buf_text(&why), "more keys, places and signatures than"));
	}
	auto_buf struct buf why = BUF_MAX(4096);
	unsigned none = 0;
	assert_int_equal(guest_decide(&settings, NULL, NULL, &name, &image->draft, &none, &why),
			GUEST_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_by_the_requirements_of_the_scope),
		cmocka_unit_test(checks_the_rule_and_the_key_before_signatures),
		cmocka_unit_test(checks_signatures_as_the_guest_does),
		cmocka_unit_test(compares_the_name_that_the_pod_has),
		cmocka_unit_test(takes_keys_of_the_listed_resources),
		cmocka_unit_test(does_not_know_what_was_not_looked_for),
		cmocka_unit_test(keeps_to_the_room_for_reasons),
		cmocka_unit_test(there_is_an_end_to_what_is_tried),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
