/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry, or any web server, with the answers that a test gives it: many connections at once, kept alive. What was
 * asked is written down. Everything that has no answer is 404.
 *
 *     site_add(&site, "/v2/shop/app/manifests/1", "200 OK\r\nContent-Type: …\r\n", body);
 *     trip_to(&trip, &site, ":1");
 *     … trip_good(&trip) …  site_count(&site, "/v2/shop/app/manifests/1") …
 *
 * Each test (SITE_TEST) has a site and a trip to it of its own; further sites are started and stopped by the test.
 */
#ifndef COCOON_TESTS_FACTS_SITE_H
#define COCOON_TESTS_FACTS_SITE_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "facts/places.h"
#include "oci/manifest.h"
#include "policy/registry.h"
#include "tests/fault/peer.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SITE_ANSWERS 200
#define SITE_LINES   32

struct site_answer {
	char *path;
	char *head; /* status line and fields, each with its line end */
	struct buf body;
	size_t missing; /* bytes that are announced and do not come */
	bool stalls;    /* the connection stays open then */
};

struct site {
	struct peer peer; /* its socket and port alone */
	pthread_t accepting, lines[SITE_LINES];
	int fds[SITE_LINES];
	_Atomic size_t line_count;
	atomic_bool ending;
	pthread_mutex_t lock;
	struct site_answer answers[SITE_ANSWERS];
	size_t answer_count;
	struct buf log;
	const char *needs; /* a field's beginning, without which the answer is `refusal`; NULL: nothing */
	const char *refusal;
	sem_t stalled; /* posted when an answer stalls */
};

static inline struct site_answer *site_find(struct site *self, const char *path, size_t len)
{
	for (size_t i = self->answer_count; i-- > 0;)
		if (strlen(self->answers[i].path) == len && !memcmp(self->answers[i].path, path, len))
			return &self->answers[i];
	return NULL;
}

/* False: the connection is to end. */
static inline bool site_reply(struct site *self, struct line *line)
{
	const char *path = line->head + strcspn(line->head, " ") + 1;
	size_t len = strcspn(path, " ");
	struct buf out = BUF_MAX(32 << 20);

	pthread_mutex_lock(&self->lock);
	buf_printf(&self->log, "%.*s\n", (int)len, path);
	struct site_answer *answer = site_find(self, path, len);
	bool refused = self->needs && answer && strncmp(path, "/v2/", 4) == 0 &&
			!strstr(line->head, self->needs);
	size_t missing = answer && !refused ? answer->missing : 0;
	bool stalls = answer && !refused && answer->stalls;
	if (refused)
		buf_printf(&out, "HTTP/1.1 %sContent-Length: 0\r\n\r\n", self->refusal);
	else if (!answer)
		buf_puts(&out, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
	else
		buf_printf(&out, "HTTP/1.1 %sContent-Length: %zu\r\n\r\n", answer->head,
				answer->body.len + missing);
	if (answer && !refused)
		buf_add_span(&out, buf_span(&answer->body));
	pthread_mutex_unlock(&self->lock);
	line_write(line, out.ptr, out.len);
	buf_clear(&out);
	char end;
	if (stalls) {
		sem_post(&self->stalled);
		(void)!line_read(line, &end, 1);
	}
	return !missing;
}

struct site_line {
	struct site *self;
	struct line line;
};

static inline void *site_line(void *arg)
{
	struct site_line *own = arg;

	while (line_read_head(&own->line) && site_reply(own->self, &own->line))
		;
	shutdown(own->line.fd, SHUT_RDWR);
	free(own);
	return NULL;
}

static inline void *site_accept(void *arg)
{
	struct site *self = arg;
	int fd;

	while ((fd = accept(self->peer.fd, NULL, NULL)) >= 0) {
		struct site_line *own = xcalloc(1, sizeof(*own));
		own->self = self;
		own->line.fd = fd;
		if (self->line_count == SITE_LINES)
			abort();
		self->fds[self->line_count] = fd;
		if (pthread_create(&self->lines[self->line_count++], NULL, site_line, own) != 0)
			abort();
	}
	return NULL;
}

static inline void site_start(struct site *self)
{
	memset(self, 0, sizeof(*self));
	signal(SIGPIPE, SIG_IGN);
	buf_init(&self->log, 1 << 20);
	pthread_mutex_init(&self->lock, NULL);
	sem_init(&self->stalled, 0, 0);
	self->peer.fd = peer_listen(&self->peer.port);
	if (pthread_create(&self->accepting, NULL, site_accept, self) != 0)
		abort();
}

static inline void site_stop(struct site *self)
{
	shutdown(self->peer.fd, SHUT_RDWR);
	pthread_join(self->accepting, NULL);
	close(self->peer.fd);
	for (size_t i = 0; i < self->line_count; i++) {
		shutdown(self->fds[i], SHUT_RDWR);
		pthread_join(self->lines[i], NULL);
		close(self->fds[i]);
	}
	for (size_t i = 0; i < self->answer_count; i++) {
		free(self->answers[i].path);
		free(self->answers[i].head);
		buf_clear(&self->answers[i].body);
	}
	buf_clear(&self->log);
	pthread_mutex_destroy(&self->lock);
	sem_destroy(&self->stalled);
}

/* The last one for a path counts. `head` NULL: "200 OK". */
static inline struct site_answer *site_add(
		struct site *self, const char *path, const char *head, struct span body)
{
	pthread_mutex_lock(&self->lock);
	assert_true(self->answer_count < SITE_ANSWERS);
	struct site_answer *answer = &self->answers[self->answer_count++];
	answer->path = xstrdup(path);
	answer->head = xstrdup(head ? head : "200 OK\r\n");
	buf_init(&answer->body, 32 << 20);
	buf_add_span(&answer->body, body);
	pthread_mutex_unlock(&self->lock);
	return answer;
}

/* How often a path that begins so was asked for. */
static inline size_t site_count(struct site *self, const char *begins)
{
	struct span rest = buf_span(&self->log), line;
	size_t count = 0;

	while (span_next(&rest, '\n', &line))
		count += span_starts(line, begins) && line.len;
	return count;
}

/* ---- images in shop/app ---- */

#define SITE_REPO "/v2/shop/app/"
#define LAYER     "application/vnd.oci.image.layer.v1.tar+gzip"
#define EMPTY     "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static inline void site_put(
		struct site *self, const char *kind, const char *name, const char *type, struct span body)
{
	auto_free char *path = xasprintf(SITE_REPO "%s/%s", kind, name);
	auto_free char *head = xasprintf("200 OK\r\nContent-Type: %s\r\n", type);

	site_add(self, path, head, body);
}

static inline void site_blob(struct site *self, struct span bytes, char digest[static OCI_DIGEST_MAX])
{
	oci_digest_of(bytes, digest);
	site_put(self, "blobs", digest, "application/octet-stream", bytes);
}

/* By its digest, and by a tag (NULL: none). */
static inline void site_manifest(
		struct site *self, const char *text, const char *tag, char digest[static OCI_DIGEST_MAX])
{
	enum oci_kind kind;
	const char *type = NULL;

	oci_digest_of(span_of(text), digest);
	assert_int_equal(oci_kind_of(span_of(text), NULL, &kind, &type, NULL), 0);
	site_put(self, "manifests", digest, type, span_of(text));
	if (tag)
		site_put(self, "manifests", tag, type, span_of(text));
}

/* A plain image of one layer, whose digest ends in these digits; `more` are members of the manifest. */
static inline void site_image(struct site *self, unsigned layer, const char *more, const char *tag,
		char digest[static OCI_DIGEST_MAX])
{
	auto_free char *text = xasprintf(
			"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"config\":{"
			"\"mediaType\":\"" OCI_TYPE_CONFIG "\",\"digest\":\"" EMPTY "\",\"size\":2},"
			"\"layers\":[{\"mediaType\":\"" LAYER
			"\",\"digest\":\"sha256:%064x\",\"size\":7}]%s}",
			layer, more ? more : "");

	site_manifest(self, text, tag, digest);
}

/* ---- a fetch ---- */

struct trip {
	struct facts_options options;
	struct registry_settings settings;
	struct image_want want;
	struct places_try try;
	struct image_facts *facts;
	struct err err;
};

/* Everything but lookaside stores is looked for; the host is named by a policy. */
static inline void trip_to(struct trip *it, const struct site *self, const char *reference)
{
	auto_free char *text = xasprintf("127.0.0.1:%u/shop/app%s", (unsigned)self->peer.port, reference);

	*it = (struct trip){ .options = { .clock = &clock_real, .user_agent = "test/1", .guard = true },
		.settings = { .plain_http = true, .identity = { 1 } },
		.want = { .looks = IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS } };
	if (oci_name_parse(text, &it->want.name, &it->err) < 0)
		fail_msg("%s", it->err.text);
	it->settings.host = it->want.name.host;
	it->want.registry = &it->settings;
	it->try.want = &it->want;
	it->try.deadline = clock_mono(&clock_real) + 60 * CLOCK_SECOND;
}

static inline int trip_go(struct trip *it)
{
	image_facts_unref(it->facts);
	it->facts = NULL;
	it->err = (struct err)ERR_NONE;
	return places_fetch(&it->options, &it->try, &it->facts, &it->err);
}

static inline const struct image_facts *trip_good(struct trip *it)
{
	if (trip_go(it) < 0)
		fail_msg("%s", it->err.text);
	return it->facts;
}

static inline void trip_bad(struct trip *it, enum err_kind kind, const char *words)
{
	if (trip_go(it) == 0)
		fail_msg("there are facts, where '%s' was to come", words);
	if (it->err.kind != kind || !strstr(it->err.text, words))
		fail_msg("%s: %s (not %s '%s')", err_kind_name(it->err.kind), it->err.text,
				err_kind_name(kind), words);
}

static inline void trip_end(struct trip *it)
{
	image_facts_unref(it->facts);
	it->facts = NULL;
}

static struct site site;
static struct trip trip;

static inline int site_setup(void **state)
{
	(void)state;
	site_start(&site);
	return 0;
}

static inline int site_teardown(void **state)
{
	(void)state;
	trip_end(&trip);
	site_stop(&site);
	return 0;
}

#define SITE_TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

#endif
