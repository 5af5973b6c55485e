/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/progress.h"

#include "base/clock.h"
#include "image-crypt/job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR       24
#define MIB       (1024.0 * 1024.0)
#define LINES_MAX 8

void progress_begin(struct progress *progress, bool quiet)
{
	*progress = (struct progress){
		.on = !quiet && isatty(STDERR_FILENO),
		.began = clock_mono(&clock_real),
	};
}

/* Back to the first of the lines of the last time, and everything below goes. */
static void rewind_lines(struct progress *progress)
{
	if (progress->lines)
		fprintf(stderr, "\033[%dA\r\033[J", progress->lines);
	progress->lines = 0;
}

static const char *verb_of(const struct task *task)
{
	switch (task->work) {
	case LAYER_ENCRYPT:
		return "encrypting";
	case LAYER_DECRYPT:
		return "decrypting";
	case LAYER_COPY:
		break;
	}
	return "copying";
}

static void draw_line(
		struct progress *progress, const char *name, const char *what, uint64_t taken, uint64_t size)
{
	int64_t spent = clock_mono(&clock_real) - progress->began;
	char bar[BAR + 1];
	int filled = size ? (int)((double)taken / (double)size * BAR) : BAR;

	memset(bar, ' ', BAR);
	memset(bar, '=', (size_t)filled);
	if (filled < BAR)
		bar[filled] = '>';
	bar[BAR] = '\0';
	fprintf(stderr, "%-20.20s %-10s [%s] %8.1f/%.1f MiB %8.1f MiB/s\n", name, what, bar,
			(double)taken / MIB, (double)size / MIB,
			spent > 0 ? (double)taken / MIB * (double)CLOCK_SECOND / (double)spent : 0.0);
	progress->lines++;
}

void progress_draw(struct progress *progress, const struct job *job)
{
	uint64_t taken = 0, size = 0;

	if (!progress->on)
		return;
	rewind_lines(progress);
	for (size_t i = 0; i < job->count; i++) {
		const struct task *task = &job->tasks[i];
		taken += atomic_load(&task->taken);
		size += task->blob.size;
		if (atomic_load(&task->state) == TASK_RUNS && progress->lines < LINES_MAX)
			draw_line(progress, task->blob.digest, verb_of(task), atomic_load(&task->taken),
					task->blob.size);
	}
	draw_line(progress, "all", "", taken, size);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (!progress->on)
		return;
	rewind_lines(progress);
	fflush(stderr);
}
