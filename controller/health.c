/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/health.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/own.h"
#include "net/listen.h"
#include "net/server.h"

#include <pthread.h>

#define METRICS_MAX (256 * 1024)

struct health {
	struct server *server;
	struct server_listener listener;
	struct server_options options;
	char address[LISTEN_ADDRESS_MAX];
	pthread_t thread;
	pthread_mutex_t lock;
	/* under the lock */
	struct buf metrics;
	bool ready;
	int64_t alive; /* monotonic */
};

static void say(struct server_reply *reply, bool good, const char *bad)
{
	reply->status = good ? 200 : 503;
	reply->content_type = "text/plain";
	buf_puts(&reply->body, good ? "ok\n" : bad);
}

static void on_healthz(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	struct health *h = ctx;

	(void)request;
	pthread_mutex_lock(&h->lock);
	bool good = clock_mono(&clock_real) - h->alive < HEALTH_STALE * CLOCK_SECOND;
	pthread_mutex_unlock(&h->lock);
	say(reply, good, "the loop does not turn\n");
}

static void on_readyz(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	struct health *h = ctx;

	(void)request;
	pthread_mutex_lock(&h->lock);
	bool good = h->ready;
	pthread_mutex_unlock(&h->lock);
	say(reply, good, "not everything was listed yet\n");
}

static void on_metrics(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	struct health *h = ctx;

	(void)request;
	reply->content_type = METRICS_TYPE;
	pthread_mutex_lock(&h->lock);
	buf_add_span(&reply->body, buf_span(&h->metrics));
	pthread_mutex_unlock(&h->lock);
}

static const struct server_route routes[] = {
	{ "GET", "/healthz", NULL, on_healthz },
	{ "GET", "/readyz", NULL, on_readyz },
	{ "GET", "/metrics", NULL, on_metrics },
};

static void *run(void *ctx)
{
	struct health *h = ctx;
	struct err err = ERR_NONE;

	if (server_run(h->server, &err) < 0)
		log_error("probes are not answered any more", LOG_ERR(&err), NULL);
	return NULL;
}

static int begin(struct health *h, const char *listen, struct err *err)
{
	h->listener = (struct server_listener){
		.address = h->address,
		.routes = routes,
		.route_count = sizeof(routes) / sizeof(routes[0]),
	};
	if (listen_parse(listen, h->address, &h->listener.port, err) < 0)
		return -1;
	h->options = (struct server_options){
		.listeners = &h->listener,
		.listener_count = 1,
		.max_body = 1024,
		.max_connections = 32,
		.idle_timeout_s = 30,
		.ctx = h,
	};
	h->server = server_new(&h->options, err);
	if (!h->server)
		return -1;
	if (pthread_create(&h->thread, NULL, run, h))
		return err_set(err, ERR_IO, "cannot start a thread");
	log_info("probes are answered", "port", LOG_NUMBER(server_port(h->server, 0)), NULL);
	return 0;
}

static void release(struct health *h)
{
	server_free(h->server);
	pthread_mutex_destroy(&h->lock);
	buf_clear(&h->metrics);
	free(h);
}

int health_start(const char *listen, struct health **out, struct err *err)
{
	struct health *h = xcalloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	buf_init(&h->metrics, METRICS_MAX);
	h->alive = clock_mono(&clock_real);
	if (begin(h, listen, err) < 0) {
		release(h);
		return -1;
	}
	*out = h;
	return 0;
}

void health_stop(struct health *h)
{
	if (!h)
		return;
	server_stop(h->server);
	pthread_join(h->thread, NULL);
	release(h);
}

void health_tell(struct health *h, bool ready, struct span metrics)
{
	pthread_mutex_lock(&h->lock);
	h->ready = ready;
	h->alive = clock_mono(&clock_real);
	buf_reset(&h->metrics);
	buf_add_span(&h->metrics, metrics);
	pthread_mutex_unlock(&h->lock);
}
