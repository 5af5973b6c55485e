/* SPDX-License-Identifier: Apache-2.0 */
/* Target: layer_run. However a layer is cut, it comes out again as it was; with a bit flipped, it is refused. */
#include "fuzz/cut.h"
#include "image/layer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX ((size_t)2 * 1024 * 1024)

static int pass(struct layer_job *job, const uint8_t *lengths, struct buf *in, struct buf *out,
		struct layer_result *result)
{
	struct cut cut = { .pull = { .read = cut_read }, .left = buf_span(in), .lengths = lengths };
	struct buf_sink sink;

	buf_sink_init(&sink, out, "layer");
	return layer_run(job, &cut.pull, &sink.stream, result, NULL);
}

/* The head: 8 lengths, threads, KiB held back, how often the rest is repeated, which bit is flipped. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf plain = BUF_MAX(MAX), cipher = BUF_MAX(MAX), again = BUF_MAX(MAX);
	auto_secret struct secret key = SECRET_NONE;
	struct layer_result sealed, opened;

	if (size < 12 || secret_alloc(&key, LAYER_KEY, NULL) < 0)
		return 0;
	for (size_t i = 0; i <= data[10] && plain.len + size <= MAX / 2; i++)
		buf_add(&plain, data + 12, size - 12);
	unsigned char nonce[LAYER_NONCE] = { data[0], data[1], 255, 255, 255, 255, 255, 255, 255, 255, 255,
		255, 255 };
	struct layer_job job = {
		.key = &key, .nonce = nonce, .want_digest = true, .threads = 1 + data[8] % 4
	};
	if (pass(&job, data, &plain, &cipher, &sealed) < 0)
		abort();
	job = (struct layer_job){ .work = LAYER_DECRYPT,
		.key = &key,
		.nonce = nonce,
		.mac = sealed.mac,
		.digest = sealed.digest,
		.hold_back = (size_t)data[9] * 1024,
		.threads = 1 + data[8] % 4 };
	if (pass(&job, data, &cipher, &again, &opened) < 0 || !span_eq(buf_span(&plain), buf_span(&again)))
		abort();
	buf_reset(&again);
	job.digest = data[11] & 8 ? NULL : job.digest;
	if (cipher.len)
		cipher.ptr[data[11] * 40503U % cipher.len] ^= (char)(1 << (data[11] & 7));
	if (cipher.len && pass(&job, data, &cipher, &again, &opened) == 0)
		abort();
	if (job.hold_back && again.len && again.len + job.hold_back > plain.len)
		abort();
	return 0;
}
