/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A double of a key service: it keeps each request byte for byte and gives the answers of a list, one a connection.
 *
 *     static const struct reply replies[] = { { .status = "200 OK", .body = SPAN_LIT("{}") } };
 *     struct double_ service = { .replies = replies, .count = 1 };
 *     double_start(&service, true);
 *     scene.options.endpoint = service.base;            "https://localhost:<port>"
 *     …
 *     double_stop(&service);
 *     assert_string_equal(double_request(&service, 0), "POST / HTTP/1.1\r\nHost: localhost:PORT\r\n…");
 */
#ifndef COCOON_TESTS_KMS_DOUBLE_H
#define COCOON_TESTS_KMS_DOUBLE_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/own.h"
#include "net/http.h"
#include "tests/fault/peer.h"
#include "tests/kms/scene.h"
#include "tests/net/certs.h"

#include <strings.h>

#define DOUBLE_MAX 4

struct reply {
	const char *status; /* "200 OK"; NULL: the connection ends without an answer */
	const char *fields; /* further ones, each with its CRLF; NULL: none */
	struct span body;
	bool silent; /* no answer, and the connection stays until the client has had enough */
};

struct double_ {
	const struct reply *replies;
	size_t count;
	struct peer peer;
	struct certs certs;
	struct buf requests[DOUBLE_MAX];
	size_t seen;
	bool stopped;
	char base[64];
	char ca_file[64]; /* of the certificate, in the scene's folder */
};

static inline size_t double_body_len(const char *head)
{
	const char *field = strcasestr(head, "\r\ncontent-length:");

	return field ? (size_t)strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

static inline void double_play(struct line *line, void *ctx)
{
	struct double_ *service = ctx;

	if (!line_read_head(line) || service->seen == DOUBLE_MAX)
		return;
	struct buf *request = &service->requests[service->seen];
	const struct reply *reply = &service->replies[service->seen < service->count ? service->seen
										     : service->count - 1];
	service->seen++;
	buf_puts(request, line->head);
	for (size_t left = double_body_len(line->head); left; left--) {
		char byte = 0;
		if (line_read(line, &byte, 1) != 1)
			return;
		buf_putc(request, byte);
	}
	if (reply->silent) {
		line_drain(line);
		return;
	}
	if (!reply->status)
		return;
	auto_free char *head = xasprintf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
			reply->status, reply->body.len, reply->fields ? reply->fields : "");
	line_puts(line, head);
	line_write(line, reply->body.ptr, reply->body.len);
}

static inline SSL_CTX *double_context(const struct certs *certs)
{
	auto_cert_pair struct cert_pair *pair = NULL;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls || cert_pair_parse(buf_span(&certs->cert), secret_span(&certs->key), &pair, NULL) < 0 ||
			SSL_CTX_use_certificate(tls, cert_list_x509(cert_pair_chain(pair), 0)) != 1 ||
			SSL_CTX_use_PrivateKey(tls, cert_pair_pkey(pair)) != 1)
		abort();
	return tls;
}

/* With a certificate for this name of a CA of its own, or plain where name is NULL. */
static inline void double_start(struct double_ *service, const char *name)
{
	for (size_t i = 0; i < DOUBLE_MAX; i++)
		buf_init(&service->requests[i], 1024 * 1024);
	service->peer = (struct peer){ .play = double_play, .ctx = service };
	if (name) {
		certs_make(&service->certs, name);
		service->peer.tls = double_context(&service->certs);
	}
	peer_start(&service->peer);
	snprintf(service->base, sizeof(service->base), "%s:%u",
			name ? "https://localhost" : "http://127.0.0.1", (unsigned)service->peer.port);
}

/* Afterwards the requests can be read. */
static inline void double_stop(struct double_ *service)
{
	if (!service->stopped)
		peer_stop(&service->peer);
	service->stopped = true;
}

static inline void double_clear(struct double_ *service)
{
	double_stop(service);
	for (size_t i = 0; i < DOUBLE_MAX; i++)
		buf_clear(&service->requests[i]);
	certs_clear(&service->certs);
}

/* The request as text; its port, which is another each time, became PORT. After double_stop(). */
static inline const char *double_request(struct double_ *service, size_t index)
{
	struct buf *request = &service->requests[index];
	auto_free char *port = xasprintf(":%u\r\n", (unsigned)service->peer.port);
	char *at = strstr(buf_text(request), port);
	struct buf text;

	if (!at)
		return buf_text(request);
	buf_init(&text, 1024 * 1024);
	buf_add(&text, request->ptr, (size_t)(at - request->ptr));
	buf_puts(&text, ":PORT\r\n");
	at += strlen(port);
	buf_add(&text, at, (size_t)(request->ptr + request->len - at));
	buf_clear(request);
	*request = text;
	return buf_text(request);
}

/* The double's CA, as a file of the scene's folder. */
static inline const char *double_ca(struct double_ *service, const struct scene *scene, const char *name)
{
	scene_bytes(scene, name, buf_span(&service->certs.ca));
	snprintf(service->ca_file, sizeof(service->ca_file), "%s/%s", scene->folder, name);
	return service->ca_file;
}

#endif
