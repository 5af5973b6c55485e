/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/appraisal.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/appraisal_native.h"
#include "e2e/kbs/references.h"
#include "e2e/kbs/rego.h"
#include "e2e/kbs/store.h"

#include <string.h>

#define CLASSES_MAX    8
#define ID_MAX         64
#define PREFIX         "default_"
#define EXTENSIONS_MAX 32

/* The claims of a vector in the order of tokens (draft-ietf-rats-ar4si). */
static const char *const claims[] = { "instance-identity", "configuration", "executables", "file-system",
	"hardware", "runtime-opaque", "storage-opaque", "sourced-data", NULL };

struct policy {
	char class[ID_MAX];
	struct rego *rego;
};

struct appraiser {
	char *opa;
	struct store *store;
	const struct references *references;
	struct policy policies[CLASSES_MAX];
	size_t count;
};

void appraiser_free(struct appraiser *appraiser)
{
	if (!appraiser)
		return;
	for (size_t i = 0; i < appraiser->count; i++)
		rego_free(appraiser->policies[i].rego);
	free(appraiser->opa);
	free(appraiser);
}

static struct policy *find(struct appraiser *appraiser, const char *class)
{
	for (size_t i = 0; i < appraiser->count; i++)
		if (strcmp(appraiser->policies[i].class, class) == 0)
			return &appraiser->policies[i];
	return NULL;
}

/* Takes rego over. */
static int enforce(struct appraiser *appraiser, const char *class, struct rego *rego, struct err *err)
{
	struct policy *policy = find(appraiser, class);

	if (!policy && appraiser->count == CLASSES_MAX) {
		rego_free(rego);
		return err_set(err, ERR_LIMIT, "more than %d attestation policies", CLASSES_MAX);
	}
	if (!policy)
		policy = &appraiser->policies[appraiser->count++];
	rego_free(policy->rego);
	policy->rego = rego;
	snprintf(policy->class, sizeof(policy->class), "%s", class);
	return 0;
}

static int compile(const struct appraiser *appraiser, struct span text, struct rego **out, struct err *err)
{
	if (!appraiser->opa)
		return err_set(err, ERR_NOT_FOUND,
				"there is no opa, without which no Rego can be enforced: install it or name "
				"it with "
				"--opa");
	return rego_open(appraiser->opa, REGO_EVIDENCE, text, out, err);
}

/* The class that an id speaks for; NULL: none. */
static const char *class_of(const char *id)
{
	static const char *const known[] = { "cpu", "gpu", "switch", "ppcie", "dcu" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_starts(span_of(id), PREFIX) && strcmp(id + strlen(PREFIX), known[i]) == 0)
			return known[i];
	return NULL;
}

int appraiser_set(struct appraiser *appraiser, const char *id, struct span text, struct err *err)
{
	auto_free char *key = xasprintf("%.*s.rego", ID_MAX, id);
	const char *class = class_of(id);
	struct rego *rego = NULL;

	if (strlen(id) >= ID_MAX || strchr(id, '/'))
		return err_set(err, ERR_FORMAT, "'%.80s' is no id of a policy", id);
	if (compile(appraiser, text, &rego, err) < 0)
		return -1;
	if (store_put(appraiser->store, STORE_APPRAISAL_POLICIES, key, text, err) < 0) {
		rego_free(rego);
		return -1;
	}
	if (class)
		return enforce(appraiser, class, rego, err);
	rego_free(rego);
	return 0;
}

/* The policies of the store that are in force, from an earlier run. */
static int load(struct appraiser *appraiser, const char *key, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(STORE_VALUE_MAX);
	auto_free char *id = xstrdup(key);
	struct rego *rego = NULL;

	if (!span_ends(span_of(key), ".rego"))
		return 0;
	id[strlen(key) - strlen(".rego")] = '\0';
	const char *class = class_of(id);
	if (!class)
		return 0;
	if (store_get(appraiser->store, STORE_APPRAISAL_POLICIES, key, &text, err) < 0 ||
			compile(appraiser, buf_span(&text), &rego, err) < 0)
		return err_wrap(err, "the stored attestation policy '%s'", key);
	return enforce(appraiser, class, rego, err);
}

static int load_all(struct appraiser *appraiser, struct err *err)
{
	auto_json json_t *keys = NULL;
	const json_t *key;
	size_t i;

	if (store_list(appraiser->store, STORE_APPRAISAL_POLICIES, &keys, err) < 0)
		return -1;
	json_array_foreach (keys, i, key)
		if (load(appraiser, json_string_value(key), err) < 0)
			return -1;
	return 0;
}

int appraiser_open(const char *opa, struct store *store, const struct references *references,
		struct appraiser **out, struct err *err)
{
	struct appraiser *appraiser = xcalloc(1, sizeof(*appraiser));

	appraiser->opa = opa ? xstrdup(opa) : NULL;
	appraiser->store = store;
	appraiser->references = references;
	if (load_all(appraiser, err) < 0) {
		appraiser_free(appraiser);
		return -1;
	}
	*out = appraiser;
	return 0;
}

/* ---- one judgement ------------------------------------------------------------------------------------------ */

/* The policy of a class in Rego, our own where none was posted. NULL with *err set. */
static struct rego *rego_of(struct appraiser *appraiser, const char *class, struct err *err)
{
	struct policy *policy = find(appraiser, class);
	struct rego *own = NULL;

	if (policy)
		return policy->rego;
	if (rego_open(appraiser->opa, REGO_EVIDENCE, span_of(appraisal_text(class)), &own, err) < 0 ||
			enforce(appraiser, class, own, err) < 0) {
		err_wrap(err, "our own attestation policy");
		return NULL;
	}
	return own;
}

static int ask(struct appraiser *appraiser, const char *class, json_t *evidence, json_t **answers,
		struct err *err)
{
	const json_t *references = references_all(appraiser->references);

	if (!appraiser->opa) {
		*answers = appraisal_native(class, evidence, references);
		return 0;
	}
	struct rego *rego = rego_of(appraiser, class, err);
	if (!rego)
		return -1;
	auto_json json_t *facts = json_pack("{s:O, s:O}", "input", evidence, "references", references);
	return rego_answer(rego, facts, answers, err);
}

/* 0 none, 1 affirming, 2 warning, 3 contraindicated */
static int tier(json_int_t claim)
{
	json_int_t size = claim < 0 ? -claim - 1 : claim;

	if (claim >= -1 && claim <= 1)
		return 0;
	return size < 32 ? 1 : size < 96 ? 2 : 3;
}

/* The vector of trust_claims, which holds what they name, and what all of it comes to. */
static int make_vector(const json_t *trust, json_t **vector, int *worst, struct err *err)
{
	size_t known = 0;

	if (trust && !json_is_object(trust))
		return err_set(err, ERR_FORMAT, "trust_claims of the policy is no object");
	*worst = 0;
	json_t *made = json_object();
	*vector = made;
	for (size_t i = 0; claims[i]; i++) {
		const json_t *claim = json_object_get(trust, claims[i]);
		if (trust && !claim)
			continue;
		known++;
		if (trust &&
				(!json_is_integer(claim) || json_integer_value(claim) < INT8_MIN ||
						json_integer_value(claim) > INT8_MAX))
			return err_set(err, ERR_FORMAT, "'%s' of trust_claims is no number of 8 bits",
					claims[i]);
		json_int_t value = trust ? json_integer_value(claim) : 0;
		json_object_set_new(made, claims[i], json_integer(value));
		*worst = tier(value) > *worst ? tier(value) : *worst;
	}
	if (trust && known != json_object_size(trust))
		return err_set(err, ERR_FORMAT, "trust_claims of the policy names claims that there are not");
	return 0;
}

static int put_extensions(json_t *submod, const json_t *extensions, struct err *err)
{
	const json_t *extension;
	size_t i;

	if (extensions && (!json_is_array(extensions) || json_array_size(extensions) > EXTENSIONS_MAX))
		return err_set(err, ERR_FORMAT, "extensions of the policy is no array of at most %d",
				EXTENSIONS_MAX);
	json_array_foreach (extensions, i, extension) {
		const char *name = json_string_value(json_object_get(extension, "name"));
		json_t *value = json_object_get(extension, "value");
		if (!name || !value || !json_is_integer(json_object_get(extension, "key")))
			return err_set(err, ERR_FORMAT,
					"an extension of the policy lacks name, key or value");
		if (json_object_get(submod, name))
			return err_set(err, ERR_FORMAT,
					"an extension of the policy is named as another member");
		json_object_set_new(submod, name, appraisal_sorted(value));
	}
	return 0;
}

static int make_submod(const json_t *answers, json_t *evidence, json_t **out, struct err *err)
{
	static const char *const words[] = { "none", "affirming", "warning", "contraindicated" };
	auto_json json_t *vector = NULL, *submod = NULL;
	int worst = 0;

	if (make_vector(json_object_get(answers, "trust_claims"), &vector, &worst, err) < 0)
		return -1;
	submod = json_pack("{s:s, s:O, s:s, s:o}", "ear.status", words[worst], "ear.trustworthiness-vector",
			vector, "ear.appraisal-policy-id", "default", "ear.veraison.annotated-evidence",
			appraisal_sorted(evidence));
	if (put_extensions(submod, json_object_get(answers, "extensions"), err) < 0)
		return -1;
	*out = json_incref(submod);
	return 0;
}

int appraise(struct appraiser *appraiser, const char *class, json_t *evidence, json_t **submod,
		struct err *err)
{
	auto_json json_t *answers = NULL;

	if (ask(appraiser, class, evidence, &answers, err) < 0 ||
			make_submod(answers, evidence, submod, err) < 0)
		return err_wrap(err, "appraising evidence of class %s", class);
	return 0;
}

json_t *appraisal_sorted(const json_t *value)
{
	json_t *copy = NULL, *item;
	size_t i;

	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach (value, i, item)
			json_array_append_new(copy, appraisal_sorted(item));
		return copy;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)(uintptr_t)value);
	auto_free char *text = json_text(value, true);
	return json_loads(text, JSON_DECODE_ANY, NULL);
}
