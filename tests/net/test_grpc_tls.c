/* SPDX-License-Identifier: Apache-2.0 */
/* The client over TLS. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "net/grpc_client.h"
#include "net/grpc_session.h"
#include "tests/fault/peer.h"
#include "tests/net/certs.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define ECHO     "/test.Service/Echo"
#define PATIENCE 20000

static int call(const struct peer *peer, const struct grpc_tls *tls, int timeout, struct buf *answer,
		struct err *err)
{
	auto_free char *target = xasprintf("127.0.0.1:%u", (unsigned)peer->port);
	const struct grpc_call call = {
		.target = target, .tls = tls, .path = ECHO, .message = SPAN_LIT("hello"), .timeout = timeout
	};

	return grpc_call(&call, answer, err);
}

static enum grpc_status echo(void *ctx, struct span message, struct buf *answer, struct err *err)
{
	(void)ctx, (void)err;
	buf_add_span(answer, message);
	return GRPC_OK;
}

/* A session of the server's behind whatever the line is. */
static void serve(struct line *line, void *ctx)
{
	static const struct grpc_method methods[] = { { ECHO, echo }, { NULL, NULL } };
	size_t budget = GRPC_MESSAGE_MAX;
	const struct grpc_service service = { methods, NULL, &clock_real, &budget };
	auto_grpc_session struct grpc_session *session = grpc_session_new(&service, NULL);
	struct span pending = SPAN_NONE;
	char chunk[4096];

	(void)ctx;
	for (;;) {
		while (grpc_session_pending(session, &pending, NULL) == 0 && pending.len) {
			line_write(line, pending.ptr, pending.len);
			grpc_session_sent(session, pending.len);
		}
		ssize_t n = line_read(line, chunk, sizeof(chunk));
		if (n <= 0 || grpc_session_feed(session, span_new(chunk, (size_t)n), NULL) < 0)
			return;
	}
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in,
		unsigned in_len, void *ctx)
{
	static const unsigned char wanted[] = { 2, 'h', '2' };
	unsigned char *chosen = NULL;

	(void)ssl, (void)ctx;
	if (SSL_select_next_proto(&chosen, len, wanted, sizeof(wanted), in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

struct tls_scene {
	struct certs certs, others;
	char dir[64];
	char *ca, *other_ca, *cert, *key;
};

static char *put_file(const char *dir, const char *name, struct span bytes)
{
	char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fs_write_atomic(path, bytes, 0600, NULL), 0);
	return path;
}

static void tls_open(struct tls_scene *scene)
{
	certs_make(&scene->certs, "keys.test");
	certs_make(&scene->others, "keys.test");
	snprintf(scene->dir, sizeof(scene->dir), "/tmp/cocoon-grpc-XXXXXX");
	assert_non_null(mkdtemp(scene->dir));
	scene->ca = put_file(scene->dir, "ca", buf_span(&scene->certs.ca));
	scene->other_ca = put_file(scene->dir, "other", buf_span(&scene->others.ca));
	scene->cert = put_file(scene->dir, "cert", buf_span(&scene->certs.cert));
	scene->key = put_file(scene->dir, "key", secret_span(&scene->certs.key));
}

static void tls_close(struct tls_scene *scene)
{
	char *const paths[] = { scene->ca, scene->other_ca, scene->cert, scene->key };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	assert_int_equal(rmdir(scene->dir), 0);
	certs_clear(&scene->certs);
	certs_clear(&scene->others);
}
#define auto_tls_scene __attribute__((cleanup(tls_close)))

static SSL_CTX *context_new(const struct tls_scene *scene, bool h2, bool asks)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	assert_int_equal(SSL_CTX_use_certificate_chain_file(tls, scene->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, scene->key, SSL_FILETYPE_PEM), 1);
	if (h2)
		SSL_CTX_set_alpn_select_cb(tls, choose_h2, NULL);
	if (asks) {
		assert_int_equal(SSL_CTX_load_verify_file(tls, scene->ca), 1);
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		SSL_CTX_set_purpose(tls, X509_PURPOSE_ANY);
	}
	return tls;
}

static void checks_who_answers_over_tls(void **state)
{
	auto_tls_scene struct tls_scene scene;

	(void)state;
	tls_open(&scene);
	const struct {
		const char *name;
		struct grpc_tls tls;
		bool h2, asks;
		enum err_kind kind;
	} cases[] = {
		{ "trusted", { .roots = scene.ca, .server_name = "keys.test" }, true, false, ERR_OK },
		{ "client certificate",
				{ .roots = scene.ca,
						.server_name = "keys.test",
						.cert = scene.cert,
						.key = scene.key },
				true, true, ERR_OK },
		{ "no client certificate", { .roots = scene.ca, .server_name = "keys.test" }, true, true,
				ERR_IO },
		{ "not checked", { .insecure = true }, true, false, ERR_OK },
		{ "other name", { .roots = scene.ca, .server_name = "other.test" }, true, false, ERR_AUTH },
		{ "the address", { .roots = scene.ca }, true, false, ERR_AUTH },
		{ "other roots", { .roots = scene.other_ca, .server_name = "keys.test" }, true, false,
				ERR_AUTH },
		{ "the system's roots", { .server_name = "keys.test" }, true, false, ERR_AUTH },
		{ "no HTTP/2", { .roots = scene.ca, .server_name = "keys.test" }, false, false, ERR_FORMAT },
		{ "no such file", { .roots = "/nowhere/ca" }, true, false, ERR_USAGE },
		{ "roots that are none", { .roots = scene.key }, true, false, ERR_USAGE },
		{ "certificate without key", { .roots = scene.ca, .cert = scene.cert }, true, false,
				ERR_USAGE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer peer = { .play = serve, .tls = context_new(&scene, cases[i].h2, cases[i].asks) };
		auto_buf struct buf answer = BUF_MAX(100);
		struct err err = ERR_NONE;
		peer_start(&peer);
		int result = call(&peer, &cases[i].tls, PATIENCE, &answer, &err);
		peer_stop(&peer);
		if (err.kind != cases[i].kind || (result < 0) != (cases[i].kind != ERR_OK))
			fail_msg("%s: %s: %s", cases[i].name, err_kind_name(err.kind), err.text);
		if (!result)
			assert_string_equal(buf_text(&answer), "hello");
	}
}

static void does_not_speak_tls_to_a_peer_that_does_not(void **state)
{
	struct peer peer = { .play = serve };
	const struct grpc_tls tls = { .insecure = true };
	auto_buf struct buf answer = BUF_MAX(100);
	struct err err = ERR_NONE;

	(void)state;
	peer_start(&peer);
	assert_int_equal(call(&peer, &tls, PATIENCE, &answer, &err), -1);
	peer_stop(&peer);
	assert_int_equal(err.kind, ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_who_answers_over_tls),
		cmocka_unit_test(does_not_speak_tls_to_a_peer_that_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
