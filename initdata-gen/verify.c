/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen verify: is this the document that was measured? */
#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"
#include "codec/json.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/document.h"
#include "initdata/tee.h"

#include <string.h>

#define VALUE_MAX 1024

struct verify {
	const char *file;
	const char *digest;
	const char *against;
	const char *tee;
	const char *value;
	int from;
	int output;
};

/* What was compared; each check appends to one of the two. */
struct outcome {
	json_t *same;
	json_t *different;
};

static int check_digest(const struct verify *verify, const struct initdata *doc, struct outcome *outcome,
		struct err *err)
{
	struct span wanted = span_of(verify->digest);
	enum digest_alg alg = doc->alg;
	char hex[DIGEST_HEX_MAX];
	size_t colon = span_find(wanted, ':');

	if (colon < wanted.len) {
		if (digest_alg_parse(span_new(wanted.ptr, colon), &alg, err) < 0)
			return err_set(err, ERR_USAGE,
					"--digest '%s': sha256, sha384 or sha512 stand before the colon",
					verify->digest);
		wanted = span_from(wanted, colon + 1);
	} else if (!doc->hashed) {
		return err_set(err, ERR_FORMAT,
				"the document's algorithm is not one that we compute: write --digest "
				"sha256:HEX");
	}
	digest_hex(alg, buf_span(&doc->text), hex);
	if (span_is(wanted, hex))
		json_array_append_new(outcome->same, json_sprintf("digest %s:%s", digest_name(alg), hex));
	else
		json_array_append_new(outcome->different,
				json_sprintf("the digest is %s:%s, not %.*s", digest_name(alg), hex,
						SPAN_ARG(wanted)));
	return 0;
}

/* Hexadecimal or base64, whichever it is; 256 bytes of hex are longer than any field's base64. */
static int decode_value(const char *text, size_t size, struct buf *out, struct err *err)
{
	if (strlen(text) == 2 * size && hex_decode(span_of(text), out, NULL) == 0)
		return 0;
	if (strlen(text) == b64_encoded_len(size) && b64_decode(span_of(text), out, NULL) == 0)
		return 0;
	return err_set(err, ERR_USAGE, "--value is neither lower-case hex nor base64 of %zu bytes", size);
}

static int check_tee(const struct verify *verify, const struct initdata *doc, struct outcome *outcome,
		struct err *err)
{
	auto_buf struct buf form = BUF_MAX(VALUE_MAX), value = BUF_MAX(VALUE_MAX), hex = BUF_MAX(VALUE_MAX);
	unsigned char digest[DIGEST_MAX];
	enum tee tee;

	if (tee_find(span_of(verify->tee), &tee, err) < 0)
		return -1;
	if (!doc->hashed)
		return err_set(err, ERR_FORMAT, "the document's algorithm is not one that we compute");
	digest_bytes(doc->alg, buf_span(&doc->text), digest);
	if (tee_form(tee, doc->alg, digest, &form, err) < 0 ||
			decode_value(verify->value, form.len, &value, err) < 0)
		return -1;
	hex_encode(&hex, buf_span(&form));
	if (span_eq(buf_span(&form), buf_span(&value)))
		json_array_append_new(outcome->same,
				json_sprintf("%s %s %s", verify->tee, tee_info(tee)->field, buf_text(&hex)));
	else
		json_array_append_new(outcome->different,
				json_sprintf("%s is %s for this document, not what was given",
						tee_info(tee)->field, buf_text(&hex)));
	return 0;
}

/* Both documents' first difference, by line. */
static void describe(struct span ours, struct span theirs, const char *label, json_t *different)
{
	size_t at = 0;
	int line, column;

	while (at < ours.len && at < theirs.len && ours.ptr[at] == theirs.ptr[at])
		at++;
	span_place(ours, at, &line, &column);
	json_array_append_new(different,
			json_sprintf("%s differs from line %d, column %d on (%zu bytes here, %zu there)",
					label, line, column, ours.len, theirs.len));
}

static int check_against(const struct verify *verify, const struct initdata *doc, struct outcome *outcome,
		struct err *err)
{
	auto_source_list struct source_list list = SOURCE_LIST_NONE;

	if (source_load(verify->against, SOURCE_AUTO, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const char *label = list.items[i].label ? list.items[i].label : verify->against;

		if (span_eq(buf_span(&list.items[i].text), buf_span(&doc->text)))
			json_array_append_new(outcome->same, json_string(label));
		else
			describe(buf_span(&doc->text), buf_span(&list.items[i].text), label,
					outcome->different);
	}
	return 0;
}

static void print(const char *head, const json_t *texts)
{
	const json_t *text;
	size_t i;

	json_array_foreach (texts, i, text)
		printf("%s: %s\n", head, json_string_value(text));
}

static int report(const struct verify *verify, const struct outcome *outcome, struct err *err)
{
	bool ok = json_array_size(outcome->different) == 0;

	if (verify->output == TEXT_JSON) {
		if (json_print(json_pack("{s:b, s:O, s:O}", "verified", ok, "same", outcome->same,
					       "different", outcome->different),
				    err) < 0)
			return -1;
		return ok ? 0 : 1;
	}
	print("same", outcome->same);
	print("different", outcome->different);
	return ok ? 0 : 1;
}

static int compare(const struct verify *verify, const struct initdata *doc, struct err *err)
{
	auto_json json_t *same = json_array();
	auto_json json_t *different = json_array();
	struct outcome outcome = { same, different };

	if (verify->digest && check_digest(verify, doc, &outcome, err) < 0)
		return -1;
	if (verify->tee && check_tee(verify, doc, &outcome, err) < 0)
		return -1;
	if (verify->against && check_against(verify, doc, &outcome, err) < 0)
		return -1;
	return report(verify, &outcome, err);
}

static int run(void *settings, struct err *err)
{
	const struct verify *verify = settings;
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	auto_json json_t *warnings = json_array();
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (!verify->digest && !verify->against && !verify->tee)
		return err_set(err, ERR_USAGE,
				"say what to compare with: --digest, --annotation, or --tee with --value");
	if (!verify->tee != !verify->value)
		return err_set(err, ERR_USAGE, "--tee and --value go together");
	if (source_load_one(verify->file, (enum source_form)verify->from, &text, err) < 0 ||
			initdata_inspect(buf_span(&text), &doc, warnings, err) < 0)
		return -1;
	text_warn(warnings);
	return compare(verify, &doc, err);
}

static const struct opt options[] = {
	OPT_TEXT(struct verify, digest, "digest", 'd', "[ALG:]HEX", "the digest must be this"),
	OPT_TEXT(struct verify, against, "annotation", 'a', "FILE",
			"every document in this file must be the same: annotation, manifest, TOML or image"),
	OPT_TEXT(struct verify, tee, "tee", 't', "NAME", "the field of this platform must be --value"),
	OPT_TEXT(struct verify, value, "value", 0, "VALUE", "hex or base64, as a token or report shows it"),
	OPT_ENUM(struct verify, from, "from", 0, "FORM", "what the document's file is", source_form_words),
	OPT_ENUM(struct verify, output, "output", 'o', "FORM", "how to print the outcome", text_form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_MAYBE(struct verify, file, "FILE", "the document that it should be; standard input without it"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "do the running pods carry the document from the repository?",
			"kubectl get pods -l app=web -o yaml >pods.yaml\n"
			"initdata-gen verify initdata.toml --annotation pods.yaml" },
	{ "is it the one that an attestation token names?",
			"initdata-gen verify initdata.toml --tee snp --value \"$claim\"" },
	OPT_EXAMPLE_END,
};

const struct opt_verb verify_verb = {
	.name = "verify",
	.summary = "compares a document with a digest, a claim, or what pods carry",
	.description = "Compares bytes and digests, never contents: two documents that say the same in other "
		       "bytes are "
		       "different to the hardware. Exit code 0: all is the same; 1: something differs, which "
		       "is "
		       "printed, or the comparison failed; 2: wrong use.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct verify),
	.run = run,
};
