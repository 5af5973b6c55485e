/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "kube/config_own.h"
#include "kube/name.h"
#include "net/url.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX    (4 * 1024 * 1024)
#define FILES_MAX   64
#define ENTRIES_MAX 4096
#define EXTRA_MAX   256
#define EXEC_CONFIG "client.authentication.k8s.io/exec"
#define HEADER_MAX  8192

/* An entry of "clusters", "users" or "contexts" that was chosen, and the folder its paths count from. */
struct entry {
	const char *name;
	const char *dir;
	json_t *value; /* NULL: not found */
};

/* All files, in order: [{"dir": "/home/x/.kube", "path": "…", "doc": {…}}, …] */
struct merge {
	json_t *files;
};

/* ---- files ------------------------------------------------------------------------------------------------ */

static char *folder_of(struct span path)
{
	size_t len = path.len;

	while (len && path.ptr[len - 1] != '/')
		len--;
	if (!len)
		return xstrdup(".");
	return xmemdup0(path.ptr, len > 1 ? len - 1 : 1);
}

static int parse_document(struct span text, json_t **out, struct err *err)
{
	auto_json json_t *docs = NULL;

	if (yaml_read_all(text, FILE_MAX, &docs, err) < 0)
		return -1;
	if (json_array_size(docs) > 1)
		return err_set(err, ERR_FORMAT, "holds %zu documents, must hold one", json_array_size(docs));
	json_t *doc = json_array_get(docs, 0);
	if (doc && !json_is_null(doc) && !json_is_object(doc))
		return err_set(err, ERR_FORMAT, "is not a kubeconfig: the document is no map");
	*out = json_is_object(doc) ? json_incref(doc) : json_object();
	return 0;
}

static int load_file(struct merge *merge, struct span piece, struct err *err)
{
	auto_free char *path = xmemdup0(piece.ptr, piece.len), *dir = folder_of(piece);
	struct buf text = BUF_MAX(FILE_MAX);
	json_t *doc = NULL;
	int result = fs_read(path, &text, err);

	if (!result)
		result = parse_document(buf_span(&text), &doc, err);
	/* it may hold keys and tokens */
	if (text.len)
		explicit_bzero(text.ptr, text.len);
	buf_clear(&text);
	if (result < 0)
		return err_wrap(err, "kubeconfig '%s'", path);
	json_array_append_new(
			merge->files, json_pack("{s:s, s:s, s:o}", "dir", dir, "path", path, "doc", doc));
	return 0;
}

static int load_files(struct merge *merge, const char *files, struct err *err)
{
	struct span rest = span_of(files), piece = SPAN_NONE;
	size_t count = 0;

	while (span_next(&rest, ':', &piece)) {
		struct err why = ERR_NONE;
		if (!piece.len)
			continue;
		if (++count > FILES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d kubeconfig files", FILES_MAX);
		if (load_file(merge, piece, &why) == 0 || why.kind == ERR_NOT_FOUND)
			continue;
		return err_set(err, why.kind, "%s", why.text);
	}
	if (!json_array_size(merge->files))
		return err_set(err, ERR_NOT_FOUND, "no kubeconfig: none of '%s' exists", files);
	return 0;
}

/* ---- merging ---------------------------------------------------------------------------------------------- */

/* The entry of this name in one file's list; *out stays NULL when there is none. */
static int find_in_file(const json_t *doc, const char *list, const char *member, const char *name,
		json_t **out, struct err *err)
{
	json_t *entries = NULL, *entry = NULL, *found = NULL;
	size_t i = 0;

	if (json_opt_array(doc, "", list, ENTRIES_MAX, &entries, err) < 0)
		return -1;
	json_array_foreach (entries, i, entry) {
		const char *its = "";
		if (json_get_text(entry, list, "name", &its, err) < 0)
			return -1;
		if (strcmp(its, name) != 0)
			continue;
		if (found)
			return err_set(err, ERR_FORMAT, "%s: '%s' is there twice", list, name);
		if (json_get_object(entry, list, member, &found, err) < 0)
			return err_wrap(err, "'%s'", name);
	}
	*out = found;
	return 0;
}

/* The first definition of the name wins, whole. */
static int find_entry(const struct merge *merge, const char *list, const char *member, const char *name,
		struct entry *out, struct err *err)
{
	size_t i = 0;
	json_t *file = NULL;

	json_array_foreach (merge->files, i, file) {
		if (find_in_file(json_object_get(file, "doc"), list, member, name, &out->value, err) < 0)
			return err_wrap(err, "kubeconfig '%s'", json_text_at(file, "path", NULL));
		if (!out->value)
			continue;
		out->name = name;
		out->dir = json_text_at(file, "dir", NULL);
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "the kubeconfig has no %s named '%s'", member, name);
}

static int current_context(const struct merge *merge, const char **out, struct err *err)
{
	size_t i = 0;
	json_t *file = NULL;

	json_array_foreach (merge->files, i, file) {
		const char *name = "";
		if (json_opt_text(json_object_get(file, "doc"), "", "current-context", &name, err) < 0)
			return err_wrap(err, "kubeconfig '%s'", json_text_at(file, "path", NULL));
		if (*name) {
			*out = name;
			return 0;
		}
	}
	return 0;
}

/* ---- one cluster, one user -------------------------------------------------------------------------------- */

static char *resolve(const char *dir, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
}

/* Base64 in "x-data" beats the path in "x". Exactly one of *path and *data is set, or none. */
static int data_or_file(const struct entry *entry, const char *key, const char *data_key, char **path,
		struct buf *data, struct err *err)
{
	const char *text = "", *file = "";

	if (json_opt_text(entry->value, entry->name, data_key, &text, err) < 0 ||
			json_opt_text(entry->value, entry->name, key, &file, err) < 0)
		return -1;
	if (*text && b64_decode(span_trim(span_of(text)), data, err) < 0)
		return err_wrap(err, "%s.%s", entry->name, data_key);
	if (!*text && *file)
		*path = resolve(entry->dir, file);
	return 0;
}

static int read_server(struct kube_config *config, const struct entry *cluster, struct err *err)
{
	const char *server = NULL;
	struct url url;

	if (json_get_text(cluster->value, cluster->name, "server", &server, err) < 0)
		return -1;
	if (url_parse(span_of(server), &url, err) < 0)
		return err_wrap(err, "%s.server", cluster->name);
	if (url.query.len)
		return err_set(err, ERR_FORMAT, "%s.server: must not hold a query", cluster->name);
	size_t len = strlen(server);
	while (len && server[len - 1] == '/')
		len--;
	config->server = xmemdup0(server, len);
	return 0;
}

static int read_cluster(struct kube_config *config, const struct entry *cluster, struct err *err)
{
	const char *server_name = "", *proxy = "";

	if (read_server(config, cluster, err) < 0 ||
			json_opt_text(cluster->value, cluster->name, "tls-server-name", &server_name, err) <
					0 ||
			json_opt_text(cluster->value, cluster->name, "proxy-url", &proxy, err) < 0 ||
			json_opt_bool(cluster->value, cluster->name, "insecure-skip-tls-verify",
					&config->insecure, err) < 0 ||
			data_or_file(cluster, "certificate-authority", "certificate-authority-data",
					&config->ca_file.path, &config->ca, err) < 0)
		return -1;
	if (config->insecure && (config->ca.len || config->ca_file.path))
		return err_set(err, ERR_FORMAT,
				"%s: insecure-skip-tls-verify and a certificate authority exclude each other",
				cluster->name);
	config->server_name = *server_name ? xstrdup(server_name) : NULL;
	config->proxy = *proxy ? xstrdup(proxy) : NULL;
	return 0;
}

static int refuse_removed(const struct entry *user, struct err *err)
{
	if (json_object_get(user->value, "auth-provider"))
		return err_set(err, ERR_FORMAT,
				"user '%s': auth-provider was removed from Kubernetes in 1.26; use an exec "
				"plugin",
				user->name);
	if (json_object_get(user->value, "username") || json_object_get(user->value, "password"))
		return err_set(err, ERR_FORMAT,
				"user '%s': API servers take no username and password since 1.19; use a "
				"token or a certificate",
				user->name);
	return 0;
}

static int read_key(struct kube_config *config, const struct entry *user, struct err *err)
{
	struct buf key = BUF_MAX(SECRET_MAX);

	(void)buf_room(&key, SECRET_MAX);
	int result = data_or_file(user, "client-key", "client-key-data", &config->key_file.path, &key, err);
	if (!result && key.len)
		result = secret_from_span(&config->key, buf_span(&key), err);
	explicit_bzero(key.ptr, key.len);
	buf_clear(&key);
	return result;
}

static int read_token(struct kube_config *config, const struct entry *user, struct err *err)
{
	const char *token = "", *file = "";

	if (json_opt_text(user->value, user->name, "token", &token, err) < 0 ||
			json_opt_text(user->value, user->name, "tokenFile", &file, err) < 0)
		return -1;
	if (*file)
		config->token_file.path = resolve(user->dir, file);
	else if (*token)
		return secret_from_span(&config->token, span_of(token), err);
	return 0;
}

static int read_credentials(struct kube_config *config, const struct entry *user, struct err *err)
{
	json_t *exec = NULL;

	if (refuse_removed(user, err) < 0 || read_token(config, user, err) < 0 ||
			read_key(config, user, err) < 0 ||
			data_or_file(user, "client-certificate", "client-certificate-data",
					&config->cert_file.path, &config->cert, err) < 0 ||
			json_opt_object(user->value, user->name, "exec", &exec, err) < 0)
		return -1;
	bool cert = config->cert.len || config->cert_file.path,
	     key = config->key.len || config->key_file.path;
	if (cert != key)
		return err_set(err, ERR_FORMAT,
				"user '%s': client certificate and client key must come together",
				user->name);
	if (!exec)
		return 0;
	if (exec_check(exec, err) < 0)
		return err_wrap(err, "user '%s'", user->name);
	config->exec = json_incref(exec);
	config->exec_dir = xstrdup(user->dir);
	return 0;
}

/* ---- impersonation ---------------------------------------------------------------------------------------- */

static int add_header(struct kube_config *config, const char *name, const char *value, struct err *err)
{
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return err_set(err, ERR_FORMAT, "%s: holds a control character", name);
	if (strlen(name) + strlen(value) > HEADER_MAX)
		return err_set(err, ERR_LIMIT, "%s: exceeds %d bytes", name, HEADER_MAX);
	config->headers = xreallocarray(config->headers, config->header_count + 2, sizeof(*config->headers));
	config->headers[config->header_count++] = xasprintf("%s: %s", name, value);
	config->headers[config->header_count] = NULL;
	return 0;
}

static int add_headers(struct kube_config *config, const char *name, const json_t *values, struct err *err)
{
	size_t i = 0;
	json_t *value = NULL;

	json_array_foreach (values, i, value)
		if (add_header(config, name, json_string_value(value), err) < 0)
			return -1;
	return 0;
}

static int add_extra(struct kube_config *config, json_t *extra, struct err *err)
{
	const char *key = NULL;
	json_t *ignored = NULL;

	json_object_foreach (extra, key, ignored) {
		auto_buf struct buf name = BUF_MAX(HEADER_MAX);
		json_t *values = NULL;
		if (json_opt_texts(extra, "as-user-extra", key, EXTRA_MAX, &values, err) < 0)
			return -1;
		auto_free char *lower = xstrdup(key);
		for (char *at = lower; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		buf_puts(&name, "Impersonate-Extra-");
		url_encode(&name, span_of(lower));
		if (buf_check(&name, "as-user-extra", err) < 0 ||
				add_headers(config, buf_text(&name), values, err) < 0)
			return -1;
	}
	return 0;
}

static int read_impersonation(struct kube_config *config, const struct entry *user, struct err *err)
{
	const char *as = "", *uid = "";
	json_t *groups = NULL, *extra = NULL;

	if (json_opt_text(user->value, user->name, "as", &as, err) < 0 ||
			json_opt_text(user->value, user->name, "as-uid", &uid, err) < 0 ||
			json_opt_texts(user->value, user->name, "as-groups", EXTRA_MAX, &groups, err) < 0 ||
			json_opt_object(user->value, user->name, "as-user-extra", &extra, err) < 0)
		return -1;
	if (!*as && (*uid || json_array_size(groups) || json_object_size(extra)))
		return err_set(err, ERR_FORMAT, "user '%s': as-uid, as-groups and as-user-extra need \"as\"",
				user->name);
	if (!*as)
		return 0;
	if (add_header(config, "Impersonate-User", as, err) < 0 ||
			(*uid && add_header(config, "Impersonate-Uid", uid, err) < 0) ||
			add_headers(config, "Impersonate-Group", groups, err) < 0)
		return -1;
	return add_extra(config, extra, err);
}

/* ---- what a plugin may be told ---------------------------------------------------------------------------- */

static json_t *plugin_config(const json_t *cluster)
{
	size_t i = 0;
	json_t *extension = NULL;

	json_array_foreach (json_object_get(cluster, "extensions"), i, extension) {
		const char *name = json_text_at(extension, "name", NULL);
		if (name && !strcmp(name, EXEC_CONFIG))
			return json_object_get(extension, "extension");
	}
	return NULL;
}

static json_t *plugin_cluster(const struct kube_config *config, const json_t *cluster)
{
	static const char *const same[] = { "server", "tls-server-name", "insecure-skip-tls-verify",
		"proxy-url", "disable-compression", NULL };
	json_t *info = json_object();
	json_t *own = plugin_config(cluster);

	for (const char *const *key = same; *key; key++)
		if (json_object_get(cluster, *key))
			json_object_set(info, *key, json_object_get(cluster, *key));
	if (config->ca.len) {
		auto_buf struct buf text = BUF_MAX(2 * CONFIG_PEM_MAX);
		b64_encode(&text, buf_span(&config->ca));
		json_object_set_new(info, "certificate-authority-data", json_string(buf_text(&text)));
	}
	if (own)
		json_object_set(info, "config", own);
	return info;
}

static char **copy_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	char **copy = xcalloc(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = xstrdup(texts[i]);
	return copy;
}

/* ---- all of it -------------------------------------------------------------------------------------------- */

/* The names that the source or else the context gives. */
struct choice {
	const char *context;
	const char *cluster;
	const char *user;
	const char *namespace;
};

static int choose(const struct merge *merge, const struct kube_source *source, struct choice *out,
		struct err *err)
{
	struct entry context = { .name = "" };

	*out = (struct choice){ .context = source->context, .namespace = "default" };
	if (!out->context && current_context(merge, &out->context, err) < 0)
		return -1;
	if (out->context) {
		if (find_entry(merge, "contexts", "context", out->context, &context, err) < 0 ||
				json_opt_text(context.value, context.name, "cluster", &out->cluster, err) <
						0 ||
				json_opt_text(context.value, context.name, "user", &out->user, err) < 0 ||
				json_opt_text(context.value, context.name, "namespace", &out->namespace,
						err) < 0)
			return -1;
	}
	out->cluster = source->cluster ? source->cluster : out->cluster;
	out->user = source->user ? source->user : out->user;
	out->namespace = source->namespace ? source->namespace : *out->namespace ? out->namespace : "default";
	if (!out->cluster)
		return err_set(err, ERR_NOT_FOUND,
				"the kubeconfig chooses no cluster: it has no current-context; name a "
				"context");
	if (!name_is_label(span_of(out->namespace)))
		return err_set(err, ERR_FORMAT, "'%.80s' is not the name of a namespace", out->namespace);
	return 0;
}

static int build(struct kube_config *config, const struct merge *merge, const struct kube_source *source,
		struct err *err)
{
	struct entry cluster = { .name = "" }, user = { .name = "" };
	struct choice choice;

	if (choose(merge, source, &choice, err) < 0 ||
			find_entry(merge, "clusters", "cluster", choice.cluster, &cluster, err) < 0 ||
			read_cluster(config, &cluster, err) < 0)
		return -1;
	if (choice.user && *choice.user &&
			(find_entry(merge, "users", "user", choice.user, &user, err) < 0 ||
					read_credentials(config, &user, err) < 0 ||
					read_impersonation(config, &user, err) < 0))
		return -1;
	config->context = xstrdup(choice.context ? choice.context : choice.cluster);
	config->namespace = xstrdup(choice.namespace);
	config->interactive = source->interactive;
	config->environment = copy_texts(source->environment);
	if (config_read_files(config, err) < 0)
		return err_wrap(err, "kubeconfig context '%s'", config->context);
	if (config->exec)
		config->exec_cluster = plugin_cluster(config, cluster.value);
	return 0;
}

int kube_config_load(const struct kube_source *source, const struct clock *clock, struct kube_config **out,
		struct err *err)
{
	auto_kube_config struct kube_config *config = config_new(clock);
	auto_json json_t *files = json_array();
	struct merge merge = { .files = files };

	if (load_files(&merge, source->files, err) < 0 || build(config, &merge, source, err) < 0)
		return -1;
	*out = take(&config);
	return 0;
}
