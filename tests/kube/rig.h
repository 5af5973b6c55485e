/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this room share: a clock that stands still until it is told, a folder for files, and a client
 * whose server is a script: one answer for each connection, in order, with what was asked kept for the test.
 */
#ifndef COCOON_TESTS_KUBE_RIG_H
#define COCOON_TESTS_KUBE_RIG_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/client.h"
#include "kube/config.h"
#include "net/http.h"
#include "tests/fault/peer.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

/* ---- clock ---- */

#define FAKE_WALL INT64_C(1767323045000000) /* 2026-01-02T03:04:05Z */

static inline int64_t fake_wall(void *ctx)
{
	return FAKE_WALL + *(int64_t *)ctx;
}

static inline int64_t fake_mono(void *ctx)
{
	return *(int64_t *)ctx;
}

/* ---- files ---- */

static inline char *folder_new(void)
{
	char *dir = xstrdup("/tmp/cocoon-kube-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void file_put(const char *dir, const char *name, const char *text, mode_t mode)
{
	auto_free char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fs_write_atomic(path, span_of(text), mode, NULL), 0);
}

/* The folder and the files in it; there are no folders below. */
static inline void folder_remove(char **slot)
{
	auto_free char *path = *slot;
	DIR *dir = opendir(path);

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(path), 0);
	*slot = NULL;
}
#define auto_folder  __attribute__((cleanup(folder_remove)))

/* ---- a client and its scripted server ---- */

#define OK(body)     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" body
#define CODE(line)   "HTTP/1.1 " line "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
/* at the end of an answer: the connection stays open until the client has gone */
#define HOLD         "\001"

#define REQUESTS_MAX 64

struct script {
	const char *const *answers; /* NULL-terminated */
	char *requests[REQUESTS_MAX];
	atomic_size_t played;
};

static inline void read_body(struct line *line, struct buf *into)
{
	const char *field = strcasestr(line->head, "\r\nContent-Length: ");
	size_t left = field ? strtoul(field + 18, NULL, 10) : 0;

	while (left) {
		char chunk[4096];
		ssize_t n = line_read(line, chunk, left < sizeof(chunk) ? left : sizeof(chunk));
		if (n <= 0)
			return;
		buf_add(into, chunk, (size_t)n);
		left -= (size_t)n;
	}
}

static inline void script_play(struct line *line, void *ctx)
{
	struct script *script = ctx;
	size_t at = atomic_load(&script->played);
	auto_buf struct buf request = BUF_MAX(1024 * 1024);

	if (!line_read_head(line))
		return;
	buf_puts(&request, line->head);
	read_body(line, &request);
	if (at >= REQUESTS_MAX || !script->answers[at])
		return;
	const char *answer = script->answers[at];
	size_t len = strlen(answer);
	bool hold = len && answer[len - 1] == HOLD[0];
	script->requests[at] = buf_take(&request);
	atomic_store(&script->played, at + 1);
	line_write(line, answer, len - hold);
	if (hold)
		line_drain(line);
}

struct rig {
	int64_t now; /* of the clock, microseconds */
	struct clock clock;
	char *dir;
	struct script script;
	struct peer peer;
	struct kube_config *config;
	struct kube *kube;
};

/* With a server that plays something else than the script. */
static inline void rig_start_playing(struct rig *rig, const char *const *answers,
		void (*play)(struct line *line, void *ctx), void *ctx)
{
	static const char form[] = "current-context: c\nclusters:\n- name: c\n  cluster: {server: "
				   "'http://127.0.0.1:%u'}\n"
				   "users:\n- name: c\n  user: {tokenFile: token}\ncontexts:\n- name: c\n"
				   "  context: {cluster: c, user: c}\n";

	*rig = (struct rig){ .now = CLOCK_SECOND, .script = { .answers = answers } };
	rig->clock = (struct clock){ .wall = fake_wall, .mono = fake_mono, .ctx = &rig->now };
	rig->peer.play = play;
	rig->peer.ctx = ctx;
	peer_start(&rig->peer);
	rig->dir = folder_new();
	auto_free char *text = xasprintf(form, rig->peer.port);
	auto_free char *path = xasprintf("%s/config", rig->dir);
	file_put(rig->dir, "config", text, 0600);
	file_put(rig->dir, "token", "first\n", 0600);
	struct kube_source source = { .files = path };
	struct err err = ERR_NONE;
	if (kube_config_load(&source, &rig->clock, &rig->config, &err) < 0)
		fail_msg("%s", err.text);
	struct kube_options options = { .config = rig->config, .clock = &rig->clock, .user_agent = "test/1" };
	rig->kube = kube_new(&options, &err);
	assert_non_null(rig->kube);
}

static inline void rig_start(struct rig *rig, const char *const *answers)
{
	rig_start_playing(rig, answers, script_play, &rig->script);
}

static inline void rig_stop(struct rig *rig)
{
	kube_free(rig->kube);
	kube_config_free(rig->config);
	peer_stop(&rig->peer);
	for (size_t i = 0; i < REQUESTS_MAX; i++)
		free(rig->script.requests[i]);
	folder_remove(&rig->dir);
}

/* Turns the loop until the condition holds. */
#define RIG_UNTIL_WITHIN(rig, most, condition)                                         \
	do {                                                                           \
		for (int turns = 0; !(condition) && turns < (most); turns++)           \
			assert_int_equal(kube_turn((rig)->kube, 2, NULL, 0, NULL), 0); \
		assert_true(condition);                                                \
	} while (0)
#define RIG_UNTIL(rig, condition) RIG_UNTIL_WITHIN(rig, 5000, condition)

static inline bool rig_asked(const struct rig *rig, size_t request, const char *text)
{
	return request < atomic_load(&rig->script.played) && strstr(rig->script.requests[request], text);
}

#endif
