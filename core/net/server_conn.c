/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server_own.h"

#include "base/err.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

/* How long a peer may take to notice that we closed; longer, and its kernel may drop our last reply unread. */
#define LINGER_S 2

static struct server *server_of(const struct conn *conn)
{
	return conn->listener->server;
}

static void set_active(struct conn *conn, bool active)
{
	if (conn->active == active)
		return;
	conn->active = active;
	if (active)
		server_of(conn)->active++;
	else
		server_of(conn)->active--;
}

/* Each phase has one deadline that later bytes do not move: a peer that drips is cut like one that stalls. Only who has
 * put a reply off knows how long that may take. */
static void enter(struct conn *conn, struct lws *wsi, enum conn_phase phase)
{
	int seconds = phase == CONN_LINGER ? LINGER_S : server_of(conn)->options.idle_timeout_s;

	conn->phase = phase;
	if (phase == CONN_LATER)
		lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	else
		lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, seconds);
	set_active(conn, phase != CONN_IDLE && phase != CONN_LINGER);
}

/* Half closes, so that the peer reads our last reply before it sees a reset for what it still sent. */
static void linger(struct conn *conn, struct lws *wsi)
{
	SSL *ssl = conn->listener->tls ? lws_get_ssl(wsi) : NULL;

	buf_wipe(&conn->in);
	if (ssl)
		SSL_shutdown(ssl);
	shutdown(lws_get_socket_fd(wsi), SHUT_WR);
	enter(conn, wsi, CONN_LINGER);
}

/* A reply has left us completely. */
static void reply_gone(struct conn *conn, struct lws *wsi)
{
	if (conn->close) {
		linger(conn, wsi);
		return;
	}
	enter(conn, wsi, CONN_IDLE);
	if (!conn->in.len)
		buf_wipe(&conn->in);
}

/* A reply may hold a secret. */
static int send_reply(struct conn *conn, struct lws *wsi, const struct server_reply *reply, struct span allow)
{
	auto_wiped_buf struct buf out = BUF_MAX(SIZE_MAX / 2);

	if (server_of(conn)->draining || atomic_load(&server_of(conn)->stop_asked))
		conn->close = true;
	reply_format(reply, allow, conn->close, conn->head_only, &out);
	enter(conn, wsi, CONN_REPLY);
	if (lws_write(wsi, (unsigned char *)out.ptr, out.len, LWS_WRITE_RAW) < 0)
		return -1;
	if (!lws_partial_buffered(wsi)) {
		reply_gone(conn, wsi);
		return 0;
	}
	/* the library reads nothing before the rest is out, but would be woken by what is there to read */
	lws_rx_flow_control(wsi, 0);
	return 0;
}

/* Answers without a handler; the connection ends, as where the next request begins is not known. */
static int refuse(struct conn *conn, struct lws *wsi, struct server_reply *reply, struct span allow)
{
	conn->head_only = span_is(conn->head.method, "HEAD");
	conn->close = true;
	return send_reply(conn, wsi, reply, allow);
}

static int refuse_with(struct conn *conn, struct lws *wsi, int status, const char *why)
{
	struct server_reply reply;

	server_reply_init(&reply);
	server_fail(&reply, status, "%s", why);
	int result = refuse(conn, wsi, &reply, SPAN_NONE);
	buf_clear(&reply.body);
	return result;
}

/* The span as text; what stands behind it in the head (a space, CR, '?') has been read and may go. */
static const char *text_of(struct conn *conn, struct span part)
{
	if (!part.len)
		return "";
	size_t at = (uintptr_t)part.ptr - (uintptr_t)conn->in.ptr;
	/* the path of a URL that has none is a text of head.c's own */
	if (at >= conn->head_len)
		return part.ptr;
	conn->in.ptr[at + part.len] = '\0';
	return conn->in.ptr + at;
}

static int send_handlers(struct conn *conn, struct lws *wsi, struct server_reply *reply)
{
	if (buf_check(&reply->body, "the reply", NULL) < 0)
		server_fail(reply, 500, "the reply grew too large");
	return send_reply(conn, wsi, reply, SPAN_NONE);
}

/* The handler has put its reply off: until it is here, nothing is read. */
static int wait_for(struct conn *conn, struct lws *wsi, struct server_later *later)
{
	conn->later = later;
	enter(conn, wsi, CONN_LATER);
	lws_rx_flow_control(wsi, 0);
	return 0;
}

static int handle(struct conn *conn, struct lws *wsi)
{
	struct server *server = server_of(conn);
	size_t used = conn->head_len + conn->head.body_len;
	struct server_slot slot = { .conn = conn, .wsi = wsi };
	struct server_reply reply;
	char peer[PEER_MAX];
	int status;

	peer_format(lws_get_socket_fd(wsi), peer);
	/* read again: the bytes may have moved while the body came in */
	if (head_parse(span_new(conn->in.ptr, conn->head_len), &conn->head, &status, NULL) < 0)
		return -1;
	conn->head_only = span_is(conn->head.method, "HEAD");
	struct server_request request = {
		.number = ++server->requests,
		.query = conn->head.query,
		.authorization = conn->head.authorization,
		.cookie = conn->head.cookie,
		.peer = peer,
		.slot = &slot,
		.body = span_new(conn->in.ptr + conn->head_len, conn->head.body_len),
	};
	request.method = text_of(conn, conn->head.method);
	request.path = text_of(conn, conn->head.path);
	request.type = text_of(conn, conn->head.type);
	server_reply_init(&reply);
	conn->route->handle(server->options.ctx, &request, &reply);
	buf_drop(&conn->in, used);
	conn->searched = 0;
	conn->close = !conn->head.keep_alive;
	int result = slot.later ? wait_for(conn, wsi, slot.later) : send_handlers(conn, wsi, &reply);
	buf_wipe(&reply.body);
	return result;
}

/* The head is known: is the request one that we take? 1: yes, 0: refused, -1: the connection is broken. */
static int judge(struct conn *conn, struct lws *wsi)
{
	auto_buf struct buf allow = BUF_MAX(1024);
	struct server_reply reply;
	int result = 1;

	server_reply_init(&reply);
	conn->route = route_find(conn->listener, &conn->head, &reply, &allow);
	if (!conn->route)
		result = refuse(conn, wsi, &reply, buf_span(&allow));
	else if (conn->head.body_len > server_of(conn)->options.max_body) {
		server_fail(&reply, 413, "the request's body exceeds %zu bytes",
				server_of(conn)->options.max_body);
		result = refuse(conn, wsi, &reply, SPAN_NONE);
	}
	buf_clear(&reply.body);
	return result;
}

static int continue_with(struct lws *wsi)
{
	unsigned char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";

	return lws_write(wsi, interim, sizeof(interim) - 1, LWS_WRITE_RAW) < 0 ? -1 : 1;
}

/* As judge(); 0 also when more bytes are needed. */
static int read_head(struct conn *conn, struct lws *wsi)
{
	struct span text = buf_span(&conn->in);
	struct err err = ERR_NONE;
	int status = 400;

	memset(&conn->head, 0, sizeof(conn->head));
	conn->head_len = head_length(text, conn->searched);
	conn->searched = text.len;
	if (!conn->head_len && text.len > HEAD_MAX)
		return refuse_with(conn, wsi, 431, "the request's head is too long");
	if (!conn->head_len)
		return 0;
	if (head_parse(span_new(text.ptr, conn->head_len), &conn->head, &status, &err) < 0) {
		memset(&conn->head, 0, sizeof(conn->head));
		return refuse_with(conn, wsi, status, err.text);
	}
	int result = judge(conn, wsi);
	if (result <= 0)
		return result;
	enter(conn, wsi, CONN_BODY);
	if (conn->head.expect_continue && text.len < conn->head_len + conn->head.body_len)
		return continue_with(wsi);
	return 1;
}

/* Does all that can be done with what is here: several requests, when they came at once. */
static int advance(struct conn *conn, struct lws *wsi)
{
	while (conn->phase <= CONN_BODY && conn->in.len) {
		if (conn->phase == CONN_IDLE)
			enter(conn, wsi, CONN_HEAD);
		if (conn->phase == CONN_HEAD) {
			int result = read_head(conn, wsi);
			if (result <= 0)
				return result;
		}
		if (conn->in.len < conn->head_len + conn->head.body_len)
			return 0;
		if (handle(conn, wsi) < 0)
			return -1;
	}
	return 0;
}

/* A request may hold a secret, so what it has outgrown is wiped; false beyond the ceiling. */
static bool keep(struct buf *in, const void *bytes, size_t len)
{
	size_t need = in->len + len;

	if (len > in->max - in->len)
		return false;
	if (need >= in->cap) {
		struct buf larger = BUF_MAX(in->max);
		(void)buf_room(&larger, need < in->max / 2 ? need + need / 2 : in->max);
		buf_add_span(&larger, buf_span(in));
		buf_wipe(in);
		*in = larger;
	}
	buf_add(in, bytes, len);
	return true;
}

/* The bytes are in the library's buffer, which goes on living. */
static int receive(struct conn *conn, struct lws *wsi, void *bytes, size_t len)
{
	if (conn->phase == CONN_LINGER)
		return 0;
	bool kept = keep(&conn->in, bytes, len);
	explicit_bzero(bytes, len);
	return kept ? advance(conn, wsi) : -1;
}

/* The reply that was put off is here. */
static int send_later(struct conn *conn, struct lws *wsi)
{
	struct server_later *later = conn->later;

	conn->later = NULL;
	int result = send_handlers(conn, wsi, &later->reply);
	later_leave(later);
	/* else the reply waits for its reader, and reading for the reply */
	if (result < 0 || conn->phase == CONN_REPLY)
		return result;
	lws_rx_flow_control(wsi, 1);
	return advance(conn, wsi);
}

static int writeable(struct conn *conn, struct lws *wsi)
{
	if (conn->phase == CONN_LATER && conn->later->ready)
		return send_later(conn, wsi);
	if (conn->phase != CONN_REPLY || lws_partial_buffered(wsi))
		return 0;
	lws_rx_flow_control(wsi, 1);
	reply_gone(conn, wsi);
	return advance(conn, wsi);
}

static void opened(struct conn *conn, struct lws *wsi)
{
	conn->listener = lws_get_opaque_user_data(wsi);
	/* a head, a body and what the peer pipelined behind them; the loop reads nothing while a reply waits */
	buf_init(&conn->in, HEAD_MAX + server_of(conn)->options.max_body + (size_t)1024 * 1024);
	server_of(conn)->connections++;
	enter(conn, wsi, CONN_IDLE);
}

static void closed(struct conn *conn)
{
	struct server *server = server_of(conn);

	set_active(conn, false);
	buf_wipe(&conn->in);
	if (conn->later)
		later_leave(conn->later);
	conn->later = NULL;
	conn->listener = NULL;
	server->connections--;
	listeners_resume(server);
}

int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct conn *conn = user;

	switch ((int)reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		return listener_tls_init(lws_vhost_user(in), user);
	case LWS_CALLBACK_RAW_ADOPT:
		opened(conn, wsi);
		return 0;
	case LWS_CALLBACK_RAW_RX:
		return conn->listener ? receive(conn, wsi, in, len) : -1;
	case LWS_CALLBACK_RAW_WRITEABLE:
		return conn->listener ? writeable(conn, wsi) : -1;
	case LWS_CALLBACK_RAW_CLOSE:
		if (conn && conn->listener)
			closed(conn);
		return 0;
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		server_woken(lws_context_user(lws_get_context(wsi)));
		return 0;
	default:
		return 0;
	}
}
