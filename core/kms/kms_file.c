/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "kms/kms_own.h"

#include <errno.h>
#include <string.h>

int kms_file(const struct kms *kms, const char *name, struct secret *out, struct err *err)
{
	auto_free char *path = xasprintf("%s/%s", kms->folder, name);

	return secret_read_file(out, path, err);
}

int kms_file_json(const struct kms *kms, const char *name, json_t **out, struct err *err)
{
	auto_secret struct secret text = SECRET_NONE;

	if (kms_file(kms, name, &text, err) < 0)
		return -1;
	if (json_read(secret_span(&text), SECRET_MAX, out, err) < 0)
		return err_wrap(err, "%s/%s", kms->folder, name);
	return 0;
}

int kms_file_ca(const struct kms *kms, const char *name, struct buf *out, struct err *err)
{
	auto_free char *path = xasprintf("%s/%s", kms->folder, name);
	auto_cert_list struct cert_list *list = NULL;

	buf_init(out, CERT_PEM_MAX);
	if (fs_read(path, out, err) < 0)
		return -1;
	if (cert_list_parse(buf_span(out), &list, err) == 0)
		return 0;
	buf_clear(out);
	return err_wrap(err, "%s", path);
}

/* realpath(), whose result follows no link any more. */
static char *real(const char *path, struct err *err)
{
	char *found = realpath(path, NULL);

	if (!found)
		err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path);
	return found;
}

int kms_file_below(const struct kms *kms, const char *path, struct secret *out, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, ERR_USAGE, "the path '%s' of a credential is not absolute", path);
	auto_free char *root = real(kms->guest_root, err);
	auto_free char *file = root ? real(path, err) : NULL;
	if (!file)
		return -1;
	struct span rest =
			span_starts(span_of(file), root) ? span_from(span_of(file), strlen(root)) : SPAN_NONE;
	if (!rest.len || rest.ptr[0] != '/')
		return err_set(err, ERR_USAGE, "the path '%s' of a credential does not lie below '%s'", path,
				kms->guest_root);
	return secret_read_file(out, file, err);
}
