/* SPDX-License-Identifier: Apache-2.0 */
/* DER says by its first elements what it is: so one parser is asked, and its answer is the answer. */
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#include <openssl/asn1.h>
#include <openssl/x509.h>

/* of ASN1_get_object's answer: the content has no end of its own, or there is no object */
#define INDEFINITE 0x01
#define BROKEN     0x80

/* The tag of the first element and its content; 0 when there is none. *rest is what follows it. */
static int element(struct span der, struct span *content, struct span *rest)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	long len = 0;
	int tag = 0, class = 0;

	*content = *rest = SPAN_NONE;
	if (!der.len)
		return 0;
	int flags = ASN1_get_object(&at, &len, &tag, &class, (long)der.len);
	ERR_clear_error();
	if (flags & (BROKEN | INDEFINITE) || class != V_ASN1_UNIVERSAL)
		return 0;
	*content = span_new(at, (size_t)len);
	*rest = span_from(der, (size_t)((const char *)at - der.ptr) + (size_t)len);
	return tag;
}

/* What begins with a SEQUENCE: of an algorithm, or what a certificate's signature covers. */
static enum pkey_form form_of_sequence(struct span first, int second)
{
	struct span content, rest;

	if (element(first, &content, &rest) != V_ASN1_OBJECT)
		return second == V_ASN1_SEQUENCE ? FORM_CERTIFICATE : FORM_NONE;
	if (second == V_ASN1_BIT_STRING)
		return FORM_SPKI;
	return second == V_ASN1_OCTET_STRING ? FORM_ENCRYPTED : FORM_NONE;
}

enum pkey_form pkey_form_of(struct span der)
{
	struct span all, behind, first, second, rest;

	if (element(der, &all, &behind) != V_ASN1_SEQUENCE)
		return FORM_NONE;
	int one = element(all, &first, &rest);
	int two = element(rest, &second, &rest);
	if (one == V_ASN1_SEQUENCE)
		return form_of_sequence(first, two);
	if (one != V_ASN1_INTEGER || !first.len)
		return FORM_NONE;
	if (two == V_ASN1_OCTET_STRING)
		return FORM_SEC1;
	if (two == V_ASN1_SEQUENCE)
		return first.ptr[0] == 3 ? FORM_PKCS12 : FORM_PKCS8;
	if (two == V_ASN1_INTEGER)
		return rest.len ? FORM_PKCS1 : FORM_PKCS1_PUBLIC;
	return FORM_NONE;
}

/* ---- one parser for each form ---- */

static EVP_PKEY *read_spki(const unsigned char **at, long len)
{
	return d2i_PUBKEY(NULL, at, len);
}

static EVP_PKEY *read_pkcs1_public(const unsigned char **at, long len)
{
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, at, len);
}

static EVP_PKEY *read_pkcs1(const unsigned char **at, long len)
{
	return d2i_PrivateKey(EVP_PKEY_RSA, NULL, at, len);
}

static EVP_PKEY *read_sec1(const unsigned char **at, long len)
{
	return d2i_PrivateKey(EVP_PKEY_EC, NULL, at, len);
}

static EVP_PKEY *read_certificate(const unsigned char **at, long len)
{
	/* some have OpenSSL's trust settings behind them, which are no matter here */
	X509 *cert = d2i_X509_AUX(NULL, at, len);
	EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;

	X509_free(cert);
	return key;
}

static EVP_PKEY *read_pkcs8(const unsigned char **at, long len)
{
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, at, len);
	EVP_PKEY *key = info ? EVP_PKCS82PKEY(info) : NULL;

	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

static const struct {
	const char *what;
	EVP_PKEY *(*read)(const unsigned char **at, long len);
} forms[] = {
	[FORM_SPKI] = { "a public key", read_spki },
	[FORM_PKCS1_PUBLIC] = { "a public key of PKCS#1", read_pkcs1_public },
	[FORM_CERTIFICATE] = { "a certificate", read_certificate },
	[FORM_PKCS1] = { "a private key of PKCS#1", read_pkcs1 },
	[FORM_SEC1] = { "a private key of SEC1", read_sec1 },
	[FORM_PKCS8] = { "a private key of PKCS#8", read_pkcs8 },
};

static int read_form(enum pkey_form form, struct span der, EVP_PKEY **out, struct err *err)
{
	const unsigned char *at = (const unsigned char *)der.ptr;

	ERR_clear_error();
	EVP_PKEY *key = forms[form].read(&at, (long)der.len);
	if (!key) {
		ossl_fail(err, ERR_FORMAT, "this begins like %s, but cannot be read", forms[form].what);
		return -1;
	}
	ERR_clear_error();
	if ((const char *)at != der.ptr + der.len) {
		EVP_PKEY_free(key);
		err_set(err, ERR_FORMAT, "bytes behind %s", forms[form].what);
		return -1;
	}
	*out = key;
	return 0;
}

static int read_any(struct span der, const struct secret *password, EVP_PKEY **out, struct err *err)
{
	enum pkey_form form = pkey_form_of(der);

	if (form == FORM_ENCRYPTED)
		return pkey_decrypt_pkcs8(der, password, out, err);
	if (form == FORM_PKCS12) {
		err_set(err, ERR_FORMAT,
				"this is a PKCS#12 container; take the key out with 'openssl pkcs12 "
				"-nocerts'");
		return -1;
	}
	if (form == FORM_NONE) {
		err_set(err, ERR_FORMAT, "this is DER, but neither a key nor a certificate");
		return -1;
	}
	return read_form(form, der, out, err);
}

int pkey_read_der(struct span der, const struct secret *password, bool was_encrypted, struct pkey **out,
		struct err *err)
{
	EVP_PKEY *key = NULL;

	if (read_any(der, password, &key, err) < 0)
		return was_encrypted ? pkey_wrong_password(err) : -1;
	return pkey_adopt(key, out, err);
}
