/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_server_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS     64
#define CONNECTIONS_MAX 1000
#define BEGIN_TIMEOUT   10000
#define CALL_TIMEOUT    60000
#define IDLE_TIMEOUT    300000
#define FAREWELL        CLOCK_SECOND
#define ACCEPT_REST     (CLOCK_SECOND / 10)
#define MILLISECOND     (CLOCK_SECOND / 1000)
/* read from one connection before the others get their turn */
#define READ_CHUNK      16384

struct connection {
	int fd;
	struct grpc_session *session;
	int64_t accepted;
	int64_t busy; /* when it last had a call, or was accepted */
	bool stuck;   /* there is output that the socket does not take: nothing more is read meanwhile */
	bool over;
};

struct grpc_server {
	struct grpc_server_options options;
	struct grpc_service service;
	struct grpc_listener listener;
	size_t budget;
	struct connection *items;
	size_t count;
	int64_t rest; /* until then nobody is accepted */
	bool farewell;
};

/* ---- life ---------------------------------------------------------------------------------------------- */

static int or_default(int given, int otherwise)
{
	return given > 0 ? given : otherwise;
}

int grpc_server_open(const struct grpc_server_options *options, struct grpc_server **out, struct err *err)
{
	auto_grpc_server struct grpc_server *self = xcalloc(1, sizeof(*self));

	self->options = *options;
	self->options.begin_timeout = or_default(options->begin_timeout, BEGIN_TIMEOUT);
	self->options.call_timeout = or_default(options->call_timeout, CALL_TIMEOUT);
	self->options.idle_timeout = or_default(options->idle_timeout, IDLE_TIMEOUT);
	if (!options->connections || options->connections > CONNECTIONS_MAX)
		self->options.connections = CONNECTIONS;
	self->budget = GRPC_BUDGET;
	self->service = (struct grpc_service){ .methods = options->methods,
		.ctx = options->ctx,
		.clock = options->clock,
		.budget = &self->budget };
	self->items = xcalloc(self->options.connections, sizeof(*self->items));
	self->listener = (struct grpc_listener)GRPC_LISTENER_NONE;
	if (grpc_listen(&self->listener, options->listen, options->allow_remote, err) < 0)
		return -1;
	*out = take(&self);
	return 0;
}

static void connection_clear(struct connection *connection)
{
	grpc_session_free(connection->session);
	own_close(&connection->fd);
}

void grpc_server_free(struct grpc_server *self)
{
	if (!self)
		return;
	for (size_t i = 0; i < self->count; i++)
		connection_clear(&self->items[i]);
	free(self->items);
	grpc_listener_clear(&self->listener);
	free(self);
}

const char *grpc_server_address(const struct grpc_server *self)
{
	return self->listener.address;
}

size_t grpc_server_connections(const struct grpc_server *self)
{
	return self->count;
}

/* ---- one connection ------------------------------------------------------------------------------------ */

static void write_some(struct connection *connection)
{
	struct span pending = SPAN_NONE;

	connection->stuck = false;
	for (;;) {
		if (grpc_session_pending(connection->session, &pending, NULL) < 0) {
			connection->over = true;
			return;
		}
		if (!pending.len)
			break;
		ssize_t n = send(connection->fd, pending.ptr, pending.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			connection->stuck = errno == EAGAIN;
			connection->over = !connection->stuck;
			return;
		}
		grpc_session_sent(connection->session, (size_t)n);
	}
	connection->over = connection->over || grpc_session_is_over(connection->session);
}

static void read_some(struct connection *connection)
{
	char chunk[READ_CHUNK / 2];
	ssize_t n = recv(connection->fd, chunk, sizeof(chunk), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* what is pending after a failure is why we hang up, and is still told */
	bool good = n > 0 && grpc_session_feed(connection->session, span_new(chunk, (size_t)n), NULL) == 0;
	explicit_bzero(chunk, sizeof(chunk));
	write_some(connection);
	connection->over = connection->over || !good;
}

/* When its patience ends. */
static int64_t deadline(const struct grpc_server *self, const struct connection *connection)
{
	int64_t began = 0;

	if (!grpc_session_has_begun(connection->session))
		return connection->accepted + self->options.begin_timeout * MILLISECOND;
	if (grpc_session_oldest(connection->session, &began))
		return began + self->options.call_timeout * MILLISECOND;
	return connection->busy + self->options.idle_timeout * MILLISECOND;
}

static void serve(struct grpc_server *self, struct connection *connection, short events)
{
	int64_t scrap = 0;

	if (events & POLLOUT)
		write_some(connection);
	if (!connection->over && events & (POLLIN | POLLHUP | POLLERR))
		read_some(connection);
	if (grpc_session_oldest(connection->session, &scrap))
		connection->busy = clock_mono(self->options.clock);
}

/* ---- all connections ----------------------------------------------------------------------------------- */

static void drop(struct grpc_server *self, size_t index)
{
	connection_clear(&self->items[index]);
	self->items[index] = self->items[--self->count];
}

/* The connection that has had no call for the longest time goes; false when all have one. */
static bool evict(struct grpc_server *self)
{
	size_t victim = self->count;
	int64_t scrap = 0;

	for (size_t i = 0; i < self->count; i++)
		if (!grpc_session_oldest(self->items[i].session, &scrap) &&
				(victim == self->count || self->items[i].busy < self->items[victim].busy))
			victim = i;
	if (victim == self->count)
		return false;
	grpc_session_shutdown(self->items[victim].session);
	write_some(&self->items[victim]);
	drop(self, victim);
	return true;
}

static void accept_one(struct grpc_server *self)
{
	auto_fd int fd = accept4(self->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int on = 1;

	/* out of descriptors: what waits in the queue would wake us at once again */
	if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED && !evict(self))
		self->rest = clock_mono(self->options.clock) + ACCEPT_REST;
	if (fd < 0 || (self->count == self->options.connections && !evict(self)))
		return;
	if (!self->listener.local.path)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct connection connection = { .session = grpc_session_new(&self->service, NULL) };
	if (!connection.session)
		return;
	connection.fd = take_fd(&fd);
	connection.accepted = connection.busy = clock_mono(self->options.clock);
	self->items[self->count++] = connection;
	write_some(&self->items[self->count - 1]);
}

static int wait_for(struct grpc_server *self, struct pollfd *fds, int timeout, int extra_fd, struct err *err)
{
	int64_t now = clock_mono(self->options.clock);

	fds[0] = (struct pollfd){ .fd = extra_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = self->farewell || now < self->rest ? -1 : self->listener.fd,
		.events = POLLIN };
	if (now < self->rest && (timeout < 0 || timeout > ACCEPT_REST / MILLISECOND))
		timeout = ACCEPT_REST / MILLISECOND;
	for (size_t i = 0; i < self->count; i++) {
		const struct connection *at = &self->items[i];
		int64_t left = (deadline(self, at) - now + MILLISECOND - 1) / MILLISECOND;
		fds[2 + i] = (struct pollfd){ .fd = at->fd, .events = at->stuck ? POLLOUT : POLLIN };
		left = left < 0 ? 0 : left;
		timeout = timeout < 0 || left < timeout ? (int)left : timeout;
	}
	if (poll(fds, 2 + self->count, timeout) >= 0)
		return 0;
	for (size_t i = 0; i < 2 + self->count; i++)
		fds[i].revents = 0;
	return errno == EINTR ? 0 : err_errno(err, ERR_IO, "waiting for callers");
}

/* Ends what is over or has taken too long. From the back: a dropped one is replaced by the last. */
static void clean_up(struct grpc_server *self)
{
	int64_t now = clock_mono(self->options.clock);

	for (size_t i = self->count; i-- > 0;) {
		struct connection *at = &self->items[i];
		if (!at->over && deadline(self, at) <= now) {
			grpc_session_shutdown(at->session);
			write_some(at);
			at->over = true;
		}
		if (at->over)
			drop(self, i);
	}
}

int grpc_server_turn(struct grpc_server *self, int timeout, int extra_fd, bool *extra_ready, struct err *err)
{
	auto_free struct pollfd *fds = xcalloc(2 + self->count, sizeof(*fds));
	size_t known = self->count;

	if (wait_for(self, fds, timeout, extra_fd, err) < 0)
		return -1;
	*extra_ready = fds[0].revents != 0;
	for (size_t i = 0; i < known; i++)
		if (fds[2 + i].revents)
			serve(self, &self->items[i], fds[2 + i].revents);
	clean_up(self);
	if (fds[1].revents)
		accept_one(self);
	return 0;
}

int grpc_server_run(struct grpc_server *self, int stop_fd, struct err *err)
{
	bool stop = false;

	while (!stop)
		if (grpc_server_turn(self, -1, stop_fd, &stop, err) < 0)
			return -1;
	self->farewell = true;
	for (size_t i = 0; i < self->count; i++) {
		grpc_session_shutdown(self->items[i].session);
		write_some(&self->items[i]);
	}
	int64_t end = clock_mono(self->options.clock) + FAREWELL;
	clean_up(self);
	while (self->count && clock_mono(self->options.clock) < end)
		if (grpc_server_turn(self, (int)(FAREWELL / MILLISECOND / 10), -1, &stop, err) < 0)
			return -1;
	return 0;
}
