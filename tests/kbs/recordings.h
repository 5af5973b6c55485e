/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recordings of the real broker (tests/vectors/kbs): recording_load("auth.json"), recording_exchange(doc, name), and
 * recording_each(), which calls a function for every exchange of every file.
 */
#ifndef COCOON_TESTS_KBS_RECORDINGS_H
#define COCOON_TESTS_KBS_RECORDINGS_H

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "jose/jwk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define RECORDING_MAX ((size_t)1024 * 1024)

static inline json_t *recording_load(const char *name)
{
	auto_free char *path = xasprintf("tests/vectors/kbs/%s", name);
	struct err err = ERR_NONE;
	json_t *doc = NULL;

	if (json_read_file(path, RECORDING_MAX, &doc, &err) < 0)
		fail_msg("%s", err.text);
	return doc;
}

static inline const json_t *recording_exchange(const json_t *doc, const char *name)
{
	size_t i = 0;
	json_t *entry = NULL;

	json_array_foreach (json_object_get(doc, "exchanges"), i, entry)
		if (!strcmp(json_text_at(entry, "name", NULL), name))
			return entry;
	fail_msg("no exchange '%s'", name);
	return NULL;
}

static inline const char *recorded_request(const json_t *exchange)
{
	const char *body = json_text_at(exchange, "request", "body", NULL);

	return body ? body : "";
}

static inline const char *recorded_answer(const json_t *exchange)
{
	const char *body = json_text_at(exchange, "response", "body", NULL);

	return body ? body : "";
}

static inline const char *recorded_target(const json_t *exchange)
{
	return json_text_at(exchange, "request", "target", NULL);
}

static inline int recorded_status(const json_t *exchange)
{
	return (int)json_integer_value(json_at(exchange, "response", "status", NULL));
}

/* A field of the answer, or NULL. */
static inline const char *recorded_field(const json_t *exchange, const char *name)
{
	size_t i = 0;
	json_t *field = NULL;

	json_array_foreach (json_object_get(json_object_get(exchange, "response"), "headers"), i, field)
		if (!strcasecmp(json_string_value(json_array_get(field, 0)), name))
			return json_string_value(json_array_get(field, 1));
	return NULL;
}

static inline void recording_each(void (*see)(void *ctx, const json_t *exchange), void *ctx)
{
	static const char *const files[] = { "auth.json", "attest-refused.json", "session-ec-p256.json",
		"session-other-keys.json", "session-init-data-and-devices.json", "resource-errors.json",
		"admin-open.json", "admin-authenticated.json" };
	size_t i = 0, k = 0;
	json_t *run = NULL, *entry = NULL;

	for (size_t n = 0; n < sizeof(files) / sizeof(files[0]); n++) {
		auto_json json_t *doc = recording_load(files[n]);
		json_array_foreach (json_object_get(doc, "exchanges"), i, entry)
			see(ctx, entry);
	}
	auto_json json_t *client = recording_load("client-kbs-client.json");
	json_array_foreach (json_object_get(client, "runs"), i, run)
		json_array_foreach (json_object_get(run, "exchanges"), k, entry)
			see(ctx, entry);
}

/* A private key of the recordings, from its JWK. */
static inline void recorded_key(const json_t *object, struct jwk *out)
{
	auto_free char *text = json_text(object, false);
	struct err err = ERR_NONE;

	if (jwk_parse(span_of(text), out, &err) < 0)
		fail_msg("%s", err.text);
}

#endif
