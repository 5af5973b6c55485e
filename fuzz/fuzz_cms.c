/* SPDX-License-Identifier: Apache-2.0 */
/* cms_parse, cms_format: what is read stays inside its bytes; a message of our own form is written and read again equal. */
#include "base/err.h"
#include "image/cms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(held) ((held) ? (void)0 : abort())

static bool is_ours(const struct cms *cms)
{
	bool ours = cms->cipher == CMS_AES_GCM && cms->key_len == 16 && cms->nonce.len == 12;

	for (size_t i = 0; i < cms->count; i++)
		ours &= cms->recipients[i].issuer.len && cms->recipients[i].transport == CMS_RSA_PKCS1;
	return ours;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	auto_cms struct cms cms = CMS_NONE, again = CMS_NONE;
	auto_buf struct buf text = BUF_MAX(4 * size + 1024), twice = BUF_MAX(4 * size + 1024);

	if (cms_parse(span_new(data, size), &cms, &err) < 0) {
		must(!cms.count && *err.text && err.kind != ERR_BUG);
		return 0;
	}
	must(cms.content.len <= size && cms.count <= CMS_RECIPIENTS_MAX);
	if (!is_ours(&cms))
		return 0;
	cms_format(&cms, &text);
	must(cms_parse(buf_span(&text), &again, NULL) == 0 && again.count == cms.count);
	cms_format(&again, &twice);
	must(span_eq(buf_span(&text), buf_span(&twice)));
	return 0;
}
