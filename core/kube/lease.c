/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/lease.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/json.h"
#include "kube/client.h"

#include <stdlib.h>
#include <string.h>

#define DURATION_MAX 86400
#define API          "coordination.k8s.io/v1"

struct lease {
	struct kube *kube;
	char *namespace, *name, *identity;
	char *collection, *path;
	int duration, deadline, retry; /* seconds */
	struct lease_handler handler;
	struct kube_exchange *exchange;
	struct timer tick;        /* the next try */
	struct timer last_chance; /* the deadline of a lease that is held */
	json_t *seen;             /* the Lease as last seen; NULL: not there, or not known */
	int64_t seen_at;          /* when it last changed, monotonic */
	bool held;
	int64_t sent_at;    /* of the request that runs */
	int64_t renewed_at; /* when the last renewal that succeeded was sent */
	bool releasing;
};

static void look(struct lease *lease);
static void write_record(struct lease *lease, const char *holder);

/* ---- the record -------------------------------------------------------------------------------------------- */

static const char *seen_text(const struct lease *lease, const char *key)
{
	const char *text = json_text_at(lease->seen, "spec", key, NULL);

	return text ? text : "";
}

static int64_t seen_number(const struct lease *lease, const char *key)
{
	const json_t *number = json_at(lease->seen, "spec", key, NULL);

	return json_is_integer(number) ? json_integer_value(number) : 0;
}

static bool is_ours(const struct lease *lease)
{
	return !strcmp(seen_text(lease, "holderIdentity"), lease->identity);
}

/* Any change counts as a sign of life of the holder: the record as a whole is compared. */
static void observe(struct lease *lease, json_t *record)
{
	if (!json_equal(json_at(lease->seen, "spec", NULL), json_at(record, "spec", NULL)))
		lease->seen_at = kube_now(lease->kube);
	json_incref(record);
	json_decref(lease->seen);
	lease->seen = record;
}

static bool may_take(const struct lease *lease)
{
	int64_t duration = seen_number(lease, "leaseDurationSeconds");

	if (is_ours(lease) || !*seen_text(lease, "holderIdentity"))
		return true;
	if (duration < 1 || duration > DURATION_MAX)
		duration = lease->duration;
	return kube_now(lease->kube) >= lease->seen_at + duration * CLOCK_SECOND;
}

static json_t *new_spec(const struct lease *lease, const char *holder)
{
	char now[CLOCK_TEXT_MAX];
	bool changes = strcmp(seen_text(lease, "holderIdentity"), holder) != 0;
	const char *acquired = changes ? "" : seen_text(lease, "acquireTime");
	int64_t transitions = seen_number(lease, "leaseTransitions") + (lease->seen && *holder && changes);

	clock_format_micro(clock_wall(kube_clock(lease->kube)), now);
	return json_pack("{s:s, s:i, s:s, s:s, s:I}", "holderIdentity", holder, "leaseDurationSeconds",
			*holder ? lease->duration : 1, "acquireTime", *acquired ? acquired : now, "renewTime",
			now, "leaseTransitions", (json_int_t)transitions);
}

/* ---- steps ------------------------------------------------------------------------------------------------- */

static void try_again(struct lease *lease)
{
	int64_t wait = lease->retry * CLOCK_SECOND;

	/* those who wait for the same lease must not all come at the same moment */
	if (!lease->held)
		wait += (int64_t)random_below((uint64_t)wait / 5 + 1);
	timer_set(kube_timers(lease->kube), &lease->tick, kube_now(lease->kube) + wait);
}

static void fail(struct lease *lease, const struct err *failure)
{
	struct err told = *failure;

	(void)err_wrap(&told, "lease '%s/%s'", lease->namespace, lease->name);
	if (lease->handler.failed)
		lease->handler.failed(lease->handler.ctx, &told);
}

static void lose(struct lease *lease, const char *why)
{
	if (!lease->held)
		return;
	lease->held = false;
	timer_stop(kube_timers(lease->kube), &lease->last_chance);
	lease->handler.lost(lease->handler.ctx, why);
}

static void hold(struct lease *lease)
{
	bool news = !lease->held;

	lease->held = true;
	lease->renewed_at = lease->sent_at;
	timer_set(kube_timers(lease->kube), &lease->last_chance,
			lease->renewed_at + lease->deadline * CLOCK_SECOND);
	try_again(lease);
	if (news)
		lease->handler.elected(lease->handler.ctx);
}

static void on_last_chance(void *ctx)
{
	struct lease *lease = ctx;

	/* an answer to the request that runs would come too late */
	if (lease->exchange)
		kube_cancel(lease->kube, lease->exchange);
	lease->exchange = NULL;
	try_again(lease);
	lose(lease, "it could not be renewed in time");
}

static void on_tick(void *ctx)
{
	struct lease *lease = ctx;

	/* who holds it renews what it wrote last; after a failure it looks first */
	if (lease->held && lease->seen)
		write_record(lease, lease->identity);
	else
		look(lease);
}

static void send_request(
		struct lease *lease, struct kube_request *request, const struct kube_handler *handler)
{
	struct err failure = ERR_NONE;

	/* shorter than what is left of the lease after the deadline: no write of ours arrives in another's time */
	request->timeout = (lease->duration - lease->deadline) * 900;
	lease->sent_at = kube_now(lease->kube);
	lease->exchange = kube_start(lease->kube, request, handler, &failure);
	if (lease->exchange)
		return;
	fail(lease, &failure);
	try_again(lease);
}

static void on_looked(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct lease *lease = ctx;

	lease->exchange = NULL;
	if (failure && status != 404) {
		fail(lease, failure);
		try_again(lease);
		return;
	}
	if (status == 404) {
		json_decref(lease->seen);
		lease->seen = NULL;
		lose(lease, "it was deleted");
		if (!lease->releasing)
			write_record(lease, lease->identity);
		return;
	}
	observe(lease, body);
	if (!is_ours(lease))
		lose(lease, "another took it");
	/* the handler may have had enough */
	if (lease->releasing)
		return;
	if (may_take(lease))
		write_record(lease, lease->identity);
	else
		try_again(lease);
}

static void look(struct lease *lease)
{
	struct kube_request request = { .method = "GET", .path = lease->path };
	const struct kube_handler handler = { .ctx = lease, .done = on_looked };

	send_request(lease, &request, &handler);
}

static void on_written(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct lease *lease = ctx;

	lease->exchange = NULL;
	if (failure) {
		/* what stands there now is not known: look before the next write */
		bool raced = status == 409;
		if (!raced)
			fail(lease, failure);
		if (lease->held) {
			json_decref(lease->seen);
			lease->seen = NULL;
		}
		try_again(lease);
		return;
	}
	observe(lease, body);
	hold(lease);
}

static void write_record(struct lease *lease, const char *holder)
{
	const char *version = json_text_at(lease->seen, "metadata", "resourceVersion", NULL);
	const struct kube_handler handler = { .ctx = lease, .done = on_written };
	json_t *metadata = version
			? json_pack("{s:s}", "resourceVersion", version)
			: json_pack("{s:s, s:s}", "name", lease->name, "namespace", lease->namespace);
	auto_json json_t *record = json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", API, "kind", "Lease",
			"metadata", metadata, "spec", new_spec(lease, holder));
	struct kube_request request = { .method = version ? "PATCH" : "POST",
		.path = version ? lease->path : lease->collection,
		.content_type = version ? KUBE_MERGE_PATCH : KUBE_JSON,
		.json = record };

	send_request(lease, &request, &handler);
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static void released(struct lease *lease)
{
	if (lease->handler.released)
		lease->handler.released(lease->handler.ctx);
}

static void on_released(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct lease *lease = ctx;

	(void)body;
	lease->exchange = NULL;
	if (failure && status != 409)
		fail(lease, failure);
	released(lease);
}

static void on_nothing_to_release(void *ctx)
{
	released(ctx);
}

void lease_release(struct lease *lease)
{
	struct timers *timers = kube_timers(lease->kube);
	const char *version = json_text_at(lease->seen, "metadata", "resourceVersion", NULL);
	const struct kube_handler handler = { .ctx = lease, .done = on_released };
	bool held = lease->held;

	if (lease->releasing)
		return;
	lease->releasing = true;
	timer_stop(timers, &lease->tick);
	if (lease->exchange)
		kube_cancel(lease->kube, lease->exchange);
	lease->exchange = NULL;
	lose(lease, "it is given back");
	if (held && version) {
		auto_json json_t *record = json_pack("{s:{s:s}, s:o}", "metadata", "resourceVersion", version,
				"spec", new_spec(lease, ""));
		struct kube_request request = { .method = "PATCH",
			.path = lease->path,
			.content_type = KUBE_MERGE_PATCH,
			.json = record };
		send_request(lease, &request, &handler);
		timer_stop(timers, &lease->tick);
	}
	if (lease->exchange)
		return;
	lease->tick.fn = on_nothing_to_release;
	timer_set(timers, &lease->tick, kube_now(lease->kube));
}

void lease_free(struct lease *lease)
{
	if (!lease)
		return;
	if (lease->exchange)
		kube_cancel(lease->kube, lease->exchange);
	timer_stop(kube_timers(lease->kube), &lease->tick);
	timer_stop(kube_timers(lease->kube), &lease->last_chance);
	json_decref(lease->seen);
	free(lease->namespace);
	free(lease->name);
	free(lease->identity);
	free(lease->collection);
	free(lease->path);
	free(lease);
}

bool lease_is_held(const struct lease *lease)
{
	return lease->held && kube_now(lease->kube) < lease->renewed_at + lease->deadline * CLOCK_SECOND;
}

const char *lease_holder(const struct lease *lease)
{
	return seen_text(lease, "holderIdentity");
}

/* ---- the beginning ----------------------------------------------------------------------------------------- */

static int set_paths(struct lease *lease, struct err *err)
{
	auto_buf struct buf collection = BUF_MAX(KUBE_PATH_MAX), path = BUF_MAX(KUBE_PATH_MAX);
	struct kube_ref ref = { .api = API, .namespace = lease->namespace, .plural = "leases" };

	if (kube_path(&collection, &ref, err) < 0)
		return -1;
	ref.name = lease->name;
	if (kube_path(&path, &ref, err) < 0)
		return -1;
	lease->collection = buf_take(&collection);
	lease->path = buf_take(&path);
	return 0;
}

static int check(const struct lease *lease, struct err *err)
{
	if (!*lease->identity)
		return err_set(err, ERR_USAGE, "the identity is empty");
	if (lease->duration > DURATION_MAX || lease->duration <= lease->deadline ||
			lease->deadline * 5 <= lease->retry * 6 || lease->retry < 1)
		return err_set(err, ERR_USAGE,
				"times of %d, %d and %d s: must be duration > deadline > 1.2 × retry",
				lease->duration, lease->deadline, lease->retry);
	return 0;
}

struct lease *lease_new(struct kube *kube, const struct lease_options *options, struct err *err)
{
	struct lease *lease = xcalloc(1, sizeof(*lease));

	lease->kube = kube;
	lease->namespace = xstrdup(options->namespace);
	lease->name = xstrdup(options->name);
	lease->identity = xstrdup(options->identity);
	lease->duration = options->duration ? options->duration : LEASE_DURATION;
	lease->deadline = options->deadline ? options->deadline : LEASE_DEADLINE;
	lease->retry = options->retry ? options->retry : LEASE_RETRY;
	lease->handler = options->handler;
	lease->tick = (struct timer){ .fn = on_tick, .ctx = lease };
	lease->last_chance = (struct timer){ .fn = on_last_chance, .ctx = lease };
	if (check(lease, err) < 0 || set_paths(lease, err) < 0) {
		(void)err_wrap(err, "lease '%s/%s'", options->namespace, options->name);
		lease_free(lease);
		return NULL;
	}
	timer_set(kube_timers(kube), &lease->tick, kube_now(kube));
	return lease;
}
