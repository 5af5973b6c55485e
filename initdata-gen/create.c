/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen create: a document from options or from a profile. */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata-gen/fields.h"
#include "initdata-gen/profile.h"
#include "initdata-gen/report.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/carrier.h"

#include <string.h>

enum create_form { CREATE_TOML, CREATE_ANNOTATION, CREATE_JSON };
static const char *const form_words[] = { "toml", "annotation", "json", NULL };

struct create {
	struct fields fields;
	const char *profile;
	struct opt_list config_maps;
	const char *to;
	int algorithm; /* in the order of enum digest_alg */
	int form;
};

static int from_fields(const struct create *create, struct buf *text, struct err *err)
{
	auto_json json_t *data = NULL;

	if (fields_entries(&create->fields, &data, err) < 0)
		return -1;
	if (json_object_size(data) == 0)
		return err_set(err, ERR_USAGE,
				"nothing to put into the document: give --kbs-url, --policy, --entry or "
				"another option");
	return initdata_render((enum digest_alg)create->algorithm, data, text, err);
}

static int from_profile(const struct create *create, struct buf *text, struct err *err)
{
	auto_profile struct profile *profile = NULL;

	if (fields_any(&create->fields) || create->algorithm != DIGEST_SHA256)
		return err_set(err, ERR_USAGE,
				"--profile settles the whole document: leave out the options for its "
				"content");
	if (profile_load(create->profile, &create->config_maps, &profile, err) < 0)
		return -1;
	buf_add_span(text, buf_span(&profile->document));
	return 0;
}

static int save(const struct create *create, const struct initdata *doc, struct err *err)
{
	auto_buf struct buf out = BUF_MAX(INITDATA_IMAGE_MAX);
	json_t *object;

	if (create->form == CREATE_TOML)
		return text_save(create->to, buf_span(&doc->text), err);
	if (initdata_annotation_format(buf_span(&doc->text), &out, err) < 0)
		return -1;
	if (create->form == CREATE_ANNOTATION) {
		/* in a file the value stands alone, so that --from-file and $(cat) take it as it is */
		if (!create->to)
			buf_putc(&out, '\n');
		return text_save(create->to, buf_span(&out), err);
	}
	object = report_json(doc, NULL);
	json_object_set_new(object, "document", json_stringn(buf_text(&doc->text), doc->text.len));
	json_object_set_new(object, "annotation", json_stringn(buf_text(&out), out.len));
	auto_json json_t *owned = object;
	auto_free char *line = json_text(owned, false);
	buf_reset(&out);
	buf_printf(&out, "%s\n", line);
	return text_save(create->to, buf_span(&out), err);
}

static int run(void *settings, struct err *err)
{
	const struct create *create = settings;
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX), digests = BUF_MAX(1 << 16);
	auto_initdata struct initdata doc;
	auto_json json_t *findings = NULL;

	initdata_init(&doc);
	if ((create->profile ? from_profile : from_fields)(create, &text, err) < 0 ||
			initdata_parse(buf_span(&text), &doc, err) < 0 || save(create, &doc, err) < 0)
		return -1;
	findings = report_findings(&doc);
	text_findings(findings);
	if (create->form == CREATE_JSON)
		return 0;
	report_digests(&doc, &digests);
	fputs(buf_text(&digests), create->to ? stdout : stderr);
	return 0;
}

static const struct opt options[] = {
	FIELDS_OPTIONS(struct create, fields),
	OPT_TEXT(struct create, profile, "profile", 0, "FILE",
			"take everything from this ConfidentialProfile, as the cluster does"),
	OPT_LIST(struct create, config_maps, "config-map", 0, "FILE",
			"manifest with the ConfigMap that the profile names; may be repeated"),
	OPT_ENUM(struct create, algorithm, "algorithm", 0, "ALG",
			"digest algorithm; sha256 has a form on every platform", text_algorithm_words),
	OPT_ENUM(struct create, form, "form", 0, "FORM",
			"what to write; json has the document, its annotation and "
			"all digests",
			form_words),
	OPT_TEXT(struct create, to, "to", 0, "FILE", "where it goes; standard output without it"),
	OPT_END,
};

static const struct create defaults = { .fields = FIELDS_NONE };

static const struct opt_example examples[] = {
	{ "a document, and its digests for the key broker's policy",
			"initdata-gen create --kbs-url https://kbs:8080 --kbs-cert ca.pem --policy "
			"policy.rego \\\n"
			"    --image-policy-uri kbs:///default/security-policy/prod --to initdata.toml" },
	{ "the document that the cluster injects for a profile",
			"initdata-gen create --profile profile.yaml --to initdata.toml" },
	{ "the same, signed for whoever deploys it",
			"initdata-gen create --profile profile.yaml --to initdata.toml\n"
			"cosign sign-blob --bundle initdata.bundle initdata.toml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb create_verb = {
	.name = "create",
	.summary = "makes a document from options or from a ConfidentialProfile",
	.description = "Writes the guest's aa.toml and cdh.toml from options, adds the agent's policy and "
		       "other entries, "
		       "and refuses what a guest would refuse. Only what is given is written.\n\n"
		       "With --to the digests are printed on standard output; without it the document is, "
		       "and the "
		       "digests go to standard error. Warnings always go there.\n\n"
		       "Init-data is public: everybody who may read the pod reads it. Keys and passwords "
		       "belong into "
		       "the key broker.",
	.options = options,
	.examples = examples,
	.size = sizeof(struct create),
	.defaults = &defaults,
	.run = run,
};
