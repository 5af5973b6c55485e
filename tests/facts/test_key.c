/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/key.h"
#include "facts/siphash.h"
#include "policy/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The paper's appendix A, and the reference's first vectors: the key is 00 01 … 0f, the message 00 01 …. */
static void hashes_as_the_paper_does(void **state)
{
	static const uint64_t seed[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	static const struct {
		size_t len;
		uint64_t hash;
	} cases[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	char message[64];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (char)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(siphash(seed, span_new(message, cases[i].len)), cases[i].hash);
}

static const uint64_t seed[2] = { 1, 2 };

static void make(const char *host, const char *repository, const char *tag, struct key *out)
{
	struct image_want want = { .looks = 0 };

	snprintf(want.name.host, sizeof(want.name.host), "%s", host);
	snprintf(want.name.repository, sizeof(want.name.repository), "%s", repository);
	snprintf(want.name.tag, sizeof(want.name.tag), "%s", tag);
	key_make(seed, KEY_TAG, &want, NULL, 0, out);
}

static void no_part_of_a_name_runs_into_the_next(void **state)
{
	static const char *const names[][3] = { { "a", "b/c", "d" }, { "a/b", "c", "d" }, { "a", "b", "c/d" },
		{ "a", "b/cd", "" }, { "ab", "/c", "d" } };
	struct key keys[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		make(names[i][0], names[i][1], names[i][2], &keys[i]);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++)
			assert_int_equal(key_eq(&keys[i], &keys[j]), i == j);
}

static void a_digest_counts_before_the_tag(void **state)
{
	struct image_want want = { .name = { .host = "h", .repository = "r", .tag = "1" } };
	struct key tag, digest, given, other;

	(void)state;
	key_make(seed, KEY_FACTS, &want, NULL, 0, &tag);
	key_make(seed, KEY_FACTS, &want, "sha256:aa", 0, &given);
	snprintf(want.name.digest, sizeof(want.name.digest), "sha256:aa");
	key_make(seed, KEY_FACTS, &want, NULL, 0, &digest);
	snprintf(want.name.tag, sizeof(want.name.tag), "2");
	key_make(seed, KEY_FACTS, &want, NULL, 0, &other);
	assert_true(key_eq(&digest, &given));
	assert_true(key_eq(&digest, &other));
	assert_false(key_eq(&digest, &tag));
	key_make(seed, KEY_TAG, &want, NULL, 0, &other);
	assert_false(key_eq(&digest, &other));
}

static void credentials_are_all_of_their_parts(void **state)
{
	static const char *const one[] = { "a", "b" }, *const two[] = { "b", "a" };
	const struct image_want wants[] = { { .looks = 0 }, { .namespace = "a" }, { .service_account = "a" },
		{ .pull_secrets = one, .pull_secret_count = 1 },
		{ .pull_secrets = one, .pull_secret_count = 2 },
		{ .pull_secrets = two, .pull_secret_count = 2 },
		{ .namespace = "a", .service_account = "a" } };
	uint64_t numbers[7];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		numbers[i] = key_credentials(seed, &wants[i]);
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < 7; j++)
			assert_int_equal(numbers[i] == numbers[j], i == j);
}

static void the_longest_name_fits(void **state)
{
	struct image_want want = { .looks = 0 };
	struct key key;

	(void)state;
	memset(want.name.host, 'h', sizeof(want.name.host) - 1);
	memset(want.name.repository, 'r', sizeof(want.name.repository) - 1);
	memset(want.name.digest, 'd', sizeof(want.name.digest) - 1);
	key_make(seed, KEY_FAILURE, &want, NULL, 7, &key);
	assert_true(key.len <= KEY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_as_the_paper_does),
		cmocka_unit_test(no_part_of_a_name_runs_into_the_next),
		cmocka_unit_test(a_digest_counts_before_the_tag),
		cmocka_unit_test(credentials_are_all_of_their_parts),
		cmocka_unit_test(the_longest_name_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
