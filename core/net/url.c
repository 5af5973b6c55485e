/* SPDX-License-Identifier: Apache-2.0 */
#include "net/url.h"

#include "base/buf.h"
#include "base/err.h"
#include "net/listen.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 253

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The two digits behind a '%' at text.ptr[at], or -1. */
static int escape_value(struct span text, size_t at)
{
	if (at + 2 >= text.len)
		return -1;
	int high = hex_value(text.ptr[at + 1]);
	int low = hex_value(text.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* RFC 3986 section 3.3 and 3.4: pchar, '/' and, in the query, '?' */
static bool are_url_bytes(struct span text, bool query)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '%' && escape_value(text, i) < 0)
			return false;
		if (c == '%' || is_alnum(c) || (c && strchr("-._~!$&'()*+,;=:@/", c)) || (query && c == '?'))
			continue;
		return false;
	}
	return true;
}

static int host_check(struct span host, bool ipv6, struct err *err)
{
	char text[HOST_MAX + 1];
	struct in6_addr address;

	if (!host.len)
		return err_set(err, ERR_FORMAT, "the URL has no host");
	if (host.len > HOST_MAX)
		return err_set(err, ERR_LIMIT, "the URL's host exceeds %d bytes", HOST_MAX);
	for (size_t i = 0; i < host.len; i++)
		if (!ipv6 && !is_alnum(host.ptr[i]) && !(host.ptr[i] && strchr("-._", host.ptr[i])))
			return err_set(err, ERR_FORMAT,
					"the URL's host may hold letters, digits, '-', '.' and '_' only");
	if (!ipv6)
		return 0;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	if (strlen(text) != host.len || inet_pton(AF_INET6, text, &address) != 1)
		return err_set(err, ERR_FORMAT, "the URL's host in brackets is not an IPv6 address");
	return 0;
}

/* host, or [host], then :port */
static int authority_parse(struct span text, struct url *url, struct err *err)
{
	struct span rest;
	uint64_t port = url->tls ? 443 : 80;

	url->ipv6 = text.len && text.ptr[0] == '[';
	if (memchr(text.len ? text.ptr : "", '@', text.len))
		return err_set(err, ERR_FORMAT, "the URL must not hold a user name or password");
	if (url->ipv6) {
		size_t end = span_find(text, ']');
		if (end == text.len)
			return err_set(err, ERR_FORMAT, "the URL's host has no closing ']'");
		url->host = span_new(text.ptr + 1, end - 1);
		rest = span_from(text, end + 1);
	} else {
		url->host = span_new(text.ptr, span_find(text, ':'));
		rest = span_from(text, url->host.len);
	}
	if (host_check(url->host, url->ipv6, err) < 0)
		return -1;
	if (rest.len && (rest.ptr[0] != ':' || !span_number(span_from(rest, 1), 65535, &port) || !port))
		return err_set(err, ERR_FORMAT, "the URL's port must be a number from 1 to 65535");
	url->port = (uint16_t)port;
	return 0;
}

int url_parse(struct span text, struct url *out, struct err *err)
{
	struct url url = { .tls = span_starts(text, "https://") };

	if (text.len > URL_MAX)
		return err_set(err, ERR_LIMIT, "the URL exceeds %d bytes", URL_MAX);
	if (!url.tls && !span_starts(text, "http://"))
		return err_set(err, ERR_FORMAT, "the URL must begin with http:// or https://");
	text = span_from(text, url.tls ? 8 : 7);
	if (memchr(text.len ? text.ptr : "", '#', text.len))
		return err_set(err, ERR_FORMAT, "the URL must not have a fragment ('#')");
	size_t question = span_find(text, '?');
	url.query = span_from(text, question + 1);
	text.len = question;
	size_t slash = span_find(text, '/');
	url.path = span_from(text, slash);
	text.len = slash;
	if (authority_parse(text, &url, err) < 0)
		return -1;
	if (!are_url_bytes(url.path, false))
		return err_set(err, ERR_FORMAT, "the URL's path holds a byte that must be percent-encoded");
	if (!are_url_bytes(url.query, true))
		return err_set(err, ERR_FORMAT, "the URL's query holds a byte that must be percent-encoded");
	*out = url;
	return 0;
}

void url_format(const struct url *url, struct buf *out)
{
	buf_puts(out, url->tls ? "https://" : "http://");
	buf_printf(out, url->ipv6 ? "[%.*s]" : "%.*s", SPAN_ARG(url->host));
	if (url->port != (url->tls ? 443 : 80))
		buf_printf(out, ":%u", (unsigned)url->port);
	buf_add_span(out, url->path);
	if (url->query.len) {
		buf_putc(out, '?');
		buf_add_span(out, url->query);
	}
}

void url_join(struct buf *out, const char *base, const char *path)
{
	struct span front = span_of(base);

	while (front.len && front.ptr[front.len - 1] == '/')
		front.len--;
	buf_add_span(out, front);
	buf_putc(out, '/');
	buf_puts(out, path + (path[0] == '/'));
}

static bool same_host(struct span a, struct span b)
{
	return a.len == b.len && !strncasecmp(a.ptr, b.ptr, a.len);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->tls == b->tls && a->port == b->port && a->ipv6 == b->ipv6 && same_host(a->host, b->host);
}

bool url_is_loopback(const struct url *url)
{
	char text[HOST_MAX + 1];

	memcpy(text, url->host.ptr, url->host.len);
	text[url->host.len] = '\0';
	if (listen_is_loopback(text))
		return true;
	struct span name = url->host, last = SPAN_LIT("localhost");
	if (name.len > last.len && name.ptr[name.len - last.len - 1] == '.')
		name = span_from(name, name.len - last.len);
	return same_host(name, last);
}

int url_resolve(const struct url *base, struct span reference, struct buf *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(URL_MAX);
	struct url origin = *base, url;

	reference.len = span_find(reference, '#');
	origin.path = origin.query = SPAN_NONE;
	if (span_starts(reference, "//")) {
		buf_puts(&text, base->tls ? "https:" : "http:");
	} else if (span_starts(reference, "/")) {
		url_format(&origin, &text);
	} else if (span_starts(reference, "?")) {
		origin.path = base->path;
		url_format(&origin, &text);
	} else if (!span_starts(reference, "http://") && !span_starts(reference, "https://")) {
		/* RFC 3986 section 4.2: a colon in the first part would make it a scheme */
		struct span first = span_new(reference.ptr, span_find(reference, '?'));
		if (span_find(first, ':') < span_find(first, '/'))
			return err_set(err, ERR_FORMAT, "the URL must begin with http:// or https://");
		origin.path = base->path;
		while (origin.path.len && origin.path.ptr[origin.path.len - 1] != '/')
			origin.path.len--;
		url_format(&origin, &text);
		if (!origin.path.len)
			buf_putc(&text, '/');
	}
	buf_add_span(&text, reference);
	if (buf_check(&text, "the address that is pointed to", err) < 0 ||
			url_parse(buf_span(&text), &url, err) < 0)
		return -1;
	buf_add_span(out, buf_span(&text));
	return buf_check(out, "the address that is pointed to", err);
}

void url_encode(struct buf *out, struct span text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (is_alnum((char)c) || (c && strchr("-._~", c))) {
			buf_putc(out, (char)c);
			continue;
		}
		buf_putc(out, '%');
		buf_putc(out, digits[c >> 4]);
		buf_putc(out, digits[c & 15]);
	}
}

void url_add_query(struct buf *out, const char *name, struct span value)
{
	buf_putc(out, span_find(buf_span(out), '?') < out->len ? '&' : '?');
	url_encode(out, span_of(name));
	buf_putc(out, '=');
	url_encode(out, value);
}

int url_decode(struct buf *out, struct span text, bool plus, struct err *err)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '+' && plus)
			c = ' ';
		if (c == '%') {
			int value = escape_value(text, i);
			if (value <= 0)
				return err_set(err, ERR_FORMAT,
						"'%%' must be followed by two hexadecimal digits other than "
						"00");
			c = (char)value;
			i += 2;
		}
		if (!c)
			return err_set(err, ERR_FORMAT, "the text holds a NUL byte");
		buf_putc(out, c);
	}
	return buf_check(out, "the decoded text", err);
}
