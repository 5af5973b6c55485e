/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/imagepolicy_own.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/closest.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "kbs/uri.h"
#include "kube/name.h"
#include "oci/name.h"
#include "policy/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY_MAX  1000000
#define CLASSES_MAX   32
#define RESOURCES_MAX 64
#define SEALED_MAX    32

/* ---- pieces ---------------------------------------------------------------------------------------------- */

int policy_word(const json_t *object, const char *path, const char *key, const char *const *words,
		unsigned *out, struct err *err)
{
	auto_buf struct buf list = BUF_MAX(256);
	const char *text = NULL;

	if (json_opt_text(object, path, key, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	for (unsigned i = 0; words[i]; i++) {
		if (!strcmp(words[i], text)) {
			*out = i;
			return 0;
		}
		buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	const char *meant = closest_word(text, words);
	return err_set(err, ERR_FORMAT, "%s%s%s: '%.40s' is none of %s%s%s%s", path, *path ? "." : "", key,
			text, buf_text(&list), meant ? "; did you mean '" : "", meant ? meant : "",
			meant ? "'?" : "");
}

int policy_texts(const json_t *object, const char *path, const char *key, size_t least, size_t most,
		const json_t **out, struct err *err)
{
	json_t *array = NULL, *item = NULL;
	size_t i = 0;

	if (json_opt_texts(object, path, key, most, &array, err) < 0)
		return -1;
	if (!array)
		return 0;
	if (json_array_size(array) < least)
		return err_set(err, ERR_FORMAT, "%s.%s: is empty; leave it out to ask for nothing here", path,
				key);
	json_array_foreach (array, i, item)
		if (!json_string_length(item))
			return err_set(err, ERR_FORMAT, "%s.%s[%zu]: is empty", path, key, i);
	*out = array;
	return 0;
}

/* ---- matching -------------------------------------------------------------------------------------------- */

static int check_patterns(const json_t *patterns, const char *path, struct err *err)
{
	json_t *item = NULL;
	size_t i = 0;

	json_array_foreach (patterns, i, item)
		if (oci_pattern_check(json_string_value(item), err) < 0)
			return err_wrap(err, "%s[%zu]", path, i);
	return 0;
}

static int read_policy_selector(const json_t *match, const char *key, struct selector *out, struct err *err)
{
	json_t *object = NULL;
	char path[POLICY_PLACE_MAX];

	if (json_opt_object(match, "spec.match", key, &object, err) < 0)
		return -1;
	if (!object)
		return 0;
	snprintf(path, sizeof(path), "spec.match.%s", key);
	return selector_parse(object, path, out, err);
}

static int read_match(struct image_policy *policy, struct err *err)
{
	static const char *const known[] = { "runtimeClasses", "namespaceSelector", "podSelector", "images",
		"exceptImages", NULL };
	static const char path[] = "spec.match";
	json_t *match = NULL;

	if (json_opt_object(policy->spec, "spec", "match", &match, err) < 0)
		return -1;
	if (!match)
		return 0;
	if (json_only_keys(match, path, known, err) < 0 ||
			policy_texts(match, path, "runtimeClasses", 1, CLASSES_MAX, &policy->runtime_classes,
					err) < 0 ||
			read_policy_selector(match, "namespaceSelector", &policy->namespaces, err) < 0 ||
			read_policy_selector(match, "podSelector", &policy->pods, err) < 0 ||
			policy_texts(match, path, "images", 1, IMAGEPOLICY_LIST_MAX, &policy->images, err) <
					0 ||
			policy_texts(match, path, "exceptImages", 0, IMAGEPOLICY_LIST_MAX,
					&policy->except_images, err) < 0 ||
			check_patterns(policy->images, "spec.match.images", err) < 0)
		return -1;
	return check_patterns(policy->except_images, "spec.match.exceptImages", err);
}

/* ---- what violations do ---------------------------------------------------------------------------------- */

static const char *const modes[] = { "Enforce", "Warn", "Audit", NULL };
static const char *const effects[] = { "Ignore", "Warn", "Deny", NULL };

static int opt_effect(const json_t *object, const char *path, const char *key, enum policy_effect *out,
		struct err *err)
{
	unsigned word = *out;

	if (policy_word(object, path, key, effects, &word, err) < 0)
		return -1;
	*out = (enum policy_effect)word;
	return 0;
}

static int read_mode(struct image_policy *policy, struct err *err)
{
	static const char *const unknown[] = { "Deny", "Warn", NULL };
	static const char *const templates[] = { "Warn", "Enforce", "Ignore", NULL };
	unsigned mode = POLICY_ENFORCE, warn = 0, template = TEMPLATES_WARN;

	if (policy_word(policy->spec, "spec", "mode", modes, &mode, err) < 0 ||
			policy_word(policy->spec, "spec", "onUnknown", unknown, &warn, err) < 0 ||
			policy_word(policy->spec, "spec", "templates", templates, &template, err) < 0 ||
			json_opt_int(policy->spec, "spec", "priority", -PRIORITY_MAX, PRIORITY_MAX,
					&policy->priority, err) < 0)
		return -1;
	policy->mode = (enum policy_mode)mode;
	policy->unknown = warn ? EFFECT_WARN : EFFECT_DENY;
	policy->templates = (enum policy_templates) template;
	return 0;
}

static int read_digest(struct image_policy *policy, struct err *err)
{
	static const char *const known[] = { "require", "pin", "inAgentPolicy", NULL };
	static const char *const pins[] = { "None", "Auto", "KeepTag", "DropTag", NULL };
	static const char path[] = "spec.digest";
	unsigned pin = PIN_NONE;
	json_t *digest = NULL;

	if (json_opt_object(policy->spec, "spec", "digest", &digest, err) < 0 ||
			json_only_keys(digest, path, known, err) < 0 ||
			json_opt_bool(digest, path, "require", &policy->require_digest, err) < 0 ||
			policy_word(digest, path, "pin", pins, &pin, err) < 0)
		return -1;
	policy->pin = (enum policy_pin)pin;
	return opt_effect(digest, path, "inAgentPolicy", &policy->in_agent_policy, err);
}

/* ---- the guest and the pod's secrets --------------------------------------------------------------------- */

/* Does an earlier one of the array mean the same resource? */
static int check_resource(const json_t *array, size_t at, const char *key, struct err *err)
{
	struct kbs_uri uri, other;

	if (kbs_uri_parse(span_of(json_text_at(json_array_get(array, at), key, NULL)), &uri, err) < 0)
		return -1;
	for (size_t i = 0; i < at; i++)
		if (!kbs_uri_parse(span_of(json_text_at(json_array_get(array, i), key, NULL)), &other, err) &&
				kbs_uri_is_same(&uri, &other))
			return err_set(err, ERR_FORMAT, "is the same resource as that of [%zu]", i);
	return 0;
}

/* [{<uri>: "kbs:///…", <text>: "…"}]: no two for the same resource. */
static int read_resources(const json_t *object, const char *path, const char *key, const char *uri,
		const char *text, size_t most, const json_t **out, struct err *err)
{
	const char *known[] = { uri, text, NULL }, *value = NULL;
	json_t *array = NULL, *item = NULL;
	char place[POLICY_PLACE_MAX];
	size_t i = 0;

	if (json_opt_array(object, path, key, most, &array, err) < 0)
		return -1;
	json_array_foreach (array, i, item) {
		snprintf(place, sizeof(place), "%s.%s[%zu]", path, key, i);
		if (json_only_keys(item, place, known, err) < 0 ||
				json_get_text(item, place, uri, &value, err) < 0 ||
				json_get_text(item, place, text, &value, err) < 0)
			return -1;
		if (check_resource(array, i, uri, err) < 0)
			return err_wrap(err, "%s.%s", place, uri);
	}
	*out = array;
	return 0;
}

static int read_guest(struct image_policy *policy, struct err *err)
{
	static const char *const known[] = { "parity", "policy", "resources", NULL };
	static const char path[] = "spec.guest";
	json_t *guest = NULL;

	policy->guest.parity = EFFECT_WARN;
	if (json_opt_object(policy->spec, "spec", "guest", &guest, err) < 0 ||
			json_only_keys(guest, path, known, err) < 0 ||
			opt_effect(guest, path, "parity", &policy->guest.parity, err) < 0 ||
			json_opt_text(guest, path, "policy", &policy->guest.policy, err) < 0)
		return -1;
	policy->predicts = guest != NULL;
	return read_resources(guest, path, "resources", "uri", "text", RESOURCES_MAX,
			&policy->guest.resources, err);
}

static int read_secrets(struct image_policy *policy, struct err *err)
{
	static const char *const known[] = { "sealed", "plain", "keys", NULL };
	static const char path[] = "spec.secrets";
	json_t *secrets = NULL;

	policy->sealed = EFFECT_WARN;
	policy->plain = EFFECT_WARN;
	if (json_opt_object(policy->spec, "spec", "secrets", &secrets, err) < 0 ||
			json_only_keys(secrets, path, known, err) < 0 ||
			opt_effect(secrets, path, "sealed", &policy->sealed, err) < 0 ||
			opt_effect(secrets, path, "plain", &policy->plain, err) < 0)
		return -1;
	return read_resources(secrets, path, "keys", "kid", "jwk", SEALED_MAX, &policy->sealed_keys, err);
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static int read_policy(struct image_policy *policy, struct err *err)
{
	static const char *const known[] = { "match", "mode", "onUnknown", "templates", "priority", "digest",
		"encryption", "signatures", "guest", "secrets", "registries", NULL };
	json_t *registries = NULL;

	if (json_only_keys(policy->spec, "spec", known, err) < 0 || read_match(policy, err) < 0 ||
			read_mode(policy, err) < 0 || read_digest(policy, err) < 0 ||
			policy_read_encryption(policy, err) < 0 || policy_read_signatures(policy, err) < 0 ||
			read_guest(policy, err) < 0 || read_secrets(policy, err) < 0 ||
			json_opt_array(policy->spec, "spec", "registries", REGISTRIES_MAX, &registries, err) <
					0)
		return -1;
	return registry_list_parse(registries, "spec.registries", &policy->registries, err);
}

/* The spec's own copy, and what it is known by. */
static int keep_spec(struct image_policy *policy, const json_t *spec, struct err *err)
{
	auto_free char *text = json_text(spec, true);
	unsigned char digest[DIGEST_MAX];

	if (strlen(text) > IMAGEPOLICY_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "spec: has %zu bytes, more than %d", strlen(text),
				IMAGEPOLICY_TEXT_MAX);
	digest_bytes(DIGEST_SHA256, span_of(text), digest);
	memcpy(policy->hash, digest, sizeof(policy->hash));
	/* a copy: a caller may go on changing its tree, and threads share ours */
	policy->spec = json_deep_copy(spec);
	return 0;
}

static int read_resource(struct image_policy *policy, const json_t *resource, struct err *err)
{
	const char *kind = json_text_at(resource, "kind", NULL);
	const char *name = json_text_at(resource, "metadata", "name", NULL);
	json_t *spec = NULL;

	if (!json_is_object(resource))
		return err_set(err, ERR_FORMAT, "the resource is no object");
	if (kind && strcmp(kind, IMAGEPOLICY_KIND) != 0)
		return err_set(err, ERR_FORMAT, "kind is '%.40s', not " IMAGEPOLICY_KIND, kind);
	if (!name || !name_is_subdomain(span_of(name)))
		return err_set(err, ERR_FORMAT, "metadata.name: is %s",
				name ? "no name of a resource" : "missing");
	if (json_get_object(resource, "", "spec", &spec, err) < 0)
		return -1;
	policy->name = xstrdup(name);
	policy->generation = json_integer_value(json_at(resource, "metadata", "generation", NULL));
	if (keep_spec(policy, spec, err) < 0)
		return -1;
	return read_policy(policy, err);
}

int image_policy_compile(const json_t *resource, struct image_policy **out, struct err *err)
{
	auto_image_policy struct image_policy *policy = xcalloc(1, sizeof(*policy));

	atomic_init(&policy->refs, 1);
	if (read_resource(policy, resource, err) < 0)
		return -1;
	*out = take(&policy);
	return 0;
}

struct image_policy *image_policy_ref(struct image_policy *policy)
{
	atomic_fetch_add_explicit(&policy->refs, 1, memory_order_relaxed);
	return policy;
}

void image_policy_unref(struct image_policy *policy)
{
	if (!policy || atomic_fetch_sub_explicit(&policy->refs, 1, memory_order_acq_rel) != 1)
		return;
	policy_signers_clear(policy);
	registry_list_clear(&policy->registries);
	selector_clear(&policy->namespaces);
	selector_clear(&policy->pods);
	json_decref(policy->encryption.schemes);
	json_decref(policy->spec);
	free(policy->broken);
	free(policy->name);
	free(policy);
}

const char *policy_mode_name(enum policy_mode mode)
{
	return modes[mode];
}

/* ---- whom it concerns ------------------------------------------------------------------------------------ */

static bool any_glob(const json_t *globs, const char *text)
{
	json_t *glob = NULL;
	size_t i = 0;

	json_array_foreach (globs, i, glob)
		if (span_glob(span_of(json_string_value(glob)), span_of(text)))
			return true;
	return false;
}

static bool any_pattern(const json_t *patterns, const struct oci_name *name)
{
	json_t *pattern = NULL;
	size_t i = 0;

	json_array_foreach (patterns, i, pattern)
		if (oci_pattern_matches(json_string_value(pattern), name))
			return true;
	return false;
}

bool image_policy_takes_pod(const struct image_policy *policy, const char *runtime_class,
		const json_t *namespace_labels, const json_t *pod_labels)
{
	if (policy->runtime_classes && !any_glob(policy->runtime_classes, runtime_class))
		return false;
	if (policy->pods.source && !selector_matches(&policy->pods, pod_labels))
		return false;
	/* of a namespace that is not known, nothing says that it is not meant */
	return !policy->namespaces.source || !namespace_labels ||
			selector_matches(&policy->namespaces, namespace_labels);
}

bool image_policy_takes_image(const struct image_policy *policy, const struct oci_name *name)
{
	return (!policy->images || any_pattern(policy->images, name)) &&
			!any_pattern(policy->except_images, name);
}

bool image_policy_needs_facts(const struct image_policy *policy)
{
	return policy->encrypted || policy->signer_count || policy->predicts ||
			policy->in_agent_policy != EFFECT_IGNORE;
}

unsigned image_policy_looks(const struct image_policy *policy)
{
	/* the guest looks for the tag alone; that there is a bundle instead is worth to be told */
	unsigned looks = policy->predicts ? IMAGE_LOOKED_TAG | IMAGE_LOOKED_REFERRERS : 0;

	if (policy->encryption.platforms)
		looks |= IMAGE_LOOKED_PLATFORM;
	for (size_t i = 0; i < policy->signer_count; i++) {
		const struct policy_signer *signer = &policy->signers[i];
		if (signer->layouts & SIGNER_TAG)
			looks |= IMAGE_LOOKED_TAG;
		if (signer->layouts & SIGNER_BUNDLE)
			looks |= IMAGE_LOOKED_REFERRERS;
		if (signer->ring)
			looks |= IMAGE_LOOKED_SIMPLE;
	}
	return looks;
}
