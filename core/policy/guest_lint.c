/* SPDX-License-Identifier: Apache-2.0 */
/* A policy.json looked at for people: the document and its scopes (image-trust.md, 2.1, 6). */
#include "base/closest.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/guest_own.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FINDINGS_KEPT 500
#define MESSAGE_MAX   1024
#define PATH_LEN_MAX  512

void guest_find(json_t *findings, const char *level, const char *path, const char *fmt, ...)
{
	char text[MESSAGE_MAX], at[PATH_LEN_MAX];
	va_list args;

	if (json_array_size(findings) >= FINDINGS_KEPT)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(at, sizeof(at), "%s", path);
	span_tidy(text, strlen(text));
	span_tidy(at, strlen(at));
	json_array_append_new(
			findings, json_pack("{s:s,s:s,s:s}", "level", level, "path", at, "message", text));
}

/* ---- lists of requirements ---- */

static bool is_lax(const json_t *list)
{
	const json_t *requirement;
	size_t i;

	json_array_foreach (list, i, requirement) {
		const char *type = json_text_at(requirement, "type", NULL);

		if (!type || strcmp(type, "insecureAcceptAnything") != 0)
			return false;
	}
	return true;
}

static void lint_list(const json_t *list, const char *path, json_t *findings)
{
	char at[PATH_LEN_MAX];
	json_t *requirement;
	size_t i;

	if (!json_is_array(list))
		return;
	if (!json_array_size(list))
		guest_find(findings, "warning", path,
				"an empty array allows every image in the guest, while podman refuses the "
				"file; write "
				"insecureAcceptAnything or reject");
	json_array_foreach (list, i, requirement) {
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		guest_lint_requirement(requirement, at, findings);
	}
}

/* ---- scopes ---- */

static bool is_host(struct span text)
{
	size_t colon = span_find(text, ':');
	uint64_t port;

	if (colon < text.len && !span_number(span_from(text, colon + 1), 65535, &port))
		return false;
	return text.len &&
			(colon < text.len || span_find(text, '.') < text.len || span_is(text, "localhost"));
}

static void lint_wildcard(const char *scope, const char *path, json_t *findings)
{
	struct span rest = span_from(span_of(scope), 2);

	if (!span_starts(span_of(scope), "*.") || !rest.len || strpbrk(rest.ptr, "*/:@"))
		guest_find(findings, "error", path,
				"this scope is never hit: a wildcard is \"*.\" and the end of a host's name, "
				"without "
				"port or path");
}

/* A scope with a tag or a digest is compared with the whole reference, in the guest's canonical form. */
static void lint_reference(const char *scope, const char *path, json_t *findings)
{
	const char *name = strrchr(scope, '/');
	char whole[OCI_NAME_MAX];
	struct oci_name parsed;
	struct err err = ERR_NONE;

	if (guest_reference(scope, &parsed, &err) < 0) {
		guest_find(findings, "error", path, "this scope is never hit: %s", err.text);
		return;
	}
	oci_name_format(&parsed, whole);
	if (!strchr(name, ':') && !strchr(name, '@')) {
		/* host/path: of docker.io, one part is a namespace, not the official image */
		if (!is_host(span_new(scope, strcspn(scope, "/"))))
			guest_find(findings, "error", path,
					"this scope is never hit: the guest looks names up with their host, "
					"as in "
					"docker.io/%s",
					scope);
	} else if (strcmp(whole, scope) != 0) {
		guest_find(findings, "error", path,
				"this scope is never hit: the guest writes this name '%s'; write it so",
				whole);
	} else if (!parsed.digest[0]) {
		guest_find(findings, "warning", path,
				"a scope with a tag is hit by this very reference alone: one with a digest "
				"behind the "
				"tag, as a pinned image has it, is judged by another scope");
	} else {
		guest_find(findings, "warning", path,
				"a scope with a digest is hit by this very reference alone, not by the same "
				"image "
				"under a tag");
	}
}

static void lint_scope(const char *scope, const char *path, json_t *findings)
{
	if (!*scope)
		return;
	if (strchr(scope, '*'))
		lint_wildcard(scope, path, findings);
	else if (strchr(scope, '/'))
		lint_reference(scope, path, findings);
	else if (!is_host(span_of(scope)))
		guest_find(findings, "error", path,
				"this scope is never hit: it is neither a host nor host/path "
				"(docker.io/library/… of a "
				"name without host)");
}

/* ---- the document ---- */

static void lint_docker(json_t *scopes, bool strict, json_t *findings)
{
	char path[PATH_LEN_MAX];
	const char *scope;
	json_t *list;

	json_object_foreach (scopes, scope, list) {
		snprintf(path, sizeof(path), "transports.docker[\"%.300s\"]", scope);
		lint_scope(scope, path, findings);
		lint_list(list, path, findings);
		/* the guest judges the name after mirrors and remaps */
		if (strict && json_is_array(list) && is_lax(list))
			guest_find(findings, "warning", path,
					"everything is accepted here, while other scopes demand something: "
					"an image of "
					"theirs that the registry configuration maps to this scope, as a "
					"mirror, is "
					"not checked");
	}
}

static void lint_transports(json_t *transports, bool strict, json_t *findings)
{
	char path[PATH_LEN_MAX];
	const char *transport;
	json_t *scopes;

	json_object_foreach (transports, transport, scopes) {
		snprintf(path, sizeof(path), "transports.%.300s", transport);
		if (strcmp(transport, "docker") == 0)
			lint_docker(scopes, strict, findings);
		else
			guest_find(findings, "warning", path,
					"the guest ignores this transport: it looks at docker alone");
	}
}

static bool is_strict_anywhere(json_t *json)
{
	json_t *docker = json_object_get(json_object_get(json, "transports"), "docker"), *list;
	bool strict = !is_lax(json_object_get(json, "default"));
	const char *scope;

	json_object_foreach (docker, scope, list)
		strict |= json_is_array(list) && !is_lax(list);
	return strict;
}

static void lint_document(json_t *json, json_t *findings)
{
	static const char *const known[] = { "default", "transports", NULL };
	json_t *fallback = json_object_get(json, "default"), *value;
	const char *key;

	json_object_foreach (json, key, value) {
		const char *meant = closest_word(key, known);

		if (strcmp(key, "default") != 0 && strcmp(key, "transports") != 0)
			guest_find(findings, "warning", key, "the guest ignores this member%s%s%s",
					meant ? ": was '" : "", meant ? meant : "", meant ? "' meant?" : "");
	}
	if (json_array_size(fallback) && is_lax(fallback))
		guest_find(findings, "warning", "default",
				"images that no scope names are accepted unchecked; [{\"type\":\"reject\"}] "
				"refuses them");
	lint_list(fallback, "default", findings);
	lint_transports(json_object_get(json, "transports"), is_strict_anywhere(json), findings);
}

void guest_policy_lint(struct span text, json_t *findings)
{
	auto_guest_policy struct guest_policy policy = { .json = NULL };
	auto_json json_t *json = NULL;
	struct err err = ERR_NONE;

	/* first, so that it is there whatever else is found */
	if (guest_policy_parse(text, &policy, &err) < 0)
		guest_find(findings, "error", "",
				"the guest refuses every image (Invalid image policy file): %s", err.text);
	if (json_read(text, GUEST_POLICY_MAX, &json, NULL) == 0 && json_is_object(json))
		lint_document(json, findings);
}
