/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "crypto/digest.h"
#include "policy/imagepolicy.h"

#include <string.h>

/* The resource with nothing in its spec. */
static json_t *bare(const json_t *resource)
{
	json_t *copy = json_object();

	json_object_set(copy, "apiVersion", json_object_get(resource, "apiVersion"));
	json_object_set(copy, "kind", json_object_get(resource, "kind"));
	json_object_set(copy, "metadata", json_object_get(resource, "metadata"));
	json_object_set_new(copy, "spec", json_object());
	return copy;
}

/* What a member says counts when the resource compiles with it. */
static void keep_member(const json_t *from, json_t *reduced, const char *key)
{
	auto_image_policy struct image_policy *probe = NULL;
	json_t *spec = json_object_get(reduced, "spec");
	json_t *member = json_object_get(from, key);

	if (!member)
		return;
	json_object_set(spec, key, member);
	if (image_policy_compile(reduced, &probe, NULL) < 0)
		json_object_del(spec, key);
}

/* Another text or another reason is another policy to those who remember what they admitted a pod under. */
static void hash_of(const json_t *resource, const char *why, unsigned char out[32])
{
	auto_json json_t *all = json_pack("{s:o, s:o?}", "broken", json_line(ERR_TEXT_MAX, "%s", why), "spec",
			json_incref(json_object_get(resource, "spec")));
	auto_free char *text = json_text(all, true);
	unsigned char digest[DIGEST_MAX];

	digest_bytes(DIGEST_SHA256, span_of(text), digest);
	memcpy(out, digest, 32);
}

int image_policy_broken(const json_t *resource, const char *why, struct image_policy **out, struct err *err)
{
	static const char *const members[] = { "match", "mode", "templates", "priority" };
	auto_json json_t *reduced = bare(resource);
	struct image_policy *policy = NULL;

	for (unsigned i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		keep_member(json_object_get(resource, "spec"), reduced, members[i]);
	if (image_policy_compile(reduced, &policy, err) < 0)
		return -1;
	policy->broken = xstrdup(why);
	hash_of(resource, why, policy->hash);
	*out = policy;
	return 0;
}
