/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of net/ttrpc*.h, and the server of net/grpc_server.h, for peers of others:
 *
 *     ttrpc_echo serve SOCKET              ttrpc; prints "ready", serves until standard input ends
 *     ttrpc_echo grpc ADDRESS              gRPC; prints where it listens
 *     ttrpc_echo call SOCKET SERVICE METHOD [MILLISECONDS] <message >answer
 *
 * The service test.Service, with field 1 of a message as its argument: Echo gives the message back, Fail says no, Big
 * answers that many bytes, Rest answers after so many milliseconds, Later is not there.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/workers.h"
#include "codec/pb.h"
#include "net/grpc_server.h"
#include "net/ttrpc_client.h"
#include "net/ttrpc_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SERVICE  "/test.Service/"
#define PATIENCE 60000
#define REST_MAX 60000

static enum grpc_status echo(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)ctx, (void)err;
	buf_add_span(answer, message);
	return GRPC_OK;
}

static enum grpc_status refuse(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	struct span why = SPAN_NONE;

	(void)ctx, (void)answer;
	if (pb_find_bytes(message, 1, &why, err) < 0)
		return GRPC_INVALID_ARGUMENT;
	err_set(err, ERR_DENIED, "no: %.*s", SPAN_ARG(why));
	return GRPC_FAILED_PRECONDITION;
}

static int read_number(struct span message, uint64_t max, uint64_t *out, struct err *err)
{
	struct span text = SPAN_NONE;

	if (pb_find_bytes(message, 1, &text, err) < 0)
		return -1;
	return span_number(text, max, out) ? 0 : err_set(err, ERR_USAGE, "no number");
}

static enum grpc_status big(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	uint64_t len = 0;

	(void)ctx;
	if (read_number(message, 2 * GRPC_MESSAGE_MAX, &len, err) < 0)
		return GRPC_INVALID_ARGUMENT;
	pb_put_head(answer, 1, (size_t)len);
	char *room = buf_room(answer, (size_t)len);
	if (room) {
		memset(room, 0, (size_t)len);
		buf_grew(answer, (size_t)len);
	}
	return GRPC_OK;
}

static enum grpc_status rest(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	uint64_t number = 0;

	(void)ctx;
	if (read_number(message, REST_MAX, &number, err) < 0)
		return GRPC_INVALID_ARGUMENT;
	struct timespec time = { .tv_sec = (time_t)(number / 1000),
		.tv_nsec = (long)(number % 1000) * 1000000 };
	nanosleep(&time, NULL);
	buf_add_span(answer, message);
	return GRPC_OK;
}

static const struct grpc_method ttrpc_methods[] = {
	{ SERVICE "Echo", echo },
	{ SERVICE "Fail", refuse },
	{ SERVICE "Big", big },
	{ SERVICE "Rest", rest },
	{ SERVICE "Later", NULL },
	{ NULL, NULL },
};
static const struct grpc_method grpc_methods[] = {
	{ SERVICE "Echo", echo },
	{ SERVICE "Fail", refuse },
	{ SERVICE "Big", big },
	{ NULL, NULL },
};

static int serve(const char *socket, struct err *err)
{
	auto_workers struct workers *workers = NULL;
	auto_ttrpc_server struct ttrpc_server *server = NULL;

	if (workers_new(8, 4096, &workers, err) < 0)
		return -1;
	const struct ttrpc_server_options options = {
		.listen = socket, .methods = ttrpc_methods, .workers = workers, .clock = &clock_real
	};
	if (ttrpc_server_open(&options, &server, err) < 0)
		return -1;
	puts("ready");
	fflush(stdout);
	return ttrpc_server_run(server, STDIN_FILENO, err);
}

static int serve_grpc(const char *address, struct err *err)
{
	auto_grpc_server struct grpc_server *server = NULL;
	const struct grpc_server_options options = {
		.listen = address, .methods = grpc_methods, .clock = &clock_real
	};

	if (grpc_server_open(&options, &server, err) < 0)
		return -1;
	puts(grpc_server_address(server));
	fflush(stdout);
	return grpc_server_run(server, STDIN_FILENO, err);
}

static int call(char *const argv[], struct err *err)
{
	auto_wiped_buf struct buf message = BUF_MAX(TTRPC_DATA_MAX), answer = BUF_MAX(TTRPC_DATA_MAX);

	char *room = buf_room(&message, TTRPC_DATA_MAX);
	ssize_t n;
	while (room && (n = read(STDIN_FILENO, room, TTRPC_DATA_MAX - message.len)) > 0) {
		buf_grew(&message, (size_t)n);
		room = buf_room(&message, TTRPC_DATA_MAX - message.len);
	}
	struct ttrpc_call call = { .target = argv[0],
		.service = argv[1],
		.method = argv[2],
		.message = buf_span(&message),
		.timeout = argv[3] ? (int)strtol(argv[3], NULL, 10) : PATIENCE };
	if (ttrpc_call(&call, &answer, err) < 0)
		return -1;
	fwrite(buf_text(&answer), 1, answer.len, stdout);
	return 0;
}

int main(int argc, char *argv[])
{
	struct err err = ERR_NONE;
	int result = -1;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		result = serve(argv[2], &err);
	else if (argc == 3 && !strcmp(argv[1], "grpc"))
		result = serve_grpc(argv[2], &err);
	else if ((argc == 5 || argc == 6) && !strcmp(argv[1], "call"))
		result = call(argv + 2, &err);
	else
		err_set(&err, ERR_USAGE,
				"usage: ttrpc_echo serve SOCKET | grpc ADDRESS | call SOCKET SERVICE METHOD "
				"[MS]");
	if (result < 0)
		fprintf(stderr, "ttrpc_echo: %s: %s\n", err_kind_name(err.kind), err.text);
	return result < 0 ? 1 : 0;
}
