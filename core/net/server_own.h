/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server's files share; for them alone: server.c (life cycle, loop), server_listen.c (sockets, TLS, watched
 * descriptors), server_conn.c (one connection), server_reply.c (bytes of a reply), server_later.c (replies that come
 * from other threads).
 *
 * The library holds the connections: a struct conn is the user memory of its handle, zeroed by it before the first
 * callback and gone after the last.
 */
#ifndef COCOON_NET_SERVER_OWN_H
#define COCOON_NET_SERVER_OWN_H

#include "net/head.h"
#include "net/server.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>

/* A descriptor in the loop that is no connection: a listening socket, or one of the program's. */
struct watch {
	struct watch *next;
	struct server *server;
	struct listener *listener; /* NULL: the program's */
	struct lws *wsi;           /* NULL once the loop has closed it */
	void (*ready)(void *ctx, int fd);
	void *ctx;
	int fd; /* the program's own number for it */
};

struct listener {
	const struct server_listener *spec;
	struct server *server;
	struct lws_vhost *vhost;
	char name[24]; /* of the vhost, which borrows it */
	SSL_CTX *tls;  /* the vhost's; NULL: plain */
	struct watch *watch;
	uint16_t port;
	bool paused; /* accepts nothing for the moment */
};

struct server {
	struct server_options options;
	struct lws_context *lws;
	struct listener *listeners; /* as many as in the options */
	struct watch *watches;
	unsigned connections;
	unsigned active; /* connections with a request that is not answered yet */
	uint64_t requests;
	bool draining;
	bool stopping;
	atomic_bool wake_asked;
	atomic_bool stop_asked;
	/* deferred replies: server_later.c */
	pthread_mutex_t lock;
	pthread_cond_t all_answered;
	struct server_later *answered; /* and not taken by the loop yet; under the lock */
	size_t unanswered;             /* under the lock */
};

/* The first three read. */
enum conn_phase {
	CONN_IDLE,   /* between requests */
	CONN_HEAD,   /* some of a head is here */
	CONN_BODY,   /* head is read */
	CONN_LATER,  /* another thread makes the reply */
	CONN_REPLY,  /* a reply waits for the peer to read it */
	CONN_LINGER, /* our side is closed: what still comes is thrown away */
};

struct conn {
	struct listener *listener; /* NULL: not counted yet */
	enum conn_phase phase;
	struct buf in;   /* what has arrived and is not used up */
	size_t searched; /* of it, without finding the end of a head */
	size_t head_len;
	struct head head; /* borrows from in; set in CONN_BODY */
	const struct server_route *route;
	struct server_later *later; /* in CONN_LATER */
	bool active;                /* counted in the server's */
	bool close;                 /* after this reply */
	bool head_only;             /* it is one to HEAD */
};

/* A reply that its handler has put off. */
struct server_later {
	struct server_later *next; /* in the server's list */
	struct server *server;
	struct conn *conn; /* the loop's: NULL once the peer has gone */
	struct lws *wsi;
	struct server_reply reply;
	bool ready; /* the loop's: the reply is here */
};

/* What a handler may put off: the request that it is called with. */
struct server_slot {
	struct conn *conn;
	struct lws *wsi;
	struct server_later *later; /* set by server_defer() */
};

void laters_init(struct server *server) __attribute__((nonnull));
/* Waits for the threads that still have to answer; before the loop's end, and for good after it. */
void laters_wait(struct server *server) __attribute__((nonnull));
void laters_clear(struct server *server) __attribute__((nonnull));
/* In the loop: hands the replies that have come to their connections. */
void laters_take(struct server *server) __attribute__((nonnull));
/* The connection has done with it, or has gone. */
void later_leave(struct server_later *later) __attribute__((nonnull));

/* Listens, adopts and pauses; server_listen.c */
int listener_start(struct listener *listener, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));
void listener_stop(struct listener *listener) __attribute__((nonnull));
/* The library has made the listener's TLS context: sets what it may do. */
int listener_tls_init(struct listener *listener, SSL_CTX *tls) __attribute__((nonnull, warn_unused_result));
/* Lets all listeners go on accepting. */
void listeners_resume(struct server *server) __attribute__((nonnull));
/* "127.0.0.1:4711", "[::1]:4711", "" when the peer has gone. */
#define PEER_MAX 64
void peer_format(int fd, char out[static PEER_MAX]);
/* Somebody called server_wake() or server_stop(); server.c */
void server_woken(struct server *server) __attribute__((nonnull));

/* The library's callbacks: for connections in server_conn.c, for watched descriptors in server_listen.c */
int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
int watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

/* The route for a request, or NULL with the refusal in reply and, for 405, the allowed methods; server_reply.c */
const struct server_route *route_find(const struct listener *listener, const struct head *head,
		struct server_reply *reply, struct buf *allow) __attribute__((nonnull, warn_unused_result));
/* Appends the whole reply, head and body; the body is left out for HEAD. */
void reply_format(const struct server_reply *reply, struct span allow, bool close, bool head_only,
		struct buf *out) __attribute__((nonnull));

#endif
