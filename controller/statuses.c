/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/statuses.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"
#include "profile/profile.h"

struct statuses {
	struct statuses_options options;
	json_t *known;  /* uid → status as last read or written */
	size_t writing; /* requests under way */
};

/* A request about one object. */
struct errand {
	struct statuses *statuses;
	char *name;
	char *uid;
};

struct statuses *statuses_new(const struct statuses_options *options)
{
	struct statuses *s = xcalloc(1, sizeof(*s));

	s->options = *options;
	s->known = json_object();
	return s;
}

void statuses_free(struct statuses *s)
{
	if (!s)
		return;
	json_decref(s->known);
	free(s);
}

void statuses_forget(struct statuses *s)
{
	json_object_clear(s->known);
}

bool statuses_busy(const struct statuses *s)
{
	return s->writing;
}

/* ---- requests ----------------------------------------------------------------------------------------------- */

static void errand_end(struct errand *errand)
{
	errand->statuses->writing--;
	free(errand->name);
	free(errand->uid);
	free(errand);
}

static void failed(const struct errand *errand, const struct err *why)
{
	log_warn("cannot write a status", "of", errand->statuses->options.plural, "name", errand->name,
			LOG_ERR(why), NULL);
}

static void send(struct statuses *s, const json_t *resource, struct kube_request *request,
		const char *subresource, void (*done)(void *, int, json_t *, const struct err *))
{
	const struct kube_ref ref = { .api = PROFILE_GROUP,
		.plural = s->options.plural,
		.name = json_text_at(resource, "metadata", "name", NULL),
		.subresource = subresource };
	struct errand *errand = xcalloc(1, sizeof(*errand));
	struct buf path = BUF_MAX(KUBE_PATH_MAX);
	struct err err = ERR_NONE;

	*errand = (struct errand){ .statuses = s,
		.name = xstrdup(ref.name),
		.uid = xstrdup(json_text_at(resource, "metadata", "uid", NULL)) };
	s->writing++;
	int bad = kube_path(&path, &ref, &err);
	request->path = buf_text(&path);
	if (bad || !kube_start(s->options.kube, request, &(struct kube_handler){ errand, done }, &err)) {
		failed(errand, &err);
		errand_end(errand);
	}
	buf_clear(&path);
}

static void on_written(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct errand *errand = ctx;
	struct statuses *s = errand->statuses;

	(void)status;
	if (!failure) {
		json_object_set_new(s->known, errand->uid, json_deep_copy(json_object_get(body, "status")));
	} else if (failure->kind != ERR_NOT_FOUND) {
		failed(errand, failure);
		json_object_del(s->known, errand->uid);
		s->options.again(s->options.ctx);
	}
	errand_end(errand);
}

static void on_read(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct errand *errand = ctx;
	struct statuses *s = errand->statuses;
	json_t *now = json_object_get(body, "status");

	(void)status;
	if (!failure)
		json_object_set_new(s->known, errand->uid, now ? json_deep_copy(now) : json_object());
	if (!failure || failure->kind != ERR_NOT_FOUND)
		s->options.again(s->options.ctx);
	errand_end(errand);
}

/* ---- what is known ------------------------------------------------------------------------------------------ */

const json_t *statuses_known(struct statuses *s, const json_t *resource)
{
	const char *uid = json_text_at(resource, "metadata", "uid", NULL);

	if (!uid || !json_text_at(resource, "metadata", "name", NULL))
		return NULL;
	/* what is known of objects that are gone goes too, now and then */
	if (json_object_size(s->known) > 2 * s->options.max)
		json_object_clear(s->known);
	const json_t *known = json_object_get(s->known, uid);
	if (!known)
		send(s, resource, &(struct kube_request){ .method = "GET" }, NULL, on_read);
	return known;
}

/* What a merge patch would change in what is there. */
static bool differs(const json_t *status, const json_t *known)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)status, key, value) {
		const json_t *there = json_object_get(known, key);
		if (json_is_null(value) ? there != NULL : !json_equal(value, there))
			return true;
	}
	return false;
}

void statuses_put(struct statuses *s, const json_t *resource, json_t *status)
{
	auto_json json_t *object = json_pack("{s:o}", "status", status);
	const char *uid = json_text_at(resource, "metadata", "uid", NULL);

	if (!uid || !differs(status, json_object_get(s->known, uid)))
		return;
	struct kube_request request = { .method = "PATCH", .content_type = KUBE_MERGE_PATCH, .json = object };
	send(s, resource, &request, "status", on_written);
}
