/* SPDX-License-Identifier: Apache-2.0 */
/* In a program of its own, as it looks through the memory: nothing of a request stays there. */
#include "base/own.h"
#include "tests/net/running.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define SECRET "e97b10c4"
#define SIZE   ((size_t)60 * 1024)

/* Not on the heap, nor is what is sent from it. */
static char request[SIZE + 1024];

/* How often the word stands in the memory that malloc gave out or keeps; sanitizers keep theirs elsewhere. */
static size_t count_in_heap(void)
{
	auto_file FILE *maps = fopen("/proc/self/maps", "re");
	auto_fd int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	static char page[65536 + sizeof(SECRET)];
	char line[512];
	size_t count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		char *dash;
		if (!strstr(line, "[heap]"))
			continue;
		uintmax_t from = strtoumax(line, &dash, 16), end = strtoumax(dash + 1, NULL, 16);
		for (; from < end; from += 65536) {
			ssize_t n = pread(memory, page, sizeof(page), (off_t)from);
			for (const char *at = page;
					n > 0 && (at = memmem(at, (size_t)(page + n - at), SECRET, 8)); at++)
				count++;
		}
	}
	return count;
}

/* A request with a bearer token, whose body is as long as it says. */
static size_t make_request(const char *path)
{
	int head = snprintf(request, sizeof(request),
			"POST %s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " SECRET "\r\n"
			"Content-Length: %zu\r\n\r\n",
			path, SIZE);

	for (size_t at = 0; at < SIZE; at += 8)
		memcpy(request + head + at, SECRET, 8);
	return (size_t)head + SIZE;
}

static void swallow(void *ctx, const struct server_request *given, struct server_reply *reply)
{
	(void)ctx;
	reply->status = given->body.len == SIZE ? 200 : 500;
}

static int send_part(const struct running *running, size_t len)
{
	int fd = connect_to(running);

	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, request + sent, len - sent, MSG_NOSIGNAL);
		assert_true(n > 0);
		sent += (size_t)n;
	}
	return fd;
}

static void ask(const struct running *running, const char *path, const char *reply)
{
	auto_buf struct buf got = BUF_MAX(10000);
	auto_fd int fd = send_part(running, make_request(path));

	read_until(fd, &got, reply);
	assert_true(span_starts(buf_span(&got), reply));
}

static void keeps_nothing_of_a_request(void **state)
{
	static const struct server_route routes[] = {
		{ .path = "/take", .handle = swallow },
		{ .path = "/later/", .handle = running_put_off },
	};
	struct running running = { .listener = { .routes = routes, .route_count = 2 } };
	auto_buf struct buf got = BUF_MAX(10000);
	(void)state;

	running_start(&running);
	ask(&running, "/take", "HTTP/1.1 200 ");
	ask(&running, "/none", "HTTP/1.1 404 ");
	/* one that is not whole, and one whose reply comes late */
	auto_fd int half = send_part(&running, make_request("/take") / 2);
	auto_fd int late = send_part(&running, make_request("/later/x"));
	running_answer(running_later(&running), "late");
	read_until(late, &got, "late");
	shutdown(half, SHUT_WR);
	read_until(half, &got, NULL);
	assert_int_equal(running_stop(&running), 0);
	assert_int_equal(count_in_heap(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_nothing_of_a_request),
	};

	/* one heap for all threads, and all of it in it */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	signal(SIGPIPE, SIG_IGN);
	server_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
