/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/exec.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "base/run.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_MAX    256
#define EXEC_INFO   "KUBERNETES_EXEC_INFO"
#define API_V1      "client.authentication.k8s.io/v1"
#define API_V1BETA1 "client.authentication.k8s.io/v1beta1"

/* The user's "exec" object, read. */
struct plugin {
	const char *api;
	const char *command;
	const char *mode;
	const char *hint;
	bool wants_cluster;
	json_t *args;
	json_t *env;
};

void exec_credential_clear(struct exec_credential *credential)
{
	secret_clear(&credential->token);
	secret_clear(&credential->key);
	free(credential->cert);
	*credential = (struct exec_credential)EXEC_CREDENTIAL_NONE;
}

/* ---- the "exec" object ----------------------------------------------------------------------------------- */

static int check_env(const json_t *env, struct err *err)
{
	const char *name = NULL, *value = NULL;
	size_t i = 0;
	json_t *entry = NULL;

	json_array_foreach (env, i, entry) {
		if (json_get_text(entry, "exec.env[]", "name", &name, err) < 0 ||
				json_get_text(entry, "exec.env[]", "value", &value, err) < 0)
			return -1;
		if (!*name || strchr(name, '='))
			return err_set(err, ERR_FORMAT, "exec.env[%zu].name: '%.40s' cannot name a variable",
					i, name);
	}
	return 0;
}

static int check_mode(struct plugin *plugin, struct err *err)
{
	if (strcmp(plugin->api, API_V1) != 0 && strcmp(plugin->api, API_V1BETA1) != 0)
		return err_set(err, ERR_FORMAT, "exec.apiVersion: '%.80s' is not " API_V1 " or " API_V1BETA1,
				plugin->api);
	if (!plugin->mode && !strcmp(plugin->api, API_V1))
		return err_set(err, ERR_FORMAT, "exec.interactiveMode: must be given with " API_V1);
	if (!plugin->mode)
		plugin->mode = "IfAvailable";
	if (!strcmp(plugin->mode, "Never") || !strcmp(plugin->mode, "IfAvailable") ||
			!strcmp(plugin->mode, "Always"))
		return 0;
	return err_set(err, ERR_FORMAT, "exec.interactiveMode: '%.40s' is not Never, IfAvailable or Always",
			plugin->mode);
}

static int read_plugin(const json_t *spec, struct plugin *out, struct err *err)
{
	*out = (struct plugin){ .hint = "" };
	if (json_get_text(spec, "exec", "apiVersion", &out->api, err) < 0 ||
			json_get_text(spec, "exec", "command", &out->command, err) < 0 ||
			json_opt_text(spec, "exec", "interactiveMode", &out->mode, err) < 0 ||
			json_opt_text(spec, "exec", "installHint", &out->hint, err) < 0 ||
			json_opt_bool(spec, "exec", "provideClusterInfo", &out->wants_cluster, err) < 0 ||
			json_opt_texts(spec, "exec", "args", ARGS_MAX, &out->args, err) < 0 ||
			json_opt_array(spec, "exec", "env", ARGS_MAX, &out->env, err) < 0 ||
			check_env(out->env, err) < 0)
		return -1;
	if (!*out->command)
		return err_set(err, ERR_FORMAT, "exec.command: is empty");
	return check_mode(out, err);
}

int exec_check(const json_t *spec, struct err *err)
{
	struct plugin plugin;

	return read_plugin(spec, &plugin, err);
}

/* ---- argv, environment, program --------------------------------------------------------------------------- */

static bool names_variable(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '=';
}

static const char *variable(const char *const *environment, const char *name)
{
	for (; environment && *environment; environment++)
		if (names_variable(*environment, name))
			return *environment + strlen(name) + 1;
	return NULL;
}

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* A bare name in the absolute folders of PATH; the current folder never counts. */
static char *search_path(const char *command, const char *const *environment)
{
	struct span rest = span_of(variable(environment, "PATH")), dir = SPAN_NONE;

	while (span_next(&rest, ':', &dir)) {
		if (!span_starts(dir, "/"))
			continue;
		auto_free char *path = xasprintf("%.*s/%s", SPAN_ARG(dir), command);
		if (is_program(path))
			return take(&path);
	}
	return NULL;
}

static char *find_program(const struct exec_call *call, const struct plugin *plugin, struct err *err)
{
	auto_free char *path = NULL;

	if (!strchr(plugin->command, '/'))
		path = search_path(plugin->command, call->environment);
	else if (plugin->command[0] == '/')
		path = xstrdup(plugin->command);
	else
		path = xasprintf("%s/%s", call->dir, plugin->command);
	if (path && is_program(path))
		return take(&path);
	(void)err_set(err, ERR_NOT_FOUND, "the credential plugin '%s' %s%s%s", plugin->command,
			strchr(plugin->command, '/') ? "is not an executable file" : "is not in PATH",
			*plugin->hint ? ": " : "", plugin->hint);
	return NULL;
}

static char *exec_info(const struct exec_call *call, const struct plugin *plugin, bool interactive)
{
	auto_json json_t *info = json_pack("{s:s, s:s, s:{s:b}}", "apiVersion", plugin->api, "kind",
			"ExecCredential", "spec", "interactive", interactive);
	auto_free char *text = NULL;

	if (plugin->wants_cluster && call->cluster)
		json_object_set_new(json_object_get(info, "spec"), "cluster", json_deep_copy(call->cluster));
	text = json_text(info, false);
	return xasprintf(EXEC_INFO "=%s", text);
}

static void free_texts(char ***slot)
{
	for (char **at = *slot; at && *at; at++)
		free(*at);
	free(*slot);
}
#define auto_texts __attribute__((cleanup(free_texts)))

static char **build_argv(const struct plugin *plugin)
{
	char **argv = xcalloc(json_array_size(plugin->args) + 2, sizeof(*argv));
	size_t i = 0;
	json_t *arg = NULL;

	argv[0] = xstrdup(plugin->command);
	json_array_foreach (plugin->args, i, arg)
		argv[i + 1] = xstrdup(json_string_value(arg));
	return argv;
}

/* Puts "NAME=value" over an entry of that name, or behind the last. The array has room for one more. */
static void set_variable(char **env, size_t *count, char *entry)
{
	size_t len = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < *count; i++) {
		if (strncmp(env[i], entry, len) != 0)
			continue;
		free(env[i]);
		env[i] = entry;
		return;
	}
	env[(*count)++] = entry;
}

static char **build_env(const struct exec_call *call, const struct plugin *plugin, bool interactive)
{
	size_t given = 0, count = 0, i = 0;
	json_t *entry = NULL;

	while (call->environment && call->environment[given])
		given++;
	char **env = xcalloc(given + json_array_size(plugin->env) + 2, sizeof(*env));
	for (size_t k = 0; k < given; k++)
		env[count++] = xstrdup(call->environment[k]);
	json_array_foreach (plugin->env, i, entry)
		set_variable(env, &count,
				xasprintf("%s=%s", json_text_at(entry, "name", NULL),
						json_text_at(entry, "value", NULL)));
	set_variable(env, &count, exec_info(call, plugin, interactive));
	return env;
}

/* ---- the run ---------------------------------------------------------------------------------------------- */

/* What the plugin says is for the person at the terminal. To us its failure is that of a login. */
static int run_plugin(const struct exec_call *call, const struct plugin *plugin, bool interactive,
		struct buf *out, struct err *err)
{
	auto_free char *program = find_program(call, plugin, err);
	auto_texts char **argv = build_argv(plugin), **env = build_env(call, plugin, interactive);
	int timeout = call->timeout ? call->timeout : interactive ? EXEC_TIMEOUT_INTERACTIVE : EXEC_TIMEOUT;
	const struct run run = {
		.what = "the credential plugin",
		.program = program,
		.argv = (const char *const *)argv,
		.environment = (const char *const *)env,
		.terminal = interactive,
		.keep_stderr = true,
		.timeout = timeout * 1000,
	};

	if (!program)
		return -1;
	if (run_program(&run, out, err) == 0)
		return 0;
	if (err && (err->kind == ERR_DENIED || err->kind == ERR_RETRY))
		err->kind = ERR_AUTH;
	return -1;
}

/* ---- what it printed -------------------------------------------------------------------------------------- */

static int read_status(const json_t *status, struct exec_credential *out, struct err *err)
{
	const char *token = NULL, *cert = NULL, *key = NULL, *expiry = NULL;

	if (json_opt_text(status, "status", "token", &token, err) < 0 ||
			json_opt_text(status, "status", "clientCertificateData", &cert, err) < 0 ||
			json_opt_text(status, "status", "clientKeyData", &key, err) < 0 ||
			json_opt_text(status, "status", "expirationTimestamp", &expiry, err) < 0)
		return -1;
	if (!cert != !key)
		return err_set(err, ERR_FORMAT,
				"status: clientCertificateData and clientKeyData must come together");
	if (!token && !cert)
		return err_set(err, ERR_FORMAT, "status: has neither a token nor a client certificate");
	if (expiry && clock_parse(span_of(expiry), &out->expiry, err) < 0)
		return err_wrap(err, "status.expirationTimestamp");
	if ((token && secret_from_span(&out->token, span_of(token), err) < 0) ||
			(key && secret_from_span(&out->key, span_of(key), err) < 0))
		return -1;
	out->cert = cert ? xstrdup(cert) : NULL;
	return 0;
}

static int read_credential(struct span text, const char *api, struct exec_credential *out, struct err *err)
{
	auto_json json_t *answer = NULL;
	const char *kind = NULL, *version = NULL;
	json_t *status = NULL;

	if (json_read(text, EXEC_OUTPUT_MAX, &answer, err) < 0 ||
			json_get_text(answer, "", "kind", &kind, err) < 0 ||
			json_get_text(answer, "", "apiVersion", &version, err) < 0 ||
			json_get_object(answer, "", "status", &status, err) < 0)
		return -1;
	if (strcmp(kind, "ExecCredential") != 0)
		return err_set(err, ERR_FORMAT, "kind: is '%.40s', must be ExecCredential", kind);
	if (strcmp(version, api) != 0)
		return err_set(err, ERR_FORMAT, "apiVersion: is '%.80s', the kubeconfig asks for '%s'",
				version, api);
	return read_status(status, out, err);
}

int exec_run(const struct exec_call *call, struct exec_credential *out, struct err *err)
{
	struct exec_credential fresh = EXEC_CREDENTIAL_NONE;
	struct buf text = BUF_MAX(EXEC_OUTPUT_MAX);
	struct plugin plugin;

	if (read_plugin(call->spec, &plugin, err) < 0)
		return -1;
	if (!strcmp(plugin.mode, "Always") && !call->interactive)
		return err_set(err, ERR_USAGE,
				"the credential plugin '%s' needs a terminal, and standard input is none",
				plugin.command);
	bool interactive = call->interactive && strcmp(plugin.mode, "Never") != 0;
	/* at once, so that no smaller copy of a token is left behind by growing */
	(void)buf_room(&text, EXEC_OUTPUT_MAX);
	int result = run_plugin(call, &plugin, interactive, &text, err);
	if (!result && read_credential(buf_span(&text), plugin.api, &fresh, err) < 0)
		result = err_wrap(err, "reading what the credential plugin '%s' printed", plugin.command);
	explicit_bzero(text.ptr, text.len);
	buf_clear(&text);
	if (result < 0) {
		exec_credential_clear(&fresh);
		return -1;
	}
	exec_credential_clear(out);
	*out = fresh;
	return 0;
}
