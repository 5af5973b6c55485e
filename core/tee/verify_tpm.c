/* SPDX-License-Identifier: Apache-2.0 */
#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "initdata/tee.h"
#include "tee/quote.h"
#include "tee/verify_own.h"

#include <stdio.h>
#include <stdlib.h>

#define INITDATA_PCR 8

struct tpm_evidence {
	struct buf message, signature;
	const char *ak_public; /* as it was sent */
	struct pkey *key;
	unsigned char pcrs[PCR_COUNT][PCR_SIZE];
};

static void clear(struct tpm_evidence *evidence)
{
	buf_clear(&evidence->message);
	buf_clear(&evidence->signature);
	pkey_free(evidence->key);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static int read_bytes(
		const json_t *object, const char *path, const char *key, struct buf *out, struct err *err)
{
	const char *text;

	if (json_get_text(object, path, key, &text, err) < 0)
		return -1;
	if (b64_decode(span_of(text), out, err) < 0)
		return err_wrap(err, "%s", key);
	return 0;
}

/* The text has one form for each key, because policies compare it. */
static int read_key(const json_t *evidence, struct tpm_evidence *out, struct err *err)
{
	auto_buf struct buf der = BUF_MAX(QUOTE_MAX), again = BUF_MAX(b64_encoded_len(QUOTE_MAX));

	if (json_get_text(evidence, "", "ak_public", &out->ak_public, err) < 0)
		return -1;
	if (b64_decode(span_of(out->ak_public), &der, err) < 0 ||
			pkey_parse(buf_span(&der), NULL, &out->key, err) < 0 ||
			quote_key_text(out->key, &again, err) < 0)
		return err_wrap(err, "ak_public");
	if (!span_is(buf_span(&again), out->ak_public))
		return err_set(err, ERR_FORMAT, "ak_public: not the SubjectPublicKeyInfo of a key in DER");
	if (pkey_kind(out->key) != PKEY_RSA)
		return err_set(err, ERR_FORMAT, "ak_public: not an RSA key");
	return 0;
}

static int read_pcrs(const json_t *quote, struct tpm_evidence *out, struct err *err)
{
	json_t *pcrs = NULL, *pcr;
	size_t i;

	if (json_opt_texts(quote, "tpm_quote", "pcrs", PCR_COUNT, &pcrs, err) < 0)
		return -1;
	if (json_array_size(pcrs) != PCR_COUNT)
		return err_set(err, ERR_FORMAT, "tpm_quote.pcrs: %zu values instead of %d",
				json_array_size(pcrs), PCR_COUNT);
	json_array_foreach (pcrs, i, pcr) {
		struct span text = span_new(json_string_value(pcr), json_string_length(pcr));
		if (hex_decode_raw(text, out->pcrs[i], PCR_SIZE, err) < 0)
			return err_wrap(err, "tpm_quote.pcrs[%zu]", i);
	}
	return 0;
}

static int read_evidence(const json_t *evidence, struct tpm_evidence *out, struct err *err)
{
	json_t *quote;

	if (json_get_object(evidence, "", "tpm_quote", &quote, err) < 0 ||
			read_bytes(quote, "tpm_quote", "message", &out->message, err) < 0 ||
			read_bytes(quote, "tpm_quote", "signature", &out->signature, err) < 0 ||
			read_pcrs(quote, out, err) < 0)
		return -1;
	return read_key(evidence, out, err);
}

/* ---- checks --------------------------------------------------------------------------------------------- */

static int check_signature(const struct tpm_evidence *evidence, struct err *err)
{
	struct span signature;

	if (quote_signature_parse(buf_span(&evidence->signature), &signature, err) < 0)
		return -1;
	return pkey_rsa_verify(evidence->key, false, buf_span(&evidence->message), signature, err);
}

static int check_quote(
		struct tpm_evidence *evidence, struct span report_data, struct quote *quote, struct err *err)
{
	unsigned char nonce[QUOTE_NONCE];

	if (quote_parse(buf_span(&evidence->message), quote, err) < 0)
		return -1;
	if (!quote_covers(quote, evidence->pcrs))
		return err_set(err, ERR_AUTH, "the PCRs are not those of the quote");
	quote_nonce(report_data, nonce);
	if (!span_eq(quote->nonce, span_new(nonce, sizeof(nonce))))
		return err_set(err, ERR_AUTH, "the report data belong to another request");
	return 0;
}

static int check_initdata(const struct tpm_evidence *evidence, struct span digest, struct err *err)
{
	auto_buf struct buf expected = BUF_MAX(PCR_SIZE);

	if (!digest.len)
		return 0;
	if (digest.len != PCR_SIZE)
		return err_set(err, ERR_AUTH,
				"init-data: PCR %d takes a digest of %d bytes, this one has %zu: use "
				"algorithm "
				"sha256",
				INITDATA_PCR, PCR_SIZE, digest.len);
	if (tee_form(TEE_VTPM, DIGEST_SHA256, (const unsigned char *)digest.ptr, &expected, err) < 0)
		return -1;
	if (!span_eq(buf_span(&expected), span_new(evidence->pcrs[INITDATA_PCR], PCR_SIZE)))
		return err_set(err, ERR_AUTH, "init-data: PCR %d is that of another document", INITDATA_PCR);
	return 0;
}

/* ---- claims --------------------------------------------------------------------------------------------- */

static json_t *hex_of(const void *bytes, size_t len)
{
	char hex[2 * DIGEST_MAX];

	hex_encode_raw(hex, span_new(bytes, len));
	return json_stringn(hex, 2 * len);
}

static json_t *claims_of(const struct tpm_evidence *evidence, const struct quote *quote)
{
	json_t *claims = json_pack("{s:s}", "ak_public", evidence->ak_public);

	for (size_t i = 0; i < PCR_COUNT; i++) {
		char name[24];
		snprintf(name, sizeof(name), "pcr%02zu", i);
		json_object_set_new(claims, name, hex_of(evidence->pcrs[i], PCR_SIZE));
	}
	json_object_set_new(claims, "report_data", hex_of(quote->nonce.ptr, quote->nonce.len));
	if (json_object_set_new(claims, "init_data", hex_of(evidence->pcrs[INITDATA_PCR], PCR_SIZE)) < 0)
		abort();
	return claims;
}

int verify_tpm(const json_t *evidence, struct span report_data, struct span initdata_digest, json_t **claims,
		struct err *err)
{
	__attribute__((cleanup(clear))) struct tpm_evidence parts = {
		.message = BUF_MAX(QUOTE_MAX),
		.signature = BUF_MAX(QUOTE_MAX),
	};
	struct quote quote;

	if (read_evidence(evidence, &parts, err) < 0 || check_signature(&parts, err) < 0 ||
			check_quote(&parts, report_data, &quote, err) < 0 ||
			check_initdata(&parts, initdata_digest, err) < 0)
		return -1;
	*claims = claims_of(&parts, &quote);
	return 0;
}
