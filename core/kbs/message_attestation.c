/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/message.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "kbs/binding.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------- */

/* null, absent, or {"format":"toml","body":"…"} */
static int read_initdata(const json_t *root, struct kbs_attestation *out, struct err *err)
{
	json_t *object = NULL;
	const char *format = NULL, *body = NULL;

	if (json_opt_object(root, "", "init-data", &object, err) < 0)
		return -1;
	if (!object)
		return 0;
	if (json_get_text(object, "init-data", "format", &format, err) < 0 ||
			json_get_text(object, "init-data", "body", &body, err) < 0)
		return -1;
	if (strcmp(format, "toml") != 0)
		return err_set(err, ERR_FORMAT, "init-data.format is '%s'; toml is what there is", format);
	out->initdata = xstrdup(body);
	return 0;
}

static int read_pubkey(const json_t *parent, const char *path, struct kbs_attestation *out, struct err *err)
{
	json_t *sent = NULL;

	if (json_get_object(parent, path, "tee-pubkey", &sent, err) < 0)
		return -1;
	return kbs_tee_pubkey_read(sent, &out->pubkey, err);
}

static int read_runtime(const json_t *root, struct kbs_attestation *out, struct err *err)
{
	json_t *runtime = NULL;
	const char *nonce = NULL;

	if (out->version < KBS_0_4)
		return read_pubkey(root, "", out, err);
	if (json_get_object(root, "", "runtime-data", &runtime, err) < 0 ||
			json_get_text(runtime, "runtime-data", "nonce", &nonce, err) < 0)
		return -1;
	if (strlen(nonce) >= KBS_NONCE_MAX)
		return err_set(err, ERR_LIMIT, "runtime-data.nonce exceeds %d bytes", KBS_NONCE_MAX - 1);
	out->nonce = xstrdup(nonce);
	return read_pubkey(runtime, "runtime-data", out, err);
}

static int read_evidence(const json_t *root, struct kbs_attestation *out, struct err *err)
{
	json_t *both = NULL;
	const char *additional = "";
	json_t *evidence = json_object_get(root, "tee-evidence");

	if (out->version > KBS_0_2) {
		if (json_get_object(root, "", "tee-evidence", &both, err) < 0 ||
				json_get_text(both, "tee-evidence", "additional_evidence", &additional, err) <
						0)
			return -1;
		evidence = json_object_get(both, "primary_evidence");
	}
	if (!evidence)
		return err_set(err, ERR_FORMAT, "%s is missing",
				both ? "tee-evidence.primary_evidence" : "tee-evidence");
	out->evidence = json_incref(evidence);
	out->additional = xstrdup(additional);
	return 0;
}

int kbs_attestation_parse(
		struct span body, enum kbs_version version, struct kbs_attestation *out, struct err *err)
{
	auto_json json_t *root = NULL;
	auto_kbs_attestation struct kbs_attestation read = KBS_ATTESTATION_NONE;

	read.version = version;
	if (json_read(body, KBS_BODY_MAX, &root, err) < 0)
		return -1;
	if (version == KBS_0_4 && read_initdata(root, &read, err) < 0)
		return -1;
	if (read_runtime(root, &read, err) < 0 || read_evidence(root, &read, err) < 0)
		return -1;
	*out = read;
	read = (struct kbs_attestation)KBS_ATTESTATION_NONE;
	return 0;
}

void kbs_attestation_clear(struct kbs_attestation *attestation)
{
	free(attestation->initdata);
	free(attestation->nonce);
	free(attestation->additional);
	json_decref(attestation->pubkey);
	json_decref(attestation->evidence);
	*attestation = (struct kbs_attestation)KBS_ATTESTATION_NONE;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static json_t *make_evidence(const struct kbs_attestation *attestation)
{
	if (attestation->version < KBS_0_3)
		return json_incref(attestation->evidence);
	return json_pack("{s:O, s:s}", "primary_evidence", attestation->evidence, "additional_evidence",
			attestation->additional ? attestation->additional : "");
}

static json_t *make_body(const struct kbs_attestation *attestation)
{
	json_t *initdata = NULL;

	if (attestation->version < KBS_0_4)
		return json_pack("{s:O, s:o}", "tee-pubkey", attestation->pubkey, "tee-evidence",
				make_evidence(attestation));
	if (attestation->initdata)
		initdata = json_pack("{s:s, s:s}", "format", "toml", "body", attestation->initdata);
	else
		initdata = json_null();
	return json_pack("{s:o, s:{s:s, s:O}, s:o}", "init-data", initdata, "runtime-data", "nonce",
			attestation->nonce, "tee-pubkey", attestation->pubkey, "tee-evidence",
			make_evidence(attestation));
}

void kbs_attestation_format(const struct kbs_attestation *attestation, struct buf *out)
{
	auto_json json_t *body = make_body(attestation);
	auto_free char *text = json_text(body, false);

	buf_puts(out, text);
}
