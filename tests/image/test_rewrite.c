/* SPDX-License-Identifier: Apache-2.0 */
#include "image/rewrite.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "image/annotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define OCI    "application/vnd.oci.image.layer."
#define DOCKER "application/vnd.docker.image.rootfs."
#define OLD    "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define NEW    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define PUBOPTS                                                                                              \
	"eyJjaXBoZXIiOiJBRVNfMjU2X0NUUl9ITUFDX1NIQTI1NiIsImhtYWMiOiJnNGhILzlhMHhpMmdLL0g1THd4ODl6OXRSb1Z1el" \
	"NS"                                                                                                 \
	"TURQckdTSlI3SVlJPSIsImNpcGhlcm9wdGlvbnMiOnt9fQ=="

/* ---- media types ----------------------------------------------------------------------------------------- */

static void knows_the_encrypted_type_of_every_layer(void **state)
{
	static const struct {
		const char *plain, *encrypted;
		enum err_kind kind;
	} cases[] = {
		{ OCI "v1.tar", OCI "v1.tar+encrypted", ERR_OK },
		{ OCI "v1.tar+gzip", OCI "v1.tar+gzip+encrypted", ERR_OK },
		{ OCI "v1.tar+zstd", OCI "v1.tar+zstd+encrypted", ERR_OK },
		{ DOCKER "diff.tar", OCI "v1.tar+encrypted", ERR_OK },
		{ DOCKER "diff.tar.gzip", OCI "v1.tar+gzip+encrypted", ERR_OK },
		{ DOCKER "diff.tar.zstd", OCI "v1.tar+zstd+encrypted", ERR_OK },
		{ OCI "nondistributable.v1.tar", NULL, ERR_DENIED },
		{ OCI "nondistributable.v1.tar+gzip", NULL, ERR_DENIED },
		{ DOCKER "foreign.diff.tar.gzip", NULL, ERR_DENIED },
		{ "application/vnd.in-toto+json", NULL, ERR_DENIED },
		{ OCI "v1.tar+gzip+encrypted", NULL, ERR_USAGE },
		{ "application/vnd.cncf.helm.chart.content.v1.tar+gzip", NULL, ERR_FORMAT },
		{ "", NULL, ERR_FORMAT },
		{ OCI "v1.tar ", NULL, ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[REWRITE_TYPE_MAX] = "";
		struct err err = ERR_NONE;
		int result = rewrite_encrypted_type(cases[i].plain, out, &err);
		assert_int_equal(err.kind, cases[i].kind);
		assert_int_equal(result, cases[i].encrypted ? 0 : -1);
		if (cases[i].encrypted)
			assert_string_equal(out, cases[i].encrypted);
	}
}

static void strips_the_suffix_and_nothing_else(void **state)
{
	static const struct {
		const char *encrypted, *plain;
	} cases[] = {
		{ OCI "v1.tar+encrypted", OCI "v1.tar" },
		{ OCI "v1.tar+zstd+encrypted", OCI "v1.tar+zstd" },
		{ OCI "nondistributable.v1.tar+gzip+encrypted", OCI "nondistributable.v1.tar+gzip" },
		{ DOCKER "diff.tar.gzip+encrypted", DOCKER "diff.tar.gzip" },
		{ OCI "v1.tar", NULL },
		{ "+encrypted", NULL },
		{ "application/json+encrypted", NULL },
		{ OCI "v1.tar+encrypted+encrypted", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[REWRITE_TYPE_MAX] = "";
		struct err err = ERR_NONE;
		assert_int_equal(rewrite_decrypted_type(cases[i].encrypted, out, &err),
				cases[i].plain ? 0 : -1);
		assert_int_equal(err.kind, cases[i].plain ? ERR_OK : ERR_FORMAT);
		if (cases[i].plain)
			assert_string_equal(out, cases[i].plain);
	}
	assert_true(rewrite_is_encrypted(DOCKER "diff.tar.gzip+encrypted"));
	assert_false(rewrite_is_encrypted(OCI "v1.tar+gzip"));
	assert_string_equal(rewrite_oci_type(DOCKER "diff.tar.gzip"), OCI "v1.tar+gzip");
	assert_string_equal(rewrite_oci_type(OCI "v1.tar+zstd"), OCI "v1.tar+zstd");
	assert_string_equal(rewrite_oci_type(DOCKER "foreign.diff.tar.gzip"), DOCKER "foreign.diff.tar.gzip");
	assert_string_equal(rewrite_oci_type("x"), "x");
}

/* ---- which layers ---------------------------------------------------------------------------------------- */

static void selects_layers_from_either_end(void **state)
{
	static const struct {
		const char *indexes[4];
		size_t count, layers;
		const char *selected; /* one character a layer */
	} cases[] = {
		{ { NULL }, 0, 3, "111" },
		{ { "0" }, 1, 3, "100" },
		{ { "2", "0", "0" }, 3, 3, "101" },
		{ { "-1" }, 1, 3, "001" },
		{ { "-3", "1" }, 2, 3, "110" },
		{ { NULL }, 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool selected[4] = { true, true, true, true };
		assert_int_equal(rewrite_select(cases[i].indexes, cases[i].count, cases[i].layers, selected,
						 NULL),
				0);
		for (size_t l = 0; l < cases[i].layers; l++)
			assert_int_equal(selected[l], cases[i].selected[l] == '1');
	}
}

static void refuses_indexes_out_of_range_and_tells_the_range(void **state)
{
	static const struct {
		const char *index, *says;
		size_t layers;
	} cases[] = {
		{ "3", "the image has 3 layers, 0 to 2, or -1 to -3 from the end", 3 },
		{ "-4", "out of range", 3 },
		{ "0", "the image has 0 layers", 0 },
		{ "1", "the image has 1 layer, 0 to 0, or -1 to -1", 1 },
		{ "", "is no index", 3 },
		{ "-", "is no index", 3 },
		{ "-0", "is no index", 3 },
		{ "+1", "is no index", 3 },
		{ "1a", "is no index", 3 },
		{ "01", "is no index", 3 },
		{ "--1", "is no index", 3 },
		{ " 1", "is no index", 3 },
		{ "99999999999999999999", "is no index", 3 },
		{ "-18446744073709551615", "is no index", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool selected[4];
		struct err err = ERR_NONE;
		if (rewrite_select(&cases[i].index, 1, cases[i].layers, selected, &err) == 0)
			fail_msg("took '%s'", cases[i].index);
		assert_int_equal(err.kind, ERR_USAGE);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s': %s", cases[i].index, err.text);
	}
}

/* ---- descriptors ----------------------------------------------------------------------------------------- */

static json_t *read_json(const char *text)
{
	json_t *out = NULL;
	struct err err = ERR_NONE;

	if (json_read(span_of(text), 1 << 20, &out, &err) < 0)
		fail_msg("%s", err.text);
	return out;
}

static void check_text(const json_t *value, const char *text)
{
	char *is = json_text(value, false);

	assert_string_equal(is, text);
	free(is);
}

static void writes_the_descriptor_of_an_encrypted_layer(void **state)
{
	auto_json json_t *layer = read_json(
			"{\"mediaType\":\"" DOCKER "diff.tar.gzip\",\"size\":7,\"digest\":\"" OLD
			"\",\"data\":\"c2VjcmV0\",\"urls\":[\"https://a.example\"],\"annotations\":{"
			"\"mine\":\"stays\",\"" ANNOTATION_KEYS "pgp\":\"old\"},\"future\":{\"a\":[1]}}");
	auto_json json_t *given =
			read_json("{\"" ANNOTATION_KEYS "jwe\":\"YQ==\",\"" ANNOTATION_PUBLIC "\":\"Yg==\"}");
	auto_json json_t *before = json_deep_copy(layer), *out = NULL;

	(void)state;
	assert_int_equal(rewrite_encrypted(layer, NEW, given, &out, NULL), 0);
	check_text(out,
			"{\"mediaType\":\"" OCI "v1.tar+gzip+encrypted\",\"size\":7,\"digest\":\"" NEW
			"\",\"annotations\":{\"mine\":\"stays\",\"" ANNOTATION_KEYS
			"jwe\":\"YQ==\",\"" ANNOTATION_PUBLIC "\":\"Yg==\"},\"future\":{\"a\":[1]}}");
	assert_true(json_equal(layer, before));
}

static void writes_the_descriptor_of_a_decrypted_layer(void **state)
{
	auto_json json_t *layer = read_json(
			"{\"mediaType\":\"" OCI "v1.tar+encrypted\",\"digest\":\"" OLD
			"\",\"size\":7,\"annotations\":{\"" ANNOTATION_KEYS
			"provider.x\":\"YQ==\",\"" ANNOTATION_PUBLIC "\":\"Yg==\",\"mine\":\"stays\"}}");
	auto_json json_t *bare = NULL, *out = NULL;

	(void)state;
	assert_int_equal(rewrite_decrypted(layer, NEW, &out, NULL), 0);
	check_text(out,
			"{\"mediaType\":\"" OCI "v1.tar\",\"digest\":\"" NEW
			"\",\"size\":7,\"annotations\":{\"mine\":\"stays\"}}");
	/* without others the annotations go */
	json_object_del(json_object_get(layer, "annotations"), "mine");
	assert_int_equal(rewrite_decrypted(layer, NEW, &bare, NULL), 0);
	check_text(bare, "{\"mediaType\":\"" OCI "v1.tar\",\"digest\":\"" NEW "\",\"size\":7}");
}

static void refuses_descriptors_that_are_none(void **state)
{
	static const char *const cases[] = { "{}", "{\"mediaType\":null}", "{\"mediaType\":7}",
		"{\"mediaType\":\"" OCI "v1.tar\",\"annotations\":[]}",
		"{\"mediaType\":\"" OCI "v1.tar+encrypted\","
		"\"annotations\":\"x\"}" };
	auto_json json_t *none = json_object();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *layer = read_json(cases[i]);
		json_t *out = NULL;
		assert_int_equal(rewrite_encrypted(layer, NEW, none, &out, NULL), -1);
		assert_int_equal(rewrite_decrypted(layer, NEW, &out, NULL), -1);
		assert_null(out);
	}
	auto_json json_t *layer = read_json("{\"mediaType\":\"" OCI "v1.tar\"}");
	json_t *out = NULL;
	struct err err = ERR_NONE;
	assert_int_equal(rewrite_encrypted(layer, "sha256:abc", none, &out, &err), -1);
	assert_int_equal(err.kind, ERR_BUG);
}

/* ---- what was written ------------------------------------------------------------------------------------ */

#define LAYER(type, annotations) "{\"mediaType\":\"" type "\",\"annotations\":{" annotations "}}"
#define GOOD                                                                           \
	LAYER(OCI "v1.tar+encrypted",                                                  \
			"\"" ANNOTATION_PUBLIC "\":\"" PUBOPTS "\",\"" ANNOTATION_KEYS \
			"jwe\":\"YQ==,Yg==\",\"" ANNOTATION_KEYS "provider.x\":\"YQ==\"")

/* says NULL: nothing is wrong with the layer, which is the last of three. */
static void check_last(const char *layer, const char *says)
{
	static const char *const schemes[] = { "jwe", "provider.x", "jwe" };
	static const bool selected[] = { true, false, true };
	auto_buf struct buf text = BUF_MAX(1 << 16);
	struct err err = ERR_NONE;

	buf_printf(&text, "{\"layers\":[%s,{\"mediaType\":\"x\"},%s]}", GOOD, layer);
	auto_json json_t *manifest = read_json(buf_text(&text));
	assert_int_equal(rewrite_check(manifest, selected, 3, schemes, 3, &err), says ? -1 : 0);
	assert_int_equal(err.kind, says ? ERR_BUG : ERR_OK);
	if (says && (!strstr(err.text, "layer 2 ") || !strstr(err.text, says)))
		fail_msg("'%s' lacks '%s'", err.text, says);
	/* a layer too few is no image of ours */
	assert_int_equal(rewrite_check(manifest, selected, 2, schemes, 3, &err), -1);
}

static void finds_what_is_not_encrypted_as_it_should_be(void **state)
{
	static const struct {
		const char *layer, *says;
	} cases[] = {
		{ GOOD, NULL },
		{ LAYER(OCI "v1.tar", ""), "does not end in +encrypted" },
		{ "{}", "does not end in +encrypted" },
		{ LAYER(OCI "v1.tar+encrypted", ""), "pubopts' is missing" },
		{ "{\"mediaType\":\"" OCI "v1.tar+encrypted\"}", "pubopts' is missing" },
		{ LAYER(OCI "v1.tar+encrypted", "\"" ANNOTATION_PUBLIC "\":\"" PUBOPTS "\""),
				"0 wrapped keys of scheme 'jwe' for 2 recipients" },
		{ LAYER(OCI "v1.tar+encrypted",
				  "\"" ANNOTATION_PUBLIC "\":\"" PUBOPTS "\",\"" ANNOTATION_KEYS
				  "jwe\":\"YQ==\",\"" ANNOTATION_KEYS "provider.x\":\"YQ==\""),
				"1 wrapped keys of scheme 'jwe' for 2 recipients" },
		{ LAYER(OCI "v1.tar+encrypted",
				  "\"" ANNOTATION_PUBLIC "\":\"" PUBOPTS "\",\"" ANNOTATION_KEYS
				  "jwe\":\"YQ==,Yg==\""),
				"0 wrapped keys of scheme 'provider.x' for 1" },
		{ LAYER(OCI "v1.tar+encrypted",
				  "\"" ANNOTATION_PUBLIC "\":\"" PUBOPTS "\",\"" ANNOTATION_KEYS
				  "jwe\":\"YQ==,!,Yg==\",\"" ANNOTATION_KEYS "provider.x\":\"YQ==\""),
				"#2 of 'jwe' is empty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_last(cases[i].layer, cases[i].says);
}

/* ---- guests ---------------------------------------------------------------------------------------------- */

#define PACKET(more)                                                                     \
	"{\"kid\":\"kbs:///default/key/"                                                 \
	"1\",\"wrapped_data\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"iv\":\"AAAAAAAAAAAAAAAA\"," \
	"\"wrap_type\":\"A256GCM\"" more "}"

/* A layer with these elements: pairs of scheme and bytes. */
static json_t *layer_with(const char *type, const char *const *pairs)
{
	json_t *layer = json_pack(
			"{s:s,s:{s:s}}", "mediaType", type, "annotations", ANNOTATION_PUBLIC, PUBOPTS);

	for (; *pairs; pairs += 2)
		assert_int_equal(annotation_add(json_object_get(layer, "annotations"), pairs[0],
						 span_of(pairs[1]), NULL),
				0);
	return layer;
}

static void knows_which_layers_guests_read(void **state)
{
	static const struct {
		const char *type;
		const char *pairs[7];
		enum rewrite_guest hub;
	} cases[] = {
		{ OCI "v1.tar+gzip", { NULL }, REWRITE_GUEST_READS },
		{ OCI "v1.tar+gzip+encrypted", { "provider.attestation-agent", PACKET("") },
				REWRITE_GUEST_READS },
		{ OCI "v1.tar+encrypted", { "provider.other-name", PACKET("") }, REWRITE_GUEST_READS },
		{ OCI "nondistributable.v1.tar+gzip+encrypted", { "provider.x", PACKET("") },
				REWRITE_GUEST_READS },
		{ OCI "v1.tar+zstd+encrypted", { "provider.x", PACKET("") }, REWRITE_GUEST_CANNOT },
		{ DOCKER "diff.tar.gzip+encrypted", { "provider.x", PACKET("") }, REWRITE_GUEST_CANNOT },
		{ OCI "v1.tar+gzip+encrypted", { "jwe", "{}" }, REWRITE_GUEST_NEEDS_KEY },
		{ OCI "v1.tar+gzip+encrypted", { "jwe", "{}", "provider.x", PACKET("") },
				REWRITE_GUEST_READS },
		{ OCI "v1.tar+gzip+encrypted", { "pkcs7", "x", "pgp", "x" }, REWRITE_GUEST_CANNOT },
		{ OCI "v1.tar+gzip+encrypted", { NULL }, REWRITE_GUEST_CANNOT },
		{ OCI "v1.tar+gzip+encrypted", { "provider.x", "no packet" }, REWRITE_GUEST_CANNOT },
		/* one packet of several is enough, one annotation of several is not */
		{ OCI "v1.tar+gzip+encrypted", { "provider.x", "no packet", "provider.x", PACKET("") },
				REWRITE_GUEST_READS },
		{ OCI "v1.tar+gzip+encrypted", { "provider.x", "no packet", "provider.y", PACKET("") },
				REWRITE_GUEST_CANNOT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *layer = layer_with(cases[i].type, cases[i].pairs);
		struct err why = ERR_NONE;
		enum rewrite_guest is = rewrite_guest(layer, PACKET_GUEST_HUB, &why);
		if (is != cases[i].hub)
			fail_msg("case %zu: %d: %s", i, (int)is, why.text);
		assert_int_equal(why.kind == ERR_OK, is == REWRITE_GUEST_READS);
		assert_int_equal(rewrite_guest(layer, PACKET_GUEST_HUB, NULL), is);
	}
}

static void a_guest_without_public_options_or_with_broken_base64_reads_nothing(void **state)
{
	static const char *const pairs[] = { "provider.x", PACKET(""), NULL };
	auto_json json_t *layer = layer_with(OCI "v1.tar+gzip+encrypted", pairs);
	json_t *annotations = json_object_get(layer, "annotations");
	struct err why = ERR_NONE;

	(void)state;
	auto_buf struct buf broken = BUF_MAX(4096);
	buf_printf(&broken, "%s,!!", json_text_at(annotations, ANNOTATION_KEYS "provider.x", NULL));
	json_object_set_new(annotations, ANNOTATION_KEYS "provider.x", json_string(buf_text(&broken)));
	assert_int_equal(rewrite_guest(layer, PACKET_GUEST_HUB, &why), REWRITE_GUEST_CANNOT);
	assert_non_null(strstr(why.text, "#2 of 'provider.x' is not base64"));
	json_object_del(annotations, ANNOTATION_PUBLIC);
	assert_int_equal(rewrite_guest(layer, PACKET_GUEST_HUB, &why), REWRITE_GUEST_CANNOT);
	json_object_clear(layer);
	assert_int_equal(rewrite_guest(layer, PACKET_GUEST_HUB, &why), REWRITE_GUEST_CANNOT);
}

static void a_guest_reads_more_strictly_than_we_do(void **state)
{
	static const char *const pairs[] = { "provider.x", PACKET(""), NULL };
	static const struct {
		const char *public; /* NULL: a line end in the wrapped key instead */
		enum rewrite_guest is;
	} cases[] = {
		{ "{\"hmac\":\"g4hH/9a0xi2gK/H5Lwx89z9tRoVuzSRMDPrGSJR7IYI=\",\"cipheroptions\":{},\"x\":1,"
		  "\"cipher\":\"AES_256_CTR_HMAC_SHA256\"}",
				REWRITE_GUEST_READS },
		{ "{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":"
		  "\"g4hH/9a0xi2gK/H5Lwx89z9tRoVuzSRMDPrGSJR7IYI=\"}",
				REWRITE_GUEST_CANNOT },
		{ "{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":"
		  "\"g4hH/9a0xi2gK/H5Lwx89z9tRoVuzSRMDPrGSJR7IYI=\",\"cipheroptions\":null}",
				REWRITE_GUEST_CANNOT },
		{ "{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":"
		  "\"g4hH/9a0xi2gK/H5Lwx89z9tRoVuzSRMDPrGSJR7IYI=\",\"cipheroptions\":{\"x\":null}}",
				REWRITE_GUEST_CANNOT },
		{ "{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,"
		  "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31],\"cipheroptions\":{}}",
				REWRITE_GUEST_CANNOT },
		{ "{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":"
		  "\"g4hH/9a0xi2gK/H5\\nLwx89z9tRoVuzSRMDPrGSJR7IYI=\",\"cipheroptions\":{}}",
				REWRITE_GUEST_CANNOT },
		{ NULL, REWRITE_GUEST_CANNOT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_json json_t *layer = layer_with(OCI "v1.tar+gzip+encrypted", pairs);
		json_t *annotations = json_object_get(layer, "annotations");
		const char *key = cases[i].public ? ANNOTATION_PUBLIC : ANNOTATION_KEYS "provider.x";
		auto_buf struct buf text = BUF_MAX(4096);
		struct public_options public;
		struct err why = ERR_NONE;
		if (cases[i].public)
			b64_encode(&text, span_of(cases[i].public));
		else
			buf_printf(&text, "%s\n", json_text_at(annotations, key, NULL));
		json_object_set_new(annotations, key, json_string(buf_text(&text)));
		/* we read them all */
		assert_int_equal(annotation_get_public(annotations, &public, NULL), 0);
		if (rewrite_guest(layer, PACKET_GUEST_HUB, &why) != cases[i].is)
			fail_msg("case %zu: %s", i, why.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_encrypted_type_of_every_layer),
		cmocka_unit_test(strips_the_suffix_and_nothing_else),
		cmocka_unit_test(selects_layers_from_either_end),
		cmocka_unit_test(refuses_indexes_out_of_range_and_tells_the_range),
		cmocka_unit_test(writes_the_descriptor_of_an_encrypted_layer),
		cmocka_unit_test(writes_the_descriptor_of_a_decrypted_layer),
		cmocka_unit_test(refuses_descriptors_that_are_none),
		cmocka_unit_test(finds_what_is_not_encrypted_as_it_should_be),
		cmocka_unit_test(knows_which_layers_guests_read),
		cmocka_unit_test(a_guest_without_public_options_or_with_broken_base64_reads_nothing),
		cmocka_unit_test(a_guest_reads_more_strictly_than_we_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
