/* SPDX-License-Identifier: Apache-2.0 */
/* A broker for a fuzzer: everybody administers it, its challenges are always the same, and time goes on by itself. */
#ifndef COCOON_FUZZ_BROKER_SCENE_H
#define COCOON_FUZZ_BROKER_SCENE_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/broker.h"
#include "kbs/message.h"
#include "net/server.h"

#include <assert.h>
#include <string.h>

#define SCENE_REQUESTS 4
#define SCENE_LIFE     256 /* inputs until the broker is a new one */

static int64_t scene_now = 1795316376;

static inline int64_t scene_time(void *ctx)
{
	(void)ctx;
	return scene_now * CLOCK_SECOND;
}

static inline void scene_random(void *out, size_t len)
{
	memset(out, 0x11, len);
}

static inline struct broker *scene_broker(void)
{
	static const struct clock clock = { .wall = scene_time, .mono = scene_time };
	static struct broker *broker;
	static unsigned used;

	/* sessions end between two inputs */
	scene_now += 400;
	if (broker && used++ % SCENE_LIFE)
		return broker;
	const struct broker_options options = { .clock = &clock,
		.random = scene_random,
		.token_seconds = 300,
		.insecure_header_jwk = true,
		.allow_older = true,
		.verbose_errors = true,
		.policy = RELEASE_ALLOW_ALL,
		.insecure_admin = true };
	log_set_level(LOG_ERROR);
	broker_free(broker);
	assert(broker_open(&options, &broker, NULL) == 0);
	return broker;
}

static inline char *scene_line(struct span *rest)
{
	size_t end = span_find(*rest, '\n');
	char *line = xmemdup0(rest->ptr ? rest->ptr : "", end);

	*rest = span_from(*rest, end + 1);
	return line;
}

/* The server hands a path on only when it begins with '/', and methods, paths and fields as texts without controls. */
static inline void scene_ask(struct broker *broker, struct span text, struct server_reply *reply)
{
	auto_free char *first = scene_line(&text), *cookie = scene_line(&text),
		       *authorization = scene_line(&text);
	char *target = strchr(first, ' '), *query = target ? strchr(target, '?') : NULL;

	if (target)
		*target++ = '\0';
	if (query)
		*query++ = '\0';
	const struct server_request request = { .number = 1,
		.method = first,
		.path = target && *target == '/' ? target : "/",
		.query = span_of(query),
		.type = "",
		.authorization = span_of(authorization),
		.cookie = span_of(cookie),
		.peer = "",
		.body = text };
	server_reply_init(reply);
	broker_handle(broker, &request, reply);
}

/* What clients rely on. */
static inline void scene_check(const struct server_reply *reply)
{
	bool json = reply->content_type && strcmp(reply->content_type, "application/json") == 0;
	struct kbs_failure failure;

	assert(reply->status == 200 || reply->status == 401 || reply->status == 404 || reply->status == 405 ||
			reply->status == 413);
	if (reply->status == 401)
		assert(!reply->content_type && !reply->set_cookie[0] &&
				kbs_failure_parse(buf_span(&reply->body), &failure) &&
				failure.variant != KBS_OTHER_ERROR);
	auto_json json_t *body = json_loadb(buf_text(&reply->body), reply->body.len, JSON_DECODE_ANY, NULL);
	assert(!json || !reply->body.len || body);
}

#endif
