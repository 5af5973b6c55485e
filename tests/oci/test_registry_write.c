/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/oci/registry_rig.h"

#define MIB     ((size_t)1024 * 1024)
#define UPLOADS "/v2/team/app/blobs/uploads/"
#define POST    "POST " UPLOADS " HTTP/1.1\r\n"
#define SESSION "202 Accepted\r\nLocation: " UPLOADS "u1?_state=a\r\n"
#define ESCAPED "sha256%3A" RIG_HEX
#define PUT     "PUT " UPLOADS "u1?_state=a&digest=" ESCAPED " HTTP/1.1\r\n"
#define PATCH   "PATCH " UPLOADS "u1?_state=a HTTP/1.1\r\n"
#define PATCHED "202 Accepted\r\nLocation: " UPLOADS "u1?_state=a\r\nContent-Length: 0\r\n"
#define CREATED "201 Created\r\nDocker-Content-Digest: " RIG_DIGEST "\r\nContent-Length: 0\r\n"

static void assert_received(const struct rig *rig, size_t size)
{
	assert_int_equal(rig->fake.received.len, size);
	for (size_t i = 0; i < size; i++)
		if (rig->fake.received.ptr[i] != fake_byte(i))
			fail_msg("byte %zu arrived wrong", i);
}

/* ---- blobs ---- */

static void pushes_a_small_blob_in_one_piece(void **state)
{
	static const size_t sizes[] = { 0, 1, 65536, 4 * MIB - 1, 4 * MIB };
	static const struct fake_step steps[] = {
		{ .expect = POST, .answer = SESSION, .body = "" },
		{ .expect = PUT,
				.has = { "\r\nContent-Type: application/octet-stream\r\n" },
				.answer = CREATED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rig rig = { .err = ERR_NONE };
		RIG_START(&rig.fake, steps);
		rig_dest(&rig, NULL);
		rig_good(&rig, rig_write(&rig, sizes[i], 65536));
		assert_received(&rig, sizes[i]);
		rig_end(&rig);
	}
}

static void pushes_a_large_blob_in_chunks(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST,
				.answer = "202 Accepted\r\nLocation: http://{self}" UPLOADS "u0\r\n",
				.body = "" },
		{ .expect = "PATCH " UPLOADS "u0 HTTP",
				.has = { "\r\nContent-Range: 0-4194303\r\n",
						"\r\nContent-Type: application/octet-stream\r\n" },
				.answer = "202 Accepted\r\nLocation: u1?_state=a\r\nRange: 0-4194303\r\n",
				.body = "" },
		{ .expect = PATCH, .has = { "Content-Range: 4194304-8388607\r\n" }, .answer = PATCHED },
		{ .expect = PATCH, .has = { "Content-Range: 8388608-8388608\r\n" }, .answer = PATCHED },
		{ .expect = PUT, .has = { "\r\nContent-Length: 0\r\n" }, .answer = CREATED },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_good(&rig, rig_write(&rig, 8 * MIB + 1, 100000));
	assert_received(&rig, 8 * MIB + 1);
	rig_end(&rig);
}

static void takes_a_cut_upload_up_where_the_registry_stands(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST, .answer = SESSION, .body = "" },
		{ .expect = PATCH, .has = { "Content-Range: 0-4194303\r\n" }, .answer = PATCHED },
		/* cut inside the chunk */
		{ .expect = PATCH, .has = { "Content-Range: 4194304-6291455\r\n" }, .take = 1000000 },
		{ .expect = "GET " UPLOADS "u1?_state=a HTTP",
				.answer = "204 None\r\nLocation: " UPLOADS
					  "u1?_state=a\r\nRange: 0-5194303\r\n" },
		/* cut again, and it has kept nothing of it */
		{ .expect = PATCH, .has = { "Content-Range: 5194304-6291455\r\n" }, .take = 10 },
		{ .expect = "GET " UPLOADS "u1?_state=a HTTP",
				.answer = "204 None\r\nRange: bytes=0-5194303\r\n" },
		/* only a part is taken, and said so */
		{ .expect = PATCH,
				.has = { "Content-Range: 5194304-6291455\r\n" },
				.answer = "202 Accepted\r\nRange: 0-6291453\r\nContent-Length: 0\r\n" },
		{ .expect = PATCH, .has = { "Content-Range: 6291454-6291455\r\n" }, .answer = PATCHED },
		{ .expect = PUT, .answer = CREATED },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_good(&rig, rig_write(&rig, 6 * MIB, 65536));
	assert_received(&rig, 6 * MIB);
	assert_int_equal(rig.waits, 2);
	rig_end(&rig);
}

static void asks_where_it_stands_after_416_and_500(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST, .answer = SESSION, .body = "" },
		{ .expect = PATCH,
				.has = { "Content-Range: 0-4194303\r\n" },
				.answer = "500 Oh\r\n",
				.body = "" },
		/* "0-0": nothing yet */
		{ .expect = "GET " UPLOADS "u1?_state=a HTTP", .answer = "204 None\r\nRange: 0-0\r\n" },
		{ .expect = PATCH,
				.has = { "Content-Range: 0-4194303\r\n" },
				.answer = "416 Range\r\n",
				.body = "" },
		{ .expect = "GET " UPLOADS "u1?_state=a HTTP", .answer = "204 None\r\nRange: 0-4194303\r\n" },
		{ .expect = PATCH, .has = { "Content-Range: 4194304-4194304\r\n" }, .answer = PATCHED },
		{ .expect = PUT, .answer = CREATED },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_good(&rig, rig_write(&rig, 4 * MIB + 1, 65536));
	assert_received(&rig, 4 * MIB + 1);
	rig_end(&rig);
}

static void gives_up_an_upload_that_the_registry_lost(void **state)
{
	static const struct {
		struct fake_step progress;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ { .expect = "GET ", .answer = "204 None\r\nRange: 0-99\r\n" }, ERR_RETRY,
				"has 100 bytes of it" },
		{ { .expect = "GET ", .answer = "204 None\r\nRange: 0-9000000\r\n" }, ERR_RETRY,
				"begin again" },
		{ { .expect = "GET ", .answer = "204 None\r\n" }, ERR_FORMAT, "does not say how much" },
		{ { .expect = "GET ", .answer = "204 None\r\nRange: 5-9\r\n" }, ERR_FORMAT,
				"does not say how much" },
		{ { .expect = "GET ", .answer = "404 No\r\n", .body = "" }, ERR_RETRY,
				"did not keep it: begin again: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct fake_step steps[] = { { .expect = POST, .answer = SESSION, .body = "" },
			{ .expect = PATCH, .answer = PATCHED }, { .expect = PATCH, .take = 10 },
			cases[i].progress };
		struct rig rig = { .err = ERR_NONE };
		RIG_START(&rig.fake, steps);
		rig_dest(&rig, NULL);
		rig_failed(&rig, rig_write(&rig, 6 * MIB, 65536), cases[i].kind, cases[i].words);
		rig_end(&rig);
	}
}

static void begins_a_small_blob_anew_when_it_was_cut(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST,
				.answer = "202 Accepted\r\nLocation: /v2/team/app/blobs/uploads/u0\r\n",
				.body = "" },
		{ .expect = "PUT " UPLOADS "u0?digest=", .take = 10 },
		{ .expect = POST, .answer = SESSION, .body = "" },
		{ .expect = PUT, .answer = CREATED },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_good(&rig, rig_write(&rig, 1000, 100));
	assert_received(&rig, 1000);
	rig_end(&rig);
}

static void finds_a_blob_whose_confirmation_was_lost(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST, .answer = SESSION, .body = "" },
		{ .expect = PATCH, .answer = PATCHED },
		{ .expect = PATCH, .answer = PATCHED },
		{ .expect = PUT, .cut = true },
		{ .expect = PUT, .answer = "404 No\r\n", .body = "" },
		{ .expect = "HEAD " RIG_BLOB " HTTP", .answer = "200 OK\r\nContent-Length: 4194305\r\n" },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_good(&rig, rig_write(&rig, 4 * MIB + 1, 65536));
	rig_end(&rig);
}

static void refuses_a_registry_that_kept_something_else(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST, .answer = SESSION, .body = "" },
		{ .expect = PUT,
				.answer = "201 Created\r\nDocker-Content-Digest: "
					  "sha256:0000\r\nContent-Length: 0\r\n" },
		{ .expect = "DELETE " UPLOADS "u1?_state=a HTTP", .answer = "404 No\r\n", .body = "" },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	/* the failed attempt's address is forgotten before the writer goes, so nothing is deleted */
	fake_start(&rig.fake, steps, 2);
	rig_dest(&rig, NULL);
	rig_failed(&rig, rig_write(&rig, 10, 10), ERR_AUTH, "the registry keeps sha256:0000");
	rig_end(&rig);
}

static void ends_the_upload_of_a_writer_that_is_freed(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST, .answer = SESSION, .body = "" },
		{ .expect = PATCH, .answer = PATCHED },
		{ .expect = PATCH, .answer = PATCHED },
		{ .expect = PUT,
				.answer = "400 No\r\n",
				.body = "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}" },
		{ .expect = "DELETE " UPLOADS "u1?_state=a HTTP", .answer = "204 Gone\r\n" },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_failed(&rig, rig_write(&rig, 4 * MIB + 1, 65536), ERR_DENIED, "HTTP 400: DIGEST_INVALID");
	rig_end(&rig);
}

static void counts_what_it_is_fed(void **state)
{
	struct rig rig = { .err = ERR_NONE };
	struct oci_writer *writer = NULL;

	(void)state;
	fake_start(&rig.fake, NULL, 0);
	rig_dest(&rig, NULL);
	assert_int_equal(rig.dest->ops->blob(rig.dest, 3, &writer, &rig.err), 0);
	assert_int_equal(stream_feed(&writer->stream, SPAN_LIT("ab"), &rig.err), 0);
	rig_failed(&rig, writer->commit(writer, RIG_DIGEST, &rig.err), ERR_BUG, "2 bytes came of the 3");
	rig_failed(&rig, stream_feed(&writer->stream, SPAN_LIT("cd"), &rig.err), ERR_BUG, "more than the 3");
	writer->free(writer);
	rig_end(&rig);
}

static void gives_its_credentials_to_no_other_upload_host(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = POST, .answer = "401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n", .body = "" },
		{ .expect = POST,
				.has = { "Authorization: Basic" },
				.answer = "202 Accepted\r\nLocation: http://{other}/up?k=s3cret\r\n",
				.body = "" },
	};
	static const struct fake_step other_steps[] = {
		{ .expect = "PUT /up?k=s3cret&digest=" ESCAPED " HTTP",
				.lacks = "Authorization",
				.answer = CREATED },
	};
	struct rig rig = { .access = { .credentials = "u:s3cret" } };
	struct fake other = { .at = 0 };

	(void)state;
	RIG_START(&other, other_steps);
	rig.fake.other = &other;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_good(&rig, rig_write(&rig, 10, 10));
	rig_end(&rig);
	fake_stop(&other);
}

/* ---- what is there already ---- */

static bool has_blob(struct rig *rig)
{
	struct oci_descriptor blob = { .digest = RIG_DIGEST, .size = 10 };
	bool has = false;

	rig_good(rig, oci_dest_has(rig->dest, &blob, &has, &rig->err));
	return has;
}

#define HEAD_STEP(answer_text)                                                      \
	{                                                                           \
		.expect = "HEAD " RIG_BLOB " HTTP/1.1\r\n", .answer = (answer_text) \
	}
#define MOUNT "POST " UPLOADS "?mount=" ESCAPED "&from=team%2Fbase HTTP/1.1\r\n"

static void looks_for_blobs(void **state)
{
	static const struct fake_step steps[] = { HEAD_STEP("200 OK\r\nContent-Length: 10\r\n"),
		HEAD_STEP("404 No\r\nContent-Length: 100\r\n"),
		HEAD_STEP("200 OK\r\nContent-Length: 11\r\n") };
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	assert_true(has_blob(&rig));
	assert_false(has_blob(&rig));
	assert_false(has_blob(&rig));
	rig_end(&rig);
}

static void mounts_blobs_of_another_repository(void **state)
{
	static const struct fake_step steps[] = {
		HEAD_STEP("404 No\r\n"),
		{ .expect = MOUNT, .answer = "201 Created\r\n", .body = "" },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, "team/base");
	assert_true(has_blob(&rig));
	rig_end(&rig);
}

static void uses_the_upload_that_came_in_place_of_a_mount(void **state)
{
	static const struct fake_step steps[] = {
		HEAD_STEP("404 No\r\n"),
		{ .expect = MOUNT, .answer = SESSION, .body = "" },
		{ .expect = PUT, .answer = CREATED },
		HEAD_STEP("404 No\r\n"),
		{ .expect = MOUNT, .answer = SESSION, .body = "" },
		/* nobody wanted the second one */
		{ .expect = "DELETE " UPLOADS "u1?_state=a HTTP", .answer = "204 Gone\r\n" },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, "team/base");
	assert_false(has_blob(&rig));
	rig_good(&rig, rig_write(&rig, 10, 10));
	assert_false(has_blob(&rig));
	rig_end(&rig);
}

static void mounts_with_a_token_for_both_and_pushes_with_its_own(void **state)
{
#define CHALLENGE "401 No\r\nWWW-Authenticate: Bearer realm=\"http://{self}/token\",service=\"s\"\r\n"
#define OWN       "&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"
	static const struct fake_step steps[] = {
		{ .expect = "HEAD ", .answer = CHALLENGE "Content-Length: 9\r\n" },
		{ .expect = "GET /token?service=s" OWN " HTTP",
				.answer = "200 OK\r\n",
				.body = "{\"token\":\"t1\"}" },
		{ .expect = "HEAD ", .has = { "Bearer t1\r\n" }, .answer = "404 No\r\n" },
		{ .expect = MOUNT, .lacks = "Authorization", .answer = CHALLENGE, .body = "" },
		/* the token server does not grant the other repository: then without a mount */
		{ .expect = "GET /token?service=s" OWN "&scope=repository%3Ateam%2Fbase%3Apull HTTP",
				.answer = "403 No\r\n",
				.body = "" },
		{ .expect = POST, .has = { "Bearer t1\r\n" }, .answer = SESSION, .body = "" },
		{ .expect = PUT, .has = { "Bearer t1\r\n" }, .answer = CREATED },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, "team/base");
	assert_false(has_blob(&rig));
	rig_good(&rig, rig_write(&rig, 10, 10));
	rig_end(&rig);
}

/* ---- manifests ---- */

#define MANIFEST "{\"schemaVersion\":2}"

static void makes_the_tag_at_the_commit_and_not_before(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = "PUT /v2/team/app/manifests/sha256:",
				.has = { "\r\nContent-Type: " OCI_TYPE_MANIFEST "\r\n" },
				.answer = "201 Created\r\n",
				.body = "" },
		{ .expect = "HEAD ", .answer = "404 No\r\n" },
		{ .expect = "PUT /v2/team/app/manifests/1 HTTP",
				.has = { "\r\nContent-Type: " OCI_TYPE_INDEX "\r\n" },
				.answer = "201 Created\r\n",
				.body = "" },
	};
	char digest[OCI_DIGEST_MAX];
	struct rig rig = { .err = ERR_NONE };
	struct span bytes = SPAN_LIT(MANIFEST);

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_failed(&rig, oci_dest_commit(rig.dest, &rig.err), ERR_BUG, "no manifest");
	rig_good(&rig, oci_dest_manifest(rig.dest, bytes, OCI_TYPE_MANIFEST, false, digest, &rig.err));
	assert_true(oci_digest_fits(digest, bytes));
	rig_good(&rig, oci_dest_manifest(rig.dest, bytes, OCI_TYPE_INDEX, true, digest, &rig.err));
	assert_true(oci_digest_fits(digest, bytes));
	assert_false(has_blob(&rig));
	rig_good(&rig, oci_dest_commit(rig.dest, &rig.err));
	assert_string_equal(buf_text(&rig.fake.received), MANIFEST);
	rig_end(&rig);
}

static void refuses_a_registry_that_kept_another_manifest(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = "PUT ",
				.answer = "201 Created\r\nDocker-Content-Digest: " RIG_DIGEST "\r\n",
				.body = "" },
	};
	char digest[OCI_DIGEST_MAX];
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, NULL);
	rig_failed(&rig,
			oci_dest_manifest(rig.dest, SPAN_LIT(MANIFEST), OCI_TYPE_MANIFEST, false, digest,
					&rig.err),
			ERR_AUTH, "the registry keeps " RIG_DIGEST);
	rig_end(&rig);
}

static void joins_a_second_dest_at_the_same_place(void **state)
{
	static const struct fake_step steps[] = { HEAD_STEP("404 No\r\n"),
		{ .expect = MOUNT, .answer = "201 Created\r\n", .body = "" } };
	struct rig rig = { .err = ERR_NONE };
	struct oci_dest *first = NULL;

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_dest(&rig, "team/base");
	first = rig.dest;
	assert_int_equal(oci_dest_join(first, &rig.dest, &rig.err), 0);
	assert_true(has_blob(&rig));
	oci_dest_free(rig.dest);
	rig.dest = first;
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_a_small_blob_in_one_piece),
		cmocka_unit_test(pushes_a_large_blob_in_chunks),
		cmocka_unit_test(takes_a_cut_upload_up_where_the_registry_stands),
		cmocka_unit_test(asks_where_it_stands_after_416_and_500),
		cmocka_unit_test(gives_up_an_upload_that_the_registry_lost),
		cmocka_unit_test(begins_a_small_blob_anew_when_it_was_cut),
		cmocka_unit_test(finds_a_blob_whose_confirmation_was_lost),
		cmocka_unit_test(refuses_a_registry_that_kept_something_else),
		cmocka_unit_test(ends_the_upload_of_a_writer_that_is_freed),
		cmocka_unit_test(counts_what_it_is_fed),
		cmocka_unit_test(gives_its_credentials_to_no_other_upload_host),
		cmocka_unit_test(looks_for_blobs),
		cmocka_unit_test(mounts_blobs_of_another_repository),
		cmocka_unit_test(uses_the_upload_that_came_in_place_of_a_mount),
		cmocka_unit_test(mounts_with_a_token_for_both_and_pushes_with_its_own),
		cmocka_unit_test(makes_the_tag_at_the_commit_and_not_before),
		cmocka_unit_test(refuses_a_registry_that_kept_another_manifest),
		cmocka_unit_test(joins_a_second_dest_at_the_same_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
