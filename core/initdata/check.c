/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/check.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/closest.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata/document.h"
#include "initdata/value.h"

#include <stdarg.h>
#include <string.h>

#define PATH_MAX_LEN 256

enum kind { TABLE, TABLES, TEXTS, TEXT, BOOLEAN, NUMBER, ANY };

/* A key that a daemon knows. In `path`, "[]" stands for each table of an array. */
struct rule {
	const char *path;
	enum kind kind;
	bool required; /* where its parent is there */
	value_check check;
	int64_t max; /* NUMBER */
};

static const struct rule aa_rules[] = {
	{ .path = "token_configs", .kind = TABLE },
	{ .path = "token_configs.kbs", .kind = TABLE },
	{ .path = "token_configs.kbs.url", .kind = TEXT, .required = true, .check = value_url },
	{ .path = "token_configs.kbs.cert", .kind = TEXT, .check = value_certificates },
	{ .path = "token_configs.kbs.tee_key_algorithm", .kind = TEXT, .check = value_key_algorithm },
	{ .path = "token_configs.coco_as", .kind = TABLE },
	{ .path = "token_configs.coco_as.url", .kind = TEXT, .required = true, .check = value_url },
	{ .path = "eventlog_config", .kind = TABLE },
	{ .path = "eventlog_config.init_pcr", .kind = NUMBER, .max = 23 },
	{ .path = "eventlog_config.enable_eventlog", .kind = BOOLEAN },
	{ .path = "log", .kind = TABLE },
	{ .path = "log.level", .kind = TEXT, .check = value_log_level },
	{ .path = NULL },
};

static const struct rule cdh_rules[] = {
	{ .path = "socket", .kind = TEXT, .check = value_socket },
	{ .path = "kbc", .kind = TABLE, .required = true },
	{ .path = "kbc.name", .kind = TEXT, .required = true, .check = value_kbc_name },
	{ .path = "kbc.url", .kind = TEXT, .check = value_kbs_url },
	{ .path = "kbc.kbs_cert", .kind = TEXT, .check = value_certificates },
	{ .path = "aa", .kind = TABLE },
	{ .path = "aa.aa_socket", .kind = TEXT, .check = value_socket },
	{ .path = "credentials", .kind = TABLES },
	{ .path = "credentials[].path", .kind = TEXT, .required = true, .check = value_credential_path },
	{ .path = "credentials[].resource_uri", .kind = TEXT, .required = true, .check = value_kbs_uri },
	{ .path = "image", .kind = TABLE },
	{ .path = "image.work_dir", .kind = TEXT, .check = value_path },
	{ .path = "image.image_security_policy_uri", .kind = TEXT, .check = value_location },
	{ .path = "image.image_security_policy", .kind = TEXT, .check = value_image_policy },
	{ .path = "image.sigstore_config_uri", .kind = TEXT, .check = value_location },
	{ .path = "image.sigstore_config", .kind = TEXT, .check = value_text },
	{ .path = "image.authenticated_registry_credentials_uri", .kind = TEXT, .check = value_location },
	{ .path = "image.registry_configuration_uri", .kind = TEXT, .check = value_location },
	{ .path = "image.registry_config", .kind = ANY },
	{ .path = "image.max_concurrent_layer_downloads_per_image", .kind = NUMBER, .max = INT32_MAX },
	{ .path = "image.image_pull_proxy", .kind = TABLE },
	{ .path = "image.image_pull_proxy.https_proxy", .kind = TEXT, .check = value_url },
	{ .path = "image.image_pull_proxy.http_proxy", .kind = TEXT, .check = value_url },
	{ .path = "image.image_pull_proxy.no_proxy", .kind = TEXT, .check = value_line },
	{ .path = "image.extra_root_certificates", .kind = TEXTS, .check = value_certificates },
	{ .path = "skip_sealed_secret_verification", .kind = BOOLEAN },
	{ .path = "log", .kind = TABLE },
	{ .path = "log.level", .kind = TEXT, .check = value_log_level },
	{ .path = NULL },
};

/* One run over a file. */
struct run {
	const char *file;
	const struct rule *rules;
	json_t *findings;
};

/* A text for JSON: what was cut inside a character loses all that is no ASCII. */
static json_t *message(const char *text)
{
	auto_free char *copy = xstrdup(text);
	char *at;

	if (!span_is_utf8(span_of(copy)))
		for (at = copy; *at; at++)
			if ((unsigned char)*at >= 0x80)
				*at = '?';
	return json_string(copy);
}

#define ERROR   true
#define WARNING false

static void find(const struct run *run, bool error, const char *path, const char *remedy, const char *fmt,
		...) __attribute__((format(printf, 5, 6)));

static void find(
		const struct run *run, bool error, const char *path, const char *remedy, const char *fmt, ...)
{
	struct err text = ERR_NONE;
	auto_free char *line = NULL;
	json_t *finding = json_object();
	va_list args;

	if (json_array_size(run->findings) >= FINDINGS_MAX) {
		json_decref(finding);
		return;
	}
	va_start(args, fmt);
	if (vasprintf(&line, fmt, args) < 0)
		line = xstrdup(fmt);
	va_end(args);
	err_set(&text, ERR_FORMAT, "%s", line); /* without control characters, and not too long */
	json_object_set_new(finding, "severity", json_string(error ? "error" : "warning"));
	json_object_set_new(finding, "file", message(run->file));
	json_object_set_new(finding, "path", message(path));
	json_object_set_new(finding, "text", message(text.text));
	if (remedy)
		json_object_set_new(finding, "remedy", json_string(remedy));
	json_array_append_new(run->findings, finding);
}

/* ---- values against the rules ---- */

static void check_value(const struct run *run, const struct rule *rule, const char *shown, struct span value)
{
	struct err err = ERR_NONE;

	if (rule->check && rule->check(value, &err) < 0)
		find(run, err.kind != ERR_DENIED, shown, NULL, "%s", err.text);
}

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

/* The guest's loader converts scalars; what it cannot convert it refuses. */
static void check_number(
		const struct run *run, const struct rule *rule, const char *shown, const json_t *value)
{
	uint64_t number = 0;

	if (json_is_string(value) && span_number(span_of(json_string_value(value)), INT64_MAX, &number)) {
		find(run, WARNING, shown, "write it without quotes",
				"is a text; the guest reads it as the number");
	} else if (!json_is_integer(value)) {
		find(run, ERROR, shown, NULL, "must be an integer");
		return;
	} else {
		number = (uint64_t)json_integer_value(value);
	}
	if (number > (uint64_t)rule->max)
		find(run, ERROR, shown, NULL, "must be between 0 and %lld", (long long)rule->max);
}

static void check_boolean(const struct run *run, const char *shown, const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_boolean(value))
		return;
	if ((text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) || json_is_integer(value))
		find(run, WARNING, shown, "write true or false, without quotes",
				"is no boolean; the guest converts it");
	else
		find(run, ERROR, shown, NULL, "must be true or false");
}

static void check_text(const struct run *run, const struct rule *rule, const char *shown, const json_t *value)
{
	if (json_is_string(value))
		check_value(run, rule, shown, span_new(json_string_value(value), json_string_length(value)));
	else if (is_scalar(value))
		find(run, WARNING, shown, "put it in quotes", "is no text; the guest converts it");
	else
		find(run, ERROR, shown, NULL, "must be a text");
}

static void check_texts(
		const struct run *run, const struct rule *rule, const char *shown, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value)) {
		find(run, ERROR, shown, NULL, "must be an array of texts");
		return;
	}
	json_array_foreach (value, i, item) {
		char place[PATH_MAX_LEN + 32];

		snprintf(place, sizeof(place), "%s[%zu]", shown, i);
		check_text(run, rule, place, item);
	}
}

/* ---- the tree against the rules ---- */

static const struct rule *rule_find(const struct rule *rules, const char *path)
{
	for (; rules->path; rules++)
		if (strcmp(rules->path, path) == 0)
			return rules;
	return NULL;
}

/* True when the rule's path is a direct child of `parent` ("" for the root); *name is its last part. */
static bool rule_is_child(const struct rule *rule, const char *parent, const char **name)
{
	size_t len = strlen(parent);

	if (len && (strncmp(rule->path, parent, len) != 0 || rule->path[len] != '.'))
		return false;
	*name = rule->path + len + (len > 0);
	return !strchr(*name, '.');
}

static void report_unknown(const struct run *run, const char *parent, const char *shown, const char *key)
{
	const char *known[32] = { NULL };
	const char *name, *close;
	size_t count = 0;

	for (const struct rule *rule = run->rules; rule->path && count < 31; rule++)
		if (rule_is_child(rule, parent, &name))
			known[count++] = name;
	close = closest_word(key, known);
	if (close)
		find(run, WARNING, shown, NULL,
				"a key that no guest knows, and that all ignore: did you mean '%s'?", close);
	else
		find(run, WARNING, shown, NULL, "a key that no guest knows, and that all ignore");
}

static void report_missing(const struct run *run, const char *parent, const char *shown, const json_t *table)
{
	const char *name;

	for (const struct rule *rule = run->rules; rule->path; rule++) {
		char place[PATH_MAX_LEN + 64];

		if (!rule->required || !rule_is_child(rule, parent, &name) || json_object_get(table, name))
			continue;
		snprintf(place, sizeof(place), "%s%s%s", shown, *shown ? "." : "", name);
		find(run, ERROR, place, NULL, "is missing, and the guest's daemon does not start without it");
	}
}

static void check_table(const struct run *run, const char *parent, const char *shown, const json_t *table);

static void check_tables(const struct run *run, const char *path, const char *shown, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value)) {
		find(run, ERROR, shown, NULL, "must be an array of tables ([[%s]])", path);
		return;
	}
	json_array_foreach (value, i, item) {
		char rule_path[PATH_MAX_LEN], place[PATH_MAX_LEN];

		snprintf(rule_path, sizeof(rule_path), "%s[]", path);
		snprintf(place, sizeof(place), "%.*s[%zu]", PATH_MAX_LEN - 32, shown, i);
		if (json_is_object(item))
			check_table(run, rule_path, place, item);
		else
			find(run, ERROR, place, NULL, "must be a table");
	}
}

static void check_member(
		const struct run *run, const struct rule *rule, const char *shown, const json_t *value)
{
	switch (rule->kind) {
	case TABLE:
		if (json_is_object(value))
			check_table(run, rule->path, shown, value);
		else
			find(run, ERROR, shown, NULL, "must be a table");
		break;
	case TABLES:
		check_tables(run, rule->path, shown, value);
		break;
	case TEXTS:
		check_texts(run, rule, shown, value);
		break;
	case TEXT:
		check_text(run, rule, shown, value);
		break;
	case BOOLEAN:
		check_boolean(run, shown, value);
		break;
	case NUMBER:
		check_number(run, rule, shown, value);
		break;
	case ANY:
		if (!json_is_object(value))
			find(run, ERROR, shown, NULL, "must be a table");
		break;
	}
}

/* The recursion is as deep as the rules are. */
static void check_table(const struct run *run, const char *parent, const char *shown, const json_t *table)
{
	json_t *object = (json_t *)(uintptr_t)table, *value;
	const char *key;

	json_object_foreach (object, key, value) {
		char path[PATH_MAX_LEN], place[PATH_MAX_LEN];
		const struct rule *rule;

		snprintf(path, sizeof(path), "%s%s%.100s", parent, *parent ? "." : "", key);
		snprintf(place, sizeof(place), "%s%s%.100s", shown, *shown ? "." : "", key);
		rule = rule_find(run->rules, path);
		if (rule)
			check_member(run, rule, place, value);
		else
			report_unknown(run, parent, place, key);
	}
	report_missing(run, parent, shown, table);
}

static json_t *check_file(const struct run *run, struct span toml)
{
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	if (toml_parse(toml, INITDATA_TEXT_MAX, &tree, &err) < 0) {
		find(run, ERROR, "", NULL, "%s", err.text);
		return NULL;
	}
	check_table(run, "", "", tree);
	return tree;
}

/* ---- what single values do not tell ---- */

static json_t *check_aa(struct span toml, json_t *findings)
{
	const struct run run = { INITDATA_AA, aa_rules, findings };

	return check_file(&run, toml);
}

static void check_image(const struct run *run, const json_t *image)
{
	bool policy_uri = json_object_get(image, "image_security_policy_uri");
	bool policy = json_object_get(image, "image_security_policy");

	if (!image) {
		find(run, WARNING, "image", "write [image], even when it stays empty",
				"is missing: the guest takes the image settings from its kernel command "
				"line, which the host "
				"writes");
		return;
	}
	if (policy_uri && policy)
		find(run, WARNING, "image.image_security_policy", "keep one of the two",
				"has no effect: image_security_policy_uri wins");
	if (!policy_uri && !policy)
		find(run, WARNING, "image", "set image_security_policy_uri or image_security_policy",
				"has no image policy: the guest runs every image");
	if (json_object_get(image, "sigstore_config_uri") && json_object_get(image, "sigstore_config"))
		find(run, WARNING, "image.sigstore_config", "keep one of the two",
				"has no effect: sigstore_config_uri wins");
	if (json_object_get(image, "registry_configuration_uri") && json_object_get(image, "registry_config"))
		find(run, WARNING, "image.registry_configuration_uri", "keep one of the two",
				"has no effect: the inline registry_config wins");
}

static json_t *check_cdh(struct span toml, json_t *findings)
{
	const struct run run = { INITDATA_CDH, cdh_rules, findings };
	json_t *tree = check_file(&run, toml);
	const char *name, *url;

	if (!tree)
		return NULL;
	check_image(&run, json_object_get(tree, "image"));
	name = json_text_at(tree, "kbc", "name", NULL);
	url = json_text_at(tree, "kbc", "url", NULL);
	if (name && strcmp(name, "cc_kbc") == 0 && !url)
		find(&run, WARNING, "kbc.url", "set it to the key broker's URL",
				"is missing: the guest can fetch no resource");
	if (json_is_true(json_object_get(tree, "skip_sealed_secret_verification")))
		find(&run, WARNING, "skip_sealed_secret_verification", "sign the secrets and leave it out",
				"is true: whoever writes the pod can exchange its sealed secrets");
	return tree;
}

void initdata_check_aa(struct span toml, json_t *findings)
{
	json_decref(check_aa(toml, findings));
}

void initdata_check_cdh(struct span toml, json_t *findings)
{
	json_decref(check_cdh(toml, findings));
}

/* ---- the entries together ---- */

static struct span without_slashes(const char *url)
{
	struct span span = span_of(url);

	while (span.len && span.ptr[span.len - 1] == '/')
		span.len--;
	return span;
}

static void check_agreement(const json_t *aa, const json_t *cdh, json_t *findings)
{
	const struct run run = { INITDATA_AA, aa_rules, findings };
	const char *ours = json_text_at(aa, "token_configs", "kbs", "url", NULL);
	const char *theirs = json_text_at(cdh, "kbc", "url", NULL);
	const char *name = json_text_at(cdh, "kbc", "name", NULL);

	if (ours && theirs && !span_eq(without_slashes(ours), without_slashes(theirs)))
		find(&run, WARNING, "token_configs.kbs.url", NULL,
				"differs from kbc.url of cdh.toml: the guest attests to one key broker and "
				"fetches from "
				"another");
	if (!ours && name && strcmp(name, "cc_kbc") == 0)
		find(&run, WARNING, "token_configs.kbs.url", "set it to the URL of cdh.toml's kbc.url",
				"is missing while cdh.toml fetches from a key broker: the guest cannot "
				"attest to it");
}

static void check_other(const char *key, const json_t *value, json_t *findings)
{
	const struct run run = { key, NULL, findings };
	struct err err = ERR_NONE;

	if (strcmp(key, INITDATA_AA) == 0 || strcmp(key, INITDATA_CDH) == 0)
		return;
	if (strcmp(key, INITDATA_POLICY) != 0)
		find(&run, WARNING, "", NULL, "no guest reads this entry; it is measured alone");
	else if (value_policy(span_new(json_string_value(value), json_string_length(value)), &err) < 0)
		find(&run, ERROR, "", NULL, "%s", err.text);
}

void initdata_check_entries(const json_t *data, json_t *findings)
{
	const json_t *aa_text = json_object_get(data, INITDATA_AA);
	const json_t *cdh_text = json_object_get(data, INITDATA_CDH);
	json_t *object = (json_t *)(uintptr_t)data, *value;
	auto_json json_t *aa = NULL;
	auto_json json_t *cdh = NULL;
	const char *key;

	if (json_is_string(aa_text))
		aa = check_aa(span_new(json_string_value(aa_text), json_string_length(aa_text)), findings);
	if (json_is_string(cdh_text))
		cdh = check_cdh(span_new(json_string_value(cdh_text), json_string_length(cdh_text)),
				findings);
	if ((aa || !aa_text) && cdh)
		check_agreement(aa, cdh, findings);
	json_object_foreach (object, key, value)
		if (json_is_string(value))
			check_other(key, value, findings);
}

int initdata_findings_err(const json_t *findings, struct err *err)
{
	const json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding) {
		const char *path = json_text_at(finding, "path", NULL);
		const char *remedy = json_text_at(finding, "remedy", NULL);

		if (strcmp(json_text_at(finding, "severity", NULL), "error") != 0)
			continue;
		return err_set(err, ERR_FORMAT, "%s: %s%s%s%s%s", json_text_at(finding, "file", NULL), path,
				*path ? " " : "", json_text_at(finding, "text", NULL), remedy ? ": " : "",
				remedy ? remedy : "");
	}
	return 0;
}
