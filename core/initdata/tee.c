/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/tee.h"

#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"

#include <string.h>

#define FIELD_MAX 256
#define PCR_SIZE  32

static const struct tee_info table[TEE_COUNT] = {
	[TEE_SNP] = { "snp", "HOSTDATA", 32, TEE_HEX, "" },
	[TEE_TDX] = { "tdx", "MRCONFIGID", 48, TEE_HEX, "" },
	[TEE_SGX] = { "sgx", "CONFIGID", 64, TEE_HEX,
			"the attestation-agent does not compare it; the attestation service does" },
	[TEE_CCA] = { "cca", "realm personalisation value", 64, TEE_HEX, "only Kata's Go runtime binds it" },
	[TEE_SE] = { "se", "user data", FIELD_MAX, TEE_HEX, "no component binds it" },
	[TEE_VTPM] = { "vtpm", "PCR 8", PCR_SIZE, TEE_HEX,
			"value after the extension from zero (az-snp-vtpm, az-tdx-vtpm, tpm)" },
	[TEE_SAMPLE] = { "sample", "digest", 0, TEE_B64, "verified against nothing: no TEE" },
};

static const struct {
	const char *name;
	enum tee tee;
} aliases[] = {
	{ "az-snp-vtpm", TEE_VTPM },
	{ "az-tdx-vtpm", TEE_VTPM },
	{ "tpm", TEE_VTPM },
};

const struct tee_info *tee_info(enum tee tee)
{
	return &table[tee];
}

int tee_find(struct span name, enum tee *out, struct err *err)
{
	size_t i;

	for (i = 0; i < TEE_COUNT; i++) {
		if (span_is(name, table[i].name)) {
			*out = (enum tee)i;
			return 0;
		}
	}
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (span_is(name, aliases[i].name)) {
			*out = aliases[i].tee;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE,
			"unknown TEE '%.*s': one of snp, tdx, sgx, cca, se, vtpm (also az-snp-vtpm, "
			"az-tdx-vtpm, tpm), sample",
			SPAN_ARG(name));
}

/* A PCR that was zero, extended with a digest: the hash of both. */
static int extend_pcr(const uint8_t *digest, size_t size, uint8_t out[static PCR_SIZE], struct err *err)
{
	uint8_t input[2 * PCR_SIZE] = { 0 };
	uint8_t hash[DIGEST_MAX];

	if (size != PCR_SIZE)
		return err_set(err, ERR_USAGE,
				"PCR 8 takes a digest of 32 bytes, this one has %zu: use algorithm sha256 "
				"where a vTPM "
				"platform is in scope",
				size);
	memcpy(input + PCR_SIZE, digest, PCR_SIZE);
	digest_bytes(DIGEST_SHA256, span_new(input, sizeof(input)), hash);
	memcpy(out, hash, PCR_SIZE);
	return 0;
}

int tee_form(enum tee tee, enum digest_alg alg, const uint8_t *digest, struct buf *out_bytes, struct err *err)
{
	uint8_t field[FIELD_MAX] = { 0 };
	size_t size = digest_size(alg), room = table[tee].size ? table[tee].size : size;

	if (tee == TEE_VTPM) {
		if (extend_pcr(digest, size, field, err) < 0)
			return -1;
	} else {
		memcpy(field, digest, size < room ? size : room);
	}
	buf_add(out_bytes, field, room);
	return buf_check(out_bytes, table[tee].field, err);
}

int tee_form_text(enum tee tee, enum digest_alg alg, const uint8_t *digest, enum tee_encoding encoding,
		struct buf *out, struct err *err)
{
	auto_buf struct buf bytes = BUF_MAX(FIELD_MAX);

	if (tee_form(tee, alg, digest, &bytes, err) < 0)
		return -1;
	if (encoding == TEE_HEX)
		hex_encode(out, buf_span(&bytes));
	else
		b64_encode(out, buf_span(&bytes));
	return buf_check(out, table[tee].field, err);
}

const char *tee_warning(enum tee tee, enum digest_alg alg)
{
	size_t size = digest_size(alg);

	if (tee == TEE_VTPM && size != PCR_SIZE)
		return "no form: PCR 8 takes digests of 32 bytes, so use sha256";
	if (tee == TEE_CCA && size != table[TEE_CCA].size)
		return "the attestation service compares 64 bytes with the bare digest: only sha512 matches";
	if (table[tee].size && size > table[tee].size)
		return "the digest is longer than the field and loses its tail";
	return NULL;
}
