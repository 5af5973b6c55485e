/* SPDX-License-Identifier: Apache-2.0 */
/* json_read, json_read_without, json_text: the quick reader takes nothing that jansson refuses and makes the same tree;
 * what is read comes back equal from its own text. */
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

/* jansson's own reader is the judge of what json_read took. */
static void same_as_jansson(struct span text, const json_t *tree)
{
	static const char *const skip[] = { "a", NULL };
	auto_json json_t *theirs = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
	auto_json json_t *part = NULL;

	must(theirs && json_equal(tree, theirs));
	must(json_read_without(text, text.len, skip, &part, NULL) == 0);
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
	same_as_jansson(span_new(data, size), tree);
	must(size > 0 && json_read(span_new(data, size), size - 1, &none, &err) < 0 && err.kind == ERR_LIMIT);
	for (int sorted = 0; sorted < 2; sorted++) {
		auto_free char *text = json_text(tree, sorted);
		auto_json json_t *again = NULL;
		must(json_read(span_of(text), SIZE_MAX, &again, NULL) == 0 && json_equal(tree, again));
	}
	return 0;
}
