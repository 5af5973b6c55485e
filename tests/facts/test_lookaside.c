/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/facts/site.h"

#include "base/fs.h"
#include "facts/fetch_own.h"

#include <ftw.h>
#include <sys/stat.h>

static char folder[64];
static char digest[OCI_DIGEST_MAX];
static char base[128]; /* of the store on the site */
static const char *stores[1];

static int remove_one(const char *path, const struct stat *what, int type, struct FTW *at)
{
	(void)what;
	(void)type;
	(void)at;
	return remove(path);
}

static int setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/cocoon-test-facts-XXXXXX");
	if (site_setup(state) < 0 || !mkdtemp(folder))
		return -1;
	site_image(&site, 1, NULL, "1", digest);
	snprintf(base, sizeof(base), "http://127.0.0.1:%u/sigs", (unsigned)site.peer.port);
	stores[0] = base;
	trip_to(&trip, &site, ":1");
	trip.want.looks = IMAGE_LOOKED_SIMPLE;
	trip.want.lookasides = stores;
	trip.want.lookaside_count = 1;
	return 0;
}

static int teardown(void **state)
{
	return site_teardown(state) < 0 ? -1 : nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "/sigs/shop/app@sha256=<hex>/signature-N" */
static char *path_of(const char *what, int number)
{
	return xasprintf("/sigs/shop/app@sha256=%s/signature-%d", what + strlen("sha256:"), number);
}

static struct site_answer *put_file(const char *what, int number, const char *head, struct span bytes)
{
	auto_free char *path = path_of(what, number);

	return site_add(&site, path, head, bytes);
}

/* ---- the web ---- */

static void reads_signatures_until_there_is_none(void **state)
{
	(void)state;
	put_file(digest, 1, NULL, SPAN_LIT("one"));
	put_file(digest, 2, NULL, SPAN_LIT("two"));
	put_file(digest, 4, NULL, SPAN_LIT("four"));
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 2);
	assert_int_equal(facts->signatures[1].layout, IMAGE_SIG_SIMPLE);
	assert_true(span_is(facts->signatures[1].payload, "two"));
	assert_string_equal(facts->signatures[1].subject, digest);
	auto_free char *path = path_of(digest, 2);
	assert_non_null(strstr(facts->signatures[1].place, path));
	assert_int_equal(site_count(&site, "/sigs/"), 3);
	assert_false(facts->more);
}

static void slashes_at_the_end_of_the_store_do_not_matter(void **state)
{
	char text[140];

	(void)state;
	snprintf(text, sizeof(text), "%s//", base);
	stores[0] = text;
	put_file(digest, 1, NULL, SPAN_LIT("one"));
	assert_int_equal(trip_good(&trip)->signature_count, 1);
}

static void a_store_without_an_end_is_not_read_to_its_end(void **state)
{
	(void)state;
	for (int i = 1; i <= LOOKASIDE_FILES_MAX + 1; i++)
		put_file(digest, i, NULL, SPAN_LIT("one"));
	assert_int_equal(trip_good(&trip)->signature_count, LOOKASIDE_FILES_MAX);
	assert_true(trip.facts->more);
	assert_int_equal(site_count(&site, "/sigs/"), LOOKASIDE_FILES_MAX);
}

static void a_file_that_is_too_large_is_a_problem_and_the_next_is_read(void **state)
{
	auto_free char *large = xcalloc(1, 2 * IMAGE_PAYLOAD_MAX);

	(void)state;
	put_file(digest, 1, NULL, span_new(large, IMAGE_PAYLOAD_MAX + 1));
	put_file(digest, 2, NULL, span_new(large, IMAGE_PAYLOAD_MAX));
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 2);
	assert_non_null(strstr(facts->signatures[0].problem, "larger"));
	assert_int_equal(facts->signatures[0].payload.len, 0);
	assert_null(facts->signatures[1].problem);
	assert_int_equal(facts->signatures[1].payload.len, IMAGE_PAYLOAD_MAX);
}

static void index_and_platforms_are_asked_for(void **state)
{
	char index[OCI_DIGEST_MAX];

	(void)state;
	auto_free char *text =
			xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":["
				  "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":9,"
				  "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
					digest);
	site_manifest(&site, text, "1", index);
	put_file(digest, 1, NULL, SPAN_LIT("platform"));
	put_file(index, 1, NULL, SPAN_LIT("index"));
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 2);
	assert_string_equal(facts->signatures[0].subject, index);
	assert_string_equal(facts->signatures[1].subject, digest);
}

static void what_is_no_answer_fails_all_of_it(void **state)
{
	static const struct {
		const char *head;
		enum err_kind kind;
		const char *words;
		int retry_after;
	} cases[] = {
		{ "403 No\r\n", ERR_DENIED, "HTTP 403", 0 },
		{ "500 No\r\n", ERR_IO, "HTTP 500", 0 },
		{ "429 No\r\nRetry-After: 4\r\n", ERR_IO, "HTTP 429", 4 },
		{ "302 Found\r\nLocation: http://169.254.169.254/\r\n", ERR_DENIED, "169.254.169.254", 0 },
		{ "302 Found\r\nLocation: ftp://a.example/\r\n", ERR_FORMAT, "", 0 },
		{ "302 Found\r\n", ERR_FORMAT, "without a Location", 0 },
		{ "302 Found\r\nLocation: signature-1\r\n", ERR_LIMIT, "more than 5 times", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_file(digest, 1, cases[i].head, SPAN_LIT("words of an error"));
		trip_bad(&trip, cases[i].kind, cases[i].words);
		assert_int_equal(trip.err.retry_after, cases[i].retry_after);
		assert_non_null(strstr(trip.err.text, "the signature store at 'http://127.0.0.1:"));
	}
}

static void a_redirect_is_followed_within_the_store(void **state)
{
	(void)state;
	put_file(digest, 1, "302 Found\r\nLocation: /elsewhere\r\n", SPAN_LIT("not this"));
	site_add(&site, "/elsewhere", NULL, SPAN_LIT("one"));
	assert_true(span_is(trip_good(&trip)->signatures[0].payload, "one"));
}

static void a_store_that_gives_nothing_is_not_waited_for(void **state)
{
	(void)state;
	struct site_answer *answer = put_file(digest, 1, NULL, SPAN_LIT("o"));
	answer->missing = 1;
	answer->stalls = true;
	trip.try.deadline = clock_mono(&clock_real) + CLOCK_SECOND / 10;
	trip_bad(&trip, ERR_RETRY, "the signature store");
}

/* ---- files ---- */

/* A file below the folder, with the folders above it. */
static void write_file(const char *path, struct span bytes)
{
	auto_free char *whole = xasprintf("%s/%s", folder, path);

	for (char *slash = strchr(whole + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(whole, 0755);
		*slash = '/';
	}
	assert_int_equal(fs_write_atomic(whole, bytes, 0644, NULL), 0);
}

static void use_folder(const char *below)
{
	static char text[256];

	snprintf(text, sizeof(text), "file://%s%s", folder, below);
	stores[0] = text;
}

static char *file_of(int number)
{
	return xasprintf("sigs/shop/app@sha256=%s/signature-%d", digest + strlen("sha256:"), number);
}

static void reads_files_of_a_folder(void **state)
{
	auto_free char *first = file_of(1), *second = file_of(2);
	auto_free char *large = xcalloc(1, IMAGE_PAYLOAD_MAX + 1);

	(void)state;
	use_folder("/sigs");
	write_file("sigs/other", SPAN_LIT(""));
	assert_int_equal(trip_good(&trip)->signature_count, 0);
	write_file(first, SPAN_LIT("one"));
	write_file(second, span_new(large, IMAGE_PAYLOAD_MAX + 1));
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 2);
	assert_true(span_is(facts->signatures[0].payload, "one"));
	assert_non_null(facts->signatures[1].problem);
	use_folder("/missing");
	assert_int_equal(trip_good(&trip)->signature_count, 0);
	assert_int_equal(site_count(&site, "/sigs"), 0);
}

static void what_is_too_much_together_is_a_problem_of_the_last(void **state)
{
	static char bytes[IMAGE_PAYLOAD_MAX];
	char texts[5][sizeof(folder) + 32];
	const char *many[5];

	(void)state;
	auto_free char *shop = xasprintf("%s/shop", folder),
		       *sigs = xasprintf("%s/app@sha256=%s", shop, digest + 7);
	assert_int_equal(mkdir(shop, 0755), 0);
	assert_int_equal(mkdir(sigs, 0755), 0);
	for (int i = 1; i <= LOOKASIDE_FILES_MAX; i++) {
		auto_free char *path = xasprintf("%s/signature-%d", sigs, i);
		assert_int_equal(fs_write_atomic(path, span_new(bytes, sizeof(bytes)), 0644, NULL), 0);
	}
	for (size_t i = 0; i < 5; i++) {
		snprintf(texts[i], sizeof(texts[i]), "file://%s%.*s", folder, (int)(2 * i), "/./././.");
		many[i] = texts[i];
	}
	trip.want.lookasides = many;
	trip.want.lookaside_count = 5;
	const struct image_facts *facts = trip_good(&trip);
	assert_int_equal(facts->signature_count, 5 * LOOKASIDE_FILES_MAX);
	assert_null(facts->signatures[0].problem);
	assert_non_null(strstr(facts->signatures[facts->signature_count - 1].problem, "exceed"));
}

static void follows_no_link_below_the_store(void **state)
{
	auto_free char *file = file_of(1);
	auto_free char *link = xasprintf("%s/%s", folder, file);
	auto_free char *secret = xasprintf("%s/secret", folder);

	(void)state;
	use_folder("/sigs");
	write_file("secret", SPAN_LIT("secret"));
	write_file(file, SPAN_LIT("one"));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink(secret, link), 0);
	trip_bad(&trip, ERR_IO, "the signature store");
	/* a folder in between */
	auto_free char *shop = xasprintf("%s/sigs/shop", folder), *moved = xasprintf("%s/moved", folder);
	assert_int_equal(rename(shop, moved), 0);
	assert_int_equal(symlink(moved, shop), 0);
	trip_bad(&trip, ERR_IO, "the signature store");
}

static void a_pipe_in_the_store_is_not_waited_for(void **state)
{
	auto_free char *file = file_of(1);
	auto_free char *path = xasprintf("%s/%s", folder, file);

	(void)state;
	use_folder("/sigs");
	write_file(file, SPAN_LIT("one"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	trip_bad(&trip, ERR_IO, "the signature store");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_signatures_until_there_is_none),
		TEST(slashes_at_the_end_of_the_store_do_not_matter),
		TEST(a_store_without_an_end_is_not_read_to_its_end),
		TEST(a_file_that_is_too_large_is_a_problem_and_the_next_is_read),
		TEST(index_and_platforms_are_asked_for),
		TEST(what_is_no_answer_fails_all_of_it),
		TEST(a_redirect_is_followed_within_the_store),
		TEST(a_store_that_gives_nothing_is_not_waited_for),
		TEST(reads_files_of_a_folder),
		TEST(what_is_too_much_together_is_a_problem_of_the_last),
		TEST(follows_no_link_below_the_store),
		TEST(a_pipe_in_the_store_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
