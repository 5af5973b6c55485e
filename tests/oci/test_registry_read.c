/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/oci/registry_rig.h"

#include "crypto/digest.h"
#include "tests/net/certs.h"

#define SIZE ((size_t)1000000)
#define PART(from, n) \
	"206 Partial\r\nContent-Range: bytes " #from "-999999/1000000\r\nContent-Length: " #n "\r\n"

/* ---- blobs ---- */

static void reads_a_blob_in_pieces_of_any_size(void **state)
{
	static const size_t caps[] = { 1000, 16384, 65536, 1 << 20, 4 << 20 };
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .answer = RIG_OK(1000000), .len = SIZE }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct rig rig = { .err = ERR_NONE };
		RIG_START(&rig.fake, steps);
		rig_source(&rig);
		rig_good(&rig, rig_read(&rig, SIZE, caps[i]));
		rig_end(&rig);
	}
}

static void reads_an_empty_blob(void **state)
{
	static const struct fake_step steps[] = { { .expect = RIG_GET, .answer = RIG_OK(0) } };
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, 0, 100));
	rig_end(&rig);
}

static void takes_a_cut_connection_up_at_the_next_byte(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET,
				.lacks = "Range",
				.answer = RIG_OK(1000000) "ETag: \"e1\"\r\n",
				.len = 300000,
				.cut = true },
		{ .expect = RIG_GET,
				.has = { "Range: bytes=300000-\r\n", "If-Range: \"e1\"\r\n" },
				.answer = PART(300000, 700000) "ETag: W/\"e2\"\r\n",
				.from = 300000,
				.len = 1,
				.cut = true },
		{ .expect = RIG_GET,
				.has = { "Range: bytes=300001-\r\n" },
				.lacks = "If-Range",
				.answer = PART(300001, 699999),
				.from = 300001,
				.len = 699999 },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, SIZE, 65536));
	assert_int_equal(rig.waits, 2);
	rig_end(&rig);
}

static void skips_what_comes_again_where_the_range_is_ignored(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .answer = RIG_OK(1000000), .len = 300000, .cut = true },
		{ .expect = RIG_GET,
				.has = { "Range: bytes=300000-" },
				.answer = RIG_OK(1000000),
				.len = 200000,
				.cut = true },
		{ .expect = RIG_GET,
				.has = { "Range: bytes=300000-" },
				.answer = RIG_OK(1000000),
				.len = SIZE },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_good(&rig, rig_read(&rig, SIZE, 65536));
	rig_end(&rig);
}

static void gives_up_where_every_connection_is_cut_at_once(void **state)
{
	static const struct fake_step cut = {
		.expect = RIG_GET, .answer = RIG_OK(1000000), .len = 1000, .cut = true
	};
	const struct fake_step steps[] = { cut, cut, cut, cut, cut };
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, SIZE, 65536), ERR_RETRY, "last of 5 tries");
	assert_int_equal(rig.waited, 200 + 400 + 800 + 1600);
	rig_end(&rig);
}

static void refuses_blobs_that_are_not_as_long_as_they_must_be(void **state)
{
	static const struct {
		struct fake_step step;
		const char *words;
	} cases[] = {
		{ { .expect = RIG_GET, .answer = RIG_OK(999999), .len = 999999 },
				"999999 bytes are announced" },
		{ { .expect = RIG_GET, .answer = RIG_OK(1000001), .len = 1000001 },
				"1000001 bytes are announced" },
		{ { .expect = RIG_GET, .answer = "200 OK\r\n", .len = SIZE + 1, .cut = true },
				"more than the 1000000" },
		{ { .expect = RIG_GET, .answer = PART(0, 1000000), .len = SIZE }, "another range" },
		{ { .expect = RIG_GET, .answer = "204 No Content\r\n" }, "HTTP 204" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig = { .err = ERR_NONE };
		fake_start(&rig.fake, &cases[i].step, 1);
		rig_source(&rig);
		int result = rig_read(&rig, SIZE, 65536);
		rig_failed(&rig, result, i == 4 ? ERR_IO : ERR_FORMAT, cases[i].words);
		rig_end(&rig);
	}
}

static void refuses_a_part_that_is_another_one(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .answer = RIG_OK(1000000), .len = 300000, .cut = true },
		{ .expect = RIG_GET, .answer = PART(299999, 700001), .from = 299999, .len = 700001 },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, SIZE, 65536), ERR_FORMAT, "another range");
	rig_end(&rig);
}

static void ends_where_no_more_is_there_than_came(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = RIG_GET, .answer = "200 OK\r\n", .len = 999, .cut = true },
		{ .expect = RIG_GET, .has = { "Range: bytes=999-" }, .answer = "416 Range\r\n", .body = "" },
	};
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig_source(&rig);
	rig_failed(&rig, rig_read(&rig, SIZE, 65536), ERR_DENIED, "HTTP 416");
	rig_end(&rig);
}

/* ---- http and https ---- */

static SSL_CTX *tls_of(const struct certs *certs)
{
	auto_cert_pair struct cert_pair *pair = NULL;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	assert_int_equal(cert_pair_parse(buf_span(&certs->cert), secret_span(&certs->key), &pair, NULL), 0);
	assert_int_equal(SSL_CTX_use_certificate(tls, cert_list_x509(cert_pair_chain(pair), 0)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert_pair_pkey(pair)), 1);
	return tls;
}

static void speaks_https_and_is_not_led_to_http(void **state)
{
	static const struct fake_step steps[] = {
		{ .expect = "GET /v2/ HTTP", .answer = "200 OK\r\n", .body = "{}" },
		{ .expect = RIG_GET, .answer = RIG_OK(10), .len = 10 },
		{ .expect = RIG_GET, .answer = "307 There\r\nLocation: http://{self}/data\r\n", .body = "" },
		{ .expect = RIG_GET,
				.answer = "401 No\r\nWWW-Authenticate: Bearer "
					  "realm=\"http://{self}/token\"\r\n",
				.body = "" },
	};
	struct certs certs;
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	certs_make(&certs, "localhost");
	rig.fake.peer.tls = tls_of(&certs);
	rig.access.ca = buf_span(&certs.ca);
	RIG_START(&rig.fake, steps);
	rig_source_at(&rig, "localhost");
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_DENIED, "from https to http");
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_DENIED, "a token server that does not");
	rig_end(&rig);
	certs_clear(&certs);
}

static void does_not_fall_back_to_http_before_a_certificate_it_does_not_trust(void **state)
{
	struct certs certs, others;
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	certs_make(&certs, "localhost");
	certs_make(&others, "localhost");
	rig.fake.peer.tls = tls_of(&certs);
	rig.access.ca = buf_span(&others.ca);
	fake_start(&rig.fake, NULL, 0);
	rig_source_at(&rig, "localhost");
	rig_failed(&rig, rig_read(&rig, 10, 100), ERR_AUTH, "certificate");
	rig_end(&rig);
	certs_clear(&certs);
	certs_clear(&others);
}

/* Go's servers say in HTTP that they do not speak TLS; others just close. */
static void play_plain(struct line *line, void *ctx)
{
	char first;

	if (recv(line->fd, &first, 1, MSG_PEEK) == 1 && first == 0x16)
		line_puts(line, "HTTP/1.0 400 Bad Request\r\n\r\n");
	else
		fake_play(line, ctx);
}

static void speaks_http_to_loopback_that_knows_no_tls(void **state)
{
	static const struct fake_step steps[] = { { .expect = RIG_GET, .answer = RIG_OK(10), .len = 10 } };
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	rig.fake.peer.play = play_plain;
	rig_source_at(&rig, "127.0.0.1");
	rig_good(&rig, rig_read(&rig, 10, 100));
	rig_end(&rig);
}

/* ---- manifests ---- */

#define MANIFEST "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[]}"
#define GET_TAG  "GET /v2/team/app/manifests/1 HTTP/1.1\r\n"

static int read_manifest(struct rig *rig, const char *digest, struct oci_manifest_bytes *out)
{
	rig_source(rig);
	return oci_source_manifest(rig->source, digest, out, &rig->err);
}

static void reads_manifests_of_all_four_types(void **state)
{
	static const struct fake_step steps[] = { { .expect = GET_TAG,
			.has = { "\r\nAccept: " OCI_TYPE_MANIFEST ", " OCI_TYPE_INDEX
				 ", " DOCKER_TYPE_MANIFEST ", " DOCKER_TYPE_LIST "\r\n" },
			.answer = "200 OK\r\nContent-Type: " OCI_TYPE_INDEX "; charset=utf-8\r\n",
			.body = MANIFEST } };
	struct oci_manifest_bytes out = OCI_MANIFEST_NONE;
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	RIG_START(&rig.fake, steps);
	if (read_manifest(&rig, NULL, &out) < 0)
		fail_msg("%s", rig.err.text);
	assert_string_equal(out.media_type, OCI_TYPE_INDEX);
	assert_string_equal(buf_text(&out.bytes), MANIFEST);
	assert_true(oci_digest_fits(out.digest, buf_span(&out.bytes)));
	buf_clear(&out.bytes);
	rig_end(&rig);
}

static void refuses_a_manifest_that_is_another_one(void **state)
{
	static const struct {
		struct fake_step step;
		const char *digest;
	} cases[] = {
		{ { .expect = GET_TAG,
				  .answer = "200 OK\r\nDocker-Content-Digest: " RIG_DIGEST
					    "\r\nContent-Type: " OCI_TYPE_INDEX "\r\n",
				  .body = MANIFEST },
				NULL },
		{ { .expect = "GET /v2/team/app/manifests/" RIG_DIGEST " HTTP",
				  .answer = "200 OK\r\nContent-Type: " OCI_TYPE_INDEX "\r\n",
				  .body = MANIFEST },
				RIG_DIGEST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_manifest_bytes out = OCI_MANIFEST_NONE;
		struct rig rig = { .err = ERR_NONE };
		fake_start(&rig.fake, &cases[i].step, 1);
		rig_failed(&rig, read_manifest(&rig, cases[i].digest, &out), ERR_AUTH, RIG_DIGEST);
		buf_clear(&out.bytes);
		rig_end(&rig);
	}
}

static void refuses_a_manifest_without_end(void **state)
{
	static const struct fake_step step = {
		.expect = GET_TAG, .answer = "200 OK\r\n", .endless = 1 << 30
	};
	struct oci_manifest_bytes out = OCI_MANIFEST_NONE;
	struct rig rig = { .err = ERR_NONE };

	(void)state;
	fake_start(&rig.fake, &step, 1);
	rig_failed(&rig, read_manifest(&rig, NULL, &out), ERR_LIMIT, "4194304");
	buf_clear(&out.bytes);
	rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_blob_in_pieces_of_any_size),
		cmocka_unit_test(reads_an_empty_blob),
		cmocka_unit_test(takes_a_cut_connection_up_at_the_next_byte),
		cmocka_unit_test(skips_what_comes_again_where_the_range_is_ignored),
		cmocka_unit_test(gives_up_where_every_connection_is_cut_at_once),
		cmocka_unit_test(refuses_blobs_that_are_not_as_long_as_they_must_be),
		cmocka_unit_test(refuses_a_part_that_is_another_one),
		cmocka_unit_test(ends_where_no_more_is_there_than_came),
		cmocka_unit_test(speaks_https_and_is_not_led_to_http),
		cmocka_unit_test(does_not_fall_back_to_http_before_a_certificate_it_does_not_trust),
		cmocka_unit_test(speaks_http_to_loopback_that_knows_no_tls),
		cmocka_unit_test(reads_manifests_of_all_four_types),
		cmocka_unit_test(refuses_a_manifest_that_is_another_one),
		cmocka_unit_test(refuses_a_manifest_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
