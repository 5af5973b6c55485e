/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX        ((size_t)64 * 1024)
#define CONNECT_TIMEOUT 10000
#define KEEPALIVE_IDLE  30L
#define KEEPALIVE_EVERY 15L
#define RETRY_AFTER_MAX 86400
#define BULK_BUFFER     ((long)256 * 1024)

/* ---- what arrives ---- */

static void touch(struct http_call *call)
{
	call->last_byte = clock_mono(&clock_real);
}

/* The value of the field when the line is one with this name. */
static bool field_value(struct span line, const char *name, struct span *value)
{
	size_t len = strlen(name);

	if (line.len <= len || line.ptr[len] != ':' || strncasecmp(line.ptr, name, len) != 0)
		return false;
	*value = span_trim(span_from(line, len + 1));
	return true;
}

static void keep_text(char *out, size_t cap, struct span value)
{
	/* too long to be kept whole means not kept: half a challenge or address would mislead */
	if (value.len >= cap || memchr(value.len ? value.ptr : "", '\0', value.len))
		return;
	memcpy(out, value.len ? value.ptr : "", value.len);
	out[value.len] = '\0';
}

/* One more item of a list that comes in several fields. */
static bool keep_item(char *list, size_t cap, const char *separator, struct span value)
{
	size_t used = strlen(list), gap = used ? strlen(separator) : 0;

	if (value.len + used + gap >= cap || memchr(value.len ? value.ptr : "", '\0', value.len))
		return false;
	memcpy(list + used, separator, gap);
	keep_text(list + used + gap, cap - used - gap, value);
	return true;
}

static void keep_field(struct http_response *response, struct span line)
{
	const struct {
		const char *name;
		char *out;
		size_t cap;
	} fields[] = {
		{ "Content-Type", response->content_type, sizeof(response->content_type) },
		{ "Location", response->location, sizeof(response->location) },
		{ "ETag", response->etag, sizeof(response->etag) },
		{ "Range", response->range, sizeof(response->range) },
		{ "Content-Range", response->content_range, sizeof(response->content_range) },
		{ "Docker-Content-Digest", response->docker_content_digest,
				sizeof(response->docker_content_digest) },
	};
	struct span value;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (field_value(line, fields[i].name, &value))
			keep_text(fields[i].out, fields[i].cap, value);
}

static int field_take(struct http_call *call, struct span line)
{
	struct http_response *response = &call->response;
	struct span value;
	uint64_t number;

	keep_field(response, line);
	/* several challenges mean one list (RFC 9110, 5.3); cookies do not, as their dates have commas (5.3 again) */
	if (field_value(line, "WWW-Authenticate", &value))
		(void)keep_item(response->www_authenticate, sizeof(response->www_authenticate), ", ", value);
	else if (field_value(line, "Set-Cookie", &value))
		(void)keep_item(response->set_cookie, sizeof(response->set_cookie), "\n", value);
	else if (field_value(line, "Link", &value))
		response->link_cut |= !keep_item(response->link, sizeof(response->link), ", ", value);
	else if (field_value(line, "Retry-After", &value) && span_number(value, RETRY_AFTER_MAX, &number))
		response->retry_after = (int)number;
	else if (field_value(line, "Content-Length", &value) && span_number(value, INT64_MAX, &number))
		response->content_length = (int64_t)number;
	else if (field_value(line, "Content-Encoding", &value) && value.len && !span_is(value, "identity"))
		return err_set(&call->failure, ERR_FORMAT,
				"the response is encoded as '%.*s', which was not asked for",
				SPAN_ARG(value));
	return 0;
}

/* A status line begins a head: perhaps an interim one (1xx), whose fields then do not count. */
static void head_begin(struct http_call *call, struct span line)
{
	struct buf body = call->response.body;
	uint64_t status = 0;
	size_t space = span_find(line, ' ');

	call->response = (struct http_response){ .content_length = -1, .body = body };
	struct span digits = span_from(line, space + 1);
	digits.len = digits.len > 3 ? 3 : digits.len;
	if (span_number(digits, 999, &status))
		call->response.status = (int)status;
}

static int head_end(struct http_call *call)
{
	int status = call->response.status;

	if (status < 200)
		return 0;
	call->headed = true;
	if (!call->handler.head)
		return 0;
	return call->handler.head(call->handler.ctx, &call->response, &call->failure);
}

static size_t on_head(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * count;
	struct span line = span_trim(span_new(bytes, len));
	int result = 0;

	touch(call);
	call->head_seen += len;
	if (call->state == CALL_DEAD)
		return 0;
	if (call->head_seen > HEAD_MAX) {
		err_set(&call->failure, ERR_LIMIT, "the response's header fields exceed %zu bytes", HEAD_MAX);
		return 0;
	}
	/* what comes after the head are trailers, which nobody asked for */
	if (call->headed)
		return len;
	if (span_starts(line, "HTTP/"))
		head_begin(call, line);
	else if (line.len)
		result = field_take(call, line);
	else
		result = head_end(call);
	return result < 0 || call->state == CALL_DEAD ? 0 : len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = size * count;

	touch(call);
	if (call->state == CALL_DEAD)
		return 0;
	if (len > call->max_body - call->body_seen) {
		err_set(&call->failure, ERR_LIMIT, "the response exceeds %zu bytes", call->max_body);
		return 0;
	}
	int result = 0;
	if (call->handler.body)
		result = call->handler.body(call->handler.ctx, span_new(bytes, len), &call->failure);
	if (result < 0)
		return 0;
	call->paused = result == HTTP_PAUSE && call->state != CALL_DEAD;
	if (call->paused)
		return CURL_WRITEFUNC_PAUSE;
	call->body_seen += len;
	return call->state == CALL_DEAD ? 0 : len;
}

/* A body that goes out slowly is no peer that is silent. */
static int on_progress(void *ctx, curl_off_t down, curl_off_t downloaded, curl_off_t up, curl_off_t uploaded)
{
	struct http_call *call = ctx;

	(void)down;
	(void)downloaded;
	(void)up;
	if (uploaded != call->body_sent)
		touch(call);
	call->body_sent = uploaded;
	return 0;
}

/* ---- how it ends ---- */

static enum err_kind kind_of(CURLcode code, const char *why)
{
	/* the peer's TLS alert about our certificate comes as a failed read */
	bool alert = strstr(why, "alert") && (strstr(why, "certificate") || strstr(why, "unknown ca"));

	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR || alert)
		return ERR_AUTH;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERR_RETRY;
	if (code == CURLE_URL_MALFORMAT || code == CURLE_SSL_CERTPROBLEM ||
			code == CURLE_SSL_CACERT_BADFILE || code == CURLE_BAD_FUNCTION_ARGUMENT)
		return ERR_USAGE;
	/* our URLs are http and https: an unsupported protocol is an answer that is not HTTP */
	if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL)
		return ERR_FORMAT;
	return ERR_IO;
}

int http_call_result(const struct http_call *call, CURLcode code, struct err *err)
{
	/* curl takes a head that is cut off for a whole one without body */
	if (code == CURLE_OK && !call->headed)
		return err_set(err, ERR_IO, "%s: the connection ended inside the response's head",
				call->name);
	if (code == CURLE_OK)
		return 0;
	/* another address of the same host may have been good, and then the guard's word is none of the reasons */
	bool refused = call->refused.kind != ERR_OK && code == CURLE_COULDNT_CONNECT;
	if (call->failure.kind != ERR_OK || refused) {
		*err = refused ? call->refused : call->failure;
		return err_wrap(err, "%s", call->name);
	}
	/* curl's word for one field that never ends: it takes no more than 100 KiB */
	if (code == CURLE_OUT_OF_MEMORY)
		return err_set(err, ERR_LIMIT, "%s: the response's header fields exceed %zu bytes",
				call->name, HEAD_MAX);
	if (code == CURLE_WRITE_ERROR)
		return err_set(err, ERR_BUG, "%s: a handler ended the call without saying why", call->name);
	return err_set(err, kind_of(code, call->why), "%s: %s", call->name,
			call->why[0] ? call->why : curl_easy_strerror(code));
}

int64_t http_call_deadline(const struct http_call *call)
{
	int64_t wait = call->headed ? call->idle_wait : call->first_wait;

	return wait && !call->paused ? call->last_byte + wait : INT64_MAX;
}

/* ---- how it begins ---- */

/* RFC 9110: no control bytes in a field, or one could smuggle in another. */
static bool is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 && *text != '\t')
			return false;
	return true;
}

static bool is_token(const char *text)
{
	const char *start = text;

	while ((*text >= 'A' && *text <= 'Z') || *text == '-')
		text++;
	return text > start && !*text;
}

static int request_check(const struct http_request *request, struct err *err)
{
	if (!request->method || !is_token(request->method))
		return err_set(err, ERR_USAGE, "the request's method must be a word in capitals");
	if (!request->url)
		return err_set(err, ERR_USAGE, "the request has no URL");
	if (!request->max_body)
		return err_set(err, ERR_USAGE, "the request has no ceiling for the response");
	if (request->total_timeout <= 0 && request->idle_timeout <= 0)
		return err_set(err, ERR_USAGE, "the request has neither a total nor an idle timeout");
	if (request->bearer && !is_line(request->bearer))
		return err_set(err, ERR_USAGE, "the bearer token holds a line break or control byte");
	for (size_t i = 0; request->headers && request->headers[i]; i++)
		if (!is_line(request->headers[i]) || !strchr(request->headers[i], ':'))
			return err_set(err, ERR_USAGE, "header field %zu of the request is malformed", i + 1);
	return 0;
}

static void header_add(struct http_call *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);

	if (!longer)
		abort();
	call->headers = longer;
}

static void headers_set(struct http_call *call, const struct http_request *request)
{
	bool typed = false;

	for (size_t i = 0; request->headers && request->headers[i]; i++) {
		typed = typed || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
		header_add(call, request->headers[i]);
	}
	/* "Name:" takes a field away that curl would add */
	header_add(call, "Expect:");
	if (!typed)
		header_add(call, "Content-Type:");
	if (request->bearer) {
		char *line = xasprintf("Authorization: Bearer %s", request->bearer);
		header_add(call, line);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

/*
 * The URL, rebuilt from its parts so that curl sees what we saw. With a server name of its own, the URL names that
 * and the connection goes to the true host: so the name is used for SNI and for the check alike.
 */
static int address_set(struct http_call *call, const struct http_request *request, struct err *err)
{
	auto_buf struct buf text = BUF_MAX((size_t)2 * URL_MAX);
	struct url url;
	const char *name = call->creds->server_name;

	if (url_parse(span_of(request->url), &url, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return -1;
	}
	if (!url.path.len)
		url.path = SPAN_LIT("/");
	struct url bare = url;
	bare.query = SPAN_NONE;
	url_format(&bare, &text);
	call->name = request->name ? xstrdup(request->name)
				   : xasprintf("%s %s", request->method, buf_text(&text));
	buf_reset(&text);
	if (url.tls && name) {
		const char *open = url.ipv6 ? "[" : "";
		const char *close = url.ipv6 ? "]" : "";
		auto_free char *to = xasprintf("%s:%u:%s%.*s%s:%u", name, (unsigned)url.port, open,
				SPAN_ARG(url.host), close, (unsigned)url.port);
		auto_free char *host = xasprintf(
				"Host: %s%.*s%s:%u", open, SPAN_ARG(url.host), close, (unsigned)url.port);
		call->connect_to = curl_slist_append(NULL, to);
		header_add(call, host);
		url.host = span_of(name);
		url.ipv6 = false;
	}
	url_format(&url, &text);
	curl_easy_setopt(call->easy, CURLOPT_URL, buf_text(&text));
	curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
	curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, url.tls ? "https" : "http");
	return 0;
}

/* A body that is borrowed and handed out piece by piece. */
static size_t on_send(char *out, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t len = call->lent.len < size * count ? call->lent.len : size * count;

	if (len)
		memcpy(out, call->lent.ptr, len);
	call->lent = span_from(call->lent, len);
	return len;
}

/*
 * curl sends a request again when a connection that had been kept turns out to be closed. What has gone out of a bulk
 * body may have been taken, so whoever sends it must hear of that.
 */
static int on_rewind(void *ctx, curl_off_t offset, int origin)
{
	(void)ctx;
	(void)offset;
	(void)origin;
	return CURL_SEEKFUNC_FAIL;
}

static void body_set(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	call->body_len = request->body.len;
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, call);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	if (!request->bulk || !request->body.len) {
		call->body = xmemdup0(request->body.ptr, request->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
		return;
	}
	call->lent = request->body;
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(easy, CURLOPT_READDATA, call);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
}

static void method_set(struct http_call *call, const struct http_request *request)
{
	const char *method = request->method;
	bool bodied = request->body.len || !strcmp(method, "POST") || !strcmp(method, "PUT") ||
			!strcmp(method, "PATCH");

	if (!strcmp(method, "HEAD"))
		curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
	else if (bodied)
		body_set(call, request);
	curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void times_set(struct http_call *call, const struct http_request *request)
{
	long connect = request->connect_timeout > 0 ? request->connect_timeout : CONNECT_TIMEOUT;

	curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, connect);
	curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS,
			(long)(request->total_timeout > 0 ? request->total_timeout : 0));
	if (request->idle_timeout <= 0)
		return;
	call->idle_wait = (int64_t)request->idle_timeout * 1000;
	call->first_wait = call->idle_wait + (int64_t)connect * 1000;
}

static void transport_set(struct http_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->why);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent);
	curl_easy_setopt(easy, CURLOPT_PROXY, call->http->proxy);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, call->http->no_proxy);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, call->http->unix_socket);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* a cancelled call must not wait for its name lookup, which has a thread of its own */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_EVERY);
}

struct http_call *http_call_new(struct http *http, const struct http_request *request,
		const struct http_handler *handler, struct err *err)
{
	if (request_check(request, err) < 0)
		return NULL;
	struct http_call *call = xcalloc(1, sizeof(*call));
	call->http = http;
	call->handler = *handler;
	call->max_body = request->max_body;
	call->creds = http_creds_ref(http->creds);
	call->easy = curl_easy_init();
	if (!call->easy)
		abort();
	if (address_set(call, request, err) < 0 || http_guard_set(call, request->url, err) < 0) {
		http_call_free(call);
		return NULL;
	}
	headers_set(call, request);
	method_set(call, request);
	times_set(call, request);
	transport_set(call);
	if (request->bulk) {
		curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, BULK_BUFFER);
		curl_easy_setopt(call->easy, CURLOPT_UPLOAD_BUFFERSIZE, BULK_BUFFER);
	}
	http_creds_apply(call->creds, call->easy);
	return call;
}

void http_call_free(struct http_call *call)
{
	if (!call)
		return;
	curl_easy_cleanup(call->easy);
	for (struct curl_slist *line = call->headers; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	http_creds_drop(call->creds);
	if (call->body)
		explicit_bzero(call->body, call->body_len);
	free(call->body);
	free(call->name);
	free(call->host);
	free(call);
}
