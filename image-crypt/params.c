/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/params.h"

#include "base/err.h"

#include <string.h>

/* Where the next "::" begins, or the end. An IPv6 address in a key id keeps its own. */
static size_t find_separator(struct span text)
{
	size_t skip = 0;

	for (size_t i = 0; i + 1 < text.len; i++) {
		struct span rest = span_from(text, i);
		size_t bracket = span_starts(rest, "://[") ? span_find(rest, ']') : rest.len;
		if (bracket < rest.len)
			skip = i + bracket;
		if (i >= skip && span_starts(rest, "::"))
			return i;
	}
	return text.len;
}

static int set_id(struct span value, struct params *out, struct err *err)
{
	if (kbs_uri_parse_key_id(value, &out->id, err) < 0 || kbs_uri_check(&out->id, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "keyid");
	}
	out->has_id = true;
	return 0;
}

static int set_cipher(struct span value, struct params *out, struct err *err)
{
	if (!span_is(value, "A256GCM") && !span_is(value, "A256CTR"))
		return err_set(err, ERR_USAGE, "algorithm: '%.*s' is not A256GCM or A256CTR",
				(int)(value.len < 40 ? value.len : 40), value.ptr);
	out->cipher = span_is(value, "A256CTR") ? PACKET_A256CTR : PACKET_A256GCM;
	return 0;
}

static int set(struct span name, struct span value, struct params *out, struct err *err)
{
	if (span_is(name, "sample"))
		out->sample = span_is(value, "true");
	if (span_is(name, "keyid"))
		return set_id(value, out, err);
	if (span_is(name, "algorithm"))
		return set_cipher(value, out, err);
	if (!span_is(name, "keypath"))
		return 0;
	if (span_find(value, '\0') < value.len)
		return err_set(err, ERR_USAGE, "keypath: holds a NUL");
	if (value.len)
		memcpy(out->path, value.ptr, value.len);
	out->path[value.len] = '\0';
	return 0;
}

int params_parse(struct span text, struct params *out, struct err *err)
{
	struct params params = { .cipher = PACKET_A256GCM };
	struct span rest = text;

	if (text.len >= PARAMS_MAX)
		return err_set(err, ERR_LIMIT, "the parameters have %zu bytes; at most %d are allowed",
				text.len, PARAMS_MAX - 1);
	while (rest.len) {
		struct span piece = span_new(rest.ptr, find_separator(rest));
		size_t equals = span_find(piece, '=');
		rest = span_from(rest, piece.len + 2);
		if (equals < piece.len &&
				set(span_new(piece.ptr, equals), span_from(piece, equals + 1), &params, err) <
						0)
			return -1;
	}
	*out = params;
	return 0;
}
