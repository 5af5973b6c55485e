/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/admission.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define GROUPS_MAX  1024
#define API_VERSION "admission.k8s.io/v1"
#define CUT         "..."

static const char *const operation_names[] = {
	[ADMISSION_CREATE] = "CREATE",
	[ADMISSION_UPDATE] = "UPDATE",
	[ADMISSION_DELETE] = "DELETE",
	[ADMISSION_CONNECT] = "CONNECT",
};
#define OPERATIONS (sizeof(operation_names) / sizeof(operation_names[0]))

const char *admission_operation_name(enum admission_operation operation)
{
	assert((size_t)operation < OPERATIONS);
	return operation_names[operation];
}

/* ---- request --------------------------------------------------------------------------------------------- */

static int read_operation(const json_t *request, enum admission_operation *out, struct err *err)
{
	const char *text = NULL;

	if (json_get_text(request, "request", "operation", &text, err) < 0)
		return -1;
	for (size_t i = 0; i < OPERATIONS; i++) {
		if (!strcmp(text, operation_names[i])) {
			*out = (enum admission_operation)i;
			return 0;
		}
	}
	return err_set(err, ERR_FORMAT, "request.operation: '%.40s' is not CREATE, UPDATE, DELETE or CONNECT",
			text);
}

/* {"group":"apps","version":"v1","kind":"Deployment"} → "apps/v1/Deployment" */
static int read_triple(const json_t *request, const char *key, const char *last, char *out, size_t size,
		struct err *err)
{
	json_t *triple = NULL;
	const char *group = "", *version = NULL, *name = NULL;
	char path[32];

	snprintf(path, sizeof(path), "request.%s", key);
	if (json_get_object(request, "request", key, &triple, err) < 0 ||
			json_opt_text(triple, path, "group", &group, err) < 0 ||
			json_get_text(triple, path, "version", &version, err) < 0 ||
			json_get_text(triple, path, last, &name, err) < 0)
		return -1;
	int len = snprintf(out, size, "%s%s%s/%s", group, *group ? "/" : "", version, name);
	if (len < 0 || (size_t)len >= size)
		return err_set(err, ERR_LIMIT, "%s: exceeds %zu bytes", path, size - 1);
	return 0;
}

static int read_user(const json_t *request, struct admission_request *out, struct err *err)
{
	json_t *user = NULL, *groups = NULL;

	if (json_opt_object(request, "request", "userInfo", &user, err) < 0)
		return -1;
	if (!user)
		return 0;
	if (json_opt_text(user, "request.userInfo", "username", &out->user, err) < 0 ||
			json_opt_texts(user, "request.userInfo", "groups", GROUPS_MAX, &groups, err) < 0)
		return -1;
	out->groups = groups;
	return 0;
}

/* CREATE and CONNECT bring an object, UPDATE both, DELETE the old one. */
static int check_objects(const struct admission_request *request, struct err *err)
{
	enum admission_operation op = request->operation;

	if (!request->object && (op == ADMISSION_CREATE || op == ADMISSION_UPDATE))
		return err_set(err, ERR_FORMAT, "request.object: missing at %s", operation_names[op]);
	if (!request->old_object && op == ADMISSION_UPDATE)
		return err_set(err, ERR_FORMAT, "request.oldObject: missing at %s", operation_names[op]);
	return 0;
}

static int read_request(const json_t *request, struct admission_request *out, struct err *err)
{
	out->namespace = out->name = out->subresource = out->user = "";
	if (read_operation(request, &out->operation, err) < 0 ||
			read_triple(request, "kind", "kind", out->kind, sizeof(out->kind), err) < 0 ||
			read_triple(request, "resource", "resource", out->resource, sizeof(out->resource),
					err) < 0 ||
			json_opt_text(request, "request", "subResource", &out->subresource, err) < 0 ||
			json_opt_text(request, "request", "namespace", &out->namespace, err) < 0 ||
			json_opt_text(request, "request", "name", &out->name, err) < 0 ||
			json_opt_bool(request, "request", "dryRun", &out->dry_run, err) < 0 ||
			json_opt_object(request, "request", "object", &out->object, err) < 0 ||
			json_opt_object(request, "request", "oldObject", &out->old_object, err) < 0 ||
			read_user(request, out, err) < 0)
		return -1;
	return check_objects(out, err);
}

static int expect_text(const json_t *review, const char *key, const char *wanted, struct err *err)
{
	const char *text = NULL;

	if (json_get_text(review, "", key, &text, err) < 0)
		return -1;
	if (strcmp(text, wanted) != 0)
		return err_set(err, ERR_FORMAT, "%s: is '%.80s', must be '%s'", key, text, wanted);
	return 0;
}

int admission_parse(struct span body, struct admission_request *out, struct err *err)
{
	json_t *request = NULL;
	const char *uid = NULL;

	/* half of a pod can be this record of who wrote what, which no decision looks at */
	static const char *const skip[] = { "managedFields", NULL };

	if (json_read_without(body, ADMISSION_MAX, skip, &out->review, err) < 0 ||
			expect_text(out->review, "apiVersion", API_VERSION, err) < 0 ||
			expect_text(out->review, "kind", "AdmissionReview", err) < 0 ||
			json_get_object(out->review, "", "request", &request, err) < 0 ||
			json_get_text(request, "request", "uid", &uid, err) < 0)
		return err_wrap(err, "reading the admission review");
	if (!*uid || strlen(uid) > ADMISSION_UID_MAX)
		return err_set(err, ERR_FORMAT, "request.uid: must be 1 to %d bytes", ADMISSION_UID_MAX);
	out->uid = uid;
	if (read_request(request, out, err) < 0)
		return err_wrap(err, "reading the admission review");
	return 0;
}

void admission_clear(struct admission_request *request)
{
	json_decref(request->review);
	*request = (struct admission_request)ADMISSION_REQUEST_NONE;
}

/* ---- response -------------------------------------------------------------------------------------------- */

/* Text as JSON takes it: each byte that is not UTF-8 becomes '?', and control characters spaces where asked. */
static json_t *clean_text(const char *text, bool one_line)
{
	struct span rest = span_of(text);
	auto_free char *copy = xmemdup0(text, rest.len);

	for (size_t step = 0; rest.len; rest = span_from(rest, step)) {
		char *at = copy + (rest.ptr - text);
		step = span_utf8_step(rest);
		if (!step) {
			*at = '?';
			step = 1;
		} else if (one_line && step == 1 && ((unsigned char)*at < ' ' || *at == 0x7f)) {
			*at = ' ';
		}
	}
	json_t *value = json_string(copy);
	assert(value);
	return value;
}

/* The text cut to at most max bytes, the mark of the cut among them. */
static json_t *cut_text(json_t *text, size_t max)
{
	const char *all = json_string_value(text);
	size_t keep = max - strlen(CUT);

	if (json_string_length(text) <= max)
		return text;
	while (keep && ((unsigned char)all[keep] & 0xc0) == 0x80)
		keep--;
	auto_free char *cut = xasprintf("%.*s" CUT, (int)keep, all);
	json_decref(text);
	return json_string(cut);
}

static void add_warnings(json_t *response, const json_t *warnings)
{
	size_t left = ADMISSION_WARNINGS_MAX, i = 0;
	json_t *warning = NULL, *kept = json_array();

	json_array_foreach (warnings, i, warning) {
		size_t most = left < ADMISSION_WARNING_MAX ? left : ADMISSION_WARNING_MAX;
		if (!json_is_string(warning) || most <= strlen(CUT))
			continue;
		json_t *text = cut_text(clean_text(json_string_value(warning), true), most);
		left -= json_string_length(text);
		json_array_append_new(kept, text);
	}
	if (json_array_size(kept))
		json_object_set(response, "warnings", kept);
	json_decref(kept);
}

static void add_annotations(json_t *response, const json_t *annotations)
{
	auto_json json_t *walked = json_deep_copy(annotations);
	json_t *value = NULL, *kept = json_object();
	const char *key = NULL;

	json_object_foreach (walked, key, value)
		if (json_is_string(value))
			json_object_set_new(kept, key, clean_text(json_string_value(value), false));
	json_object_set_new(response, "auditAnnotations", kept);
}

static void add_status(json_t *response, const struct admission_response *from)
{
	json_t *status = json_object();

	if (!from->allowed)
		json_object_set_new(status, "code", json_integer(from->code ? from->code : 403));
	if (from->reason)
		json_object_set_new(status, "reason", clean_text(from->reason, true));
	if (from->message)
		json_object_set_new(status, "message", clean_text(from->message, false));
	json_object_set_new(response, "status", status);
}

/*
 * Writes the review, and into its response, which ends it, the patch: base64 needs no escapes, so it need not go
 * through the writer that looks for them in every byte.
 */
static void put_review(const json_t *review, const json_t *patch, struct buf *out)
{
	static const char end[] = "}}";
	auto_free char *text = json_text(review, false);
	size_t len = strlen(text) - (sizeof(end) - 1);

	assert(!strcmp(text + len, end));
	buf_add(out, text, len);
	if (patch) {
		auto_free char *operations = json_text(patch, false);
		buf_puts(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
		b64_encode(out, span_of(operations));
		buf_putc(out, '"');
	}
	buf_puts(out, end);
}

int admission_format(const char *uid, const struct admission_response *from, struct buf *out, struct err *err)
{
	json_t *response = json_object();
	auto_json json_t *review = json_pack("{s:s, s:s, s:o}", "apiVersion", API_VERSION, "kind",
			"AdmissionReview", "response", response);

	assert(review);
	json_object_set_new(response, "uid", clean_text(uid, false));
	json_object_set_new(response, "allowed", json_boolean(from->allowed));
	if (!from->allowed || from->message)
		add_status(response, from);
	add_warnings(response, from->warnings);
	if (json_object_size(from->annotations))
		add_annotations(response, from->annotations);
	put_review(review, from->allowed && json_array_size(from->patch) ? from->patch : NULL, out);
	return buf_check(out, "the admission response", err);
}
