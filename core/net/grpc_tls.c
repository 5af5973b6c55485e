/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_own.h"

#include "base/err.h"
#include "crypto/ossl.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>

static const unsigned char alpn[] = { 2, 'h', '2' };

static int load_roots(SSL_CTX *tls, const struct grpc_tls *options, struct err *err)
{
	if (options->insecure)
		return 0;
	if (options->roots && SSL_CTX_load_verify_file(tls, options->roots) != 1)
		return ossl_fail(err, ERR_USAGE, "reading the roots in '%s'", options->roots);
	if (!options->roots && SSL_CTX_set_default_verify_paths(tls) != 1)
		return ossl_fail(err, ERR_IO, "reading the system's roots");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return 0;
}

static int load_own(SSL_CTX *tls, const struct grpc_tls *options, struct err *err)
{
	if (!options->cert && !options->key)
		return 0;
	if (!options->cert || !options->key)
		return err_set(err, ERR_USAGE,
				"a client certificate needs its key, and the key its certificate");
	if (SSL_CTX_use_certificate_chain_file(tls, options->cert) != 1)
		return ossl_fail(err, ERR_USAGE, "reading the certificate in '%s'", options->cert);
	if (SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) != 1)
		return ossl_fail(err, ERR_USAGE, "reading the key in '%s'", options->key);
	return 0;
}

/* Whom we want to talk to: a name, or an address in numbers. */
static int set_peer(SSL *ssl, const char *host, struct err *err)
{
	unsigned char scrap[sizeof(struct in6_addr)];
	bool numbers = inet_pton(AF_INET, host, scrap) == 1 || inet_pton(AF_INET6, host, scrap) == 1;

	if (numbers && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
		return 0;
	/* what the macro SSL_set_tlsext_host_name does, less its cast that clang does not like */
	if (!numbers && SSL_set1_host(ssl, host) == 1 &&
			SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
					(void *)(uintptr_t)host) == 1)
		return 0;
	return ossl_fail(err, ERR_USAGE, "'%.200s' cannot be the name of a TLS peer", host);
}

static int prepare(SSL_CTX *tls, struct grpc_wire *wire, const struct grpc_tls *options, const char *host,
		struct err *err)
{
	if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
			SSL_CTX_set_alpn_protos(tls, alpn, sizeof(alpn)) != 0)
		return ossl_fail(err, ERR_IO, "setting up TLS");
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (load_roots(tls, options, err) < 0 || load_own(tls, options, err) < 0)
		return -1;
	wire->ssl = SSL_new(tls);
	if (!wire->ssl || SSL_set_fd(wire->ssl, wire->fd) != 1)
		return ossl_fail(err, ERR_IO, "setting up TLS");
	return set_peer(wire->ssl, host, err);
}

static int handshake(struct grpc_wire *wire, struct err *err)
{
	for (;;) {
		int code = SSL_connect(wire->ssl), wants = SSL_get_error(wire->ssl, code);
		if (code == 1)
			return 0;
		if (wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE) {
			if (grpc_wire_wait(wire, wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, err) < 0)
				return err_wrap(err, "TLS handshake");
			continue;
		}
		long verdict = SSL_get_verify_result(wire->ssl);
		if (verdict != X509_V_OK)
			return ossl_fail(err, ERR_AUTH, "the peer's certificate: %s",
					X509_verify_cert_error_string(verdict));
		return ossl_fail(err, ERR_IO, "TLS handshake");
	}
}

int grpc_tls_open(struct grpc_wire *wire, const struct grpc_tls *tls, const char *host, struct err *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	const unsigned char *chosen = NULL;
	unsigned len = 0;

	if (!context)
		return ossl_fail(err, ERR_IO, "setting up TLS");
	int result = prepare(context, wire, tls, tls->server_name ? tls->server_name : host, err);
	SSL_CTX_free(context);
	if (result < 0 || handshake(wire, err) < 0)
		return -1;
	SSL_get0_alpn_selected(wire->ssl, &chosen, &len);
	if (len != 2 || memcmp(chosen, "h2", 2) != 0)
		return err_set(err, ERR_FORMAT, "the peer did not choose HTTP/2");
	return 0;
}
