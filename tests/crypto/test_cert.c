/* SPDX-License-Identifier: Apache-2.0 */
/* The other side is the openssl command: tests/vectors/crypto/make-chain.sh made the chain and the keys there. */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "crypto/cert.h"
#include "crypto/init.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW     1800000000 /* January 2027 */
#define DAY     86400
#define VECTORS "tests/vectors/crypto/"

static const char *const names[] = { "web.apps.svc", "web.apps.svc.cluster.local" };

static struct cert_pair *make_ca(const char *common_name, int days)
{
	struct cert_spec spec = { .common_name = common_name, .days = days, .now = NOW };
	struct cert_pair *pair = NULL;
	struct err err = ERR_NONE;

	if (cert_make_ca(&spec, &pair, &err) < 0)
		fail_msg("%s", err.text);
	return pair;
}

static struct cert_pair *make_leaf(const struct cert_pair *ca, int days)
{
	struct cert_spec spec = {
		.common_name = "web", .dns_names = names, .dns_count = 2, .days = days, .now = NOW
	};
	struct cert_pair *pair = NULL;
	struct err err = ERR_NONE;

	if (cert_make_leaf(ca, &spec, &pair, &err) < 0)
		fail_msg("%s", err.text);
	return pair;
}

static void load(const char *name, struct buf *out)
{
	char path[200];
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), VECTORS "%s", name);
	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static bool has(X509 *cert, int nid, bool critical)
{
	int is_critical = 0;
	void *value = X509_get_ext_d2i(cert, nid, &is_critical, NULL);
	bool found = value && is_critical == critical;
	const X509V3_EXT_METHOD *method = X509V3_EXT_get_nid(nid);

	if (value)
		ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
	return found;
}

static void a_ca_is_what_rfc_5280_says(void **state)
{
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 3650);
	const struct cert_list *list = cert_pair_chain(ca);
	X509 *cert = cert_list_x509(list, 0);

	(void)state;
	assert_int_equal(cert_list_count(list), 1);
	assert_true(cert_is_ca(list, 0));
	assert_int_equal(cert_not_before(list, 0), NOW - CERT_BACKDATE);
	assert_int_equal(cert_not_after(list, 0), NOW + (time_t)3650 * DAY);
	assert_int_equal(X509_get_version(cert), X509_VERSION_3);
	assert_true(has(cert, NID_basic_constraints, true));
	assert_int_equal(X509_get_pathlen(cert), 0);
	assert_int_equal(X509_get_key_usage(cert), X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN);
	assert_non_null(X509_get0_subject_key_id(cert));
	assert_int_equal(ASN1_OCTET_STRING_cmp(
					 X509_get0_subject_key_id(cert), X509_get0_authority_key_id(cert)),
			0);
	assert_int_equal(X509_verify(cert, cert_pair_pkey(ca)), 1);
}

static void a_leaf_is_what_rfc_5280_says(void **state)
{
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 3650), *leaf = make_leaf(ca, 90);
	const struct cert_list *list = cert_pair_chain(leaf);
	X509 *cert = cert_list_x509(list, 0), *issuer = cert_list_x509(cert_pair_chain(ca), 0);

	(void)state;
	assert_false(cert_is_ca(list, 0));
	assert_int_equal(cert_not_after(list, 0), NOW + (time_t)90 * DAY);
	assert_int_equal(X509_verify(cert, cert_pair_pkey(ca)), 1);
	assert_int_equal(X509_check_issued(issuer, cert), X509_V_OK);
	assert_int_equal(X509_get_key_usage(cert), X509v3_KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
	assert_true(has(cert, NID_subject_alt_name, false));
	assert_int_equal(ASN1_OCTET_STRING_cmp(
					 X509_get0_subject_key_id(issuer), X509_get0_authority_key_id(cert)),
			0);
	assert_int_not_equal(ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(cert),
					     X509_get0_authority_key_id(cert)),
			0);
	assert_in_range(ASN1_STRING_length(X509_get0_serialNumber(cert)), 12, 16);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
				X509_check_host(cert, names[i], 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL),
				1);
}

static void serials_and_keys_are_fresh(void **state)
{
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 10), *a = make_leaf(ca, 1),
					*b = make_leaf(ca, 1);
	X509 *one = cert_list_x509(cert_pair_chain(a), 0), *two = cert_list_x509(cert_pair_chain(b), 0);

	(void)state;
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(one), X509_get0_serialNumber(two)), 0);
	assert_int_equal(EVP_PKEY_eq(cert_pair_pkey(a), cert_pair_pkey(b)), 0);
}

static void a_leaf_ends_with_its_ca(void **state)
{
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 10), *leaf = make_leaf(ca, 90);

	(void)state;
	assert_int_equal(cert_not_after(cert_pair_chain(leaf), 0), NOW + 10 * DAY);
}

static void refuses_specifications_that_cannot_be(void **state)
{
	static const char *const bad[] = { "", "a..b", ".a", "a.", "-a", "a-", "A.b", "a b", "a,DNS:b", "*",
		"a.*.b", "*a.b", "1234567890123456789012345678901234567890123456789012345678901234.b" };
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 10), *leaf = make_leaf(ca, 5);
	struct cert_pair *out = NULL;
	struct err err = ERR_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cert_spec spec = { "web", &bad[i], 1, 1, NOW };
		if (cert_make_leaf(ca, &spec, &out, &err) == 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	const struct cert_spec specs[] = {
		{ "", names, 1, 1, NOW },
		{ "12345678901234567890123456789012345678901234567890123456789012345", names, 1, 1, NOW },
		{ "\xff", names, 1, 1, NOW },
		{ "web", names, 0, 1, NOW },
		{ "web", names, CERT_NAMES_MAX + 1, 1, NOW },
		{ "web", names, 1, 0, NOW },
		{ "web", names, 1, CERT_DAYS_MAX + 1, NOW },
		{ "web", names, 1, 1, 0 },
		{ "web", names, 1, 1, NOW + 10 * DAY },
		{ "web", names, 1, 1, NOW - CERT_BACKDATE - 1 },
	};
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		assert_int_equal(cert_make_leaf(ca, &specs[i], &out, &err), -1);
	struct cert_spec fine = { "web", names, 1, 1, NOW };
	assert_int_equal(cert_make_leaf(leaf, &fine, &out, &err), -1);
	assert_string_equal(err.text, "the certificate that should sign 'web' is no CA");
	assert_int_equal(cert_make_ca(&fine, &out, &err), -1);
}

static void text_forms_read_back(void **state)
{
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 10), *back = NULL;
	auto_secret struct secret key = SECRET_NONE;
	auto_buf struct buf pem = BUF_MAX(CERT_PEM_MAX);
	char one[CERT_FINGERPRINT_MAX], two[CERT_FINGERPRINT_MAX];
	struct err err = ERR_NONE;

	(void)state;
	cert_list_format(cert_pair_chain(ca), &pem);
	assert_int_equal(cert_pair_key(ca, &key, &err), 0);
	assert_true(span_starts(secret_span(&key), "-----BEGIN PRIVATE KEY-----\n"));
	assert_int_equal(cert_pair_parse(buf_span(&pem), secret_span(&key), &back, &err), 0);
	cert_fingerprint(cert_pair_chain(ca), 0, one);
	cert_fingerprint(cert_pair_chain(back), 0, two);
	assert_string_equal(one, two);
}

static void reads_what_openssl_made(void **state)
{
	static const char *const keys[] = { "leaf.key", "leaf-sec1.key" };
	auto_buf struct buf chain = BUF_MAX(CERT_PEM_MAX), root = BUF_MAX(CERT_PEM_MAX), print = BUF_MAX(100);
	auto_cert_list struct cert_list *bundle = NULL;
	char fingerprint[CERT_FINGERPRINT_MAX];
	struct err err = ERR_NONE;

	(void)state;
	load("chain.pem", &chain);
	load("root.pem", &root);
	load("leaf.sha256", &print);
	assert_int_equal(cert_list_parse(buf_span(&root), &bundle, &err), 0);
	for (size_t i = 0; i < 2; i++) {
		auto_buf struct buf key = BUF_MAX(CERT_PEM_MAX);
		auto_cert_pair struct cert_pair *pair = NULL;
		load(keys[i], &key);
		if (cert_pair_parse(buf_span(&chain), buf_span(&key), &pair, &err) < 0)
			fail_msg("%s: %s", keys[i], err.text);
		const struct cert_list *list = cert_pair_chain(pair);
		assert_int_equal(cert_list_count(list), 2);
		cert_fingerprint(list, 0, fingerprint);
		assert_true(span_is(span_trim(buf_span(&print)), fingerprint));
		assert_int_equal(cert_verify_leaf(list, bundle, "web.apps.svc", cert_not_before(list, 0),
						 &err),
				0);
		assert_int_equal(cert_verify_leaf(list, bundle, "a.web.apps.svc", cert_not_before(list, 0),
						 &err),
				0);
		assert_int_equal(cert_verify_leaf(list, bundle, "b.apps.svc", cert_not_before(list, 0), &err),
				-1);
	}
}

static void an_anchor_need_not_be_a_root(void **state)
{
	auto_buf struct buf chain = BUF_MAX(CERT_PEM_MAX);
	auto_cert_list struct cert_list *list = NULL;
	struct err err = ERR_NONE;

	(void)state;
	load("chain.pem", &chain);
	assert_int_equal(cert_list_parse(buf_span(&chain), &list, &err), 0);
	assert_int_equal(cert_verify_leaf(list, list, "web.apps.svc", cert_not_before(list, 0), &err), 0);
}

static void refuses_keys_that_do_not_serve(void **state)
{
	auto_buf struct buf chain = BUF_MAX(CERT_PEM_MAX), locked = BUF_MAX(CERT_PEM_MAX);
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 10);
	auto_secret struct secret other = SECRET_NONE;
	struct cert_pair *out = NULL;
	struct err err = ERR_NONE;

	(void)state;
	load("chain.pem", &chain);
	load("leaf-encrypted.key", &locked);
	assert_int_equal(cert_pair_key(ca, &other, &err), 0);
	assert_int_equal(cert_pair_parse(buf_span(&chain), secret_span(&other), &out, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(cert_pair_parse(buf_span(&chain), buf_span(&locked), &out, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(cert_pair_parse(buf_span(&chain), SPAN_NONE, &out, &err), -1);
	assert_int_equal(cert_pair_parse(SPAN_NONE, secret_span(&other), &out, &err), -1);
	assert_int_equal(cert_pair_parse(buf_span(&chain), buf_span(&chain), &out, &err), -1);
}

static void refuses_bundles_that_are_damaged(void **state)
{
	auto_buf struct buf root = BUF_MAX(CERT_PEM_MAX), key = BUF_MAX(CERT_PEM_MAX),
			    text = BUF_MAX(10 * CERT_PEM_MAX);
	auto_cert_list struct cert_list *out = NULL;
	struct err err = ERR_NONE;

	(void)state;
	load("root.pem", &root);
	load("leaf.key", &key);
	/* the last newline may be missing */
	for (size_t len = 0; len + 1 < root.len; len++)
		if (cert_list_parse(span_new(root.ptr, len), &out, &err) == 0)
			fail_msg("cut at %zu it was accepted", len);
	for (size_t len = 11; len + 1 < root.len; len++) {
		buf_reset(&text);
		buf_add_span(&text, buf_span(&root));
		buf_add(&text, root.ptr, len);
		if (cert_list_parse(buf_span(&text), &out, &err) == 0)
			fail_msg("with a second one cut at %zu it was accepted", len);
	}
	buf_reset(&text);
	buf_add_span(&text, buf_span(&root));
	buf_add_span(&text, buf_span(&key));
	assert_int_equal(cert_list_parse(buf_span(&text), &out, &err), -1);
	assert_non_null(strstr(err.text, "'PRIVATE KEY' among the certificates"));
}

static void bounds_are_kept(void **state)
{
	auto_buf struct buf root = BUF_MAX(CERT_PEM_MAX), text = BUF_MAX(10 * CERT_PEM_MAX);
	auto_cert_list struct cert_list *list = NULL, *none = NULL;
	struct err err = ERR_NONE;

	(void)state;
	load("root.pem", &root);
	for (int i = 0; i < CERT_LIST_MAX; i++)
		buf_add_span(&text, buf_span(&root));
	assert_int_equal(cert_list_parse(buf_span(&text), &list, &err), 0);
	assert_int_equal(cert_list_count(list), CERT_LIST_MAX);
	buf_add_span(&text, buf_span(&root));
	assert_int_equal(cert_list_parse(buf_span(&text), &none, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	while (text.len <= CERT_PEM_MAX)
		buf_puts(&text, "\n\n\n\n\n\n\n\n");
	assert_int_equal(cert_list_parse(buf_span(&text), &none, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void a_check_says_what_is_wrong(void **state)
{
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 100), *leaf = make_leaf(ca, 90);
	auto_cert_pair struct cert_pair *twin = make_ca("Cocoon CA", 100);
	const struct {
		const struct cert_list *chain, *bundle;
		const char *name;
		time_t now;
		const char *why; /* NULL when it must pass */
	} cases[] = {
		{ cert_pair_chain(leaf), cert_pair_chain(ca), "web.apps.svc", NOW, NULL },
		{ cert_pair_chain(leaf), cert_pair_chain(ca), "web.apps.svc", NOW - CERT_BACKDATE, NULL },
		{ cert_pair_chain(leaf), cert_pair_chain(ca), "web.apps.svc.cluster.local", NOW + 89 * DAY,
				NULL },
		{ cert_pair_chain(leaf), cert_pair_chain(ca), "web.apps.svc", NOW + 91 * DAY, "expired" },
		{ cert_pair_chain(leaf), cert_pair_chain(ca), "web.apps.svc", NOW - 2 * DAY,
				"not yet valid" },
		{ cert_pair_chain(leaf), cert_pair_chain(ca), "web", NOW, "hostname mismatch" },
		{ cert_pair_chain(leaf), cert_pair_chain(ca), "db.apps.svc", NOW, "hostname mismatch" },
		{ cert_pair_chain(leaf), cert_pair_chain(twin), "web.apps.svc", NOW, "issuer" },
		{ cert_pair_chain(ca), cert_pair_chain(ca), "web.apps.svc", NOW, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		int status = cert_verify_leaf(
				cases[i].chain, cases[i].bundle, cases[i].name, cases[i].now, &err);
		if (status != (cases[i].why ? -1 : 0) || (cases[i].why && !strstr(err.text, cases[i].why)))
			fail_msg("case %zu: %d %s", i, status, err.text);
		assert_int_equal(err.kind, cases[i].why ? ERR_AUTH : ERR_OK);
	}
	assert_int_equal(cert_verify_leaf(cases[0].chain, cases[0].bundle, "", NOW, NULL), -1);
}

/* The certificates of both, one behind the other; the caller frees. */
static struct cert_list *join(const struct cert_pair *first, const struct cert_pair *second)
{
	auto_buf struct buf pem = BUF_MAX(CERT_PEM_MAX);
	struct cert_list *list = NULL;

	cert_list_format(cert_pair_chain(first), &pem);
	if (second)
		cert_list_format(cert_pair_chain(second), &pem);
	assert_int_equal(cert_list_parse(buf_span(&pem), &list, NULL), 0);
	return list;
}

/* Makes `cert` one that `issuer` signed, which is no authority. */
static void forge(const struct cert_pair *cert, const struct cert_pair *issuer)
{
	X509 *forged = cert_list_x509(cert_pair_chain(cert), 0);
	X509 *by = cert_list_x509(cert_pair_chain(issuer), 0);

	X509_EXTENSION_free(X509_delete_ext(
			forged, X509_get_ext_by_NID(forged, NID_authority_key_identifier, -1)));
	/* both are of the same name */
	assert_int_equal(X509_NAME_add_entry_by_NID(X509_get_subject_name(forged), NID_organizationName,
					 MBSTRING_ASC, (const unsigned char *)"forged", -1, -1, 0),
			1);
	assert_int_equal(X509_set_issuer_name(forged, X509_get_subject_name(by)), 1);
	assert_true(X509_sign(forged, cert_pair_pkey(issuer), EVP_sha256()) > 0);
}

/* Keys of tokens: no name counts and no purpose, but all else. */
static void a_signer_must_lead_to_the_bundle(void **state)
{
	auto_cert_pair struct cert_pair *ca = make_ca("Cocoon CA", 100), *leaf = make_leaf(ca, 90);
	auto_cert_pair struct cert_pair *twin = make_ca("Cocoon CA", 100);
	auto_cert_pair struct cert_pair *forged = make_leaf(ca, 90);
	auto_cert_list struct cert_list *good = join(leaf, NULL), *whole = join(leaf, ca);
	auto_cert_list struct cert_list *shuffled = join(ca, leaf), *forged_chain = NULL;
	auto_cert_list struct cert_list *root = join(ca, NULL), *other = join(twin, NULL),
					*both = join(twin, ca);
	(void)state;
	forge(forged, leaf);
	forged_chain = join(forged, leaf);
	const struct {
		const char *name;
		const struct cert_list *chain, *bundle;
		time_t now;
		const char *why; /* NULL when it must pass */
	} cases[] = {
		{ "the leaf alone", good, root, NOW, NULL },
		{ "with its root", whole, root, NOW, NULL },
		{ "one of two roots", good, both, NOW, NULL },
		{ "an anchor that is the leaf", good, good, NOW, NULL },
		{ "the root itself", root, root, NOW, NULL },
		{ "the root first: the signer is the root", shuffled, root, NOW, NULL },
		{ "the root brought along, and not trusted", whole, other, NOW, "self-signed" },
		{ "a root of the same name", good, other, NOW, "issuer" },
		{ "signed by a leaf", forged_chain, root, NOW, "CA" },
		{ "signed by a leaf that is trusted", forged_chain, good, NOW, "" },
		{ "expired", good, root, NOW + 91 * DAY, "expired" },
		{ "too early", good, root, NOW - 2 * DAY, "not yet valid" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_NONE;
		int status = cert_verify_signer(cases[i].chain, cases[i].bundle, cases[i].now, &err);
		if (status != (cases[i].why ? -1 : 0) || (cases[i].why && !strstr(err.text, cases[i].why)))
			fail_msg("%s: %d %s", cases[i].name, status, err.text);
		assert_int_equal(err.kind, cases[i].why ? ERR_AUTH : ERR_OK);
	}
}

/* the rotation: both CAs in the bundle, leaves of either pass */
static void a_bundle_of_two_accepts_leaves_of_both(void **state)
{
	auto_cert_pair struct cert_pair *old = make_ca("Cocoon CA", 100), *new = make_ca("Cocoon CA", 100);
	auto_cert_pair struct cert_pair *one = make_leaf(old, 90), *two = make_leaf(new, 90);
	auto_buf struct buf pem = BUF_MAX(CERT_PEM_MAX);
	auto_cert_list struct cert_list *bundle = NULL;
	struct err err = ERR_NONE;

	(void)state;
	cert_list_format(cert_pair_chain(old), &pem);
	cert_list_format(cert_pair_chain(new), &pem);
	assert_int_equal(cert_list_parse(buf_span(&pem), &bundle, &err), 0);
	assert_int_equal(cert_verify_leaf(cert_pair_chain(one), bundle, names[0], NOW, &err), 0);
	assert_int_equal(cert_verify_leaf(cert_pair_chain(two), bundle, names[0], NOW, &err), 0);
}

static int with_heap(void **state)
{
	(void)state;
	return crypto_init(false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ca_is_what_rfc_5280_says),
		cmocka_unit_test(a_leaf_is_what_rfc_5280_says),
		cmocka_unit_test(serials_and_keys_are_fresh),
		cmocka_unit_test(a_leaf_ends_with_its_ca),
		cmocka_unit_test(refuses_specifications_that_cannot_be),
		cmocka_unit_test(text_forms_read_back),
		cmocka_unit_test(reads_what_openssl_made),
		cmocka_unit_test(an_anchor_need_not_be_a_root),
		cmocka_unit_test(refuses_keys_that_do_not_serve),
		cmocka_unit_test(refuses_bundles_that_are_damaged),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(a_check_says_what_is_wrong),
		cmocka_unit_test(a_signer_must_lead_to_the_bundle),
		cmocka_unit_test(a_bundle_of_two_accepts_leaves_of_both),
	};

	return cmocka_run_group_tests(tests, with_heap, NULL);
}
