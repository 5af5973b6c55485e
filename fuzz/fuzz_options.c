/* SPDX-License-Identifier: Apache-2.0 */
/* private_options_parse, public_options_parse: what is taken is written in one form, which reads back equal. */
#include "base/buf.h"
#include "image/options.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_private(struct span text)
{
	auto_private_options struct private_options one = PRIVATE_OPTIONS_NONE, two = PRIVATE_OPTIONS_NONE;
	auto_secret struct secret first = SECRET_NONE, second = SECRET_NONE;

	if (private_options_parse(text, &one, NULL) < 0)
		return;
	assert(one.key.len == LAYER_KEY && text.len <= OPTIONS_MAX);
	assert(private_options_format(&one, &first, NULL) == 0);
	assert(private_options_parse(secret_span(&first), &two, NULL) == 0);
	assert(private_options_format(&two, &second, NULL) == 0 && secret_is(&first, secret_span(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(OPTIONS_MAX);
	struct public_options one, two;

	try_private(span_new(data, size));
	if (public_options_parse(span_new(data, size), &one, NULL) < 0)
		return 0;
	public_options_format(&one, &text);
	assert(public_options_parse(buf_span(&text), &two, NULL) == 0 &&
			memcmp(&one, &two, sizeof(one)) == 0);
	return 0;
}
