/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that are not connected to, however they are written and whatever leads there. */
#include "net/guard.h"

#include "base/err.h"
#include "base/own.h"
#include "tests/net/client.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *host, *word; /* NULL: nothing against it */
} hosts[] = {
	{ "127.0.0.1", "loopback" },
	{ "127.255.255.254", "loopback" },
	{ "::1", "loopback" },
	{ "0:0:0:0:0:0:0:1", "loopback" },
	{ "localhost", "loopback" },
	{ "LOCALHOST", "loopback" },
	{ "localhost.", "loopback" },
	{ "a.localhost", "loopback" },
	{ "127.1", "loopback" },
	{ "0x7f.1", "loopback" },
	{ "2130706433", "loopback" },
	{ "0177.0.0.1", "loopback" },
	{ "127.0.0.1.", "loopback" },
	{ "169.254.169.254", "link-local" },
	{ "0xa9fea9fe", "link-local" },
	{ "169.254.0.1", "link-local" },
	{ "fe80::1", "link-local" },
	{ "febf::1", "link-local" },
	{ "0.0.0.0", "unspecified" },
	{ "0", "unspecified" },
	{ "0.1.2.3", "unspecified" },
	{ "::", "unspecified" },
	{ "224.0.0.1", "multicast" },
	{ "239.255.255.255", "multicast" },
	{ "240.0.0.1", "multicast" },
	{ "255.255.255.255", "multicast" },
	{ "ff02::1", "multicast" },
	{ "168.63.129.16", "metadata" },
	{ "100.100.100.200", "metadata" },
	{ "192.0.0.192", "metadata" },
	{ "fd00:ec2::254", "metadata" },
	{ "fd00:ec2::23", "metadata" },
	{ "fd20:ce::254", "metadata" },
	{ "::ffff:127.0.0.1", "loopback" },
	{ "::ffff:a9fe:a9fe", "link-local" },
	{ "::169.254.169.254", "link-local" },
	{ "::ffff:0:169.254.169.254", "link-local" },
	{ "64:ff9b::169.254.169.254", "link-local" },
	{ "64:ff9b::7f00:1", "loopback" },
	{ "64:ff9b:1:a9fe:a9:fe00::", "link-local" },
	{ "64:ff9b:1::169.254.169.254", "link-local" },
	{ "2002:a9fe:a9fe::1", "link-local" },
	{ "2002:7f00:1::", "loopback" },
	{ "2001:0:1:2:3:4:5601:5601", "link-local" },
	{ "2001:db8::5efe:169.254.169.254", "link-local" },
	{ "2001:db8::200:5efe:127.0.0.1", "loopback" },
	{ "128.0.0.1", NULL },
	{ "126.255.255.255", NULL },
	{ "169.253.255.255", NULL },
	{ "169.255.0.0", NULL },
	{ "223.255.255.255", NULL },
	{ "1.0.0.0", NULL },
	{ "10.0.0.1", NULL },
	{ "192.168.1.1", NULL },
	{ "172.16.0.1", NULL },
	{ "100.64.0.1", NULL },
	{ "168.63.129.17", NULL },
	{ "fd00::1", NULL },
	{ "fd00:ec3::254", NULL },
	{ "fec0::1", NULL },
	{ "2001:db8::1", NULL },
	{ "64:ff9b::10.0.0.1", NULL },
	{ "64:ff9b:1::10.0.0.1", NULL },
	{ "2002:a00:1::", NULL },
	{ "registry.example", NULL },
	{ "localhost.example", NULL },
	{ "notlocalhost", NULL },
	{ "127.0.0.1.example", NULL },
	{ "", NULL },
	{ "...", NULL },
};

static void knows_what_addresses_are_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const char *word = guard_host(hosts[i].host);
		if (!word != !hosts[i].word || (word && !strstr(word, hosts[i].word)))
			fail_msg("%s: %s", hosts[i].host, word ? word : "nothing");
	}
}

static void judges_no_other_families(void **state)
{
	struct sockaddr_storage address = { .ss_family = AF_UNIX };

	(void)state;
	assert_null(guard_address((const struct sockaddr *)&address));
}

static void play_ok(struct line *line, void *ctx)
{
	(void)ctx;
	while (line_read_head(line))
		line_puts(line, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* A GET with the guard; vouched may hold a "%u" for the peer's port. */
static int get(const struct peer *peer, const char *host, const char *vouched, const char *proxy,
		struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_free char *url = NULL, *whom = NULL, *through = NULL;

	if (asprintf(&url, "http://%s:%u/x?secret=1", host, (unsigned)peer->port) < 0 ||
			asprintf(&whom, "%s:%u", vouched ? vouched : "", (unsigned)peer->port) < 0 ||
			asprintf(&through, "http://%s:%u", proxy ? proxy : "", (unsigned)peer->port) < 0)
		abort();
	struct http_options options = { .user_agent = "test/1",
		.guard = true,
		.vouched = vouched ? whom : NULL,
		.proxy = proxy ? through : NULL };
	auto_http struct http *http = http_new(&options, err);
	struct http_request request = {
		.method = "GET", .url = url, .max_body = 100, .total_timeout = 20000
	};
	if (!http || http_fetch(http, &request, &response, err) < 0)
		return -1;
	return response.status == 200 ? 0 : err_set(err, ERR_BUG, "HTTP %d", response.status);
}

static void connects_to_none_of_them_unless_somebody_vouches(void **state)
{
	static const struct {
		const char *host, *vouched, *words; /* words NULL: it connects */
	} rows[] = {
		{ "127.0.0.1", NULL, "a loopback address" },
		{ "localhost", NULL, "a loopback address" },
		{ "127.1", NULL, "a loopback address" },
		{ "[::ffff:127.0.0.1]", NULL, "a loopback address" },
		{ "0", NULL, "the unspecified address" },
		{ "169.254.169.254", NULL, "a link-local address" },
		{ "127.0.0.1", "127.0.0.1", NULL },
		{ "localhost", "LocalHost", NULL },
		{ "localhost", "127.0.0.1", "a loopback address" },
		{ "127.0.0.2", "127.0.0.1", "a loopback address" },
	};
	struct peer peer = { .play = play_ok };

	(void)state;
	peer_start(&peer);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_NONE;
		int result = get(&peer, rows[i].host, rows[i].vouched, NULL, &err);
		bool good = rows[i].words ? result < 0 && err.kind == ERR_DENIED &&
						strstr(err.text, rows[i].words) && !strstr(err.text, "secret")
					  : result == 0;
		if (!good)
			fail_msg("%s: %s", rows[i].host, err.text);
	}
	assert_int_equal(atomic_load(&peer.connections), 2);
	peer_stop(&peer);
}

/* This machine's own name resolves to a loopback address, as a hostile name would. */
static void looks_at_what_a_name_resolves_to(void **state)
{
	struct peer peer = { .play = play_ok };
	auto_http struct http *http = NULL;
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct http_options options = { .user_agent = "test/1", .guard = true };
	struct err err = ERR_NONE;

	(void)state;
	peer_start(&peer);
	http = http_new(&options, &err);
	auto_free char *url = NULL;
	char name[256] = "";
	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	assert_true(asprintf(&url, "http://%s:%u/", name, (unsigned)peer.port) > 0);
	struct http_request request = {
		.method = "GET", .url = url, .max_body = 100, .total_timeout = 20000
	};
	assert_int_equal(http_fetch(http, &request, &response, &err), -1);
	/* where the name means another address, nothing listens there */
	assert_true(err.kind == ERR_DENIED ? strstr(err.text, "' has the address 127.") ||
							strstr(err.text, "' has the address ::1")
					   : err.kind == ERR_IO);
	assert_int_equal(atomic_load(&peer.connections), 0);
	peer_stop(&peer);
}

static void vouches_for_one_port_alone(void **state)
{
	struct peer peer = { .play = play_ok }, other = { .play = play_ok };
	struct err err = ERR_NONE;
	char whom[32];

	(void)state;
	peer_start(&peer);
	peer_start(&other);
	snprintf(whom, sizeof(whom), "127.0.0.1:%u", (unsigned)peer.port);
	struct http_options options = { .user_agent = "test/1", .guard = true, .vouched = whom };
	auto_http struct http *http = http_new(&options, &err);
	const struct peer *peers[] = { &peer, &other };
	for (size_t i = 0; i < 2; i++) {
		auto_response struct http_response response = HTTP_RESPONSE_NONE;
		auto_free char *url = url_at(peers[i], "/");
		struct http_request request = {
			.method = "GET", .url = url, .max_body = 100, .total_timeout = 20000
		};
		assert_int_equal(http_fetch(http, &request, &response, &err), i ? -1 : 0);
	}
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(atomic_load(&other.connections), 0);
	http_free(take(&http));
	peer_stop(&peer);
	peer_stop(&other);
}

static void refuses_a_host_to_vouch_for_that_is_none(void **state)
{
	static const char *const bad[] = { "", "a b", "a/b", "a:x", "http://a", "a?b" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_options options = { .user_agent = "test/1", .guard = true, .vouched = bad[i] };
		struct err err = ERR_NONE;
		assert_null(http_new(&options, &err));
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

static void takes_a_proxy_wherever_it_is_but_no_address_through_it(void **state)
{
	static const struct {
		const char *host, *proxy, *words;
	} rows[] = {
		{ "registry.example", "127.0.0.1", NULL },
		{ "registry.example", "localhost", NULL },
		{ "10.0.0.1", "127.0.0.1", NULL },
		{ "169.254.169.254", "127.0.0.1", "a link-local address" },
		{ "0xa9fea9fe", "127.0.0.1", "a link-local address" },
		{ "localhost", "127.0.0.1", "a loopback address" },
	};
	struct peer peer = { .play = play_ok };

	(void)state;
	peer_start(&peer);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_NONE;
		int result = get(&peer, rows[i].host, NULL, rows[i].proxy, &err);
		if (!rows[i].words && result < 0)
			fail_msg("%s through %s: %s", rows[i].host, rows[i].proxy, err.text);
		if (rows[i].words && (!result || err.kind != ERR_DENIED || !strstr(err.text, rows[i].words)))
			fail_msg("%s through %s: %s", rows[i].host, rows[i].proxy, err.text);
	}
	peer_stop(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_addresses_are_for),
		cmocka_unit_test(judges_no_other_families),
		cmocka_unit_test(connects_to_none_of_them_unless_somebody_vouches),
		cmocka_unit_test(looks_at_what_a_name_resolves_to),
		cmocka_unit_test(vouches_for_one_port_alone),
		cmocka_unit_test(refuses_a_host_to_vouch_for_that_is_none),
		cmocka_unit_test(takes_a_proxy_wherever_it_is_but_no_address_through_it),
	};

	if (http_global_init(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
