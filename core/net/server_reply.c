/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server_own.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "net/url.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define REPLY_MAX      ((size_t)64 * 1024 * 1024)
#define REPLY_HEAD_MAX 2048

void server_reply_init(struct server_reply *reply)
{
	reply->status = 200;
	reply->content_type = "application/json";
	reply->allow = NULL;
	reply->set_cookie[0] = '\0';
	buf_init(&reply->body, REPLY_MAX);
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} table[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].reason;
	/* the phrase may be empty: RFC 9112 section 4 */
	return "";
}

/* RFC 9110 section 5.6.7, in English whatever the locale is. */
static void date_add(struct buf *out)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
		"Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return;
	buf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
			months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void reply_format(const struct server_reply *reply, struct span allow, bool close, bool head_only,
		struct buf *out)
{
	/* at once, so that nothing of a body is left behind by growing */
	if (!buf_room(out, REPLY_HEAD_MAX + reply->body.len))
		return;
	buf_printf(out, "HTTP/1.1 %d %s\r\n", reply->status, reason_of(reply->status));
	date_add(out);
	if (reply->content_type)
		buf_printf(out, "Content-Type: %s\r\n", reply->content_type);
	if (reply->set_cookie[0])
		buf_printf(out, "Set-Cookie: %s\r\n", reply->set_cookie);
	buf_printf(out, "Content-Length: %zu\r\n", reply->body.len);
	if (!allow.len)
		allow = span_of(reply->allow);
	if (allow.len)
		buf_printf(out, "Allow: %.*s\r\n", SPAN_ARG(allow));
	if (close)
		buf_puts(out, "Connection: close\r\n");
	buf_puts(out, "\r\n");
	if (!head_only)
		buf_add_span(out, buf_span(&reply->body));
}

void server_fail(struct server_reply *reply, int status, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply->status = status;
	reply->content_type = "application/json";
	buf_reset(&reply->body);
	buf_puts(&reply->body, "{\"error\":\"");
	for (const char *p = len < 0 ? "" : text; *p; p++) {
		/* what is not plain ASCII is replaced: the text may hold outside bytes that are no UTF-8 */
		if (*p < 0x20 || *p >= 0x7f) {
			buf_putc(&reply->body, '?');
			continue;
		}
		if (*p == '"' || *p == '\\')
			buf_putc(&reply->body, '\\');
		buf_putc(&reply->body, *p);
	}
	buf_puts(&reply->body, "\"}\n");
}

static bool method_fits(const struct server_route *route, struct span method)
{
	return !route->method || span_is(method, route->method) ||
			(span_is(method, "HEAD") && !strcmp(route->method, "GET"));
}

static bool path_fits(const struct server_route *route, struct span path)
{
	bool prefix = route->path[strlen(route->path) - 1] == '/';

	return prefix ? span_starts(path, route->path) : span_is(path, route->path);
}

/* Media types compare without parameters and case: RFC 9110 section 8.3.1 */
static bool type_fits(const char *accepts, struct span type)
{
	struct span bare = span_trim(span_new(type.ptr, span_find(type, ';')));

	return bare.len == strlen(accepts) && strncasecmp(bare.ptr, accepts, bare.len) == 0;
}

const struct server_route *route_find(const struct listener *listener, const struct head *head,
		struct server_reply *reply, struct buf *allow)
{
	const struct server_route *found = NULL;

	for (size_t i = 0; i < listener->spec->route_count && !found; i++) {
		const struct server_route *route = &listener->spec->routes[i];
		if (!path_fits(route, head->path))
			continue;
		if (method_fits(route, head->method))
			found = route;
		else
			buf_printf(allow, "%s%s", allow->len ? ", " : "", route->method);
	}
	if (found && found->accepts && !type_fits(found->accepts, head->type)) {
		server_fail(reply, 415, "this path takes %s", found->accepts);
		return NULL;
	}
	if (found) {
		buf_reset(allow);
		return found;
	}
	if (allow->len)
		server_fail(reply, 405, "this path takes %s", buf_text(allow));
	else
		server_fail(reply, 404, "there is nothing at this path");
	return NULL;
}

bool server_query(const struct server_request *request, const char *name, char *out, size_t cap)
{
	struct span rest = request->query;
	struct span pair;

	while (span_next(&rest, '&', &pair)) {
		auto_buf struct buf text = BUF_MAX(HEAD_MAX);
		size_t equals = span_find(pair, '=');
		if (url_decode(&text, span_new(pair.ptr, equals), true, NULL) < 0 ||
				!span_is(buf_span(&text), name))
			continue;
		buf_reset(&text);
		if (url_decode(&text, span_from(pair, equals + 1), true, NULL) < 0 || text.len >= cap)
			return false;
		memcpy(out, buf_text(&text), text.len + 1);
		return true;
	}
	return false;
}
