/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest workload that shows it runs: one line of output, then nothing
 * until SIGTERM, then a clean and quick end.
 */
#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	sigset_t signals;
	int signal = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return 1;

	printf("demo-app: running%s%s\n", argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	if (fflush(stdout))
		return 1;
	return sigwait(&signals, &signal) ? 1 : 0;
}
