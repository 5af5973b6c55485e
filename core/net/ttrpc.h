/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and envelopes of ttrpc (containerd/ttrpc: PROTOCOL.md; guest-apis.md, 2): a remote procedure call over a
 * stream, without HTTP/2.
 *
 *     length u32 | stream u32 | type u8 | flags u8 | data           big endian; data at most TTRPC_DATA_MAX
 *     request    { service, method, payload, timeout_nano, metadata }
 *     response   { status { code, message }, payload }
 *
 * Statuses and methods are those of gRPC (net/grpc.h, net/grpc_session.h): a service is written once, as a table of
 * "/package.Service/Method", and served by both.
 *
 * Metadata is not read. Of a field that is given twice the last counts, unknown ones are stepped over; service, method
 * and message must be UTF-8. Writing adds at most TTRPC_ENVELOPE_MAX bytes and the texts to a payload: who passes a secret
 * makes that room first.
 *
 * Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_NET_TTRPC_H
#define COCOON_NET_TTRPC_H

#include "base/span.h"
#include "net/grpc.h"

#include <stdint.h>

struct buf;
struct err;

#define TTRPC_HEAD         10
#define TTRPC_DATA_MAX     ((size_t)4 * 1024 * 1024)
/* tags, lengths and numbers of an envelope */
#define TTRPC_ENVELOPE_MAX 64

enum ttrpc_type { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2, TTRPC_DATA = 3 };

/* Flags of a data frame: the sender sends nothing more. Streams are not spoken here, but their frames are recognised. */
#define TTRPC_CLOSED 0x01

struct ttrpc_head {
	uint32_t len;
	uint32_t stream;
	uint8_t type; /* as sent, also none of the enum */
	uint8_t flags;
};
void ttrpc_head_parse(const unsigned char bytes[static TTRPC_HEAD], struct ttrpc_head *out)
		__attribute__((nonnull));
void ttrpc_head_format(const struct ttrpc_head *head, unsigned char out[static TTRPC_HEAD])
		__attribute__((nonnull));

/* Spans into the data. */
struct ttrpc_request {
	struct span service, method, payload;
	int64_t timeout_nano; /* 0: none */
};
int ttrpc_request_parse(struct span data, struct ttrpc_request *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void ttrpc_request_format(const struct ttrpc_request *request, struct buf *out) __attribute__((nonnull));

struct ttrpc_response {
	int32_t code; /* enum grpc_status, or what a peer invented */
	struct span message, payload;
};
int ttrpc_response_parse(struct span data, struct ttrpc_response *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void ttrpc_response_format(const struct ttrpc_response *response, struct buf *out) __attribute__((nonnull));

#endif
