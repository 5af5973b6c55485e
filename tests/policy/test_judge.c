/* SPDX-License-Identifier: Apache-2.0 */
/* The whole judgement of one image: what it is made of, and in which order. */
#include "tests/policy/judge_scene.h"

struct given {
	const char *name; /* the pod's */
	const char *guest_policy, *agent_policy;
	bool guest, no_facts;
};

static void expect(const char *what, const char *spec, const struct given *given, const char *wanted)
{
	auto_image_policy struct image_policy *policy = scene_policy(spec);
	auto_findings struct findings findings = FINDINGS_NONE;
	auto_scene_image struct scene_image *image = scene_image_new();
	auto_free char *agent = given->agent_policy ? xstrdup(given->agent_policy) : NULL;
	auto_free char *document = given->guest_policy ? xstrdup(given->guest_policy) : NULL;
	struct guest_view guest = { .image = document, .agent_policy = agent, .policy = document };
	struct oci_name name;
	struct judge_image judge = scene_judge(policy, given->no_facts ? NULL : &image->draft, &name);

	if (given->name)
		assert_int_equal(oci_name_parse(given->name, &name, NULL), 0);
	judge.guest = given->guest ? &guest : NULL;
	judge.why = given->no_facts ? "registry.example: HTTP 503" : NULL;
	judge_image(&judge, &findings);
	scene_expect(what, &findings, wanted);
}

static void a_policy_that_asks_for_nothing_finds_nothing(void **state)
{
	static const struct given facts = { .name = NULL }, none = { .no_facts = true };

	(void)state;
	expect("facts", "", &facts, "");
	expect("no facts", "", &none, "");
	expect("no facts, and none are needed", "digest: {require: true}", &none, "");
}

static void digests_are_required(void **state)
{
	static const struct {
		const char *name, *wanted;
	} cases[] = {
		{ HOST "/" REPOSITORY "@" IMAGE, "" },
		{ HOST "/" REPOSITORY ":1@" IMAGE, "" },
		{ HOST "/" REPOSITORY ":1",
				"V digest.require: the image is named by tag '1', which may mean another "
				"image "
				"tomorrow; write " HOST "/" REPOSITORY "@" IMAGE },
		{ HOST "/" REPOSITORY, "V digest.require: the image is named by the implied tag 'latest'*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct given given = { .name = cases[i].name };
		const struct given none = { .name = cases[i].name, .no_facts = true };
		expect(cases[i].name, "digest: {require: true}", &given, cases[i].wanted);
		expect(cases[i].name, "digest: {require: true}", &none,
				cases[i].wanted[0] ? "V digest.*" : "");
	}
}

static void what_is_not_known_is_unknown(void **state)
{
	static const char *const specs[] = { "encryption: {}", "guest: {}", "digest: {inAgentPolicy: Warn}",
		"signatures: {signers: [{name: a, cosign: {keys: [@build]}}]}" };
	static const struct given none = { .no_facts = true };
	static const struct given other = { .name = HOST "/" REPOSITORY "@" FOREIGN };
	static const struct given elsewhere = { .name = HOST "/shop/other@" IMAGE };

	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		expect(specs[i], specs[i], &none,
				"U image: nothing can be said of the image: registry.example: HTTP 503");
		expect(specs[i], specs[i], &other, "U image: *what was fetched is another one");
		expect(specs[i], specs[i], &elsewhere, "U image: *what was fetched is another one");
	}
}

static void all_reasons_are_told_at_once(void **state)
{
	static const struct given given = { .name = HOST "/" REPOSITORY ":1" };

	(void)state;
	expect("all",
			"digest: {require: true, inAgentPolicy: Warn}, encryption: {keys: "
			"['kbs:///other/*']}, "
			"signatures: {signers: [{name: a, cosign: {keys: [@build]}}]}",
			&given,
			"V digest.require: *\nV encryption.layers: *amd64*\nV encryption.layers: *arm64*\n"
			"V encryption.keys: *amd64*\nV encryption.keys: *arm64*\nV signatures.signers[a]: *\n"
			"A digest.inAgentPolicy: *");
}

static void the_agent_policy_names_the_image(void **state)
{
	static const struct {
		struct given given;
		const char *wanted;
	} cases[] = {
		{ { .guest = true, .agent_policy = "x := \"" IMAGE "\"" }, "" },
		{ { .guest = true, .agent_policy = "x := \"" FOREIGN "\"" },
				"A digest.inAgentPolicy: the agent policy in the pod's init-data does not "
				"name "
				"sha256:aaaaaaaaaaaa…*generate it again" },
		{ { .guest = true },
				"A digest.inAgentPolicy: the pod's init-data has no agent policy, so that "
				"the host "
				"may start any image*" },
		{ { .guest = false }, "A digest.inAgentPolicy: the pod has no init-data*" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		expect("agent", "digest: {inAgentPolicy: Deny}", &cases[i].given, cases[i].wanted);
		expect("agent", "digest: {inAgentPolicy: Ignore}", &cases[i].given, "");
	}
}

#define REJECTS "{\"default\":[{\"type\":\"reject\"}],\"transports\":{}}"
#define ACCEPTS "{\"default\":[{\"type\":\"insecureAcceptAnything\"}],\"transports\":{}}"

/* What one pod makes a review read is counted over all of its images. */
static void a_review_has_an_end(void **state)
{
	auto_image_policy struct image_policy *policy =
			scene_policy("digest: {inAgentPolicy: Deny}, guest: {policy: '" ACCEPTS "'}");
	auto_scene_image struct scene_image *image = scene_image_new();
	auto_free char *text = xcalloc(100001, 1);
	const struct guest_view guest = { .bytes = 100000, .agent_policy = memset(text, 'x', 100000) };
	unsigned spent = 0, before = 0;
	struct oci_name name;

	(void)state;
	struct judge_image judge = scene_judge(policy, &image->draft, &name);
	judge.guest = &guest;
	judge.spent = &spent;
	do {
		auto_findings struct findings findings = FINDINGS_NONE;
		before = spent;
		judge_image(&judge, &findings);
		scene_expect("within", &findings, "A digest.inAgentPolicy: *");
		assert_true(spent > before);
	} while (spent + 3 * (spent - before) < JUDGE_COST_MAX);
	spent = JUDGE_COST_MAX;
	auto_findings struct findings findings = FINDINGS_NONE;
	judge_image(&judge, &findings);
	scene_expect("beyond", &findings,
			"A digest.inAgentPolicy: *too long to be searched*\n"
			"N guest.parity: *more keys, places and signatures than are tried*");
	assert_int_equal(spent, JUDGE_COST_MAX);
}

static void what_the_guest_would_refuse_is_told(void **state)
{
	static const struct given rejects = { .guest = true, .guest_policy = REJECTS };
	static const struct given accepts = { .guest = true, .guest_policy = ACCEPTS };
	static const struct given nothing = { .guest = false };

	(void)state;
	expect("refused", "guest: {}", &rejects, "P guest.parity: the guest would refuse the image: *");
	expect("refused, whatever", "guest: {parity: Ignore}", &rejects, "");
	expect("not asked for", "", &rejects, "");
	expect("accepted", "guest: {}", &accepts, "");
	expect("by the policy's own text", "guest: {policy: '" REJECTS "'}", &accepts, "P guest.parity: *");
	expect("not foretold", "guest: {}", &nothing, "N guest.parity: what the guest would say*");
	/* what the guest takes and the policy does not is the policy's to say, once */
	expect("refused here alone", "guest: {}, encryption: {layers: Named, indexes: [0]}", &accepts,
			"V encryption.layers: *amd64*\nV encryption.layers: *arm64*");
}

static void nothing_satisfies_a_broken_policy(void **state)
{
	auto_json json_t *resource = scene_resource("encryption: 1");
	auto_image_policy struct image_policy *policy = NULL;
	auto_findings struct findings findings = FINDINGS_NONE;
	struct oci_name name;

	(void)state;
	assert_int_equal(image_policy_broken(resource, "spec.encryption: must be an object", &policy, NULL),
			0);
	struct judge_image judge = scene_judge(policy, NULL, &name);
	judge_image(&judge, &findings);
	scene_expect("broken", &findings,
			"V policy: the policy is broken, *: spec.encryption: must be an object");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_that_asks_for_nothing_finds_nothing),
		cmocka_unit_test(digests_are_required),
		cmocka_unit_test(what_is_not_known_is_unknown),
		cmocka_unit_test(all_reasons_are_told_at_once),
		cmocka_unit_test(the_agent_policy_names_the_image),
		cmocka_unit_test(a_review_has_an_end),
		cmocka_unit_test(what_the_guest_would_refuse_is_told),
		cmocka_unit_test(nothing_satisfies_a_broken_policy),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
