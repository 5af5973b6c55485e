/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/retry.h"

#include "base/clock.h"
#include "base/err.h"

#define FIRST_WAIT  200
#define UNSAID_WAIT 5 /* seconds, after a 429 that does not say */

bool retry_status(int status)
{
	return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

int retry_after_status(const struct retry_sleep *sleep, int status, int said)
{
	return status == 429 && !said && sleep->never ? UNSAID_WAIT : said;
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

	if (retry->sleep->never) {
		err_set(err, ERR_RETRY, "%s", cause);
		return give_up(retry_after, err);
	}
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
	if (retry->until && clock_mono(&clock_real) + (int64_t)wait * 1000 > retry->until) {
		err_set(err, ERR_RETRY, "%s, and there is no time for another try", cause);
		return give_up(retry_after, err);
	}
	retry->waited += wait;
	return retry->sleep->wait(retry->sleep->ctx, wait, err);
}

int retry_left(int64_t until, int most, int *ms, struct err *err)
{
	int64_t left = until ? (until - clock_mono(&clock_real)) / 1000 : 0;

	if (until && left <= 0)
		return err_set(err, ERR_RETRY, "the time for it is over");
	*ms = left && (!most || left < most) ? (int)(left < INT32_MAX ? left : INT32_MAX) : most;
	return 0;
}
