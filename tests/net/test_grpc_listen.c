/* SPDX-License-Identifier: Apache-2.0 */
/* Where the gRPC server listens. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "net/grpc_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka wants the three above */
#include <cmocka.h>

static const struct grpc_method methods[] = { { NULL, NULL } };

static int open_at(const char *listen, bool remote, struct grpc_server **out, struct err *err)
{
	const struct grpc_server_options options = {
		.listen = listen, .allow_remote = remote, .methods = methods, .clock = &clock_real
	};

	return grpc_server_open(&options, out, err);
}

static void listens_on_loopback_alone_unless_told_otherwise(void **state)
{
	static const struct {
		const char *listen;
		bool remote, good;
	} cases[] = {
		{ "127.0.0.1:0", false, true },
		{ "127.9.9.9:0", false, true },
		{ "[::1]:0", false, true },
		{ "0.0.0.0:0", false, false },
		{ "[::]:0", false, false },
		{ "192.0.2.1:0", false, false },
		{ "[::ffff:127.0.0.1]:0", false, false },
		{ "0.0.0.0:0", true, true },
		{ "localhost:0", false, false },
		{ "127.0.0.1", false, false },
		{ "unix:", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_grpc_server struct grpc_server *server = NULL;
		struct err err = ERR_NONE;
		int result = open_at(cases[i].listen, cases[i].remote, &server, &err);
		if ((result == 0) != cases[i].good)
			fail_msg("%s: %s", cases[i].listen, err.text);
		if (result < 0)
			assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void makes_a_socket_that_is_its_owners_alone_and_takes_it_away(void **state)
{
	char dir[] = "/tmp/cocoon-grpc-XXXXXX";
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	auto_free char *path = xasprintf("%s/s", dir);
	struct grpc_server *server = NULL;
	mode_t mask = umask(0);
	assert_int_equal(open_at(path, false, &server, NULL), 0);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	grpc_server_free(server);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(rmdir(dir), 0);
}

static void replaces_a_dead_socket_but_nothing_else(void **state)
{
	char dir[] = "/tmp/cocoon-grpc-XXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct err err = ERR_NONE;

	(void)state;
	assert_non_null(mkdtemp(dir));
	auto_free char *path = xasprintf("%s/s", dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	/* bound, and then nobody listens */
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
	close(dead);
	struct grpc_server *server = NULL, *second = NULL;
	assert_int_equal(open_at(path, false, &server, NULL), 0);
	assert_int_equal(open_at(path, false, &second, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_non_null(strstr(err.text, "another server listens"));
	grpc_server_free(server);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(open_at(path, false, &second, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_non_null(strstr(err.text, "is no socket"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void leaves_a_socket_that_another_put_in_its_place(void **state)
{
	char dir[] = "/tmp/cocoon-grpc-XXXXXX";
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	auto_free char *path = xasprintf("%s/s", dir);
	struct grpc_server *first = NULL, *second = NULL;
	assert_int_equal(open_at(path, false, &first, NULL), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_at(path, false, &second, NULL), 0);
	grpc_server_free(first);
	assert_int_equal(stat(path, &st), 0);
	grpc_server_free(second);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listens_on_loopback_alone_unless_told_otherwise),
		cmocka_unit_test(makes_a_socket_that_is_its_owners_alone_and_takes_it_away),
		cmocka_unit_test(replaces_a_dead_socket_but_nothing_else),
		cmocka_unit_test(leaves_a_socket_that_another_put_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
