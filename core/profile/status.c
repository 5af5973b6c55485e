/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/status.h"

#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "initdata/tee.h"
#include "kube/condition.h"

#include <string.h>

static void form_text(enum tee tee, enum digest_alg alg, const unsigned char *digest,
		enum tee_encoding encoding, const char *key, json_t *form)
{
	struct buf text = BUF_MAX(1024);
	struct err why = ERR_NONE;

	if (tee_form_text(tee, alg, digest, encoding, &text, &why) == 0)
		json_object_set_new(form, key, json_string(buf_text(&text)));
	else
		json_object_set_new(form, "remark", json_string(why.text));
	buf_clear(&text);
}

json_t *profile_tee_forms(enum digest_alg alg, const unsigned char *digest)
{
	json_t *forms = json_array();

	for (unsigned i = 0; i < TEE_COUNT; i++) {
		enum tee tee = (enum tee)i;
		const struct tee_info *info = tee_info(tee);
		const char *warning = tee_warning(tee, alg);
		json_t *form = json_pack("{s:s, s:s}", "tee", info->name, "field", info->field);
		if (info->remark[0] || warning)
			json_object_set_new(form, "remark",
					json_sprintf("%s%s%s", warning ? warning : "",
							warning && info->remark[0] ? "; " : "",
							info->remark));
		form_text(tee, alg, digest, TEE_HEX, "hex", form);
		form_text(tee, alg, digest, TEE_B64, "base64", form);
		json_array_append_new(forms, form);
	}
	return forms;
}

static void condition(const struct status_facts *f, json_t *list, const char *type, bool holds,
		const char *reason, const char *message)
{
	condition_add(list, f->resource, f->before, f->now, type, holds, reason, message);
}

static bool supported(const struct status_facts *f, struct buf *why)
{
	auto_json json_t *classes = catalog_classes_of(f->catalog, f->profile);
	auto_json json_t *findings = json_array();
	size_t i;
	json_t *item;

	json_array_foreach (classes, i, item) {
		struct catalog_class class;
		if (catalog_find_class(f->catalog, json_string_value(item), &class) && class.caps)
			profile_class_findings(f->profile, class.caps, class.handler, findings);
	}
	json_array_foreach (findings, i, item)
		buf_printf(why, "%s%s", i ? "; " : "", json_string_value(item));
	if (!json_array_size(findings))
		buf_printf(why, "%zu confidential runtime classes do what the profile asks",
				json_array_size(classes));
	return !json_array_size(findings);
}

static void replica_condition(const struct status_facts *f, json_t *list)
{
	struct buf text = BUF_MAX(CONDITION_MESSAGE_MAX);
	size_t i;
	json_t *name;

	json_array_foreach (f->replicas_differ, i, name)
		buf_printf(&text, "%s%s", i ? ", " : "other profiles or policies in force at replica ",
				json_string_value(name));
	condition(f, list, "ReplicasAgree", !text.len, text.len ? "Differ" : "Same",
			text.len ? buf_text(&text)
				 : "all webhook replicas have the same profiles and policies in force");
	buf_clear(&text);
}

static json_t *conditions(const struct status_facts *f)
{
	json_t *list = json_array();
	struct buf text = BUF_MAX(CONDITION_MESSAGE_MAX);
	bool compiled = f->profile && !f->problem;

	condition(f, list, "Compiled", compiled, compiled ? "Compiled" : "Invalid",
			f->problem                   ? f->problem
					: f->profile ? "the profile compiles"
						     : "the profile cannot be read");
	if (f->profile) {
		bool fits = supported(f, &text);
		condition(f, list, "Supported", fits, fits ? "Supported" : "NotSupported", buf_text(&text));
	}
	condition(f, list, "Admission", f->admission, f->admission ? "Registered" : "NotRegistered",
			f->admission ? "the webhook's registration covers all confidential runtime classes"
					: f->admission_problem[0]
					? f->admission_problem
					: "the webhook's registration is being written");
	replica_condition(f, list);
	buf_reset(&text);
	if (!compiled)
		buf_printf(&text, "%s%s",
				f->profile && !f->profile->broken ? "the last good form stays in force; "
								  : "",
				f->problem ? f->problem : "the profile cannot be read");
	else
		buf_printf(&text, "%s%s", f->admission ? "in force" : "see condition Admission",
				f->profile->source != PROFILE_GENERATED ? ""
									: "; generated per workload, each "
									  "with a digest of its own: kubectl "
									  "get agentpolicies -A");
	condition(f, list, "Ready", compiled && f->admission,
			!compiled                      ? "Invalid"
					: f->admission ? "Ready"
						       : "NotRegistered",
			buf_text(&text));
	buf_clear(&text);
	return list;
}

json_t *profile_status(const struct status_facts *f)
{
	json_int_t generation = json_integer_value(json_at(f->resource, "metadata", "generation", NULL));
	json_t *status = json_pack("{s:I, s:o, s:{s:I, s:I, s:I, s:I}, s:O}", "observedGeneration",
			generation, "conditions", conditions(f), "pods", "injected", (json_int_t)f->injected,
			"gated", (json_int_t)f->gated, "drifted", (json_int_t)f->drifted, "unprotected",
			(json_int_t)f->unprotected, "driftedPods", f->drifted_pods);
	const struct profile *p = f->profile;
	bool document = p && p->source == PROFILE_RENDERED && !p->broken;

	/* null takes a member away in a merge patch: a profile that gives no document any more shows none */
	json_object_set_new(status, "digest", document ? json_string(p->digest_text) : json_null());
	json_object_set_new(status, "documentBytes",
			document ? json_integer((json_int_t)p->document.len) : json_null());
	json_object_set_new(status, "annotationBytes",
			document ? json_integer((json_int_t)strlen(p->annotation)) : json_null());
	json_object_set_new(
			status, "teeForms", document ? profile_tee_forms(p->alg, p->digest) : json_null());
	return status;
}
