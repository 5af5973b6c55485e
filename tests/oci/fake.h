/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry that misbehaves as told: a script of the requests it expects, in their order, and of what it does at each.
 * The first request that is not as expected fails the test in fake_stop(), and ends the connection at once.
 *
 *     static const struct fake_step steps[] = {
 *             { .expect = "GET /v2/team/app/blobs/", .answer = "200 OK\r\nContent-Length: 100\r\n", .len = 30, .cut = true },
 *             { .expect = "GET ", .has = { "Range: bytes=30-" }, .answer = "206 …", .from = 30, .len = 70 },
 *     };
 *
 * In answers, {self} and {other} stand for the address of this and of another fake. The bytes of blobs are
 * fake_byte(index), those of uploads are collected by their Content-Range.
 */
#ifndef COCOON_TESTS_OCI_FAKE_H
#define COCOON_TESTS_OCI_FAKE_H

#include "base/buf.h"
#include "tests/fault/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <strings.h>

#include <cmocka.h>

#define FAKE_MAX ((size_t)16 * 1024 * 1024)

struct fake_step {
	const char *expect; /* how the request begins */
	const char *has[3]; /* what its head holds */
	const char *lacks;  /* and what it does not */
	const char *answer; /* from the status on, without the empty line (a last line without end stays so); NULL: none */
	const char *body; /* of the answer, as text; its Content-Length is added */
	size_t from, len; /* of the answer, bytes of the blob */
	size_t endless;   /* that many bytes 'x' more, or until the other side has enough */
	size_t take;      /* of the request's body, before the connection ends; 0: all */
	bool cut;         /* the connection ends behind the answer */
};

struct fake {
	struct peer peer;
	const struct fake_step *steps;
	size_t count;
	size_t at;
	const struct fake *other;
	struct buf received; /* uploads */
	char wrong[1024];
};

static inline char fake_byte(size_t i)
{
	return (char)(i * 7 + (i >> 8) * 13 + (i >> 16));
}

/* Every "{self}" and "{other}" becomes an address. */
static inline void fake_text(const struct fake *fake, const char *text, struct buf *out)
{
	for (; *text; text++) {
		bool self = !strncmp(text, "{self}", 6), other = !strncmp(text, "{other}", 7);
		if (!self && !other) {
			buf_putc(out, *text);
			continue;
		}
		buf_printf(out, "127.0.0.1:%u", (unsigned)(self ? fake->peer.port : fake->other->peer.port));
		text += self ? 5 : 6;
	}
}

static inline size_t fake_number(const char *head, const char *name)
{
	const char *field = strcasestr(head, name);

	return field ? strtoull(field + strlen(name), NULL, 10) : 0;
}

static inline bool fake_is_expected(struct fake *fake, const struct fake_step *step, const char *head)
{
	bool good = step && !strncmp(head, step->expect, strlen(step->expect));

	for (size_t i = 0; good && i < 3 && step->has[i]; i++)
		good = strstr(head, step->has[i]);
	if (good && !(step->lacks && strstr(head, step->lacks)))
		return true;
	if (!fake->wrong[0])
		snprintf(fake->wrong, sizeof(fake->wrong), "step %zu expects '%s', got: %.800s", fake->at,
				step ? step->expect : "nothing more", head);
	return false;
}

/* The request's body; false when it was to be cut. */
static inline bool fake_read_body(struct fake *fake, struct line *line, const struct fake_step *step)
{
	static const char name[] = "\r\nContent-Length: ", range[] = "\r\nContent-Range: ";
	size_t len = fake_number(line->head, name), at = fake_number(line->head, range), got = 0;
	size_t want = step->take && step->take < len ? step->take : len;
	char chunk[8192];

	if (at > fake->received.len)
		snprintf(fake->wrong, sizeof(fake->wrong), "bytes from %zu, where %zu are there", at,
				fake->received.len);
	if (len)
		buf_cut(&fake->received, at);
	while (got < want) {
		size_t cap = want - got < sizeof(chunk) ? want - got : sizeof(chunk);
		ssize_t n = line_read(line, chunk, cap);
		if (n <= 0)
			return false;
		buf_add(&fake->received, chunk, (size_t)n);
		got += (size_t)n;
	}
	return want == len;
}

static inline void fake_answer(const struct fake *fake, struct line *line, const struct fake_step *step)
{
	struct buf text = BUF_MAX(FAKE_MAX);

	buf_puts(&text, "HTTP/1.1 ");
	fake_text(fake, step->answer, &text);
	if (step->body) {
		struct buf body = BUF_MAX(FAKE_MAX);
		fake_text(fake, step->body, &body);
		buf_printf(&text, "Content-Length: %zu\r\n\r\n%s", body.len, buf_text(&body));
		buf_clear(&body);
	} else if (span_ends(buf_span(&text), "\n")) {
		buf_puts(&text, "\r\n");
	}
	for (size_t i = step->from; i < step->from + step->len; i++)
		buf_putc(&text, fake_byte(i));
	line_write(line, text.ptr, text.len);
	buf_reset(&text);
	for (size_t i = 0; i < 65536 && step->endless; i++)
		buf_putc(&text, 'x');
	for (size_t sent = 0; sent < step->endless; sent += text.len)
		line_write(line, text.ptr, text.len);
	buf_clear(&text);
}

static inline void fake_play(struct line *line, void *ctx)
{
	struct fake *fake = ctx;

	while (line_read_head(line)) {
		const struct fake_step *step = fake->at < fake->count ? &fake->steps[fake->at] : NULL;
		if (!fake_is_expected(fake, step, line->head))
			return;
		fake->at++;
		if (!fake_read_body(fake, line, step))
			return;
		if (step->answer)
			fake_answer(fake, line, step);
		if (step->cut || !step->answer)
			return;
	}
}

static inline void fake_start(struct fake *fake, const struct fake_step *steps, size_t count)
{
	fake->steps = steps;
	fake->count = count;
	fake->at = 0;
	fake->wrong[0] = '\0';
	buf_init(&fake->received, (size_t)64 * 1024 * 1024);
	fake->peer.stopping = false;
	fake->peer.play = fake_play;
	fake->peer.ctx = fake;
	peer_start(&fake->peer);
}

/* The server must have been asked all it expected. Clears what was received. */
static inline void fake_stop(struct fake *fake)
{
	peer_stop(&fake->peer);
	buf_clear(&fake->received);
	if (!fake->wrong[0] && fake->at < fake->count)
		snprintf(fake->wrong, sizeof(fake->wrong), "step %zu, '%s', was never asked for", fake->at,
				fake->steps[fake->at].expect);
	if (!fake->wrong[0])
		return;
	fail_msg("the fake registry: %s", fake->wrong);
}

#endif
