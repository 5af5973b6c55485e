/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/bundle.h"

#include "base/b64.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "base/span.h"
#include "codec/json.h"
#include "initdata/bundle_own.h"
#include "initdata/tee.h"

#include <string.h>
#include <time.h>

#define NAME_MAX_BYTES 253

/* Evidence stands in the token under these names (specification of evidence, 1). */
const struct bundle_kind bundle_kinds[BUNDLE_KINDS] = {
	{ "snp", TEE_SNP },
	{ "tdx", TEE_TDX },
	{ "sgx", TEE_SGX },
	{ "cca", TEE_CCA },
	{ "se", TEE_SE },
	{ "az-snp-vtpm", TEE_VTPM },
	{ "az-tdx-vtpm", TEE_VTPM },
	{ "tpm", TEE_VTPM },
	{ "sample", TEE_SAMPLE },
};

bool bundle_form(const struct bundle_document *document, enum tee tee, struct buf *out)
{
	return tee_form_text(tee, document->alg, document->digest, tee_info(tee)->claim, out, NULL) == 0;
}

json_t *bundle_forms(const struct bundle *bundle, const struct bundle_kind *kind)
{
	json_t *forms = json_array();

	/* nobody has verified it */
	if (kind->tee == TEE_SAMPLE && !bundle->allow_sample)
		return forms;
	for (size_t i = 0; i < bundle->document_count; i++) {
		auto_buf struct buf form = BUF_MAX(BUNDLE_FORM_MAX);
		if (bundle_form(&bundle->documents[i], kind->tee, &form))
			json_array_append_new(forms, json_stringn(buf_text(&form), form.len));
	}
	return forms;
}

/* ---- checks ---- */

/* A part of a resource's path, as the broker takes it. */
static bool is_part(struct span part)
{
	if (!part.len || part.ptr[0] == '.' || part.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < part.len; i++) {
		unsigned char c = (unsigned char)part.ptr[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
				c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

static int check_resource(const char *resource, struct err *err)
{
	struct span rest = span_of(resource), part;
	size_t count = 0, empty = 0;

	while (span_next(&rest, '/', &part)) {
		count++;
		empty += part.len == 0;
		if (part.len && !is_part(part))
			count = 99;
	}
	bool all = span_ends(span_of(resource), "/");
	if ((all && ((count == 3 && empty == 1) || (count == 2 && empty == 0))) ||
			(!all && count == 3 && empty == 0))
		return 0;
	return err_set(err, ERR_FORMAT,
			"resource '%s': write repository/type/tag, or repository/type/ for all of its tags",
			resource);
}

int bundle_check(const struct bundle *bundle, struct err *err)
{
	size_t len = strlen(bundle->name);

	if (!len || len > NAME_MAX_BYTES || !is_part(span_of(bundle->name)))
		return err_set(err, ERR_FORMAT, "name '%.300s': 1 to %d letters, digits, '-', '_' and '.'",
				bundle->name, NAME_MAX_BYTES);
	if (!bundle->document_count || bundle->document_count > BUNDLE_DOCUMENTS_MAX)
		return err_set(err, ERR_LIMIT, "%zu documents: 1 to %d make a bundle", bundle->document_count,
				BUNDLE_DOCUMENTS_MAX);
	if (bundle->resource_count > BUNDLE_RESOURCES_MAX || bundle->value_count > BUNDLE_VALUES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d resources, or %d reference values",
				BUNDLE_RESOURCES_MAX, BUNDLE_VALUES_MAX);
	for (size_t i = 0; i < bundle->document_count; i++)
		if (!span_is_utf8(span_of(bundle->documents[i].workload)))
			return err_set(err, ERR_FORMAT, "the name of document %zu is no UTF-8", i + 1);
	for (size_t i = 0; i < bundle->resource_count; i++)
		if (check_resource(bundle->resources[i], err) < 0)
			return -1;
	for (size_t i = 0; i < bundle->value_count; i++)
		if (bundle_value_check(bundle->values[i], err) < 0)
			return -1;
	if (bundle->not_before < 0 || bundle->not_after < 0 ||
			(bundle->not_after && bundle->not_after <= bundle->not_before))
		return err_set(err, ERR_FORMAT, "the validity ends before it begins");
	return 0;
}

/* ---- the manifest ---- */

static json_t *forms_of(const struct bundle_document *document)
{
	json_t *out = json_object();

	for (size_t i = 0; i < BUNDLE_KINDS; i++) {
		auto_buf struct buf form = BUF_MAX(BUNDLE_FORM_MAX);
		if (bundle_form(document, bundle_kinds[i].tee, &form))
			json_object_set_new(
					out, bundle_kinds[i].name, json_stringn(buf_text(&form), form.len));
	}
	return out;
}

static json_t *document_of(const struct bundle_document *document)
{
	auto_buf struct buf hex = BUF_MAX(DIGEST_HEX_MAX);

	hex_encode(&hex, span_new(document->digest, digest_size(document->alg)));
	json_t *out = json_pack("{s:s,s:s,s:s,s:o}", "workload", document->workload, "algorithm",
			digest_name(document->alg), "digest", buf_text(&hex), "forms", forms_of(document));
	if (document->rules_sha256)
		json_object_set_new(out, "rulesSha256", json_string(document->rules_sha256));
	if (document->images)
		json_object_set(out, "images", (json_t *)(uintptr_t)document->images);
	if (document->kernel_params)
		json_object_set_new(out, "kernelParams", json_string(document->kernel_params));
	return out;
}

static void set_time(json_t *object, const char *key, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	char text[32];

	if (!seconds || !gmtime_r(&time, &parts))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	json_object_set_new(object, key, json_string(text));
}

json_t *bundle_manifest(const struct bundle *bundle)
{
	json_t *documents = json_array(), *resources = json_array();

	for (size_t i = 0; i < bundle->document_count; i++)
		json_array_append_new(documents, document_of(&bundle->documents[i]));
	for (size_t i = 0; i < bundle->resource_count; i++)
		json_array_append_new(resources, json_string(bundle->resources[i]));
	json_t *out = json_pack("{s:i,s:s,s:s,s:o,s:o,s:s,s:b}", "bundle", 1, "tool", bundle->tool, "name",
			bundle->name, "documents", documents, "resources", resources, "trust",
			bundle->trust == BUNDLE_AFFIRMING ? "affirming" : "any", "allowSample",
			bundle->allow_sample);
	set_time(out, "notBefore", bundle->not_before);
	set_time(out, "notAfter", bundle->not_after);
	return out;
}
