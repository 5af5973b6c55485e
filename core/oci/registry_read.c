/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob of a registry as a struct pull. Bytes go straight into the buffer of who reads where it waits for them; what
 * comes beside goes into a small one, and when that is full the registry has to wait.
 *
 * A cut connection is taken up again at the next byte (RFC 9110 section 14: Range, with If-Range where there is a
 * strong ETag); a registry that ignores the range sends all, of which the beginning is skipped.
 */
#include "oci/registry_own.h"

#include "base/alloc.h"
#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD    ((size_t)256 * 1024)
#define TURN     1000
/* a connection that brought as much begins the count of tries anew */
#define PROGRESS ((uint64_t)1024 * 1024)

struct registry_reader {
	struct oci_reader reader;
	struct registry *registry;
	struct ask ask;
	bool begun;
	uint64_t size;
	uint64_t offset;  /* of the next byte that arrives and counts */
	uint64_t skip;    /* bytes that come again */
	uint64_t resumed; /* where the last connection began */
	struct retry retry;
	char what[OCI_TEXT_MAX + OCI_DIGEST_MAX + 32];
	char digest[OCI_DIGEST_MAX];
	char range[64];
	char if_range[300];
	char etag[256];
	/* where a read waits */
	char *out;
	size_t room;
	size_t got;
	/* what is kept for the next one */
	char *ahead;
	size_t from;
	size_t to;
};

/* As http_handler.body: all of the bytes are taken, or none. */
static int take_bytes(void *ctx, struct span bytes, struct err *err)
{
	struct registry_reader *reader = ctx;
	size_t again = bytes.len < reader->skip ? bytes.len : (size_t)reader->skip;
	struct span fresh = span_from(bytes, again);

	if (fresh.len > reader->size - reader->offset)
		return err_set(err, ERR_FORMAT, "it has more than the %llu bytes that the manifest says",
				(unsigned long long)reader->size);
	size_t direct = reader->to > reader->from ? 0 : reader->room - reader->got;
	if (direct > fresh.len)
		direct = fresh.len;
	if (fresh.len - direct > AHEAD - reader->to)
		return HTTP_PAUSE;
	reader->skip -= again;
	reader->offset += fresh.len;
	if (direct)
		memcpy(reader->out + reader->got, fresh.ptr, direct);
	reader->got += direct;
	fresh = span_from(fresh, direct);
	if (fresh.len)
		memcpy(reader->ahead + reader->to, fresh.ptr, fresh.len);
	reader->to += fresh.len;
	return 0;
}

/* ---- one connection ---- */

static void set_fields(struct registry_reader *reader)
{
	struct ask *ask = &reader->ask;

	ask->fields[0] = ask->fields[1] = NULL;
	if (!reader->offset)
		return;
	snprintf(reader->range, sizeof(reader->range), "Range: bytes=%llu-",
			(unsigned long long)reader->offset);
	ask->fields[0] = reader->range;
	/* a weak one says nothing about bytes */
	if (!reader->etag[0] || !strncmp(reader->etag, "W/", 2))
		return;
	snprintf(reader->if_range, sizeof(reader->if_range), "If-Range: %s", reader->etag);
	ask->fields[1] = reader->if_range;
}

/* Does the good answer's head fit what was asked for? */
static int check_head(struct registry_reader *reader, struct err *err)
{
	const struct http_response *answer = &reader->ask.answer;
	char wanted[64];

	reader->skip = 0;
	if (answer->status == 206) {
		snprintf(wanted, sizeof(wanted), "bytes %llu-", (unsigned long long)reader->offset);
		if (!reader->offset || strncmp(answer->content_range, wanted, strlen(wanted)) != 0)
			return err_set(err, ERR_FORMAT, "HTTP 206 brings another range than '%s'", wanted);
	} else if (answer->status == 200) {
		reader->skip = reader->offset;
	} else {
		return ask_refused(reader->registry, &reader->ask, err);
	}
	uint64_t expected = reader->size - reader->offset + reader->skip;
	if (answer->content_length >= 0 && (uint64_t)answer->content_length != expected)
		return err_set(err, ERR_FORMAT, "%lld bytes are announced where %llu must come",
				(long long)answer->content_length, (unsigned long long)expected);
	memcpy(reader->etag, answer->etag, sizeof(reader->etag));
	reader->resumed = reader->offset;
	return 0;
}

/* on_head comes before the first byte, so take_bytes must find skip set: the head is checked when it is there. */
static int take_checked(void *ctx, struct span bytes, struct err *err)
{
	struct registry_reader *reader = ctx;

	if (!reader->begun) {
		if (check_head(reader, err) < 0)
			return -1;
		reader->begun = true;
	}
	return take_bytes(ctx, bytes, err);
}

static int connect_blob(struct registry_reader *reader, struct err *err)
{
	struct ask *ask = &reader->ask;
	struct registry *registry = reader->registry;

	ask_clear(registry, ask);
	*ask = (struct ask)ASK_NONE;
	ask->method = "GET";
	ask->what = reader->what;
	ask->deadline = reader->retry.until;
	ask->sink = take_checked;
	ask->ctx = reader;
	reader->begun = false;
	set_fields(reader);
	registry_url(registry, "blobs", reader->digest, &ask->url);
	if (ask_run(registry, ask, err) < 0)
		return -1;
	if (reader->begun)
		return 0;
	if (check_head(reader, err) < 0)
		return err_wrap(err, "%s", reader->what);
	reader->begun = true;
	return 0;
}

/* The connection is over before the blob's end. */
static int connect_again(struct registry_reader *reader, struct err *err)
{
	struct err *failure = &reader->ask.failure;

	if (failure->kind == ERR_OK)
		err_set(failure, ERR_IO, "the connection ended after %llu of %llu bytes",
				(unsigned long long)reader->offset, (unsigned long long)reader->size);
	if (failure->kind != ERR_IO && failure->kind != ERR_RETRY) {
		if (err)
			*err = *failure;
		return err_wrap(err, "%s", reader->what);
	}
	if (reader->offset - reader->resumed >= PROGRESS)
		reader->retry.tries = reader->retry.waited = 0;
	if (retry_again(&reader->retry, failure->text, 0, err) < 0)
		return err_wrap(err, "%s", reader->what);
	return connect_blob(reader, err);
}

/* ---- the pull ---- */

static size_t take_ahead(struct registry_reader *reader, void *out, size_t cap)
{
	size_t have = reader->to - reader->from, len = have < cap ? have : cap;

	if (len)
		memcpy(out, reader->ahead + reader->from, len);
	reader->from += len;
	if (reader->from == reader->to)
		reader->from = reader->to = 0;
	return len;
}

static int blob_read(struct pull *self, void *out, size_t cap, size_t *got, struct err *err)
{
	struct registry_reader *reader = (struct registry_reader *)self;
	struct ask *ask = &reader->ask;

	*got = take_ahead(reader, out, cap);
	if (*got || !cap)
		return 0;
	reader->out = out;
	reader->room = cap;
	reader->got = 0;
	int result = 0;
	while (!result && !reader->got && reader->offset < reader->size) {
		if (ask->done) {
			result = connect_again(reader, err);
			continue;
		}
		http_resume(reader->registry->http, ask->call);
		result = http_turn(reader->registry->http, TURN, NULL, 0, err);
	}
	/* all is there: the answer's end must come, and no further byte */
	while (!result && !reader->got && !ask->done)
		result = http_turn(reader->registry->http, TURN, NULL, 0, err);
	*got = reader->got;
	reader->room = reader->got = 0;
	reader->out = NULL;
	if (!result && !*got && ask->failure.kind == ERR_FORMAT) {
		if (err)
			*err = ask->failure;
		result = err_wrap(err, "%s", reader->what);
	}
	return result;
}

static void reader_free(struct oci_reader *self)
{
	struct registry_reader *reader = (struct registry_reader *)self;

	ask_clear(reader->registry, &reader->ask);
	free(reader->ahead);
	free(reader);
}

int registry_blob(struct oci_source *source, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err)
{
	struct registry *registry = &((struct registry_source *)source)->registry;

	struct registry_reader *reader = xcalloc(1, sizeof(*reader));
	reader->reader = (struct oci_reader){ .pull = { .read = blob_read }, .free = reader_free };
	reader->registry = registry;
	reader->ask = (struct ask)ASK_NONE;
	reader->size = blob->size;
	reader->ahead = xmalloc(AHEAD);
	reader->retry = (struct retry){ .sleep = &registry->sleep, .until = registry_deadline(registry) };
	snprintf(reader->digest, sizeof(reader->digest), "%s", blob->digest);
	snprintf(reader->what, sizeof(reader->what), "%s: the blob %s", registry->place.text, blob->digest);
	if (connect_blob(reader, err) < 0) {
		reader_free(&reader->reader);
		return -1;
	}
	*out = &reader->reader;
	return 0;
}
