/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: pb_next, pb_find_bytes, pb_put_varint, pb_put_bytes. What was read, reads the same when it is written again. */
#include "base/buf.h"
#include "codec/pb.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf again = BUF_MAX(16 * size + 64);
	struct span rest = span_new(data, size), copy, found = SPAN_NONE;
	struct pb_field field, second;

	(void)!pb_find_bytes(rest, 1, &found, NULL);
	while (rest.len && pb_next(&rest, &field, NULL) == 0) {
		if (field.type == PB_VARINT)
			pb_put_varint(&again, field.number, field.varint);
		else
			pb_put_bytes(&again, field.number, field.bytes);
	}
	rest = span_new(data, size);
	for (copy = buf_span(&again); copy.len;) {
		if (pb_next(&rest, &field, NULL) < 0 || pb_next(&copy, &second, NULL) < 0 ||
				field.number != second.number || field.varint != second.varint ||
				!span_eq(field.bytes, second.bytes))
			abort();
	}
	return 0;
}
