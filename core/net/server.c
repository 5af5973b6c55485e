/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server_own.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdlib.h>

/* A read of this size is one TLS record; a large body comes in as many turns as it has records anyway. */
#define READ_SIZE   (16 * 1024)
/* Descriptors that programs watch, and what the library needs for itself. */
#define OTHER_FDS   24
#define CONNS_MAX   10000
#define LISTENS_MAX 8

void server_global_init(void)
{
	/* the library would write to stderr, where only the program's own lines belong */
	lws_set_log_level(0, NULL);
}

static int options_check(const struct server_options *options, struct err *err)
{
	if (!options->listener_count || options->listener_count > LISTENS_MAX)
		return err_set(err, ERR_USAGE, "a server has 1 to %d listeners", LISTENS_MAX);
	if (!options->max_connections || options->max_connections > CONNS_MAX)
		return err_set(err, ERR_USAGE, "a server takes 1 to %d connections", CONNS_MAX);
	if (options->idle_timeout_s <= 0)
		return err_set(err, ERR_USAGE, "a server needs an idle timeout");
	for (size_t i = 0; i < options->listener_count; i++) {
		const struct server_listener *listener = &options->listeners[i];
		if (!listener->cert.len != !listener->key.len)
			return err_set(err, ERR_USAGE,
					"a certificate needs its key, and the key its certificate");
		if (listener->cert.len && !listener->tls)
			return err_set(err, ERR_USAGE, "a plain listener has no certificate");
	}
	return 0;
}

static int start(struct server *server, struct err *err)
{
	const struct server_options *options = &server->options;
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
				LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
		.user = server,
		.pt_serv_buf_size = READ_SIZE,
		.fd_limit_per_thread = options->max_connections + LISTENS_MAX + OTHER_FDS,
		/* for the library's own HTTP, which serves nobody here */
		.max_http_header_pool = 1,
		.timeout_secs = (unsigned)options->idle_timeout_s,
	};

	server->lws = lws_create_context(&info);
	if (!server->lws)
		return err_set(err, ERR_IO,
				"the server's loop could not be made: descriptors or memory ran out");
	for (size_t i = 0; i < options->listener_count; i++)
		if (listener_start(&server->listeners[i], err) < 0)
			return -1;
	return 0;
}

struct server *server_new(const struct server_options *options, struct err *err)
{
	if (options_check(options, err) < 0)
		return NULL;
	struct server *server = xcalloc(1, sizeof(*server));
	server->options = *options;
	laters_init(server);
	server->listeners = xcalloc(options->listener_count, sizeof(*server->listeners));
	for (size_t i = 0; i < options->listener_count; i++) {
		server->listeners[i].spec = &options->listeners[i];
		server->listeners[i].server = server;
	}
	if (start(server, err) == 0)
		return server;
	server_free(server);
	return NULL;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server->stopping = true;
	laters_wait(server);
	if (server->lws)
		lws_context_destroy(server->lws);
	laters_clear(server);
	while (server->watches) {
		struct watch *watch = server->watches;
		server->watches = watch->next;
		free(watch);
	}
	free(server->listeners);
	free(server);
}

uint16_t server_port(const struct server *server, size_t listener)
{
	return listener < server->options.listener_count ? server->listeners[listener].port : 0;
}

void server_woken(struct server *server)
{
	laters_take(server);
	if (atomic_exchange(&server->wake_asked, false) && server->options.woken)
		server->options.woken(server->options.ctx);
}

int server_turn(struct server *server, struct err *err)
{
	if (lws_service(server->lws, 0) < 0)
		return err_set(err, ERR_IO, "the server's loop failed");
	return 0;
}

int server_run(struct server *server, struct err *err)
{
	while (!atomic_load(&server->stop_asked))
		if (server_turn(server, err) < 0)
			return -1;
	server->stopping = true;
	for (size_t i = 0; i < server->options.listener_count; i++)
		listener_stop(&server->listeners[i]);
	/* each of them has a deadline, or a thread that answers it */
	while (server->active)
		if (server_turn(server, err) < 0)
			return -1;
	return 0;
}

void server_wake(struct server *server)
{
	atomic_store(&server->wake_asked, true);
	lws_cancel_service(server->lws);
}

void server_stop(struct server *server)
{
	atomic_store(&server->stop_asked, true);
	lws_cancel_service(server->lws);
}

void server_drain(struct server *server)
{
	server->draining = true;
}

bool server_idle(const struct server *server)
{
	return server->active == 0;
}

unsigned server_connections(const struct server *server)
{
	return server->connections;
}
