/* SPDX-License-Identifier: Apache-2.0 */
/* json_read, json_text: what is read comes back equal from its own text, sorted or not, and from nothing else. */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	json_t *none = NULL;
	auto_json json_t *tree = NULL;

	if (json_read(span_new(data, size), size, &tree, &err) < 0) {
		must(!tree && (err.kind == ERR_FORMAT || err.kind == ERR_LIMIT) && *err.text);
		return 0;
	}
	must(size > 0 && json_read(span_new(data, size), size - 1, &none, &err) < 0 && err.kind == ERR_LIMIT);
	for (int sorted = 0; sorted < 2; sorted++) {
		auto_free char *text = json_text(tree, sorted);
		auto_json json_t *again = NULL;
		must(json_read(span_of(text), SIZE_MAX, &again, NULL) == 0 && json_equal(tree, again));
	}
	return 0;
}
