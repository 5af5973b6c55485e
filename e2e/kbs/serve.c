/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/serve.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/own.h"
#include "base/signals.h"
#include "crypto/cert.h"
#include "e2e/kbs/broker.h"
#include "e2e/kbs/settings.h"
#include "net/listen.h"
#include "net/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MAX_CONNECTIONS 4096
#define IDLE_SECONDS    60

static void on_signal(void *ctx, int fd)
{
	if (signals_take(fd))
		server_stop(ctx);
}

/* As many connections as are promised, where the system lets us. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= MAX_CONNECTIONS + 64)
		return;
	limit.rlim_cur = limit.rlim_max < MAX_CONNECTIONS + 64 ? limit.rlim_max : MAX_CONNECTIONS + 64;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_debug("the limit of descriptors stays as it is", NULL);
}

static void say_where(const struct server *server, const struct server_listener *listener)
{
	bool six = strchr(listener->address, ':');
	auto_free char *address = xasprintf("http%s://%s%s%s:%u", listener->tls ? "s" : "", six ? "[" : "",
			listener->address, six ? "]" : "", server_port(server, 0));

	log_warn("NOT FOR PRODUCTION: this broker is for development and tests; it proves nothing to anybody",
			NULL);
	log_info("listening", "address", address, NULL);
}

static int run(struct broker *broker, const struct server_listener *listener, struct err *err)
{
	const struct server_options options = { .listeners = listener,
		.listener_count = 1,
		.max_body = BROKER_BODY_MAX,
		.max_connections = MAX_CONNECTIONS,
		.idle_timeout_s = IDLE_SECONDS,
		.ctx = broker };

	auto_fd int signals = signals_open(err);
	if (signals < 0)
		return -1;
	raise_descriptors();
	auto_server struct server *server = server_new(&options, err);
	if (!server || server_watch(server, signals, on_signal, server, err) < 0)
		return -1;
	say_where(server, listener);
	return server_run(server, err);
}

static int listen_on(const struct settings *settings, struct broker *broker, struct err *err)
{
	/* without a method: all; "/" is the beginning of every path */
	static const struct server_route routes[] = { { .path = "/", .handle = broker_handle } };
	auto_buf struct buf cert = BUF_MAX(CERT_PEM_MAX);
	auto_secret struct secret key = SECRET_NONE;
	char address[LISTEN_ADDRESS_MAX];
	struct server_listener listener = {
		.address = address, .tls = settings->cert, .routes = routes, .route_count = 1
	};

	if (listen_parse(settings->listen, address, &listener.port, err) < 0)
		return -1;
	if (!settings->cert && !listen_is_loopback(address))
		return err_set(err, ERR_USAGE,
				"'%s' can be reached from other machines, which takes --cert and --key: "
				"resources are "
				"sealed, administration is not",
				settings->listen);
	if (settings->cert &&
			(fs_read(settings->cert, &cert, err) < 0 ||
					secret_read_file(&key, settings->key, err) < 0))
		return -1;
	listener.cert = buf_span(&cert);
	listener.key = secret_span(&key);
	return run(broker, &listener, err);
}

int broker_run(const struct settings *settings, struct err *err)
{
	struct broker_options options;
	auto_broker struct broker *broker = NULL;
	auto_free char *opa = NULL;

	if (!settings->cert != !settings->key)
		return err_set(err, ERR_USAGE, "--cert and --key go together");
	if (settings_use(settings, &options, &opa, err) < 0 || broker_open(&options, &broker, err) < 0)
		return -1;
	for (size_t i = 0; i < settings->resources.count; i++)
		if (broker_put(broker, settings->resources.items[i], err) < 0)
			return err_wrap(err, "--resource '%s'", settings->resources.items[i]);
	if (!opa)
		log_info("there is no opa: Rego cannot be posted, evidence is appraised by the rules that "
			 "are built in",
				NULL);
	return listen_on(settings, broker, err);
}
