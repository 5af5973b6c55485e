/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/configs.h"

#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata/document.h"
#include "initdata/value.h"

#include <stddef.h>
#include <string.h>

#define PATH_LEN_MAX 512

/* A text of the struct, where it goes, and what it must be. */
struct field {
	const char *name; /* for messages: the member's */
	size_t at;
	const char *path;
	value_check check;
};

#define FIELD(member, place, judge)                                                               \
	{                                                                                         \
		.name = #member, .at = offsetof(struct initdata_config, member), .path = (place), \
		.check = (judge)                                                                  \
	}

static const struct field aa_fields[] = {
	FIELD(kbs_url, "token_configs.kbs.url", value_kbs_url),
	FIELD(kbs_cert, "token_configs.kbs.cert", value_certificates),
	FIELD(tee_key_algorithm, "token_configs.kbs.tee_key_algorithm", value_key_algorithm),
	FIELD(coco_as_url, "token_configs.coco_as.url", value_url),
	FIELD(log_level, "log.level", value_log_level),
	{ .name = NULL },
};

static const struct field cdh_fields[] = {
	FIELD(cdh_socket, "socket", value_socket),
	FIELD(kbc_name, "kbc.name", value_kbc_name),
	FIELD(kbs_url, "kbc.url", value_kbs_url),
	FIELD(kbs_cert, "kbc.kbs_cert", value_certificates),
	FIELD(aa_socket, "aa.aa_socket", value_socket),
	FIELD(work_dir, "image.work_dir", value_path),
	FIELD(image_policy_uri, "image.image_security_policy_uri", value_location),
	FIELD(image_policy, "image.image_security_policy", value_image_policy),
	FIELD(sigstore_config_uri, "image.sigstore_config_uri", value_location),
	FIELD(sigstore_config, "image.sigstore_config", value_text),
	FIELD(registry_credentials_uri, "image.authenticated_registry_credentials_uri", value_location),
	FIELD(registry_config_uri, "image.registry_configuration_uri", value_location),
	FIELD(https_proxy, "image.image_pull_proxy.https_proxy", value_url),
	FIELD(http_proxy, "image.image_pull_proxy.http_proxy", value_url),
	FIELD(no_proxy, "image.image_pull_proxy.no_proxy", value_line),
	FIELD(log_level, "log.level", value_log_level),
	{ .name = NULL },
};

static const char *field_text(const struct initdata_config *config, const struct field *field)
{
	return *(const char *const *)(const void *)((const char *)config + field->at);
}

/* ---- trees ---- */

/* Sets the member at a dotted path; tables on the way are made. */
static void put(json_t *tree, const char *path, json_t *value)
{
	struct span rest = span_of(path), part;

	while (span_next(&rest, '.', &part)) {
		json_t *table = json_object_getn(tree, part.ptr, part.len);

		if (rest.len == 0) {
			json_object_setn_new(tree, part.ptr, part.len, value);
			return;
		}
		if (!table) {
			table = json_object();
			json_object_setn_new(tree, part.ptr, part.len, table);
		}
		tree = table;
	}
}

static int put_fields(json_t *tree, const struct initdata_config *config, const struct field *field,
		struct err *err)
{
	struct err why = ERR_NONE;

	for (; field->name; field++) {
		struct span text = span_of(field_text(config, field));

		if (!text.ptr)
			continue;
		if (!span_is_utf8(text))
			return err_set(err, ERR_USAGE, "%s is no UTF-8", field->name);
		if (field->check(text, &why) < 0)
			return err_set(err, ERR_USAGE, "%s %s", field->name, why.text);
		put(tree, field->path, json_stringn(text.ptr, text.len));
	}
	return 0;
}

static int merge(json_t *tree, const char *where, json_t *extra, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (extra, key, value) {
		json_t *old = json_object_get(tree, key);
		char path[PATH_LEN_MAX];

		snprintf(path, sizeof(path), "%s%s%s", where, *where ? "." : "", key);
		if (!old) {
			json_object_set(tree, key, value);
		} else if (json_is_object(old) && json_is_object(value)) {
			if (merge(old, path, value, err) < 0)
				return -1;
		} else {
			return err_set(err, ERR_CONFLICT,
					"'%s' is set by a field of its own already: set it in one place",
					path);
		}
	}
	return 0;
}

static int merge_text(json_t *tree, const char *file, const char *text, struct err *err)
{
	auto_json json_t *extra = NULL;

	if (!text)
		return 0;
	if (toml_parse(span_of(text), INITDATA_TEXT_MAX, &extra, err) < 0 || merge(tree, "", extra, err) < 0)
		return err_wrap(err, "the text to merge into %s", file);
	return 0;
}

typedef void check_file(struct span toml, json_t *findings);

/* Writes the tree and judges what was written, as the guest will see it. */
static int write_file(
		const json_t *tree, const char *file, check_file *check, struct buf *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	auto_json json_t *findings = json_array();

	if (toml_write(&text, tree, err) < 0)
		return err_wrap(err, "writing %s", file);
	if (buf_check(&text, file, err) < 0)
		return -1;
	check(buf_span(&text), findings);
	if (initdata_findings_err(findings, err) < 0)
		return -1;
	buf_add_span(out, buf_span(&text));
	return buf_check(out, file, err);
}

/* ---- aa.toml ---- */

static bool any_field(const struct initdata_config *config, const struct field *field)
{
	for (; field->name; field++)
		if (field_text(config, field))
			return true;
	return false;
}

bool initdata_has_aa(const struct initdata_config *config)
{
	return any_field(config, aa_fields) || config->eventlog || config->has_init_pcr || config->aa_extra;
}

int initdata_aa_toml(const struct initdata_config *config, struct buf *out, struct err *err)
{
	auto_json json_t *tree = json_object();

	if (put_fields(tree, config, aa_fields, err) < 0)
		return -1;
	if (config->has_init_pcr && config->init_pcr > 23)
		return err_set(err, ERR_USAGE, "init_pcr must be between 0 and 23");
	if (config->has_init_pcr)
		put(tree, "eventlog_config.init_pcr", json_integer(config->init_pcr));
	if (config->eventlog)
		put(tree, "eventlog_config.enable_eventlog", json_true());
	if (merge_text(tree, INITDATA_AA, config->aa_extra, err) < 0)
		return -1;
	return write_file(tree, INITDATA_AA, initdata_check_aa, out, err);
}

/* ---- cdh.toml ---- */

/* A log level alone is for the attestation-agent: it is no reason to configure where resources come from. */
bool initdata_has_cdh(const struct initdata_config *config)
{
	struct initdata_config own = *config;

	own.log_level = NULL;
	return any_field(&own, cdh_fields) || json_array_size(own.credentials) || own.registry_config ||
			json_array_size(own.extra_root_certificates) || own.skip_sealed_secret_verification ||
			own.max_concurrent_layer_downloads || own.cdh_extra;
}

static int put_credentials(json_t *tree, const json_t *credentials, struct err *err)
{
	auto_json json_t *list = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach (credentials, i, item) {
		const char *path = json_text_at(item, "path", NULL);
		const char *uri = json_text_at(item, "resource_uri", NULL);
		struct err why = ERR_NONE;

		if (!path || !uri)
			return err_set(err, ERR_USAGE, "credentials[%zu] must have path and resource_uri", i);
		if (value_credential_path(span_of(path), &why) < 0)
			return err_set(err, ERR_USAGE, "credentials[%zu].path %s", i, why.text);
		if (value_kbs_uri(span_of(uri), &why) < 0)
			return err_set(err, ERR_USAGE, "credentials[%zu].resource_uri %s", i, why.text);
		json_array_append_new(list, json_pack("{s:s, s:s}", "path", path, "resource_uri", uri));
	}
	if (json_array_size(list))
		put(tree, "credentials", json_incref(list));
	return 0;
}

static int put_roots(json_t *tree, const json_t *roots, struct err *err)
{
	struct err why = ERR_NONE;
	const json_t *root;
	size_t i;

	json_array_foreach (roots, i, root)
		if (value_certificates(span_of(json_string_value(root)), &why) < 0)
			return err_set(err, ERR_USAGE, "extra_root_certificates[%zu] %s", i, why.text);
	if (json_array_size(roots))
		put(tree, "image.extra_root_certificates", json_deep_copy(roots));
	return 0;
}

/* Two ways to say one thing: the guest would drop one of them without a word. */
static int check_pairs(const struct initdata_config *config, struct err *err)
{
	if (config->image_policy_uri && config->image_policy)
		return err_set(err, ERR_USAGE,
				"image_policy_uri and image_policy exclude each other: the guest ignores the "
				"second");
	if (config->sigstore_config_uri && config->sigstore_config)
		return err_set(err, ERR_USAGE,
				"sigstore_config_uri and sigstore_config exclude each other: the guest "
				"ignores the second");
	if (config->registry_config_uri && config->registry_config)
		return err_set(err, ERR_USAGE,
				"registry_config_uri and registry_config exclude each other: the guest "
				"ignores the first");
	if (config->registry_config && !json_is_object(config->registry_config))
		return err_set(err, ERR_USAGE, "registry_config must be a table");
	return 0;
}

/* What the guest requires, and the empty [image] that keeps the host's kernel command line out. */
static void put_defaults(json_t *tree)
{
	const char *url = json_text_at(tree, "kbc", "url", NULL);
	const json_t *kbc = json_object_get(tree, "kbc");

	if ((!kbc || json_is_object(kbc)) && !json_object_get(kbc, "name"))
		put(tree, "kbc.name", json_string(url ? "cc_kbc" : "offline_fs_kbc"));
	if (!json_object_get(tree, "image"))
		json_object_set_new(tree, "image", json_object());
}

int initdata_cdh_toml(const struct initdata_config *config, struct buf *out, struct err *err)
{
	auto_json json_t *tree = json_object();

	if (check_pairs(config, err) < 0 || put_fields(tree, config, cdh_fields, err) < 0 ||
			put_credentials(tree, config->credentials, err) < 0 ||
			put_roots(tree, config->extra_root_certificates, err) < 0)
		return -1;
	if (config->kbc_name && strcmp(config->kbc_name, "cc_kbc") == 0 && !config->kbs_url &&
			!config->cdh_extra)
		return err_set(err, ERR_USAGE, "kbc_name cc_kbc needs kbs_url");
	if (config->registry_config)
		put(tree, "image.registry_config", json_deep_copy(config->registry_config));
	if (config->max_concurrent_layer_downloads)
		put(tree, "image.max_concurrent_layer_downloads_per_image",
				json_integer(config->max_concurrent_layer_downloads));
	if (config->skip_sealed_secret_verification)
		put(tree, "skip_sealed_secret_verification", json_true());
	if (merge_text(tree, INITDATA_CDH, config->cdh_extra, err) < 0)
		return -1;
	put_defaults(tree);
	return write_file(tree, INITDATA_CDH, initdata_check_cdh, out, err);
}

/* ---- all entries ---- */

static int add_entry(json_t *data, const char *key, struct span text, struct err *err)
{
	if (json_object_get(data, key))
		return err_set(err, ERR_CONFLICT, "entry '%s' is given twice", key);
	if (!span_is_utf8(text))
		return err_set(err, ERR_FORMAT, "entry '%s' is no UTF-8", key);
	json_object_set_new(data, key, json_stringn(text.len ? text.ptr : "", text.len));
	return 0;
}

static int add_files(json_t *data, const struct initdata_config *config, struct err *err)
{
	auto_buf struct buf aa = BUF_MAX(INITDATA_TEXT_MAX);
	auto_buf struct buf cdh = BUF_MAX(INITDATA_TEXT_MAX);

	if (initdata_has_aa(config) &&
			(initdata_aa_toml(config, &aa, err) < 0 ||
					add_entry(data, INITDATA_AA, buf_span(&aa), err) < 0))
		return -1;
	if (initdata_has_cdh(config) &&
			(initdata_cdh_toml(config, &cdh, err) < 0 ||
					add_entry(data, INITDATA_CDH, buf_span(&cdh), err) < 0))
		return -1;
	return 0;
}

int initdata_entries(const struct initdata_config *config, const char *policy, const json_t *entries,
		json_t **data, struct err *err)
{
	auto_json json_t *all = json_object();
	json_t *others = (json_t *)(uintptr_t)entries, *value;
	const char *key;

	if (add_files(all, config, err) < 0)
		return -1;
	if (policy && *policy && add_entry(all, INITDATA_POLICY, span_of(policy), err) < 0)
		return -1;
	json_object_foreach (others, key, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT, "entry '%s' is no text", key);
		if (add_entry(all, key, span_new(json_string_value(value), json_string_length(value)), err) <
				0)
			return -1;
	}
	*data = take(&all);
	return 0;
}
