/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: yaml_read_all, yaml_write. What is read and written reads back equal. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const json_t *document)
{
	auto_buf struct buf text = BUF_MAX(64 << 20);
	auto_json json_t *again = NULL;
	struct err err = ERR_NONE;

	yaml_write(&text, document);
	int status = yaml_read_one(buf_span(&text), 64 << 20, &again, &err);
	if ((status < 0 && err.kind != ERR_LIMIT) || (status == 0 && !json_equal(document, again))) {
		fprintf(stderr, "%s\n%s\n", err.text, buf_text(&text));
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *documents = NULL;
	json_t *document = NULL;
	size_t i = 0;

	if (yaml_read_all(span_new(data, size), 1 << 20, &documents, NULL) == 0)
		json_array_foreach (documents, i, document)
			check(document);
	return 0;
}
