/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: ttrpc_head_parse, ttrpc_request_parse, ttrpc_response_parse. What was read lies inside of the bytes, and reads
 * the same when it is written again. */
#include "base/buf.h"
#include "net/ttrpc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf asked = BUF_MAX(size + TTRPC_ENVELOPE_MAX),
			    said = BUF_MAX(size + TTRPC_ENVELOPE_MAX);
	struct span text = span_new(data, size);
	struct ttrpc_request request, request2;
	struct ttrpc_response response, response2;
	unsigned char head_bytes[TTRPC_HEAD];
	struct ttrpc_head head;

	if (size >= TTRPC_HEAD) {
		ttrpc_head_parse(data, &head);
		ttrpc_head_format(&head, head_bytes);
		if (memcmp(data, head_bytes, TTRPC_HEAD) != 0)
			abort();
		text = span_from(text, TTRPC_HEAD);
	}
	if (ttrpc_request_parse(text, &request, NULL) == 0) {
		ttrpc_request_format(&request, &asked);
		if (asked.over || ttrpc_request_parse(buf_span(&asked), &request2, NULL) < 0 ||
				!span_eq(request.service, request2.service) ||
				!span_eq(request.method, request2.method) ||
				!span_eq(request.payload, request2.payload) ||
				request.timeout_nano != request2.timeout_nano)
			abort();
	}
	if (ttrpc_response_parse(text, &response, NULL) == 0) {
		ttrpc_response_format(&response, &said);
		if (said.over || ttrpc_response_parse(buf_span(&said), &response2, NULL) < 0 ||
				response.code != response2.code ||
				!span_eq(response.message, response2.message) ||
				!span_eq(response.payload, response2.payload))
			abort();
	}
	return 0;
}
