/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "crypto/cert_own.h"
#include "crypto/ossl.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define SERIAL_BYTES  16
#define DAY           86400
/* RFC 1035: 253 characters of a name in text form, 63 of a label */
#define DNS_NAME_MAX  253
#define DNS_LABEL_MAX 63

/* ---- the specification ---- */

static bool is_label(struct span label, bool first)
{
	if (first && span_is(label, "*"))
		return true;
	if (!label.len || label.len > DNS_LABEL_MAX || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return true;
}

static bool is_dns_name(struct span name)
{
	struct span label;
	bool first = true;

	if (!name.len || name.len > DNS_NAME_MAX || span_is(name, "*"))
		return false;
	while (span_next(&name, '.', &label)) {
		if (!is_label(label, first))
			return false;
		first = false;
	}
	return true;
}

static int check_names(const struct cert_spec *spec, struct err *err)
{
	if (!spec->dns_count)
		return err_set(err, ERR_USAGE, "a server certificate needs a DNS name");
	if (spec->dns_count > CERT_NAMES_MAX)
		return err_set(err, ERR_LIMIT, "%zu DNS names; at most %d are allowed", spec->dns_count,
				CERT_NAMES_MAX);
	for (size_t i = 0; i < spec->dns_count; i++)
		if (!is_dns_name(span_of(spec->dns_names[i])))
			return err_set(err, ERR_USAGE, "'%.260s' is no DNS name in lower case",
					spec->dns_names[i]);
	return 0;
}

static int check_spec(const struct cert_spec *spec, struct err *err)
{
	struct span name = span_of(spec->common_name);

	if (!name.len || name.len > CERT_COMMON_NAME_MAX || !span_is_utf8(name))
		return err_set(err, ERR_USAGE, "a common name has 1 to %d bytes of UTF-8",
				CERT_COMMON_NAME_MAX);
	if (spec->days < 1 || spec->days > CERT_DAYS_MAX)
		return err_set(err, ERR_USAGE, "a certificate of %d days; 1 to %d are allowed", spec->days,
				CERT_DAYS_MAX);
	/* four digits of a year, with room for days and backdating */
	if (spec->now < CERT_BACKDATE || spec->now > (time_t)200000000000)
		return err_set(err, ERR_USAGE, "the clock shows %lld seconds since 1970",
				(long long)spec->now);
	return 0;
}

/* ---- the pieces ---- */

static bool set_serial(X509 *cert)
{
	unsigned char bytes[SERIAL_BYTES];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool done = number && !BN_is_zero(number) && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return done;
}

static bool set_times(X509 *cert, time_t from, time_t to)
{
	return ASN1_TIME_set(X509_getm_notBefore(cert), from) && ASN1_TIME_set(X509_getm_notAfter(cert), to);
}

static bool set_subject(X509 *cert, const char *common_name)
{
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
			       (const unsigned char *)common_name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool done = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

static bool add_name(GENERAL_NAMES *names, const char *dns)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (!name || !text || !ASN1_STRING_set(text, dns, -1)) {
		GENERAL_NAME_free(name);
		ASN1_IA5STRING_free(text);
		return false;
	}
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

/* not through the text form of extensions, in which a comma in a name would begin another */
static bool add_names(X509 *cert, const struct cert_spec *spec)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	bool done = names;

	for (size_t i = 0; done && i < spec->dns_count; i++)
		done = add_name(names, spec->dns_names[i]);
	done = done && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(names);
	return done;
}

static bool add_identifiers(X509 *cert, X509 *issuer)
{
	return add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
			add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always");
}

static bool add_ca_extensions(X509 *cert)
{
	return add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
			add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
			add_identifiers(cert, cert);
}

static bool add_leaf_extensions(X509 *cert, X509 *issuer, const struct cert_spec *spec)
{
	return add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
			add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
			add_extension(cert, issuer, NID_ext_key_usage, "serverAuth") &&
			add_names(cert, spec) && add_identifiers(cert, issuer);
}

/* ---- the whole ---- */

static struct cert_pair *start(void)
{
	struct cert_list *list = xcalloc(1, sizeof(*list));
	EVP_PKEY *key = EVP_EC_gen("P-256");

	list->certs[0] = X509_new();
	list->count = 1;
	if (!list->certs[0] || !key)
		ossl_abort("making a key");
	return cert_pair_new(list, key);
}

static bool fill(struct cert_pair *pair, const struct cert_spec *spec, X509 *issuer, time_t to)
{
	X509 *cert = pair->chain->certs[0];

	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
			set_times(cert, spec->now - CERT_BACKDATE, to) &&
			set_subject(cert, spec->common_name) &&
			X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
			X509_set_pubkey(cert, pair->key) == 1;
}

int cert_make_ca(const struct cert_spec *spec, struct cert_pair **out, struct err *err)
{
	if (check_spec(spec, err) < 0)
		return -1;
	if (spec->dns_count)
		return err_set(err, ERR_USAGE, "a CA has no DNS names");
	auto_cert_pair struct cert_pair *pair = start();
	X509 *cert = pair->chain->certs[0];
	if (!fill(pair, spec, cert, spec->now + (time_t)spec->days * DAY) || !add_ca_extensions(cert) ||
			!X509_sign(cert, pair->key, EVP_sha256()))
		return ossl_fail(err, ERR_BUG, "making the CA certificate '%s'", spec->common_name);
	*out = take(&pair);
	return 0;
}

static int check_issuer(const struct cert_pair *ca, const struct cert_spec *spec, struct err *err)
{
	if (!cert_is_ca(ca->chain, 0))
		return err_set(err, ERR_USAGE, "the certificate that should sign '%s' is no CA",
				spec->common_name);
	if (spec->now < cert_not_before(ca->chain, 0) || spec->now >= cert_not_after(ca->chain, 0))
		return err_set(err, ERR_USAGE, "the CA that should sign '%s' is not valid now",
				spec->common_name);
	return 0;
}

int cert_make_leaf(const struct cert_pair *ca, const struct cert_spec *spec, struct cert_pair **out,
		struct err *err)
{
	if (check_spec(spec, err) < 0 || check_names(spec, err) < 0 || check_issuer(ca, spec, err) < 0)
		return -1;
	auto_cert_pair struct cert_pair *pair = start();
	X509 *cert = pair->chain->certs[0];
	X509 *issuer = ca->chain->certs[0];
	time_t to = spec->now + (time_t)spec->days * DAY;
	time_t ca_to = cert_not_after(ca->chain, 0);
	if (!fill(pair, spec, issuer, to < ca_to ? to : ca_to) || !add_leaf_extensions(cert, issuer, spec) ||
			!X509_sign(cert, ca->key, EVP_sha256()))
		return ossl_fail(err, ERR_BUG, "making the certificate '%s'", spec->common_name);
	*out = take(&pair);
	return 0;
}
