/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/judge_scene.h"

#include "base/fs.h"
#include "policy/simple.h"

#define APP_NAME HOST "/" REPOSITORY

/* The policy.json of a policy's spec; all notes, a line each, where `notes` is given. */
static char *compose(const struct image_policy *policy, char **notes)
{
	auto_buf struct buf out = BUF_MAX(GUEST_POLICY_MAX), lines = BUF_MAX(65536);
	auto_guest_policy struct guest_policy read = { .json = NULL };
	auto_json json_t *said = json_array();
	struct err err = ERR_NONE;
	const json_t *note;
	size_t i;

	if (guest_policy_write(policy, &out, said, &err) < 0 ||
			guest_policy_parse(buf_span(&out), &read, &err) < 0)
		fail_msg("%s", err.text);
	json_array_foreach (said, i, note)
		buf_printf(&lines, "%s\n", json_string_value(note));
	if (notes)
		*notes = xstrdup(buf_text(&lines));
	return buf_take(&out);
}

static bool host_accepts(const struct image_policy *policy, const struct image_facts *facts, const char *text)
{
	auto_findings struct findings findings = { .count = 0 };
	struct oci_name name;

	assert_int_equal(oci_name_parse(text, &name, NULL), 0);
	const struct judge_image judge = {
		.policy = policy, .name = &name, .facts = facts, .now = 1700000000
	};
	judge_image(&judge, &findings);
	return findings.count == 0;
}

static enum guest_verdict guest_says(const struct image_policy *policy, const char *written,
		const struct image_facts *facts, const char *text, struct buf *why)
{
	const struct policy_guest settings = { .policy = written, .resources = policy->guest.resources };
	struct oci_name name;

	assert_int_equal(oci_name_parse(text, &name, NULL), 0);
	return guest_decide(&settings, NULL, text, &name, facts, NULL, why);
}

/* ---- the guest judges by what was written as admission judges by the policy ---- */

static const char *const signers[] = { "{name: build, cosign: {keys: [@build], layouts: [Tag], %s}}",
	"{name: release, cosign: {keys: [@release], layouts: [Tag], %s}}",
	"{name: audit, cosign: {keys: [@audit], layouts: [Tag], %s}}",
	"{name: elsewhere, cosign: {keys: [@elsewhere], layouts: [Tag], %s}}" };
static const enum who keys[] = { BUILD, RELEASE, AUDIT, ELSEWHERE };

static struct image_policy *policy_of(unsigned mask, const char *identity)
{
	auto_buf struct buf spec = BUF_MAX(65536);
	const char *comma = "";

	buf_puts(&spec, "match: {images: [\"" HOST "/shop/**\"]}, signatures: {signers: [");
	for (unsigned i = 0; i < COUNT(signers); i++) {
		struct span form = span_of(signers[i]);
		size_t at = form.len - strlen("%s}}");

		if (!(mask & 1U << i))
			continue;
		buf_puts(&spec, comma);
		buf_add(&spec, form.ptr, at);
		buf_puts(&spec, identity);
		buf_puts(&spec, "}}");
		comma = ", ";
	}
	buf_puts(&spec, "]}");
	return scene_policy(buf_text(&spec));
}

static size_t accepted, refused;

static void compare(const struct image_policy *policy, const char *written, unsigned signed_by,
		const char *as, bool stranger)
{
	auto_scene_image struct scene_image *image = scene_image_new();
	auto_buf struct buf why = BUF_MAX(65536);

	if (stranger)
		scene_tag(image, STRANGER, IMAGE, as, NULL);
	for (unsigned i = 0; i < COUNT(keys); i++)
		if (signed_by & 1U << i)
			scene_tag(image, keys[i], IMAGE, as, NULL);
	bool host = host_accepts(policy, &image->draft, APP_NAME ":1");
	enum guest_verdict guest = guest_says(policy, written, &image->draft, APP_NAME ":1", &why);
	accepted += host;
	refused += !host;
	if (guest == GUEST_UNKNOWN || host != (guest == GUEST_ACCEPTS))
		fail_msg("signed by %x as %s: admission %s, the guest: %s\n%s", signed_by, as,
				host ? "accepts" : "refuses", buf_text(&why), written);
}

static void makes_the_guest_judge_as_admission_does(void **state)
{
	static const unsigned masks[] = { 1, 8, 7 };
	static const char *const identities[] = { "identity: Repository", "identity: Any",
		"repository: registry.example/builds/app" };

	(void)state;
	for (size_t m = 0; m < COUNT(masks); m++) {
		for (size_t i = 0; i < COUNT(identities); i++) {
			auto_image_policy struct image_policy *policy = policy_of(masks[m], identities[i]);
			auto_free char *notes = NULL;
			auto_free char *written = compose(policy, &notes);

			assert_null(strstr(notes, "signer"));
			for (unsigned by = 0; by < 16; by += 1 + by % 4)
				compare(policy, written, by, APP_NAME, by & 1);
			compare(policy, written, 15, "registry.example/builds/app", true);
			compare(policy, written, masks[m], "registry.example/copied", false);
		}
	}
	assert_true(accepted > 15 && refused > 30);
}

static void names_keys_by_the_uri_that_is_listed(void **state)
{
	auto_image_policy struct image_policy *policy =
			scene_policy("signatures: {signers: [{name: build, cosign: {keys: [@build], layouts: "
				     "[Tag]}}]}, guest: "
				     "{resources: [{uri: \"kbs:///default/key/other\", text: @audit}, {uri: "
				     "\"kbs:///default/key/build\", text: @build}]}");
	auto_scene_image struct scene_image *image = scene_image_new();
	auto_free char *written = compose(policy, NULL);
	auto_buf struct buf why = BUF_MAX(65536);

	(void)state;
	assert_non_null(strstr(written, "\"keyPath\": \"kbs:///default/key/build\""));
	assert_null(strstr(written, "keyData"));
	assert_int_equal(guest_says(policy, written, &image->draft, APP_NAME ":1", &why), GUEST_REFUSES);
	scene_tag(image, BUILD, IMAGE, APP_NAME, NULL);
	assert_int_equal(guest_says(policy, written, &image->draft, APP_NAME ":1", &why), GUEST_ACCEPTS);
}

/* ---- GPG ---- */

static char *load(const char *path)
{
	auto_buf struct buf bytes = BUF_MAX(65536);

	assert_int_equal(fs_read(path, &bytes, NULL), 0);
	return buf_take(&bytes);
}

/* A spec with the ring as a literal block of YAML. */
static struct image_policy *gpg_policy(const char *identity)
{
	auto_free char *ring = load("tests/vectors/simple/rsa.asc");
	auto_json json_t *text = json_string(ring);
	auto_free char *quoted = json_text(text, false);
	auto_free char *spec = xasprintf("signatures: {signers: [{name: gpg, gpg: {keys: %s, lookaside: "
					 "\"https://store.example\", identity: %s}}]}",
			quoted, identity);

	return scene_policy(spec);
}

static void writes_rings_as_the_guest_reads_them(void **state)
{
	static const char *const identities[] = { "RepoDigestOrExact", "Exact", "Repository" };
	static const char *const written_as[] = { "matchRepoDigestOrExact", "matchExact", "matchRepository" };
	static char store[] = "default-docker: {sigstore: 'file:///store'}";
	const struct image_platform platform = { .digest = IMAGE, .name = "linux/amd64" };
	auto_buf struct buf good = BUF_MAX(65536), bad = BUF_MAX(65536), why = BUF_MAX(65536);
	struct image_signature signature = { .layout = IMAGE_SIG_SIMPLE,
		.subject = IMAGE,
		.place = "file:///store/team/app@sha256=" HEX8("aaaaaaaa") "/signature-1",
		.type = "" };
	const struct image_facts facts = { .host = HOST,
		.repository = "team/app",
		.digest = IMAGE,
		.platforms = &platform,
		.platform_count = 1,
		.signatures = &signature,
		.signature_count = 1,
		.looked = IMAGE_LOOKED_SIMPLE };
	struct guest_view view = { .image = true, .sigstore = store };
	struct oci_name name;

	(void)state;
	assert_int_equal(fs_read("tests/vectors/simple/rsa.sig", &good, NULL), 0);
	assert_int_equal(fs_read("tests/vectors/simple/ed25519.sig", &bad, NULL), 0);
	assert_int_equal(oci_name_parse(HOST "/team/app:1.0", &name, NULL), 0);
	for (size_t i = 0; i < COUNT(identities); i++) {
		auto_image_policy struct image_policy *policy = gpg_policy(identities[i]);
		auto_free char *notes = NULL;
		auto_free char *written = compose(policy, &notes);
		const struct policy_guest settings = { .policy = written };

		assert_non_null(strstr(written, written_as[i]));
		assert_non_null(strstr(notes, "signer 'gpg': the guest reads GPG signatures from file://"));
		signature.payload = buf_span(&good);
		if (guest_decide(&settings, &view, NULL, &name, &facts, NULL, &why) != GUEST_ACCEPTS)
			fail_msg("%s", buf_text(&why));
		signature.payload = buf_span(&bad);
		assert_int_equal(guest_decide(&settings, &view, NULL, &name, &facts, NULL, &why),
				GUEST_REFUSES);
	}
}

/* ---- notes ---- */

#define P521                                                                  \
	"\"-----BEGIN PUBLIC KEY-----\\n"                                     \
	"MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAG0M2JRYW/a0qpqVUvMooYiKaH6Ib\\n" \
	"KK9h1mhlHSm72iDjmV+Cci+sJxEN7Na7yi08t9uQe46QEHYaA9279alicy8A2ECM\\n" \
	"XUOS3x5IfPt7QbcSagS7pFyoZGg3IH3+HQ1ykJ2I60piyeIDgeAuzfc/voASZnnz\\n" \
	"gSmEVdcE2hw36oTmHg8=\\n"                                             \
	"-----END PUBLIC KEY-----\\n\""
#define COSIGN "cosign: {keys: [@build], layouts: [Tag]}"
#define SIGNED "signatures: {signers: [{name: build, " COSIGN "}]}"

static const struct {
	const char *spec, *notes, *written; /* globs */
} cases[] = {
	{ SIGNED, "", "*\"default\": [*\"type\": \"sigstoreSigned\"*\"docker\": {}*" },
	{ "signatures: {atLeast: 1, signers: [{name: build, " COSIGN
	  "}, {name: audit, cosign: {keys: [@audit], layouts: [Tag]}}]}",
			"atLeast: 1 of 2 signers cannot be expressed*\nnothing of the signers is "
			"left*\n",
			"*insecureAcceptAnything*" },
	/* those that are required stay, and here they are all that it takes */
	{ "signatures: {atLeast: 1, signers: [{name: build, required: true, " COSIGN
	  "}, {name: audit, cosign: {keys: [@audit], layouts: [Tag]}}]}",
			"", "*sigstoreSigned*" },
	{ "signatures: {atLeast: 2, signers: [{name: build, required: true, " COSIGN
	  "}, {name: audit, cosign: {keys: [@audit], layouts: [Tag]}}, {name: release, cosign: "
	  "{keys: "
	  "[@release], layouts: [Tag]}}]}",
			"atLeast: 2 of 3 signers cannot be expressed*the 1 required ones\n",
			"*sigstoreSigned*" },
	{ "signatures: {signers: [{name: build, cosign: {keys: [@build, @audit], layouts: [Tag]}}]}",
			"signer 'build' cannot be demanded: it has several keys*\nnothing*\n",
			"*insecureAcceptAnything*" },
	{ "signatures: {signers: [{name: build, cosign: {keys: [@build], layouts: [Bundle], "
	  "identity: Any}}]}",
			"signer 'build' cannot be demanded: it signs by bundles alone*\nnothing*\n",
			"*insecureAcceptAnything*" },
	{ "signatures: {signers: [{name: build, cosign: {keys: [@build], annotations: {a: b}}}]}",
			"signer 'build': the guest finds signatures under the tag*\nsigner 'build': "
			"*annotations\n",
			"*sigstoreSigned*" },
	{ "signatures: {signers: [{name: build, cosign: {keys: [" P521 "], layouts: [Tag]}}]}",
			"signer 'build' cannot be demanded: its key is on P-521*\nnothing*\n",
			"*insecureAcceptAnything*" },
	{ "encryption: {layers: All}", "encryption cannot be demanded*\n", "*insecureAcceptAnything*" },
	{ "digest: {require: true}, mode: Warn, " SIGNED,
			"digest.require cannot be demanded*\nmode: Warn is admission's*\n",
			"*sigstoreSigned*" },
	/* scopes */
	{ "match: {images: [\"registry.example/shop/**\"]}, " SIGNED,
			"the guest refuses images that the policy does not take*\n",
			"*\"default\": [*\"type\": \"reject\"*\"registry.example/shop\": "
			"[*sigstoreSigned*" },
	{ "match: {images: [\"registry.example/shop/*\"]}, " SIGNED,
			"'registry.example/shop/?': the guest's scope \"registry.example/shop\" "
			"takes what lies "
			"deeper*\n*\n",
			"*\"registry.example/shop\": [*" },
	{ "match: {images: [\"registry.example/shop**\"]}, " SIGNED, "*no other name that begins so\n*\n",
			"*\"registry.example/shop\": [*" },
	{ "match: {images: [\"registry.example/shop-**\"]}, " SIGNED,
			"*cannot be expressed as a scope of the guest's: the guest refuses these "
			"images\n*\n",
			"*\"docker\": {}*" },
	{ "match: {images: [\"docker.io/library/b*\", \"quay.io/a?b\"]}, " SIGNED,
			"*'docker.io/library/b?' cannot be expressed*\n*'quay.io/a?b' cannot*\n*\n",
			"*\"docker\": {}*" },
	{ "match: {images: [\"*.example/**\", \"quay.io/a/b\"]}, " SIGNED, "the guest refuses images*\n",
			"*\"?.example\": [*\"quay.io/a/b\": [*" },
	{ "match: {images: [\"**\"]}, " SIGNED, "the guest refuses images*\n",
			"*\"default\": [*sigstoreSigned*\"docker\": {}*" },
	{ "match: {exceptImages: [\"quay.io/**\", \"ghcr.io/x-*\"]}, " SIGNED,
			"*'ghcr.io/x-?' cannot be expressed*demands of these images*\nthe guest "
			"refuses images*\n",
			"*\"default\": [*sigstoreSigned*\"quay.io\": [*reject*" },
};

static void says_what_the_guest_cannot_demand(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_image_policy struct image_policy *policy = scene_policy(cases[i].spec);
		auto_json json_t *findings = json_array();
		auto_free char *notes = NULL;
		auto_free char *written = compose(policy, &notes);
		const json_t *finding;
		size_t k;

		if (!span_glob(span_of(cases[i].notes), span_of(notes)) ||
				!span_glob(span_of(cases[i].written), span_of(written)))
			fail_msg("%s:\n%s\n%s", cases[i].spec, notes, written);
		guest_policy_lint(span_of(written), findings);
		json_array_foreach (findings, k, finding)
			assert_string_equal(json_text_at(finding, "level", NULL), "warning");
	}
}

static void writes_nothing_of_a_policy_that_is_broken(void **state)
{
	auto_json json_t *resource = scene_resource("mode: Enforce");
	auto_image_policy struct image_policy *policy = NULL;
	auto_buf struct buf out = BUF_MAX(65536);
	auto_json json_t *notes = json_array();
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(image_policy_broken(resource, "its key is none", &policy, NULL), 0);
	assert_int_equal(guest_policy_write(policy, &out, notes, &err), -1);
	assert_non_null(strstr(err.text, "its key is none"));
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_guest_judge_as_admission_does),
		cmocka_unit_test(names_keys_by_the_uri_that_is_listed),
		cmocka_unit_test(writes_rings_as_the_guest_reads_them),
		cmocka_unit_test(writes_nothing_of_a_policy_that_is_broken),
		cmocka_unit_test(says_what_the_guest_cannot_demand),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
