/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/event.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/json.h"
#include "kube/client.h"
#include "kube/name.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define API          "events.k8s.io/v1"
#define SERIES_MAX   4096
#define QUEUE_MAX    1000
#define TRIES_MAX    12
#define TRY_EVERY    (10 * CLOCK_SECOND)
#define SWEEP_EVERY  (60 * CLOCK_SECOND)
#define REFRESH      (1800 * CLOCK_SECOND)
#define QUIET        (360 * CLOCK_SECOND)
#define BUCKET_SIZE  25
#define BUCKET_EACH  (300 * CLOCK_SECOND)
#define WORD_MAX     128
#define NOTE_MAX     1024
#define KEY_MAX      8192
#define RANDOM_BYTES 8

/* What has a key and an age: the oldest stands first in its list. */
struct keyed {
	char *key; /* first: the trees compare by it */
	struct keyed *older, *newer;
};

struct table {
	void *tree;
	struct keyed *oldest, *newest;
	size_t count;
};

struct series {
	struct keyed keyed;
	json_t *event;    /* as it was or will be posted, without its series */
	int64_t count;    /* how often it was seen */
	int64_t written;  /* the count that the server knows */
	int64_t last;     /* wall clock */
	int64_t last_at;  /* monotonic */
	int64_t wrote_at; /* monotonic */
	bool posted;
	bool queued;
	int tries;
	struct series *next; /* in the queue */
};

struct bucket {
	struct keyed keyed;
	int64_t used_until; /* monotonic: when what was taken is refilled */
};

struct events {
	struct kube *kube;
	char *controller, *instance;
	void *ctx;
	void (*failed)(void *ctx, const struct err *failure);
	struct table series, buckets;
	struct series *first, **last;
	struct kube_exchange *exchange;
	struct timer next; /* the next try of the first in the queue */
	struct timer sweep;
	int64_t sending; /* the count that the running request writes */
	struct events_state state;
};

static void send_first(void *ctx);

/* ---- tables ------------------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

static struct keyed *table_find(const struct table *table, const char *key)
{
	struct keyed wanted = { .key = (char *)(uintptr_t)key };
	struct keyed *const *node = tfind(&wanted, &table->tree, compare);

	return node ? *node : NULL;
}

static void table_append(struct table *table, struct keyed *keyed)
{
	keyed->older = table->newest;
	keyed->newer = NULL;
	*(table->newest ? &table->newest->newer : &table->oldest) = keyed;
	table->newest = keyed;
}

static void table_unlink(struct table *table, struct keyed *keyed)
{
	*(keyed->older ? &keyed->older->newer : &table->oldest) = keyed->newer;
	*(keyed->newer ? &keyed->newer->older : &table->newest) = keyed->older;
}

static void table_add(struct table *table, struct keyed *keyed, const char *key)
{
	keyed->key = xstrdup(key);
	void *node = tsearch(keyed, &table->tree, compare);
	assert(node);
	table_append(table, keyed);
	table->count++;
}

static void table_remove(struct table *table, struct keyed *keyed)
{
	tdelete(keyed, &table->tree, compare);
	table_unlink(table, keyed);
	table->count--;
}

static void table_touch(struct table *table, struct keyed *keyed)
{
	table_unlink(table, keyed);
	table_append(table, keyed);
}

static void series_free(struct events *events, struct series *series)
{
	table_remove(&events->series, &series->keyed);
	json_decref(series->event);
	free(series->keyed.key);
	free(series);
}

static void bucket_free(struct events *events, struct bucket *bucket)
{
	table_remove(&events->buckets, &bucket->keyed);
	free(bucket->keyed.key);
	free(bucket);
}

/* Room for one more: the oldest goes, unless it is in the queue and so about to be written. */
static bool make_room(struct events *events)
{
	struct keyed *at = events->series.oldest;

	if (events->series.count < SERIES_MAX)
		return true;
	while (at && ((struct series *)at)->queued)
		at = at->newer;
	if (at)
		series_free(events, (struct series *)at);
	return at != NULL;
}

/* ---- the bucket of a namespace and reason ------------------------------------------------------------------- */

static bool take_token(struct events *events, const char *namespace, const char *reason)
{
	auto_free char *key = xasprintf("%s/%s", namespace, reason);
	struct bucket *bucket = (struct bucket *)table_find(&events->buckets, key);
	int64_t now = kube_now(events->kube);

	if (!bucket) {
		if (events->buckets.count >= SERIES_MAX)
			bucket_free(events, (struct bucket *)events->buckets.oldest);
		bucket = xcalloc(1, sizeof(*bucket));
		table_add(&events->buckets, &bucket->keyed, key);
	}
	table_touch(&events->buckets, &bucket->keyed);
	if (bucket->used_until < now)
		bucket->used_until = now;
	if (bucket->used_until - now > (BUCKET_SIZE - 1) * BUCKET_EACH)
		return false;
	bucket->used_until += BUCKET_EACH;
	return true;
}

/* ---- the Event ---------------------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static json_t *cut_text(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	/* not inside a character */
	while (len && len == max && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	json_t *value = json_stringn(text, len);
	return value ? value : json_string("(not UTF-8)");
}

static json_t *object_reference(const struct event_object *object)
{
	json_t *reference = json_pack("{s:s, s:s, s:s}", "apiVersion", object->api, "kind", object->kind,
			"name", object->name);

	if (object->namespace)
		json_object_set_new(reference, "namespace", json_string(object->namespace));
	if (object->uid)
		json_object_set_new(reference, "uid", json_string(object->uid));
	return reference;
}

/* The object's name, cut, and random hex: unique, and found beside its object in lists. */
static char *event_name(const char *object)
{
	unsigned char bytes[RANDOM_BYTES];
	auto_buf struct buf name = BUF_MAX(NAME_SUBDOMAIN_MAX);
	size_t room = NAME_SUBDOMAIN_MAX - 1 - 2 * RANDOM_BYTES;

	random_bytes(bytes, sizeof(bytes));
	buf_add(&name, object, strnlen(object, room));
	while (name.len && strchr("-.", name.ptr[name.len - 1]))
		buf_cut(&name, name.len - 1);
	/* names of roles and others may hold what an Event's own name may not */
	if (!name_is_subdomain(buf_span(&name))) {
		buf_reset(&name);
		buf_puts(&name, "object");
	}
	buf_putc(&name, '.');
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_printf(&name, "%02x", bytes[i]);
	return buf_take(&name);
}

static const char *namespace_of(const struct event_object *object)
{
	return object->namespace ? object->namespace : "default";
}

static json_t *build_event(const struct events *events, const struct event *event, int64_t wall)
{
	auto_free char *name = event_name(event->regarding.name);
	char time[CLOCK_TEXT_MAX];

	clock_format_micro(wall, time);
	json_t *built = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o}",
			"apiVersion", API, "kind", "Event", "metadata", "name", name, "namespace",
			namespace_of(&event->regarding), "eventTime", time, "reportingController",
			cut_text(events->controller, WORD_MAX), "reportingInstance",
			cut_text(events->instance, WORD_MAX), "action", cut_text(event->action, WORD_MAX),
			"reason", cut_text(event->reason, WORD_MAX), "type",
			event->warning ? "Warning" : "Normal", "regarding",
			object_reference(&event->regarding), "note", cut_text(event->note, NOTE_MAX));
	if (built && event->related)
		json_object_set_new(built, "related", object_reference(event->related));
	return built;
}

static void add_to_key(struct buf *key, const struct event_object *object)
{
	buf_printf(key, "\n%s\n%s\n%s\n%s\n%s", object->api, object->kind, or_empty(object->namespace),
			object->name, or_empty(object->uid));
}

/* ---- the queue ---------------------------------------------------------------------------------------------- */

static void enqueue(struct events *events, struct series *series)
{
	if (series->queued)
		return;
	series->queued = true;
	series->tries = 0;
	series->next = NULL;
	*events->last = series;
	events->last = &series->next;
	events->state.waiting++;
	if (!events->exchange && !timer_is_set(&events->next))
		timer_set(kube_timers(events->kube), &events->next, kube_now(events->kube));
}

static struct series *dequeue(struct events *events)
{
	struct series *series = events->first;

	events->first = series->next;
	if (!events->first)
		events->last = &events->first;
	series->queued = false;
	events->state.waiting--;
	return series;
}

static void add_series(struct events *events, const struct event *event, const char *key, int64_t wall)
{
	json_t *built = NULL;

	if (events->state.waiting >= QUEUE_MAX || !make_room(events) ||
			!take_token(events, namespace_of(&event->regarding), event->reason))
		events->state.dropped++;
	else
		built = build_event(events, event, wall);
	if (!built)
		return;
	struct series *series = xcalloc(1, sizeof(*series));
	series->event = built;
	series->count = 1;
	series->last = wall;
	series->last_at = series->wrote_at = kube_now(events->kube);
	table_add(&events->series, &series->keyed, key);
	enqueue(events, series);
}

void events_emit(struct events *events, const struct event *event)
{
	auto_buf struct buf key = BUF_MAX(KEY_MAX);
	int64_t wall = clock_wall(kube_clock(events->kube));

	buf_printf(&key, "%d\n%s\n%s", event->warning, event->action, event->reason);
	add_to_key(&key, &event->regarding);
	if (event->related)
		add_to_key(&key, event->related);
	struct series *series = (struct series *)table_find(&events->series, buf_text(&key));
	if (!series) {
		add_series(events, event, buf_text(&key), wall);
		return;
	}
	series->count++;
	series->last = wall;
	series->last_at = kube_now(events->kube);
	table_touch(&events->series, &series->keyed);
	/* the first repeat is told at once, the others by the sweep */
	if (series->count == 2 && events->state.waiting < QUEUE_MAX)
		enqueue(events, series);
}

/* ---- requests ----------------------------------------------------------------------------------------------- */

static json_t *series_value(const struct series *series)
{
	char time[CLOCK_TEXT_MAX];

	clock_format_micro(series->last, time);
	return json_pack("{s:I, s:s}", "count", (json_int_t)series->count, "lastObservedTime", time);
}

static void next_soon(struct events *events, int64_t wait)
{
	if (events->first)
		timer_set(kube_timers(events->kube), &events->next, kube_now(events->kube) + wait);
}

static bool may_retry(const struct err *failure)
{
	return failure->kind == ERR_RETRY || failure->kind == ERR_IO || failure->kind == ERR_AUTH;
}

static void conclude(struct events *events, int status, const struct err *failure)
{
	struct series *series = events->first;

	/* the name is ours alone: a conflict means that an earlier try arrived after all */
	if (!failure || (status == 409 && !series->posted)) {
		series->written = events->sending;
		series->wrote_at = kube_now(events->kube);
		series->posted = true;
		events->state.sent++;
		dequeue(events);
		/* a repeat that came meanwhile makes it a series */
		if (series->written == 1 && series->count > 1)
			enqueue(events, series);
		next_soon(events, 0);
		return;
	}
	/* Events live for an hour: one that is gone is told anew */
	bool expired = status == 404 && series->posted;
	if (expired)
		series->posted = false;
	if ((expired || may_retry(failure)) && ++series->tries < TRIES_MAX) {
		next_soon(events, expired ? 0 : TRY_EVERY);
		return;
	}
	dequeue(events);
	events->state.dropped++;
	series_free(events, series);
	next_soon(events, 0);
	if (events->failed)
		events->failed(events->ctx, failure);
}

static void on_sent(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct events *events = ctx;

	(void)body;
	events->exchange = NULL;
	conclude(events, status, failure);
}

static json_t *request_body(const struct series *series)
{
	if (series->posted)
		return json_pack("{s:o}", "series", series_value(series));
	json_t *event = json_copy(series->event);
	if (series->count > 1)
		json_object_set_new(event, "series", series_value(series));
	return event;
}

static void send_first(void *ctx)
{
	struct events *events = ctx;
	struct series *series = events->first;
	const struct kube_handler handler = { .ctx = events, .done = on_sent };
	auto_buf struct buf path = BUF_MAX(KUBE_PATH_MAX);
	struct err failure = ERR_NONE;

	if (!series || events->exchange)
		return;
	auto_json json_t *body = request_body(series);
	struct kube_ref ref = { .api = API,
		.namespace = json_text_at(series->event, "metadata", "namespace", NULL),
		.plural = "events",
		.name = series->posted ? json_text_at(series->event, "metadata", "name", NULL) : NULL };
	events->sending = series->count;
	if (kube_path(&path, &ref, &failure) == 0) {
		struct kube_request request = { .method = series->posted ? "PATCH" : "POST",
			.path = buf_text(&path),
			.content_type = series->posted ? KUBE_MERGE_PATCH : KUBE_JSON,
			.json = body };
		events->exchange = kube_start(events->kube, &request, &handler, &failure);
	}
	if (!events->exchange)
		conclude(events, 0, &failure);
}

/* Writes counts that are behind, and forgets what has been quiet. */
static void sweep(void *ctx)
{
	struct events *events = ctx;
	int64_t now = kube_now(events->kube);

	for (struct keyed *at = events->series.oldest, *next; at; at = next) {
		struct series *series = (struct series *)at;
		next = at->newer;
		bool quiet = now - series->last_at >= QUIET, behind = series->count > series->written;
		if (series->queued)
			continue;
		if (behind && (quiet || now - series->wrote_at >= REFRESH) &&
				events->state.waiting < QUEUE_MAX)
			enqueue(events, series);
		else if (quiet && !behind)
			series_free(events, series);
	}
	timer_set(kube_timers(events->kube), &events->sweep, now + SWEEP_EVERY);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

struct events *events_new(struct kube *kube, const struct events_options *options)
{
	struct events *events = xcalloc(1, sizeof(*events));

	events->kube = kube;
	events->controller = xstrdup(options->controller);
	events->instance = xstrdup(options->instance);
	events->ctx = options->ctx;
	events->failed = options->failed;
	events->last = &events->first;
	events->next = (struct timer){ .fn = send_first, .ctx = events };
	events->sweep = (struct timer){ .fn = sweep, .ctx = events };
	timer_set(kube_timers(kube), &events->sweep, kube_now(kube) + SWEEP_EVERY);
	return events;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	if (events->exchange)
		kube_cancel(events->kube, events->exchange);
	timer_stop(kube_timers(events->kube), &events->next);
	timer_stop(kube_timers(events->kube), &events->sweep);
	while (events->series.oldest)
		series_free(events, (struct series *)events->series.oldest);
	while (events->buckets.oldest)
		bucket_free(events, (struct bucket *)events->buckets.oldest);
	free(events->controller);
	free(events->instance);
	free(events);
}

struct events_state events_state(const struct events *events)
{
	return events->state;
}
