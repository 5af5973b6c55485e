/* SPDX-License-Identifier: Apache-2.0 */
/* All documents of a YAML file as one JSON array, for scripts that have no YAML: yaml_json FILE. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)16 << 20)

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	json_t *documents = NULL;

	if (argc != 2) {
		fputs("usage: yaml_json FILE\n", stderr);
		return 2;
	}
	if (fs_read(argv[1], &text, &err) < 0 ||
			yaml_read_all(buf_span(&text), TEXT_MAX, &documents, &err) < 0 ||
			json_print(documents, &err) < 0) {
		fprintf(stderr, "yaml_json: %s\n", err.text);
		return err_exit_code(err.kind);
	}
	return 0;
}
