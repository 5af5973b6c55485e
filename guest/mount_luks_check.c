/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount_luks.h"

#include "base/err.h"
#include "codec/json.h"

#include <string.h>

static const char cipher[] = "aes-xts-plain64";

static bool is(const json_t *object, const char *key, const char *wanted)
{
	const char *text = json_text_at(object, key, NULL);

	return text && !strcmp(text, wanted);
}

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_AUTH, "the header of the volume is not one that this guest opens: %s", why);
}

/* AES of 128 or 256 bits, twice for XTS. */
static bool is_key_size(const json_t *size)
{
	return json_is_integer(size) && (json_integer_value(size) == 32 || json_integer_value(size) == 64);
}

static int check_keyslots(const json_t *metadata, struct err *err)
{
	json_t *slots = json_object_get(metadata, "keyslots"), *slot = NULL;
	const char *name = NULL;

	if (!json_is_object(slots) || !json_object_size(slots))
		return refuse(err, "it has no keyslots");
	json_object_foreach (slots, name, slot) {
		const json_t *area = json_object_get(slot, "area");
		if (!is(slot, "type", "luks2") || !is(area, "encryption", cipher) ||
				!is_key_size(json_object_get(area, "key_size")))
			return refuse(err, "a keyslot is not encrypted with aes-xts-plain64");
	}
	return 0;
}

static int check_segment(const json_t *metadata, bool integrity, struct err *err)
{
	const json_t *segments = json_object_get(metadata, "segments"),
		     *segment = json_object_get(segments, "0");
	const json_t *tags = json_object_get(segment, "integrity");

	if (json_object_size(segments) != 1 || !segment)
		return refuse(err, "its data are not one segment");
	if (!is(segment, "type", "crypt") || !is(segment, "encryption", cipher) ||
			json_object_get(segment, "flags"))
		return refuse(err, "its data are not encrypted with aes-xts-plain64");
	if (integrity && !tags)
		return refuse(err, "its data have no integrity, which the options ask for (dataIntegrity)");
	if (!integrity && tags)
		return refuse(err,
				"its data have integrity, which the options do not ask for (dataIntegrity)");
	if (integrity && !is(tags, "type", "hmac(sha256)"))
		return refuse(err, "the integrity of its data is not hmac(sha256)");
	return 0;
}

static int check_digests(const json_t *metadata, struct err *err)
{
	json_t *digests = json_object_get(metadata, "digests"), *digest = NULL;
	const char *name = NULL;

	if (!json_is_object(digests) || !json_object_size(digests))
		return refuse(err, "it has no digest of the volume's key");
	json_object_foreach (digests, name, digest)
		if (!is(digest, "type", "pbkdf2"))
			return refuse(err, "the digest of the volume's key is not pbkdf2");
	return 0;
}

int luks_header_check(const json_t *metadata, bool integrity, struct err *err)
{
	if (json_at(metadata, "config", "requirements", NULL))
		return refuse(err, "it waits for a conversion to be finished");
	if (check_keyslots(metadata, err) < 0 || check_segment(metadata, integrity, err) < 0)
		return -1;
	return check_digests(metadata, err);
}
