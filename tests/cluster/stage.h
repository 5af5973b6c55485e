/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the follower share: an API server whose collections they write, and the follower with what it said.
 */
#ifndef COCOON_TESTS_CLUSTER_STAGE_H
#define COCOON_TESTS_CLUSTER_STAGE_H

#include "cluster/follow.h"

#include "tests/kube/rig.h"
#include "tests/profile/scene.h"

#define NS "cocoon-system"

/* The API server's collections: what a list brings, and what the next watch brings. */
enum { PROFILES, CLASSES, NAMESPACES, MAPS, POLICIES, AGENTS, COLLECTIONS };
static const char *const paths[] = { "/apis/cocoon.dev/v1alpha1/confidentialprofiles?",
	"/apis/node.k8s.io/v1/runtimeclasses?", "/api/v1/namespaces?",
	("/api/v1/namespaces/" NS "/configmaps?"), "/apis/cocoon.dev/v1alpha1/imagepolicies?",
	"/apis/cocoon.dev/v1alpha1/agentpolicies?" };

struct api {
	pthread_mutex_t lock;
	char *items[COLLECTIONS];  /* JSON array; NULL: the server answers with `code` */
	const char *code;          /* "404 Not Found" */
	char *events[COLLECTIONS]; /* lines, sent once */
};

/* All that a test has: server, client, and the follower with what it said. */
struct stage {
	struct rig rig;
	struct api api;
	struct follow *follow;
	unsigned changes;
	unsigned settings_failures;
	unsigned policy_failures;
	unsigned agent_failures; /* objects that could not be read */
	unsigned agents_crowded; /* that there are too many */
	struct catalog *catalog;
	struct policy_set *policies;
	bool policies_first; /* they came before every catalog */
};

static inline void play(struct line *line, void *ctx)
{
	struct api *api = ctx;
	auto_free char *body = NULL;
	const char *code = NULL;

	if (!line_read_head(line))
		return;
	for (unsigned i = 0; i < COLLECTIONS; i++) {
		size_t len = strlen(paths[i]);
		if (strncmp(line->head + 4, paths[i], len) != 0)
			continue;
		pthread_mutex_lock(&api->lock);
		if (!api->items[i])
			code = api->code;
		body = strstr(line->head, "watch=1") ? take(&api->events[i])
						     : xasprintf("{\"kind\":\"List\",\"metadata\":{"
								 "\"resourceVersion\":\"5\"},\"items\":%s}",
								       api->items[i] ? api->items[i] : "[]");
		pthread_mutex_unlock(&api->lock);
	}
	if (code) {
		auto_free char *refusal = xasprintf(
				"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", code);
		line_puts(line, refusal);
		return;
	}
	line_puts(line, OK(""));
	if (body)
		line_puts(line, body);
}

static inline void on_changed(void *ctx, struct catalog *catalog)
{
	struct stage *stage = ctx;

	stage->changes++;
	stage->policies_first = stage->policies_first && stage->policies == follow_policies(stage->follow);
	catalog_unref(stage->catalog);
	stage->catalog = catalog_ref(catalog);
}

static inline void on_policies(void *ctx, struct policy_set *set)
{
	struct stage *stage = ctx;

	policy_set_unref(stage->policies);
	stage->policies = policy_set_ref(set);
}

static inline void on_failed(void *ctx, const char *what, const struct err *why)
{
	struct stage *stage = ctx;

	assert_true(why->text[0]);
	stage->settings_failures += !strcmp(what, "settings");
	/* of other watches there are some, as this server ends each at once */
	stage->policy_failures += strcasestr(why->text, "imagepolicies") != NULL;
	stage->agent_failures += !strncmp(why->text, "AgentPolicy", 11);
	stage->agents_crowded += strstr(why->text, "more than 4096 AgentPolicies") != NULL;
}

static inline void set_items(struct stage *stage, unsigned which, const char *items)
{
	auto_json json_t *list = yaml(items);

	stage->api.items[which] = json_text(list, false);
}

/* `policies` NULL: the server does not know the resource. */
static inline void begin_with(
		struct stage *stage, const char *profiles, const char *maps, const char *policies)
{
	struct err err = ERR_NONE;

	*stage = (struct stage){ .api = { .lock = PTHREAD_MUTEX_INITIALIZER, .code = "404 Not Found" },
		.policies_first = true };
	if (policies)
		set_items(stage, POLICIES, policies);
	set_items(stage, PROFILES, profiles);
	set_items(stage, CLASSES, "[{metadata: {name: snp}, handler: kata-qemu-snp}]");
	set_items(stage, NAMESPACES,
			"[{metadata: {name: shop, labels: {tenant: a}}}, {metadata: {name: bare}}]");
	set_items(stage, MAPS, maps);
	set_items(stage, AGENTS, "[]");
	rig_start_playing(&stage->rig, NULL, play, &stage->api);
	const struct follow_options options = { .kube = stage->rig.kube,
		.namespace = NS,
		.config_map = "cocoon-config",
		.ctx = stage,
		.policies = on_policies,
		.changed = on_changed,
		.failed = on_failed };
	assert_int_equal(follow_start(&options, &stage->follow, &err), 0);
	assert_false(follow_ready(stage->follow));
	assert_null(follow_catalog(stage->follow));
	assert_null(follow_policies(stage->follow));
}

static inline void begin(struct stage *stage, const char *profiles, const char *maps)
{
	begin_with(stage, profiles, maps, "[]");
}

static inline void end(struct stage *stage)
{
	assert_true(stage->policies_first);
	follow_stop(stage->follow);
	policy_set_unref(stage->policies);
	catalog_unref(stage->catalog);
	rig_stop(&stage->rig);
	for (unsigned i = 0; i < COLLECTIONS; i++) {
		free(stage->api.items[i]);
		free(stage->api.events[i]);
	}
}

/* Lets time pass until there are so many catalogs. */
static inline void until(struct stage *stage, unsigned changes)
{
	for (int turns = 0; stage->changes < changes && turns < 5000; turns++) {
		stage->rig.now += CLOCK_SECOND;
		assert_int_equal(kube_turn(stage->rig.kube, 2, NULL, 0, NULL), 0);
	}
	assert_int_equal(stage->changes, changes);
}

/* What the next watches bring, each an event with an object in YAML. */
static inline void event(struct stage *stage, unsigned which, const char *type, const char *object)
{
	auto_json json_t *value = yaml(object);

	json_object_set_new((json_t *)(uintptr_t)json_at(value, "metadata", NULL), "resourceVersion",
			json_string("9"));
	auto_free char *text = json_text(value, false);
	pthread_mutex_lock(&stage->api.lock);
	char *before = stage->api.events[which];
	stage->api.events[which] =
			xasprintf("%s{\"type\":\"%s\",\"object\":%s}\n", before ? before : "", type, text);
	free(before);
	pthread_mutex_unlock(&stage->api.lock);
}

#endif
