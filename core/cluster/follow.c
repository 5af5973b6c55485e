/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/follow.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "cluster/agents.h"
#include "cluster/policies.h"
#include "codec/json.h"
#include "codec/line.h"
#include "codec/yaml.h"
#include "kube/client.h"
#include "kube/watch.h"

#include <string.h>

#define SETTINGS_MAX 262144

/* One watched collection: name → what is kept of each object. */
struct collection {
	struct follow *follow;
	struct watch *watch;
	json_t *objects; /* name → object */
	json_t *unseen;  /* names of a running list that were not listed yet; NULL between lists */
	bool synced;
	json_t *(*keep)(json_t *object); /* new reference to what is kept */
};

enum { PROFILES, CLASSES, NAMESPACES, CONFIG_MAPS, POLICIES, COLLECTIONS };

struct follow {
	struct follow_options options;
	char *namespace;
	char *config_map;
	struct collection collections[COLLECTIONS];
	struct agents *agents;
	struct timer settle;
	json_t *settings;     /* the last good ones, or NULL */
	char *settings_text;  /* what they were read from */
	char *settings_wrong; /* why the present text cannot be read */
	json_t *problems;     /* profile name → text */
	struct catalog *catalog;
	json_t *policy_problems; /* policy name → text */
	struct policy_set *policies;
};

/* ---- what is kept of an object ------------------------------------------------------------------------------ */

/* Without the bookkeeping that no decision looks at: else every status that we write would be a change to us. */
static json_t *keep_spec(json_t *object)
{
	json_t *kept = json_copy(object);
	json_t *meta = json_copy(json_object_get(object, "metadata"));

	json_object_del(meta, "managedFields");
	json_object_del(meta, "resourceVersion");
	json_object_set_new(kept, "metadata", meta);
	json_object_del(kept, "status");
	return kept;
}

static json_t *keep_labels(json_t *object)
{
	json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");

	return json_is_object(labels) ? json_incref(labels) : json_object();
}

static json_t *keep_data(json_t *object)
{
	json_t *data = json_object_get(object, "data");

	return json_is_object(data) ? json_incref(data) : json_object();
}

/* ---- the catalog -------------------------------------------------------------------------------------------- */

static const char *config_map_text(void *ctx, const char *name, const char *key)
{
	struct follow *follow = ctx;
	const json_t *data = json_object_get(follow->collections[CONFIG_MAPS].objects, name);

	return json_string_value(json_object_get(data, key));
}

/* The settings of the text take the place of the former ones, when they are good. */
static int adopt_settings(struct follow *follow, const char *text, struct err *err)
{
	auto_json json_t *documents = NULL;
	auto_catalog struct catalog *probe = NULL;
	auto_policy_set struct policy_set *set = NULL;

	if (yaml_read_all(span_of(text), SETTINGS_MAX, &documents, err) < 0)
		return -1;
	if (json_array_size(documents) > 1)
		return err_set(err, ERR_FORMAT, "%zu documents in the YAML text: it must be one",
				json_array_size(documents));
	/* nothing, or comments alone, are no settings */
	json_t *settings = json_array_get(documents, 0);
	if (json_is_null(settings))
		settings = NULL;
	if (catalog_new(settings, &probe, err) < 0 || policy_set_new(settings, &set, err) < 0)
		return -1;
	json_decref(follow->settings);
	follow->settings = json_incref(settings);
	return 0;
}

static void read_settings(struct follow *follow)
{
	const char *text = config_map_text(follow, follow->config_map, "config.yaml");
	struct err why = ERR_NONE;

	if (!text)
		text = "";
	if (follow->settings_text && !strcmp(follow->settings_text, text))
		return;
	free(follow->settings_text);
	follow->settings_text = xstrdup(text);
	free(take(&follow->settings_wrong));
	if (adopt_settings(follow, text, &why) == 0)
		return;
	err_wrap(&why, "ConfigMap '%s', key config.yaml", follow->config_map);
	follow->settings_wrong = xstrdup(why.text);
	follow->options.failed(follow->options.ctx, "settings", &why);
}

static struct profile *in_force(const struct follow *follow, const char *name)
{
	for (size_t i = 0; follow->catalog && i < catalog_profile_count(follow->catalog); i++) {
		struct profile *profile = catalog_profile(follow->catalog, i);
		if (!strcmp(profile->name, name))
			return profile;
	}
	return NULL;
}

/* The form to put in force for a resource: the new one, or the last good one when the new one is no good. */
static struct profile *compile(struct follow *follow, const char *name, const json_t *resource)
{
	const struct profile_env env = { .ctx = follow, .config_map = config_map_text };
	struct profile *before = in_force(follow, name);
	json_int_t generation = json_integer_value(json_at(resource, "metadata", "generation", NULL));
	struct err why = ERR_NONE;
	struct profile *now = NULL;

	/* most rebuilds are about something else: what depends on the resource alone and has not changed stays */
	if (before && !before->broken && !profile_config_map(resource) && before->generation == generation &&
			json_equal(before->spec, json_object_get(resource, "spec")))
		return profile_ref(before);
	if (profile_compile(resource, &env, &now, &why) < 0)
		json_object_set_new(follow->problems, name, json_line(ERR_TEXT_MAX, "%s", why.text));
	else if (now->broken)
		json_object_set_new(follow->problems, name, json_line(ERR_TEXT_MAX, "%s", now->broken));
	else
		return now;
	if (!before || (before->broken && now))
		return now;
	profile_unref(now);
	return profile_ref(before);
}

static struct catalog *make_catalog(struct follow *follow, struct err *err)
{
	struct catalog *next = NULL;
	const char *name;
	json_t *object;

	if (catalog_new(follow->settings, &next, err) < 0)
		return NULL;
	json_object_foreach (follow->collections[CLASSES].objects, name, object)
		catalog_add_class(next, object);
	json_object_foreach (follow->collections[NAMESPACES].objects, name, object)
		catalog_add_namespace(next, name, object);
	json_object_clear(follow->problems);
	json_object_foreach (follow->collections[PROFILES].objects, name, object) {
		auto_profile struct profile *profile = compile(follow, name, object);
		if (profile && catalog_add_profile(next, profile, err) < 0)
			follow->options.failed(follow->options.ctx, "profiles", err);
	}
	if (follow->catalog)
		catalog_carry(next, follow->catalog);
	agents_fill(follow->agents, next);
	return next;
}

/* The set that is in force next; without one, the present one stays. */
static void make_policies(struct follow *follow)
{
	struct policy_set *next = NULL;
	struct err why = ERR_NONE;

	if (policies_build(follow->collections[POLICIES].objects, follow->settings, follow->policies,
			    follow->policy_problems, &next, &why) < 0) {
		follow->options.failed(follow->options.ctx, "policies", &why);
		return;
	}
	policy_set_unref(follow->policies);
	follow->policies = next;
}

static void rebuild(void *ctx)
{
	struct follow *follow = ctx;
	auto_catalog struct catalog *next = NULL;
	struct err why = ERR_NONE;

	for (unsigned i = 0; i < COLLECTIONS; i++)
		if (!follow->collections[i].synced)
			return;
	if (!agents_synced(follow->agents))
		return;
	read_settings(follow);
	make_policies(follow);
	if (!follow->policies)
		return;
	next = make_catalog(follow, &why);
	if (!next) {
		/* cannot be: these settings made a catalog before */
		follow->options.failed(follow->options.ctx, "settings", &why);
		return;
	}
	catalog_unref(follow->catalog);
	follow->catalog = take(&next);
	if (follow->options.policies)
		follow->options.policies(follow->options.ctx, follow->policies);
	follow->options.changed(follow->options.ctx, follow->catalog);
}

static void changed(struct follow *follow)
{
	struct kube *kube = follow->options.kube;

	if (!timer_is_set(&follow->settle))
		timer_set(kube_timers(kube), &follow->settle, kube_now(kube) + FOLLOW_SETTLE);
}

/* ---- the watches -------------------------------------------------------------------------------------------- */

static void on_begin(void *ctx)
{
	struct collection *c = ctx;
	const char *name;
	json_t *object;

	json_decref(c->unseen);
	c->unseen = json_object();
	json_object_foreach (c->objects, name, object)
		json_object_set_new(c->unseen, name, json_true());
}

static void on_object(void *ctx, enum watch_event event, json_t *object)
{
	struct collection *c = ctx;
	const char *name = json_text_at(object, "metadata", "name", NULL);

	if (!name)
		return;
	json_object_del(c->unseen, name);
	if (event == WATCH_DELETED) {
		json_object_del(c->objects, name);
		changed(c->follow);
		return;
	}
	auto_json json_t *kept = c->keep(object);
	/* most events say nothing that matters here: a catalog is only made when it would differ */
	if (json_equal(json_object_get(c->objects, name), kept))
		return;
	json_object_set(c->objects, name, kept);
	changed(c->follow);
}

static void on_synced(void *ctx)
{
	struct collection *c = ctx;
	bool news = !c->synced || json_object_size(c->unseen);
	const char *name;
	json_t *object;

	json_object_foreach (c->unseen, name, object)
		json_object_del(c->objects, name);
	json_decref(c->unseen);
	c->unseen = NULL;
	c->synced = true;
	if (news)
		changed(c->follow);
}

static void on_failed(void *ctx, const struct err *failure)
{
	struct collection *c = ctx;

	c->follow->options.failed(c->follow->options.ctx, "watch", failure);
}

static void agents_changed(void *ctx)
{
	changed(ctx);
}

static void agents_failed(void *ctx, const struct err *failure)
{
	struct follow *follow = ctx;

	follow->options.failed(follow->options.ctx, "agent policies", failure);
}

static int watch_collection(struct follow *follow, unsigned which, const struct kube_ref *ref,
		bool metadata_only, json_t *(*keep)(json_t *), struct err *err)
{
	struct collection *c = &follow->collections[which];
	struct buf path = BUF_MAX(KUBE_PATH_MAX);

	*c = (struct collection){ .follow = follow, .objects = json_object(), .keep = keep };
	if (kube_path(&path, ref, err) < 0) {
		buf_clear(&path);
		return -1;
	}
	c->watch = watch_start(follow->options.kube,
			&(struct watch_options){
					.path = buf_text(&path),
					.metadata_only = metadata_only,
					.optional = which == POLICIES,
					.handler = { c, on_begin, on_object, on_synced, on_failed },
			});
	buf_clear(&path);
	return 0;
}

static int watch_all(struct follow *follow, struct err *err)
{
	const struct kube_ref profiles = { .api = PROFILE_GROUP, .plural = "confidentialprofiles" };
	const struct kube_ref classes = { .api = "node.k8s.io/v1", .plural = "runtimeclasses" };
	const struct kube_ref namespaces = { .api = "v1", .plural = "namespaces" };
	const struct kube_ref policies = { .api = PROFILE_GROUP, .plural = "imagepolicies" };
	const struct agents_options agents = { follow->options.kube, follow, agents_changed, agents_failed };
	const struct kube_ref maps = { .api = "v1", .namespace = follow->namespace, .plural = "configmaps" };

	if (watch_collection(follow, PROFILES, &profiles, false, keep_spec, err) < 0 ||
			watch_collection(follow, POLICIES, &policies, false, keep_spec, err) < 0 ||
			watch_collection(follow, CLASSES, &classes, false, keep_spec, err) < 0 ||
			watch_collection(follow, NAMESPACES, &namespaces, true, keep_labels, err) < 0 ||
			watch_collection(follow, CONFIG_MAPS, &maps, false, keep_data, err) < 0)
		return -1;
	return agents_start(&agents, &follow->agents, err);
}

int follow_start(const struct follow_options *options, struct follow **out, struct err *err)
{
	struct follow *follow = xcalloc(1, sizeof(*follow));

	follow->options = *options;
	follow->namespace = xstrdup(options->namespace);
	follow->config_map = xstrdup(options->config_map);
	follow->problems = json_object();
	follow->policy_problems = json_object();
	follow->settle = (struct timer){ .fn = rebuild, .ctx = follow };
	if (watch_all(follow, err) < 0) {
		follow_stop(follow);
		return -1;
	}
	*out = follow;
	return 0;
}

void follow_stop(struct follow *follow)
{
	if (!follow)
		return;
	timer_stop(kube_timers(follow->options.kube), &follow->settle);
	for (unsigned i = 0; i < COLLECTIONS; i++) {
		watch_stop(follow->collections[i].watch);
		json_decref(follow->collections[i].objects);
		json_decref(follow->collections[i].unseen);
	}
	agents_stop(follow->agents);
	json_decref(follow->settings);
	free(follow->settings_text);
	free(follow->settings_wrong);
	json_decref(follow->problems);
	catalog_unref(follow->catalog);
	json_decref(follow->policy_problems);
	policy_set_unref(follow->policies);
	free(follow->namespace);
	free(follow->config_map);
	free(follow);
}

bool follow_ready(const struct follow *follow)
{
	return follow->catalog != NULL;
}

struct catalog *follow_catalog(const struct follow *follow)
{
	return follow->catalog;
}

struct policy_set *follow_policies(const struct follow *follow)
{
	return follow->policies;
}

const char *follow_settings_problem(const struct follow *follow)
{
	return follow->settings_wrong;
}

void follow_each_profile(const struct follow *follow,
		void (*fn)(void *ctx, const json_t *resource, const struct profile *profile,
				const char *problem),
		void *ctx)
{
	const char *name;
	json_t *object;

	json_object_foreach (follow->collections[PROFILES].objects, name, object)
		fn(ctx, object, in_force(follow, name),
				json_string_value(json_object_get(follow->problems, name)));
}

void follow_each_policy(const struct follow *follow,
		void (*fn)(void *ctx, const json_t *resource, const struct image_policy *policy,
				const char *problem),
		void *ctx)
{
	const char *name;
	json_t *object;

	json_object_foreach (follow->collections[POLICIES].objects, name, object)
		fn(ctx, object, policies_find(follow->policies, name),
				json_string_value(json_object_get(follow->policy_problems, name)));
}

void follow_fingerprint(const struct catalog *catalog, const struct policy_set *policies, char out[static 65])
{
	auto_json json_t *all = json_object();
	char hex[DIGEST_HEX_MAX];

	for (size_t i = 0; i < catalog_profile_count(catalog); i++) {
		const struct profile *p = catalog_profile(catalog, i);
		digest_hex(DIGEST_SHA256, buf_span(&p->document), hex);
		json_object_set_new(all, p->name,
				json_sprintf("%" JSON_INTEGER_FORMAT "/%s/%s", (json_int_t)p->generation, hex,
						p->broken ? "broken" : ""));
	}
	/* under a name that no profile can have */
	if (catalog_settings(catalog))
		json_object_set_new(all, "", json_deep_copy(catalog_settings(catalog)));
	policies_describe(policies, all);
	auto_free char *text = json_text(all, true);
	digest_hex(DIGEST_SHA256, span_of(text), hex);
	memcpy(out, hex, 64);
	out[64] = '\0';
}

struct follow_counts follow_counts(const struct follow *follow)
{
	struct follow_counts total = { 0 };

	for (unsigned i = 0; i <= COLLECTIONS; i++) {
		struct watch_state state = i < COLLECTIONS ? watch_state(follow->collections[i].watch)
							   : agents_state(follow->agents);
		total.events += state.events;
		total.relists += state.relists;
		total.errors += state.errors;
	}
	return total;
}
