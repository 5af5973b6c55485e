/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of a pinned name the guest's own rules accept (image-trust.md, 6). */
#include "base/alloc.h"
#include "base/err.h"
#include "codec/json.h"
#include "policy/guest_own.h"

#include <stdio.h>
#include <string.h>

/* Where the digest is not known yet: it stands for any. */
#define ANY_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

/* A requirement that accepts nothing of this form, whatever was signed. */
static const char *refuses_form(const json_t *requirements, const struct oci_name *task)
{
	const json_t *requirement;
	const char *words;
	size_t i;

	json_array_foreach (requirements, i, requirement) {
		auto_json json_t *standard = json_pack("{s:s}", "type", "matchRepoDigestOrExact");
		const json_t *identity = json_object_get(requirement, "signedIdentity");
		const char *type = json_text_at(requirement, "type", NULL);

		if (strcmp(type, "signedBy") != 0)
			continue;
		words = guest_identity_never(json_is_object(identity) ? identity : standard, task);
		if (words)
			return words;
	}
	return NULL;
}

/* Is the form judged by the same rules as the name that the pod has, and not refused for its form? */
static const char *check_task(const struct guest_settings *settings, const struct guest_task *task,
		const struct guest_task *before)
{
	const json_t *requirements;
	const char *scope;

	/* an expansion of docker.io to another registry keeps the tag alone */
	if (!task->name.digest[0])
		return "the guest's unqualified-search-registries drop the digest of a name with a tag";
	if (!settings->checks)
		return NULL;
	requirements = guest_policy_find(&settings->policy, &task->name, &scope);
	if (requirements != guest_policy_find(&settings->policy, &before->name, &scope))
		return "a scope of the guest's policy.json names the tag, and would not be hit";
	return refuses_form(requirements, &task->name);
}

static const char *check_form(const struct guest_settings *settings, const struct oci_name *before,
		const struct oci_name *form)
{
	struct guest_task *tasks = xcalloc((size_t)2 * GUEST_TASKS_MAX, sizeof(*tasks));
	struct guest_task *old = tasks + GUEST_TASKS_MAX;
	size_t count = 0, old_count = 0;
	const char *words = NULL;

	if (guest_tasks(settings->registries, form, tasks, &count, NULL) < 0 ||
			guest_tasks(settings->registries, before, old, &old_count, NULL) < 0 ||
			count != old_count)
		words = "the guest's registry configuration has rules for the tag or the digest";
	for (size_t i = 0; !words && i < count; i++)
		words = check_task(settings, &tasks[i], &old[i]);
	free(tasks);
	return words;
}

/* What is not known is taken for a guest that takes every form. */
enum policy_pin guest_pin_form(const struct policy_guest *settings, const struct guest_view *view,
		const char *text, const struct oci_name *name, struct buf *why)
{
	auto_guest_settings struct guest_settings loaded = { .checks = false };
	char formatted[OCI_NAME_MAX];
	struct oci_name before, form;
	const char *keep, *drop;

	oci_name_format(name, formatted);
	if (guest_settings_load(settings, view, &loaded, why) != GUEST_ACCEPTS ||
			guest_reference(text ? text : formatted, &before, NULL) < 0)
		return PIN_KEEP_TAG;
	form = before;
	if (!form.digest[0])
		snprintf(form.digest, sizeof(form.digest), "%s", ANY_DIGEST);
	keep = form.tag[0] ? check_form(&loaded, &before, &form) : NULL;
	if (!keep)
		return PIN_KEEP_TAG;
	form.tag[0] = '\0';
	drop = check_form(&loaded, &before, &form);
	guest_say(why, GUEST_REFUSES, "with tag and digest: %s", keep);
	if (!drop)
		return PIN_DROP_TAG;
	guest_say(why, GUEST_REFUSES, "with the digest alone: %s", drop);
	return PIN_NONE;
}
