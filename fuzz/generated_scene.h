/* SPDX-License-Identifier: Apache-2.0 */
/* The profile that fuzz_generated asks for, and what the controller would prepare. */
#ifndef COCOON_FUZZ_GENERATED_SCENE_H
#define COCOON_FUZZ_GENERATED_SCENE_H

#include "fuzz/review_scene.h"
#include "profile/decide.h"

#define GENERATED_POLICY "H4sIAAAAAAACAytITM5OTE9VAOK8kviC/JzM5EouAF5TnmYVAAAA"

static inline struct catalog *generated_catalog(const char *key)
{
	auto_json json_t *resource =
			review_yaml("{metadata: {name: gen}, spec: {runtimeClasses: [snp], "
				    "namespaceSelector: {}, kernelParams: [a=1], "
				    "initData: {logLevel: info, agentPolicy: {generated: {}}}}}");
	auto_json json_t *class = review_yaml("{metadata: {name: snp}, handler: kata-qemu-snp}");
	const struct profile_env env = { 0 };
	auto_profile struct profile *profile = NULL;
	auto_prepared struct prepared *prepared = NULL;
	struct catalog *catalog = NULL;

	if (catalog_new(NULL, &catalog, NULL) < 0 || profile_compile(resource, &env, &profile, NULL) < 0 ||
			catalog_add_profile(catalog, profile, NULL) < 0)
		abort();
	catalog_add_class(catalog, class);
	if (!key)
		return catalog;
	auto_json json_t *object = json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:{s:s, s:s}, s:s}}", "metadata",
			"name", "x", "namespace", "shop", "spec", "key", key, "profile", "gen", "workload",
			"kind", "Pod", "name", "x", "policy", GENERATED_POLICY);
	if (prepared_read(object, &prepared, NULL) < 0)
		abort();
	catalog_add_prepared(catalog, prepared);
	return catalog;
}

/* The decision on a pod of namespace shop, the caller's. */
static inline struct decision generated_said(
		void (*decide)(const struct catalog *, const struct pod_view *, struct decision *),
		const struct catalog *catalog, const json_t *pod)
{
	struct decision d;
	struct pod_view view;

	decision_init(&d);
	if (pod_view_read(pod, "shop", &view, NULL) < 0)
		abort();
	decide(catalog, &view, &d);
	return d;
}

/* Decides on a pod whose agent policy is there, and on what comes of it. */
static inline void generated_complete(const struct catalog *catalog, const json_t *pod, const char *key,
		void (*decide)(const struct catalog *, const struct pod_view *, struct decision *))
{
	auto_decision struct decision d = generated_said(decide, catalog, pod);

	assert(!strcmp(d.key, key) && !d.unprepared);
	if (!d.patch)
		return;
	auto_json json_t *after = patched(pod, d.patch);
	assert(after);
	auto_decision struct decision done = generated_said(decide_create, catalog, after);
	assert(!strcmp(done.key, key) && (done.allowed || decide == decide_mutate));
}

#endif
