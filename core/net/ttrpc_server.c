/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc_server_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define CONNECTIONS     256
#define CONNECTIONS_MAX 10000
#define CALL_TIMEOUT    60000
#define BACKLOG         1024
#define ACCEPT_BURST    64
#define FAREWELL        CLOCK_SECOND
#define ACCEPT_REST     (CLOCK_SECOND / 10)
#define MILLISECOND     (CLOCK_SECOND / 1000)
/* what is polled before the connections: stop, wake, the socket */
#define OTHER_FDS       3

/* ---- life ---------------------------------------------------------------------------------------------- */

int ttrpc_server_open(const struct ttrpc_server_options *options, struct ttrpc_server **out, struct err *err)
{
	const char *path = local_path(options->listen);

	if (!path)
		return err_set(err, ERR_USAGE, "'%.200s' is no address of a ttrpc server; write unix:///PATH",
				options->listen);
	if (options->connections > CONNECTIONS_MAX || options->call_timeout < 0 || options->idle_timeout < 0)
		return err_set(err, ERR_USAGE, "at most %d connections, and no timeout below 0",
				CONNECTIONS_MAX);
	auto_ttrpc_server struct ttrpc_server *self = xcalloc(1, sizeof(*self));
	self->options = *options;
	self->options.connections = options->connections ? options->connections : CONNECTIONS;
	self->options.call_timeout = options->call_timeout ? options->call_timeout : CALL_TIMEOUT;
	self->budget = TTRPC_BUDGET;
	self->conns = xcalloc(self->options.connections, sizeof(struct ttrpc_conn *));
	self->local = (struct local)LOCAL_NONE;
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->all_done, NULL);
	self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (self->wake < 0)
		return err_errno(err, ERR_IO, "opening a descriptor");
	if (local_listen(&self->local, path, options->mode ? options->mode : 0600, BACKLOG, err) < 0)
		return -1;
	*out = take(&self);
	return 0;
}

void ttrpc_server_free(struct ttrpc_server *self)
{
	if (!self)
		return;
	pthread_mutex_lock(&self->lock);
	while (self->running)
		pthread_cond_wait(&self->all_done, &self->lock);
	pthread_mutex_unlock(&self->lock);
	ttrpc_replies_take(self);
	for (size_t i = 0; i < self->count; i++) {
		ttrpc_conn_close(self, self->conns[i]);
		ttrpc_conn_free(self->conns[i]);
	}
	free(self->conns);
	local_clear(&self->local);
	own_close(&self->wake);
	pthread_cond_destroy(&self->all_done);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

/* ---- who comes and goes -------------------------------------------------------------------------------- */

/* The connection that has had no call for the longest time goes; false when all have one. */
static bool evict(struct ttrpc_server *self)
{
	size_t victim = self->count;

	for (size_t i = 0; i < self->count; i++)
		if (ttrpc_conn_is_idle(self->conns[i]) &&
				(victim == self->count || self->conns[i]->busy < self->conns[victim]->busy))
			victim = i;
	if (victim == self->count)
		return false;
	ttrpc_conn_close(self, self->conns[victim]);
	ttrpc_conn_free(self->conns[victim]);
	self->conns[victim] = self->conns[--self->count];
	return true;
}

/* False when there is nobody else to accept now. */
static bool accept_one(struct ttrpc_server *self)
{
	auto_fd int fd = accept4(self->local.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int64_t now = clock_mono(self->options.clock);

	if (fd < 0) {
		/* out of descriptors: what waits in the queue would wake us at once again */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR && !evict(self))
			self->rest = now + ACCEPT_REST;
		return false;
	}
	if (self->count == self->options.connections && !evict(self))
		return true;
	self->conns[self->count++] = ttrpc_conn_new(take_fd(&fd), now);
	return true;
}

static void accept_some(struct ttrpc_server *self)
{
	for (int i = 0; i < ACCEPT_BURST && accept_one(self); i++)
		continue;
}

/* Ends what is over or has taken too long. From the back: one that goes is replaced by the last. */
static void clean_up(struct ttrpc_server *self)
{
	int64_t now = clock_mono(self->options.clock);

	for (size_t i = self->count; i-- > 0;) {
		struct ttrpc_conn *at = self->conns[i];
		bool done = self->farewell && ttrpc_conn_is_idle(at);
		if (at->over || done || ttrpc_conn_deadline(self, at) <= now)
			ttrpc_conn_close(self, at);
		if (!at->over || at->calls)
			continue;
		ttrpc_conn_free(at);
		self->conns[i] = self->conns[--self->count];
	}
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static struct pollfd wish(const struct ttrpc_server *self, const struct ttrpc_conn *conn)
{
	struct pollfd fd = { .fd = conn->fd, .events = 0 };

	if (!self->farewell && ttrpc_conn_listens(conn))
		fd.events |= POLLIN;
	if (conn->first)
		fd.events |= POLLOUT;
	return fd;
}

/* Milliseconds until the time, at most `most`; -1 stands for ever. */
static int until(int64_t time, int64_t now, int most)
{
	if (time == INT64_MAX)
		return most;
	int64_t left = time <= now ? 0 : (time - now + MILLISECOND - 1) / MILLISECOND;
	if (left > INT32_MAX)
		left = INT32_MAX;
	return most < 0 || left < most ? (int)left : most;
}

static int wait_for(struct ttrpc_server *self, struct pollfd *fds, int64_t end, int stop_fd, struct err *err)
{
	int64_t now = clock_mono(self->options.clock);
	bool resting = now < self->rest;
	int timeout = until(end, now, -1);

	if (resting)
		timeout = until(self->rest, now, timeout);
	fds[0] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = self->wake, .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = self->farewell || resting ? -1 : self->local.fd, .events = POLLIN };
	for (size_t i = 0; i < self->count; i++) {
		fds[OTHER_FDS + i] = wish(self, self->conns[i]);
		timeout = until(ttrpc_conn_deadline(self, self->conns[i]), now, timeout);
	}
	if (poll(fds, OTHER_FDS + self->count, timeout) >= 0)
		return 0;
	for (size_t i = 0; i < OTHER_FDS + self->count; i++)
		fds[i].revents = 0;
	return errno == EINTR ? 0 : err_errno(err, ERR_IO, "waiting for callers");
}

static void serve(struct ttrpc_server *self, struct ttrpc_conn *conn, const struct pollfd *fd)
{
	if (fd->revents & POLLOUT)
		ttrpc_conn_write(self, conn);
	if (fd->revents & POLLIN)
		ttrpc_conn_read(self, conn);
	else if (fd->revents & (POLLHUP | POLLERR | POLLNVAL))
		/* nobody will read what there is to say */
		conn->over = true;
}

/* One turn of the loop: until something happens, or the time `end`. */
static int turn(struct ttrpc_server *self, int64_t end, int stop_fd, bool *stop, struct err *err)
{
	auto_free struct pollfd *fds = xcalloc(OTHER_FDS + self->count, sizeof(*fds));
	size_t known = self->count;

	if (wait_for(self, fds, end, stop_fd, err) < 0)
		return -1;
	*stop = fds[0].revents != 0;
	for (size_t i = 0; i < known; i++)
		if (fds[OTHER_FDS + i].revents)
			serve(self, self->conns[i], &fds[OTHER_FDS + i]);
	if (fds[1].revents)
		ttrpc_replies_take(self);
	clean_up(self);
	if (fds[2].revents)
		accept_some(self);
	return 0;
}

int ttrpc_server_run(struct ttrpc_server *self, int stop_fd, struct err *err)
{
	bool stop = false;

	while (!stop)
		if (turn(self, INT64_MAX, stop_fd, &stop, err) < 0)
			return -1;
	self->farewell = true;
	int64_t end = clock_mono(self->options.clock) + FAREWELL;
	clean_up(self);
	while (self->count && clock_mono(self->options.clock) < end)
		if (turn(self, end, -1, &stop, err) < 0)
			return -1;
	return 0;
}
