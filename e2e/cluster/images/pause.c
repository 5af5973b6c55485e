/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox's first process: holds the pod's namespaces open, adopts and
 * reaps orphans, and ends when asked to.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void)
{
	sigset_t signals;
	int signal = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	/* Blocked signals reach the first process of a namespace only through sigwait. */
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return 1;

	/* Ends with the pod: not before, whatever the number of orphans. */
	for (;;) {
		if (sigwait(&signals, &signal))
			return 1;
		if (signal != SIGCHLD)
			return 0;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
