/* SPDX-License-Identifier: Apache-2.0 */
#include "net/local.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
/* cmocka wants some of the above */
#include <cmocka.h>

static void knows_the_addresses_of_unix_sockets(void **state)
{
	static const struct {
		const char *address, *path; /* NULL: none */
	} cases[] = {
		{ "/run/x", "/run/x" },
		{ "unix:///run/x", "/run/x" },
		{ "unix:x", "x" },
		{ "unix:./x", "./x" },
		{ "unix:", NULL },
		{ "unix:/x", NULL },
		{ "unix://x", NULL },
		{ "unix://host/x", NULL },
		{ "UNIX:///x", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "127.0.0.1:1", NULL },
		{ "vsock://2:1", NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = local_path(cases[i].address);
		if (!path != !cases[i].path || (path && strcmp(path, cases[i].path) != 0))
			fail_msg("%s: %s", cases[i].address, path ? path : "none");
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static void has_the_mode_whatever_the_mask_is(void **state)
{
	static const mode_t modes[] = { 0600, 0620, 0660, 0666, 0777 };
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	char folder[] = "/tmp/cocoon-local-XXXXXX";
	(void)state;

	assert_non_null(mkdtemp(folder));
	auto_free char *path = xasprintf("%s/s", folder);
	for (size_t i = 0; i < 20; i++) {
		struct local local = LOCAL_NONE;
		struct stat st;
		mode_t old = umask(masks[i / 5]);
		assert_int_equal(local_listen(&local, path, modes[i % 5], 1, NULL), 0);
		umask(old);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, modes[i % 5]);
		assert_int_equal(connect_to(path), 0);
		local_clear(&local);
		assert_int_equal(stat(path, &st), -1);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void takes_paths_up_to_the_kernels_bound(void **state)
{
	char folder[] = "/tmp/cocoon-local-XXXXXX";
	char path[LOCAL_PATH_MAX + 2];
	(void)state;

	assert_non_null(mkdtemp(folder));
	for (size_t len = LOCAL_PATH_MAX; len <= LOCAL_PATH_MAX + 1; len++) {
		auto_local struct local local = LOCAL_NONE;
		struct err err = ERR_NONE;
		memset(path, 's', sizeof(path));
		memcpy(path, folder, strlen(folder));
		path[strlen(folder)] = '/';
		path[len] = '\0';
		assert_int_equal(local_listen(&local, path, 0600, 1, &err), len > LOCAL_PATH_MAX ? -1 : 0);
		if (len > LOCAL_PATH_MAX)
			assert_int_equal(err.kind, ERR_USAGE);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void says_what_stands_in_its_way(void **state)
{
	char folder[] = "/tmp/cocoon-local-XXXXXX";
	struct local first = LOCAL_NONE, second = LOCAL_NONE;
	struct err err = ERR_NONE;
	(void)state;

	assert_non_null(mkdtemp(folder));
	auto_free char *path = xasprintf("%s/s", folder);
	auto_free char *below = xasprintf("%s/none/s", folder);
	assert_int_equal(local_listen(&first, path, 0600, 1, NULL), 0);
	assert_int_equal(local_listen(&second, path, 0600, 1, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(connect_to(path), 0);
	assert_int_equal(local_listen(&second, folder, 0600, 1, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(local_listen(&second, below, 0600, 1, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	/* a link to nowhere is no socket either, and stays */
	local_clear(&first);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(local_listen(&second, path, 0600, 1, &err), -1);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(second.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_addresses_of_unix_sockets),
		cmocka_unit_test(has_the_mode_whatever_the_mask_is),
		cmocka_unit_test(takes_paths_up_to_the_kernels_bound),
		cmocka_unit_test(says_what_stands_in_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
