/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: yamledit_set, yamledit_remove. Every edit that is not refused passes the functions' own check. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/yamledit.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int status, const struct err *err, const struct buf *out)
{
	if (status == 0 || err->kind != ERR_BUG)
		return;
	fprintf(stderr, "%s\n%s\n", err->text, buf_text(out));
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct yaml_step paths[][3] = {
		{ YAML_KEY("a"), YAML_KEY("b"), YAML_KEY("c") },
		{ YAML_KEY("a"), YAML_ITEM(0), YAML_KEY("c") },
		{ YAML_KEY("c"), YAML_KEY("a"), YAML_KEY("b") },
	};
	struct span text = span_new(data, size);

	for (size_t i = 0; i < 9; i++) {
		auto_buf struct buf out = BUF_MAX(1 << 20);
		struct err err = ERR_NONE;

		check(yamledit_set(text, 1 << 20, i % 2, paths[i / 3], 1 + i % 3, "no\n#: ", &out, &err),
				&err, &out);
		buf_reset(&out);
		check(yamledit_remove(text, 1 << 20, 0, paths[i / 3], 1 + i % 3, &out, &err), &err, &out);
	}
	return 0;
}
