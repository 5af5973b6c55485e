/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws.h"

#include "base/b64.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "kms/kms_own.h"
#include "net/url.h"

#include <string.h>

#define CONTENT       "application/x-amz-json-1.1"
#define CANONICAL_MAX ((size_t)16 * 1024)
#define DAY_LEN       8 /* of a date, the part before 'T' */

/* ---- signature ---- */

void aws_url(struct buf *out, const char *service, const char *region)
{
	buf_printf(out, "https://%s.%s.amazonaws.com%s/", service, region,
			strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

const char *aws_signed_names(const struct aws_ask *ask)
{
	return ask->session_token ? "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
				  : "content-type;host;x-amz-date;x-amz-target";
}

void aws_canonical(struct buf *out, const struct aws_ask *ask)
{
	char digest[DIGEST_HEX_MAX];

	digest_hex(DIGEST_SHA256, ask->body, digest);
	buf_printf(out, "POST\n/\n\ncontent-type:" CONTENT "\nhost:%s\nx-amz-date:%s\n", ask->host,
			ask->date);
	if (ask->session_token)
		buf_printf(out, "x-amz-security-token:%s\n", ask->session_token);
	buf_printf(out, "x-amz-target:%s\n\n%s\n%s", ask->target, aws_signed_names(ask), digest);
}

void aws_scope(struct buf *out, const struct aws_ask *ask)
{
	buf_printf(out, "%.*s/%s/%s/aws4_request", DAY_LEN, ask->date, ask->region, ask->service);
}

/* HMAC("AWS4" SK, day), and of that as a key over the other parts, one after the other. */
static int derive(const struct aws_ask *ask, const struct secret *secret_key, struct secret *out,
		struct err *err)
{
	const struct span parts[] = { span_of(ask->region), span_of(ask->service), SPAN_LIT("aws4_request") };
	auto_secret struct secret first = SECRET_NONE;

	if (secret_alloc(&first, secret_key->len + 4, err) < 0 ||
			secret_alloc(out, HMAC_SHA256_SIZE, err) < 0)
		return -1;
	memcpy(first.ptr, "AWS4", 4);
	if (secret_key->len)
		memcpy(first.ptr + 4, secret_key->ptr, secret_key->len);
	hmac_sha256(secret_span(&first), span_new(ask->date, strnlen(ask->date, DAY_LEN)), out->ptr);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		hmac_sha256(secret_span(out), parts[i], out->ptr);
	return 0;
}

int aws_sign(const struct aws_ask *ask, const struct secret *secret_key, struct span canonical,
		char out[static AWS_SIGNATURE_MAX], struct err *err)
{
	auto_secret struct secret key = SECRET_NONE;
	auto_buf struct buf text = BUF_MAX(1024);
	unsigned char mac[HMAC_SHA256_SIZE];
	char digest[DIGEST_HEX_MAX];

	digest_hex(DIGEST_SHA256, canonical, digest);
	buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n", ask->date);
	aws_scope(&text, ask);
	buf_printf(&text, "\n%s", digest);
	if (buf_check(&text, "the text to sign", err) < 0 || derive(ask, secret_key, &key, err) < 0)
		return -1;
	hmac_sha256(secret_span(&key), buf_span(&text), mac);
	hex_encode_raw(out, span_new(mac, sizeof(mac)));
	out[AWS_SIGNATURE_MAX - 1] = '\0';
	return 0;
}

/* ---- bodies ---- */

void aws_decrypt_body(struct buf *out, const char *key_id, struct span cipher, const json_t *context)
{
	buf_putc(out, '{');
	kms_put_b64(out, "CiphertextBlob", cipher);
	if (context && json_object_size(context)) {
		auto_free char *text = json_text(context, true);
		buf_puts(out, ",\"EncryptionContext\":");
		buf_puts(out, text);
	}
	buf_putc(out, ',');
	kms_put_text(out, "KeyId", key_id);
	buf_putc(out, '}');
}

void aws_encrypt_body(struct buf *out, const char *key_id, struct span plain)
{
	buf_putc(out, '{');
	kms_put_text(out, "KeyId", key_id);
	buf_putc(out, ',');
	kms_put_b64(out, "Plaintext", plain);
	buf_putc(out, '}');
}

void aws_secret_body(struct buf *out, const char *name, const char *stage, const char *version)
{
	buf_putc(out, '{');
	kms_put_text(out, "SecretId", name);
	if (*version) {
		buf_putc(out, ',');
		kms_put_text(out, "VersionId", version);
	}
	if (*stage) {
		buf_putc(out, ',');
		kms_put_text(out, "VersionStage", stage);
	}
	buf_putc(out, '}');
}

/* ---- answers ---- */

/* Opens the answer and finds a text that must not be empty. */
static int read_text(struct span json, const char *name, json_t **object, const char **out, struct err *err)
{
	if (json_read(json, KMS_ANSWER_MAX, object, err) < 0)
		return err_wrap(err, "the answer");
	if (kms_get_text(*object, "answer", name, out, err) < 0)
		return -1;
	return **out ? 0 : err_set(err, ERR_FORMAT, "the answer's %s is empty", name);
}

int aws_decrypt_answer(struct span json, struct secret *plain, struct err *err)
{
	auto_json json_t *object = NULL;
	const char *text = "";

	if (read_text(json, "Plaintext", &object, &text, err) < 0)
		return -1;
	return kms_secret_of_b64(text, "the answer's Plaintext", plain, err);
}

int aws_encrypt_answer(struct span json, struct buf *cipher, struct err *err)
{
	auto_json json_t *object = NULL;
	const char *text = "";

	if (read_text(json, "CiphertextBlob", &object, &text, err) < 0)
		return -1;
	if (b64_decode(span_of(text), cipher, err) < 0)
		return err_wrap(err, "the answer's CiphertextBlob");
	return 0;
}

int aws_secret_answer(struct span json, struct secret *out, struct err *err)
{
	auto_json json_t *object = NULL;
	const char *text = NULL, *binary = NULL;

	if (json_read(json, KMS_ANSWER_MAX, &object, err) < 0)
		return err_wrap(err, "the answer");
	if (kms_opt_text(object, "answer", "SecretString", &text, err) < 0 ||
			kms_opt_text(object, "answer", "SecretBinary", &binary, err) < 0)
		return -1;
	if (text && *text)
		return secret_from_span(out, span_of(text), err);
	if (!text && binary)
		return kms_secret_of_b64(binary, "the answer's SecretBinary", out, err);
	return err_set(err, ERR_FORMAT, "the answer has neither SecretString nor SecretBinary");
}

struct span aws_error_name(struct span type)
{
	struct span name = span_new(type.ptr, span_find(type, ':'));
	size_t hash = span_find(name, '#');

	return hash < name.len ? span_from(name, hash + 1) : name;
}

static int refused(const struct http_response *answer, struct err *err)
{
	auto_json json_t *object = NULL;
	struct kms_refusal why = { .code = SPAN_NONE };

	if (json_read(buf_span(&answer->body), KMS_ANSWER_MAX, &object, NULL) == 0) {
		const char *message = json_string_value(json_object_get(object, "message"));
		if (!message)
			message = json_string_value(json_object_get(object, "Message"));
		why.code = aws_error_name(span_of(json_string_value(json_object_get(object, "__type"))));
		why.message = span_of(message);
	}
	return kms_refused(answer, &why, err);
}

/* ---- one request ---- */

struct credential {
	struct buf access_key;
	struct secret secret_key;
	struct secret session_token; /* empty: none */
};

static void credential_clear(struct credential *credential)
{
	buf_clear(&credential->access_key);
	secret_clear(&credential->secret_key);
	secret_clear(&credential->session_token);
}
#define auto_credential __attribute__((cleanup(credential_clear)))

static int read_credential(const struct kms *kms, struct credential *out, struct err *err)
{
	static const char file[] = "credential.json";
	auto_json json_t *object = NULL;
	const char *access_key = "", *secret_key = "", *token = "";

	if (kms_file_json(kms, file, &object, err) < 0)
		return -1;
	/* unlike everywhere else, null stands for absent here */
	if (json_is_null(json_object_get(object, "session_token")))
		json_object_del(object, "session_token");
	if (kms_get_text(object, file, "access_key_id", &access_key, err) < 0 ||
			kms_get_text(object, file, "secret_access_key", &secret_key, err) < 0 ||
			kms_opt_text(object, file, "session_token", &token, err) < 0)
		return -1;
	if (kms_check_field(access_key, err) < 0)
		return err_wrap(err, "%s: access_key_id", file);
	if (!*secret_key)
		return err_set(err, ERR_FORMAT, "%s: secret_access_key is empty", file);
	if (*token && kms_check_field(token, err) < 0)
		return err_wrap(err, "%s: session_token", file);
	buf_puts(&out->access_key, access_key);
	if (buf_check(&out->access_key, "access_key_id", err) < 0 ||
			secret_from_span(&out->secret_key, span_of(secret_key), err) < 0)
		return -1;
	return *token ? secret_from_span(&out->session_token, span_of(token), err) : 0;
}

/* Where the service is, and its host as the header names it. */
static int place(const struct kms *kms, const char *service, struct buf *out, struct buf *host,
		struct err *err)
{
	struct url url;

	if (kms->endpoint)
		url_join(out, kms->endpoint, "/");
	else
		aws_url(out, service, kms_setting(kms, "region"));
	if (buf_check(out, "the URL", err) < 0 || url_parse(buf_span(out), &url, err) < 0)
		return -1;
	buf_printf(host, "%s%.*s%s", url.ipv6 ? "[" : "", SPAN_ARG(url.host), url.ipv6 ? "]" : "");
	if (url.port != (url.tls ? 443 : 80))
		buf_printf(host, ":%u", url.port);
	return buf_check(host, "the host", err);
}

static int authorize(const struct aws_ask *ask, const struct credential *credential, struct buf *out,
		struct err *err)
{
	auto_wiped_buf struct buf canonical = BUF_MAX(CANONICAL_MAX);
	char signature[AWS_SIGNATURE_MAX];

	/* the session token is in it */
	if (!buf_room(&canonical, CANONICAL_MAX))
		abort();
	aws_canonical(&canonical, ask);
	if (buf_check(&canonical, "the request", err) < 0 ||
			aws_sign(ask, &credential->secret_key, buf_span(&canonical), signature, err) < 0)
		return -1;
	buf_printf(out, "Authorization: AWS4-HMAC-SHA256 Credential=%s/", buf_text(&credential->access_key));
	aws_scope(out, ask);
	buf_printf(out, ", SignedHeaders=%s, Signature=%s", aws_signed_names(ask), signature);
	return buf_check(out, "the Authorization field", err);
}

static int send(struct kms *kms, const char *url, const struct aws_ask *ask, const char *authorization,
		struct http_response *answer, struct err *err)
{
	auto_buf struct buf date = BUF_MAX(64), target = BUF_MAX(128);
	auto_wiped_buf struct buf token = BUF_MAX(SECRET_MAX);
	static const char content_type[] = "Content-Type: " CONTENT;
	const char *token_field = NULL;

	buf_printf(&date, "X-Amz-Date: %s", ask->date);
	buf_printf(&target, "X-Amz-Target: %s", ask->target);
	if (ask->session_token) {
		if (!buf_room(&token, strlen(ask->session_token) + 32))
			return buf_check(&token, "the session token", err);
		buf_printf(&token, "X-Amz-Security-Token: %s", ask->session_token);
		token_field = buf_text(&token);
	}
	const char *const headers[] = { content_type, buf_text(&date), buf_text(&target), authorization,
		token_field, NULL };
	struct kms_ask request = { .method = "POST", .url = url, .headers = headers, .body = ask->body };
	if (kms_ask(kms, &request, answer, err) < 0)
		return -1;
	return kms_is_success(answer) ? 0 : refused(answer, err);
}

static int call(struct kms *kms, const char *service, const char *target, const struct buf *body,
		struct http_response *answer, struct err *err)
{
	auto_credential struct credential credential = { .access_key = BUF_MAX(256) };
	auto_buf struct buf url = BUF_MAX(URL_MAX), host = BUF_MAX(300), authorization = BUF_MAX(1024);
	char date[KMS_DATE_MAX];

	if (buf_check(body, "the request", err) < 0 || read_credential(kms, &credential, err) < 0 ||
			place(kms, service, &url, &host, err) < 0)
		return -1;
	struct aws_ask ask = {
		.service = service,
		.region = kms_setting(kms, "region"),
		.host = buf_text(&host),
		.date = kms_date_basic(clock_wall(kms->clock), date),
		.target = target,
		.session_token = (const char *)credential.session_token.ptr,
		.body = buf_span(body),
	};
	if (authorize(&ask, &credential, &authorization, err) < 0)
		return -1;
	return send(kms, buf_text(&url), &ask, buf_text(&authorization), answer, err);
}

/* ---- the provider ---- */

/* The optional object of texts that was bound to the key when it was encrypted. */
static int take_context(const json_t *annotations, const json_t **out, struct err *err)
{
	const json_t *context = json_object_get(annotations, "encryption_context");
	const char *name = NULL, *text = NULL;
	const json_t *value = NULL;

	if (context && !json_is_object(context))
		return err_set(err, ERR_USAGE, "annotations.encryption_context is no object");
	/* jansson's iterator takes no const, and changes nothing */
	json_object_foreach ((json_t *)(uintptr_t)context, name, value)
		if (kms_get_text(context, "annotations.encryption_context", name, &text, err) < 0)
			return kms_blame_caller(err);
	*out = context;
	return 0;
}

static int decrypt(struct kms *kms, const char *key_id, struct span cipher, const json_t *annotations,
		struct secret *plain, struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_buf struct buf body = BUF_MAX(KMS_REQUEST_MAX);
	const json_t *context = NULL;

	if (take_context(annotations, &context, err) < 0)
		return -1;
	aws_decrypt_body(&body, key_id, cipher, context);
	if (call(kms, "kms", "TrentService.Decrypt", &body, &answer, err) < 0)
		return -1;
	return aws_decrypt_answer(buf_span(&answer.body), plain, err);
}

static int encrypt(struct kms *kms, const char *key_id, const struct secret *plain, struct buf *cipher,
		json_t **annotations, struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_wiped_buf struct buf body = BUF_MAX(KMS_REQUEST_MAX);

	if (!buf_room(&body, KMS_REQUEST_MAX))
		abort();
	aws_encrypt_body(&body, key_id, secret_span(plain));
	if (call(kms, "kms", "TrentService.Encrypt", &body, &answer, err) < 0 ||
			aws_encrypt_answer(buf_span(&answer.body), cipher, err) < 0)
		return -1;
	*annotations = json_object();
	return 0;
}

static int get_secret(struct kms *kms, const char *name, const json_t *annotations, struct secret *out,
		struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_buf struct buf body = BUF_MAX(KMS_REQUEST_MAX);
	const char *stage = NULL, *version = NULL;

	if (kms_versions(annotations, &stage, &version, err) < 0)
		return -1;
	aws_secret_body(&body, name, stage, version);
	if (call(kms, "secretsmanager", "secretsmanager.GetSecretValue", &body, &answer, err) < 0)
		return -1;
	return aws_secret_answer(buf_span(&answer.body), out, err);
}

static const struct kms_setting settings[] = {
	{ "region", kms_check_region },
	{ NULL, NULL },
};

const struct kms_provider kms_aws = {
	.name = "aws",
	.settings = settings,
	.decrypt = decrypt,
	.encrypt = encrypt,
	.get_secret = get_secret,
};
