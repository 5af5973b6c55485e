/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target: initdata_image_parse(), initdata_image_format(). What an image holds reads back from an image that we make
 * of it, and the input as a document does too.
 */
#include "base/err.h"
#include "initdata/carrier.h"
#include "initdata/document.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct span toml)
{
	auto_buf struct buf image = BUF_MAX(INITDATA_IMAGE_MAX), back = BUF_MAX(INITDATA_TEXT_MAX);

	if (initdata_image_format(toml, &image, NULL) < 0)
		return;
	if (initdata_image_parse(buf_span(&image), &back, NULL) < 0 || !span_eq(buf_span(&back), toml))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	struct err err = ERR_NONE;

	if (initdata_image_parse(span_new(data, size), &toml, &err) == 0)
		round_trip(buf_span(&toml));
	round_trip(span_new(data, size));
	return 0;
}
