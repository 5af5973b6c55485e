/* SPDX-License-Identifier: Apache-2.0 */
#include "net/guard.h"

#include "base/span.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

static const char loopback[] = "a loopback address";
static const char link_local[] = "a link-local address";
static const char unspecified[] = "the unspecified address";
static const char multicast[] = "a multicast or reserved address";
static const char metadata[] = "the address of a cloud's metadata";

struct prefix {
	unsigned char bytes[16];
	unsigned bits;
	const char *word;
};

static bool is_below(const unsigned char *address, const struct prefix *prefix)
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

	return !memcmp(address, prefix->bytes, whole) &&
			(!rest || (address[whole] ^ prefix->bytes[whole]) >> (8 - rest) == 0);
}

static const char *word_of(const unsigned char *address, const struct prefix *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_below(address, &table[i]))
			return table[i].word;
	return NULL;
}

const char *guard_ipv4(const struct in_addr *address)
{
	static const struct prefix table[] = {
		{ { 0 }, 8, unspecified },
		{ { 127 }, 8, loopback },
		{ { 169, 254 }, 16, link_local },
		{ { 224 }, 3, multicast },
		{ { 168, 63, 129, 16 }, 32, metadata },
		{ { 100, 100, 100, 200 }, 32, metadata },
		{ { 192, 0, 0, 192 }, 32, metadata },
	};
	unsigned char bytes[4];

	memcpy(bytes, address, sizeof(bytes));
	return word_of(bytes, table, sizeof(table) / sizeof(table[0]));
}

/* Where an IPv4 address stands in an IPv6 one. */
static const struct {
	struct prefix prefix;
	unsigned char at[4];
	unsigned char flip; /* Teredo has it inverted */
} embedded[] = {
	{ { { [10] = 0xff, [11] = 0xff }, 96, NULL }, { 12, 13, 14, 15 }, 0 },
	{ { { 0 }, 96, NULL }, { 12, 13, 14, 15 }, 0 },
	/* RFC 2765 */
	{ { { [8] = 0xff, [9] = 0xff }, 96, NULL }, { 12, 13, 14, 15 }, 0 },
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96, NULL }, { 12, 13, 14, 15 }, 0 },
	/* the network's own NAT64: the address behind the 48th bit, around the 64th to 71st, or at the end */
	{ { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, NULL }, { 6, 7, 9, 10 }, 0 },
	{ { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, NULL }, { 9, 10, 11, 12 }, 0 },
	{ { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, NULL }, { 12, 13, 14, 15 }, 0 },
	{ { { 0x20, 0x02 }, 16, NULL }, { 2, 3, 4, 5 }, 0 },
	{ { { 0x20, 0x01, 0x00, 0x00 }, 32, NULL }, { 12, 13, 14, 15 }, 0xff },
};

static const char *inside(const unsigned char bytes[16])
{
	const char *word = NULL;

	for (size_t i = 0; !word && i < sizeof(embedded) / sizeof(embedded[0]); i++) {
		unsigned char plain[4];
		struct in_addr address;
		if (!is_below(bytes, &embedded[i].prefix))
			continue;
		for (size_t k = 0; k < 4; k++)
			plain[k] = bytes[embedded[i].at[k]] ^ embedded[i].flip;
		memcpy(&address, plain, sizeof(address));
		/* zeros are the place of another of its layouts */
		if (embedded[i].prefix.bits == 48 && !plain[0])
			continue;
		word = guard_ipv4(&address);
	}
	return word;
}

/* 0000:5efe or 0200:5efe before the last four bytes, below any prefix */
static const char *inside_isatap(const unsigned char bytes[16])
{
	static const unsigned char mark[] = { 0x00, 0x5e, 0xfe };
	struct in_addr address;

	if ((bytes[8] & ~2U) != 0 || memcmp(bytes + 9, mark, sizeof(mark)) != 0)
		return NULL;
	memcpy(&address, bytes + 12, sizeof(address));
	return guard_ipv4(&address);
}

const char *guard_ipv6(const struct in6_addr *address)
{
	static const struct prefix table[] = {
		{ { 0 }, 128, unspecified },
		{ { [15] = 1 }, 128, loopback },
		{ { 0xfe, 0x80 }, 10, link_local },
		{ { 0xff }, 8, multicast },
		{ { 0xfd, 0x00, 0x0e, 0xc2 }, 32, metadata },
		{ { 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54 }, 128, metadata },
	};
	const char *word = word_of(address->s6_addr, table, sizeof(table) / sizeof(table[0]));

	if (!word)
		word = inside(address->s6_addr);
	return word ? word : inside_isatap(address->s6_addr);
}

const char *guard_address(const struct sockaddr *address)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (address->sa_family == AF_INET) {
		memcpy(&ipv4, address, sizeof(ipv4));
		return guard_ipv4(&ipv4.sin_addr);
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&ipv6, address, sizeof(ipv6));
		return guard_ipv6(&ipv6.sin6_addr);
	}
	return NULL;
}

const char *guard_host(const char *host)
{
	static const char local[] = "localhost";
	struct in6_addr ipv6;
	struct in_addr ipv4;
	char text[256];
	size_t len = strlen(host), tail = sizeof(local) - 1;

	while (len && host[len - 1] == '.')
		len--;
	if (!len || len >= sizeof(text))
		return NULL;
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &ipv6) == 1)
		return guard_ipv6(&ipv6);
	if (inet_aton(text, &ipv4))
		return guard_ipv4(&ipv4);
	if (len >= tail && !strcasecmp(text + len - tail, local) &&
			(len == tail || text[len - tail - 1] == '.'))
		return loopback;
	return NULL;
}
