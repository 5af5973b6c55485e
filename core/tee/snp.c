/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence of AMD SEV-SNP: a report through configfs-tsm and the certificates that the host gave with it.
 *
 *     {"attestation_report":{…},"cert_chain":[{"cert_type":"VCEK","data":[…]},…]}      cert_chain may be null
 */
#include "base/err.h"
#include "codec/json.h"
#include "initdata/tee.h"
#include "tee/attester_own.h"
#include "tee/snp_report.h"
#include "tee/tsm.h"

#include <stdlib.h>

#define PROVIDER "sev_guest"

static int snp_probe(struct attester *self, struct err *err)
{
	return tsm_probe(self->tsm, PROVIDER, err);
}

static int snp_evidence(struct attester *self, struct span report_data, json_t **out, struct err *err)
{
	auto_buf struct buf raw = BUF_MAX(TSM_BLOB_MAX), table = BUF_MAX(TSM_BLOB_MAX);
	auto_json json_t *report = NULL, *chain = NULL;

	if (tsm_report(self->tsm, PROVIDER, report_data, &raw, &table, err) < 0 ||
			snp_report_json(buf_span(&raw), &report, err) < 0 ||
			snp_certs_json(buf_span(&table), &chain, err) < 0)
		return -1;
	*out = json_pack("{s:O, s:O}", "attestation_report", report, "cert_chain", chain);
	if (!*out)
		abort();
	return 0;
}

static int snp_check_initdata(
		struct attester *self, enum digest_alg alg, const unsigned char *digest, struct err *err)
{
	static const char nothing[TSM_DATA_LEN] = { 0 };
	auto_buf struct buf raw = BUF_MAX(TSM_BLOB_MAX), expected = BUF_MAX(SNP_HOST_DATA_LEN);

	if (tee_form(TEE_SNP, alg, digest, &expected, err) < 0 ||
			tsm_report(self->tsm, PROVIDER, span_new(nothing, sizeof(nothing)), &raw, NULL, err) <
					0)
		return -1;
	if (raw.len != SNP_REPORT_LEN)
		return err_set(err, ERR_FORMAT, "a report of %zu bytes instead of %d", raw.len,
				SNP_REPORT_LEN);
	if (!span_eq(buf_span(&expected), span_new(raw.ptr + SNP_HOST_DATA, SNP_HOST_DATA_LEN)))
		return err_set(err, ERR_AUTH, "HOST_DATA is not that of this document");
	return 0;
}

const struct attester_ops attester_snp = {
	.kind = TEE_KIND_SNP,
	.probe = snp_probe,
	.evidence = snp_evidence,
	.check_initdata = snp_check_initdata,
};
