/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets lint: sealed strings in manifests that a guest would not open, and secrets that are not sealed. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "profile/class.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/jwks.h"
#include "sealed-secrets/manifests.h"
#include "sealed-secrets/uses.h"
#include "sealed-secrets/verbs.h"
#include "sealed/token.h"

#include <stdio.h>
#include <string.h>

struct lint {
	struct opt_rest files;
	struct opt_list keys;
	struct opt_list classes;
	bool strict;
	int form;
};

/* What the commands have found so far, and where they are. */
struct round {
	const struct jwks *keys;
	struct class_table *table;
	const struct opt_list *classes;
	json_t *findings; /* {"file","object","where","code","level","message"} */
	json_t *secrets;  /* "NAMESPACE/NAME" → {KEY: is sealed, null where it is broken} of all files */
	const char *file;
	char *object;
	size_t strings; /* sealed ones */
	size_t uses;    /* of such by the pod at hand, when it is not confidential */
};

#define MESSAGE_MAX  400
#define PLACE_MAX    200
#define FINDINGS_MAX 2000

/* Places come from the manifests, and are made fit to be shown, so that none can forge a line. */
static void append(
		struct round *round, const char *where, const char *code, const char *level, json_t *message)
{
	json_array_append_new(round->findings,
			json_pack("{s:o,s:o,s:o,s:s,s:s,s:o}", "file",
					json_line(PLACE_MAX, "%s", round->file), "object",
					json_line(PLACE_MAX, "%s", round->object), "where",
					json_line(PLACE_MAX, "%s", where), "code", code, "level", level,
					"message", message));
}

/* A pod that uses a Secret as often as it can, each with as many keys, finds more than memory holds. */
static bool is_full(const struct round *round)
{
	return json_array_size(round->findings) > FINDINGS_MAX;
}

/* Takes the reference. The last that there is room for says so. */
static void add(struct round *round, const char *where, const char *code, const char *level, json_t *message)
{
	auto_json json_t *owned = message;

	if (json_array_size(round->findings) < FINDINGS_MAX)
		append(round, where, code, level, take(&owned));
	else if (!is_full(round))
		append(round, where, "many", "error",
				json_line(MESSAGE_MAX,
						"more than %d findings: correct these first, the others are "
						"not shown",
						FINDINGS_MAX));
}

/* A text that a guest takes for sealed is held against all rules. */
static int check(void *ctx, const struct candidate *candidate, struct err *err)
{
	struct round *round = ctx;
	auto_json json_t *found = json_array();
	const json_t *item;
	size_t i;

	(void)err;
	if (candidate->fault)
		add(round, candidate->where, "base64", "error",
				json_line(MESSAGE_MAX, "%s: Kubernetes refuses the object",
						candidate->fault));
	if (!sealed_is(candidate->text))
		return 0;
	round->strings++;
	sealed_lint(candidate->text, round->keys->items, round->keys->count, found);
	json_array_foreach (found, i, item)
		add(round, candidate->where, json_text_at(item, "code", NULL),
				json_text_at(item, "level", NULL),
				json_incref(json_object_get(item, "message")));
	return 0;
}

/* ---- Secrets of all files, by name ---- */

static int remember_entry(void *ctx, const struct candidate *candidate, struct err *err)
{
	const char *key = strchr(candidate->where, '.');

	(void)err;
	/* what is broken is a finding of its own, and neither here */
	json_object_set_new(ctx, key + 1,
			candidate->fault ? json_null() : json_boolean(sealed_is(candidate->text)));
	return 0;
}

static int remember(void *ctx, const struct object *object, struct err *err)
{
	struct round *round = ctx;
	auto_free char *id = xasprintf("%s/%s", object->namespace, object->name);
	json_t *entries;

	if (strcmp(object->kind, "Secret") != 0)
		return 0;
	entries = json_object();
	json_object_set_new(round->secrets, id, entries);
	return manifests_entries(object, remember_entry, entries, err);
}

/* ---- objects ---- */

static int look_at_object(void *ctx, const struct object *object, struct err *err)
{
	struct round *round = ctx;

	free(round->object);
	round->object = xasprintf("%s %s%s%s", object->kind, object->namespace, *object->namespace ? "/" : "",
			object->name);
	return manifests_entries(object, check, round, err);
}

static bool is_confidential(const struct round *round, const char *class)
{
	return class_is_confidential(round->table, round->classes->items, round->classes->count, class);
}

static void plain(struct round *round, const struct use *use, const char *key)
{
	add(round, use->where, "plain-secret", "error",
			json_line(MESSAGE_MAX,
					"'%s' of Secret '%s' is not sealed, and the host reads it: "
					"see 'sealed-secrets convert'",
					key, use->secret));
}

static void look_at_entries(struct round *round, const struct use *use, const json_t *entries)
{
	const json_t *sealed = use->key ? json_object_get(entries, use->key) : NULL;
	const char *key;

	if (use->key) {
		if (json_is_false(sealed))
			plain(round, use, use->key);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)entries, key, sealed) {
		if (is_full(round))
			return;
		if (json_is_false(sealed))
			plain(round, use, key);
	}
}

/* A Secret that a confidential pod uses: the host reads what is not sealed. */
static void look_at_use(void *ctx, const struct use *use)
{
	struct round *round = ctx;
	auto_free char *id = xasprintf("%s/%s", use->namespace, use->secret);
	const json_t *entries = json_object_get(round->secrets, id);

	if (use->pull)
		add(round, use->where, "plain-secret", "warning",
				json_line(MESSAGE_MAX,
						"pull secret '%s' can be read by the host; when the guest "
						"pulls the image "
						"it needs the credentials from its key broker: see "
						"'sealed-secrets "
						"registry-auth'",
						use->secret));
	else if (!entries)
		add(round, use->where, "unknown-secret", "warning",
				json_line(MESSAGE_MAX, "Secret '%s' is in none of the files: is it sealed?",
						use->secret));
	else
		look_at_entries(round, use, entries);
}

/* A Secret that an ordinary pod uses: nobody unseals it there. */
static void count_use(void *ctx, const struct use *use)
{
	struct round *round = ctx;
	auto_free char *id = xasprintf("%s/%s", use->namespace, use->secret);
	const json_t *entries = json_object_get(round->secrets, id), *sealed;
	const char *key;

	if (use->key && json_is_true(json_object_get(entries, use->key)))
		round->uses++;
	json_object_foreach ((json_t *)(uintptr_t)(use->key ? NULL : entries), key, sealed)
		if (json_is_true(sealed))
			round->uses++;
}

static int look_at_pod(struct round *round, const struct place *place, struct err *err)
{
	free(round->object);
	round->object = xstrdup(place->label);
	size_t before = round->strings;
	if (manifests_env(place, check, round, err) < 0)
		return -1;
	if (is_confidential(round, place->pod.runtime_class)) {
		uses_of(place, look_at_use, round);
		return 0;
	}
	round->uses = round->strings - before;
	uses_of(place, count_use, round);
	if (round->uses)
		add(round, "spec.runtimeClassName", "not-confidential", "warning",
				json_line(MESSAGE_MAX,
						"sealed texts in a pod that is not confidential: its program "
						"would get "
						"them as they are"));
	return 0;
}

/* ---- the command ---- */

static int look_at_file(struct round *round, struct manifest *manifest, struct err *err)
{
	if (manifests_objects(manifest, look_at_object, round, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest->count; i++)
		if (look_at_pod(round, &manifest->places[i], err) < 0)
			return -1;
	return 0;
}

static int read_all(
		const struct lint *settings, struct round *round, struct manifest *manifests, struct err *err)
{
	for (size_t i = 0; i < settings->files.count; i++) {
		auto_wiped_buf struct buf text = BUF_MAX(MANIFEST_TEXT_MAX);
		if (input_text(settings->files.items[i], &text, err) < 0)
			return -1;
		if (manifest_read(buf_span(&text), &manifests[i], err) < 0 ||
				manifests_objects(&manifests[i], remember, round, err) < 0)
			return err_wrap(err, "'%s'", settings->files.items[i]);
	}
	for (size_t i = 0; i < settings->files.count; i++) {
		round->file = settings->files.items[i];
		if (look_at_file(round, &manifests[i], err) < 0)
			return err_wrap(err, "'%s'", round->file);
	}
	return 0;
}

static int report(const struct lint *settings, const struct round *round, struct err *err)
{
	const json_t *item;
	size_t i, errors = 0, warnings = 0;

	json_array_foreach (round->findings, i, item) {
		bool error = !strcmp(json_text_at(item, "level", NULL), "error");
		*(error ? &errors : &warnings) += 1;
		if (settings->form == FORM_TEXT)
			printf("%s: %s: %s: %s: %s [%s]\n", json_text_at(item, "file", NULL),
					json_text_at(item, "object", NULL), json_text_at(item, "where", NULL),
					json_text_at(item, "level", NULL),
					json_text_at(item, "message", NULL),
					json_text_at(item, "code", NULL));
	}
	if (settings->form == FORM_TEXT)
		printf("%zu sealed, %zu errors, %zu warnings\n", round->strings, errors, warnings);
	else if (json_print(json_pack("{s:I,s:I,s:I,s:O}", "sealed", (json_int_t)round->strings, "errors",
					    (json_int_t)errors, "warnings", (json_int_t)warnings, "findings",
					    round->findings),
				 err) < 0)
		return -1;
	return errors || (settings->strict && warnings) ? 1 : 0;
}

static int run(void *given, struct err *err)
{
	const struct lint *settings = given;
	auto_jwks struct jwks keys = JWKS_NONE;
	struct round round = { .keys = &keys, .classes = &settings->classes };
	struct manifest *manifests = xcalloc(settings->files.count, sizeof(*manifests));
	int result = -1;

	round.findings = json_array();
	round.secrets = json_object();
	if (jwks_load(&settings->keys, &keys, err) == 0 && class_table_new(NULL, &round.table, err) == 0 &&
			read_all(settings, &round, manifests, err) == 0)
		result = report(settings, &round, err);
	for (size_t i = 0; i < settings->files.count; i++)
		manifest_clear(&manifests[i]);
	free(manifests);
	class_table_free(round.table);
	json_decref(round.findings);
	json_decref(round.secrets);
	free(round.object);
	return result;
}

static const struct opt options[] = {
	OPT_LIST(struct lint, keys, "key", 0, "[KID=]FILE",
			"a key that verifies signatures: JWK or PEM; may be repeated"),
	OPT_LIST(struct lint, classes, "runtime-class", 0, "GLOB",
			"a RuntimeClass that is confidential, beside those of Kata; may be repeated"),
	OPT_FLAG(struct lint, strict, "strict", 0, "warnings fail, too"),
	OPT_ENUM(struct lint, form, "output", 'o', "FORM", "what to write", form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct lint, files, "FILE", 1, 256, "manifests, YAML or JSON; - for standard input"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "everything that CI is about to apply",
			"sealed-secrets lint --key team-public.json deploy/*.yaml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb lint_verb = {
	.name = "lint",
	.summary = "finds what guests would not unseal, and secrets that are not sealed",
	.description = "Looks at every sealed string in the environments of containers, in Secrets and in "
		       "ConfigMaps, and at "
		       "the Secrets that confidential pods use. A guest that cannot unseal a text only logs "
		       "it and passes "
		       "the sealed string on, so that mistakes are best found here.\n\n"
		       "Exits with 1 when there are errors.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct lint),
	.run = run,
};
