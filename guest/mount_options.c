/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount_own.h"

#include "base/err.h"
#include "base/random.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

static const char *const known[] = { "deviceId", "devicePath", "sourceType", "encryptionType", "key",
	"targetType", "filesystemType", "mkfsOpts", "dataIntegrity", "mapperName", NULL };

/* Whatever is wrong with options is the caller's to correct. */
static int wrong(struct err *err)
{
	if (err)
		err->kind = ERR_USAGE;
	return -1;
}

static int check_form(const json_t *options, struct err *err)
{
	const char *key = NULL;
	json_t *value = NULL;
	json_t *walked = (json_t *)(uintptr_t)options; /* jansson's iterators have no const form */

	if (json_only_keys(options, "options", known, err) < 0)
		return wrong(err);
	json_object_foreach (walked, key, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_USAGE, "option %s must be a text", key);
		if (json_string_length(value) >= MOUNT_TEXT_MAX)
			return err_set(err, ERR_USAGE, "option %s is longer than %d bytes", key,
					MOUNT_TEXT_MAX - 1);
		if (strlen(json_string_value(value)) != json_string_length(value))
			return err_set(err, ERR_USAGE, "option %s holds a zero byte", key);
	}
	return 0;
}

/* Reads an option that is one of two words. */
static int one_of(const json_t *options, const char *name, const char *yes, const char *no, bool *out,
		struct err *err)
{
	const char *text = json_text_at(options, name, NULL);

	if (!text)
		return err_set(err, ERR_USAGE, "option %s is missing: give \"%s\" or \"%s\"", name, yes, no);
	*out = !strcmp(text, yes);
	if (!*out && strcmp(text, no) != 0)
		return err_set(err, ERR_USAGE, "option %s is \"%.64s\", must be \"%s\" or \"%s\"", name, text,
				yes, no);
	return 0;
}

static int read_cipher(const json_t *options, struct mount_volume *out, struct err *err)
{
	const char *type = json_text_at(options, "encryptionType", NULL);

	if (!type)
		return err_set(err, ERR_USAGE, "option encryptionType is missing: give \"luks2\"");
	if (!strcmp(type, "zfs"))
		return err_set(err, ERR_USAGE,
				"encryptionType \"zfs\" is not supported by this guest: give \"luks2\"");
	if (strcmp(type, "luks2") != 0)
		return err_set(err, ERR_USAGE, "option encryptionType is \"%.64s\", must be \"luks2\"", type);
	if (json_text_at(options, "dataIntegrity", NULL))
		return one_of(options, "dataIntegrity", "true", "false", &out->integrity, err);
	return 0;
}

static int read_key(const json_t *options, struct mount_volume *out, struct err *err)
{
	struct span key;

	out->key = json_text_at(options, "key", NULL);
	key = span_of(out->key);
	if (!out->key && out->encrypted)
		return err_set(err, ERR_USAGE, "option key is missing: a volume that is encrypted has one");
	if (!out->key)
		out->key_kind = MOUNT_KEY_RANDOM;
	else if (span_starts(key, "sealed."))
		out->key_kind = MOUNT_KEY_SEALED;
	else if (span_starts(key, "kbs://") || span_starts(key, "kbs+"))
		out->key_kind = MOUNT_KEY_BROKER;
	else if (span_starts(key, "file:///"))
		out->key_kind = MOUNT_KEY_FILE;
	else
		return err_set(err, ERR_USAGE,
				"option key must begin with \"kbs://\", \"sealed.\" or \"file:///\"");
	return 0;
}

static void random_name(char out[static MOUNT_NAME_MAX])
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, MOUNT_NAME_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
			b[13], b[14], b[15]);
}

/* A file's name below /dev/mapper, and no option of a program. */
static int read_mapper(const json_t *options, struct mount_volume *out, struct err *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
	const char *name = json_text_at(options, "mapperName", NULL);

	if (!name) {
		random_name(out->mapper);
		return 0;
	}
	size_t len = strlen(name);
	if (!len || len >= MOUNT_NAME_MAX || strspn(name, allowed) != len || name[0] == '.' ||
			name[0] == '-' || !strcmp(name, "control"))
		return err_set(err, ERR_USAGE,
				"option mapperName must be 1 to %d letters, digits, '_', '-' and '.', begin "
				"with a letter, a digit or '_', and not be \"control\"",
				MOUNT_NAME_MAX - 1);
	memcpy(out->mapper, name, len + 1);
	return 0;
}

/* Arguments parted by white space. A path in one would have mkfs write elsewhere, too (-z, -J), or read there (-d). */
static int read_mkfs(const json_t *options, struct mount_volume *out, struct err *err)
{
	const char *text = json_text_at(options, "mkfsOpts", NULL);
	char *left = NULL;

	if (!text)
		return 0;
	if (strlen(text) >= sizeof(out->mkfs_text))
		return err_set(err, ERR_USAGE, "option mkfsOpts is longer than %zu bytes",
				sizeof(out->mkfs_text) - 1);
	memcpy(out->mkfs_text, text, strlen(text) + 1);
	for (char *word = strtok_r(out->mkfs_text, " \t\r\n", &left); word;
			word = strtok_r(NULL, " \t\r\n", &left)) {
		if (out->mkfs_count == MOUNT_MKFS_MAX)
			return err_set(err, ERR_USAGE, "option mkfsOpts has more than %d arguments",
					MOUNT_MKFS_MAX);
		if (strchr(word, '/') || !strcmp(word, "--"))
			return err_set(err, ERR_USAGE,
					"option mkfsOpts holds \"%.64s\": no path may stand there", word);
		out->mkfs[out->mkfs_count++] = word;
	}
	if (out->mkfs_count && out->mkfs[0][0] != '-')
		return err_set(err, ERR_USAGE,
				"option mkfsOpts begins with \"%.64s\", must begin with an option",
				out->mkfs[0]);
	return 0;
}

static int read_target(const json_t *options, struct mount_volume *out, struct err *err)
{
	const char *type = json_text_at(options, "filesystemType", NULL);

	if (one_of(options, "targetType", "fileSystem", "device", &out->filesystem, err) < 0)
		return -1;
	if (type && strcmp(type, "ext4") != 0)
		return err_set(err, ERR_USAGE, "option filesystemType is \"%.64s\", must be \"ext4\"", type);
	return read_mkfs(options, out, err);
}

int mount_volume_parse(const json_t *options, struct mount_volume *out, struct err *err)
{
	const char *type = json_text_at(options, "encryptionType", NULL);

	/* first: the options of zfs are none of ours */
	if (type && read_cipher(options, out, err) < 0)
		return -1;
	if (check_form(options, err) < 0 || read_cipher(options, out, err) < 0 ||
			one_of(options, "sourceType", "encrypted", "empty", &out->encrypted, err) < 0 ||
			read_target(options, out, err) < 0 || read_key(options, out, err) < 0)
		return -1;
	out->device_id = json_text_at(options, "deviceId", NULL);
	out->device_path = out->device_id ? NULL : json_text_at(options, "devicePath", NULL);
	if (!out->device_id && !out->device_path)
		return err_set(err, ERR_USAGE, "one of the options deviceId and devicePath must be there");
	return read_mapper(options, out, err);
}
