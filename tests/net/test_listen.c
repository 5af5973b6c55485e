/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void reads_addresses_of_both_families(void **state)
{
	static const struct {
		const char *text, *address;
		uint16_t port;
	} cases[] = {
		{ "0.0.0.0:9443", "0.0.0.0", 9443 },
		{ "127.0.0.1:0", "127.0.0.1", 0 },
		{ "255.255.255.255:65535", "255.255.255.255", 65535 },
		{ "[::]:8080", "::", 8080 },
		{ "[::1]:1", "::1", 1 },
		{ "[fd00:1:2:3:4:5:6:7]:443", "fd00:1:2:3:4:5:6:7", 443 },
		{ "[::ffff:10.0.0.1]:443", "::ffff:10.0.0.1", 443 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char address[LISTEN_ADDRESS_MAX];
		uint16_t port = 7;
		assert_int_equal(listen_parse(cases[i].text, address, &port, NULL), 0);
		assert_string_equal(address, cases[i].address);
		assert_int_equal(port, cases[i].port);
	}
}

static void refuses_everything_else_with_an_example(void **state)
{
	static const char *const cases[] = { "", ":", ":9443", "9443", "0.0.0.0", "0.0.0.0:", "0.0.0.0:65536",
		"0.0.0.0:-1", "0.0.0.0:+1", "0.0.0.0:1 ", " 0.0.0.0:1", "0.0.0.0:01", "0.0.0.0:0x1",
		"0.0.0.0:http", "localhost:80", "*:80", "::1:80", ":::80", "[::1]", "[::1]80", "[::1:80",
		"::1]:80", "[]:80", "[0.0.0.0]:80", "[::1%eth0]:80", "256.0.0.1:80", "1.2.3:80", "[:::]:80",
		"0.0.0.0:99999999999999999999",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char address[LISTEN_ADDRESS_MAX] = "untouched";
		uint16_t port = 7;
		struct err err = ERR_NONE;
		if (listen_parse(cases[i], address, &port, &err) == 0)
			fail_msg("'%s' was taken", cases[i]);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, "[::]:9443"));
		assert_string_equal(address, "untouched");
		assert_int_equal(port, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_addresses_of_both_families),
		cmocka_unit_test(refuses_everything_else_with_an_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
