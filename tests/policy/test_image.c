/* SPDX-License-Identifier: Apache-2.0 */
#include "image/annotation.h"
#include "oci/manifest.h"
#include "policy/arena.h"
#include "tests/policy/judge_scene.h"

/* ---- the arena ------------------------------------------------------------------------------------------- */

static void an_arena_gives_out_memory_of_every_size(void **state)
{
	auto_arena struct arena arena = ARENA_NONE;
	static const size_t sizes[] = { 1, 0, 15, 16, 17, 500, ARENA_BLOCK, ARENA_BLOCK + 1, 40000, 3, 600,
		600, 600, 600 };
	unsigned char *taken[COUNT(sizes)];
	char *texts[COUNT(sizes)];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		taken[i] = arena_take(&arena, sizes[i]);
		texts[i] = arena_text(&arena, "text");
		assert_int_equal((uintptr_t)taken[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(taken[i][k], 0);
		memset(taken[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_string_equal(texts[i], "text");
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(taken[i][k], i + 1);
	}
	assert_true(arena.used <= arena.bytes);
	arena_clear(&arena);
	assert_int_equal(arena.bytes, 0);
}

static void bytes_are_kept_as_they_are(void **state)
{
	auto_arena struct arena arena = ARENA_NONE;
	struct span bytes = arena_bytes(&arena, span_new("a\0b", 3));

	(void)state;
	assert_int_equal(bytes.len, 3);
	assert_memory_equal(bytes.ptr, "a\0b", 3);
	assert_int_equal(arena_bytes(&arena, SPAN_NONE).len, 0);
}

/* ---- a manifest ------------------------------------------------------------------------------------------ */

#define HUB_PACKET                                                                                      \
	"{\"kid\":\"kbs:///default/key/app\",\"wrapped_data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"iv\":" \
	"\"AAAAAAAAAAAAAAAA\",\"wrap_type\":\"A256GCM\"}"
#define PUBLIC                                                                                               \
	"{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"AMh4G68fEudMhJi2Dp8I7yYwU3/DtuE9BqTtfM8X6Z8=\"," \
	"\"cipheroptions\":{}}"

static char *base64(const char *text)
{
	auto_buf struct buf out = BUF_MAX(65536);

	b64_encode(&out, span_of(text));
	return buf_take(&out);
}

/* The annotations of a layer with public options and one value below keys.<scheme>; NULL: without. */
static char *annotations(const char *public, const char *scheme, const char *value)
{
	auto_free char *options = base64(public);

	if (!scheme)
		return xasprintf("{\"" ANNOTATION_PUBLIC "\":\"%s\"}", options);
	return xasprintf("{\"" ANNOTATION_PUBLIC "\":\"%s\",\"" ANNOTATION_KEYS "%s\":\"%s\"}", options,
			scheme, value);
}

static void read_manifest(const char *layers, struct oci_manifest *out)
{
	auto_free char *text =
			xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST
				  "\",\"config\":{\"mediaType\":\"" OCI_TYPE_CONFIG "\",\"digest\":\"" AMD64
				  "\",\"size\":2},\"layers\":[%s],\"annotations\":{\"" ANNOTATION_SOURCE
				  "\":\"" PLAIN "\"}}",
					layers);
	struct err err = ERR_NONE;

	if (oci_manifest_parse(span_of(text), NULL, out, &err) < 0)
		fail_msg("%s\n%s", err.text, text);
}

static char *layer(const char *type, const char *given)
{
	return xasprintf("{\"mediaType\":\"%s\",\"digest\":\"" APP "\",\"size\":7%s%s}", type,
			given ? ",\"annotations\":" : "", given ? given : "");
}

/* One layer read, as facts. */
static struct image_facts *facts_of(const char *type, const char *given)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	auto_arena struct arena memory = ARENA_NONE;
	auto_free char *one = layer(type, given);
	auto_json json_t *where =
			json_pack("{s:s, s:s, s:s}", "os", "linux", "architecture", "arm64", "variant", "v8");
	struct image_platform platform;
	struct err err = ERR_NONE;

	read_manifest(one, &manifest);
	if (image_platform_read(&manifest, ARM64, where, &memory, &platform, &err) < 0)
		fail_msg("%s", err.text);
	struct image_facts draft = { .host = HOST,
		.repository = REPOSITORY,
		.digest = ARM64,
		.platforms = &platform,
		.platform_count = 1 };
	return image_facts_new(&draft);
}

static void a_platform_is_read_from_its_manifest(void **state)
{
	auto_free char *packet = base64(HUB_PACKET);
	auto_free char *given = annotations(PUBLIC, PACKET_SCHEME, packet);

	(void)state;
	auto_image_facts struct image_facts *facts = facts_of(TAR "+encrypted", given);
	const struct image_platform *platform = facts->platforms;
	assert_string_equal(platform->digest, ARM64);
	assert_string_equal(platform->name, "linux/arm64/v8");
	assert_string_equal(platform->source, PLAIN);
	assert_string_equal(platform->config, AMD64);
	assert_int_equal(platform->layer_count, 1);
	assert_string_equal(platform->layers->digest, APP);
	assert_string_equal(platform->layers->media_type, TAR "+encrypted");
	assert_int_equal(platform->layers->size, 7);
	assert_true(platform->layers->encrypted);
	assert_null(platform->layers->problem);
	assert_int_equal(platform->layers->recipient_count, 1);
	const struct image_recipient *recipient = platform->layers->recipients;
	assert_string_equal(recipient->scheme, PACKET_SCHEME);
	assert_string_equal(recipient->key, "kbs:///default/key/app");
	assert_null(recipient->problem);
	assert_true(recipient->guests[PACKET_GUEST_HUB] && recipient->guests[PACKET_GUEST_NATIVE]);
}

static void what_no_guest_reads_is_a_problem(void **state)
{
	static const struct {
		const char *type;
		const char *public, *scheme,
				*value; /* scheme NULL: no annotations at all, "": no wrapped keys */
		bool encrypted;
		const char *problem; /* a part of it; NULL: none */
	} cases[] = {
		{ TAR, NULL, NULL, NULL, false, NULL },
		{ TAR "+encrypted", PUBLIC, PACKET_SCHEME, "x", true, NULL },
		{ "application/vnd.oci.image.layer.v1.tar+encrypted", PUBLIC, PACKET_SCHEME, "x", true,
				NULL },
		{ "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip+encrypted", PUBLIC, "jwe",
				"eA==", true, NULL },
		{ "application/vnd.oci.image.layer.v1.tar+zstd+encrypted", PUBLIC, PACKET_SCHEME, "x", true,
				"zstd" },
		{ "application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted", PUBLIC, PACKET_SCHEME, "x",
				true, "do not know the type" },
		{ TAR "+encrypted", PUBLIC, "", NULL, true, "no wrapped keys" },
		{ TAR "+encrypted", NULL, NULL, NULL, true, "no wrapped keys" },
		{ TAR, PUBLIC, PACKET_SCHEME, "x", false, "not encrypted" },
		{ TAR, PUBLIC, "", NULL, false, "not encrypted" },
		{ TAR "+Encrypted", PUBLIC, PACKET_SCHEME, "x", false, "not encrypted" },
		{ TAR "+encrypted", "{}", PACKET_SCHEME, "x", true, "pubopts" },
		{ TAR "+encrypted", "[", PACKET_SCHEME, "x", true, "pubopts" },
	};
	auto_free char *packet = base64(HUB_PACKET);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *value = cases[i].value && !strcmp(cases[i].value, "x") ? packet : cases[i].value;
		auto_free char *given = !cases[i].scheme
				? NULL
				: annotations(cases[i].public, cases[i].scheme[0] ? cases[i].scheme : NULL,
						  value);
		auto_image_facts struct image_facts *facts = facts_of(cases[i].type, given);
		const struct image_layer *one = facts->platforms->layers;
		if (one->encrypted != cases[i].encrypted || !one->problem != !cases[i].problem ||
				(one->problem && !strstr(one->problem, cases[i].problem)))
			fail_msg("%zu: %s: %s", i, cases[i].type, one->problem ? one->problem : "no problem");
	}
}

static void every_recipient_is_told(void **state)
{
	static const struct {
		const char *packet;
		const char *key, *problem;
		bool hub, native;
	} cases[] = {
		{ HUB_PACKET, "kbs:///default/key/app", NULL, true, true },
		{ "{\"kid\":\"kbs:\\/\\/\\/default/key/"
		  "app\",\"wrapped_data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"iv\":"
		  "\"AAAAAAAAAAAAAAAA\",\"wrap_type\":\"A256GCM\"}",
				"kbs:///default/key/app", NULL, true, false },
		{ "{\"kid\":\"/default/key/app\",\"wrapped_data\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"iv\":"
		  "\"AAAAAAAAAAAAAAAA\",\"wrap_type\":\"A256GCM\"}",
				"/default/key/app", "kid", false, false },
		{ "{\"provider\":\"aliyun\",\"kid\":\"k\",\"wrapped_data\":\"AAAA\"}", "k", "provider", false,
				false },
		{ "{\"kid\":1}", "", "kid", false, false },
		{ "{", "", "key packet", false, false },
		{ "", "", "base64", false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *packet = base64(cases[i].packet), *good = base64(HUB_PACKET);
		auto_free char *both = xasprintf("%s,%s", packet[0] ? packet : "!", good);
		auto_free char *given = annotations(PUBLIC, PACKET_SCHEME, both);
		auto_image_facts struct image_facts *facts = facts_of(TAR "+encrypted", given);
		const struct image_layer *one = facts->platforms->layers;
		assert_int_equal(one->recipient_count, 2);
		assert_string_equal(one->recipients[0].key, cases[i].key);
		assert_int_equal(one->recipients[0].guests[PACKET_GUEST_HUB], cases[i].hub);
		assert_int_equal(one->recipients[0].guests[PACKET_GUEST_NATIVE], cases[i].native);
		if (!one->recipients[0].problem != !cases[i].problem ||
				(cases[i].problem && !strstr(one->recipients[0].problem, cases[i].problem)))
			fail_msg("%s: %s", cases[i].packet,
					one->recipients[0].problem ? one->recipients[0].problem
								   : "no problem");
		assert_null(one->recipients[1].problem);
	}
}

static void other_schemes_are_not_looked_into(void **state)
{
	static const char *const schemes[] = { "jwe", "pgp", "pkcs7", "pkcs11", "provider.other" };

	(void)state;
	for (size_t i = 0; i < COUNT(schemes); i++) {
		auto_free char *given = annotations(PUBLIC, schemes[i], "eA==");
		auto_image_facts struct image_facts *facts = facts_of(TAR "+encrypted", given);
		const struct image_recipient *one = facts->platforms->layers->recipients;
		assert_string_equal(one->scheme, schemes[i]);
		assert_string_equal(one->key, "");
		assert_null(one->problem);
		assert_false(one->guests[0] || one->guests[1]);
	}
}

static void annotations_that_are_none_are_the_layers_problem(void **state)
{
	static const char given[] = "{\"" ANNOTATION_KEYS "\":\"eA==\"}";
	auto_image_facts struct image_facts *facts = facts_of(TAR "+encrypted", given);
	auto_image_facts struct image_facts *plain = facts_of(TAR, given);

	(void)state;
	assert_non_null(strstr(facts->platforms->layers->problem, "scheme"));
	assert_non_null(strstr(plain->platforms->layers->problem, "scheme"));
	assert_int_equal(facts->platforms->layers->recipient_count, 0);
}

static void a_source_that_is_no_digest_is_none(void **state)
{
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;
	auto_arena struct arena memory = ARENA_NONE;
	auto_free char *one = layer(TAR, NULL);
	struct image_platform platform;

	(void)state;
	read_manifest(one, &manifest);
	json_object_set_new(json_object_get(manifest.json, "annotations"), ANNOTATION_SOURCE,
			json_string("sha256:x"));
	assert_int_equal(image_platform_read(&manifest, ARM64, NULL, &memory, &platform, NULL), 0);
	assert_null(platform.source);
	assert_string_equal(platform.name, "");
}

/* ---- facts ----------------------------------------------------------------------------------------------- */

/* 6 layers with a recipient each, and one signature of cosign's. */
static struct image_facts *typical(void)
{
	auto_scene_image struct scene_image *image = scene_image_new();
	struct image_layer layers[6];
	char digests[6][80];

	for (unsigned i = 0; i < 6; i++) {
		layers[i] = image->layers[1];
		snprintf(digests[i], sizeof(digests[i]), "sha256:%064u", i);
		layers[i].digest = digests[i];
	}
	image->platforms[0].layers = layers;
	image->platforms[0].layer_count = 6;
	image->platforms[0].digest = IMAGE;
	image->draft.platform_count = 1;
	image->draft.index = false;
	scene_tag(image, BUILD, IMAGE, HOST "/" REPOSITORY, NULL);
	return image_facts_new(&image->draft);
}

static void facts_are_small(void **state)
{
	auto_image_facts struct image_facts *facts = typical();

	(void)state;
	print_message("# %zu bytes\n", facts->bytes);
	assert_true(facts->bytes <= 3072);
	assert_string_equal(facts->platforms->layers[5].digest,
			"sha256:0000000000000000000000000000000000000000000000000000000000000005");
}

/* Everything is there when what it was copied of is gone. */
static void facts_are_a_copy(void **state)
{
	auto_scene_image struct scene_image *image = scene_image_new();
	auto_image_facts struct image_facts *facts = NULL;

	(void)state;
	scene_tag(image, BUILD, IMAGE, HOST "/" REPOSITORY, NULL);
	scene_bundle(image, RELEASE, AMD64, "{\"a\":\"b\"}");
	image->signatures[1].problem = "a problem";
	image->layers[0].problem = "another";
	auto_free char *payload = xstrdup(image->payloads[1]);
	facts = image_facts_new(&image->draft);
	for (unsigned i = 0; i < 2; i++)
		memset(image->payloads[i], 'x', strlen(image->payloads[i]));
	memset(image->values, 0, sizeof(image->values));
	memset(image->layers, 0, sizeof(image->layers));
	memset(image->platforms, 0, sizeof(image->platforms));
	memset(image->signatures, 0, sizeof(image->signatures));
	assert_string_equal(facts->host, HOST);
	assert_string_equal(facts->repository, REPOSITORY);
	assert_string_equal(facts->digest, IMAGE);
	assert_string_equal(facts->source, PLAIN);
	assert_int_equal(facts->platform_count, 2);
	assert_string_equal(facts->platforms[1].name, "linux/arm64/v8");
	assert_string_equal(facts->platforms[1].config, DIGEST("e"));
	assert_string_equal(facts->platforms[0].layers[0].problem, "another");
	assert_null(facts->platforms[0].layers[1].problem);
	assert_string_equal(facts->platforms[1].layers[1].recipients->key, "kbs:///default/key/app");
	assert_int_equal(facts->signature_count, 2);
	assert_string_equal(facts->signatures[1].problem, "a problem");
	assert_string_equal(facts->signatures[1].type, COSIGN_STATEMENT_TYPE);
	assert_string_equal(facts->signatures[0].subject, IMAGE);
	assert_int_equal(facts->signatures[1].payload.len, strlen(payload));
	assert_memory_equal(facts->signatures[1].payload.ptr, payload, strlen(payload));
	assert_int_equal(facts->signatures[1].signatures->len, 64);
	assert_int_equal(facts->looked, 7);
}

static void facts_may_be_empty_and_shared(void **state)
{
	struct image_facts draft = { .host = "h", .repository = "r", .digest = IMAGE };
	struct image_facts *facts = image_facts_new(&draft);

	(void)state;
	assert_ptr_equal(image_facts_ref(facts), facts);
	image_facts_unref(facts);
	assert_string_equal(facts->host, "h");
	assert_null(facts->source);
	assert_null(facts->platforms);
	image_facts_unref(facts);
	image_facts_unref(NULL);
}

static void a_platform_is_found_by_its_name(void **state)
{
	static const struct image_platform both[] = { { .name = "linux/arm64", .digest = "a" },
		{ .name = "linux/amd64", .digest = "b" } },
					   nameless = { .name = "", .digest = "c" };
	const struct image_facts index = { .index = true, .platforms = both, .platform_count = 2 },
				 arm_alone = { .index = true, .platforms = both, .platform_count = 1 },
				 one = { .platforms = both, .platform_count = 1 },
				 unnamed = { .index = true, .platforms = &nameless, .platform_count = 1 },
				 none = { .index = true };

	(void)state;
	assert_ptr_equal(image_facts_platform(&index, "linux/amd64"), &both[1]);
	assert_null(image_facts_platform(&index, "linux/s390x"));
	assert_null(image_facts_platform(&arm_alone, "linux/amd64"));
	assert_ptr_equal(image_facts_platform(&one, "linux/amd64"), &both[0]);
	assert_ptr_equal(image_facts_platform(&unnamed, "linux/amd64"), &nameless);
	assert_null(image_facts_platform(&none, "linux/amd64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_gives_out_memory_of_every_size),
		cmocka_unit_test(bytes_are_kept_as_they_are),
		cmocka_unit_test(a_platform_is_read_from_its_manifest),
		cmocka_unit_test(what_no_guest_reads_is_a_problem),
		cmocka_unit_test(every_recipient_is_told),
		cmocka_unit_test(other_schemes_are_not_looked_into),
		cmocka_unit_test(annotations_that_are_none_are_the_layers_problem),
		cmocka_unit_test(a_source_that_is_no_digest_is_none),
		cmocka_unit_test(facts_are_small),
		cmocka_unit_test(facts_are_a_copy),
		cmocka_unit_test(facts_may_be_empty_and_shared),
		cmocka_unit_test(a_platform_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
