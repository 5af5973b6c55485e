/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/image/pgp/make.sh made keys and messages. GnuPG works in a home of the test's own. */
#include "base/clock.h"
#include "base/own.h"
#include "base/run.h"
#include "image/gpg_own.h"
#include "image/pgp_packets.h"
#include "tests/image/wrapping.h"

#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PGP      VECTORS "pgp/"
#define PASSWORD "pgp word"

static char home[] = "/tmp/cocoon-pgp-XXXXXX"; /* short, because of the agent's socket */
static const struct wrap_settings settings = { .gnupg_home = home };

/* ---- a home ---- */

static void run_in(const char *folder, const char *program, const char *const *more, const char *input,
		struct buf *said)
{
	const char *argv[20] = { program, "--homedir", folder };
	struct run run = { .what = program, .argv = argv, .input = span_of(input), .timeout = 60000 };
	struct err err = ERR_NONE;

	for (size_t i = 0; more[i]; i++)
		argv[3 + i] = more[i];
	if (run_program(&run, said, &err) < 0)
		fail_msg("%s", err.text);
}

static void gpg(const char *const *more, const char *input)
{
	auto_buf struct buf said = BUF_MAX(65536);

	run_in(home, "gpg", more, input, &said);
}

static void put(const char *name, const char *text)
{
	auto_file FILE *file = NULL;
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
}

static int setup(void **state)
{
	static const char *const ring[] = { "--batch", "--import", PGP "ring.pgp", NULL };
	static const char *const bob[] = { "--batch", "--import", PGP "bob.pgp", NULL };
	static const char *const disable[] = { "--no-tty", "--command-fd", "0", "--edit-key",
		"signer@example.org", NULL };

	(void)state;
	assert_non_null(mkdtemp(home));
	gpg(ring, "");
	gpg(bob, "");
	gpg(disable, "disable\nsave\n");
	put("password", PASSWORD "\n");
	put("wrong", "another word\n");
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	remove(path);
	return 0;
}

static int teardown(void **state)
{
	static const char *const kill_agent[] = { "--kill", "gpg-agent", NULL };
	auto_buf struct buf said = BUF_MAX(4096);

	(void)state;
	run_in(home, "gpgconf", kill_agent, "", &said);
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- opening ---- */

static int open_file(const char *key, const char *name, struct secret *out, struct err *err)
{
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	const char *const keys[] = { key, NULL };
	char path[200];

	snprintf(path, sizeof(path), PGP "%s.msg", name);
	load(path, &element);
	return open_with(&wrap_pgp, &settings, keys, buf_span(&element), out, err);
}

static const char *alice(const char *file, const char *password)
{
	static char text[400];

	snprintf(text, sizeof(text), PGP "%s:file=%s/%s", file, home, password);
	return text;
}

static void opens_what_peers_wrote(void **state)
{
	const struct {
		const char *key, *message;
	} cases[] = {
		{ "alice.pgp", "go-old-alice" },
		{ "alice.asc", "go-new-alice" },
		{ "alice.pgp", "gpg-alice" },
		{ "alice.pgp", "gpg-both" },
		{ PGP "bob.pgp", "go-new-bob" },
		{ PGP "bob.pgp", "go-new-both" },
		{ PGP "bob.pgp", "gpg-both" },
		{ PGP "bob.pgp", "gpg-hidden-bob" },
		{ PGP "bob.pgp", "gpg-signed-bob" },
		{ PGP "bob.pgp", "gpg-password-bob" },
		{ "pgp:", "go-new-bob" },
		{ "pgp:", "gpg-both" },
		{ "pgp:", "gpg-hidden-bob" },
	};
	auto_buf struct buf options = BUF_MAX(4096);

	(void)state;
	load(VECTORS "options.json", &options);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		const char *key = cases[i].key;
		if (strstr(key, "alice") == key)
			key = alice(key, "password");
		if (open_file(key, cases[i].message, &out, &err) < 0)
			fail_msg("%s, %s: %s", key, cases[i].message, err.text);
		assert_true(secret_is(&out, buf_span(&options)));
	}
}

static void says_why_it_cannot_open(void **state)
{
	static const struct {
		const char *key, *password, *message, *reason;
		enum err_kind kind;
	} cases[] = {
		{ PGP "bob.pgp", NULL, "gpg-alice",
				"the OpenPGP message to 0x784c6282d61feb52: no secret key for any recipient "
				"of the "
				"message",
				ERR_AUTH },
		{ "pgp:", NULL, "gpg-alice",
				"the OpenPGP message to 0x784c6282d61feb52: no secret key for any recipient "
				"of the "
				"message",
				ERR_AUTH },
		{ "alice.pgp", "wrong", "gpg-alice",
				"the OpenPGP message to 0x784c6282d61feb52: the OpenPGP key has another "
				"password",
				ERR_AUTH },
		{ PGP "alice.pgp", NULL, "gpg-alice",
				"the OpenPGP message to 0x784c6282d61feb52: the OpenPGP key needs a password",
				ERR_AUTH },
		{ PGP "bob.pgp", NULL, "gpg-bomb-bob",
				"the OpenPGP message to 0x2f1809f45865db57: the message holds more than "
				"65536 bytes",
				ERR_LIMIT },
		{ PGP "bob.pgp", NULL, "gpg-armored-bob", "0x2d begins no OpenPGP packet", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		const char *key = cases[i].key;
		if (cases[i].password)
			key = alice(key, cases[i].password);
		assert_int_equal(open_file(key, cases[i].message, &out, &err), -1);
		assert_string_equal(err.text, cases[i].reason);
		assert_int_equal(err.kind, cases[i].kind);
		assert_int_equal(out.len, 0);
	}
}

static void a_damaged_message_is_refused(void **state)
{
	static const char *const keys[] = { PGP "bob.pgp", NULL };
	auto_keys struct keys list = KEYS_NONE;
	auto_openers struct opener_list openers = OPENER_LIST_NONE;
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);

	(void)state;
	load(PGP "go-new-bob.msg", &element);
	assert_int_equal(keys_add(&list, keys[0], NULL), 0);
	assert_int_equal(wrap_pgp.openers(&settings, &list, &openers, NULL), 0);
	assert_int_equal(openers.count, 1);
	assert_true(list.items[0].used);
	const size_t places[] = { 20, 60, element.len - 100, element.len - 1 };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		auto_secret struct secret out = SECRET_NONE;
		struct err err = ERR_NONE;
		element.ptr[places[i]] ^= 1;
		assert_int_equal(openers.items[0]->unwrap(openers.items[0], buf_span(&element), &out, &err),
				-1);
		if (err.kind != ERR_AUTH && err.kind != ERR_FORMAT)
			fail_msg("%s", err.text);
		assert_int_equal(out.len, 0);
		element.ptr[places[i]] ^= 1;
	}
	auto_secret struct secret out = SECRET_NONE;
	assert_int_equal(openers.items[0]->unwrap(openers.items[0], buf_span(&element), &out, NULL), 0);
}

static void a_file_that_gnupg_cannot_use_is_named_once_it_is_needed(void **state)
{
	auto_buf struct buf ring = BUF_MAX(65536), element = BUF_MAX(WRAP_ELEMENT_MAX);
	auto_keys struct keys keys = KEYS_NONE;
	auto_openers struct opener_list openers = OPENER_LIST_NONE;
	auto_secret struct secret bytes = SECRET_NONE, out = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	load(PGP "bob.pgp", &ring);
	load(PGP "go-new-bob.msg", &element);
	/* the first packet alone: a key without user id */
	struct span rest = buf_span(&ring);
	struct pgp_packet packet = { .tag = 0 };
	assert_int_equal(pgp_next(&rest, &packet, NULL), 0);
	assert_int_equal(secret_from_span(&bytes, span_new(ring.ptr, ring.len - rest.len), NULL), 0);
	assert_int_equal(keys_add_bytes(&keys, "part", &bytes, NULL, &err), 0);
	assert_int_equal(wrap_pgp.openers(&settings, &keys, &openers, &err), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(openers.items[0]->unwrap(openers.items[0], buf_span(&element), &out, &err),
				-1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_string_equal(err.text, "GnuPG found no secret key that it can use");
	}
}

/* ---- wrapping ---- */

static void what_it_wraps_it_opens(void **state)
{
	const struct {
		const char *recipient, *key;
		uint64_t id;
	} cases[] = {
		{ "alice@example.org", "alice.pgp", UINT64_C(0x784c6282d61feb52) },
		{ "Alice Example", "alice.asc", UINT64_C(0x784c6282d61feb52) },
		{ "bob@example.org", "pgp:", UINT64_C(0x2f1809f45865db57) },
		{ "Jürgen Groß", PGP "bob.pgp", UINT64_C(0x2f1809f45865db57) },
	};
	auto_buf struct buf options = BUF_MAX(4096);

	(void)state;
	load(VECTORS "options.json", &options);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
		auto_secret struct secret out = SECRET_NONE;
		const char *keys[] = { cases[i].key, NULL };
		struct pgp_message message;
		struct err err = ERR_NONE;
		if (strstr(keys[0], "alice") == keys[0])
			keys[0] = alice(keys[0], "password");
		if (wrap_to(&wrap_pgp, &settings, cases[i].recipient, buf_span(&options), &element, &err) < 0)
			fail_msg("%s: %s", cases[i].recipient, err.text);
		assert_int_equal(pgp_message_look(buf_span(&element), &message, &err), 0);
		assert_int_equal(message.count, 1);
		assert_int_equal(message.ids[0], cases[i].id);
		assert_int_equal(message.sealed, PGP_SEALED);
		if (open_with(&wrap_pgp, &settings, keys, buf_span(&element), &out, &err) < 0)
			fail_msg("%s: %s", cases[i].recipient, err.text);
		assert_true(secret_is(&out, buf_span(&options)));
	}
}

static void one_recipient_wraps_many_layers(void **state)
{
	auto_recipient struct recipient *recipient = NULL;
	auto_secret struct secret options = SECRET_NONE;
	auto_buf struct buf first = BUF_MAX(4096), second = BUF_MAX(4096);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(wrap_pgp.recipient(&settings, "bob@example.org", &recipient, &err), 0);
	assert_string_equal(recipient->name, "pgp:bob@example.org");
	assert_string_equal(recipient->scheme, "pgp");
	assert_int_equal(secret_from_span(&options, SPAN_LIT("layer"), &err), 0);
	assert_int_equal(recipient->wrap(recipient, &options, &first, &err), 0);
	assert_int_equal(recipient->wrap(recipient, &options, &second, &err), 0);
	assert_false(span_eq(buf_span(&first), buf_span(&second)));
}

static void every_key_of_a_person_gets_the_message(void **state)
{
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	struct pgp_message message;

	(void)state;
	assert_int_equal(wrap_to(&wrap_pgp, &settings, "Twin", SPAN_LIT("x"), &element, NULL), 0);
	assert_int_equal(pgp_message_look(buf_span(&element), &message, NULL), 0);
	assert_int_equal(message.count, 2);
}

static void refuses_recipients_that_cannot_be(void **state)
{
	static const struct {
		const char *who, *reason;
		enum err_kind kind;
	} cases[] = {
		{ "", "an OpenPGP recipient without a name", ERR_USAGE },
		{ "nobody@example.org", "no key found for 'nobody@example.org' in GnuPG's public keyring",
				ERR_NOT_FOUND },
		{ "alice", "no key found for 'alice'", ERR_NOT_FOUND },
		{ "Alice@example.org", "no key found for 'Alice@example.org'", ERR_NOT_FOUND },
		{ "<alice@example.org>", "no key found", ERR_NOT_FOUND },
		{ "Alice Example (images) <alice@example.org>", "no key found", ERR_NOT_FOUND },
		{ "--yes", "no key found for '--yes'", ERR_NOT_FOUND },
		{ "carol@example.org", "of 'carol@example.org' has expired", ERR_USAGE },
		{ "dora@example.org", "of 'dora@example.org' has been revoked", ERR_USAGE },
		{ "signer@example.org", "of 'signer@example.org' is disabled", ERR_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipient *recipient = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(wrap_pgp.recipient(&settings, cases[i].who, &recipient, &err), -1);
		assert_null(recipient);
		if (!strstr(err.text, cases[i].reason) || err.kind != cases[i].kind)
			fail_msg("%s: %s: %s", cases[i].who, err_kind_name(err.kind), err.text);
	}
}

static void a_key_that_only_signs_is_no_recipient(void **state)
{
	static const char *const enable[] = { "--no-tty", "--command-fd", "0", "--edit-key",
		"signer@example.org", NULL };
	struct recipient *recipient = NULL;
	struct err err = ERR_NONE;

	(void)state;
	gpg(enable, "enable\nsave\n");
	assert_int_equal(wrap_pgp.recipient(&settings, "Signer", &recipient, &err), -1);
	assert_non_null(strstr(err.text, "has no part for encryption that is valid now"));
}

/* ---- homes and time ---- */

static int agent_of(const char *folder)
{
	static const char *const ask[] = { "getinfo pid", "/bye", NULL };
	auto_buf struct buf said = BUF_MAX(4096);

	run_in(folder, "gpg-connect-agent", ask, "", &said);
	assert_true(span_starts(buf_span(&said), "D "));
	return (int)strtol(buf_text(&said) + 2, NULL, 10);
}

static void a_home_goes_with_its_agent(void **state)
{
	auto_free char *path = NULL;
	struct stat status;

	(void)state;
	gpg_init();
	assert_int_equal(gpg_home_make(&path, NULL), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	auto_fd int agent = pidfd_open(agent_of(path), 0);
	assert_true(agent >= 0);
	gpg_home_remove(path);
	assert_int_equal(stat(path, &status), -1);
	struct pollfd ended = { .fd = agent, .events = POLLIN };
	assert_int_equal(poll(&ended, 1, 20000), 1);
}

/* In a process of its own, which is to die of the signal: opens two homes, is told to end, and lets them go. */
static void end_while_keys_are_open(int tell)
{
	static const char *const files[] = { PGP "bob.pgp", PGP "bob.pgp" };
	struct keys keys = KEYS_NONE;
	struct opener_list list = OPENER_LIST_NONE;
	struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);
	struct secret opened = SECRET_NONE;

	load(PGP "go-new-alice.msg", &element);
	for (size_t i = 0; i < 2; i++)
		if (keys_add(&keys, files[i], NULL) < 0)
			_exit(1);
	if (wrap_pgp.openers(&settings, &keys, &list, NULL) < 0)
		_exit(1);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i]->unwrap(list.items[i], buf_span(&element), &opened, NULL) == 0)
			_exit(1);
	kill(getpid(), SIGTERM);
	if (write(tell, "held", 4) != 4)
		_exit(1);
	opener_list_clear(&list);
	(void)!write(tell, "alive", 5);
	_exit(1);
}

static void a_signal_waits_until_the_keys_are_gone(void **state)
{
	char told[16] = "";
	int ends[2], status = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (!child)
		end_while_keys_are_open(ends[1]);
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(read(ends[0], told, sizeof(told) - 1) >= 0);
	close(ends[0]);
	assert_string_equal(told, "held");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

/* A program in the place of gpg that never answers. */
static void a_gnupg_that_hangs_is_given_up(void **state)
{
	struct gpg_wait wait;
	gpgme_ctx_t ctx = NULL;
	gpgme_error_t status = 0;
	char path[200];
	struct err err = ERR_NONE;

	(void)state;
	gpg_init();
	put("slow", "#!/bin/sh\ncase $* in *--version*) exec gpg --version ;; esac\nexec sleep 3\n");
	snprintf(path, sizeof(path), "%s/slow", home);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(gpgme_new(&ctx), 0);
	assert_int_equal(gpgme_ctx_set_engine_info(ctx, GPGME_PROTOCOL_OpenPGP, path, home), 0);
	gpg_wait_init(&wait, ctx);
	gpgme_error_t started = gpgme_op_keylist_start(ctx, NULL, 0);
	assert_int_equal(started, 0);
	assert_int_equal(gpg_wait(&wait, ctx, started, 50, &status, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_string_equal(err.text, "GnuPG did not answer within 0 seconds");
	/* nothing of it is left for the next operation */
	assert_false(wait.done);
	gpgme_release(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_peers_wrote),
		cmocka_unit_test(says_why_it_cannot_open),
		cmocka_unit_test(a_damaged_message_is_refused),
		cmocka_unit_test(a_file_that_gnupg_cannot_use_is_named_once_it_is_needed),
		cmocka_unit_test(what_it_wraps_it_opens),
		cmocka_unit_test(one_recipient_wraps_many_layers),
		cmocka_unit_test(every_key_of_a_person_gets_the_message),
		cmocka_unit_test(refuses_recipients_that_cannot_be),
		cmocka_unit_test(a_key_that_only_signs_is_no_recipient),
		cmocka_unit_test(a_home_goes_with_its_agent),
		cmocka_unit_test(a_signal_waits_until_the_keys_are_gone),
		cmocka_unit_test(a_gnupg_that_hangs_is_given_up),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
