/* SPDX-License-Identifier: Apache-2.0 */
/* policy-check lint: what is wrong with a guest's policy.json, or with an ImagePolicy. */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "policy/guest.h"
#include "policy/imagepolicy.h"
#include "webhook/check/sources.h"
#include "webhook/check/verbs.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 1000

struct lint {
	struct opt_rest files;
	bool strict;
	int form;
};

/* An ImagePolicy's own errors are found one at a time: it compiles or it does not. */
static int lint_policies(struct span text, json_t *findings, struct err *err)
{
	auto_policy_set struct policy_set *set = NULL;
	struct err why = ERR_NONE;

	if (policy_set_new(NULL, &set, err) < 0)
		return -1;
	if (source_add_policies(text, set, &why) == 0) {
		if (set->count)
			return 0;
		err_set(&why, ERR_FORMAT, "it is no policy.json of a guest, and holds no ImagePolicy");
	}
	json_array_append_new(findings,
			json_pack("{s:s,s:s,s:o}", "level", "error", "path", "", "message",
					json_line(MESSAGE_MAX, "%s", why.text)));
	return 0;
}

/* A guest's policy is JSON and has no apiVersion. */
static bool is_resource(struct span text)
{
	return memmem(text.ptr, text.len, "apiVersion", strlen("apiVersion"));
}

static int lint_file(const char *file, json_t *findings, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(SOURCE_MAX);
	auto_json json_t *found = json_array();
	json_t *item;
	size_t i;

	if (source_text(file, &text, err) < 0)
		return -1;
	if (!is_resource(buf_span(&text)))
		guest_policy_lint(buf_span(&text), found);
	else if (lint_policies(buf_span(&text), found, err) < 0)
		return -1;
	json_array_foreach (found, i, item) {
		json_object_set_new(item, "file", json_line(MESSAGE_MAX, "%s", file));
		json_array_append(findings, item);
	}
	return 0;
}

static int report(const struct lint *settings, json_t *findings, struct err *err)
{
	size_t i, errors = 0;
	const json_t *item;

	json_array_foreach (findings, i, item) {
		const char *level = json_text_at(item, "level", NULL);
		const char *path = json_text_at(item, "path", NULL);

		errors += !strcmp(level, "error");
		if (settings->form == FORM_TABLE)
			printf("%s: %s: %s%s%s\n", json_text_at(item, "file", NULL), level, path,
					*path ? ": " : "", json_text_at(item, "message", NULL));
	}
	size_t warnings = json_array_size(findings) - errors;
	if (settings->form == FORM_TABLE)
		printf("%zu errors, %zu warnings\n", errors, warnings);
	else if (json_print(json_pack("{s:I,s:I,s:O}", "errors", (json_int_t)errors, "warnings",
					    (json_int_t)warnings, "findings", findings),
				 err) < 0)
		return -1;
	return errors || (settings->strict && warnings) ? 1 : 0;
}

static int run(void *given, struct err *err)
{
	const struct lint *settings = given;
	auto_json json_t *findings = json_array();

	if (source_count_stdin((const char *const *)settings->files.items, settings->files.count) > 1)
		return err_set(err, ERR_USAGE, "'-', standard input, can be read once");
	for (size_t i = 0; i < settings->files.count; i++)
		if (lint_file(settings->files.items[i], findings, err) < 0)
			return -1;
	return report(settings, findings, err);
}

static const struct opt options[] = {
	OPT_FLAG(struct lint, strict, "strict", 0, "warnings fail, too"),
	OPT_ENUM(struct lint, form, "output", 'o', "FORM", "what to write", check_forms),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct lint, files, "FILE", 1, 1000,
			"a guest's policy.json, or ImagePolicies; - is standard input"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "before it goes to the key broker", "policy-check lint policy.json" },
	OPT_EXAMPLE_END,
};

const struct opt_verb lint_verb = {
	.name = "lint",
	.summary = "says what is wrong with a guest's policy.json, or with an ImagePolicy",
	.description = "A policy.json is read as the guest reads it, quirks included: an error is what makes "
		       "the "
		       "guest refuse every image, or one scope always; a warning is what it ignores, or "
		       "takes more "
		       "lightly than the text looks. An ImagePolicy is read as the webhook reads it.\n\n"
		       "Exits with 1 when there is an error; with --strict also when there is a warning.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct lint),
	.run = run,
};
