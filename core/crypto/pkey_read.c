/* SPDX-License-Identifier: Apache-2.0 */
/* From text to a key: the blocks of a PEM, and words for what is no key. */
#include "base/alloc.h"
#include "base/err.h"
#include "crypto/ossl.h"
#include "crypto/pkey.h"
#include "crypto/pkey_own.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define PEM_FLAGS (PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE)

/* ---- what is no key ---- */

static int not_read(struct span bytes, struct err *err)
{
	static const struct {
		const char *start;
		const char *what;
	} known[] = {
		{ "ssh-", "an OpenSSH public key; convert it with 'ssh-keygen -e -m PKCS8'" },
		{ "ecdsa-sha2-", "an OpenSSH public key; convert it with 'ssh-keygen -e -m PKCS8'" },
		{ "---- BEGIN SSH2", "an SSH public key; convert it with 'ssh-keygen -i'" },
		{ "PuTTY-User-Key-File",
				"a key of PuTTY; convert it with 'puttygen -O private-openssh-new'" },
		{ "{", "JSON" },
		{ "[", "JSON" },
		{ "MII", "base64 without the lines '-----BEGIN …-----' and '-----END …-----' of PEM" },
		{ "pkcs11:", "a PKCS#11 URI" },
		{ "pkcs11", "a description of a PKCS#11 key" },
		{ "\xfe\xed\xfe\xed", "a Java key store" },
		{ "\xff\xfe", "text in UTF-16" },
		{ "\xfe\xff", "text in UTF-16" },
		{ "\x99", "an OpenPGP key" },
		{ "\x98", "an OpenPGP key" },
		{ "\x95", "an OpenPGP key" },
		{ "\xc5", "an OpenPGP key" },
		{ "\xc6", "an OpenPGP key" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_starts(bytes, known[i].start))
			return err_set(err, ERR_FORMAT, "this is no key in PEM or DER; it looks like %s",
					known[i].what);
	return err_set(err, ERR_FORMAT, "this is no key in PEM or DER");
}

/* A text with blocks, none of which is for us; name is that of the last. */
static int no_key_block(const char *name, struct err *err)
{
	if (!*name)
		return err_set(err, ERR_FORMAT, "the lines '-----BEGIN …-----' of this PEM are damaged");
	if (!strcmp(name, "OPENSSH PRIVATE KEY"))
		return err_set(err, ERR_FORMAT,
				"this is an OpenSSH private key; convert a copy of it with "
				"'ssh-keygen -p -m PKCS8'");
	if (!strncmp(name, "PGP ", 4))
		return err_set(err, ERR_FORMAT, "this is an OpenPGP text, no key in PEM");
	return err_set(err, ERR_FORMAT, "no key in this PEM, whose last block is '%.60s'", name);
}

/* ---- PEM ---- */

/* Which block of several counts: a private key beside its certificates does. */
enum rank { RANK_NONE, RANK_CERTIFICATE, RANK_PUBLIC, RANK_PRIVATE };

struct block {
	enum rank rank;
	char *head; /* "Proc-Type: …" and "DEK-Info: …", or empty */
	struct secret bytes;
};

static void block_clear(struct block *block)
{
	free(block->head);
	secret_clear(&block->bytes);
}

static enum rank rank_of(const char *name)
{
	static const struct {
		const char *name;
		enum rank rank;
	} known[] = {
		{ "PRIVATE KEY", RANK_PRIVATE },
		{ "ENCRYPTED PRIVATE KEY", RANK_PRIVATE },
		{ "RSA PRIVATE KEY", RANK_PRIVATE },
		{ "EC PRIVATE KEY", RANK_PRIVATE },
		{ "PUBLIC KEY", RANK_PUBLIC },
		{ "RSA PUBLIC KEY", RANK_PUBLIC },
		{ "CERTIFICATE", RANK_CERTIFICATE },
		{ "X509 CERTIFICATE", RANK_CERTIFICATE },
		{ "TRUSTED CERTIFICATE", RANK_CERTIFICATE },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(name, known[i].name))
			return known[i].rank;
	return RANK_NONE;
}

/* Keeps the block if it counts more than the one kept before. */
static int consider(
		struct block *kept, const char *name, const char *head, struct span bytes, struct err *err)
{
	enum rank rank = rank_of(name);

	if (rank == RANK_PRIVATE && kept->rank == RANK_PRIVATE)
		return err_set(err, ERR_FORMAT, "two private keys in one PEM; which is meant?");
	if (rank <= kept->rank)
		return 0;
	if (secret_from_span(&kept->bytes, bytes, err) < 0)
		return -1;
	free(kept->head);
	kept->head = xstrdup(head ? head : "");
	kept->rank = rank;
	return 0;
}

/* 1 after a block, 0 at the end of the text, -1. Of a block that is none of ours, last becomes the name. */
static int next_block(BIO *text, struct block *kept, char last[static 64], struct err *err)
{
	char *name = NULL, *head = NULL;
	unsigned char *bytes = NULL;
	long len = 0;

	ERR_clear_error();
	if (!PEM_read_bio_ex(text, &name, &head, &bytes, &len, PEM_FLAGS)) {
		if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
			return ossl_fail(err, ERR_FORMAT, "a block of this PEM is damaged");
		ERR_clear_error();
		return 0;
	}
	if (rank_of(name) == RANK_NONE)
		snprintf(last, 64, "%s", name);
	int status = consider(kept, name, head, span_new(bytes, (size_t)len), err);
	OPENSSL_secure_free(name);
	OPENSSL_secure_free(head);
	OPENSSL_secure_clear_free(bytes, (size_t)len);
	return status < 0 ? -1 : 1;
}

static int read_blocks(struct span pem, struct block *kept, struct err *err)
{
	char last[64] = "";
	int more = 1;

	BIO *text = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	if (!text)
		ossl_abort("a memory BIO");
	while (more > 0)
		more = next_block(text, kept, last, err);
	BIO_free(text);
	if (more < 0)
		return -1;
	return kept->rank == RANK_NONE ? no_key_block(last, err) : 0;
}

static int read_pem(struct span pem, const struct secret *password, struct pkey **out, struct err *err)
{
	__attribute__((cleanup(block_clear))) struct block kept = { .rank = RANK_NONE };
	auto_secret struct secret plain = SECRET_NONE;

	if (read_blocks(pem, &kept, err) < 0)
		return -1;
	if (!kept.head[0])
		return pkey_read_der(secret_span(&kept.bytes), password, false, out, err);
	if (pkey_decrypt_pem(kept.head, secret_span(&kept.bytes), password, &plain, err) < 0)
		return -1;
	return pkey_read_der(secret_span(&plain), password, true, out, err);
}

int pkey_parse(struct span bytes, const struct secret *password, struct pkey **out, struct err *err)
{
	if (bytes.len > SECRET_MAX)
		return err_set(err, ERR_LIMIT, "a key of %zu bytes; at most %zu are allowed", bytes.len,
				SECRET_MAX);
	if (!span_trim(bytes).len)
		return err_set(err, ERR_FORMAT, "this is no key: it is empty");
	if (pkey_form_of(bytes) != FORM_NONE)
		return pkey_read_der(bytes, password, false, out, err);
	if (memmem(bytes.ptr, bytes.len, "-----BEGIN", 10))
		return read_pem(bytes, password, out, err);
	return not_read(bytes, err);
}
