/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt keygen export: one key of a set as a file of its own. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/own.h"
#include "image-crypt/verbs.h"
#include "image/packet.h"
#include "kbs/offline.h"

#include <string.h>

struct export_settings {
	bool force;
	const char *file;
	const char *id;
	const char *out;
};

/* "default/key/key_id1" as it stands in the set, or the resource's URI. */
static int read_id(const char *text, struct kbs_uri *out, struct err *err)
{
	bool is_uri = strstr(text, "://") != NULL;
	auto_free char *whole = xasprintf("%s%s", is_uri ? "" : "kbs:///", text + (!is_uri && *text == '/'));

	if (kbs_uri_parse(span_of(whole), out, err) == 0)
		return 0;
	if (err)
		err->kind = ERR_USAGE;
	return err_wrap(err, "the key's id");
}

static int run(void *given, struct err *err)
{
	const struct export_settings *settings = given;
	auto_offline struct offline set = OFFLINE_NONE;
	struct kbs_uri uri;

	if (read_id(settings->id, &uri, err) < 0 || offline_load(settings->file, &set, err) < 0)
		return -1;
	const struct secret *key = offline_find(&set, &uri);
	if (!key)
		return err_set(err, ERR_NOT_FOUND, "'%s' does not hold '%s'", settings->file, uri.path);
	if (key->len != PACKET_KEK)
		return err_set(err, ERR_FORMAT, "'%s' in '%s' has %zu bytes; a key-encryption key has %d",
				uri.path, settings->file, key->len, PACKET_KEK);
	return keyfile_write(settings->out, secret_span(key), KEYFILE_PRIVATE, settings->force, err);
}

static const struct opt options[] = {
	OPT_FLAG(struct export_settings, force, "force", 'f', "overwrite what is there"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_ONE(struct export_settings, file, "FILE", "the set, as keygen --offline-kbc makes it"),
	OPT_ONE(struct export_settings, id, "ID", "default/key/key_id1, or the resource's URI"),
	OPT_ONE(struct export_settings, out, "OUT-FILE", "the new file of 32 bytes"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "one key, for encrypting",
			"image-crypt keygen export keys.json default/key/key_id1 key_id1\n"
			"image-crypt encrypt --kbs-key kbs:///default/key/key_id1=key_id1 oci:a oci:b" },
	OPT_EXAMPLE_END,
};

const struct opt_verb keygen_export_verb = {
	.name = "keygen export",
	.summary = "takes one key out of a set",
	.description = "The key is written as 32 bytes as they are, into a file that its owner alone can "
		       "read.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct export_settings),
	.run = run,
};
