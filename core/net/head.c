/* SPDX-License-Identifier: Apache-2.0 */
#include "net/head.h"

#include "base/err.h"
#include "net/url.h"

#include <string.h>
#include <strings.h>

/* Larger than any ceiling for bodies, small enough to add to. */
#define BODY_LEN_MAX (UINT64_C(1) << 40)

/* What has been seen while fields are read. */
struct reading {
	struct head head;
	int status;
	bool hosted;
	bool sized;
	bool typed;
	bool authorized;
	bool cookied;
	bool coded; /* Transfer-Encoding */
	bool http11;
};

static size_t leading_empty_lines(struct span text)
{
	size_t at = 0;

	while (text.len - at >= 2 && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n')
		at += 2;
	return at;
}

size_t head_length(struct span text, size_t seen)
{
	size_t start = leading_empty_lines(text);

	/* the four bytes of the end may have begun in what was seen */
	size_t from = seen > start + 3 ? seen - 3 : start;
	if (from >= text.len)
		return 0;
	const char *end = memmem(text.ptr + from, text.len - from, "\r\n\r\n", 4);
	return end ? (size_t)(end - text.ptr) + 4 : 0;
}

/* RFC 9110 section 5.6.2 */
static bool is_token(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!alnum && !(c && strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return text.len > 0;
}

static bool is_value(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (((unsigned char)text.ptr[i] < 0x20 && text.ptr[i] != '\t') || text.ptr[i] == 0x7f)
			return false;
	return true;
}

static bool is_word(struct span text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

static int refuse(struct reading *r, int status, struct err *err, const char *why)
{
	r->status = status;
	return err_set(err, status == 431 ? ERR_LIMIT : ERR_FORMAT, "%s", why);
}

/* The next line without its CRLF, which must be there. */
static struct span next_line(struct span *rest)
{
	const char *end = rest->len ? memmem(rest->ptr, rest->len, "\r\n", 2) : NULL;
	size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
	struct span line = span_new(rest->ptr, len);

	*rest = span_from(*rest, len + 2);
	return line;
}

static int version_read(struct reading *r, struct span version, struct err *err)
{
	r->http11 = span_is(version, "HTTP/1.1");
	r->head.keep_alive = r->http11;
	if (r->http11 || span_is(version, "HTTP/1.0"))
		return 0;
	if (version.len == 8 && span_starts(version, "HTTP/"))
		return refuse(r, 505, err, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	return refuse(r, 400, err, "the request line does not end in an HTTP version");
}

static bool is_visible(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f)
			return false;
	return text.len > 0;
}

/* RFC 9112 section 3.2: the path, or an absolute URL whose authority does not matter to us */
static int target_read(struct reading *r, struct span target, struct err *err)
{
	struct url url;

	if (!is_visible(target))
		return refuse(r, 400, err, "the request line has no proper target");
	if (span_starts(target, "http://") || span_starts(target, "https://")) {
		if (url_parse(target, &url, NULL) < 0)
			return refuse(r, 400, err, "the request's target is a malformed URL");
		r->head.path = url.path.len ? url.path : SPAN_LIT("/");
		r->head.query = url.query;
		return 0;
	}
	if (target.ptr[0] != '/' && !span_is(target, "*"))
		return refuse(r, 400, err, "the request's target must begin with '/'");
	if (span_find(target, '#') < target.len)
		return refuse(r, 400, err, "the request's target holds a fragment");
	size_t question = span_find(target, '?');
	r->head.path = span_new(target.ptr, question);
	r->head.query = span_from(target, question + 1);
	return 0;
}

static int request_line_read(struct reading *r, struct span line, struct err *err)
{
	struct span method, target;

	if (!span_next(&line, ' ', &method) || !is_token(method))
		return refuse(r, 400, err, "the request line has no proper method");
	if (!span_next(&line, ' ', &target))
		return refuse(r, 400, err, "the request line has no target");
	r->head.method = method;
	if (target_read(r, target, err) < 0)
		return -1;
	return version_read(r, line, err);
}

static void connection_read(struct reading *r, struct span list)
{
	struct span option;

	while (span_next(&list, ',', &option)) {
		option = span_trim(option);
		if (is_word(option, "close"))
			r->head.keep_alive = false;
		else if (is_word(option, "keep-alive") && !r->http11)
			r->head.keep_alive = true;
	}
}

static int length_read(struct reading *r, struct span value, struct err *err)
{
	if (r->sized)
		return refuse(r, 400, err, "the request has two Content-Length fields");
	if (!span_number(value, BODY_LEN_MAX, &r->head.body_len))
		return refuse(r, 400, err, "the request's Content-Length is not a number");
	r->sized = true;
	return 0;
}

/* A field whose value is kept as it is, and which stands once. */
static int single_read(struct reading *r, bool *seen, struct span value, struct span *out, struct err *err)
{
	if (*seen)
		return refuse(r, 400, err,
				"the request has two Content-Type, two Authorization or two Cookie fields");
	*seen = true;
	*out = value;
	return 0;
}

static int field_use(struct reading *r, struct span name, struct span value, struct err *err)
{
	if (is_word(name, "Content-Length"))
		return length_read(r, value, err);
	if (is_word(name, "Transfer-Encoding"))
		r->coded = true;
	else if (is_word(name, "Connection"))
		connection_read(r, value);
	else if (is_word(name, "Host")) {
		if (r->hosted)
			return refuse(r, 400, err, "the request has two Host fields");
		r->hosted = true;
	} else if (is_word(name, "Content-Type")) {
		return single_read(r, &r->typed, value, &r->head.type, err);
	} else if (is_word(name, "Authorization")) {
		return single_read(r, &r->authorized, value, &r->head.authorization, err);
	} else if (is_word(name, "Cookie")) {
		return single_read(r, &r->cookied, value, &r->head.cookie, err);
	} else if (is_word(name, "Expect")) {
		r->head.expect_continue = is_word(value, "100-continue");
		if (!r->head.expect_continue)
			return refuse(r, 417, err, "the request expects something other than 100-continue");
	}
	return 0;
}

static int field_read(struct reading *r, struct span line, struct err *err)
{
	size_t colon = span_find(line, ':');
	struct span name = span_new(line.ptr, colon);
	struct span value = span_trim(span_from(line, colon + 1));

	if (colon == line.len || !is_token(name))
		return refuse(r, 400, err, "a header field's name is malformed");
	if (!is_value(value))
		return refuse(r, 400, err, "a header field's value holds a control byte");
	return field_use(r, name, value, err);
}

/* Rules about fields together: RFC 9112 sections 3.2, 6.1 and 6.3. */
static int together_check(struct reading *r, struct err *err)
{
	if (r->http11 && !r->hosted)
		return refuse(r, 400, err, "the request has no Host field");
	if (r->coded && r->sized)
		return refuse(r, 400, err, "the request has both Content-Length and Transfer-Encoding");
	if (r->coded)
		return refuse(r, 411, err,
				"the request's body needs a Content-Length: chunked is not taken here");
	return 0;
}

static int read_all(struct reading *r, struct span text, struct err *err)
{
	unsigned fields = 0;

	text = span_from(text, leading_empty_lines(text));
	if (request_line_read(r, next_line(&text), err) < 0)
		return -1;
	for (;;) {
		struct span line = next_line(&text);
		if (!line.len)
			break;
		if (++fields > HEAD_FIELDS_MAX)
			return refuse(r, 431, err, "the request has too many header fields");
		if (field_read(r, line, err) < 0)
			return -1;
	}
	if (text.len)
		return refuse(r, 400, err, "the request's head has an empty line in it");
	return together_check(r, err);
}

int head_parse(struct span text, struct head *out, int *status, struct err *err)
{
	struct reading r = { .status = 400 };

	if (text.len > HEAD_MAX) {
		*status = 431;
		return err_set(err, ERR_LIMIT, "the request's head exceeds %zu bytes", HEAD_MAX);
	}
	if (read_all(&r, text, err) < 0) {
		*status = r.status;
		return -1;
	}
	*out = r.head;
	return 0;
}
