/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: oci_kind_of, oci_manifest_parse, oci_index_parse, oci_manifest_to_oci, oci_index_to_oci. A document is of one
 * kind alone, and what is written reads back as it was. */
#include "base/buf.h"
#include "oci/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY,
					      manifest_again = OCI_MANIFEST_EMPTY;
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY, index_again = OCI_INDEX_EMPTY;
	auto_buf struct buf text = BUF_MAX((size_t)32 << 20);
	struct span bytes = span_new(data, size);
	const char *type = NULL;
	enum oci_kind kind = OCI_KIND_MANIFEST;
	bool one = oci_manifest_parse(bytes, NULL, &manifest, NULL) == 0;
	bool several = oci_index_parse(bytes, NULL, &index, NULL) == 0;

	must(oci_kind_of(bytes, NULL, &kind, &type, NULL) == 0 || (!one && !several));
	must((!one || kind == OCI_KIND_MANIFEST) && (!several || kind == OCI_KIND_INDEX));
	if (one && oci_manifest_to_oci(&manifest, NULL) == 0) {
		oci_manifest_format(&manifest, &text);
		must(oci_manifest_parse(buf_span(&text), OCI_TYPE_MANIFEST, &manifest_again, NULL) == 0 &&
				json_equal(manifest_again.json, manifest.json));
	} else if (several) {
		oci_index_to_oci(&index);
		oci_index_format(&index, &text);
		must(oci_index_parse(buf_span(&text), OCI_TYPE_INDEX, &index_again, NULL) == 0 &&
				json_equal(index_again.json, index.json));
	}
	return 0;
}
