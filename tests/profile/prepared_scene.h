/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of prepared agent policies share: a profile that generates, and AgentPolicies, after profile/scene.h. */
#ifndef COCOON_TESTS_PROFILE_PREPARED_SCENE_H
#define COCOON_TESTS_PROFILE_PREPARED_SCENE_H

#include "base/b64.h"
#include "codec/zip.h"
#include "tests/profile/scene.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* Profile "gen"; `more` are members of initData, each with a comma behind it. */
static inline struct profile *generating(const char *more)
{
	auto_json json_t *resource =
			yamlf("{metadata: {name: gen, generation: 2}, spec: {runtimeClasses: ['*'], "
			      "namespaceSelector: {}, "
			      "kernelParams: [quiet], initData: {%sagentPolicy: {generated: {}}}}}",
					more);
	struct profile *profile = compiled(resource);

	if (profile->broken)
		fail_msg("%s", profile->broken);
	assert_int_equal(profile->source, PROFILE_GENERATED);
	return profile;
}

/* An AgentPolicy of profile "gen" in namespace shop, a new object. */
static inline json_t *prepared_resource(
		const char *name, const char *key, const char *created, const char *policy)
{
	struct buf packed = BUF_MAX(PREPARED_POLICY_MAX), text = BUF_MAX(PREPARED_POLICY_MAX);

	assert_int_equal(gzip_pack(span_of(policy), &packed, NULL), 0);
	b64_encode(&text, buf_span(&packed));
	json_t *object = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:{s:s, s:s}, s:s}}",
			"apiVersion", PROFILE_GROUP, "kind", PREPARED_KIND, "metadata", "namespace", "shop",
			"name", name, "creationTimestamp", created, "spec", "key", key, "profile", "gen",
			"workload", "kind", "Deployment", "name", "web", "policy", buf_text(&text));
	buf_clear(&packed);
	buf_clear(&text);
	return object;
}

#endif
