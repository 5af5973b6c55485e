/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/judge_scene.h"

/* What a case makes of the image before it is judged. */
typedef void (*change)(struct scene_image *image);

static void expect(const char *name, const char *rules, const struct guest_view *guest, change make,
		const char *wanted)
{
	auto_free char *spec = xasprintf("encryption: {%s}", rules);
	auto_image_policy struct image_policy *policy = scene_policy(spec);
	auto_findings struct findings findings = FINDINGS_NONE;
	auto_scene_image struct scene_image *image = scene_image_new();
	struct oci_name place;

	if (make)
		make(image);
	auto_image_facts struct image_facts *facts = image_facts_new(&image->draft);
	struct judge_image judge = scene_judge(policy, facts, &place);
	judge.guest = guest;
	judge_encryption(&judge, &findings);
	scene_expect(name, &findings, wanted);
}

struct expected {
	const char *name, *rules;
	change make;
	const char *wanted;
};

static void expect_all(const struct expected *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(cases[i].name, cases[i].rules, NULL, cases[i].make, cases[i].wanted);
}

/* ---- which layers ---------------------------------------------------------------------------------------- */

static void encrypt(struct image_layer *layer, const struct image_recipient *recipient)
{
	layer->encrypted = true;
	layer->media_type = TAR "+encrypted";
	layer->recipients = recipient;
	layer->recipient_count = 1;
}

static void all_encrypted(struct scene_image *image)
{
	encrypt(&image->layers[0], &image->recipient);
	encrypt(&image->layers[2], &image->recipient);
}

static void all_plain(struct scene_image *image)
{
	for (unsigned i = 0; i < 4; i++)
		image->layers[i] = image->layers[0];
}

static void one_platform_plain(struct scene_image *image)
{
	image->layers[3] = image->layers[2];
}

static void no_layers(struct scene_image *image)
{
	image->platforms[0].layer_count = 0;
	image->draft.platform_count = 1;
}

static void no_platforms(struct scene_image *image)
{
	image->draft.platform_count = 0;
}

static void smuggled(struct scene_image *image)
{
	all_encrypted(image);
	image->layers[1].encrypted = false;
	image->layers[1].media_type = TAR;
	image->layers[1].problem =
			"it has the annotations of an encrypted layer, but a type that is not encrypted";
}

static void asks_for_layers(void **state)
{
	static const struct expected cases[] = {
		{ "all", "", all_encrypted, "" },
		{ "plain bases", "", NULL,
				"V encryption.layers: layer 0 of linux/amd64 (sha256:111111111111…) is not "
				"encrypted; encrypt*\n"
				"V encryption.layers: layer 0 of linux/arm64/v8 *" },
		{ "plain bases that may be", "plainLayers: ['" BASE "']", NULL, "" },
		{ "the other layer may be plain", "plainLayers: ['" APP "']", NULL,
				"V encryption.layers: layer 0 of linux/amd64*\n"
				"V encryption.layers: layer 0 of linux/arm64/v8*" },
		{ "nothing at all", "", all_plain,
				"V encryption.layers: none of the 2 layers of linux/amd64 is encrypted;*\n"
				"V encryption.layers: none of the 2 layers of linux/arm64/v8 is "
				"encrypted;*" },
		{ "nothing at all, all of which may be plain", "plainLayers: ['" BASE "']", all_plain,
				"V encryption.layers: none of*amd64*\nV encryption.layers: none of*arm64*" },
		{ "one platform plain", "plainLayers: ['" BASE "']", one_platform_plain,
				"V encryption.layers: none of the 2 layers of linux/arm64/v8 is "
				"encrypted;*" },
		{ "any", "layers: Any", NULL, "" },
		{ "any, on each platform", "layers: Any", one_platform_plain,
				"V encryption.layers: none of the 2 layers of linux/arm64/v8*" },
		{ "the uppermost", "layers: Named, indexes: [-1]", NULL, "" },
		{ "the uppermost by number", "layers: Named, indexes: [1]", NULL, "" },
		{ "the lowest", "layers: Named, indexes: [0]", NULL,
				"V encryption.layers: layer 0 of linux/amd64*\n"
				"V encryption.layers: layer 0 of linux/arm64*" },
		{ "both ways to say it", "layers: Named, indexes: [0, -2]", NULL,
				"V encryption.layers: layer 0 of linux/amd64*is not encrypted; encrypt*\n"
				"V encryption.layers: layer 0 of linux/arm64*" },
		{ "a named one that may be plain", "layers: Named, indexes: [0], plainLayers: ['" BASE "']",
				NULL, "" },
		{ "one that is not there", "layers: Named, indexes: [2, -1, -3]", NULL,
				"V encryption.indexes: there is no layer 2 of linux/amd64, which has 2;*\n"
				"V encryption.indexes: there is no layer 2 of linux/arm64*\n"
				"V encryption.indexes: there is no layer -3 of linux/amd64*\n"
				"V encryption.indexes: there is no layer -3 of linux/arm64*" },
		{ "no layers", "", no_layers,
				"V encryption.layers: none of the 0 layers of linux/amd64 is encrypted*" },
		{ "no layers, any", "layers: Any", no_layers, "V encryption.layers: none of the 0*" },
		{ "no platforms", "", no_platforms, "V encryption.platforms: the index names no platform*" },
		{ "annotations on a plain layer", "", smuggled,
				"V encryption.layers: layer 1 of linux/amd64 *is not encrypted: it has the "
				"annotations of an encrypted layer*" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* ---- platforms ------------------------------------------------------------------------------------------- */

static void unnamed(struct scene_image *image)
{
	image->platforms[0].name = "";
	image->draft.platform_count = 1;
	image->draft.index = false;
}

static void unnamed_and_plain(struct scene_image *image)
{
	unnamed(image);
	all_plain(image);
}

static void old_arm(struct scene_image *image)
{
	image->platforms[1].name = "linux/arm64";
}

/* The guest takes the first of its architecture, whatever the variant; containerd reads other spellings, too. */
static const char *spelling;

static void plain_in_another_spelling(struct scene_image *image)
{
	one_platform_plain(image);
	image->platforms[1].name = spelling;
}

static void no_other_spelling_hides_a_plain_platform(void **state)
{
	static const struct {
		const char *name, *wanted;
		bool judged;
	} cases[] = {
		{ "linux/amd64/v3", "linux/amd64", true },
		{ "linux/amd64/v3", "linux/amd64/v2", true },
		{ "linux/amd64", "linux/amd64/v2", true },
		{ "linux/x86_64", "linux/amd64", true },
		{ "linux/X86_64", "linux/amd64", true },
		{ "Linux/AMD64", "linux/amd64", true },
		{ "linux/", "linux/amd64", true },
		{ "/", "linux/amd64", true },
		{ "", "linux/amd64", true },
		{ "linux/arm64", "linux/amd64", false },
		{ "windows/amd64", "linux/amd64", false },
		{ "linux/amd6", "linux/amd64", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_image_policy struct image_policy *policy = NULL;
		auto_findings struct findings findings = FINDINGS_NONE;
		auto_scene_image struct scene_image *image = scene_image_new();
		auto_free char *spec =
				xasprintf("encryption: {layers: Any, platforms: ['%s']}", cases[i].wanted);
		struct oci_name place;

		policy = scene_policy(spec);
		spelling = cases[i].name;
		plain_in_another_spelling(image);
		image->platforms[0].name = cases[i].wanted;
		struct judge_image judge = scene_judge(policy, &image->draft, &place);
		judge_encryption(&judge, &findings);
		scene_expect(spelling, &findings, cases[i].judged ? "V encryption.layers: none*" : "");
	}
}

static void asks_for_platforms(void **state)
{
	static const struct expected cases[] = {
		{ "one that is encrypted", "platforms: [linux/amd64], plainLayers: ['" BASE "']",
				one_platform_plain, "" },
		{ "one that is not", "platforms: [linux/arm64], plainLayers: ['" BASE "']",
				one_platform_plain, "V encryption.layers: none*arm64*" },
		{ "with its variant", "layers: Any, platforms: [linux/arm64/v8]", one_platform_plain,
				"V encryption.layers: none*arm64*" },
		{ "a variant that is left out is v8", "layers: Any, platforms: [linux/arm64/v8]", old_arm,
				"" },
		{ "another variant", "layers: Any, platforms: [linux/arm64/v7]", NULL,
				"V encryption.platforms: the image has no linux/arm64/v7, which the policy "
				"asks "
				"for;*" },
		{ "one that is not there", "layers: Any, platforms: [linux/amd64, linux/s390x]", NULL,
				"V encryption.platforms: the image has no linux/s390x*" },
		{ "none of those that are there", "layers: Any, platforms: [linux/s390x]", all_plain,
				"V encryption.platforms: the image has no linux/s390x*" },
		{ "one that nobody names", "layers: Any, platforms: [linux/amd64]", unnamed, "" },
		{ "one that nobody names, plain", "layers: Any, platforms: [linux/amd64]", unnamed_and_plain,
				"V encryption.layers: none of the 2 layers is encrypted*" },
		{ "no platforms", "platforms: [linux/amd64]", no_platforms,
				"V encryption.platforms: the image has no linux/amd64*" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* ---- recipients ------------------------------------------------------------------------------------------ */

static void jwe(struct scene_image *image)
{
	image->recipient = (struct image_recipient){ .scheme = "jwe", .key = "" };
}

static void jwe_beside(struct scene_image *image)
{
	static const struct image_recipient both[] = {
		{ .scheme = PACKET_SCHEME, .key = "kbs:///default/key/app", .guests = { true, true } },
		{ .scheme = "jwe", .key = "" },
	};

	image->layers[1].recipients = both;
	image->layers[1].recipient_count = 2;
}

static void malformed(struct scene_image *image)
{
	image->recipient.key = "";
	image->recipient.problem = "key packet: kid: is missing";
	image->recipient.guests[0] = image->recipient.guests[1] = false;
}

static void for_the_hub_alone(struct scene_image *image)
{
	image->recipient.guests[PACKET_GUEST_NATIVE] = false;
}

static void nobody(struct scene_image *image)
{
	image->layers[1].recipients = NULL;
	image->layers[1].recipient_count = 0;
	image->layers[1].problem = "it has no wrapped keys: nobody can decrypt it";
}

static void zstd(struct scene_image *image)
{
	image->layers[1].problem = "guests do not know the type 'zstd'";
}

static void asks_for_recipients(void **state)
{
	static const struct expected cases[] = {
		{ "the default is key packets", "layers: Any", jwe,
				"V encryption.schemes: layer 1 of linux/amd64*wrapped key #1: is for jwe; "
				"encrypt*\n"
				"V encryption.schemes: layer 1 of linux/arm64*\n"
				"V encryption.guest: layer 1 of linux/amd64*has no provider*key packet*\n"
				"V encryption.guest: layer 1 of linux/arm64*" },
		{ "others where they are named", "layers: Any, schemes: [jwe], guest: None", jwe, "" },
		{ "one too many", "layers: Any", jwe_beside,
				"V encryption.schemes: layer 1 of linux/amd64*wrapped key #2: is for jwe*" },
		{ "both", "layers: Any, schemes: [jwe, provider.attestation-agent]", jwe_beside, "" },
		{ "a packet that is none", "layers: Any", malformed,
				"V encryption.guest: layer 1 of linux/amd64*kid: is missing*\n"
				"V encryption.guest: layer 1 of linux/arm64*" },
		{ "nobody asks for the guest", "layers: Any, guest: None", malformed, "" },
		{ "but for the keys", "layers: Any, guest: None, keys: ['*']", malformed,
				"V encryption.keys: layer 1 of linux/amd64*names no key*\n"
				"V encryption.keys: layer 1 of linux/arm64*" },
		{ "for the hub", "layers: Any, guest: confidential-data-hub", for_the_hub_alone, "" },
		{ "for the hub, not the agent", "layers: Any, guest: attestation-agent", for_the_hub_alone,
				"V encryption.guest: layer 1 of linux/amd64*another generation*\n"
				"V encryption.guest: layer 1 of linux/arm64*" },
		{ "for nobody", "layers: Any", nobody,
				"V encryption.guest: layer 1 of linux/amd64*it has no wrapped keys*" },
		{ "for nobody, whoever reads", "layers: Any, guest: None", nobody,
				"V encryption.guest: layer 1 of linux/amd64*it has no wrapped keys*" },
		{ "a type that no guest reads", "layers: Any", zstd,
				"V encryption.guest: layer 1 of linux/amd64*guests do not know the type*" },
		{ "a type that others read", "layers: Any, guest: None", zstd, "" },
	};

	(void)state;
	expect_all(cases, COUNT(cases));
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

static void keys_are_held_against_globs_in_one_form(void **state)
{
	static const struct {
		const char *key, *glob;
		bool good;
	} cases[] = {
		{ "kbs:///default/key/app", "kbs:///default/key/*", true },
		{ "kbs:///default/key/app", "kbs:///default/key/ap?", true },
		{ "kbs:///default/key/app", "*", true },
		{ "kbs:///default/key/app", "kbs:///default/key", false },
		{ "kbs:///default/key/app", "kbs:///other/key/*", false },
		{ "KBS:///default/key/app", "kbs:///default/key/*", true },
		{ "/default/key/app", "kbs:///default/key/*", true },
		{ "broker.example/default/key/app", "kbs:///default/key/*", true },
		{ "kbs://broker.example:8080/default/key/app", "kbs:///default/key/*", true },
		/* another plugin is another key */
		{ "kbs+pkcs11:///default/key/app", "kbs:///default/key/*", false },
		{ "kbs+pkcs11:///default/key/app", "kbs+pkcs11:///default/*", true },
		{ "kbs+resource:///default/key/app", "kbs:///default/key/*", true },
		/* what means something else than it looks like */
		{ "kbs:///default/key/../../other/key/app", "kbs:///default/key/*", false },
		{ "kbs:///default/key/%2e%2e/app", "kbs:///default/*", false },
		{ "kbs:///default%2fkey%2fapp/a/b", "kbs:///default*", false },
		{ "kbs:///default/key/%61pp", "kbs:///default/key/*", false },
		{ "kbs+pkcs11:///a/%62", "*", false },
		{ "kbs:///default/key/app?x=1", "kbs:///default/key/*", false },
		{ "kbs:///default//key/app", "kbs:///default/*", false },
		{ "kbs:///default/key/app/more", "kbs:///default/*", false },
		{ "kbs:///default/key", "*", false },
		{ " kbs:///default/key/app", "*", false },
		{ "file:///default/key/app", "*", false },
		{ "kbs:///default/key/\xc3\xa4", "*", false },
		{ "", "*", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *spec = xasprintf(
				"encryption: {layers: Any, sameBroker: false, keys: ['%s']}", cases[i].glob);
		auto_image_policy struct image_policy *policy = scene_policy(spec);
		auto_findings struct findings findings = FINDINGS_NONE;
		auto_scene_image struct scene_image *image = scene_image_new();
		struct oci_name place;
		image->recipient.key = cases[i].key;
		struct judge_image judge = scene_judge(policy, &image->draft, &place);
		judge_encryption(&judge, &findings);
		if ((findings.count == 0) != cases[i].good)
			fail_msg("'%s' with '%s'", cases[i].key, cases[i].glob);
		if (!cases[i].good)
			assert_string_equal(findings.items[0].rule, "encryption.keys");
	}
}

static const char *address;

static void names_the_broker(struct scene_image *image)
{
	image->recipient.key = address;
}

static void the_broker_is_the_pods(void **state)
{
	static const struct {
		const char *key, *url; /* NULL: no init-data; "": it names none */
		char kind;             /* ' ': nothing is found */
	} cases[] = {
		{ "kbs:///default/key/app", "http://kbs.example:8080", ' ' },
		{ "kbs:///default/key/app", NULL, ' ' },
		{ "kbs://kbs.example:8080/default/key/app", "http://kbs.example:8080", ' ' },
		{ "kbs://kbs.example:8080/default/key/app", "http://kbs.example:8080/prefix", ' ' },
		{ "kbs://KBS.Example:8080/default/key/app", "http://kbs.example:8080", ' ' },
		{ "kbs://kbs.example/default/key/app", "http://kbs.example:8080", ' ' },
		{ "kbs.example/default/key/app", "https://kbs.example", ' ' },
		{ "kbs://[::1]:80/default/key/app", "http://[::1]:80", ' ' },
		{ "kbs://[::1]/default/key/app", "http://[::1]:80", ' ' },
		{ "kbs://kbs.example:8081/default/key/app", "http://kbs.example:8080", 'V' },
		{ "kbs://kbs.example:8080/default/key/app", "https://kbs.example", 'V' },
		{ "kbs://kbs/default/key/app", "http://kbs.example:8080", 'V' },
		{ "kbs://evil.example/default/key/app", "http://kbs.example:8080", 'V' },
		{ "kbs://kbs.example/default/key/app", NULL, 'U' },
		{ "kbs://kbs.example/default/key/app", "", 'U' },
		/* in forms that are not read here, but perhaps elsewhere */
		{ "kbs://evil.example/default/key/%61pp", "http://kbs.example:8080", 'V' },
		{ "kbs://evil.example/default/key/app/more", "http://kbs.example:8080", 'V' },
		{ "https://evil.example/default/key/app", "http://kbs.example:8080", 'V' },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char url[80];
		snprintf(url, sizeof(url), "%s", cases[i].url ? cases[i].url : "");
		struct guest_view guest = { .kbs_url = url[0] ? url : NULL };
		auto_free char *wanted = cases[i].kind == ' '
				? xstrdup("")
				: xasprintf("%c encryption.sameBroker: layer 1 of linux/amd64*\n"
					    "%c encryption.sameBroker: layer 1 of linux/arm64*",
						  cases[i].kind, cases[i].kind);
		address = cases[i].key;
		expect(cases[i].key, "layers: Any", cases[i].url ? &guest : NULL, names_the_broker, wanted);
		expect(cases[i].key, "layers: Any, sameBroker: false", cases[i].url ? &guest : NULL,
				names_the_broker, "");
	}
}

/* ---- many ------------------------------------------------------------------------------------------------ */

static void a_thousand_layers_are_one_finding(void **state)
{
	auto_image_policy struct image_policy *policy =
			scene_policy("encryption: {keys: ['kbs:///other/*']}");
	auto_findings struct findings findings = FINDINGS_NONE;
	struct image_layer *layers = xcalloc(1000, sizeof(*layers));
	auto_scene_image struct scene_image *image = scene_image_new();
	struct oci_name place;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		layers[i] = image->layers[i % 2];
	image->platforms[0].layers = layers;
	image->platforms[0].layer_count = 1000;
	image->draft.platform_count = 1;
	struct judge_image judge = scene_judge(policy, &image->draft, &place);
	judge_encryption(&judge, &findings);
	scene_expect("many", &findings,
			"V encryption.layers: layer 0 *(and 499 more); *\n"
			"V encryption.keys: layer 1 *its key is kbs:///default/key/app (and 499 more); *");
	free(layers);
}

static void findings_have_an_end(void **state)
{
	auto_findings struct findings findings = FINDINGS_NONE;

	(void)state;
	for (unsigned i = 0; i < FINDINGS_MAX + 3; i++)
		findings_add(&findings, FINDING_VIOLATION, "rule", "number %u (\x1b[31m)", i);
	assert_int_equal(findings.count, FINDINGS_MAX);
	assert_int_equal(findings.more, 3);
	assert_string_equal(findings.items[0].text, "number 0 (?[31m)");
	assert_string_equal(findings.items[FINDINGS_MAX - 1].text, "number 63 (?[31m) (and 3 more)");
}

/* What a policy may let pass does not push out what it may not. */
static void the_first_finding_of_a_kind_is_kept(void **state)
{
	static const enum finding_kind late[] = { FINDING_VIOLATION, FINDING_PARITY, FINDING_VIOLATION };
	auto_findings struct findings findings = FINDINGS_NONE;
	unsigned counts[FINDING_NOTE + 1] = { 0 };

	(void)state;
	findings_add(&findings, FINDING_NOTE, "note", "first");
	for (unsigned i = 0; i < FINDINGS_MAX; i++)
		findings_add(&findings, FINDING_UNKNOWN, "rule", "number %u", i);
	for (size_t i = 0; i < COUNT(late); i++)
		findings_add(&findings, late[i], "late", "number %zu", i);
	for (size_t i = 0; i < findings.count; i++)
		counts[findings.items[i].kind]++;
	assert_int_equal(findings.count, FINDINGS_MAX);
	assert_int_equal(findings.more, 4);
	assert_int_equal(counts[FINDING_NOTE], 1);
	assert_int_equal(counts[FINDING_VIOLATION], 1);
	assert_int_equal(counts[FINDING_PARITY], 1);
	assert_int_equal(counts[FINDING_UNKNOWN], FINDINGS_MAX - 3);
	assert_string_equal(findings.items[FINDINGS_MAX - 1].text, "number 62 (and 4 more)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_layers),
		cmocka_unit_test(asks_for_platforms),
		cmocka_unit_test(no_other_spelling_hides_a_plain_platform),
		cmocka_unit_test(asks_for_recipients),
		cmocka_unit_test(keys_are_held_against_globs_in_one_form),
		cmocka_unit_test(the_broker_is_the_pods),
		cmocka_unit_test(a_thousand_layers_are_one_finding),
		cmocka_unit_test(findings_have_an_end),
		cmocka_unit_test(the_first_finding_of_a_kind_is_kept),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
