/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies an image as it is from one place to another with the room core/oci, checking every digest on the way:
 *
 *     oci_copy SRC DST
 *
 * The places are skopeo's: docker://, oci:, oci-archive:, dir:. An index is copied with all of its images. Credentials
 * come from the file that OCI_COPY_AUTH names, and further trusted roots from OCI_COPY_CA.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hex.h"
#include "base/own.h"
#include "crypto/digest.h"
#include "crypto/init.h"
#include "net/http.h"
#include "oci/manifest.h"
#include "oci/store.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CHUNK     (256 * 1024)
#define DEPTH_MAX 2

struct copy {
	struct oci_source *from;
	struct oci_dest *to;
	unsigned blobs, known;
};

/* All of a blob into the writer, with its digest. */
static int pour(struct pull *in, struct stream *out, enum digest_alg alg, char hex[static DIGEST_HEX_MAX],
		struct err *err)
{
	auto_digest struct digest digest = DIGEST_NONE;
	auto_free char *chunk = xmalloc(CHUNK);
	unsigned char sum[DIGEST_MAX];
	size_t got = 0;

	digest_init(&digest, alg);
	for (;;) {
		if (pull_read(in, chunk, CHUNK, &got, err) < 0)
			return -1;
		if (!got)
			break;
		digest_feed(&digest, span_new(chunk, got));
		if (stream_feed(out, span_new(chunk, got), err) < 0)
			return -1;
	}
	digest_done(&digest, sum);
	hex_encode_raw(hex, span_new(sum, digest_size(alg)));
	hex[2 * digest_size(alg)] = '\0';
	return 0;
}

static int copy_blob(struct copy *copy, const struct oci_descriptor *blob, struct err *err)
{
	auto_oci_reader struct oci_reader *reader = NULL;
	auto_oci_writer struct oci_writer *writer = NULL;
	char hex[DIGEST_HEX_MAX] = "";
	bool has = false;

	if (oci_dest_has(copy->to, blob, &has, err) < 0)
		return -1;
	copy->blobs++;
	if (has) {
		copy->known++;
		return 0;
	}
	if (oci_source_blob(copy->from, blob, &reader, err) < 0 ||
			oci_dest_blob(copy->to, blob->size, &writer, err) < 0 ||
			pour(oci_reader_pull(reader), oci_writer_stream(writer),
					strncmp(blob->digest, "sha512:", 7) ? DIGEST_SHA256 : DIGEST_SHA512,
					hex, err) < 0)
		return -1;
	if (strcmp(hex, blob->digest + 7) != 0)
		return err_set(err, ERR_AUTH, "the blob '%s' is not what its digest says", blob->digest);
	return oci_writer_commit(writer, blob->digest, err);
}

static int copy_parts(struct copy *copy, const struct oci_manifest_bytes *bytes, struct err *err)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;

	if (oci_manifest_parse(buf_span(&bytes->bytes), bytes->media_type, &manifest, err) < 0 ||
			copy_blob(copy, &manifest.config, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.count; i++)
		if (copy_blob(copy, &manifest.layers[i], err) < 0)
			return err_wrap(err, "layer %zu", i);
	return 0;
}

static int copy_image(struct copy *copy, const char *digest, int depth, struct err *err)
{
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
	char got[OCI_DIGEST_MAX];
	int status = oci_source_manifest(copy->from, digest, &bytes, err);

	if (!status && !oci_type_is_index(bytes.media_type))
		status = copy_parts(copy, &bytes, err);
	else if (!status && depth == DEPTH_MAX)
		status = err_set(err, ERR_LIMIT, "indexes within indexes within indexes");
	else if (!status)
		status = oci_index_parse(buf_span(&bytes.bytes), bytes.media_type, &index, err);
	for (size_t i = 0; !status && i < index.count; i++)
		status = copy_image(copy, index.entries[i].digest, depth + 1, err);
	if (!status)
		status = oci_dest_manifest(
				copy->to, buf_span(&bytes.bytes), bytes.media_type, !digest, got, err);
	if (!status && !digest)
		printf("%s %s\n", got, bytes.media_type);
	buf_clear(&bytes.bytes);
	return status;
}

static int run(const char *from, const char *to, struct err *err)
{
	auto_free struct oci_place *places = xcalloc(2, sizeof(*places));
	auto_oci_source struct oci_source *source = NULL;
	auto_oci_dest struct oci_dest *dest = NULL;
	auto_buf struct buf ca = BUF_MAX(1 << 20);
	struct oci_access access = { .auth_file = getenv("OCI_COPY_AUTH"), .user_agent = "cocoon-test" };

	if (getenv("OCI_COPY_CA") && fs_read(getenv("OCI_COPY_CA"), &ca, err) < 0)
		return -1;
	access.ca = buf_span(&ca);
	if (oci_place_parse(from, &places[0], err) < 0 || oci_place_parse(to, &places[1], err) < 0 ||
			oci_source_open(&places[0], &access, &source, err) < 0 ||
			oci_dest_open(&places[1], &access, &places[0], &dest, err) < 0)
		return -1;
	struct copy copy = { .from = source, .to = dest };
	if (copy_image(&copy, NULL, 0, err) < 0 || oci_dest_commit(dest, err) < 0)
		return -1;
	printf("%u blobs, %u of them known\n", copy.blobs, copy.known);
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;

	if (argc != 3) {
		fprintf(stderr, "usage: oci_copy SRC DST\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (crypto_init(false, &err) < 0 || http_global_init(&err) < 0 || run(argv[1], argv[2], &err) < 0) {
		fprintf(stderr, "oci_copy: %s\n", err.text);
		return err_exit_code(err.kind);
	}
	return 0;
}
