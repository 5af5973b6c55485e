/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of decisions share: objects written as YAML, and a catalog with RuntimeClasses of every kind and a few
 * namespaces:
 *
 *     class     handler                                 what it is
 *     snp       kata-qemu-snp                           takes everything
 *     remote    kata-remote                             fails the sandbox for kernel_params
 *     gpu       kata-qemu-nvidia-gpu-snp-runtime-rs     ignores all but cc_init_data
 *     mine      mine                                    no row, but labelled
 *     plain     kata-qemu                               not confidential
 *
 *     shop      tenant=a       lab      tenant=b        bare     no labels
 */
#ifndef COCOON_TESTS_PROFILE_SCENE_H
#define COCOON_TESTS_PROFILE_SCENE_H

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "initdata/carrier.h"
#include "initdata/document.h"
#include "profile/decide.h"
#include "tests/profile/patched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- objects ---- */

static inline json_t *yaml(const char *text)
{
	json_t *value = NULL;
	struct err err = ERR_NONE;

	if (yaml_read_one(span_of(text), 4 << 20, &value, &err) < 0)
		fail_msg("%s\n%s", err.text, text);
	return value;
}

__attribute__((format(printf, 1, 2))) static inline json_t *yamlf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	json_t *value = yaml(text);
	free(text);
	return value;
}

static inline struct pod_view view_of(const json_t *pod)
{
	struct pod_view view;
	struct err err = ERR_NONE;

	if (pod_view_read(pod, "shop", &view, &err) < 0)
		fail_msg("%s", err.text);
	return view;
}

/* The annotation value of a document. */
static inline char *packed(const char *toml)
{
	struct buf value = BUF_MAX(1 << 20);

	assert_int_equal(initdata_annotation_format(span_of(toml), &value, NULL), 0);
	return buf_take(&value);
}

/* ---- a catalog ---- */

static inline struct profile *compiled(const json_t *resource)
{
	struct profile *profile = NULL;
	const struct profile_env env = { 0 };
	struct err err = ERR_NONE;

	if (profile_compile(resource, &env, &profile, &err) < 0)
		fail_msg("%s", err.text);
	return profile;
}

static inline void catalog_fill(struct catalog *catalog)
{
	static const char *const classes[][3] = { { "snp", "kata-qemu-snp", "false" },
		{ "remote", "kata-remote", "false" },
		{ "gpu", "kata-qemu-nvidia-gpu-snp-runtime-rs", "false" }, { "mine", "mine", "true" },
		{ "plain", "kata-qemu", "false" } };
	static const char *const namespaces[][2] = { { "shop", "{tenant: a}" }, { "lab", "{tenant: b}" } };

	for (size_t i = 0; i < COUNT(classes); i++) {
		auto_json json_t *class = yamlf("{metadata: {name: %s, labels: {cocoon.dev/confidential: "
						"'%s'}}, handler: %s}",
				classes[i][0], classes[i][2], classes[i][1]);
		catalog_add_class(catalog, class);
	}
	for (size_t i = 0; i < COUNT(namespaces); i++) {
		auto_json json_t *labels = yaml(namespaces[i][1]);
		catalog_add_namespace(catalog, namespaces[i][0], labels);
	}
	catalog_add_namespace(catalog, "bare", NULL);
}

/* `settings` and `profiles` (a list of resources) are YAML; NULL for none. */
static inline struct catalog *catalog_of(const char *settings, const char *profiles)
{
	auto_json json_t *rules = settings ? yaml(settings) : NULL;
	auto_json json_t *list = profiles ? yaml(profiles) : NULL;
	struct catalog *catalog = NULL;
	struct err err = ERR_NONE;
	size_t i;
	json_t *resource;

	if (catalog_new(rules, &catalog, &err) < 0)
		fail_msg("%s", err.text);
	catalog_fill(catalog);
	json_array_foreach (list, i, resource) {
		auto_profile struct profile *profile = compiled(resource);
		assert_int_equal(catalog_add_profile(catalog, profile, NULL), 0);
	}
	return catalog;
}

/* ---- asking ---- */

/* The pod after the webhook's mutation, which must apply and must leave nothing to do a second time. */
static inline json_t *injected(const struct catalog *catalog, const json_t *pod)
{
	auto_decision struct decision first, second;
	struct pod_view view = view_of(pod);

	decision_init(&first);
	decision_init(&second);
	decide_mutate(catalog, &view, &first);
	assert_true(first.allowed);
	json_t *after = patched(pod, first.patch);
	assert_non_null(after);
	view = view_of(after);
	decide_mutate(catalog, &view, &second);
	assert_int_equal(json_array_size(second.patch), 0);
	return after;
}

/* The message of the refusal of a creation, "" when it is allowed; warnings and audit go to *d, which is cleared by
 * the caller. */
static inline const char *creation(const struct catalog *catalog, const json_t *pod, struct decision *d)
{
	struct pod_view view = view_of(pod);

	decision_init(d);
	decide_create(catalog, &view, d);
	assert_true(d->allowed == !d->message.len);
	return buf_text(&d->message);
}

static inline void assert_holds(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s'\n   does not say '%s'", text ? text : "", part);
}

/* All warnings, one a line. */
static inline char *lines_of(const json_t *list)
{
	struct buf text = BUF_MAX(1 << 20);
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item)
		buf_printf(&text, "%s\n", json_string_value(item));
	return buf_take(&text);
}

static inline const char *annotation_of(const json_t *pod, const char *key)
{
	return json_text_at(pod, "metadata", "annotations", key, NULL);
}

#define HYPERVISOR                     "io.katacontainers.config.hypervisor."
#define PROFILE_DIGEST(catalog, index) (catalog_profile((catalog), (index))->digest_text)

#endif
