/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ttrpc_client.h"
#include "tests/net/ttrpc_scene.h"

#include <signal.h>

/* A server of one connection that says prepared bytes to whatever is asked. */
struct fake {
	char folder[32];
	char *path;
	int fd;
	pthread_t thread;
	struct span says;
	bool hangs; /* keeps the connection until the client leaves */
	struct buf heard;
};

static void *fake_main(void *arg)
{
	struct fake *fake = arg;
	unsigned char head_bytes[TTRPC_HEAD];
	struct ttrpc_head head;

	auto_fd int fd = accept(fake->fd, NULL, NULL);
	if (fd < 0 || !read_whole(fd, head_bytes, sizeof(head_bytes)))
		return NULL;
	ttrpc_head_parse(head_bytes, &head);
	buf_add(&fake->heard, head_bytes, sizeof(head_bytes));
	char *room = buf_room(&fake->heard, head.len);
	if (!room || !read_whole(fd, room, head.len))
		return NULL;
	buf_grew(&fake->heard, head.len);
	say(fd, fake->says);
	if (fake->hangs)
		expect_end(fd);
	return NULL;
}

static void fake_start(struct fake *fake, struct span says)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*fake = (struct fake){ .says = says, .hangs = fake->hangs, .heard = BUF_MAX(2 * TTRPC_DATA_MAX) };
	memcpy(fake->folder, "/tmp/cocoon-ttrpc-XXXXXX", sizeof("/tmp/cocoon-ttrpc-XXXXXX"));
	assert_non_null(mkdtemp(fake->folder));
	fake->path = xasprintf("%s/s", fake->folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->path);
	fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fake->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fake->fd, 1), 0);
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_main, fake), 0);
}

static void fake_clear(struct fake *fake)
{
	close(fake->fd);
	assert_int_equal(unlink(fake->path), 0);
	assert_int_equal(rmdir(fake->folder), 0);
	free(fake->path);
	buf_clear(&fake->heard);
}

static void fake_stop(struct fake *fake)
{
	pthread_join(fake->thread, NULL);
	fake_clear(fake);
}

static int call_at(const char *target, int timeout, struct buf *answer, struct err *err)
{
	const struct ttrpc_call call = { .target = target,
		.service = SERVICE,
		.method = "Echo",
		.message = SPAN_LIT("hello"),
		.timeout = timeout };

	return ttrpc_call(&call, answer, err);
}

/* One call that is answered by these bytes. */
static int call_fake(struct span says, struct buf *answer, struct err *err)
{
	struct fake fake = { .hangs = false };

	fake_start(&fake, says);
	int result = call_at(fake.path, 20000, answer, err);
	fake_stop(&fake);
	return result;
}

static void says_what_the_protocol_wants(void **state)
{
	/* 50 seconds are 50000000000 ns */
	static const char want[] = "\0\0\0\x22\0\0\0\x01\x01\0"
				   "\x0a\x0ctest.Service\x12\x04"
				   "Echo\x1a\x05hello\x20\x80\xe8\xed\xa1\xba\x01";
	struct fake fake = { .hangs = false };
	auto_buf struct buf answer = BUF_MAX(100);
	(void)state;

	fake_start(&fake, SPAN_LIT("\0\0\0\x06\0\0\0\x01\x02\0\x0a\0\x12\x02ok"));
	buf_puts(&answer, "before ");
	assert_int_equal(call_at(fake.path, 50000, &answer, NULL), 0);
	assert_string_equal(buf_text(&answer), "before ok");
	pthread_join(fake.thread, NULL);
	assert_true(span_eq(buf_span(&fake.heard), span_new(want, sizeof(want) - 1)));
	fake_clear(&fake);
}

static void steps_over_what_is_not_its_answer(void **state)
{
	auto_buf struct buf says = BUF_MAX(100000), answer = BUF_MAX(100);
	static const char big[50000];
	(void)state;

	add_frame(&says, 3, TTRPC_RESPONSE, SPAN_LIT("\x0a\0\x12\x05other"));
	add_frame(&says, 1, TTRPC_DATA, span_new(big, sizeof(big)));
	add_frame(&says, 1, 9, SPAN_NONE);
	add_frame(&says, 1, TTRPC_RESPONSE, SPAN_LIT("\x12\x04mine"));
	add_frame(&says, 1, TTRPC_RESPONSE,
			SPAN_LIT("\x12\x05"
				 "again"));
	assert_int_equal(call_fake(buf_span(&says), &answer, NULL), 0);
	assert_string_equal(buf_text(&answer), "mine");
}

static void tells_statuses_by_their_kinds(void **state)
{
	static const struct {
		int code;
		enum err_kind kind;
		const char *text;
	} cases[] = {
		{ 3, ERR_USAGE, "INVALID_ARGUMENT: why" },
		{ 5, ERR_NOT_FOUND, "NOT_FOUND: why" },
		{ 13, ERR_DENIED, "INTERNAL: why" },
		{ 14, ERR_RETRY, "UNAVAILABLE: why" },
		{ 16, ERR_AUTH, "UNAUTHENTICATED: why" },
		{ 17, ERR_DENIED, "UNKNOWN: why" },
		{ -1, ERR_DENIED, "UNKNOWN: why" },
		{ INT32_MAX, ERR_DENIED, "UNKNOWN: why" },
		{ INT32_MIN, ERR_DENIED, "UNKNOWN: why" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ttrpc_response response = { cases[i].code, SPAN_LIT("why"), SPAN_LIT("payload") };
		auto_buf struct buf data = BUF_MAX(1000), says = BUF_MAX(1000), answer = BUF_MAX(1000);
		struct err err = ERR_NONE;
		ttrpc_response_format(&response, &data);
		add_frame(&says, 1, TTRPC_RESPONSE, buf_span(&data));
		assert_int_equal(call_fake(buf_span(&says), &answer, &err), -1);
		if (err.kind != cases[i].kind || !strstr(err.text, cases[i].text) || answer.len)
			fail_msg("%d: %s", cases[i].code, err.text);
	}
}

static void refuses_an_answer_cut_off_at_any_byte(void **state)
{
	auto_buf struct buf says = BUF_MAX(100);
	(void)state;

	add_frame(&says, 1, TTRPC_RESPONSE, SPAN_LIT("\x0a\0\x12\x02ok"));
	for (size_t len = 0; len < says.len; len++) {
		auto_buf struct buf answer = BUF_MAX(100);
		struct err err = ERR_NONE;
		assert_int_equal(call_fake(span_new(says.ptr, len), &answer, &err), -1);
		assert_int_equal(err.kind, ERR_IO);
		assert_int_equal(answer.len, 0);
	}
}

static void refuses_answers_that_are_none(void **state)
{
	static const struct {
		struct span says;
		enum err_kind kind;
	} cases[] = {
		/* an envelope that is cut off, one that is none, and an announcement of too much */
		{ { "\0\0\0\3\0\0\0\1\2\0\x12\5x", 13 }, ERR_FORMAT },
		{ { "\0\0\0\2\0\0\0\1\2\0\x0b\0", 12 }, ERR_FORMAT },
		{ { "\0\x40\0\1\0\0\0\1\2\0", 10 }, ERR_LIMIT },
		{ { "\xff\xff\xff\xff\0\0\0\3\3\0", 10 }, ERR_LIMIT },
		{ { "HTTP/1.1 400 Bad Request\r\n\r\n", 28 }, ERR_LIMIT },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf answer = BUF_MAX(100);
		struct err err = ERR_NONE;
		assert_int_equal(call_fake(cases[i].says, &answer, &err), -1);
		if (err.kind != cases[i].kind)
			fail_msg("%zu: %s", i, err.text);
	}
}

static void keeps_to_the_ceiling_of_the_answer(void **state)
{
	struct scene scene = { .result = 0 };
	(void)state;

	scene_start(&scene);
	for (size_t room = 4; room < 6; room++) {
		auto_buf struct buf answer = BUF_MAX(room);
		struct err err = ERR_NONE;
		assert_int_equal(call_at(scene.path, 20000, &answer, &err), room < 5 ? -1 : 0);
		if (room < 5)
			assert_int_equal(err.kind, ERR_LIMIT);
		else
			assert_string_equal(buf_text(&answer), "hello");
	}
	scene_stop(&scene);
}

static void refuses_a_message_that_no_frame_holds(void **state)
{
	static char text[TTRPC_DATA_MAX + 1];
	static const size_t lens[] = { TTRPC_DATA_MAX - 20, TTRPC_DATA_MAX + 1 };
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		auto_buf struct buf answer = BUF_MAX(100);
		struct ttrpc_call call = { .target = "/nowhere/at/all",
			.service = SERVICE,
			.method = "Echo",
			.message = span_new(text, lens[i]),
			.timeout = 1000 };
		struct err err = ERR_NONE;
		assert_int_equal(ttrpc_call(&call, &answer, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
	}
}

static void gives_up_when_the_time_is_over(void **state)
{
	struct fake fake = { .hangs = true };
	auto_buf struct buf answer = BUF_MAX(100);
	struct err err = ERR_NONE;
	(void)state;

	/* half an answer */
	fake_start(&fake, SPAN_LIT("\0\0\0\x06\0\0\0\x01\x02\0\x0a"));
	assert_int_equal(call_at(fake.path, 50, &answer, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, "calling test.Service/Echo at /tmp/"));
	fake_stop(&fake);
}

static void says_where_nobody_is_or_can_be(void **state)
{
	static const struct {
		const char *target;
		enum err_kind kind;
	} cases[] = {
		{ "/nowhere/at/all", ERR_RETRY },
		{ "unix:///nowhere/at/all", ERR_RETRY },
		{ "127.0.0.1:80", ERR_USAGE },
		{ "", ERR_USAGE },
		{ "unix:", ERR_USAGE },
		{ "/01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
		  "90"
		  "12345678901234567890",
				ERR_USAGE },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_buf struct buf answer = BUF_MAX(100);
		struct err err = ERR_NONE;
		assert_int_equal(call_at(cases[i].target, 1000, &answer, &err), -1);
		if (err.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].target, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_the_protocol_wants),
		cmocka_unit_test(steps_over_what_is_not_its_answer),
		cmocka_unit_test(tells_statuses_by_their_kinds),
		cmocka_unit_test(refuses_an_answer_cut_off_at_any_byte),
		cmocka_unit_test(refuses_answers_that_are_none),
		cmocka_unit_test(keeps_to_the_ceiling_of_the_answer),
		cmocka_unit_test(refuses_a_message_that_no_frame_holds),
		cmocka_unit_test(gives_up_when_the_time_is_over),
		cmocka_unit_test(says_where_nobody_is_or_can_be),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
