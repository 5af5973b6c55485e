/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/pods.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "initdata/carrier.h"
#include "initdata/document.h"

#include <string.h>

#define FIRST_BUCKETS   1024
#define FINGERPRINT_LEN 32

struct pods {
	struct pods_handler handler;
	struct intern_table interned;
	struct pod_record **buckets;
	size_t bucket_count;
	size_t count;
};

struct pods *pods_new(const struct pods_handler *handler)
{
	struct pods *pods = xcalloc(1, sizeof(*pods));

	pods->handler = *handler;
	pods->bucket_count = FIRST_BUCKETS;
	pods->buckets = xcalloc(FIRST_BUCKETS, sizeof(*pods->buckets));
	intern_init(&pods->interned);
	return pods;
}

static void record_free(struct pods *pods, struct pod_record *record)
{
	intern_drop(&pods->interned, record->namespace);
	intern_drop(&pods->interned, record->class);
	intern_drop(&pods->interned, record->labels);
	intern_drop(&pods->interned, record->annotations);
	intern_drop(&pods->interned, record->fingerprint);
	intern_drop(&pods->interned, record->profile);
	free(record);
}

void pods_free(struct pods *pods)
{
	if (!pods)
		return;
	for (size_t i = 0; i < pods->bucket_count; i++) {
		while (pods->buckets[i]) {
			struct pod_record *record = pods->buckets[i];
			pods->buckets[i] = record->next;
			record_free(pods, record);
		}
	}
	intern_clear(&pods->interned);
	free(pods->buckets);
	free(pods);
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static size_t slot_of(const struct pods *pods, const char *namespace, const char *name)
{
	return (intern_hash(span_of(namespace)) * 31 + intern_hash(span_of(name))) & (pods->bucket_count - 1);
}

static struct pod_record **find(struct pods *pods, const char *namespace, const char *name)
{
	struct pod_record **slot = &pods->buckets[slot_of(pods, namespace, name)];

	while (*slot &&
			(strcmp((*slot)->name, name) != 0 ||
					strcmp((*slot)->namespace->text, namespace) != 0))
		slot = &(*slot)->next;
	return slot;
}

static void grow(struct pods *pods)
{
	struct pod_record **old = pods->buckets;
	size_t count = pods->bucket_count;

	pods->bucket_count = count * 2;
	pods->buckets = xcalloc(pods->bucket_count, sizeof(*pods->buckets));
	for (size_t i = 0; i < count; i++) {
		while (old[i]) {
			struct pod_record *record = old[i];
			old[i] = record->next;
			struct pod_record **slot =
					&pods->buckets[slot_of(pods, record->namespace->text, record->name)];
			record->next = *slot;
			*slot = record;
		}
	}
	free(old);
}

static void forget(struct pods *pods, struct pod_record **slot)
{
	struct pod_record *record = *slot;

	*slot = record->next;
	pods->count--;
	pods->handler.changed(pods->handler.ctx, record, (enum pod_state)record->state, NULL);
	record_free(pods, record);
}

static struct pod_record *record_of(struct pods *pods, const struct pod_view *view)
{
	struct pod_record **slot = find(pods, view->namespace, view->name);

	if (*slot)
		return *slot;
	if (pods->count >= pods->bucket_count) {
		grow(pods);
		slot = find(pods, view->namespace, view->name);
	}
	size_t len = strlen(view->name) + 1;
	struct pod_record *record = xcalloc(1, sizeof(*record) + len);
	memcpy(record->name, view->name, len);
	record->namespace = intern_get(&pods->interned, span_of(view->namespace));
	*slot = record;
	pods->count++;
	return record;
}

/* ---- projecting --------------------------------------------------------------------------------------------- */

static void swap(struct pods *pods, struct interned **field, struct interned *now)
{
	intern_drop(&pods->interned, *field);
	*field = now;
}

static struct interned *intern_object(struct pods *pods, const json_t *object)
{
	if (!json_object_size(object))
		return NULL;
	auto_free char *text = json_text(object, true);
	return intern_get(&pods->interned, span_of(text));
}

static json_t *protected_annotations(const struct pod_view *view)
{
	json_t *kept = json_object();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)view->annotations, key, value) {
		if (pod_annotation_is_protected(key) && strcmp(key, INITDATA_ANNOTATION) != 0)
			json_object_set(kept, key, value);
	}
	return kept;
}

/* The fingerprint of the pod's document; one that cannot be read gets a value that equals no document's. */
static struct interned *fingerprint(struct pods *pods, const struct pod_view *view)
{
	const char *value = pod_annotation(view, INITDATA_ANNOTATION);
	struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	unsigned char digest[DIGEST_MAX] = { 0 };

	if (!value)
		return NULL;
	if (initdata_annotation_parse(span_of(value), &toml, NULL) == 0)
		digest_bytes(DIGEST_SHA256, buf_span(&toml), digest);
	buf_clear(&toml);
	return intern_get(&pods->interned, span_new(digest, FINGERPRINT_LEN));
}

/* Judges a record by its labels and its protected annotations, which are passed as trees. */
static void judge(struct pods *pods, const struct catalog *catalog, struct pod_record *record,
		const json_t *labels, const json_t *annotations, bool is_new)
{
	const struct pod_view view = {
		.namespace = record->namespace->text,
		.name = record->name,
		.uid = record->uid,
		.runtime_class = record->class->text,
		.node = record->bound ? "bound" : NULL,
		.phase = "",
		.labels = labels,
		.annotations = annotations,
		.gate = record->gated_since ? 0 : -1,
	};
	struct buf why = BUF_MAX(4096);
	const struct profile *profile = NULL;
	const unsigned char *print =
			record->fingerprint ? (const unsigned char *)record->fingerprint->text : NULL;
	enum pod_state before = (enum pod_state)record->state;
	enum pod_state now = decide_state(catalog, &view, print, &profile, &why);

	swap(pods, &record->profile, profile ? intern_get(&pods->interned, span_of(profile->name)) : NULL);
	record->state = (unsigned char)now;
	if (is_new || now != before)
		pods->handler.changed(pods->handler.ctx, record, is_new ? POD_PLAIN : before, buf_text(&why));
	buf_clear(&why);
}

static bool is_confidential(const struct catalog *catalog, const struct pod_view *view)
{
	struct catalog_class class;

	/* a class that is not known yet: it will be, and the catalog's change lists the pods again */
	return view->runtime_class && catalog_find_class(catalog, view->runtime_class, &class) && class.caps;
}

void pods_put(struct pods *pods, const struct catalog *catalog, const json_t *pod, int64_t now)
{
	struct pod_view view;

	if (pod_view_read(pod, NULL, &view, NULL) < 0)
		return;
	if (!is_confidential(catalog, &view))
		return;
	if (!strcmp(view.phase, "Succeeded") || !strcmp(view.phase, "Failed")) {
		pods_delete(pods, view.namespace, view.name);
		return;
	}
	size_t count = pods->count;
	struct pod_record *record = record_of(pods, &view);
	bool is_new = pods->count > count || strcmp(record->uid, view.uid) != 0;
	if (is_new)
		record->gated_since = 0; /* another pod of that name waited, not this one */
	auto_json json_t *kept = protected_annotations(&view);
	swap(pods, &record->class, intern_get(&pods->interned, span_of(view.runtime_class)));
	swap(pods, &record->labels, intern_object(pods, view.labels));
	swap(pods, &record->annotations, intern_object(pods, kept));
	swap(pods, &record->fingerprint, fingerprint(pods, &view));
	snprintf(record->uid, sizeof(record->uid), "%s", view.uid);
	record->bound = view.node != NULL;
	record->seen = true;
	if (view.gate < 0)
		record->gated_since = 0;
	else if (!record->gated_since)
		record->gated_since = now;
	bool waited = !is_new && record->state == POD_GATED;
	judge(pods, catalog, record, view.labels, kept, is_new);
	/* it may have been changed in what it waits for, which is not kept */
	if (waited && record->state == POD_GATED)
		pods->handler.changed(pods->handler.ctx, record, POD_GATED, "");
}

void pods_delete(struct pods *pods, const char *namespace, const char *name)
{
	struct pod_record **slot = find(pods, namespace, name);

	if (*slot)
		forget(pods, slot);
}

void pods_begin(struct pods *pods)
{
	for (size_t i = 0; i < pods->bucket_count; i++)
		for (struct pod_record *record = pods->buckets[i]; record; record = record->next)
			record->seen = false;
}

void pods_sweep(struct pods *pods)
{
	for (size_t i = 0; i < pods->bucket_count; i++) {
		struct pod_record **slot = &pods->buckets[i];
		while (*slot) {
			if ((*slot)->seen)
				slot = &(*slot)->next;
			else
				forget(pods, slot);
		}
	}
}

void pods_rejudge(struct pods *pods, const struct catalog *catalog)
{
	for (size_t i = 0; i < pods->bucket_count; i++) {
		for (struct pod_record *record = pods->buckets[i]; record; record = record->next) {
			auto_json json_t *labels = intern_json(record->labels);
			auto_json json_t *annotations = intern_json(record->annotations);
			judge(pods, catalog, record, labels, annotations, false);
		}
	}
}

void pods_each(const struct pods *pods, void (*fn)(void *ctx, const struct pod_record *record), void *ctx)
{
	for (size_t i = 0; i < pods->bucket_count; i++)
		for (const struct pod_record *record = pods->buckets[i]; record; record = record->next)
			fn(ctx, record);
}

size_t pods_count(const struct pods *pods)
{
	return pods->count;
}

struct pods_tally pods_tally(const struct pods *pods)
{
	struct pods_tally tally = { .oldest_gate = 0 };

	for (size_t i = 0; i < pods->bucket_count; i++) {
		for (const struct pod_record *record = pods->buckets[i]; record; record = record->next) {
			tally.states[record->state]++;
			if (record->state == POD_GATED &&
					(!tally.oldest_gate || record->gated_since < tally.oldest_gate))
				tally.oldest_gate = record->gated_since;
		}
	}
	return tally;
}
