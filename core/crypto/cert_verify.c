/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "crypto/cert_own.h"
#include "crypto/ossl.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* OpenSSL's security level of 112 bits: no SHA-1, no RSA below 2048 */
#define LEVEL 2

static STACK_OF(X509) * stack_of(const struct cert_list *list, size_t from)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	if (!stack)
		ossl_abort("a list of certificates");
	for (size_t i = from; i < list->count; i++)
		if (sk_X509_push(stack, list->certs[i]) <= 0)
			ossl_abort("a list of certificates");
	return stack;
}

static int wrong(X509_STORE_CTX *ctx, const char *dns_name, struct err *err)
{
	int why = X509_STORE_CTX_get_error(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx);

	ERR_clear_error();
	if (!dns_name)
		return err_set(err, ERR_AUTH,
				"the certificate is not valid: %s (certificate %d of the chain)",
				X509_verify_cert_error_string(why), depth);
	return err_set(err, ERR_AUTH,
			"the certificate is not valid for '%.260s': %s (certificate %d of the chain)",
			dns_name, X509_verify_cert_error_string(why), depth);
}

static bool set_terms(X509_STORE_CTX *ctx, const char *dns_name, time_t now)
{
	X509_VERIFY_PARAM *terms = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_time(terms, now);
	X509_VERIFY_PARAM_set_auth_level(terms, LEVEL);
	X509_VERIFY_PARAM_set_hostflags(
			terms, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set_flags(terms, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return false;
	return !dns_name ||
			(X509_VERIFY_PARAM_set1_host(terms, dns_name, strlen(dns_name)) == 1 &&
					X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER) == 1);
}

static int verify(X509_STORE_CTX *ctx, const char *dns_name, time_t now, struct err *err)
{
	if (!set_terms(ctx, dns_name, now))
		return ossl_fail(err, ERR_USAGE, "'%.260s' cannot be looked for in a certificate",
				dns_name ? dns_name : "");
	if (X509_verify_cert(ctx) != 1)
		return wrong(ctx, dns_name, err);
	return 0;
}

/* dns_name NULL: whatever the first certificate is for. */
static int verify_chain(const struct cert_list *chain, const struct cert_list *bundle, const char *dns_name,
		time_t now, struct err *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *others = stack_of(chain, 1);
	STACK_OF(X509) *anchors = stack_of(bundle, 0);
	if (!ctx || X509_STORE_CTX_init(ctx, NULL, chain->certs[0], others) != 1)
		ossl_abort("a check of certificates");
	X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
	int status = verify(ctx, dns_name, now, err);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(others);
	sk_X509_free(anchors);
	return status;
}

int cert_verify_leaf(const struct cert_list *chain, const struct cert_list *bundle, const char *dns_name,
		time_t now, struct err *err)
{
	/* OpenSSL takes an empty name for "any" */
	if (!*dns_name)
		return err_set(err, ERR_USAGE, "no name to look for in the certificate");
	return verify_chain(chain, bundle, dns_name, now, err);
}

int cert_verify_signer(
		const struct cert_list *chain, const struct cert_list *bundle, time_t now, struct err *err)
{
	return verify_chain(chain, bundle, NULL, now, err);
}
