/* SPDX-License-Identifier: Apache-2.0 */
/* A stage for preparers: an API server and images of which the tests say what they do. */
#ifndef COCOON_TESTS_CONTROLLER_PREPARER_RIG_H
#define COCOON_TESTS_CONTROLLER_PREPARER_RIG_H

#include "controller/preparer.h"

#include "controller/preparation.h"
#include "kube/event.h"
#include "profile/prepared.h"
#include "tests/controller/drafts.h"
#include "tests/kube/rig.h"

#define POLICIES "/apis/cocoon.dev/v1alpha1/namespaces/shop/agentpolicies/"

/*
 * An API server: what there is under each path; a number is a status. And images: known, failing, or such that somebody has to
 * fetch them, which the test brings to an end.
 */
struct stage {
	struct rig rig;
	struct events *events;
	struct preparer *preparer;
	struct catalog *catalog;
	pthread_mutex_t lock;
	json_t *objects; /* under the lock */
	struct buf log;  /* "GET path\n" …; under the lock */
	struct buf told; /* "reason note\n" …; under the lock */
	struct buf sent; /* bodies; under the lock */
	/* images */
	bool known, fails;
	void (*fetched)(void *ctx);
	void *fetching[8];
	size_t fetches, finished, pods_again;
};

static inline json_t *answer_to(struct stage *stage, const char *method, const char *path, const char *body)
{
	auto_json json_t *sent = NULL;

	if (strstr(path, "/events"))
		assert_int_equal(json_read(span_of(body), 1 << 20, &sent, NULL), 0);
	else
		buf_printf(&stage->log, "%s %.*s\n", method, (int)strcspn(path, "?"), path);
	if (sent)
		buf_printf(&stage->told, "%s %s: %s\n", json_text_at(sent, "regarding", "name", NULL),
				json_text_at(sent, "reason", NULL), json_text_at(sent, "note", NULL));
	if (!sent)
		buf_puts(&stage->sent, body);
	/* copies: counts of references are not for several threads */
	if (!strcmp(method, "GET"))
		return json_deep_copy(json_object_get(stage->objects, path));
	json_t *refused = json_object_get(stage->objects, "PATCH");
	return refused ? json_deep_copy(refused) : json_object();
}

static inline void serve(struct line *line, void *ctx)
{
	struct stage *stage = ctx;
	auto_buf struct buf body = BUF_MAX(1024 * 1024);
	char method[16], path[4096];

	if (!line_read_head(line) || sscanf(line->head, "%15s %4095s", method, path) != 2)
		return;
	read_body(line, &body);
	pthread_mutex_lock(&stage->lock);
	auto_json json_t *answer = answer_to(stage, method, path, buf_text(&body));
	auto_free char *text = json_is_object(answer) ? json_text(answer, true) : NULL;
	json_int_t code = json_is_integer(answer) ? json_integer_value(answer) : 404;
	pthread_mutex_unlock(&stage->lock);
	auto_free char *reply = text
			? xasprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
				    "application/json\r\n\r\n%s",
					  text)
			: xasprintf("HTTP/1.1 %d No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
					  (int)code);
	line_puts(line, reply);
}

static inline enum facts_found find(void *images, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	struct stage *stage = images;

	(void)want;
	(void)max_age;
	if (stage->fails) {
		err_set(why, ERR_IO, "registry.example: connection refused");
		return FACTS_FAILURE;
	}
	if (!stage->known)
		return FACTS_ABSENT;
	*out = facts_with("/app", DIGEST_C);
	return FACTS_KNOWN;
}

static inline void fetch(void *images, const struct image_want *want, int64_t max_age,
		void (*done)(void *ctx), void *ctx)
{
	struct stage *stage = images;

	(void)want;
	(void)max_age;
	assert_true(stage->fetches < COUNT(stage->fetching));
	stage->fetched = done;
	stage->fetching[stage->fetches++] = ctx;
}

/* All that were asked for are there. */
static inline void come(struct stage *stage)
{
	while (stage->finished < stage->fetches)
		stage->fetched(stage->fetching[stage->finished++]);
}

static inline void *come_by(void *ctx)
{
	come(ctx);
	return NULL;
}

static inline void on_again(void *ctx, const char *namespace, const char *pod)
{
	struct stage *stage = ctx;

	if (!strcmp(namespace, "shop"))
		assert_int_equal(strncmp(pod, "web-", 4), 0);
	stage->pods_again++;
}

static inline void put(struct stage *stage, const char *path, json_t *object)
{
	pthread_mutex_lock(&stage->lock);
	json_object_set_new(stage->objects, path, object);
	pthread_mutex_unlock(&stage->lock);
}

static inline void put_pod(struct stage *stage, const char *suffix, const char *more)
{
	auto_free char *path = xasprintf("/api/v1/namespaces/shop/pods/web-5d4f8c7b9-%s", suffix);

	put(stage, path, replica(suffix, more));
}

static inline void begin(struct stage *stage)
{
	*stage = (struct stage){ .catalog = catalog_of(NULL, GENERATES),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.objects = json_object(),
		.log = BUF_MAX(1 << 20),
		.told = BUF_MAX(1 << 20),
		.sent = BUF_MAX(1 << 20),
		.known = true };
	rig_start_playing(&stage->rig, NULL, serve, stage);
	stage->events = events_new(stage->rig.kube,
			&(struct events_options){ .controller = "test", .instance = "test" });
	stage->preparer = preparer_new(&(struct preparer_options){ .kube = stage->rig.kube,
			.events = stage->events,
			.images = stage,
			.find = find,
			.fetch = fetch,
			.ctx = stage,
			.again = on_again });
	preparer_use(stage->preparer, stage->catalog, NULL);
}

static inline void end(struct stage *stage)
{
	come(stage);
	preparer_free(stage->preparer);
	events_free(stage->events);
	rig_stop(&stage->rig);
	catalog_unref(stage->catalog);
	json_decref(stage->objects);
	buf_clear(&stage->log);
	buf_clear(&stage->told);
	buf_clear(&stage->sent);
}

/* The key under which such a pod waits. */
static inline void key_of(struct stage *stage, const char *more, char out[static AGENT_KEY_LEN + 1])
{
	auto_json json_t *pod = replica("x2x9k", more);
	struct pod_view view = view_of(pod);
	auto_decision struct decision d;

	decision_init(&d);
	decide_lift(stage->catalog, &view, &d);
	assert_true(d.unprepared);
	memcpy(out, d.key, sizeof(d.key));
}

static inline void add(struct stage *stage, const char *suffix, const char *more)
{
	auto_free char *pod = xasprintf("web-5d4f8c7b9-%s", suffix), *uid = xasprintf("uid-%s", suffix);
	char key[AGENT_KEY_LEN + 1];

	key_of(stage, more, key);
	preparer_add(stage->preparer, "shop", pod, uid, key);
}

static inline bool heard(struct stage *stage, struct buf *log, const char *part)
{
	pthread_mutex_lock(&stage->lock);
	bool found = strstr(buf_text(log), part) != NULL;
	pthread_mutex_unlock(&stage->lock);
	return found;
}

static inline size_t times(struct stage *stage, const char *part)
{
	size_t count = 0;

	pthread_mutex_lock(&stage->lock);
	for (const char *at = buf_text(&stage->log); (at = strstr(at, part)); at++)
		count++;
	pthread_mutex_unlock(&stage->lock);
	return count;
}

#endif
