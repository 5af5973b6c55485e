/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/draft.h"

#include "agentpolicy/policy.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "profile/prepare.h"
#include "profile/status.h"

#include <string.h>

#define REASONS_MAX 16384

int draft_open(struct draft *draft, struct profile *profile, json_t *pod, struct err *err)
{
	/* a field that this release does not know is a warning: the API server, which took it, may be newer */
	const struct agent_reading reading = { .options = profile->generated, .lenient = true };

	*draft = (struct draft){
		.profile = profile_ref(profile), .pod = json_incref(pod), .objects = json_array()
	};
	if (pod_view_read(pod, NULL, &draft->view, err) < 0 ||
			agent_workload_read(pod, &reading, &draft->workload, &draft->notes, err) < 0)
		return -1;
	draft->facts = xcalloc(draft->workload.image_count + 1, sizeof(struct image_facts *));
	agent_key(&draft->workload, profile->generated, draft->key);
	return 0;
}

void draft_clear(struct draft *draft)
{
	for (size_t i = 0; draft->facts && i < draft->workload.image_count; i++)
		image_facts_unref(draft->facts[i]);
	free(draft->facts);
	agent_workload_clear(&draft->workload);
	agent_notes_clear(&draft->notes);
	profile_unref(draft->profile);
	json_decref(draft->pod);
	json_decref(draft->objects);
	json_decref(draft->object);
	json_decref(draft->status);
	*draft = (struct draft){ 0 };
}

/* ---- images ------------------------------------------------------------------------------------------------- */

int draft_want(const struct draft *draft, size_t index, const struct policy_set *policies,
		const json_t *namespace_labels, struct draft_pulls *pulls, struct image_want *want,
		struct err *err)
{
	const struct pod_view *pod = &draft->view;

	*want = (struct image_want){ .looks = IMAGE_LOOKED_CONFIG | IMAGE_LOOKED_PLATFORM };
	if (oci_name_parse(draft->workload.images[index], &want->name, err) < 0)
		return -1;
	image_want_credentials(pod, pulls->names, want);
	/* in the set's order, as admission goes by it */
	for (size_t i = 0; policies && i < policies->count && !want->registry; i++) {
		const struct image_policy *policy = policies->items[i];
		if (image_policy_takes_pod(policy, pod->runtime_class ? pod->runtime_class : "",
				    namespace_labels, pod->labels) &&
				image_policy_takes_image(policy, &want->name))
			want->registry = registry_list_find(&policy->registries, want->name.host);
	}
	return 0;
}

int draft_image(struct draft *draft, size_t index, struct image_facts *facts, struct err *err)
{
	const struct image_platform *platform = image_facts_platform(facts, DRAFT_PLATFORM);

	image_facts_unref(draft->facts[index]);
	draft->facts[index] = facts;
	if (!platform)
		return err_set(err, ERR_NOT_FOUND, "image \"%.300s\": it is not made for %s",
				draft->workload.images[index], DRAFT_PLATFORM);
	if (!platform->run)
		return err_set(err, ERR_FORMAT,
				"image \"%.300s\": its config %s cannot be read, so what it starts is not "
				"known: %.300s",
				draft->workload.images[index], platform->config,
				platform->run_problem ? platform->run_problem : "it was not looked at");
	return 0;
}

static struct agent_image *lend_images(const struct draft *draft)
{
	size_t count = draft->workload.image_count;
	struct agent_image *images = xcalloc(count + 1, sizeof(*images));

	for (size_t i = 0; i < count; i++) {
		const struct image_platform *platform = image_facts_platform(draft->facts[i], DRAFT_PLATFORM);
		const struct image_config *run = platform->run;
		images[i] = (struct agent_image){ .name = draft->workload.images[i],
			.digest = draft->facts[i]->digest,
			.config_digest = platform->config,
			.user = run->user,
			.cwd = run->cwd,
			.env = run->env,
			.entrypoint = run->entrypoint,
			.cmd = run->cmd,
			.volumes = run->volumes };
	}
	return images;
}

/* ---- ConfigMaps and Secrets --------------------------------------------------------------------------------- */

bool draft_source(const struct draft *draft, size_t index, struct draft_source *out)
{
	const struct agent_workload *w = &draft->workload;

	if (index < w->config_map_count)
		*out = (struct draft_source){ "configmaps", "ConfigMap", w->config_maps[index] };
	else if (index - w->config_map_count < w->secret_count)
		*out = (struct draft_source){ "secrets", "Secret", w->secrets[index - w->config_map_count] };
	else
		return false;
	return true;
}

void draft_object(struct draft *draft, const struct draft_source *source, const json_t *object)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)object);

	/* who reads it goes by these, whatever the server has left out */
	json_object_set_new(copy, "kind", json_string(source->kind));
	json_object_set_new(copy, "apiVersion", json_string("v1"));
	json_array_append_new(draft->objects, copy);
	if (!json_is_true(json_object_get(object, "immutable")))
		agent_note(&draft->notes, AGENT_WARNING, "",
				"%s %s is not immutable: when it changes, containers that read it are "
				"refused "
				"until this AgentPolicy is deleted",
				source->kind, source->name);
}

/* ---- the policy --------------------------------------------------------------------------------------------- */

static json_t *list_notes(const struct agent_notes *notes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < notes->count && i < DRAFT_NOTES_MAX; i++) {
		const struct agent_note *note = &notes->items[i];
		json_array_append_new(list,
				json_line(DRAFT_TEXT_MAX, "%s %s%s%s", agent_severity_name(note->severity),
						note->path, note->path[0] ? ": " : "", note->text));
	}
	return list;
}

/* What the profile would give a pod, as it is with this policy. */
static void describe(struct draft *draft, const struct profile *whole)
{
	snprintf(draft->digest, sizeof(draft->digest), "%s", whole->digest_text);
	draft->status = json_pack("{s:s, s:o, s:I, s:o}", "digest", whole->digest_text, "teeForms",
			profile_tee_forms(whole->alg, whole->digest), "profileGeneration",
			(json_int_t)draft->profile->generation, "notes", list_notes(&draft->notes));
}

static bool is_owner(const json_t *owner)
{
	return json_is_true(json_object_get(owner, "controller")) &&
			json_text_at(owner, "apiVersion", NULL) && json_text_at(owner, "kind", NULL) &&
			json_text_at(owner, "name", NULL) && json_text_at(owner, "uid", NULL);
}

/* With whom it goes. */
static json_t *owner_of(const struct draft *draft)
{
	const json_t *owners = json_at(draft->pod, "metadata", "ownerReferences", NULL), *owner;
	size_t i;

	json_array_foreach (owners, i, owner)
		if (is_owner(owner))
			return json_pack("{s:s, s:s, s:s, s:s}", "apiVersion",
					json_text_at(owner, "apiVersion", NULL), "kind",
					json_text_at(owner, "kind", NULL), "name",
					json_text_at(owner, "name", NULL), "uid",
					json_text_at(owner, "uid", NULL));
	return json_pack("{s:s, s:s, s:s, s:s}", "apiVersion", "v1", "kind", "Pod", "name", draft->view.name,
			"uid", draft->view.uid);
}

int draft_finish(struct draft *draft, struct err *err)
{
	auto_free struct agent_image *images = lend_images(draft);
	auto_buf struct buf policy = BUF_MAX(AGENT_POLICY_MAX);
	auto_json json_t *listed = prepare_images(images, draft->workload.image_count);
	auto_profile struct profile *whole = NULL;
	const struct preparing preparing = { .options = draft->profile->generated,
		.workload = &draft->workload,
		.images = images,
		.objects = draft->objects };

	if (prepare_policy(&preparing, &policy, &draft->notes, err) < 0 ||
			prepare_object(draft->profile, &draft->workload, buf_span(&policy), listed,
					&draft->object, &whole, err) < 0)
		return -1;
	describe(draft, whole);
	json_t *owners = json_array();
	json_array_append_new(owners, owner_of(draft));
	json_object_set_new(json_object_get(draft->object, "metadata"), "ownerReferences", owners);
	return 0;
}

char *draft_reasons(const struct draft *draft, const struct err *failure)
{
	struct buf out = BUF_MAX(REASONS_MAX);

	for (size_t i = 0; i < draft->notes.count; i++) {
		const struct agent_note *note = &draft->notes.items[i];
		if (note->severity == AGENT_ERROR)
			buf_printf(&out, "%s%s%s%s", out.len ? "; " : "", note->path,
					note->path[0] ? ": " : "", note->text);
	}
	if (!out.len)
		buf_puts(&out, failure->text);
	return buf_take(&out);
}
