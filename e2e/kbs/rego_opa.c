/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/rego.h"
#include "e2e/kbs/rego_own.h"
#include "net/http.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FOLDER      "/tmp/dev-kbs-XXXXXX"
#define ANSWER_MAX  ((size_t)4 * 1024 * 1024)
#define STEP        20 /* ms between looks whether it answers */
#define EXEC_FAILED 127

/* ---- the process -------------------------------------------------------------------------------------------- */

/* In the child: only system calls from here on. */
static void __attribute__((noreturn)) become(char *const argv[], pid_t parent)
{
	static char *const environment[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	int null = open("/dev/null", O_RDWR);
	/* the parent may have ended before it could be watched */
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
			prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
			close_range(3, ~0U, 0) < 0)
		_exit(EXEC_FAILED);
	execve(argv[0], argv, environment);
	_exit(EXEC_FAILED);
}

static int make_folder(struct opa *opa, struct err *err)
{
	if (opa->folder[0])
		return 0;
	snprintf(opa->folder, sizeof(opa->folder), FOLDER);
	if (!mkdtemp(opa->folder)) {
		opa->folder[0] = '\0';
		return err_errno(err, ERR_IO, "making a folder for opa's socket");
	}
	opa->socket = xasprintf("%s/socket", opa->folder);
	const struct http_options options = { .user_agent = "dev-kbs", .unix_socket = opa->socket };
	opa->http = http_new(&options, err);
	return opa->http ? 0 : -1;
}

bool opa_lives(struct opa *opa)
{
	if (!opa->pid)
		return false;
	if (waitpid(opa->pid, NULL, WNOHANG) == 0)
		return true;
	opa->pid = 0;
	return false;
}

static void end(struct opa *opa)
{
	if (!opa->pid)
		return;
	kill(opa->pid, SIGKILL);
	while (waitpid(opa->pid, NULL, 0) < 0 && errno == EINTR)
		;
	opa->pid = 0;
}

void opa_stop(struct opa *opa)
{
	end(opa);
	http_free(opa->http);
	if (opa->socket)
		unlink(opa->socket);
	if (opa->folder[0])
		rmdir(opa->folder);
	free(opa->socket);
	free(opa->program);
}

static int await(struct opa *opa, struct err *err)
{
	int64_t until = clock_mono(&clock_real) + REGO_START_TIMEOUT * (CLOCK_SECOND / 1000);
	struct err last = ERR_NONE;
	int status = 0;

	while (clock_mono(&clock_real) < until) {
		auto_json json_t *answer = NULL;
		if (!opa_lives(opa))
			return err_set(err, ERR_NOT_FOUND,
					"opa '%s' cannot be run, or does not run as a server", opa->program);
		err_clear(&last);
		if (opa_ask(opa, "GET", "/health", SPAN_NONE, &status, &answer, &last) == 0 && status == 200)
			return 0;
		poll(NULL, 0, STEP);
	}
	return err_set(err, ERR_RETRY, "opa does not answer: %s", last.text);
}

int opa_start(struct opa *opa, struct err *err)
{
	if (make_folder(opa, err) < 0)
		return -1;
	auto_free char *address = xasprintf("unix://%s", opa->socket);
	char *const argv[] = { opa->program, (char[]){ "run" }, (char[]){ "--server" }, (char[]){ "--addr" },
		address, (char[]){ "--unix-socket-perm" }, (char[]){ "600" }, (char[]){ "--log-level" },
		(char[]){ "error" }, (char[]){ "--skip-version-check" }, NULL };
	pid_t parent = getpid();

	end(opa);
	unlink(opa->socket);
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(err, ERR_IO, "starting opa");
	if (pid == 0)
		become(argv, parent);
	opa->pid = pid;
	return await(opa, err);
}

/* ---- one request -------------------------------------------------------------------------------------------- */

int opa_ask(struct opa *opa, const char *method, const char *path, struct span body, int *status,
		json_t **answer, struct err *err)
{
	auto_free char *url = xasprintf("http://opa%s", path);
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	const struct http_request request = { .method = method,
		.url = url,
		.name = "asking opa",
		.body = body,
		.max_body = ANSWER_MAX,
		.total_timeout = REGO_TIMEOUT };

	if (http_fetch(opa->http, &request, &response, err) < 0)
		return -1;
	*status = response.status;
	*answer = NULL;
	if (!span_trim(buf_span(&response.body)).len)
		return 0;
	return json_read(buf_span(&response.body), ANSWER_MAX, answer, err);
}
