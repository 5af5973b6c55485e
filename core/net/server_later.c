/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server_own.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

void laters_init(struct server *server)
{
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->all_answered, NULL);
}

static void later_free(struct server_later *later)
{
	buf_wipe(&later->reply.body);
	free(later);
}

void laters_wait(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	while (server->unanswered)
		pthread_cond_wait(&server->all_answered, &server->lock);
	pthread_mutex_unlock(&server->lock);
}

void laters_clear(struct server *server)
{
	while (server->answered) {
		struct server_later *later = server->answered;
		server->answered = later->next;
		later_free(later);
	}
	pthread_cond_destroy(&server->all_answered);
	pthread_mutex_destroy(&server->lock);
}

struct server_later *server_defer(const struct server_request *request)
{
	struct server_slot *slot = request->slot;
	struct server_later *later = xcalloc(1, sizeof(*later));

	assert(!slot->later);
	later->server = slot->conn->listener->server;
	later->conn = slot->conn;
	later->wsi = slot->wsi;
	server_reply_init(&later->reply);
	slot->later = later;
	pthread_mutex_lock(&later->server->lock);
	later->server->unanswered++;
	pthread_mutex_unlock(&later->server->lock);
	return later;
}

void server_answer(struct server_later *later, struct server_reply *reply)
{
	struct server *server = later->server;

	later->reply = *reply;
	server_reply_init(reply);
	/* all of it under the lock: the server may go as soon as nobody has to answer */
	pthread_mutex_lock(&server->lock);
	later->next = server->answered;
	server->answered = later;
	lws_cancel_service(server->lws);
	if (--server->unanswered == 0)
		pthread_cond_signal(&server->all_answered);
	pthread_mutex_unlock(&server->lock);
}

void laters_take(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	struct server_later *list = server->answered;
	server->answered = NULL;
	pthread_mutex_unlock(&server->lock);
	while (list) {
		struct server_later *later = list;
		list = later->next;
		later->ready = true;
		if (later->conn)
			lws_callback_on_writable(later->wsi);
		else
			later_free(later);
	}
}

void later_leave(struct server_later *later)
{
	if (later->ready)
		later_free(later);
	else
		later->conn = NULL;
}
