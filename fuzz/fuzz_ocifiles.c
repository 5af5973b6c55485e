/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: oci_files_find, with libarchive below it. The first byte says how two layers are packed, two more how long the
 * lower is. What is found depends neither on how the bytes come nor on an empty layer above. */
#include "oci/files.h"
#include "tests/oci/shelf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find(struct span input, size_t piece, struct oci_file *file)
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
	int status = oci_files_find(&shelf.source, &shelf.manifest, file, 1, NULL, NULL);
	if (shelf.open || (file->text.len && (!file->found || status < 0)))
		abort();
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_file one = { .path = "etc/passwd", .text = BUF_MAX(OCI_FILE_MAX) }, other = one;
	struct span input = span_new(data, size);

	if (size < 3)
		return 0;
	if (find(input, 0, &one) != find(input, 7, &other) || one.found != other.found ||
			!span_eq(buf_span(&one.text), buf_span(&other.text)))
		abort();
	buf_clear(&one.text);
	buf_clear(&other.text);
	return 0;
}
