/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"
#include "pod/secrets.h"
#include "policy/gate_own.h"

#include <string.h>

/* The secrets of a pod as a policy sees them, beside what advice on every confidential pod says of them. */
struct look {
	struct gate *gate;
	const struct image_policy *policy;
	const struct secret_findings *advised;
};

static bool is_advised(const struct look *look, const struct secret_finding *finding)
{
	for (size_t i = 0; i < look->advised->count; i++)
		if (!strcmp(look->advised->items[i].path, finding->path) &&
				!strcmp(look->advised->items[i].text, finding->text))
			return true;
	return false;
}

static void judge_findings(const struct look *look, const struct secret_findings *findings)
{
	const struct image_policy *policy = look->policy;

	for (size_t i = 0; i < findings->count; i++) {
		const struct secret_finding *finding = &findings->items[i];
		bool sealed = finding->kind == SECRET_SEALED;
		enum gate_level level =
				gate_level(look->gate, policy, sealed ? policy->sealed : policy->plain);
		if (level == GATE_WARNS && is_advised(look, finding))
			continue;
		gate_say(look->gate, level, "%s: ImagePolicy %s: secrets.%s: %s", finding->path, policy->name,
				sealed ? "sealed" : "plain", finding->text);
	}
}

static void judge_with_keys(const struct look *look)
{
	const json_t *list = look->policy->sealed_keys, *item;
	auto_secret_findings struct secret_findings findings = { .count = 0 };
	size_t count = json_array_size(list), i;
	auto_free struct sealed_key *keys = xcalloc(count + 1, sizeof(*keys));

	json_array_foreach (list, i, item) {
		const char *kid = json_text_at(item, "kid", NULL);
		keys[i] = (struct sealed_key){ kid ? kid : "", span_of(json_text_at(item, "jwk", NULL)) };
	}
	pod_secrets_find(look->gate->review->pod, look->gate->review->path, keys, count, &findings);
	judge_findings(look, &findings);
}

static bool denies(const struct image_policy *policy)
{
	return policy->sealed == EFFECT_DENY || policy->plain == EFFECT_DENY;
}

void gate_judge_secrets(struct gate *gate)
{
	auto_secret_findings struct secret_findings advised = { .count = 0 };
	bool found = false;

	for (size_t i = 0; i < gate->policy_count; i++) {
		struct look look = { gate, gate->policies[i], &advised };
		bool keyed = json_array_size(look.policy->sealed_keys) > 0;
		if (gate_ignores(gate, look.policy) || (!keyed && !denies(look.policy)))
			continue;
		if (!found)
			pod_secrets_find(gate->review->pod, gate->review->path, NULL, 0, &advised);
		found = true;
		if (keyed)
			judge_with_keys(&look);
		else
			judge_findings(&look, &advised);
	}
}
