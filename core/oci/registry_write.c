/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob on its way into a registry (distribution-spec, "Pushing blobs").
 *
 *     up to CHUNK bytes   POST uploads/ → Location;                       PUT Location?digest=…  with all of it
 *     more                POST uploads/ → Location; PATCH, PATCH, … each;  PUT Location?digest=…  with nothing
 *
 * While one chunk travels the next one is filled; every feed lets the network go on. A chunk stays in memory until the
 * registry has it, so that a cut upload goes on from where the registry says that it stands. Not every registry keeps
 * what came of a cut chunk (docker's forgets the whole upload): then the failure is ERR_RETRY, and the blob is to be
 * fed to a new writer.
 */
#include "oci/registry_own.h"

#include "base/alloc.h"
#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      ((size_t)4 * 1024 * 1024)
#define ANSWER_MAX ((size_t)64 * 1024)

struct registry_writer {
	struct oci_writer writer;
	struct registry_dest *dest;
	struct registry *registry;
	uint64_t size;
	uint64_t fed;
	struct buf session; /* the upload's address; empty: none was opened */
	char *chunk[2];
	unsigned current; /* the one that is filled */
	size_t fill;
	struct ask ask; /* the other one's request */
	bool flying;
	uint64_t from; /* where the chunk that travels begins in the blob */
	size_t len;
	size_t taken; /* of it, by the registry */
	bool lost;    /* the registry does not answer: nothing to tidy up there */
	char what[OCI_TEXT_MAX + 64];
	char range[64];
};

/* ---- the upload's session ---- */

static int open_session(struct registry_writer *writer, struct err *err)
{
	struct registry *registry = writer->registry;
	struct buf *left = &writer->dest->session;
	struct ask ask = ASK_NONE;

	if (writer->session.len)
		return 0;
	if (left->len) {
		buf_add_span(&writer->session, buf_span(left));
		buf_reset(left);
		return 0;
	}
	ask.method = "POST";
	ask.what = writer->what;
	ask.max = ANSWER_MAX;
	registry_url(registry, "blobs", "uploads/", &ask.url);
	int result = ask_run(registry, &ask, err);
	if (!result && ask_location(registry, &ask, &writer->session, err) < 0)
		result = err_wrap(err, "%s", writer->what);
	ask_clear(registry, &ask);
	return result;
}

void registry_cancel(struct registry *registry, struct buf *session)
{
	struct ask ask = ASK_NONE;

	if (!session->len)
		return;
	ask.method = "DELETE";
	ask.what = "ending an upload";
	ask.max = ANSWER_MAX;
	ask.patience = ASK_NEVER;
	buf_add_span(&ask.url, buf_span(session));
	/* what stays there is the registry's to clean up; it does so after a while anyway */
	struct err unheard = ERR_NONE;
	(void)!ask_run(registry, &ask, &unheard);
	ask_clear(registry, &ask);
	buf_reset(session);
}

/* ---- a chunk ---- */

/* Range: 0-N, of all that the registry has; "0-0" is how docker's says nothing. */
static bool read_range(const char *text, uint64_t *have)
{
	struct span value = span_of(text);
	uint64_t last;

	if (span_starts(value, "bytes="))
		value = span_from(value, 6);
	if (!span_starts(value, "0-") || !span_number(span_from(value, 2), OCI_SIZE_MAX, &last))
		return false;
	*have = last ? last + 1 : 0;
	return true;
}

/* What the registry says it has, as a part of the chunk that travels. */
static int note_taken(struct registry_writer *writer, uint64_t have, struct err *err)
{
	uint64_t end = writer->from + writer->len;

	if (have < writer->from || have > end)
		return err_set(err, ERR_RETRY,
				"%s: the registry has %llu bytes of it, where %llu to %llu would do: begin "
				"again",
				writer->what, (unsigned long long)have, (unsigned long long)writer->from,
				(unsigned long long)end);
	writer->taken = have - writer->from;
	return 0;
}

static int begin_patch(struct registry_writer *writer, struct err *err)
{
	struct ask *ask = &writer->ask;
	uint64_t first = writer->from + writer->taken;

	ask_clear(writer->registry, ask);
	*ask = (struct ask)ASK_NONE;
	snprintf(writer->range, sizeof(writer->range), "Content-Range: %llu-%llu", (unsigned long long)first,
			(unsigned long long)(writer->from + writer->len - 1));
	ask->method = "PATCH";
	ask->what = writer->what;
	ask->fields[0] = "Content-Type: application/octet-stream";
	ask->fields[1] = writer->range;
	ask->body = span_new(writer->chunk[!writer->current] + writer->taken, writer->len - writer->taken);
	ask->max = ANSWER_MAX;
	ask->patience = ASK_ONCE;
	buf_add_span(&ask->url, buf_span(&writer->session));
	return ask_begin(writer->registry, ask, err);
}

/* GET of the upload's address tells how far it is. */
static int ask_progress(struct registry_writer *writer, struct err *err)
{
	struct registry *registry = writer->registry;
	struct ask ask = ASK_NONE;
	uint64_t have = 0;

	ask.method = "GET";
	ask.what = writer->what;
	ask.max = ANSWER_MAX;
	buf_add_span(&ask.url, buf_span(&writer->session));
	int result = ask_run(registry, &ask, err);
	/* docker's registry gives up an upload when a part of it was cut: the blob has to come once more */
	if (result < 0 && err && (err->kind == ERR_NOT_FOUND || err->kind == ERR_DENIED)) {
		err->kind = ERR_RETRY;
		err_wrap(err, "the upload was cut, and the registry did not keep it: begin again");
	}
	if (!result && ask.answer.location[0])
		result = ask_location(registry, &ask, &writer->session, err);
	if (!result && !read_range(ask.answer.range, &have))
		result = err_set(err, ERR_FORMAT, "%s: the registry does not say how much it has",
				writer->what);
	if (!result)
		result = note_taken(writer, have, err);
	ask_clear(registry, &ask);
	return result;
}

/* The answer to a PATCH that went well. */
static int read_patch(struct registry_writer *writer, struct err *err)
{
	struct ask *ask = &writer->ask;
	uint64_t have = writer->from + writer->len;

	if (ask->answer.location[0] && ask_location(writer->registry, ask, &writer->session, err) < 0)
		return err_wrap(err, "%s", writer->what);
	(void)read_range(ask->answer.range, &have);
	return note_taken(writer, have, err);
}

/* Is it worth asking how far it went? 416: our idea of the place differs from the registry's. */
static bool is_resumable(const struct registry_writer *writer, const struct err *failure)
{
	return failure->kind == ERR_IO || failure->kind == ERR_RETRY || writer->ask.answer.status == 416;
}

static int land_once(struct registry_writer *writer, struct retry *retry, struct err *err)
{
	struct err failure = ERR_NONE;

	if (ask_finish(writer->registry, &writer->ask, &failure) == 0)
		return read_patch(writer, err);
	if (!is_resumable(writer, &failure)) {
		if (err)
			*err = failure;
		return -1;
	}
	if (retry_again(retry, failure.text, failure.retry_after, err) < 0)
		return -1;
	return ask_progress(writer, err);
}

/* Until the registry has all of the chunk that travels. */
static int land(struct registry_writer *writer, struct err *err)
{
	struct retry retry = { .sleep = &writer->registry->sleep };

	while (writer->flying) {
		size_t before = writer->taken;
		if (land_once(writer, &retry, err) < 0) {
			writer->lost = true;
			return -1;
		}
		writer->flying = writer->taken < writer->len;
		if (writer->taken > before)
			retry.tries = 0;
		if (writer->flying && begin_patch(writer, err) < 0)
			return -1;
	}
	return 0;
}

/* Sends the chunk that is full and turns to the other one. */
static int launch(struct registry_writer *writer, struct err *err)
{
	if (land(writer, err) < 0 || open_session(writer, err) < 0)
		return -1;
	writer->from = writer->fed - writer->fill;
	writer->len = writer->fill;
	writer->taken = 0;
	writer->fill = 0;
	writer->current = !writer->current;
	if (!writer->chunk[writer->current])
		writer->chunk[writer->current] = xmalloc(CHUNK);
	writer->flying = true;
	return begin_patch(writer, err);
}

static int writer_feed(struct stream *self, struct span bytes, struct err *err)
{
	struct registry_writer *writer = (struct registry_writer *)self;

	if (bytes.len > writer->size - writer->fed)
		return err_set(err, ERR_BUG, "%s: more than the %llu bytes that were announced", writer->what,
				(unsigned long long)writer->size);
	while (bytes.len) {
		if (writer->fill == CHUNK && launch(writer, err) < 0)
			return -1;
		size_t len = CHUNK - writer->fill < bytes.len ? CHUNK - writer->fill : bytes.len;
		memcpy(writer->chunk[writer->current] + writer->fill, bytes.ptr, len);
		writer->fill += len;
		writer->fed += len;
		bytes = span_from(bytes, len);
	}
	return writer->flying ? http_turn(writer->registry->http, 0, NULL, 0, err) : 0;
}

/* ---- the end ---- */

static int put_once(struct registry_writer *writer, struct ask *ask, const char *digest, struct err *err)
{
	if (open_session(writer, err) < 0)
		return -1;
	ask->method = "PUT";
	ask->what = writer->what;
	ask->max = ANSWER_MAX;
	buf_add_span(&ask->url, buf_span(&writer->session));
	url_add_query(&ask->url, "digest", span_of(digest));
	return ask_run(writer->registry, ask, err);
}

static int check_answer(const struct registry_writer *writer, const struct ask *ask, const char *digest,
		struct err *err)
{
	const char *said = ask->answer.docker_content_digest;

	if (said[0] && !strncmp(said, digest, 7) && strcmp(said, digest) != 0)
		return err_set(err, ERR_AUTH, "%s: the registry keeps %.140s, we sent %s", writer->what, said,
				digest);
	return 0;
}

/* All of a small blob at once. What a cut attempt left behind is of no use: each has an upload of its own. */
static int put_whole(struct registry_writer *writer, const char *digest, struct err *err)
{
	struct retry retry = { .sleep = &writer->registry->sleep };

	for (;;) {
		struct ask ask = ASK_NONE;
		struct err failure = ERR_NONE;
		ask.fields[0] = "Content-Type: application/octet-stream";
		ask.body = span_new(writer->chunk[0], writer->fill);
		ask.patience = ASK_ONCE;
		int result = put_once(writer, &ask, digest, &failure);
		if (!result)
			result = check_answer(writer, &ask, digest, &failure);
		ask_clear(writer->registry, &ask);
		if (!result)
			return 0;
		buf_reset(&writer->session);
		bool passing = failure.kind == ERR_IO || failure.kind == ERR_RETRY;
		if (!passing || retry_again(&retry, failure.text, failure.retry_after, &failure) < 0) {
			if (err)
				*err = failure;
			return -1;
		}
	}
}

/* The answer to an earlier attempt may have been lost: then the upload is gone because the blob is there. */
static int is_there(struct registry_writer *writer, const char *digest, bool *there, struct err *err)
{
	struct oci_descriptor blob = { .digest = digest, .size = writer->size };

	return registry_has(writer->dest, &blob, there, err);
}

static int put_end(struct registry_writer *writer, const char *digest, struct err *err)
{
	struct ask ask = ASK_NONE;
	struct err failure = ERR_NONE;
	bool there = false;

	int result = put_once(writer, &ask, digest, &failure);
	if (!result)
		result = check_answer(writer, &ask, digest, &failure);
	else if (failure.kind == ERR_NOT_FOUND && is_there(writer, digest, &there, NULL) == 0)
		result = there ? 0 : -1;
	ask_clear(writer->registry, &ask);
	if (result && err)
		*err = failure;
	return result;
}

static int writer_commit(struct oci_writer *self, const char *digest, struct err *err)
{
	struct registry_writer *writer = (struct registry_writer *)self;
	bool whole = !writer->flying && !writer->taken;

	if (writer->fed != writer->size)
		return err_set(err, ERR_BUG, "%s: %llu bytes came of the %llu that were announced",
				writer->what, (unsigned long long)writer->fed,
				(unsigned long long)writer->size);
	if (whole) {
		if (put_whole(writer, digest, err) < 0)
			return -1;
	} else if ((writer->fill && launch(writer, err) < 0) || land(writer, err) < 0 ||
			put_end(writer, digest, err) < 0) {
		return -1;
	}
	buf_reset(&writer->session);
	return 0;
}

static void writer_free(struct oci_writer *self)
{
	struct registry_writer *writer = (struct registry_writer *)self;

	ask_clear(writer->registry, &writer->ask);
	if (!writer->lost)
		registry_cancel(writer->registry, &writer->session);
	buf_clear(&writer->session);
	free(writer->chunk[0]);
	free(writer->chunk[1]);
	free(writer);
}

int registry_writer(struct oci_dest *self, uint64_t size, struct oci_writer **out, struct err *err)
{
	struct registry_dest *dest = (struct registry_dest *)self;
	struct registry_writer *writer = xcalloc(1, sizeof(*writer));

	(void)err;
	writer->writer = (struct oci_writer){
		.stream = { .feed = writer_feed }, .commit = writer_commit, .free = writer_free
	};
	writer->dest = dest;
	writer->registry = &dest->registry;
	writer->size = size;
	writer->ask = (struct ask)ASK_NONE;
	buf_init(&writer->session, URL_MAX);
	writer->chunk[0] = xmalloc(size < CHUNK ? (size_t)size + 1 : CHUNK);
	snprintf(writer->what, sizeof(writer->what), "%s: pushing a blob of %llu bytes",
			dest->registry.place.text, (unsigned long long)size);
	*out = &writer->writer;
	return 0;
}
