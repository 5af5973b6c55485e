/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target: kparams_parse(), kparams_format(), kparams_combine(), kparams_to_initdata(). A formatted list reads back as
 * the same text; combining is idempotent.
 */
#include "base/err.h"
#include "codec/json.h"
#include "initdata/kparams.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf one = BUF_MAX(KPARAMS_TEXT_MAX), two = BUF_MAX(KPARAMS_TEXT_MAX);
	auto_json json_t *profile = json_pack("[s, s]", "a=1", "quiet"), *allowed = json_pack("[s]", "*");
	auto_kparams struct kparams list = KPARAMS_NONE;
	auto_kparams_moved struct kparams_moved moved;
	struct err err = ERR_NONE;

	kparams_moved_init(&moved);
	if (kparams_parse(span_new(data, size), &list, &err) < 0)
		return 0;
	kparams_format(&list, &one);
	if (kparams_parse(buf_span(&one), &list, &err) < 0)
		abort();
	kparams_format(&list, &two);
	if (!span_eq(buf_span(&one), buf_span(&two)))
		abort();
	buf_reset(&two);
	if (kparams_to_initdata(buf_span(&one), &moved, &err) == 0 && moved.rest.len > one.len)
		abort();
	if (kparams_combine(profile, span_new(data, size), allowed, &two, &err) < 0)
		return 0;
	buf_reset(&one);
	if (kparams_combine(profile, buf_span(&two), allowed, &one, &err) < 0 ||
			!span_eq(buf_span(&one), buf_span(&two)))
		abort();
	return 0;
}
