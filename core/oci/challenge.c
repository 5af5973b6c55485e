/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/challenge.h"

#include "base/err.h"

#include <string.h>
#include <strings.h>

#define VALUE_MAX 1024

/* The reader: what is left of the field. */
struct cursor {
	struct span rest;
};

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c && strchr("!#$%&'*+-.^_`|~", c));
}

static char peek(const struct cursor *at)
{
	return at->rest.len ? at->rest.ptr[0] : '\0';
}

static void skip(struct cursor *at, const char *chars)
{
	while (at->rest.len && peek(at) && strchr(chars, peek(at)))
		at->rest = span_from(at->rest, 1);
}

static struct span token(struct cursor *at)
{
	size_t len = 0;

	while (len < at->rest.len && is_token_char(at->rest.ptr[len]))
		len++;
	struct span found = span_new(at->rest.ptr, len);
	at->rest = span_from(at->rest, len);
	return found;
}

static bool same(struct span name, const char *word)
{
	return name.len == strlen(word) && !strncasecmp(name.ptr, word, name.len);
}

static int add(char *out, size_t *len, char c, struct err *err)
{
	if ((unsigned char)c < 0x20 && c != '\t')
		return err_set(err, ERR_FORMAT, "the challenge holds a control byte");
	if (*len >= VALUE_MAX - 1)
		return err_set(err, ERR_LIMIT, "a value of the challenge exceeds %d bytes", VALUE_MAX - 1);
	out[(*len)++] = c;
	return 0;
}

/* RFC 9110 section 5.6.4 */
static int quoted(struct cursor *at, char *out, size_t *len, struct err *err)
{
	for (at->rest = span_from(at->rest, 1); at->rest.len; at->rest = span_from(at->rest, 1)) {
		char c = peek(at);
		if (c == '"') {
			at->rest = span_from(at->rest, 1);
			return 0;
		}
		if (c == '\\') {
			at->rest = span_from(at->rest, 1);
			c = peek(at);
		}
		if (add(out, len, c, err) < 0)
			return -1;
	}
	return err_set(err, ERR_FORMAT, "a quoted value of the challenge has no end");
}

static int value(struct cursor *at, char out[VALUE_MAX], struct err *err)
{
	size_t len = 0;
	int result = 0;

	if (peek(at) == '"') {
		result = quoted(at, out, &len, err);
	} else {
		struct span plain = token(at);
		if (!plain.len)
			result = err_set(err, ERR_FORMAT, "a parameter of the challenge has no value");
		for (size_t i = 0; !result && i < plain.len; i++)
			result = add(out, &len, plain.ptr[i], err);
	}
	out[len] = '\0';
	return result;
}

static int keep(struct challenge *challenge, struct span name, const char *text, struct err *err)
{
	const struct {
		const char *name;
		char *out;
		size_t cap;
	} known[] = {
		{ "realm", challenge->realm, sizeof(challenge->realm) },
		{ "service", challenge->service, sizeof(challenge->service) },
		{ "scope", challenge->scope, sizeof(challenge->scope) },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!same(name, known[i].name))
			continue;
		size_t len = strlen(text);
		if (known[i].out[0])
			return err_set(err, ERR_FORMAT, "the challenge has %s twice", known[i].name);
		if (len >= known[i].cap)
			return err_set(err, ERR_LIMIT, "the challenge's %s exceeds %zu bytes", known[i].name,
					known[i].cap - 1);
		memcpy(known[i].out, text, len + 1);
	}
	return 0;
}

/* name=value, …, up to the field's end or the next scheme, which is a token without a '=' behind it. */
static int parameters(struct cursor *at, struct challenge *challenge, struct err *err)
{
	char text[VALUE_MAX];

	for (;;) {
		struct cursor ahead = *at;
		skip(&ahead, ", \t");
		struct span name = token(&ahead);
		skip(&ahead, " \t");
		if (!name.len || peek(&ahead) != '=')
			return 0;
		ahead.rest = span_from(ahead.rest, 1);
		skip(&ahead, " \t");
		if (value(&ahead, text, err) < 0 || keep(challenge, name, text, err) < 0)
			return -1;
		*at = ahead;
		skip(at, " \t");
		if (at->rest.len && peek(at) != ',')
			return err_set(err, ERR_FORMAT,
					"the challenge's parameters are not parted by commas");
	}
}

int challenge_parse(struct span field, struct challenge *out, struct err *err)
{
	struct cursor at = { .rest = field };
	struct challenge basic = { .scheme = CHALLENGE_BASIC };
	bool has_basic = false;

	for (;;) {
		struct challenge one = { .scheme = CHALLENGE_BEARER };
		skip(&at, ", \t");
		if (!at.rest.len)
			break;
		struct span scheme = token(&at);
		if (!scheme.len)
			return err_set(err, ERR_FORMAT, "the challenge has no scheme where one must be");
		if (parameters(&at, &one, err) < 0)
			return -1;
		if (same(scheme, "Bearer")) {
			*out = one;
			return 0;
		}
		if (!has_basic && same(scheme, "Basic")) {
			basic = one;
			basic.scheme = CHALLENGE_BASIC;
			has_basic = true;
		}
	}
	if (!has_basic)
		return err_set(err, ERR_DENIED, "it asks for neither Basic nor Bearer authentication");
	*out = basic;
	return 0;
}
