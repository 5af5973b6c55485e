/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/config_own.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata/check.h"
#include "initdata/document.h"
#include "tee/attester.h"

#include <stdlib.h>
#include <string.h>

void config_clear(struct config *config)
{
	for (size_t i = 0; i < config->credential_count; i++) {
		free(config->credentials[i].path);
		free(config->credentials[i].uri);
	}
	free(config->credentials);
	free(config->kbs_url);
	free(config->kbs_cert);
	free(config->coco_as_url);
	free(config->log_level);
	free(config->rest_features);
	free(config->offline_files);
	free(config->initdata);
	free(config->aa_socket);
	free(config->cdh_socket);
	*config = (struct config)CONFIG_NONE;
}

void config_set(char **slot, const char *text)
{
	char *copy = text ? xstrdup(text) : NULL;

	free(*slot);
	*slot = copy;
}

int config_add_credential(struct config *config, struct span path, struct span uri, struct err *err)
{
	for (size_t i = 0; i < config->credential_count; i++) {
		const struct config_credential *other = &config->credentials[i];
		if (!span_is(path, other->path))
			continue;
		/* the host, whose command line comes later, would take the file over */
		return span_is(uri, other->uri)
				? 0
				: err_set(err, ERR_USAGE, "'%s' is to hold two resources: %s and %.*s",
						  other->path, other->uri, SPAN_ARG(uri));
	}
	if (config->credential_count == CONFIG_CREDENTIALS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d credentials", CONFIG_CREDENTIALS_MAX);
	config->credentials = xreallocarray(
			config->credentials, config->credential_count + 1, sizeof(*config->credentials));
	config->credentials[config->credential_count++] =
			(struct config_credential){ .path = xmemdup0(path.ptr, path.len),
				.uri = xmemdup0(uri.ptr, uri.len) };
	return 0;
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* JSON becomes the TOML that says the same, so that there is one way to judge a file. */
static int to_toml(struct buf *text, struct err *err)
{
	auto_json json_t *doc = NULL;
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);

	if (json_read(buf_span(text), INITDATA_TEXT_MAX, &doc, err) < 0)
		return -1;
	if (!json_is_object(doc))
		return err_set(err, ERR_FORMAT, "is no JSON object");
	if (toml_write(&toml, doc, err) < 0)
		return -1;
	buf_clear(text);
	*text = toml;
	buf_init(&toml, 0);
	return 0;
}

/* The text of a file; of a document's entry where there is one. *found is false where there is neither. */
static int find_text(const json_t *entries, const char *entry, const char *file, struct buf *out, bool *found,
		struct err *err)
{
	const json_t *given = json_object_get(entries, entry);

	*found = given || file;
	if (file &&
			(fs_read(file, out, err) < 0 ||
					(span_ends(span_of(file), ".json") && to_toml(out, err) < 0)))
		return err_wrap(err, "'%s'", file);
	if (!given)
		return 0;
	struct span text = span_new(json_string_value(given), json_string_length(given));
	if (file && !span_eq(text, buf_span(out)))
		return err_set(err, ERR_USAGE,
				"'%s' is not the %s of the init-data document: leave the file out, since "
				"the document is what the hardware attests",
				file, entry);
	buf_reset(out);
	buf_add_span(out, text);
	return 0;
}

/* Errors are ours, too; warnings go to the log. */
static int judge(void (*check)(struct span, json_t *), struct span text, struct err *err)
{
	auto_json json_t *findings = json_array();
	const json_t *finding = NULL;
	size_t i = 0;

	check(text, findings);
	json_array_foreach (findings, i, finding) {
		if (strcmp(json_text_at(finding, "severity", NULL), "warning") != 0)
			continue;
		log_warn("the configuration says something in vain", "file",
				json_text_at(finding, "file", NULL), "member",
				json_text_at(finding, "path", NULL), "why",
				json_text_at(finding, "text", NULL), NULL);
	}
	return initdata_findings_err(findings, err);
}

static int load_file(struct config_load *load, const json_t *entries, const char *entry, struct err *err)
{
	bool is_aa = !strcmp(entry, INITDATA_AA), found = false;
	const char *file = is_aa ? load->sources->aa_file : load->sources->cdh_file;
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	auto_json json_t *doc = NULL;

	if (find_text(entries, entry, file, &text, &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (judge(is_aa ? initdata_check_aa : initdata_check_cdh, buf_span(&text), err) < 0 ||
			toml_parse(buf_span(&text), INITDATA_TEXT_MAX, &doc, err) < 0)
		return file ? err_wrap(err, "'%s'", file) : err_wrap(err, "the init-data document");
	load->has_entry = json_object_get(entries, entry) != NULL;
	if ((is_aa ? config_read_aa : config_read_cdh)(load, doc, err) < 0)
		return err_wrap(err, "%s", file ? file : entry);
	return 0;
}

/* ---- init-data ----------------------------------------------------------------------------------------- */

/* It is well-formed and says which hash; nothing else counts of it before the hardware was asked, where it can be. */
static int load_document(
		struct config_load *load, struct attester *attester, json_t **entries, struct err *err)
{
	struct config *config = load->config;
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (!load->sources->initdata_file)
		return 0;
	if (fs_read(load->sources->initdata_file, &text, err) < 0 ||
			initdata_parse(buf_span(&text), &doc, err) < 0)
		return err_wrap(err, "the init-data document '%s'", load->sources->initdata_file);
	digest_bytes(doc.alg, buf_span(&text), config->initdata_digest);
	if (attester_check_initdata(
			    attester, doc.alg, config->initdata_digest, &config->initdata_bound, err) < 0)
		return err_wrap(err, "the init-data document '%s'", load->sources->initdata_file);
	config->initdata_alg = doc.alg;
	config->initdata = buf_take(&text);
	*entries = json_incref(doc.data);
	return 0;
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static int check(const struct config *config, struct err *err)
{
	if (config->kbc == CONFIG_CC_KBC && !config->kbs_url)
		return err_set(err, ERR_USAGE,
				"cc_kbc needs a key broker: kbc.url of cdh.toml or token_configs.kbs.url of "
				"aa.toml");
	return 0;
}

static int load_all(struct config_load *load, struct attester *attester, struct err *err)
{
	auto_json json_t *entries = NULL;

	config_set(&load->config->rest_features, "resource");
	config_set(&load->config->log_level, "info");
	load->config->procs = CONFIG_REST;
	load->config->init_pcr = 17;
	load->config->kbc = CONFIG_OFFLINE_FS_KBC;
	if (load_document(load, attester, &entries, err) < 0 ||
			load_file(load, entries, INITDATA_CDH, err) < 0 ||
			load_file(load, entries, INITDATA_AA, err) < 0 ||
			config_read_cmdline(load, err) < 0 || config_read_environment(load, err) < 0)
		return -1;
	return check(load->config, err);
}

int config_load(const struct config_sources *sources, struct attester *attester, struct config *out,
		struct err *err)
{
	auto_config struct config config = CONFIG_NONE;
	struct config_load load = { .sources = sources, .config = &config };

	if (load_all(&load, attester, err) < 0)
		return -1;
	config_clear(out);
	*out = config;
	config = (struct config)CONFIG_NONE;
	return 0;
}
