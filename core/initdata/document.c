/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/document.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata/configs.h"

#include <string.h>

void initdata_init(struct initdata *doc)
{
	*doc = (struct initdata){ .text = BUF_MAX(INITDATA_TEXT_MAX) };
}

void initdata_clear(struct initdata *doc)
{
	free(doc->version);
	free(doc->algorithm);
	json_decref(doc->data);
	buf_clear(&doc->text);
	initdata_init(doc);
}

/* ---- writing ---- */

static int check_entry(const char *key, size_t key_len, const json_t *value, struct err *err)
{
	if (!json_is_string(value))
		return err_set(err, ERR_FORMAT, "init-data entry '%s' is no text", key);
	if (key_len > INITDATA_KEY_MAX)
		return err_set(err, ERR_LIMIT, "init-data entry '%.40s…' has a name of more than %d bytes",
				key, INITDATA_KEY_MAX);
	if (memchr(key, 0, key_len) || memchr(json_string_value(value), 0, json_string_length(value)))
		return err_set(err, ERR_FORMAT,
				"init-data entry '%s' holds a NUL byte, which TOML cannot carry", key);
	if (!span_is_utf8(span_new(key, key_len)))
		return err_set(err, ERR_FORMAT, "the name of an init-data entry is no UTF-8");
	if (!span_is_utf8(span_new(json_string_value(value), json_string_length(value))))
		return err_set(err, ERR_FORMAT, "init-data entry '%s' is no UTF-8", key);
	return 0;
}

static int check_entries(const json_t *data, struct err *err)
{
	void *at;
	json_t *object = (json_t *)(uintptr_t)data; /* jansson's iterators want no const */
	auto_json json_t *findings = json_array();

	if (!json_is_object(data))
		return err_set(err, ERR_FORMAT, "init-data entries must be an object of texts");
	if (json_object_size(data) == 0)
		return err_set(err, ERR_FORMAT,
				"init-data without entries says nothing: give at least one, such as "
				"'" INITDATA_AA "'");
	if (json_object_size(data) > INITDATA_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "init-data has %zu entries, at most %d are taken",
				json_object_size(data), INITDATA_ENTRIES_MAX);
	for (at = json_object_iter(object); at; at = json_object_iter_next(object, at))
		if (check_entry(json_object_iter_key(at), strlen(json_object_iter_key(at)),
				    json_object_iter_value(at), err) < 0)
			return -1;
	initdata_check_entries(data, findings);
	return initdata_findings_err(findings, err);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keys are always quoted, also those that could be bare. */
static void write_entries(const json_t *data, struct buf *out)
{
	size_t count = json_object_size(data), i = 0;
	auto_free const char **keys = xreallocarray(NULL, count, sizeof(*keys));
	json_t *object = (json_t *)(uintptr_t)data;
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value)
		keys[i++] = key;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (i = 0; i < count; i++) {
		value = json_object_get(data, keys[i]);
		toml_write_string(out, span_of(keys[i]));
		buf_puts(out, " = ");
		toml_write_text(out, span_new(json_string_value(value), json_string_length(value)));
		buf_putc(out, '\n');
	}
}

int initdata_render(enum digest_alg alg, const json_t *data, struct buf *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);

	if (check_entries(data, err) < 0)
		return -1;
	buf_printf(&text, "version = \"%s\"\nalgorithm = \"%s\"\n\n[data]\n", INITDATA_VERSION,
			digest_name(alg));
	write_entries(data, &text);
	if (buf_check(&text, "the init-data document", err) < 0)
		return -1;
	buf_add_span(out, buf_span(&text));
	return buf_check(out, "the init-data document", err);
}

/* ---- reading ---- */

static int parse_tree(struct span toml, json_t **out, struct err *err)
{
	if (toml.len == 0)
		return err_set(err, ERR_FORMAT, "init-data is empty");
	if (toml_parse(toml, INITDATA_TEXT_MAX, out, err) < 0)
		return err_wrap(err, "init-data");
	return 0;
}

/* Fills `out` from the tree as far as its members have the right type. */
static void take_members(const json_t *tree, struct span toml, struct initdata *out)
{
	const char *version = json_string_value(json_object_get(tree, "version"));
	const char *algorithm = json_string_value(json_object_get(tree, "algorithm"));
	json_t *data = json_object_get(tree, "data");

	initdata_clear(out);
	out->version = version ? xstrdup(version) : NULL;
	out->algorithm = algorithm ? xstrdup(algorithm) : NULL;
	out->hashed = algorithm && digest_alg_parse(span_of(algorithm), &out->alg, NULL) == 0;
	out->data = json_is_object(data) ? json_incref(data) : json_object();
	buf_add_span(&out->text, toml);
}

static int check_strict(const json_t *tree, struct err *err)
{
	const char *version, *algorithm, *key;
	enum digest_alg alg;
	json_t *data, *value;

	if (json_get_text(tree, "", "version", &version, err) < 0)
		return -1;
	if (strcmp(version, INITDATA_VERSION) != 0)
		return err_set(err, ERR_FORMAT,
				"version must be \"%s\", is \"%.40s\": guests accept no other",
				INITDATA_VERSION, version);
	if (json_get_text(tree, "", "algorithm", &algorithm, err) < 0)
		return -1;
	if (digest_alg_parse(span_of(algorithm), &alg, NULL) < 0)
		return err_set(err, ERR_FORMAT,
				"algorithm must be sha256, sha384 or sha512, is \"%.40s\": another one "
				"crashes a runtime",
				algorithm);
	if (json_get_object(tree, "", "data", &data, err) < 0)
		return -1;
	if (json_object_size(data) > INITDATA_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "data has %zu entries, at most %d are taken",
				json_object_size(data), INITDATA_ENTRIES_MAX);
	json_object_foreach (data, key, value)
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT,
					"data entry '%.80s' must be a string: put it in quotes", key);
	return 0;
}

int initdata_parse(struct span toml, struct initdata *out, struct err *err)
{
	auto_json json_t *tree = NULL;

	initdata_clear(out);
	if (parse_tree(toml, &tree, err) < 0)
		return -1;
	if (check_strict(tree, err) < 0)
		return err_wrap(err, "init-data");
	take_members(tree, toml, out);
	return 0;
}

/* ---- explaining ---- */

static void warn(json_t *warnings, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void warn(json_t *warnings, const char *fmt, ...)
{
	struct err text = ERR_NONE;
	va_list args;
	auto_free char *line = NULL;

	va_start(args, fmt);
	if (vasprintf(&line, fmt, args) < 0)
		line = NULL;
	va_end(args);
	err_set(&text, ERR_FORMAT, "%s", line ? line : fmt);
	json_array_append_new(warnings, json_string(text.text));
}

static void explain_version(const struct initdata *doc, json_t *warnings)
{
	if (!doc->version)
		warn(warnings, "no version (a string): every guest refuses the document");
	else if (strcmp(doc->version, INITDATA_VERSION) != 0)
		warn(warnings,
				"version is \"%s\": the Kata agent and the Rust runtime accept \"%s\" alone; "
				"the "
				"attestation-agent and the Go runtime do not look at it",
				doc->version, INITDATA_VERSION);
}

static void explain_algorithm(const struct initdata *doc, json_t *warnings)
{
	if (!doc->algorithm)
		warn(warnings, "no algorithm (a string): every guest refuses the document");
	else if (strcmp(doc->algorithm, "sm3") == 0)
		warn(warnings,
				"algorithm sm3: an attestation-agent started by hand knows it, a Kata guest "
				"refuses to "
				"start, and the Go runtime crashes");
	else if (!doc->hashed)
		warn(warnings,
				"algorithm \"%s\": guests know sha256, sha384 and sha512, in exactly this "
				"spelling; the Go "
				"runtime crashes on any other",
				doc->algorithm);
}

static void explain_data(const json_t *tree, json_t *warnings)
{
	json_t *data = json_object_get(tree, "data"), *value;
	const char *key;

	if (!json_is_object(data)) {
		warn(warnings, "no data table: the attestation-agent and Kata refuse the document");
		return;
	}
	json_object_foreach (data, key, value)
		if (!json_is_string(value))
			warn(warnings, "data entry '%s' is no string: every guest refuses the document", key);
}

static void explain_top(const json_t *tree, json_t *warnings)
{
	json_t *object = (json_t *)(uintptr_t)tree, *value;
	const char *key;

	json_object_foreach (object, key, value)
		if (strcmp(key, "version") != 0 && strcmp(key, "algorithm") != 0 && strcmp(key, "data") != 0)
			warn(warnings, "member '%s' at the top is measured but every guest ignores it", key);
}

int initdata_inspect(struct span toml, struct initdata *out, json_t *warnings, struct err *err)
{
	auto_json json_t *tree = NULL;

	initdata_clear(out);
	if (parse_tree(toml, &tree, err) < 0)
		return -1;
	take_members(tree, toml, out);
	explain_version(out, warnings);
	explain_algorithm(out, warnings);
	explain_data(tree, warnings);
	explain_top(tree, warnings);
	return 0;
}
