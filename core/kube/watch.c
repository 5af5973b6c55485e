/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/json.h"
#include "kube/client.h"
#include "kube/items.h"
#include "kube/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MIN    (CLOCK_SECOND * 4 / 5)
#define BACKOFF_MAX    (30 * CLOCK_SECOND)
#define QUIET          (120 * CLOCK_SECOND)
#define SHORT          CLOCK_SECOND
#define WATCH_LEAST    300 /* seconds */
#define WATCH_SPREAD   300
#define WATCH_GRACE    30
#define LIST_IDLE      60000 /* ms; the API server gives up on a list by then itself */
#define EXPIRED_MAX    2
#define VERSION_MAX    256
#define CONTINUE_MAX   4096
#define HTTP_ABSENT    404
#define HTTP_GONE      410
#define HTTP_TOO_LARGE 504 /* "Too large resource version": the server's cache is behind, or was restored */

struct watch {
	struct kube *kube;
	char *path;
	char *labels;
	char *fields;
	bool metadata_only;
	const char *const *skip;
	unsigned page;
	bool optional;
	struct watch_handler handler;
	struct kube_exchange *exchange;
	struct timer next; /* the next list or watch after a wait */
	bool listing;      /* what runs or comes next: a list, else a watch */
	struct items items;
	struct lines lines;
	char version[VERSION_MAX];
	char token[CONTINUE_MAX]; /* "" for the first page */
	unsigned expired;         /* pages in a row that had expired */
	bool unpaged;
	int64_t started;
	bool fresh; /* the list before this watch has just been made */
	bool saw_event;
	int refused; /* code of an ERROR event */
	int64_t backoff;
	int64_t last_error;
	struct watch_state state;
};

static void step(void *ctx);

/* ---- what goes wrong --------------------------------------------------------------------------------------- */

static void wait_and_retry(struct watch *watch, const struct err *failure)
{
	int64_t now = kube_now(watch->kube);

	if (!watch->backoff || now - watch->last_error > QUIET)
		watch->backoff = BACKOFF_MIN;
	int64_t wait = watch->backoff + (int64_t)random_below((uint64_t)watch->backoff);
	watch->backoff = watch->backoff * 2 < BACKOFF_MAX ? watch->backoff * 2 : BACKOFF_MAX;
	watch->last_error = now;
	watch->state.errors++;
	if (failure->retry_after * CLOCK_SECOND > wait)
		wait = failure->retry_after * CLOCK_SECOND;
	timer_set(kube_timers(watch->kube), &watch->next, now + wait);
	if (watch->handler.failed)
		watch->handler.failed(watch->handler.ctx, failure);
}

static void fail(struct watch *watch, const struct err *failure)
{
	struct err told = *failure;

	/* net/http and kube/client name the URL */
	(void)err_wrap(&told, "%s", watch->listing ? "listing" : "watching");
	wait_and_retry(watch, &told);
}

/* From the top; at once, unless that has just been tried. */
static void list_again(struct watch *watch, const struct err *failure, bool at_once)
{
	watch->state.synced = false;
	watch->token[0] = '\0';
	if (!at_once)
		fail(watch, failure);
	watch->listing = true;
	if (at_once)
		step(watch);
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

static void add_selectors(const struct watch *watch, struct buf *query)
{
	if (watch->labels)
		kube_query(query, "labelSelector", watch->labels);
	if (watch->fields)
		kube_query(query, "fieldSelector", watch->fields);
}

static void start(struct watch *watch, const struct buf *query, const char *accept, int idle,
		const struct kube_stream *stream)
{
	struct err failure = ERR_NONE;
	struct kube_request request = {
		.method = "GET", .path = watch->path, .query = buf_text(query), .accept = accept
	};

	watch->started = kube_now(watch->kube);
	watch->saw_event = false;
	watch->refused = 0;
	watch->exchange = NULL;
	if (buf_check(query, "the query", &failure) == 0)
		watch->exchange = kube_start_stream(watch->kube, &request, idle, stream, &failure);
	if (!watch->exchange)
		fail(watch, &failure);
}

static int read_object(const struct watch *watch, struct span text, json_t **out, struct err *err)
{
	if (json_read_without(text, LINES_MAX, watch->skip, out, err) < 0)
		return -1;
	if (!json_is_object(json_at(*out, "metadata", NULL)))
		return err_set(err, ERR_FORMAT, "an item is no object with metadata");
	return 0;
}

static void hand_over(struct watch *watch, enum watch_event event, json_t *object)
{
	watch->state.last_event = kube_now(watch->kube);
	watch->handler.object(watch->handler.ctx, event, object);
}

/* ---- list -------------------------------------------------------------------------------------------------- */

static int on_item(void *ctx, struct span text, struct err *err)
{
	struct watch *watch = ctx;
	auto_json json_t *object = NULL;

	if (read_object(watch, text, &object, err) < 0)
		return -1;
	hand_over(watch, WATCH_LISTED, object);
	return 0;
}

static int on_list_bytes(void *ctx, struct span bytes, struct err *err)
{
	struct watch *watch = ctx;

	watch->state.last_bytes = kube_now(watch->kube);
	return items_feed(&watch->items, bytes, err);
}

static int keep_text(char *out, size_t size, const char *what, const char *text, struct err *err)
{
	if (strlen(text) >= size)
		return err_set(err, ERR_LIMIT, "the list's %s exceeds %zu bytes", what, size - 1);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int finish_page(struct watch *watch, struct err *err)
{
	if (items_done(&watch->items, err) < 0)
		return -1;
	if (!*items_resource_version(&watch->items))
		return err_set(err, ERR_FORMAT, "the answer is no list: it has no metadata.resourceVersion");
	if (keep_text(watch->version, sizeof(watch->version), "resourceVersion",
			    items_resource_version(&watch->items), err) < 0)
		return -1;
	return keep_text(watch->token, sizeof(watch->token), "continue token", items_continue(&watch->items),
			err);
}

static void finish_list(struct watch *watch)
{
	watch->listing = false;
	watch->unpaged = false;
	watch->expired = 0;
	watch->fresh = true;
	watch->state.lists++;
	watch->state.synced = true;
	watch->handler.synced(watch->handler.ctx);
	step(watch);
}

/* The server does not know the collection: it has no objects, for now. */
static void take_as_empty(struct watch *watch)
{
	watch->token[0] = '\0';
	watch->state.synced = true;
	timer_set(kube_timers(watch->kube), &watch->next, kube_now(watch->kube) + WATCH_ABSENT);
	watch->handler.synced(watch->handler.ctx);
}

static void on_list_end(void *ctx, int status, const struct err *failure)
{
	struct watch *watch = ctx;
	struct err why = ERR_NONE;

	watch->exchange = NULL;
	if (!failure && finish_page(watch, &why) < 0) {
		(void)err_wrap(&why, "%s", watch->path);
		failure = &why;
	}
	items_clear(&watch->items);
	if (failure && status == HTTP_ABSENT && watch->optional && !watch->token[0]) {
		take_as_empty(watch);
	} else if (failure && status == HTTP_GONE) {
		watch->expired++;
		bool at_once = !watch->unpaged;
		watch->unpaged = watch->expired >= EXPIRED_MAX;
		list_again(watch, failure, at_once);
	} else if (failure && status == HTTP_ABSENT) {
		/* went while it was listed: its other pages will not come any more */
		list_again(watch, failure, false);
	} else if (failure) {
		/* the same page again; what it brought already is brought once more */
		fail(watch, failure);
	} else if (watch->token[0]) {
		step(watch);
	} else {
		finish_list(watch);
	}
}

static void start_list(struct watch *watch)
{
	auto_buf struct buf query = BUF_MAX(KUBE_PATH_MAX);
	const struct kube_stream stream = { .ctx = watch, .body = on_list_bytes, .done = on_list_end };
	const struct items_handler handler = { .ctx = watch, .item = on_item };
	char page[16];

	if (!watch->token[0]) {
		watch->state.relists += watch->state.lists > 0;
		watch->handler.begin(watch->handler.ctx);
	}
	add_selectors(watch, &query);
	snprintf(page, sizeof(page), "%u", watch->page);
	if (watch->unpaged)
		kube_query(&query, "resourceVersion", "0");
	else
		kube_query(&query, "limit", page);
	if (watch->token[0])
		kube_query(&query, "continue", watch->token);
	items_init(&watch->items, &handler);
	start(watch, &query, watch->metadata_only ? KUBE_ACCEPT_META_LIST : KUBE_JSON, LIST_IDLE, &stream);
}

/* ---- watch ------------------------------------------------------------------------------------------------- */

static int on_error_event(struct watch *watch, const json_t *status, struct err *err)
{
	const json_t *code = json_at(status, "code", NULL);

	watch->refused = json_is_integer(code) ? (int)json_integer_value(code) : 500;
	return kube_status_error(watch->refused, status, err);
}

/* Resuming starts behind this event. */
static int advance(struct watch *watch, const json_t *object, struct err *err)
{
	const char *version = json_text_at(object, "metadata", "resourceVersion", NULL);

	if (!version || !*version || strlen(version) >= sizeof(watch->version))
		return err_set(err, ERR_FORMAT, "an event has no metadata.resourceVersion");
	memcpy(watch->version, version, strlen(version) + 1);
	watch->saw_event = true;
	return 0;
}

static int on_line(void *ctx, struct span text, struct err *err)
{
	static const char *const types[] = {
		[WATCH_ADDED] = "ADDED", [WATCH_MODIFIED] = "MODIFIED", [WATCH_DELETED] = "DELETED"
	};
	struct watch *watch = ctx;
	auto_json json_t *event = NULL;
	const char *type = NULL;
	json_t *object = NULL;

	if (json_read_without(text, LINES_MAX, watch->skip, &event, err) < 0 ||
			json_get_text(event, "", "type", &type, err) < 0 ||
			json_get_object(event, "", "object", &object, err) < 0)
		return -1;
	if (!strcmp(type, "ERROR"))
		return on_error_event(watch, object, err);
	for (int i = WATCH_ADDED; i <= WATCH_DELETED; i++) {
		if (strcmp(type, types[i]) != 0)
			continue;
		if (advance(watch, object, err) < 0)
			return -1;
		watch->state.events++;
		hand_over(watch, (enum watch_event)i, object);
		return 0;
	}
	/* of types that a later server may invent, nothing is known: not even whether they move the version */
	return strcmp(type, "BOOKMARK") != 0 ? 0 : advance(watch, object, err);
}

static int on_watch_bytes(void *ctx, struct span bytes, struct err *err)
{
	struct watch *watch = ctx;

	watch->state.last_bytes = kube_now(watch->kube);
	return lines_feed(&watch->lines, bytes, err);
}

static void on_watch_end(void *ctx, int status, const struct err *failure)
{
	struct watch *watch = ctx;
	struct err why = ERR_NONE;
	bool brief = !watch->saw_event && kube_now(watch->kube) - watch->started < SHORT;

	watch->exchange = NULL;
	if (!failure && lines_done(&watch->lines, &why) < 0)
		failure = &why;
	lines_clear(&watch->lines);
	if (watch->refused)
		status = watch->refused;
	if (!failure && brief) {
		(void)err_set(&why, ERR_RETRY, "%s: the server ended the watch at once, without an event",
				watch->path);
		failure = &why;
	}
	/* a version that is gone right after a list: asking again at once would go round in circles */
	bool circling = brief && watch->fresh;
	watch->fresh = false;
	if (!failure)
		step(watch);
	else if (status == HTTP_GONE || (status == HTTP_ABSENT && watch->optional))
		list_again(watch, failure, !circling);
	else if (status == HTTP_TOO_LARGE)
		list_again(watch, failure, false);
	else
		fail(watch, failure);
}

static void start_watch(struct watch *watch)
{
	auto_buf struct buf query = BUF_MAX(KUBE_PATH_MAX);
	const struct kube_stream stream = { .ctx = watch, .body = on_watch_bytes, .done = on_watch_end };
	int seconds = WATCH_LEAST + (int)random_below(WATCH_SPREAD + 1);
	char text[16];

	snprintf(text, sizeof(text), "%d", seconds);
	add_selectors(watch, &query);
	kube_query(&query, "watch", "1");
	kube_query(&query, "allowWatchBookmarks", "true");
	kube_query(&query, "resourceVersion", watch->version);
	kube_query(&query, "timeoutSeconds", text);
	watch->lines = (struct lines)LINES_INIT(on_line, watch);
	start(watch, &query, watch->metadata_only ? KUBE_ACCEPT_META : KUBE_JSON,
			(seconds + WATCH_GRACE) * 1000, &stream);
}

static void step(void *ctx)
{
	struct watch *watch = ctx;

	if (watch->listing)
		start_list(watch);
	else
		start_watch(watch);
}

/* ---- life -------------------------------------------------------------------------------------------------- */

struct watch *watch_start(struct kube *kube, const struct watch_options *options)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));

	watch->kube = kube;
	watch->path = xstrdup(options->path);
	watch->labels = options->label_selector ? xstrdup(options->label_selector) : NULL;
	watch->fields = options->field_selector ? xstrdup(options->field_selector) : NULL;
	watch->metadata_only = options->metadata_only;
	watch->skip = options->skip;
	watch->page = options->page ? options->page : WATCH_PAGE;
	watch->optional = options->optional;
	watch->handler = options->handler;
	watch->listing = true;
	watch->next = (struct timer){ .fn = step, .ctx = watch };
	timer_set(kube_timers(kube), &watch->next, kube_now(kube));
	return watch;
}

void watch_stop(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->exchange)
		kube_cancel(watch->kube, watch->exchange);
	timer_stop(kube_timers(watch->kube), &watch->next);
	items_clear(&watch->items);
	lines_clear(&watch->lines);
	free(watch->path);
	free(watch->labels);
	free(watch->fields);
	free(watch);
}

struct watch_state watch_state(const struct watch *watch)
{
	struct watch_state state = watch->state;

	state.connected = watch->exchange != NULL;
	return state;
}
