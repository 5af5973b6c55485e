/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/retry.h"

#include "base/err.h"

#define FIRST_WAIT 200

bool retry_status(int status)
{
	return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

static int give_up(int retry_after, struct err *err)
{
	if (err)
		err->retry_after = retry_after;
	return -1;
}

int retry_again(struct retry *retry, const char *cause, int retry_after, struct err *err)
{
	int wait = retry_after ? retry_after : FIRST_WAIT << retry->tries;

	/* a day is the most that the client keeps, so nothing overflows */
	if (retry_after)
		wait *= 1000;
	if (++retry->tries >= RETRY_TRIES) {
		err_set(err, ERR_RETRY, "%s, also at the last of %d tries", cause, RETRY_TRIES);
		return give_up(retry_after, err);
	}
	if (wait > RETRY_WAIT_MAX || retry->waited + wait > RETRY_TOTAL_MAX) {
		err_set(err, ERR_RETRY, "%s, try again in %d s", cause, (wait + 999) / 1000);
		return give_up(retry_after, err);
	}
	retry->waited += wait;
	return retry->sleep->wait(retry->sleep->ctx, wait, err);
}
