/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/follower.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "cluster/connect.h"
#include "cluster/rotation.h"
#include "codec/json.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/event.h"
#include "net/server.h"
#include "webhook/handoff.h"
#include "webhook/report.h"
#include "webhook/settings.h"

#include <stdatomic.h>
#include <string.h>

#define LEASE_SECONDS 30
#define RENEW_EVERY   (10 * CLOCK_SECOND)

struct follower {
	const struct settings *settings;
	struct handoff *handoff;
	struct server *server;
	struct kube_config *config;
	struct kube *kube;
	struct follow *follow;
	struct events *events;
	struct watch *secret;
	struct timer renew;
	char *namespace;
	char *lease_path;
	char acknowledged[65];
	char catalog[65];
	char trust[65];
	pthread_t thread;
	atomic_bool stopping;
	bool renewing;
};

/* ---- what the watches bring --------------------------------------------------------------------------------- */

static void log_failure(void *ctx, const char *what, const struct err *why)
{
	(void)ctx;
	log_warn("following the cluster failed for now", "what", what, LOG_ERR(why), NULL);
}

static void renew_soon(struct follower *f)
{
	timer_set(kube_timers(f->kube), &f->renew, kube_now(f->kube));
}

static void on_policies(void *ctx, struct policy_set *set)
{
	struct follower *f = ctx;

	log_info("image policies changed", "policies", LOG_NUMBER((int64_t)set->count), NULL);
	handoff_give_policies(f->handoff, set);
}

/* Comes behind the policies of the same moment. */
static void on_catalog(void *ctx, struct catalog *catalog)
{
	struct follower *f = ctx;
	char before[sizeof(f->catalog)];

	memcpy(before, f->catalog, sizeof(before));
	follow_fingerprint(catalog, follow_policies(f->follow), f->catalog);
	handoff_give_catalog(f->handoff, catalog);
	server_wake(f->server);
	/* else it is about classes, namespaces or agent policies, of which there may be many a second */
	if (!strcmp(before, f->catalog))
		return;
	log_info("catalog changed", "profiles", LOG_NUMBER((int64_t)catalog_profile_count(catalog)),
			"fingerprint", f->catalog, NULL);
	renew_soon(f);
}

/* A member of a Secret's data, decoded. */
static int secret_member(const json_t *secret, const char *key, struct buf *out, struct err *err)
{
	const char *text = json_text_at(secret, "data", key, NULL);

	if (!text)
		return err_set(err, ERR_NOT_FOUND, "the Secret has no '%s' yet", key);
	return b64_decode(span_of(text), out, err);
}

static void on_secret(void *ctx, enum watch_event event, json_t *object)
{
	struct follower *f = ctx;
	struct buf cert = BUF_MAX(65536);
	struct buf plain = BUF_MAX(16384);
	auto_secret struct secret key = SECRET_NONE;
	struct err err = ERR_NONE;

	if (event == WATCH_DELETED)
		return;
	rotation_trust(object, f->trust);
	renew_soon(f);
	if (secret_member(object, "tls.crt", &cert, &err) < 0 ||
			secret_member(object, "tls.key", &plain, &err) < 0 ||
			secret_from_span(&key, buf_span(&plain), &err) < 0) {
		log_warn("no certificate to serve with", "secret", f->settings->secret, LOG_ERR(&err), NULL);
	} else {
		handoff_give_cert(f->handoff, buf_span(&cert), &key);
		server_wake(f->server);
	}
	if (plain.ptr)
		explicit_bzero(plain.ptr, plain.len);
	buf_clear(&plain);
	buf_clear(&cert);
}

static void ignore(void *ctx)
{
	(void)ctx;
}

static void secret_failed(void *ctx, const struct err *failure)
{
	log_failure(ctx, "secret", failure);
}

static int watch_secret(struct follower *f, struct err *err)
{
	struct buf path = BUF_MAX(KUBE_PATH_MAX);
	auto_free char *field = xasprintf("metadata.name=%s", f->settings->secret);
	const struct kube_ref ref = { .api = "v1", .namespace = f->namespace, .plural = "secrets" };
	int done = kube_path(&path, &ref, err);

	if (!done)
		f->secret = watch_start(f->kube,
				&(struct watch_options){
						.path = buf_text(&path),
						.field_selector = field,
						.handler = { f, ignore, on_secret, ignore, secret_failed },
				});
	buf_clear(&path);
	return done;
}

/* ---- this replica's Lease ----------------------------------------------------------------------------------- */

static json_t *lease_object(struct follower *f)
{
	char now[CLOCK_TEXT_MAX];

	clock_format_micro(clock_wall(&clock_real), now);
	auto_free char *verdicts = verdicts_text(&f->handoff->verdicts);
	json_t *said = json_pack("{s:s, s:s, s:s, s:s}", ROTATION_LEAF_ANNOTATION, f->acknowledged,
			ROTATION_TRUST_ANNOTATION, f->trust, FOLLOW_CATALOG_ANNOTATION, f->catalog,
			FOLLOW_VERDICTS_ANNOTATION, verdicts);
	json_t *meta = json_pack("{s:o, s:s, s:{s:s}, s:o}", "name",
			json_sprintf("cocoon-webhook-%s", f->settings->connect.pod_name), "namespace",
			f->namespace, "labels", FOLLOW_COMPONENT_LABEL, "webhook", "annotations", said);
	json_t *spec = json_pack("{s:s, s:i, s:s}", "holderIdentity", f->settings->connect.pod_name,
			"leaseDurationSeconds", LEASE_SECONDS, "renewTime", now);

	return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease",
			"metadata", meta, "spec", spec);
}

static void renewed(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct follower *f = ctx;

	(void)status;
	(void)body;
	f->renewing = false;
	if (failure)
		log_warn("cannot write this replica's Lease", LOG_ERR(failure), NULL);
}

static void renew(void *ctx)
{
	struct follower *f = ctx;
	struct err err = ERR_NONE;

	timer_set(kube_timers(f->kube), &f->renew, kube_now(f->kube) + RENEW_EVERY);
	handoff_serving(f->handoff, f->acknowledged);
	if (f->renewing || !f->acknowledged[0] || !f->catalog[0])
		return;
	auto_json json_t *lease = lease_object(f);
	const struct kube_request request = {
		.method = "PATCH",
		.path = f->lease_path,
		.query = "fieldManager=cocoon-webhook&force=true",
		.content_type = KUBE_APPLY_PATCH,
		.json = lease,
	};
	f->renewing = kube_start(f->kube, &request, &(struct kube_handler){ f, renewed }, &err) != NULL;
	if (!f->renewing)
		log_warn("cannot write this replica's Lease", LOG_ERR(&err), NULL);
}

static void drop_lease(struct follower *f)
{
	const struct kube_request request = {
		.method = "DELETE", .path = f->lease_path, .timeout = 2000, .tries = 1
	};
	struct err err = ERR_NONE;

	/* best effort: a Lease that stays expires */
	if (kube_call(f->kube, &request, NULL, &err) < 0)
		log_debug("the Lease stays behind", LOG_ERR(&err), NULL);
}

/* ---- Events ------------------------------------------------------------------------------------------------- */

static void event_failed(void *ctx, const struct err *failure)
{
	(void)ctx;
	log_warn("an Event about images could not be written", LOG_ERR(failure), NULL);
}

static void emit_notices(struct follower *f)
{
	struct notice *notice;

	while ((notice = handoff_take_notice(f->handoff))) {
		const struct event event = {
			.warning = true,
			.reason = notice->unknown ? "ImageUnknown" : "ImageRefused",
			.action = "Admit",
			.note = notice->note,
			.regarding = { notice->api, notice->kind, notice->namespace, notice->name,
					notice->uid },
		};
		events_emit(f->events, &event);
		notice_free(notice);
	}
}

/* ---- the thread --------------------------------------------------------------------------------------------- */

static void *run(void *ctx)
{
	struct follower *f = ctx;
	struct err err = ERR_NONE;
	char serving[65];

	while (!atomic_load(&f->stopping)) {
		if (kube_turn(f->kube, 5000, NULL, 0, &err) < 0) {
			log_error("the follower cannot go on", LOG_ERR(&err), NULL);
			handoff_tell_failed(f->handoff);
			server_wake(f->server);
			return NULL;
		}
		emit_notices(f);
		handoff_serving(f->handoff, serving);
		if (strcmp(serving, f->acknowledged) != 0)
			renew_soon(f);
		handoff_tell_counts(f->handoff, follow_counts(f->follow));
	}
	drop_lease(f);
	return NULL;
}

static int connect_all(struct follower *f, struct err *err)
{
	const struct settings *s = f->settings;
	struct buf path = BUF_MAX(KUBE_PATH_MAX);

	if (connect_config(&s->connect, &clock_real, &f->config, err) < 0)
		return -1;
	f->namespace = xstrdup(s->namespace ? s->namespace : kube_config_namespace(f->config));
	f->kube = kube_new(&(struct kube_options){ .config = f->config,
					   .clock = &clock_real,
					   .user_agent = "cocoon-webhook/" COCOON_VERSION },
			err);
	if (!f->kube)
		return -1;
	auto_free char *lease = xasprintf("cocoon-webhook-%s", s->connect.pod_name);
	const struct kube_ref ref = {
		.api = "coordination.k8s.io/v1", .namespace = f->namespace, .plural = "leases", .name = lease
	};
	if (kube_path(&path, &ref, err) < 0) {
		buf_clear(&path);
		return -1;
	}
	f->lease_path = buf_take(&path);
	return 0;
}

static int begin(struct follower *f, struct err *err)
{
	if (connect_all(f, err) < 0)
		return -1;
	const struct follow_options options = {
		.kube = f->kube,
		.namespace = f->namespace,
		.config_map = f->settings->config_map,
		.ctx = f,
		.policies = on_policies,
		.changed = on_catalog,
		.failed = log_failure,
	};
	if (follow_start(&options, &f->follow, err) < 0 ||
			(!f->settings->tls_cert && watch_secret(f, err) < 0))
		return -1;
	f->events = events_new(f->kube,
			&(struct events_options){ .controller = "cocoon.dev/webhook",
					.instance = f->settings->connect.pod_name,
					.failed = event_failed });
	f->renew = (struct timer){ .fn = renew, .ctx = f };
	renew_soon(f);
	if (pthread_create(&f->thread, NULL, run, f))
		return err_set(err, ERR_IO, "cannot start a thread");
	return 0;
}

static void release(struct follower *f)
{
	if (f->kube)
		timer_stop(kube_timers(f->kube), &f->renew);
	events_free(f->events);
	watch_stop(f->secret);
	follow_stop(f->follow);
	kube_free(f->kube);
	kube_config_free(f->config);
	free(f->namespace);
	free(f->lease_path);
	free(f);
}

int follower_start(const struct settings *settings, struct handoff *handoff, struct server *server,
		struct follower **out, struct err *err)
{
	struct follower *f = xcalloc(1, sizeof(*f));

	f->settings = settings;
	f->handoff = handoff;
	f->server = server;
	if (begin(f, err) < 0) {
		release(f);
		return -1;
	}
	*out = f;
	return 0;
}

void follower_wake(struct follower *f)
{
	kube_wake(f->kube);
}

void follower_stop(struct follower *f)
{
	if (!f)
		return;
	atomic_store(&f->stopping, true);
	kube_wake(f->kube);
	pthread_join(f->thread, NULL);
	release(f);
}
