/* SPDX-License-Identifier: Apache-2.0 */
/* Aliyun, client_type client_key: a dedicated instance of the KMS, which knows us by an RSA key. */
#include "kms/aliyun.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/pb.h"
#include "crypto/digest.h"
#include "crypto/pkcs12.h"
#include "crypto/pkey.h"
#include "kms/kms_own.h"
#include "net/url.h"

#include <string.h>

#define ALGORITHM     "AES_GCM"
#define CONTENT       "application/x-protobuf"
#define IV_MAX        64
#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

/* Numbers of fields. KeyId and CiphertextBlob have changed places between the two requests. */
enum { ENCRYPT_KEY = 1, ENCRYPT_PLAIN = 2, ENCRYPT_ALGORITHM = 3, ENCRYPTED_CIPHER = 2, ENCRYPTED_IV = 3 };
enum { DECRYPT_CIPHER = 1, DECRYPT_KEY = 2, DECRYPT_ALGORITHM = 3, DECRYPT_IV = 5, DECRYPTED_PLAIN = 2 };
enum { SECRET_NAME = 1, SECRET_STAGE = 2, SECRET_VERSION = 3, SECRET_EXTENDED = 4, SECRET_DATA = 3 };
enum { ERROR_CODE = 2, ERROR_MESSAGE = 3, ERROR_REQUEST = 4 };

/* ---- messages ---- */

/* proto3: what is empty is not there. */
static void put(struct buf *out, uint32_t number, struct span bytes)
{
	if (bytes.len)
		pb_put_bytes(out, number, bytes);
}

void aliyun_encrypt_body(struct buf *out, const char *key_id, struct span plain)
{
	put(out, ENCRYPT_KEY, span_of(key_id));
	put(out, ENCRYPT_PLAIN, plain);
	put(out, ENCRYPT_ALGORITHM, SPAN_LIT(ALGORITHM));
}

void aliyun_decrypt_body(struct buf *out, const char *key_id, struct span cipher, struct span iv)
{
	put(out, DECRYPT_CIPHER, cipher);
	put(out, DECRYPT_KEY, span_of(key_id));
	put(out, DECRYPT_ALGORITHM, SPAN_LIT(ALGORITHM));
	put(out, DECRYPT_IV, iv);
}

void aliyun_secret_body(struct buf *out, const char *name, const char *stage, const char *version)
{
	put(out, SECRET_NAME, span_of(name));
	put(out, SECRET_STAGE, span_of(stage));
	put(out, SECRET_VERSION, span_of(version));
	pb_put_varint(out, SECRET_EXTENDED, 1);
}

static int find(struct span message, uint32_t number, const char *what, struct span *out, struct err *err)
{
	if (pb_find_bytes(message, number, out, err) < 0)
		return err_wrap(err, "the answer");
	return out->len ? 0 : err_set(err, ERR_FORMAT, "the answer has no %s", what);
}

int aliyun_encrypt_answer(struct span message, struct buf *cipher, struct span *iv, struct err *err)
{
	struct span blob = SPAN_NONE;

	if (find(message, ENCRYPTED_CIPHER, "CiphertextBlob", &blob, err) < 0 ||
			find(message, ENCRYPTED_IV, "Iv", iv, err) < 0)
		return -1;
	if (iv->len > IV_MAX)
		return err_set(err, ERR_FORMAT, "the answer's Iv has %zu bytes", iv->len);
	buf_add_span(cipher, blob);
	return buf_check(cipher, "the encrypted key", err);
}

int aliyun_decrypt_answer(struct span message, struct secret *plain, struct err *err)
{
	struct span bytes = SPAN_NONE;

	if (find(message, DECRYPTED_PLAIN, "Plaintext", &bytes, err) < 0)
		return -1;
	return secret_from_span(plain, bytes, err);
}

int aliyun_secret_answer(struct span message, struct secret *out, struct err *err)
{
	struct span bytes = SPAN_NONE;

	if (find(message, SECRET_DATA, "SecretData", &bytes, err) < 0)
		return -1;
	if (!span_is_utf8(bytes))
		return err_set(err, ERR_FORMAT, "the answer's SecretData is not UTF-8");
	return secret_from_span(out, bytes, err);
}

bool aliyun_refusal(struct span message, struct kms_refusal *out)
{
	struct kms_refusal found = { .code = SPAN_NONE };

	if (!message.len || pb_find_bytes(message, ERROR_CODE, &found.code, NULL) < 0 ||
			pb_find_bytes(message, ERROR_MESSAGE, &found.message, NULL) < 0 ||
			pb_find_bytes(message, ERROR_REQUEST, &found.request_id, NULL) < 0)
		return false;
	*out = found;
	return true;
}

/* ---- signature ---- */

void aliyun_url(struct buf *out, const char *instance)
{
	buf_printf(out, "https://%s.cryptoservice.kms.aliyuncs.com/", instance);
}

void aliyun_digest(struct span body, char out[static ALIYUN_DIGEST_MAX])
{
	char hex[DIGEST_HEX_MAX];
	size_t i = 0;

	digest_hex(DIGEST_SHA256, body, hex);
	for (; hex[i] && i < ALIYUN_DIGEST_MAX - 1; i++)
		out[i] = hex[i] >= 'a' ? (char)(hex[i] - 'a' + 'A') : hex[i];
	out[i] = '\0';
}

void aliyun_to_sign(struct buf *out, const char *api, const char *access_key, const char *date,
		const char *digest)
{
	buf_printf(out,
			"POST\n%s\n" CONTENT "\n%s\n"
			"x-kms-acccesskeyid:%s\nx-kms-apiname:%s\nx-kms-apiversion:dkms-gcs-0.2\n"
			"x-kms-signaturemethod:RSA_PKCS1_SHA_256\n/",
			digest, date, access_key, api);
}

/* ---- credentials ---- */

struct identity {
	char *access_key;
	struct pkey *key;
};

static void identity_release(struct identity **slot)
{
	if (!*slot)
		return;
	free((*slot)->access_key);
	pkey_free((*slot)->key);
	free(*slot);
}
#define auto_identity __attribute__((cleanup(identity_release)))

/*
 * The password's file is plain text, less the white space at its end; but it is named .json, and samples hold
 * {"ClientKeyPassword":"…"}, so that is read too.
 */
static int read_password(const struct kms *kms, const char *name, struct secret *out, struct err *err)
{
	auto_secret struct secret text = SECRET_NONE;
	auto_json json_t *object = NULL;

	if (kms_file(kms, name, &text, err) < 0)
		return -1;
	struct span bytes = secret_span(&text);
	while (bytes.len && strchr(" \t\r\n\v\f", bytes.ptr[bytes.len - 1]))
		bytes.len--;
	if (span_starts(span_trim(bytes), "{") && json_read(bytes, SECRET_MAX, &object, NULL) == 0) {
		const json_t *member = json_object_get(object, "ClientKeyPassword");
		if (json_is_string(member))
			bytes = span_new(json_string_value(member), json_string_length(member));
	}
	if (!bytes.len)
		return err_set(err, ERR_FORMAT, "%s/%s holds no password", kms->folder, name);
	return secret_from_span(out, bytes, err);
}

static int read_key(const struct kms *kms, const char *data, struct pkey **out, struct err *err)
{
	auto_free char *file = xasprintf("password_%s.json", kms_setting(kms, "client_key_id"));
	auto_secret struct secret password = SECRET_NONE, der = SECRET_NONE;

	if (kms_secret_of_b64(data, "PrivateKeyData", &der, err) < 0 ||
			read_password(kms, file, &password, err) < 0)
		return -1;
	return pkcs12_key(secret_span(&der), &password, out, err);
}

/* NULL on failure. */
static struct identity *read_identity(const struct kms *kms, struct err *err)
{
	auto_free char *file = xasprintf("clientKey_%s.json", kms_setting(kms, "client_key_id"));
	auto_json json_t *object = NULL;
	auto_pkey struct pkey *key = NULL;
	const char *access_key = "", *data = "";

	if (kms_file_json(kms, file, &object, err) < 0 ||
			kms_get_text(object, file, "KeyId", &access_key, err) < 0 ||
			kms_get_text(object, file, "PrivateKeyData", &data, err) < 0)
		return NULL;
	if (kms_check_field(access_key, err) < 0) {
		err_wrap(err, "%s: KeyId", file);
		return NULL;
	}
	if (read_key(kms, data, &key, err) < 0) {
		err_wrap(err, "%s", file);
		return NULL;
	}
	struct identity *identity = xcalloc(1, sizeof(*identity));
	identity->access_key = xstrdup(access_key);
	identity->key = take(&key);
	return identity;
}

/* ---- one request ---- */

static int sign(const struct identity *identity, const char *api, const char *date, const char *digest,
		struct buf *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(4096);
	auto_buf struct buf signature = BUF_MAX(SIGNATURE_MAX);

	aliyun_to_sign(&text, api, identity->access_key, date, digest);
	if (buf_check(&text, "the text to sign", err) < 0 ||
			pkey_rsa_sign(identity->key, false, buf_span(&text), &signature, err) < 0)
		return -1;
	b64_encode(out, buf_span(&signature));
	return buf_check(out, "the signature", err);
}

static int ask(struct kms *kms, const struct identity *identity, const char *api, struct span body,
		struct span ca, struct http_response *answer, struct err *err)
{
	auto_buf struct buf signature = BUF_MAX(b64_encoded_len(SIGNATURE_MAX));
	auto_buf struct buf url = BUF_MAX(URL_MAX);
	char date[KMS_DATE_MAX], digest[ALIYUN_DIGEST_MAX];

	kms_date(clock_wall(kms->clock), date);
	aliyun_digest(body, digest);
	if (sign(identity, api, date, digest, &signature, err) < 0)
		return -1;
	if (kms->endpoint)
		url_join(&url, kms->endpoint, "/");
	else
		aliyun_url(&url, kms_setting(kms, "kms_instance_id"));
	if (buf_check(&url, "the URL", err) < 0)
		return -1;
	auto_free char *date_field = xasprintf("Date: %s", date);
	auto_free char *digest_field = xasprintf("Content-Sha256: %s", digest);
	auto_free char *api_field = xasprintf("x-kms-apiname: %s", api);
	auto_free char *key_field = xasprintf("x-kms-acccesskeyid: %s", identity->access_key);
	const char *const headers[] = { "Accept: " CONTENT, date_field, "x-kms-apiversion: dkms-gcs-0.2",
		api_field, "x-kms-signaturemethod: RSA_PKCS1_SHA_256", key_field, "Content-Type: " CONTENT,
		digest_field, NULL };
	struct kms_ask request = { .method = "POST",
		.url = buf_text(&url),
		.headers = headers,
		.bearer = buf_text(&signature),
		.body = body,
		.ca = ca };
	return kms_ask(kms, &request, answer, err);
}

/* The answer to a body that was understood; its message otherwise becomes the reason. */
static int call(struct kms *kms, const char *api, const struct buf *body, struct http_response *answer,
		struct err *err)
{
	auto_buf struct buf ca = BUF_MAX(0);
	auto_free char *ca_file = xasprintf("PrivateKmsCA_%s.pem", kms_setting(kms, "kms_instance_id"));
	struct kms_refusal why = { .code = SPAN_NONE };

	auto_identity struct identity *identity = read_identity(kms, err);
	if (!identity || buf_check(body, "the request", err) < 0 || kms_file_ca(kms, ca_file, &ca, err) < 0 ||
			ask(kms, identity, api, buf_span(body), buf_span(&ca), answer, err) < 0)
		return -1;
	if (kms_is_success(answer))
		return 0;
	aliyun_refusal(buf_span(&answer->body), &why);
	return kms_refused(answer, &why, err);
}

/* ---- the provider ---- */

static int decrypt(struct kms *kms, const char *key_id, struct span cipher, const json_t *annotations,
		struct secret *plain, struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_buf struct buf iv = BUF_MAX(IV_MAX);
	auto_buf struct buf body = BUF_MAX(KMS_REQUEST_MAX);
	const char *text = "";

	if (kms_get_text(annotations, "annotations", "iv", &text, err) < 0)
		return kms_blame_caller(err);
	if (b64_decode(span_of(text), &iv, err) < 0) {
		err_wrap(err, "annotations.iv");
		return kms_blame_caller(err);
	}
	aliyun_decrypt_body(&body, key_id, cipher, buf_span(&iv));
	if (call(kms, "Decrypt", &body, &answer, err) < 0)
		return -1;
	return aliyun_decrypt_answer(buf_span(&answer.body), plain, err);
}

static int encrypt(struct kms *kms, const char *key_id, const struct secret *plain, struct buf *cipher,
		json_t **annotations, struct err *err)
{
	auto_wiped_response struct http_response answer = HTTP_RESPONSE_NONE;
	auto_wiped_buf struct buf body = BUF_MAX(KMS_REQUEST_MAX);
	auto_buf struct buf text = BUF_MAX(b64_encoded_len(IV_MAX));
	struct span iv = SPAN_NONE;

	/* room for the secret before it is written */
	if (!buf_room(&body, plain->len + strlen(key_id) + 64))
		return buf_check(&body, "the request", err);
	aliyun_encrypt_body(&body, key_id, secret_span(plain));
	if (call(kms, "Encrypt", &body, &answer, err) < 0 ||
			aliyun_encrypt_answer(buf_span(&answer.body), cipher, &iv, err) < 0)
		return -1;
	b64_encode(&text, iv);
	*annotations = json_pack("{s:s}", "iv", buf_text(&text));
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
	aliyun_secret_body(&body, name, stage, version);
	if (call(kms, "GetSecretValue", &body, &answer, err) < 0)
		return -1;
	return aliyun_secret_answer(buf_span(&answer.body), out, err);
}

static const struct kms_setting settings[] = {
	{ "client_key_id", kms_check_identifier },
	{ "client_type", kms_check_nothing },
	{ "kms_instance_id", kms_check_identifier },
	{ NULL, NULL },
};

const struct kms_provider kms_aliyun_client_key = {
	.name = "aliyun",
	.client_type = "client_key",
	.settings = settings,
	.decrypt = decrypt,
	.encrypt = encrypt,
	.get_secret = get_secret,
};
