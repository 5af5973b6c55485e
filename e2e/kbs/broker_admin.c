/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/admin_auth.h"
#include "e2e/kbs/appraisal.h"
#include "e2e/kbs/broker_own.h"
#include "e2e/kbs/references.h"
#include "e2e/kbs/rego.h"
#include "e2e/kbs/store.h"

#include <string.h>
#include <sys/stat.h>

#define INTERNAL     "Plugin internal error"
#define SET_FAILED   "Attestation error: Set Attestation Policy failed"
#define RVPS_FAILED  "RVPS configuration failed: "
#define NOT_A_STRING "`policy` field is not a string in SetPolicy Request Json"

/* Who asks, for the audit log; the texts live as long as the errand. */
struct admin_words {
	char role[ADMIN_ROLE_MAX];
	char *uri, *what;
};

static void words_clear(struct admin_words *words)
{
	free(words->uri);
	free(words->what);
}
#define auto_words __attribute__((cleanup(words_clear)))

/*
 * False, and the reply says why, for who is no administrator and where that cannot be written down. plugin: it is one
 * that asks, which answers otherwise.
 */
static bool is_admin(struct errand *errand, bool plugin, struct admin_words *words)
{
	const struct server_request *request = errand->request;
	struct err err = ERR_NONE;

	words->uri = xasprintf(
			"%s%s%.*s", request->path, request->query.len ? "?" : "", SPAN_ARG(request->query));
	words->what = xasprintf("%s %s", request->method, errand->path);
	errand->audit.event = "administration";
	errand->audit.resource = words->what;
	int status = admin_auth_check(errand->broker->admin, request->authorization, words->uri,
			broker_now(errand->broker), words->role, &err);
	errand->audit.role = words->role;
	/* what comes of it is for the log: the decision was who may */
	if (status == 0)
		return errand_record(errand, plugin ? KBS_PLUGIN_INTERNAL_ERROR : KBS_ADMIN_AUTH_ACCESS,
				       INTERNAL) == 0;
	auto_free char *detail = plugin
			? xasprintf("failed to initialize [admin] configuration: %s", err.text)
			: xasprintf("admin access denied for endpoint %.*s: %s", SPAN_ARG(errand->plugin),
					  err.text);
	errand_fail(errand, plugin ? KBS_ADMIN_AUTH_INITIALIZATION : KBS_ADMIN_AUTH_ACCESS, detail, &err);
	return false;
}

static void done(struct errand *errand, const char *type)
{
	errand->broker->counts[COUNT_CHANGED]++;
	errand_succeed(errand, type);
}

/* ---- resources ---------------------------------------------------------------------------------------------- */

void errand_change(struct errand *errand)
{
	auto_words struct admin_words words = { .uri = NULL };
	struct store *store = errand->broker->store;
	bool put = strcmp(errand->request->method, "POST") == 0;
	struct err err = ERR_NONE;

	if (!is_admin(errand, true, &words))
		return;
	int status = resource_check(errand->rest, &err);
	if (!status && put)
		status = store_put(store, STORE_RESOURCES, errand->rest.ptr, errand->request->body, &err);
	else if (!status)
		status = store_delete(store, STORE_RESOURCES, errand->rest.ptr, &err);
	if (status < 0)
		errand_fail(errand, KBS_PLUGIN_INTERNAL_ERROR, INTERNAL, &err);
	else
		done(errand, "text/xml");
}

int broker_put(struct broker *broker, const char *pair, struct err *err)
{
	const char *equals = strchr(pair, '=');
	auto_wiped_buf struct buf content = BUF_MAX(STORE_VALUE_MAX);
	struct stat file;

	auto_free char *path = xmemdup0(pair, equals ? (size_t)(equals - pair) : 0);
	if (!equals || !equals[1] || resource_check(span_of(path), NULL) < 0)
		return err_set(err, ERR_USAGE, "not of the form REPOSITORY/TYPE/TAG=FILE");
	/* its room at once, as what grows leaves pieces behind */
	if (stat(equals + 1, &file) == 0 && S_ISREG(file.st_mode) &&
			(uintmax_t)file.st_size < STORE_VALUE_MAX)
		(void)buf_room(&content, (size_t)file.st_size + 1);
	if (fs_read(equals + 1, &content, err) < 0)
		return -1;
	return store_put(broker->store, STORE_RESOURCES, path, buf_span(&content), err);
}

/* ---- policies ----------------------------------------------------------------------------------------------- */

/* Appends the Rego of a request's "policy": base64url without padding. */
static int read_policy(const json_t *request, struct buf *rego, struct err *err)
{
	const json_t *text = json_object_get(request, "policy");
	struct span encoded = span_new(json_string_value(text), json_string_length(text));

	if (!json_is_string(text))
		return err_set(err, ERR_FORMAT, NOT_A_STRING);
	if (span_find(encoded, '=') < encoded.len)
		return err_set(err, ERR_FORMAT, "Failed to decode policy: Invalid padding");
	if (b64url_decode(encoded, rego, err) < 0)
		return err_wrap(err, "Failed to decode policy");
	return 0;
}

static void set_resource_policy(struct errand *errand)
{
	auto_buf struct buf rego = BUF_MAX(REGO_TEXT_MAX);
	auto_json json_t *request = NULL;
	struct err err = ERR_NONE;

	if (json_read(errand->request->body, KBS_BODY_MAX, &request, &err) < 0 ||
			read_policy(request, &rego, &err) < 0) {
		auto_free char *detail = xasprintf("Failed to parse policy: %s", err.text);
		errand_fail(errand, KBS_PARSE_POLICY_ERROR, detail, &err);
		return;
	}
	if (release_set(errand->broker->release, buf_span(&rego), &err) < 0) {
		auto_free char *detail =
				xasprintf("Policy engine error: Failed to load policy: %s", err.text);
		errand_fail(errand, KBS_POLICY_ENGINE_ERROR, detail, &err);
		return;
	}
	done(errand, NULL);
}

void errand_resource_policy(struct errand *errand)
{
	auto_words struct admin_words words = { .uri = NULL };

	if (!is_admin(errand, false, &words))
		return;
	if (strcmp(errand->request->method, "POST") == 0) {
		set_resource_policy(errand);
		return;
	}
	errand_succeed(errand, "application/json");
	buf_puts(&errand->reply->body, "[\"resource-policy\"]");
}

static int set_attestation_policy(struct errand *errand, struct err *err)
{
	auto_buf struct buf rego = BUF_MAX(REGO_TEXT_MAX);
	auto_json json_t *request = NULL;
	const char *id = NULL;

	if (json_read(errand->request->body, KBS_BODY_MAX, &request, err) < 0 ||
			json_get_text(request, "", "policy_id", &id, err) < 0 ||
			read_policy(request, &rego, err) < 0)
		return -1;
	return appraiser_set(errand->broker->appraiser, id, buf_span(&rego), err);
}

void errand_attestation_policy(struct errand *errand)
{
	auto_words struct admin_words words = { .uri = NULL };
	struct err err = ERR_NONE;

	if (!is_admin(errand, false, &words))
		return;
	if (set_attestation_policy(errand, &err) == 0) {
		done(errand, NULL);
		return;
	}
	/* the real service never lacks its engine, so that no client reads this */
	auto_free char *detail = err.kind == ERR_NOT_FOUND ? xasprintf(SET_FAILED ": %s", err.text)
							   : xstrdup(SET_FAILED);
	errand_fail(errand, KBS_ATTESTATION_ERROR, detail, &err);
}

/* ---- reference values --------------------------------------------------------------------------------------- */

static void get_reference_value(struct errand *errand)
{
	const char *name = errand->rest.ptr ? errand->rest.ptr : "";
	const json_t *value = json_object_get(references_all(errand->broker->references), name);
	struct err err = ERR_NONE;

	if (!value) {
		err_set(&err, ERR_NOT_FOUND, "No reference value found for the given id: %s", name);
		auto_free char *detail =
				xasprintf(RVPS_FAILED "Failed to get reference_values: %s", err.text);
		errand_fail(errand, KBS_RVPS_ERROR, detail, &err);
		return;
	}
	auto_free char *text = json_text(value, false);
	errand_succeed(errand, "application/json");
	buf_puts(&errand->reply->body, text);
}

void errand_reference_value(struct errand *errand)
{
	static const char failed[] =
			RVPS_FAILED "Failed to register reference value: register reference value";
	auto_words struct admin_words words = { .uri = NULL };
	struct err err = ERR_NONE;

	if (!is_admin(errand, false, &words))
		return;
	if (strcmp(errand->request->method, "GET") == 0) {
		get_reference_value(errand);
		return;
	}
	if (references_register(errand->broker->references, errand->request->body, &err) < 0)
		errand_fail(errand, KBS_RVPS_ERROR, failed, &err);
	else
		done(errand, "application/json");
}
