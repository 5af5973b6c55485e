/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/facts/site.h"

#include "policy/cosign.h"

#define NULL_CONFIG                                                                                 \
	"\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"" EMPTY "\"," \
	"\"size\":2}"
#define BUNDLE COSIGN_BUNDLE_TYPE ".v0.3+json"
#define ENVELOPE                                                                                   \
	"{\"mediaType\":\"" BUNDLE "\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"}}," \
	"\"dsseEnvelope\":{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\"," \
	"\"signatures\":[{\"sig\":\"AAEC\"},{\"sig\":\"AwQ=\"}]}}"

/* A manifest with one layer; the layer's text is put as a blob when it is not NULL. */
static char *signature_manifest(const char *type, const char *text, const char *digest,
		const char *annotations, const char *more)
{
	char own[OCI_DIGEST_MAX];

	if (text)
		site_blob(&site, span_of(text), own);
	return xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\"," NULL_CONFIG
			 ",\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}]%s}",
			type, digest ? digest : own, text ? strlen(text) : 2, annotations, more);
}

static void put_tag(const char *digest, const char *suffix, const char *text)
{
	auto_free char *tag = xasprintf("sha256-%s%s", digest + strlen("sha256:"), suffix);
	char own[OCI_DIGEST_MAX];

	site_manifest(&site, text, tag, own);
}

static void sign(const char *digest, const char *payload, const char *value)
{
	auto_free char *annotations = xasprintf(",\"annotations\":{\"" COSIGN_SIGNATURE "\":\"%s\"}", value);
	auto_free char *text = signature_manifest(COSIGN_PAYLOAD_TYPE, payload, NULL, annotations, "");

	put_tag(digest, ".sig", text);
}

/* Lists one manifest as what refers to the digest: by the API, or by the fallback's tag. */
static void refer(const char *digest, const char *manifest, bool api)
{
	char own[OCI_DIGEST_MAX];

	site_manifest(&site, manifest, NULL, own);
	auto_free char *index = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX
					  "\",\"manifests\":[{\"mediaType\":\"" OCI_TYPE_MANIFEST
					  "\",\"digest\":\"%s\",\"size\":%zu}]}",
			own, strlen(manifest));
	if (!api) {
		put_tag(digest, "", index);
		return;
	}
	auto_free char *path = xasprintf(SITE_REPO "referrers/%s", digest);
	site_add(&site, path, "200 OK\r\nContent-Type: " OCI_TYPE_INDEX "\r\n", span_of(index));
}

static char *bundle_manifest(const char *subject, const char *text, const char *annotations)
{
	auto_free char *more = xasprintf(",\"subject\":{\"mediaType\":\"" OCI_TYPE_MANIFEST
					 "\",\"digest\":\"%s\",\"size\":9}%s",
			subject, annotations);

	return signature_manifest(BUNDLE, text, NULL, "", more);
}

/* ---- the tag's layout ---- */

static void reads_a_signature_by_its_tag(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	sign(digest, "{\"critical\":{}}", "AA\\r\\nEC");
	trip_to(&trip, &site, ":1");
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 1);
	const struct image_signature *signature = &facts->signatures[0];
	assert_int_equal(signature->layout, IMAGE_SIG_TAG);
	assert_null(signature->problem);
	assert_string_equal(signature->subject, digest);
	assert_true(span_is(signature->payload, "{\"critical\":{}}"));
	assert_int_equal(signature->signature_count, 1);
	assert_true(span_eq(signature->signatures[0], span_new("\0\1\2", 3)));
	assert_true(oci_digest_is(signature->place));
}

/* The same for any image; the registry does not have it. */
static char *usual_payload(const char *digest, const char *optional)
{
	return xasprintf("{\"critical\":{\"identity\":{\"docker-reference\":\"127.0.0.1:%u/shop/"
			 "app\"},\"image\":{"
			 "\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign container image signature\"},"
			 "\"optional\":%s}",
			(unsigned)site.peer.port, digest, optional);
}

/* As sign(), but for the blob. */
static void sign_without(const char *digest, const char *payload)
{
	char own[OCI_DIGEST_MAX];

	oci_digest_of(span_of(payload), own);
	auto_free char *text =
			xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\"," NULL_CONFIG
				  ",\"layers\":[{\"mediaType\":\"" COSIGN_PAYLOAD_TYPE
				  "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{\"" COSIGN_SIGNATURE
				  "\":\"AAEC\"}}]}",
					own, strlen(payload));
	put_tag(digest, ".sig", text);
}

static void the_usual_payload_is_not_asked_for(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	auto_free char *payload = usual_payload(digest, "null");
	sign_without(digest, payload);
	trip_to(&trip, &site, ":1");
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 1);
	assert_null(facts->signatures[0].problem);
	assert_true(span_is(facts->signatures[0].payload, payload));
}

static void another_payload_is_asked_for(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	/* of the same length, too */
	auto_free char *payload = usual_payload(digest, "true");
	sign_without(digest, payload);
	trip_to(&trip, &site, ":1");
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 1);
	assert_non_null(facts->signatures[0].problem);
}

static void keeps_what_is_no_signature_with_its_problem(void **state)
{
	static const char good[] = ",\"annotations\":{\"" COSIGN_SIGNATURE "\":\"AAEC\"}";
	static const struct {
		const char *text, *digest, *annotations, *problem;
	} cases[] = {
		{ "{}", NULL, "", "no annotation" },
		{ "{}", NULL, ",\"annotations\":{\"" COSIGN_SIGNATURE "\":\"A!\"}", "" },
		{ NULL, "sha256:1111111111111111111111111111111111111111111111111111111111111111", good,
				"HTTP 404" },
		{ NULL, "sha256:2222222222222222222222222222222222222222222222222222222222222222", good,
				"not what its digest says" },
		{ NULL, "sha256:3333333333333333333333333333333333333333333333333333333333333333", good,
				"announced" },
	};
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	site_put(&site, "blobs", cases[3].digest, "application/octet-stream", SPAN_LIT("[]"));
	site_put(&site, "blobs", cases[4].digest, "application/octet-stream", SPAN_LIT("{ }"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_free char *text = signature_manifest(COSIGN_PAYLOAD_TYPE, cases[i].text, cases[i].digest,
				cases[i].annotations, "");
		put_tag(digest, ".sig", text);
		trip_to(&trip, &site, ":1");
		const struct image_facts *facts = trip_good(&trip);
		assert_int_equal(facts->signature_count, 1);
		assert_non_null(facts->signatures[0].problem);
		if (!strstr(facts->signatures[0].problem, cases[i].problem))
			fail_msg("case %zu: %s", i, facts->signatures[0].problem);
		trip_end(&trip);
	}
}

static void a_payload_that_is_too_large_is_not_fetched(void **state)
{
	auto_free char *large = xcalloc(1, IMAGE_PAYLOAD_MAX + 2);
	char digest[OCI_DIGEST_MAX];

	(void)state;
	memset(large, ' ', IMAGE_PAYLOAD_MAX + 1);
	site_image(&site, 1, NULL, "1", digest);
	sign(digest, large, "AAEC");
	trip_to(&trip, &site, ":1");
	assert_non_null(strstr(trip_good(&trip)->signatures[0].problem, "more than 65536"));
	assert_int_equal(site_count(&site, SITE_REPO "blobs/"), 0);
}

static void a_registry_that_fails_at_a_payload_says_nothing_of_it(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	sign(digest, "{}", "AAEC");
	site_add(&site, SITE_REPO "blobs/" EMPTY, "503 No\r\nRetry-After: 9\r\n", SPAN_NONE);
	trip_to(&trip, &site, ":1");
	trip_bad(&trip, ERR_RETRY, "a signature in 'sha256:");
	assert_int_equal(trip.err.retry_after, 9);
}

static void an_index_under_the_signatures_tag_is_a_problem(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	put_tag(digest, ".sig",
			"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[]}");
	trip_to(&trip, &site, ":1");
	assert_int_equal(trip_good(&trip)->signature_count, 1);
	assert_non_null(trip.facts->signatures[0].problem);
}

/* ---- bundles ---- */

static void reads_a_bundle_by_the_api_and_by_the_fallback(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	auto_free char *manifest = bundle_manifest(digest, ENVELOPE, "");
	for (int api = 0; api < 2; api++) {
		refer(digest, manifest, api);
		trip_to(&trip, &site, ":1");
		const struct image_facts *facts = trip_good(&trip);
		assert_int_equal(facts->signature_count, 1);
		const struct image_signature *signature = &facts->signatures[0];
		assert_int_equal(signature->layout, IMAGE_SIG_BUNDLE);
		assert_int_equal(signature->fallback, !api);
		assert_null(signature->problem);
		assert_string_equal(signature->type, "application/vnd.in-toto+json");
		assert_true(span_is(signature->payload, "{}"));
		assert_int_equal(signature->signature_count, 2);
		assert_true(span_eq(signature->signatures[1], span_new("\3\4", 2)));
		trip_end(&trip);
	}
}

static void reads_no_statement_of_another_kind(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	auto_free char *manifest = bundle_manifest(digest, ENVELOPE,
			",\"annotations\":{\"dev.sigstore.bundle.predicateType\":\"https://slsa.dev/"
			"provenance/"
			"v1\"}");
	refer(digest, manifest, true);
	trip_to(&trip, &site, ":1");
	assert_int_equal(trip_good(&trip)->signature_count, 0);
	assert_int_equal(site_count(&site, SITE_REPO "blobs/"), 0);
	assert_false(trip.facts->more);
}

static void a_bundle_that_is_none_is_a_problem(void **state)
{
	static const char *const texts[] = { "{}", "no JSON", "{\"mediaType\":\"" BUNDLE "\"}" };
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	for (size_t i = 0; i < 3; i++) {
		auto_free char *manifest = bundle_manifest(digest, texts[i], "");
		refer(digest, manifest, true);
		trip_to(&trip, &site, ":1");
		assert_int_equal(trip_good(&trip)->signature_count, 1);
		assert_non_null(trip.facts->signatures[0].problem);
		trip_end(&trip);
	}
}

/* ---- where it is looked ---- */

static void index_of_two(const char *more, char platforms[2][OCI_DIGEST_MAX], char digest[OCI_DIGEST_MAX])
{
	site_image(&site, 1, NULL, NULL, platforms[0]);
	site_image(&site, 2, NULL, NULL, platforms[1]);
	auto_free char *text =
			xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":["
				  "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":9,"
				  "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},"
				  "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":9,"
				  "\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}}]%s}",
					platforms[0], platforms[1], more);
	site_manifest(&site, text, "1", digest);
}

static void platforms_are_looked_at_when_the_index_has_nothing(void **state)
{
	char platforms[2][OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	index_of_two("", platforms, digest);
	sign(platforms[0], "{}", "AAEC");
	sign(platforms[1], "{}", "AAEC");
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_TAG;
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 2);
	assert_string_equal(facts->signatures[1].subject, platforms[1]);
	trip_end(&trip);
	sign(digest, "{}", "AAEC");
	facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 1);
	assert_string_equal(facts->signatures[0].subject, digest);
}

static void the_plain_image_is_looked_at_when_nothing_else_is_signed(void **state)
{
	static const char plain[] = "sha256:7777777777777777777777777777777777777777777777777777777777777777";
	static const char more[] =
			",\"annotations\":{\"dev.cocoon.image.source\":"
			"\"sha256:7777777777777777777777777777777777777777777777777777777777777777\"}";
	char platforms[2][OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	sign(plain, "{}", "AAEC");
	site_image(&site, 9, more, "2", digest);
	index_of_two(more, platforms, digest);
	for (int i = 1; i <= 2; i++) {
		auto_free char *tag = xasprintf(":%d", i);
		trip_to(&trip, &site, tag);
		const struct image_facts *facts = trip_good(&trip);
		assert_int_equal(facts->signature_count, 1);
		assert_string_equal(facts->signatures[0].subject, plain);
		assert_string_equal(i == 1 ? facts->source : facts->platforms[0].source, plain);
		trip_end(&trip);
	}
	sign(digest, "{}", "AAEC");
	trip_to(&trip, &site, ":1");
	assert_int_equal(trip_good(&trip)->signature_count, 1);
	assert_string_equal(trip.facts->signatures[0].subject, digest);
}

static void there_are_no_more_signatures_than_so_many(void **state)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	buf_puts(&text, "{\"schemaVersion\":2," NULL_CONFIG ",\"layers\":[");
	for (unsigned i = 0; i < IMAGE_SIGNATURES_MAX + 1; i++)
		buf_printf(&text,
				"%s{\"mediaType\":\"" COSIGN_PAYLOAD_TYPE "\",\"digest\":\"sha256:%064x\","
				"\"size\":2}",
				i ? "," : "", i);
	buf_puts(&text, "]}");
	put_tag(digest, ".sig", buf_text(&text));
	trip_to(&trip, &site, ":1");
	assert_int_equal(trip_good(&trip)->signature_count, IMAGE_SIGNATURES_MAX);
	assert_true(trip.facts->more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(reads_a_signature_by_its_tag),
		SITE_TEST(the_usual_payload_is_not_asked_for),
		SITE_TEST(another_payload_is_asked_for),
		SITE_TEST(keeps_what_is_no_signature_with_its_problem),
		SITE_TEST(a_payload_that_is_too_large_is_not_fetched),
		SITE_TEST(a_registry_that_fails_at_a_payload_says_nothing_of_it),
		SITE_TEST(an_index_under_the_signatures_tag_is_a_problem),
		SITE_TEST(reads_a_bundle_by_the_api_and_by_the_fallback),
		SITE_TEST(reads_no_statement_of_another_kind),
		SITE_TEST(a_bundle_that_is_none_is_a_problem),
		SITE_TEST(platforms_are_looked_at_when_the_index_has_nothing),
		SITE_TEST(the_plain_image_is_looked_at_when_nothing_else_is_signed),
		SITE_TEST(there_are_no_more_signatures_than_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
