/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: url_parse, url_format, url_encode, url_decode. What parses, parses the same when it is written again; what
 * is encoded, decodes to what it was. */
#include "base/buf.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(2 * URL_MAX), coded = BUF_MAX(4 * size), plain = BUF_MAX(size);
	struct span input = span_new(data, size);
	struct url url, again;

	if (!memchr(data, '\0', size)) {
		url_encode(&coded, input);
		if (url_decode(&plain, buf_span(&coded), true, NULL) < 0 || !span_eq(buf_span(&plain), input))
			abort();
	}
	buf_reset(&plain);
	if (url_decode(&plain, input, true, NULL) == 0 && memchr(buf_text(&plain), '\0', plain.len))
		abort();
	if (url_parse(input, &url, NULL) < 0)
		return 0;
	url_format(&url, &text);
	if (url_parse(buf_span(&text), &again, NULL) < 0 || again.tls != url.tls || again.port != url.port ||
			again.ipv6 != url.ipv6 || !span_eq(again.host, url.host) ||
			!span_eq(again.path, url.path) || !span_eq(again.query, url.query))
		abort();
	return 0;
}
