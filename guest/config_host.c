/* SPDX-License-Identifier: Apache-2.0 */
/* What the host says: the kernel's command line and the environment. */
#include "guest/config_own.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "initdata/kparams.h"
#include "initdata/value.h"

#include <string.h>

/* "<kbc name>::<uri>", exactly two parts */
static int read_params(struct config_load *load, struct span text, const char *from, struct err *err)
{
	size_t at = 0;

	while (at + 1 < text.len && memcmp(text.ptr + at, "::", 2) != 0)
		at++;
	struct span name = span_new(text.ptr, at), url = span_from(text, at + 2);
	for (size_t i = 0; i + 1 < url.len; i++)
		if (!memcmp(url.ptr + i, "::", 2))
			at = text.len;
	if (at + 1 >= text.len)
		return err_set(err, ERR_FORMAT,
				"illegal aa_kbc_params format: '%.*s' in %s must be NAME::URL",
				SPAN_ARG(text), from);
	if (span_is(name, "offline_fs_kbc")) {
		load->config->kbc = CONFIG_OFFLINE_FS_KBC;
	} else if (span_is(name, "cc_kbc")) {
		auto_free char *value = xmemdup0(url.ptr, url.len);
		while (*value && value[strlen(value) - 1] == '/')
			value[strlen(value) - 1] = '\0';
		if (value_kbs_url(span_of(value), err) < 0)
			return err_wrap(err, "aa_kbc_params in %s", from);
		if (load->config->kbs_url && strcmp(load->config->kbs_url, value) != 0)
			return err_set(err, ERR_USAGE,
					"aa_kbc_params in %s says '%s', but aa.toml says '%s': one client "
					"serves both",
					from, value, load->config->kbs_url);
		load->config->kbc = CONFIG_CC_KBC;
		config_set(&load->config->kbs_url, value);
	} else {
		return err_set(err, ERR_FORMAT, "aa_kbc_params in %s: unknown kbc name '%.*s'", from,
				SPAN_ARG(name));
	}
	load->kbc_from = from;
	return 0;
}

/* "<uri>::<path>,<uri>::<path>"; items without "::" are passed over, as guests do it */
static int read_resources(struct config *config, struct span list, struct err *err)
{
	struct span item = SPAN_NONE;

	while (span_next(&list, ',', &item)) {
		size_t at = 0;
		while (at + 1 < item.len && memcmp(item.ptr + at, "::", 2) != 0)
			at++;
		if (at + 1 >= item.len)
			continue;
		if (config_add_credential(config, span_from(item, at + 2), span_new(item.ptr, at), err) < 0)
			return err_wrap(err, "cdh.kbs_resources of the kernel command line");
	}
	return 0;
}

static int read_procs(struct config *config, struct span word, struct err *err)
{
	static const char *const words[] = { "none", "attestation-agent", "confidential-data-hub",
		"api-server-rest" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!span_is(word, words[i]))
			continue;
		config->procs = (enum config_procs)i;
		return 0;
	}
	return err_set(err, ERR_FORMAT, "agent.guest_components_procs of the kernel command line: '%.*s'",
			SPAN_ARG(word));
}

static int read_features(struct config *config, struct span word, struct err *err)
{
	if (!span_is(word, "resource") && !span_is(word, "attestation") && !span_is(word, "all"))
		return err_set(err, ERR_FORMAT,
				"agent.guest_components_rest_api of the kernel command line: '%.*s' is none "
				"of "
				"resource, attestation, all",
				SPAN_ARG(word));
	free(config->rest_features);
	config->rest_features = xmemdup0(word.ptr, word.len);
	return 0;
}

int config_read_cmdline(struct config_load *load, struct err *err)
{
	auto_kparams struct kparams list = KPARAMS_NONE;
	bool has_resources = false, has_params = load->kbc_from != NULL;

	if (kparams_parse(span_of(load->sources->cmdline), &list, err) < 0)
		return err_wrap(err, "the kernel command line");
	for (size_t i = 0; i < list.count; i++) {
		struct span key = list.items[i].key, value = list.items[i].value;
		int result = 0;
		if (span_is(key, "agent.aa_kbc_params") && !has_params) {
			has_params = true;
			result = read_params(load, value, "the kernel command line", err);
		} else if (span_is(key, "cdh.kbs_resources") && !has_resources) {
			has_resources = true;
			result = read_resources(load->config, value, err);
		} else if (span_is(key, "agent.guest_components_rest_api")) {
			result = read_features(load->config, value, err);
		} else if (span_is(key, "agent.guest_components_procs")) {
			result = read_procs(load->config, value, err);
		}
		if (result < 0)
			return -1;
	}
	return 0;
}

/* ---- environment --------------------------------------------------------------------------------------- */

static const char *find(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, len) && (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

static int conflict(const char *name, const char *given, const char *from, const char *ours, struct err *err)
{
	return err_set(err, ERR_USAGE,
			"%s in the environment is '%.200s', but %s says '%.200s': unset it, or correct one "
			"of "
			"them",
			name, given, from, ours);
}

static int check_params(struct config_load *load, const char *given, struct err *err)
{
	const struct config *config = load->config;
	bool offline = config->kbc == CONFIG_OFFLINE_FS_KBC;

	if (!load->kbc_from)
		return read_params(load, span_of(given), "the environment (AA_KBC_PARAMS)", err);
	if (offline && span_starts(span_of(given), "offline_fs_kbc::"))
		return 0;
	auto_free char *ours = xasprintf("%s::%s", offline ? "offline_fs_kbc" : "cc_kbc",
			offline || !config->kbs_url ? "null" : config->kbs_url);
	struct span text = span_of(given);
	while (text.len && text.ptr[text.len - 1] == '/')
		text.len--;
	return span_is(text, ours) ? 0 : conflict("AA_KBC_PARAMS", given, load->kbc_from, ours, err);
}

int config_read_environment(struct config_load *load, struct err *err)
{
	const char *const *environment = load->sources->environment;
	struct config *config = load->config;
	const char *params = find(environment, "AA_KBC_PARAMS"), *socket = find(environment, "AA_SOCKET");
	const char *cert = find(environment, "KBS_CERT");
	const char *skip = find(environment, "SKIP_SEALED_SECRET_VERIFICATION");

	if (params && check_params(load, params, err) < 0)
		return -1;
	if (socket && config->aa_socket && strcmp(socket, config->aa_socket) != 0)
		return conflict("AA_SOCKET", socket, "cdh.toml", config->aa_socket, err);
	if (cert && config->kbs_url && (!config->kbs_cert || strcmp(cert, config->kbs_cert) != 0))
		return conflict("KBS_CERT", cert, "the configuration",
				config->kbs_cert ? config->kbs_cert : "nothing", err);
	if (skip && !strcmp(skip, "true") && !config->skip_verification)
		return conflict("SKIP_SEALED_SECRET_VERIFICATION", skip, "the configuration", "false", err);
	config_set(&config->offline_files, find(environment, "OFFLINE_FS_KBC_EXTRA_FILE_PATH"));
	return 0;
}
