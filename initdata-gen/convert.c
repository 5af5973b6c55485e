/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen convert: from kernel parameters and the old policy annotation to init-data. */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata-gen/report.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/carrier.h"
#include "initdata/kparams.h"
#include "pod/manifest.h"

#include <string.h>

enum convert_from { FROM_AUTO, FROM_PARAMS, FROM_MANIFEST };
static const char *const from_words[] = { "auto", "text", "manifest", NULL };

struct convert {
	const char *file;
	const char *to;
	int from;
	int output;
};

/* What was found. */
struct input {
	struct buf params;
	struct buf policy; /* the agent's, from the annotation; empty without */
};

/* ---- reading ---- */

static int same_or_first(struct buf *have, struct span found, bool *seen, const char *what, struct err *err)
{
	if (*seen && !span_eq(buf_span(have), found))
		return err_set(err, ERR_USAGE, "the pods have different %s: convert them one by one", what);
	*seen = true;
	buf_reset(have);
	buf_add_span(have, found);
	return buf_check(have, what, err);
}

static int read_place(const struct place *place, struct input *input, bool *params_seen, bool *policy_seen,
		struct err *err)
{
	const char *params = pod_annotation(&place->pod, KERNEL_PARAMS_ANNOTATION);
	const char *policy = pod_annotation(&place->pod, AGENT_POLICY_ANNOTATION);
	auto_buf struct buf plain = BUF_MAX(INITDATA_TEXT_MAX);

	if (!params && !policy)
		return 0;
	if (pod_annotation(&place->pod, INITDATA_ANNOTATION))
		return err_set(err, ERR_CONFLICT,
				"has init-data already: take it apart with 'initdata-gen show --entry', and "
				"join both "
				"with 'initdata-gen create'");
	if (params &&
			same_or_first(&input->params, span_of(params), params_seen, "kernel parameters",
					err) < 0)
		return -1;
	if (!policy)
		return 0;
	if (b64_decode(span_of(policy), &plain, err) < 0)
		return err_wrap(err, AGENT_POLICY_ANNOTATION);
	return same_or_first(&input->policy, buf_span(&plain), policy_seen, "agent policies", err);
}

static int read_manifest(const struct manifest *manifest, struct input *input, struct err *err)
{
	bool params_seen = false, policy_seen = false;

	for (size_t i = 0; i < manifest->count; i++)
		if (read_place(&manifest->places[i], input, &params_seen, &policy_seen, err) < 0)
			return err_wrap(err, "%s", manifest->places[i].label);
	if (!params_seen && !policy_seen)
		return err_set(err, ERR_NOT_FOUND,
				"no pod carries " KERNEL_PARAMS_ANNOTATION " or " AGENT_POLICY_ANNOTATION);
	return 0;
}

static int read_input(const struct convert *convert, struct input *input, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX);
	auto_manifest struct manifest manifest = MANIFEST_NONE;
	struct err why = ERR_NONE;
	bool is_yaml;

	if (text_load(convert->file, &text, err) < 0)
		return -1;
	is_yaml = convert->from != FROM_PARAMS && manifest_read(buf_span(&text), &manifest, &why) == 0;
	if (convert->from == FROM_MANIFEST && !is_yaml)
		return err_set(err, why.kind, "%s", why.text);
	if (convert->from == FROM_MANIFEST || (is_yaml && manifest_has_objects(&manifest)))
		return read_manifest(&manifest, input, err);
	buf_add_span(&input->params, buf_span(&text));
	return 0;
}

/* ---- making ---- */

static int make(const struct input *input, struct kparams_moved *moved, struct buf *document, struct err *err)
{
	auto_json json_t *data = NULL;
	struct span policy = buf_span(&input->policy);

	if (kparams_to_initdata(buf_span(&input->params), moved, err) < 0)
		return -1;
	if (policy.len && (memchr(policy.ptr, 0, policy.len) || !span_is_utf8(policy)))
		return err_set(err, ERR_FORMAT, AGENT_POLICY_ANNOTATION " is no text in UTF-8");
	if (policy.len)
		json_array_append_new(moved->notes,
				json_string(AGENT_POLICY_ANNOTATION " → policy.rego: the digest now covers "
								    "it; remove the annotation"));
	if (initdata_entries(&moved->config, buf_text(&input->policy), NULL, &data, err) < 0)
		return -1;
	if (json_object_size(data) == 0)
		return err_set(err, ERR_NOT_FOUND, "there is nothing that belongs into init-data");
	return initdata_render(DIGEST_SHA256, data, document, err);
}

static void print_notes(const struct kparams_moved *moved)
{
	const json_t *note;
	size_t i;

	json_array_foreach (moved->notes, i, note)
		fprintf(stderr, "%s\n", json_string_value(note));
	if (moved->rest.len)
		fprintf(stderr, "kernel parameters that stay: %s\n", buf_text(&moved->rest));
	else
		fprintf(stderr,
				"no kernel parameters stay: remove the annotation " KERNEL_PARAMS_ANNOTATION
				"\n");
}

static int write_json(const struct convert *convert, const struct kparams_moved *moved,
		const struct initdata *doc, struct err *err)
{
	auto_buf struct buf value = BUF_MAX(INITDATA_IMAGE_MAX);
	auto_json json_t *object = report_json(doc, NULL);
	auto_free char *line = NULL;
	auto_free char *text = NULL;

	if (initdata_annotation_format(buf_span(&doc->text), &value, err) < 0)
		return -1;
	json_object_set_new(object, "document", json_stringn(buf_text(&doc->text), doc->text.len));
	json_object_set_new(object, "annotation", json_string(buf_text(&value)));
	json_object_set_new(object, "kernelParams", json_string(buf_text(&moved->rest)));
	json_object_set(object, "notes", moved->notes);
	line = json_text(object, false);
	text = xasprintf("%s\n", line);
	return text_save(convert->to, span_of(text), err);
}

static void input_clear(struct input *input)
{
	buf_clear(&input->params);
	buf_clear(&input->policy);
}

static int run(void *settings, struct err *err)
{
	const struct convert *convert = settings;
	__attribute__((cleanup(input_clear))) struct input input = { .params = BUF_MAX(TEXT_FILE_MAX),
		.policy = BUF_MAX(INITDATA_TEXT_MAX) };
	auto_kparams_moved struct kparams_moved moved;
	auto_buf struct buf document = BUF_MAX(INITDATA_TEXT_MAX);
	auto_initdata struct initdata doc;
	auto_json json_t *findings = NULL;

	kparams_moved_init(&moved);
	initdata_init(&doc);
	if (read_input(convert, &input, err) < 0 || make(&input, &moved, &document, err) < 0 ||
			initdata_parse(buf_span(&document), &doc, err) < 0)
		return -1;
	if (convert->output == TEXT_JSON)
		return write_json(convert, &moved, &doc, err);
	if (text_save(convert->to, buf_span(&document), err) < 0)
		return -1;
	print_notes(&moved);
	findings = report_findings(&doc);
	text_findings(findings);
	return 0;
}

static const struct opt options[] = {
	OPT_ENUM(struct convert, from, "from", 0, "FORM", "what the file is: text is a command line",
			from_words),
	OPT_TEXT(struct convert, to, "to", 0, "FILE", "where the document goes; standard output without it"),
	OPT_ENUM(struct convert, output, "output", 'o', "FORM", "the document, or JSON with everything",
			text_form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_MAYBE(struct convert, file, "FILE",
			"kernel parameters, or a manifest; standard input without it"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "what a guest was started with so far",
			"echo 'agent.aa_kbc_params=cc_kbc::http://kbs:8080' | initdata-gen convert --to "
			"initdata.toml" },
	{ "what a manifest still says by kernel parameters",
			"initdata-gen convert deploy.yaml --to initdata.toml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb convert_verb = {
	.name = "convert",
	.summary = "moves kernel parameters and the old policy annotation into init-data",
	.description = "Kernel parameters are part of the measured boot, so that each change needs new "
		       "reference values; "
		       "some runtimes never forward them. What aa.toml and cdh.toml can say moves there, "
		       "read as the "
		       "guest reads it, quirks included; the rest is named and stays. Says on standard error "
		       "what was "
		       "moved and what changes by it.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct convert),
	.run = run,
};
