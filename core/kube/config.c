/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/config_own.h"
#include "kube/name.h"
#include "net/url.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REREAD_AFTER (60 * CLOCK_SECOND)
/* a plugin's credential is renewed this long before it ends */
#define LEEWAY       (10 * CLOCK_SECOND)

struct kube_config *config_new(const struct clock *clock)
{
	struct kube_config *config = xcalloc(1, sizeof(*config));

	config->clock = clock;
	config->tls_version = 1;
	buf_init(&config->ca, CONFIG_PEM_MAX);
	buf_init(&config->cert, CONFIG_PEM_MAX);
	return config;
}

static void free_texts(char **texts)
{
	for (char **at = texts; at && *at; at++)
		free(*at);
	free(texts);
}

void kube_config_free(struct kube_config *config)
{
	if (!config)
		return;
	free(config->server);
	free(config->namespace);
	free(config->context);
	free(config->proxy);
	free(config->server_name);
	free(config->token_file.path);
	free(config->ca_file.path);
	free(config->cert_file.path);
	free(config->key_file.path);
	secret_clear(&config->token);
	secret_clear(&config->key);
	buf_clear(&config->ca);
	buf_clear(&config->cert);
	json_decref(config->exec);
	json_decref(config->exec_cluster);
	free(config->exec_dir);
	free_texts(config->environment);
	free_texts(config->headers);
	exec_credential_clear(&config->plugin);
	free(config);
}

const char *kube_config_server(const struct kube_config *config)
{
	return config->server;
}

const char *kube_config_namespace(const struct kube_config *config)
{
	return config->namespace;
}

const char *kube_config_proxy(const struct kube_config *config)
{
	return config->proxy;
}

const char *kube_config_context(const struct kube_config *config)
{
	return config->context;
}

/* ---- files that change ------------------------------------------------------------------------------------ */

static bool is_due(struct live_file *file, int64_t now, bool refused)
{
	struct stat st;

	if (!file->path)
		return false;
	bool moved = !stat(file->path, &st) &&
			(st.st_dev != file->dev || st.st_ino != file->ino ||
					st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec !=
							file->changed);
	if (moved) {
		file->dev = st.st_dev;
		file->ino = st.st_ino;
		file->changed = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	}
	return moved || refused || !file->read_at || now - file->read_at >= REREAD_AFTER;
}

/*
 * After a read: a file that cannot be read now does no harm while the content that was read before serves, for it
 * may be in the middle of being replaced; the next request tries again.
 */
static int settle(struct live_file *file, int64_t now, int result, const char *what, struct err *err)
{
	if (result < 0 && !file->read_at)
		return err_wrap(err, "the %s", what);
	if (result < 0) {
		err_clear(err);
		file->ino = 0;
	}
	file->read_at = now ? now : 1;
	return 0;
}

/* The file into a secret; trimmed where white space means nothing. *changed: other bytes than before. */
static int read_secret(
		struct live_file *file, struct secret *into, bool trimmed, bool *changed, struct err *err)
{
	struct buf text = BUF_MAX(SECRET_MAX);
	int result = 0;

	(void)buf_room(&text, SECRET_MAX);
	if (fs_read(file->path, &text, err) < 0)
		result = -1;
	struct span bytes = trimmed ? span_trim(buf_span(&text)) : buf_span(&text);
	if (!result && !bytes.len)
		result = err_set(err, ERR_FORMAT, "reading '%s': the file is empty", file->path);
	if (!result && !secret_is(into, bytes)) {
		*changed = true;
		result = secret_from_span(into, bytes, err);
	}
	explicit_bzero(text.ptr, text.len);
	buf_clear(&text);
	return result;
}

static int read_pem(struct live_file *file, struct buf *into, bool *changed, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(CONFIG_PEM_MAX);

	if (fs_read(file->path, &text, err) < 0)
		return -1;
	if (!span_trim(buf_span(&text)).len)
		return err_set(err, ERR_FORMAT, "reading '%s': the file is empty", file->path);
	if (span_eq(buf_span(&text), buf_span(into)))
		return 0;
	*changed = true;
	buf_reset(into);
	buf_add_span(into, buf_span(&text));
	return 0;
}

/* What is due, read again. */
static int refresh_files(struct kube_config *config, bool refused, struct err *err)
{
	int64_t now = clock_mono(config->clock);
	bool token_changed = false, tls_changed = false;
	struct live_file *token = &config->token_file, *ca = &config->ca_file, *cert = &config->cert_file,
			 *key = &config->key_file;
	int result = 0;

	if (is_due(token, now, refused))
		result |= settle(token, now, read_secret(token, &config->token, true, &token_changed, err),
				"token", err);
	if (!result && is_due(ca, now, refused))
		result |= settle(ca, now, read_pem(ca, &config->ca, &tls_changed, err),
				"certificate authority", err);
	if (!result && is_due(cert, now, refused))
		result |= settle(cert, now, read_pem(cert, &config->cert, &tls_changed, err),
				"client certificate", err);
	if (!result && is_due(key, now, refused))
		result |= settle(key, now, read_secret(key, &config->key, false, &tls_changed, err),
				"client key", err);
	config->tls_version += tls_changed;
	return result;
}

int config_read_files(struct kube_config *config, struct err *err)
{
	return refresh_files(config, false, err);
}

/* ---- the credentials of the moment ------------------------------------------------------------------------ */

static bool plugin_is_due(const struct kube_config *config, bool refused)
{
	if (!config->exec || config->token.len)
		return false;
	int64_t expiry = config->plugin.expiry;
	return refused || !config->plugin_ran || (expiry && clock_wall(config->clock) >= expiry - LEEWAY);
}

static bool same_pair(const struct exec_credential *a, const struct exec_credential *b)
{
	return !a->cert == !b->cert && (!a->cert || !strcmp(a->cert, b->cert)) &&
			secret_is(&a->key, secret_span(&b->key));
}

static int run_plugin(struct kube_config *config, struct err *err)
{
	struct exec_credential fresh = EXEC_CREDENTIAL_NONE;
	struct exec_call call = { .spec = config->exec,
		.dir = config->exec_dir,
		.cluster = config->exec_cluster,
		.environment = (const char *const *)config->environment,
		.interactive = config->interactive };

	if (exec_run(&call, &fresh, err) < 0)
		return err_wrap(err, "credentials for context '%s'", config->context);
	config->tls_version += !same_pair(&fresh, &config->plugin);
	exec_credential_clear(&config->plugin);
	config->plugin = fresh;
	config->plugin_ran = true;
	return 0;
}

int kube_config_access(struct kube_config *config, bool refused, struct kube_access *out, struct err *err)
{
	if (refresh_files(config, refused, err) < 0)
		return -1;
	if (plugin_is_due(config, refused) && run_plugin(config, err) < 0)
		return -1;
	const struct exec_credential *plugin = &config->plugin;
	const struct secret *token = config->token.len ? &config->token : &plugin->token;
	bool own_pair = config->cert.len > 0;
	*out = (struct kube_access){
		.bearer = token->len ? (const char *)token->ptr : NULL,
		.tls = { .ca = buf_span(&config->ca),
				.cert = own_pair ? buf_span(&config->cert) : span_of(plugin->cert),
				.key = own_pair ? secret_span(&config->key) : secret_span(&plugin->key),
				.server_name = config->server_name,
				.insecure = config->insecure },
		.tls_version = config->tls_version,
		.headers = (const char *const *)config->headers,
	};
	return 0;
}

/* ---- in a pod --------------------------------------------------------------------------------------------- */

static int read_namespace(struct kube_config *config, const char *dir, struct err *err)
{
	auto_free char *path = xasprintf("%s/namespace", dir);
	auto_buf struct buf text = BUF_MAX(4096);

	if (fs_read(path, &text, err) < 0)
		return -1;
	struct span name = span_trim(buf_span(&text));
	if (!name_is_label(name))
		return err_set(err, ERR_FORMAT, "reading '%s': does not hold the name of a namespace", path);
	config->namespace = xmemdup0(name.ptr, name.len);
	return 0;
}

int kube_config_in_cluster(const char *dir, const char *host, const char *port, const struct clock *clock,
		struct kube_config **out, struct err *err)
{
	auto_kube_config struct kube_config *config = config_new(clock);
	bool ipv6 = strchr(host, ':') && host[0] != '[';
	struct url url;

	config->server = xasprintf("https://%s%s%s:%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
	config->context = xstrdup("in-cluster");
	config->token_file.path = xasprintf("%s/token", dir);
	config->ca_file.path = xasprintf("%s/ca.crt", dir);
	if (url_parse(span_of(config->server), &url, err) < 0)
		return err_wrap(err, "the API server's address '%s'", config->server);
	if (read_namespace(config, dir, err) < 0 || config_read_files(config, err) < 0)
		return err_wrap(err, "the service account of this pod");
	*out = take(&config);
	return 0;
}
