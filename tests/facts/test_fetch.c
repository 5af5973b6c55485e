/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/facts/site.h"

/* ---- images ---- */

static void reads_an_image_of_one_platform(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	trip_to(&trip, &site, ":1");
	const struct image_facts *facts = trip_good(&trip);
	assert_string_equal(facts->digest, digest);
	assert_string_equal(facts->host, trip.want.name.host);
	assert_string_equal(facts->repository, "shop/app");
	assert_false(facts->index);
	assert_int_equal(facts->platform_count, 1);
	assert_string_equal(facts->platforms[0].name, "");
	assert_string_equal(facts->platforms[0].digest, digest);
	assert_int_equal(facts->platforms[0].layer_count, 1);
	assert_int_equal(facts->signature_count, 0);
	assert_int_equal(facts->looked, trip.want.looks);
	assert_false(facts->more);
	/* manifest, .sig, referrers, and as that is not there the fallback's tag */
	assert_int_equal(site_count(&site, "/"), 4);
}

static void the_config_is_read_where_the_platforms_name_is_asked_for(void **state)
{
	static const char config[] = "{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\","
				     "\"rootfs\":{\"type\":\"layers\"}}";
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_blob(&site, SPAN_LIT(config), digest);
	auto_free char *text = xasprintf("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
					 "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[]}",
			digest, strlen(config));
	site_manifest(&site, text, "1", digest);
	trip_to(&trip, &site, ":1");
	assert_string_equal(trip_good(&trip)->platforms[0].name, "");
	assert_int_equal(site_count(&site, SITE_REPO "blobs/"), 0);
	trip.want.looks = IMAGE_LOOKED_PLATFORM;
	assert_string_equal(trip_good(&trip)->platforms[0].name, "linux/arm64/v8");
	assert_int_equal(site_count(&site, SITE_REPO "blobs/"), 1);
}

/* An index of entries as they are given: platform objects with further members. */
static void make_index(const char *const *entries, const char *more, const char *tag,
		char digest[static OCI_DIGEST_MAX])
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	char image[OCI_DIGEST_MAX];

	buf_puts(&text, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
	for (unsigned i = 0; entries[i]; i++) {
		site_image(&site, i + 1, NULL, NULL, image);
		buf_printf(&text,
				"%s{\"mediaType\":\"" OCI_TYPE_MANIFEST
				"\",\"digest\":\"%s\",\"size\":400%s}",
				i ? "," : "", image, entries[i]);
	}
	buf_printf(&text, "]%s}", more);
	site_manifest(&site, buf_text(&text), tag, digest);
}

#define PLATFORM(os, arch) ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"

static void reads_every_platform_that_could_run(void **state)
{
	static const char *const entries[] = { PLATFORM("linux", "amd64"), PLATFORM("unknown", "unknown"),
		PLATFORM("linux", "arm64"),
		/* named an attestation, but a guest would run it */
		PLATFORM("linux", "s390x") ",\"annotations\":{\"vnd.docker.reference.type\":"
					   "\"attestation-manifest\"}",
		PLATFORM("unknown", "amd64"), "", NULL };
	static const char *const names[] = { "linux/amd64", "linux/arm64", "linux/s390x", "unknown/amd64",
		"" };
	char digest[OCI_DIGEST_MAX];

	(void)state;
	make_index(entries, "", "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = 0;
	const struct image_facts *facts = trip_good(&trip);
	assert_true(facts->index);
	assert_string_equal(facts->digest, digest);
	assert_int_equal(facts->platform_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(facts->platforms[i].name, names[i]);
	assert_int_equal(site_count(&site, "/"), 6);
}

static void refuses_an_index_of_a_thousand_entries(void **state)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	char digest[OCI_DIGEST_MAX];

	(void)state;
	buf_puts(&text, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&text,
				"%s{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"sha256:%064x\","
				"\"size\":9" PLATFORM("linux", "amd64") "}",
				i ? "," : "", i);
	buf_puts(&text, "]}");
	site_manifest(&site, buf_text(&text), "1", digest);
	trip_to(&trip, &site, ":1");
	trip_bad(&trip, ERR_LIMIT, "1000 platforms, more than 64");
	assert_int_equal(site_count(&site, "/"), 1);
}

static void refuses_an_index_in_an_index_and_an_entry_that_is_missing(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_manifest(&site, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[]}",
			NULL, digest);
	auto_free char *text = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX
					 "\",\"manifests\":[{\"mediaType\":\"" OCI_TYPE_INDEX
					 "\",\"digest\":\"%s\",\"size\":9}]}",
			digest);
	site_manifest(&site, text, "1", digest);
	trip_to(&trip, &site, ":1");
	trip_bad(&trip, ERR_FORMAT, "entry 0 of the image's index");
	trip_end(&trip);
	auto_free char *missing = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX
					    "\",\"manifests\":[{\"mediaType\":\"" OCI_TYPE_MANIFEST
					    "\",\"digest\":\"sha256:%064x\",\"size\":9}]}",
			7U);
	site_manifest(&site, missing, "2", digest);
	trip_to(&trip, &site, ":2");
	trip_bad(&trip, ERR_NOT_FOUND, "HTTP 404");
}

static void many_large_manifests_are_too_many(void **state)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	auto_free char *padding = xcalloc(1, 1000001);
	char digest[OCI_DIGEST_MAX];

	(void)state;
	memset(padding, ' ', 1000000);
	buf_puts(&text, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
	for (unsigned i = 0; i < 9; i++) {
		site_image(&site, i + 1, padding, NULL, digest);
		buf_printf(&text, "%s{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":9}",
				i ? "," : "", digest);
	}
	buf_puts(&text, "]}");
	site_manifest(&site, buf_text(&text), "1", digest);
	trip_to(&trip, &site, ":1");
	trip_bad(&trip, ERR_LIMIT, "manifests and signatures of the image exceed");
}

/* ---- who asks ---- */

static int give_login(void *ctx, const struct image_want *want, struct facts_logins *out, struct err *err)
{
	auto_free char *text =
			xasprintf("{\"auths\":{\"%s\":{\"auth\":\"dTpzM2NyZXQ=\"}}}", (const char *)ctx);

	assert_string_equal(want->namespace, "team-a");
	return secret_from_span(&out->texts[out->count++], span_of(text), err);
}

static void asks_for_a_token_once_and_for_everything_else_once(void **state)
{
	char digest[OCI_DIGEST_MAX], payload[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	site_blob(&site, SPAN_LIT("{}"), payload);
	auto_free char *signature = xasprintf(
			"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
			"\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":"
			"\"application/vnd.dev.cosign.simplesigning.v1+json\",\"digest\":\"%s\",\"size\":2,"
			"\"annotations\":{\"dev.cosignproject.cosign/signature\":\"AAAA\"}}]}",
			payload, payload);
	auto_free char *tag = xasprintf("sha256-%s.sig", digest + strlen("sha256:"));
	site_manifest(&site, signature, tag, payload);
	auto_free char *referrers = xasprintf(SITE_REPO "referrers/%s", digest);
	site_add(&site, referrers, "200 OK\r\nContent-Type: " OCI_TYPE_INDEX "\r\n",
			SPAN_LIT("{\"schemaVersion\":2,\"manifests\":[]}"));
	auto_free char *refusal = xasprintf("401 No\r\nWWW-Authenticate: Bearer "
					    "realm=\"http://127.0.0.1:%u/token\",service=\"s\"\r\n",
			(unsigned)site.peer.port);
	site.needs = "Authorization: Bearer t0ken\r\n";
	site.refusal = refusal;
	site_add(&site, "/token?service=s&scope=repository%3Ashop%2Fapp%3Apull", NULL,
			SPAN_LIT("{\"token\":\"t0ken\"}"));
	trip_to(&trip, &site, ":1");
	trip.want.namespace = "team-a";
	trip.options.logins = give_login;
	trip.options.ctx = trip.want.name.host;
	assert_int_equal(trip_good(&trip)->signature_count, 1);
	/* twice the manifest, the token, tag and referrers at once, the payload */
	assert_int_equal(site_count(&site, "/"), 6);
	assert_int_equal(site_count(&site, "/token"), 1);
	assert_int_equal(site_count(&site, SITE_REPO "manifests/1"), 2);
}

static void credentials_for_another_registry_do_not_count(void **state)
{
	char elsewhere[] = "registry.example";
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	site.needs = "Authorization: Basic dTpzM2NyZXQ=\r\n";
	site.refusal = "401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n";
	trip_to(&trip, &site, ":1");
	trip.want.namespace = "team-a";
	trip.options.logins = give_login;
	trip.options.ctx = trip.want.name.host;
	assert_string_equal(trip_good(&trip)->digest, digest);
	trip.options.ctx = elsewhere;
	trip_bad(&trip, ERR_AUTH, "no credentials were found");
}

/* ---- places ---- */

static void a_mirror_has_its_own_name_for_the_image(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	trip_to(&trip, &site, ":1");
	auto_free char *location = xasprintf("%s/shop", trip.want.name.host);
	trip.settings.mirrors[0] = (struct registry_mirror){ .location = location, .plain_http = true };
	trip.settings.mirror_count = 1;
	trip.settings.host = "registry.example";
	assert_int_equal(oci_name_parse("registry.example/app:1", &trip.want.name, NULL), 0);
	trip.want.looks = 0;
	const struct image_facts *facts = trip_good(&trip);
	assert_string_equal(facts->host, "registry.example");
	assert_string_equal(facts->repository, "app");
	assert_string_equal(facts->digest, digest);
	assert_int_equal(site_count(&site, SITE_REPO "manifests/1"), 1);
}

static struct image_facts *known_now;
static char known_digest[OCI_DIGEST_MAX];

static struct image_facts *give_known(void *ctx, const char *digest)
{
	struct image_want *want = ctx;

	snprintf(known_digest, sizeof(known_digest), "%s", digest);
	want->looks |= IMAGE_LOOKED_TAG;
	return known_now ? image_facts_ref(known_now) : NULL;
}

static void what_is_known_ends_the_trip_and_may_widen_it(void **state)
{
	char digest[OCI_DIGEST_MAX];

	(void)state;
	site_image(&site, 1, NULL, "1", digest);
	trip_to(&trip, &site, ":1");
	trip.want.looks = 0;
	trip.try.known = give_known;
	trip.try.ctx = &trip.want;
	known_now = NULL;
	assert_int_equal(trip_good(&trip)->looked, IMAGE_LOOKED_TAG);
	assert_int_equal(site_count(&site, "/"), 2);
	known_now = image_facts_ref(trip.facts);
	assert_ptr_equal(trip_good(&trip), known_now);
	assert_string_equal(known_digest, digest);
	assert_int_equal(site_count(&site, "/"), 3);
	image_facts_unref(known_now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SITE_TEST(reads_an_image_of_one_platform),
		SITE_TEST(the_config_is_read_where_the_platforms_name_is_asked_for),
		SITE_TEST(reads_every_platform_that_could_run),
		SITE_TEST(refuses_an_index_of_a_thousand_entries),
		SITE_TEST(refuses_an_index_in_an_index_and_an_entry_that_is_missing),
		SITE_TEST(many_large_manifests_are_too_many),
		SITE_TEST(asks_for_a_token_once_and_for_everything_else_once),
		SITE_TEST(credentials_for_another_registry_do_not_count),
		SITE_TEST(a_mirror_has_its_own_name_for_the_image),
		SITE_TEST(what_is_known_ends_the_trip_and_may_widen_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
