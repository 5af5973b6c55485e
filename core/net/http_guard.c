/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses the client connects to, where that is not for everybody to say (http_options.guard). */
#include "net/guard.h"
#include "net/http_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "net/url.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROXY_PORT 1080 /* curl's, where the proxy's text has none */

struct http_guard {
	char *vouched; /* the host; NULL: none */
	uint16_t port; /* 0: the scheme's */
	char *proxy;   /* the proxy's host; NULL: none */
	uint16_t proxy_port;
};

void http_guard_free(struct http_guard *guard)
{
	if (!guard)
		return;
	free(guard->vouched);
	free(guard->proxy);
	free(guard);
}

static int read_vouched(struct http_guard *guard, const char *text, struct err *err)
{
	auto_free char *whole = xasprintf("https://%s", text);
	struct url url;

	if (url_parse(span_of(whole), &url, err) < 0 || url.path.len || url.query.len) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "'%.250s', the host that is vouched for", text);
	}
	guard->vouched = xmemdup0(url.host.ptr, url.host.len);
	/* behind the host, or its bracket */
	const char *end = url.host.ptr + url.host.len + (url.ipv6 ? 1 : 0);
	guard->port = *end == ':' ? url.port : 0;
	return 0;
}

/* The proxy is the program's own choice, wherever it is: it is known again by its address. */
static void read_proxy(struct http_guard *guard, const char *text)
{
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL;
	uint64_t number = PROXY_PORT;

	if (url && !curl_url_set(url, CURLUPART_URL, text, CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME) &&
			!curl_url_get(url, CURLUPART_HOST, &host, 0)) {
		if (!curl_url_get(url, CURLUPART_PORT, &port, 0))
			(void)span_number(span_of(port), UINT16_MAX, &number);
		else if (!strncasecmp(text, "https:", 6))
			number = 443;
		struct span name = span_of(host);
		if (name.len > 2 && name.ptr[0] == '[')
			name = span_new(name.ptr + 1, name.len - 2);
		guard->proxy = xmemdup0(name.ptr, name.len);
		guard->proxy_port = (uint16_t)number;
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
}

struct http_guard *http_guard_new(const struct http_options *options, struct err *err)
{
	struct http_guard *guard = xcalloc(1, sizeof(*guard));

	if (options->vouched && read_vouched(guard, options->vouched, err) < 0) {
		http_guard_free(guard);
		return NULL;
	}
	if (options->proxy && options->proxy[0])
		read_proxy(guard, options->proxy);
	return guard;
}

static bool is_vouched(const struct http_guard *guard, const struct url *url)
{
	uint16_t port = guard->port ? guard->port : url->tls ? 443 : 80;

	return guard->vouched && url->port == port && strlen(guard->vouched) == url->host.len &&
			!strncasecmp(guard->vouched, url->host.ptr, url->host.len);
}

/* ---- one connection ---- */

static uint16_t port_of(const struct sockaddr *address)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (address->sa_family == AF_INET) {
		memcpy(&ipv4, address, sizeof(ipv4));
		return ntohs(ipv4.sin_port);
	}
	memcpy(&ipv6, address, sizeof(ipv6));
	return ntohs(ipv6.sin6_port);
}

static void format(const struct sockaddr *address, char out[static INET6_ADDRSTRLEN])
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	out[0] = '\0';
	if (address->sa_family == AF_INET) {
		memcpy(&ipv4, address, sizeof(ipv4));
		(void)inet_ntop(AF_INET, &ipv4.sin_addr, out, INET6_ADDRSTRLEN);
	} else {
		memcpy(&ipv6, address, sizeof(ipv6));
		(void)inet_ntop(AF_INET6, &ipv6.sin6_addr, out, INET6_ADDRSTRLEN);
	}
}

/* Is it the proxy's end of a connection? One that is named by its address, or is localhost: no other would be refused. */
static bool is_proxy(const struct http_guard *guard, const struct sockaddr *address, const char *text)
{
	if (!guard->proxy || port_of(address) != guard->proxy_port)
		return false;
	return !strcmp(guard->proxy, text) ||
			(!strcasecmp(guard->proxy, "localhost") &&
					(!strcmp(text, "127.0.0.1") || !strcmp(text, "::1")));
}

static void refuse(struct http_call *call, const char *address, const char *word)
{
	err_set(&call->refused, ERR_DENIED,
			"the host '%.253s' has the address %s, %s, to which nothing from outside may lead us",
			call->host, address, word);
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_call *call = ctx;
	char text[INET6_ADDRSTRLEN];
	const char *word = guard_address(&address->addr);

	(void)purpose;
	if (word) {
		format(&address->addr, text);
		if (!is_proxy(call->http->guard, &address->addr, text)) {
			refuse(call, text, word);
			return CURL_SOCKET_BAD;
		}
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int http_guard_set(struct http_call *call, const char *text, struct err *err)
{
	const struct http_guard *guard = call->http->guard;
	struct url url;

	if (!guard)
		return 0;
	if (url_parse(span_of(text), &url, err) < 0)
		return -1;
	if (is_vouched(guard, &url))
		return 0;
	call->host = xmemdup0(url.host.ptr, url.host.len);
	const char *word = guard_host(call->host);
	if (word)
		return err_set(err, ERR_DENIED,
				"%s: the host is %s, to which nothing from outside may lead us", call->name,
				word);
	curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call);
	return 0;
}
