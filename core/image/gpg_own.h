/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of image/gpg share; nobody else includes this. */
#ifndef COCOON_IMAGE_GPG_OWN_H
#define COCOON_IMAGE_GPG_OWN_H

#include "image/gpg.h"

#include <gpgme.h>
#include <stdbool.h>
#include <stdint.h>

#define GPG_WATCHES_MAX 16

/* ---- gpg_wait.c: one operation of gpgme under a deadline ---- */

struct gpg_watch {
	int fd; /* -1: free */
	bool reads;
	gpgme_io_cb_t call;
	void *data;
};

struct gpg_wait {
	struct gpg_watch watches[GPG_WATCHES_MAX];
	bool done;
	gpgme_error_t status;
	void (*key)(void *ctx, gpgme_key_t key); /* of a listing; takes the key over */
	void *key_ctx;
};

/* The operations of ctx that are started from now on are waited for here. */
void gpg_wait_init(struct gpg_wait *wait, gpgme_ctx_t ctx) __attribute__((nonnull));

/*
 * Waits for the operation whose start gave `started`. 0 with gpgme's verdict in *status; -1 (ERR_RETRY) when the time
 * was over, and the operation has been cancelled.
 */
int gpg_wait(struct gpg_wait *wait, gpgme_ctx_t ctx, gpgme_error_t started, int timeout,
		gpgme_error_t *status, struct err *err) __attribute__((nonnull(1, 2, 5), warn_unused_result));

/* ---- gpg_home.c ---- */

int gpg_home_make(char **out, struct err *err) __attribute__((nonnull(1), warn_unused_result));
/* Ends the agent, too. */
void gpg_home_remove(const char *home) __attribute__((nonnull));

#endif
