/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/uri.h"

#include "base/buf.h"
#include "base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RESOURCE "resource"
#define FORMS                                                                                            \
	"kbs:///REPOSITORY/TYPE/TAG, kbs://ADDRESS/REPOSITORY/TYPE/TAG, ADDRESS/REPOSITORY/TYPE/TAG or " \
	"/REPOSITORY/TYPE/TAG"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* strchr() would find a NUL in any list */
static bool is_among(char c, const char *list)
{
	return c && strchr(list, c);
}

static void copy(char *out, struct span text)
{
	if (text.len)
		memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
}

/* Cuts "kbs://" or "kbs+plugin://" off. */
static int parse_scheme(struct span *rest, struct kbs_uri *out, struct err *err)
{
	size_t colon = span_find(*rest, ':');
	struct span scheme = span_new(rest->ptr, colon), after = span_from(*rest, colon);
	char low[KBS_URI_PLUGIN_MAX + 4];

	if (!span_starts(after, "://") || colon >= sizeof(low))
		return err_set(err, ERR_FORMAT, "is not of the form kbs:///REPOSITORY/TYPE/TAG");
	for (size_t i = 0; i < colon; i++)
		low[i] = (char)tolower((unsigned char)scheme.ptr[i]);
	low[colon] = '\0';
	*rest = span_from(after, 3);
	if (span_is(span_new(low, colon), "kbs")) {
		copy(out->plugin, SPAN_LIT(RESOURCE));
		return 0;
	}
	struct span plugin = span_from(span_new(low, colon), 4);
	if (strncmp(low, "kbs+", 4) != 0 || !plugin.len)
		return err_set(err, ERR_FORMAT, "the scheme must be kbs or kbs+PLUGIN");
	for (size_t i = 0; i < plugin.len; i++)
		if (!is_letter(plugin.ptr[i]) && !is_digit(plugin.ptr[i]) && !is_among(plugin.ptr[i], "-."))
			return err_set(err, ERR_FORMAT,
					"a plugin's name holds letters, digits, '-' and '.' alone");
	copy(out->plugin, plugin);
	return 0;
}

static int parse_address(struct span *rest, struct kbs_uri *out, struct err *err)
{
	size_t slash = span_find(*rest, '/');
	struct span address = span_new(rest->ptr, slash);

	for (size_t i = 0; i < address.len; i++)
		if (!is_letter(address.ptr[i]) && !is_digit(address.ptr[i]) &&
				!is_among(address.ptr[i], "-._:[]"))
			return err_set(err, ERR_FORMAT, "the address of the broker is no HOST[:PORT]");
	if (slash == rest->len)
		return err_set(err, ERR_FORMAT, "has no path");
	copy(out->address, address);
	*rest = span_from(*rest, slash + 1);
	return 0;
}

/* A segment of one or two dots, also where they are written as %2e: URL parsers take it for a step. */
static bool is_dots(struct span segment)
{
	unsigned dots = 0;

	for (size_t i = 0; i < segment.len; dots++) {
		bool encoded = segment.len - i >= 3 && !strncasecmp(segment.ptr + i, "%2e", 3);
		if (segment.ptr[i] != '.' && !encoded)
			return false;
		i += encoded ? 3 : 1;
	}
	return dots == 1 || dots == 2;
}

static int check_segments(struct span path, struct err *err)
{
	struct span segment = SPAN_NONE;

	if (!path.len)
		return err_set(err, ERR_FORMAT, "has an empty path");
	while (span_next(&path, '/', &segment)) {
		if (!segment.len)
			return err_set(err, ERR_FORMAT, "the path has an empty segment");
		if (is_dots(segment))
			return err_set(err, ERR_FORMAT, "the path has a segment of dots");
	}
	return 0;
}

/* Copies with what a URL may not hold percent-encoded; what is encoded stays as it is. */
static int normalise(struct span text, const char *encoded, char *out, struct err *err)
{
	auto_buf struct buf made = BUF_MAX(KBS_URI_MAX - 1);

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20 || c == 0x7f || c == '\\')
			return err_set(err, ERR_FORMAT, "holds a control character or a backslash");
		if (c >= 0x80 || is_among((char)c, encoded))
			buf_printf(&made, "%%%02X", c);
		else
			buf_putc(&made, (char)c);
	}
	if (buf_check(&made, "the path", err) < 0)
		return -1;
	copy(out, buf_span(&made));
	return 0;
}

int kbs_uri_parse(struct span text, struct kbs_uri *out, struct err *err)
{
	struct kbs_uri uri = { .plugin = "" };
	struct span rest = text;

	if (text.len >= KBS_URI_MAX)
		return err_set(err, ERR_LIMIT, "a resource's URI of %zu bytes; at most %d are allowed",
				text.len, KBS_URI_MAX - 1);
	if (!span_is_utf8(text) || text.len != span_trim(text).len)
		return err_set(err, ERR_FORMAT, "'%.*s' is not UTF-8 or has white space around it",
				SPAN_ARG(text));
	if (parse_scheme(&rest, &uri, err) < 0 || parse_address(&rest, &uri, err) < 0)
		return err_wrap(err, "'%.*s'", SPAN_ARG(text));
	/* a fragment means nothing to a broker */
	struct span path = span_new(rest.ptr, span_find(rest, '#'));
	size_t mark = span_find(path, '?');
	struct span query = span_from(path, mark + 1);
	path.len = mark;
	if (check_segments(path, err) < 0 || normalise(path, " \"<>`{}^|", uri.path, err) < 0 ||
			normalise(query, " \"<>", uri.query, err) < 0)
		return err_wrap(err, "'%.*s'", SPAN_ARG(text));
	*out = uri;
	return 0;
}

int kbs_uri_parse_key_id(struct span text, struct kbs_uri *out, struct err *err)
{
	char whole[KBS_URI_MAX + 8];
	struct span rest = text, piece = SPAN_NONE;
	unsigned pieces = 0;

	for (size_t i = 0; i + 3 <= text.len; i++)
		if (!memcmp(text.ptr + i, "://", 3))
			return kbs_uri_parse(text, out, err);
	while (span_next(&rest, '/', &piece))
		pieces++;
	if (pieces != 4 || text.len >= KBS_URI_MAX)
		return err_set(err, ERR_FORMAT, "the key id '%.*s' must be written as " FORMS,
				SPAN_ARG(text));
	snprintf(whole, sizeof(whole), "kbs://%.*s", SPAN_ARG(text));
	return kbs_uri_parse(span_of(whole), out, err);
}

int kbs_uri_check(const struct kbs_uri *uri, struct err *err)
{
	struct span rest = span_of(uri->path), segment = SPAN_NONE;
	unsigned count = 0;

	if (strcmp(uri->plugin, RESOURCE) != 0)
		return 0;
	if (uri->query[0])
		return err_set(err, ERR_FORMAT, "'%s': a resource of the broker has no query", uri->path);
	for (; span_next(&rest, '/', &segment); count++) {
		bool good = segment.ptr[0] != '.';
		for (size_t i = 0; i < segment.len; i++)
			good = good &&
					(is_letter(segment.ptr[i]) || is_digit(segment.ptr[i]) ||
							is_among(segment.ptr[i], "_.-"));
		if (!good)
			return err_set(err, ERR_FORMAT,
					"'%s': brokers take letters, digits, '_', '-' and '.' alone",
					uri->path);
	}
	if (count != 3)
		return err_set(err, ERR_FORMAT,
				"'%s': has %u segments, but brokers serve REPOSITORY/TYPE/TAG alone",
				uri->path, count);
	return 0;
}

void kbs_uri_format(const struct kbs_uri *uri, struct buf *out)
{
	buf_printf(out, "kbs%s%s:///%s%s%s", strcmp(uri->plugin, RESOURCE) ? "+" : "",
			strcmp(uri->plugin, RESOURCE) ? uri->plugin : "", uri->path, uri->query[0] ? "?" : "",
			uri->query);
}

bool kbs_uri_is_same(const struct kbs_uri *a, const struct kbs_uri *b)
{
	return !strcmp(a->plugin, b->plugin) && !strcmp(a->path, b->path) && !strcmp(a->query, b->query);
}
