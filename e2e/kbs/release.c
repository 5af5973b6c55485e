/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/release.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "e2e/kbs/rego.h"
#include "e2e/kbs/release_allow.h"
#include "e2e/kbs/store.h"

#include <string.h>

#define KEY      "resource-policy.rego"
#define EVIDENCE "ear.veraison.annotated-evidence"

const char *const release_policy_words[] = { "default", "allow-all", "deny-all", "affirming", NULL };

struct release {
	enum release_policy policy;
	char *opa;
	struct store *store;
	struct rego *rego; /* NULL: ours is in force */
	struct release_entry entries[OPT_LIST_MAX];
	size_t entry_count;
};

void release_free(struct release *release)
{
	if (!release)
		return;
	rego_free(release->rego);
	free(release->opa);
	free(release);
}

static int compile(const struct release *release, struct span text, struct rego **out, struct err *err)
{
	if (!release->opa)
		return err_set(err, ERR_NOT_FOUND,
				"there is no opa, without which no Rego can be enforced: install it or name "
				"it with "
				"--opa");
	return rego_open(release->opa, REGO_RESOURCES, text, out, err);
}

static int load(struct release *release, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(STORE_VALUE_MAX);
	struct err missing = ERR_NONE;

	if (store_get(release->store, STORE_RESOURCE_POLICY, KEY, &text, &missing) < 0) {
		if (missing.kind == ERR_NOT_FOUND)
			return 0;
		return err_set(err, missing.kind, "the stored resource policy: %s", missing.text);
	}
	if (compile(release, buf_span(&text), &release->rego, err) < 0)
		return err_wrap(err, "the stored resource policy");
	return 0;
}

int release_open(const struct release_options *options, struct release **out, struct err *err)
{
	struct release *release = xcalloc(1, sizeof(*release));
	int status = 0;

	release->policy = options->policy;
	release->opa = options->opa ? xstrdup(options->opa) : NULL;
	release->store = options->store;
	for (size_t i = 0; i < options->allow->count && !status; i++)
		status = release_entry_parse(
				options->allow->items[i], &release->entries[release->entry_count++], err);
	if (status < 0 || load(release, err) < 0) {
		release_free(release);
		return -1;
	}
	*out = release;
	return 0;
}

int release_set(struct release *release, struct span rego, struct err *err)
{
	struct rego *compiled = NULL;

	if (compile(release, rego, &compiled, err) < 0)
		return -1;
	if (store_put(release->store, STORE_RESOURCE_POLICY, KEY, rego, err) < 0) {
		rego_free(compiled);
		return -1;
	}
	rego_free(release->rego);
	release->rego = compiled;
	return 0;
}

/* ---- one question ------------------------------------------------------------------------------------------- */

static bool all_affirming(const json_t *claims)
{
	const json_t *submods = json_object_get(claims, "submods");
	json_t *submod;
	const char *name;

	json_object_foreach ((json_t *)(uintptr_t)submods, name, submod) {
		const char *status = json_string_value(json_object_get(submod, "ear.status"));
		if (!status || strcmp(status, "affirming") != 0)
			return false;
	}
	return json_object_size(submods) > 0;
}

static bool ours_allows(enum release_policy policy, const struct release_question *question)
{
	const json_t *evidence = json_at(question->claims, "submods", "cpu0", EVIDENCE, NULL);

	if (strcmp(question->plugin, "resource") != 0)
		return false;
	switch (policy) {
	case RELEASE_DEFAULT:
		return json_is_object(evidence) && !json_object_get(evidence, "sample");
	case RELEASE_ALLOW_ALL:
		return true;
	case RELEASE_AFFIRMING:
		return all_affirming(question->claims);
	case RELEASE_DENY_ALL:
		break;
	}
	return false;
}

static int ask_rego(
		struct rego *rego, const struct release_question *question, bool *allowed, struct err *err)
{
	auto_json json_t *answers = NULL;
	auto_json json_t *facts = json_pack("{s:O, s:s, s:O, s:O}", "input", question->claims, "plugin",
			question->plugin, "path", question->path, "query", question->query);

	if (rego_answer(rego, facts, &answers, err) < 0)
		return -1;
	*allowed = json_is_true(json_object_get(answers, "allow"));
	return 0;
}

/* The entry that lets the question through; NULL: none. */
static const struct release_entry *find_entry(
		const struct release *release, const struct release_question *question)
{
	const json_t *evidence = json_at(question->claims, "submods", "cpu0", EVIDENCE, NULL);

	for (size_t i = 0; i < release->entry_count; i++)
		if (release_entry_matches(&release->entries[i], evidence, question->name))
			return &release->entries[i];
	return NULL;
}

int release_judge(struct release *release, const struct release_question *question,
		struct release_verdict *out, struct err *err)
{
	const char *name = release->rego ? "posted" : release_policy_words[release->policy];
	const struct release_entry *entry = find_entry(release, question);
	bool allowed = false;

	snprintf(out->rule, sizeof(out->rule), "resource policy '%s'", name);
	out->allowed = false;
	if (release->rego && ask_rego(release->rego, question, &allowed, err) < 0)
		return -1;
	if (!release->rego)
		allowed = ours_allows(release->policy, question);
	if (!allowed)
		return 0;
	out->allowed = !release->entry_count || entry;
	if (!out->allowed)
		snprintf(out->rule, sizeof(out->rule), "allow-list: no entry for this init-data and path");
	if (entry)
		snprintf(out->rule, sizeof(out->rule), "resource policy '%s', allow-list %.80s", name,
				entry->text);
	return 0;
}
