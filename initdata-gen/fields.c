/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/fields.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata-gen/text.h"
#include "initdata/configs.h"
#include "initdata/document.h"

#include <string.h>

/* What was read from files; the configuration borrows from it. */
struct files {
	json_t *kbs_cert, *aa_toml, *cdh_toml, *image_policy, *sigstore_config, *policy;
	json_t *registry_config, *credentials, *extra_roots, *entries;
};

static void files_clear(struct files *files)
{
	json_decref(files->kbs_cert);
	json_decref(files->aa_toml);
	json_decref(files->cdh_toml);
	json_decref(files->image_policy);
	json_decref(files->sigstore_config);
	json_decref(files->policy);
	json_decref(files->registry_config);
	json_decref(files->credentials);
	json_decref(files->extra_roots);
	json_decref(files->entries);
}

static int read_texts(const struct fields *f, struct files *files, struct err *err)
{
	if (text_load_json(f->kbs_cert, &files->kbs_cert, err) < 0 ||
			text_load_json(f->aa_toml, &files->aa_toml, err) < 0 ||
			text_load_json(f->cdh_toml, &files->cdh_toml, err) < 0 ||
			text_load_json(f->image_policy, &files->image_policy, err) < 0 ||
			text_load_json(f->sigstore_config, &files->sigstore_config, err) < 0 ||
			text_load_json(f->policy, &files->policy, err) < 0)
		return -1;
	return 0;
}

static int read_registries(const struct fields *f, struct files *files, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX);

	if (!f->registry_config)
		return 0;
	if (text_load(f->registry_config, &text, err) < 0)
		return -1;
	if (toml_parse(buf_span(&text), INITDATA_TEXT_MAX, &files->registry_config, err) < 0)
		return err_wrap(err, "'%s'", f->registry_config);
	return 0;
}

static int read_lists(const struct fields *f, struct files *files, struct err *err)
{
	files->extra_roots = json_array();
	files->credentials = json_array();
	files->entries = json_object();
	for (size_t i = 0; i < f->extra_roots.count; i++) {
		json_t *pem;

		if (text_load_json(f->extra_roots.items[i], &pem, err) < 0)
			return -1;
		json_array_append_new(files->extra_roots, pem);
	}
	for (size_t i = 0; i < f->credentials.count; i++) {
		auto_free char *path = NULL;
		const char *uri;

		if (text_pair("credential", f->credentials.items[i], &path, &uri, err) < 0)
			return -1;
		json_array_append_new(files->credentials,
				json_pack("{s:s, s:s}", "path", path, "resource_uri", uri));
	}
	for (size_t i = 0; i < f->entries.count; i++) {
		auto_free char *key = NULL;
		const char *file;
		json_t *text;

		if (text_pair("entry", f->entries.items[i], &key, &file, err) < 0)
			return -1;
		if (json_object_get(files->entries, key))
			return err_set(err, ERR_USAGE, "--entry '%s' is given twice", key);
		if (text_load_json(file, &text, err) < 0)
			return -1;
		json_object_set_new(files->entries, key, text);
	}
	return 0;
}

static bool any_text(const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (texts[i])
			return true;
	return false;
}

bool fields_any(const struct fields *f)
{
	const char *const texts[] = { f->kbs_url, f->kbs_cert, f->log_level, f->tee_key_algorithm,
		f->coco_as_url, f->aa_toml, f->kbc_name, f->cdh_socket, f->aa_socket, f->cdh_toml,
		f->image_policy, f->image_policy_uri, f->sigstore_config, f->sigstore_config_uri,
		f->registry_credentials_uri, f->registry_config, f->registry_config_uri, f->https_proxy,
		f->http_proxy, f->no_proxy, f->work_dir, f->policy };

	return any_text(texts, sizeof(texts) / sizeof(texts[0])) || f->init_pcr >= 0 || f->eventlog ||
			f->credentials.count || f->skip_sealed_secret_verification || f->extra_roots.count ||
			f->max_layer_downloads || f->entries.count;
}

/* Errors of init-data name the member of its own struct; whoever called us knows the option. */
static void name_the_option(struct err *err)
{
	static const char *const others[][2] = {
		{ "coco_as_url", "attestation-service-url" },
		{ "credentials", "credential" },
		{ "extra_root_certificates", "extra-root" },
		{ "max_concurrent_layer_downloads", "max-layer-downloads" },
	};
	size_t len = strcspn(err->text, " [:");
	auto_free char *name = xmemdup0(err->text, len);
	auto_free char *rest = xstrdup(err->text + len);
	bool known = len > 0 && strchr(name, '_') && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == len;
	const char *option = name;

	for (char *p = name; *p; p++)
		*p = known && *p == '_' ? '-' : *p;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strlen(others[i][0]) == len && !strncmp(err->text, others[i][0], len)) {
			option = others[i][1];
			known = true;
		}
	}
	if (known)
		err_set(err, err->kind, "--%s%s", option, rest);
}

int fields_entries(const struct fields *f, json_t **data, struct err *err)
{
	__attribute__((cleanup(files_clear))) struct files files = { 0 };
	struct initdata_config config;

	if (read_texts(f, &files, err) < 0 || read_registries(f, &files, err) < 0 ||
			read_lists(f, &files, err) < 0)
		return -1;
	if (files.policy && !json_string_length(files.policy))
		return err_set(err, ERR_FORMAT, "'%s' is empty, which is no policy", f->policy);
	config = (struct initdata_config){
		.kbs_url = f->kbs_url,
		.kbs_cert = json_string_value(files.kbs_cert),
		.log_level = f->log_level,
		.tee_key_algorithm = f->tee_key_algorithm,
		.coco_as_url = f->coco_as_url,
		.eventlog = f->eventlog,
		.has_init_pcr = f->init_pcr >= 0,
		.init_pcr = f->init_pcr >= 0 ? (unsigned)f->init_pcr : 0,
		.aa_extra = json_string_value(files.aa_toml),
		.cdh_socket = f->cdh_socket,
		.aa_socket = f->aa_socket,
		.kbc_name = f->kbc_name,
		.credentials = files.credentials,
		.skip_sealed_secret_verification = f->skip_sealed_secret_verification,
		.image_policy_uri = f->image_policy_uri,
		.image_policy = json_string_value(files.image_policy),
		.sigstore_config_uri = f->sigstore_config_uri,
		.sigstore_config = json_string_value(files.sigstore_config),
		.registry_credentials_uri = f->registry_credentials_uri,
		.registry_config_uri = f->registry_config_uri,
		.registry_config = files.registry_config,
		.extra_root_certificates = files.extra_roots,
		.https_proxy = f->https_proxy,
		.http_proxy = f->http_proxy,
		.no_proxy = f->no_proxy,
		.max_concurrent_layer_downloads = (unsigned)f->max_layer_downloads,
		.work_dir = f->work_dir,
		.cdh_extra = json_string_value(files.cdh_toml),
	};
	if (initdata_entries(&config, json_string_value(files.policy), files.entries, data, err) == 0)
		return 0;
	if (err)
		name_the_option(err);
	return -1;
}
