/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pkcs12.h"

#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

static void release_file(PKCS12 **slot)
{
	PKCS12_free(*slot);
}

static void release_safes(struct stack_st_PKCS7 **slot)
{
	sk_PKCS7_pop_free(*slot, PKCS7_free);
}

static void release_bags(struct stack_st_PKCS12_SAFEBAG **slot)
{
	sk_PKCS12_SAFEBAG_pop_free(*slot, PKCS12_SAFEBAG_free);
}
#define auto_file12  __attribute__((cleanup(release_file)))
#define auto_safes12 __attribute__((cleanup(release_safes)))
#define auto_bags12  __attribute__((cleanup(release_bags)))

static PKCS12 *file_read(struct span der, struct err *err)
{
	const unsigned char *at = (const unsigned char *)der.ptr;

	if (der.len > SECRET_MAX) {
		err_set(err, ERR_LIMIT, "the PKCS#12 file exceeds %zu bytes", SECRET_MAX);
		return NULL;
	}
	PKCS12 *file = der.len ? d2i_PKCS12(NULL, &at, (long)der.len) : NULL;
	if (file && (const char *)at == der.ptr + der.len)
		return file;
	PKCS12_free(file);
	ERR_clear_error();
	err_set(err, ERR_FORMAT, "this is no PKCS#12 file");
	return NULL;
}

/* Rounds of a file that is absurd must not keep us busy. Absent means one. */
static int mac_is_cheap(PKCS12 *file, struct err *err)
{
	const ASN1_INTEGER *rounds = NULL;
	int64_t count = 1;

	PKCS12_get0_mac(NULL, NULL, NULL, &rounds, file);
	if (rounds && (ASN1_INTEGER_get_int64(&count, rounds) != 1 || count < 1 || count > PKCS12_ROUNDS_MAX))
		return err_set(err, ERR_LIMIT,
				"the PKCS#12 file's password derivation is too costly; at most %d rounds are "
				"made",
				PKCS12_ROUNDS_MAX);
	return 0;
}

static int mac_check(PKCS12 *file, const struct secret *password, struct err *err)
{
	if (!PKCS12_mac_present(file))
		return err_set(err, ERR_FORMAT, "the PKCS#12 file has no MAC, so nothing vouches for it");
	if (mac_is_cheap(file, err) < 0)
		return -1;
	if (!password->len)
		return err_set(err, ERR_AUTH, "the PKCS#12 file needs a password");
	if (PKCS12_verify_mac(file, (const char *)password->ptr, (int)password->len) == 1)
		return 0;
	ERR_clear_error();
	return err_set(err, ERR_AUTH, "the password is wrong, or the PKCS#12 file is damaged");
}

/* 1 with *out set, 0 when the bags hold no such key. */
static int key_of_bags(const struct stack_st_PKCS12_SAFEBAG *bags, const struct secret *password,
		struct pkey **out, struct err *err)
{
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
		if (PKCS12_SAFEBAG_get_nid(bag) != NID_pkcs8ShroudedKeyBag)
			continue;
		unsigned char *der = NULL;
		int len = i2d_X509_SIG(PKCS12_SAFEBAG_get0_pkcs8(bag), &der);
		if (len <= 0)
			return ossl_fail(err, ERR_FORMAT, "the key bag of the PKCS#12 file");
		int status = pkey_parse(span_new(der, (size_t)len), password, out, err);
		OPENSSL_free(der);
		return status < 0 ? err_wrap(err, "the key bag of the PKCS#12 file") : 1;
	}
	return 0;
}

int pkcs12_key(struct span der, const struct secret *password, struct pkey **out, struct err *err)
{
	ERR_clear_error();
	auto_file12 PKCS12 *file = file_read(der, err);
	if (!file || mac_check(file, password, err) < 0)
		return -1;
	auto_safes12 struct stack_st_PKCS7 *safes = PKCS12_unpack_authsafes(file);
	if (!safes)
		return ossl_fail(err, ERR_FORMAT, "the safes of the PKCS#12 file");
	for (int i = 0; i < sk_PKCS7_num(safes); i++) {
		PKCS7 *safe = sk_PKCS7_value(safes, i);
		if (!PKCS7_type_is_data(safe))
			continue;
		auto_bags12 struct stack_st_PKCS12_SAFEBAG *bags = PKCS12_unpack_p7data(safe);
		if (!bags)
			return ossl_fail(err, ERR_FORMAT, "a safe of the PKCS#12 file");
		int found = key_of_bags(bags, password, out, err);
		if (found)
			return found < 0 ? -1 : 0;
	}
	return err_set(err, ERR_FORMAT,
			"the PKCS#12 file holds no private key in a shrouded bag outside of its encrypted "
			"safes");
}
