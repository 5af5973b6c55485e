/* SPDX-License-Identifier: Apache-2.0 */
#include "base/run.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A program that runs. */
struct child {
	const struct run *run;
	const char *name;
	pid_t pid;
	int pidfd;
	int out, said; /* our ends of its standard output and error; -1: ended, or not ours */
	struct buf text;
};

/* The input as a file in memory: the program may read it as slowly as it likes, or not at all. */
static int input_open(const struct run *run, struct err *err)
{
	auto_fd int fd = memfd_create("input", MFD_CLOEXEC);

	for (size_t at = 0; fd >= 0 && at < run->input.len;) {
		ssize_t n = write(fd, run->input.ptr + at, run->input.len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(err, ERR_IO, "preparing the input of %s", run->what);
		at += (size_t)n;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, ERR_IO, "preparing the input of %s", run->what);
	return take_fd(&fd);
}

static void input_wipe(const struct run *run, int fd)
{
	static const char zeros[4096];

	for (size_t at = 0; fd >= 0 && at < run->input.len; at += sizeof(zeros))
		if (pwrite(fd, zeros, sizeof(zeros), (off_t)at) < 0)
			return;
}

/* Our signals that a program must not inherit ignored or blocked. */
static void set_attributes(posix_spawnattr_t *attr, bool own_group)
{
	sigset_t none, defaults;
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGTERM);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &defaults);
	if (own_group) {
		posix_spawnattr_setpgroup(attr, 0);
		flags |= POSIX_SPAWN_SETPGROUP;
	}
	posix_spawnattr_setflags(attr, flags);
}

/* posix_spawn takes the texts without const and does not change them. */
static char *const *unconst(const char *const *texts)
{
	union {
		const char *const *given;
		char *const *wanted;
	} both = { .given = texts };

	return both.wanted;
}

static int spawn(struct child *child, int in, int out, int said, struct err *err)
{
	const struct run *run = child->run;
	char *const *env = run->environment ? unconst(run->environment) : environ;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	if (!run->terminal)
		posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!run->keep_stderr)
		posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	set_attributes(&attr, !run->terminal);
	int failed = run->program
			? posix_spawn(&child->pid, run->program, &actions, &attr, unconst(run->argv), env)
			: posix_spawnp(&child->pid, run->argv[0], &actions, &attr, unconst(run->argv), env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (!failed)
		return 0;
	errno = failed;
	return err_errno(err, failed == ENOENT ? ERR_NOT_FOUND : ERR_IO, "starting %s '%s'", run->what,
			child->name);
}

/* Moves what a pipe holds now to `into`, no more than `most` of it, and forgets the pipe at its end. */
static int drain(const struct child *child, int *fd, struct buf *into, size_t most, struct err *err)
{
	char chunk[4096];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return err_errno(err, ERR_IO, "reading from %s '%s'", child->run->what, child->name);
	if (!n)
		*fd = -1;
	buf_add(into, chunk, (size_t)n < most ? (size_t)n : most);
	explicit_bzero(chunk, sizeof(chunk));
	return 0;
}

/* Reads until the program has ended and its pipes hold nothing more. */
static int collect(struct child *child, struct buf *out, struct err *err)
{
	int64_t deadline = clock_mono(&clock_real) + child->run->timeout * (CLOCK_SECOND / 1000);

	for (;;) {
		struct pollfd fds[3] = { { .fd = child->out, .events = POLLIN },
			{ .fd = child->said, .events = POLLIN }, { .fd = child->pidfd, .events = POLLIN } };
		int64_t left = deadline - clock_mono(&clock_real);
		int ready = left > 0 ? poll(fds, 3, (int)(left / 1000) + 1) : 0;
		if (ready < 0 && errno != EINTR)
			return err_errno(err, ERR_IO, "waiting for %s '%s'", child->run->what, child->name);
		if (!ready)
			return err_set(err, ERR_RETRY, "%s '%s' did not end within %d ms", child->run->what,
					child->name, child->run->timeout);
		if (ready < 0)
			continue;
		if (fds[0].revents && drain(child, &child->out, out, SIZE_MAX, err) < 0)
			return -1;
		if (fds[1].revents &&
				drain(child, &child->said, &child->text, RUN_SAID_MAX - child->text.len,
						err) < 0)
			return -1;
		if (out->over)
			return err_set(err, ERR_LIMIT, "%s '%s' printed more than %zu bytes",
					child->run->what, child->name, out->max);
		if (!fds[0].revents && !fds[1].revents && fds[2].revents)
			return 0;
	}
}

static int judge(const struct child *child, int status, struct err *err)
{
	struct span said = span_trim(buf_span(&child->text));

	if (WIFSIGNALED(status))
		return err_set(err, ERR_DENIED, "%s '%s' was ended by signal %d%s%.*s", child->run->what,
				child->name, WTERMSIG(status), said.len ? ": " : "", SPAN_ARG(said));
	if (WEXITSTATUS(status))
		return err_set(err, ERR_DENIED, "%s '%s' failed with exit code %d%s%.*s", child->run->what,
				child->name, WEXITSTATUS(status), said.len ? ": " : "", SPAN_ARG(said));
	return 0;
}

static int finish(struct child *child, struct buf *out, struct err *err)
{
	int status = 0, result = collect(child, out, err);

	if (!child->run->terminal)
		kill(-child->pid, SIGKILL);
	if (result < 0)
		kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	return result < 0 ? -1 : judge(child, status, err);
}

int run_program(const struct run *run, struct buf *out, struct err *err)
{
	int ends[4] = { -1, -1, -1, -1 };
	auto_fd int in = run->terminal ? -1 : input_open(run, err);

	if (!run->terminal && in < 0)
		return -1;
	bool piped = !pipe2(ends, O_CLOEXEC) && !pipe2(ends + 2, O_CLOEXEC);
	auto_fd int out_read = ends[0], out_write = ends[1], said_read = ends[2], said_write = ends[3];
	if (!piped)
		return err_errno(err, ERR_IO, "making pipes for %s", run->what);
	fcntl(out_read, F_SETFL, O_NONBLOCK);
	fcntl(said_read, F_SETFL, O_NONBLOCK);
	struct child child = { .run = run,
		.name = run->argv[0],
		.out = out_read,
		.said = run->keep_stderr ? -1 : said_read,
		.text = BUF_MAX(RUN_SAID_MAX) };
	int result = spawn(&child, in, out_write, said_write, err);
	close(take_fd(&out_write));
	close(take_fd(&said_write));
	if (!result) {
		auto_fd int pidfd = pidfd_open(child.pid, 0);
		child.pidfd = pidfd;
		result = finish(&child, out, err);
	}
	buf_clear(&child.text);
	input_wipe(run, in);
	return result;
}
