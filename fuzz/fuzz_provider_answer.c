/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: provider_answer_parse, provider_answer_format. What parses, parses the same when it is written again in
 * either form. */
#include "base/buf.h"
#include "image/provider.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (unsigned form = 0; form < 4; form++) {
		auto_secret struct secret bytes = SECRET_NONE, again = SECRET_NONE;
		auto_buf struct buf text = BUF_MAX(8 * size + 256);
		if (provider_answer_parse(span_new(data, size), form & 1, &bytes, NULL) < 0)
			continue;
		provider_answer_format(secret_span(&bytes), form & 1, form & 2, &text);
		/* a secret is smaller than what its own text could be */
		if (text.len < SECRET_MAX &&
				(provider_answer_parse(buf_span(&text), form & 1, &again, NULL) < 0 ||
						!secret_is(&again, secret_span(&bytes))))
			abort();
	}
	return 0;
}
