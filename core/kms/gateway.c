/* SPDX-License-Identifier: Apache-2.0 */
/* Aliyun, client_type sts_token and ecs_ram_role: the shared gateway, which knows us by a temporary credential. */
#include "kms/gateway.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/hmac.h"
#include "kms/kms_own.h"
#include "net/url.h"

#include <string.h>

#define METADATA      "http://100.100.100.200"
#define ROLE_PATH     "/latest/meta-data/ram/security-credentials/"
#define NONCE_BYTES   16
#define CANONICAL_MAX ((size_t)URL_MAX)

/* ---- credentials ---- */

void gateway_credential_clear(struct gateway_credential *credential)
{
	secret_clear(&credential->access_key);
	secret_clear(&credential->secret_key);
	secret_clear(&credential->token);
}

static int no_credential(struct err *err)
{
	return err_set(err, ERR_FORMAT, "is no credential of the form ak:sk:sts, with exactly two colons");
}

int gateway_credential_parse(struct span text, struct gateway_credential *out, struct err *err)
{
	struct span part[3];

	while (text.len && strchr(" \t\r\n\v\f", text.ptr[text.len - 1]))
		text.len--;
	if (!span_is_utf8(text))
		return no_credential(err);
	for (size_t i = 0; i < 2; i++) {
		size_t colon = span_find(text, ':');
		if (!colon || colon == text.len)
			return no_credential(err);
		part[i] = span_new(text.ptr, colon);
		text = span_from(text, colon + 1);
	}
	part[2] = text;
	if (!text.len || span_find(text, ':') != text.len)
		return no_credential(err);
	if (secret_from_span(&out->access_key, part[0], err) < 0 ||
			secret_from_span(&out->secret_key, part[1], err) < 0)
		return -1;
	return secret_from_span(&out->token, part[2], err);
}

static int take_member(const json_t *object, const char *name, struct secret *out, struct err *err)
{
	const char *text = "";

	if (kms_get_text(object, "credential", name, &text, err) < 0)
		return -1;
	if (!*text)
		return err_set(err, ERR_FORMAT, "credential.%s is empty", name);
	return secret_from_span(out, span_of(text), err);
}

int gateway_credential_read(struct span json, struct gateway_credential *out, struct err *err)
{
	auto_json json_t *object = NULL;

	if (json_read(json, SECRET_MAX, &object, err) < 0 ||
			take_member(object, "AccessKeyId", &out->access_key, err) < 0 ||
			take_member(object, "AccessKeySecret", &out->secret_key, err) < 0)
		return -1;
	return take_member(object, "SecurityToken", &out->token, err);
}

/* ---- signature ---- */

void gateway_url(struct buf *out, const char *region)
{
	buf_printf(out, "https://kms.%s.aliyuncs.com/?", region);
}

void gateway_canonical(struct buf *out, const struct gateway_ask *ask)
{
	const struct {
		const char *name;
		struct span value;
	} parameters[] = {
		{ "AccessKeyId", secret_span(&ask->credential->access_key) },
		{ "Action", SPAN_LIT("GetSecretValue") },
		{ "FetchExtendedConfig", SPAN_LIT("true") },
		{ "Format", SPAN_LIT("json") },
		{ "RegionId", span_of(ask->region) },
		{ "SecretName", span_of(ask->name) },
		{ "SecurityToken", secret_span(&ask->credential->token) },
		{ "SignatureMethod", SPAN_LIT("HMAC-SHA1") },
		{ "SignatureNonce", span_of(ask->nonce) },
		{ "SignatureType", SPAN_NONE },
		{ "SignatureVersion", SPAN_LIT("1.0") },
		{ "Timestamp", span_of(ask->timestamp) },
		{ "Version", SPAN_LIT("2016-01-20") },
		{ "VersionId", span_of(ask->version) },
		{ "VersionStage", span_of(ask->stage) },
	};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		buf_printf(out, "%s%s=", i ? "&" : "", parameters[i].name);
		url_encode(out, parameters[i].value);
	}
}

void gateway_to_sign(struct buf *out, struct span canonical)
{
	buf_puts(out, "POST&%2F&");
	url_encode(out, canonical);
}

int gateway_sign(const struct secret *secret_key, struct span to_sign, struct buf *out, struct err *err)
{
	unsigned char mac[HMAC_SHA1_SIZE];
	auto_secret struct secret key = SECRET_NONE;

	if (secret_alloc(&key, secret_key->len + 1, err) < 0)
		return -1;
	if (secret_key->len)
		memcpy(key.ptr, secret_key->ptr, secret_key->len);
	key.ptr[secret_key->len] = '&';
	hmac_sha1(secret_span(&key), to_sign, mac);
	b64_encode(out, span_new(mac, sizeof(mac)));
	return buf_check(out, "the signature", err);
}

/* ---- answers ---- */

int gateway_secret_answer(struct span json, struct secret *out, struct err *err)
{
	auto_json json_t *object = NULL;
	const char *text = "";

	if (json_read(json, KMS_ANSWER_MAX, &object, err) < 0 ||
			kms_get_text(object, "answer", "SecretData", &text, err) < 0)
		return -1;
	if (!*text)
		return err_set(err, ERR_FORMAT, "the answer's SecretData is empty");
	return secret_from_span(out, span_of(text), err);
}

static int refused(const struct http_response *answer, struct err *err)
{
	auto_json json_t *object = NULL;
	struct kms_refusal why = { .code = SPAN_NONE };

	if (json_read(buf_span(&answer->body), KMS_ANSWER_MAX, &object, NULL) == 0) {
		why.code = span_of(json_string_value(json_object_get(object, "Code")));
		why.message = span_of(json_string_value(json_object_get(object, "Message")));
		why.request_id = span_of(json_string_value(json_object_get(object, "RequestId")));
	}
	return kms_refused(answer, &why, err);
}

/* ---- one request ---- */

static void make_nonce(const struct kms *kms, char out[static 2 * NONCE_BYTES + 1])
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char bytes[NONCE_BYTES];

	kms->random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * sizeof(bytes)] = '\0';
}

static int make_url(const struct kms *kms, const struct gateway_ask *ask, struct buf *out, struct err *err)
{
	auto_wiped_buf struct buf canonical = BUF_MAX(CANONICAL_MAX);
	auto_wiped_buf struct buf to_sign = BUF_MAX(3 * CANONICAL_MAX);
	auto_buf struct buf signature = BUF_MAX(64);

	/* the token is in all of these, so nothing may be left behind by growth */
	if (!buf_room(&canonical, CANONICAL_MAX) || !buf_room(&to_sign, 3 * CANONICAL_MAX) ||
			!buf_room(out, out->max))
		abort();
	gateway_canonical(&canonical, ask);
	if (buf_check(&canonical, "the request", err) < 0)
		return -1;
	gateway_to_sign(&to_sign, buf_span(&canonical));
	if (buf_check(&to_sign, "the text to sign", err) < 0 ||
			gateway_sign(&ask->credential->secret_key, buf_span(&to_sign), &signature, err) < 0)
		return -1;
	if (kms->endpoint)
		url_join(out, kms->endpoint, "/?");
	else
		gateway_url(out, ask->region);
	buf_add_span(out, buf_span(&canonical));
	buf_puts(out, "&Signature=");
	url_encode(out, buf_span(&signature));
	return buf_check(out, "the request's URL", err);
}

static int fetch(struct kms *kms, const struct gateway_credential *credential, const char *region,
		const char *name, const json_t *annotations, struct secret *out, struct err *err)
{
	static const char *const headers[] = { "x-acs-version: 2016-01-20", "x-acs-action: GetSecretValue",
		"x-sdk-invoke-type: normal", "x-sdk-client: python/2.0.0", NULL };
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_wiped_buf struct buf url = BUF_MAX(URL_MAX);
	char nonce[2 * NONCE_BYTES + 1], timestamp[CLOCK_TEXT_MAX];
	struct gateway_ask ask = { .credential = credential,
		.region = region,
		.name = name,
		.nonce = nonce,
		.timestamp = clock_format(clock_wall(kms->clock), timestamp) };

	if (kms_versions(annotations, &ask.stage, &ask.version, err) < 0)
		return -1;
	make_nonce(kms, nonce);
	if (make_url(kms, &ask, &url, err) < 0)
		return -1;
	struct kms_ask request = { .method = "POST", .url = buf_text(&url), .headers = headers };
	if (kms_ask(kms, &request, &answer, err) < 0)
		return -1;
	if (!kms_is_success(&answer))
		return refused(&answer, err);
	return gateway_secret_answer(buf_span(&answer.body), out, err);
}

/* ---- sts_token ---- */

static int sts_get_secret(struct kms *kms, const char *name, const json_t *annotations, struct secret *out,
		struct err *err)
{
	auto_gateway_credential struct gateway_credential credential = { .token = SECRET_NONE };
	auto_secret struct secret text = SECRET_NONE;
	const char *path = kms_setting(kms, "token_path");

	if (kms_file_below(kms, path, &text, err) < 0)
		return -1;
	if (gateway_credential_parse(secret_span(&text), &credential, err) < 0)
		return err_wrap(err, "%s", path);
	return fetch(kms, &credential, kms_setting(kms, "region_id"), name, annotations, out, err);
}

static const struct kms_setting sts_settings[] = {
	{ "client_type", kms_check_nothing },
	{ "region_id", kms_check_region },
	{ "token_path", kms_check_nothing },
	{ NULL, NULL },
};

const struct kms_provider kms_aliyun_sts_token = {
	.name = "aliyun",
	.client_type = "sts_token",
	.settings = sts_settings,
	.get_secret = sts_get_secret,
};

/* ---- ecs_ram_role ---- */

/* Asks the instance's metadata, which means the host, as whom we may come. */
static int ask_metadata(struct kms *kms, const char *role, struct gateway_credential *out, struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_buf struct buf url = BUF_MAX(URL_MAX);
	struct kms_refusal none = { .code = SPAN_NONE };

	url_join(&url, kms->metadata ? kms->metadata : METADATA, ROLE_PATH);
	url_encode(&url, span_of(role));
	struct kms_ask request = { .method = "GET", .url = buf_text(&url), .plain = true };
	if (buf_check(&url, "the metadata's URL", err) < 0 || kms_ask(kms, &request, &answer, err) < 0)
		return -1;
	if (!kms_is_success(&answer))
		return kms_refused(&answer, &none, err);
	return gateway_credential_read(buf_span(&answer.body), out, err);
}

static int ecs_get_secret(struct kms *kms, const char *name, const json_t *annotations, struct secret *out,
		struct err *err)
{
	static const char file[] = "ecsRamRole.json";
	auto_gateway_credential struct gateway_credential credential = { .token = SECRET_NONE };
	auto_json json_t *object = NULL;
	const char *role = "", *region = "";

	if (kms_file_json(kms, file, &object, err) < 0 ||
			kms_get_text(object, file, "ecs_ram_role_name", &role, err) < 0 ||
			kms_get_text(object, file, "region_id", &region, err) < 0)
		return -1;
	if (kms_check_region(region, err) < 0)
		return err_wrap(err, "%s: region_id", file);
	if (kms_check_field(role, err) < 0)
		return err_wrap(err, "%s: ecs_ram_role_name", file);
	if (ask_metadata(kms, role, &credential, err) < 0)
		return err_wrap(err, "instance metadata");
	return fetch(kms, &credential, region, name, annotations, out, err);
}

static const struct kms_setting ecs_settings[] = {
	{ "client_type", kms_check_nothing },
	{ NULL, NULL },
};

const struct kms_provider kms_aliyun_ecs_ram_role = {
	.name = "aliyun",
	.client_type = "ecs_ram_role",
	.settings = ecs_settings,
	.get_secret = ecs_get_secret,
};
