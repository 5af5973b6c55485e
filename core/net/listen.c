/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"

#include "base/err.h"
#include "base/span.h"

#include <arpa/inet.h>
#include <string.h>

/* An address of that family; a NUL-terminated copy goes to `out`. */
static bool is_address(struct span host, int family, char out[static LISTEN_ADDRESS_MAX])
{
	struct in6_addr scrap;

	if (host.len >= LISTEN_ADDRESS_MAX)
		return false;
	memset(out, 0, LISTEN_ADDRESS_MAX);
	memcpy(out, host.ptr, host.len);
	return inet_pton(family, out, &scrap) == 1;
}

int listen_parse(const char *text, char address[static LISTEN_ADDRESS_MAX], uint16_t *port, struct err *err)
{
	struct span all = span_of(text);
	size_t colon = all.len;
	uint64_t number = 0;
	char numbers[LISTEN_ADDRESS_MAX];

	while (colon && all.ptr[colon - 1] != ':')
		colon--;
	struct span host = { all.ptr, colon ? colon - 1 : 0 };
	bool brackets = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
	if (brackets)
		host = span_new(host.ptr + 1, host.len - 2);
	if (!host.len || !span_number(span_from(all, colon), 65535, &number) ||
			!is_address(host, brackets ? AF_INET6 : AF_INET, numbers))
		return err_set(err, ERR_USAGE,
				"'%.80s' is not ADDRESS:PORT in numbers, such as 0.0.0.0:9443 or [::]:9443",
				text);
	memcpy(address, numbers, sizeof(numbers));
	*port = (uint16_t)number;
	return 0;
}

bool listen_is_loopback(const char *address)
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, address, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}
