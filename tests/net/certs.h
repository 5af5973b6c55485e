/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA with one leaf for tests, made fresh: certs_make(&certs, "localhost"), certs_clear().
 */
#ifndef COCOON_TESTS_NET_CERTS_H
#define COCOON_TESTS_NET_CERTS_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct certs {
	struct buf ca;   /* PEM */
	struct buf cert; /* PEM */
	struct secret key;
};

static inline void certs_make(struct certs *out, const char *name)
{
	struct err err = ERR_NONE;
	struct cert_spec ca_spec = { .common_name = "test CA", .days = 2, .now = time(NULL) };
	struct cert_spec spec = { .common_name = "test", .days = 1, .now = time(NULL) };
	auto_cert_pair struct cert_pair *ca = NULL;
	auto_cert_pair struct cert_pair *leaf = NULL;

	spec.dns_names = &name;
	spec.dns_count = 1;
	*out = (struct certs){ .ca = BUF_MAX(CERT_PEM_MAX), .cert = BUF_MAX(CERT_PEM_MAX) };
	if (cert_make_ca(&ca_spec, &ca, &err) < 0 || cert_make_leaf(ca, &spec, &leaf, &err) < 0 ||
			cert_pair_key(leaf, &out->key, &err) < 0) {
		fprintf(stderr, "certificates for the test: %s\n", err.text);
		abort();
	}
	cert_list_format(cert_pair_chain(ca), &out->ca);
	cert_list_format(cert_pair_chain(leaf), &out->cert);
}

static inline void certs_clear(struct certs *certs)
{
	buf_clear(&certs->ca);
	buf_clear(&certs->cert);
	secret_clear(&certs->key);
}

#endif
