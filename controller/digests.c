/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/digests.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"
#include "profile/catalog.h"
#include "profile/status.h"

#include <string.h>

#define AT_A_TIME INT64_C(5000)  /* µs of looking */
#define BETWEEN   INT64_C(10000) /* until the next look */

/* One that is written. */
struct errand {
	struct digests *digests;
	char *id; /* NULL: free */
	struct kube_exchange *exchange;
};

struct digests {
	struct kube *kube;
	struct catalog *catalog;
	struct timer tick;
	json_t *known; /* namespace/name → "generation/digest" as it was written */
	size_t at;     /* the next one to be looked at */
	bool again;    /* the catalog has changed since the pass began */
	struct errand errands[DIGESTS_PARALLEL];
};

static void pass(void *ctx);

struct digests *digests_new(struct kube *kube)
{
	struct digests *d = xcalloc(1, sizeof(*d));

	d->kube = kube;
	d->tick = (struct timer){ .fn = pass, .ctx = d };
	d->known = json_object();
	return d;
}

void digests_free(struct digests *d)
{
	if (!d)
		return;
	timer_stop(kube_timers(d->kube), &d->tick);
	for (size_t i = 0; i < DIGESTS_PARALLEL; i++) {
		if (d->errands[i].exchange)
			kube_cancel(d->kube, d->errands[i].exchange);
		free(d->errands[i].id);
	}
	json_decref(d->known);
	free(d);
}

static void come_back(struct digests *d, int64_t wait)
{
	if (d->catalog && !timer_is_set(&d->tick))
		timer_set(kube_timers(d->kube), &d->tick, kube_now(d->kube) + wait);
}

void digests_use(struct digests *d, struct catalog *catalog)
{
	/* a leader between may have written since */
	if (!catalog || !d->catalog)
		json_object_clear(d->known);
	d->catalog = catalog;
	d->again = true;
	if (!catalog)
		timer_stop(kube_timers(d->kube), &d->tick);
	come_back(d, DIGESTS_EVERY);
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static struct errand *free_errand(struct digests *d)
{
	for (size_t i = 0; i < DIGESTS_PARALLEL; i++)
		if (!d->errands[i].id)
			return &d->errands[i];
	return NULL;
}

static void on_written(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct errand *errand = ctx;
	struct digests *d = errand->digests;

	(void)status;
	(void)body;
	errand->exchange = NULL;
	if (failure && failure->kind != ERR_NOT_FOUND) {
		log_warn("cannot write a status", "of", "agentpolicies", "name", errand->id, LOG_ERR(failure),
				NULL);
		json_object_del(d->known, errand->id);
		d->again = true;
		come_back(d, DIGESTS_AGAIN);
	}
	free(take(&errand->id));
}

/* The digest in the forms that evidence has it in. */
static json_t *forms_of(const struct profile *profile, const char *digest_text)
{
	unsigned char digest[DIGEST_MAX];
	const char *hex = strchr(digest_text, ':');

	if (!hex || hex_decode_raw(span_of(hex + 1), digest, digest_size(profile->alg), NULL) < 0)
		return json_array();
	return profile_tee_forms(profile->alg, digest);
}

static void write_it(struct errand *errand, const struct prepared *prepared, const struct profile *profile,
		const char *digest)
{
	auto_json json_t *patch = json_pack("{s:{s:s, s:o, s:I}}", "status", "digest", digest, "teeForms",
			forms_of(profile, digest), "profileGeneration", (json_int_t)profile->generation);
	const struct kube_ref ref = { .api = PROFILE_GROUP,
		.namespace = prepared->namespace,
		.plural = "agentpolicies",
		.name = prepared->name,
		.subresource = "status" };
	auto_buf struct buf path = BUF_MAX(KUBE_PATH_MAX);
	struct err err = ERR_NONE;

	int done = kube_path(&path, &ref, &err);
	const struct kube_request request = {
		.method = "PATCH", .path = buf_text(&path), .content_type = KUBE_MERGE_PATCH, .json = patch
	};
	if (done == 0)
		errand->exchange = kube_start(errand->digests->kube, &request,
				&(struct kube_handler){ errand, on_written }, &err);
	if (!errand->exchange)
		on_written(errand, 0, NULL, &err);
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

static struct profile *profile_of(const struct catalog *catalog, const char *name)
{
	for (size_t i = 0; i < catalog_profile_count(catalog); i++) {
		struct profile *profile = catalog_profile(catalog, i);
		if (!strcmp(profile->name, name))
			return profile->generated && !profile->broken ? profile : NULL;
	}
	return NULL;
}

static void look(struct digests *d, struct errand *errand, struct prepared *prepared)
{
	struct profile *profile = profile_of(d->catalog, prepared->profile);
	struct prepared_print print;

	if (!profile)
		return;
	prepared_print(prepared, profile, &print);
	/* one that makes no document under it any more */
	if (!print.digest_text[0])
		return;
	auto_free char *id = xasprintf("%s/%s", prepared->namespace, prepared->name);
	auto_free char *now = xasprintf("%lld/%s", (long long)profile->generation, print.digest_text);
	const char *known = json_string_value(json_object_get(d->known, id));
	if (known && !strcmp(known, now))
		return;
	json_object_set_new(d->known, id, json_string(now));
	errand->digests = d;
	errand->id = take(&id);
	write_it(errand, prepared, profile, print.digest_text);
}

static void pass(void *ctx)
{
	struct digests *d = ctx;
	int64_t until = kube_now(d->kube) + AT_A_TIME;
	struct errand *errand;

	if (!d->at)
		d->again = false;
	while (d->at < catalog_prepared_count(d->catalog) && kube_now(d->kube) < until &&
			(errand = free_errand(d)))
		look(d, errand, catalog_prepared_at(d->catalog, d->at++));
	if (d->at < catalog_prepared_count(d->catalog)) {
		come_back(d, BETWEEN);
		return;
	}
	d->at = 0;
	/* what is known of those that are gone goes too, now and then */
	if (json_object_size(d->known) > (size_t)2 * PREPARED_MAX)
		json_object_clear(d->known);
	if (d->again)
		come_back(d, DIGESTS_EVERY);
}
