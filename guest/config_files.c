/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/config_own.h"

#include "base/err.h"
#include "codec/json.h"

#include <string.h>

#define PCR_MAX 23

/* A value that both files may give, because both of their daemons talk to the same broker. */
static int agree(char **slot, const char *text, const char *member, struct err *err)
{
	if (*slot && strcmp(*slot, text) != 0)
		return err_set(err, ERR_USAGE,
				"%s: says '%.100s', but cdh.toml says '%.100s': one client serves both",
				member, text, *slot);
	config_set(slot, text);
	return 0;
}

static int read_broker(struct config *config, const json_t *table, const char *path, const char *cert_key,
		struct err *err)
{
	char url[1024], member[64];
	const char *given = NULL, *cert = NULL;

	if (json_opt_text(table, path, "url", &given, err) < 0 ||
			json_opt_text(table, path, cert_key, &cert, err) < 0)
		return -1;
	struct span base = span_of(given);
	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	if (base.len >= sizeof(url))
		return err_set(err, ERR_LIMIT, "%s.url: is longer than %zu bytes", path, sizeof(url) - 1);
	snprintf(url, sizeof(url), "%.*s", SPAN_ARG(base));
	snprintf(member, sizeof(member), "%s.url", path);
	if (url[0] && agree(&config->kbs_url, url, member, err) < 0)
		return -1;
	snprintf(member, sizeof(member), "%s.%s", path, cert_key);
	return cert && *cert ? agree(&config->kbs_cert, cert, member, err) : 0;
}

static int read_log(struct config *config, const json_t *doc, struct err *err)
{
	json_t *table = NULL;
	const char *level = NULL;

	if (json_opt_object(doc, "", "log", &table, err) < 0 ||
			json_opt_text(table, "log", "level", &level, err) < 0)
		return -1;
	if (level)
		config_set(&config->log_level, level);
	return 0;
}

static int read_tokens(struct config *config, const json_t *doc, struct err *err)
{
	json_t *tables = NULL, *kbs = NULL, *coco_as = NULL;
	const char *key = NULL, *url = NULL;

	if (json_opt_object(doc, "", "token_configs", &tables, err) < 0 ||
			json_opt_object(tables, "token_configs", "kbs", &kbs, err) < 0 ||
			json_opt_object(tables, "token_configs", "coco_as", &coco_as, err) < 0 ||
			json_opt_text(kbs, "token_configs.kbs", "tee_key_algorithm", &key, err) < 0 ||
			json_opt_text(coco_as, "token_configs.coco_as", "url", &url, err) < 0)
		return -1;
	if (key && kbs_key_find(span_of(key), &config->kbs_key, err) < 0)
		return err_wrap(err, "token_configs.kbs.tee_key_algorithm");
	if (url)
		config_set(&config->coco_as_url, url);
	return kbs ? read_broker(config, kbs, "token_configs.kbs", "cert", err) : 0;
}

int config_read_aa(struct config_load *load, const json_t *doc, struct err *err)
{
	struct config *config = load->config;
	json_t *eventlog = NULL;
	int64_t pcr = config->init_pcr;

	if (read_tokens(config, doc, err) < 0 ||
			json_opt_object(doc, "", "eventlog_config", &eventlog, err) < 0 ||
			json_opt_bool(eventlog, "eventlog_config", "enable_eventlog", &config->eventlog,
					err) < 0 ||
			json_opt_int(eventlog, "eventlog_config", "init_pcr", 0, PCR_MAX, &pcr, err) < 0 ||
			read_log(config, doc, err) < 0)
		return -1;
	config->init_pcr = (unsigned)pcr;
	return 0;
}

/* ---- cdh.toml ------------------------------------------------------------------------------------------ */

static int read_kbc(struct config_load *load, const json_t *doc, struct err *err)
{
	json_t *table = NULL;
	const char *name = NULL;

	if (json_get_object(doc, "", "kbc", &table, err) < 0 ||
			json_get_text(table, "kbc", "name", &name, err) < 0)
		return -1;
	if (!strcmp(name, "cc_kbc"))
		load->config->kbc = CONFIG_CC_KBC;
	else if (!strcmp(name, "offline_fs_kbc"))
		load->config->kbc = CONFIG_OFFLINE_FS_KBC;
	else
		return err_set(err, ERR_FORMAT, "kbc.name: unknown kbc name '%.100s'", name);
	load->kbc_from = "cdh.toml";
	/* offline, a URL is a remark */
	return load->config->kbc == CONFIG_CC_KBC ? read_broker(load->config, table, "kbc", "kbs_cert", err)
						  : 0;
}

static int read_credentials(struct config *config, const json_t *doc, struct err *err)
{
	json_t *list = NULL;
	const json_t *item = NULL;
	size_t i = 0;

	if (json_opt_array(doc, "", "credentials", CONFIG_CREDENTIALS_MAX, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, item) {
		const char *path = NULL, *uri = NULL;
		if (json_get_text(item, "credentials[]", "path", &path, err) < 0 ||
				json_get_text(item, "credentials[]", "resource_uri", &uri, err) < 0 ||
				config_add_credential(config, span_of(path), span_of(uri), err) < 0)
			return -1;
	}
	return 0;
}

static int read_skip(const struct config_load *load, const json_t *doc, struct err *err)
{
	struct config *config = load->config;

	if (json_opt_bool(doc, "", "skip_sealed_secret_verification", &config->skip_verification, err) < 0)
		return -1;
	if (config->skip_verification && !(load->has_entry && config->initdata_bound))
		return err_set(err, ERR_USAGE,
				"skip_sealed_secret_verification counts only inside of an init-data document "
				"whose digest the hardware confirms; here nobody vouches for it");
	return 0;
}

int config_read_cdh(struct config_load *load, const json_t *doc, struct err *err)
{
	struct config *config = load->config;
	const char *socket = NULL, *aa_socket = NULL;
	json_t *aa = NULL;

	if (read_kbc(load, doc, err) < 0 || read_credentials(config, doc, err) < 0 ||
			read_skip(load, doc, err) < 0 || read_log(config, doc, err) < 0 ||
			json_opt_text(doc, "", "socket", &socket, err) < 0 ||
			json_opt_object(doc, "", "aa", &aa, err) < 0 ||
			json_opt_text(aa, "aa", "aa_socket", &aa_socket, err) < 0)
		return -1;
	config_set(&config->cdh_socket, socket);
	config_set(&config->aa_socket, aa_socket);
	return 0;
}
