/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: snp_report_json, snp_report_raw, snp_certs_json. A report and its JSON give each other back, whichever of the
 * two came first; a table gives no more certificates than are allowed. */
#include "codec/json.h"
#include "tee/snp_report.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const json_t *report, const unsigned char *raw)
{
	auto_json json_t *again = NULL;
	unsigned char bytes[SNP_REPORT_LEN];

	if (snp_report_raw(report, bytes, NULL) < 0 || memcmp(bytes, raw, sizeof(bytes)) != 0)
		abort();
	if (snp_report_json(span_new(bytes, sizeof(bytes)), &again, NULL) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *report = NULL, *sent = NULL, *chain = NULL;
	unsigned char raw[SNP_REPORT_LEN];
	struct span bytes = span_new(data, size);

	if (snp_report_json(bytes, &report, NULL) == 0)
		check_same(report, data);
	if (json_read(bytes, 65536, &sent, NULL) == 0 && snp_report_raw(sent, raw, NULL) == 0)
		check_same(sent, raw);
	if (size < 32768 && snp_certs_json(bytes, &chain, NULL) == 0 &&
			json_array_size(chain) > SNP_CERTS_MAX)
		abort();
	return 0;
}
