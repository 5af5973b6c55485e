/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: offline_parse, offline_format. What parses, means the same when it is written again. */
#include "kbs/offline.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_offline struct offline set = OFFLINE_NONE, again = OFFLINE_NONE;
	auto_secret struct secret text = SECRET_NONE;

	if (offline_parse(span_new(data, size), &set, NULL) < 0 || offline_format(&set, &text, NULL) < 0)
		return 0;
	if (offline_parse(secret_span(&text), &again, NULL) < 0 || again.count != set.count)
		abort();
	for (size_t i = 0; i < set.count; i++)
		if (strcmp(set.items[i].path, again.items[i].path) != 0 ||
				!secret_is(&set.items[i].bytes, secret_span(&again.items[i].bytes)))
			abort();
	return 0;
}
