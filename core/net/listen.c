/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"

#include "base/err.h"
#include "base/span.h"

#include <string.h>

int listen_parse(const char *text, char address[static LISTEN_ADDRESS_MAX], uint16_t *port, struct err *err)
{
	struct span all = span_of(text);
	size_t colon = all.len;
	uint64_t number = 0;

	while (colon && all.ptr[colon - 1] != ':')
		colon--;
	struct span host = { all.ptr, colon ? colon - 1 : 0 };
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = span_new(host.ptr + 1, host.len - 2);
	if (!colon || !host.len || host.len >= LISTEN_ADDRESS_MAX ||
			!span_number(span_from(all, colon), 65535, &number))
		return err_set(err, ERR_USAGE, "'%s' is not ADDRESS:PORT, such as 0.0.0.0:9443 or [::]:9443",
				text);
	memcpy(address, host.ptr, host.len);
	address[host.len] = '\0';
	*port = (uint16_t)number;
	return 0;
}
