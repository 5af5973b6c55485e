/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/job.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "base/signals.h"
#include "image-crypt/progress.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKERS_MAX 8
#define REMOTE_MIN \
	4 /* a registry answers slowly enough to keep more blobs on their way than there are cores */
#define INLINE_SIZE ((uint64_t)1024 * 1024) /* below, threads of its own cost a layer more than they bring */
#define TRIES_MAX   3
#define DRAW_MS     100

struct run {
	struct job *job;
	size_t *order; /* indexes of tasks, the largest first */
	atomic_size_t next;
	atomic_bool stop;
	atomic_uint running;
	int ended; /* eventfd: a worker has ended */
	unsigned cores;
	unsigned workers;
	pthread_mutex_t lock; /* over failure */
	struct err failure;   /* the first one */
};

struct worker {
	struct run *run;
	struct oci_dest *to; /* joined, of this worker alone; NULL: blobs are only checked */
	pthread_t thread;
};

/* ---- one blob ---- */

static void count_progress(void *ctx, uint64_t more)
{
	struct task *task = ctx;

	atomic_fetch_add(&task->taken, more);
}

/* A few large layers get the cores each; where there are as many layers as cores, each layer has its own. */
static unsigned threads_for(const struct run *run, const struct task *task)
{
	size_t large = 0;

	if (task->blob.size < INLINE_SIZE)
		return 1;
	for (size_t i = 0; i < run->job->count && large < 2 * (size_t)run->cores; i++)
		large += run->job->tasks[i].blob.size >= INLINE_SIZE &&
				atomic_load(&run->job->tasks[i].state) != TASK_DONE;
	return large >= 2 * (size_t)run->cores ? 1 : run->cores;
}

static int write_blob(struct worker *worker, struct task *task, struct layer_job *work, struct pull *in,
		struct err *err)
{
	auto_oci_writer struct oci_writer *writer = NULL;

	if (oci_dest_blob(worker->to, task->blob.size, &writer, err) < 0 ||
			layer_run(work, in, oci_writer_stream(writer), &task->result, err) < 0)
		return -1;
	return oci_writer_commit(writer, work->want_digest ? task->result.digest : task->blob.digest, err);
}

static int run_once(struct worker *worker, struct oci_source *from, struct task *task, struct err *err)
{
	auto_oci_reader struct oci_reader *reader = NULL;
	struct layer_job work = {
		.work = task->work,
		.key = task->work == LAYER_COPY ? NULL : &task->key,
		.nonce = task->nonce,
		.mac = task->mac,
		.digest = task->blob.digest,
		.want_digest = worker->to && task->work != LAYER_COPY,
		.threads = threads_for(worker->run, task),
		.progress = count_progress,
		.progress_ctx = task,
		.stop = &worker->run->stop,
	};

	if (worker->to && task->work == LAYER_COPY) {
		if (oci_dest_has(worker->to, &task->blob, &task->present, err) < 0)
			return -1;
		if (task->present) {
			count_progress(task, task->blob.size);
			return 0;
		}
	}
	if (oci_source_blob(from, &task->blob, &reader, err) < 0)
		return -1;
	if (worker->to)
		return write_blob(worker, task, &work, oci_reader_pull(reader), err);
	return layer_run(&work, oci_reader_pull(reader), NULL, &task->result, err);
}

/* A registry that forgot a part of an upload is given the blob anew: the same key and nonce give the same bytes. */
static int run_task(struct worker *worker, struct oci_source *from, struct task *task, struct err *err)
{
	for (int tries = 1;; tries++) {
		if (run_once(worker, from, task, err) == 0)
			return 0;
		if (err->kind != ERR_RETRY || tries == TRIES_MAX || atomic_load(&worker->run->stop))
			return -1;
		atomic_store(&task->taken, 0);
		err_clear(err);
	}
}

/* ---- the workers ---- */

static void fail(struct run *run, const struct err *err)
{
	pthread_mutex_lock(&run->lock);
	if (run->failure.kind == ERR_OK)
		run->failure = *err;
	pthread_mutex_unlock(&run->lock);
	atomic_store(&run->stop, true);
}

static struct task *next_task(struct run *run)
{
	size_t at = atomic_fetch_add(&run->next, 1);

	return at < run->job->count && !atomic_load(&run->stop) ? &run->job->tasks[run->order[at]] : NULL;
}

static void work(struct worker *worker)
{
	auto_oci_source struct oci_source *from = NULL;
	struct run *run = worker->run;
	struct err err = ERR_NONE;
	struct task *task;

	if (oci_source_open(run->job->from, run->job->access, &from, &err) < 0) {
		fail(run, &err);
		return;
	}
	while ((task = next_task(run)) != NULL) {
		atomic_store(&task->state, TASK_RUNS);
		if (run_task(worker, from, task, &err) < 0) {
			err_wrap(&err, "%s", task->blob.digest);
			fail(run, &err);
			return;
		}
		atomic_store(&task->state, TASK_DONE);
	}
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	uint64_t one = 1;

	work(worker);
	atomic_fetch_sub(&worker->run->running, 1);
	/* the counter of an eventfd takes far more than there are workers */
	(void)!write(worker->run->ended, &one, sizeof(one));
	return NULL;
}

/* Waits for the workers: draws, and passes a signal on as the wish to stop. */
static void watch(struct run *run, int signals)
{
	struct progress progress;

	progress_begin(&progress, run->job->quiet);
	/* once whatever happens, so that a short job is seen, too */
	progress_draw(&progress, run->job);
	while (atomic_load(&run->running)) {
		struct pollfd fds[] = { { .fd = run->ended, .events = POLLIN },
			{ .fd = signals, .events = POLLIN } };
		uint64_t count;
		poll(fds, 2, progress.on ? DRAW_MS : -1);
		if (fds[0].revents & POLLIN)
			(void)!read(run->ended, &count, sizeof(count));
		if ((fds[1].revents & POLLIN) && signals_take(signals)) {
			struct err err = ERR_NONE;
			err_set(&err, ERR_RETRY, "interrupted");
			fail(run, &err);
		}
		progress_draw(&progress, run->job);
	}
	progress_end(&progress);
}

/* ---- the whole ---- */

static int by_size(const void *a, const void *b, void *tasks)
{
	const struct task *all = tasks;
	uint64_t one = all[*(const size_t *)a].blob.size, two = all[*(const size_t *)b].blob.size;

	return one < two ? 1 : one > two ? -1 : 0;
}

static void put_in_order(struct run *run)
{
	struct job *job = run->job;

	run->order = xcalloc(job->count, sizeof(*run->order));
	for (size_t i = 0; i < job->count; i++)
		run->order[i] = i;
	qsort_r(run->order, job->count, sizeof(*run->order), by_size, job->tasks);
}

static unsigned workers_for(const struct job *job, unsigned cores)
{
	unsigned workers = cores;

	if (workers < REMOTE_MIN && job->from->transport == OCI_DOCKER)
		workers = REMOTE_MIN;
	return workers < job->count ? workers : (unsigned)job->count;
}

/* Starts what can be started; the first that cannot ends the job. Returns how many run. */
static unsigned start(struct run *run, struct worker *workers)
{
	struct err err = ERR_NONE;
	unsigned count = 0;

	for (; count < run->workers; count++) {
		struct worker *worker = &workers[count];
		worker->run = run;
		if (run->job->to && oci_dest_join(run->job->to, &worker->to, &err) < 0)
			break;
		atomic_fetch_add(&run->running, 1);
		errno = pthread_create(&worker->thread, NULL, worker_main, worker);
		if (errno) {
			err_errno(&err, ERR_IO, "starting a thread");
			atomic_fetch_sub(&run->running, 1);
			oci_dest_free(worker->to);
			break;
		}
	}
	if (count < run->workers)
		fail(run, &err);
	return count;
}

int job_run(struct job *job, struct err *err)
{
	struct worker workers[WORKERS_MAX] = { 0 };
	struct run run = { .job = job, .lock = PTHREAD_MUTEX_INITIALIZER };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	auto_fd int signals = -1, ended = -1;

	if (!job->count)
		return 0;
	signals = signals_open(err);
	if (signals < 0)
		return -1;
	ended = eventfd(0, EFD_CLOEXEC);
	if (ended < 0)
		return err_errno(err, ERR_IO, "eventfd");
	run.ended = ended;
	run.cores = cores > 1 ? (unsigned)(cores < WORKERS_MAX ? cores : WORKERS_MAX) : 1;
	run.workers = workers_for(job, run.cores);
	put_in_order(&run);
	unsigned started = start(&run, workers);
	watch(&run, signals);
	for (unsigned i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		oci_dest_free(workers[i].to);
	}
	free(run.order);
	if (run.failure.kind == ERR_OK)
		return 0;
	if (err)
		*err = run.failure;
	return -1;
}
