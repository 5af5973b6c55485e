/* SPDX-License-Identifier: Apache-2.0 */
/* scan_value, scan_member, scan_item, scan_text: takes what jansson takes, and finds the same items and texts. */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/scan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Members are compared where jansson kept them all, in their order: it drops the first of two equal names. */
static void same(struct scan *value, json_t *peer)
{
	auto_free char *text = malloc(value->text.len + 1);
	struct scan walk = *value, name, inner;
	size_t members = 0, items = 0;

	assert((value->kind == SCAN_STRING) == json_is_string(peer));
	size_t len = scan_text(value, text);
	assert(len == json_string_length(peer) && (!len || !memcmp(text, json_string_value(peer), len)));
	while (scan_item(value, &inner))
		same(&inner, json_array_get(peer, items++));
	assert(items == json_array_size(peer));
	while (scan_member(&walk, &name, &inner))
		members++;
	void *at = members == json_object_size(peer) ? json_object_iter(peer) : NULL;
	for (; at && scan_member(value, &name, &inner); at = json_object_iter_next(peer, at))
		same(&inner, json_object_iter_value(at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_error_t why = { .line = 0 };
	auto_json json_t *peer = json_loadb((const char *)data, size, JSON_DECODE_ANY, &why);
	struct scan value;
	struct err err = ERR_NONE;

	if (scan_value(span_new(data, size), &value, &err) == 0) {
		assert(peer || json_error_code(&why) == json_error_numeric_overflow);
		if (peer)
			same(&value, peer);
	} else {
		/* jansson takes a NUL behind the value */
		assert(!peer || err.kind == ERR_LIMIT || memchr(data, 0, size));
	}
	return 0;
}
