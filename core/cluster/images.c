/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/images.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/own.h"
#include "cluster/connect.h"
#include "cluster/logins.h"
#include "kube/client.h"
#include "kube/config.h"

#include <stdlib.h>

#define GET_TIMEOUT 5000 /* ms: a fetch waits for it, and a review for the fetch */
#define GET_TRIES   2
#define OBJECT_MAX  (2U << 20) /* a Secret's data has 1 MiB */

struct images {
	struct kube_config *config;
	struct kube *kube;
	char *namespace, *user_agent;
	struct logins *logins;
	struct facts *facts;
};

/* logins_options.get: one thread at a time. */
static int get_object(void *ctx, const char *namespace, const char *plural, const char *name, json_t **out,
		struct err *err)
{
	struct images *images = ctx;
	auto_buf struct buf path = BUF_MAX(KUBE_PATH_MAX);
	const struct kube_ref ref = { .api = "v1", .namespace = namespace, .plural = plural, .name = name };

	if (kube_path(&path, &ref, err) < 0) {
		/* the pod's own words: there is no such thing */
		if (err)
			err->kind = ERR_NOT_FOUND;
		return -1;
	}
	const struct kube_request request = { .method = "GET",
		.path = buf_text(&path),
		.max_body = OBJECT_MAX,
		.timeout = GET_TIMEOUT,
		.tries = GET_TRIES };
	return kube_call(images->kube, &request, out, err);
}

/* Half of the threads may be at hosts that nobody named: one slow registry beside these leaves some for others. */
static unsigned per_host(int64_t threads)
{
	int64_t share = threads * 3 / 8;

	return (unsigned)(share < 1 ? 1 : share < IMAGES_PER_HOST ? share : IMAGES_PER_HOST);
}

static int images_open(struct images *images, const struct images_options *given, struct err *err)
{
	images->user_agent = xasprintf("cocoon-%s/" COCOON_VERSION, given->program);
	if (connect_config(given->connect, &clock_real, &images->config, err) < 0)
		return -1;
	images->kube = kube_new(&(struct kube_options){ .config = images->config,
						.clock = &clock_real,
						.user_agent = images->user_agent },
			err);
	if (!images->kube)
		return -1;
	images->namespace =
			xstrdup(given->namespace ? given->namespace : kube_config_namespace(images->config));
	images->logins = logins_new(&(struct logins_options){ .clock = &clock_real,
			.namespace = images->namespace,
			.program = given->program,
			.grant = given->grant,
			.ctx = images,
			.get = get_object });
	const struct facts_options options = {
		.clock = &clock_real,
		.user_agent = images->user_agent,
		.max_bytes = (size_t)given->memory << 20,
		.threads = (unsigned)given->threads,
		.per_host = per_host(given->threads),
		.guard = true,
		.auth_file = given->auth_file,
		.ctx = images->logins,
		.logins = logins_find,
	};
	return facts_new(&options, &images->facts, err);
}

int images_new(const struct images_options *options, struct images **out, struct err *err)
{
	struct images *images = xcalloc(1, sizeof(*images));

	if (images_open(images, options, err) < 0) {
		images_free(images);
		return -1;
	}
	*out = images;
	return 0;
}

void images_free(struct images *images)
{
	if (!images)
		return;
	/* fetches may wait for it, and the end waits for fetches */
	if (images->logins)
		logins_end(images->logins);
	facts_free(images->facts);
	logins_free(images->logins);
	kube_free(images->kube);
	kube_config_free(images->config);
	free(images->namespace);
	free(images->user_agent);
	free(images);
}

enum facts_found images_find(void *ctx, const struct image_want *want, int64_t max_age,
		struct image_facts **out, struct err *why)
{
	struct images *images = ctx;
	enum facts_found found = facts_find(images->facts, want, max_age, out, why);

	if (found == FACTS_FAILURE)
		logins_remark(images->logins, want, why);
	return found;
}

void images_fetch(void *ctx, const struct image_want *want, int64_t max_age, void (*done)(void *ctx),
		void *done_ctx)
{
	struct images *images = ctx;

	facts_fetch(images->facts, want, max_age, done, done_ctx);
}

struct facts_counts images_counts(struct images *images)
{
	return facts_counts(images->facts);
}

void images_format(const struct facts_counts *counts, struct buf *out)
{
	const struct {
		const char *labels;
		uint64_t value;
	} events[] = { { "event=\"hit\"", counts->hits }, { "event=\"miss\"", counts->misses },
		{ "event=\"shared\"", counts->shared }, { "event=\"failure\"", counts->failures },
		{ "event=\"evicted\"", counts->evicted }, { "event=\"throttled\"", counts->throttled } };

	metric_head(out, "cocoon_facts_total", "counter", "What became of questions about images.");
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		metric_count(out, "cocoon_facts_total", events[i].labels, events[i].value);
	metric_head(out, "cocoon_facts_images", "gauge", "Images of which facts are kept.");
	metric_count(out, "cocoon_facts_images", "", counts->images);
	metric_head(out, "cocoon_facts_bytes", "gauge", "Memory of these facts.");
	metric_count(out, "cocoon_facts_bytes", "", counts->bytes);
	metric_head(out, "cocoon_facts_fetches", "gauge", "Images that are asked for at this moment.");
	metric_count(out, "cocoon_facts_fetches", "state=\"waiting\"", counts->waiting);
	metric_count(out, "cocoon_facts_fetches", "state=\"running\"", counts->running);
}
