/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/gates.h"

#include "base/alloc.h"
#include "cluster/images.h"
#include "controller/digests.h"
#include "controller/preparation.h"
#include "controller/settings.h"

#include <stdlib.h>

struct gates {
	struct images *images;
	struct preparer *preparer;
	struct lifter *lifter;
	struct digests *digests;
};

static void on_unprepared(
		void *ctx, const char *namespace, const char *name, const char *uid, const char *key)
{
	struct gates *gates = ctx;

	preparer_add(gates->preparer, namespace, name, uid, key);
}

static void on_again(void *ctx, const char *namespace, const char *name)
{
	struct gates *gates = ctx;

	lifter_add(gates->lifter, namespace, name);
}

int gates_new(const struct gates_options *options, struct gates **out, struct err *err)
{
	const struct settings *s = options->settings;
	struct gates *gates = xcalloc(1, sizeof(*gates));
	const struct images_options images = { .program = "controller",
		.grant = PREPARATION_GRANT,
		.connect = &s->connect,
		.namespace = options->namespace,
		.memory = s->facts_memory,
		.threads = s->facts_threads,
		.auth_file = s->registry_config };

	if (images_new(&images, &gates->images, err) < 0) {
		free(gates);
		return -1;
	}
	gates->preparer = preparer_new(&(struct preparer_options){ .kube = options->kube,
			.events = options->events,
			.images = gates->images,
			.find = images_find,
			.fetch = images_fetch,
			.ctx = gates,
			.again = on_again });
	gates->lifter = lifter_new(&(struct lifter_options){ .kube = options->kube,
			.events = options->events,
			.ctx = gates,
			.unprepared = on_unprepared });
	gates->digests = digests_new(options->kube);
	*out = gates;
	return 0;
}

void gates_free(struct gates *gates)
{
	if (!gates)
		return;
	/* from the threads to what they call back */
	images_free(gates->images);
	preparer_free(gates->preparer);
	lifter_free(gates->lifter);
	digests_free(gates->digests);
	free(gates);
}

void gates_add(struct gates *gates, const char *namespace, const char *name)
{
	lifter_add(gates->lifter, namespace, name);
}

void gates_again(struct gates *gates, const char *namespace, const char *name, const char *profile)
{
	lifter_again(gates->lifter, namespace, name, profile);
}

void gates_use(struct gates *gates, struct catalog *catalog, const struct policy_set *policies)
{
	lifter_use(gates->lifter, catalog);
	preparer_use(gates->preparer, catalog, policies);
	digests_use(gates->digests, catalog);
}

void gates_turn(struct gates *gates)
{
	preparer_turn(gates->preparer);
}

struct gates_counts gates_counts(const struct gates *gates)
{
	return (struct gates_counts){ .lifter = lifter_counts(gates->lifter),
		.preparer = preparer_counts(gates->preparer),
		.facts = images_counts(gates->images) };
}
