/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: gzip_unpack, gzip_pack, gunzip_stream. Cut in two the stream gives the same; packed again it unpacks. */
#include "base/buf.h"
#include "codec/zip.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf plain = BUF_MAX(MAX), parts = BUF_MAX(MAX), packed = BUF_MAX(2 * MAX),
			    again = BUF_MAX(MAX);
	struct span all = span_new(data, size), half = span_new(data, size / 2);
	struct buf_sink sink;

	buf_sink_init(&sink, &parts, "parts");
	auto_gunzip struct gunzip *gunzip = gunzip_new(&sink.stream, MAX);
	struct stream *stream = gunzip_stream(gunzip);
	int whole = gzip_unpack(all, MAX, &plain, NULL);
	int cut = stream_feed(stream, half, NULL) < 0 ||
			stream_feed(stream, span_from(all, half.len), NULL) < 0 ||
			stream_done(stream, NULL) < 0;
	if ((whole < 0) != cut || (!cut && !span_eq(buf_span(&plain), buf_span(&parts))))
		abort();
	if (whole == 0 &&
			(gzip_pack(buf_span(&plain), &packed, NULL) < 0 ||
					gzip_unpack(buf_span(&packed), MAX, &again, NULL) < 0 ||
					!span_eq(buf_span(&plain), buf_span(&again))))
		abort();
	return 0;
}
