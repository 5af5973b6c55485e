/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/serve.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/own.h"
#include "base/signals.h"
#include "crypto/cert.h"
#include "net/listen.h"
#include "net/server.h"
#include "webhook/follower.h"
#include "webhook/handoff.h"
#include "webhook/settings.h"
#include "webhook/tally.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define MAX_BODY        (7 << 20) /* a review of an object and its old form */
#define MAX_CONNECTIONS 512
#define IDLE_SECONDS    120
#define CERT_MAX        65536
#define FILES_EVERY     10 /* seconds between looks at certificate files */

enum { ADMISSION, HEALTH };

struct app {
	const struct settings *settings;
	struct server *server;
	struct follower *follower;
	struct handoff handoff;
	struct catalog *catalog; /* in force in this thread */
	struct review_env env;
	struct tally tally;
	bool draining;
	bool serving; /* there is a certificate */
	int64_t not_after;
	struct timespec cert_mtime;                                     /* of the files last read */
	char admission[LISTEN_ADDRESS_MAX], health[LISTEN_ADDRESS_MAX]; /* addresses of the listeners */
	struct server_listener listeners[2];
	struct server_options options;
	int timer; /* timerfd: drain deadline, or looks at the certificate files */
};

/* ---- requests ----------------------------------------------------------------------------------------------- */

static void answer(struct app *app, enum review_path path, const struct server_request *request,
		struct server_reply *reply)
{
	int64_t began = clock_mono(&clock_real);
	struct review_result result;

	if (!app->catalog) {
		app->tally.not_ready++;
		server_fail(reply, 503, "the profiles are not read yet");
		return;
	}
	app->env.catalog = app->catalog;
	review(&app->env, path, request->body, &result, &reply->body);
	if (result.status != 200) {
		auto_free char *why = buf_take(&reply->body);
		server_fail(reply, result.status, "%s", why);
	}
	tally_review(&app->tally, path, &result, clock_mono(&clock_real) - began);
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
	else if (!app->catalog)
		say(reply, 503, "the profiles are not read yet\n");
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

/* The follower has something. */
static void on_wake(void *ctx)
{
	struct app *app = ctx;
	struct buf cert = BUF_MAX(CERT_MAX);
	auto_secret struct secret key = SECRET_NONE;
	struct catalog *catalog = handoff_take_catalog(&app->handoff);

	if (catalog) {
		catalog_unref(app->catalog);
		app->catalog = catalog;
	}
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
		server_stop(app->server);
		return;
	}
	look_at_files(app);
	set_timer(app, FILES_EVERY);
}

static void on_signal(void *ctx, int fd)
{
	struct app *app = ctx;

	if (!signals_take(fd))
		return;
	/* a second signal, or no time to drain: at once */
	if (app->draining || !app->settings->drain_seconds) {
		server_stop(app->server);
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
	if (server_watch(app->server, signals, on_signal, app, err) < 0)
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

int serve(const struct settings *settings, struct err *err)
{
	struct app app = { .settings = settings, .env = { .controller_user = settings->controller_user } };
	auto_fd int signals = signals_open(err);

	if (signals < 0)
		return -1;
	app.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (app.timer < 0)
		return err_errno(err, ERR_IO, "cannot make a timer");
	handoff_init(&app.handoff);
	int done = run(&app, signals, err);
	follower_stop(app.follower);
	server_free(app.server);
	close(app.timer);
	catalog_unref(app.catalog);
	handoff_clear(&app.handoff);
	return done;
}
