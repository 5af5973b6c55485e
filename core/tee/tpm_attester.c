/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence of a TPM: a quote over all PCRs, their values, and the attestation key.
 *
 *     {"tpm_quote":{"signature":"<b64>","message":"<b64>","pcrs":["<hex>", … 24]},"ak_public":"<b64>"}
 */
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "initdata/tee.h"
#include "tee/attester_own.h"
#include "tee/quote.h"
#include "tee/tpm.h"

#include <stdlib.h>
#include <string.h>

#define TRIES        5 /* PCRs seldom change, and hardly ever twice in a row */
#define INITDATA_PCR 8

struct parts {
	struct buf message, signature, key;
	unsigned char pcrs[PCR_COUNT][PCR_SIZE];
};

static void clear_parts(struct parts *parts)
{
	buf_clear(&parts->message);
	buf_clear(&parts->signature);
	buf_clear(&parts->key);
}

/* A device without an attestation key is no TPM to us. */
static int tpm_probe(struct attester *self, struct err *err)
{
	auto_buf struct buf key = BUF_MAX(QUOTE_MAX);
	auto_tpm struct tpm *tpm = NULL;

	if (tpm_open(self->tpm, &tpm, err) < 0)
		return -1;
	return tpm_key_public(tpm, self->ak_handle, &key, err);
}

/* PCRs are read after the quote: values that are not those of the quote changed between the two. */
static int quote_once(struct attester *self, struct tpm *tpm, struct span nonce, struct parts *parts,
		bool *consistent, struct err *err)
{
	struct quote quote;

	buf_reset(&parts->message);
	buf_reset(&parts->signature);
	if (tpm_quote(tpm, self->ak_handle, nonce, &parts->message, &parts->signature, err) < 0 ||
			tpm_read_pcrs(tpm, 0, PCR_COUNT, parts->pcrs, err) < 0 ||
			quote_parse(buf_span(&parts->message), &quote, err) < 0)
		return -1;
	*consistent = quote_covers(&quote, parts->pcrs);
	return 0;
}

static int collect(struct attester *self, struct span nonce, struct parts *parts, struct err *err)
{
	auto_tpm struct tpm *tpm = NULL;
	bool consistent = false;

	if (tpm_open(self->tpm, &tpm, err) < 0 || tpm_key_public(tpm, self->ak_handle, &parts->key, err) < 0)
		return -1;
	for (int i = 0; i < TRIES && !consistent; i++) {
		if (quote_once(self, tpm, nonce, parts, &consistent, err) < 0)
			return -1;
	}
	if (!consistent)
		return err_set(err, ERR_RETRY, "TPM: PCRs changed during each of %d quotes", TRIES);
	return 0;
}

static json_t *text_of(struct span bytes)
{
	auto_buf struct buf text = BUF_MAX(b64_encoded_len(QUOTE_MAX));

	b64_encode(&text, bytes);
	return json_string(buf_text(&text));
}

static json_t *json_of(const struct parts *parts)
{
	json_t *pcrs = json_array();

	for (size_t i = 0; i < PCR_COUNT; i++) {
		char hex[2 * PCR_SIZE];
		hex_encode_raw(hex, span_new(parts->pcrs[i], PCR_SIZE));
		json_array_append_new(pcrs, json_stringn(hex, sizeof(hex)));
	}
	json_t *evidence = json_pack("{s:{s:o, s:o, s:o}, s:s}", "tpm_quote", "signature",
			text_of(buf_span(&parts->signature)), "message", text_of(buf_span(&parts->message)),
			"pcrs", pcrs, "ak_public", buf_text(&parts->key));
	if (!evidence)
		abort();
	return evidence;
}

static int tpm_evidence(struct attester *self, struct span report_data, json_t **out, struct err *err)
{
	__attribute__((cleanup(clear_parts))) struct parts parts = {
		.message = BUF_MAX(QUOTE_MAX),
		.signature = BUF_MAX(QUOTE_MAX),
		.key = BUF_MAX(QUOTE_MAX),
	};
	unsigned char nonce[QUOTE_NONCE];

	quote_nonce(report_data, nonce);
	if (collect(self, span_new(nonce, sizeof(nonce)), &parts, err) < 0)
		return -1;
	*out = json_of(&parts);
	return 0;
}

/* ---- PCRs ----------------------------------------------------------------------------------------------- */

static unsigned tpm_map(unsigned pcr)
{
	return pcr;
}

static int tpm_extend(struct attester *self, unsigned index, const unsigned char *digest, struct err *err)
{
	auto_tpm struct tpm *tpm = NULL;

	if (tpm_open(self->tpm, &tpm, err) < 0)
		return -1;
	return tpm_extend_pcr(tpm, index, digest, err);
}

static int tpm_read(struct attester *self, unsigned index, unsigned char *out, struct err *err)
{
	unsigned char value[1][PCR_SIZE];
	auto_tpm struct tpm *tpm = NULL;

	if (tpm_open(self->tpm, &tpm, err) < 0 || tpm_read_pcrs(tpm, index, 1, value, err) < 0)
		return -1;
	memcpy(out, value[0], PCR_SIZE);
	return 0;
}

static int tpm_check_initdata(
		struct attester *self, enum digest_alg alg, const unsigned char *digest, struct err *err)
{
	auto_buf struct buf expected = BUF_MAX(PCR_SIZE);
	unsigned char pcr[DIGEST_MAX];

	if (tee_form(TEE_VTPM, alg, digest, &expected, err) < 0 || tpm_read(self, INITDATA_PCR, pcr, err) < 0)
		return -1;
	if (!span_eq(buf_span(&expected), span_new(pcr, PCR_SIZE)))
		return err_set(err, ERR_AUTH,
				"PCR %d is not the one of this document, extended once from zero",
				INITDATA_PCR);
	return 0;
}

const struct attester_ops attester_tpm = {
	.kind = TEE_KIND_TPM,
	.probe = tpm_probe,
	.evidence = tpm_evidence,
	.check_initdata = tpm_check_initdata,
	.map = tpm_map,
	.alg = DIGEST_SHA256,
	.first = 0,
	.last = PCR_COUNT - 1,
	.extend = tpm_extend,
	.read = tpm_read,
};
