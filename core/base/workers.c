/* SPDX-License-Identifier: Apache-2.0 */
#include "base/workers.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct job {
	void (*run)(void *ctx);
	void *ctx;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *jobs; /* a ring */
	size_t room;
	size_t first;
	size_t count;
	unsigned running;
	bool ending;
	unsigned threads;
	pthread_t ids[];
};

/* Waits for a job; false when there will be none: those that run may add others. */
static bool next_job(struct workers *self, struct job *out)
{
	while (!self->count) {
		if (self->ending && !self->running)
			return false;
		pthread_cond_wait(&self->changed, &self->lock);
	}
	*out = self->jobs[self->first];
	self->first = (self->first + 1) % self->room;
	self->count--;
	return true;
}

static void *work(void *arg)
{
	struct workers *self = arg;
	struct job job;

	pthread_mutex_lock(&self->lock);
	while (next_job(self, &job)) {
		self->running++;
		pthread_mutex_unlock(&self->lock);
		job.run(job.ctx);
		pthread_mutex_lock(&self->lock);
		self->running--;
	}
	/* the others wait for the last job to be done */
	pthread_cond_broadcast(&self->changed);
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

static int start(struct workers *self, unsigned threads, struct err *err)
{
	sigset_t all, old;
	int code = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (self->threads < threads && !code) {
		code = pthread_create(&self->ids[self->threads], NULL, work, self);
		self->threads += !code;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!code)
		return 0;
	errno = code;
	return err_errno(err, ERR_IO, "starting %u threads", threads);
}

int workers_new(unsigned threads, size_t queue, struct workers **out, struct err *err)
{
	if (!threads || threads > WORKERS_THREADS_MAX || !queue || queue > WORKERS_QUEUE_MAX)
		return err_set(err, ERR_USAGE,
				"%u threads with a queue of %zu; 1 to %d threads and a queue of 1 to %d are "
				"possible",
				threads, queue, WORKERS_THREADS_MAX, WORKERS_QUEUE_MAX);
	auto_workers struct workers *self = xcalloc(1, sizeof(*self) + threads * sizeof(self->ids[0]));
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->changed, NULL);
	self->jobs = xcalloc(queue, sizeof(*self->jobs));
	self->room = queue;
	if (start(self, threads, err) < 0)
		return -1;
	*out = take(&self);
	return 0;
}

void workers_free(struct workers *self)
{
	if (!self)
		return;
	pthread_mutex_lock(&self->lock);
	self->ending = true;
	pthread_cond_broadcast(&self->changed);
	pthread_mutex_unlock(&self->lock);
	for (unsigned i = 0; i < self->threads; i++)
		pthread_join(self->ids[i], NULL);
	pthread_cond_destroy(&self->changed);
	pthread_mutex_destroy(&self->lock);
	free(self->jobs);
	free(self);
}

bool workers_add(struct workers *self, void (*run)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&self->lock);
	bool taken = self->count < self->room;
	if (taken) {
		self->jobs[(self->first + self->count) % self->room] = (struct job){ run, ctx };
		self->count++;
		pthread_cond_signal(&self->changed);
	}
	pthread_mutex_unlock(&self->lock);
	return taken;
}
