/* SPDX-License-Identifier: Apache-2.0 */
/* policy.json as the guest reads it (image-trust.md, 2.1). */
#include "policy/guest.h"

#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/guest_own.h"

#include <stdio.h>
#include <string.h>

#define PATH_MAX_LEN 512

/* ---- validity: what serde would build the guest's types of ---- */

struct shape {
	const char *type;
	const char *needed[3]; /* texts that must be there */
	const char *known[2];  /* texts that may be there; null counts as absent */
	bool identity;         /* signedIdentity is a member */
};

static const struct shape identities[] = {
	{ .type = "matchExact" },
	{ .type = "matchRepoDigestOrExact" },
	{ .type = "matchRepository" },
	{ .type = "exactReference", .needed = { "dockerReference" } },
	{ .type = "exactRepository", .needed = { "dockerRepository" } },
	{ .type = "remapIdentity", .needed = { "prefix", "signedPrefix" } },
	{ .type = NULL },
};

static const struct shape requirements[] = {
	{ .type = "insecureAcceptAnything" },
	{ .type = "reject" },
	{ .type = "signedBy", .needed = { "keyType" }, .known = { "keyPath", "keyData" }, .identity = true },
	{ .type = "sigstoreSigned", .known = { "keyPath", "keyData" }, .identity = true },
	{ .type = NULL },
};

static int check_shape(const json_t *object, const char *path, const struct shape *shapes, struct err *err);

static int check_members(const json_t *object, const char *path, const struct shape *shape, struct err *err)
{
	const char *text = NULL;

	for (size_t i = 0; i < 3 && shape->needed[i]; i++)
		if (json_get_text(object, path, shape->needed[i], &text, err) < 0)
			return -1;
	for (size_t i = 0; i < 2 && shape->known[i]; i++)
		if (json_opt_text(object, path, shape->known[i], &text, err) < 0)
			return -1;
	return 0;
}

static int check_identity(const json_t *object, const char *path, struct err *err)
{
	const json_t *identity = json_object_get(object, "signedIdentity");
	char at[PATH_MAX_LEN];

	if (!identity || json_is_null(identity))
		return 0;
	snprintf(at, sizeof(at), "%s.signedIdentity", path);
	return check_shape(identity, at, identities, err);
}

static int check_shape(const json_t *object, const char *path, const struct shape *shapes, struct err *err)
{
	const struct shape *shape = shapes;
	const char *type = NULL;

	if (!json_is_object(object))
		return err_set(err, ERR_FORMAT, "'%s' must be an object", path);
	if (json_get_text(object, path, "type", &type, err) < 0)
		return -1;
	while (shape->type && strcmp(shape->type, type) != 0)
		shape++;
	if (!shape->type)
		return err_set(err, ERR_FORMAT, "'%s.type' is '%.80s', which the guest does not know", path,
				type);
	if (check_members(object, path, shape, err) < 0)
		return -1;
	return shape->identity ? check_identity(object, path, err) : 0;
}

static int check_list(const json_t *list, const char *path, struct err *err)
{
	char at[PATH_MAX_LEN];
	const json_t *item;
	size_t i;

	if (!json_is_array(list))
		return err_set(err, ERR_FORMAT, "'%s' must be an array of requirements", path);
	json_array_foreach (list, i, item) {
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (check_shape(item, at, requirements, err) < 0)
			return -1;
	}
	return 0;
}

/* All of it, scopes of other transports too: one error anywhere makes the whole file unreadable for the guest. */
static int check(json_t *json, struct err *err)
{
	json_t *transports = NULL, *scopes, *list;
	const char *transport, *scope;
	char at[PATH_MAX_LEN];

	if (!json_object_get(json, "default"))
		return err_set(err, ERR_FORMAT, "'default' is missing: an array of requirements");
	if (check_list(json_object_get(json, "default"), "default", err) < 0)
		return -1;
	/* the guest demands it, though its documentation shows policies without */
	if (!json_object_get(json, "transports"))
		return err_set(err, ERR_FORMAT,
				"'transports' is missing: the guest demands it, {} is enough");
	if (json_get_object(json, "", "transports", &transports, err) < 0)
		return -1;
	json_object_foreach (transports, transport, scopes) {
		if (!json_is_object(scopes))
			return err_set(err, ERR_FORMAT, "'transports.%.80s' must be an object", transport);
		json_object_foreach (scopes, scope, list) {
			snprintf(at, sizeof(at), "transports.%.80s[\"%.255s\"]", transport, scope);
			if (check_list(list, at, err) < 0)
				return -1;
		}
	}
	return 0;
}

int guest_policy_parse(struct span text, struct guest_policy *out, struct err *err)
{
	auto_json json_t *json = NULL;

	if (json_read(text, GUEST_POLICY_MAX, &json, err) < 0)
		return -1;
	if (!json_is_object(json))
		return err_set(err, ERR_FORMAT, "must be an object");
	if (check(json, err) < 0)
		return -1;
	out->json = take(&json);
	return 0;
}

void guest_policy_clear(struct guest_policy *policy)
{
	json_decref(policy->json);
	policy->json = NULL;
}

/* ---- look-up ---- */

struct lookup {
	json_t *scopes;
	const char *hit;
};

static bool hits(void *ctx, const char *scope)
{
	struct lookup *lookup = ctx;
	void *at = json_object_iter_at(lookup->scopes, scope);

	if (at)
		lookup->hit = json_object_iter_key(at);
	return at != NULL;
}

const json_t *guest_policy_find(
		const struct guest_policy *policy, const struct oci_name *task, const char **scope)
{
	struct lookup lookup = {
		/* other transports are read, and never looked at */
		.scopes = json_object_get(json_object_get(policy->json, "transports"), "docker"),
		.hit = NULL,
	};

	if (guest_scopes(task, hits, &lookup) || hits(&lookup, "")) {
		*scope = lookup.hit;
		return json_object_get(lookup.scopes, lookup.hit);
	}
	*scope = "default";
	return json_object_get(policy->json, "default");
}
