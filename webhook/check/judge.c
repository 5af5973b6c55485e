/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/check/judge.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "crypto/init.h"
#include "facts/facts.h"
#include "initdata/carrier.h"
#include "initdata/document.h"
#include "net/http.h"
#include "policy/gate.h"
#include "webhook/check/sources.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FACTS_MEMORY  ((size_t)256 * 1024 * 1024)
#define FACTS_THREADS 4
#define TEXT_MAX      4096

static int load_document(struct engine *engine, struct err *err)
{
	struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	auto_initdata struct initdata doc;
	const char *file = engine->options->document;

	if (!file)
		return 0;
	initdata_init(&doc);
	if (source_text(file, &text, err) < 0 || initdata_parse(buf_span(&text), &doc, err) < 0) {
		buf_clear(&text);
		return err_wrap(err, "--document '%s'", file);
	}
	size_t len = text.len;
	engine->document_text = buf_take(&text);
	engine->document = span_new(engine->document_text, len);
	return 0;
}

/* Standard input ends once: whoever read it second would find nothing there, and nothing is never refused. */
static int check_stdin(const struct judge_options *options, const struct opt_rest *files, struct err *err)
{
	size_t count = options->document && !strcmp(options->document, "-");

	count += source_count_stdin(options->policies.items, options->policies.count);
	if (files)
		count += source_count_stdin((const char *const *)files->items, files->count);
	return count > 1 ? err_set(err, ERR_USAGE, "'-', standard input, can be read once") : 0;
}

int engine_open(const struct judge_options *options, const struct opt_rest *files, struct engine *out,
		struct err *err)
{
	*out = (struct engine){ .options = options,
		.images = json_array(),
		.ends = json_array(),
		.pods = json_array(),
		.terminal = isatty(STDERR_FILENO) };
	/* librnp has words of its own for stderr, and no way to be told not to */
	out->nowhere = fopen("/dev/null", "we");
	if (!out->nowhere)
		return err_errno(err, ERR_IO, "cannot open /dev/null");
	if (check_stdin(options, files, err) < 0 || crypto_init(true, err) < 0 || http_global_init(err) < 0)
		return -1;
	authfiles_find((const char *const *)environ, &out->files);
	const struct facts_options facts = {
		.clock = &clock_real,
		.user_agent = "policy-check/" COCOON_VERSION,
		.max_bytes = FACTS_MEMORY,
		.threads = FACTS_THREADS,
		.per_host = FACTS_THREADS,
		.auth_file = options->auth_file,
		.auth_files = out->files.paths,
		.proxy = out->files.proxy,
		.no_proxy = out->files.no_proxy,
		.layouts = options->layouts.items,
		.layout_count = options->layouts.count,
	};
	if (source_policies(&options->policies, options->unmatched, &out->set, err) < 0 ||
			load_document(out, err) < 0 || facts_new(&facts, &out->facts, err) < 0)
		return -1;
	return 0;
}

void engine_close(struct engine *engine)
{
	facts_free(engine->facts);
	policy_set_unref(engine->set);
	authfiles_clear(&engine->files);
	free(engine->document_text);
	json_decref(engine->images);
	json_decref(engine->ends);
	json_decref(engine->pods);
	own_fclose(&engine->nowhere);
}

/* ---- one pod ---- */

static enum gate_found find(
		void *ctx, const struct image_want *want, struct image_facts **facts, struct err *why)
{
	struct engine *engine = ctx;
	char name[OCI_NAME_MAX];
	int got;

	oci_name_format(&want->name, name);
	if (engine->terminal)
		dprintf(STDERR_FILENO, "\r\033[Kreading %.100s", name);
	got = facts_get(engine->facts, want, facts, why);
	if (engine->terminal)
		dprintf(STDERR_FILENO, "\r\033[K");
	return got < 0 ? GATE_FAILED : GATE_FOUND;
}

/* The document that the pod carries, else that of the command line. */
static int document_of(struct engine *engine, const struct pod_view *pod, struct buf *room, struct span *out,
		struct err *err)
{
	const char *value = pod_annotation(pod, INITDATA_ANNOTATION);

	*out = engine->document;
	if (!value)
		return 0;
	if (initdata_annotation_parse(span_of(value), room, err) < 0)
		return err_wrap(err, "annotation %s", INITDATA_ANNOTATION);
	*out = buf_span(room);
	return 0;
}

static void add_lines(
		struct engine *engine, const char *file, const char *object, const struct gate_result *result)
{
	for (size_t i = 0; i < result->line_count; i++) {
		const struct gate_line *line = &result->lines[i];
		json_array_append_new(engine->images,
				json_pack("{s:o,s:o,s:o,s:o,s:s,s:o,s:s,s:o}", "file",
						json_line(TEXT_MAX, "%s", file), "object",
						json_line(TEXT_MAX, "%s", object), "path",
						json_line(TEXT_MAX, "%s", line->path), "image",
						json_line(TEXT_MAX, "%s", line->image), "digest",
						line->digest, "policy",
						json_line(TEXT_MAX, "%s", line->policy), "verdict",
						gate_verdict_name(line->verdict), "reason",
						json_line(TEXT_MAX, "%s", line->reason)));
	}
}

/* The message's lines as texts. */
static json_t *lines_of(const struct buf *message)
{
	json_t *out = json_array();
	struct span rest = buf_span(message);

	while (rest.len) {
		size_t end = span_find(rest, '\n');
		if (end)
			json_array_append_new(
					out, json_line(TEXT_MAX, "%.*s", (int)end, (const char *)rest.ptr));
		rest = span_from(rest, end < rest.len ? end + 1 : end);
	}
	return out;
}

/* Takes the references. */
static void add_pod(struct engine *engine, const char *file, const char *object, bool allowed,
		json_t *reasons, json_t *warnings)
{
	json_array_append_new(engine->ends, json_integer((json_int_t)json_array_size(engine->images)));
	json_array_append_new(engine->pods,
			json_pack("{s:o,s:o,s:b,s:o,s:o}", "file", json_line(TEXT_MAX, "%s", file), "object",
					json_line(TEXT_MAX, "%s", object), "allowed", allowed, "reasons",
					reasons, "warnings", warnings));
}

void engine_judge(struct engine *engine, const char *file, const char *object, const struct pod_view *pod,
		const char *path, const json_t *labels)
{
	auto_gate_result struct gate_result result;
	auto_buf struct buf room = BUF_MAX(INITDATA_TEXT_MAX);
	struct gate_review review = {
		.set = engine->set,
		.kind = GATE_POD,
		.unseen = true,
		.path = path,
		.pod = pod,
		.namespace_labels = labels,
		.now = clock_wall(&clock_real) / 1000000,
		.ctx = engine,
		.find = find,
	};

	struct err err = ERR_NONE;

	/* the webhook refuses it wherever there is a profile; a document that nobody can read is none that was meant */
	if (document_of(engine, pod, &room, &review.document, &err) < 0) {
		add_pod(engine, file, object, false, json_pack("[o]", json_line(TEXT_MAX, "%s", err.text)),
				json_array());
		return;
	}
	gate_result_init(&result);
	FILE *own = stderr;
	stderr = engine->nowhere;
	gate_judge(&review, &result);
	stderr = own;
	add_lines(engine, file, object, &result);
	add_pod(engine, file, object, result.allowed, lines_of(&result.message),
			json_incref(result.warnings));
}

/* ---- the report ---- */

static void print_texts(const char *head, const json_t *texts)
{
	const json_t *text;
	size_t i;

	json_array_foreach (texts, i, text)
		printf("  %s: %s\n", head, json_string_value(text));
}

static size_t end_of(const struct engine *engine, size_t pod)
{
	return (size_t)json_integer_value(json_array_get(engine->ends, pod));
}

static void print_pod(const struct engine *engine, size_t number)
{
	const json_t *pod = json_array_get(engine->pods, number);
	const char *file = json_text_at(pod, "file", NULL), *object = json_text_at(pod, "object", NULL);
	bool allowed = json_is_true(json_object_get(pod, "allowed"));

	printf("%s: %s: %s\n", file, object, allowed ? "admitted" : "refused");
	for (size_t i = number ? end_of(engine, number - 1) : 0; i < end_of(engine, number); i++) {
		const json_t *image = json_array_get(engine->images, i);
		const char *policy = json_text_at(image, "policy", NULL);
		printf("  %-8s  %s  %s  (%s%s)\n", json_text_at(image, "verdict", NULL),
				json_text_at(image, "path", NULL), json_text_at(image, "image", NULL),
				*policy ? "ImagePolicy " : "no policy", policy);
	}
	print_texts("reason", json_object_get(pod, "reasons"));
	print_texts("warning", json_object_get(pod, "warnings"));
}

int engine_report(struct engine *engine, struct err *err)
{
	size_t i, refused = 0, warned = 0;
	const json_t *pod;

	json_array_foreach (engine->pods, i, pod) {
		refused += !json_is_true(json_object_get(pod, "allowed"));
		warned += json_array_size(json_object_get(pod, "warnings")) > 0;
		if (engine->options->form == FORM_TABLE)
			print_pod(engine, i);
	}
	if (engine->options->form == FORM_TABLE)
		printf("%zu pods, %zu refused, %zu with warnings\n", json_array_size(engine->pods), refused,
				warned);
	else if (json_print(json_pack("{s:I,s:I,s:O,s:O}", "refused", (json_int_t)refused, "warned",
					    (json_int_t)warned, "pods", engine->pods, "images",
					    engine->images),
				 err) < 0)
		return -1;
	return refused || (engine->options->strict && warned) ? 1 : 0;
}
