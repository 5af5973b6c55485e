/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/report.h"

#include "base/b64.h"
#include "base/hex.h"
#include "codec/json.h"
#include "initdata/carrier.h"
#include "initdata/check.h"
#include "initdata/tee.h"

#include <string.h>

#define FORM_MAX 1024

static json_t *buf_json(const struct buf *text)
{
	return json_stringn(buf_text(text), text->len);
}

static json_t *digest_json(enum digest_alg alg, struct span text)
{
	auto_buf struct buf hex = BUF_MAX(FORM_MAX), b64 = BUF_MAX(FORM_MAX);
	unsigned char digest[DIGEST_MAX];
	json_t *object = json_object();

	digest_bytes(alg, text, digest);
	hex_encode(&hex, span_new(digest, digest_size(alg)));
	b64_encode(&b64, span_new(digest, digest_size(alg)));
	json_object_set_new(object, "hex", buf_json(&hex));
	json_object_set_new(object, "base64", buf_json(&b64));
	return object;
}

static json_t *tee_json(enum tee tee, enum digest_alg alg, const unsigned char *digest)
{
	const struct tee_info *info = tee_info(tee);
	const char *warning = tee_warning(tee, alg);
	auto_buf struct buf hex = BUF_MAX(FORM_MAX), b64 = BUF_MAX(FORM_MAX);
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(info->name));
	json_object_set_new(object, "field", json_string(info->field));
	if (tee_form_text(tee, alg, digest, TEE_HEX, &hex, NULL) == 0 &&
			tee_form_text(tee, alg, digest, TEE_B64, &b64, NULL) == 0) {
		json_object_set_new(object, "hex", buf_json(&hex));
		json_object_set_new(object, "base64", buf_json(&b64));
		json_object_set_new(object, "claim", buf_json(info->claim == TEE_B64 ? &b64 : &hex));
	}
	if (*info->remark)
		json_object_set_new(object, "remark", json_string(info->remark));
	if (warning)
		json_object_set_new(object, "warning", json_string(warning));
	return object;
}

json_t *report_findings(const struct initdata *doc)
{
	json_t *findings = json_array();

	initdata_check_entries(doc->data, findings);
	return findings;
}

json_t *report_json(const struct initdata *doc, const json_t *warnings)
{
	static const enum digest_alg algs[] = { DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };
	auto_buf struct buf value = BUF_MAX(INITDATA_IMAGE_MAX);
	json_t *object = json_object(), *digests = json_object(), *tees = json_array();
	unsigned char digest[DIGEST_MAX];

	json_object_set_new(object, "version", doc->version ? json_string(doc->version) : json_null());
	json_object_set_new(object, "algorithm", doc->algorithm ? json_string(doc->algorithm) : json_null());
	json_object_set_new(object, "bytes", json_integer((json_int_t)doc->text.len));
	if (initdata_annotation_format(buf_span(&doc->text), &value, NULL) == 0)
		json_object_set_new(object, "annotationBytes", json_integer((json_int_t)value.len));
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		json_object_set_new(
				digests, digest_name(algs[i]), digest_json(algs[i], buf_span(&doc->text)));
	json_object_set_new(object, "digests", digests);
	if (doc->hashed)
		digest_bytes(doc->alg, buf_span(&doc->text), digest);
	for (int i = 0; doc->hashed && i < TEE_COUNT; i++)
		json_array_append_new(tees, tee_json((enum tee)i, doc->alg, digest));
	json_object_set_new(object, "tees", tees);
	json_object_set_new(object, "warnings", warnings ? json_deep_copy(warnings) : json_array());
	json_object_set_new(object, "findings", report_findings(doc));
	return object;
}

static void tee_line(enum tee tee, enum digest_alg alg, const unsigned char *digest, struct buf *out)
{
	const struct tee_info *info = tee_info(tee);
	const char *warning = tee_warning(tee, alg);
	auto_buf struct buf form = BUF_MAX(FORM_MAX);

	if (tee_form_text(tee, alg, digest, info->claim, &form, NULL) == 0)
		buf_printf(out, "%-10s %s (%s)\n", info->name, buf_text(&form), info->field);
	else
		buf_printf(out, "%-10s - (%s)\n", info->name, info->field);
	if (*info->remark)
		buf_printf(out, "           %s\n", info->remark);
	if (warning)
		buf_printf(out, "           warning: %s\n", warning);
}

void report_digests(const struct initdata *doc, struct buf *out)
{
	unsigned char digest[DIGEST_MAX];
	char hex[DIGEST_HEX_MAX];

	if (!doc->hashed) {
		buf_puts(out,
				"digest     none: the document's algorithm is not one of sha256, sha384, "
				"sha512\n");
		return;
	}
	digest_bytes(doc->alg, buf_span(&doc->text), digest);
	digest_hex(doc->alg, buf_span(&doc->text), hex);
	buf_printf(out, "digest     %s:%s\nbase64     ", digest_name(doc->alg), hex);
	b64_encode(out, span_new(digest, digest_size(doc->alg)));
	buf_putc(out, '\n');
	for (int i = 0; i < TEE_COUNT; i++)
		tee_line((enum tee)i, doc->alg, digest, out);
}
