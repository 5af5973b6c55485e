/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session of the server's (net/grpc_session.h) with two methods, a clock that stands still, and what it has said:
 * scene_open(), say(), call(), fields_said(). Clients are bytes of tests/net/h2.h.
 */
#ifndef COCOON_TESTS_NET_GRPC_SCENE_H
#define COCOON_TESTS_NET_GRPC_SCENE_H

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_server.h"
#include "net/grpc_session.h"
#include "tests/net/h2.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define ECHO "/test.Service/Echo"
#define FAIL "/test.Service/Fail"

/* ---- a session and what it has said ---- */

struct scene {
	struct grpc_service service;
	struct grpc_session *session;
	struct clock clock;
	int64_t now;
	size_t budget;
	struct buf said;
	unsigned calls;
	struct nghttp2_hd_inflater *inflater;
};

static inline int64_t scene_time(void *ctx)
{
	return *(int64_t *)ctx;
}

static inline enum grpc_status echo(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)err;
	((struct scene *)ctx)->calls++;
	buf_add_span(answer, message);
	return GRPC_OK;
}

static inline enum grpc_status fail_with_words(
		void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)message;
	((struct scene *)ctx)->calls++;
	/* what was begun is not sent */
	buf_puts(answer, "half");
	err_set(err, ERR_DENIED, "no: 100%% \xc3\xa4");
	return GRPC_PERMISSION_DENIED;
}

static const struct grpc_method methods[] = { { ECHO, echo }, { FAIL, fail_with_words }, { NULL, NULL } };

static inline void scene_open(struct scene *scene)
{
	*scene = (struct scene){ .budget = GRPC_BUDGET, .said = BUF_MAX(H2_MAX) };
	scene->clock = (struct clock){ scene_time, scene_time, &scene->now };
	scene->service = (struct grpc_service){ methods, scene, &scene->clock, &scene->budget };
	scene->session = grpc_session_new(&scene->service, NULL);
	assert_non_null(scene->session);
	assert_int_equal(nghttp2_hd_inflate_new(&scene->inflater), 0);
}

static inline void scene_close(struct scene *scene)
{
	grpc_session_free(scene->session);
	/* every call gives back what it took */
	assert_int_equal(scene->budget, GRPC_BUDGET);
	nghttp2_hd_inflate_del(scene->inflater);
	buf_clear(&scene->said);
}
#define auto_scene __attribute__((cleanup(scene_close)))

static inline void listen_to(struct scene *scene)
{
	struct span pending = SPAN_NONE;

	for (;;) {
		assert_int_equal(grpc_session_pending(scene->session, &pending, NULL), 0);
		if (!pending.len)
			return;
		buf_add_span(&scene->said, pending);
		assert_false(scene->said.over);
		grpc_session_sent(scene->session, pending.len);
	}
}

static inline int say(struct scene *scene, struct span bytes, struct err *err)
{
	int result = grpc_session_feed(scene->session, bytes, err);

	listen_to(scene);
	return result;
}

/* The fields of all header blocks, "name: value\n" each. */
static inline char *fields_said(struct scene *scene)
{
	struct buf out = BUF_MAX(1 << 20);
	struct span rest = buf_span(&scene->said);
	struct h2_seen seen;

	while (h2_next(&rest, &seen)) {
		const uint8_t *at = (const uint8_t *)seen.payload.ptr;
		size_t left = seen.payload.len;
		int flags = 0;
		nghttp2_nv nv;
		while (seen.type == H2_HEADERS && !(flags & NGHTTP2_HD_INFLATE_FINAL)) {
			ssize_t n = nghttp2_hd_inflate_hd2(scene->inflater, &nv, &flags, at, left, 1);
			assert_true(n >= 0);
			at += n;
			left -= (size_t)n;
			if (flags & NGHTTP2_HD_INFLATE_EMIT)
				buf_printf(&out, "%.*s: %.*s\n", (int)nv.namelen, (const char *)nv.name,
						(int)nv.valuelen, (const char *)nv.value);
		}
		if (seen.type == H2_HEADERS)
			nghttp2_hd_inflate_end_headers(scene->inflater);
	}
	return buf_take(&out);
}

/* Says one call in full, and gives what came back. */
static inline char *call(struct scene *scene, const char *path, struct span message)
{
	auto_buf struct buf bytes = BUF_MAX(H2_MAX);

	h2_preface(&bytes);
	h2_call(&bytes, 1, path, message);
	assert_int_equal(say(scene, buf_span(&bytes), NULL), 0);
	return fields_said(scene);
}

#endif
