/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of net/ttrpc_server.h share among themselves; nobody else includes it: ttrpc_server.c (life, loop),
 * ttrpc_conn.c (one connection: frames in, answers out), ttrpc_reply.c (what a request is answered with).
 *
 * Everything belongs to the loop's thread, but for a reply while a worker has it, and the list of those that workers
 * have given back, which is under a lock.
 */
#ifndef COCOON_NET_TTRPC_SERVER_OWN_H
#define COCOON_NET_TTRPC_SERVER_OWN_H

#include "base/buf.h"
#include "net/local.h"
#include "net/ttrpc_server.h"

#include <pthread.h>
#include <stdbool.h>

/* What becomes of a frame, decided by its head. */
enum ttrpc_fate {
	FRAME_CALL,     /* its data is kept */
	FRAME_IGNORED,  /* of a type that servers do not know */
	FRAME_TOO_LONG, /* from here on the data is skipped and something said about it */
	FRAME_EVEN,
	FRAME_TOO_MANY,
	FRAME_NO_ROOM,
	FRAME_DATA,
};

/* An answer, from the request on: first with a worker, then waiting for its reader. */
struct ttrpc_reply {
	struct ttrpc_reply *next;
	struct ttrpc_server *server;
	struct ttrpc_conn *conn;
	const struct grpc_method *method;
	uint32_t stream;
	struct buf data;     /* the request's */
	struct span payload; /* in it */
	struct buf frame;    /* the answer */
	size_t sent;
	size_t charged; /* to the budget */
	int64_t queued;
};

struct ttrpc_conn {
	int fd; /* -1: gone, but workers still have calls of it */
	unsigned char head_bytes[TTRPC_HEAD];
	size_t head_len;
	struct ttrpc_head head;
	enum ttrpc_fate fate;
	size_t left; /* of the frame's data */
	struct buf data;
	size_t calls; /* with workers */
	struct ttrpc_reply *first, *last;
	size_t waiting; /* replies that are not sent whole */
	int64_t began;  /* when the frame that is being read did */
	int64_t busy;   /* when it last had a call, or was accepted */
	bool ended;     /* the peer sends nothing more */
	bool over;
};

struct ttrpc_server {
	struct ttrpc_server_options options;
	struct local local;
	int wake;
	size_t budget;
	struct ttrpc_conn **conns;
	size_t count;
	int64_t rest; /* until then nobody is accepted */
	bool farewell;
	pthread_mutex_t lock;
	pthread_cond_t all_done;
	struct ttrpc_reply *done, *done_last; /* under the lock, as the next */
	size_t running;
};

/* ---- one connection ---- */

struct ttrpc_conn *ttrpc_conn_new(int fd, int64_t now) __attribute__((returns_nonnull, warn_unused_result));
/* Closes it and forgets what it had to say; the struct stays as long as it has calls. */
void ttrpc_conn_close(struct ttrpc_server *server, struct ttrpc_conn *conn) __attribute__((nonnull));
/* Must be closed and without calls. */
void ttrpc_conn_free(struct ttrpc_conn *conn) __attribute__((nonnull));
void ttrpc_conn_read(struct ttrpc_server *server, struct ttrpc_conn *conn) __attribute__((nonnull));
void ttrpc_conn_write(struct ttrpc_server *server, struct ttrpc_conn *conn) __attribute__((nonnull));
/* Takes the reply over and sends what goes. */
void ttrpc_conn_reply(struct ttrpc_server *server, struct ttrpc_conn *conn, struct ttrpc_reply *reply)
		__attribute__((nonnull));
/* Has no call and nothing to say. */
bool ttrpc_conn_is_idle(const struct ttrpc_conn *conn) __attribute__((nonnull));
/* Whether more is to be read now. */
bool ttrpc_conn_listens(const struct ttrpc_conn *conn) __attribute__((nonnull));
/* When its patience ends; INT64_MAX: never. */
int64_t ttrpc_conn_deadline(const struct ttrpc_server *server, const struct ttrpc_conn *conn)
		__attribute__((nonnull));

/* ---- replies ---- */

/* The frame of a connection is whole: answers it or hands it to a worker. */
void ttrpc_frame_take(struct ttrpc_server *server, struct ttrpc_conn *conn) __attribute__((nonnull));
/* Hands out what workers have given back. */
void ttrpc_replies_take(struct ttrpc_server *server) __attribute__((nonnull));
void ttrpc_reply_free(struct ttrpc_reply *reply) __attribute__((nonnull));

#endif
