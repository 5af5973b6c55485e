/* SPDX-License-Identifier: Apache-2.0 */
/* Target: oci_archive_source and its manifests and blobs, from a file in memory. A blob that can be opened has exactly
 * the bytes that the manifest promised. */
#include "base/err.h"
#include "base/own.h"
#include "oci/manifest.h"
#include "oci/transport.h"

#include <stdlib.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_blob(struct oci_source *source, const struct oci_descriptor *blob)
{
	auto_oci_reader struct oci_reader *reader = NULL;
	char chunk[4096];
	uint64_t sum = 0;
	size_t got = 1;

	if (oci_source_blob(source, blob, &reader, NULL) < 0)
		return;
	for (; got; sum += got)
		if (pull_read(oci_reader_pull(reader), chunk, sizeof(chunk), &got, NULL) < 0)
			abort();
	if (sum != blob->size)
		abort();
}

static void read_image(struct oci_source *source)
{
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;

	if (oci_source_manifest(source, NULL, &bytes, NULL) == 0 &&
			oci_manifest_parse(buf_span(&bytes.bytes), bytes.media_type, &manifest, NULL) == 0)
		for (size_t i = 0; i < manifest.count; i++)
			read_blob(source, &manifest.layers[i]);
	buf_clear(&bytes.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oci_place place = { .transport = OCI_ARCHIVE, .text = "oci-archive:x" };
	auto_fd int fd = memfd_create("archive", MFD_CLOEXEC);
	auto_oci_source struct oci_source *source = NULL;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(place.path, sizeof(place.path), "/proc/self/fd/%d", fd);
	if (oci_archive_source(&place, &source, NULL) == 0)
		read_image(source);
	return 0;
}
