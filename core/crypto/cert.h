/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 certificates (RFC 5280) for our own servers: a self-made CA, leaves signed by it, and the checks that a peer
 * will make, made here first.
 *
 * What is made: EC P-256 keys, ECDSA with SHA-256, random 128-bit serials, not_before an hour before `now` (clocks
 * differ). A CA has basicConstraints CA with path length 0 and signs certificates and nothing else; a leaf has
 * digitalSignature, serverAuth, and its DNS names in subjectAltName, which is where clients look; both have subject
 * and authority key identifiers. What is read may be any X.509 in PEM that OpenSSL reads, such as the files of
 * cert-manager.
 *
 * A bundle is the text of several certificates one behind the other: to join two, join their texts.
 *
 * Bounds: CERT_PEM_MAX bytes of PEM, CERT_LIST_MAX certificates, CERT_NAMES_MAX DNS names. ERR_LIMIT.
 * Ownership: lists and pairs are heap objects of the caller; what the getters return is borrowed from them. Private
 * keys leave as struct secret alone.
 * Errors: ERR_FORMAT (not PEM, not a certificate), ERR_USAGE (a specification that cannot be), ERR_AUTH from
 * cert_verify_leaf and for a key that does not belong to its certificate. Unlike other ERR_AUTH, these say what is
 * wrong: certificates are public, and their owner has to mend them.
 */
#ifndef COCOON_CRYPTO_CERT_H
#define COCOON_CRYPTO_CERT_H

#include "base/span.h"
#include "crypto/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct buf;
struct err;
struct x509_st;
struct evp_pkey_st;
struct cert_list; /* one or more certificates, in order */
struct cert_pair; /* a private key and its certificate, which may be followed by its issuers */

#define CERT_PEM_MAX         ((size_t)64 * 1024)
#define CERT_LIST_MAX        16
#define CERT_NAMES_MAX       16
#define CERT_COMMON_NAME_MAX 64 /* ub-common-name of RFC 5280 */
#define CERT_DAYS_MAX        36500
#define CERT_BACKDATE        3600 /* seconds */
#define CERT_FINGERPRINT_MAX 65   /* hex of SHA-256 with its NUL */

/* ---- making ---- */

struct cert_spec {
	const char *common_name; /* at most CERT_COMMON_NAME_MAX bytes, not empty */
	const char *const *
			dns_names; /* leaves only: at least one, lower-case host names, a wildcard as first label */
	size_t dns_count;
	int days;   /* from now on */
	time_t now; /* the time to count from */
};

int cert_make_ca(const struct cert_spec *spec, struct cert_pair **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* A leaf ends with its CA at the latest. ERR_USAGE when the CA is not valid at spec->now. */
int cert_make_leaf(const struct cert_pair *ca, const struct cert_spec *spec, struct cert_pair **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* ---- text ---- */

/* The certificates of a PEM text, at least one; text between the blocks is skipped, other blocks are refused. */
int cert_list_parse(struct span pem, struct cert_list **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* Appends PEM. */
void cert_list_format(const struct cert_list *list, struct buf *out) __attribute__((nonnull));

void cert_list_free(struct cert_list *list);

/* A chain, the key's own certificate first, and its unencrypted private key. ERR_AUTH when they do not match. */
int cert_pair_parse(struct span chain_pem, struct span key_pem, struct cert_pair **out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

/* The private key as PKCS#8 in PEM. */
int cert_pair_key(const struct cert_pair *pair, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* The certificates of the pair; borrowed. */
const struct cert_list *cert_pair_chain(const struct cert_pair *pair)
		__attribute__((nonnull, returns_nonnull));

void cert_pair_free(struct cert_pair *pair);

static inline void cert_list_release(struct cert_list **slot)
{
	cert_list_free(*slot);
}

static inline void cert_pair_release(struct cert_pair **slot)
{
	cert_pair_free(*slot);
}
#define auto_cert_list __attribute__((cleanup(cert_list_release)))
#define auto_cert_pair __attribute__((cleanup(cert_pair_release)))

/* ---- looking ---- */

size_t cert_list_count(const struct cert_list *list) __attribute__((nonnull));

/* Of the certificate at index, which is below the count. */
time_t cert_not_before(const struct cert_list *list, size_t index) __attribute__((nonnull));
time_t cert_not_after(const struct cert_list *list, size_t index) __attribute__((nonnull));
bool cert_is_ca(const struct cert_list *list, size_t index) __attribute__((nonnull));

/* SHA-256 of the DER form, lower-case hex. */
void cert_fingerprint(const struct cert_list *list, size_t index, char out[static CERT_FINGERPRINT_MAX])
		__attribute__((nonnull));

/* ---- checking ---- */

/*
 * Would a client that trusts `bundle` accept `chain` (its first certificate is the server's) for dns_name at `now`?
 * Signatures, times, purposes, key strength, and the name in subjectAltName; the common name does not count. As in
 * Go, whose client the API server is, every certificate of the bundle is an anchor. ERR_AUTH with the reason.
 */
int cert_verify_leaf(const struct cert_list *chain, const struct cert_list *bundle, const char *dns_name,
		time_t now, struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/*
 * Does `chain`, whose first certificate is a signer's, lead to `bundle` at `now`? As above, but for name and purpose:
 * signers of tokens are no servers.
 */
int cert_verify_signer(const struct cert_list *chain, const struct cert_list *bundle, time_t now,
		struct err *err) __attribute__((nonnull(1, 2), warn_unused_result));

/* ---- for the TLS server (net) ---- */

/* Borrowed; who keeps them longer takes a reference. */
struct x509_st *cert_list_x509(const struct cert_list *list, size_t index)
		__attribute__((nonnull, returns_nonnull));
struct evp_pkey_st *cert_pair_pkey(const struct cert_pair *pair) __attribute__((nonnull, returns_nonnull));

#endif
