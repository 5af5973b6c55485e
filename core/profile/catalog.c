/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/catalog.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "profile/derived.h"
#include "profile/shelf.h"

#include <string.h>

#define CONFIDENTIAL_LABEL "cocoon.dev/confidential"

struct catalog {
	atomic_uint refs;
	enum unmatched unmatched;
	struct class_table *table;
	json_t *settings;   /* what it was made with, or NULL */
	json_t *classes;    /* name → {"handler": …, "labelled": bool} */
	json_t *namespaces; /* name → labels */
	struct profile **profiles;
	size_t count;
	struct shelf *shelf;
	struct derived *derived;
};

static int read_settings(struct catalog *catalog, const json_t *settings, struct err *err)
{
	/* unmatchedImages is read by policy/imagepolicy.h */
	static const char *const known[] = { "unmatched", "unmatchedImages", "classes", NULL };
	static const char *const words[] = { "Deny", "Warn", "Allow" };
	const char *unmatched = words[0];
	json_t *rows = NULL;

	if (settings && json_only_keys(settings, "", known, err) < 0)
		return -1;
	if (json_opt_text(settings, "", "unmatched", &unmatched, err) < 0 ||
			json_opt_array(settings, "", "classes", CLASS_ROWS_MAX, &rows, err) < 0 ||
			class_table_new(rows, &catalog->table, err) < 0)
		return -1;
	for (unsigned i = 0; i < 3; i++) {
		if (!strcmp(unmatched, words[i])) {
			catalog->unmatched = (enum unmatched)i;
			return 0;
		}
	}
	return err_set(err, ERR_FORMAT, "unmatched: '%.40s' is none of Deny, Warn, Allow", unmatched);
}

int catalog_new(const json_t *settings, struct catalog **out, struct err *err)
{
	auto_catalog struct catalog *catalog = xcalloc(1, sizeof(*catalog));

	atomic_init(&catalog->refs, 1);
	catalog->classes = json_object();
	catalog->namespaces = json_object();
	catalog->shelf = shelf_new(SHELF_BY_KEY);
	catalog->derived = derived_new();
	if (read_settings(catalog, settings, err) < 0)
		return err_wrap(err, "settings");
	catalog->settings = json_deep_copy(settings);
	*out = take(&catalog);
	return 0;
}

struct catalog *catalog_ref(struct catalog *catalog)
{
	atomic_fetch_add_explicit(&catalog->refs, 1, memory_order_relaxed);
	return catalog;
}

void catalog_unref(struct catalog *catalog)
{
	if (!catalog || atomic_fetch_sub_explicit(&catalog->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < catalog->count; i++)
		profile_unref(catalog->profiles[i]);
	free(catalog->profiles);
	json_decref(catalog->settings);
	json_decref(catalog->classes);
	json_decref(catalog->namespaces);
	class_table_free(catalog->table);
	shelf_free(catalog->shelf);
	derived_unref(catalog->derived);
	free(catalog);
}

void catalog_add_class(struct catalog *catalog, const json_t *runtime_class)
{
	const char *name = json_text_at(runtime_class, "metadata", "name", NULL);
	const char *handler = json_text_at(runtime_class, "handler", NULL);
	const char *label = json_text_at(runtime_class, "metadata", "labels", CONFIDENTIAL_LABEL, NULL);

	if (name && handler)
		json_object_set_new(catalog->classes, name,
				json_pack("{s:s, s:b}", "handler", handler, "labelled",
						label && !strcmp(label, "true")));
}

void catalog_add_namespace(struct catalog *catalog, const char *name, json_t *labels)
{
	if (labels)
		json_object_set(catalog->namespaces, name, labels);
	else
		json_object_set_new(catalog->namespaces, name, json_object());
}

const json_t *catalog_namespace_labels(const struct catalog *catalog, const char *name)
{
	return json_object_get(catalog->namespaces, name);
}

int catalog_add_profile(struct catalog *catalog, struct profile *profile, struct err *err)
{
	if (catalog->count >= CATALOG_PROFILES_MAX)
		return err_set(err, ERR_LIMIT, "there are more than %d profiles", CATALOG_PROFILES_MAX);
	catalog->profiles = xreallocarray(catalog->profiles, catalog->count + 1, sizeof(*catalog->profiles));
	catalog->profiles[catalog->count++] = profile_ref(profile);
	return 0;
}

void catalog_add_prepared(struct catalog *catalog, struct prepared *prepared)
{
	const struct prepared *there = shelf_find(catalog->shelf, prepared->namespace, prepared->id);

	if (there && !prepared_is_newer(prepared, there))
		return;
	/* more than there is place for are none of a decision's business: who watches them says so */
	(void)shelf_put(catalog->shelf, prepared);
}

size_t catalog_prepared_count(const struct catalog *catalog)
{
	return shelf_count(catalog->shelf);
}

struct prepared *catalog_prepared_at(const struct catalog *catalog, size_t index)
{
	return shelf_at(catalog->shelf, index);
}

struct prepared *catalog_prepared(
		const struct catalog *catalog, const char *namespace, const char *profile, const char *key)
{
	return shelf_find_for(catalog->shelf, namespace, profile, key);
}

struct prepared *catalog_prepared_as(const struct catalog *catalog, struct profile *profile,
		const char *namespace, const unsigned char *fingerprint)
{
	return shelf_find_as(catalog->shelf, profile, namespace, fingerprint);
}

int catalog_derive(const struct catalog *catalog, struct profile *profile, struct prepared *prepared,
		struct profile **out, struct err *err)
{
	return derived_get(catalog->derived, profile, prepared, out, err);
}

void catalog_carry(struct catalog *catalog, const struct catalog *before)
{
	derived_unref(catalog->derived);
	catalog->derived = derived_ref(before->derived);
}

const json_t *catalog_settings(const struct catalog *catalog)
{
	return catalog->settings;
}

enum unmatched catalog_unmatched(const struct catalog *catalog)
{
	return catalog->unmatched;
}

size_t catalog_profile_count(const struct catalog *catalog)
{
	return catalog->count;
}

struct profile *catalog_profile(const struct catalog *catalog, size_t index)
{
	return catalog->profiles[index];
}

static struct catalog_class class_of(const struct catalog *catalog, const json_t *entry)
{
	struct catalog_class found = { .handler = json_string_value(json_object_get(entry, "handler")) };
	const struct class_caps *caps = class_find(catalog->table, found.handler);

	if (json_is_true(json_object_get(entry, "labelled")))
		found.caps = caps ? caps : class_unknown(catalog->table);
	else if (caps && caps->confidential)
		found.caps = caps;
	return found;
}

bool catalog_find_class(const struct catalog *catalog, const char *name, struct catalog_class *out)
{
	const json_t *entry = json_object_get(catalog->classes, name);

	if (!entry)
		return false;
	*out = class_of(catalog, entry);
	return true;
}

/* Sorted and without repetitions; `names` is stolen. */
static json_t *sorted_set(json_t *names)
{
	auto_json json_t *given = names;
	auto_json json_t *set = json_object();
	json_t *sorted = json_array();
	size_t i;
	json_t *item;

	json_array_foreach (given, i, item)
		json_object_set_new(set, json_string_value(item), json_true());
	auto_free char *text = json_text(set, true);
	auto_json json_t *ordered = json_loads(text, 0, NULL);
	const char *key;
	json_object_foreach (ordered, key, item)
		json_array_append_new(sorted, json_string(key));
	return sorted;
}

static json_t *add_confidential(const struct catalog *catalog, json_t *names)
{
	const char *name;
	json_t *entry;

	json_object_foreach (catalog->classes, name, entry) {
		if (class_of(catalog, entry).caps)
			json_array_append_new(names, json_string(name));
	}
	return sorted_set(names);
}

json_t *catalog_class_names(const struct catalog *catalog)
{
	return add_confidential(catalog, class_builtin_handlers());
}

json_t *catalog_confidential(const struct catalog *catalog)
{
	return add_confidential(catalog, json_array());
}

static bool names_class(const struct profile *profile, const char *class)
{
	size_t i;
	json_t *glob;

	json_array_foreach (profile->runtime_classes, i, glob) {
		if (span_glob(span_of(json_string_value(glob)), span_of(class)))
			return true;
	}
	return false;
}

json_t *catalog_classes_of(const struct catalog *catalog, const struct profile *profile)
{
	json_t *names = json_array();
	const char *name;
	json_t *entry;

	json_object_foreach (catalog->classes, name, entry) {
		if (names_class(profile, name) && class_of(catalog, entry).caps)
			json_array_append_new(names, json_string(name));
	}
	return sorted_set(names);
}

/* NULL when it matches, else why not. */
static const char *mismatch(const struct catalog *catalog, const struct profile *profile,
		const char *namespace, const char *class, const json_t *labels)
{
	if (!names_class(profile, class))
		return "spec.runtimeClasses does not name this runtime class";
	if (!profile->namespaces.source)
		return "it has no spec.namespaceSelector and so grants no namespace";
	if (!selector_matches(&profile->namespaces, json_object_get(catalog->namespaces, namespace)))
		return "spec.namespaceSelector does not grant this namespace";
	if (profile->pods.source && !selector_matches(&profile->pods, labels))
		return "spec.podSelector does not match the pod's labels";
	return NULL;
}

struct profile *catalog_match(const struct catalog *catalog, const char *namespace, const char *runtime_class,
		const json_t *labels, bool *tie, struct buf *why)
{
	struct profile *best = NULL, *second = NULL;

	*tie = false;
	for (size_t i = 0; i < catalog->count; i++) {
		struct profile *profile = catalog->profiles[i];
		const char *reason = mismatch(catalog, profile, namespace, runtime_class, labels);
		if (reason) {
			if (why)
				buf_printf(why, "\n  profile '%s': %s", profile->name, reason);
		} else if (!best || profile->priority > best->priority) {
			best = profile;
			second = NULL;
		} else if (profile->priority == best->priority && !second) {
			second = profile;
		}
	}
	if (!second) {
		if (!best && !catalog->count && why)
			buf_puts(why, "\n  there is no ConfidentialProfile at all");
		return best;
	}
	*tie = true;
	if (why) {
		buf_reset(why);
		buf_printf(why,
				"\n  profiles '%s' and '%s' both match with priority %d: give one of them "
				"another priority",
				best->name, second->name, best->priority);
	}
	return NULL;
}
