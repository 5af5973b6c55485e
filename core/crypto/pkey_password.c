/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys behind a password: PKCS#8's EncryptedPrivateKeyInfo, and the DEK-Info of PEM (RFC 1421) that came before. */
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

/* A key file must not keep us busy: some seconds of PBKDF2; of scrypt, whose memory OpenSSL bounds, the lanes. */
#define ITERATIONS_MAX 10000000
#define LANES_MAX      16
#define DES_BYTES      8

int pkey_wrong_password(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_AUTH, "the password is wrong, or the key is damaged");
}

static int need_password(const struct secret *password, struct err *err)
{
	if (password && password->len)
		return 0;
	return err_set(err, ERR_AUTH, "the key is encrypted and needs a password");
}

/* ---- PKCS#8 ---- */

static bool is_within(const ASN1_INTEGER *number, int64_t max)
{
	int64_t value = 0;

	return number && ASN1_INTEGER_get_int64(&value, number) == 1 && value >= 0 && value <= max;
}

static bool is_cheap_pbkdf2(const X509_ALGOR *alg)
{
	PBKDF2PARAM *param = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), alg->parameter);
	bool cheap = !param || is_within(param->iter, ITERATIONS_MAX);

	PBKDF2PARAM_free(param);
	return cheap;
}

static bool is_cheap_scrypt(const X509_ALGOR *alg)
{
	SCRYPT_PARAMS *param = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), alg->parameter);
	bool cheap = !param || is_within(param->parallelizationParameter, LANES_MAX);

	SCRYPT_PARAMS_free(param);
	return cheap;
}

static bool is_cheap_pbes2(const X509_ALGOR *alg)
{
	PBE2PARAM *param = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), alg->parameter);
	int nid = param && param->keyfunc ? OBJ_obj2nid(param->keyfunc->algorithm) : NID_undef;
	bool cheap = true;

	if (nid == NID_id_pbkdf2)
		cheap = is_cheap_pbkdf2(param->keyfunc);
	else if (nid == NID_id_scrypt)
		cheap = is_cheap_scrypt(param->keyfunc);
	PBE2PARAM_free(param);
	return cheap;
}

/* What cannot be read counts as cheap: OpenSSL refuses it. */
static bool is_cheap(const X509_ALGOR *alg)
{
	if (OBJ_obj2nid(alg->algorithm) == NID_pbes2)
		return is_cheap_pbes2(alg);
	PBEPARAM *param = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), alg->parameter);
	bool cheap = !param || is_within(param->iter, ITERATIONS_MAX);
	PBEPARAM_free(param);
	return cheap;
}

/* Was it the method that OpenSSL does not know, rather than the password? Empties the queue. */
static bool is_unknown_method(void)
{
	bool unknown = false;

	for (unsigned long code = ERR_get_error(); code; code = ERR_get_error()) {
		int reason = ERR_GET_REASON(code);
		if (reason == ERR_R_UNSUPPORTED ||
				(ERR_GET_LIB(code) == ERR_LIB_EVP &&
						(reason == EVP_R_UNKNOWN_PBE_ALGORITHM ||
								reason == EVP_R_UNSUPPORTED_CIPHER ||
								reason == EVP_R_UNSUPPORTED_KEY_DERIVATION_FUNCTION ||
								reason == EVP_R_UNSUPPORTED_PRF)))
			unknown = true;
	}
	return unknown;
}

static int decrypt_info(
		const X509_SIG *sealed, const struct secret *password, EVP_PKEY **out, struct err *err)
{
	const X509_ALGOR *alg = NULL;

	X509_SIG_get0(sealed, &alg, NULL);
	if (!is_cheap(alg)) {
		err_set(err, ERR_LIMIT,
				"the key's password derivation is too costly; more than %d iterations",
				ITERATIONS_MAX);
		return -1;
	}
	ERR_clear_error();
	PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(sealed, (const char *)password->ptr, (int)password->len);
	if (!info && is_unknown_method()) {
		err_set(err, ERR_FORMAT,
				"the key is encrypted by a method that is not supported; convert it with "
				"'openssl pkcs8 -topk8'");
		return -1;
	}
	if (!info) {
		pkey_wrong_password(err);
		return -1;
	}
	EVP_PKEY *key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (!key) {
		ossl_fail(err, ERR_FORMAT, "the key behind the password cannot be read");
		return -1;
	}
	*out = key;
	return 0;
}

int pkey_decrypt_pkcs8(struct span der, const struct secret *password, EVP_PKEY **out, struct err *err)
{
	const unsigned char *at = (const unsigned char *)der.ptr;

	X509_SIG *sealed = d2i_X509_SIG(NULL, &at, (long)der.len);
	if (!sealed || (const char *)at != der.ptr + der.len) {
		X509_SIG_free(sealed);
		ossl_fail(err, ERR_FORMAT, "this begins like an encrypted private key, but cannot be read");
		return -1;
	}
	int status = need_password(password, err);
	if (status == 0)
		status = decrypt_info(sealed, password, out, err);
	X509_SIG_free(sealed);
	return status;
}

/* ---- DEK-Info ---- */

/* The cipher of the key, and key: MD5 over password and the first bytes of the IV, as PEM has always done it. */
static const EVP_CIPHER *derive(const EVP_CIPHER_INFO *info, const struct secret *password,
		unsigned char key[static EVP_MAX_KEY_LENGTH])
{
	const EVP_CIPHER *cipher = info->cipher;

	if (!EVP_BytesToKey(cipher, EVP_md5(), info->iv, password->ptr, (int)password->len, 1, key, NULL))
		ossl_abort("deriving a key of a password");
	if (EVP_CIPHER_get_nid(cipher) != NID_des_cbc)
		return cipher;
	/* single DES, which OpenSSL has put away, is triple DES with one key three times */
	memcpy(key + DES_BYTES, key, DES_BYTES);
	memcpy(key + 2 * (size_t)DES_BYTES, key, DES_BYTES);
	return EVP_des_ede3_cbc();
}

static int no_cipher(struct err *err)
{
	ERR_clear_error();
	return err_set(err, ERR_FORMAT,
			"the key is encrypted by a cipher that is not supported; convert it with "
			"'openssl pkcs8 -topk8'");
}

static int decrypt(EVP_CIPHER_CTX *ctx, struct span cipher, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	int len = 0, last = 0;

	if (secret_alloc(&room, cipher.len + EVP_MAX_BLOCK_LENGTH, err) < 0)
		return -1;
	if (EVP_DecryptUpdate(ctx, room.ptr, &len, (const unsigned char *)cipher.ptr, (int)cipher.len) != 1 ||
			EVP_DecryptFinal_ex(ctx, room.ptr + len, &last) != 1)
		return pkey_wrong_password(err);
	return secret_from_span(out, span_new(room.ptr, (size_t)len + (size_t)last), err);
}

int pkey_decrypt_pem(char *head, struct span cipher, const struct secret *password, struct secret *out,
		struct err *err)
{
	EVP_CIPHER_INFO info = { .cipher = NULL };
	unsigned char key[EVP_MAX_KEY_LENGTH];

	if (PEM_get_EVP_CIPHER_INFO(head, &info) != 1 || !info.cipher || cipher.len > SECRET_MAX ||
			EVP_CIPHER_get_iv_length(info.cipher) < PKCS5_SALT_LEN)
		return no_cipher(err);
	if (need_password(password, err) < 0)
		return -1;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!ctx)
		ossl_abort("starting a cipher");
	const EVP_CIPHER *method = derive(&info, password, key);
	bool started = EVP_DecryptInit_ex2(ctx, method, key, info.iv, NULL) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	int status = started ? decrypt(ctx, cipher, out, err) : no_cipher(err);
	EVP_CIPHER_CTX_free(ctx);
	return status;
}
