/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/profile.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata/carrier.h"
#include "profile/class.h"
#include "profile/content.h"

#include <string.h>

#define GLOBS_MAX    64
#define CLASSES_MAX  32
#define KEYS_MAX     32
#define PRIORITY_MAX 1000000

/* What peer pods' own webhook writes: a pod may carry these unless its profile says otherwise. */
static json_t *default_allowed(void)
{
	static const char *const last[] = { "default_vcpus", "default_memory", "default_gpus",
		"default_gpu_model", "gpu_model", "machine_type" };
	json_t *globs = json_array();

	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++)
		json_array_append_new(globs, json_sprintf(KATA_ANNOTATION_PREFIX "hypervisor.%s", last[i]));
	return globs;
}

/* An optional word out of a list; *index stays when it is absent. */
static int opt_word(const json_t *object, const char *path, const char *key, const char *const *words,
		unsigned *index, struct err *err)
{
	const char *text = NULL;

	if (json_opt_text(object, path, key, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	for (unsigned i = 0; words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*index = i;
			return 0;
		}
	}
	struct buf list = BUF_MAX(256);
	for (unsigned i = 0; words[i]; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	err_set(err, ERR_FORMAT, "%s.%s: '%.40s' is none of %s", path, key, text, buf_text(&list));
	buf_clear(&list);
	return -1;
}

static int read_selector(const json_t *spec, const char *key, struct selector *out, struct err *err)
{
	json_t *object = NULL;

	if (json_opt_object(spec, "spec", key, &object, err) < 0)
		return -1;
	if (!object)
		return 0;
	char path[64];
	snprintf(path, sizeof(path), "spec.%s", key);
	return selector_parse(object, path, out, err);
}

static int read_matching(struct profile *p, struct err *err)
{
	json_t *classes = NULL;
	int64_t priority = 0;

	if (json_opt_texts(p->spec, "spec", "runtimeClasses", CLASSES_MAX, &classes, err) < 0 ||
			json_opt_int(p->spec, "spec", "priority", -PRIORITY_MAX, PRIORITY_MAX, &priority,
					err) < 0 ||
			read_selector(p->spec, "namespaceSelector", &p->namespaces, err) < 0 ||
			read_selector(p->spec, "podSelector", &p->pods, err) < 0)
		return -1;
	if (!json_array_size(classes))
		return err_set(err, ERR_FORMAT, "spec.runtimeClasses: name at least one RuntimeClass");
	p->runtime_classes = classes;
	p->priority = (int)priority;
	return 0;
}

/* The annotations that the profile sets itself, other than init-data and kernel parameters. */
static int read_annotations(struct profile *p, struct err *err)
{
	json_t *annotations = NULL;
	const char *key;
	json_t *value;

	if (json_opt_object(p->spec, "spec", "annotations", &annotations, err) < 0)
		return -1;
	if (json_object_size(annotations) > KEYS_MAX)
		return err_set(err, ERR_LIMIT, "spec.annotations: more than %d", KEYS_MAX);
	json_object_foreach (annotations, key, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT, "spec.annotations['%.80s'] is not a string", key);
		if (!span_starts(span_of(key), KATA_ANNOTATION_PREFIX))
			return err_set(err, ERR_FORMAT,
					"spec.annotations: '%.80s' is not below " KATA_ANNOTATION_PREFIX,
					key);
		if (!strcmp(key, INITDATA_ANNOTATION) || !strcmp(key, KERNEL_PARAMS_ANNOTATION))
			return err_set(err, ERR_FORMAT,
					"spec.annotations: '%s' is written from spec.initData and "
					"spec.kernelParams",
					key);
	}
	p->annotations = annotations;
	return 0;
}

static int read_rules(struct profile *p, struct err *err)
{
	static const char *const modes[] = { "Enforce", "Warn", "Audit", NULL };
	static const char *const conflicts[] = { "Reject", "Keep", NULL };
	static const char *const handler[] = { "Set", "Omit", NULL };
	unsigned mode = 0, conflict = 0, omit = 0;
	json_t *kernel = NULL, *kernel_keys = NULL, *allowed = NULL;

	if (opt_word(p->spec, "spec", "mode", modes, &mode, err) < 0 ||
			opt_word(p->spec, "spec", "onConflict", conflicts, &conflict, err) < 0 ||
			opt_word(p->spec, "spec", "runtimeHandlerAnnotation", handler, &omit, err) < 0 ||
			json_opt_texts(p->spec, "spec", "kernelParams", GLOBS_MAX, &kernel, err) < 0 ||
			json_opt_texts(p->spec, "spec", "allowedKernelParams", GLOBS_MAX, &kernel_keys, err) <
					0 ||
			json_opt_texts(p->spec, "spec", "allowedAnnotations", GLOBS_MAX, &allowed, err) < 0 ||
			read_annotations(p, err) < 0)
		return -1;
	p->mode = (enum profile_mode)mode;
	p->keep = conflict == 1;
	p->sets_handler = omit == 0;
	p->kernel_params = json_array_size(kernel) ? kernel : NULL;
	p->allowed_kernel_keys = kernel_keys;
	p->allowed_annotations = allowed ? json_incref(allowed) : default_allowed();
	return 0;
}

static int read_resource(struct profile *p, const json_t *resource, struct err *err)
{
	const char *kind = json_text_at(resource, "kind", NULL);
	const char *name = json_text_at(resource, "metadata", "name", NULL);
	json_t *spec = NULL;

	if (kind && strcmp(kind, PROFILE_KIND) != 0)
		return err_set(err, ERR_FORMAT, "kind is '%.40s', not " PROFILE_KIND, kind);
	if (!name || !name[0])
		return err_set(err, ERR_FORMAT, "metadata.name is missing");
	if (json_get_object(resource, "", "spec", &spec, err) < 0)
		return -1;
	p->name = xstrdup(name);
	p->generation = json_integer_value(json_at(resource, "metadata", "generation", NULL));
	/* a copy: a caller may go on changing its tree, and threads share ours */
	p->spec = json_deep_copy(spec);
	return read_matching(p, err);
}

int profile_compile(
		const json_t *resource, const struct profile_env *env, struct profile **out, struct err *err)
{
	auto_profile struct profile *p = xcalloc(1, sizeof(*p));
	struct err why = ERR_NONE;

	atomic_init(&p->refs, 1);
	buf_init(&p->document, INITDATA_TEXT_MAX);
	if (read_resource(p, resource, err) < 0)
		return err_wrap(err, "profile '%s'", p->name ? p->name : "?");
	if (read_rules(p, &why) < 0 || profile_content(p, env, &why) < 0)
		p->broken = xstrdup(why.text);
	*out = take(&p);
	return 0;
}

struct profile *profile_ref(struct profile *profile)
{
	atomic_fetch_add_explicit(&profile->refs, 1, memory_order_relaxed);
	return profile;
}

/* What a derived profile has of its base. */
static void release_own(struct profile *profile)
{
	free(profile->name);
	free(profile->broken);
	selector_clear(&profile->namespaces);
	selector_clear(&profile->pods);
	json_decref(profile->allowed_annotations);
	json_decref(profile->spec);
	if (profile->generated)
		agent_options_clear(profile->generated);
	free(profile->generated);
}

void profile_unref(struct profile *profile)
{
	if (!profile || atomic_fetch_sub_explicit(&profile->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(profile->annotation);
	buf_clear(&profile->document);
	if (profile->base)
		profile_unref(profile->base);
	else
		release_own(profile);
	free(profile);
}

static size_t find_not_taken(const struct class_caps *caps, const char *handler, const char *key,
		const char *what, json_t *findings)
{
	if (class_takes(caps, key))
		return 0;
	json_array_append_new(findings,
			json_sprintf("%s: runtime class handler '%s' (%s) does not accept annotation '%s': "
				     "%s",
					what, handler, caps->name, key,
					caps->otherwise == CLASS_FAILS
							? "the sandbox would fail to start"
							: "it would be ignored without a word"));
	return 1;
}

size_t profile_class_findings(const struct profile *profile, const struct class_caps *caps,
		const char *handler, json_t *findings)
{
	size_t count = 0;
	const char *key;
	json_t *value;

	if (profile->source != PROFILE_NO_INIT_DATA)
		count += find_not_taken(caps, handler, INITDATA_ANNOTATION, "spec.initData", findings);
	if (profile->kernel_params && !caps->forwards_kernel_params) {
		json_array_append_new(findings,
				json_sprintf("spec.kernelParams: runtime class handler '%s' (%s) never "
					     "forwards kernel "
					     "parameters to the guest: use init-data instead",
						handler, caps->name));
		count++;
	} else if (profile->kernel_params) {
		count += find_not_taken(
				caps, handler, KERNEL_PARAMS_ANNOTATION, "spec.kernelParams", findings);
	}
	json_object_foreach ((json_t *)(uintptr_t)profile->annotations, key, value)
		count += find_not_taken(caps, handler, key, "spec.annotations", findings);
	return count;
}

const char *profile_config_map(const json_t *resource)
{
	return json_text_at(resource, "spec", "initData", "agentPolicy", "configMapRef", "name", NULL);
}

bool profile_same(const struct profile *a, const struct profile *b)
{
	if (!a->broken != !b->broken || (a->broken && strcmp(a->broken, b->broken) != 0))
		return false;
	return json_equal(a->spec, b->spec) && span_eq(buf_span(&a->document), buf_span(&b->document));
}
