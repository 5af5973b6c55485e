/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token server for a real registry (distribution: "token authentication specification"), so that the registry judges
 * how our client asks for tokens and shows them:
 *
 *     token_server CERT KEY ISSUER LOG
 *
 * It listens on a port of 127.0.0.1, which it prints, and signs with RS256 for whatever is asked for: everything to the
 * user "u" with the password "s3cret", "pull" of repositories below "public/" to who shows no credentials, 401 to
 * others. LOG gets a line for each request: the user or "-", and the scopes.
 */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/own.h"
#include "codec/json.h"
#include "net/url.h"
#include "tests/fault/peer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <strings.h>
#include <time.h>

#define TEXT_MAX ((size_t)64 * 1024)
#define LOGIN    "Authorization: Basic dTpzM2NyZXQ=\r\n" /* u:s3cret */

struct issuer {
	const char *name;
	EVP_PKEY *key;
	char *cert; /* base64 of the DER */
	FILE *log;
};

static void die(const char *what)
{
	fprintf(stderr, "token_server: %s\n", what);
	exit(1);
}

static void load(struct issuer *issuer, const char *cert_path, const char *key_path)
{
	auto_buf struct buf coded = BUF_MAX(TEXT_MAX);
	FILE *cert_file = fopen(cert_path, "r"), *key_file = fopen(key_path, "r");
	X509 *cert = cert_file ? PEM_read_X509(cert_file, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL;

	issuer->key = key_file ? PEM_read_PrivateKey(key_file, NULL, NULL, NULL) : NULL;
	int len = cert ? i2d_X509(cert, &der) : -1;
	if (len < 0 || !issuer->key)
		die("certificate or key cannot be read");
	b64_encode(&coded, span_new(der, (size_t)len));
	issuer->cert = buf_take(&coded);
	OPENSSL_free(der);
	X509_free(cert);
	fclose(cert_file);
	fclose(key_file);
}

/* ---- what is granted ---- */

/* "repository:NAME:pull,push" as the member of "access" that it is granted as; NULL: nothing. */
static json_t *grant(const char *scope, bool known)
{
	auto_free char *text = xstrdup(scope);
	char *name = strchr(text, ':'), *actions = strrchr(text, ':');

	if (!name || name == actions)
		return NULL;
	*name++ = *actions++ = '\0';
	if (!known && strncmp(name, "public/", 7) != 0)
		return NULL;
	json_t *list = json_array();
	struct span rest = span_of(known ? actions : "pull"), action;
	while (span_next(&rest, ',', &action))
		json_array_append_new(list, json_stringn(action.ptr, action.len));
	return json_pack("{s:s, s:s, s:o}", "type", text, "name", name, "actions", list);
}

/* The scopes of a query, granted, and logged behind the user. */
static json_t *grant_all(
		const struct issuer *issuer, struct span query, bool known, char *service, size_t cap)
{
	json_t *access = json_array();
	struct span pair;

	fputs(known ? "u" : "-", issuer->log);
	while (span_next(&query, '&', &pair)) {
		auto_buf struct buf value = BUF_MAX(TEXT_MAX);
		if (url_decode(&value, span_from(pair, span_find(pair, '=') + 1), true, NULL) < 0)
			continue;
		if (span_starts(pair, "service="))
			snprintf(service, cap, "%s", buf_text(&value));
		if (!span_starts(pair, "scope="))
			continue;
		fprintf(issuer->log, " %s", buf_text(&value));
		json_t *one = grant(buf_text(&value), known);
		if (one)
			json_array_append_new(access, one);
	}
	fputc('\n', issuer->log);
	fflush(issuer->log);
	return access;
}

/* ---- the token ---- */

static void add_part(struct buf *out, json_t *part)
{
	auto_free char *text = json_text(part, false);

	b64url_encode(out, span_of(text));
	json_decref(part);
}

static void sign(const struct issuer *issuer, struct buf *token)
{
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, issuer->key) != 1 ||
			EVP_DigestSign(ctx, signature, &len, (const unsigned char *)token->ptr, token->len) !=
					1)
		die("signing failed");
	EVP_MD_CTX_free(ctx);
	buf_putc(token, '.');
	b64url_encode(token, span_new(signature, len));
}

static void make_token(const struct issuer *issuer, json_t *access, const char *service, bool known,
		struct buf *token)
{
	json_int_t now = time(NULL);

	add_part(token, json_pack("{s:s, s:s, s:[s]}", "typ", "JWT", "alg", "RS256", "x5c", issuer->cert));
	buf_putc(token, '.');
	add_part(token,
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:o}", "iss", issuer->name, "sub",
					known ? "u" : "", "aud", service, "exp", now + 300, "nbf", now - 10,
					"iat", now, "jti", "1", "access", access));
	sign(issuer, token);
}

/* ---- the server ---- */

static void reply(struct line *line, const char *status, const char *body)
{
	auto_free char *head = xasprintf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: "
					 "application/json\r\nContent-Length: %zu\r\n\r\n",
			status, strlen(body));

	line_puts(line, head);
	line_puts(line, body);
}

static void serve(struct line *line, void *ctx)
{
	const struct issuer *issuer = ctx;
	auto_buf struct buf token = BUF_MAX(TEXT_MAX);
	char service[200] = "";

	if (!line_read_head(line))
		return;
	bool known = strstr(line->head, LOGIN);
	struct span target = span_new(line->head, strcspn(line->head, "\r"));
	target = span_from(target, span_find(target, ' ') + 1);
	target.len = span_find(target, ' ');
	struct span query = span_from(target, span_find(target, '?') + 1);
	if (!span_starts(target, "/token?") || (!known && strcasestr(line->head, "\r\nAuthorization:"))) {
		reply(line, "401 Unauthorized", "{}");
		return;
	}
	json_t *access = grant_all(issuer, query, known, service, sizeof(service));
	make_token(issuer, access, service, known, &token);
	auto_free char *body = xasprintf("{\"token\":\"%s\",\"expires_in\":300}", buf_text(&token));
	reply(line, "200 OK", body);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: token_server CERT KEY ISSUER LOG\n");
		return 2;
	}
	struct issuer issuer = { .name = argv[3], .log = fopen(argv[4], "w") };
	struct peer peer = { .play = serve, .ctx = &issuer };
	if (!issuer.log)
		die("the log cannot be written");
	load(&issuer, argv[1], argv[2]);
	peer_start(&peer);
	printf("%u\n", (unsigned)peer.port);
	fflush(stdout);
	pthread_join(peer.thread, NULL);
	return 0;
}
