/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/class.h"

#include "tests/profile/scene.h"

/* Every key that some list of the runtimes names, and two that none does. */
static const char *const keys[] = { "enable_iommu", "kernel_params", "kernel_verity_params", "default_vcpus",
	"default_memory", "cc_init_data", "machine_type", "image", "default_gpus", "gpu_model",
	"default_gpu_model", "path", "firmware" };

#define TEE "enable_iommu kernel_params kernel_verity_params default_vcpus default_memory cc_init_data"

/* The rows of the specification of init-data, section 6.1. */
static const struct {
	const char *handlers;
	const char *takes;
	enum class_else otherwise;
	bool forwards;
} rows[] = {
	{ "kata-qemu-snp kata-qemu-tdx kata-qemu-se kata-qemu-coco-dev kata-cc", TEE, CLASS_FAILS, true },
	{ "kata-qemu-snp-runtime-rs kata-qemu-tdx-runtime-rs kata-qemu-se-runtime-rs "
	  "kata-qemu-coco-dev-runtime-rs",
			TEE, CLASS_IGNORES, true },
	{ "kata-qemu-nvidia-gpu-snp kata-qemu-nvidia-gpu-tdx", TEE, CLASS_FAILS, true },
	{ "kata-qemu-nvidia-gpu-snp-runtime-rs kata-qemu-nvidia-gpu-tdx-runtime-rs", "cc_init_data",
			CLASS_IGNORES, true },
	/* gpu_model is searched without anchors, so default_gpu_model passes too */
	{ "kata-remote",
			"machine_type default_memory default_vcpus image default_gpus gpu_model "
			"default_gpu_model cc_init_data",
			CLASS_FAILS, false },
};

static struct class_table *table_of(const char *text)
{
	auto_json json_t *list = text ? yaml(text) : NULL;
	struct class_table *table = NULL;
	struct err err = ERR_NONE;

	if (class_table_new(list, &table, &err) < 0)
		fail_msg("%s", err.text);
	return table;
}

static bool has_word(const char *words, const char *word)
{
	struct span rest = span_of(words), part;

	while (span_next(&rest, ' ', &part))
		if (span_is(part, word))
			return true;
	return false;
}

static void check_row(const struct class_caps *caps, size_t row)
{
	char key[128];

	assert_non_null(caps);
	assert_true(caps->confidential);
	assert_int_equal(caps->otherwise, rows[row].otherwise);
	assert_int_equal(caps->forwards_kernel_params, rows[row].forwards);
	for (size_t i = 0; i < COUNT(keys); i++) {
		snprintf(key, sizeof(key), HYPERVISOR "%s", keys[i]);
		assert_int_equal(class_takes(caps, key), has_word(rows[row].takes, keys[i]));
	}
}

static void has_the_runtimes_own_lists(void **state)
{
	struct class_table *table = table_of(NULL);

	(void)state;
	for (size_t row = 0; row < COUNT(rows); row++) {
		struct span rest = span_of(rows[row].handlers), part;
		while (span_next(&rest, ' ', &part)) {
			auto_free char *handler = xmemdup0(part.ptr, part.len);
			check_row(class_find(table, handler), row);
		}
	}
	class_table_free(table);
}

static void names_each_builtin_handler_once(void **state)
{
	auto_json json_t *names = class_builtin_handlers();
	auto_json json_t *seen = json_object();
	size_t i, all = 0;
	json_t *name;

	(void)state;
	json_array_foreach (names, i, name)
		json_object_set(seen, json_string_value(name), name);
	for (size_t row = 0; row < COUNT(rows); row++) {
		struct span rest = span_of(rows[row].handlers), part;
		for (; span_next(&rest, ' ', &part); all++)
			assert_non_null(json_object_getn(seen, part.ptr, part.len));
	}
	assert_int_equal(json_array_size(names), all);
	assert_int_equal(json_object_size(seen), all);
}

static void other_classes_are_not_confidential(void **state)
{
	static const char *const cases[] = { "", "kata", "kata-qemu", "kata-qemu-runtime-rs", "kata-clh",
		"kata-qemu-nvidia-gpu", "kata-qemu-snp2", "xkata-qemu-snp", "kata-qemu-snp-debug", "runc",
		"KATA-QEMU-SNP" };
	struct class_table *table = table_of(NULL);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_null(class_find(table, cases[i]));
	class_table_free(table);
}

static void settings_come_first_and_the_first_row_counts(void **state)
{
	struct class_table *table = table_of(
			"[{handlers: [kata-qemu-snp], confidential: false},"
			" {handlers: ['kata-qemu-*', mine], hypervisorAnnotations: [x], notEnabled: Ignore,"
			" kernelParams: Ignore}]");
	const struct class_caps *snp = class_find(table, "kata-qemu-snp");
	const struct class_caps *tdx = class_find(table, "kata-qemu-tdx");

	(void)state;
	assert_false(snp->confidential);
	assert_string_equal(snp->name, "classes[0]");
	assert_true(tdx->confidential);
	assert_int_equal(tdx->otherwise, CLASS_IGNORES);
	assert_false(tdx->forwards_kernel_params);
	assert_false(class_takes(tdx, INITDATA_ANNOTATION));
	assert_ptr_equal(class_find(table, "mine"), tdx);
	assert_string_equal(class_find(table, "kata-remote")->name, "built-in table");
	class_table_free(table);
}

static void searches_without_anchors_and_gates_the_hypervisor_alone(void **state)
{
	struct class_table *table =
			table_of("[{handlers: [h], hypervisorAnnotations: [def.*pus, '^exact$']}]");
	const struct class_caps *caps = class_find(table, "h");

	(void)state;
	assert_true(class_takes(caps, HYPERVISOR "default_vcpus"));
	assert_true(class_takes(caps, HYPERVISOR "my_default_vcpus_max"));
	assert_true(class_takes(caps, HYPERVISOR "exact"));
	assert_false(class_takes(caps, HYPERVISOR "exactly"));
	assert_false(class_takes(caps, HYPERVISOR ""));
	assert_true(class_takes(caps, "io.katacontainers.config.runtime.create_container_timeout"));
	assert_true(class_takes(caps, "io.katacontainers.config.agent.policy"));
	assert_true(class_takes(caps, RUNTIME_HANDLER_ANNOTATION));
	/* a row without a list takes nothing */
	struct class_table *none = table_of("[{handlers: [h]}]");
	assert_false(class_takes(class_find(none, "h"), HYPERVISOR "default_vcpus"));
	class_table_free(none);
	class_table_free(table);
}

static void a_labelled_class_is_taken_for_a_usual_one(void **state)
{
	struct class_table *table = table_of(NULL);

	(void)state;
	check_row(class_unknown(table), 0);
	class_table_free(table);
}

static void refuses_settings_naming_the_path(void **state)
{
	static const struct {
		const char *rows, *says;
	} cases[] = {
		{ "{}", "classes is not a list" },
		{ "x", "classes is not a list" },
		{ "[x]", "classes[0]" },
		{ "[{}]", "classes[0].handlers" },
		{ "[{handlers: []}]", "classes[0].handlers: name at least one" },
		{ "[{handlers: x}]", "classes[0].handlers" },
		{ "[{handlers: [7]}]", "classes[0].handlers[0]" },
		{ "[{handlers: [a]}, {handlers: [b], handler: c}]", "classes[1]" },
		{ "[{handlers: [a], confidential: 'true'}]", "classes[0].confidential" },
		{ "[{handlers: [a], hypervisorAnnotations: x}]", "classes[0].hypervisorAnnotations" },
		{ "[{handlers: [a], hypervisorAnnotations: [a, '(']}]",
				"classes[0].hypervisorAnnotations[1]" },
		{ "[{handlers: [a], notEnabled: fail}]",
				"classes[0].notEnabled: 'fail' is neither Fail nor Ignore" },
		{ "[{handlers: [a], kernelParams: Drop}]",
				"classes[0].kernelParams: 'Drop' is neither Forward" },
		{ "[{handlers: [a], kernelParams: 7}]", "classes[0].kernelParams" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *list = yaml(cases[i].rows);
		struct class_table *table = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(class_table_new(list, &table, &err), -1);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_holds(err.text, cases[i].says);
		assert_null(table);
	}
}

static void keeps_its_bounds(void **state)
{
	auto_json json_t *list = json_array();
	auto_json json_t *long_row = json_pack("[{s:[]}]", "handlers");
	struct class_table *table = NULL;
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < CLASS_ROWS_MAX; i++)
		json_array_append_new(list, json_pack("{s:[s]}", "handlers", "h"));
	assert_int_equal(class_table_new(list, &table, &err), 0);
	class_table_free(table);
	json_array_append_new(list, json_pack("{s:[s]}", "handlers", "h"));
	assert_int_equal(class_table_new(list, &table, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	for (int i = 0; i <= CLASS_LIST_MAX; i++)
		json_array_append_new(
				json_object_get(json_array_get(long_row, 0), "handlers"), json_string("h"));
	assert_int_equal(class_table_new(long_row, &table, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_holds(err.text, "classes[0].handlers");
	class_table_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_runtimes_own_lists),
		cmocka_unit_test(names_each_builtin_handler_once),
		cmocka_unit_test(other_classes_are_not_confidential),
		cmocka_unit_test(settings_come_first_and_the_first_row_counts),
		cmocka_unit_test(searches_without_anchors_and_gates_the_hypervisor_alone),
		cmocka_unit_test(a_labelled_class_is_taken_for_a_usual_one),
		cmocka_unit_test(refuses_settings_naming_the_path),
		cmocka_unit_test(keeps_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
