/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/facts/site.h"

#define MANIFEST SITE_REPO "manifests/1"
#define METADATA "http://169.254.169.254/latest/meta-data/"

/* ---- answers that are none ---- */

static void tells_why_the_registry_gave_no_manifest(void **state)
{
	static const struct {
		const char *head, *body;
		enum err_kind kind;
		const char *words;
		int retry_after;
	} cases[] = {
		{ "404 No\r\n", "", ERR_NOT_FOUND, "HTTP 404", 0 },
		{ "403 No\r\n", "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"not yours\"}]}", ERR_DENIED,
				"HTTP 403: DENIED: not yours", 0 },
		{ "429 Slow\r\nRetry-After: 7\r\n", "", ERR_RETRY, "HTTP 429", 7 },
		{ "429 Slow\r\n", "", ERR_RETRY, "HTTP 429", 5 },
		{ "503 No\r\nRetry-After: 30\r\n", "", ERR_RETRY, "HTTP 503", 30 },
		{ "500 No\r\n", "", ERR_RETRY, "HTTP 500", 0 },
		{ "200 OK\r\n", "", ERR_FORMAT, "", 0 },
		{ "200 OK\r\n", "<html>sign in</html>", ERR_FORMAT, "", 0 },
		{ "200 OK\r\n", "{}", ERR_FORMAT, "", 0 },
		{ "200 OK\r\n", "[[[[", ERR_FORMAT, "", 0 },
		{ "200 OK\r\n", "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", ERR_FORMAT, "", 0 },
		{ "200 OK\r\nContent-Type: " OCI_TYPE_INDEX "\r\n",
				"{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", ERR_FORMAT, "", 0 },
		{ "200 OK\r\nDocker-Content-Digest: " EMPTY "\r\n", "{\"schemaVersion\":2}", ERR_AUTH,
				"is not what its digest says", 0 },
		{ "302 Found\r\nLocation: " METADATA "\r\n", "", ERR_DENIED, "169.254.169.254", 0 },
		{ "307 Found\r\nLocation: file:///etc/passwd\r\n", "", ERR_FORMAT, "", 0 },
		{ "301 Found\r\nLocation: " MANIFEST "\r\n", "", ERR_LIMIT, "sent us on more than 5 times",
				0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		site_add(&site, MANIFEST, cases[i].head, span_of(cases[i].body));
		trip_to(&trip, &site, ":1");
		trip_bad(&trip, cases[i].kind, cases[i].words);
		assert_int_equal(trip.err.retry_after, cases[i].retry_after);
		/* where, for whoever reads it */
		assert_non_null(strstr(trip.err.text, trip.want.name.host));
	}
}

static void a_manifest_must_have_the_digest_that_asked_for_it(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, NULL, digest);
	auto_free char *path = xasprintf(SITE_REPO "manifests/%s", digest);
	site_add(&site, path, NULL, SPAN_LIT("{\"schemaVersion\":2,\"layers\":[]}"));
	auto_free char *reference = xasprintf("@%s", digest);
	trip_to(&trip, &site, reference);
	trip_bad(&trip, ERR_AUTH, "is not what its digest says");
}

static void the_digest_counts_beside_a_lying_tag(void **state)
{
	char evil[OCI_DIGEST_MAX], digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, NULL, digest);
	site_image(&site, 2, NULL, "1", evil);
	auto_free char *reference = xasprintf(":1@%s", digest);
	trip_to(&trip, &site, reference);
	assert_string_equal(trip_good(&trip)->digest, digest);
	assert_int_equal(site_count(&site, MANIFEST), 0);
}

static void a_huge_manifest_is_not_read(void **state)
{
	auto_free char *text = xcalloc(1, FETCH_MANIFEST_MAX + 2);

	(void)state;
	memset(text, ' ', FETCH_MANIFEST_MAX + 1);
	site_add(&site, MANIFEST, NULL, span_of(text));
	trip_to(&trip, &site, ":1");
	trip_bad(&trip, ERR_LIMIT, "exceeds");
}

/* ---- answers that do not end ---- */

static void a_manifest_that_is_cut_is_none(void **state)
{
	(void)state;
	site_add(&site, MANIFEST, NULL, SPAN_LIT("{\"schemaVersion\":2"))->missing = 100;
	trip_to(&trip, &site, ":1");
	trip_bad(&trip, ERR_IO, trip.want.name.host);
}

static void who_gives_nothing_is_not_waited_for_beyond_the_deadline(void **state)
{
	(void)state;
	struct site_answer *answer = site_add(&site, MANIFEST, NULL, SPAN_LIT("{\"schemaVersion\":2"));
	answer->missing = 100;
	answer->stalls = true;
	trip_to(&trip, &site, ":1");
	trip.try.deadline = clock_mono(&clock_real) + CLOCK_SECOND / 10;
	trip_bad(&trip, ERR_RETRY, trip.want.name.host);
	trip.try.deadline = clock_mono(&clock_real);
	trip_bad(&trip, ERR_RETRY, "took too long");
}

static atomic_bool stop;

static void *stop_when_stalled(void *arg)
{
	struct site *self = arg;

	while (sem_wait(&self->stalled) < 0)
		;
	atomic_store(&stop, true);
	return NULL;
}

static void the_end_of_the_program_ends_what_waits(void **state)
{
	static const char *const paths[] = { MANIFEST, SITE_REPO "blobs/" EMPTY };
	pthread_t thread;
	char digest[OCI_DIGEST_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		site_image(&site, 1, NULL, "1", digest);
		struct site_answer *answer = site_add(&site, paths[i], NULL, SPAN_LIT("{"));
		answer->missing = 1;
		answer->stalls = true;
		trip_to(&trip, &site, ":1");
		trip.want.looks = IMAGE_LOOKED_PLATFORM;
		trip.try.stop = &stop;
		atomic_store(&stop, false);
		assert_int_equal(pthread_create(&thread, NULL, stop_when_stalled, &site), 0);
		trip_bad(&trip, ERR_RETRY, "");
		pthread_join(thread, NULL);
	}
}

/* ---- where it must not lead ---- */

static void a_host_that_nobody_named_is_not_this_machine(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.registry = NULL;
	trip_bad(&trip, ERR_DENIED, "127.0.0.1");
	trip.want.registry = &trip.settings;
	trip.settings.host = "*";
	trip_bad(&trip, ERR_DENIED, "127.0.0.1");
	assert_int_equal(site_count(&site, "/"), 0);
	/* offline who runs the program names the images */
	trip.options.guard = false;
	assert_string_equal(trip_good(&trip)->digest, digest);
}

static void the_tokens_realm_is_not_this_machine_either(void **state)
{
	static struct site other;
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_start(&other);
	site_add(&other, "/token?service=s&scope=repository%3Ashop%2Fapp%3Apull", NULL,
			SPAN_LIT("{\"token\":\"t0ken\"}"));
	site_image(&site, 1, NULL, "1", digest);
	auto_free char *refusal = xasprintf("401 No\r\nWWW-Authenticate: Bearer "
					    "realm=\"http://127.0.0.1:%u/token\",service=\"s\"\r\n",
			(unsigned)other.peer.port);
	site.needs = "Authorization: Bearer t0ken\r\n";
	site.refusal = refusal;
	trip_to(&trip, &site, ":1");
	trip_bad(&trip, ERR_DENIED, "127.0.0.1");
	assert_int_equal(site_count(&other, "/"), 0);
	trip.options.guard = false;
	assert_string_equal(trip_good(&trip)->digest, digest);
	site_stop(&other);
}

static void a_blob_may_be_elsewhere_but_not_at_the_metadata(void **state)
{
	static struct site other;
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_start(&other);
	site_image(&site, 1, NULL, "1", digest);
	site_add(&site, SITE_REPO "blobs/" EMPTY, "307 Found\r\nLocation: " METADATA "\r\n", SPAN_NONE);
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_PLATFORM;
	trip_bad(&trip, ERR_DENIED, "169.254.169.254");
	auto_free char *away = xasprintf("307 Found\r\nLocation: http://127.0.0.1:%u/cdn?secret=1\r\n",
			(unsigned)other.peer.port);
	site_add(&site, SITE_REPO "blobs/" EMPTY, away, SPAN_NONE);
	site_add(&other, "/cdn?secret=1", NULL, SPAN_LIT("{}"));
	trip_bad(&trip, ERR_DENIED, "127.0.0.1");
	assert_null(strstr(trip.err.text, "secret"));
	trip.options.guard = false;
	assert_string_equal(trip_good(&trip)->digest, digest);
	site_stop(&other);
}

/* ---- lists ---- */

static void pages_that_lead_in_a_circle_end_and_that_is_said(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	auto_free char *path = xasprintf(SITE_REPO "referrers/%s", digest);
	auto_free char *head = xasprintf(
			"200 OK\r\nContent-Type: " OCI_TYPE_INDEX "\r\nLink: <%s>; rel=\"next\"\r\n", path);
	site_add(&site, path, head, SPAN_LIT("{\"schemaVersion\":2,\"manifests\":[]}"));
	trip_to(&trip, &site, ":1");
	assert_true(trip_good(&trip)->more);
	assert_true(site_count(&site, path) <= 60);
}

static void a_listing_that_fails_makes_all_of_it_fail(void **state)
{
	static const char *const heads[] = { "500 No\r\n", "429 No\r\n", "403 No\r\n" };
	static const enum err_kind kinds[] = { ERR_RETRY, ERR_RETRY, ERR_DENIED };
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	auto_free char *listing = xasprintf(SITE_REPO "referrers/%s", digest);
	auto_free char *tag = xasprintf(SITE_REPO "manifests/sha256-%s.sig", digest + strlen("sha256:"));
	for (size_t i = 0; i < 3; i++) {
		site_add(&site, listing, heads[i], SPAN_NONE);
		trip_to(&trip, &site, ":1");
		trip_bad(&trip, kinds[i], "what is attached to");
	}
	site_add(&site, listing, "404 No\r\n", SPAN_NONE);
	for (size_t i = 0; i < 3; i++) {
		site_add(&site, tag, heads[i], SPAN_NONE);
		trip_to(&trip, &site, ":1");
		trip_bad(&trip, kinds[i], "what is attached to");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(tells_why_the_registry_gave_no_manifest),
		SITE_TEST(a_manifest_must_have_the_digest_that_asked_for_it),
		SITE_TEST(the_digest_counts_beside_a_lying_tag),
		SITE_TEST(a_huge_manifest_is_not_read),
		SITE_TEST(a_manifest_that_is_cut_is_none),
		SITE_TEST(who_gives_nothing_is_not_waited_for_beyond_the_deadline),
		SITE_TEST(the_end_of_the_program_ends_what_waits),
		SITE_TEST(a_host_that_nobody_named_is_not_this_machine),
		SITE_TEST(the_tokens_realm_is_not_this_machine_either),
		SITE_TEST(a_blob_may_be_elsewhere_but_not_at_the_metadata),
		SITE_TEST(pages_that_lead_in_a_circle_end_and_that_is_said),
		SITE_TEST(a_listing_that_fails_makes_all_of_it_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
