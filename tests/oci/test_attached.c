/* SPDX-License-Identifier: Apache-2.0 */
/* What is attached to an image at a registry, which has fixed answers. */
#include "oci/attached.h"

#include "oci/place.h"
#include "tests/oci/images.h"
#include "tests/oci/marks.h"
#include "tests/oci/routes.h"

#define SUBJECT         "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER           "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TAG             "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define INDEX_FIELDS    "200 OK\r\nContent-Type: " OCI_TYPE_INDEX "\r\n"
#define MANIFEST_FIELDS "200 OK\r\nContent-Type: " OCI_TYPE_MANIFEST "\r\n"
#define API             "GET /v2/team/app/referrers/" SUBJECT " "
#define BOTH            (ATTACHED_TAG | ATTACHED_REFERRERS)

struct stage {
	struct routes routes;
	struct route table[32];
	size_t count;
	char *texts[128];
	size_t text_count;
	struct oci_access access;
	struct attached found;
	struct err err;
};

static char *owned(struct stage *stage, char *text)
{
	assert_true(stage->text_count < sizeof(stage->texts) / sizeof(stage->texts[0]));
	return stage->texts[stage->text_count++] = text;
}

static void route(struct stage *stage, const char *begins, const char *answer, const char *body)
{
	assert_true(stage->count < sizeof(stage->table) / sizeof(stage->table[0]));
	stage->table[stage->count++] = (struct route){ .begins = begins, .answer = answer, .body = body };
}

/* A manifest with a mark, about a subject (NULL: none); its route is its digest's, which is returned. */
static const char *manifest(struct stage *stage, const char *subject, const char *mark)
{
	char digest[OCI_DIGEST_MAX];
	char *about = owned(stage,
			subject ? xasprintf(",\"subject\":{\"mediaType\":\"" OCI_TYPE_MANIFEST
					    "\",\"digest\":\"%s\",\"size\":7}",
						  subject)
				: xstrdup(""));
	char *body = owned(stage,
			xasprintf("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG
				  "\",\"digest\":\"" OTHER
				  "\",\"size\":2},\"layers\":[],\"annotations\":{\"mark\":\"%s\"}%s}",
					mark, about));

	oci_digest_of(span_of(body), digest);
	route(stage, owned(stage, xasprintf("GET /v2/team/app/manifests/%s ", digest)), MANIFEST_FIELDS,
			body);
	return owned(stage, xstrdup(digest));
}

/* An index of these digests, NULL-terminated, each with an artifactType that is a lie. */
static const char *listing(struct stage *stage, const char *const *digests)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);

	buf_puts(&text, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[");
	for (size_t i = 0; digests[i]; i++)
		buf_printf(&text,
				"%s{\"mediaType\":\"" OCI_TYPE_MANIFEST
				"\",\"digest\":\"%s\",\"size\":1,\"artifactType\":\"text/x-lie\"}",
				i ? "," : "", digests[i]);
	buf_puts(&text, "]}");
	return owned(stage, buf_take(&text));
}
#define LISTING(stage, ...) listing(stage, (const char *const[]){ __VA_ARGS__, NULL })

static int look(struct stage *stage, unsigned which)
{
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	auto_oci_source struct oci_source *source = NULL;
	char text[64];

	routes_start(&stage->routes, stage->table, stage->count);
	snprintf(text, sizeof(text), "docker://127.0.0.1:%u/team/app:1", (unsigned)stage->routes.peer.port);
	assert_int_equal(oci_place_parse(text, place, NULL), 0);
	stage->access.user_agent = "test/1";
	stage->access.plain_http = true;
	assert_int_equal(oci_source_open(place, &stage->access, &source, NULL), 0);
	int result = oci_source_attached(source, SUBJECT, which, &stage->found, &stage->err);
	oci_source_free(take(&source));
	routes_stop(&stage->routes);
	return result;
}

static void clear(struct stage *stage)
{
	for (size_t i = 0; i < stage->text_count; i++)
		free(stage->texts[i]);
	attached_clear(&stage->found);
	free(stage);
}

static void good(struct stage *stage, unsigned which, size_t count, bool more)
{
	if (look(stage, which) < 0)
		fail_msg("%s", stage->err.text);
	assert_int_equal(stage->found.count, count);
	assert_int_equal(stage->found.more, more);
}

static struct stage *stage_new(void)
{
	return xcalloc(1, sizeof(struct stage));
}

/* ---- a registry ---- */

static void finds_signatures_under_the_tag_and_by_the_api(void **state)
{
	struct stage *stage = stage_new();
	const char *a = manifest(stage, SUBJECT, "a"), *b = manifest(stage, SUBJECT, "b");

	(void)state;
	route(stage, API, INDEX_FIELDS, LISTING(stage, a, b, a));
	manifest(stage, NULL, "sig");
	stage->table[stage->count - 1].begins = "GET /v2/team/app/manifests/" TAG ".sig ";
	good(stage, BOTH, 3, false);
	assert_int_equal(marked(&stage->found, "sig", ATTACHED_BY_TAG), 1);
	assert_int_equal(marked(&stage->found, "a", ATTACHED_BY_API), 1);
	assert_int_equal(marked(&stage->found, "b", ATTACHED_BY_API), 1);
	assert_int_equal(atomic_load(&stage->routes.asked[0]), 1);
	assert_int_equal(atomic_load(&stage->routes.unknown), 0);
	clear(stage);
}

static void asks_only_for_what_is_wanted(void **state)
{
	static const unsigned which[] = { ATTACHED_TAG, ATTACHED_REFERRERS };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stage *stage = stage_new();
		route(stage, "GET /v2/team/app/manifests/" TAG ".sig ", "404 No\r\n", NULL);
		route(stage, API, INDEX_FIELDS, "{\"manifests\":[]}");
		good(stage, which[i], 0, false);
		assert_int_equal(atomic_load(&stage->routes.asked[0]), which[i] == ATTACHED_TAG);
		assert_int_equal(atomic_load(&stage->routes.asked[1]), which[i] == ATTACHED_REFERRERS);
		assert_int_equal(atomic_load(&stage->routes.unknown), 0);
		clear(stage);
	}
}

static void takes_nothing_attached_for_no_error(void **state)
{
	static const char *const bodies[] = { NULL, "{\"manifests\":[]}", "{\"manifests\":null}", "{}" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct stage *stage = stage_new();
		if (bodies[i])
			route(stage, API, INDEX_FIELDS, bodies[i]);
		good(stage, BOTH, 0, false);
		clear(stage);
	}
}

static void falls_back_to_the_tag_where_there_is_no_api(void **state)
{
	static const char *const answers[] = { "404 No\r\n", "400 No\r\n", "405 No\r\n", "406 No\r\n",
		"501 No\r\n", "200 OK\r\nContent-Type: text/html\r\n", "200 OK\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct stage *stage = stage_new();
		const char *a = manifest(stage, SUBJECT, "a");
		route(stage, API, answers[i], "<html>");
		route(stage, "GET /v2/team/app/manifests/" TAG " ", INDEX_FIELDS, LISTING(stage, a));
		good(stage, BOTH, 1, false);
		assert_int_equal(marked(&stage->found, "a", ATTACHED_BY_FALLBACK), 1);
		clear(stage);
	}
}

static void counts_only_manifests_whose_subject_it_is(void **state)
{
	struct stage *stage = stage_new();
	const char *one = manifest(stage, SUBJECT, "one"), *other = manifest(stage, OTHER, "other"),
		   *none = manifest(stage, NULL, "none");
	static const char garbage[] = "{\"subject\":{\"digest\":\"" SUBJECT "\"}}";
	static const char index[] = "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX
				    "\",\"manifests\":[],\"subject\":{\"digest\":\"" SUBJECT "\"}}";
	char digests[2][OCI_DIGEST_MAX];

	(void)state;
	oci_digest_of(span_of(garbage), digests[0]);
	oci_digest_of(span_of(index), digests[1]);
	route(stage, owned(stage, xasprintf("GET /v2/team/app/manifests/%s ", digests[0])), MANIFEST_FIELDS,
			garbage);
	route(stage, owned(stage, xasprintf("GET /v2/team/app/manifests/%s ", digests[1])), INDEX_FIELDS,
			index);
	/* OTHER is not there at all */
	route(stage, API, INDEX_FIELDS, LISTING(stage, other, none, digests[0], digests[1], OTHER, one));
	good(stage, BOTH, 1, false);
	assert_int_equal(marked(&stage->found, "one", ATTACHED_BY_API), 1);
	clear(stage);
}

static void takes_no_other_document_under_a_tag(void **state)
{
	static const char *const bodies[] = { "", "[]", "{}", "x", "{\"schemaVersion\":1}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct stage *stage = stage_new();
		route(stage, "GET /v2/team/app/manifests/" TAG ".sig ", MANIFEST_FIELDS, bodies[i]);
		route(stage, "GET /v2/team/app/manifests/" TAG " ", INDEX_FIELDS, bodies[i]);
		good(stage, BOTH, 0, false);
		clear(stage);
	}
}

static void goes_through_all_pages(void **state)
{
	struct stage *stage = stage_new();
	const char *a = manifest(stage, SUBJECT, "a"), *b = manifest(stage, SUBJECT, "b"),
		   *c = manifest(stage, SUBJECT, "c");

	(void)state;
	route(stage, API, INDEX_FIELDS "Link: </v2/team/app/referrers/x?n=1>; rel=\"next\"\r\n",
			LISTING(stage, a));
	route(stage, "GET /v2/team/app/referrers/x?n=1 ",
			INDEX_FIELDS "Link: <?n=0>; rel=prev, <?n=2>; rel=next\r\n", LISTING(stage, b));
	route(stage, "GET /v2/team/app/referrers/x?n=2 ", INDEX_FIELDS, LISTING(stage, c));
	good(stage, BOTH, 3, false);
	clear(stage);
}

static void follows_no_page_elsewhere_and_no_loop(void **state)
{
	auto_free char *longest = xcalloc(1, 3000);
	static const struct {
		const char *link;
		int asked; /* at most */
	} rows[] = {
		{ "Link: <http://registry.example/v2/x>; rel=next\r\n", 1 },
		{ "Link: <//169.254.169.254/v2/x>; rel=next\r\n", 1 },
		{ "Link: <https://{self}/v2/x>; rel=next\r\n", 1 },
		{ "Link: <ftp://{self}/v2/x>; rel=next\r\n", 1 },
		{ "Link: <?>; rel=next\r\n", 60 },
		{ "Link: <" SUBJECT " >; rel=next\r\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage *stage = stage_new();
		const char *a = manifest(stage, SUBJECT, "a");
		bool last = i == sizeof(rows) / sizeof(rows[0]);
		if (last)
			memset(longest, 'x', 2000);
		char *answer = owned(stage,
				last ? xasprintf(INDEX_FIELDS "Link: </%s>; rel=next\r\n", longest)
				     : xasprintf(INDEX_FIELDS "%s", rows[i].link));
		route(stage, "GET /v2/team/app/referrers/" SUBJECT, answer, LISTING(stage, a));
		good(stage, BOTH, 1, true);
		assert_in_range(atomic_load(&stage->routes.asked[1]), 1, last ? 1 : rows[i].asked);
		clear(stage);
	}
}

static void says_that_there_is_more_than_it_reads(void **state)
{
	char digests[70][OCI_DIGEST_MAX];
	const char *many[71] = { NULL };
	static const char *const kinds[] = { "sha384:0", "md5:0", "", "sha256:E3" };

	(void)state;
	for (size_t i = 0; i < 70; i++) {
		snprintf(digests[i], sizeof(digests[i]), "sha256:%064zx", i);
		many[i] = digests[i];
	}
	struct stage *stage = stage_new();
	route(stage, API, INDEX_FIELDS, listing(stage, many));
	good(stage, BOTH, 0, true);
	clear(stage);
	for (int fallback = 0; fallback < 2; fallback++) {
		stage = stage_new();
		char *bomb = owned(stage, xasprintf("{\"manifests\":[%*s0]}", 2 * OCI_VALUES_MAX, ""));
		for (char *c = strchr(bomb, ' '); *c == ' '; c += 2)
			memcpy(c, "0,", 2);
		route(stage, fallback ? "GET /v2/team/app/manifests/" TAG " " : API, INDEX_FIELDS, bomb);
		good(stage, BOTH, 0, true);
		clear(stage);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		stage = stage_new();
		route(stage, API, INDEX_FIELDS, LISTING(stage, kinds[i]));
		good(stage, BOTH, 0, true);
		clear(stage);
	}
}

static void says_so_of_a_document_that_is_too_large(void **state)
{
	static const char *const places[] = { "GET /v2/team/app/manifests/" TAG ".sig ",
		"GET /v2/team/app/manifests/" TAG " ", "GET /v2/team/app/manifests/" OTHER " ", API };

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct stage *stage = stage_new();
		stage->access.max_manifest = (size_t)64 * 1024;
		char *body = owned(stage, xasprintf("%*s", 64 * 1024 + 1, ""));
		route(stage, places[i], INDEX_FIELDS, body);
		if (i == 2)
			route(stage, API, INDEX_FIELDS, LISTING(stage, OTHER));
		good(stage, BOTH, 0, true);
		clear(stage);
	}
}

static void fails_where_it_cannot_know(void **state)
{
	static const struct {
		const char *begins, *answer, *body;
		enum err_kind kind;
	} rows[] = {
		{ API, "500 No\r\n", NULL, ERR_RETRY },
		{ API, "429 No\r\nRetry-After: 7\r\n", NULL, ERR_RETRY },
		{ API, "403 No\r\n", NULL, ERR_DENIED },
		{ API, "401 No\r\n", NULL, ERR_DENIED },
		{ API, INDEX_FIELDS, "<html>", ERR_FORMAT },
		{ API, INDEX_FIELDS, "{\"manifests\":{}}", ERR_FORMAT },
		{ "GET /v2/team/app/manifests/" TAG ".sig ", "503 No\r\n", NULL, ERR_RETRY },
		{ "GET /v2/team/app/manifests/" TAG " ", "503 No\r\n", NULL, ERR_RETRY },
		{ "GET /v2/team/app/manifests/" TAG ".sig ",
				MANIFEST_FIELDS "Docker-Content-Digest: " OTHER "\r\n", "{}", ERR_AUTH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage *stage = stage_new();
		route(stage, rows[i].begins, rows[i].answer, rows[i].body);
		stage->access.impatient = true;
		assert_int_equal(look(stage, BOTH), -1);
		if (stage->err.kind != rows[i].kind)
			fail_msg("row %zu: %s", i, stage->err.text);
		assert_int_equal(stage->err.retry_after, i == 1 ? 7 : 0);
		clear(stage);
	}
}

static void fails_for_bytes_that_their_digest_denies(void **state)
{
	struct stage *stage = stage_new();

	(void)state;
	route(stage, "GET /v2/team/app/manifests/" OTHER " ", MANIFEST_FIELDS, "{}");
	route(stage, API, INDEX_FIELDS, LISTING(stage, OTHER));
	assert_int_equal(look(stage, BOTH), -1);
	assert_int_equal(stage->err.kind, ERR_AUTH);
	clear(stage);
}

/* Two requests are refused at the same time, and one token serves both. */
static void asks_for_one_token_for_all(void **state)
{
	struct stage *stage = stage_new();

	(void)state;
	route(stage, "GET /token?", "200 OK\r\n", "{\"token\":\"t0ken\"}");
	route(stage, API, INDEX_FIELDS, "{}");
	stage->table[stage->count - 1].has = "Authorization: Bearer t0ken";
	route(stage, "GET /v2/team/app/manifests/", "404 No\r\n", "{}");
	stage->table[stage->count - 1].has = "Authorization: Bearer t0ken";
	route(stage, "GET /v2/", "401 No\r\nWWW-Authenticate: Bearer realm=\"http://{self}/token\"\r\n",
			"{}");
	good(stage, BOTH, 0, false);
	assert_int_equal(atomic_load(&stage->routes.asked[0]), 1);
	assert_int_equal(atomic_load(&stage->routes.asked[3]), 2);
	clear(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_signatures_under_the_tag_and_by_the_api),
		cmocka_unit_test(asks_only_for_what_is_wanted),
		cmocka_unit_test(takes_nothing_attached_for_no_error),
		cmocka_unit_test(falls_back_to_the_tag_where_there_is_no_api),
		cmocka_unit_test(counts_only_manifests_whose_subject_it_is),
		cmocka_unit_test(takes_no_other_document_under_a_tag),
		cmocka_unit_test(goes_through_all_pages),
		cmocka_unit_test(follows_no_page_elsewhere_and_no_loop),
		cmocka_unit_test(says_that_there_is_more_than_it_reads),
		cmocka_unit_test(says_so_of_a_document_that_is_too_large),
		cmocka_unit_test(fails_where_it_cannot_know),
		cmocka_unit_test(fails_for_bytes_that_their_digest_denies),
		cmocka_unit_test(asks_for_one_token_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
