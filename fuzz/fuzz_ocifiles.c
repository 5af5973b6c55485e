/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: oci_files_find, with libarchive below it. The first byte says how two layers are packed, two more how long the
 * lower is. What is found depends neither on how the bytes come nor on an empty layer above. */
#include "oci/files.h"
#include "tests/oci/shelf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find(struct span input, size_t piece, struct oci_file *files)
{
	static const char *const types[] = { OCI_LAYER_PLAIN, OCI_LAYER_GZIP, OCI_LAYER_ZSTD,
		OCI_LAYER_PLAIN };
	const unsigned char *head = (const unsigned char *)input.ptr;
	struct span all = span_from(input, 3), lower = all;
	struct shelf shelf;

	if (lower.len > head[1] * 256u + head[2])
		lower.len = head[1] * 256u + head[2];
	shelf_init(&shelf);
	shelf.piece = piece;
	shelf_put(&shelf, types[head[0] & 3], lower);
	shelf_put(&shelf, types[head[0] >> 2 & 3], span_from(all, lower.len));
	if (piece)
		shelf_put(&shelf, OCI_LAYER_PLAIN, SPAN_NONE);
	int status = oci_files_find(&shelf.source, &shelf.manifest, files, 2, NULL, NULL);
	for (size_t i = 0; i < 2; i++)
		if (shelf.open || (files[i].text.len && (!files[i].found || status < 0)))
			abort();
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_file files[4] = { { .path = "etc/passwd", .text = BUF_MAX(OCI_FILE_MAX) },
		{ .path = "etc/group", .text = BUF_MAX(64) } };
	struct span input = span_new(data, size);

	if (size < 3)
		return 0;
	memcpy(files + 2, files, 2 * sizeof(*files));
	if (find(input, 0, files) != find(input, 7, files + 2))
		abort();
	for (size_t i = 0; i < 2; i++) {
		if (files[i].found != files[i + 2].found ||
				!span_eq(buf_span(&files[i].text), buf_span(&files[i + 2].text)))
			abort();
		buf_clear(&files[i].text);
		buf_clear(&files[i + 2].text);
	}
	return 0;
}
