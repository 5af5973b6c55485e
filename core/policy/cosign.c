/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/cosign.h"

#include "base/err.h"
#include "base/hex.h"
#include "crypto/pkey.h"
#include "policy/cosign_own.h"

#include <string.h>

#define PAE_MAX (IMAGE_PAYLOAD_MAX + 256)

/*
 * What cosign itself does: it signs with Ed25519ph, and its own check, as that of guests, takes Ed25519 alone. The
 * words depend on the key, never on the signature.
 */
static int wrong(const struct pkey *key, struct err *err)
{
	if (pkey_kind(key) != PKEY_ED25519)
		return err_set(err, ERR_AUTH, "the key does not verify the signature");
	return err_set(err, ERR_AUTH,
			"the key does not verify the signature (cosign signs with Ed25519ph, which neither "
			"its "
			"own check nor guests take: use a key on P-256)");
}

int cosign_verify_bytes(const struct pkey *key, struct span message, struct span signature, struct err *err)
{
	return pkey_verify_der(key, message, signature, NULL) == 0 ? 0 : wrong(key, err);
}

void cosign_pae(struct span type, struct span payload, struct buf *out)
{
	buf_printf(out, "DSSEv1 %zu ", type.len);
	buf_add_span(out, type);
	buf_printf(out, " %zu ", payload.len);
	buf_add_span(out, payload);
}

/* ---- a signature as it was found ---- */

static int verify_any(const struct image_signature *signature, const struct pkey *key, struct span message,
		struct err *err)
{
	for (size_t i = 0; i < signature->signature_count; i++)
		if (pkey_verify_der(key, message, signature->signatures[i], NULL) == 0)
			return 0;
	return wrong(key, err);
}

static int verify_envelope(const struct image_signature *signature, const struct pkey *key, struct err *err)
{
	auto_buf struct buf pae = BUF_MAX(PAE_MAX);

	if (strcmp(signature->type, COSIGN_STATEMENT_TYPE) != 0)
		return err_set(err, ERR_FORMAT, "the envelope's payloadType is not " COSIGN_STATEMENT_TYPE);
	cosign_pae(span_of(signature->type), signature->payload, &pae);
	if (buf_check(&pae, "the envelope", err) < 0)
		return -1;
	return verify_any(signature, key, buf_span(&pae), err);
}

/* The message is the manifest, of which its digest is enough. */
static int verify_digest(const struct image_signature *signature, const struct pkey *key, struct err *err)
{
	unsigned char hash[DIGEST_MAX];
	struct span text = signature->payload;

	if (!span_starts(text, "sha256:") || hex_decode_raw(span_from(text, 7), hash, 32, NULL) < 0)
		return err_set(err, ERR_FORMAT, "the bundle's message digest is no SHA-256");
	for (size_t i = 0; i < signature->signature_count; i++)
		if (pkey_verify_hash(key, span_new(hash, 32), signature->signatures[i], NULL) == 0)
			return 0;
	return wrong(key, err);
}

int cosign_verify(const struct image_signature *signature, const struct pkey *key, struct err *err)
{
	if (signature->problem)
		return err_set(err, ERR_FORMAT, "%s", signature->problem);
	if (signature->payload.len > IMAGE_PAYLOAD_MAX || signature->signature_count > COSIGN_SIGNATURES_MAX)
		return err_set(err, ERR_LIMIT,
				"the signature has more than %zu bytes of payload or %d values",
				IMAGE_PAYLOAD_MAX, COSIGN_SIGNATURES_MAX);
	switch (signature->layout) {
	case IMAGE_SIG_TAG:
		return verify_any(signature, key, signature->payload, err);
	case IMAGE_SIG_BUNDLE:
		return *signature->type ? verify_envelope(signature, key, err)
					: verify_digest(signature, key, err);
	case IMAGE_SIG_SIMPLE:
		break;
	}
	return err_set(err, ERR_USAGE, "a GPG signature is none of cosign's");
}
