/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/own.h"
#include "base/signals.h"
#include "cluster/images.h"
#include "crypto/cert.h"
#include "net/listen.h"
#include "net/server.h"
#include "webhook/follower.h"
#include "webhook/handoff.h"
#include "webhook/pending.h"
#include "webhook/report.h"
#include "webhook/settings.h"
#include "webhook/tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define MAX_BODY           (7 << 20) /* a review of an object and its old form */
#define MAX_CONNECTIONS    1024      /* more than wait: who need not wait, and probes, get through */
#define IDLE_SECONDS       120
#define CERT_MAX           65536
#define FILES_EVERY        10  /* seconds between looks at certificate files */
#define MAX_DEFERRED       512 /* reviews that wait for registries */
#define MAX_DEFERRED_BYTES ((size_t)32 << 20)
#define DEADLINE_MAX       (10 * CLOCK_SECOND)
#define DEADLINE_MARGIN    (CLOCK_SECOND / 2) /* for the answer's way back */

enum { ADMISSION, HEALTH };

struct app {
	const struct settings *settings;
	struct server *server;
	struct follower *follower;
	struct handoff handoff;
	struct catalog *catalog; /* in force in this thread */
	struct policy_set *policies;
	struct images *images;
	struct pending *pending;
	struct tally tally;
	bool draining;
	bool serving; /* there is a certificate */
	int64_t not_after;
	struct timespec cert_mtime;                                     /* of the files last read */
	char admission[LISTEN_ADDRESS_MAX], health[LISTEN_ADDRESS_MAX]; /* addresses of the listeners */
	struct server_listener listeners[2];
	struct server_options options;
	int timer;    /* timerfd: drain deadline, or looks at the certificate files */
	int deadline; /* timerfd: when the next review that waits has to be judged */
};

/* ---- requests ----------------------------------------------------------------------------------------------- */

/* When the API server gives up: "?timeout=10s", a duration as Go writes it; minutes are more than enough. */
static int64_t deadline_of(const struct server_request *request, int64_t now)
{
	char text[32], *unit = NULL;
	double number = server_query(request, "timeout", text, sizeof(text)) ? strtod(text, &unit) : 0;
	double seconds = !unit ? 0 : !strcmp(unit, "s") ? number : !strcmp(unit, "ms") ? number / 1000 : 0;
	int64_t whole = DEADLINE_MAX;

	if (seconds > 0 && seconds < 10)
		whole = (int64_t)(seconds * (double)CLOCK_SECOND);
	return now + (whole > 2 * DEADLINE_MARGIN ? whole - DEADLINE_MARGIN : whole / 2);
}

/* The result goes into the reply, the counts, the log. */
static void finish(struct app *app, enum review_path path, const struct review_result *result,
		struct server_reply *reply, int64_t began)
{
	if (result->status != 200) {
		auto_free char *why = buf_take(&reply->body);
		server_fail(reply, result->status, "%s", why);
	}
	if (report_review(&app->handoff, path, result))
		follower_wake(app->follower);
	tally_review(&app->tally, path, result, clock_mono(&clock_real) - began);
}

/* Sets the timer to the next deadline. */
static void set_deadline(struct app *app)
{
	int64_t next = pending_next(app->pending);
	struct itimerspec at = { .it_value = { 0 } };

	if (next != INT64_MAX)
		at.it_value = (struct timespec){ .tv_sec = next / CLOCK_SECOND,
			.tv_nsec = next % CLOCK_SECOND * 1000 + 1 };
	timerfd_settime(app->deadline, TFD_TIMER_ABSTIME, &at, NULL);
}

static void answer(struct app *app, enum review_path path, const struct server_request *request,
		struct server_reply *reply)
{
	int64_t began = clock_mono(&clock_real);
	struct review_result result;

	if (!app->catalog || !app->policies) {
		app->tally.not_ready++;
		server_fail(reply, 503, "the profiles and policies are not read yet");
		return;
	}
	const struct pending_review asked = {
		.path = path,
		.body = request->body,
		.catalog = app->catalog,
		.policies = app->policies,
		.controller_user = app->settings->controller_user,
		.began = began,
		.deadline = deadline_of(request, began),
	};
	struct pending_job *job = pending_ask(app->pending, &asked, &result, &reply->body);
	if (job) {
		pending_keep(app->pending, job, server_defer(request));
		set_deadline(app);
	} else {
		finish(app, path, &result, reply, began);
	}
	review_result_clear(&result);
}

/* The answer to a review that has waited. */
static void on_answer(void *ctx, void *later, const struct pending_review *review,
		struct review_result *result, struct buf *body)
{
	struct app *app = ctx;
	struct server_reply reply;

	server_reply_init(&reply);
	reply.body = *body;
	buf_init(body, reply.body.max);
	finish(app, review->path, result, &reply, review->began);
	server_answer(later, &reply);
}

static void on_ready(void *ctx)
{
	struct app *app = ctx;

	server_wake(app->server);
}

static void on_mutate(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	answer(ctx, REVIEW_MUTATE, request, reply);
}

static void on_validate(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	answer(ctx, REVIEW_VALIDATE, request, reply);
}

static void on_templates(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	answer(ctx, REVIEW_TEMPLATES, request, reply);
}

static void say(struct server_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain";
	buf_puts(&reply->body, text);
}

static void on_healthz(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	(void)ctx;
	(void)request;
	say(reply, 200, "ok\n");
}

static void on_readyz(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	const struct app *app = ctx;

	(void)request;
	if (app->draining)
		say(reply, 503, "draining\n");
	else if (!app->catalog || !app->policies)
		say(reply, 503, "the profiles and policies are not read yet\n");
	else if (!app->serving)
		say(reply, 503, "there is no certificate yet\n");
	else
		say(reply, 200, "ok\n");
}

static void on_metrics(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	struct app *app = ctx;
	struct tally_state state = {
		.catalog = app->catalog,
		.cert_not_after = app->not_after,
		.connections = server_connections(app->server),
		.follow = handoff_counts(&app->handoff),
		.pending = pending_counts(app->pending),
		.verdicts = &app->handoff.verdicts,
		.facts = images_counts(app->images),
		.notices_dropped = handoff_notices_dropped(&app->handoff),
	};

	(void)request;
	reply->content_type = METRICS_TYPE;
	tally_format(&app->tally, &state, &reply->body);
}

static const struct server_route admission_routes[] = {
	{ "POST", "/mutate", "application/json", on_mutate },
	{ "POST", "/validate", "application/json", on_validate },
	{ "POST", "/templates", "application/json", on_templates },
};

static const struct server_route health_routes[] = {
	{ "GET", "/healthz", NULL, on_healthz },
	{ "GET", "/readyz", NULL, on_readyz },
	{ "GET", "/metrics", NULL, on_metrics },
};

/* ---- certificates ------------------------------------------------------------------------------------------- */

static void use_cert(struct app *app, struct span cert, struct span key)
{
	auto_cert_list struct cert_list *chain = NULL;
	char fingerprint[CERT_FINGERPRINT_MAX];
	struct err err = ERR_NONE;

	if (cert_list_parse(cert, &chain, &err) < 0 ||
			server_set_tls(app->server, ADMISSION, cert, key, &err) < 0) {
		log_error("the new certificate is not used", LOG_ERR(&err), NULL);
		return;
	}
	cert_fingerprint(chain, 0, fingerprint);
	app->serving = true;
	app->not_after = cert_not_after(chain, 0);
	handoff_tell_serving(&app->handoff, fingerprint);
	follower_wake(app->follower);
	log_info("certificate in use", "leaf", fingerprint, NULL);
}

/* Files that cert-manager or an admin writes; read again when they changed. */
static void look_at_files(struct app *app)
{
	struct buf cert = BUF_MAX(CERT_MAX);
	auto_secret struct secret key = SECRET_NONE;
	struct stat now;
	struct err err = ERR_NONE;

	if (stat(app->settings->tls_cert, &now) < 0 ||
			(app->serving && !memcmp(&now.st_mtim, &app->cert_mtime, sizeof(now.st_mtim))))
		return;
	if (fs_read(app->settings->tls_cert, &cert, &err) < 0 ||
			secret_read_file(&key, app->settings->tls_key, &err) < 0) {
		log_warn("cannot read the certificate", LOG_ERR(&err), NULL);
	} else {
		app->cert_mtime = now.st_mtim;
		use_cert(app, buf_span(&cert), secret_span(&key));
	}
	buf_clear(&cert);
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */

/* Nobody is kept waiting for an answer. */
static void stop(struct app *app)
{
	pending_end(app->pending);
	server_stop(app->server);
}

/* The follower has something, or facts have come for reviews that wait. */
static void on_wake(void *ctx)
{
	struct app *app = ctx;
	struct buf cert = BUF_MAX(CERT_MAX);
	auto_secret struct secret key = SECRET_NONE;
	struct policy_set *policies = handoff_take_policies(&app->handoff);
	struct catalog *catalog = handoff_take_catalog(&app->handoff);

	if (policies) {
		policy_set_unref(app->policies);
		app->policies = policies;
	}
	if (catalog) {
		catalog_unref(app->catalog);
		app->catalog = catalog;
	}
	pending_turn(app->pending);
	set_deadline(app);
	if (handoff_failed(&app->handoff))
		stop(app);
	if (handoff_take_cert(&app->handoff, &cert, &key))
		use_cert(app, buf_span(&cert), secret_span(&key));
	buf_clear(&cert);
}

static void set_timer(struct app *app, int64_t seconds)
{
	const struct itimerspec at = { .it_value = { .tv_sec = seconds } };

	timerfd_settime(app->timer, 0, &at, NULL);
}

static void on_timer(void *ctx, int fd)
{
	struct app *app = ctx;
	uint64_t fired;

	if (read(fd, &fired, sizeof(fired)) < 0)
		return;
	if (app->draining) {
		stop(app);
		return;
	}
	look_at_files(app);
	set_timer(app, FILES_EVERY);
}

static void on_deadline(void *ctx, int fd)
{
	struct app *app = ctx;
	uint64_t fired;

	if (read(fd, &fired, sizeof(fired)) < 0)
		return;
	pending_expire(app->pending, clock_mono(&clock_real));
	set_deadline(app);
}

static void on_signal(void *ctx, int fd)
{
	struct app *app = ctx;

	if (!signals_take(fd))
		return;
	/* a second signal, or no time to drain: at once */
	if (app->draining || !app->settings->drain_seconds) {
		stop(app);
		return;
	}
	log_info("draining", "seconds", LOG_NUMBER(app->settings->drain_seconds), NULL);
	app->draining = true;
	server_drain(app->server);
	set_timer(app, app->settings->drain_seconds);
}

static int open_server(struct app *app, int signals, struct err *err)
{
	app->listeners[ADMISSION] = (struct server_listener){
		.address = app->admission, .tls = true, .routes = admission_routes, .route_count = 3
	};
	app->listeners[HEALTH] = (struct server_listener){
		.address = app->health, .routes = health_routes, .route_count = 3
	};
	if (listen_parse(app->settings->listen, app->admission, &app->listeners[ADMISSION].port, err) < 0 ||
			listen_parse(app->settings->health_listen, app->health, &app->listeners[HEALTH].port,
					err) < 0)
		return -1;
	app->options = (struct server_options){
		.listeners = app->listeners,
		.listener_count = 2,
		.max_body = MAX_BODY,
		.max_connections = MAX_CONNECTIONS,
		.idle_timeout_s = IDLE_SECONDS,
		.ctx = app,
		.woken = on_wake,
	};
	app->server = server_new(&app->options, err);
	if (!app->server)
		return -1;
	if (server_watch(app->server, signals, on_signal, app, err) < 0 ||
			server_watch(app->server, app->deadline, on_deadline, app, err) < 0)
		return -1;
	return server_watch(app->server, app->timer, on_timer, app, err);
}

static int run(struct app *app, int signals, struct err *err)
{
	if (open_server(app, signals, err) < 0 ||
			follower_start(app->settings, &app->handoff, app->server, &app->follower, err) < 0)
		return -1;
	if (app->settings->tls_cert) {
		look_at_files(app);
		set_timer(app, FILES_EVERY);
	}
	log_info("webhook started", "version", COCOON_VERSION, "admission",
			LOG_NUMBER(server_port(app->server, ADMISSION)), "health",
			LOG_NUMBER(server_port(app->server, HEALTH)), NULL);
	int done = server_run(app->server, err);
	log_info("webhook ends", NULL);
	if (!done && handoff_failed(&app->handoff))
		return err_set(err, ERR_IO, "following the cluster ended");
	return done;
}

/* What the loop needs besides the server; before it. */
static int open_parts(struct app *app, struct err *err)
{
	app->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	app->deadline = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (app->timer < 0 || app->deadline < 0)
		return err_errno(err, ERR_IO, "cannot make a timer");
	const struct settings *s = app->settings;
	const struct images_options images = { .program = "webhook",
		.grant = "manifests/pull-secrets",
		.connect = &s->connect,
		.namespace = s->namespace,
		.memory = s->facts_memory,
		.threads = s->facts_threads,
		.auth_file = s->registry_config };
	if (images_new(&images, &app->images, err) < 0)
		return -1;
	app->pending = pending_new(&(struct pending_options){ .clock = &clock_real,
			.max = MAX_DEFERRED,
			.max_bytes = MAX_DEFERRED_BYTES,
			.ctx = app,
			.images = app->images,
			.find = images_find,
			.fetch = images_fetch,
			.wake = on_ready,
			.answer = on_answer });
	return 0;
}

/* From the threads to what they use: who still fetches wakes the server for reviews that wait. */
static void close_parts(struct app *app)
{
	if (app->pending)
		pending_end(app->pending);
	follower_stop(app->follower);
	images_free(app->images);
	pending_free(app->pending);
	server_free(app->server);
	if (app->timer >= 0)
		close(app->timer);
	if (app->deadline >= 0)
		close(app->deadline);
	catalog_unref(app->catalog);
	policy_set_unref(app->policies);
}

int serve(const struct settings *settings, struct err *err)
{
	struct app app = { .settings = settings, .timer = -1, .deadline = -1 };
	auto_fd int signals = signals_open(err);

	if (signals < 0)
		return -1;
	handoff_init(&app.handoff);
	int done = open_parts(&app, err);
	if (!done)
		done = run(&app, signals, err);
	close_parts(&app);
	handoff_clear(&app.handoff);
	return done;
}
