/* SPDX-License-Identifier: Apache-2.0 */
#include "image/provider_own.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#define ARGS_MAX 256

/* ---- one provider -------------------------------------------------------------------------------------- */

int provider_name_check(const char *name, struct err *err)
{
	/* of the tables in which ocicrypt hands keys around */
	static const char *const taken[] = { "pubkeys", "x509s", "gpg-recipients", "gpg-pubkeyringfile",
		"pkcs11-pubkeys", "pkcs11-yamls", "pkcs11-config", "privkeys", "privkeys-passwords",
		"gpg-privatekeys", "gpg-privatekeys-passwords", NULL };

	if (!*name || strlen(name) > PROVIDER_NAME_MAX)
		return err_set(err, ERR_USAGE, "a key provider's name has 1 to %d bytes", PROVIDER_NAME_MAX);
	for (const char *at = name; *at; at++)
		if (*at <= ' ' || *at > '~' || *at == ':' || *at == ',' || *at == '"' || *at == '\\')
			return err_set(err, ERR_USAGE,
					"the key provider's name '%s' holds a character that has no place "
					"in a name",
					name);
	for (size_t i = 0; taken[i]; i++)
		if (!strcmp(name, taken[i]))
			return err_set(err, ERR_USAGE,
					"'%s' cannot be a key provider's name: that is the word for other "
					"keys",
					name);
	return 0;
}

static int read_cmd(const json_t *object, struct provider *out, struct err *err)
{
	json_t *cmd = NULL, *args = NULL, *arg = NULL;
	size_t i = 0;

	if (json_opt_object(object, "", "cmd", &cmd, err) < 0)
		return -1;
	if (!cmd)
		return 0;
	if (json_get_text(cmd, "cmd", "path", &out->program, err) < 0 ||
			json_opt_texts(cmd, "cmd", "args", ARGS_MAX, &args, err) < 0)
		return -1;
	if (!*out->program)
		return err_set(err, ERR_FORMAT, "cmd.path: is empty");
	out->argv = xcalloc(json_array_size(args) + 2, sizeof(*out->argv));
	out->argv[0] = out->program;
	json_array_foreach (args, i, arg)
		out->argv[i + 1] = json_string_value(arg);
	return 0;
}

/* An empty text says the same as none. */
static int opt_file(const json_t *object, const char *key, const char **out, struct err *err)
{
	if (json_opt_text(object, "grpc-tls", key, out, err) < 0)
		return -1;
	if (*out && !**out)
		*out = NULL;
	return 0;
}

static int read_grpc(const json_t *object, struct provider *out, struct err *err)
{
	json_t *tls = NULL;

	if (json_opt_text(object, "", "grpc", &out->grpc, err) < 0 ||
			json_opt_object(object, "", "grpc-tls", &tls, err) < 0)
		return -1;
	if (out->grpc && !*out->grpc)
		out->grpc = NULL;
	if (out->grpc && grpc_target_check(out->grpc, err) < 0)
		return err_wrap(err, "grpc");
	out->has_tls = tls != NULL;
	if (opt_file(tls, "root-ca-file", &out->tls.roots, err) < 0 ||
			opt_file(tls, "cert-file", &out->tls.cert, err) < 0 ||
			opt_file(tls, "key-file", &out->tls.key, err) < 0 ||
			opt_file(tls, "server-name", &out->tls.server_name, err) < 0)
		return -1;
	return json_opt_bool(tls, "grpc-tls", "insecure-skip-verify", &out->tls.insecure, err);
}

static int read_provider(const char *name, const json_t *object, struct provider *out, struct err *err)
{
	if (provider_name_check(name, err) < 0)
		return -1;
	if (!json_is_object(object))
		return err_set(err, ERR_FORMAT, "is no object");
	out->name = name;
	if (read_cmd(object, out, err) < 0 || read_grpc(object, out, err) < 0 ||
			json_opt_text(object, "", "ttrpc", &out->ttrpc, err) < 0)
		return -1;
	if (out->ttrpc && !*out->ttrpc)
		out->ttrpc = NULL;
	out->native = json_object_get(object, "native") != NULL;
	return 0;
}

int provider_check(const struct provider *provider, struct err *err)
{
	if (provider->program || provider->grpc || provider->ttrpc)
		return 0;
	return err_set(err, ERR_USAGE, "the key provider '%s' is configured %s: give it a cmd, grpc or ttrpc",
			provider->name,
			provider->native ? "as a library of Rust alone" : "without a way to reach it");
}

/* ---- the file ------------------------------------------------------------------------------------------ */

void provider_config_free(struct provider_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->count; i++)
		free(config->items[i].argv);
	free(config->items);
	json_decref(config->doc);
	free(config);
}

int provider_config_parse(struct span text, struct provider_config **out, struct err *err)
{
	auto_provider_config struct provider_config *config = xcalloc(1, sizeof(*config));
	json_t *providers = NULL, *object = NULL;
	const char *name = NULL;

	if (json_read(text, PROVIDER_CONFIG_MAX, &config->doc, err) < 0 ||
			json_get_object(config->doc, "", "key-providers", &providers, err) < 0)
		return -1;
	if (json_object_size(providers) > PROVIDERS_MAX)
		return err_set(err, ERR_LIMIT, "key-providers: has more than %d members", PROVIDERS_MAX);
	config->items = xcalloc(json_object_size(providers) + 1, sizeof(*config->items));
	json_object_foreach (providers, name, object)
		if (read_provider(name, object, &config->items[config->count++], err) < 0)
			return err_wrap(err, "key-providers.%s", name);
	*out = take(&config);
	return 0;
}

int provider_config_load(const char *path, struct provider_config **out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(PROVIDER_CONFIG_MAX);

	if (fs_read(path, &text, err) < 0)
		return err_wrap(err, "the key providers' configuration");
	if (provider_config_parse(buf_span(&text), out, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "the key providers' configuration '%s'", path);
	}
	return 0;
}

size_t provider_count(const struct provider_config *config)
{
	return config->count;
}

const struct provider *provider_at(const struct provider_config *config, size_t index)
{
	return &config->items[index];
}

const char *provider_name(const struct provider *provider)
{
	return provider->name;
}

const struct provider *provider_find(const struct provider_config *config, const char *name, struct err *err)
{
	auto_buf struct buf known = BUF_MAX(ERR_TEXT_MAX);

	for (size_t i = 0; i < config->count; i++) {
		if (!strcmp(config->items[i].name, name))
			return &config->items[i];
		buf_printf(&known, "%s%s", i ? ", " : "", config->items[i].name);
	}
	err_set(err, ERR_USAGE, "the key provider '%s' is not configured; %s%s", name,
			config->count ? "known are " : "none is", buf_text(&known));
	return NULL;
}
