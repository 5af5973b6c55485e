/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's verdict on one image: each place that it may pull from, each requirement that holds there. */
#include "base/alloc.h"
#include "base/err.h"
#include "codec/json.h"
#include "policy/guest_own.h"

#include <string.h>

#define WHY_MAX ((size_t)16 * 1024)

/* What comes of two things that must both hold. */
static enum guest_verdict both(enum guest_verdict a, enum guest_verdict b)
{
	if (a == GUEST_REFUSES || b == GUEST_REFUSES)
		return GUEST_REFUSES;
	return a == GUEST_UNKNOWN ? a : b;
}

/* ---- cost ---- */

#define TEXT_UNIT 4096 /* bytes of settings */

bool guest_spend(unsigned *left, unsigned cost)
{
	if (cost > *left) {
		*left = 0;
		return false;
	}
	*left -= cost;
	return true;
}

enum guest_verdict guest_too_much(struct buf *why)
{
	return guest_say(why, GUEST_UNKNOWN,
			"the guest's settings ask for more keys, places and signatures than are tried here");
}

unsigned guest_cost(const struct policy_guest *settings, const struct guest_view *view)
{
	size_t bytes = (view ? view->bytes : 0) +
			(settings && settings->policy ? strlen(settings->policy) : 0);

	return (unsigned)(bytes / TEXT_UNIT) + 1;
}

/* ---- requirements ---- */

const char *guest_key_text(
		const struct guest_case *one, const char *rule, const char *path, enum guest_verdict *out)
{
	const char *text = guest_resource(one->settings->listed, path);
	const char *scheme_end = strstr(path, "://");

	if (scheme_end && strncmp(path, "file://", 7) != 0 && strncmp(path, "kbs://", 6) != 0 &&
			strncmp(path, "kbs+", 4) != 0) {
		*out = guest_say(one->why, GUEST_REFUSES,
				"Image policy rejected: Denied by policy: rejected by `%s` rule (Resource "
				"URI scheme "
				"%.*s not supported): keyPath is kbs:///…, file:/// or a path in the guest",
				rule, (int)(scheme_end - path), path);
		return NULL;
	}
	if (!text)
		*out = guest_say(one->why, GUEST_UNKNOWN,
				"the key of `%s`, %s, is not listed in spec.guest.resources", rule, path);
	return text;
}

static enum guest_verdict decide_requirement(const struct guest_case *one, const json_t *requirement)
{
	const char *type = json_string_value(json_object_get(requirement, "type"));
	char reference[OCI_NAME_MAX];

	if (!guest_spend(one->left, GUEST_COST_KEY))
		return guest_too_much(one->why);
	if (strcmp(type, "insecureAcceptAnything") == 0)
		return GUEST_ACCEPTS;
	if (strcmp(type, "signedBy") == 0)
		return guest_simple(one, requirement);
	if (strcmp(type, "sigstoreSigned") == 0)
		return guest_cosign(one, requirement);
	oci_name_format(one->task, reference);
	return guest_say(one->why, GUEST_REFUSES,
			"Image policy rejected: Denied by policy: Policy `reject` rejects image %s: the "
			"guest's "
			"policy.json allows no image under this name",
			reference);
}

/* One reference against all requirements of the scope that it hits. */
static enum guest_verdict decide_task(const struct guest_case *one)
{
	enum guest_verdict verdict = GUEST_ACCEPTS;
	const json_t *requirements, *requirement;
	const char *scope;
	size_t i;

	requirements = guest_policy_find(&one->settings->policy, one->task, &scope);
	/* an empty array allows, where other readers refuse the file */
	json_array_foreach (requirements, i, requirement) {
		verdict = both(verdict, decide_requirement(one, requirement));
		if (!*one->left)
			break;
	}
	return guest_say(one->why, verdict, "by scope \"%.255s\" of the guest's policy.json", scope);
}

/* Are the facts of the place that the guest would ask? */
static bool is_elsewhere(const struct image_facts *facts, const struct oci_name *task)
{
	char text[OCI_NAME_MAX];
	struct oci_name name;

	oci_name_format(task, text);
	return oci_name_parse(text, &name, NULL) < 0 || strcmp(name.host, facts->host) != 0 ||
			strcmp(name.repository, facts->repository) != 0;
}

static enum guest_verdict decide_tasks(const struct guest_settings *settings, const struct guest_task *tasks,
		size_t count, const struct image_facts *facts, unsigned *left, struct buf *why)
{
	enum guest_verdict verdict = GUEST_ACCEPTS, one;

	for (size_t i = 0; i < count; i++) {
		auto_buf struct buf said = BUF_MAX(WHY_MAX);
		const struct guest_case judged = {
			.settings = settings,
			.facts = facts,
			.task = &tasks[i].name,
			.elsewhere = is_elsewhere(facts, &tasks[i].name),
			.left = left,
			.why = &said,
		};
		char reference[OCI_NAME_MAX];

		one = decide_task(&judged);
		verdict = both(verdict, one);
		if (count == 1) {
			guest_say(why, one, "%s", buf_text(&said));
			continue;
		}
		oci_name_format(&tasks[i].name, reference);
		guest_say(why, one, "from %s, place %zu of %zu: %s: %s", reference, i + 1, count,
				one == GUEST_ACCEPTS                   ? "accepted"
						: one == GUEST_REFUSES ? "refused"
								       : "not known",
				buf_text(&said));
	}
	return verdict;
}

static enum guest_verdict list_tasks(const struct guest_settings *settings, const char *text,
		const struct oci_name *name, struct guest_task *tasks, size_t *count, struct buf *why)
{
	char formatted[OCI_NAME_MAX];
	struct oci_name reference;
	struct err err = ERR_NONE;

	oci_name_format(name, formatted);
	if (guest_reference(text ? text : formatted, &reference, &err) < 0)
		return guest_say(why, GUEST_REFUSES, "%s", err.text);
	if (guest_tasks(settings->registries, &reference, tasks, count, &err) < 0)
		return guest_say(why, err.kind == ERR_LIMIT ? GUEST_UNKNOWN : GUEST_REFUSES,
				"the guest's registry configuration: %s", err.text);
	return GUEST_ACCEPTS;
}

/* Each of them is one more look at all rules. */
static unsigned searched(const json_t *registries)
{
	return (unsigned)json_array_size(json_object_get(registries, "unqualified-search-registries"));
}

enum guest_verdict guest_decide(const struct policy_guest *settings, const struct guest_view *view,
		const char *text, const struct oci_name *name, const struct image_facts *facts,
		unsigned *left, struct buf *why)
{
	unsigned most = GUEST_COST_MAX;
	auto_guest_settings struct guest_settings loaded = { .checks = false };
	struct guest_task *tasks = NULL;
	enum guest_verdict verdict;
	size_t count = 0;

	left = left ? left : &most;
	if (!guest_spend(left, guest_cost(settings, view)))
		return guest_too_much(why);
	verdict = guest_settings_load(settings, view, &loaded, why);
	if (verdict != GUEST_ACCEPTS)
		return verdict;
	if (!guest_spend(left, guest_cost(NULL, view) * (1 + searched(loaded.registries))))
		return guest_too_much(why);
	tasks = xcalloc(GUEST_TASKS_MAX, sizeof(*tasks));
	verdict = list_tasks(&loaded, text, name, tasks, &count, why);
	if (verdict == GUEST_ACCEPTS && !loaded.checks)
		verdict = guest_say(why, verdict, "the guest has no policy.json: it accepts every image");
	else if (verdict == GUEST_ACCEPTS)
		verdict = decide_tasks(&loaded, tasks, count, facts, left, why);
	free(tasks);
	return verdict;
}
