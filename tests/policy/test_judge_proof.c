/* SPDX-License-Identifier: Apache-2.0 */
/* That a key has verified a signature is remembered with the signature: for that key, and for nothing else. */
#include "tests/policy/judge_scene.h"

static void judge_again(struct image_facts *facts, const char *name, const char *spec, const char *wanted)
{
	auto_image_policy struct image_policy *policy = scene_policy(spec);
	auto_findings struct findings findings = FINDINGS_NONE;
	struct oci_name place;
	struct judge_image judge = scene_judge(policy, facts, &place);

	judge_signatures(&judge, &findings);
	scene_expect(name, &findings, wanted);
}

#define BY_BUILD "signatures: {signers: [{name: build, cosign: {keys: [@build]}}]}"
#define FOR_PROD \
	"signatures: {signers: [{name: build, cosign: {keys: [@build], annotations: {stage: prod}}}]}"
#define VIOLATES         "V signatures.signers[build]: *"
#define BUILD_OR_RELEASE "signatures: {signers: [{name: build, cosign: {keys: [@release, @build]}}]}"
#define RELEASE_ALONE    "signatures: {signers: [{name: build, cosign: {keys: [@release]}}]}"

static void a_proof_is_of_its_key_alone(void **state)
{
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	scene_tag(image, BUILD, IMAGE, HOST "/" REPOSITORY, NULL);
	auto_image_facts struct image_facts *facts = image_facts_new(&image->draft);
	const struct image_proof *proof = facts->signatures[0].proof;
	unsigned char first[IMAGE_KEY_DIGEST];

	judge_again(facts, "not by this key", RELEASE_ALONE, VIOLATES);
	assert_int_equal(atomic_load(&proof->state), 0);
	judge_again(facts, "by this one", BY_BUILD, "");
	memcpy(first, proof->key, sizeof(first));
	judge_again(facts, "again", BY_BUILD, "");
	judge_again(facts, "another key still not", RELEASE_ALONE, VIOLATES);
	judge_again(facts, "one of two", BUILD_OR_RELEASE, "");
	judge_again(facts, "whoever's rules", FOR_PROD, VIOLATES);
	assert_memory_equal(proof->key, first, sizeof(first));
}

static void the_first_proof_stays(void **state)
{
	const unsigned char a[IMAGE_KEY_DIGEST] = "a", b[IMAGE_KEY_DIGEST] = "b";
	struct image_proof proof = { .state = 0 };

	(void)state;
	assert_false(image_proof_has(&proof, (const unsigned char[IMAGE_KEY_DIGEST]){ 0 }));
	image_proof_put(&proof, a);
	image_proof_put(&proof, b);
	assert_true(image_proof_has(&proof, a));
	assert_false(image_proof_has(&proof, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_is_of_its_key_alone),
		cmocka_unit_test(the_first_proof_stays),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
