/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/judge.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "initdata/budget.h"
#include "initdata/carrier.h"
#include "initdata/document.h"
#include "initdata/kparams.h"

#include <string.h>

#define REASON_MAX        1000
#define reason(list, ...) json_array_append_new(list, json_line(REASON_MAX, __VA_ARGS__))

static bool any_glob(const json_t *globs, const char *text)
{
	size_t i;
	json_t *glob;

	json_array_foreach (globs, i, glob) {
		if (span_glob(span_of(json_string_value(glob)), span_of(text)))
			return true;
	}
	return false;
}

/* The document that the pod's annotation holds. */
static int read_document(const char *value, struct initdata *doc, struct err *err)
{
	struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	int done = initdata_annotation_parse(span_of(value), &toml, err);

	if (!done)
		done = initdata_parse(buf_span(&toml), doc, err);
	buf_clear(&toml);
	return done;
}

/* "sha256:<hex>" of a document under its own algorithm. */
static void document_digest(const struct initdata *doc, char *out, size_t cap)
{
	char hex[DIGEST_HEX_MAX];

	digest_hex(doc->alg, buf_span(&doc->text), hex);
	snprintf(out, cap, "%s:%s", digest_name(doc->alg), hex);
}

/* The kernel parameters that the pod must have, or -1 when its own do not go with the profile's. */
static int combined(
		const struct profile *profile, const struct pod_view *pod, struct buf *out, struct err *err)
{
	return kparams_combine(profile->kernel_params, span_of(pod_annotation(pod, KERNEL_PARAMS_ANNOTATION)),
			profile->allowed_kernel_keys, out, err);
}

static void want(json_t *wanted, const struct pod_view *pod, const char *key, const char *value)
{
	if (!pod_annotation(pod, key))
		json_object_set_new(wanted, key, json_string(value));
}

static void want_kernel_params(json_t *wanted, const struct profile *profile, const struct pod_view *pod)
{
	struct buf text = BUF_MAX(KPARAMS_TEXT_MAX);
	const char *now = pod_annotation(pod, KERNEL_PARAMS_ANNOTATION);

	if (!combined(profile, pod, &text, NULL) && text.len && (!now || strcmp(now, buf_text(&text)) != 0))
		json_object_set_new(wanted, KERNEL_PARAMS_ANNOTATION, json_string(buf_text(&text)));
	buf_clear(&text);
}

static void want_author_digest(json_t *wanted, const struct pod_view *pod)
{
	const char *value = pod_annotation(pod, INITDATA_ANNOTATION);
	auto_initdata struct initdata doc;
	char digest[16 + DIGEST_HEX_MAX];

	initdata_init(&doc);
	if (!value || read_document(value, &doc, NULL) < 0)
		return;
	document_digest(&doc, digest, sizeof(digest));
	want(wanted, pod, PROFILE_DIGEST_ANNOTATION, digest);
}

json_t *judge_wanted(
		const struct profile *profile, const struct catalog_class *class, const struct pod_view *pod)
{
	json_t *wanted = json_object();
	const char *key;
	json_t *value;

	if (profile->source == PROFILE_RENDERED && class_takes(class->caps, INITDATA_ANNOTATION)) {
		want(wanted, pod, INITDATA_ANNOTATION, profile->annotation);
		want(wanted, pod, PROFILE_DIGEST_ANNOTATION, profile->digest_text);
	}
	if (profile->source == PROFILE_AUTHOR)
		want_author_digest(wanted, pod);
	if (class->caps->forwards_kernel_params && class_takes(class->caps, KERNEL_PARAMS_ANNOTATION))
		want_kernel_params(wanted, profile, pod);
	json_object_foreach ((json_t *)(uintptr_t)profile->annotations, key, value) {
		if (class_takes(class->caps, key))
			want(wanted, pod, key, json_string_value(value));
	}
	if (profile->sets_handler)
		want(wanted, pod, RUNTIME_HANDLER_ANNOTATION, class->handler);
	want(wanted, pod, PROFILE_NAME_ANNOTATION, profile->name);
	return wanted;
}

static void judge_rendered(struct judge *j, const char *value)
{
	const struct profile *profile = j->profile;
	auto_initdata struct initdata doc;
	struct err why = ERR_NONE;

	initdata_init(&doc);
	if (j->fingerprint) {
		if (memcmp(j->fingerprint, profile->fingerprint, sizeof(profile->fingerprint)) != 0)
			reason(j->hard, "init-data is not that of profile '%s' (%s)", profile->name,
					profile->digest_text);
		return;
	}
	if (!value) {
		if (class_takes(j->class->caps, INITDATA_ANNOTATION))
			reason(j->hard,
					"annotation '" INITDATA_ANNOTATION
					"' is missing: the pod was not injected (its runtime "
					"class was set after injection, or the webhook was not called)");
		return;
	}
	if (!strcmp(value, profile->annotation))
		return;
	if (read_document(value, &doc, &why) < 0)
		reason(j->hard, "annotation '" INITDATA_ANNOTATION "': %s", why.text);
	else if (!span_eq(buf_span(&doc.text), buf_span(&profile->document)))
		reason(j->hard,
				"annotation '" INITDATA_ANNOTATION
				"' holds other init-data than profile '%s' (%s) gives: remove the "
				"annotation, or ask for a profile with source: Author",
				profile->name, profile->digest_text);
}

static bool digest_allowed(const json_t *allowed, const char *digest)
{
	const char *hex = strchr(digest, ':');
	size_t i;
	json_t *item;

	if (!allowed)
		return true;
	json_array_foreach (allowed, i, item) {
		if (hex && !strcmp(json_string_value(item), hex + 1))
			return true;
	}
	return false;
}

/*
 * The digest of a document of which the fingerprint alone was kept. Under another algorithm than sha256 only the
 * annotation knows it, which admission has compared with the document.
 */
static void fingerprint_digest(const unsigned char *fingerprint, const char *said, char *out, size_t cap)
{
	struct buf hex = BUF_MAX(DIGEST_HEX_MAX);

	hex_encode(&hex, span_new(fingerprint, sizeof(((struct profile *)NULL)->fingerprint)));
	if (said && strncmp(said, "sha256:", 7) != 0)
		snprintf(out, cap, "%s", said);
	else
		snprintf(out, cap, "sha256:%.64s", buf_text(&hex));
	buf_clear(&hex);
}

static void judge_author(struct judge *j, const char *value)
{
	auto_initdata struct initdata doc;
	struct err why = ERR_NONE;
	char digest[16 + DIGEST_HEX_MAX] = "";
	const char *said = pod_annotation(j->pod, PROFILE_DIGEST_ANNOTATION);

	initdata_init(&doc);
	if (j->fingerprint) {
		fingerprint_digest(j->fingerprint, said, digest, sizeof(digest));
	} else if (!value) {
		reason(j->hard,
				"annotation '" INITDATA_ANNOTATION
				"' is missing: profile '%s' has source: Author, so the pod brings "
				"its own (initdata-gen annotate)",
				j->profile->name);
		return;
	} else if (read_document(value, &doc, &why) < 0) {
		reason(j->hard, "annotation '" INITDATA_ANNOTATION "': %s", why.text);
		return;
	} else {
		document_digest(&doc, digest, sizeof(digest));
	}
	if (!digest_allowed(j->profile->allowed_digests, digest))
		reason(j->hard,
				"init-data with digest %s is not among spec.initData.allowedDigests of "
				"profile '%s'",
				digest, j->profile->name);
	if (said && strcmp(said, digest) != 0)
		reason(j->hard,
				"annotation '" PROFILE_DIGEST_ANNOTATION
				"' says %.150s, the init-data has %s",
				said, digest);
}

bool judge_fingerprint(const char *value, unsigned char out[static 32])
{
	struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	unsigned char sha256[DIGEST_MAX];
	bool read = initdata_annotation_parse(span_of(value), &toml, NULL) == 0;

	if (read)
		digest_bytes(DIGEST_SHA256, buf_span(&toml), sha256);
	buf_clear(&toml);
	if (read)
		memcpy(out, sha256, 32);
	return read;
}

/* Of a pod that runs: under which of the prepared policies it was made is known by its fingerprint alone. */
static void judge_generated(struct judge *j, const char *value, const char *said)
{
	if (!j->fingerprint && !value)
		reason(j->hard, "annotation '" INITDATA_ANNOTATION "' is missing: the pod was not injected");
	else if (!j->digest)
		reason(j->hard,
				"init-data is not what profile '%s' gives with any agent policy that is "
				"prepared in "
				"namespace '%.63s'",
				j->profile->name, j->pod->namespace);
	else if (said && strcmp(said, j->digest) != 0)
		reason(j->hard,
				"annotation '" PROFILE_DIGEST_ANNOTATION
				"' says %.150s, the init-data has %s",
				said, j->digest);
}

static void judge_init_data(struct judge *j)
{
	const char *value = pod_annotation(j->pod, INITDATA_ANNOTATION);
	const char *said = pod_annotation(j->pod, PROFILE_DIGEST_ANNOTATION);

	if (j->waits)
		return;
	if (j->profile->source == PROFILE_GENERATED) {
		judge_generated(j, value, said);
	} else if (j->profile->source == PROFILE_RENDERED) {
		judge_rendered(j, value);
		if (said && strcmp(said, j->profile->digest_text) != 0)
			reason(j->hard,
					"annotation '" PROFILE_DIGEST_ANNOTATION
					"' says %.150s, profile '%s' gives %s",
					said, j->profile->name, j->profile->digest_text);
	} else if (j->profile->source == PROFILE_AUTHOR) {
		judge_author(j, value);
	} else if (value || j->fingerprint) {
		reason(j->hard,
				"annotation '" INITDATA_ANNOTATION
				"': profile '%s' gives no init-data: remove it",
				j->profile->name);
	}
}

static void reason_not_taken(struct judge *j, const char *key)
{
	reason(j->soft, "annotation '%.120s': runtime class handler '%s' does not accept it: %s", key,
			j->class->handler,
			j->class->caps->otherwise == CLASS_FAILS ? "the sandbox would fail to start"
								 : "it would be ignored without a word");
}

static void judge_kernel_params(struct judge *j)
{
	const char *now = pod_annotation(j->pod, KERNEL_PARAMS_ANNOTATION);
	const struct class_caps *caps = j->class->caps;
	bool takes = class_takes(caps, KERNEL_PARAMS_ANNOTATION);
	struct buf text = BUF_MAX(KPARAMS_TEXT_MAX);
	struct err why = ERR_NONE;

	/* what a class does not do with the profile's own is a finding already */
	if (!now && (!j->profile->kernel_params || !caps->forwards_kernel_params || !takes))
		return;
	if (!caps->forwards_kernel_params)
		reason(j->soft,
				"annotation '" KERNEL_PARAMS_ANNOTATION
				"': runtime class handler '%s' never forwards kernel "
				"parameters to the guest: use init-data instead",
				j->class->handler);
	else if (!takes)
		reason_not_taken(j, KERNEL_PARAMS_ANNOTATION);
	else if (combined(j->profile, j->pod, &text, &why) < 0)
		reason(j->soft, "annotation '" KERNEL_PARAMS_ANNOTATION "': %s", why.text);
	else if (!now || strcmp(now, buf_text(&text)) != 0)
		reason(j->soft,
				"annotation '" KERNEL_PARAMS_ANNOTATION
				"' is '%.200s', profile '%s' demands '%.300s'",
				now ? now : "", j->profile->name, buf_text(&text));
	buf_clear(&text);
}

static void judge_own_annotation(struct judge *j, const char *key, const char *value)
{
	/* judged with the init-data, and with the images */
	if (!strcmp(key, PROFILE_DIGEST_ANNOTATION) || !strcmp(key, POD_IMAGES_ANNOTATION))
		return;
	if (strcmp(key, PROFILE_NAME_ANNOTATION) != 0)
		reason(j->soft, "annotation '%.100s': names below cocoon.dev/ are this product's: remove it",
				key);
	else if (strcmp(value, j->profile->name) != 0)
		reason(j->hard,
				"annotation '" PROFILE_NAME_ANNOTATION
				"' is '%.100s', but the pod gets profile '%s': a pod cannot "
				"name its profile, remove the annotation",
				value, j->profile->name);
}

static void judge_handler(struct judge *j, const char *value)
{
	if (strcmp(value, j->class->handler) != 0)
		reason(j->soft,
				"annotation '" RUNTIME_HANDLER_ANNOTATION
				"' is '%.100s', runtime class '%s' has handler '%s': "
				"remove the annotation",
				value, j->pod->runtime_class, j->class->handler);
}

static void judge_annotation(struct judge *j, const char *key, const char *value)
{
	const char *ours = json_string_value(json_object_get(j->profile->annotations, key));
	bool allowed = any_glob(j->profile->allowed_annotations, key);

	if (!pod_annotation_is_protected(key) || !strcmp(key, INITDATA_ANNOTATION) ||
			!strcmp(key, KERNEL_PARAMS_ANNOTATION))
		return;
	if (span_starts(span_of(key), "cocoon.dev/")) {
		judge_own_annotation(j, key, value);
	} else if (!strcmp(key, RUNTIME_HANDLER_ANNOTATION)) {
		judge_handler(j, value);
	} else if (ours && strcmp(ours, value) != 0 && !(j->profile->keep && allowed)) {
		reason(j->soft,
				"annotation '%.120s' is '%.100s', profile '%s' sets '%.100s': remove the "
				"annotation",
				key, value, j->profile->name, ours);
	} else if (!ours && !allowed) {
		reason(j->soft,
				"annotation '%.120s' is foreign: profile '%s' neither sets nor allows it: "
				"remove it",
				key, j->profile->name);
	} else if (!ours && !class_takes(j->class->caps, key)) {
		reason_not_taken(j, key);
	}
}

static void judge_missing(struct judge *j)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)j->profile->annotations, key, value) {
		if (!pod_annotation(j->pod, key) && class_takes(j->class->caps, key))
			reason(j->soft, "annotation '%.120s' of profile '%s' is missing", key,
					j->profile->name);
	}
	if (j->profile->sets_handler && !pod_annotation(j->pod, RUNTIME_HANDLER_ANNOTATION))
		reason(j->soft, "annotation '" RUNTIME_HANDLER_ANNOTATION "' of profile '%s' is missing",
				j->profile->name);
}

void judge_pod(struct judge *j)
{
	struct err why = ERR_NONE;
	const char *key;
	json_t *value;

	profile_class_findings(j->profile, j->class->caps, j->class->handler, j->soft);
	judge_init_data(j);
	judge_kernel_params(j);
	json_object_foreach ((json_t *)(uintptr_t)j->pod->annotations, key, value)
		judge_annotation(j, key, json_string_value(value));
	judge_missing(j);
	if (j->pod->gate >= 0 && j->pod->node)
		reason(j->hard,
				"spec.nodeName: a pod that waits at gate '" POD_GATE
				"' cannot be bound to node '%.100s' already: leave the choice of the node to "
				"the "
				"scheduler",
				j->pod->node);
	if (annotations_check(annotations_size(j->pod->annotations), &why) < 0)
		reason(j->hard, "metadata.annotations: %s", why.text);
}
