/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/image.h"

#include "base/alloc.h"
#include "codec/json.h"
#include "pod/view.h"
#include "policy/arena.h"

#include <string.h>

#define OBJECT_NAME_MAX 253 /* of a Secret or a service account (RFC 1123) */

/* ---- proofs ---------------------------------------------------------------------------------------------- */

enum { PROOF_NONE, PROOF_BEGUN, PROOF_DONE };

bool image_proof_has(struct image_proof *proof, const unsigned char key[static IMAGE_KEY_DIGEST])
{
	return atomic_load_explicit(&proof->state, memory_order_acquire) == PROOF_DONE &&
			memcmp(proof->key, key, sizeof(proof->key)) == 0;
}

void image_proof_put(struct image_proof *proof, const unsigned char key[static IMAGE_KEY_DIGEST])
{
	int none = PROOF_NONE;

	if (!atomic_compare_exchange_strong(&proof->state, &none, PROOF_BEGUN))
		return;
	memcpy(proof->key, key, sizeof(proof->key));
	atomic_store_explicit(&proof->state, PROOF_DONE, memory_order_release);
}

/* ---- copying --------------------------------------------------------------------------------------------- */

/* What stands in one layer after the other is kept once: the last text of each kind. */
enum repeated { REPEATED_TYPE, REPEATED_SCHEME, REPEATED_KEY, REPEATED_PROBLEM, REPEATED_SUBJECT, REPEATED };

struct copy {
	struct arena *arena;
	const char *last[REPEATED];
};

static const char *copy_text(struct copy *copy, const char *text)
{
	return text ? arena_text(copy->arena, text) : NULL;
}

static const char *copy_repeated(struct copy *copy, enum repeated kind, const char *text)
{
	if (!text)
		return NULL;
	if (!copy->last[kind] || strcmp(copy->last[kind], text) != 0)
		copy->last[kind] = arena_text(copy->arena, text);
	return copy->last[kind];
}

/* Room for `count` members; NULL for none. */
static void *copy_array(struct copy *copy, const void *items, size_t count, size_t size)
{
	return count ? memcpy(arena_take(copy->arena, count * size), items, count * size) : NULL;
}

static const struct image_recipient *copy_recipients(struct copy *copy, const struct image_layer *layer)
{
	struct image_recipient *items = copy_array(
			copy, layer->recipients, layer->recipient_count, sizeof(*layer->recipients));

	for (size_t i = 0; i < layer->recipient_count; i++) {
		items[i].scheme = copy_repeated(copy, REPEATED_SCHEME, items[i].scheme);
		items[i].key = copy_repeated(copy, REPEATED_KEY, items[i].key);
		items[i].problem = copy_repeated(copy, REPEATED_PROBLEM, items[i].problem);
	}
	return items;
}

static const struct image_layer *copy_layers(struct copy *copy, const struct image_platform *platform)
{
	struct image_layer *items =
			copy_array(copy, platform->layers, platform->layer_count, sizeof(*platform->layers));

	for (size_t i = 0; i < platform->layer_count; i++) {
		items[i].digest = copy_text(copy, items[i].digest);
		items[i].media_type = copy_repeated(copy, REPEATED_TYPE, items[i].media_type);
		items[i].problem = copy_repeated(copy, REPEATED_PROBLEM, items[i].problem);
		items[i].recipients = copy_recipients(copy, &items[i]);
	}
	return items;
}

static const char *const *copy_list(struct copy *copy, const char *const *list)
{
	size_t count = 0;

	while (list[count])
		count++;
	const char **items = arena_take(copy->arena, (count + 1) * sizeof(*items));
	for (size_t i = 0; i < count; i++)
		items[i] = arena_text(copy->arena, list[i]);
	return items;
}

static const struct image_config *copy_config(struct copy *copy, const struct image_config *config)
{
	if (!config)
		return NULL;
	struct image_config *out = arena_take(copy->arena, sizeof(*out));
	*out = (struct image_config){
		.user = arena_text(copy->arena, config->user),
		.cwd = arena_text(copy->arena, config->cwd),
		.env = copy_list(copy, config->env),
		.entrypoint = copy_list(copy, config->entrypoint),
		.cmd = copy_list(copy, config->cmd),
		.volumes = copy_list(copy, config->volumes),
	};
	return out;
}

static const struct image_platform *copy_platforms(struct copy *copy, const struct image_facts *draft)
{
	struct image_platform *items =
			copy_array(copy, draft->platforms, draft->platform_count, sizeof(*draft->platforms));

	for (size_t i = 0; i < draft->platform_count; i++) {
		items[i].digest = copy_repeated(copy, REPEATED_SUBJECT, items[i].digest);
		items[i].name = copy_text(copy, items[i].name);
		items[i].source = copy_text(copy, items[i].source);
		items[i].config = copy_text(copy, items[i].config);
		items[i].run = copy_config(copy, items[i].run);
		items[i].run_problem = copy_repeated(copy, REPEATED_PROBLEM, items[i].run_problem);
		items[i].layers = copy_layers(copy, &items[i]);
	}
	return items;
}

static const struct image_signature *copy_signatures(struct copy *copy, const struct image_facts *draft)
{
	struct image_signature *items = copy_array(
			copy, draft->signatures, draft->signature_count, sizeof(*draft->signatures));

	for (size_t i = 0; i < draft->signature_count; i++) {
		struct span *values = copy_array(copy, items[i].signatures, items[i].signature_count,
				sizeof(*items[i].signatures));
		for (size_t j = 0; j < items[i].signature_count; j++)
			values[j] = arena_bytes(copy->arena, values[j]);
		items[i].signatures = values;
		items[i].subject = copy_repeated(copy, REPEATED_SUBJECT, items[i].subject);
		items[i].place = copy_text(copy, items[i].place);
		items[i].payload = arena_bytes(copy->arena, items[i].payload);
		items[i].type = copy_repeated(copy, REPEATED_TYPE, items[i].type);
		items[i].problem = copy_repeated(copy, REPEATED_PROBLEM, items[i].problem);
		items[i].proof = arena_take(copy->arena, sizeof(*items[i].proof));
		atomic_init(&items[i].proof->state, PROOF_NONE);
	}
	return items;
}

/* Everything into the arena, the struct itself and the arena's own head among it. */
static struct image_facts *copy_facts(const struct image_facts *draft, struct arena *arena)
{
	struct copy copy = { .arena = arena };
	struct image_facts *facts = arena_take(arena, sizeof(*facts));

	facts->arena = arena_take(arena, sizeof(*arena));
	facts->host = copy_text(&copy, draft->host);
	facts->repository = copy_text(&copy, draft->repository);
	facts->digest = copy_repeated(&copy, REPEATED_SUBJECT, draft->digest);
	facts->source = copy_text(&copy, draft->source);
	facts->index = draft->index;
	facts->platforms = copy_platforms(&copy, draft);
	facts->platform_count = draft->platform_count;
	/* signatures are over the index, mostly */
	copy.last[REPEATED_SUBJECT] = facts->digest;
	facts->signatures = copy_signatures(&copy, draft);
	facts->signature_count = draft->signature_count;
	facts->looked = draft->looked;
	facts->more = draft->more;
	facts->fetched = draft->fetched;
	return facts;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

struct image_facts *image_facts_new(const struct image_facts *draft)
{
	auto_arena struct arena trial = ARENA_NONE;
	struct arena arena = ARENA_NONE;

	/* first to see how much it is, then into one block of that size */
	copy_facts(draft, &trial);
	arena_reserve(&arena, trial.used);
	struct image_facts *facts = copy_facts(draft, &arena);
	atomic_init(&facts->refs, 1);
	facts->bytes = arena.bytes;
	memcpy(facts->arena, &arena, sizeof(arena));
	return facts;
}

struct image_facts *image_facts_ref(struct image_facts *facts)
{
	atomic_fetch_add_explicit(&facts->refs, 1, memory_order_relaxed);
	return facts;
}

void image_facts_unref(struct image_facts *facts)
{
	struct arena arena;

	if (!facts || atomic_fetch_sub_explicit(&facts->refs, 1, memory_order_acq_rel) != 1)
		return;
	/* the head lies in what it frees */
	memcpy(&arena, facts->arena, sizeof(arena));
	arena_clear(&arena);
}

const struct image_platform *image_facts_platform(const struct image_facts *facts, const char *name)
{
	const struct image_platform *first = facts->platforms;

	for (size_t i = 0; i < facts->platform_count; i++)
		if (!strcmp(facts->platforms[i].name, name))
			return &facts->platforms[i];
	return facts->platform_count == 1 && (!facts->index || !first->name[0]) ? first : NULL;
}

static bool is_object_name(const char *name)
{
	return name && name[0] && strlen(name) <= OBJECT_NAME_MAX;
}

void image_want_credentials(const struct pod_view *pod, const char *names[static IMAGE_PULLS_MAX],
		struct image_want *want)
{
	const json_t *spec = json_object_get(pod->object, "spec"), *item;
	const char *account = json_text_at(spec, "serviceAccountName", NULL);
	size_t i;

	want->namespace = pod->namespace;
	want->service_account = is_object_name(account) ? account : "default";
	want->pull_secrets = names;
	json_array_foreach (json_object_get(spec, "imagePullSecrets"), i, item) {
		const char *name = json_text_at(item, "name", NULL);
		if (is_object_name(name) && want->pull_secret_count < IMAGE_PULLS_MAX)
			names[want->pull_secret_count++] = name;
	}
}
