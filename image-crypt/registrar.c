/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/registrar.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "net/http.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

#define CA_MAX     ((size_t)1024 * 1024)
#define CLAIMS_MAX ((size_t)16 * 1024)
#define TOKEN_MAX  ((size_t)64 * 1024)
#define BODY_MAX   ((size_t)64 * 1024)
/* seconds that a token is good for */
#define LIFETIME   7200

struct registrar {
	struct http *http;
	struct pkey *key;
	json_t *claims;
	char *base; /* https://broker:8080 */
	const struct clock *clock;
	int timeout;
};

/* ---- setting up ---------------------------------------------------------------------------------------- */

static const char *alg_name(enum pkey_kind kind)
{
	switch (kind) {
	case PKEY_ED25519:
		return "EdDSA";
	case PKEY_P256:
		return "ES256";
	case PKEY_P384:
		return "ES384";
	case PKEY_P521:
		return "ES512";
	case PKEY_RSA:
		break;
	}
	return NULL;
}

static int read_key(const char *path, struct pkey **out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;
	auto_pkey struct pkey *key = NULL;

	if (secret_read_file(&bytes, path, err) < 0)
		return -1;
	if (pkey_parse(secret_span(&bytes), NULL, &key, err) < 0)
		return err_wrap(err, "'%s'", path);
	if (!pkey_is_private(key) || !alg_name(pkey_kind(key)))
		return err_set(err, ERR_USAGE, "'%s' is no private key of Ed25519, P-256, P-384 or P-521",
				path);
	*out = take(&key);
	return 0;
}

static int read_claims(const struct registrar_options *options, json_t **out, struct err *err)
{
	auto_json json_t *given = NULL;
	json_t *claims = json_pack("{s:s}", "role", options->role ? options->role : "admin");

	*out = claims;
	if (!options->claims_file)
		return 0;
	if (json_read_file(options->claims_file, CLAIMS_MAX, &given, err) < 0)
		return -1;
	if (!json_is_object(given))
		return err_set(err, ERR_USAGE, "'%s' holds no JSON object", options->claims_file);
	json_object_update(claims, given);
	return 0;
}

static int read_url(const struct registrar_options *options, char **out, struct err *err)
{
	auto_buf struct buf base = BUF_MAX(URL_MAX);
	struct url url;

	if (url_parse(span_of(options->url), &url, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "the key broker's URL");
	}
	bool near = span_is(url.host, "localhost") || span_is(url.host, "::1") ||
			span_starts(url.host, "127.");
	if (!url.tls && !near && !options->plain_http)
		return err_set(err, ERR_USAGE,
				"keys would go to '%.*s' in the clear; use https, or ask for --plain-http",
				SPAN_ARG(url.host));
	url.path = url.query = SPAN_NONE;
	url_format(&url, &base);
	*out = buf_take(&base);
	return 0;
}

int registrar_open(const struct registrar_options *options, struct registrar **out, struct err *err)
{
	auto_registrar struct registrar *self = xcalloc(1, sizeof(*self));
	auto_buf struct buf ca = BUF_MAX(CA_MAX);
	struct http_options http = { .user_agent = "image-crypt/" COCOON_VERSION };

	self->clock = options->clock;
	self->timeout = options->timeout;
	if (read_url(options, &self->base, err) < 0 || read_key(options->key_file, &self->key, err) < 0 ||
			read_claims(options, &self->claims, err) < 0 ||
			(options->ca_file && fs_read(options->ca_file, &ca, err) < 0) ||
			http_global_init(err) < 0)
		return -1;
	http.tls.ca = buf_span(&ca);
	self->http = http_new(&http, err);
	if (!self->http)
		return -1;
	*out = take(&self);
	return 0;
}

void registrar_free(struct registrar *self)
{
	if (!self)
		return;
	http_free(self->http);
	pkey_free(self->key);
	json_decref(self->claims);
	free(self->base);
	free(self);
}

/* ---- one registration ---------------------------------------------------------------------------------- */

static void put_part(struct buf *out, const json_t *value)
{
	auto_free char *text = json_text(value, false);

	b64url_encode(out, span_of(text));
}

static int make_token(const struct registrar *self, struct buf *out, struct err *err)
{
	auto_json json_t *head = json_pack("{s:s, s:s}", "alg", alg_name(pkey_kind(self->key)), "typ", "JWT");
	auto_json json_t *claims = json_copy(self->claims);
	auto_buf struct buf signature = BUF_MAX(TOKEN_MAX);
	json_int_t now = clock_wall(self->clock) / CLOCK_SECOND;

	json_object_set_new(claims, "iat", json_integer(now));
	json_object_set_new(claims, "exp", json_integer(now + LIFETIME));
	json_object_set_new(claims, "nbf", json_integer(now));
	put_part(out, head);
	buf_putc(out, '.');
	put_part(out, claims);
	if (pkey_sign(self->key, buf_span(out), &signature, err) < 0)
		return err_wrap(err, "signing the administrator's token");
	buf_putc(out, '.');
	b64url_encode(out, buf_span(&signature));
	return buf_check(out, "the administrator's token", err);
}

/* What the broker says about itself: {"type":"…","detail":"…"} */
static int judge(const struct http_response *response, const char *url, struct err *err)
{
	auto_json json_t *body = NULL;
	const char *detail = NULL;
	bool token = response->status == 401 || response->status == 403;

	if (response->status >= 200 && response->status < 300)
		return 0;
	if (json_read(buf_span(&response->body), BODY_MAX, &body, NULL) == 0)
		detail = json_text_at(body, "detail", NULL);
	return err_set(err, token ? ERR_AUTH : ERR_DENIED,
			"the key broker did not take the key: %s answered with status %d%s%s%s", url,
			response->status, detail ? ": " : "", detail ? detail : "",
			token ? "; look at the administrator's key, and at the role and other claims that it "
				"wants"
			      : "");
}

int registrar_put(
		struct registrar *self, const struct kbs_uri *uri, const struct secret *kek, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/octet-stream", NULL };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_buf struct buf url = BUF_MAX(URL_MAX), token = BUF_MAX(TOKEN_MAX);

	if (strcmp(uri->plugin, "resource") != 0)
		return err_set(err, ERR_USAGE,
				"keys of the broker's plugin '%s' cannot be registered; put the key there "
				"yourself and leave out --kbs",
				uri->plugin);
	buf_printf(&url, "%s/kbs/v0/resource/%s", self->base, uri->path);
	if (buf_check(&url, "the key broker's URL", err) < 0 || make_token(self, &token, err) < 0)
		return -1;
	const struct http_request request = { .method = "POST",
		.url = buf_text(&url),
		.headers = headers,
		.bearer = buf_text(&token),
		.body = secret_span(kek),
		.max_body = BODY_MAX,
		.total_timeout = self->timeout };
	if (http_fetch(self->http, &request, &response, err) < 0)
		return err_wrap(err, "registering the key in the key broker");
	return judge(&response, buf_text(&url), err);
}
