/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc_client.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_own.h"
#include "net/local.h"
#include "net/ttrpc.h"

#include <string.h>

#define STREAM     1
#define SKIP_CHUNK 8192

/* The frame of the call, whose room is made at once. */
static int format(const struct ttrpc_call *call, struct buf *frame, struct err *err)
{
	struct ttrpc_request request = {
		.service = span_of(call->service),
		.method = span_of(call->method),
		.payload = call->message,
		.timeout_nano = (int64_t)call->timeout * 1000000,
	};
	struct ttrpc_head head = { .stream = STREAM, .type = TTRPC_REQUEST };
	size_t room = TTRPC_HEAD + TTRPC_ENVELOPE_MAX + request.service.len + request.method.len +
			request.payload.len;

	if (call->message.len > TTRPC_DATA_MAX || !buf_room(frame, room))
		return err_set(err, ERR_LIMIT,
				"a message of %zu bytes; at most %zu are allowed with its names",
				call->message.len, TTRPC_DATA_MAX);
	buf_grew(frame, TTRPC_HEAD);
	ttrpc_request_format(&request, frame);
	if (frame->len - TTRPC_HEAD > TTRPC_DATA_MAX)
		return err_set(err, ERR_LIMIT, "a request of %zu bytes; at most %zu are allowed",
				frame->len - TTRPC_HEAD, TTRPC_DATA_MAX);
	head.len = (uint32_t)(frame->len - TTRPC_HEAD);
	ttrpc_head_format(&head, (unsigned char *)frame->ptr);
	return 0;
}

static int send_all(struct grpc_wire *wire, struct span bytes, struct err *err)
{
	while (bytes.len) {
		size_t done = 0;
		short wants = 0;
		if (grpc_wire_write(wire, bytes, &done, &wants, err) < 0 ||
				(!done && grpc_wire_wait(wire, wants, err) < 0))
			return -1;
		bytes = span_from(bytes, done);
	}
	return 0;
}

static int read_all(struct grpc_wire *wire, void *out, size_t len, struct err *err)
{
	for (size_t have = 0; have < len;) {
		size_t done = 0;
		short wants = 0;
		if (grpc_wire_read(wire, (char *)out + have, len - have, &done, &wants, err) < 0 ||
				(!done && grpc_wire_wait(wire, wants, err) < 0))
			return -1;
		have += done;
	}
	return 0;
}

static int skip(struct grpc_wire *wire, size_t len, struct err *err)
{
	char scrap[SKIP_CHUNK];

	while (len) {
		size_t part = len < sizeof(scrap) ? len : sizeof(scrap);
		if (read_all(wire, scrap, part, err) < 0)
			return -1;
		len -= part;
	}
	return 0;
}

/* The data of our response; frames of other types and streams are stepped over, as peers may add some. */
static int read_response(struct grpc_wire *wire, struct buf *data, struct err *err)
{
	unsigned char bytes[TTRPC_HEAD];
	struct ttrpc_head head;

	for (;;) {
		if (read_all(wire, bytes, sizeof(bytes), err) < 0)
			return -1;
		ttrpc_head_parse(bytes, &head);
		if (head.len > TTRPC_DATA_MAX)
			return err_set(err, ERR_LIMIT, "the peer announces a frame of %u bytes", head.len);
		if (head.type == TTRPC_RESPONSE && head.stream == STREAM)
			break;
		if (skip(wire, head.len, err) < 0)
			return -1;
	}
	/* not growing: nothing of a secret is left behind */
	char *room = buf_room(data, head.len);
	if (!room || read_all(wire, room, head.len, err) < 0)
		return room ? -1 : buf_check(data, "the answer", err);
	buf_grew(data, head.len);
	return 0;
}

static int judge(const struct buf *data, struct buf *answer, struct err *err)
{
	struct ttrpc_response response;

	if (ttrpc_response_parse(buf_span(data), &response, err) < 0)
		return -1;
	if (response.code) {
		enum grpc_status status = response.code > 0 && response.code < GRPC_STATUSES
				? (enum grpc_status)response.code
				: GRPC_UNKNOWN;
		return err_set(err, grpc_status_kind(status), "%s%s%.*s", grpc_status_name(status),
				response.message.len ? ": " : "", SPAN_ARG(response.message));
	}
	if (!buf_room(answer, response.payload.len))
		return buf_check(answer, "the answer", err);
	buf_add_span(answer, response.payload);
	return 0;
}

static int converse(const struct ttrpc_call *call, const char *path, struct buf *answer, struct err *err)
{
	auto_wiped_buf struct buf frame = BUF_MAX(2 * TTRPC_DATA_MAX), data = BUF_MAX(TTRPC_DATA_MAX);
	auto_free char *target = xasprintf("unix:%s%s", path[0] == '/' ? "//" : "", path);
	struct grpc_call place = { .target = target };
	struct grpc_wire wire = GRPC_WIRE_NONE;

	if (format(call, &frame, err) < 0)
		return -1;
	wire.deadline = clock_mono(&clock_real) + call->timeout * (CLOCK_SECOND / 1000);
	int result = grpc_wire_open(&wire, &place, err);
	if (!result)
		result = send_all(&wire, buf_span(&frame), err);
	if (!result)
		result = read_response(&wire, &data, err);
	if (!result)
		result = judge(&data, answer, err);
	grpc_wire_close(&wire);
	return result;
}

int ttrpc_call(const struct ttrpc_call *call, struct buf *answer, struct err *err)
{
	const char *path = local_path(call->target);

	if (!path)
		return err_set(err, ERR_USAGE, "'%.200s' is no address of a ttrpc server; write unix:///PATH",
				call->target);
	if (converse(call, path, answer, err) < 0)
		return err_wrap(err, "calling %s/%s at %s", call->service, call->method, call->target);
	return 0;
}
