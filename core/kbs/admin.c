/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/admin.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "jose/jws.h"
#include "kbs/message.h"
#include "net/http.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

#define CA_MAX     ((size_t)1024 * 1024)
#define CLAIMS_MAX ((size_t)16 * 1024)
#define ANSWER_MAX ((size_t)64 * 1024)
#define TIMEOUT    30000
/* seconds that a token is good for */
#define LIFETIME   7200

struct kbs_admin {
	struct http *http;
	struct pkey *key;    /* NULL: none */
	struct secret token; /* empty: none */
	json_t *claims;
	char *base; /* https://broker:8080/kbs/v0 */
	const struct clock *clock;
	int timeout;
};

/* ---- setting up ---------------------------------------------------------------------------------------- */

static int read_key(const char *path, struct pkey **out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;
	auto_pkey struct pkey *key = NULL;

	if (secret_read_file(&bytes, path, err) < 0)
		return -1;
	if (pkey_parse(secret_span(&bytes), NULL, &key, err) < 0)
		return err_wrap(err, "'%s'", path);
	if (!pkey_is_private(key) || pkey_kind(key) == PKEY_RSA)
		return err_set(err, ERR_USAGE, "'%s' is no private key of Ed25519, P-256, P-384 or P-521",
				path);
	*out = take(&key);
	return 0;
}

static int read_token(const char *path, struct secret *out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;
	struct kbs_times times;

	if (secret_read_file(&bytes, path, err) < 0)
		return -1;
	struct span text = span_trim(secret_span(&bytes));
	if (kbs_token_times(text, &times, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "'%s'", path);
	}
	return secret_from_span(out, text, err);
}

static int read_credentials(struct kbs_admin *self, const struct kbs_admin_options *options, struct err *err)
{
	if (options->key_file && options->token_file)
		return err_set(err, ERR_USAGE,
				"the administrator's key and a token are given; one of them is enough");
	if (options->key_file && read_key(options->key_file, &self->key, err) < 0)
		return err_wrap(err, "the administrator's key");
	if (options->token_file && read_token(options->token_file, &self->token, err) < 0)
		return err_wrap(err, "the administrator's token");
	return 0;
}

static int read_claims(const struct kbs_admin_options *options, json_t **out, struct err *err)
{
	auto_json json_t *given = NULL;
	json_t *claims = json_pack("{s:s}", "role", options->role ? options->role : "admin");

	*out = claims;
	if (!claims)
		return err_set(err, ERR_USAGE, "the administrator's role is no text in UTF-8");
	if (!options->claims_file)
		return 0;
	if (json_read_file(options->claims_file, CLAIMS_MAX, &given, err) < 0)
		return -1;
	if (!json_is_object(given))
		return err_set(err, ERR_USAGE, "'%s' holds no JSON object", options->claims_file);
	json_object_update(claims, given);
	return 0;
}

static int read_url(const struct kbs_admin_options *options, char **out, struct err *err)
{
	auto_buf struct buf origin = BUF_MAX(URL_MAX), base = BUF_MAX(URL_MAX);
	struct url url;

	if (url_parse(span_of(options->url), &url, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "the key broker's URL");
	}
	if (!url.tls && !url_is_loopback(&url) && !options->plain_http)
		return err_set(err, ERR_USAGE,
				"keys would go to '%.*s' in the clear; use https, or ask for --plain-http",
				SPAN_ARG(url.host));
	if (url.query.len)
		return err_set(err, ERR_USAGE, "the key broker's URL has a query");
	if (options->origin_only)
		url.path = SPAN_NONE;
	url_format(&url, &origin);
	url_join(&base, buf_text(&origin), KBS_PREFIX);
	*out = buf_take(&base);
	return 0;
}

int kbs_admin_open(const struct kbs_admin_options *options, struct kbs_admin **out, struct err *err)
{
	auto_kbs_admin struct kbs_admin *self = xcalloc(1, sizeof(*self));
	auto_buf struct buf ca = BUF_MAX(CA_MAX);
	struct http_options http = { .user_agent = options->user_agent };

	self->clock = options->clock;
	self->timeout = options->timeout ? options->timeout : TIMEOUT;
	if (read_url(options, &self->base, err) < 0 || read_credentials(self, options, err) < 0 ||
			read_claims(options, &self->claims, err) < 0 ||
			(options->ca_file && http_ca_load(options->ca_file, &ca, err) < 0))
		return -1;
	http.tls.ca = buf_span(&ca);
	self->http = http_new(&http, err);
	if (!self->http)
		return -1;
	*out = take(&self);
	return 0;
}

void kbs_admin_free(struct kbs_admin *self)
{
	if (!self)
		return;
	http_free(self->http);
	pkey_free(self->key);
	secret_clear(&self->token);
	json_decref(self->claims);
	free(self->base);
	free(self);
}

/* ---- one request --------------------------------------------------------------------------------------- */

static int sign_token(const struct kbs_admin *self, struct buf *out, struct err *err)
{
	auto_json json_t *head =
			json_pack("{s:s, s:s}", "alg", jws_alg_name(jws_alg_of(self->key)), "typ", "JWT");
	auto_json json_t *claims = json_copy(self->claims);
	json_int_t now = clock_wall(self->clock) / CLOCK_SECOND;

	json_object_set_new(claims, "iat", json_integer(now));
	json_object_set_new(claims, "exp", json_integer(now + LIFETIME));
	json_object_set_new(claims, "nbf", json_integer(now));
	auto_free char *head_text = json_text(head, false);
	auto_free char *claims_text = json_text(claims, false);
	if (jws_sign(self->key, span_of(head_text), span_of(claims_text), out, err) < 0)
		return err_wrap(err, "the administrator's token");
	return buf_check(out, "the administrator's token", err);
}

static int make_token(const struct kbs_admin *self, struct buf *out, struct err *err)
{
	if (self->key)
		return sign_token(self, out, err);
	buf_add_span(out, secret_span(&self->token));
	return 0;
}

/* The broker has names of its own for refused administrators; proxies have statuses. */
static bool is_about_us(const struct http_response *response, bool parsed, const struct kbs_failure *failure)
{
	if (parsed && failure->variant != KBS_OTHER_ERROR)
		return failure->variant == KBS_ADMIN_AUTH_ACCESS ||
				failure->variant == KBS_ADMIN_AUTH_INITIALIZATION;
	return response->status == 401 || response->status == 403;
}

/* What the broker says about itself: {"type":"…","detail":"…"} */
static int judge(const struct http_response *response, const char *what, const char *url, struct err *err)
{
	struct kbs_failure failure = { .detail = "" };
	bool parsed = kbs_failure_parse(buf_span(&response->body), &failure);

	if (response->status >= 200 && response->status < 300)
		return 0;
	bool ours = is_about_us(response, parsed, &failure);
	return err_set(err, ours ? ERR_AUTH : ERR_DENIED,
			"the key broker did not take %s: %s answered with status %d%s%s%s", what, url,
			response->status, parsed ? ": " : "", failure.detail,
			ours ? "; look at the administrator's key, and at the role and other claims that it "
			       "wants"
			     : "");
}

struct call {
	const char *what; /* for messages: "the resource policy" */
	const char *method;
	const char *type;
	struct span body;
};

/* path: below /kbs/v0, with its '/' */
static int send(struct kbs_admin *self, const struct call *call, const char *path, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_buf struct buf url = BUF_MAX(URL_MAX);
	auto_wiped_buf struct buf token = BUF_MAX(JWS_MAX);
	auto_free char *type = xasprintf("Content-Type: %s", call->type ? call->type : "");
	const char *const headers[] = { call->type ? type : NULL, NULL };

	buf_printf(&url, "%s%s", self->base, path);
	if (buf_check(&url, "the URL of the request", err) < 0 || make_token(self, &token, err) < 0)
		return -1;
	if (call->body.len > KBS_BODY_MAX)
		return err_set(err, ERR_LIMIT, "%s exceeds the %zu bytes that key brokers take", call->what,
				KBS_BODY_MAX);
	/* what is borrowed is not copied to memory that nobody wipes */
	const struct http_request request = { .method = call->method,
		.url = buf_text(&url),
		.headers = headers,
		.bearer = token.len ? buf_text(&token) : NULL,
		.body = call->body,
		.bulk = true,
		.max_body = ANSWER_MAX,
		.total_timeout = self->timeout };
	if (http_fetch(self->http, &request, &response, err) < 0)
		return err_wrap(err, "%s for the key broker", call->what);
	return judge(&response, call->what, buf_text(&url), err);
}

/* ---- resources ----------------------------------------------------------------------------------------- */

static int send_resource(
		struct kbs_admin *self, const struct call *call, const struct kbs_uri *uri, struct err *err)
{
	auto_buf struct buf path = BUF_MAX(URL_MAX);

	if (kbs_uri_check(uri, err) < 0)
		return -1;
	buf_printf(&path, "/%s/%s%s%s", uri->plugin, uri->path, uri->query[0] ? "?" : "", uri->query);
	return send(self, call, buf_text(&path), err);
}

int kbs_admin_put(struct kbs_admin *self, const struct kbs_uri *uri, struct span bytes, struct err *err)
{
	const struct call call = { "the resource", "POST", "application/octet-stream", bytes };

	return send_resource(self, &call, uri, err);
}

int kbs_admin_delete(struct kbs_admin *self, const struct kbs_uri *uri, struct err *err)
{
	const struct call call = { "the deletion of the resource", "DELETE", NULL, SPAN_NONE };

	return send_resource(self, &call, uri, err);
}

/* ---- policies and reference values --------------------------------------------------------------------- */

static int send_json(struct kbs_admin *self, const char *what, const char *path, const json_t *body,
		struct err *err)
{
	auto_free char *text = json_text(body, false);
	const struct call call = { what, "POST", "application/json", span_of(text) };

	return send(self, &call, path, err);
}

/* The text in base64url without padding, NUL-terminated; policies are read strictly so. */
static int encode_policy(struct span rego, struct buf *out, struct err *err)
{
	if (!span_is_utf8(rego))
		return err_set(err, ERR_USAGE, "the policy is no text in UTF-8");
	b64url_encode(out, rego);
	return buf_check(out, "the policy", err);
}

int kbs_admin_resource_policy(struct kbs_admin *self, struct span rego, struct err *err)
{
	auto_buf struct buf policy = BUF_MAX(KBS_BODY_MAX);

	if (encode_policy(rego, &policy, err) < 0)
		return -1;
	auto_json json_t *body = json_pack("{s:s}", "policy", buf_text(&policy));
	return send_json(self, "the resource policy", "/resource-policy", body, err);
}

int kbs_admin_attestation_policy(struct kbs_admin *self, const char *id, struct span rego, struct err *err)
{
	auto_buf struct buf policy = BUF_MAX(KBS_BODY_MAX);

	if (!id[0] || !span_is_utf8(span_of(id)))
		return err_set(err, ERR_USAGE, "an attestation policy needs an id, such as default_cpu");
	/* the service takes it and then looks for default_cpu and its like */
	if (!strcmp(id, "default"))
		return err_set(err, ERR_USAGE,
				"key brokers take an attestation policy 'default' and never look at it; "
				"default_cpu, default_gpu, default_switch and default_ppcie have an effect");
	if (encode_policy(rego, &policy, err) < 0)
		return -1;
	auto_json json_t *body = json_pack(
			"{s:s, s:s, s:s}", "type", "rego", "policy_id", id, "policy", buf_text(&policy));
	return send_json(self, "the attestation policy", "/attestation-policy", body, err);
}

int kbs_admin_reference_value(struct kbs_admin *self, const char *name, const json_t *value, struct err *err)
{
	auto_buf struct buf payload = BUF_MAX(KBS_BODY_MAX);
	auto_json json_t *values = json_object();

	if (!name[0] || json_object_set_new(values, name, json_deep_copy(value)) < 0)
		return err_set(err, ERR_USAGE, "a reference value needs a name in UTF-8");
	auto_free char *text = json_text(values, false);
	b64_encode(&payload, span_of(text));
	if (buf_check(&payload, "the reference value", err) < 0)
		return -1;
	auto_json json_t *body = json_pack("{s:s, s:s, s:s}", "version", "0.1.0", "type", "sample", "payload",
			buf_text(&payload));
	return send_json(self, "the reference value", "/reference-value", body, err);
}
