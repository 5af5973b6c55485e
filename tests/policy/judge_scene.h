/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of judgements share: keys that are made once, policies written as YAML in which they stand, an image, and
 * signatures of it.
 *
 *     registry.example/shop/app@IMAGE      index of
 *       linux/amd64 AMD64                  layer 0 plain, layer 1 encrypted to kbs:///default/key/app
 *       linux/arm64/v8 ARM64               the same
 *     encrypted from PLAIN (its platforms from PLAIN_AMD64, PLAIN_ARM64)
 */
#ifndef COCOON_TESTS_POLICY_JUDGE_SCENE_H
#define COCOON_TESTS_POLICY_JUDGE_SCENE_H

#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "crypto/pkey.h"
#include "policy/cosign.h"
#include "policy/cosign_own.h"
#include "policy/guest.h"
#include "policy/judge.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define HEX8(d)     d d d d d d d d
#define DIGEST(d)   "sha256:" HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d) HEX8(d)
#define IMAGE       DIGEST("a")
#define AMD64       DIGEST("b")
#define ARM64       DIGEST("c")
#define PLAIN       DIGEST("7")
#define PLAIN_AMD64 DIGEST("8")
#define PLAIN_ARM64 DIGEST("9")
#define BASE        DIGEST("1")
#define APP         DIGEST("2")
#define FOREIGN     DIGEST("f")

#define HOST        "registry.example"
#define REPOSITORY  "shop/app"
#define TAR         "application/vnd.oci.image.layer.v1.tar+gzip"

/* ---- keys ---- */

enum who { BUILD, RELEASE, AUDIT, STRANGER, ELSEWHERE, WHOS };

/* One kind each, so that every test runs with every kind. */
static struct pkey *scene_keys[WHOS];
static char *scene_pems[WHOS];

/* A PEM as one quoted scalar of YAML and JSON. */
static inline char *scene_pem(const struct pkey *key)
{
	auto_buf struct buf pem = BUF_MAX(8192);
	auto_json json_t *text = NULL;

	assert_int_equal(pkey_format_public(key, &pem, NULL), 0);
	text = json_string(buf_text(&pem));
	return json_text(text, false);
}

static inline int make_keys(void **state)
{
	static const enum pkey_kind kinds[WHOS] = { PKEY_P256, PKEY_ED25519, PKEY_P384, PKEY_P256, PKEY_RSA };

	(void)state;
	for (unsigned i = 0; i < WHOS; i++) {
		assert_int_equal(pkey_generate(kinds[i], 2048, &scene_keys[i], NULL), 0);
		scene_pems[i] = scene_pem(scene_keys[i]);
	}
	return 0;
}

static inline int free_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WHOS; i++) {
		pkey_free(scene_keys[i]);
		free(scene_pems[i]);
	}
	return 0;
}

/* As cosign signs: ECDSA in DER with the curve's hash, Ed25519, RSA PKCS#1 v1.5 with SHA-256. */
static inline struct span scene_sign(enum who who, struct span message, unsigned char out[1024])
{
	const EVP_MD *hash = who == RELEASE ? NULL : who == AUDIT ? EVP_sha384() : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 1024;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, hash, NULL, pkey_evp(scene_keys[who])), 1);
	assert_int_equal(EVP_DigestSign(ctx, out, &len, (const unsigned char *)message.ptr, message.len), 1);
	EVP_MD_CTX_free(ctx);
	return span_new(out, len);
}

/* ---- policies ---- */

/* In the text, @build, @release, … stand for these keys. */
static inline char *scene_with_keys(const char *text)
{
	static const char *const names[WHOS] = { "@build", "@release", "@audit", "@stranger", "@elsewhere" };
	auto_buf struct buf out = BUF_MAX(1 << 20);

	while (*text) {
		unsigned who = 0;
		while (who < WHOS && strncmp(text, names[who], strlen(names[who])) != 0)
			who++;
		if (who == WHOS) {
			buf_putc(&out, *text++);
			continue;
		}
		buf_puts(&out, scene_pems[who]);
		text += strlen(names[who]);
	}
	return buf_take(&out);
}

static inline json_t *scene_resource(const char *spec)
{
	auto_free char *text = scene_with_keys(spec);
	auto_free char *whole = xasprintf(
			"{kind: ImagePolicy, metadata: {name: shop, generation: 3}, spec: {%s}}", text);
	struct err err = ERR_NONE;
	json_t *value = NULL;

	if (yaml_read_one(span_of(whole), 1 << 20, &value, &err) < 0)
		fail_msg("%s\n%s", err.text, whole);
	return value;
}

static inline struct image_policy *scene_policy(const char *spec)
{
	auto_json json_t *resource = scene_resource(spec);
	struct image_policy *policy = NULL;
	struct err err = ERR_NONE;

	if (image_policy_compile(resource, &policy, &err) < 0)
		fail_msg("%s\n%s", err.text, spec);
	return policy;
}

/* ---- the image ---- */

#define SCENE_SIGNATURES 320

struct scene_image {
	struct image_recipient recipient, other;
	struct image_layer layers[4];
	struct image_platform platforms[2];
	struct image_signature signatures[SCENE_SIGNATURES];
	struct span values[SCENE_SIGNATURES];
	unsigned char bytes[SCENE_SIGNATURES][1024];
	char *payloads[SCENE_SIGNATURES];
	struct image_facts draft;
};

static inline struct scene_image *scene_image_new(void)
{
	struct scene_image *image = xcalloc(1, sizeof(*image));

	image->recipient = (struct image_recipient){
		.scheme = PACKET_SCHEME, .key = "kbs:///default/key/app", .guests = { true, true }
	};
	for (unsigned i = 0; i < 4; i++)
		image->layers[i] = (struct image_layer){ .digest = i % 2 ? APP : BASE,
			.media_type = i % 2 ? TAR "+encrypted" : TAR,
			.size = 1000 + i,
			.encrypted = i % 2,
			.recipients = i % 2 ? &image->recipient : NULL,
			.recipient_count = i % 2 };
	image->platforms[0] = (struct image_platform){ .digest = AMD64,
		.name = "linux/amd64",
		.source = PLAIN_AMD64,
		.config = DIGEST("d"),
		.layers = image->layers,
		.layer_count = 2 };
	image->platforms[1] = (struct image_platform){ .digest = ARM64,
		.name = "linux/arm64/v8",
		.source = PLAIN_ARM64,
		.config = DIGEST("e"),
		.layers = image->layers + 2,
		.layer_count = 2 };
	image->draft = (struct image_facts){ .host = HOST,
		.repository = REPOSITORY,
		.digest = IMAGE,
		.source = PLAIN,
		.index = true,
		.platforms = image->platforms,
		.platform_count = 2,
		.signatures = image->signatures,
		.looked = IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS | IMAGE_LOOKED_SIMPLE,
		.fetched = 1 };
	return image;
}

static inline void scene_image_release(struct scene_image **slot)
{
	for (unsigned i = 0; i < SCENE_SIGNATURES; i++)
		free((*slot)->payloads[i]);
	free(*slot);
}
#define auto_scene_image __attribute__((cleanup(scene_image_release)))

/* ---- signatures ---- */

/* Appended as it is. `signed_text` is what the value is over; NULL: the payload. */
static inline struct image_signature *scene_attach(struct scene_image *image, enum image_layout layout,
		enum who who, char *payload, struct span signed_text)
{
	size_t i = image->draft.signature_count++;

	assert_true(i < SCENE_SIGNATURES);
	image->payloads[i] = payload;
	image->values[i] = scene_sign(who, signed_text.ptr ? signed_text : span_of(payload), image->bytes[i]);
	image->signatures[i] = (struct image_signature){ .layout = layout,
		.subject = IMAGE,
		.place = DIGEST("5"),
		.payload = span_of(payload),
		.type = layout == IMAGE_SIG_BUNDLE ? COSIGN_STATEMENT_TYPE : "",
		.signatures = &image->values[i],
		.signature_count = 1 };
	return &image->signatures[i];
}

/* `optional`: JSON, or NULL. */
static inline struct image_signature *scene_tag(struct scene_image *image, enum who who, const char *digest,
		const char *reference, const char *optional)
{
	return scene_attach(image, IMAGE_SIG_TAG, who,
			xasprintf("{\"critical\":{\"identity\":{\"docker-reference\":\"%s\"},\"image\":"
				  "{\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign container image "
				  "signature\"},\"optional\":%s}",
					reference, digest, optional ? optional : "null"),
			SPAN_NONE);
}

static inline struct image_signature *scene_bundle(
		struct scene_image *image, enum who who, const char *digest, const char *annotations)
{
	auto_buf struct buf pae = BUF_MAX(65536);
	char *payload = xasprintf("{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":"
				  "{\"sha256\":\"%s\"}%s%s}],\"predicateType\":\"" COSIGN_PREDICATE
				  "\",\"predicate\":{}}",
			digest + strlen("sha256:"), annotations ? ",\"annotations\":" : "",
			annotations ? annotations : "");

	cosign_pae(span_of(COSIGN_STATEMENT_TYPE), span_of(payload), &pae);
	return scene_attach(image, IMAGE_SIG_BUNDLE, who, payload, buf_span(&pae));
}

/* ---- judging ---- */

static inline struct judge_image scene_judge(
		const struct image_policy *policy, const struct image_facts *facts, struct oci_name *name)
{
	assert_int_equal(oci_name_parse(HOST "/" REPOSITORY ":1@" IMAGE, name, NULL), 0);
	return (struct judge_image){ .policy = policy, .facts = facts, .name = name, .now = 1700000000 };
}

/* All findings, a line each: "V rule: text", with V, U, P, A, N for the kind. */
static inline char *scene_lines(const struct findings *findings)
{
	auto_buf struct buf out = BUF_MAX(1 << 20);

	for (size_t i = 0; i < findings->count; i++)
		buf_printf(&out, "%c %s: %s\n", "VUPAN"[findings->items[i].kind], findings -> items[i].rule,
				findings->items[i].text);
	return xstrdup(buf_text(&out));
}

/* Fails unless what was found has every line of `wanted` (NULL-terminated beginnings and parts "begin…part…"), and no more
 * lines than that. */
static inline void scene_expect(const char *what, const struct findings *findings, const char *wanted)
{
	auto_free char *lines = scene_lines(findings);
	struct span rest = span_of(wanted), line = SPAN_NONE;
	size_t count = 0;

	while (span_next(&rest, '\n', &line)) {
		bool found = false;
		count++;
		for (size_t i = 0; i < findings->count; i++) {
			auto_free char *one = xasprintf("%c %s: %s", "VUPAN"[findings->items[i].kind],
					findings -> items[i].rule, findings->items[i].text);
			found = found || span_glob(line, span_of(one));
		}
		if (!found)
			fail_msg("%s: nothing like\n%.*s\nin\n%s", what, SPAN_ARG(line), lines);
	}
	if (count != findings->count)
		fail_msg("%s: %zu findings, not %zu:\n%s", what, findings->count, count, lines);
}

#endif
