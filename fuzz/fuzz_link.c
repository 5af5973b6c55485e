/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: link_next. A target lies within the field, between '<' and '>', and is the next page of a field of its own. */
#include "base/buf.h"
#include "net/link.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_MAX(size + 32);
	struct span field = span_new(data, size), target, again;

	if (!link_next(field, &target))
		return 0;
	if (target.ptr <= field.ptr || target.ptr[-1] != '<' ||
			target.ptr + target.len >= field.ptr + field.len || target.ptr[target.len] != '>')
		abort();
	buf_printf(&text, "<");
	buf_add_span(&text, target);
	buf_puts(&text, ">; rel=\"next\"");
	if (!link_next(buf_span(&text), &again) || !span_eq(target, again))
		abort();
	return 0;
}
