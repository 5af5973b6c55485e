/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recordings of the ecosystem's key provider and hub (tests/vectors/keyprovider; each file says what it is):
 * recording_load("unwrap.json"), recording_case(doc, "ours-minimal").
 */
#ifndef COCOON_TESTS_IMAGE_RECORDINGS_H
#define COCOON_TESTS_IMAGE_RECORDINGS_H

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define RECORDING_MAX ((size_t)1024 * 1024)

static inline json_t *recording_load(const char *name)
{
	auto_free char *path = xasprintf("tests/vectors/keyprovider/%s", name);
	struct err err = ERR_NONE;
	json_t *doc = NULL;

	if (json_read_file(path, RECORDING_MAX, &doc, &err) < 0)
		fail_msg("%s", err.text);
	return doc;
}

static inline const json_t *recording_case(const json_t *doc, const char *name)
{
	size_t i = 0;
	json_t *entry = NULL;

	json_array_foreach (json_object_get(doc, "cases"), i, entry)
		if (!strcmp(json_text_at(entry, "name", NULL), name))
			return entry;
	fail_msg("there is no case %s", name);
	return NULL;
}

/* A resource of the recordings' offline store; false when it does not hold it. */
static inline bool recording_key(const json_t *keys, const char *path, struct secret *out)
{
	const char *text = json_string_value(json_object_get(json_object_get(keys, "resources"), path));
	auto_buf struct buf bytes = BUF_MAX(4096);

	if (!text)
		return false;
	assert_int_equal(b64_decode(span_of(text), &bytes, NULL), 0);
	assert_int_equal(secret_from_span(out, buf_span(&bytes), NULL), 0);
	return true;
}

static inline void recording_hex(const char *text, struct buf *out)
{
	assert_int_equal(hex_decode(span_of(text), out, NULL), 0);
}

#endif
