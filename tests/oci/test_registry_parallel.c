/* SPDX-License-Identifier: Apache-2.0 */
/* One object per thread, many threads at once. */
#include "tests/oci/registry_rig.h"

#define WRITERS 4
#define SIZE    ((size_t)9 * 1024 * 1024 + 1)

struct worker {
	struct rig rig;
	pthread_t thread;
	int result;
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->result = rig_write(&worker->rig, SIZE, 65536 + 7);
	return NULL;
}

static void pushes_blobs_from_many_threads_at_once(void **state)
{
#define ADDRESS "/v2/team/app/blobs/uploads/"
#define PATCHED                                                                                    \
	{                                                                                          \
		.expect = "PATCH " ADDRESS "u ", .answer = "202 Accepted\r\nContent-Length: 0\r\n" \
	}
	static const struct fake_step steps[] = {
		{ .expect = "POST " ADDRESS " HTTP",
				.answer = "401 No\r\nWWW-Authenticate: Bearer "
					  "realm=\"http://{self}/token\"\r\n",
				.body = "" },
		{ .expect = "GET /token?scope=", .answer = "200 OK\r\n", .body = "{\"token\":\"t0ken\"}" },
		{ .expect = "POST " ADDRESS " HTTP",
				.has = { "Bearer t0ken\r\n" },
				.answer = "202 Accepted\r\nLocation: " ADDRESS "u\r\n",
				.body = "" },
		PATCHED,
		PATCHED,
		PATCHED,
		{ .expect = "PUT " ADDRESS "u?digest=", .answer = "201 Created\r\nContent-Length: 0\r\n" },
	};
	struct worker *workers = calloc(WRITERS, sizeof(*workers));

	(void)state;
	assert_non_null(workers);
	assert_int_equal(http_global_init(NULL), 0);
	for (size_t i = 0; i < WRITERS; i++) {
		RIG_START(&workers[i].rig.fake, steps);
		rig_dest(&workers[i].rig, NULL);
	}
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < WRITERS; i++) {
		const struct buf *received = &workers[i].rig.fake.received;
		rig_good(&workers[i].rig, workers[i].result);
		assert_int_equal(received->len, SIZE);
		for (size_t at = 0; at < SIZE; at++)
			if (received->ptr[at] != fake_byte(at))
				fail_msg("byte %zu arrived wrong", at);
		rig_end(&workers[i].rig);
	}
	free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_blobs_from_many_threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
