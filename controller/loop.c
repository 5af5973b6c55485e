/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/loop.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/random.h"
#include "base/signals.h"
#include "cluster/connect.h"
#include "cluster/follow.h"
#include "codec/json.h"
#include "controller/gates.h"
#include "controller/health.h"
#include "controller/keeper.h"
#include "controller/pods.h"
#include "controller/replicas.h"
#include "controller/reporter.h"
#include "controller/settings.h"
#include "controller/standing.h"
#include "controller/tally.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/event.h"
#include "kube/lease.h"
#include "kube/watch.h"

#include <malloc.h>
#include <poll.h>
#include <string.h>

#define RELEASE_WAIT (3 * CLOCK_SECOND)

struct loop {
	const struct settings *settings;
	struct kube_config *config;
	struct kube *kube;
	char *namespace;
	char *identity;
	struct events *events;
	struct follow *follow;
	struct watch *pod_watch;
	struct pods *pods;
	struct gates *gates;
	struct reporter *reporter;
	struct standing *standing;
	struct keeper *keeper;
	struct replicas *replicas;
	struct lease *lease;
	struct health *health;
	struct timer tick;
	json_t *classes; /* the confidential RuntimeClasses that the pods were listed for */
	json_t *live;    /* webhook replicas */
	char fingerprint[65];
	bool pods_synced;
	bool leads;
	bool lost;
	bool released;
};

/* ---- pods --------------------------------------------------------------------------------------------------- */

static void on_pod_changed(void *ctx, const struct pod_record *record, enum pod_state before, const char *why)
{
	struct loop *loop = ctx;
	const struct event event = {
		.warning = true,
		.reason = "Unprotected",
		.action = "Judge",
		.note = why,
		.regarding = { "v1", "Pod", record->namespace->text, record->name, record->uid },
	};

	reporter_touch(loop->reporter);
	if (!why)
		return;
	if (record->state == POD_GATED) {
		gates_add(loop->gates, record->namespace->text, record->name);
	} else if (record->state == POD_UNPROTECTED && before != POD_UNPROTECTED) {
		log_warn("a confidential pod runs without init-data", "namespace", record->namespace->text,
				"pod", record->name, NULL);
		if (loop->leads)
			events_emit(loop->events, &event);
	}
}

static void on_pods_begin(void *ctx)
{
	struct loop *loop = ctx;

	pods_begin(loop->pods);
}

static void on_pod(void *ctx, enum watch_event event, json_t *object)
{
	struct loop *loop = ctx;

	if (event != WATCH_DELETED) {
		pods_put(loop->pods, follow_catalog(loop->follow), object, kube_now(loop->kube));
		return;
	}
	const char *namespace = json_text_at(object, "metadata", "namespace", NULL);
	const char *name = json_text_at(object, "metadata", "name", NULL);
	if (namespace && name)
		pods_delete(loop->pods, namespace, name);
}

static void on_pods_synced(void *ctx)
{
	struct loop *loop = ctx;

	pods_sweep(loop->pods);
	loop->pods_synced = true;
	/* the trees of a list are gone: give their pages back */
	malloc_trim(0);
	/* readiness need not wait for the next second */
	timer_set(kube_timers(loop->kube), &loop->tick, kube_now(loop->kube));
	log_info("pods are listed", "confidential", LOG_NUMBER((int64_t)pods_count(loop->pods)), NULL);
}

static void log_watch(void *ctx, const struct err *failure)
{
	(void)ctx;
	log_warn("following the pods failed for now", LOG_ERR(failure), NULL);
}

static void watch_pods(struct loop *loop)
{
	/* most of a pod: no decision of the controller looks at it */
	static const char *const skip[] = { "managedFields", "containers", "initContainers",
		"ephemeralContainers", "volumes", "tolerations", "affinity", "conditions",
		"containerStatuses", "initContainerStatuses", "ownerReferences", NULL };

	loop->pods_synced = false;
	watch_stop(loop->pod_watch);
	loop->pod_watch = watch_start(loop->kube,
			&(struct watch_options){
					.path = "/api/v1/pods",
					.skip = skip,
					.handler = { loop, on_pods_begin, on_pod, on_pods_synced, log_watch },
			});
}

/* ---- the catalog -------------------------------------------------------------------------------------------- */

static void again_gated(void *ctx, const struct pod_record *record)
{
	struct loop *loop = ctx;

	if (record->state == POD_GATED)
		gates_add(loop->gates, record->namespace->text, record->name);
}

/* The same, where what pods are judged by is as it was, and agent policies have come or gone. */
static void again_unprepared(void *ctx, const struct pod_record *record)
{
	struct loop *loop = ctx;

	if (record->state == POD_GATED)
		gates_again(loop->gates, record->namespace->text, record->name,
				record->profile ? record->profile->text : NULL);
}

/* Names of live replicas that decide by other profiles than we do. */
static void compare_replicas(struct loop *loop)
{
	auto_json json_t *differing = json_array();
	size_t i;
	json_t *replica;

	json_array_foreach (loop->live, i, replica) {
		const char *catalog = json_text_at(replica, "catalog", NULL);
		if (catalog && strcmp(catalog, loop->fingerprint) != 0)
			json_array_append(differing, json_object_get(replica, "name"));
	}
	reporter_set_differing(loop->reporter, differing);
	standing_set_replicas(loop->standing, loop->live, differing);
}

static void on_catalog(void *ctx, struct catalog *catalog)
{
	struct loop *loop = ctx;
	auto_json json_t *classes = catalog_confidential(catalog);
	auto_json json_t *names = catalog_class_names(catalog);

	char before[sizeof(loop->fingerprint)];

	memcpy(before, loop->fingerprint, sizeof(before));
	follow_fingerprint(catalog, follow_policies(loop->follow), loop->fingerprint);
	bool same = !strcmp(before, loop->fingerprint) && json_equal(classes, loop->classes);
	keeper_set_classes(loop->keeper, names);
	if (loop->leads)
		gates_use(loop->gates, catalog, follow_policies(loop->follow));
	if (!json_equal(classes, loop->classes)) {
		/* other pods are confidential now: only a list tells which */
		json_decref(loop->classes);
		loop->classes = json_incref(classes);
		watch_pods(loop);
	}
	pods_rejudge(loop->pods, catalog);
	pods_each(loop->pods, same ? again_unprepared : again_gated, loop);
	compare_replicas(loop);
	reporter_touch(loop->reporter);
	standing_touch(loop->standing);
}

/* Without what they count, which changes with every image and is nothing to the keeper. */
static json_t *without_counts(const json_t *live)
{
	json_t *list = json_array();
	size_t i;
	json_t *replica;

	json_array_foreach (live, i, replica) {
		json_t *copy = json_copy(replica);
		json_object_del(copy, "verdicts");
		json_array_append_new(list, copy);
	}
	return list;
}

static void on_replicas(void *ctx, json_t *live)
{
	struct loop *loop = ctx;
	auto_json json_t *plain = without_counts(live);

	json_decref(loop->live);
	loop->live = json_incref(live);
	keeper_set_replicas(loop->keeper, plain);
	compare_replicas(loop);
}

static void on_keeper(void *ctx)
{
	struct loop *loop = ctx;

	reporter_touch(loop->reporter);
	standing_touch(loop->standing);
}

static void tell_settings(struct loop *loop)
{
	const char *problem = follow_settings_problem(loop->follow);
	const struct event event = {
		.warning = true,
		.reason = "InvalidSettings",
		.action = "Read",
		.note = problem,
		.regarding = { "v1", "ConfigMap", loop->namespace, loop->settings->config_map, NULL },
	};

	if (problem && loop->leads)
		events_emit(loop->events, &event);
}

static void log_follow(void *ctx, const char *what, const struct err *why)
{
	log_warn("following the cluster failed for now", "what", what, LOG_ERR(why), NULL);
	tell_settings(ctx);
}

/* ---- leading ------------------------------------------------------------------------------------------------ */

static void set_leading(struct loop *loop, bool leads)
{
	loop->leads = leads;
	keeper_run(loop->keeper, leads);
	reporter_run(loop->reporter, leads);
	standing_run(loop->standing, leads);
	gates_use(loop->gates, leads ? follow_catalog(loop->follow) : NULL, follow_policies(loop->follow));
}

static void on_elected(void *ctx)
{
	log_info("this replica leads", NULL);
	set_leading(ctx, true);
	tell_settings(ctx);
}

static void on_lost(void *ctx, const char *why)
{
	struct loop *loop = ctx;

	log_warn("this replica leads no more", "why", why, NULL);
	set_leading(loop, false);
	loop->lost = true;
}

static void on_released(void *ctx)
{
	struct loop *loop = ctx;

	loop->released = true;
}

static void log_lease(void *ctx, const struct err *failure)
{
	(void)ctx;
	log_warn("the election failed for now", LOG_ERR(failure), NULL);
}

static void log_event(void *ctx, const struct err *failure)
{
	(void)ctx;
	log_warn("an Event was given up", LOG_ERR(failure), NULL);
}

/* ---- once a second ------------------------------------------------------------------------------------------ */

static void on_tick(void *ctx)
{
	struct loop *loop = ctx;
	struct buf text = BUF_MAX(256 * 1024);
	const struct tally_state state = {
		.pods = pods_tally(loop->pods),
		.gates = gates_counts(loop->gates),
		.follow = follow_counts(loop->follow),
		/* pods are watched from the first catalog on, which may take longer than a tick */
		.watch = loop->pod_watch ? watch_state(loop->pod_watch) : (struct watch_state){ 0 },
		.events = events_state(loop->events),
		.leads = loop->leads,
		.registered = keeper_stands(loop->keeper),
		.leaf_expiry = keeper_leaf_expiry(loop->keeper),
		.now = kube_now(loop->kube),
	};

	tally_format(&state, &text);
	health_tell(loop->health, follow_ready(loop->follow) && loop->pods_synced, buf_span(&text));
	buf_clear(&text);
	timer_set(kube_timers(loop->kube), &loop->tick, kube_now(loop->kube) + CLOCK_SECOND);
}

/* ---- from nothing to running -------------------------------------------------------------------------------- */

static int connect_api(struct loop *loop, struct err *err)
{
	const struct settings *s = loop->settings;

	if (connect_config(&s->connect, &clock_real, &loop->config, err) < 0)
		return -1;
	loop->namespace = xstrdup(s->namespace ? s->namespace : kube_config_namespace(loop->config));
	loop->kube = kube_new(&(struct kube_options){ .config = loop->config,
					      .clock = &clock_real,
					      .user_agent = "cocoon-controller/" COCOON_VERSION },
			err);
	return loop->kube ? 0 : -1;
}

static int make_parts(struct loop *loop, struct err *err)
{
	const struct settings *s = loop->settings;

	loop->events = events_new(loop->kube,
			&(struct events_options){ .controller = "cocoon.dev/controller",
					.instance = s->connect.pod_name,
					.failed = log_event });
	loop->pods = pods_new(&(struct pods_handler){ loop, on_pod_changed });
	loop->keeper = keeper_new(&(struct keeper_options){
			.kube = loop->kube,
			.namespace = loop->namespace,
			.service = s->service,
			.secret = s->secret,
			.configuration = s->webhook_configuration,
			.certificates = s->certificates == CERTIFICATES_MANAGED,
			.ctx = loop,
			.changed = on_keeper,
	});
	return gates_new(&(struct gates_options){ .kube = loop->kube,
					 .events = loop->events,
					 .settings = s,
					 .namespace = loop->namespace },
			&loop->gates, err);
}

static int start_watching(struct loop *loop, struct err *err)
{
	const struct settings *s = loop->settings;
	const struct follow_options follow = {
		.kube = loop->kube,
		.namespace = loop->namespace,
		.config_map = s->config_map,
		.ctx = loop,
		.changed = on_catalog,
		.failed = log_follow,
	};
	const struct lease_options lease = {
		.namespace = loop->namespace,
		.name = s->lease,
		.identity = loop->identity,
		.handler = { loop, on_elected, on_lost, log_lease, on_released },
	};

	if (follow_start(&follow, &loop->follow, err) < 0)
		return -1;
	loop->reporter = reporter_new(loop->kube, loop->follow, loop->pods, loop->keeper);
	loop->standing = standing_new(loop->kube, loop->follow, loop->keeper, loop->events);
	loop->live = json_array();
	if (replicas_start(loop->kube, loop->namespace, on_replicas, loop, &loop->replicas, err) < 0)
		return -1;
	loop->lease = lease_new(loop->kube, &lease, err);
	return loop->lease ? 0 : -1;
}

static int start(struct loop *loop, struct err *err)
{
	unsigned char random[6];

	random_bytes(random, sizeof(random));
	loop->identity = xasprintf("%s_%02x%02x%02x%02x%02x%02x", loop->settings->connect.pod_name, random[0],
			random[1], random[2], random[3], random[4], random[5]);
	if (connect_api(loop, err) < 0 || health_start(loop->settings->health_listen, &loop->health, err) < 0)
		return -1;
	if (make_parts(loop, err) < 0 || start_watching(loop, err) < 0)
		return -1;
	loop->tick = (struct timer){ .fn = on_tick, .ctx = loop };
	timer_set(kube_timers(loop->kube), &loop->tick, kube_now(loop->kube) + CLOCK_SECOND);
	log_info("controller started", "version", COCOON_VERSION, "identity", loop->identity, "namespace",
			loop->namespace, NULL);
	return 0;
}

static int turn_until_signal(struct loop *loop, int signals, struct err *err)
{
	struct pollfd extra = { .fd = signals, .events = POLLIN };

	while (!loop->lost) {
		extra.revents = 0;
		if (kube_turn(loop->kube, 5000, &extra, 1, err) < 0)
			return -1;
		if ((extra.revents & POLLIN) && signals_take(signals))
			return 0;
		gates_turn(loop->gates);
	}
	return err_set(err, ERR_CONFLICT, "the Lease '%s' was lost", loop->settings->lease);
}

/* Gives the Lease back, so that the next leader need not wait for it to expire. */
static void hand_over(struct loop *loop)
{
	int64_t deadline = kube_now(loop->kube) + RELEASE_WAIT;

	lease_release(loop->lease);
	while (!loop->released && kube_now(loop->kube) < deadline)
		if (kube_turn(loop->kube, 100, NULL, 0, NULL) < 0)
			return;
}

static void stop(struct loop *loop)
{
	if (loop->kube)
		timer_stop(kube_timers(loop->kube), &loop->tick);
	lease_free(loop->lease);
	replicas_stop(loop->replicas);
	watch_stop(loop->pod_watch);
	reporter_free(loop->reporter);
	standing_free(loop->standing);
	follow_stop(loop->follow);
	keeper_free(loop->keeper);
	gates_free(loop->gates);
	pods_free(loop->pods);
	events_free(loop->events);
	health_stop(loop->health);
	kube_free(loop->kube);
	kube_config_free(loop->config);
	json_decref(loop->classes);
	json_decref(loop->live);
	free(loop->namespace);
	free(loop->identity);
}

int loop_run(const struct settings *settings, struct err *err)
{
	struct loop loop = { .settings = settings };
	auto_fd int signals = signals_open(err);

	if (signals < 0)
		return -1;
	int done = start(&loop, err);
	if (!done) {
		done = turn_until_signal(&loop, signals, err);
		if (!done)
			hand_over(&loop);
		log_info("controller ends", NULL);
	}
	stop(&loop);
	return done;
}
