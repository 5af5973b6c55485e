/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "policy/cosign.h"
#include "policy/cosign_own.h"

#include <string.h>

#define SHA256_SIZE 32

void cosign_bundle_clear(struct cosign_bundle *bundle)
{
	buf_clear(&bundle->payload);
	for (size_t i = 0; i < COSIGN_SIGNATURES_MAX; i++)
		buf_clear(&bundle->signatures[i]);
	bundle->count = 0;
}

/* ---- bytes in texts ---- */

/*
 * Either alphabet, with padding or without: what protobuf's JSON reader and DSSE take. All of it is brought into the
 * URL-safe form without padding, whose decoder is strict.
 */
static int decode(const char *text, const char *what, size_t max, struct buf *out, struct err *err)
{
	auto_buf struct buf plain = BUF_MAX(b64_encoded_len(max));
	bool standard = strpbrk(text, "+/"), url = strpbrk(text, "-_");
	size_t len = strlen(text);
	struct err cause = ERR_NONE;

	if (len % 4 == 0 && span_ends(span_new(text, len), "="))
		len -= span_ends(span_new(text, len), "==") ? 2 : 1;
	buf_add(&plain, text, len);
	if (buf_check(&plain, what, err) < 0)
		return -1;
	for (size_t i = 0; i < plain.len; i++)
		if (plain.ptr[i] == '+' || plain.ptr[i] == '/')
			plain.ptr[i] = plain.ptr[i] == '+' ? '-' : '_';
	buf_init(out, max);
	if ((standard && url) || b64url_decode(buf_span(&plain), out, &cause) < 0)
		return err_set(err, cause.kind == ERR_LIMIT ? ERR_LIMIT : ERR_FORMAT,
				"%s is not base64 of at most %zu bytes", what, max);
	return 0;
}

int cosign_signature_decode(struct span text, struct buf *out, struct err *err)
{
	auto_buf struct buf plain = BUF_MAX(b64_encoded_len(COSIGN_VALUE_MAX));

	for (size_t i = 0; i < text.len && !plain.over; i++)
		if (text.ptr[i] != '\r' && text.ptr[i] != '\n')
			buf_putc(&plain, text.ptr[i]);
	if (buf_check(&plain, "the signature's annotation", err) < 0)
		return -1;
	if (!plain.len || b64_decode(buf_span(&plain), out, NULL) < 0)
		return err_set(err, ERR_FORMAT, "the annotation " COSIGN_SIGNATURE " is not base64");
	return 0;
}

/* ---- what signs ---- */

static int value(const json_t *object, const char *path, const char *key, struct cosign_bundle *out,
		struct err *err)
{
	struct buf *slot = &out->signatures[out->count];
	const char *text = NULL;

	if (json_get_text(object, path, key, &text, err) < 0)
		return -1;
	/* counted first, so that a failure leaves nothing behind */
	out->count++;
	if (decode(text, "the bundle's signature", COSIGN_VALUE_MAX, slot, err) < 0)
		return -1;
	return slot->len ? 0 : err_set(err, ERR_FORMAT, "the bundle's signature is empty");
}

static int read_envelope(const json_t *envelope, struct cosign_bundle *out, struct err *err)
{
	const char *payload = NULL, *type = NULL;
	json_t *signatures = NULL, *item;
	size_t i;

	if (json_get_text(envelope, "dsseEnvelope", "payload", &payload, err) < 0 ||
			json_get_text(envelope, "dsseEnvelope", "payloadType", &type, err) < 0 ||
			json_opt_array(envelope, "dsseEnvelope", "signatures", COSIGN_SIGNATURES_MAX,
					&signatures, err) < 0)
		return -1;
	if (strcmp(type, COSIGN_STATEMENT_TYPE) != 0)
		return err_set(err, ERR_FORMAT,
				"the envelope's payloadType is '%.80s', not " COSIGN_STATEMENT_TYPE, type);
	memcpy(out->type, COSIGN_STATEMENT_TYPE, sizeof(COSIGN_STATEMENT_TYPE));
	if (!json_array_size(signatures))
		return err_set(err, ERR_FORMAT, "the envelope has no signature");
	json_array_foreach (signatures, i, item)
		if (value(item, "dsseEnvelope.signatures[]", "sig", out, err) < 0)
			return -1;
	return decode(payload, "the envelope's payload", IMAGE_PAYLOAD_MAX, &out->payload, err);
}

static int read_message(const json_t *message, struct cosign_bundle *out, struct err *err)
{
	auto_buf struct buf digest = BUF_MAX(SHA256_SIZE);
	const char *algorithm = NULL, *text = NULL;
	json_t *object = NULL;

	if (json_get_object(message, "messageSignature", "messageDigest", &object, err) < 0 ||
			json_get_text(object, "messageSignature.messageDigest", "algorithm", &algorithm,
					err) < 0 ||
			json_get_text(object, "messageSignature.messageDigest", "digest", &text, err) < 0 ||
			value(message, "messageSignature", "signature", out, err) < 0)
		return -1;
	if (strcmp(algorithm, "SHA2_256") != 0)
		return err_set(err, ERR_FORMAT, "the message digest is of '%.40s', not SHA2_256", algorithm);
	if (decode(text, "the message digest", SHA256_SIZE, &digest, err) < 0)
		return -1;
	if (digest.len != SHA256_SIZE)
		return err_set(err, ERR_FORMAT, "the message digest has %zu bytes, not 32", digest.len);
	buf_init(&out->payload, OCI_DIGEST_MAX);
	buf_puts(&out->payload, "sha256:");
	hex_encode(&out->payload, buf_span(&digest));
	return 0;
}

/* ---- the whole ---- */

static int check_type(const json_t *root, struct err *err)
{
	static const char *const known[] = { COSIGN_BUNDLE_TYPE ".v0.3+json", COSIGN_BUNDLE_TYPE ".v0.2+json",
		COSIGN_BUNDLE_TYPE ".v0.1+json", COSIGN_BUNDLE_TYPE "+json;version=0.3",
		COSIGN_BUNDLE_TYPE "+json;version=0.2", COSIGN_BUNDLE_TYPE "+json;version=0.1" };
	const char *type = NULL;

	if (json_get_text(root, "", "mediaType", &type, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(type, known[i]) == 0)
			return 0;
	return err_set(err, ERR_FORMAT, "the bundle's mediaType is '%.80s'; versions 0.1 to 0.3 are read",
			type);
}

static int check_material(const json_t *root, struct err *err)
{
	json_t *material = NULL;

	if (json_opt_object(root, "", "verificationMaterial", &material, err) < 0)
		return -1;
	if (json_object_get(material, "certificate") || json_object_get(material, "x509CertificateChain"))
		return err_set(err, ERR_FORMAT,
				"signed with a certificate: keyless signing is not covered; sign with a key");
	return 0;
}

static int read_bundle(struct span text, struct cosign_bundle *out, struct err *err)
{
	/* large, and not looked at */
	static const char *const skip[] = { "tlogEntries", "timestampVerificationData", NULL };
	auto_json json_t *root = NULL;
	json_t *envelope = NULL, *message = NULL;

	if (json_read_without(text, COSIGN_BUNDLE_MAX, skip, &root, err) < 0 || check_type(root, err) < 0 ||
			check_material(root, err) < 0 ||
			json_opt_object(root, "", "dsseEnvelope", &envelope, err) < 0 ||
			json_opt_object(root, "", "messageSignature", &message, err) < 0)
		return -1;
	if (!envelope == !message)
		return err_set(err, ERR_FORMAT, "a bundle has either a dsseEnvelope or a messageSignature");
	return envelope ? read_envelope(envelope, out, err) : read_message(message, out, err);
}

int cosign_bundle_parse(struct span text, struct cosign_bundle *out, struct err *err)
{
	struct cosign_bundle bundle = { .type = "" };

	memset(out, 0, sizeof(*out));
	if (read_bundle(text, &bundle, err) < 0) {
		cosign_bundle_clear(&bundle);
		return err_wrap(err, "reading a sigstore bundle");
	}
	*out = bundle;
	return 0;
}
