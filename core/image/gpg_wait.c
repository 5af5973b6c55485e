/* SPDX-License-Identifier: Apache-2.0 */
/* gpgme waits for GnuPG without end; here it tells us its descriptors, and we wait with a deadline. */
#include "base/clock.h"
#include "base/err.h"
#include "image/gpg_own.h"

#include <errno.h>
#include <poll.h>

static gpgme_error_t add(void *ctx, int fd, int dir, gpgme_io_cb_t call, void *data, void **tag)
{
	struct gpg_wait *wait = ctx;

	for (size_t i = 0; i < GPG_WATCHES_MAX; i++) {
		struct gpg_watch *watch = &wait->watches[i];
		if (watch->fd >= 0)
			continue;
		*watch = (struct gpg_watch){ .fd = fd, .reads = dir == 1, .call = call, .data = data };
		*tag = watch;
		return 0;
	}
	return gpgme_error(GPG_ERR_TOO_MANY);
}

static void forget(void *tag)
{
	struct gpg_watch *watch = tag;

	watch->fd = -1;
}

static void event(void *ctx, gpgme_event_io_t type, void *data)
{
	struct gpg_wait *wait = ctx;
	const struct gpgme_io_event_done_data *verdict = data;

	if (type == GPGME_EVENT_NEXT_KEY) {
		if (wait->key)
			wait->key(wait->key_ctx, data);
		else
			gpgme_key_unref(data);
	}
	if (type != GPGME_EVENT_DONE)
		return;
	wait->done = true;
	wait->status = verdict->err ? verdict->err : verdict->op_err;
}

void gpg_wait_init(struct gpg_wait *wait, gpgme_ctx_t ctx)
{
	struct gpgme_io_cbs calls = {
		.add = add, .add_priv = wait, .remove = forget, .event = event, .event_priv = wait
	};

	*wait = (struct gpg_wait){ .done = false };
	for (size_t i = 0; i < GPG_WATCHES_MAX; i++)
		wait->watches[i].fd = -1;
	gpgme_set_io_cbs(ctx, &calls);
}

/* One round. A callback may remove any watch, its own too, and end the operation. */
static int round_of(struct gpg_wait *wait, int timeout)
{
	struct pollfd fds[GPG_WATCHES_MAX];

	for (size_t i = 0; i < GPG_WATCHES_MAX; i++)
		fds[i] = (struct pollfd){ .fd = wait->watches[i].fd,
			.events = wait->watches[i].reads ? POLLIN : POLLOUT };
	int ready = poll(fds, GPG_WATCHES_MAX, timeout);
	for (size_t i = 0; ready > 0 && i < GPG_WATCHES_MAX; i++) {
		struct gpg_watch watch = wait->watches[i];
		if (fds[i].revents && watch.fd == fds[i].fd && watch.fd >= 0)
			watch.call(watch.data, watch.fd);
	}
	return ready;
}

int gpg_wait(struct gpg_wait *wait, gpgme_ctx_t ctx, gpgme_error_t started, int timeout,
		gpgme_error_t *status, struct err *err)
{
	int64_t end = clock_mono(&clock_real) + timeout * (CLOCK_SECOND / 1000);

	if (started) {
		*status = started;
		return 0;
	}
	while (!wait->done) {
		int64_t left = (end - clock_mono(&clock_real)) / (CLOCK_SECOND / 1000);
		int ready = left > 0 ? round_of(wait, (int)left) : 0;
		if (ready < 0 && errno != EINTR)
			return err_errno(err, ERR_IO, "waiting for GnuPG");
		if (ready)
			continue;
		gpgme_cancel(ctx);
		/* cancelling says that it is done, and the next operation is another one */
		wait->done = false;
		return err_set(err, ERR_RETRY, "GnuPG did not answer within %d seconds", timeout / 1000);
	}
	wait->done = false;
	*status = wait->status;
	return 0;
}
