/* SPDX-License-Identifier: Apache-2.0 */
/* Target: params_parse. A path and a key id are what they were when they are written down again. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/own.h"
#include "image-crypt/params.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(4 * PARAMS_MAX), uri = BUF_MAX(4 * PARAMS_MAX);
	auto_free struct params *got = xcalloc(1, sizeof(*got)), *again = xcalloc(1, sizeof(*again));

	if (params_parse(span_new(data, size), got, NULL) < 0)
		return 0;
	buf_printf(&text, "sample=%s::algorithm=%s", got->sample ? "true" : "false",
			got->cipher == PACKET_A256CTR ? "A256CTR" : "A256GCM");
	if (got->has_id) {
		kbs_uri_format(&got->id, &uri);
		buf_printf(&text, "::keyid=%s", buf_text(&uri));
	}
	/* what ends in a ':' can only stand last: the separator would begin in it */
	if (uri.len && uri.ptr[uri.len - 1] == ':')
		got->path[0] = '\0';
	if (got->path[0])
		buf_printf(&text, "::keypath=%s", got->path);
	/* percent-encoding may have made it too long to be read; packets refuse to name such a key */
	if (text.len >= PARAMS_MAX || uri.len >= KBS_URI_MAX)
		return 0;
	if (params_parse(buf_span(&text), again, NULL) < 0 || got->sample != again->sample ||
			got->cipher != again->cipher || strcmp(got->path, again->path) != 0 ||
			got->has_id != again->has_id ||
			(got->has_id && !kbs_uri_is_same(&got->id, &again->id)))
		abort();
	return 0;
}
