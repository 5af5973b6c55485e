/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "crypto/init.h"
#include "crypto/secret.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void lives_on_the_secure_heap(void **state)
{
	auto_secret struct secret secret = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&secret, SPAN_LIT("key"), NULL), 0);
	assert_true(CRYPTO_secure_allocated(secret.ptr));
	assert_true(span_is(secret_span(&secret), "key"));
	assert_int_equal(secret.ptr[3], 0);
	secret_clear(&secret);
	assert_null(secret.ptr);
	assert_int_equal(secret.len, 0);
	assert_int_equal(CRYPTO_secure_used(), 0);
}

static void compares_whole_contents(void **state)
{
	auto_secret struct secret secret = SECRET_NONE, empty = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&secret, SPAN_LIT("a\0b"), NULL), 0);
	assert_true(secret_is(&secret, SPAN_LIT("a\0b")));
	assert_false(secret_is(&secret, SPAN_LIT("a\0c")));
	assert_false(secret_is(&secret, SPAN_LIT("a")));
	assert_false(secret_is(&secret, SPAN_NONE));
	assert_true(secret_is(&empty, SPAN_NONE));
}

static void refuses_more_than_its_bound(void **state)
{
	auto_secret struct secret secret = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(secret_alloc(&secret, SECRET_MAX, &err), 0);
	assert_int_equal(secret_alloc(&secret, SECRET_MAX + 1, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void a_full_heap_is_an_error_and_not_the_end(void **state)
{
	struct secret all[64] = { SECRET_NONE };
	struct err err = ERR_NONE;
	size_t count = 0;

	(void)state;
	while (count < 64 && secret_alloc(&all[count], SECRET_MAX, &err) == 0)
		count++;
	assert_in_range(count, 1, 63);
	assert_int_equal(err.kind, ERR_LIMIT);
	for (size_t i = 0; i < count; i++)
		secret_clear(&all[i]);
	assert_int_equal(secret_alloc(&all[0], SECRET_MAX, NULL), 0);
	secret_clear(&all[0]);
}

static void copies_from_itself_and_moves(void **state)
{
	auto_secret struct secret a = SECRET_NONE, b = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_from_span(&a, SPAN_LIT("abcdef"), NULL), 0);
	assert_int_equal(secret_from_span(&a, span_from(secret_span(&a), 3), NULL), 0);
	assert_true(secret_is(&a, SPAN_LIT("def")));
	secret_move(&b, &a);
	assert_true(secret_is(&b, SPAN_LIT("def")));
	assert_null(a.ptr);
}

static void random_secrets_differ(void **state)
{
	auto_secret struct secret a = SECRET_NONE, b = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_random(&a, 32, NULL), 0);
	assert_int_equal(secret_random(&b, 32, NULL), 0);
	assert_int_equal(a.len, 32);
	assert_false(secret_is(&a, secret_span(&b)));
}

static void reads_a_file_up_to_the_bound(void **state)
{
	auto_secret struct secret secret = SECRET_NONE;
	char path[] = "/tmp/test_secret.XXXXXX";
	struct err err = ERR_NONE;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "k\0\n", 3), 3);
	assert_int_equal(secret_read_file(&secret, path, &err), 0);
	assert_true(secret_is(&secret, SPAN_LIT("k\0\n")));
	assert_int_equal(ftruncate(fd, SECRET_MAX + 1), 0);
	assert_int_equal(secret_read_file(&secret, path, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	close(fd);
	unlink(path);
	assert_int_equal(secret_read_file(&secret, path, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* in a child, since it cannot be undone */
static void the_process_can_hide(void **state)
{
	int status = 0;

	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct rlimit core = { 1, 1 };
		bool hidden = crypto_init(true, NULL) == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
				getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
				core.rlim_max == 0;
		_exit(hidden ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int with_heap(void **state)
{
	(void)state;
	if (crypto_init(false, NULL) < 0)
		return -1;
	/* a second time changes nothing */
	return crypto_init(false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_on_the_secure_heap),
		cmocka_unit_test(compares_whole_contents),
		cmocka_unit_test(refuses_more_than_its_bound),
		cmocka_unit_test(a_full_heap_is_an_error_and_not_the_end),
		cmocka_unit_test(copies_from_itself_and_moves),
		cmocka_unit_test(random_secrets_differ),
		cmocka_unit_test(reads_a_file_up_to_the_bound),
		cmocka_unit_test(the_process_can_hide),
	};

	return cmocka_run_group_tests(tests, with_heap, NULL);
}
