/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A broker with a clock and challenges of the test's own, and requests to it without sockets:
 *
 *     stage_open(&stage);                                     in stage.options: what differs
 *     stage_ask(&stage, "GET", "/kbs/v0/…", fields, body)     the reply is in stage.reply until the next
 *     stage_close(&stage);
 *
 * stage_opa() is the opa that e2e/kbs/opa.sh builds, which is quick when it is up to date.
 */
#ifndef COCOON_TESTS_DEV_KBS_STAGE_H
#define COCOON_TESTS_DEV_KBS_STAGE_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/random.h"
#include "base/run.h"
#include "e2e/kbs/broker.h"
#include "net/http.h"
#include "net/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define STAGE_NOW INT64_C(1795316376)

struct stage {
	struct broker_options options;
	struct clock clock;
	int64_t now; /* seconds */
	struct broker *broker;
	struct server_reply reply;
	char folder[32]; /* for files; "" when there is none */
};

struct stage_fields {
	const char *authorization, *cookie;
};

static inline int64_t stage_time(void *ctx)
{
	return ((const struct stage *)ctx)->now * CLOCK_SECOND;
}

/* Group set-up of every test of the broker. */
static inline int stage_prepare(void **state)
{
	(void)state;
	return http_global_init(NULL);
}

static inline void stage_init(struct stage *stage)
{
	memset(stage, 0, sizeof(*stage));
	stage->now = STAGE_NOW;
	stage->clock = (struct clock){ .wall = stage_time, .mono = stage_time, .ctx = stage };
	stage->options.clock = &stage->clock;
	stage->options.random = random_bytes;
	stage->options.token_seconds = 300;
	server_reply_init(&stage->reply);
}

/* The stage must not move afterwards. */
static inline void stage_open(struct stage *stage)
{
	struct err err = ERR_NONE;

	if (broker_open(&stage->options, &stage->broker, &err) < 0)
		fail_msg("%s", err.text);
}

/* The path of a file in the stage's folder, which is made; it goes with the stage. The caller frees. */
static inline char *stage_file(struct stage *stage, const char *name, const char *text)
{
	struct err err = ERR_NONE;

	if (!stage->folder[0]) {
		snprintf(stage->folder, sizeof(stage->folder), "/tmp/dev-kbs-test-XXXXXX");
		assert_non_null(mkdtemp(stage->folder));
	}
	char *path = xasprintf("%s/%s", stage->folder, name);
	if (text && fs_write_atomic(path, span_of(text), 0600, &err) < 0)
		fail_msg("%s", err.text);
	return path;
}

static inline void stage_close(struct stage *stage)
{
	const char *const argv[] = { "rm", "-rf", stage->folder, NULL };
	const struct run run = { .what = "rm", .argv = argv, .timeout = 10000 };
	auto_buf struct buf out = BUF_MAX(1024);

	broker_free(stage->broker);
	buf_wipe(&stage->reply.body);
	if (stage->folder[0])
		assert_int_equal(run_program(&run, &out, NULL), 0);
}

static inline int stage_ask(struct stage *stage, const char *method, const char *target,
		struct stage_fields fields, struct span body)
{
	size_t mark = span_find(span_of(target), '?');
	auto_free char *path = xmemdup0(target, mark);
	const struct server_request request = { .number = 1,
		.method = method,
		.path = path,
		.query = span_from(span_of(target), mark + 1),
		.type = "",
		.authorization = span_of(fields.authorization),
		.cookie = span_of(fields.cookie),
		.peer = "127.0.0.1:1",
		.body = body };

	buf_wipe(&stage->reply.body);
	server_reply_init(&stage->reply);
	broker_handle(stage->broker, &request, &stage->reply);
	return stage->reply.status;
}

static inline const char *stage_body(const struct stage *stage)
{
	return buf_text(&stage->reply.body);
}

static inline const char *stage_opa(void)
{
	static char path[256];
	static const char *const argv[] = { "e2e/kbs/opa.sh", NULL };
	const struct run run = { .what = "opa.sh", .argv = argv, .timeout = 1000000 };
	auto_buf struct buf out = BUF_MAX(sizeof(path));
	struct err err = ERR_NONE;

	if (path[0])
		return path;
	if (run_program(&run, &out, &err) < 0)
		fail_msg("%s", err.text);
	struct span line = span_trim(buf_span(&out));
	snprintf(path, sizeof(path), "%.*s", SPAN_ARG(line));
	return path;
}

#endif
