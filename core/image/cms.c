/* SPDX-License-Identifier: Apache-2.0 */
#include "image/cms.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/der.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define OID_ENVELOPED          "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
#define OID_DATA               "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_RSA                "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_OAEP               "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"
#define OID_MGF1               "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
#define OID_SHA1               "\x2b\x0e\x03\x02\x1a"
#define OID_SHA256             "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define OID_AES                "\x60\x86\x48\x01\x65\x03\x04\x01"

#define GCM_NONCE              12
#define GCM_NONCE_MAX          64
#define GCM_TAG                16
/* the identifier of SEQUENCE without its constructed bit, as ocicrypt writes it around the parameters of GCM */
#define TAG_SEQUENCE_PRIMITIVE 0x10U

void cms_clear(struct cms *cms)
{
	int saved = errno;

	free(cms->recipients);
	buf_clear(&cms->content);
	*cms = (struct cms)CMS_NONE;
	errno = saved;
}

void cms_add(struct cms *cms, const struct cms_recipient *recipient)
{
	struct cms_recipient copy = *recipient; /* it may be one of the list */

	cms->recipients = xreallocarray(cms->recipients, cms->count + 1, sizeof(*cms->recipients));
	cms->recipients[cms->count++] = copy;
}

/* ---- algorithms ---- */

/* AlgorithmIdentifier ::= SEQUENCE { OID, parameters }; what stands behind the OID may be nothing. */
static int read_algorithm(struct span *rest, const char *what, struct span *oid, struct span *parameters,
		struct err *err)
{
	struct span body = SPAN_NONE;

	if (der_expect(rest, DER_SEQUENCE, what, &body, err) < 0 ||
			der_expect(&body, DER_OID, what, oid, err) < 0)
		return -1;
	*parameters = body;
	return 0;
}

/* The hash of an OAEP parameter: [n] { AlgorithmIdentifier }. False for what we do not know. */
static bool read_hash(struct span explicit, bool *sha256)
{
	struct span oid = SPAN_NONE, parameters = SPAN_NONE;

	if (read_algorithm(&explicit, "a hash", &oid, &parameters, NULL) < 0)
		return false;
	*sha256 = span_is(oid, OID_SHA256);
	return *sha256 || span_is(oid, OID_SHA1);
}

/* RSAES-OAEP-params (RFC 8017, A.2.1): both hashes SHA-1, which is the default, or both SHA-256, and no label. */
static enum cms_transport read_oaep(struct span rest)
{
	struct span body = SPAN_NONE, field = SPAN_NONE, oid = SPAN_NONE, inner = SPAN_NONE;
	bool hash = false, mask = false;

	if (rest.len && der_expect(&rest, DER_SEQUENCE, "OAEP", &body, NULL) < 0)
		return CMS_TRANSPORT_OTHER;
	if (der_is_next(body, DER_CONTEXT_C(0)) &&
			(der_expect(&body, DER_CONTEXT_C(0), "OAEP", &field, NULL) < 0 ||
					!read_hash(field, &hash)))
		return CMS_TRANSPORT_OTHER;
	if (der_is_next(body, DER_CONTEXT_C(1)) &&
			(der_expect(&body, DER_CONTEXT_C(1), "OAEP", &field, NULL) < 0 ||
					read_algorithm(&field, "MGF", &oid, &inner, NULL) < 0 ||
					!span_is(oid, OID_MGF1) || !read_hash(inner, &mask)))
		return CMS_TRANSPORT_OTHER;
	if (hash != mask || body.len)
		return CMS_TRANSPORT_OTHER;
	return hash ? CMS_RSA_OAEP_SHA256 : CMS_RSA_OAEP_SHA1;
}

/* GCMParameters (RFC 5084, 3.2), and ocicrypt's: wrapped once more, the nonce tagged [4]. */
static int read_gcm(struct span rest, struct cms *cms, struct err *err)
{
	struct der_item outer = { .tag = 0 }, nonce = { .tag = 0 };
	struct span body = SPAN_NONE, number = SPAN_NONE;
	uint64_t tag = 12; /* the default there */

	if (der_next(&rest, "the parameters of GCM", &outer, err) < 0)
		return -1;
	body = outer.body;
	if (outer.tag != DER_SEQUENCE && outer.tag != TAG_SEQUENCE_PRIMITIVE)
		return err_set(err, ERR_FORMAT, "the parameters of GCM have the tag 0x%02x", outer.tag);
	if (der_is_next(body, DER_SEQUENCE) &&
			der_expect(&body, DER_SEQUENCE, "the parameters of GCM", &body, err) < 0)
		return -1;
	if (der_next(&body, "the nonce of GCM", &nonce, err) < 0)
		return -1;
	if (nonce.tag != DER_OCTETS && nonce.tag != DER_CONTEXT(4))
		return err_set(err, ERR_FORMAT, "the nonce of GCM has the tag 0x%02x", nonce.tag);
	if (!nonce.body.len || nonce.body.len > GCM_NONCE_MAX)
		return err_set(err, ERR_FORMAT, "a nonce of GCM of %zu bytes", nonce.body.len);
	if (body.len && der_expect(&body, DER_INTEGER, "the tag length of GCM", &number, err) < 0)
		return -1;
	if (number.ptr && !der_number(number, GCM_TAG, &tag))
		return err_set(err, ERR_FORMAT, "the tag length of GCM is no number up to %d", GCM_TAG);
	if (tag != GCM_TAG)
		return err_set(err, ERR_USAGE, "GCM with a tag of %llu bytes; only %d are read",
				(unsigned long long)tag, GCM_TAG);
	cms->nonce = nonce.body;
	return 0;
}

static const struct content_cipher {
	struct span oid;
	enum cms_cipher cipher;
	size_t key_len; /* 0: known, not read */
	const char *name;
} content_ciphers[] = {
	{ SPAN_LIT(OID_AES "\x06"), CMS_AES_GCM, 16, "AES-128-GCM" },
	{ SPAN_LIT(OID_AES "\x1a"), CMS_AES_GCM, 24, "AES-192-GCM" },
	{ SPAN_LIT(OID_AES "\x2e"), CMS_AES_GCM, 32, "AES-256-GCM" },
	{ SPAN_LIT(OID_AES "\x02"), CMS_AES_CBC, 16, "AES-128-CBC" },
	{ SPAN_LIT(OID_AES "\x16"), CMS_AES_CBC, 24, "AES-192-CBC" },
	{ SPAN_LIT(OID_AES "\x2a"), CMS_AES_CBC, 32, "AES-256-CBC" },
	{ SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x03\x07"), CMS_TRIPLE_DES_CBC, 24, "3DES-CBC" },
	{ SPAN_LIT("\x2b\x0e\x03\x02\x07"), CMS_TRIPLE_DES_CBC, 0,
			"DES-CBC, whose keys are guessed in hours" },
	{ SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x03\x02"), CMS_TRIPLE_DES_CBC, 0, "RC2" },
	{ SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x03\x04"), CMS_TRIPLE_DES_CBC, 0, "RC4" },
};

static const struct content_cipher *find_cipher(struct span oid)
{
	for (size_t i = 0; i < sizeof(content_ciphers) / sizeof(*content_ciphers); i++)
		if (span_eq(oid, content_ciphers[i].oid))
			return &content_ciphers[i];
	return NULL;
}

static int read_content_cipher(struct span *rest, struct cms *cms, struct err *err)
{
	struct span oid = SPAN_NONE, parameters = SPAN_NONE;

	if (read_algorithm(rest, "the content's cipher", &oid, &parameters, err) < 0)
		return -1;
	const struct content_cipher *known = find_cipher(oid);
	if (!known)
		return err_set(err, ERR_USAGE, "the content's cipher is none that we know");
	if (!known->key_len)
		return err_set(err, ERR_USAGE, "the content is under %s: not read", known->name);
	cms->cipher = known->cipher;
	cms->key_len = known->key_len;
	if (known->cipher == CMS_AES_GCM)
		return read_gcm(parameters, cms, err);
	return der_expect(&parameters, DER_OCTETS, "the initial vector", &cms->nonce, err);
}

/* ---- reading ---- */

/* RecipientIdentifier ::= IssuerAndSerialNumber | [0] SubjectKeyIdentifier */
static int read_name(struct span *rest, struct cms_recipient *recipient, struct err *err)
{
	struct span pair = SPAN_NONE;
	struct der_item issuer = { .tag = 0 };

	if (der_is_next(*rest, DER_CONTEXT(0)))
		return der_expect(rest, DER_CONTEXT(0), "a recipient's key identifier", &recipient->key_id,
				err);
	if (der_expect(rest, DER_SEQUENCE, "a recipient's name", &pair, err) < 0 ||
			der_next(&pair, "a recipient's issuer", &issuer, err) < 0)
		return -1;
	if (issuer.tag != DER_SEQUENCE)
		return err_set(err, ERR_FORMAT, "a recipient's issuer has the tag 0x%02x", issuer.tag);
	recipient->issuer = issuer.whole;
	return der_expect(&pair, DER_INTEGER, "a recipient's serial number", &recipient->serial, err);
}

/* KeyTransRecipientInfo */
static int read_recipient(struct span rest, struct cms *cms, struct err *err)
{
	struct cms_recipient recipient = { .transport = CMS_TRANSPORT_OTHER };
	struct span version = SPAN_NONE, oid = SPAN_NONE, parameters = SPAN_NONE;

	if (der_expect(&rest, DER_INTEGER, "a recipient's version", &version, err) < 0 ||
			read_name(&rest, &recipient, err) < 0 ||
			read_algorithm(&rest, "a recipient's cipher", &oid, &parameters, err) < 0 ||
			der_expect(&rest, DER_OCTETS, "a recipient's key", &recipient.key, err) < 0)
		return -1;
	if (span_is(oid, OID_RSA))
		recipient.transport = CMS_RSA_PKCS1;
	else if (span_is(oid, OID_OAEP))
		recipient.transport = read_oaep(parameters);
	cms_add(cms, &recipient);
	return 0;
}

static int read_recipients(struct span rest, struct cms *cms, struct err *err)
{
	while (rest.len) {
		struct der_item item = { .tag = 0 };
		if (der_next(&rest, "a recipient", &item, err) < 0)
			return -1;
		if (cms->count + cms->others == CMS_RECIPIENTS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d recipients", CMS_RECIPIENTS_MAX);
		if (item.tag != DER_SEQUENCE)
			cms->others++;
		else if (read_recipient(item.body, cms, err) < 0)
			return err_wrap(err, "recipient %zu", cms->count + cms->others + 1);
	}
	return 0;
}

/* EncryptedContentInfo ::= SEQUENCE { OID, AlgorithmIdentifier, [0] IMPLICIT OCTET STRING } */
static int read_content(struct span rest, struct cms *cms, struct err *err)
{
	struct span type = SPAN_NONE;
	struct der_item content = { .tag = 0 };

	if (der_expect(&rest, DER_OID, "the content's type", &type, err) < 0 ||
			read_content_cipher(&rest, cms, err) < 0)
		return -1;
	if (!rest.len)
		return err_set(err, ERR_FORMAT, "the content stands elsewhere: not in the message");
	if (der_next(&rest, "the content", &content, err) < 0)
		return -1;
	if (content.tag != DER_CONTEXT(0) && content.tag != DER_CONTEXT_C(0))
		return err_set(err, ERR_FORMAT, "the content has the tag 0x%02x", content.tag);
	return der_octets(&content, "the content", &cms->content, err);
}

/* EnvelopedData ::= SEQUENCE { version, [0] originatorInfo OPTIONAL, SET, EncryptedContentInfo, [1] OPTIONAL } */
static int read_enveloped(struct span rest, struct cms *cms, struct err *err)
{
	struct span version = SPAN_NONE, originator = SPAN_NONE, recipients = SPAN_NONE, content = SPAN_NONE;

	if (der_expect(&rest, DER_INTEGER, "the version", &version, err) < 0)
		return -1;
	if (der_is_next(rest, DER_CONTEXT_C(0)) &&
			der_expect(&rest, DER_CONTEXT_C(0), "the originator", &originator, err) < 0)
		return -1;
	if (der_expect(&rest, DER_SET, "the recipients", &recipients, err) < 0 ||
			read_recipients(recipients, cms, err) < 0 ||
			der_expect(&rest, DER_SEQUENCE, "the content", &content, err) < 0)
		return -1;
	return read_content(content, cms, err);
}

static int check_type(struct span oid, struct err *err)
{
	static const struct {
		struct span oid;
		const char *name;
	} others[] = {
		{ SPAN_LIT(OID_DATA), "data in clear" },
		{ SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), "SignedData" },
		{ SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"), "EncryptedData" },
		{ SPAN_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"), "AuthEnvelopedData" },
	};

	if (span_is(oid, OID_ENVELOPED))
		return 0;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (span_eq(oid, others[i].oid))
			return err_set(err, ERR_USAGE, "the message is %s; only EnvelopedData is read",
					others[i].name);
	return err_set(err, ERR_FORMAT, "the message is not EnvelopedData");
}

static int read_message(struct span rest, struct cms *cms, struct err *err)
{
	struct span info = SPAN_NONE, type = SPAN_NONE, explicit = SPAN_NONE, enveloped = SPAN_NONE;

	if (der_expect(&rest, DER_SEQUENCE, "the message", &info, err) < 0 ||
			der_expect(&info, DER_OID, "the message's type", &type, err) < 0 ||
			check_type(type, err) < 0)
		return -1;
	if (rest.len)
		return err_set(err, ERR_FORMAT, "%zu bytes behind the message", rest.len);
	if (der_expect(&info, DER_CONTEXT_C(0), "EnvelopedData", &explicit, err) < 0 ||
			der_expect(&explicit, DER_SEQUENCE, "EnvelopedData", &enveloped, err) < 0)
		return -1;
	return read_enveloped(enveloped, cms, err);
}

int cms_parse(struct span bytes, struct cms *out, struct err *err)
{
	cms_clear(out);
	if (read_message(bytes, out, err) < 0) {
		cms_clear(out);
		return -1;
	}
	return 0;
}

/* ---- writing ---- */

static void write_recipient(const struct cms_recipient *recipient, struct buf *out)
{
	size_t all = out->len;

	assert(recipient->issuer.len && recipient->transport == CMS_RSA_PKCS1);
	der_put(out, DER_INTEGER, SPAN_LIT("\0"));
	size_t name = out->len;
	buf_add_span(out, recipient->issuer);
	der_put(out, DER_INTEGER, der_integer(recipient->serial));
	der_wrap(out, name, DER_SEQUENCE);
	size_t cipher = out->len;
	der_put(out, DER_OID, SPAN_LIT(OID_RSA));
	der_wrap(out, cipher, DER_SEQUENCE);
	der_put(out, DER_OCTETS, recipient->key);
	der_wrap(out, all, DER_SEQUENCE);
}

static void write_content(const struct cms *cms, struct buf *out)
{
	size_t all = out->len;

	assert(cms->cipher == CMS_AES_GCM && cms->key_len == 16 && cms->nonce.len == GCM_NONCE);
	der_put(out, DER_OID, SPAN_LIT(OID_DATA));
	size_t cipher = out->len;
	der_put(out, DER_OID, SPAN_LIT(OID_AES "\x06"));
	size_t parameters = out->len;
	der_put(out, DER_CONTEXT(4), cms->nonce);
	der_put(out, DER_INTEGER, SPAN_LIT("\x10"));
	der_wrap(out, parameters, DER_SEQUENCE);
	der_wrap(out, parameters, TAG_SEQUENCE_PRIMITIVE);
	der_wrap(out, cipher, DER_SEQUENCE);
	size_t content = out->len;
	der_put(out, DER_OCTETS, buf_span(&cms->content));
	der_wrap(out, content, DER_CONTEXT_C(0));
	der_wrap(out, all, DER_SEQUENCE);
}

void cms_format(const struct cms *cms, struct buf *out)
{
	size_t all = out->len;

	der_put(out, DER_OID, SPAN_LIT(OID_ENVELOPED));
	size_t enveloped = out->len;
	der_put(out, DER_INTEGER, SPAN_LIT("\0"));
	size_t recipients = out->len;
	for (size_t i = 0; i < cms->count; i++)
		write_recipient(&cms->recipients[i], out);
	der_wrap(out, recipients, DER_SET);
	write_content(cms, out);
	der_wrap(out, enveloped, DER_SEQUENCE);
	der_wrap(out, enveloped, DER_CONTEXT_C(0));
	der_wrap(out, all, DER_SEQUENCE);
}
