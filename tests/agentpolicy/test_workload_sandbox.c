/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/workload_own.h"

#include "agentpolicy/pattern.h"
#include "tests/agentpolicy/workload_rig.h"

#include <regex.h>

#define S       "[bcdfghjklmnpqrstvwxz2456789]"
#define LONGEST 253

static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";

static bool matches(const char *pattern, const char *text)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	int status = regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return !status;
}

static void knows_the_names_of_each_kinds_pods(void **state)
{
	static const struct {
		struct sandbox_names names;
		const char *pattern;
	} cases[] = {
		{ { .kind = "Pod", .name = "a.b" }, "^a\\.b$" },
		{ { .kind = "Pod", .name = "run-", .generated = true }, "^run-" S "{5}$" },
		{ { .kind = "Deployment", .name = "web" }, "^web-" S "{1,10}-" S "{5}$" },
		{ { .kind = "ReplicaSet", .name = "web" }, "^web-" S "{5}$" },
		{ { .kind = "DaemonSet", .name = "web" }, "^web-" S "{5}$" },
		{ { .kind = "ReplicationController", .name = "web" }, "^web-" S "{5}$" },
		{ { .kind = "StatefulSet", .name = "db" }, "^db-[0-9]{1,10}$" },
		{ { .kind = "Job", .name = "j" }, "^j-" S "{5}$" },
		{ { .kind = "Job", .name = "j", .indexed = true }, "^(j-[0-9]{1,10})-" S "{5}$" },
		{ { .kind = "CronJob", .name = "c.d" }, "^c\\.d-[0-9]{8}-" S "{5}$" },
		{ { .kind = "CronJob", .name = "c", .indexed = true },
				"^(c-[0-9]{8}-[0-9]{1,10})-" S "{5}$" },
		{ { .kind = "PodTemplate", .name = "t" }, "^[a-z0-9.-]{1,253}$" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *pattern = sandbox_pattern(&cases[i].names);
		assert_string_equal(pattern, cases[i].pattern);
	}
}

/* The next length worth trying: short ones, those around the cut, the longest. */
static size_t after(size_t len)
{
	return len == 3 ? 36 : len == 64 ? LONGEST : len + 1;
}

/* As the API server makes it: the stem cut, and five characters. */
static char *generated(const char *stem)
{
	return xasprintf("%.58sx2x9k", stem);
}

static char *name_of(size_t len)
{
	char *name = xmalloc(len + 1);

	for (size_t i = 0; i < len; i++)
		name[i] = i % 10 == 9 ? '.' : (char)('a' + i % 26);
	name[len] = '\0';
	return name;
}

static void check(const struct sandbox_names *names, const char *pod)
{
	auto_free char *pattern = sandbox_pattern(names);

	if (!matches(pattern, pod))
		fail_msg("%s %s: %s does not match %s", names->kind, names->name, pattern, pod);
	assert_true(pattern_is_anchored(pattern));
	/* nothing stands before, behind, or for a '.' */
	auto_free char *longer = xasprintf("%sx", pod), *before = xasprintf("x%s", pod);
	auto_free char *other = xstrdup(pod);
	other[0] = 'z';
	regex_t regex;
	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	assert_int_equal(regexec(&regex, longer, 0, NULL, 0), REG_NOMATCH);
	assert_int_equal(regexec(&regex, before, 0, NULL, 0), REG_NOMATCH);
	assert_int_equal(regexec(&regex, other, 0, NULL, 0), REG_NOMATCH);
	regfree(&regex);
}

static void matches_deployments_of_every_length(void **state)
{
	(void)state;
	for (size_t len = 1; len <= LONGEST; len = after(len)) {
		auto_free char *name = name_of(len);
		const struct sandbox_names names = { .kind = "Deployment", .name = name };
		for (size_t hash = 1; hash <= 10; hash++) {
			auto_free char *stem = xasprintf("%s-%.*s-", name, (int)hash, alphabet);
			auto_free char *pod = generated(stem);
			check(&names, pod);
		}
	}
}

static void matches_jobs_of_every_length_and_index(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 64; len = after(len)) {
		auto_free char *name = name_of(len);
		const struct sandbox_names plain = { .kind = "Job", .name = name };
		const struct sandbox_names indexed = { .kind = "Job", .name = name, .indexed = true };
		auto_free char *stem = xasprintf("%s-", name);
		auto_free char *pod = generated(stem);
		check(&plain, pod);
		for (size_t digits = 1; digits <= 10; digits++) {
			auto_free char *end = xasprintf("-%.*s-", (int)digits, "1234567890");
			size_t room = 58 - strlen(end);
			auto_free char *indexed_stem = xasprintf("%.*s%s", (int)room, name, end);
			auto_free char *indexed_pod = generated(indexed_stem);
			check(&indexed, indexed_pod);
		}
	}
}

static void matches_cron_jobs_of_every_length(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 64; len = after(len)) {
		auto_free char *name = name_of(len), *stem = xasprintf("%s-29922809-", name);
		const struct sandbox_names names = { .kind = "CronJob", .name = name };
		auto_free char *pod = generated(stem);
		check(&names, pod);
	}
}

static void matches_sets_of_every_length(void **state)
{
	(void)state;
	for (size_t len = 1; len <= LONGEST; len = after(len)) {
		auto_free char *name = name_of(len), *stem = xasprintf("%s-", name);
		const struct sandbox_names daemon = { .kind = "DaemonSet", .name = name };
		const struct sandbox_names stateful = { .kind = "StatefulSet", .name = name };
		auto_free char *pod = generated(stem), *member = xasprintf("%s-0", name);
		check(&daemon, pod);
		auto_free char *pattern = sandbox_pattern(&stateful);
		assert_true(matches(pattern, member));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_names_of_each_kinds_pods),
		cmocka_unit_test(matches_deployments_of_every_length),
		cmocka_unit_test(matches_jobs_of_every_length_and_index),
		cmocka_unit_test(matches_cron_jobs_of_every_length),
		cmocka_unit_test(matches_sets_of_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
