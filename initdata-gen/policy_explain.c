/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen policy explain, lint, diff: what a policy allows, what is dangerous about it, how two differ. */
#include "agentpolicy/explain.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "initdata-gen/places.h"
#include "initdata-gen/rego.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/document.h"

struct explain {
	int form;
	bool strict;
	const char *file, *other;
};

static int print_text(const struct buf *text, struct err *err)
{
	return text_save(NULL, buf_span(text), err);
}

/* ---- explain ---- */

static int run_explain(void *given, struct err *err)
{
	const struct explain *settings = given;
	auto_buf struct buf policy = BUF_MAX(INITDATA_TEXT_MAX), text = BUF_MAX(SIZE_MAX / 2);
	auto_json json_t *explained = NULL;

	if (rego_load(settings->file, &policy, err) < 0 ||
			agent_explain(buf_span(&policy), &explained, err) < 0)
		return -1;
	if (settings->form == TEXT_JSON)
		return json_print(take(&explained), err);
	agent_explain_text(explained, &text);
	return print_text(&text, err);
}

/* ---- lint ---- */

static int run_lint(void *given, struct err *err)
{
	const struct explain *settings = given;
	auto_buf struct buf policy = BUF_MAX(INITDATA_TEXT_MAX);
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;

	if (rego_load(settings->file, &policy, err) < 0 || agent_lint(buf_span(&policy), &notes, err) < 0)
		return -1;
	if (settings->form == TEXT_JSON && json_print(places_notes(&notes), err) < 0)
		return -1;
	for (size_t i = 0; settings->form == TEXT_PLAIN && i < notes.count; i++) {
		const struct agent_note *note = &notes.items[i];
		auto_json json_t *line = json_line(4096, "%s: %s%s%s", agent_severity_name(note->severity),
				note->path, *note->path ? ": " : "", note->text);

		puts(json_string_value(line));
	}
	return agent_notes_of(&notes, AGENT_ERROR) ||
			(settings->strict && agent_notes_of(&notes, AGENT_WARNING));
}

/* ---- diff ---- */

static int run_diff(void *given, struct err *err)
{
	const struct explain *settings = given;
	auto_buf struct buf before = BUF_MAX(INITDATA_TEXT_MAX), after = BUF_MAX(INITDATA_TEXT_MAX),
			    text = BUF_MAX(SIZE_MAX / 2);
	auto_json json_t *differences = NULL;

	if (rego_load(settings->file, &before, err) < 0 || rego_load(settings->other, &after, err) < 0 ||
			agent_diff(buf_span(&before), buf_span(&after), &differences, err) < 0)
		return -1;
	int status = json_array_size(differences) ? 1 : 0;
	if (settings->form == TEXT_JSON)
		return json_print(take(&differences), err) < 0 ? -1 : status;
	agent_diff_text(differences, &text);
	return print_text(&text, err) < 0 ? -1 : status;
}

#define FILE_HELP "a policy, or a document, annotation or manifest that carries one; standard input without"

static const struct opt explain_options[] = {
	OPT_ENUM(struct explain, form, "output", 'o', "FORM", "what to write", text_form_words),
	OPT_END,
};

static const struct opt lint_options[] = {
	OPT_ENUM(struct explain, form, "output", 'o', "FORM", "what to write", text_form_words),
	OPT_FLAG(struct explain, strict, "strict", 0, "warnings fail, too"),
	OPT_END,
};

static const struct opt_arg one[] = {
	OPT_MAYBE(struct explain, file, "FILE", FILE_HELP),
	OPT_ARG_END,
};

static const struct opt_arg two[] = {
	OPT_ONE(struct explain, file, "FILE", "what there was"),
	OPT_ONE(struct explain, other, "FILE", "what there is now"),
	OPT_ARG_END,
};

static const struct opt_example explain_examples[] = {
	{ "of a pod that runs", "kubectl get pod web-0 -o yaml | initdata-gen policy explain" },
	OPT_EXAMPLE_END,
};

static const struct opt_example lint_examples[] = {
	{ "in CI", "initdata-gen policy lint --strict initdata.toml" },
	OPT_EXAMPLE_END,
};

static const struct opt_example diff_examples[] = {
	{ "what a change of a manifest changes",
			"initdata-gen policy -o policy old.yaml >old.rego\n"
			"initdata-gen policy -o policy new.yaml >new.rego\n"
			"initdata-gen policy diff old.rego new.rego" },
	OPT_EXAMPLE_END,
};

const struct opt_verb policy_explain_verb = {
	.name = "policy explain",
	.summary = "says in words what a policy allows",
	.description = "For each request of the host, whether the guest obeys it, and when; for each "
		       "container its image, "
		       "user, command, environment and mounts. Read from the policy's data block: it holds "
		       "for Cocoon's "
		       "rules, and the output says when a policy has others.",
	.options = explain_options,
	.args = one,
	.examples = explain_examples,
	.size = sizeof(struct explain),
	.run = run_explain,
};

const struct opt_verb policy_lint_verb = {
	.name = "policy lint",
	.summary = "finds what is dangerous about a policy",
	.description = "Reports what lets the host do more than run the workload: any command, logs, values "
		       "of the "
		       "environment, patterns that match more than they seem to, tags without digest, rules "
		       "that nobody "
		       "knows. The exit code is 1 when there are errors, with --strict when there are "
		       "warnings.",
	.options = lint_options,
	.args = one,
	.examples = lint_examples,
	.size = sizeof(struct explain),
	.run = run_lint,
};

const struct opt_verb policy_diff_verb = {
	.name = "policy diff",
	.summary = "says what a policy allows that another did not, and the other way round",
	.description = "Compares the data blocks, containers by their names, and says of each difference "
		       "whether it allows "
		       "more or less. The exit code is 1 when there are differences.",
	.options = explain_options,
	.args = two,
	.examples = diff_examples,
	.size = sizeof(struct explain),
	.run = run_diff,
};
