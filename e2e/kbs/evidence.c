/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/evidence.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/appraisal.h"
#include "e2e/kbs/initdata_claims.h"
#include "kbs/binding.h"
#include "tee/verify.h"

#include <string.h>

#define HASH DIGEST_SHA384

/* One attestation on its way. */
struct work {
	const struct evidence_terms *terms;
	const struct kbs_attestation *attestation;
	struct initdata doc;
	unsigned char doc_digest[DIGEST_MAX];
	size_t doc_digest_len; /* 0: no document was sent */
	json_t *submods;
};

static int take_initdata(struct work *work, char shown[static EVIDENCE_DIGEST_MAX], struct err *err)
{
	char hex[DIGEST_HEX_MAX];

	shown[0] = '\0';
	if (!work->attestation->initdata)
		return 0;
	struct span text = span_of(work->attestation->initdata);
	if (initdata_accept(text, &work->doc, err) < 0)
		return -1;
	digest_bytes(work->doc.alg, text, work->doc_digest);
	work->doc_digest_len = digest_size(work->doc.alg);
	digest_hex(work->doc.alg, text, hex);
	snprintf(shown, EVIDENCE_DIGEST_MAX, "%s:%s", digest_name(work->doc.alg), hex);
	return 0;
}

/* What was hashed, as claims show it. */
static json_t *runtime_claims(const struct work *work, const char *additional)
{
	json_t *claims = json_object();

	if (additional && !work->terms->brief)
		json_object_set_new(claims, "additional-evidence", json_string(additional));
	json_object_set_new(claims, "nonce", json_string(work->terms->nonce));
	json_object_set(claims, "tee-pubkey", work->attestation->pubkey);
	return claims;
}

/* The verifier's claims, with those that are not the TEE's own a level higher. */
static json_t *annotate(const struct work *work, enum tee_kind kind, json_t *claims, const char *additional)
{
	json_t *annotated = json_object();
	json_t *initdata = json_object_get(claims, "init_data"),
	       *report = json_object_get(claims, "report_data");

	if (initdata) {
		json_object_set(annotated, "init_data", initdata);
		json_object_set_new(annotated, "init_data_claims",
				work->doc_digest_len ? initdata_claims(&work->doc) : json_null());
	}
	if (report) {
		json_object_set(annotated, "report_data", report);
		json_object_set_new(annotated, "runtime_data_claims", runtime_claims(work, additional));
	}
	json_object_del(claims, "init_data");
	json_object_del(claims, "report_data");
	json_object_set(annotated, tee_kind_name(kind), claims);
	return annotated;
}

static int put_submod(struct work *work, enum tee_kind kind, json_t *annotated, struct err *err)
{
	const char *class = tee_kind_class(kind);
	json_t *submod = NULL;
	char name[32];

	for (int number = 0;; number++) {
		snprintf(name, sizeof(name), "%s%d", class, number);
		if (!json_object_get(work->submods, name))
			break;
	}
	if (appraise(work->terms->appraiser, class, annotated, &submod, err) < 0)
		return -1;
	json_object_set_new(work->submods, name, submod);
	return 0;
}

/* additional NULL: of a device, or of the oldest protocols, whose primary evidence is bound like a device's. */
static int judge(struct work *work, enum tee_kind kind, const json_t *evidence, bool primary,
		const char *additional, struct err *err)
{
	unsigned char digest[DIGEST_MAX];
	struct span initdata = primary ? span_new(work->doc_digest, work->doc_digest_len) : SPAN_NONE;
	auto_json json_t *claims = NULL, *annotated = NULL;

	kbs_runtime_digest(HASH, work->terms->nonce, work->attestation->pubkey, additional, digest);
	if (evidence_verify(kind, evidence, span_new(digest, digest_size(HASH)), initdata, &claims, err) < 0)
		return err_wrap(err, "evidence of %s", tee_kind_name(kind));
	annotated = annotate(work, kind, claims, additional);
	return put_submod(work, kind, annotated, err);
}

static int judge_devices(struct work *work, struct err *err)
{
	auto_json json_t *devices = NULL, *sorted = NULL;
	const char *name;
	json_t *evidence;

	if (!*work->attestation->additional)
		return 0;
	if (json_read(span_of(work->attestation->additional), KBS_BODY_MAX, &devices, err) < 0)
		return err_wrap(err, "additional evidence");
	if (!json_is_object(devices) || json_object_size(devices) > EVIDENCE_DEVICES_MAX)
		return err_set(err, ERR_FORMAT, "additional evidence is no object of at most %d devices",
				EVIDENCE_DEVICES_MAX);
	sorted = appraisal_sorted(devices);
	json_object_foreach (sorted, name, evidence) {
		enum tee_kind kind = TEE_KIND_SAMPLE_DEVICE;
		if (tee_kind_find(span_of(name), &kind, err) < 0 ||
				judge(work, kind, evidence, false, NULL, err) < 0)
			return -1;
	}
	return 0;
}

int evidence_judge(const struct evidence_terms *terms, const struct kbs_attestation *attestation,
		json_t **submods, char initdata[static EVIDENCE_DIGEST_MAX], struct err *err)
{
	struct work work = { .terms = terms, .attestation = attestation, .submods = json_object() };
	const char *additional = attestation->version > KBS_0_2 ? attestation->additional : NULL;

	initdata_init(&work.doc);
	int status = take_initdata(&work, initdata, err);
	if (!status)
		status = judge(&work, terms->tee, attestation->evidence, true, additional, err);
	if (!status)
		status = judge_devices(&work, err);
	initdata_clear(&work.doc);
	if (!status)
		*submods = json_incref(work.submods);
	json_decref(work.submods);
	return status;
}
