/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/descriptor.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/digest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TYPE_MAX 255

/* ---- names and digests --------------------------------------------------------------------------------- */

/* The length of what a reader that folds Unicode takes for the ASCII letter c: also U+017F for s, U+212A for k. */
static size_t folds_to(const char *at, char c)
{
	if (tolower((unsigned char)*at) == tolower((unsigned char)c))
		return 1;
	if (c == 's' && !strncmp(at, "\xc5\xbf", 2))
		return 2;
	return c == 'k' && !strncmp(at, "\xe2\x84\xaa", 3) ? 3 : 0;
}

static bool same_folded(const char *key, const char *name)
{
	while (*key && *name) {
		size_t step = folds_to(key, (char)tolower((unsigned char)*name));
		if (!step)
			return false;
		key += step;
		name++;
	}
	return !*key && !*name;
}

int oci_names_check(const json_t *object, const char *path, const char *const *names, struct err *err)
{
	/* jansson's iterators have no const form, and change nothing */
	json_t *walked = (json_t *)(uintptr_t)object;

	for (void *it = json_object_iter(walked); it; it = json_object_iter_next(walked, it)) {
		const char *key = json_object_iter_key(it);
		for (const char *const *name = names; *name; name++)
			if (strcmp(key, *name) != 0 && same_folded(key, *name))
				return err_set(err, ERR_FORMAT,
						"%s%s'%s' differs from '%s' in its case alone, and readers "
						"disagree on such names",
						path, *path ? ": " : "", key, *name);
	}
	return 0;
}

static bool digest_alg_of(const char *text, enum digest_alg *alg)
{
	if (!strncmp(text, "sha256:", 7))
		*alg = DIGEST_SHA256;
	else if (!strncmp(text, "sha512:", 7))
		*alg = DIGEST_SHA512;
	else
		return false;
	return true;
}

bool oci_digest_is(const char *text)
{
	enum digest_alg alg;

	if (!digest_alg_of(text, &alg))
		return false;
	return strspn(text + 7, "0123456789abcdef") == 2 * digest_size(alg) &&
			strlen(text + 7) == 2 * digest_size(alg);
}

void oci_digest_of(struct span bytes, char out[static OCI_DIGEST_MAX])
{
	char hex[DIGEST_HEX_MAX];

	digest_hex(DIGEST_SHA256, bytes, hex);
	memcpy(out, "sha256:", 7);
	memcpy(out + 7, hex, strlen(hex) + 1);
}

bool oci_digest_fits(const char *digest, struct span bytes)
{
	enum digest_alg alg;
	char hex[DIGEST_HEX_MAX];

	if (!oci_digest_is(digest) || !digest_alg_of(digest, &alg))
		return false;
	digest_hex(alg, bytes, hex);
	return !strcmp(digest + 7, hex);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* RFC 6838, 4.2: two names, and here no parameters. */
static bool media_type_is(const char *text)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
	size_t left = strspn(text, name);
	size_t right = text[left] == '/' ? strspn(text + left + 1, name) : 0;

	return left && right && !text[left + 1 + right] && left + 1 + right <= TYPE_MAX;
}

static int read_words(json_t *object, const char *path, struct oci_descriptor *out, struct err *err)
{
	int64_t size = -1;

	if (json_get_text(object, path, "mediaType", &out->media_type, err) < 0 ||
			json_get_text(object, path, "digest", &out->digest, err) < 0 ||
			json_opt_int(object, path, "size", 0, (int64_t)OCI_SIZE_MAX, &size, err) < 0)
		return -1;
	if (!media_type_is(out->media_type))
		return err_set(err, ERR_FORMAT, "%s.mediaType: is no media type of at most %d bytes", path,
				TYPE_MAX);
	if (!oci_digest_is(out->digest))
		return err_set(err, ERR_FORMAT,
				"%s.digest: must be 'sha256:' or 'sha512:' and that many lower-case hex "
				"digits",
				path);
	if (size < 0)
		return err_set(err, ERR_FORMAT, "%s.size: is missing; it must be a whole number", path);
	out->size = (uint64_t)size;
	return 0;
}

static int check_texts(const json_t *object, const char *path, const char *member, struct err *err)
{
	json_t *walked = (json_t *)(uintptr_t)object;

	for (void *it = json_object_iter(walked); it; it = json_object_iter_next(walked, it))
		if (!json_is_string(json_object_iter_value(it)))
			return err_set(err, ERR_FORMAT, "%s.%s: the value of '%s' must be text", path, member,
					json_object_iter_key(it));
	return 0;
}

static int read_platform(json_t *platform, const char *path, struct err *err)
{
	static const char *const members[] = { "os", "architecture", "variant", NULL };
	const char *text = NULL;

	if (!platform)
		return 0;
	for (const char *const *member = members; *member; member++)
		if (json_opt_text(platform, path, *member, &text, err) < 0)
			return err_wrap(err, "platform");
	return oci_names_check(platform, path, members, err);
}

int oci_descriptor_read(json_t *object, const char *path, struct oci_descriptor *out, struct err *err)
{
	static const char *const members[] = { "mediaType", "digest", "size", "annotations", "platform",
		"urls", NULL };
	struct oci_descriptor found = { .json = object };

	if (read_words(object, path, &found, err) < 0 ||
			json_opt_object(object, path, "annotations", &found.annotations, err) < 0 ||
			json_opt_object(object, path, "platform", &found.platform, err) < 0 ||
			check_texts(found.annotations, path, "annotations", err) < 0 ||
			read_platform(found.platform, path, err) < 0 ||
			oci_names_check(object, path, members, err) < 0)
		return -1;
	*out = found;
	return 0;
}

/* ---- changing ------------------------------------------------------------------------------------------ */

void oci_descriptor_set(
		struct oci_descriptor *descriptor, const char *media_type, const char *digest, uint64_t size)
{
	json_t *object = descriptor->json;

	/* the words may be the ones that the tree itself holds */
	json_t *type_text = json_string(media_type), *digest_text = json_string(digest);
	json_object_set_new(object, "mediaType", type_text);
	json_object_set_new(object, "digest", digest_text);
	json_object_set_new(object, "size", json_integer((json_int_t)size));
	descriptor->media_type = json_string_value(type_text);
	descriptor->digest = json_string_value(digest_text);
	descriptor->size = size;
}

void oci_descriptor_annotate(struct oci_descriptor *descriptor, const char *key, const char *value)
{
	if (value && !descriptor->annotations) {
		descriptor->annotations = json_object();
		json_object_set_new(descriptor->json, "annotations", descriptor->annotations);
	}
	if (value) {
		json_object_set_new(descriptor->annotations, key, json_string(value));
		return;
	}
	if (!descriptor->annotations || json_object_del(descriptor->annotations, key) < 0)
		return;
	if (!json_object_size(descriptor->annotations)) {
		json_object_del(descriptor->json, "annotations");
		descriptor->annotations = NULL;
	}
}

const char *oci_descriptor_annotation(const struct oci_descriptor *descriptor, const char *key)
{
	return json_string_value(json_object_get(descriptor->annotations, key));
}

/* ---- platforms ----------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

void oci_platform_format(const json_t *platform, struct buf *out)
{
	const char *variant = text_of(platform, "variant");

	if (!platform)
		return;
	buf_printf(out, "%s/%s", text_of(platform, "os"), text_of(platform, "architecture"));
	if (*variant)
		buf_printf(out, "/%s", variant);
}

bool oci_platform_fits(const json_t *platform, const char *wanted)
{
	const char *architecture = text_of(platform, "architecture"), *variant = text_of(platform, "variant");
	struct span rest = span_of(wanted), os, arch, version;

	if (!span_next(&rest, '/', &os) || !span_is(os, text_of(platform, "os")) || !os.len)
		return false;
	if (!span_next(&rest, '/', &arch) || !span_is(arch, architecture) || !arch.len)
		return false;
	if (!span_next(&rest, '/', &version))
		return true;
	if (!*variant)
		variant = !strcmp(architecture, "arm64") ? "v8" : !strcmp(architecture, "arm") ? "v7" : "";
	return version.len && span_is(version, variant) && !span_next(&rest, '/', &os);
}
