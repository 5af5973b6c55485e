/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/ehsm.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/hmac.h"
#include "kms/kms_own.h"
#include "net/url.h"

#include <inttypes.h>
#include <string.h>

#define CODE_GOOD 200

/* ---- texts ---- */

/* The payload's names sort as ciphertext, keyid, plaintext. */
void ehsm_to_sign(struct buf *out, const struct ehsm_ask *ask)
{
	buf_printf(out, "appid=%s&nonce=%s&payload=", ask->app_id, ask->nonce);
	if (!ask->encrypts)
		buf_printf(out, "ciphertext=%.*s&", SPAN_ARG(ask->text));
	buf_printf(out, "keyid=%s", ask->key_id);
	if (ask->encrypts)
		buf_printf(out, "&plaintext=%.*s", SPAN_ARG(ask->text));
	buf_printf(out, "&timestamp=%s", ask->timestamp);
}

int ehsm_sign(const struct secret *api_key, struct span to_sign, struct buf *out, struct err *err)
{
	unsigned char mac[HMAC_SHA256_SIZE];

	hmac_sha256(secret_span(api_key), to_sign, mac);
	b64_encode(out, span_new(mac, sizeof(mac)));
	return buf_check(out, "the signature", err);
}

/* base64 needs no escapes, and neither do numbers. */
void ehsm_body(struct buf *out, const struct ehsm_ask *ask, const char *sign)
{
	buf_putc(out, '{');
	kms_put_text(out, "appid", ask->app_id);
	buf_printf(out, ",\"nonce\":\"%s\",\"payload\":{", ask->nonce);
	if (!ask->encrypts)
		buf_printf(out, "\"ciphertext\":\"%.*s\",", SPAN_ARG(ask->text));
	kms_put_text(out, "keyid", ask->key_id);
	if (ask->encrypts)
		buf_printf(out, ",\"plaintext\":\"%.*s\"", SPAN_ARG(ask->text));
	buf_printf(out, "},\"sign\":\"%s\",\"timestamp\":\"%s\"}", sign, ask->timestamp);
}

int ehsm_answer(struct span json, const char *name, json_t **object, const char **out, struct err *err)
{
	json_t *result = NULL;
	int64_t code = CODE_GOOD;
	const char *message = "no reason given";

	if (json_read(json, KMS_ANSWER_MAX, object, err) < 0)
		return err_wrap(err, "the answer");
	if (json_opt_int(*object, "", "code", INT32_MIN, INT32_MAX, &code, err) < 0 ||
			json_opt_text(*object, "", "message", &message, err) < 0)
		return err_wrap(err, "the answer");
	if (code != CODE_GOOD)
		return err_set(err, ERR_DENIED, "code %" PRId64 ": %.300s", code, message);
	if (json_get_object(*object, "", "result", &result, err) < 0)
		return err_wrap(err, "the answer");
	if (kms_get_text(result, "answer.result", name, out, err) < 0)
		return -1;
	return **out ? 0 : err_set(err, ERR_FORMAT, "answer.result.%s is empty", name);
}

/* ---- credentials ---- */

/*
 * The service signs a value as it is, its other clients the value as JSON without its quotes: where the two differ, no
 * signature is ever right.
 */
static int check_signable(const char *value, struct err *err)
{
	bool good = *value != '\0';

	for (; good && *value; value++)
		good = (unsigned char)*value >= ' ' && *value != '"' && *value != '\\' && *value != 0x7f;
	return good ? 0 : err_set(err, ERR_FORMAT, "is empty or holds quotes, backslashes or control bytes");
}

static int check_endpoint(const char *value, struct err *err)
{
	struct url url;

	if (url_parse(span_of(value), &url, err) < 0)
		return -1;
	if (url.query.len || strchr(value, '?'))
		return err_set(err, ERR_FORMAT, "has a query");
	if (!url.tls && !url_is_loopback(&url))
		return err_set(err, ERR_FORMAT, "is no https:// URL; keys are not sent in the clear");
	return 0;
}

/* The key, and as its owner the application's id: a heap string, NULL on failure. */
static char *read_credential(const struct kms *kms, struct secret *api_key, struct err *err)
{
	auto_free char *file = xasprintf("credential_%s.json", kms_setting(kms, "app_id"));
	auto_json json_t *object = NULL;
	const char *id = "", *key = "";

	if (kms_file_json(kms, file, &object, err) < 0 || kms_get_text(object, file, "AppId", &id, err) < 0 ||
			kms_get_text(object, file, "ApiKey", &key, err) < 0)
		return NULL;
	if (check_signable(id, err) < 0) {
		err_wrap(err, "%s: AppId", file);
		return NULL;
	}
	if (!*key) {
		err_set(err, ERR_FORMAT, "%s: ApiKey is empty", file);
		return NULL;
	}
	return secret_from_span(api_key, span_of(key), err) < 0 ? NULL : xstrdup(id);
}

/* Certificates that are trusted beside the usual ones; there need not be any. */
static int read_ca(const struct kms *kms, struct buf *out, struct err *err)
{
	struct err failure = ERR_NONE;

	if (kms_file_ca(kms, "ehsm_ca.pem", out, &failure) == 0 || failure.kind == ERR_NOT_FOUND)
		return 0;
	if (err)
		*err = failure;
	return -1;
}

/* ---- one request ---- */

/* The members that are new with each request. */
struct fresh {
	char nonce[24];
	char timestamp[24];
};

static void make_fresh(const struct kms *kms, struct fresh *out)
{
	unsigned char bytes[8];
	uint64_t number = 0;

	kms->random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		number = number << 8 | bytes[i];
	snprintf(out->nonce, sizeof(out->nonce), "%" PRIu64, number);
	snprintf(out->timestamp, sizeof(out->timestamp), "%" PRId64, clock_wall(kms->clock) / 1000);
}

static int make_body(
		const struct ehsm_ask *ask, const struct secret *api_key, struct buf *out, struct err *err)
{
	auto_wiped_buf struct buf to_sign = BUF_MAX(KMS_REQUEST_MAX);
	auto_buf struct buf signature = BUF_MAX(64);

	/* a plaintext may be in both, so nothing may be left behind by growth */
	if (!buf_room(&to_sign, KMS_REQUEST_MAX) || !buf_room(out, out->max))
		abort();
	ehsm_to_sign(&to_sign, ask);
	if (buf_check(&to_sign, "the text to sign", err) < 0 ||
			ehsm_sign(api_key, buf_span(&to_sign), &signature, err) < 0)
		return -1;
	ehsm_body(out, ask, buf_text(&signature));
	return buf_check(out, "the request", err);
}

static int send(struct kms *kms, const struct ehsm_ask *ask, struct span body, struct http_response *answer,
		struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	auto_buf struct buf url = BUF_MAX(URL_MAX), ca = BUF_MAX(0);
	struct kms_refusal none = { .code = SPAN_NONE };

	if (read_ca(kms, &ca, err) < 0)
		return -1;
	url_join(&url, kms->endpoint ? kms->endpoint : kms_setting(kms, "endpoint"), "/ehsm?Action=");
	buf_puts(&url, ask->encrypts ? "Encrypt" : "Decrypt");
	if (buf_check(&url, "the URL", err) < 0)
		return -1;
	struct kms_ask request = { .method = "POST",
		.url = buf_text(&url),
		.headers = headers,
		.body = body,
		.ca = buf_span(&ca),
		.ca_adds = true };
	if (kms_ask(kms, &request, answer, err) < 0)
		return -1;
	return kms_is_success(answer) ? 0 : kms_refused(answer, &none, err);
}

/* `text` is the base64 of what is to be encrypted, or else what is to be decrypted. */
static int call(struct kms *kms, const char *key_id, bool encrypts, struct span text,
		struct http_response *answer, struct err *err)
{
	auto_secret struct secret api_key = SECRET_NONE;
	auto_wiped_buf struct buf body = BUF_MAX(KMS_REQUEST_MAX);
	struct fresh fresh;

	if (check_signable(key_id, err) < 0) {
		err_wrap(err, "key_id");
		return kms_blame_caller(err);
	}
	auto_free char *app_id = read_credential(kms, &api_key, err);
	if (!app_id)
		return -1;
	make_fresh(kms, &fresh);
	struct ehsm_ask ask = { .app_id = app_id,
		.nonce = fresh.nonce,
		.timestamp = fresh.timestamp,
		.key_id = key_id,
		.encrypts = encrypts,
		.text = text };
	if (make_body(&ask, &api_key, &body, err) < 0)
		return -1;
	return send(kms, &ask, buf_span(&body), answer, err);
}

/* ---- the provider ---- */

/* Of a base64 text the bytes do not matter here, but it goes into JSON and into a signature as it is. */
static int check_b64(struct span text, const char *what, struct err *err)
{
	auto_buf struct buf scrap = BUF_MAX(KMS_REQUEST_MAX);

	if (!text.len)
		return err_set(err, ERR_FORMAT, "%s is empty", what);
	if (b64_decode(text, &scrap, err) < 0)
		return err_wrap(err, "%s is no base64 text", what);
	return 0;
}

static int decrypt(struct kms *kms, const char *key_id, struct span cipher, const json_t *annotations,
		struct secret *plain, struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_json json_t *object = NULL;
	const char *text = "";

	(void)annotations;
	if (check_b64(cipher, "the encrypted key", err) < 0 ||
			call(kms, key_id, false, cipher, &answer, err) < 0 ||
			ehsm_answer(buf_span(&answer.body), "plaintext", &object, &text, err) < 0)
		return -1;
	return kms_secret_of_b64(text, "the answer's plaintext", plain, err);
}

static int encrypt(struct kms *kms, const char *key_id, const struct secret *plain, struct buf *cipher,
		json_t **annotations, struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_json json_t *object = NULL;
	auto_secret struct secret encoded = SECRET_NONE;
	const char *text = "";

	if (secret_alloc(&encoded, b64_encoded_len(plain->len), err) < 0)
		return -1;
	b64_encode_raw((char *)encoded.ptr, secret_span(plain));
	if (call(kms, key_id, true, secret_span(&encoded), &answer, err) < 0 ||
			ehsm_answer(buf_span(&answer.body), "ciphertext", &object, &text, err) < 0 ||
			check_b64(span_of(text), "the answer's ciphertext", err) < 0)
		return -1;
	buf_puts(cipher, text);
	if (buf_check(cipher, "the encrypted key", err) < 0)
		return -1;
	*annotations = json_object();
	return 0;
}

static const struct kms_setting settings[] = {
	{ "app_id", kms_check_identifier },
	{ "endpoint", check_endpoint },
	{ NULL, NULL },
};

const struct kms_provider kms_ehsm = {
	.name = "ehsm",
	.settings = settings,
	.decrypt = decrypt,
	.encrypt = encrypt,
};
