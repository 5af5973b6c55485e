/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/prepare.h"

#include "agentpolicy/policy.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

int prepare_policy(const struct preparing *preparing, struct buf *policy, struct agent_notes *notes,
		struct err *err)
{
	static const struct agent_settings_source ours = { .patches = NULL };
	const struct agent_settings_source *source = preparing->settings ? preparing->settings : &ours;
	auto_agent_settings struct agent_settings settings = AGENT_SETTINGS_NONE;
	auto_json json_t *data = NULL;

	if (agent_settings_read(source, preparing->options, preparing->workload->runtime_class, &settings,
			    notes, err) < 0)
		return -1;
	const struct agent_inputs inputs = { .workload = preparing->workload,
		.options = preparing->options,
		.settings = &settings,
		.images = preparing->images,
		.objects = preparing->objects };
	if (agent_generate(&inputs, &data, notes, err) < 0)
		return -1;
	return agent_policy_format(preparing->rules, data, policy, err);
}

json_t *prepare_images(const struct agent_image *images, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
				json_pack("{s:s, s:s}", "name", images[i].name, "digest", images[i].digest));
	return list;
}

int prepare_object(struct profile *profile, const struct agent_workload *workload, struct span policy,
		const json_t *images, json_t **object, struct profile **whole, struct err *err)
{
	auto_prepared struct prepared *prepared = NULL;
	auto_json json_t *made = NULL;
	char key[AGENT_KEY_LEN + 1];

	agent_key(workload, profile->generated, key);
	if (prepared_object(profile, workload, key, policy, images, &made, err) < 0 || !made ||
			prepared_read(made, &prepared, err) < 0 || !prepared ||
			profile_with_policy(profile, prepared, whole, err) < 0)
		return -1;
	*object = take(&made);
	return 0;
}
