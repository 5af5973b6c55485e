/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: kbs_uri_parse, kbs_uri_parse_key_id, kbs_uri_check, kbs_uri_format. What parses, means the same when it is
 * written again, and holds nothing that JSON would escape. */
#include "base/buf.h"
#include "kbs/uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(4 * KBS_URI_MAX);
	struct kbs_uri uri, again;

	if (kbs_uri_parse_key_id(span_new(data, size), &uri, NULL) < 0)
		return 0;
	(void)!kbs_uri_check(&uri, NULL);
	kbs_uri_format(&uri, &text);
	if (text.len >= KBS_URI_MAX)
		return 0;
	if (kbs_uri_parse(buf_span(&text), &again, NULL) < 0 || !kbs_uri_is_same(&uri, &again))
		abort();
	if (strpbrk(buf_text(&text), "\"\\\n\r\t"))
		abort();
	return 0;
}
