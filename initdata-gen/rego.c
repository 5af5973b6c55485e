/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/rego.h"

#include "agentpolicy/policy.h"
#include "agentpolicy/settings.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/run.h"
#include "codec/json.h"
#include "initdata-gen/settings.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "initdata/document.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)16 << 20)
#define TIMEOUT    30000 /* ms for a request */
#define TAKES      "to judge a request a policy engine is needed: install opa or regorus, or name one by --engine"

/* ---- policies ---- */

/* Nothing but comments stands before it. */
struct span rego_package(struct span text)
{
	struct span rest = text, line, name;

	while (span_next(&rest, '\n', &line)) {
		line = span_trim(line);
		if (!line.len || line.ptr[0] == '#')
			continue;
		if (!span_starts(line, "package "))
			return SPAN_NONE;
		line = span_from(line, strlen("package "));
		return span_next(&line, '#', &name) ? span_trim(name) : SPAN_NONE;
	}
	return SPAN_NONE;
}

static int from_document(struct span bytes, struct buf *out, struct err *err)
{
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (initdata_parse(bytes, &doc, err) < 0)
		return -1;
	const json_t *policy = json_object_get(doc.data, INITDATA_POLICY);
	if (!policy)
		return err_set(err, ERR_NOT_FOUND, "the document has no entry policy.rego");
	buf_add(out, json_string_value(policy), json_string_length(policy));
	return 0;
}

int rego_load(const char *path, struct buf *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX), document = BUF_MAX(INITDATA_TEXT_MAX);

	if (text_load(path, &text, err) < 0)
		return -1;
	if (rego_package(buf_span(&text)).len) {
		buf_add_span(out, buf_span(&text));
		return 0;
	}
	if (source_read_one(buf_span(&text), SOURCE_AUTO, &document, err) < 0 ||
			from_document(buf_span(&document), out, err) < 0)
		return err_wrap(err, "'%s'", path ? path : "-");
	return 0;
}

/* ---- the engine ---- */

static int write_file(const struct rego_engine *engine, const char *name, struct span bytes, struct err *err)
{
	auto_free char *path = xasprintf("%s/%s", engine->folder, name);

	return fs_write_atomic(path, bytes, 0600, err);
}

static int write_state(const struct rego_engine *engine, struct err *err)
{
	auto_free char *text = json_text(engine->state, true);

	return write_file(engine, "data.json", span_of(text), err);
}

int rego_open(const char *program, struct span policy, struct rego_engine *out, struct err *err)
{
	*out = (struct rego_engine){ .program = program ? program : "opa",
		.guessed = !program,
		.state = json_pack("{s:{}}", "pstate") };
	out->folder = xasprintf("%s/initdata-gen-XXXXXX", settings_temporary());
	if (!mkdtemp(out->folder)) {
		err_errno(err, ERR_IO, "cannot make the folder '%s'", out->folder);
		free(take(&out->folder));
		return -1;
	}
	return write_file(out, "policy.rego", policy, err) < 0 ? -1 : write_state(out, err);
}

void rego_close(struct rego_engine *engine)
{
	static const char *const names[] = { "policy.rego", "data.json", "input.json" };

	for (size_t i = 0; engine->folder && i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", engine->folder, names[i]);
		unlink(path);
	}
	if (engine->folder)
		rmdir(engine->folder);
	free(engine->folder);
	json_decref(engine->state);
}

/* ---- one request ---- */

static bool is_regorus(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strncmp(slash ? slash + 1 : program, "regorus", 7);
}

/* opa tells what is wrong with a policy on its standard output. */
static void say_first_error(struct span said, struct err *err)
{
	auto_json json_t *tree = NULL;

	if (err->kind != ERR_DENIED || json_read(said, ANSWER_MAX, &tree, NULL) < 0)
		return;
	const char *message =
			json_text_at(json_array_get(json_object_get(tree, "errors"), 0), "message", NULL);
	if (message)
		err_set(err, ERR_DENIED, "%s", message);
}

static int ask(struct rego_engine *engine, const char *query, json_t **answer, struct err *err)
{
	auto_free char *policy = xasprintf("%s/policy.rego", engine->folder);
	auto_free char *data = xasprintf("%s/data.json", engine->folder);
	auto_free char *input = xasprintf("%s/input.json", engine->folder);
	const char *const opa[] = { engine->program, "eval", "--format", "json", "--data", policy, "--data",
		data, "--input", input, query, NULL };
	const char *const regorus[] = { engine->program, "eval", "--data", policy, "--data", data, "--input",
		input, query, NULL };
	const struct run run = { .what = engine->program,
		.argv = is_regorus(engine->program) ? regorus : opa,
		.timeout = TIMEOUT };
	auto_buf struct buf out = BUF_MAX(ANSWER_MAX);

	struct err why = ERR_NONE;
	if (run_program(&run, &out, &why) < 0) {
		if (why.kind == ERR_NOT_FOUND && engine->guessed && !is_regorus(engine->program)) {
			engine->program = "regorus";
			return ask(engine, query, answer, err);
		}
		say_first_error(buf_span(&out), &why);
		return why.kind == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, TAKES)
						 : err_set(err, why.kind, "%s", why.text);
	}
	return json_read(buf_span(&out), ANSWER_MAX, answer, err);
}

/* The agent takes a boolean, or an object with "allowed" and perhaps "ops". */
static int take_verdict(
		struct rego_engine *engine, const json_t *values, struct rego_verdict *out, struct err *err)
{
	const json_t *value = json_array_get(values, 0), *allowed = value, *ops = NULL;

	if (json_is_object(value)) {
		allowed = json_object_get(value, "allowed");
		ops = json_object_get(value, "ops");
	}
	if (json_array_size(values) != 1 || !json_is_boolean(allowed)) {
		out->problem = xstrdup(json_array_size(values)
						? "the verdict is neither a boolean nor an object with one"
						: "no rule of that name gives a value");
		return 0;
	}
	out->allowed = json_is_true(allowed);
	if (!out->allowed || !ops || json_is_null(ops))
		return 0;
	struct err why = ERR_NONE;
	if (agent_patch(&engine->state, ops, &why) < 0) {
		out->allowed = false;
		out->problem = xasprintf("what it does to the state fails: %s", why.text);
		return 0;
	}
	out->ops = json_incref((json_t *)(uintptr_t)ops);
	return write_state(engine, err);
}

static int judge(struct rego_engine *engine, const char *kind, struct rego_verdict *out, struct err *err)
{
	auto_json json_t *verdict = NULL, *refusals = NULL;
	auto_free char *query = xasprintf("verdict = [v | v = data.agent_policy.%s]", kind);
	struct err why = ERR_NONE;

	/* an engine that fails on the rules is what the agent answers with an internal error */
	if (ask(engine, query, &verdict, &why) < 0) {
		if (why.kind != ERR_DENIED)
			return err_set(err, why.kind, "%s", why.text);
		out->problem = xstrdup(why.text);
		return 0;
	}
	const json_t *bindings =
			json_object_get(json_array_get(json_object_get(verdict, "result"), 0), "bindings");
	if (take_verdict(engine, json_object_get(bindings, "verdict"), out, err) < 0)
		return -1;
	auto_free char *reasons = xasprintf("why = [r | r = data.agent_policy.refusals.%s]", kind);
	if (out->allowed || ask(engine, reasons, &refusals, &why) < 0)
		return 0;
	bindings = json_object_get(json_array_get(json_object_get(refusals, "result"), 0), "bindings");
	out->reasons = json_incref(json_object_get(bindings, "why"));
	return 0;
}

int rego_judge(struct rego_engine *engine, const char *kind, const json_t *input, struct rego_verdict *out,
		struct err *err)
{
	auto_free char *text = json_text(input, false);

	*out = (struct rego_verdict){ .allowed = false };
	if (write_file(engine, "input.json", span_of(text), err) < 0 || judge(engine, kind, out, err) < 0)
		return err_wrap(err, "%s", engine->program);
	return 0;
}

void rego_verdict_clear(struct rego_verdict *verdict)
{
	free(verdict->problem);
	json_decref(verdict->reasons);
	json_decref(verdict->ops);
}
