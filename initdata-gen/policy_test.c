/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen policy test: would the guest's agent obey these requests? */
#include "agentpolicy/request.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "initdata-gen/places.h"
#include "initdata-gen/rego.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/document.h"

#include <string.h>

#define REQUESTS_MAX 100000

struct test {
	const char *policy;
	const char *engine;
	int form;
	struct opt_rest files;
};

/* ---- requests ---- */

/* One object a line, as the agent writes them when it debugs. */
static int read_lines(struct span text, json_t *all, struct err *err)
{
	struct span rest = text, line;

	for (size_t number = 1; span_next(&rest, '\n', &line); number++) {
		json_t *one = NULL;

		if (!span_trim(line).len)
			continue;
		if (json_read(line, AGENT_REQUEST_MAX, &one, err) < 0)
			return err_wrap(err, "line %zu", number);
		json_array_append_new(all, one);
	}
	return 0;
}

static int read_requests(const char *path, json_t *all, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX * 16);
	auto_json json_t *tree = NULL;
	struct err why = ERR_NONE;

	if (text_load(path, &text, err) < 0)
		return -1;
	if (json_read(buf_span(&text), text.len + 1, &tree, &why) < 0)
		return read_lines(buf_span(&text), all, err) < 0 ? err_wrap(err, "'%s'", path) : 0;
	if (json_is_array(tree))
		json_array_extend(all, tree);
	else
		json_array_append(all, tree);
	return 0;
}

/* ---- one request ---- */

struct counts {
	size_t requests, refused, other;
};

static json_t *report_of(size_t number, const char *kind, const json_t *given,
		const struct rego_verdict *verdict, const struct agent_notes *notes)
{
	const char *words = json_text_at(given, "description", NULL);
	json_t *report = json_pack(
			"{s:i,s:s,s:b}", "request", (int)number, "kind", kind, "allowed", verdict->allowed);

	if (words)
		json_object_set_new(report, "description", json_string(words));
	if (verdict->problem)
		json_object_set_new(report, "problem", json_line(4096, "%s", verdict->problem));
	if (verdict->reasons)
		json_object_set_new(report, "refusals",
				json_incref(json_array_get(verdict->reasons, 0)
								? json_array_get(verdict->reasons, 0)
								: verdict->reasons));
	if (notes->count)
		json_object_set_new(report, "notes", places_notes(notes));
	return report;
}

static void print_reasons(const char *who, const json_t *reasons)
{
	const json_t *reason;
	size_t i;

	printf("  %s%s", who, *who ? ": " : "");
	json_array_foreach (reasons, i, reason)
		printf("%s%s", i ? ", " : "", json_string_value(reason) ? json_string_value(reason) : "?");
	putchar('\n');
}

static void print_report(const json_t *report, bool unexpected)
{
	const json_t *refusals = json_object_get(report, "refusals"), *reasons;
	const char *words = json_text_at(report, "description", NULL);
	const char *problem = json_text_at(report, "problem", NULL), *name;

	printf("%s %s%s%s%s\n", json_is_true(json_object_get(report, "allowed")) ? "allowed" : "refused",
			json_text_at(report, "kind", NULL), words ? ": " : "", words ? words : "",
			unexpected ? " (the file says otherwise)" : "");
	if (problem)
		printf("  %s\n", problem);
	if (json_object_get(refusals, "reasons"))
		print_reasons("", json_object_get(refusals, "reasons"));
	json_object_foreach (json_object_get(refusals, "containers"), name, reasons)
		print_reasons(name, reasons);
}

static int test_one(const struct test *settings, struct rego_engine *engine, size_t number,
		const json_t *given, struct counts *counts, json_t *reports, struct err *err)
{
	const json_t *request = json_object_get(given, "request"),
		     *expected = json_object_get(given, "allowed");
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	auto_rego_verdict struct rego_verdict verdict = { .allowed = false };
	auto_json json_t *input = NULL;
	const char *kind;

	if (!request)
		request = json_object_get(given, "data");
	if (json_get_text(given, "", "kind", &kind, err) < 0)
		return err_wrap(err, "request %zu", number);
	if (!request)
		return err_set(err, ERR_FORMAT, "request %zu: has no 'request', the message that is judged",
				number);
	if (agent_request_fill(kind, request, &input, &notes, err) < 0 ||
			rego_judge(engine, kind, input, &verdict, err) < 0)
		return err_wrap(err, "request %zu", number);
	bool unexpected = json_is_boolean(expected) && json_is_true(expected) != verdict.allowed;
	json_t *report = report_of(number, kind, given, &verdict, &notes);
	counts->requests++;
	counts->refused += !verdict.allowed;
	counts->other += json_is_boolean(expected) ? unexpected : !verdict.allowed;
	if (settings->form == TEXT_PLAIN) {
		auto_free char *label = xasprintf("request %zu", number);
		places_say(label, &notes);
		print_report(report, unexpected);
	}
	json_array_append_new(reports, report);
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct test *settings = given;
	auto_buf struct buf policy = BUF_MAX(INITDATA_TEXT_MAX);
	auto_json json_t *requests = json_array(), *reports = json_array();
	auto_rego_engine struct rego_engine engine = { .folder = NULL };
	struct counts counts = { 0 };
	const json_t *request;
	size_t i;

	if (rego_load(settings->policy, &policy, err) < 0)
		return -1;
	for (i = 0; i < settings->files.count; i++)
		if (read_requests(settings->files.items[i], requests, err) < 0)
			return -1;
	if (json_array_size(requests) > REQUESTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d requests", REQUESTS_MAX);
	if (rego_open(settings->engine, buf_span(&policy), &engine, err) < 0)
		return -1;
	json_array_foreach (requests, i, request)
		if (test_one(settings, &engine, i + 1, request, &counts, reports, err) < 0)
			return -1;
	if (settings->form == TEXT_JSON && json_print(json_incref(reports), err) < 0)
		return -1;
	if (settings->form == TEXT_PLAIN)
		printf("%zu requests, %zu refused\n", counts.requests, counts.refused);
	return counts.other ? 1 : 0;
}

static const struct opt options[] = {
	OPT_TEXT(struct test, policy, "policy", 'p', "FILE",
			"the policy, or a document, annotation or manifest that carries it",
			.required = true),
	OPT_TEXT(struct test, engine, "engine", 0, "PROGRAM", "opa or regorus; else whichever PATH has"),
	OPT_ENUM(struct test, form, "output", 'o', "FORM", "what to write", text_form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct test, files, "FILE", 1, 1000, "requests as JSON: an object, an array, or one a line"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "may the host run a shell?",
			"echo '{\"kind\": \"ExecProcessRequest\", \"request\": {\"container_id\": \"a\", "
			"\"process\": "
			"{\"Args\": [\"sh\"]}}}' | \\\n    initdata-gen policy test --policy initdata.toml "
			"-" },
	OPT_EXAMPLE_END,
};

const struct opt_verb policy_test_verb = {
	.name = "policy test",
	.summary = "judges requests by a policy, as the guest's agent does",
	.description = "Requests are objects {\"kind\", \"request\", \"description\", \"allowed\"}, of which "
		       "the first two "
		       "are needed; the lines that an agent writes when it debugs (policy.jsonl) are such. "
		       "Members of the "
		       "message that are not there are filled in as the agent does. They are judged in "
		       "order, with the "
		       "state that each leaves behind.\n\n"
		       "The engine is a program of its own: opa, or regorus, which is what the agent has "
		       "built in. With "
		       "Cocoon's rules a refusal names the rules that refused, for each container of the "
		       "policy.\n\n"
		       "The exit code is 1 when a request is refused, or, where it says \"allowed\", judged "
		       "otherwise.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct test),
	.run = run,
};
