/* SPDX-License-Identifier: Apache-2.0 */
#include "image/provider_own.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "image/scanned.h"
#include "image/wrap.h"

#include <stdlib.h>
#include <string.h>

#define NO_WRAP   "\"keywrapparams\":{\"ec\":null,\"optsdata\":null}"
#define NO_UNWRAP "\"keyunwrapparams\":{\"dc\":null,\"annotation\":null}"

/* ---- requests ------------------------------------------------------------------------------------------ */

/* {"NAME":["BASE64"]}; empty without attributes. */
static void put_parameters(struct buf *out, const char *name, const char *attributes)
{
	auto_json json_t *value = json_string(name);
	auto_free char *quoted = json_text(value, false);

	buf_putc(out, '{');
	if (attributes) {
		buf_puts(out, quoted);
		buf_puts(out, ":[\"");
		b64_encode(out, span_of(attributes));
		buf_puts(out, "\"]");
	}
	buf_putc(out, '}');
}

/* Room for everything at once: nothing is left behind by growing. */
static int give_room(struct buf *out, const char *name, const char *attributes, size_t bytes, struct err *err)
{
	size_t fixed = 512, words = 6 * strlen(name) + (attributes ? b64_encoded_len(strlen(attributes)) : 0);

	if (!buf_room(out, fixed + words + b64_encoded_len(bytes)))
		return buf_check(out, "the request to the key provider", err);
	return 0;
}

int provider_wrap_request(const char *name, const char *attributes, const struct secret *options,
		struct buf *out, struct err *err)
{
	if (give_room(out, name, attributes, options->len, err) < 0)
		return -1;
	buf_puts(out, "{\"op\":\"keywrap\",\"keywrapparams\":{\"ec\":{\"Parameters\":");
	put_parameters(out, name, attributes);
	buf_puts(out, ",\"DecryptConfig\":{\"Parameters\":{}}},\"optsdata\":\"");
	b64_encode(out, secret_span(options));
	buf_puts(out, "\"}," NO_UNWRAP "}");
	return buf_check(out, "the request to the key provider", err);
}

int provider_unwrap_request(const char *name, const char *attributes, struct span element, struct buf *out,
		struct err *err)
{
	if (give_room(out, name, attributes, element.len, err) < 0)
		return -1;
	buf_puts(out, "{\"op\":\"keyunwrap\"," NO_WRAP ",\"keyunwrapparams\":{\"dc\":{\"Parameters\":");
	put_parameters(out, name, attributes);
	buf_puts(out, "},\"annotation\":\"");
	b64_encode(out, element);
	buf_puts(out, "\"}}");
	return buf_check(out, "the request to the key provider", err);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

int provider_member(struct scan object, const char *word, struct scan *out, struct err *err)
{
	struct scan name, value;
	bool found = false;

	out->kind = SCAN_NULL;
	while (scan_member(&object, &name, &value)) {
		if (!scan_is(&name, word))
			continue;
		if (found)
			return err_set(err, ERR_FORMAT, "the member '%s' appears twice", word);
		found = true;
		*out = value;
	}
	return 0;
}

void provider_answer_format(struct span bytes, bool unwrap, bool numbers, struct buf *out)
{
	const char *head = unwrap ? "{\"keyunwrapresults\":{\"optsdata\":"
				  : "{\"keywrapresults\":{\"annotation\":";

	/* at once: what is unwrapped is a secret */
	(void)buf_room(out, 64 + (numbers ? 4 * bytes.len : b64_encoded_len(bytes.len)));
	buf_puts(out, head);
	if (numbers) {
		for (size_t i = 0; i < bytes.len; i++)
			buf_printf(out, "%c%u", i ? ',' : '[', (unsigned)(unsigned char)bytes.ptr[i]);
		buf_puts(out, bytes.len ? "]" : "[]");
	} else {
		buf_putc(out, '"');
		b64_encode(out, bytes);
		buf_putc(out, '"');
	}
	buf_puts(out, "}}");
}

int provider_answer_parse(struct span text, bool unwrap, struct secret *out, struct err *err)
{
	const char *results = unwrap ? "keyunwrapresults" : "keywrapresults";
	const char *member = unwrap ? "optsdata" : "annotation";
	auto_secret struct secret bytes = SECRET_NONE;
	struct scan doc, object, value;

	if (text.len > PROVIDER_ANSWER_MAX)
		return err_set(err, ERR_LIMIT, "an answer of %zu bytes; at most %zu are allowed", text.len,
				PROVIDER_ANSWER_MAX);
	if (scan_value(text, &doc, err) < 0)
		return -1;
	if (doc.kind != SCAN_OBJECT)
		return err_set(err, ERR_FORMAT, "the answer is no JSON object");
	if (provider_member(doc, results, &object, err) < 0)
		return -1;
	if (object.kind != SCAN_OBJECT && object.kind != SCAN_NULL)
		return err_set(err, ERR_FORMAT, "'%s' is no object", results);
	if (object.kind == SCAN_OBJECT && provider_member(object, member, &value, err) < 0)
		return -1;
	if (object.kind == SCAN_OBJECT && value.kind != SCAN_NULL &&
			scanned_bytes(&value, member, &bytes, err) < 0)
		return -1;
	if (!bytes.len)
		return err_set(err, ERR_AUTH, "it has nothing to answer");
	secret_move(out, &bytes);
	return 0;
}
