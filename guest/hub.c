/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/hub_own.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "guest/config.h"
#include "guest/credential.h"
#include "kbs/client.h"
#include "kbs/offline.h"
#include "kms/kms.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

int hub_open(const struct hub_options *options, struct hub **out, struct err *err)
{
	if (options->config->kbc == CONFIG_CC_KBC && !options->kbs)
		return err_set(err, ERR_USAGE, "cc_kbc needs a client of the key broker");
	struct hub *hub = xcalloc(1, sizeof(*hub));

	hub->options = *options;
	hub->root = options->root ? options->root : HUB_ROOT;
	pthread_mutex_init(&hub->offline, NULL);
	*out = hub;
	return 0;
}

void hub_free(struct hub *hub)
{
	if (!hub)
		return;
	pthread_mutex_destroy(&hub->offline);
	free(hub);
}

/* ---- resources ----------------------------------------------------------------------------------------- */

/* Takes the resource over what was found before. A file that is not there says nothing. */
static int look_into(
		const char *path, const struct kbs_uri *uri, struct secret *found, bool *has, struct err *err)
{
	auto_offline struct offline set = OFFLINE_NONE;
	struct err why = ERR_NONE;

	if (offline_load(path, &set, &why) < 0) {
		if (why.kind != ERR_NOT_FOUND && why.kind != ERR_IO)
			return err_set(err, why.kind, "%s", why.text);
		log_debug("a file of resources is not there", "file", path, LOG_ERR(&why), NULL);
		return 0;
	}
	const struct secret *bytes = offline_find(&set, uri);
	if (!bytes)
		return 0;
	*has = true;
	return secret_from_span(found, secret_span(bytes), err);
}

static int look_into_all(const struct hub *hub, const struct kbs_uri *uri, struct secret *found, bool *has,
		struct err *err)
{
	static const char *const guests[] = { "/etc/aa-offline_fs_kbc-keys.json",
		"/etc/aa-offline_fs_kbc-resources.json", NULL };
	const char *const *files = hub->options.offline_files ? hub->options.offline_files : guests;
	struct span more = span_of(hub->options.config->offline_files), item = SPAN_NONE;

	for (; *files; files++)
		if (look_into(*files, uri, found, has, err) < 0)
			return -1;
	while (span_next(&more, ',', &item)) {
		auto_free char *path = xmemdup0(item.ptr, item.len);
		if (item.len && look_into(path, uri, found, has, err) < 0)
			return -1;
	}
	return 0;
}

/* The files are read for each request, as the guests of others do it. */
static int offline_resource(struct hub *hub, const struct kbs_uri *uri, struct secret *out, struct err *err)
{
	auto_secret struct secret found = SECRET_NONE;
	bool has = false;

	pthread_mutex_lock(&hub->offline);
	int result = look_into_all(hub, uri, &found, &has, err);
	pthread_mutex_unlock(&hub->offline);
	if (result < 0)
		return -1;
	if (!has)
		return err_set(err, ERR_NOT_FOUND, "offline-fs-kbc: resource not found %s", uri->path);
	secret_move(out, &found);
	return 0;
}

int hub_resource(struct hub *hub, struct span uri, struct secret *out, struct err *err)
{
	struct kbs_uri parsed;

	if (kbs_uri_parse(uri, &parsed, err) < 0)
		return err_wrap(err, "illegal kbs resource uri");
	if (hub->options.config->kbc == CONFIG_OFFLINE_FS_KBC)
		return offline_resource(hub, &parsed, out, err);
	return kbs_client_get(hub->options.kbs, &parsed, out, err);
}

/* ---- credentials --------------------------------------------------------------------------------------- */

/* A path of cdh.toml, which names the folder of all guests, below the root of this one. */
static const char *placed(const struct hub *hub, const char *path, char out[static PATH_MAX])
{
	if (!hub->options.root || !span_starts(span_of(path), HUB_ROOT "/"))
		return path;
	snprintf(out, PATH_MAX, "%s%s", hub->root, path + strlen(HUB_ROOT));
	return out;
}

int hub_credentials(struct hub *hub, struct err *err)
{
	const struct config *config = hub->options.config;
	char folder[PATH_MAX], path[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/kbs", hub->root);
	for (size_t i = 0; i < config->credential_count; i++) {
		const struct config_credential *credential = &config->credentials[i];
		auto_secret struct secret bytes = SECRET_NONE;
		if (hub_resource(hub, span_of(credential->uri), &bytes, err) < 0 ||
				credential_write(folder, placed(hub, credential->path, path), &bytes, err) <
						0)
			return err_wrap(err, "the credential '%s'", credential->uri);
		log_info("credential written", "path", credential->path, "resource", credential->uri, NULL);
	}
	return 0;
}

int hub_blame_text(struct err *err)
{
	if (err && err->kind == ERR_USAGE)
		err->kind = ERR_FORMAT;
	return -1;
}

/* ---- key management services --------------------------------------------------------------------------- */

int hub_kms(const struct hub *hub, const char *provider, const json_t *settings, struct kms **out,
		struct err *err)
{
	char guest_root[PATH_MAX], folder[PATH_MAX];
	const char *known = kms_folder(provider), *name = known ? strrchr(known, '/') : NULL;
	struct kms_options options = { .clock = hub->options.clock };

	/* without a root of their own, the places are those of all guests */
	if (hub->options.root && name) {
		snprintf(guest_root, sizeof(guest_root), "%s/kbs", hub->root);
		snprintf(folder, sizeof(folder), "%s/kbs/kms-credential%s", hub->root, name);
		options.guest_root = guest_root;
		options.folder = folder;
	}
	return kms_open(provider, settings, &options, out, err);
}
