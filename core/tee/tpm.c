/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tpm.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "crypto/pkey.h"

#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#define DEVICE         "device:"
#define SELECT_LEN     3

/* Format-1 codes carry the number of a handle, parameter or session beside the error. */
#define FORMAT_1_ERROR (TPM2_RC_FMT1 | 0x3fU)

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
};

static void release_esys(void *slot)
{
	Esys_Free(*(void **)slot);
}
#define auto_esys __attribute__((cleanup(release_esys)))

static enum err_kind kind_of(TSS2_RC rc)
{
	TSS2_RC error = rc & ~TSS2_RC_LAYER_MASK;

	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER)
		return ERR_IO;
	switch (error) {
	case TPM2_RC_RETRY:
	case TPM2_RC_YIELDED:
	case TPM2_RC_TESTING:
	case TPM2_RC_CANCELED:
	case TPM2_RC_NV_RATE:
	case TPM2_RC_OBJECT_MEMORY:
	case TPM2_RC_SESSION_MEMORY:
	case TPM2_RC_OBJECT_HANDLES:
	case TPM2_RC_SESSION_HANDLES:
		return ERR_RETRY;
	default:
		break;
	}
	if ((error & FORMAT_1_ERROR) == TPM2_RC_HANDLE)
		return ERR_NOT_FOUND;
	return ERR_IO;
}

static int fail(struct err *err, TSS2_RC rc, const char *what)
{
	return err_set(err, kind_of(rc), "%s: %s", what, Tss2_RC_Decode(rc));
}

/* ---- life ----------------------------------------------------------------------------------------------- */

/* The library says little, and loudly, about a device that is not there. */
static int check_device(const char *where, struct err *err)
{
	if (strncmp(where, DEVICE, strlen(DEVICE)) != 0)
		return 0;
	const char *path = where + strlen(DEVICE);
	if (access(path, F_OK) < 0)
		return err_errno(err, ERR_NOT_FOUND, "no TPM at '%s'", path);
	if (access(path, R_OK | W_OK) < 0)
		return err_errno(err, ERR_IO, "the TPM at '%s'", path);
	return 0;
}

static int connect_to(const char *where, struct tpm **out, struct err *err)
{
	auto_tpm struct tpm *tpm = xcalloc(1, sizeof(*tpm));

	if (check_device(where, err) < 0)
		return -1;
	TSS2_RC rc = Tss2_TctiLdr_Initialize(where, &tpm->tcti);
	if (rc != TSS2_RC_SUCCESS)
		return fail(err, rc, "connecting");
	rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return fail(err, rc, "connecting");
	*out = take(&tpm);
	return 0;
}

static int open_usual(struct tpm **out, struct err *err)
{
	static const char *const devices[] = { "/dev/tpm0", "/dev/tpm1", "/dev/tpm2" };

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (access(devices[i], F_OK) == 0)
			return tpm_open(devices[i], out, err);
	}
	return err_set(err, ERR_NOT_FOUND, "no TPM: none of %s, %s, %s is there", devices[0], devices[1],
			devices[2]);
}

int tpm_open(const char *where, struct tpm **out, struct err *err)
{
	if (!where)
		return open_usual(out, err);
	auto_free char *conf = xasprintf("%s%s", where[0] == '/' ? DEVICE : "", where);
	if (connect_to(conf, out, err) < 0)
		return err_wrap(err, "TPM '%s'", where);
	return 0;
}

void tpm_close(struct tpm *tpm)
{
	if (!tpm)
		return;
	Esys_Finalize(&tpm->esys);
	Tss2_TctiLdr_Finalize(&tpm->tcti);
	free(tpm);
}

/* ---- key ------------------------------------------------------------------------------------------------ */

static int find_key(struct tpm *tpm, uint32_t handle, ESYS_TR *out, struct err *err)
{
	TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, out);

	if (rc == TSS2_RC_SUCCESS)
		return 0;
	fail(err, rc, "reading the public half");
	return err_wrap(err, "TPM: attestation key 0x%08x", handle);
}

static int rsa_of(const TPMT_PUBLIC *public, struct pkey **out, struct err *err)
{
	uint32_t exponent = public->parameters.rsaDetail.exponent;
	unsigned char e[4];

	exponent = exponent ? exponent : 65537;
	for (size_t i = 0; i < sizeof(e); i++)
		e[i] = (unsigned char)(exponent >> (24 - 8 * i));
	const struct pkey_numbers numbers = {
		.kind = PKEY_RSA,
		.n = span_new(public->unique.rsa.buffer, public->unique.rsa.size),
		.e = span_new(e, sizeof(e)),
	};
	return pkey_from_numbers(&numbers, out, err);
}

int tpm_key_public(struct tpm *tpm, uint32_t handle, struct buf *out, struct err *err)
{
	auto_esys TPM2B_PUBLIC *public = NULL;
	auto_pkey struct pkey *key = NULL;
	ESYS_TR object = ESYS_TR_NONE;

	if (find_key(tpm, handle, &object, err) < 0)
		return -1;
	TSS2_RC rc = Esys_ReadPublic(
			tpm->esys, object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL, NULL);
	Esys_TR_Close(tpm->esys, &object);
	if (rc != TSS2_RC_SUCCESS)
		return fail(err, rc, "TPM: reading the attestation key");
	if (public->publicArea.type != TPM2_ALG_RSA)
		return err_set(err, ERR_FORMAT, "TPM: the attestation key is no RSA key");
	if (rsa_of(&public->publicArea, &key, err) < 0)
		return -1;
	return quote_key_text(key, out, err);
}

/* ---- quote ---------------------------------------------------------------------------------------------- */

static TPML_PCR_SELECTION selection_of(uint32_t mask)
{
	TPML_PCR_SELECTION selection = { .count = 1 };
	TPMS_PCR_SELECTION *bank = &selection.pcrSelections[0];

	bank->hash = TPM2_ALG_SHA256;
	bank->sizeofSelect = SELECT_LEN;
	for (size_t i = 0; i < SELECT_LEN; i++)
		bank->pcrSelect[i] = (BYTE)(mask >> (8 * i));
	return selection;
}

static int marshal(const TPM2B_ATTEST *attest, const TPMT_SIGNATURE *signature, struct buf *message,
		struct buf *signature_out, struct err *err)
{
	unsigned char bytes[sizeof(*signature)];
	size_t len = 0;
	TSS2_RC rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, bytes, sizeof(bytes), &len);

	if (rc != TSS2_RC_SUCCESS)
		return fail(err, rc, "TPM: the quote's signature");
	buf_add(message, attest->attestationData, attest->size);
	buf_add(signature_out, bytes, len);
	if (buf_check(message, "the TPM's quote", err) < 0)
		return -1;
	return buf_check(signature_out, "the TPM's signature", err);
}

int tpm_quote(struct tpm *tpm, uint32_t handle, struct span nonce, struct buf *message, struct buf *signature,
		struct err *err)
{
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_RSASSA,
		.details.rsassa.hashAlg = TPM2_ALG_SHA256 };
	const TPML_PCR_SELECTION all = selection_of((UINT32_C(1) << PCR_COUNT) - 1);
	auto_esys TPM2B_ATTEST *attest = NULL;
	auto_esys TPMT_SIGNATURE *signed_ = NULL;
	TPM2B_DATA data = { .size = (UINT16)nonce.len };
	ESYS_TR key;

	if (nonce.len > sizeof(data.buffer))
		return err_set(err, ERR_USAGE, "TPM: a nonce of %zu bytes is too long", nonce.len);
	if (nonce.len)
		memcpy(data.buffer, nonce.ptr, nonce.len);
	if (find_key(tpm, handle, &key, err) < 0)
		return -1;
	TSS2_RC rc = Esys_Quote(tpm->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &scheme,
			&all, &attest, &signed_);
	Esys_TR_Close(tpm->esys, &key);
	if (rc != TSS2_RC_SUCCESS)
		return fail(err, rc, "TPM: quote");
	return marshal(attest, signed_, message, signature, err);
}

/* ---- PCRs ----------------------------------------------------------------------------------------------- */

static uint32_t mask_of(const TPML_PCR_SELECTION *selection)
{
	const TPMS_PCR_SELECTION *bank = &selection->pcrSelections[0];
	uint32_t mask = 0;

	if (selection->count != 1 || bank->hash != TPM2_ALG_SHA256 || bank->sizeofSelect != SELECT_LEN)
		return 0;
	for (size_t i = 0; i < SELECT_LEN; i++)
		mask |= (uint32_t)bank->pcrSelect[i] << (8 * i);
	return mask;
}

/* One command, which gives as many values as fit into its answer: takes them off *missing. */
static int read_some(struct tpm *tpm, unsigned first, uint32_t *missing, unsigned char out[][PCR_SIZE],
		struct err *err)
{
	const TPML_PCR_SELECTION wanted = selection_of(*missing);
	auto_esys TPML_PCR_SELECTION *given = NULL;
	auto_esys TPML_DIGEST *values = NULL;
	TSS2_RC rc = Esys_PCR_Read(
			tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted, NULL, &given, &values);
	size_t next = 0;

	if (rc != TSS2_RC_SUCCESS)
		return fail(err, rc, "TPM: reading PCRs");
	uint32_t mask = mask_of(given);
	for (unsigned pcr = first; pcr < PCR_COUNT && next < values->count; pcr++) {
		if (!(mask & *missing & UINT32_C(1) << pcr) || values->digests[next].size != PCR_SIZE)
			continue;
		memcpy(out[pcr - first], values->digests[next++].buffer, PCR_SIZE);
		*missing &= ~(UINT32_C(1) << pcr);
	}
	if (!next || next != values->count)
		return err_set(err, ERR_FORMAT, "TPM: PCRs of the SHA-256 bank are missing");
	return 0;
}

int tpm_read_pcrs(struct tpm *tpm, unsigned first, unsigned count, unsigned char out[][PCR_SIZE],
		struct err *err)
{
	if (first > PCR_COUNT || count > PCR_COUNT - first)
		return err_set(err, ERR_FORMAT, "TPM: no PCR %u", first + count - 1);
	uint32_t missing = ((UINT32_C(1) << count) - 1) << first;
	while (missing) {
		if (read_some(tpm, first, &missing, out, err) < 0)
			return -1;
	}
	return 0;
}

int tpm_extend_pcr(
		struct tpm *tpm, unsigned pcr, const unsigned char digest[static PCR_SIZE], struct err *err)
{
	TPML_DIGEST_VALUES values = { .count = 1 };

	if (pcr >= PCR_COUNT)
		return err_set(err, ERR_FORMAT, "TPM: no PCR %u", pcr);
	values.digests[0].hashAlg = TPM2_ALG_SHA256;
	memcpy(values.digests[0].digest.sha256, digest, PCR_SIZE);
	TSS2_RC rc = Esys_PCR_Extend(
			tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values);
	if (rc == TPM2_RC_LOCALITY)
		return err_set(err, ERR_DENIED,
				"TPM: PCR %u cannot be extended from here, which is locality 0: 17 to 22 are "
				"kept for others. Give another, by init_pcr of eventlog_config or in the "
				"request",
				pcr);
	return rc == TSS2_RC_SUCCESS ? 0 : fail(err, rc, "TPM: extending a PCR");
}
