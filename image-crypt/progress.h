/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a job is, on a terminal: a line for each blob that runs and one for the whole, drawn over and over.
 *
 *     sha256:0123456789ab  encrypting  [=========>          ]  412.0/1024.0 MiB  987.3 MiB/s
 *
 * Nothing is drawn where standard error is no terminal.
 */
#ifndef COCOON_IMAGE_CRYPT_PROGRESS_H
#define COCOON_IMAGE_CRYPT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct job;

struct progress {
	bool on;
	int64_t began; /* monotonic microseconds */
	int lines;     /* drawn the last time */
};

void progress_begin(struct progress *progress, bool quiet) __attribute__((nonnull));
void progress_draw(struct progress *progress, const struct job *job) __attribute__((nonnull));
/* Takes the lines away: what remains on the terminal is the command's own last word. */
void progress_end(struct progress *progress) __attribute__((nonnull));

#endif
