/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "tests/fault/peer.h"
#include "tests/net/certs.h"

#include <openssl/x509v3.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>

#include <cmocka.h>

static struct certs ours;   /* for the name "web.test" */
static struct certs others; /* another CA */

static void play_ok(struct line *line, void *ctx)
{
	(void)ctx;
	while (line_read_head(line))
		line_puts(line, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* OpenSSL's side of the peer: certificate and key of `certs`. */
static SSL_CTX *context_new(const struct certs *certs)
{
	auto_cert_pair struct cert_pair *pair = NULL;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	struct err err = ERR_NONE;

	assert_non_null(tls);
	assert_int_equal(cert_pair_parse(buf_span(&certs->cert), secret_span(&certs->key), &pair, &err), 0);
	assert_int_equal(SSL_CTX_use_certificate(tls, cert_list_x509(cert_pair_chain(pair), 0)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert_pair_pkey(pair)), 1);
	return tls;
}

/* One GET to a TLS peer at https://127.0.0.1 with these options. */
static int fetch(SSL_CTX *tls, const struct http_tls *with, struct err *err)
{
	struct peer peer = { .play = play_ok, .tls = tls };
	struct http_options options = { .tls = *with, .user_agent = "test" };
	char url[64];

	peer_start(&peer);
	struct http *http = http_new(&options, err);
	assert_non_null(http);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", (unsigned)peer.port);
	struct http_request request = {
		.method = "GET", .url = url, .max_body = 100, .total_timeout = 20000
	};
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	int result = http_fetch(http, &request, &response, err);
	http_free(http);
	peer_stop(&peer);
	return result;
}

static void trusts_the_ca_it_is_given(void **state)
{
	struct http_tls with = { .ca = buf_span(&ours.ca), .server_name = "web.test" };
	struct err err = ERR_NONE;
	(void)state;

	if (fetch(context_new(&ours), &with, &err) < 0)
		fail_msg("%s", err.text);
}

static void distrusts_another_ca(void **state)
{
	struct http_tls with = { .ca = buf_span(&others.ca), .server_name = "web.test" };
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(fetch(context_new(&ours), &with, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_non_null(strstr(err.text, "certificate"));
}

static void distrusts_without_a_ca_what_the_system_does_not_know(void **state)
{
	struct http_tls with = { .server_name = "web.test" };
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(fetch(context_new(&ours), &with, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
}

static void checks_the_name_of_the_server(void **state)
{
	struct http_tls with = { .ca = buf_span(&ours.ca) };
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(fetch(context_new(&ours), &with, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	with.server_name = "other.test";
	assert_int_equal(fetch(context_new(&ours), &with, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_non_null(strstr(err.text, "other.test"));
}

static void checks_nothing_when_told_so(void **state)
{
	struct http_tls with = { .insecure = true };
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(fetch(context_new(&ours), &with, &err), 0);
}

static void shows_its_own_certificate(void **state)
{
	struct http_tls with = { .ca = buf_span(&ours.ca), .server_name = "web.test" };
	struct err err = ERR_NONE;
	auto_cert_list struct cert_list *ca = NULL;
	(void)state;

	assert_int_equal(cert_list_parse(buf_span(&others.ca), &ca, &err), 0);
	for (int with_own = 0; with_own < 2; with_own++) {
		SSL_CTX *tls = context_new(&ours);
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		SSL_CTX_set_purpose(tls, X509_PURPOSE_ANY);
		assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), cert_list_x509(ca, 0)), 1);
		if (with_own) {
			with.cert = buf_span(&others.cert);
			with.key = secret_span(&others.key);
		}
		int result = fetch(tls, &with, &err);
		if (result != (with_own ? 0 : -1) || err.kind != (with_own ? ERR_OK : ERR_AUTH))
			fail_msg("%d: %s", with_own, err.text);
		err_clear(&err);
	}
}

static void refuses_tls_1_1(void **state)
{
	struct http_tls with = { .ca = buf_span(&ours.ca), .server_name = "web.test" };
	struct err err = ERR_NONE;
	SSL_CTX *tls = context_new(&ours);
	(void)state;

	/* Debian's default forbids old versions on the peer's side as well */
	SSL_CTX_set_security_level(tls, 0);
	SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
	assert_int_equal(fetch(tls, &with, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_non_null(strstr(err.text, "protocol"));
}

static void refuses_credentials_that_are_none(void **state)
{
	struct {
		const char *name;
		struct http_tls tls;
	} cases[] = {
		{ "ca", { .ca = SPAN_LIT("rubbish") } },
		{ "ca that is a key", { .ca = secret_span(&ours.key) } },
		{ "cert without key", { .cert = buf_span(&ours.cert) } },
		{ "key without cert", { .key = secret_span(&ours.key) } },
		{ "another's key", { .cert = buf_span(&ours.cert), .key = secret_span(&others.key) } },
		{ "rubbish cert", { .cert = SPAN_LIT("x"), .key = secret_span(&ours.key) } },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_options options = { .tls = cases[i].tls, .user_agent = "test" };
		struct err err = ERR_NONE;
		auto_http struct http *http = http_new(&options, &err);
		if (http || err.kind != ERR_USAGE)
			fail_msg("%s: %s", cases[i].name, err.text);
	}
}

static void new_credentials_apply_to_new_calls(void **state)
{
	struct peer peer = { .play = play_ok, .tls = context_new(&ours) };
	struct http_options options = { .tls = { .ca = buf_span(&ours.ca), .server_name = "web.test" },
		.user_agent = "test" };
	struct http_tls wrong = { .ca = buf_span(&others.ca), .server_name = "web.test" };
	struct http_tls rubbish = { .ca = SPAN_LIT("rubbish") };
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	struct err err = ERR_NONE;
	char url[64];
	(void)state;

	peer_start(&peer);
	struct http *http = http_new(&options, &err);
	assert_non_null(http);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", (unsigned)peer.port);
	struct http_request request = {
		.method = "GET", .url = url, .max_body = 100, .total_timeout = 20000
	};
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	assert_int_equal(http_set_tls(http, &rubbish, &err), -1);
	assert_int_equal(http_fetch(http, &request, &response, &err), 0);
	assert_int_equal(http_set_tls(http, &wrong, &err), 0);
	/* the peer serves one connection at a time, and the one it has is open still */
	request.total_timeout = 300;
	assert_int_equal(http_fetch(http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	http_free(http);
	peer_stop(&peer);
}

/* From here on this process alone sees a system whose one root is that CA. */
static void become_a_system_that_trusts(const struct certs *certs)
{
	auto_cert_list struct cert_list *list = NULL;
	char path[100];

	assert_int_equal(unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("tmpfs", "/etc/ssl/certs", "tmpfs", 0, NULL), 0);
	assert_int_equal(cert_list_parse(buf_span(&certs->ca), &list, NULL), 0);
	snprintf(path, sizeof(path), "/etc/ssl/certs/%08lx.0",
			X509_subject_name_hash(cert_list_x509(list, 0)));
	assert_int_equal(fs_write_atomic(path, buf_span(&certs->ca), 0644, NULL), 0);
	assert_int_equal(fs_write_atomic("/etc/ssl/certs/ca-certificates.crt", buf_span(&certs->ca), 0644,
					 NULL),
			0);
}

/* The last test, as it changes what the process sees. */
static void trusts_the_systems_roots_only_where_it_is_told(void **state)
{
	struct cert_spec spec = { .common_name = "one more CA", .days = 2, .now = time(NULL) };
	auto_cert_pair struct cert_pair *pair = NULL;
	auto_buf struct buf ca = BUF_MAX(CERT_PEM_MAX);
	struct http_tls with = { .server_name = "web.test" };
	struct err err = ERR_NONE;
	(void)state;

	assert_int_equal(cert_make_ca(&spec, &pair, NULL), 0);
	cert_list_format(cert_pair_chain(pair), &ca);
	become_a_system_that_trusts(&ours);
	assert_int_equal(fetch(context_new(&ours), &with, &err), 0);
	/* a CA that is given is the only one: the system's are strangers to a cluster */
	with.ca = buf_span(&ca);
	assert_int_equal(fetch(context_new(&ours), &with, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	with.ca_adds = true;
	assert_int_equal(fetch(context_new(&ours), &with, &err), 0);
}

static int make_certs(void **state)
{
	(void)state;
	certs_make(&ours, "web.test");
	certs_make(&others, "web.test");
	return 0;
}

static int clear_certs(void **state)
{
	(void)state;
	certs_clear(&ours);
	certs_clear(&others);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_credentials_that_are_none),
		cmocka_unit_test(trusts_the_ca_it_is_given),
		cmocka_unit_test(distrusts_another_ca),
		cmocka_unit_test(distrusts_without_a_ca_what_the_system_does_not_know),
		cmocka_unit_test(checks_the_name_of_the_server),
		cmocka_unit_test(checks_nothing_when_told_so),
		cmocka_unit_test(shows_its_own_certificate),
		cmocka_unit_test(refuses_tls_1_1),
		cmocka_unit_test(new_credentials_apply_to_new_calls),
		cmocka_unit_test(trusts_the_systems_roots_only_where_it_is_told),
	};
	struct err err = ERR_NONE;

	if (http_global_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests(tests, make_certs, clear_certs);
}
