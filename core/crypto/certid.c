/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/certid.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "crypto/der.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/secret.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

static const char key_id_oid[] = "\x55\x1d\x0e"; /* 2.5.29.14 */

void certid_free(struct certid *id)
{
	int saved = errno;

	if (!id)
		return;
	pkey_free(id->key);
	free(id->der);
	free(id);
	errno = saved;
}

/* ---- PEM ---- */

/* The first block; what is no certificate may be a private key put there by mistake, and is wiped. */
static int first_block(BIO *text, char **der_out, size_t *len_out, struct err *err)
{
	char *name = NULL, *head = NULL;
	unsigned char *der = NULL;
	long len = 0;

	ERR_clear_error();
	if (!PEM_read_bio(text, &name, &head, &der, &len))
		return ossl_fail(err, ERR_FORMAT, "no certificate in PEM form");
	int status = 0;
	if (strcmp(name, PEM_STRING_X509) != 0 && strcmp(name, PEM_STRING_X509_OLD) != 0)
		status = err_set(err, ERR_FORMAT, "a PEM block '%.60s' where a certificate must be", name);
	else
		*der_out = xmemdup0(der, *len_out = (size_t)len);
	OPENSSL_free(name);
	OPENSSL_free(head);
	OPENSSL_clear_free(der, (size_t)len);
	return status;
}

static int read_pem(struct span pem, char **der, size_t *len, struct err *err)
{
	BIO *text = BIO_new_mem_buf(pem.ptr, (int)pem.len);

	if (!text)
		ossl_abort("a memory BIO");
	int status = first_block(text, der, len, err);
	BIO_free(text);
	return status;
}

/* ---- DER ---- */

/* Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING }; fills *key_id when it is that one. */
static int read_extension(struct span *list, struct span *key_id, struct err *err)
{
	struct span extension = SPAN_NONE, oid = SPAN_NONE, value = SPAN_NONE;
	struct der_item critical = { .tag = 0 };

	if (der_expect(list, DER_SEQUENCE, "an extension", &extension, err) < 0 ||
			der_expect(&extension, DER_OID, "an extension's type", &oid, err) < 0)
		return -1;
	if (!span_is(oid, key_id_oid))
		return 0;
	if (!der_is_next(extension, DER_OCTETS) && der_next(&extension, "a flag", &critical, err) < 0)
		return -1;
	if (der_expect(&extension, DER_OCTETS, "the subject key identifier", &value, err) < 0)
		return -1;
	return der_expect(&value, DER_OCTETS, "the subject key identifier", key_id, err);
}

static int read_extensions(struct span rest, struct span *key_id, struct err *err)
{
	struct span explicit = SPAN_NONE, list = SPAN_NONE;
	struct der_item skipped = { .tag = 0 };

	while (rest.len && !der_is_next(rest, DER_CONTEXT_C(3)))
		if (der_next(&rest, "a field of the certificate", &skipped, err) < 0)
			return -1;
	if (!rest.len)
		return 0;
	if (der_expect(&rest, DER_CONTEXT_C(3), "the extensions", &explicit, err) < 0 ||
			der_expect(&explicit, DER_SEQUENCE, "the extensions", &list, err) < 0)
		return -1;
	while (list.len)
		if (read_extension(&list, key_id, err) < 0)
			return -1;
	return 0;
}

/* Certificate ::= SEQUENCE { SEQUENCE { [0] version, serial, signature, issuer, …, [3] extensions }, … } */
static int read_der(struct certid *id, struct err *err)
{
	struct span rest = span_new(id->der, id->der_len), certificate = SPAN_NONE, tbs = SPAN_NONE;
	struct der_item version = { .tag = 0 }, algorithm = { .tag = 0 }, issuer = { .tag = 0 };

	if (der_expect(&rest, DER_SEQUENCE, "the certificate", &certificate, err) < 0 ||
			der_expect(&certificate, DER_SEQUENCE, "the certificate's body", &tbs, err) < 0)
		return -1;
	if (rest.len)
		return err_set(err, ERR_FORMAT, "bytes behind the certificate");
	if (der_is_next(tbs, DER_CONTEXT_C(0)) && der_next(&tbs, "the version", &version, err) < 0)
		return -1;
	if (der_expect(&tbs, DER_INTEGER, "the serial number", &id->serial, err) < 0 ||
			der_next(&tbs, "the signature's algorithm", &algorithm, err) < 0 ||
			der_next(&tbs, "the issuer", &issuer, err) < 0)
		return -1;
	if (issuer.tag != DER_SEQUENCE || !id->serial.len)
		return err_set(err, ERR_FORMAT, "the certificate has no issuer or no serial number");
	id->issuer = issuer.whole;
	return read_extensions(tbs, &id->key_id, err);
}

int certid_parse(struct span bytes, struct certid **out, struct err *err)
{
	if (!bytes.len || bytes.len > SECRET_MAX)
		return err_set(err, bytes.len ? ERR_LIMIT : ERR_FORMAT, "a certificate of %zu bytes",
				bytes.len);
	auto_certid struct certid *id = xcalloc(1, sizeof(*id));
	if (!der_is_next(bytes, DER_SEQUENCE)) {
		if (read_pem(bytes, &id->der, &id->der_len, err) < 0)
			return -1;
	} else {
		id->der = xmemdup0(bytes.ptr, bytes.len);
		id->der_len = bytes.len;
	}
	if (read_der(id, err) < 0 || pkey_parse(span_new(id->der, id->der_len), NULL, &id->key, err) < 0)
		return -1;
	*out = take(&id);
	return 0;
}
