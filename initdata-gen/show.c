/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen show: what is in a document, wherever it is carried. */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata-gen/report.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/carrier.h"

struct show {
	const char *file;
	const char *entry;
	int from;
	int output;
	bool raw;
};

static int show_json(const struct source *source, const struct initdata *doc, const json_t *warnings,
		struct err *err)
{
	json_t *object = report_json(doc, warnings);

	if (source->label)
		json_object_set_new(object, "of", json_string(source->label));
	json_object_set_new(object, "from", json_string(source_form_words[source->form]));
	json_object_set(object, "data", doc->data);
	return json_print(object, err);
}

static void add_entries(const struct initdata *doc, struct buf *out)
{
	const char *key;
	json_t *value;

	json_object_foreach (doc->data, key, value) {
		struct span text = span_new(json_string_value(value), json_string_length(value));
		struct err name = ERR_NONE;

		err_set(&name, ERR_FORMAT, "%s", key);
		buf_printf(out, "\n%s: %zu bytes\n", name.text, text.len);
		text_indent(out, "    ", text);
	}
}

static int show_text(const struct source *source, const struct initdata *doc, const json_t *warnings,
		struct err *err)
{
	auto_buf struct buf out = BUF_MAX(16U * INITDATA_TEXT_MAX), value = BUF_MAX(INITDATA_IMAGE_MAX);
	auto_json json_t *findings = report_findings(doc);

	if (source->label)
		buf_printf(&out, "%s\n", source->label);
	buf_puts(&out, "version    ");
	text_indent(&out, "", span_of(doc->version ? doc->version : "none"));
	buf_puts(&out, "algorithm  ");
	text_indent(&out, "", span_of(doc->algorithm ? doc->algorithm : "none"));
	buf_printf(&out, "size       %zu bytes", doc->text.len);
	if (initdata_annotation_format(buf_span(&doc->text), &value, NULL) == 0)
		buf_printf(&out, ", %zu as an annotation", value.len);
	buf_putc(&out, '\n');
	report_digests(doc, &out);
	add_entries(doc, &out);
	text_warn(warnings);
	text_findings(findings);
	if (buf_check(&out, "the output", err) < 0)
		return -1;
	return text_save(NULL, buf_span(&out), err);
}

static int show_entry(const struct initdata *doc, const char *key, struct err *err)
{
	const json_t *value = json_object_get(doc->data, key);

	if (!json_is_string(value))
		return err_set(err, ERR_NOT_FOUND, "the document has no entry '%s'", key);
	return text_save(NULL, span_new(json_string_value(value), json_string_length(value)), err);
}

static int show_one(const struct show *show, const struct source *source, struct err *err)
{
	auto_json json_t *warnings = json_array();
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (show->raw)
		return text_save(NULL, buf_span(&source->text), err);
	if (initdata_inspect(buf_span(&source->text), &doc, warnings, err) < 0)
		return -1;
	if (show->entry)
		return show_entry(&doc, show->entry, err);
	if (show->output == TEXT_JSON)
		return show_json(source, &doc, warnings, err);
	return show_text(source, &doc, warnings, err);
}

static int run(void *settings, struct err *err)
{
	const struct show *show = settings;
	auto_source_list struct source_list list = SOURCE_LIST_NONE;

	if (show->raw && (show->entry || show->output == TEXT_JSON))
		return err_set(err, ERR_USAGE,
				"--raw writes the bytes alone: leave out --entry and --output");
	if (source_load(show->file, (enum source_form)show->from, &list, err) < 0)
		return -1;
	if (list.count > 1 && (show->raw || show->entry))
		return err_set(err, ERR_USAGE,
				"%zu pods carry init-data: give --raw and --entry a file with one",
				list.count);
	for (size_t i = 0; i < list.count; i++) {
		if (i && show->output == TEXT_PLAIN && text_save(NULL, SPAN_LIT("\n"), err) < 0)
			return -1;
		if (show_one(show, &list.items[i], err) < 0)
			return list.items[i].label ? err_wrap(err, "%s", list.items[i].label) : -1;
	}
	return 0;
}

static const struct opt options[] = {
	OPT_ENUM(struct show, from, "from", 0, "FORM", "what the file is", source_form_words),
	OPT_ENUM(struct show, output, "output", 'o', "FORM", "how to show it; JSON has one line a document",
			text_form_words),
	OPT_TEXT(struct show, entry, "entry", 'e', "KEY", "print this entry alone, as it is"),
	OPT_FLAG(struct show, raw, "raw", 0, "print the document's exact bytes"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_MAYBE(struct show, file, "FILE",
			"document, annotation, manifest or image; standard input without it"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "what a running pod was given", "kubectl get pod web -o yaml | initdata-gen show" },
	{ "the agent policy inside", "initdata-gen show --entry policy.rego initdata.toml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb show_verb = {
	.name = "show",
	.summary = "explains a document, wherever it is carried",
	.description = "Reads a TOML document, the text of an annotation, a manifest (every pod and template "
		       "in it), or "
		       "the block image that a guest gets, and shows version, digests, what becomes of them "
		       "on each "
		       "platform, and all entries.\n\n"
		       "A document that some guests would refuse is shown with a warning that says which. "
		       "Warnings "
		       "and findings about the files inside go to standard error.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct show),
	.run = run,
};
