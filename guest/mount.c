/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount.h"

#include "base/err.h"
#include "codec/json.h"
#include "crypto/secret.h"
#include "guest/hub.h"
#include "guest/mount_luks.h"
#include "guest/mount_own.h"

#include <string.h>

/* of a volume that nobody opens twice */
#define RANDOM_KEY_BYTES 64
#define FLAGS_MAX        64

int mount_request_parse(const json_t *json, struct mount_request *out, struct err *err)
{
	static const char *const known[] = { "volume_type", "options", "flags", "mount_point", NULL };
	const char *type = NULL, *point = NULL;
	json_t *options = NULL, *flags = NULL;

	if (json_only_keys(json, "", known, err) < 0 ||
			json_get_text(json, "", "volume_type", &type, err) < 0 ||
			json_get_object(json, "", "options", &options, err) < 0 ||
			json_opt_texts(json, "", "flags", FLAGS_MAX, &flags, err) < 0 ||
			json_get_text(json, "", "mount_point", &point, err) < 0)
		return -1;
	if (!flags)
		return err_set(err, ERR_FORMAT, "flags is missing");
	*out = (struct mount_request){ .volume_type = type, .options = options, .mount_point = point };
	return 0;
}

static const char *either(const char *given, const char *usual)
{
	return given ? given : usual;
}

static struct mount_places complete(const struct mount_places *places)
{
	struct mount_places own = { .headers = NULL };

	if (places)
		own = *places;
	own.headers = either(own.headers, "/run/confidential-containers/cdh/luks-headers");
	own.cryptsetup = either(own.cryptsetup, "/usr/sbin/cryptsetup");
	own.mkfs = either(own.mkfs, "/usr/sbin/mkfs.ext4");
	own.sysfs = either(own.sysfs, "/sys/dev/block");
	own.dev = either(own.dev, "/dev");
	own.mapper = either(own.mapper, "/dev/mapper");
	return own;
}

static int check_type(const char *type, struct err *err)
{
	if (!strcmp(type, "block-device"))
		return 0;
	if (!strcmp(type, "alibaba-cloud-oss"))
		return err_set(err, ERR_USAGE,
				"volume type \"alibaba-cloud-oss\" is not supported by this guest: give "
				"\"block-device\"");
	return err_set(err, ERR_USAGE, "volume type is \"%.64s\", must be \"block-device\"", type);
}

/* An absolute path in its plain form: what is undone is found by its parts. */
static int check_point(const char *point, struct err *err)
{
	struct span rest = span_from(span_of(point), 1), part;

	if (point[0] != '/' || !point[1] || strlen(point) >= MOUNT_PATH_MAX)
		return err_set(err, ERR_USAGE, "the mount point must be an absolute path of at most %d bytes",
				MOUNT_PATH_MAX - 1);
	while (span_next(&rest, '/', &part))
		if (!part.len || span_is(part, ".") || span_is(part, ".."))
			return err_set(err, ERR_USAGE,
					"the mount point must not end in '/' or hold \"//\", \"/.\" or "
					"\"/..\": %.200s",
					point);
	return 0;
}

static int key_get(struct hub *hub, const struct mount_volume *volume, struct secret *out, struct err *err)
{
	int result = -1;

	switch (volume->key_kind) {
	case MOUNT_KEY_RANDOM:
		result = secret_random(out, RANDOM_KEY_BYTES, err);
		break;
	case MOUNT_KEY_SEALED:
		result = hub_unseal(hub, span_of(volume->key), out, err);
		break;
	case MOUNT_KEY_BROKER:
		result = hub_resource(hub, span_of(volume->key), out, err);
		break;
	case MOUNT_KEY_FILE:
		result = secret_read_file(out, volume->key + strlen("file://"), err);
		break;
	}
	if (result < 0)
		return err_wrap(err, "getting the key of the volume");
	if (!out->len)
		return err_set(err, ERR_USAGE, "the key of the volume is empty");
	return 0;
}

static int work_do(struct mount_work *work, struct span key, struct err *err)
{
	int result = work->volume->encrypted ? luks_copy_header(work, err) : luks_format(work, key, err);

	if (result < 0 || luks_open(work, key, err) < 0 || mount_target_make(work, err) < 0)
		return -1;
	if (work->volume->encrypted)
		luks_drop_header(work);
	return 0;
}

int mount_secure(struct hub *hub, const struct mount_request *request, const struct mount_places *places,
		struct err *err)
{
	struct mount_places all = complete(places);
	struct mount_volume volume = { .device_id = NULL };
	struct mount_work work = { .places = &all, .volume = &volume, .point = request->mount_point };
	auto_secret struct secret key = SECRET_NONE;

	if (check_type(request->volume_type, err) < 0 || check_point(request->mount_point, err) < 0 ||
			mount_volume_parse(request->options, &volume, err) < 0)
		return err_wrap(err, "secure mount");
	if (mount_device_find(&work, err) < 0 || key_get(hub, &volume, &key, err) < 0)
		return err_wrap(err, "secure mount at %s", request->mount_point);
	if (!work_do(&work, secret_span(&key), err))
		return 0;
	mount_target_undo(&work);
	luks_undo(&work, err);
	return err_wrap(err, "secure mount at %s", request->mount_point);
}
