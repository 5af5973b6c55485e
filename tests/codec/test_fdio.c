/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SIZE  ((size_t)3 * 1024 * 1024)
#define RINGS 100

struct pipe_ends {
	int from, to;
};

static void ends_close(struct pipe_ends *ends)
{
	own_close(&ends->from);
	own_close(&ends->to);
}
#define auto_ends __attribute__((cleanup(ends_close)))

static struct pipe_ends ends_open(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	return (struct pipe_ends){ fds[0], fds[1] };
}

static unsigned char sent[SIZE], got[SIZE];

static void *send_all(void *arg)
{
	struct pipe_ends *ends = arg;
	struct fd_sink sink;
	struct err err = ERR_NONE;

	fd_sink_init(&sink, ends->to, "the pipe");
	int status = stream_feed(&sink.stream, span_new(sent, SIZE), &err) < 0 ||
			stream_done(&sink.stream, &err) < 0;
	own_close(&ends->to);
	ends->to = -1;
	return status ? arg : NULL;
}

/* More than a pipe holds: writes are short, reads bring what is there, and 0 stands at the end alone. */
static void a_pipe_takes_and_gives_every_byte(void **state)
{
	auto_ends struct pipe_ends ends = ends_open();
	struct fd_pull pull;
	pthread_t thread;
	void *failed = NULL;
	size_t at = 0, more = 1;

	(void)state;
	random_bytes(sent, SIZE);
	fd_pull_init(&pull, ends.from, "the pipe");
	assert_int_equal(pthread_create(&thread, NULL, send_all, &ends), 0);
	while (more) {
		assert_int_equal(pull_read(&pull.pull, got + at, SIZE - at > 99999 ? 99999 : SIZE - at + 1,
						 &more, NULL),
				0);
		at += more;
		assert_true(at <= SIZE);
	}
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(at, SIZE);
	assert_memory_equal(got, sent, SIZE);
}

static void nothing_is_written_for_nothing(void **state)
{
	struct fd_sink sink;

	(void)state;
	fd_sink_init(&sink, -1, "nowhere");
	assert_int_equal(stream_feed(&sink.stream, SPAN_NONE, NULL), 0);
	assert_int_equal(stream_done(&sink.stream, NULL), 0);
}

static void failures_name_the_thing(void **state)
{
	struct fd_pull pull;
	struct fd_sink sink;
	struct err err = ERR_NONE;
	char byte = 0;
	size_t more = 7;

	(void)state;
	fd_pull_init(&pull, -1, "standard input");
	assert_int_equal(pull_read(&pull.pull, &byte, 1, &more, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_string_equal(err.text, "reading 'standard input': Bad file descriptor");
	assert_int_equal(more, 7);
	fd_sink_init(&sink, -1, "layer");
	assert_int_equal(stream_feed(&sink.stream, SPAN_LIT("x"), &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_string_equal(err.text, "writing 'layer': Bad file descriptor");
}

static void a_reader_that_is_gone_is_an_error_and_no_signal(void **state)
{
	auto_ends struct pipe_ends ends = ends_open();
	struct fd_sink sink;
	struct err err = ERR_NONE;

	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as base/signals.h has it in every program */
	own_close(&ends.from);
	ends.from = -1;
	fd_sink_init(&sink, ends.to, "the pipe");
	assert_int_equal(stream_feed(&sink.stream, SPAN_LIT("x"), &err), -1);
	assert_int_equal(err.kind, ERR_IO);
}

static atomic_int rung;

static void ring(int number)
{
	int saved = errno;

	(void)number;
	rung++;
	errno = saved;
}

struct caller {
	pthread_t main;
	int to;
};

static void *ring_then_send(void *arg)
{
	struct caller *caller = arg;

	while (rung < RINGS)
		pthread_kill(caller->main, SIGUSR1);
	return write(caller->to, "x", 1) == 1 ? NULL : arg;
}

/* The signals come without SA_RESTART: all but those before the read end it in EINTR. */
static void a_read_that_a_signal_interrupts_goes_on(void **state)
{
	auto_ends struct pipe_ends ends = ends_open();
	struct caller caller = { .main = pthread_self(), .to = ends.to };
	struct sigaction action = { .sa_handler = ring };
	struct fd_pull pull;
	pthread_t thread;
	char byte = 0;
	size_t more = 0;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, ring_then_send, &caller), 0);
	fd_pull_init(&pull, ends.from, "the pipe");
	assert_int_equal(pull_read(&pull.pull, &byte, 1, &more, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(more, 1);
	assert_int_equal(byte, 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_takes_and_gives_every_byte),
		cmocka_unit_test(nothing_is_written_for_nothing),
		cmocka_unit_test(failures_name_the_thing),
		cmocka_unit_test(a_reader_that_is_gone_is_an_error_and_no_signal),
		cmocka_unit_test(a_read_that_a_signal_interrupts_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
