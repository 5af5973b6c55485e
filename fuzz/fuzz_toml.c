/* SPDX-License-Identifier: Apache-2.0 */
/* toml_parse, toml_parse_tagged, toml_write, toml_write_text: all that is read or written reads back equal. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/toml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span text = span_new(data, size);
	auto_buf struct buf doc = BUF_MAX(SIZE_MAX / 4), small = doc;
	auto_json json_t *tree = NULL, *tagged = NULL, *again = NULL, *one = NULL;
	struct err err = ERR_NONE;

	if (size && span_is_utf8(text) && span_find(text, '\0') == size) {
		buf_puts(&small, "a = ");
		toml_write_text(&small, text);
		must(toml_parse(buf_span(&small), SIZE_MAX, &one, NULL) == 0 &&
				span_eq(text, span_of(json_text_at(one, "a", NULL))));
	}
	int status = toml_parse(text, size, &tree, &err);
	must(toml_parse_tagged(text, size, &tagged, NULL) == status &&
			(status == 0 || span_starts(span_of(err.text), "line ")));
	if (status == 0)
		must(toml_write(&doc, tree, NULL) == 0 &&
				toml_parse(buf_span(&doc), SIZE_MAX, &again, NULL) == 0 &&
				json_equal(tree, again));
	return 0;
}
