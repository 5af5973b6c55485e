/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

void random_bytes(void *out, size_t len)
{
	unsigned char *at = out;

	while (len) {
		ssize_t n = getrandom(at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			abort();
		at += n;
		len -= (size_t)n;
	}
}

uint64_t random_below(uint64_t n)
{
	uint64_t value;

	if (n < 2)
		return 0;
	/* the values below this many would come up once more often than the others: draw again */
	uint64_t surplus = -n % n;
	do
		random_bytes(&value, sizeof(value));
	while (value < surplus);
	return value % n;
}

int64_t random_jitter(int64_t duration, unsigned percent)
{
	if (duration <= 0 || !percent)
		return duration;
	if (percent > 100)
		percent = 100;
	/* divide first where the product would overflow */
	int64_t spread = duration > INT64_MAX / 100 ? duration / 100 * percent : duration * percent / 100;
	uint64_t value = (uint64_t)(duration - spread) + random_below(2 * (uint64_t)spread + 1);
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}
