/* SPDX-License-Identifier: Apache-2.0 */
/* The recordings of tests/vectors/sealed: recording("unseal.json"), store_get(store, "kbs:///a/b/c", &bytes). */
#ifndef COCOON_TESTS_SEALED_RECORDINGS_H
#define COCOON_TESTS_SEALED_RECORDINGS_H

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "jose/jwk.h"
#include "kbs/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define RECORDING_MAX ((size_t)1024 * 1024)

static inline json_t *recording(const char *name)
{
	auto_free char *path = xasprintf("tests/vectors/sealed/%s", name);
	struct err err = ERR_NONE;
	json_t *doc = NULL;

	if (json_read_file(path, RECORDING_MAX, &doc, &err) < 0)
		fail_msg("%s", err.text);
	return doc;
}

static inline void jwk_of_object(const json_t *object, struct jwk *out)
{
	auto_free char *text = json_text(object, false);
	struct err err = ERR_NONE;

	if (jwk_parse(span_of(text), out, &err) < 0)
		fail_msg("%s", err.text);
}

/* What the guest's store has for the URI; false when it is none or the store does not hold it. */
static inline bool store_get(const json_t *keys, const char *uri_text, struct buf *out)
{
	struct kbs_uri uri = { .path = "" };

	if (kbs_uri_parse(span_of(uri_text), &uri, NULL) < 0)
		return false;
	const char *found = json_string_value(json_object_get(json_object_get(keys, "resources"), uri.path));
	if (!found)
		return false;
	assert_int_equal(b64_decode(span_of(found), out, NULL), 0);
	return true;
}

#endif
