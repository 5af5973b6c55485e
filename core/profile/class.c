/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/class.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <regex.h>
#include <string.h>

#define HYPERVISOR_PREFIX "io.katacontainers.config.hypervisor."

struct class_enable {
	regex_t *regexes;
	size_t count;
};

struct row {
	struct class_caps caps;
	json_t *handlers; /* globs */
	char *name;
	struct class_enable enable;
};

struct class_table {
	struct row *rows;
	size_t count;
	struct row unknown;
};

/* Kata 4.1's build defaults, as JSON so that settings and built-in rows go through the same reader. */
#define TEE_LIST                                                                                             \
	"[\"enable_iommu\",\"kernel_params\",\"kernel_verity_params\",\"default_vcpus\",\"default_memory\"," \
	"\"cc_init_data\"]"
static const char builtin[] =
		"["
		"{\"handlers\":[\"kata-qemu-nvidia-gpu-snp\",\"kata-qemu-nvidia-gpu-tdx\"],"
		"\"hypervisorAnnotations\":" TEE_LIST ",\"notEnabled\":\"Fail\"},"
		"{\"handlers\":[\"kata-qemu-nvidia-gpu-snp-runtime-rs\","
		"\"kata-qemu-nvidia-gpu-tdx-runtime-rs\"],"
		"\"hypervisorAnnotations\":[\"cc_init_data\"],\"notEnabled\":\"Ignore\"},"
		"{\"handlers\":[\"kata-qemu-snp\",\"kata-qemu-tdx\",\"kata-qemu-se\","
		"\"kata-qemu-coco-dev\",\"kata-cc\"],"
		"\"hypervisorAnnotations\":" TEE_LIST ",\"notEnabled\":\"Fail\"},"
		"{\"handlers\":[\"kata-qemu-snp-runtime-rs\",\"kata-qemu-tdx-runtime-rs\","
		"\"kata-qemu-se-runtime-rs\",\"kata-qemu-coco-dev-runtime-rs\"],"
		"\"hypervisorAnnotations\":" TEE_LIST ",\"notEnabled\":\"Ignore\"},"
		"{\"handlers\":[\"kata-remote\"],"
		"\"hypervisorAnnotations\":[\"machine_type\",\"default_memory\",\"default_vcpus\","
		"\"image\",\"default_gpus\",\"gpu_model\",\"cc_init_data\"],"
		"\"notEnabled\":\"Fail\",\"kernelParams\":\"Ignore\"}"
		"]";

/* A labelled class of which nothing is known is taken to be what CoCo's Go classes are. */
static const char unknown_row[] = "[{\"handlers\":[\"*\"],\"hypervisorAnnotations\":" TEE_LIST "}]";

static void row_clear(struct row *row)
{
	json_decref(row->handlers);
	free(row->name);
	for (size_t i = 0; i < row->enable.count; i++)
		regfree(&row->enable.regexes[i]);
	free(row->enable.regexes);
}

static int compile_enable(const json_t *list, const char *path, struct class_enable *out, struct err *err)
{
	size_t i;
	json_t *item;

	out->regexes = xcalloc(json_array_size(list), sizeof(regex_t));
	json_array_foreach (list, i, item) {
		const char *text = json_string_value(item);
		int code = regcomp(&out->regexes[out->count], text, REG_EXTENDED | REG_NOSUB);
		if (code) {
			char why[128];
			regerror(code, &out->regexes[out->count], why, sizeof(why));
			return err_set(err, ERR_FORMAT,
					"%s.hypervisorAnnotations[%zu]: '%.60s' is not a regular expression: "
					"%s",
					path, i, text, why);
		}
		out->count++;
	}
	return 0;
}

/* One of two words, the first being the default. */
static int opt_choice(const json_t *object, const char *path, const char *key, const char *first,
		const char *second, bool *is_second, struct err *err)
{
	const char *text = first;

	if (json_opt_text(object, path, key, &text, err) < 0)
		return -1;
	if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
		return err_set(err, ERR_FORMAT, "%s.%s: '%.40s' is neither %s nor %s", path, key, text, first,
				second);
	*is_second = !strcmp(text, second);
	return 0;
}

static int row_read(struct row *row, const json_t *from, const char *path, struct err *err)
{
	static const char *const known[] = { "handlers", "confidential", "hypervisorAnnotations",
		"notEnabled", "kernelParams", NULL };
	json_t *handlers = NULL, *enable = NULL;
	bool confidential = true, ignores = false, drops = false;

	if (json_only_keys(from, path, known, err) < 0 ||
			json_opt_texts(from, path, "handlers", CLASS_LIST_MAX, &handlers, err) < 0 ||
			json_opt_bool(from, path, "confidential", &confidential, err) < 0 ||
			json_opt_texts(from, path, "hypervisorAnnotations", CLASS_LIST_MAX, &enable, err) <
					0 ||
			opt_choice(from, path, "notEnabled", "Fail", "Ignore", &ignores, err) < 0 ||
			opt_choice(from, path, "kernelParams", "Forward", "Ignore", &drops, err) < 0)
		return -1;
	if (!json_array_size(handlers))
		return err_set(err, ERR_FORMAT, "%s.handlers: name at least one RuntimeClass handler", path);
	if (compile_enable(enable, path, &row->enable, err) < 0)
		return -1;
	row->handlers = json_incref(handlers);
	row->caps = (struct class_caps){
		.confidential = confidential,
		.otherwise = ignores ? CLASS_IGNORES : CLASS_FAILS,
		.forwards_kernel_params = !drops,
	};
	return 0;
}

static int add_rows(struct class_table *table, const json_t *rows, bool settings, struct err *err)
{
	size_t i;
	json_t *from;

	json_array_foreach (rows, i, from) {
		struct row *row = &table->rows[table->count];
		row->name = settings ? xasprintf("classes[%zu]", i) : xstrdup("built-in table");
		table->count++;
		if (row_read(row, from, row->name, err) < 0)
			return -1;
		row->caps.name = row->name;
		row->caps.enable = &row->enable;
	}
	return 0;
}

/* Reads rows that this file itself wrote. */
static json_t *own_rows(const char *text)
{
	json_t *rows = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	if (!rows)
		abort();
	return rows;
}

static int table_fill(struct class_table *table, const json_t *rows, struct err *err)
{
	auto_json json_t *own = own_rows(builtin);
	auto_json json_t *unknown = own_rows(unknown_row);

	table->rows = xcalloc(json_array_size(rows) + json_array_size(own), sizeof(struct row));
	if (add_rows(table, rows, true, err) < 0 || add_rows(table, own, false, err) < 0)
		return -1;
	table->unknown.name = xstrdup("labelled class without a row");
	if (row_read(&table->unknown, json_array_get(unknown, 0), table->unknown.name, err) < 0)
		return -1;
	table->unknown.caps.name = table->unknown.name;
	table->unknown.caps.enable = &table->unknown.enable;
	return 0;
}

int class_table_new(const json_t *rows, struct class_table **out, struct err *err)
{
	if (rows && !json_is_array(rows))
		return err_set(err, ERR_FORMAT, "classes is not a list");
	if (json_array_size(rows) > CLASS_ROWS_MAX)
		return err_set(err, ERR_LIMIT, "classes has more than %d rows", CLASS_ROWS_MAX);
	struct class_table *table = xcalloc(1, sizeof(*table));
	if (table_fill(table, rows, err) < 0) {
		class_table_free(table);
		return -1;
	}
	*out = table;
	return 0;
}

void class_table_free(struct class_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		row_clear(&table->rows[i]);
	row_clear(&table->unknown);
	free(table->rows);
	free(table);
}

const struct class_caps *class_find(const struct class_table *table, const char *handler)
{
	for (size_t r = 0; r < table->count; r++) {
		size_t i;
		json_t *glob;
		json_array_foreach (table->rows[r].handlers, i, glob) {
			if (span_glob(span_of(json_string_value(glob)), span_of(handler)))
				return &table->rows[r].caps;
		}
	}
	return NULL;
}

bool class_is_confidential(
		const struct class_table *table, const char *const *globs, size_t count, const char *name)
{
	const struct class_caps *caps;

	if (!name)
		return false;
	for (size_t i = 0; i < count; i++)
		if (span_glob(span_of(globs[i]), span_of(name)))
			return true;
	caps = class_find(table, name);
	return caps && caps->confidential;
}

const struct class_caps *class_unknown(const struct class_table *table)
{
	return &table->unknown.caps;
}

bool class_takes(const struct class_caps *caps, const char *annotation)
{
	if (!span_starts(span_of(annotation), HYPERVISOR_PREFIX))
		return true;
	const char *last = annotation + sizeof(HYPERVISOR_PREFIX) - 1;
	for (size_t i = 0; i < caps->enable->count; i++)
		if (!regexec(&caps->enable->regexes[i], last, 0, NULL, 0))
			return true;
	return false;
}

json_t *class_builtin_handlers(void)
{
	auto_json json_t *rows = own_rows(builtin);
	json_t *names = json_array();
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row)
		json_array_extend(names, json_object_get(row, "handlers"));
	return names;
}
