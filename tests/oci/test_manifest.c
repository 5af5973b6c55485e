/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "oci/manifest.h"
#include "oci/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PART(type) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":1}"
#define CONFIG     "\"config\":" PART(OCI_TYPE_CONFIG)
#define LAYER      PART("application/vnd.oci.image.layer.v1.tar+gzip")
#define MANIFEST   "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER "]}"
#define INDEX      "{\"schemaVersion\":2,\"manifests\":[" PART(OCI_TYPE_MANIFEST) "]}"

/* of everything a little, in an order that is nobody's habit */
static const char full[] = "{\"x-new\":{\"b\":1,\"a\":[true,null]},\"layers\":[" LAYER
			   ",{\"size\":2,\"annotations\":{\"z\":\"1\",\"a\":\"2\"},\"mediaType\":\"a/b\","
			   "\"digest\":\"sha256:" HEX "\",\"urls\":[\"https://x\"]}]," CONFIG
			   ",\"subject\":" PART("a/b") ",\"annotations\":{\"k\":\"\xc3\xa9\"},\"mediaType\":"
						       "\"" OCI_TYPE_MANIFEST "\",\"schemaVersion\":2}";

/* ---- good ones ----------------------------------------------------------------------------------------- */

static void writes_back_what_it_does_not_know(void **state)
{
	(void)state;
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	auto_buf struct buf text = BUF_MAX(1 << 16);
	struct err err = ERR_NONE;

	if (oci_manifest_parse(SPAN_LIT(full), NULL, &manifest, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(manifest.count, 2);
	assert_int_equal(manifest.layers[1].size, 2);
	assert_string_equal(manifest.config.media_type, OCI_TYPE_CONFIG);
	oci_manifest_format(&manifest, &text);
	assert_string_equal(buf_text(&text), full);
}

static void knows_the_kind_from_either_side(void **state)
{
	(void)state;
#define TYPED(type) "{\"schemaVersion\":2,\"mediaType\":\"" type "\"}"
	static const struct {
		const char *text, *given, *type;
		enum oci_kind kind;
	} rows[] = {
		{ MANIFEST, NULL, OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
		{ MANIFEST, "", OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
		{ MANIFEST, "application/json", OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
		{ MANIFEST, OCI_TYPE_MANIFEST, OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
		{ MANIFEST, DOCKER_TYPE_MANIFEST, DOCKER_TYPE_MANIFEST, OCI_KIND_MANIFEST },
		{ INDEX, NULL, OCI_TYPE_INDEX, OCI_KIND_INDEX },
		{ INDEX, "text/plain", OCI_TYPE_INDEX, OCI_KIND_INDEX },
		{ INDEX, DOCKER_TYPE_LIST, DOCKER_TYPE_LIST, OCI_KIND_INDEX },
		{ TYPED(OCI_TYPE_INDEX), NULL, OCI_TYPE_INDEX, OCI_KIND_INDEX },
		{ TYPED(DOCKER_TYPE_MANIFEST), NULL, DOCKER_TYPE_MANIFEST, OCI_KIND_MANIFEST },
		{ TYPED(DOCKER_TYPE_MANIFEST), "application/octet-stream", DOCKER_TYPE_MANIFEST,
				OCI_KIND_MANIFEST },
		{ TYPED(DOCKER_TYPE_LIST), DOCKER_TYPE_LIST, DOCKER_TYPE_LIST, OCI_KIND_INDEX },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum oci_kind kind;
		const char *type = NULL;
		struct err err = ERR_NONE;
		if (oci_kind_of(span_of(rows[i].text), rows[i].given, &kind, &type, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(kind, rows[i].kind);
		assert_string_equal(type, rows[i].type);
		assert_int_equal(oci_type_is_index(type), kind == OCI_KIND_INDEX);
		assert_int_equal(oci_type_is_manifest(type), kind == OCI_KIND_MANIFEST);
	}
	assert_false(oci_type_is_manifest(OCI_TYPE_CONFIG) || oci_type_is_index(""));
}

static void takes_an_image_without_layers(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"{\"schemaVersion\":2," CONFIG ",\"layers\":[]}",
		"{\"schemaVersion\":2," CONFIG ",\"layers\":null}",
	};

	for (size_t i = 0; i < 2; i++) {
		auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
		assert_int_equal(oci_manifest_parse(span_of(texts[i]), NULL, &manifest, NULL), 0);
		assert_int_equal(manifest.count, 0);
	}
}

/* ---- bad ones ------------------------------------------------------------------------------------------ */

struct bad {
	const char *text, *given, *words;
	enum err_kind kind;
};

static const struct bad bad_manifests[] = {
	{ "", NULL, "empty", ERR_FORMAT },
	{ "[]", NULL, "must be an object", ERR_FORMAT },
	{ "{}", NULL, "schemaVersion", ERR_FORMAT },
	{ "{\"schemaVersion\":3," CONFIG ",\"layers\":[]}", NULL, "schemaVersion: must be 2", ERR_FORMAT },
	{ "{\"schemaVersion\":\"2\"," CONFIG ",\"layers\":[]}", NULL, "schemaVersion", ERR_FORMAT },
	{ "{\"schemaVersion\":1,\"name\":\"x\",\"fsLayers\":[],\"history\":[]}", NULL, "schema 1",
			ERR_FORMAT },
	{ "{\"schemaVersion\":1,\"name\":\"x\"}", NULL, "skopeo copy --format oci", ERR_FORMAT },
	{ "{\"schemaVersion\":2}", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1",
			ERR_FORMAT },
	{ MANIFEST, OCI_TYPE_INDEX, "has 'config'", ERR_FORMAT },
	{ MANIFEST, "text/html", "no media type of an image", ERR_FORMAT },
	{ MANIFEST, OCI_TYPE_CONFIG, "no media type of an image", ERR_FORMAT },
	{ full, DOCKER_TYPE_MANIFEST, "one of the two is a lie", ERR_FORMAT },
	{ INDEX, NULL, "an index of several images", ERR_FORMAT },
	{ INDEX, OCI_TYPE_MANIFEST, "has 'manifests'", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", NULL, "two images", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", OCI_TYPE_MANIFEST, "two images",
			ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"layers\":[],\"manifests\":[]}", OCI_TYPE_INDEX, "two images", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"fsLayers\":[]}", NULL, "schema 1", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"history\":[]}", NULL, "two images", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"Manifests\":[]}", NULL, "case alone", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"LAYERS\":[]}", NULL, "case alone", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"layer\\u017f\":[]}", NULL, "case alone",
			ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"layers\":[]}", NULL, "duplicate", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG "}", NULL, "layers: is missing", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", NULL, "layers: must be an array", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[1]}", NULL, "layers[0]: must be an object",
			ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[null]}", NULL, "layers[0].mediaType: is missing",
			ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER ",{}]}", NULL, "layers[1].mediaType",
			ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"layers\":[]}", NULL, "config: is missing", ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}", NULL, "config.mediaType", ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"config\":null,\"layers\":[]}", NULL, "config: is missing", ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"mediaType\":2," CONFIG ",\"layers\":[]}", NULL, "mediaType: must be text",
			ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"mediaType\":\"\"," CONFIG ",\"layers\":[]}", NULL, "no media type",
			ERR_FORMAT },
};

static const struct bad bad_indexes[] = {
	{ MANIFEST, NULL, "one image's manifest", ERR_FORMAT },
	{ "{\"schemaVersion\":2}", OCI_TYPE_INDEX, "manifests: is missing", ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"manifests\":1}", NULL, "must be an array", ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"manifests\":[{}]}", NULL, "manifests[0].mediaType", ERR_FORMAT },
	{ "{\"schemaVersion\":2," CONFIG ",\"manifests\":[]}", NULL, "has 'config'", ERR_FORMAT },
	{ "{\"schemaVersion\":1,\"manifests\":[]}", NULL, "schema 1", ERR_FORMAT },
	{ "{\"schemaVersion\":2,\"manifests\":[],\"mediaType\":\"" DOCKER_TYPE_MANIFEST "\"}", NULL,
			"has 'manifests'", ERR_FORMAT },
};

static void check_reason(const struct bad *row, int status, const struct err *err)
{
	if (status == 0)
		fail_msg("%s was taken", row->text);
	if (err->kind != row->kind || !strstr(err->text, row->words))
		fail_msg("%s: %s (expected: %s)", row->text, err->text, row->words);
}

static void refuses_what_is_no_manifest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_manifests) / sizeof(bad_manifests[0]); i++) {
		auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
		struct err err = ERR_NONE;
		check_reason(&bad_manifests[i],
				oci_manifest_parse(span_of(bad_manifests[i].text), bad_manifests[i].given,
						&manifest, &err),
				&err);
		assert_null(manifest.json);
	}
}

static void refuses_what_is_no_index(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_indexes) / sizeof(bad_indexes[0]); i++) {
		auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
		struct err err = ERR_NONE;
		check_reason(&bad_indexes[i],
				oci_index_parse(span_of(bad_indexes[i].text), bad_indexes[i].given, &index,
						&err),
				&err);
		assert_null(index.json);
	}
}

static void refuses_it_truncated_at_every_byte(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(full) - 1; len++) {
		auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
		assert_int_equal(oci_manifest_parse(span_new(full, len), NULL, &manifest, NULL), -1);
	}
}

static void refuses_more_than_its_bounds(void **state)
{
	(void)state;
	for (size_t count = OCI_LAYERS_MAX; count <= OCI_LAYERS_MAX + 1; count++) {
		auto_buf struct buf layers = BUF_MAX(1 << 20), entries = BUF_MAX(1 << 20);
		auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
		auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
		struct err err = ERR_NONE;
		buf_puts(&layers, "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER);
		buf_puts(&entries, "{\"schemaVersion\":2,\"manifests\":[" PART(OCI_TYPE_MANIFEST));
		for (size_t i = 1; i < count; i++) {
			buf_puts(&layers, "," LAYER);
			buf_puts(&entries, "," PART(OCI_TYPE_MANIFEST));
		}
		buf_puts(&layers, "]}");
		buf_puts(&entries, "]}");
		int wanted = count > OCI_LAYERS_MAX ? -1 : 0;
		assert_int_equal(oci_manifest_parse(buf_span(&layers), NULL, &manifest, &err), wanted);
		assert_int_equal(err.kind, wanted ? ERR_LIMIT : ERR_OK);
		assert_int_equal(oci_index_parse(buf_span(&entries), NULL, &index, &err), wanted);
	}
}

static void refuses_more_than_4_mib(void **state)
{
	(void)state;
	auto_free char *text = xcalloc(OCI_MANIFEST_MAX + 2, 1);
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	struct err err = ERR_NONE;

	memset(text, ' ', OCI_MANIFEST_MAX + 1);
	memcpy(text, MANIFEST, sizeof(MANIFEST) - 1);
	assert_int_equal(oci_manifest_parse(span_new(text, OCI_MANIFEST_MAX), NULL, &manifest, &err), 0);
	oci_manifest_clear(&manifest);
	assert_int_equal(oci_manifest_parse(span_new(text, OCI_MANIFEST_MAX + 1), NULL, &manifest, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

/* Megabytes of brackets would make a tree of hundreds of them. */
static void refuses_a_document_that_is_all_values(void **state)
{
	static const char *const units[] = { "[]", "{}", "0", "\"\"", "{\"a\":1}" };

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		auto_buf struct buf text = BUF_MAX(OCI_MANIFEST_MAX);
		auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
		auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
		const char *type;
		enum oci_kind kind;
		struct err err = ERR_NONE;
		buf_puts(&text, "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"x\":[");
		for (size_t k = 0; k < OCI_VALUES_MAX; k++)
			buf_printf(&text, "%s,", units[i]);
		buf_puts(&text, "0]}");
		assert_int_equal(oci_manifest_parse(buf_span(&text), NULL, &manifest, &err), -1);
		assert_int_equal(err.kind, ERR_LIMIT);
		assert_int_equal(oci_index_parse(buf_span(&text), NULL, &index, NULL), -1);
		assert_int_equal(oci_kind_of(buf_span(&text), NULL, &kind, &type, NULL), -1);
	}
}

/* ---- docker's types ------------------------------------------------------------------------------------ */

#define DOCKER_LAYER(kind) "application/vnd.docker.image.rootfs." kind
#define OCI_LAYER(kind)    "application/vnd.oci.image.layer." kind

static const struct {
	const char *docker, *oci;
} layer_types[] = {
	{ DOCKER_LAYER("diff.tar"), OCI_LAYER("v1.tar") },
	{ DOCKER_LAYER("diff.tar.gzip"), OCI_LAYER("v1.tar+gzip") },
	{ DOCKER_LAYER("diff.tar.zstd"), OCI_LAYER("v1.tar+zstd") },
	{ DOCKER_LAYER("foreign.diff.tar"), OCI_LAYER("nondistributable.v1.tar") },
	{ DOCKER_LAYER("foreign.diff.tar.gzip"), OCI_LAYER("nondistributable.v1.tar+gzip") },
	{ DOCKER_LAYER("diff.tar.gzip+encrypted"), OCI_LAYER("v1.tar+gzip+encrypted") },
	{ OCI_LAYER("v1.tar+zstd"), OCI_LAYER("v1.tar+zstd") },
	{ "application/x-other", "application/x-other" },
	{ DOCKER_LAYER("diff.tar.lzma"), NULL },
	{ "application/vnd.docker.plugin.v1+json", NULL },
};

static void turns_dockers_manifest_into_ocis(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(layer_types) / sizeof(layer_types[0]); i++) {
		static const char form[] =
				"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
				"\"size\":1,\"digest\":\"sha256:" HEX "\"},\"layers\":[{\"mediaType\":\"%s\","
				"\"size\":1,\"digest\":\"sha256:" HEX "\"}],\"x\":1}";
		auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
		auto_free char *docker = xasprintf(
				form, DOCKER_TYPE_MANIFEST, DOCKER_TYPE_CONFIG, layer_types[i].docker);
		struct err err = ERR_NONE;
		assert_int_equal(oci_manifest_parse(span_of(docker), NULL, &manifest, NULL), 0);
		int status = oci_manifest_to_oci(&manifest, &err);
		if (!layer_types[i].oci) {
			assert_int_equal(status, -1);
			assert_non_null(strstr(err.text, "layers[0].mediaType"));
			continue;
		}
		auto_free char *oci = xasprintf(form, OCI_TYPE_MANIFEST, OCI_TYPE_CONFIG, layer_types[i].oci);
		auto_free char *got = json_text(manifest.json, false);
		assert_int_equal(status, 0);
		assert_string_equal(got, oci);
		assert_string_equal(manifest.media_type, OCI_TYPE_MANIFEST);
		assert_string_equal(manifest.layers[0].media_type, layer_types[i].oci);
	}
}

static void leaves_ocis_manifest_as_it_is(void **state)
{
	(void)state;
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	auto_buf struct buf text = BUF_MAX(1 << 16);

	assert_int_equal(oci_manifest_parse(SPAN_LIT(full), NULL, &manifest, NULL), 0);
	assert_int_equal(oci_manifest_to_oci(&manifest, NULL), 0);
	oci_manifest_format(&manifest, &text);
	assert_string_equal(buf_text(&text), full);
}

static void turns_dockers_list_into_an_index(void **state)
{
	(void)state;
	auto_oci_index struct oci_index index = OCI_INDEX_EMPTY;
	auto_buf struct buf text = BUF_MAX(1 << 16);

	assert_int_equal(oci_index_parse(SPAN_LIT("{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_TYPE_LIST
						  "\",\"manifests\":[" PART(DOCKER_TYPE_MANIFEST) "," PART(
								  DOCKER_TYPE_LIST) "," PART("a/b") "]}"),
					 DOCKER_TYPE_LIST, &index, NULL),
			0);
	oci_index_to_oci(&index);
	oci_index_format(&index, &text);
	assert_string_equal(buf_text(&text),
			"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[" PART(
					OCI_TYPE_MANIFEST) "," PART(OCI_TYPE_INDEX) "," PART("a/b") "]}");
	assert_string_equal(index.media_type, OCI_TYPE_INDEX);
	assert_string_equal(index.entries[0].media_type, OCI_TYPE_MANIFEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_back_what_it_does_not_know),
		cmocka_unit_test(knows_the_kind_from_either_side),
		cmocka_unit_test(takes_an_image_without_layers),
		cmocka_unit_test(refuses_what_is_no_manifest),
		cmocka_unit_test(refuses_what_is_no_index),
		cmocka_unit_test(refuses_it_truncated_at_every_byte),
		cmocka_unit_test(refuses_more_than_its_bounds),
		cmocka_unit_test(refuses_more_than_4_mib),
		cmocka_unit_test(refuses_a_document_that_is_all_values),
		cmocka_unit_test(turns_dockers_manifest_into_ocis),
		cmocka_unit_test(leaves_ocis_manifest_as_it_is),
		cmocka_unit_test(turns_dockers_list_into_an_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
