/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: cert_list_parse, cert_verify_leaf, cert_list_format. A list that is read and written reads back the same. */
#include "base/buf.h"
#include "crypto/cert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_cert_list struct cert_list *list = NULL, *again = NULL;
	auto_buf struct buf pem = BUF_MAX(8 * CERT_PEM_MAX);
	char one[CERT_FINGERPRINT_MAX], two[CERT_FINGERPRINT_MAX];

	if (cert_list_parse(span_new(data, size), &list, NULL) < 0)
		return 0;
	cert_list_format(list, &pem);
	if (pem.len > CERT_PEM_MAX)
		return 0;
	if (cert_list_parse(buf_span(&pem), &again, NULL) < 0 ||
			cert_list_count(list) != cert_list_count(again))
		abort();
	for (size_t i = 0; i < cert_list_count(list); i++) {
		cert_fingerprint(list, i, one);
		cert_fingerprint(again, i, two);
		if (strcmp(one, two) != 0 || cert_not_after(list, i) != cert_not_after(again, i) ||
				cert_is_ca(list, i) != cert_is_ca(again, i))
			abort();
	}
	/* any answer is right, as long as there is one */
	if (cert_verify_leaf(list, again, "web.apps.svc", 1700000000, NULL) < 0)
		return 0;
	return 0;
}
