/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: clock_parse, clock_format_micro. A time that is accepted comes back from its text; a text of our
 * own form comes back unchanged.
 */
#include "base/clock.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span text = span_new(data, size);
	const int64_t first = INT64_C(-62167219200) * CLOCK_SECOND,
		      last = INT64_C(253402300800) * CLOCK_SECOND - 1;
	char written[CLOCK_TEXT_MAX];
	int64_t wall, again;

	if (clock_parse(text, &wall, NULL) < 0)
		return 0;
	/* an offset can move a time out of the years that have a text */
	if (wall < first || wall > last)
		return 0;
	clock_format_micro(wall, written);
	if (clock_parse(span_of(written), &again, NULL) < 0 || again != wall)
		abort();
	if (size == span_of(written).len && span_ends(text, "Z") && text.ptr[19] == '.' &&
			!span_is(text, written))
		abort();
	return 0;
}
