/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source or dest of team/app:1 at a fake registry (tests/oci/fake.h), whose waits are counted and not waited.
 */
#ifndef COCOON_TESTS_OCI_REGISTRY_RIG_H
#define COCOON_TESTS_OCI_REGISTRY_RIG_H

#include "base/own.h"
#include "oci/registry_own.h"
#include "tests/oci/fake.h"

#include <stdio.h>

#define RIG_DIGEST             "sha256:" RIG_HEX
#define RIG_HEX                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define RIG_BLOB               "/v2/team/app/blobs/" RIG_DIGEST
#define RIG_GET                "GET " RIG_BLOB " HTTP/1.1\r\n"
#define RIG_OK(n)              "200 OK\r\nContent-Length: " #n "\r\n"
#define RIG_START(fake, steps) fake_start(fake, steps, sizeof(steps) / sizeof((steps)[0]))

struct rig {
	struct fake fake;
	struct oci_access access;
	struct oci_source *source;
	struct oci_dest *dest;
	int waits;
	int waited; /* ms */
	struct err err;
};

static inline int rig_wait(void *ctx, int ms, struct err *err)
{
	struct rig *rig = ctx;

	(void)err;
	rig->waits++;
	rig->waited += ms;
	return 0;
}

/* The caller frees. */
static inline struct oci_place *rig_place(const struct rig *rig, const char *host, const char *repository)
{
	struct oci_place *place = malloc(sizeof(*place));
	char text[300];

	snprintf(text, sizeof(text), "docker://%s:%u/%s:1", host, (unsigned)rig->fake.peer.port, repository);
	assert_non_null(place);
	assert_int_equal(oci_place_parse(text, place, NULL), 0);
	return place;
}

static inline void rig_source_at(struct rig *rig, const char *host)
{
	auto_free struct oci_place *place = rig_place(rig, host, "team/app");

	rig->access.user_agent = "test/1";
	assert_int_equal(oci_registry_source(place, &rig->access, &rig->source, NULL), 0);
	struct registry *registry = &((struct registry_source *)rig->source)->registry;
	registry->sleep.wait = rig_wait;
	registry->sleep.ctx = rig;
}

static inline void rig_source(struct rig *rig)
{
	rig->access.plain_http = true;
	rig_source_at(rig, "127.0.0.1");
}

/* from: a repository at the same registry, or NULL. */
static inline void rig_dest(struct rig *rig, const char *from)
{
	auto_free struct oci_place *place = rig_place(rig, "127.0.0.1", "team/app");
	auto_free struct oci_place *source = from ? rig_place(rig, "127.0.0.1", from) : NULL;

	rig->access.plain_http = true;
	rig->access.user_agent = "test/1";
	assert_int_equal(oci_registry_dest(place, &rig->access, source, &rig->dest, NULL), 0);
	struct registry *registry = &((struct registry_dest *)rig->dest)->registry;
	registry->sleep.wait = rig_wait;
	registry->sleep.ctx = rig;
}

/* Checks that the script was played to its end. */
static inline void rig_end(struct rig *rig)
{
	if (rig->source)
		rig->source->ops->free(rig->source);
	if (rig->dest)
		rig->dest->ops->free(rig->dest);
	fake_stop(&rig->fake);
}

/* Reads a blob of that size to its end, in pieces of `cap`, and compares the bytes. */
static inline int rig_read(struct rig *rig, size_t size, size_t cap)
{
	struct oci_descriptor blob = { .digest = RIG_DIGEST, .size = size };
	struct oci_reader *reader = NULL;
	char *chunk = malloc(cap);
	size_t at = 0, got = 1;
	int result = rig->source->ops->blob(rig->source, &blob, &reader, &rig->err);

	while (!result && got) {
		result = pull_read(&reader->pull, chunk, cap, &got, &rig->err);
		for (size_t i = 0; !result && i < got; i++, at++)
			if (chunk[i] != fake_byte(at))
				fail_msg("byte %zu of the blob is wrong", at);
	}
	if (!result && at != size)
		fail_msg("%zu bytes of %zu came", at, size);
	if (reader)
		reader->free(reader);
	free(chunk);
	return result;
}

/* Writes a blob in pieces of `cap` and commits it; frees the writer. */
static inline int rig_write(struct rig *rig, size_t size, size_t cap)
{
	struct oci_writer *writer = NULL;
	char *chunk = malloc(cap);

	int result = rig->dest->ops->blob(rig->dest, size, &writer, &rig->err);
	for (size_t at = 0; !result && at < size;) {
		size_t len = size - at < cap ? size - at : cap;
		for (size_t i = 0; i < len; i++)
			chunk[i] = fake_byte(at + i);
		result = stream_feed(&writer->stream, span_new(chunk, len), &rig->err);
		at += len;
	}
	if (!result)
		result = writer->commit(writer, RIG_DIGEST, &rig->err);
	if (writer)
		writer->free(writer);
	free(chunk);
	return result;
}

static inline void rig_good(const struct rig *rig, int result)
{
	if (result < 0)
		fail_msg("%s; %s", rig->err.text, rig->fake.wrong);
}

/* A failure of that kind whose text holds the words, and not the password or token of these tests. */
static inline void rig_failed(const struct rig *rig, int result, enum err_kind kind, const char *words)
{
	const char *text = rig->err.text;

	if (!result)
		fail_msg("no failure, where '%s' was to come", words);
	if (rig->err.kind != kind || !strstr(text, words))
		fail_msg("%s: %s (not %s '%s'); %s", err_kind_name(rig->err.kind), text, err_kind_name(kind),
				words, rig->fake.wrong);
	if (strstr(text, "s3cret") || strstr(text, "dTpzM2NyZXQ=") || strstr(text, "t0ken"))
		fail_msg("a secret is in: %s", text);
}

#endif
