/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/judge_scene.h"

/* What a case attaches to the image. */
typedef void (*change)(struct scene_image *image);

static void expect(
		const char *name, const char *spec, const char *image_name, change make, const char *wanted)
{
	auto_image_policy struct image_policy *policy = scene_policy(spec);
	auto_findings struct findings findings = FINDINGS_NONE;
	auto_scene_image struct scene_image *image = scene_image_new();
	struct oci_name place;

	if (make)
		make(image);
	auto_image_facts struct image_facts *facts = image_facts_new(&image->draft);
	struct judge_image judge = scene_judge(policy, facts, &place);
	if (image_name)
		assert_int_equal(oci_name_parse(image_name, &place, NULL), 0);
	judge_signatures(&judge, &findings);
	scene_expect(name, &findings, wanted);
}

struct expected {
	const char *name, *spec;
	change make;
	const char *wanted;
};

static void expect_all(const struct expected *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(cases[i].name, cases[i].spec, NULL, cases[i].make, cases[i].wanted);
}

#define OWN                HOST "/" REPOSITORY
#define BY(rules)          "signatures: {signers: [{name: build, cosign: {keys: [@build]" rules "}}]}"
#define A                  "{name: a, cosign: {keys: [@build]}}"
#define B                  "{name: b, cosign: {keys: [@release]}}"
#define C                  "{name: c, cosign: {keys: [@audit]}}"
#define OF(least, signers) "signatures: {atLeast: " #least ", signers: [" signers "]}"

#define VIOLATES           "V signatures.signers[build]: "
#define OPEN               "U signatures.signers[build]: "

/* ---- one signer ------------------------------------------------------------------------------------------ */

static void tagged(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, OWN, NULL);
}

static void bundled(struct scene_image *image)
{
	scene_bundle(image, BUILD, IMAGE, NULL);
}

static void by_all_kinds(struct scene_image *image)
{
	for (unsigned i = 0; i < WHOS; i++)
		scene_tag(image, (enum who)i, IMAGE, OWN, NULL);
}

static void in_another_spelling(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, "Registry.Example:443/shop/app:1.0", NULL);
}

static void each_platform(struct scene_image *image)
{
	scene_tag(image, BUILD, AMD64, OWN, NULL);
	scene_bundle(image, BUILD, ARM64, NULL);
}

static void one_platform(struct scene_image *image)
{
	scene_tag(image, BUILD, AMD64, OWN, NULL);
}

static void nothing_to_run(struct scene_image *image)
{
	one_platform(image);
	image->draft.platform_count = 0;
}

static void an_only_manifest(struct scene_image *image)
{
	image->platforms[0].digest = IMAGE;
	image->draft.platform_count = 1;
	image->draft.index = false;
	tagged(image);
}

static void after_others(struct scene_image *image)
{
	scene_tag(image, STRANGER, IMAGE, OWN, NULL);
	scene_tag(image, BUILD, FOREIGN, OWN, NULL);
	scene_tag(image, BUILD, IMAGE, HOST "/other", NULL);
	image->signatures[image->draft.signature_count - 1].problem = "is cut";
	bundled(image);
}

static void a_signer_has_signed(void **state)
{
	static const struct expected cases[] = {
		{ "by the tag", BY(""), tagged, "" },
		{ "by a bundle", BY(""), bundled, "" },
		{ "every kind of key",
				"signatures: {signers: [" A ", " B ", " C ", {name: r, cosign: {keys: "
				"[@elsewhere]}}]}",
				by_all_kinds, "" },
		{ "one of several keys",
				"signatures: {signers: [{name: build, cosign: {keys: [@stranger, @audit, "
				"@build]}}]}",
				tagged, "" },
		{ "in another spelling", BY(""), in_another_spelling, "" },
		{ "every platform instead of the index", BY(""), each_platform, "" },
		{ "an image without index", BY(""), an_only_manifest, "" },
		{ "among others", BY(""), after_others, "" },
		{ "in the layout asked for", BY(", layouts: [Tag]"), tagged, "" },
		{ "in the other layout", BY(", layouts: [Bundle]"), bundled, "" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* ---- what is no signature of it -------------------------------------------------------------------------- */

static void before_encryption(struct scene_image *image)
{
	scene_tag(image, STRANGER, IMAGE, OWN, NULL);
	scene_tag(image, BUILD, PLAIN, OWN, NULL);
	scene_tag(image, BUILD, FOREIGN, OWN, NULL);
}

static void of_a_platform_before_encryption(struct scene_image *image)
{
	scene_bundle(image, BUILD, PLAIN_ARM64, NULL);
}

static void before_encryption_by_a_stranger(struct scene_image *image)
{
	scene_tag(image, STRANGER, PLAIN, OWN, NULL);
}

static void by_a_stranger(struct scene_image *image)
{
	scene_tag(image, STRANGER, IMAGE, OWN, NULL);
}

static void by_strangers(struct scene_image *image)
{
	by_a_stranger(image);
	scene_bundle(image, RELEASE, IMAGE, NULL);
	scene_bundle(image, AUDIT, FOREIGN, NULL);
}

static void over_another_digest(struct scene_image *image)
{
	scene_tag(image, BUILD, FOREIGN, OWN, NULL);
}

static void of_another_repository(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, HOST "/shop/app2", NULL);
}

static void of_another_host(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, "evil.example/" REPOSITORY, NULL);
}

static void of_no_repository(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, "", NULL);
}

/* The payload is the image's, the value is over another one. */
static void with_a_value_of_another_payload(struct scene_image *image)
{
	scene_tag(image, BUILD, FOREIGN, OWN, NULL);
	scene_tag(image, BUILD, IMAGE, OWN, NULL);
	image->values[1] = image->values[0];
	image->signatures[0] = image->signatures[1];
	image->draft.signature_count = 1;
}

static void unreadable(struct scene_image *image)
{
	tagged(image);
	image->signatures[0].problem = "the payload is not what its digest says";
}

static void not_json(struct scene_image *image)
{
	scene_attach(image, IMAGE_SIG_TAG, BUILD, xstrdup("{\"critical\":1}"), SPAN_NONE);
}

/* The same bytes in the other layout verify there no more than here. */
static void a_payload_as_a_bundle(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, OWN, NULL)->layout = IMAGE_SIG_BUNDLE;
	image->signatures[0].type = COSIGN_STATEMENT_TYPE;
}

static void a_statement_as_a_payload(struct scene_image *image)
{
	bundled(image);
	image->signatures[0].layout = IMAGE_SIG_TAG;
}

static void every_cause_has_its_words(void **state)
{
	static const struct expected cases[] = {
		{ "nothing", BY(""), NULL,
				VIOLATES "no signature was found for sha256:aaaaaaaaaaaa…; sign " OWN
					 "@sha256:aaaaaaaaaaaa… with one of its keys" },
		{ "before encryption", BY(""), before_encryption,
				VIOLATES
				"signed before encryption: the signature covers sha256:777777777777…, "
				"the plain image that this one was encrypted from, not "
				"sha256:aaaaaaaaaaaa…; sign sha256:aaaaaaaaaaaa…, which is after "
				"encrypting" },
		{ "a platform before encryption", BY(""), of_a_platform_before_encryption,
				VIOLATES "signed before encryption: *sha256:999999999999…*" },
		{ "before encryption, by a stranger", BY(""), before_encryption_by_a_stranger,
				VIOLATES "1 signature was found, none of which is by its keys; sign*" },
		{ "a stranger", BY(""), by_a_stranger,
				VIOLATES "1 signature was found, none of which is by its keys; sign*" },
		{ "strangers", BY(""), by_strangers,
				VIOLATES "3 signatures were found, none of them is by its keys; sign*" },
		{ "another digest", BY(""), over_another_digest,
				VIOLATES "a signature of its covers sha256:ffffffffffff…, not "
					 "sha256:aaaaaaaaaaaa…; sign*" },
		{ "another repository", BY(""), of_another_repository,
				VIOLATES "a signature of its names registry.example/shop/app2, not " OWN
					 ": it was made for another repository; sign*" },
		{ "another host", BY(""), of_another_host, VIOLATES "*names evil.example/shop/app, not*" },
		{ "no repository", BY(""), of_no_repository, VIOLATES "*names no repository, not*" },
		{ "another's value", BY(""), with_a_value_of_another_payload,
				VIOLATES "1 signature was found, none of which*" },
		{ "unreadable", BY(""), unreadable,
				VIOLATES
				"the signature at " DIGEST("5") " cannot be read: the payload is not "
								"what its digest says; sign*" },
		{ "no payload", BY(""), not_json, VIOLATES "the signature at * cannot be read: *; sign*" },
		{ "payload as a bundle", BY(""), a_payload_as_a_bundle, VIOLATES "*cannot be read*" },
		{ "statement as a payload", BY(""), a_statement_as_a_payload, VIOLATES "*cannot be read*" },
		{ "one platform alone", BY(""), one_platform,
				VIOLATES "linux/arm64/v8 (sha256:cccccccccccc…) is not signed, nor is the "
					 "index; sign the index sha256:aaaaaaaaaaaa…*" },
		{ "nothing to run", BY(""), nothing_to_run, VIOLATES "*" },
		{ "the tag alone", BY(", layouts: [Tag]"), bundled,
				VIOLATES "a signature of its is there as a bundle, and the policy takes Tag "
					 "alone; *" },
		{ "bundles alone", BY(", layouts: [Bundle]"), tagged,
				VIOLATES "a signature of its is there below a .sig tag, and the policy takes "
					 "Bundle alone; *" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* ---- identity and annotations ---------------------------------------------------------------------------- */

static void for_prod(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, OWN, "{\"stage\":\"prod\",\"by\":\"ci\",\"num\":1}");
}

static void for_test(struct scene_image *image)
{
	scene_bundle(image, BUILD, IMAGE, "{\"stage\":\"test\"}");
}

static void for_prod_as_a_bundle(struct scene_image *image)
{
	scene_bundle(image, BUILD, IMAGE, "{\"stage\":\"prod\"}");
}

static void identity_and_annotations_are_demanded(void **state)
{
	static const struct expected cases[] = {
		{ "any repository", BY(", identity: Any"), of_another_repository, "" },
		{ "any, none", BY(", identity: Any"), of_no_repository, "" },
		{ "another one", BY(", repository: registry.example/shop/app2"), of_another_repository, "" },
		{ "another one, in another spelling", BY(", repository: 'REGISTRY.example:443/shop/app2'"),
				of_another_repository, "" },
		{ "another one, and not its own", BY(", repository: registry.example/shop/app2"), tagged,
				VIOLATES "*names " OWN ", not registry.example/shop/app2*" },
		{ "a bundle names none", BY(", repository: registry.example/shop/app2"), bundled, "" },
		{ "annotations", BY(", annotations: {stage: prod}"), for_prod, "" },
		{ "two annotations", BY(", annotations: {stage: prod, by: ci}"), for_prod, "" },
		{ "of a bundle", BY(", annotations: {stage: prod}"), for_prod_as_a_bundle, "" },
		{ "another value", BY(", annotations: {stage: prod}"), for_test,
				VIOLATES "a signature of its has 'test' as the annotation stage, not 'prod'; "
					 "sign*" },
		{ "none of that name", BY(", annotations: {stage: prod}"), tagged,
				VIOLATES
				"a signature of its has nothing as the annotation stage, not 'prod'*" },
		{ "one of two", BY(", annotations: {stage: prod, of: us}"), for_prod,
				VIOLATES "*nothing as the annotation of, not 'us'*" },
		{ "a number is no text", BY(", annotations: {num: '1'}"), for_prod,
				VIOLATES "*nothing as the annotation num*" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* ---- how many -------------------------------------------------------------------------------------------- */

static void by_two(struct scene_image *image)
{
	scene_tag(image, BUILD, IMAGE, OWN, NULL);
	scene_bundle(image, RELEASE, IMAGE, NULL);
}

static void by_two_in_their_ways(struct scene_image *image)
{
	each_platform(image);
	scene_bundle(image, RELEASE, IMAGE, NULL);
}

#define SAME      "{name: b, cosign: {keys: [@build]}}"
#define BOTH      "{name: b, cosign: {keys: [@build, @release]}}"
#define REQUIRED  "{name: c, required: true, cosign: {keys: [@audit]}}"
#define PAIR_A    "{name: a, cosign: {keys: [@build, @release]}}"
#define HAS_TWICE "has signed with the key of another signer, and one key counts once; *"

/* One key for each platform. */
static void a_platform_each(struct scene_image *image)
{
	scene_tag(image, BUILD, AMD64, OWN, NULL);
	scene_tag(image, RELEASE, ARM64, OWN, NULL);
}

static void signers_are_counted(void **state)
{
	static const struct expected cases[] = {
		{ "two of two", OF(2, A ", " B), by_two, "" },
		{ "all by default", "signatures: {signers: [" A ", " B "]}", by_two, "" },
		{ "two of three", OF(2, A ", " B ", " C), by_two, "" },
		{ "each in its way", OF(2, A ", " B ", " C), by_two_in_their_ways, "" },
		{ "one of two", OF(1, A ", " B), tagged, "" },
		{ "one of two, the second", OF(1, B ", " A), tagged, "" },
		{ "two are needed", OF(2, A ", " B ", " C), tagged,
				"V signatures.atLeast: 1 of 3 signers has signed sha256:aaaaaaaaaaaa…; 2 are "
				"needed\n"
				"V signatures.signers[b]: 1 signature was found, none*\n"
				"V signatures.signers[c]: *" },
		{ "none of two", OF(1, A ", " B), NULL,
				"V signatures.atLeast: 0 of 2 signers have signed*\n"
				"V signatures.signers[a]: *\nV signatures.signers[b]: *" },
		{ "enough, but not the required one", OF(2, A ", " B ", " REQUIRED), by_two,
				"V signatures.atLeast: 2 of 3*\nV signatures.signers[c]: *" },
		{ "with the required one", OF(2, A ", " B ", " REQUIRED), by_all_kinds, "" },
		{ "one key under two names", OF(2, A ", " SAME), tagged,
				"V signatures.signers[b]: " HAS_TWICE },
		{ "one key under two names, and twice under one",
				OF(2, "{name: a, cosign: {keys: [@build, @build]}}, " SAME), tagged,
				"V signatures.signers[b]: " HAS_TWICE },
		{ "one key under two names, one needed", OF(1, A ", " SAME), tagged, "" },
		{ "one shared, one not", OF(2, A ", " BOTH), by_two, "" },
		{ "one shared, one not, the other way around", OF(2, BOTH ", " A), by_two, "" },
		{ "two shared keys for three",
				OF(3, PAIR_A ", " BOTH ", {name: d, cosign: {keys: [@release]}}"), by_two,
				"V signatures.signers[d]: " HAS_TWICE },
		{ "one shared, signed by that alone", OF(2, A ", " BOTH), tagged,
				"V signatures.signers[b]: " HAS_TWICE },
		{ "several keys of one signer together", "signatures: {signers: [" PAIR_A "]}",
				a_platform_each, "" },
		{ "several keys together count for none who shares them", OF(1, PAIR_A ", " BOTH),
				a_platform_each,
				"V signatures.atLeast: 0 of 2*\nV signatures.signers[a]: *\n"
				"V signatures.signers[b]: *" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* ---- what is not known ----------------------------------------------------------------------------------- */

static void more(struct scene_image *image)
{
	by_a_stranger(image);
	image->draft.more = true;
}

static void more_than_needed(struct scene_image *image)
{
	tagged(image);
	image->draft.more = true;
}

static void not_looked_for_bundles(struct scene_image *image)
{
	by_a_stranger(image);
	image->draft.looked = IMAGE_LOOKED_TAG;
}

static void too_many(struct scene_image *image)
{
	for (unsigned i = 0; i < IMAGE_SIGNATURES_MAX; i++)
		scene_tag(image, STRANGER, IMAGE, OWN, NULL);
}

static void what_was_not_looked_at_is_not_absent(void **state)
{
	static const struct expected cases[] = {
		{ "more", BY(""), more, OPEN "no signature of its was found, and more is attached*" },
		{ "more, but enough", BY(""), more_than_needed, "" },
		{ "not looked for", BY(""), not_looked_for_bundles,
				OPEN
				"no signature of its was found, but not everywhere was looked; try again" },
		{ "not looked for what is not asked for", BY(", layouts: [Tag]"), not_looked_for_bundles,
				VIOLATES "1 signature was found*" },
		{ "one is unknown, which would be enough",
				OF(1, "{name: a, cosign: {keys: [@build], layouts: [Tag]}}, " B),
				not_looked_for_bundles,
				"U signatures.atLeast: 0 of 2*\nU signatures.signers[a]: *\n"
				"U signatures.signers[b]: *" },
		{ "one is unknown, which would not",
				OF(2, "{name: a, cosign: {keys: [@build], layouts: [Tag]}}, " B),
				not_looked_for_bundles,
				"V signatures.signers[a]: *\nV signatures.signers[b]: *" },
		{ "one is unknown, but the required one is not there",
				OF(1,
						"{name: a, required: true, cosign: {keys: [@build], layouts: "
						"[Tag]}}, " B),
				not_looked_for_bundles,
				"V signatures.atLeast: 0 of 2*\nV signatures.signers[a]: *\n"
				"V signatures.signers[b]: *" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* 16 signers of 8 keys each: more to try than anybody would wait for. */
static void there_is_an_end_to_trying(void **state)
{
	auto_buf struct buf spec = BUF_MAX(65536);

	(void)state;
	buf_puts(&spec, "signatures: {atLeast: 1, signers: [");
	for (unsigned i = 0; i < IMAGEPOLICY_SIGNERS_MAX; i++)
		buf_printf(&spec,
				"%s{name: s%u, cosign: {keys: [@audit, @audit, @audit, @audit, @audit, "
				"@audit, "
				"@build, @build]}}",
				i ? ", " : "", i);
	buf_puts(&spec, "]}");
	expect("too many", buf_text(&spec), NULL, too_many,
			"U signatures.atLeast: 0 of 16*\nU signatures.signers[s0]: *\nU "
			"signatures.signers[s1]: *\n"
			"U signatures.signers[s2]: *more signatures than are tried*\nU "
			"signatures.signers[s3]: *\n"
			"U signatures.signers[s4]: *\nU signatures.signers[s5]: *\nU signatures.signers[s6]: "
			"*\n"
			"U signatures.signers[s7]: *\nU signatures.signers[s8]: *\nU signatures.signers[s9]: "
			"*\n"
			"U signatures.signers[s10]: *\nU signatures.signers[s11]: *\nU "
			"signatures.signers[s12]: *\n"
			"U signatures.signers[s13]: *\nU signatures.signers[s14]: *\nU "
			"signatures.signers[s15]: *");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signer_has_signed),
		cmocka_unit_test(every_cause_has_its_words),
		cmocka_unit_test(identity_and_annotations_are_demanded),
		cmocka_unit_test(signers_are_counted),
		cmocka_unit_test(what_was_not_looked_at_is_not_absent),
		cmocka_unit_test(there_is_an_end_to_trying),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
