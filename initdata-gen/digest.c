/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen digest: the values to put into a key broker's policy. */
#include "base/err.h"
#include "codec/json.h"
#include "initdata-gen/report.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/tee.h"

struct digest_settings {
	const char *file;
	const char *tee;
	int from;
	int format;
	int output;
};

static const char *const format_words[] = { "claim", "hex", "base64", NULL };
enum { FORMAT_CLAIM, FORMAT_HEX, FORMAT_B64 };

static int one_value(const struct digest_settings *settings, const struct initdata *doc, struct err *err)
{
	auto_buf struct buf line = BUF_MAX(1024);
	unsigned char digest[DIGEST_MAX];
	enum tee tee = TEE_SAMPLE; /* the digest as it is */
	enum tee_encoding encoding;
	const char *warning;

	if (settings->tee && tee_find(span_of(settings->tee), &tee, err) < 0)
		return -1;
	encoding = settings->format == FORMAT_CLAIM      ? tee_info(tee)->claim
			: settings->format == FORMAT_HEX ? TEE_HEX
							 : TEE_B64;
	digest_bytes(doc->alg, buf_span(&doc->text), digest);
	if (tee_form_text(tee, doc->alg, digest, encoding, &line, err) < 0)
		return -1;
	warning = tee_warning(tee, doc->alg);
	if (warning)
		fprintf(stderr, "warning: %s\n", warning);
	buf_putc(&line, '\n');
	return text_save(NULL, buf_span(&line), err);
}

static int run(void *given, struct err *err)
{
	const struct digest_settings *settings = given;
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX), out = BUF_MAX(1 << 16);
	auto_json json_t *warnings = json_array();
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (settings->output == TEXT_JSON && (settings->tee || settings->format != FORMAT_CLAIM))
		return err_set(err, ERR_USAGE, "--output json has all values: leave out --tee and --format");
	if (source_load_one(settings->file, (enum source_form)settings->from, &text, err) < 0 ||
			initdata_inspect(buf_span(&text), &doc, warnings, err) < 0)
		return -1;
	text_warn(warnings);
	if (settings->output == TEXT_JSON)
		return json_print(report_json(&doc, warnings), err);
	if (!doc.hashed)
		return err_set(err, ERR_FORMAT,
				"the document's algorithm '%.40s' is not one of sha256, sha384, sha512",
				doc.algorithm ? doc.algorithm : "");
	if (settings->tee || settings->format != FORMAT_CLAIM)
		return one_value(settings, &doc, err);
	report_digests(&doc, &out);
	return text_save(NULL, buf_span(&out), err);
}

static const struct opt options[] = {
	OPT_TEXT(struct digest_settings, tee, "tee", 't', "NAME",
			"print the field of this platform alone: snp, tdx, sgx, cca, se, vtpm, sample"),
	OPT_ENUM(struct digest_settings, format, "format", 0, "FORMAT",
			"encoding of the one value: as the attestation service shows it, or chosen",
			format_words),
	OPT_ENUM(struct digest_settings, from, "from", 0, "FORM", "what the file is", source_form_words),
	OPT_ENUM(struct digest_settings, output, "output", 'o', "FORM", "how to print all values",
			text_form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_MAYBE(struct digest_settings, file, "FILE",
			"document, annotation, manifest or image; standard input without it"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "the value that a policy compares with the claim init_data on SEV-SNP",
			"initdata-gen digest --tee snp initdata.toml" },
	{ "the bare digest, for a profile's allowedDigests",
			"initdata-gen digest --format hex initdata.toml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb digest_verb = {
	.name = "digest",
	.summary = "prints a document's digest in the form of each platform",
	.description = "The digest is taken over the document's exact bytes. On each platform it is fitted "
		       "to the field "
		       "that the hardware signs: cut, or filled with zeros; a virtual TPM extends PCR 8 with "
		       "it.\n\n"
		       "Without --tee and --format the digest and all forms are listed; the forms are "
		       "written as the "
		       "attestation service shows them in the claim init_data.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct digest_settings),
	.run = run,
};
