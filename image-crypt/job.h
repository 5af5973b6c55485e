/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blobs of a command on their way from a source to a destination: encrypted, decrypted, copied or only checked,
 * several at once, each in one pass (image/layer.h). What goes where is decided before (image-crypt/change.h); here
 * is who does it, in which order, and what becomes of an interruption.
 *
 *     struct job job = { .from = &src, .to = &dst, .tasks = tasks, .count = n, … };
 *     job_run(&job, err)                each task's result is filled in, each blob lies under its digest
 *
 * The largest blobs begin first. A copy that the destination has already, or mounts from another repository of the same registry, costs
 * nothing. The first failure, SIGINT or SIGTERM stop the others; what was not committed is removed.
 *
 * Threads: job_run() is called in the main thread, before any other thread runs; it takes the signals and draws the
 * progress on a terminal while its workers work.
 * Errors: those of source, destination and layer, with the blob's digest; ERR_RETRY "interrupted".
 */
#ifndef COCOON_IMAGE_CRYPT_JOB_H
#define COCOON_IMAGE_CRYPT_JOB_H

#include "crypto/secret.h"
#include "image/layer.h"
#include "oci/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct task {
	enum layer_work work;
	struct oci_descriptor blob; /* borrowed from the manifest it stands in */
	struct secret key;          /* LAYER_KEY bytes; none for a copy */
	unsigned char nonce[LAYER_NONCE];
	unsigned char mac[LAYER_MAC]; /* LAYER_DECRYPT: as the annotation says */

	struct layer_result result;
	bool present; /* the destination had the blob, nothing was read */
	_Atomic uint64_t taken;
	atomic_int state; /* enum task_state */
};

enum task_state { TASK_WAITS, TASK_RUNS, TASK_DONE };

struct job {
	const struct oci_place *from;
	const struct oci_access *access;
	struct oci_dest *to; /* NULL: blobs are only checked */
	struct task *tasks;
	size_t count;
	bool quiet; /* no progress even on a terminal */
};

int job_run(struct job *job, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
