/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a container runs as: OCI.Process.User, as the kubelet and containerd find it (specification of agent policies,
 * 2.6): the container's securityContext before the pod's before the image's user; the group of /etc/passwd where none
 * is written; and groups: its own, fsGroup, supplementalGroups, and those of /etc/group that list the user.
 *
 * The files are read as containerd reads them: fields that are missing are empty, numbers that are none are 0.
 */
#include "agentpolicy/generate_own.h"

#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 1000
#define ID_MAX     UINT32_MAX

struct user {
	const struct part *part;
	int64_t uid, gid;      /* -1: not known */
	bool own_uid, own_gid; /* the manifest says it */
	struct span name;      /* in passwd; empty: none */
	uint32_t groups[GROUPS_MAX];
	size_t count;
	size_t written; /* of the groups: those that the manifest says, or that are its own */
};

/* ---- /etc/passwd and /etc/group ---- */

struct account {
	struct span name;
	uint32_t id, group;
	struct span members;
};

static uint32_t to_id(struct span field)
{
	uint64_t value = 0;

	while (field.len > 1 && field.ptr[0] == '0')
		field = span_from(field, 1);
	return span_number(field, ID_MAX, &value) ? (uint32_t)value : 0;
}

/* "web:x:1000:1000:…", "extra:x:2000:web,other" */
static struct account read_account(struct span line)
{
	struct account account = { .name = SPAN_NONE };
	struct span field;

	for (int i = 0; span_next(&line, ':', &field); i++) {
		if (i == 0)
			account.name = field;
		else if (i == 2)
			account.id = to_id(field);
		else if (i == 3) {
			account.group = to_id(field);
			account.members = field;
		}
	}
	return account;
}

static bool next_account(struct span *text, struct account *out)
{
	struct span line;

	while (span_next(text, '\n', &line)) {
		line = span_trim(line);
		if (!line.len)
			continue;
		*out = read_account(line);
		return true;
	}
	return false;
}

static const char *file(const char *text)
{
	return text ? text : "";
}

static const struct agent_image *image_of(const struct user *user)
{
	return user->part->image;
}

static bool find_name(const struct user *user, struct span name, struct account *out)
{
	struct span text = span_of(file(image_of(user)->passwd));

	while (next_account(&text, out))
		if (span_eq(out->name, name))
			return true;
	return false;
}

static bool find_id(const struct user *user, int64_t id, struct account *out)
{
	struct span text = span_of(file(image_of(user)->passwd));

	while (next_account(&text, out))
		if (out->id == id)
			return true;
	return false;
}

/* ---- groups ---- */

static void add_group(struct user *user, uint32_t id)
{
	for (size_t i = 0; i < user->count; i++)
		if (user->groups[i] == id)
			return;
	if (user->count == GROUPS_MAX) {
		part_note(user->part, AGENT_ERROR, "", "the user is in more than %d groups", GROUPS_MAX);
		return;
	}
	user->groups[user->count++] = id;
}

static const json_t *pod_context(const struct user *user)
{
	return json_object_get(user->part->inputs->workload->spec, "securityContext");
}

static void add_pod_groups(struct user *user)
{
	const json_t *context = pod_context(user), *own = json_object_get(context, "fsGroup");
	size_t i;
	const json_t *item;

	if (json_is_integer(own))
		add_group(user, (uint32_t)json_integer_value(own));
	json_array_foreach (json_object_get(context, "supplementalGroups"), i, item)
		add_group(user, (uint32_t)json_integer_value(item));
}

static bool lists(struct span members, struct span name)
{
	struct span member;

	while (span_next(&members, ',', &member))
		if (span_eq(member, name))
			return true;
	return false;
}

/* A group with the name of its user is passed over, as containerd does. */
static void add_memberships(struct user *user)
{
	struct span text = span_of(file(image_of(user)->group));
	const char *policy = json_text_at(pod_context(user), "supplementalGroupsPolicy", NULL);
	struct account group;

	user->written = user->count;
	if (!user->name.len || (policy && strcmp(policy, "Strict") == 0))
		return;
	while (next_account(&text, &group))
		if (!span_eq(group.name, user->name) && lists(group.members, user->name))
			add_group(user, group.id);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static json_t *write_user(struct user *user)
{
	json_t *groups = json_array();

	qsort(user->groups, user->count, sizeof(user->groups[0]), by_value);
	for (size_t i = 0; i < user->count; i++)
		json_array_append_new(groups, json_integer(user->groups[i]));
	return json_pack("{s:I, s:I, s:o, s:s}", "UID", (json_int_t)(user->uid < 0 ? 0 : user->uid), "GID",
			(json_int_t)(user->gid < 0 ? 0 : user->gid), "AdditionalGids", groups, "Username",
			"");
}

/* ---- the sandbox: the settings stand for the pause image ---- */

static int64_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void find_sandbox_user(struct user *user)
{
	const json_t *own = json_at(part_settings(user->part), "Process", "User", NULL);
	int64_t uid = number(pod_context(user), "runAsUser"), gid = number(pod_context(user), "runAsGroup");
	size_t i;
	const json_t *item;

	user->uid = uid >= 0 ? uid : number(own, "UID");
	user->gid = gid >= 0 ? gid : uid >= 0 ? 0 : number(own, "GID");
	if (uid >= 0 || gid >= 0 || user->gid > 0)
		add_group(user, (uint32_t)user->gid);
	if (uid < 0 && gid < 0)
		json_array_foreach (json_object_get(own, "AdditionalGids"), i, item)
			add_group(user, (uint32_t)json_integer_value(item));
	if (uid < 0 && user->uid <= 0)
		add_pod_groups(user);
}

/* ---- workloads ---- */

static int64_t effective(const struct user *user, const char *key)
{
	int64_t own = number(json_object_get(user->part->container, "securityContext"), key);

	return own >= 0 ? own : number(pod_context(user), key);
}

/* The image's user without its group, which the kubelet drops; -1 for a name that is not to be found. */
static int64_t image_uid(const struct user *user)
{
	const char *text = file(image_of(user)->user);
	struct span name = span_new(text, strcspn(text, ":"));
	struct account account;
	uint64_t id = 0;

	if (!name.len)
		return 0;
	if (span_number(name, ID_MAX, &id))
		return (int64_t)id;
	return find_name(user, name, &account) ? (int64_t)account.id : -1;
}

static void refuse_name(const struct user *user)
{
	const struct agent_image *image = image_of(user);

	part_note(user->part, AGENT_ERROR, ".securityContext",
			"the image names its user '%.100s'%s: write runAsUser and runAsGroup", image->user,
			image->passwd ? ", who is not in its /etc/passwd" : "");
}

/* The group of /etc/passwd: root's is 0 in any image that is sound. */
static void find_group(struct user *user)
{
	struct account account;

	if (image_of(user)->passwd)
		user->gid = find_id(user, user->uid, &account) ? (int64_t)account.group : 0;
	else if (user->uid == 0)
		user->gid = 0;
	else
		part_note(user->part, AGENT_ERROR, ".securityContext",
				"the group of user %lld stands in the image's /etc/passwd, which was not "
				"read: write %s",
				(long long)user->uid,
				user->own_uid ? "runAsGroup" : "runAsUser and runAsGroup");
}

static void find_user(struct user *user)
{
	struct account account;
	int64_t uid = effective(user, "runAsUser"), gid = effective(user, "runAsGroup");

	user->own_uid = uid >= 0;
	user->own_gid = gid >= 0;
	user->uid = uid >= 0 ? uid : image_uid(user);
	user->gid = gid;
	if (user->uid < 0) {
		refuse_name(user);
		return;
	}
	if (find_id(user, user->uid, &account))
		user->name = account.name;
	if (gid < 0)
		find_group(user);
	if (user->gid >= 0)
		add_group(user, (uint32_t)user->gid);
	add_pod_groups(user);
	add_memberships(user);
}

/*
 * The guest pulls the image: the node has no layers, and containerd there need not find what the image says of users. Who
 * had the files read knows what he does: he is told the numbers, and gets his policy.
 */
static void guard_guest_pull(const struct user *user)
{
	const struct part *part = user->part;
	enum agent_severity severity = image_of(user)->passwd ? AGENT_WARNING : AGENT_ERROR;

	if (user->uid < 0 || user->gid < 0)
		return;
	if ((user->uid && !user->own_uid) || (user->gid && !user->own_gid))
		part_note(part, severity, ".securityContext",
				"the user comes from the image, which the guest pulls and the node does not "
				"know: write runAsUser: %lld and "
				"runAsGroup: %lld",
				(long long)user->uid, (long long)user->gid);
	for (size_t i = user->written; i < user->count; i++)
		part_note(part, severity, ".securityContext",
				"group %u comes from the image's /etc/group, which the node does not know: "
				"add it to the pod's "
				"supplementalGroups",
				user->groups[i]);
}

static void warn_of_groups(const struct user *user)
{
	if (!user->part->inputs->settings->guest_pull && !image_of(user)->group)
		part_note(user->part, AGENT_WARNING, ".securityContext",
				"the image's /etc/group was not read: if it puts the user into groups, the "
				"container is refused");
}

json_t *generate_user(const struct part *part)
{
	struct user user = { .part = part, .uid = -1, .gid = -1, .name = SPAN_NONE };

	if (!part->image) {
		find_sandbox_user(&user);
		return write_user(&user);
	}
	find_user(&user);
	if (part->inputs->settings->guest_pull)
		guard_guest_pull(&user);
	warn_of_groups(&user);
	return write_user(&user);
}
