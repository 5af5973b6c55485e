/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include "base/own.h"
#include "net/http.h"
#include "tests/fault/peer.h"
#include "tests/net/certs.h"
#include "tests/net/running.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CLIENTS   3
#define ROTATIONS 40

static struct certs first;
static struct certs second;

static int fetch(struct http *http, const struct running *running, struct err *err)
{
	char url[64];
	const char *headers[] = { "Content-Type: application/json", NULL };
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/echo", (unsigned)server_port(running->server, 0));
	struct http_request request = { .method = "POST",
		.url = url,
		.headers = headers,
		.body = SPAN_LIT("{\"a\":1}"),
		.max_body = 100,
		.total_timeout = 60000 };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;

	if (http_fetch(http, &request, &response, err) < 0)
		return -1;
	if (response.status != 200 || !span_eq(buf_span(&response.body), request.body))
		return err_set(err, ERR_BUG, "status %d: %s", response.status, buf_text(&response.body));
	return 0;
}

/* One request on a connection of its own, trusting ca alone. */
static int fetch_once(const struct running *running, struct span ca, struct err *err)
{
	struct http_options options = { .tls = { .ca = ca, .server_name = "web.test" },
		.user_agent = "test" };
	auto_http struct http *http = http_new(&options, err);

	assert_non_null(http);
	return fetch(http, running, err);
}

static void change_pair(struct running *running)
{
	running->result = server_set_tls(running->server, 0, running->cert, running->key, &running->err);
}

static int rotate(struct running *running, const struct certs *to)
{
	running->cert = buf_span(&to->cert);
	running->key = secret_span(&to->key);
	running_do(running, change_pair);
	return running->result;
}

static void begins_without_a_certificate(void **state)
{
	struct running running = { .listener = { .tls = true } };
	struct err err = ERR_NONE;
	(void)state;

	running_start(&running);
	assert_int_equal(fetch_once(&running, buf_span(&first.ca), &err), -1);
	assert_int_equal(rotate(&running, &first), 0);
	if (fetch_once(&running, buf_span(&first.ca), &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(running_stop(&running), 0);
}

static void keeps_the_old_pair_when_the_new_one_is_wrong(void **state)
{
	struct running running = {
		.listener = { .tls = true, .cert = buf_span(&first.cert), .key = secret_span(&first.key) }
	};
	struct err err = ERR_NONE;
	(void)state;

	running_start(&running);
	struct certs mixed = { .cert = second.cert, .key = first.key };
	assert_int_equal(rotate(&running, &mixed), -1);
	assert_int_equal(running.err.kind, ERR_USAGE);
	struct certs rubbish = { .cert = first.ca, .key = first.key };
	assert_int_equal(rotate(&running, &rubbish), -1);
	assert_int_equal(fetch_once(&running, buf_span(&first.ca), &err), 0);
	assert_int_equal(running_stop(&running), 0);
}

struct client {
	struct running *running;
	struct span trust;
	bool fresh; /* a new connection for each request */
	atomic_bool *stop;
	unsigned served;
	struct err err;
	pthread_t thread;
};

static void *client_main(void *arg)
{
	struct client *client = arg;
	struct http_options options = { .tls = { .ca = client->trust, .server_name = "web.test" },
		.user_agent = "test" };
	struct http *http = http_new(&options, &client->err);

	while (http && !atomic_load(client->stop) && client->err.kind == ERR_OK) {
		if (fetch(http, client->running, &client->err) == 0)
			client->served++;
		if (client->fresh) {
			http_free(http);
			http = http_new(&options, &client->err);
		}
	}
	http_free(http);
	return NULL;
}

static void rotates_under_load_without_a_failed_request(void **state)
{
	struct running running = {
		.listener = { .tls = true, .cert = buf_span(&first.cert), .key = secret_span(&first.key) }
	};
	struct client clients[CLIENTS];
	atomic_bool stop = false;
	auto_buf struct buf both = BUF_MAX(100000);
	struct err err = ERR_NONE;
	(void)state;

	buf_add_span(&both, buf_span(&first.ca));
	buf_add_span(&both, buf_span(&second.ca));
	running_start(&running);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){
			.running = &running, .trust = buf_span(&both), .fresh = i > 0, .stop = &stop
		};
		assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
	}
	for (int i = 0; i < ROTATIONS; i++) {
		const struct certs *now = i % 2 ? &first : &second;
		assert_int_equal(rotate(&running, now), 0);
		/* whoever comes now sees the new pair and not the old one */
		if (fetch_once(&running, buf_span(&now->ca), &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(fetch_once(&running, buf_span(i % 2 ? &second.ca : &first.ca), &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		if (clients[i].err.kind != ERR_OK)
			fail_msg("client %d: %s", i, clients[i].err.text);
		assert_int_not_equal(clients[i].served, 0);
	}
	assert_int_equal(running_stop(&running), 0);
}

/* OpenSSL's own client; returns the version it got, 0 when the handshake failed. */
static int handshake(
		const struct running *running, int max_version, const char *alpn, char *alpn_got, size_t cap)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	auto_fd int fd = peer_connect(server_port(running->server, 0));
	int version = 0;

	assert_non_null(tls);
	SSL_CTX_set_security_level(tls, 0);
	SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(tls, max_version);
	SSL *ssl = SSL_new(tls);
	SSL_set_fd(ssl, fd);
	if (alpn)
		SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
	if (SSL_connect(ssl) == 1) {
		const unsigned char *name = NULL;
		unsigned len = 0;
		version = SSL_version(ssl);
		SSL_get0_alpn_selected(ssl, &name, &len);
		snprintf(alpn_got, cap, "%.*s", (int)len, name ? (const char *)name : "");
	}
	SSL_free(ssl);
	SSL_CTX_free(tls);
	return version;
}

static void speaks_tls_1_2_and_1_3_alone(void **state)
{
	struct running running = {
		.listener = { .tls = true, .cert = buf_span(&first.cert), .key = secret_span(&first.key) }
	};
	char alpn[32];
	(void)state;

	running_start(&running);
	assert_int_equal(handshake(&running, TLS1_1_VERSION, NULL, alpn, sizeof(alpn)), 0);
	assert_int_equal(handshake(&running, TLS1_2_VERSION, NULL, alpn, sizeof(alpn)), TLS1_2_VERSION);
	assert_int_equal(handshake(&running, TLS1_3_VERSION, NULL, alpn, sizeof(alpn)), TLS1_3_VERSION);
	assert_int_equal(running_stop(&running), 0);
}

static void never_agrees_on_http_2(void **state)
{
	struct running running = {
		.listener = { .tls = true, .cert = buf_span(&first.cert), .key = secret_span(&first.key) }
	};
	char alpn[32];
	(void)state;

	running_start(&running);
	assert_int_equal(handshake(&running, 0, "\x02h2\x08http/1.1", alpn, sizeof(alpn)), TLS1_3_VERSION);
	assert_string_equal(alpn, "http/1.1");
	assert_int_equal(handshake(&running, 0, "\x02h2", alpn, sizeof(alpn)), TLS1_3_VERSION);
	assert_string_equal(alpn, "");
	assert_int_equal(running_stop(&running), 0);
}

static void outlives_peers_that_speak_no_tls(void **state)
{
	struct running running = {
		.listener = { .tls = true, .cert = buf_span(&first.cert), .key = secret_span(&first.key) }
	};
	struct err err = ERR_NONE;
	char byte;
	(void)state;

	running_start(&running);
	struct line line = { .fd = peer_connect(server_port(running.server, 0)) };
	line_puts(&line, "GET / HTTP/1.1\r\n\r\n");
	while (read(line.fd, &byte, 1) > 0)
		;
	close(line.fd);
	assert_int_equal(fetch_once(&running, buf_span(&first.ca), &err), 0);
	assert_int_equal(running_stop(&running), 0);
}

static void serves_several_listeners_in_one_loop(void **state)
{
	static const struct server_route probe[] = { { "GET", "/count", NULL, running_count } };
	struct server_listener listeners[] = {
		{ .address = "127.0.0.1",
				.tls = true,
				.cert = buf_span(&first.cert),
				.key = secret_span(&first.key),
				.routes = running_routes,
				.route_count = 3 },
		{ .address = "127.0.0.1", .routes = probe, .route_count = 1 },
	};
	struct running running = { .options = { .listeners = listeners,
						   .listener_count = 2,
						   .max_body = 1000,
						   .max_connections = 10,
						   .idle_timeout_s = 30 } };
	struct err err = ERR_NONE;
	char url[64];
	(void)state;

	running.server = server_new(&running.options, &err);
	assert_non_null(running.server);
	assert_int_equal(server_set_tls(running.server, 1, buf_span(&first.cert), secret_span(&first.key),
					 &err),
			-1);
	assert_int_equal(pthread_create(&running.thread, NULL, running_main, &running), 0);
	assert_int_equal(fetch_once(&running, buf_span(&first.ca), &err), 0);
	struct http_options options = { .user_agent = "test" };
	struct http *http = http_new(&options, &err);
	static const struct {
		const char *path;
		int status;
	} cases[] = { { "count", 200 }, { "echo", 404 } };
	for (int i = 0; i < 2; i++) {
		auto_response struct http_response response = HTTP_RESPONSE_NONE;
		snprintf(url, sizeof(url), "http://127.0.0.1:%u/%s", (unsigned)server_port(running.server, 1),
				cases[i].path);
		struct http_request request = {
			.method = "GET", .url = url, .max_body = 100, .total_timeout = 60000
		};
		assert_int_equal(http_fetch(http, &request, &response, &err), 0);
		assert_int_equal(response.status, cases[i].status);
	}
	http_free(http);
	assert_int_equal(running_stop(&running), 0);
}

static int make_certs(void **state)
{
	(void)state;
	certs_make(&first, "web.test");
	certs_make(&second, "web.test");
	return 0;
}

static int clear_certs(void **state)
{
	(void)state;
	certs_clear(&first);
	certs_clear(&second);
	return 0;
}

struct talk {
	SSL *ssl;
	size_t body;
};

/* A request that is put off, and behind it one with a body of many TLS records. */
static void *say_two(void *arg)
{
	struct talk *talk = arg;
	auto_buf struct buf text = BUF_MAX(RUNNING_MAX_BODY + 1000);

	buf_printf(&text,
			"GET /later/x HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\n" JSON
			"Connection: close\r\nContent-Length: %zu\r\n\r\n",
			talk->body);
	while (talk->body-- > 0)
		buf_putc(&text, 'e');
	/* blocks until the server reads on */
	if (SSL_write(talk->ssl, text.ptr, (int)text.len) != (int)text.len)
		abort();
	return NULL;
}

static void reads_on_after_a_reply_that_was_put_off(void **state)
{
	struct running running = {
		.listener = { .tls = true, .cert = buf_span(&first.cert), .key = secret_span(&first.key) }
	};
	auto_buf struct buf got = BUF_MAX(2 * RUNNING_MAX_BODY);
	static char chunk[65536];
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	pthread_t thread;
	int n;
	(void)state;

	running_start(&running);
	auto_fd int fd = connect_to(&running);
	SSL *ssl = SSL_new(tls);
	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	struct talk talk = { .ssl = ssl, .body = RUNNING_MAX_BODY };
	assert_int_equal(pthread_create(&thread, NULL, say_two, &talk), 0);
	struct server_later *later = running_later(&running);
	running_answer(later, "late");
	pthread_join(thread, NULL);
	while ((n = SSL_read(ssl, chunk, sizeof(chunk))) > 0)
		buf_add(&got, chunk, (size_t)n);
	assert_non_null(strstr(buf_text(&got), "\r\n\r\nlateHTTP/1.1 200 OK\r\n"));
	assert_in_range(got.len, RUNNING_MAX_BODY, RUNNING_MAX_BODY + 1000);
	SSL_free(ssl);
	SSL_CTX_free(tls);
	assert_int_equal(running_stop(&running), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_on_after_a_reply_that_was_put_off),
		cmocka_unit_test(begins_without_a_certificate),
		cmocka_unit_test(keeps_the_old_pair_when_the_new_one_is_wrong),
		cmocka_unit_test(outlives_peers_that_speak_no_tls),
		cmocka_unit_test(speaks_tls_1_2_and_1_3_alone),
		cmocka_unit_test(never_agrees_on_http_2),
		cmocka_unit_test(serves_several_listeners_in_one_loop),
		cmocka_unit_test(rotates_under_load_without_a_failed_request),
	};
	struct err err = ERR_NONE;

	signal(SIGPIPE, SIG_IGN);
	server_global_init();
	if (http_global_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, make_certs, clear_certs);
}
