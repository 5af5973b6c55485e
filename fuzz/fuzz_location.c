/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: url_resolve. What is resolved is an URL, an absolute reference means itself, and one that starts with a
 * single '/' stays at its origin. */
#include "base/buf.h"
#include "net/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf out = BUF_MAX(URL_MAX);
	struct span reference = span_new(data, size);
	struct url base, url, same;

	if (url_parse(SPAN_LIT("https://h.example:5000/v2/a/b?c=d"), &base, NULL) < 0)
		abort();
	if (url_resolve(&base, reference, &out, NULL) < 0)
		return 0;
	if (url_parse(buf_span(&out), &url, NULL) < 0)
		abort();
	if (url_parse(reference, &same, NULL) == 0 && !span_eq(reference, buf_span(&out)))
		abort();
	if (size && *data == '/' && (size == 1 || data[1] != '/') && !url_same_origin(&base, &url))
		abort();
	return 0;
}
