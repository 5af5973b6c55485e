/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc_server_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MILLISECOND (CLOCK_SECOND / 1000)
/* pieces read from one connection before the others get their turn */
#define READ_BURST  64
#define SKIP_CHUNK  8192
/* Replies that nobody reads, of calls and of what is no call, until no further frame is read. */
#define WAITING_MAX (2 * TTRPC_CALLS_MAX)

struct ttrpc_conn *ttrpc_conn_new(int fd, int64_t now)
{
	struct ttrpc_conn *conn = xcalloc(1, sizeof(*conn));

	conn->fd = fd;
	conn->busy = now;
	buf_init(&conn->data, TTRPC_DATA_MAX);
	return conn;
}

bool ttrpc_conn_is_idle(const struct ttrpc_conn *conn)
{
	return !conn->calls && !conn->waiting;
}

bool ttrpc_conn_listens(const struct ttrpc_conn *conn)
{
	return !conn->ended && conn->waiting < WAITING_MAX;
}

int64_t ttrpc_conn_deadline(const struct ttrpc_server *server, const struct ttrpc_conn *conn)
{
	int64_t patience = server->options.call_timeout * MILLISECOND, at = INT64_MAX;

	if (conn->fd < 0)
		return INT64_MAX;
	if (conn->head_len)
		at = conn->began + patience;
	if (conn->first && conn->first->queued + patience < at)
		at = conn->first->queued + patience;
	if (server->options.idle_timeout && !conn->head_len && ttrpc_conn_is_idle(conn))
		at = conn->busy + server->options.idle_timeout * MILLISECOND;
	return at;
}

static void first_done(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	struct ttrpc_reply *reply = conn->first;

	conn->first = reply->next;
	conn->last = conn->first ? conn->last : NULL;
	conn->waiting--;
	server->budget += reply->charged;
	ttrpc_reply_free(reply);
}

/* Forgets a frame that is not whole. */
static void drop_frame(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	if (conn->head_len == TTRPC_HEAD && conn->fate == FRAME_CALL)
		server->budget += conn->head.len;
	conn->head_len = 0;
	buf_wipe(&conn->data);
}

void ttrpc_conn_close(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	drop_frame(server, conn);
	while (conn->first)
		first_done(server, conn);
	own_close(&conn->fd);
	conn->fd = -1;
	conn->over = true;
}

void ttrpc_conn_free(struct ttrpc_conn *conn)
{
	free(conn);
}

/* ---- in ------------------------------------------------------------------------------------------------ */

static enum ttrpc_fate judge(const struct ttrpc_server *server, const struct ttrpc_conn *conn)
{
	const struct ttrpc_head *head = &conn->head;

	if (head->len > TTRPC_DATA_MAX)
		return FRAME_TOO_LONG;
	if (head->stream % 2 == 0)
		return FRAME_EVEN;
	if (head->type == TTRPC_DATA)
		return FRAME_DATA;
	if (head->type != TTRPC_REQUEST)
		return FRAME_IGNORED;
	if (conn->calls + conn->waiting >= TTRPC_CALLS_MAX)
		return FRAME_TOO_MANY;
	return head->len > server->budget ? FRAME_NO_ROOM : FRAME_CALL;
}

static void begin_data(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	ttrpc_head_parse(conn->head_bytes, &conn->head);
	conn->fate = judge(server, conn);
	conn->left = conn->head.len;
	if (conn->fate != FRAME_CALL)
		return;
	server->budget -= conn->head.len;
	/* at once, so that nothing of a secret is left behind by growing */
	if (!buf_room(&conn->data, conn->head.len))
		abort();
}

/* As many bytes as are here of what the frame still lacks; -1: nothing is here, or the peer is done. */
static int read_piece(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	char scrap[SKIP_CHUNK];
	bool in_head = conn->head_len < TTRPC_HEAD, keep = conn->fate == FRAME_CALL;
	size_t want = in_head ? TTRPC_HEAD - conn->head_len : conn->left;
	char *out = scrap;

	if (in_head)
		out = (char *)conn->head_bytes + conn->head_len;
	else if (keep)
		out = conn->data.ptr + conn->data.len;
	else if (want > sizeof(scrap))
		want = sizeof(scrap);
	ssize_t n = recv(conn->fd, out, want, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (n <= 0) {
		/* half a frame is none */
		conn->ended = true;
		drop_frame(server, conn);
		conn->over = n < 0 || ttrpc_conn_is_idle(conn);
		return -1;
	}
	if (!conn->head_len)
		conn->began = clock_mono(server->options.clock);
	if (in_head) {
		conn->head_len += (size_t)n;
		if (conn->head_len == TTRPC_HEAD)
			begin_data(server, conn);
		return 0;
	}
	if (keep)
		buf_grew(&conn->data, (size_t)n);
	else
		explicit_bzero(scrap, (size_t)n);
	conn->left -= (size_t)n;
	return 0;
}

void ttrpc_conn_read(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	for (int i = 0; i < READ_BURST && !conn->over && ttrpc_conn_listens(conn); i++) {
		if (read_piece(server, conn) < 0)
			return;
		if (conn->head_len < TTRPC_HEAD || conn->left)
			continue;
		conn->head_len = 0;
		ttrpc_frame_take(server, conn);
	}
}

/* ---- out ----------------------------------------------------------------------------------------------- */

void ttrpc_conn_write(struct ttrpc_server *server, struct ttrpc_conn *conn)
{
	while (conn->first) {
		struct span rest = span_from(buf_span(&conn->first->frame), conn->first->sent);
		ssize_t n = send(conn->fd, rest.ptr, rest.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			conn->over = errno != EAGAIN;
			return;
		}
		conn->first->sent += (size_t)n;
		if ((size_t)n == rest.len)
			first_done(server, conn);
	}
	if (conn->ended && ttrpc_conn_is_idle(conn))
		conn->over = true;
}

void ttrpc_conn_reply(struct ttrpc_server *server, struct ttrpc_conn *conn, struct ttrpc_reply *reply)
{
	if (conn->over) {
		server->budget += reply->charged;
		ttrpc_reply_free(reply);
		return;
	}
	reply->queued = clock_mono(server->options.clock);
	if (conn->last)
		conn->last->next = reply;
	else
		conn->first = reply;
	conn->last = reply;
	conn->waiting++;
	if (conn->waiting == 1)
		ttrpc_conn_write(server, conn);
}
