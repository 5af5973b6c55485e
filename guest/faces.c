/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/faces.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "guest/privileges.h"
#include "net/grpc_server.h"
#include "net/listen.h"
#include "net/local.h"
#include "net/server.h"
#include "net/ttrpc_server.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define REST_IDLE_S 60

struct face {
	const char *name;
	const char *address;
	struct faces *all;
	struct ttrpc_server *ttrpc;
	struct grpc_server *grpc;
	struct server *rest;
	struct server_listener listener;
	char rest_address[LISTEN_ADDRESS_MAX];
	pthread_t thread;
	bool runs;
	int result;
	struct err failure;
};

struct faces {
	struct faces_options options;
	struct face items[FACES];
	int stop;  /* readable: all servers end */
	int ended; /* readable: one of them has ended by itself */
};

static const char *const names[FACES] = { "attestation agent", "hub", "rest", "attestation agent (grpc)",
	"hub (grpc)", "key provider (grpc)" };

static const struct server_route routes[] = { { .path = "/", .handle = rest_handle } };

/* ---- opening ------------------------------------------------------------------------------------------- */

static int open_ttrpc(struct face *face, const struct grpc_method *methods, struct workers *workers,
		struct err *err)
{
	const struct faces_options *all = &face->all->options;
	const char *path = local_path(face->address), *slash = path ? strrchr(path, '/') : NULL;
	const struct ttrpc_server_options options = { .listen = face->address,
		.mode = all->mode,
		.methods = methods,
		.ctx = all->ttrpc,
		.workers = workers,
		.clock = &clock_real };

	if (!slash)
		return err_set(err, ERR_USAGE, "'%s' must be unix:///PATH", face->address);
	if (slash > path) {
		/* the folder stays ours: others' files are in it, too */
		const struct identity ours = { .name = NULL };
		auto_free char *folder = xmemdup0(path, (size_t)(slash - path));
		if (identity_folder(&ours, folder, 0755, err) < 0)
			return -1;
	}
	if (ttrpc_server_open(&options, &face->ttrpc, err) < 0)
		return -1;
	return identity_own(all->owner, path, err);
}

static int open_grpc(struct face *face, const struct grpc_method *methods, struct err *err)
{
	const struct faces_options *all = &face->all->options;
	const char *path = local_path(face->address);
	const struct grpc_server_options options = {
		.listen = face->address, .methods = methods, .ctx = all->grpc, .clock = &clock_real
	};

	if (grpc_server_open(&options, &face->grpc, err) < 0)
		return -1;
	return path ? identity_own(all->owner, path, err) : 0;
}

static int open_rest(struct face *face, struct err *err)
{
	const struct faces_options *all = &face->all->options;
	struct server_listener *listener = &face->listener;

	if (listen_parse(face->address, face->rest_address, &listener->port, err) < 0)
		return -1;
	/* whoever reaches it is taken for an application of this guest */
	if (!listen_is_loopback(face->rest_address))
		return err_set(err, ERR_USAGE, "'%s' is no address of loopback: 127.0.0.1:8006 or [::1]:8006",
				face->address);
	listener->address = face->rest_address;
	listener->routes = routes;
	listener->route_count = 1;
	const struct server_options options = { .listeners = listener,
		.listener_count = 1,
		.max_body = REST_BODY_MAX,
		.max_connections = FACES_CONNECTIONS,
		.idle_timeout_s = REST_IDLE_S,
		.ctx = all->rest };
	face->rest = server_new(&options, err);
	return face->rest ? 0 : -1;
}

static int open_face(struct face *face, enum face_kind kind, struct err *err)
{
	switch (kind) {
	case FACE_AGENT:
		return open_ttrpc(face, services_agent, face->all->options.agent_workers, err);
	case FACE_HUB:
		return open_ttrpc(face, services_hub, face->all->options.hub_workers, err);
	case FACE_REST:
		return open_rest(face, err);
	case FACE_AGENT_GRPC:
		return open_grpc(face, services_agent, err);
	case FACE_HUB_GRPC:
		return open_grpc(face, services_hub, err);
	case FACE_KEYPROVIDER_GRPC:
		return open_grpc(face, services_keyprovider, err);
	case FACES:
		break;
	}
	return err_set(err, ERR_BUG, "no such face");
}

void faces_free(struct faces *faces)
{
	if (!faces)
		return;
	for (size_t i = 0; i < FACES; i++) {
		ttrpc_server_free(faces->items[i].ttrpc);
		grpc_server_free(faces->items[i].grpc);
		server_free(faces->items[i].rest);
	}
	own_close(&faces->stop);
	own_close(&faces->ended);
	free(faces);
}

int faces_open(const struct faces_options *options, struct faces **out, struct err *err)
{
	auto_faces struct faces *faces = xcalloc(1, sizeof(*faces));

	faces->options = *options;
	faces->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	faces->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (faces->stop < 0 || faces->ended < 0)
		return err_errno(err, ERR_IO, "eventfd");
	for (int i = 0; i < FACES; i++) {
		struct face *face = &faces->items[i];
		face->name = names[i];
		face->all = faces;
		face->address = options->addresses[i];
		if (face->address && open_face(face, (enum face_kind)i, err) < 0)
			return err_wrap(err, "%s at '%s'", face->name, face->address);
	}
	*out = take(&faces);
	return 0;
}

/* ---- serving ------------------------------------------------------------------------------------------- */

static void *serve(void *ctx)
{
	struct face *face = ctx;

	if (face->ttrpc)
		face->result = ttrpc_server_run(face->ttrpc, face->all->stop, &face->failure);
	else if (face->grpc)
		face->result = grpc_server_run(face->grpc, face->all->stop, &face->failure);
	else
		face->result = server_run(face->rest, &face->failure);
	eventfd_write(face->all->ended, 1);
	return NULL;
}

static void log_place(const struct face *face)
{
	char place[LISTEN_ADDRESS_MAX + 16];

	bool six = strchr(face->rest_address, ':') != NULL;

	snprintf(place, sizeof(place), six ? "[%s]:%u" : "%s:%u", face->rest_address,
			face->rest ? server_port(face->rest, 0) : 0U);
	log_info("serving", "face", face->name, "address",
			face->rest                   ? place
					: face->grpc ? grpc_server_address(face->grpc)
						     : face->address,
			NULL);
}

static int start(struct faces *faces, struct err *err)
{
	for (size_t i = 0; i < FACES; i++) {
		struct face *face = &faces->items[i];
		if (!face->address)
			continue;
		int failed = pthread_create(&face->thread, NULL, serve, face);
		if (failed)
			return err_set(err, ERR_IO, "no thread for %s", face->name);
		face->runs = true;
		log_place(face);
	}
	return 0;
}

static int stop(struct faces *faces, struct err *err)
{
	int result = 0;

	eventfd_write(faces->stop, 1);
	for (size_t i = 0; i < FACES; i++)
		if (faces->items[i].rest && faces->items[i].runs)
			server_stop(faces->items[i].rest);
	for (size_t i = 0; i < FACES; i++) {
		struct face *face = &faces->items[i];
		if (!face->runs)
			continue;
		pthread_join(face->thread, NULL);
		face->runs = false;
		if (face->result < 0 && result == 0)
			result = err_set(err, face->failure.kind, "%s: %s", face->name, face->failure.text);
	}
	return result;
}

int faces_run(struct faces *faces, int stop_fd, struct err *err)
{
	struct pollfd fds[] = { { .fd = stop_fd, .events = POLLIN },
		{ .fd = faces->ended, .events = POLLIN } };

	if (start(faces, err) < 0) {
		(void)stop(faces, NULL);
		return -1;
	}
	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			break;
	return stop(faces, err);
}
